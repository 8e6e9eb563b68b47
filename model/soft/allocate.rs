// SPDX-License-Identifier: GPL-2.0
//! Which free runs become extents (`svm.md` section 6.3).
//!
//! 1. Data begins on a multiple of the alignment, its watermark right before it.
//! 2. A soft partition that grows takes what is free directly behind its last extent.
//! 3. The rest goes to the first run that has room for all of it: first fit, not best fit.
//! 4. If no run has, runs are used from the first one on until it is enough. All but the last of
//!    these extents are multiples of the alignment, so that data is aligned in the soft partition
//!    where it is on the base; runs without room for that are left out.
//! 5. If all of it is not enough, nothing is allocated.

use core::num::NonZeroU64;

use super::{
    extents::total,
    taken::{
        free,
        Run,
        Taken, //
    },
    whole_grains,
    Base,
    Extent,
    GRAIN, //
};
use crate::{
    limits::GRAIN_SECTORS,
    units::{
        round_down,
        round_up, //
    },
};

/// How much is wanted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Amount {
    /// So many sectors of data; whole grains are allocated.
    Sectors(u64),
    /// All there is.
    All,
}

/// Why nothing is allocated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoRoom {
    /// There is not so much.
    Full {
        /// Sectors that are wanted; `u64::MAX` for all there is.
        needed: u64,
        /// Sectors that could be had with this alignment.
        free: u64,
    },
    /// It would be in more extents than there may be.
    TooManyExtents {
        /// How many there may be.
        most: usize,
    },
}

/// What a soft partition gets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Share {
    /// Sectors by which its last extent becomes longer.
    pub extended: u64,
    /// How many extents it gets, in the list of the caller.
    pub added: usize,
}

/// Allocates `amount` for a soft partition that has `own` extents, none if it is new. The new ones
/// are put into `out`, of which the caller gives as many as there may be. `taken` is in order.
pub fn allocate(
    base: &Base,
    taken: &[Taken],
    own: &[Extent],
    amount: Amount,
    alignment: NonZeroU64,
    out: &mut [Extent],
) -> Result<Share, NoRoom> {
    let behind = own.last().map(Extent::end);
    let next = free(base, taken).find(|run| Some(run.from) == behind);
    let others = free(base, taken).filter(|run| Some(run.from) != behind);
    let room = |run: &Run| room_in(run, alignment);
    let needed = match amount {
        Amount::All => u64::MAX,
        Amount::Sectors(sectors) => whole_grains(sectors).unwrap_or(u64::MAX),
    };
    let extended = next.map_or(0, |run| extension(own, &run, needed, alignment));
    let rest = needed.saturating_sub(extended);
    let share = |added| Share { extended, added };
    if rest == 0 && needed > 0 {
        return Ok(share(0));
    }
    let mut single = others.clone().filter_map(|run| room(&run));
    if let Some(extent) = single.find(|extent| extent.count >= rest && rest > 0) {
        let most = out.len();
        let first = out.first_mut().ok_or(NoRoom::TooManyExtents { most })?;
        *first = Extent {
            count: rest,
            ..extent
        };
        return Ok(share(1));
    }
    let found = take_all(others.filter_map(|run| room(&run)), rest, alignment, out)?;
    let got = total(out.get(..found.added).unwrap_or(&[])).saturating_add(extended);
    if got == 0 || amount != Amount::All && found.missing > 0 {
        return Err(NoRoom::Full { needed, free: got });
    }
    Ok(share(found.added))
}

/// What was found.
struct Taking {
    added: usize,
    missing: u64,
}

/// Takes one room after the other until it is enough.
fn take_all(
    rooms: impl Iterator<Item = Extent>,
    mut rest: u64,
    alignment: NonZeroU64,
    out: &mut [Extent],
) -> Result<Taking, NoRoom> {
    let most = out.len();
    let mut added = 0_usize;
    for room in rooms {
        if rest == 0 {
            break;
        }
        let count = if room.count >= rest {
            rest
        } else {
            round_down(room.count, alignment)
        };
        if count == 0 {
            continue;
        }
        let place = out.get_mut(added).ok_or(NoRoom::TooManyExtents { most })?;
        *place = Extent { count, ..room };
        added = added.saturating_add(1);
        rest = rest.saturating_sub(count);
    }
    Ok(Taking {
        added,
        missing: rest,
    })
}

/// By how much the last extent becomes longer, directly behind which a run is free. If that is not
/// all that is needed, its data ends on a multiple of the alignment.
fn extension(own: &[Extent], run: &Run, needed: u64, alignment: NonZeroU64) -> u64 {
    let room = run.to.saturating_sub(run.from);
    if room >= needed {
        return needed;
    }
    let before = own.last().map_or(0, |last| last.count);
    let after = round_down(before.saturating_add(room), alignment);
    after.saturating_sub(before)
}

/// The extent that fits into a run, all of it; `None` if none does.
fn room_in(run: &Run, alignment: NonZeroU64) -> Option<Extent> {
    let sector = round_up(run.from.checked_add(GRAIN_SECTORS)?, alignment)?;
    let count = round_down(run.to.checked_sub(sector)?, GRAIN);
    (count > 0).then_some(Extent { sector, count })
}

/// What is left of a soft partition that becomes smaller: how many of its extents, and how long the
/// last one is then. `None` if it would have nothing, or would not be smaller.
pub fn cut(own: &[Extent], sectors: u64) -> Option<(usize, u64)> {
    let wanted = whole_grains(sectors)?;
    if wanted == 0 || wanted >= total(own) {
        return None;
    }
    let mut before = 0_u64;
    for (index, extent) in own.iter().enumerate() {
        let end = before.checked_add(extent.count)?;
        if end >= wanted {
            return Some((index.checked_add(1)?, wanted.checked_sub(before)?));
        }
        before = end;
    }
    None
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    const MIB: u64 = 2048;

    /// A base of 100 MiB behind a reserved head.
    const BASE: Base = Base {
        start: MIB,
        end: 100 * MIB - 16,
    };

    fn align(sectors: u64) -> NonZeroU64 {
        NonZeroU64::new(sectors).expect("not zero")
    }

    fn taken(extents: &[Extent]) -> Vec<Taken> {
        let one = |extent: &Extent| Taken {
            extent: *extent,
            owner: 0,
            sequence: 0,
        };
        extents.iter().map(one).collect()
    }

    fn mib(sector: u64, count: u64) -> Extent {
        Extent {
            sector: sector.saturating_mul(MIB),
            count: count.saturating_mul(MIB),
        }
    }

    fn made(others: &[Extent], amount: Amount) -> Result<Vec<Extent>, NoRoom> {
        let mut out = [Extent::UNFILLED; 10];
        let taken = taken(others);
        let share = allocate(&BASE, &taken, &[], amount, align(MIB), &mut out)?;
        assert_eq!(share.extended, 0);
        Ok(out[..share.added].to_vec())
    }

    /// `svm.md` section 13.5 test 33.
    #[test]
    fn the_first_run_with_room_for_all_of_it_is_used() {
        let others = [mib(2, 10), mib(20, 10), mib(40, 10)];
        assert_eq!(
            made(&others, Amount::Sectors(5 * MIB)),
            Ok([mib(13, 5)].to_vec())
        );
        assert_eq!(
            made(&others, Amount::Sectors(7 * MIB)),
            Ok([mib(31, 7)].to_vec())
        );
        assert_eq!(
            made(&others, Amount::Sectors(40 * MIB)),
            Ok([mib(51, 40)].to_vec())
        );
        assert_eq!(
            made(&[], Amount::Sectors(100)),
            Ok([Extent {
                sector: 2 * MIB,
                count: 112
            }]
            .to_vec())
        );
    }

    #[test]
    fn if_no_run_has_room_they_are_used_in_order() {
        let others = [mib(2, 10), mib(20, 10), mib(40, 10)];
        let expected = [mib(13, 6), mib(31, 8), mib(51, 41)];
        assert_eq!(
            made(&others, Amount::Sectors(55 * MIB)),
            Ok(expected.to_vec())
        );
        let all = made(&others, Amount::All).expect("there is room");
        assert_eq!(all.len(), 3);
        assert_eq!(all[..2], expected[..2]);
        assert_eq!(all[2].end(), 99 * MIB, "whole alignment units");
        let full = NoRoom::Full {
            needed: 90 * MIB,
            free: 62 * MIB,
        };
        assert_eq!(made(&others, Amount::Sectors(90 * MIB)), Err(full));
    }

    #[test]
    fn growing_begins_directly_behind() {
        let own = [mib(2, 10)];
        let others = [mib(2, 10), mib(20, 10)];
        let mut out = [Extent::UNFILLED; 4];
        let mut grow = |sectors| {
            let amount = Amount::Sectors(sectors);
            let share = allocate(&BASE, &taken(&others), &own, amount, align(MIB), &mut out);
            share.map(|share| (share.extended, out[..share.added].to_vec()))
        };
        assert_eq!(grow(5 * MIB), Ok((5 * MIB, [].to_vec())));
        assert_eq!(grow(8 * MIB - 16), Ok((8 * MIB - 16, [].to_vec())));
        assert_eq!(grow(9 * MIB), Ok((7 * MIB, [mib(31, 2)].to_vec())));
    }

    #[test]
    fn who_has_too_many_extents_gets_nothing() {
        let others = [mib(2, 10), mib(20, 10), mib(40, 10)];
        let mut out = [Extent::UNFILLED; 2];
        let amount = Amount::Sectors(55 * MIB);
        let share = allocate(&BASE, &taken(&others), &[], amount, align(MIB), &mut out);
        assert_eq!(share, Err(NoRoom::TooManyExtents { most: 2 }));
        let full = [mib(2, 98)];
        let nothing = NoRoom::Full {
            needed: u64::MAX,
            free: 0,
        };
        let none = Base {
            end: 99 * MIB,
            ..BASE
        };
        let share = allocate(&none, &taken(&full), &[], Amount::All, align(MIB), &mut out);
        assert_eq!(share, Err(nothing));
    }

    #[test]
    fn a_soft_partition_is_cut_from_its_end() {
        let own = [mib(2, 10), mib(20, 5)];
        assert_eq!(cut(&own, 12 * MIB), Some((2, 2 * MIB)));
        assert_eq!(cut(&own, 10 * MIB), Some((1, 10 * MIB)));
        assert_eq!(cut(&own, 1), Some((1, 16)));
        assert_eq!(cut(&own, 0), None);
        assert_eq!(cut(&own, 15 * MIB), None);
        assert_eq!(cut(&own, u64::MAX), None);
    }
}
