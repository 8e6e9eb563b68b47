// SPDX-License-Identifier: GPL-2.0
//! The scrub: all sides of a mirror are read and compared, block by block, and made equal where the
//! administrator wants that.
//!
//! A mirror that answers every read may still have sides that differ: a disk may have lost a write,
//! or somebody has written to it past the mirror. A scrub says where, and which side is alone with
//! what it has. What it finds is read again before it is believed; what a resync has to copy anyhow
//! is left to that.
//!
//! - [`compare`]: what the sides say about one place.
//! - [`report`]: the ranges that differ.
//! - [`run`]: when a scrub begins and ends, and where it is.
//! - [`history`]: what is remembered of scrubs that have ended.

pub mod compare;
pub mod history;
pub mod report;
pub mod run;

use super::side_bit;
use crate::limits::SUBMIRRORS_MAX;

/// A set of sides without one of them, which the mirror loses: those behind it have moved.
pub const fn without_side(sides: u32, gone: u32) -> u32 {
    let below = side_bit(gone).wrapping_sub(1);
    if gone >= SUBMIRRORS_MAX {
        return sides;
    }
    (sides & below) | ((sides >> 1) & !below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_behind_one_that_is_gone_move() {
        assert_eq!(without_side(0b1011, 0), 0b101);
        assert_eq!(without_side(0b1011, 1), 0b101);
        assert_eq!(without_side(0b1011, 2), 0b111);
        assert_eq!(without_side(0b1011, 3), 0b011);
        assert_eq!(without_side(0b1011, 4), 0b1011, "there is no such side");
    }
}
