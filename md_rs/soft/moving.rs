// SPDX-License-Identifier: GPL-2.0
//! An extent of a soft partition that is being copied to another place of its base, while the soft
//! partition is in use.
//!
//! Until all of it is there, everybody reads and writes at the old place, and what is written in
//! the meantime is noted: so much is copied once more. There are two notes, of which writers use
//! one. A *round* lets them use the other one, with the gate closed for a moment, so that every
//! write that the first one knows of is done; then it copies what that has. The last round is
//! copied with the gate closed.

use kernel::{
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    }, //
};
use md_model::{
    mirror::{
        regions::Regions,
        resync::CHUNK_SECTORS, //
    },
    soft::Extent,
};

use crate::{
    abi::Refusal,
    kapi::{
        bdev::{
            BlockDevice,
            Buffer, //
        },
        disk::ClosedGate,
    },
    sync::bitmap::Bitmap,
    Refused, //
};

/// What is remembered of the move.
pub(crate) struct Moving {
    /// First sector of the extent in the soft partition.
    start: u64,
    from: Extent,
    to: Extent,
    regions: Regions,
    changed: [Bitmap; 2],
    /// Which of them writers use.
    turn: Atomic<u32>,
}

/// The note whose regions are to be copied.
#[derive(Clone, Copy)]
pub(crate) struct Round(u32);

impl Moving {
    /// From one extent to another one of the same length. All of it has to be copied.
    pub(crate) fn new(start: u64, from: Extent, to: Extent) -> Result<Self, Refused> {
        let regions = Regions::of(from.count);
        let no_memory = |error| Refused::new(error, Refusal::NoMemory);
        let new = || Bitmap::new(regions.words()).map_err(no_memory);
        let changed = [new()?, new()?];
        let [all, _] = &changed;
        regions.all().for_each(|bits| all.set(bits));
        Ok(Self {
            start,
            from,
            to,
            regions,
            changed,
            turn: Atomic::new(0),
        })
    }

    /// Where the extent goes.
    pub(crate) fn to(&self) -> Extent {
        self.to
    }

    fn note(&self, round: Round) -> &Bitmap {
        let [first, second] = &self.changed;
        if round.0 == 0 {
            first
        } else {
            second
        }
    }

    /// Somebody who is inside the gate is about to change sectors of the soft partition.
    pub(crate) fn changes(&self, sector: u64, count: u64) {
        let end = self.start.saturating_add(self.from.count);
        let end = sector.saturating_add(count).min(end);
        let begin = sector.max(self.start);
        let count = end.saturating_sub(begin);
        let changed = self.note(Round(self.turn.load(Relaxed)));
        let touched = self.regions.bits(begin.saturating_sub(self.start), count);
        for bits in touched {
            if !changed.has(bits) {
                changed.set(bits);
            }
        }
    }

    /// From now on writers use the other note; all that are in this one are done.
    pub(crate) fn begin_round(&self, _gate: &ClosedGate<'_>) -> Round {
        let before = self.turn.load(Relaxed);
        self.turn.store(before ^ 1, Relaxed);
        Round(before)
    }

    /// Regions that have changed since the last round began.
    pub(crate) fn changed(&self) -> u32 {
        self.note(Round(self.turn.load(Relaxed))).count()
    }

    /// Copies what is in a note. `false` if `may_go_on` has said so.
    pub(crate) fn copy(
        &self,
        device: &BlockDevice,
        round: Round,
        buffer: &mut Buffer,
        may_go_on: &dyn Fn() -> bool,
    ) -> Result<bool> {
        let note = self.note(round);
        for region in 0..self.regions.count() {
            let bits = Regions::bit_of(region);
            if !note.has_any(bits) {
                continue;
            }
            note.clear(bits);
            let mut done = self.regions.start_of(region);
            let end = done.saturating_add(self.regions.left_in_region(done));
            let end = end.min(self.from.count);
            while done < end {
                if !may_go_on() {
                    return Ok(false);
                }
                let count = end.saturating_sub(done).min(CHUNK_SECTORS);
                device.read_copy(self.from.sector.saturating_add(done), count, buffer)?;
                let place = self.to.sector.saturating_add(done);
                device.write_copy(place, count, buffer, 0, false)?;
                done = done.saturating_add(count);
            }
        }
        Ok(true)
    }
}
