// SPDX-License-Identifier: GPL-2.0
//! The check of RAID5: all columns of a line are read, and their sum has to be zero. Where it is
//! not, the parity does not fit the data, and nobody knows which of the columns is to blame; a
//! repair makes the parity of the data, which stays as it is (`svm.md` sections 5.9 and 13.4 (32)).
//!
//! When a check begins and ends, what it reports and what is remembered of it is as with the scrub
//! of a mirror ([`scrub`](crate::mirror::scrub)). Its ranges are offsets in the data of a column,
//! where all columns have the same rows.

use super::{
    layout::Layout,
    progress::{
        Activity,
        Progress, //
    },
};
use crate::units::SECTOR_BYTES;

/// Whether the columns of the line at an offset can be compared: all have what they should have
/// there, and the parity was made. `is_served`: whether a column is.
pub fn is_comparable(
    progress: &Progress,
    columns: u32,
    offset: u64,
    is_served: impl Fn(u32) -> bool,
) -> bool {
    progress.is_parity_known(offset)
        && progress.column_behind(offset).is_none()
        && (0..columns).all(is_served)
}

/// Whether there is anything to compare at all.
pub fn can_begin(progress: &Progress, columns: u32, is_served: impl Fn(u32) -> bool) -> bool {
    progress.activity == Activity::Nothing && (0..columns).all(is_served)
}

/// Sectors of data in so many sectors of each column.
pub const fn data_sectors(layout: &Layout, sectors: u64) -> u64 {
    let columns = layout.columns().saturating_sub(1);
    sectors.saturating_mul(columns as u64)
}

/// Calls `each` with the runs of sectors of a line whose sum is not zero: the first one, counted
/// from the beginning of the line, and how many. `sum` is that of all columns.
pub fn for_differences(sum: &[u8], mut each: impl FnMut(u64, u64)) {
    let mut run: Option<(u64, u64)> = None;
    for (at, sector) in (0_u64..).zip(sum.chunks(SECTOR_BYTES as usize)) {
        let differs = sector.iter().any(|byte| *byte != 0);
        run = match (run, differs) {
            (None, true) => Some((at, 1)),
            (Some((first, count)), true) => Some((first, count.saturating_add(1))),
            (before, false) => {
                if let Some((first, count)) = before {
                    each(first, count);
                }
                None
            }
        };
    }
    if let Some((first, count)) = run {
        each(first, count);
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::{
        vec,
        vec::Vec, //
    };

    use super::*;

    fn found(sum: &[u8]) -> Vec<(u64, u64)> {
        let mut found = Vec::new();
        for_differences(sum, |first, count| found.push((first, count)));
        found
    }

    /// A single bit is a difference, wherever it is, and of no other sector.
    #[test]
    fn a_single_bit_is_a_difference() {
        assert_eq!(found(&[0; 4096]), []);
        for byte in 0..2048 {
            let mut sum = vec![0; 2048];
            sum[byte] = 1 << (byte % 8);
            assert_eq!(found(&sum), [(byte as u64 / 512, 1)]);
        }
    }

    #[test]
    fn neighbours_make_up_one_run() {
        let mut sum = vec![0; 8 * 512];
        for sector in [0, 1, 4, 7] {
            sum[sector * 512 + 511] = 9;
        }
        assert_eq!(found(&sum), [(0, 2), (4, 1), (7, 1)]);
    }

    /// `DURABILITY.md` clause 17: ahead of the cursor there is nothing to compare.
    #[test]
    fn what_is_not_made_yet_is_not_compared() {
        let at = |activity, offset| {
            let progress = Progress {
                activity,
                cursor: 64,
            };
            is_comparable(&progress, 3, offset, |_| true)
        };
        assert!(at(Activity::Nothing, 0) && at(Activity::Nothing, 99));
        for activity in [Activity::Build, Activity::Column(1)] {
            assert!(at(activity, 63) && !at(activity, 64), "{activity:?}");
            assert!(!can_begin(&Progress::begin(activity), 3, |_| true));
        }
        for lost in 0..3 {
            let is_served = |column| column != lost;
            assert!(!is_comparable(&Progress::DONE, 3, 0, is_served));
            assert!(!can_begin(&Progress::DONE, 3, is_served));
        }
        assert!(can_begin(&Progress::DONE, 3, |_| true));
    }
}
