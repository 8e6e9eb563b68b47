// SPDX-License-Identifier: GPL-2.0
//! Regions that nobody writes to any more become clean, and what a resync has achieved is recorded:
//! both after a flush of all sides (`DURABILITY.md` clause 7).

use kernel::prelude::*;
use md_model::{
    limits::SUBMIRRORS_MAX,
    mirror::{
        regions::WORDS_MAX,
        side_bit, //
    }, //
};

use super::{
    mark::CLEANING_MS,
    upkeep::{
        Kept,
        CLEAN, //
    }, //
};
use crate::kapi::errand::Errand;

/// Carries out [`CLEAN`].
pub(super) fn run(kept: Kept<'_>, errand: &Errand<'_>) {
    clean(kept, false);
    let map = kept.map();
    let is_copying = map.remaining() > 0 && !map.is_held() && !map.is_frozen();
    if map.has_dirty() || is_copying {
        errand.ask(CLEAN, CLEANING_MS);
    }
}

/// How far the sides are that are behind.
struct Progress(KVec<u64>);

impl Progress {
    /// As it is now.
    fn take(kept: Kept<'_>) -> Result<Self> {
        let sides = SUBMIRRORS_MAX as usize;
        let mut words = KVec::from_elem(0u64, sides.saturating_mul(WORDS_MAX), GFP_KERNEL)?;
        for (side, place) in (0..).zip(words.chunks_exact_mut(WORDS_MAX)) {
            kept.map().behind_words(side, &mut |word, bits| {
                if let Some(to) = place.get_mut(word) {
                    *to = bits;
                }
            });
        }
        Ok(Self(words))
    }

    /// It is durable, and to be recorded, except on the sides of `failed`.
    fn keep(&self, kept: Kept<'_>, failed: u32) {
        let sides = (0..).zip(self.0.chunks_exact(WORDS_MAX));
        for (side, words) in sides.filter(|(side, _)| failed & side_bit(*side) == 0) {
            kept.map().set_recorded(side, words);
        }
    }
}

/// Cleans what can be, with `all` also what was written to just now. Whether what was copied until
/// now is durable, and recorded.
pub(super) fn clean(kept: Kept<'_>, all: bool) -> bool {
    let _one_at_a_time = kept.upkeep.cleaning.lock();
    let map = kept.map();
    let Ok(progress) = Progress::take(kept) else {
        return false;
    };
    // Also when nothing is left to be copied, until the end of the resync is recorded.
    let is_copying = map.remaining() > 0 || map.is_unfinished();
    let has_closed = map.close_idle(all);
    kept.unit.for_claims(&mut |claim| map.reopen_claimed(claim));
    if !has_closed && !is_copying {
        return true;
    }
    // Of a last copy it may fail again and again, which is no reason not to rely on what was copied
    // from it; but nothing becomes clean.
    let failed = kept.flush_sides();
    progress.keep(kept, failed);
    let has_cleaned = if failed == 0 {
        let _marking = kept.upkeep.marking.lock();
        map.forget_closed()
    } else {
        map.reopen_closed();
        false
    };
    let is_durable = failed & kept.resyncing_sides() == 0;
    if has_cleaned || is_copying {
        return kept.record() && is_durable;
    }
    is_durable
}
