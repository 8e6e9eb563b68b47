// SPDX-License-Identifier: GPL-2.0
//! Regions are recorded as dirty before they are written to (`DURABILITY.md` clause 7). Whoever
//! wants to write waits for that; all that is wanted meanwhile shares the next commit.

use super::upkeep::{
    Kept,
    CLEAN, //
};
use crate::kapi::errand::Errand;

/// How long a region stays dirty at least after the last write, in milliseconds: after so long, it
/// is looked whether somebody has written, and after as long again it is clean (`svm.md` section
/// 4.5).
pub(super) const CLEANING_MS: u32 = 5_000;

/// Carries out [`super::upkeep::MARK`].
pub(super) fn run(kept: Kept<'_>, errand: &Errand<'_>) {
    let map = kept.map();
    loop {
        let has_marks = {
            let _marking = kept.upkeep.marking.lock();
            map.begin_marks()
        };
        if !has_marks {
            return;
        }
        if !kept.record() {
            // Nothing may be written any more; who waits is told so.
            kept.unit.note_unrecorded();
            return errand.wake();
        }
        {
            let _marking = kept.upkeep.marking.lock();
            map.end_marks();
        }
        errand.wake();
        errand.ask(CLEAN, CLEANING_MS);
    }
}
