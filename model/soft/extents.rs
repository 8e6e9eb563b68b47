// SPDX-License-Identifier: GPL-2.0
//! Finding a sector of a soft partition.
//!
//! [`map`] is the data path: one comparison where there is one extent, which is the rule, and else
//! a binary search.

use super::Extent;
use crate::geometry::stripe::Piece;

/// An extent, and where it is in the soft partition.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Placed {
    /// First sector in the soft partition.
    pub start_sector: u64,
    /// Where that is on the base.
    pub extent: Extent,
}

impl Placed {
    /// What a table holds before it is filled.
    pub const UNFILLED: Self = Self {
        start_sector: 0,
        extent: Extent::UNFILLED,
    };
}

/// Fills a table of the same length; returns the size of the soft partition in sectors. `None` if
/// the lengths differ, an extent is not sound, or 64 bits do not hold the size.
pub fn lay_out(extents: &[Extent], table: &mut [Placed]) -> Option<u64> {
    if extents.len() != table.len() {
        return None;
    }
    let mut start_sector = 0_u64;
    for (to, extent) in table.iter_mut().zip(extents) {
        if !extent.is_sound() {
            return None;
        }
        *to = Placed {
            start_sector,
            extent: *extent,
        };
        start_sector = start_sector.checked_add(extent.count)?;
    }
    Some(start_sector)
}

/// The sectors of all extents together; `u64::MAX` where 64 bits do not hold them.
pub fn total(extents: &[Extent]) -> u64 {
    let counts = extents.iter().map(|extent| extent.count);
    counts.fold(0, u64::saturating_add)
}

/// Maps the first piece of the request for `count` sectors from `sector` on. It ends with the
/// request or the extent. `None` if `sector` is outside, or `count` is zero.
#[inline]
pub fn map(table: &[Placed], sector: u64, count: u64) -> Option<Piece> {
    let placed = find(table, sector)?;
    let skip = sector.checked_sub(placed.start_sector)?;
    let left = placed.extent.count.checked_sub(skip)?;
    let count = count.min(left);
    if count == 0 {
        return None;
    }
    Some(Piece {
        component: 0,
        sector: placed.extent.sector.checked_add(skip)?,
        count,
    })
}

/// Calls `each` with the runs that `count` sectors from `sector` on are on the base: one for each
/// extent. `None` if they are not all in the soft partition; some calls may have been made by then.
pub fn ranges(
    table: &[Placed],
    sector: u64,
    count: u64,
    each: &mut dyn FnMut(Piece),
) -> Option<()> {
    let end = sector.checked_add(count)?;
    let mut at = sector;
    while at < end {
        let piece = map(table, at, end.checked_sub(at)?)?;
        at = at.checked_add(piece.count)?;
        each(piece);
    }
    Some(())
}

#[inline]
fn find(table: &[Placed], sector: u64) -> Option<&Placed> {
    let first = table.first()?;
    if sector < first.extent.count {
        return Some(first);
    }
    let behind = table.partition_point(|placed| placed.start_sector <= sector);
    table.get(behind.checked_sub(1)?)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    const EXTENTS: [Extent; 3] = [
        Extent {
            sector: 4096,
            count: 32,
        },
        Extent {
            sector: 2048,
            count: 16,
        },
        Extent {
            sector: 8192,
            count: 64,
        },
    ];

    fn table() -> [Placed; 3] {
        let mut table = [Placed::UNFILLED; 3];
        assert_eq!(lay_out(&EXTENTS, &mut table), Some(112));
        table
    }

    #[test]
    fn every_sector_has_one_place() {
        let table = table();
        let mut expected = Vec::new();
        for extent in EXTENTS {
            expected.extend(extent.sector..extent.end());
        }
        for (sector, place) in (0_u64..).zip(&expected) {
            let piece = map(&table, sector, 1).expect("inside");
            assert_eq!((piece.component, piece.sector, piece.count), (0, *place, 1));
        }
        assert_eq!(map(&table, 112, 1), None);
        assert_eq!(map(&table, u64::MAX, 1), None);
        assert_eq!(map(&table, 0, 0), None);
        assert_eq!(map(&[], 0, 1), None);
    }

    #[test]
    fn a_piece_ends_with_its_extent() {
        let table = table();
        let piece = map(&table, 31, 100).expect("inside");
        assert_eq!((piece.sector, piece.count), (4127, 1));
        let mut runs = Vec::new();
        let inside = ranges(&table, 30, 30, &mut |piece| {
            runs.push((piece.sector, piece.count));
        });
        assert_eq!(inside, Some(()));
        assert_eq!(runs, [(4126, 2), (2048, 16), (8192, 12)]);
        assert_eq!(ranges(&table, 100, 13, &mut |_| {}), None, "outside");
    }

    #[test]
    fn what_is_not_sound_is_not_laid_out() {
        let crooked = Extent {
            sector: 4097,
            count: 32,
        };
        let mut table = [Placed::UNFILLED];
        assert_eq!(lay_out(&[crooked], &mut table), None);
        assert_eq!(lay_out(&EXTENTS, &mut table), None);
        assert_eq!(total(&EXTENTS), 112);
        assert_eq!(lay_out(&[], &mut []), Some(0));
    }
}
