// SPDX-License-Identifier: GPL-2.0
//! What is taken of a base, in the order of its sectors, and what is free between.

use super::{
    Base,
    Extent, //
};
use crate::limits::GRAIN_SECTORS;

/// An extent that is taken: whose, and which of his.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Taken {
    /// Where it is.
    pub extent: Extent,
    /// Who has it, as the caller counts them.
    pub owner: u32,
    /// Which of his extents it is, from 0.
    pub sequence: u32,
}

impl Taken {
    /// What a list holds before it is filled.
    pub const UNFILLED: Self = Self {
        extent: Extent::UNFILLED,
        owner: 0,
        sequence: 0,
    };
}

/// A run of a base that nobody has: from where a watermark may stand to the next one that does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Run {
    /// Its first sector.
    pub from: u64,
    /// The first one behind it.
    pub to: u64,
}

/// What does not fit: an extent that is not sound, not within the base, or that overlaps the one
/// before it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Misfit(pub Taken);

/// Verifies that a list in order has each sector once, and nothing outside of the base.
pub fn verify(base: &Base, taken: &[Taken]) -> Result<(), Misfit> {
    let mut from = base.start;
    for one in taken {
        let Extent { sector, .. } = one.extent;
        let end = one.extent.end();
        let fits = one.extent.is_sound() && one.extent.place() >= from && end <= base.end;
        if !fits || sector < GRAIN_SECTORS {
            return Err(Misfit(*one));
        }
        from = end;
    }
    Ok(())
}

/// The run before the taken extent with an index, or with their number the one behind the last;
/// `None` if there is no room between.
pub fn gap(base: &Base, taken: &[Taken], index: usize) -> Option<Run> {
    let before = index.checked_sub(1).and_then(|before| taken.get(before));
    let from = before.map_or(base.start, |before| before.extent.end());
    let to = taken.get(index);
    let to = to.map_or(base.end, |behind| behind.extent.place());
    (from < to).then_some(Run { from, to })
}

/// All runs that nobody has, in order.
pub fn free<'a>(base: &'a Base, taken: &'a [Taken]) -> impl Iterator<Item = Run> + Clone + 'a {
    (0..=taken.len()).filter_map(|index| gap(base, taken, index))
}

/// How many sectors of data would fit in all of them, each with its watermark.
pub fn free_sectors(base: &Base, taken: &[Taken]) -> u64 {
    let rooms = free(base, taken).map(|run| {
        let length = run.to.saturating_sub(run.from);
        length.saturating_sub(GRAIN_SECTORS)
    });
    rooms.fold(0, u64::saturating_add)
}

/// Puts a list in order. The library's sort can panic.
pub fn sort(taken: &mut [Taken]) {
    let count = taken.len();
    for root in (0..count / 2).rev() {
        sift(taken, root, count);
    }
    for end in (1..count).rev() {
        taken.swap(0, end);
        sift(taken, 0, end);
    }
}

/// Lets an element of a heap of `count` sink to where it belongs.
fn sift(taken: &mut [Taken], mut root: usize, count: usize) {
    let key = |taken: &[Taken], index: usize| {
        let found = taken.get(index).filter(|_| index < count);
        found.map(|found| found.extent.sector)
    };
    loop {
        let left = root.saturating_mul(2).saturating_add(1);
        let right = left.saturating_add(1);
        let larger = if key(taken, right) > key(taken, left) {
            right
        } else {
            left
        };
        if key(taken, larger) <= key(taken, root) {
            return;
        }
        taken.swap(root, larger);
        root = larger;
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    const BASE: Base = Base {
        start: 2048,
        end: 8192,
    };

    fn taken(sector: u64, count: u64) -> Taken {
        Taken {
            extent: Extent { sector, count },
            owner: 7,
            sequence: 0,
        }
    }

    #[test]
    fn runs_are_what_is_between() {
        let list = [taken(2064, 16), taken(4096, 2048)];
        assert_eq!(verify(&BASE, &list), Ok(()));
        let runs: Vec<_> = free(&BASE, &list).map(|run| (run.from, run.to)).collect();
        assert_eq!(runs, [(2080, 4080), (6144, 8192)]);
        assert_eq!(free_sectors(&BASE, &list), 1984 + 2032);
        let all = [taken(2064, 8192 - 2064)];
        assert_eq!(free(&BASE, &all).count(), 0);
        assert_eq!(free_sectors(&BASE, &[]), 8192 - 2048 - 16);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let bad = |list: &[Taken]| verify(&BASE, list).err().map(|misfit| misfit.0);
        assert_eq!(bad(&[taken(2048, 16)]), Some(taken(2048, 16)), "no place");
        assert_eq!(bad(&[taken(8176, 32)]), Some(taken(8176, 32)), "the end");
        let close = [taken(2064, 32), taken(2096, 16)];
        assert_eq!(bad(&close), Some(close[1]), "no room for a watermark");
        let swapped = [taken(4096, 16), taken(2064, 16)];
        assert_eq!(bad(&swapped), Some(swapped[1]));
        assert_eq!(bad(&[taken(2064, 8)]), Some(taken(2064, 8)));
    }

    #[test]
    fn a_list_is_put_in_order() {
        for count in [0_u64, 1, 2, 3, 10, 33, 100] {
            let sector = |index: u64| (index * 37 % (count + 1)) * 64 + 2064;
            let mut list: Vec<_> = (0..count).map(|index| taken(sector(index), 16)).collect();
            let mut expected = list.clone();
            expected.sort_by_key(|one| one.extent.sector);
            sort(&mut list);
            assert_eq!(list, expected);
        }
    }
}
