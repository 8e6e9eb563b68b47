// SPDX-License-Identifier: GPL-2.0
//! What can happen next to the mirror.

use md_model::{
    geometry::stripe::Row,
    mirror::{
        component::{
            is_read,
            is_written,
            step,
            Event,
            State, //
        },
        exclusion::claims,
        options::ReadPolicy,
        read::choose,
        side_bit,
        source::{
            has_other_source,
            Side, //
        },
    },
};

use super::{
    request::{
        Place,
        Request,
        Stage,
        Wanted, //
    },
    Mirror,
    BLOCKS,
    BLOCK_SECTORS, //
};
use crate::{
    coverage::Point,
    violation::Violation, //
};

/// Sectors of the mirror.
const SECTORS: u64 = BLOCKS as u64 * BLOCK_SECTORS;

/// Most requests at a time.
const REQUESTS: usize = 4;

impl Mirror {
    /// One step.
    pub(super) fn step(&mut self) -> Result<(), Violation> {
        if self.random.per_mille(self.cut_rate) {
            return self.cut_power();
        }
        if self.random.per_mille(self.death_rate) {
            self.die();
        }
        match self.random.below(100) {
            0..15 => self.request(),
            15..30 => self.read()?,
            30..40 => self.record(),
            _ => self.go_on(),
        }
        Ok(())
    }

    /// A caller writes, or flushes.
    fn request(&mut self) {
        if self.requests.len() >= REQUESTS {
            return;
        }
        let first = self.random.below(BLOCKS);
        let count = 1 + self.random.below(3).min(BLOCKS - first - 1);
        let is_flush = self.random.per_mille(250);
        self.versions += 1;
        let mut request = Request {
            wanted: if is_flush {
                Wanted::Flush
            } else {
                Wanted::Write(self.versions)
            },
            blocks: first..first + count,
            stage: Stage::Waits,
            claims: Vec::new(),
            in_flight: Vec::new(),
            failed: Vec::new(),
            acknowledged: [0; BLOCKS],
        };
        for (own, block) in request.acknowledged.iter_mut().zip(&self.blocks) {
            *own = block.acknowledged;
        }
        self.start(&mut request);
        self.requests.push(request);
    }

    /// A request that waits begins, if nothing is in its way.
    fn start(&mut self, request: &mut Request) {
        if let Wanted::Write(version) = request.wanted {
            if self.rules.exclusion && !self.claim(request) {
                self.coverage.hit(Point::MirrorWaits);
                return;
            }
            for block in request.blocks.clone() {
                self.blocks[block].log.push(version);
            }
        }
        self.issue(request);
    }

    /// Claims the blocks of a write, all or none.
    fn claim(&mut self, request: &mut Request) -> bool {
        let start = request.blocks.start as u64 * BLOCK_SECTORS;
        let count = request.blocks.len() as u64 * BLOCK_SECTORS;
        for claim in claims(start, count) {
            let word = self.words.entry(claim.bucket).or_default();
            match claim.admit(*word) {
                Some(admitted) => {
                    *word = admitted;
                    request.claims.push(claim);
                }
                None => {
                    self.retract(request);
                    return false;
                }
            }
        }
        true
    }

    fn retract(&mut self, request: &mut Request) {
        for claim in request.claims.drain(..) {
            if let Some(word) = self.words.get_mut(&claim.bucket) {
                *word -= claim.retract();
            }
        }
    }

    /// Sends a request to every component that is in service.
    fn issue(&mut self, request: &mut Request) {
        request.stage = Stage::Runs;
        request.failed.clear();
        for (side, index) in self.places() {
            if !is_written(self.states[side][index]) {
                continue;
            }
            match request.wanted {
                Wanted::Flush if self.rules.flush_all_sides || side == 0 => {
                    request.in_flight.push(((side, index), 0));
                }
                Wanted::Flush => {}
                Wanted::Write(_) => {
                    let own = self.sides[side][index].blocks.clone();
                    for block in request.blocks.clone().filter(|block| own.contains(block)) {
                        request.in_flight.push(((side, index), block));
                    }
                }
            }
        }
    }

    /// A request goes on.
    fn go_on(&mut self) {
        if self.requests.is_empty() {
            return;
        }
        let index = self.random.below(self.requests.len());
        let mut request = self.requests.swap_remove(index);
        match request.stage {
            Stage::Waits => self.start(&mut request),
            Stage::Runs if request.in_flight.is_empty() => {
                if self.settle(&mut request) {
                    return;
                }
            }
            Stage::Runs => self.end(&mut request),
            Stage::Records if self.recorded == self.states || !self.rules.record_first => {
                self.acknowledge(&mut request);
                return;
            }
            Stage::Records => {}
        }
        self.requests.push(request);
    }

    /// Something that is in flight ends.
    fn end(&mut self, request: &mut Request) {
        let index = self.random.below(request.in_flight.len());
        let (place, block) = request.in_flight.swap_remove(index);
        let fails = self.random.per_mille(self.error_rate);
        let lands = !fails || self.random.per_mille(500);
        let component = self.component(place);
        let is_there = component.is_there;
        match request.wanted {
            Wanted::Write(version) if lands && is_there => component.write(block, version),
            Wanted::Flush if !fails && is_there => component.flush(),
            Wanted::Write(_) | Wanted::Flush => {}
        }
        if (fails || !is_there) && !request.failed.contains(&place) {
            request.failed.push(place);
        }
    }

    /// All of a request has returned: judges the failures. Returns whether it has ended.
    fn settle(&mut self, request: &mut Request) -> bool {
        let mut has_changed = false;
        for place in request.failed.clone() {
            has_changed |= self.change(place, Event::WriteFailed);
        }
        if has_changed {
            self.issue(request);
            return false;
        }
        let is_somewhere = request.blocks.clone().all(|block| {
            let mut places = self.places().into_iter();
            places.any(|(side, index)| {
                let has = self.sides[side][index].blocks.contains(&block);
                has && is_written(self.states[side][index])
            })
        });
        if request.failed.is_empty() && is_somewhere {
            request.stage = Stage::Records;
            return false;
        }
        self.coverage.hit(Point::MirrorFailedCaller);
        self.retract(request);
        true
    }

    /// A caller is told that its request is done.
    fn acknowledge(&mut self, request: &mut Request) {
        self.retract(request);
        match request.wanted {
            Wanted::Write(version) => {
                self.coverage.hit(Point::MirrorWrite);
                for block in request.blocks.clone() {
                    let promised = &mut self.blocks[block];
                    let index = promised.log.iter().position(|other| *other == version);
                    promised.acknowledged = promised.acknowledged.max(index.unwrap_or(0));
                }
            }
            Wanted::Flush => {
                self.coverage.hit(Point::MirrorFlush);
                for (promised, acknowledged) in self.blocks.iter_mut().zip(request.acknowledged) {
                    promised.durable = promised.durable.max(acknowledged);
                }
            }
        }
    }

    /// A caller reads a block.
    fn read(&mut self) -> Result<(), Violation> {
        let block = self.random.below(BLOCKS);
        let mut candidates = 0;
        for (side, index) in self.places() {
            let component = &self.sides[side][index];
            let has = component.is_there && component.blocks.contains(&block);
            if has && is_read(self.states[side][index]) {
                candidates |= side_bit(side as u32);
            }
        }
        self.turn = self.turn.wrapping_add(1);
        let policies = [
            ReadPolicy::RoundRobin,
            ReadPolicy::Geometric,
            ReadPolicy::First,
        ];
        let policy = self.random.one_of(&policies).unwrap_or(ReadPolicy::First);
        let sector = block as u64 * BLOCK_SECTORS;
        while let Some(side) = choose(policy, candidates, self.turn, sector, SECTORS) {
            let place = self.place_of(side as usize, block);
            if self.random.per_mille(self.error_rate) {
                self.change(place, Event::ReadFailed);
                self.coverage.hit(Point::MirrorReadElsewhere);
                candidates &= !side_bit(side);
                continue;
            }
            self.coverage.hit(Point::MirrorRead);
            let version = self.component(place).read(block);
            return self.check_read(block, version);
        }
        self.coverage.hit(Point::MirrorUnavailable);
        Ok(())
    }

    fn place_of(&self, side: usize, block: usize) -> Place {
        let mut components = self.sides[side].iter();
        let index = components.position(|component| component.blocks.contains(&block));
        (side, index.unwrap_or(0))
    }

    /// The states are recorded, or that begins.
    fn record(&mut self) {
        match self.recording.take() {
            Some(states) => self.recorded = states,
            None if self.recorded != self.states => self.recording = Some(self.states.clone()),
            None => {}
        }
    }

    /// A disk dies.
    fn die(&mut self) {
        let places = self.places();
        let Some(place) = self.random.one_of(&places) else {
            return;
        };
        let (side, index) = place;
        if !self.sides[side][index].is_there {
            return;
        }
        let component = &mut self.sides[side][index];
        component.cut(&mut self.random);
        component.is_there = false;
        self.gone(place);
    }

    /// The device of a component is gone. If it stays in service, since nobody else has all of
    /// its blocks, what it had not flushed is lost with it.
    pub(super) fn gone(&mut self, place: Place) {
        self.change(place, Event::DeviceGone);
        let (side, index) = place;
        if is_read(self.states[side][index]) {
            for block in self.sides[side][index].blocks.clone() {
                let promised = &mut self.blocks[block];
                promised.acknowledged = promised.durable.min(promised.acknowledged);
            }
        }
    }

    /// Something happened to a component; whether its state has changed.
    fn change(&mut self, place: Place, event: Event) -> bool {
        let (side, index) = place;
        let before = self.states[side][index];
        let after = step(before, event, self.has_other_source(place));
        self.states[side][index] = after;
        match (before, after, event) {
            (State::Okay, State::Erred, Event::DeviceGone) => {
                self.coverage.hit(Point::MirrorErredGone);
            }
            (State::Okay, State::Erred, _) => self.coverage.hit(Point::MirrorErredWrite),
            (State::Okay, State::LastErred, Event::ReadFailed) => {
                self.coverage.hit(Point::MirrorLastRead);
            }
            (State::Okay, State::LastErred, Event::DeviceGone) => {
                self.coverage.hit(Point::MirrorLastGone);
            }
            (State::Okay, State::LastErred, _) => self.coverage.hit(Point::MirrorLastWrite),
            (State::LastErred, ..) => self.coverage.hit(Point::MirrorLastAgain),
            (State::Erred, ..) => self.coverage.hit(Point::MirrorErredAgain),
            (State::Okay, State::Okay, _) => {}
        }
        after != before
    }

    fn has_other_source(&self, (own, index): Place) -> bool {
        let rows: Vec<Vec<Row>> = self
            .sides
            .iter()
            .map(|side| (0..).zip(side).map(|(index, one)| one.row(index)).collect())
            .collect();
        let sources: Vec<Vec<bool>> = self
            .sides
            .iter()
            .zip(&self.states)
            .map(|(side, states)| {
                let is_source = |(one, state): (&super::Component, &State)| {
                    one.is_there && *state == State::Okay
                };
                side.iter().zip(states).map(is_source).collect()
            })
            .collect();
        let asks: Vec<_> = sources
            .iter()
            .map(|side| move |index: u32| side.get(index as usize).copied().unwrap_or(false))
            .collect();
        let others = (0..self.sides.len()).filter(|side| *side != own);
        let others = others.map(|side| Side {
            rows: &rows[side],
            is_source: &asks[side],
        });
        has_other_source(&rows[own], index as u32, SECTORS, others)
    }
}
