// SPDX-License-Identifier: GPL-2.0
//! What a mirror remembers of its resync: what there is to copy, and what keeps it from that.

use kernel::sync::atomic::ordering::{
    Full,
    Relaxed, //
};
use md_model::mirror::{
    passes::{
        self,
        Hold, //
    },
    regions::Regions,
    side::SideState,
    side_bit, //
};

use super::{
    is_offline,
    Need,
    SyncMap, //
};

impl SyncMap {
    /// What has to be done in a region, if anything has.
    pub(crate) fn need(&self, region: u32) -> Option<Need> {
        let bits = Regions::bit_of(region);
        let behind = self
            .sides()
            .filter(|(_, side)| !is_offline(side) && side.behind.has(bits));
        let need = Need {
            is_uncertain: self.uncertain.has(bits),
            behind: behind.fold(0, |found, (side, _)| found | side_bit(side)),
        };
        (need.is_uncertain || need.behind != 0).then_some(need)
    }

    /// Whether the sides may differ somewhere.
    pub(crate) fn has_uncertain(&self) -> bool {
        self.uncertain_count.load(Relaxed) != 0
    }

    /// Whether a region is to be copied.
    pub(crate) fn is_needed(&self, region: u32) -> bool {
        !self.failed.has(Regions::bit_of(region)) && self.need(region).is_some()
    }

    /// A region was copied.
    pub(crate) fn note_copied(&self, region: u32) {
        let bits = Regions::bit_of(region);
        for (_, side) in self.sides().filter(|(_, side)| !is_offline(side)) {
            side.behind.clear(bits);
        }
        self.uncertain.clear(bits);
        self.count_uncertain();
    }

    /// A region could not be copied.
    pub(crate) fn note_failed(&self, region: u32) {
        self.failed.set(Regions::bit_of(region));
    }

    pub(super) fn count_uncertain(&self) {
        let _ = self.uncertain_count.xchg(self.uncertain.count(), Full);
    }

    /// A resync begins, also with what has failed before. One that was cancelled is forgotten when
    /// nothing of it is left, so that it does not hold up the next one.
    pub(crate) fn begin_resync(&self) {
        self.failed.reset();
        self.is_told.store(0, Relaxed);
        let remaining = self.remaining();
        // One that was interrupted goes on where it was.
        let to_do = self.to_do.load(Relaxed).max(remaining);
        self.to_do
            .store(to_do.max(self.is_awaited().into()), Relaxed);
        if remaining == 0 {
            self.set_cancelled(false);
            self.step_hold(passes::Event::Resume);
        }
    }

    /// Whether a resync was begun whose end is not recorded yet, also one that has nothing to copy.
    pub(crate) fn is_unfinished(&self) -> bool {
        self.has_begun() || self.is_awaited()
    }

    /// Whether a resync was begun, and is not over.
    pub(crate) fn has_begun(&self) -> bool {
        self.to_do.load(Relaxed) != 0
    }

    /// Whether a side waits for the end of a resync, also when there is nothing to copy.
    fn is_awaited(&self) -> bool {
        let is_waiting = |(side, _)| self.side_state(side) == SideState::NeedsResync;
        self.sides().any(is_waiting)
    }

    /// The resync is over.
    pub(crate) fn finish_resync(&self) {
        let _ = self.to_do.xchg(0, Full);
        self.end_begun();
    }

    /// Regions that are to be copied, and those that could not be.
    pub(crate) fn remaining(&self) -> u32 {
        let regions = 0..self.regions.count();
        let needed = regions.filter(|region| self.need(*region).is_some());
        u32::try_from(needed.count()).unwrap_or(u32::MAX)
    }

    /// Regions that the resync had to copy when it began.
    pub(crate) fn to_do(&self) -> u32 {
        self.to_do.load(Relaxed).max(self.remaining())
    }

    /// Whether it is still to be told that something could not be copied. Once.
    pub(crate) fn tell_failed(&self) -> bool {
        self.has_failed() && self.is_told.xchg(1, Full) == 0
    }

    /// Whether it is still to be told that the resync is under way. Once, until it ends.
    pub(crate) fn tell_begun(&self) -> bool {
        self.is_unfinished() && self.is_begun.xchg(1, Full) == 0
    }

    /// It is not under way any more, and that is told.
    pub(crate) fn end_begun(&self) {
        let _ = self.is_begun.xchg(0, Full);
    }

    /// Whether something could not be copied.
    pub(crate) fn has_failed(&self) -> bool {
        !self.failed.is_empty()
    }

    /// Whether the resync stands still, since the administrator wants it so.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Relaxed) != 0
    }

    /// Lets it stand still, or go on.
    pub(crate) fn set_cancelled(&self, cancelled: bool) {
        self.is_cancelled.store(cancelled.into(), Relaxed);
    }

    /// What else keeps the resync from its work.
    pub(crate) fn hold(&self) -> Hold {
        match self.hold.load(Relaxed) {
            0 => Hold::None,
            1 => Hold::Paused,
            2 => Hold::Waits,
            _ => Hold::LeftOut,
        }
    }

    /// Something happens that has to do with that.
    pub(crate) fn step_hold(&self, event: passes::Event) {
        let hold = match passes::step(self.hold(), event) {
            Hold::None => 0,
            Hold::Paused => 1,
            Hold::Waits => 2,
            Hold::LeftOut => 3,
        };
        self.hold.store(hold, Relaxed);
    }

    /// Whether the resync is kept from its work.
    pub(crate) fn is_held(&self) -> bool {
        self.is_cancelled() || self.hold() != Hold::None
    }

    /// Whether nothing is copied, though there may be something to be, until somebody does
    /// something about it.
    pub(crate) fn is_standing_still(&self) -> bool {
        let is_left_out = self.hold() == Hold::LeftOut;
        self.is_cancelled() || self.is_frozen() || self.has_failed() || is_left_out
    }

    /// Whether nothing may be copied.
    pub(crate) fn is_frozen(&self) -> bool {
        self.is_frozen.load(Relaxed) != 0
    }

    /// From now on nothing may be copied.
    pub(crate) fn freeze(&self) {
        self.is_frozen.store(1, Relaxed);
    }

    /// Takes down how far the sides are now, for the record after the next flush.
    pub(crate) fn behind_words(&self, side: u32, each: &mut dyn FnMut(usize, u64)) {
        if let Some(side) = self.side(side) {
            (0..side.behind.len()).for_each(|word| each(word, side.behind.word(word)));
        }
    }

    /// A side was flushed: it is behind where `words` say.
    pub(crate) fn set_recorded(&self, side: u32, words: &[u64]) {
        if let Some(side) = self.side(side) {
            for (word, bits) in words.iter().enumerate() {
                let _ = side.recorded.replace(word, *bits);
            }
        }
    }
}
