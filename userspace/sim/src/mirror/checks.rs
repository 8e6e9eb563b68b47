// SPDX-License-Identifier: GPL-2.0
//! What is promised about the blocks of the mirror, and whether it is kept.

use md_model::mirror::component::is_read;

use super::{
    cleaning::Cleaning,
    copy::Purpose,
    request::{
        Place,
        Stage,
        Wanted, //
    },
    Mirror,
    BLOCKS, //
};
use crate::{
    coverage::Point,
    violation::{
        demand,
        Violation, //
    },
};

/// Rounds within which a mirror that nobody hurts any more is whole again.
const HEALING: u32 = 1500;

impl Mirror {
    /// Components that a block may be read from.
    pub(super) fn readable(&self, block: usize) -> Vec<Place> {
        let bit = self.bit_of(block);
        let mut places = self.places();
        places.retain(|(side, index)| {
            let component = &self.sides[*side][*index];
            component.is_there
                && component.blocks.contains(&block)
                && is_read(self.memory.states[*side][*index])
                && !self.is_offline(*side)
                && self.behind[*side] & bit == 0
        });
        places
    }

    /// `DURABILITY.md` clauses 1 and 11: a version that is neither the last acknowledged one nor
    /// a later one is stale.
    pub(super) fn check_read(&self, block: usize, version: u32) -> Result<(), Violation> {
        let promised = &self.blocks[block];
        let index = promised.log.iter().position(|other| *other == version);
        demand(
            index.is_some_and(|index| index >= promised.acknowledged),
            "no acknowledged write is lost, and no stale block is read (clauses 5, 9 and 10)",
            || format!("block {block} reads {version} of {promised:?}"),
        )
    }

    /// A caller gets an answer, which has to be the one that it had before; and if `stays`, it has
    /// to be the same next time.
    pub(super) fn pin(&mut self, block: usize, version: u32, stays: bool) -> Result<(), Violation> {
        let is_written = self.is_being_written(block);
        let promised = &mut self.blocks[block];
        let before = promised.answered;
        if stays && !is_written {
            promised.answered = Some(version);
        }
        demand(
            before.is_none_or(|before| before == version),
            "a block has one answer until it is written (clause 11)",
            || format!("block {block} reads {version}, and was read as {before:?}"),
        )
    }

    /// Whether a write to a block is under way.
    fn is_being_written(&self, block: usize) -> bool {
        self.requests.iter().any(|request| {
            let is_issued = matches!(request.stage, Stage::Runs | Stage::Records);
            let is_write = matches!(request.wanted, Wanted::Write(_));
            is_issued && is_write && request.blocks.contains(&block)
        })
    }

    /// Everything that may be read is what was promised.
    pub(super) fn check_all(&self) -> Result<(), Violation> {
        for block in 0..BLOCKS {
            for (side, index) in self.readable(block) {
                self.check_read(block, self.sides[side][index].read(block))?;
            }
        }
        self.check_equal()
    }

    /// Clause 11: whichever side is read, and whichever dies, the answer is the same; except where
    /// something is being written, or the next read copies first.
    pub(super) fn check_equal(&self) -> Result<(), Violation> {
        for block in 0..BLOCKS {
            let promised = &self.blocks[block];
            let is_certain = self.uncertain & self.bit_of(block) == 0;
            if self.is_being_written(block) || !is_certain && promised.answered.is_none() {
                continue;
            }
            let mut one = promised.answered;
            for (side, index) in self.readable(block) {
                let version = self.sides[side][index].read(block);
                let expected = *one.get_or_insert(version);
                demand(
                    version == expected,
                    "all sides that are read are equal (clauses 10 and 11)",
                    || format!("block {block}: {version} on side {side}, elsewhere {expected}"),
                )?;
            }
        }
        Ok(())
    }

    /// Regions are recorded to be clean: what is there now survives a power cut, on every side.
    pub(super) fn note_clean(&mut self, regions: u64) {
        for block in 0..BLOCKS {
            if self.bit_of(block) & regions == 0 {
                continue;
            }
            let Some((side, index)) = self.readable(block).first().copied() else {
                continue;
            };
            let version = self.sides[side][index].read(block);
            let promised = &mut self.blocks[block];
            let found = promised.log.iter().position(|other| *other == version);
            let found = found.unwrap_or(0);
            promised.acknowledged = promised.acknowledged.max(found);
            promised.durable = promised.durable.max(promised.acknowledged);
        }
    }

    /// Nothing fails any more: what can be made whole becomes whole.
    pub(super) fn heal(&mut self) -> Result<(), Violation> {
        (self.error_rate, self.death_rate, self.cut_rate) = (0, 0, 0);
        for side in 0..self.sides.len() {
            self.online(side);
        }
        for _ in 0..HEALING {
            if self.is_healed() {
                self.coverage.hit(Point::MirrorHealed);
                return self.check_all();
            }
            self.go_on()?;
            match self.random.below(4) {
                0 => self.record(),
                1 => self.clean(),
                2 => self.resync(),
                _ => self.catch_up(),
            }
            self.check_equal()?;
        }
        demand(false, "a mirror that nobody hurts is resynced", || {
            format!("{:?}, uncertain {:b}", self.memory, self.uncertain)
        })
    }

    fn is_healed(&self) -> bool {
        let is_whole = |region: &u32| {
            let bit = 1 << region;
            let mut places = self.places();
            places.retain(|place| self.touched(*place) & bit != 0 && self.is_target(*place));
            let is_behind = |place: &Place| self.memory.behind[place.0] & bit != 0;
            !self.is_needed(*region) && !places.iter().any(is_behind)
        };
        let is_idle = self.requests.is_empty() && self.recorded == self.memory;
        let is_unseen = (0..self.sides.len()).any(|side| self.is_caught_up(side));
        let mut regions = 0..self.regions.count();
        is_idle && !is_unseen && regions.all(|region| is_whole(&region) || self.is_hopeless(region))
    }

    /// Whether a region cannot be made whole: something in service is missing, or nobody has it.
    fn is_hopeless(&self, region: u32) -> bool {
        let bit = 1 << region;
        let is_missing = |(side, index): &Place| !self.sides[*side][*index].is_there;
        let mut places = self.places();
        places.retain(|place| self.is_target(*place));
        let mut blocks = (0..BLOCKS).filter(|block| self.bit_of(*block) == bit);
        places.iter().any(is_missing) || blocks.any(|block| self.readable(block).is_empty())
    }

    /// What a power cut interrupts.
    pub(super) fn note_cut(&mut self) {
        let flushes =
            |stage: Stage, wanted: Wanted| stage == Stage::Runs && wanted == Wanted::Flush;
        let mut points = Vec::new();
        for request in &self.requests {
            match (request.stage, request.wanted) {
                (Stage::Records, _) => points.push(Point::CutMirrorCarried),
                (Stage::Claimed, _) => points.push(Point::CutMirrorClaimed),
                (Stage::Runs, Wanted::Write(_)) => points.push(Point::CutMirrorSides),
                (stage, wanted) if flushes(stage, wanted) => points.push(Point::CutMirrorFlush),
                _ => {}
            }
        }
        for copy in &self.copies {
            points.push(match copy.purpose {
                Purpose::Answer => Point::CutMirrorAnswer,
                Purpose::Resync(_) => Point::CutMirrorResync,
            });
        }
        match self.cleaning {
            Some(Cleaning::Closed { .. }) => points.push(Point::CutMirrorClosed),
            Some(Cleaning::Flushes { .. }) => points.push(Point::CutMirrorCleaning),
            None => {}
        }
        if let Some(recording) = &self.recording {
            points.push(if recording.dirty & !self.recorded.dirty != 0 {
                Point::CutMirrorMark
            } else if self.recorded.dirty & !recording.dirty != 0 {
                Point::CutMirrorClean
            } else {
                Point::CutMirrorRecord
            });
        }
        if self.catch_up.is_some() {
            points.push(Point::CutMirrorCatchUp);
        }
        if points.is_empty() {
            points.push(Point::CutMirrorIdle);
        }
        for point in points {
            self.coverage.hit(point);
        }
    }
}
