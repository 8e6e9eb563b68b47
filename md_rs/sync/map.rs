// SPDX-License-Identifier: GPL-2.0
//! What a mirror remembers of its regions and of its sides. What the bits mean, and how a region
//! becomes clean, is `md_model::mirror::regions`'s.
//!
//! Some bits are there twice: as they are now, and as they are recorded or about to be. Recorded
//! bits say too much for a while, and never too little: one that says that a region is dirty, or
//! that a side is behind in it, is cleared only after a flush of what was written there
//! (`DURABILITY.md` clause 7).

mod resync;
mod sides;

use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            ordering::Relaxed,
            Atomic, //
        },
        Mutex, //
    }, //
};
use md_model::{
    database::metadevice::Sync,
    limits::SUBMIRRORS_MAX,
    mirror::{
        regions::{
            idle,
            Bits,
            Regions, //
        },
        scrub::history::History,
        side::SideState, //
    }, //
};

use super::bitmap::Bitmap;
use crate::kapi::inlined::Inlined;

/// Sides that there may be.
const SIDES: usize = SUBMIRRORS_MAX as usize;

/// What is remembered of a side.
struct Side {
    /// Its [`SideState`] as a number.
    state: Atomic<u32>,
    /// Regions in which it lacks what the others have.
    behind: Bitmap,
    /// The same, as it is recorded.
    recorded: Bitmap,
}

/// The map of a mirror.
pub struct SyncMap {
    regions: Regions,
    sides: [Side; SIDES],
    side_count: Atomic<u32>,
    /// Sides that are written, as bits.
    written: Atomic<u32>,
    /// Whether it is remembered what is written to: there is a state database, or was, or a side
    /// was offline.
    is_tracking: Atomic<u32>,
    /// Whether something may be in the caches of the sides that was written before it was
    /// remembered where.
    has_untracked: Atomic<u32>,
    /// Regions that are recorded as dirty.
    dirty: Bitmap,
    /// Those of them that may be written to.
    open: Bitmap,
    /// Those that were, since the last round of cleaning.
    recent: Bitmap,
    /// Regions that somebody wants to write to.
    wanted: Bitmap,
    /// Those of them that are being recorded.
    marking: Bitmap,
    /// Regions that are being cleaned.
    closing: Bitmap,
    /// Regions in which the sides may differ, since a write was under way when the power went.
    uncertain: Bitmap,
    /// How many those are, so that a read need not look where there are none.
    uncertain_count: Atomic<u32>,
    /// Whether the sides were not flushed since the mirror was found like that.
    is_unflushed: Atomic<u32>,
    /// Regions that could not be copied.
    failed: Bitmap,
    /// Whether that was told.
    is_told: Atomic<u32>,
    /// Whether it was told that the resync is under way.
    is_begun: Atomic<u32>,
    /// Whether the administrator has cancelled the resync.
    is_cancelled: Atomic<u32>,
    /// What else keeps it from its work, a [`Hold`] as a number.
    hold: Atomic<u32>,
    /// Whether nothing may be copied, since the set is read-only.
    is_frozen: Atomic<u32>,
    /// Regions that the resync had to copy when it began.
    to_do: Atomic<u32>,
    /// Scrubs that have ended. Locked for moments only.
    history: Pin<KBox<Mutex<History>>>,
}

/// What has to be done in a region.
#[derive(Clone, Copy)]
pub(crate) struct Need {
    /// The sides may differ.
    pub(crate) is_uncertain: bool,
    /// Sides that are behind, as bits.
    pub(crate) behind: u32,
}

impl SyncMap {
    /// The map of a mirror of a size in sectors, whose sides are equal. `shift`: log2 of the
    /// sectors in a region, if that is known already.
    pub fn new(sectors: u64, side_count: u32, shift: u32) -> Result<Self> {
        let recorded = Regions::with_shift(sectors, shift);
        let regions = recorded.unwrap_or_else(|| Regions::of(sectors));
        let words = regions.words();
        let new = || Bitmap::new(words);
        let side = || -> Result<Side> {
            Ok(Side {
                state: Atomic::new(0),
                behind: new()?,
                recorded: new()?,
            })
        };
        let map = Self {
            regions,
            sides: [side()?, side()?, side()?, side()?],
            side_count: Atomic::new(side_count),
            written: Atomic::new(0),
            is_tracking: Atomic::new(0),
            has_untracked: Atomic::new(0),
            dirty: new()?,
            open: new()?,
            recent: new()?,
            wanted: new()?,
            marking: new()?,
            closing: new()?,
            uncertain: new()?,
            uncertain_count: Atomic::new(0),
            is_unflushed: Atomic::new(0),
            failed: new()?,
            is_told: Atomic::new(0),
            is_begun: Atomic::new(0),
            is_cancelled: Atomic::new(0),
            hold: Atomic::new(0),
            is_frozen: Atomic::new(0),
            to_do: Atomic::new(0),
            history: KBox::pin_init(new_mutex!(History::NONE, "md_history"), GFP_KERNEL)?,
        };
        map.settle_sides();
        map.begin_anew();
        Ok(map)
    }

    /// How the mirror is divided.
    pub fn regions(&self) -> &Regions {
        &self.regions
    }

    // The data path.

    /// Whether sectors may be written to: all their regions are recorded as dirty. If so, that they
    /// are is noted.
    #[inline]
    pub fn admit(&self, sector: u64, count: u64) -> bool {
        let (first, last) = self.regions.ends(sector, count);
        if first == last {
            let bits = Regions::bit_of(first);
            return self.open.has(bits) && {
                if !self.recent.has(bits) {
                    self.recent.set(bits);
                }
                true
            };
        }
        let is_open = self.is_open(sector, count);
        if is_open {
            for bits in self.regions.bits(sector, count) {
                if !self.recent.has(bits) {
                    self.recent.set(bits);
                }
            }
        }
        is_open
    }

    /// The same, without a note.
    #[inline]
    pub fn is_open(&self, sector: u64, count: u64) -> bool {
        let mut bits = self.regions.bits(sector, count);
        bits.all(|bits| self.open.has(bits))
    }

    /// Somebody waits to write to sectors.
    pub(crate) fn want(&self, sector: u64, count: u64) {
        let bits = self.regions.bits(sector, count);
        bits.for_each(|bits| self.wanted.set(bits));
    }

    /// Whether the sides may differ in sectors, so that they have to be made equal before they are
    /// read (`DURABILITY.md` clause 11).
    #[inline]
    pub(crate) fn is_uncertain(&self, sector: u64, count: u64) -> bool {
        self.uncertain_count.read() != 0 && {
            let mut bits = self.regions.bits(sector, count);
            bits.any(|bits| self.uncertain.has_any(bits))
        }
    }

    /// Sides that are written, as bits.
    #[inline]
    pub(crate) fn written_sides(&self) -> u32 {
        self.written.read()
    }

    /// Whether a side lacks what the others have at a sector.
    pub(crate) fn is_behind(&self, side: u32, sector: u64) -> bool {
        let bits = Regions::bit_of(self.regions.region_of(sector));
        self.side(side).is_some_and(|side| side.behind.has(bits))
    }

    /// How many sectors there are from a sector to the end of its region.
    pub(crate) fn left_in_region(&self, sector: u64) -> u64 {
        self.regions.left_in_region(sector)
    }

    // Marking. One at a time, with the map's lock.

    /// Takes what is wanted, to be recorded. Whether there is something.
    pub(crate) fn begin_marks(&self) -> bool {
        let mut found = false;
        for word in 0..self.wanted.len() {
            let mask = self.wanted.replace(word, 0);
            if mask != 0 {
                self.marking.set(Bits { word, mask });
                self.dirty.set(Bits { word, mask });
                found = true;
            }
        }
        found
    }

    /// What was taken is recorded: it is open.
    pub(crate) fn end_marks(&self) {
        for word in 0..self.marking.len() {
            let mask = self.marking.replace(word, 0);
            if mask != 0 {
                self.recent.set(Bits { word, mask });
                self.open.set(Bits { word, mask });
            }
        }
    }

    // Cleaning. One at a time.

    /// Whether there is something to be cleaned, sooner or later.
    pub(crate) fn has_dirty(&self) -> bool {
        !self.dirty.is_empty() && !self.holds_all()
    }

    /// Whether everything that was written to is beyond the caches of all sides that were there
    /// then, except for what a side is given by a resync.
    pub(crate) fn is_all_durable(&self) -> bool {
        self.is_tracking() && self.has_untracked.load(Relaxed) == 0 && self.dirty.is_empty()
    }

    /// Nobody has written yet: it is remembered from the beginning.
    pub(crate) fn forget_untracked(&self) {
        self.has_untracked.store(0, Relaxed);
    }

    /// Whether no region may become clean now.
    fn holds_all(&self) -> bool {
        !self.is_tracking() || self.sides().any(|(_, side)| is_offline(side))
    }

    /// Closes the regions that nobody has written to since the last call; with `all` also the
    /// others. Whether there are some.
    pub(crate) fn close_idle(&self, all: bool) -> bool {
        if self.holds_all() {
            return false;
        }
        let mut found = false;
        for word in 0..self.open.len() {
            let recent = self.recent.replace(word, 0);
            let recent = if all { 0 } else { recent };
            let mask = idle(self.open.word(word), recent, self.uncertain.word(word));
            let _ = self.closing.replace(word, mask);
            self.open.clear(Bits { word, mask });
            found |= mask != 0;
        }
        found
    }

    /// Opens the region again in which somebody has blocks claimed, by a word of the exclusion
    /// table.
    pub fn reopen_claimed(&self, claim: u64) {
        let claimed = md_model::mirror::exclusion::claimed_sector(claim);
        if let Some(sector) = claimed {
            self.reopen(Regions::bit_of(self.regions.region_of(sector)));
        }
    }

    /// Opens all of them again.
    pub(crate) fn reopen_closed(&self) {
        for word in 0..self.closing.len() {
            let mask = self.closing.word(word);
            self.reopen(Bits { word, mask });
        }
    }

    fn reopen(&self, bits: Bits) {
        let mask = self.closing.word(bits.word) & bits.mask;
        let still = Bits { mask, ..bits };
        self.closing.clear(still);
        self.recent.set(still);
        self.open.set(still);
    }

    /// What is closed was flushed: it is to be recorded as clean, unless somebody wants it again or
    /// the sides may differ there.
    /// With the map's lock. Whether there is something to record.
    pub(crate) fn forget_closed(&self) -> bool {
        let mut found = false;
        for word in 0..self.closing.len() {
            let closed = self.closing.replace(word, 0);
            // A write may have failed there after it was closed, and given its blocks back before
            // somebody looked: the sides may differ.
            let doubted = closed & self.uncertain.word(word);
            self.open.set(Bits {
                word,
                mask: doubted,
            });
            // Somebody may have wanted it, and had it opened, while the sides were flushed.
            let kept = self.wanted.word(word) | self.marking.word(word) | self.open.word(word);
            let mask = closed & !kept;
            self.dirty.clear(Bits { word, mask });
            found |= mask != 0;
        }
        found
    }

    // Scrubs.

    /// What is remembered of scrubs; without a side that is about to be lost.
    pub(crate) fn history(&self, lost: Option<u32>) -> History {
        let mut history = *self.history.lock();
        if let Some(lost) = lost {
            history.remove_side(lost);
        }
        history
    }

    /// Something else is to be remembered of them.
    pub(crate) fn change_history(&self, change: impl FnOnce(&mut History)) {
        change(&mut self.history.lock());
    }

    // The record.

    /// What is recorded, apart from the bits.
    pub(crate) fn sync(&self) -> Sync {
        Sync {
            region_shift: self.regions.shift(),
            is_cancelled: self.is_cancelled(),
        }
    }

    /// Gives the words of the record to `each`, one bitmap behind the other, without those of a
    /// side that is about to be lost. `None` if `each` has no room.
    pub(crate) fn list_recorded(
        &self,
        lost: Option<u32>,
        each: &mut dyn FnMut(u64) -> bool,
    ) -> Option<()> {
        let sides = self.sides().filter(|(side, _)| Some(*side) != lost);
        let sides = sides.map(|(_, side)| &side.recorded);
        for bitmap in Iterator::chain(core::iter::once(&self.dirty), sides) {
            let mut words = (0..bitmap.len()).map(|word| bitmap.word(word));
            words.all(&mut *each).then_some(())?;
        }
        Some(())
    }

    /// Takes over a word of the record, of the dirty regions or of those in which a side is behind.
    /// [`Self::begin_anew`] follows.
    pub(crate) fn load_dirty(&self, word: usize, bits: u64) {
        let _ = self.dirty.replace(word, bits);
    }

    /// See [`Self::load_dirty`].
    pub(crate) fn load_behind(&self, side: u32, word: usize, bits: u64) {
        if let Some(side) = self.side(side) {
            let _ = side.behind.replace(word, bits);
            let _ = side.recorded.replace(word, bits);
        }
    }

    /// All regions may differ: nothing is known of them.
    pub(crate) fn load_unknown(&self) {
        self.regions.all().for_each(|bits| self.dirty.set(bits));
    }

    /// A write has ended with an error, and is on some of the sides. Called before its blocks are
    /// given back, so that their regions are still dirty.
    pub(crate) fn doubt(&self, sector: u64, count: u64) {
        if self.side_count() > 1 {
            let bits = self.regions.bits(sector, count);
            bits.for_each(|bits| self.uncertain.set(bits));
            self.count_uncertain();
        }
    }

    /// The mirror was dirty when it was left: the sides may differ where it was.
    pub(crate) fn doubt_dirty(&self) {
        self.uncertain.copy_from(&self.dirty);
        self.count_uncertain();
        self.is_unflushed.store(1, Relaxed);
    }

    /// Whether the sides have to be flushed before anybody relies on what is on them: they were
    /// left dirty, and not flushed since.
    pub(crate) fn is_unflushed(&self) -> bool {
        self.is_unflushed.load(Relaxed) != 0
    }

    /// They were.
    pub(crate) fn note_flushed(&self) {
        self.is_unflushed.store(0, Relaxed);
    }
}

fn is_offline(side: &Side) -> bool {
    decode(side.state.load(Relaxed)) == SideState::Offline
}

fn encode(state: SideState) -> u32 {
    match state {
        SideState::Okay => 0,
        SideState::NeedsResync => 1,
        SideState::Offline => 2,
    }
}

fn decode(number: u32) -> SideState {
    match number {
        0 => SideState::Okay,
        2 => SideState::Offline,
        _ => SideState::NeedsResync,
    }
}
