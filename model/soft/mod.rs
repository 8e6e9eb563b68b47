// SPDX-License-Identifier: GPL-2.0
//! Soft partitions: many volumes on one device or metadevice, their *base* (`svm.md` section 6).
//!
//! A soft partition is a list of [`Extent`]s of its base, one behind the other. Before the data of
//! each extent stands a *watermark* that says whose it is, so that the layout is on the base as
//! well as in the state database. Free space has watermarks too; each leads to the next one, from
//! the start of the base to its end:
//!
//! ```text
//! base | W data of d20 ... | W free ... | W data of d21 ... | W data of d20 ... | W end |
//! ```
//!
//! - [`extents`]: finding a sector; [`align`]: where data may begin.
//! - [`taken`]: what is taken of a base, and what is free; [`allocate`]: making and growing.
//! - [`watermark`]: the format of a watermark, and what is made of its two copies.
//! - [`chain`]: the watermarks that a base should have; walking those that it has.
//! - [`rebuild`]: which soft partitions a chain has.
//! - [`change`]: in which order watermarks are written, so that a power cut leaves a chain with the
//!   layout from before or from after the change (section 6.4).

pub mod align;
pub mod allocate;
pub mod chain;
pub mod change;
pub mod extents;
pub mod rebuild;
pub mod taken;
pub mod watermark;

use crate::{
    limits::GRAIN_SECTORS,
    units::{
        round_down,
        round_up, //
    },
};
use core::num::NonZeroU64;

/// [`GRAIN_SECTORS`] as a divisor.
pub const GRAIN: NonZeroU64 = match NonZeroU64::new(GRAIN_SECTORS) {
    Some(grain) => grain,
    None => NonZeroU64::MIN,
};

/// A run of sectors of a base that holds data of a soft partition. Its watermark is right before
/// it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Extent {
    /// First sector of the data.
    pub sector: u64,
    /// Sectors of data.
    pub count: u64,
}

impl Extent {
    /// What a list holds before it is filled.
    pub const UNFILLED: Self = Self {
        sector: 0,
        count: 0,
    };

    /// Where its watermark is.
    pub const fn place(&self) -> u64 {
        self.sector.saturating_sub(GRAIN_SECTORS)
    }

    /// The first sector behind it.
    pub const fn end(&self) -> u64 {
        self.sector.saturating_add(self.count)
    }

    /// Whether watermark and data lie on the grain and within 64 bits, and there is data.
    pub fn is_sound(&self) -> bool {
        self.sector % GRAIN == 0
            && self.count % GRAIN == 0
            && self.count > 0
            && self.sector >= GRAIN_SECTORS
            && self.sector.checked_add(self.count).is_some()
    }
}

/// What a base has room for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Base {
    /// The place of the first watermark.
    pub start: u64,
    /// The place of the last one, which says that here is the end.
    pub end: u64,
}

impl Base {
    /// The base on a device of which `start_sector` is the first that may be used. `None` if there
    /// is no room for data.
    pub fn of(start_sector: u64, size_sectors: u64) -> Option<Self> {
        let start = round_up(start_sector, GRAIN)?;
        let end = round_down(size_sectors, GRAIN).checked_sub(GRAIN_SECTORS)?;
        let first_data = start.checked_add(GRAIN_SECTORS)?;
        (first_data < end).then_some(Self { start, end })
    }
}

/// So many sectors, in whole grains; `None` where 64 bits do not hold them.
pub fn whole_grains(sectors: u64) -> Option<u64> {
    round_up(sectors, GRAIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_has_room_for_its_end_and_for_some_data() {
        let base = Base::of(2048, 8199).expect("room");
        assert_eq!((base.start, base.end), (2048, 8192 - 16));
        assert_eq!(Base::of(1, 64).map(|base| base.start), Some(16));
        assert_eq!(Base::of(0, 48), Some(Base { start: 0, end: 32 }));
        assert_eq!(Base::of(0, 47), None);
        assert_eq!(Base::of(0, 15), None);
        assert_eq!(Base::of(u64::MAX, u64::MAX), None);
    }

    #[test]
    fn an_extent_is_sound_on_the_grain() {
        let sound = |sector, count| Extent { sector, count }.is_sound();
        assert!(sound(16, 16) && sound(2048, 320));
        assert!(!sound(0, 16), "no room for its watermark");
        assert!(!sound(16, 0) && !sound(17, 16) && !sound(16, 8));
        assert!(!sound(u64::MAX - 15, 16), "behind 64 bits");
        let extent = Extent {
            sector: 2048,
            count: 16,
        };
        assert_eq!((extent.place(), extent.end()), (2032, 2064));
    }
}
