// SPDX-License-Identifier: GPL-2.0
//! Mirrors (`svm.md` section 4): the same blocks on up to four sides, the submirrors.
//!
//! - [`options`]: what an administrator may choose.
//! - [`read`]: which side a read goes to.
//! - [`hedge`]: when another side is read as well, and whose answer counts.
//! - [`exclusion`]: overlapping writes one after the other.
//! - [`component`]: what becomes of a component that fails; [`side`]: of a side as a whole.
//! - [`source`]: whether other sides have every block of a component.
//! - [`regions`]: what a mirror remembers of its pieces, so that a crash or a side that was away
//!   does not cost a copy of everything.
//! - [`resync`]: which piece is copied next.
//! - [`mend`]: blocks that a side could not read.
//! - [`scrub`]: whether the sides are equal, and what is remembered of that.
//! - [`suspect`]: whether a side is so slow that others should be read.
//! - [`throttle`]: how fast; [`passes`]: in which order.

pub mod component;
pub mod exclusion;
pub mod hedge;
pub mod mend;
pub mod options;
pub mod passes;
pub mod read;
pub mod regions;
pub mod resync;
pub mod scrub;
pub mod side;
pub mod source;
pub mod suspect;
pub mod throttle;

use crate::limits::SUBMIRRORS_MAX;

/// A side as a bit in a set of sides; none for a side that no mirror has.
#[inline]
pub const fn side_bit(side: u32) -> u32 {
    if side < SUBMIRRORS_MAX {
        1 << side
    } else {
        0
    }
}
