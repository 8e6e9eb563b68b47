// SPDX-License-Identifier: GPL-2.0
//! What can happen next to the mirror.

use md_model::{
    geometry::stripe::Row,
    mirror::{
        component::{
            is_read,
            step,
            Event,
            State, //
        },
        options::ReadPolicy,
        read::choose,
        side::SideState,
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
    BLOCK_SECTORS,
    SECTORS, //
};
use crate::{
    coverage::Point,
    violation::Violation, //
};

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
            0..12 => self.request(),
            12..22 => self.read()?,
            22..32 => self.record(),
            32..40 => self.clean(),
            40..45 => self.resync(),
            45..48 => self.catch_up(),
            48..53 => self.administrate(),
            _ => self.go_on()?,
        }
        self.check_equal()
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
        self.requests.push(request);
    }

    /// A request that waits begins, if nothing is in its way.
    fn start(&mut self, request: &mut Request) {
        if request.wanted == Wanted::Flush {
            self.issue(request);
            return;
        }
        if self.rules.exclusion {
            match self.claim(&request.blocks) {
                Some(claims) => request.claims = claims,
                None => {
                    self.coverage.hit(Point::MirrorWaits);
                    return;
                }
            }
        }
        request.stage = Stage::Claimed;
    }

    /// A write has claimed its blocks: it goes out if its regions are open.
    fn look(&mut self, request: &mut Request, version: u32) {
        let regions = self.regions_of(&request.blocks);
        if regions & !self.open != 0 {
            self.want(regions & !self.open);
            if self.rules.mark_before_write {
                self.retract(&mut request.claims);
                request.stage = Stage::Waits;
                return;
            }
        }
        self.recent |= regions;
        self.wanted &= !regions;
        for block in request.blocks.clone() {
            self.blocks[block].log.push(version);
            self.blocks[block].answered = None;
            self.blocks[block].is_written = true;
        }
        self.issue(request);
    }

    /// Sends a request to every component that is in service.
    fn issue(&mut self, request: &mut Request) {
        request.stage = Stage::Runs;
        request.failed.clear();
        for (side, index) in self.places() {
            if !self.is_target((side, index)) {
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

    /// A request or a copy goes on.
    pub(super) fn go_on(&mut self) -> Result<(), Violation> {
        let index = self.random.below(self.requests.len() + self.copies.len());
        if index < self.requests.len() {
            self.go_on_with(index);
        } else if index - self.requests.len() < self.copies.len() {
            self.go_on_copying(index - self.requests.len())?;
        }
        Ok(())
    }

    fn go_on_with(&mut self, index: usize) {
        let mut request = self.requests.swap_remove(index);
        match (request.stage, request.wanted) {
            (Stage::Waits, _) => self.start(&mut request),
            (Stage::Claimed, Wanted::Write(version)) => self.look(&mut request, version),
            (Stage::Claimed, Wanted::Flush) => {}
            (Stage::Runs, _) if request.in_flight.is_empty() => {
                if self.settle(&mut request) {
                    return;
                }
            }
            (Stage::Runs, _) => self.end(&mut request),
            (Stage::Records, _) if self.is_excused() => {
                self.acknowledge(&mut request);
                return;
            }
            (Stage::Records, _) => {}
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
                has && self.is_target((side, index))
            })
        });
        if request.failed.is_empty() && is_somewhere {
            request.stage = Stage::Records;
            return false;
        }
        self.coverage.hit(Point::MirrorFailedCaller);
        if request.wanted != Wanted::Flush && self.rules.failed_writes {
            // Some sides have it and others not, and all of them are read.
            self.uncertain |= self.regions_of(&request.blocks);
            self.plan.abandon();
        }
        self.retract(&mut request.claims);
        true
    }

    /// A caller is told that its request is done.
    fn acknowledge(&mut self, request: &mut Request) {
        self.retract(&mut request.claims);
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
        if self.uncertain & self.bit_of(block) != 0 && self.rules.copy_on_read {
            self.read_and_copy(block);
            return Ok(());
        }
        let readable = self.readable(block).into_iter();
        let mut candidates = readable.fold(0, |all, (side, _)| all | side_bit(side as u32));
        self.turn = self.turn.wrapping_add(1);
        let policies = [
            ReadPolicy::RoundRobin,
            ReadPolicy::Geometric,
            ReadPolicy::First,
            ReadPolicy::Hedged,
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
            self.check_read(block, version)?;
            return self.pin(block, version, true);
        }
        self.coverage.hit(Point::MirrorUnavailable);
        Ok(())
    }

    fn place_of(&self, side: usize, block: usize) -> Place {
        let mut components = self.sides[side].iter();
        let index = components.position(|component| component.blocks.contains(&block));
        (side, index.unwrap_or(0))
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
        if is_read(self.memory.states[side][index]) {
            for block in self.sides[side][index].blocks.clone() {
                let promised = &mut self.blocks[block];
                promised.acknowledged = promised.durable.min(promised.acknowledged);
            }
        }
    }

    /// Something happened to a component; whether its state has changed.
    pub(super) fn change(&mut self, place: Place, event: Event) -> bool {
        let (side, index) = place;
        let before = self.memory.states[side][index];
        let after = step(before, event, self.has_other_source(place));
        self.memory.states[side][index] = after;
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
            (State::LastErred, State::Erred, _) => self.coverage.hit(Point::MirrorLastNoMore),
            (State::LastErred, ..) => self.coverage.hit(Point::MirrorLastAgain),
            (State::Erred, State::Erred, _) => self.coverage.hit(Point::MirrorErredAgain),
            (State::Resyncing, State::Erred, _) => self.coverage.hit(Point::MirrorResyncFailed),
            (State::Okay | State::Erred | State::Resyncing, ..) => {}
        }
        if after != before {
            self.plan.abandon();
        }
        after != before
    }

    pub(super) fn has_other_source(&self, (own, index): Place) -> bool {
        let rows: Vec<Vec<Row>> = self
            .sides
            .iter()
            .map(|side| (0..).zip(side).map(|(index, one)| one.row(index)).collect())
            .collect();
        let sources: Vec<Vec<bool>> = (0..self.sides.len())
            .map(|side| {
                let indices = 0..self.sides[side].len();
                indices.map(|index| self.is_source((side, index))).collect()
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

    /// Whether a component has everything, also after a power cut: what it was given may be in its
    /// cache as long as it is remembered to be behind.
    fn is_source(&self, (side, index): Place) -> bool {
        self.sides[side][index].is_there
            && self.memory.states[side][index] == State::Okay
            && self.memory.sides[side] == SideState::Okay
            && self.memory.behind[side] & self.touched((side, index)) == 0
    }
}
