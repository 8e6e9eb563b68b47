// SPDX-License-Identifier: GPL-2.0
//! Blocks that are copied from one side to others (`DURABILITY.md` clauses 10 and 11): before a
//! read is answered where the sides may differ, and region by region by the resync.
//!
//! A copy claims its blocks like a write. It is read from the first side that can be read, and
//! written to those that may lack it.

use std::ops::Range;

use md_model::mirror::{
    component::{
        is_written,
        Event,
        State, //
    },
    exclusion::Claim,
    mend::lost_in_resync,
    resync::{
        Chunk,
        SLOTS, //
    },
    side_bit, //
};

use super::{
    request::Place,
    Mirror,
    BLOCK_SECTORS,
    SECTORS, //
};
use crate::{
    coverage::Point,
    violation::Violation, //
};

/// Most reads at a time that copy.
const ANSWERS: usize = 2;

/// How far a copy has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stage {
    /// It waits for writes that it overlaps with.
    Waits,
    /// It is being written.
    Writes,
    /// It is written, and waits until what excuses it is recorded.
    Records,
}

/// What it is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Purpose {
    /// A caller reads a block.
    Answer,
    /// The sides are made equal.
    Resync(Chunk),
}

/// A copy.
#[derive(Clone, Debug)]
pub(super) struct Copy {
    pub(super) purpose: Purpose,
    pub(super) blocks: Range<usize>,
    pub(super) stage: Stage,
    pub(super) claims: Vec<Claim>,
    /// What was read, block by block.
    versions: Vec<u32>,
    /// What is in flight: the component, the block and what it gets.
    pub(super) in_flight: Vec<(Place, usize, u32)>,
    failed: Vec<Place>,
    /// Whether a component that stays in service did not get it.
    is_partial: bool,
}

impl Copy {
    fn new(purpose: Purpose, blocks: Range<usize>) -> Self {
        Self {
            purpose,
            blocks,
            stage: Stage::Waits,
            claims: Vec::new(),
            versions: Vec::new(),
            in_flight: Vec::new(),
            failed: Vec::new(),
            is_partial: false,
        }
    }
}

impl Mirror {
    /// A caller reads a block of which the sides may differ.
    pub(super) fn read_and_copy(&mut self, block: usize) {
        let is_answer = |copy: &&Copy| copy.purpose == Purpose::Answer;
        if self.copies.iter().filter(is_answer).count() < ANSWERS {
            self.copies
                .push(Copy::new(Purpose::Answer, block..block + 1));
        }
    }

    /// The resync takes its next chunk.
    pub(super) fn resync(&mut self) {
        let resyncs = |copy: &&Copy| copy.purpose != Purpose::Answer;
        if self.copies.iter().filter(resyncs).count() >= SLOTS {
            return;
        }
        let mut plan = self.plan.clone();
        let next = plan.next(&self.regions, SECTORS, |region| self.is_needed(region));
        self.plan = plan;
        if let Some(chunk) = next {
            let first = (chunk.sector / BLOCK_SECTORS) as usize;
            let count = chunk.count.div_ceil(BLOCK_SECTORS) as usize;
            let copy = Copy::new(Purpose::Resync(chunk), first..first + count);
            self.copies.push(copy);
        }
    }

    /// Whether a region has to be copied: the sides may differ there, or one in service is behind.
    pub(super) fn is_needed(&self, region: u32) -> bool {
        let bit = 1 << region;
        let is_behind = |place: &Place| self.behind[place.0] & bit != 0 && self.is_target(*place);
        let mut places = self.places().into_iter();
        self.uncertain & bit != 0
            || places.any(|place| is_behind(&place) && self.touched(place) & bit != 0)
    }

    /// Whether writes go to a component.
    pub(super) fn is_target(&self, (side, index): Place) -> bool {
        is_written(self.memory.states[side][index]) && !self.is_offline(side)
    }

    /// A copy goes on.
    pub(super) fn go_on_copying(&mut self, index: usize) -> Result<(), Violation> {
        let mut copy = self.copies.swap_remove(index);
        let has_ended = match copy.stage {
            Stage::Waits => self.start_copy(&mut copy),
            Stage::Writes if copy.in_flight.is_empty() => {
                self.settle_copy(&mut copy);
                false
            }
            Stage::Writes => {
                self.end_write(&mut copy);
                false
            }
            Stage::Records if self.is_excused() => {
                self.end_copy(&copy, !copy.is_partial);
                self.answer(&copy)?;
                true
            }
            Stage::Records => false,
        };
        if has_ended {
            self.retract(&mut copy.claims);
        } else {
            self.copies.push(copy);
        }
        Ok(())
    }

    /// Claims the blocks and reads them; whether the copy has failed.
    fn start_copy(&mut self, copy: &mut Copy) -> bool {
        if self.rules.exclude_copies {
            match self.claim(&copy.blocks) {
                Some(claims) => copy.claims = claims,
                None => {
                    self.coverage.hit(Point::MirrorCopyWaits);
                    return false;
                }
            }
        }
        for block in copy.blocks.clone() {
            let Some((version, lost)) = self.read_source(block) else {
                self.coverage.hit(Point::MirrorCopyUnavailable);
                self.end_copy(copy, false);
                return true;
            };
            copy.versions.push(version);
            for (side, index) in self.places() {
                let may_lack = (self.uncertain | self.behind[side]) & self.bit_of(block) != 0;
                let has = self.sides[side][index].blocks.contains(&block);
                if has && may_lack && self.is_target((side, index)) {
                    copy.in_flight.push(((side, index), block, version));
                }
            }
            self.mend(copy, block, version, &lost);
        }
        copy.stage = Stage::Writes;
        false
    }

    /// A block is written again where it was lost, unless it is written there anyhow.
    fn mend(&mut self, copy: &mut Copy, block: usize, version: u32, lost: &[Place]) {
        let bit = self.bit_of(block);
        let with = |bits: u32, side: usize| bits | side_bit(side as u32);
        let behind = (0..self.sides.len()).filter(|side| self.behind[*side] & bit != 0);
        let behind = behind.fold(0, with);
        let sides = lost.iter().map(|place| place.0).fold(0, with);
        let wanted = lost_in_resync(sides, behind, self.uncertain & bit != 0);
        for place in lost {
            if wanted & side_bit(place.0 as u32) != 0 && self.is_target(*place) {
                self.coverage.hit(Point::MirrorResyncMends);
                copy.in_flight.push((*place, block, version));
            }
        }
    }

    /// Reads a block from the first side that has it, one without a failure if there is one; and
    /// the components that have lost it.
    fn read_source(&mut self, block: usize) -> Option<(u32, Vec<Place>)> {
        let mut lost = Vec::new();
        let mut places = self.readable(block);
        places.sort_by_key(|(side, index)| self.memory.states[*side][*index] != State::Okay);
        for place in places {
            if self.random.per_mille(self.error_rate) {
                self.change(place, Event::ReadFailed);
                lost.push(place);
                continue;
            }
            return Some((self.component(place).read(block), lost));
        }
        None
    }

    /// Something that is in flight ends.
    fn end_write(&mut self, copy: &mut Copy) {
        let index = self.random.below(copy.in_flight.len());
        let (place, block, version) = copy.in_flight.swap_remove(index);
        let fails = self.random.per_mille(self.error_rate);
        let lands = !fails || self.random.per_mille(500);
        let is_durable = self.rules.durable_copies && self.uncertain & self.bit_of(block) != 0;
        let component = self.component(place);
        let is_there = component.is_there;
        if lands && is_there && is_durable {
            component.write_through(block, version);
        } else if lands && is_there {
            component.write(block, version);
        }
        if (fails || !is_there) && !copy.failed.contains(&place) {
            copy.failed.push(place);
        }
    }

    /// All of it has returned: judges the failures.
    fn settle_copy(&mut self, copy: &mut Copy) {
        for place in std::mem::take(&mut copy.failed) {
            self.change(place, Event::WriteFailed);
            copy.is_partial |= self.is_target(place);
            self.coverage.hit(Point::MirrorCopyFailed);
        }
        copy.stage = Stage::Records;
    }

    /// A chunk is done; when its region is, nobody is behind there.
    fn end_copy(&mut self, copy: &Copy, is_copied: bool) {
        let Purpose::Resync(chunk) = copy.purpose else {
            return;
        };
        let finished = self.plan.done(&chunk, is_copied);
        let Some(finished) = finished.filter(|finished| finished.is_copied) else {
            return;
        };
        self.coverage.hit(Point::MirrorRegionCopied);
        let bit = 1 << finished.region;
        self.uncertain &= !bit;
        for side in 0..self.sides.len() {
            if !self.is_offline(side) && self.behind[side] & bit != 0 {
                self.coverage.hit(Point::MirrorBehindCopied);
                self.behind[side] &= !bit;
                if !self.rules.flush_before_caught_up {
                    self.memory.behind[side] &= !bit;
                    self.synced(side);
                }
            }
        }
    }

    /// A caller gets its answer, which is the same from now on.
    fn answer(&mut self, copy: &Copy) -> Result<(), Violation> {
        if copy.purpose != Purpose::Answer {
            return Ok(());
        }
        self.coverage.hit(Point::MirrorReadCopied);
        for (block, version) in copy.blocks.clone().zip(&copy.versions) {
            self.check_read(block, *version)?;
            self.pin(block, *version, !copy.is_partial)?;
        }
        Ok(())
    }
}
