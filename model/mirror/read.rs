// SPDX-License-Identifier: GPL-2.0
//! Which side of a mirror a read goes to (`svm.md` section 4.3).
//!
//! [`choose`] is asked for every read. Nearly every mirror has two sides: for these it neither
//! loops nor divides.

use core::num::{
    NonZeroU32,
    NonZeroU64, //
};

use super::options::ReadPolicy;
use crate::limits::SUBMIRRORS_MAX;

/// In the note of a read, which has a bit for each side that was tried: it was tried block by
/// block.
pub const BY_BLOCKS: u32 = 1 << SUBMIRRORS_MAX;

/// And another one: a side has lost a block of it. The device says so of everything that it was to
/// read in one go, also of blocks of others that it has.
pub const LOST: u32 = 1 << (SUBMIRRORS_MAX + 1);

/// What is left to try for a read that has failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Next {
    /// Sides that have not failed. With the note of the read from then on.
    OtherSides(u32),
    /// Each block on its own, since several sides have failed, perhaps with blocks of which
    /// another one has a copy, or one has lost a block, perhaps another one. With the note of the
    /// read from then on.
    Blocks(u32),
    /// Nothing.
    Nothing,
}

/// What to do about a read that has failed on the sides whose bits are in `failed`, and that had
/// `note` before; `has_lost`: one of them has lost what was to be read (`svm.md` section 4.7: who
/// reads sees no error as long as there is a copy).
pub const fn next(note: u32, failed: u32, has_lost: bool) -> Next {
    let tried = note | failed | if has_lost { LOST } else { 0 };
    let several = without_lowest(tried & SIDES) != 0;
    if note & BY_BLOCKS != 0 {
        Next::Nothing
    } else if note | failed != note {
        Next::OtherSides(tried)
    } else if several || tried & LOST != 0 {
        Next::Blocks(tried | BY_BLOCKS)
    } else {
        Next::Nothing
    }
}

/// A bit for each side that there can be.
const SIDES: u32 = !(u32::MAX << SUBMIRRORS_MAX);

/// The side that a read from `sector` on goes to, of those whose bits are set in `candidates`;
/// `None` if there is none. Bits from [`SUBMIRRORS_MAX`] on count for nothing.
///
/// - round robin, and hedged: number `turn` of the candidates, counted in circles. The caller adds
///   one to `turn` for every read.
/// - geometric: the mirror of `mirror_sectors` is cut into as many equal parts as there are
///   candidates, and each has one. What is left behind the last part is the last one's, too.
/// - first: the lowest.
#[inline]
pub fn choose(
    policy: ReadPolicy,
    candidates: u32,
    turn: u32,
    sector: u64,
    mirror_sectors: u64,
) -> Option<u32> {
    let sides = candidates & SIDES;
    let others = without_lowest(sides);
    if others == 0 {
        return lowest(sides);
    }
    if without_lowest(others) != 0 {
        return choose_of_many(policy, sides, turn, sector, mirror_sectors);
    }
    let second = match policy {
        ReadPolicy::RoundRobin | ReadPolicy::Hedged => turn & 1 != 0,
        ReadPolicy::Geometric => sector >= mirror_sectors.div_ceil(2),
        ReadPolicy::First => false,
    };
    lowest(if second { others } else { sides })
}

/// [`choose`] for any number of sides.
fn choose_of_many(
    policy: ReadPolicy,
    sides: u32,
    turn: u32,
    sector: u64,
    mirror_sectors: u64,
) -> Option<u32> {
    let count = NonZeroU32::new(sides.count_ones())?;
    let position = match policy {
        ReadPolicy::RoundRobin | ReadPolicy::Hedged => turn % count,
        ReadPolicy::Geometric => {
            let part = mirror_sectors.div_ceil(count.get().into());
            let part = NonZeroU64::new(part).unwrap_or(NonZeroU64::MIN);
            let last = count.get().saturating_sub(1);
            u32::try_from(sector / part).map_or(last, |position| position.min(last))
        }
        ReadPolicy::First => 0,
    };
    let rest = (0..position).fold(sides, |rest, _| without_lowest(rest));
    lowest(rest)
}

/// The set without its lowest side.
#[inline]
const fn without_lowest(sides: u32) -> u32 {
    sides & sides.wrapping_sub(1)
}

/// The number of the lowest side, if there is one.
#[inline]
const fn lowest(sides: u32) -> Option<u32> {
    if sides == 0 {
        None
    } else {
        Some(sides.trailing_zeros())
    }
}

#[cfg(test)]
mod tests {
    use super::{
        ReadPolicy::{
            First,
            Geometric,
            RoundRobin, //
        },
        *,
    };

    /// `svm.md` 4.7: a side after the other, then block by block, then no more.
    #[test]
    fn a_read_that_fails_goes_on_while_something_is_left() {
        let next = |note, failed| next(note, failed, false);
        assert_eq!(next(0, 0b01), Next::OtherSides(0b01));
        assert_eq!(next(0b01, 0b10), Next::OtherSides(0b11));
        // The same sides again: they may have failed with different blocks.
        assert_eq!(next(0b11, 0b01), Next::Blocks(0b11 | BY_BLOCKS));
        assert_eq!(next(0b11 | BY_BLOCKS, 0b11), Next::Nothing);
        assert_eq!(next(0b11 | BY_BLOCKS, 0), Next::Nothing);
        // There is no other side, and what has failed was not lost.
        assert_eq!(next(0b01, 0), Next::Nothing);
    }

    /// What the last side reads in one go with a block that it has lost is not lost.
    #[test]
    fn what_was_read_with_a_lost_block_is_read_by_itself() {
        let tried = 0b01 | LOST;
        assert_eq!(next(0, 0b01, true), Next::OtherSides(tried));
        assert_eq!(next(tried, 0, false), Next::Blocks(tried | BY_BLOCKS));
        assert_eq!(next(tried | BY_BLOCKS, 0, true), Next::Nothing);
    }

    /// Where one side was all there is, nobody else has its blocks.
    #[test]
    fn a_single_side_is_not_read_twice() {
        assert_eq!(next(0b100, 0b100, false), Next::Nothing);
        assert_eq!(next(0b100, 0, false), Next::Nothing);
    }

    #[test]
    fn without_candidates_there_is_no_side() {
        for policy in [RoundRobin, Geometric, First] {
            assert_eq!(choose(policy, 0, 1, 50, 100), None);
            assert_eq!(choose(policy, 0xffff_fff0, 1, 50, 100), None);
        }
    }

    /// `svm.md` 4.3: the next one of those that can be read.
    #[test]
    fn round_robin_takes_each_candidate_in_turn() {
        let found =
            |candidates| [0, 1, 2, 3].map(|turn| choose(RoundRobin, candidates, turn, 0, 9));
        assert_eq!(found(0b0011), [0, 1, 0, 1].map(Some));
        assert_eq!(found(0b1010), [1, 3, 1, 3].map(Some));
        assert_eq!(found(0b1011), [0, 1, 3, 0].map(Some));
        assert_eq!(found(0b1111), [0, 1, 2, 3].map(Some));
        assert_eq!(found(0b0100), [2, 2, 2, 2].map(Some));
        assert_eq!(choose(RoundRobin, 0b11, u32::MAX, 0, 9), Some(1));
    }

    /// `svm.md` 4.3: the block divided by the rounded-up part of each.
    #[test]
    fn geometric_gives_each_candidate_its_part() {
        let found = |candidates, sector| choose(Geometric, candidates, 7, sector, 101);
        assert_eq!(found(0b0110, 0), Some(1));
        assert_eq!(found(0b0110, 50), Some(1));
        assert_eq!(found(0b0110, 51), Some(2));
        assert_eq!(found(0b0110, 100), Some(2));
        assert_eq!(found(0b1101, 33), Some(0));
        assert_eq!(found(0b1101, 34), Some(2));
        assert_eq!(found(0b1101, 68), Some(3));
        assert_eq!(found(0b1111, 100), Some(3));
    }

    #[test]
    fn geometric_knows_a_side_for_any_sector() {
        for candidates in [0b11_u32, 0b111] {
            let last = candidates.trailing_ones() - 1;
            let found = |sector, size| choose(Geometric, candidates, 0, sector, size);
            assert_eq!(found(u64::MAX, 100), Some(last));
            assert_eq!(found(u64::MAX, u64::MAX), Some(last));
            assert_eq!(found(5, 0), Some(last));
        }
    }

    /// `svm.md` 4.3: the lowest index.
    #[test]
    fn first_takes_the_lowest_candidate() {
        for candidates in [0b1000_u32, 0b1100, 0b1110, 0b1111] {
            let lowest = candidates.trailing_zeros();
            assert_eq!(choose(First, candidates, 3, 99, 100), Some(lowest));
        }
    }
}
