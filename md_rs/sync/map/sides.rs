// SPDX-License-Identifier: GPL-2.0
//! What a mirror remembers of its sides: how they are, and where they are behind.

use kernel::sync::atomic::ordering::{
    Full,
    Relaxed, //
};
use md_model::mirror::{
    regions::{
        Bits,
        Regions, //
    },
    side::{
        self,
        SideState, //
    },
    side_bit, //
};

use super::{
    super::bitmap::Bitmap,
    decode,
    encode,
    is_offline,
    Side,
    SyncMap, //
};
use crate::kapi::inlined::Inlined;

impl SyncMap {
    pub(super) fn side(&self, side: u32) -> Option<&Side> {
        let count = self.side_count.load(Relaxed);
        self.sides.get(side as usize).filter(|_| side < count)
    }

    pub(super) fn sides(&self) -> impl Iterator<Item = (u32, &Side)> {
        let count = self.side_count.load(Relaxed) as usize;
        (0..).zip(self.sides.iter().take(count))
    }

    /// How many there are.
    pub(crate) fn side_count(&self) -> u32 {
        self.side_count.load(Relaxed)
    }

    /// How a side is.
    pub fn side_state(&self, side: u32) -> SideState {
        let state = self.side(side).map(|side| side.state.load(Relaxed));
        decode(state.unwrap_or(0))
    }

    /// A side is so after all, or by its record.
    pub(crate) fn set_side_state(&self, side: u32, state: SideState) {
        if let Some(side) = self.side(side) {
            side.state.store(encode(state), Relaxed);
        }
        self.settle_sides();
    }

    /// Something has happened to a side: it may lack something now, which is noted before it is
    /// used. How it is then; `None`: that cannot happen to it, and nothing has changed.
    pub fn step_side(&self, side: u32, event: side::Event) -> Option<SideState> {
        let before = self.side_state(side);
        let after = side::step(before, event)?;
        if after == before {
            return Some(after);
        }
        match event {
            side::Event::Attached => self.set_all_behind(side),
            // It was offline, and no region has become clean meanwhile.
            side::Event::Onlined | side::Event::Started => self.set_dirty_behind(side),
            side::Event::Offlined | side::Event::Synced => {}
        }
        self.set_side_state(side, after);
        Some(after)
    }

    /// Whether a side, or a component of it, is behind somewhere.
    pub fn is_side_behind(&self, side: u32) -> bool {
        self.side(side).is_some_and(|side| !side.behind.is_empty())
    }

    /// A side lacks everything in some sectors, from now on and in the record.
    pub fn set_behind(&self, side: u32, sector: u64, count: u64) {
        let Some(side) = self.side(side) else { return };
        for bits in self.regions.bits(sector, count) {
            side.behind.set(bits);
            side.recorded.set(bits);
        }
    }

    /// A side lacks everything.
    fn set_all_behind(&self, side: u32) {
        let Some(side) = self.side(side) else { return };
        for bits in self.regions.all() {
            side.behind.set(bits);
            side.recorded.set(bits);
        }
    }

    /// A side was away, and lacks what was written meanwhile.
    pub(crate) fn set_dirty_behind(&self, side: u32) {
        let Some(side) = self.side(side) else { return };
        for word in 0..self.dirty.len() {
            let mask = self.dirty.word(word);
            side.behind.set(Bits { word, mask });
            side.recorded.set(Bits { word, mask });
        }
    }

    /// A side lacks nothing.
    pub(crate) fn set_equal(&self, side: u32) {
        if let Some(side) = self.side(side) {
            side.behind.reset();
            side.recorded.reset();
        }
    }

    /// There is one more side, which lacks everything. Nothing is under way.
    pub(crate) fn add_side(&self) {
        let new = self.side_count.load(Relaxed);
        if !self.is_tracking() {
            self.has_untracked.store(1, Relaxed);
        }
        self.side_count.store(new.saturating_add(1), Relaxed);
        self.set_equal(new);
        self.set_side_state(new, SideState::Okay);
        self.step_side(new, side::Event::Attached);
        self.begin_anew();
    }

    /// A side is gone, and those after it have moved. Nothing is under way.
    pub(crate) fn remove_side(&self, gone: u32) {
        let count = self.side_count.load(Relaxed);
        for from in gone.saturating_add(1)..count {
            let to = from.saturating_sub(1);
            if let (Some(to), Some(from)) = (self.side(to), self.side(from)) {
                to.state.store(from.state.load(Relaxed), Relaxed);
                to.behind.copy_from(&from.behind);
                to.recorded.copy_from(&from.recorded);
            }
        }
        self.side_count.store(count.saturating_sub(1), Relaxed);
        self.history.lock().remove_side(gone);
        self.settle_sides();
        self.begin_anew();
    }

    /// The mirror has grown: what was remembered of the smaller one is remembered of this one.
    /// Nothing is under way, and no side is behind: where regions become larger, one that is behind
    /// in a part of a region would count as behind in all of it, and might be the only one to have
    /// the rest.
    pub fn go_on_from(&self, before: &Self) {
        let carry = |from: &Bitmap, to: &Bitmap| {
            for region in 0..before.regions.count() {
                if from.has(Regions::bit_of(region)) {
                    to.set(before.regions.bit_in(&self.regions, region));
                }
            }
        };
        carry(&before.dirty, &self.dirty);
        carry(&before.wanted, &self.wanted);
        carry(&before.uncertain, &self.uncertain);
        for (from, to) in before.sides.iter().zip(&self.sides) {
            to.state.store(from.state.load(Relaxed), Relaxed);
            carry(&from.behind, &to.behind);
            carry(&from.recorded, &to.recorded);
        }
        for (from, to) in [
            (&before.is_tracking, &self.is_tracking),
            (&before.has_untracked, &self.has_untracked),
            (&before.is_cancelled, &self.is_cancelled),
            (&before.hold, &self.hold),
            (&before.is_frozen, &self.is_frozen),
        ] {
            to.store(from.load(Relaxed), Relaxed);
        }
        let history = *before.history.lock();
        *self.history.lock() = history;
        self.count_uncertain();
        self.settle_sides();
        self.begin_anew();
    }

    pub(super) fn settle_sides(&self) {
        let written = self.sides().filter(|(_, side)| !is_offline(side));
        let written = written.fold(0, |bits, (side, _)| bits | side_bit(side));
        let _ = self.written.xchg(written, Full);
    }

    /// From now on it is remembered what is written to. Nothing is under way.
    pub(crate) fn track(&self) {
        if self.is_tracking.xchg(1, Full) == 0 {
            self.has_untracked.store(1, Relaxed);
            self.begin_anew();
        }
    }

    /// Whether it is remembered what is written to.
    pub(crate) fn is_tracking(&self) -> bool {
        self.side_count.read() > 1 && self.is_tracking.read() != 0
    }

    /// With a single side, or where nothing would survive, nothing needs to be remembered, and all
    /// is open; else what is not dirty is closed. Nothing is under way.
    pub(crate) fn begin_anew(&self) {
        if self.side_count() < 2 {
            self.uncertain.reset();
            self.count_uncertain();
        }
        if self.is_tracking() {
            self.open.copy_from(&self.dirty);
        } else {
            self.dirty.reset();
            self.regions.all().for_each(|bits| self.open.set(bits));
        }
    }
}
