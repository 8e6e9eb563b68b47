// SPDX-License-Identifier: GPL-2.0
//! The regions of a mirror: the pieces that it remembers something about (`svm.md` section 4.5).
//!
//! Of each region a mirror remembers whether it is *dirty*, which is recorded before it is
//! written to (`DURABILITY.md` clause 7), and of each side whether that is *behind* there: it lacks
//! what the others have. After a crash the sides may differ where the mirror is dirty, and nowhere
//! else.
//!
//! ```text
//! region    2^shift sectors, at least 1 MiB; no more than 4096 of them
//! word      64 regions, the first one in the lowest bit
//! ```
//!
//! # When a region becomes clean
//!
//! Writers count nothing, so that they share no cache line. A write first claims its blocks
//! ([`exclusion`](super::exclusion)), which is fully ordered, and then looks whether its regions
//! are open. Who wants to clean a region closes it first, which is fully ordered as well, and then
//! looks through the claims: either he sees the writer's claim, and opens the region again, or the
//! writer sees a closed region, gives its claim back and asks for it to be opened.

use super::exclusion;
use crate::limits::{
    REGIONS_MAX,
    UNIT_SECTORS_MAX, //
};

/// log2 of the sectors in the smallest region: 1 MiB.
pub const SHIFT_MIN: u32 = 11;

/// log2 of the sectors in the largest region.
pub const SHIFT_MAX: u32 = UNIT_SECTORS_MAX.ilog2() + 1 - REGIONS_MAX.ilog2();

/// Words that hold a bit for each of the most regions.
pub const WORDS_MAX: usize = REGIONS_MAX.div_ceil(u64::BITS) as usize;

/// How a mirror is divided.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Regions {
    shift: u32,
    count: u32,
}

/// Some bits of one word.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Bits {
    /// Which word, below [`Regions::words`].
    pub word: usize,
    /// Its bits, at least one.
    pub mask: u64,
}

impl Regions {
    /// How a new mirror of a size in sectors is divided: into the smallest regions that it may
    /// have.
    pub fn of(sectors: u64) -> Self {
        let mut shift = SHIFT_MIN;
        while shift < SHIFT_MAX && count(sectors, shift) > REGIONS_MAX.into() {
            shift = shift.saturating_add(1);
        }
        Self::with_shift(sectors, shift).unwrap_or(Self {
            shift: SHIFT_MAX,
            count: REGIONS_MAX,
        })
    }

    /// How a mirror is divided that has such regions; `None` if it would have too many.
    pub fn with_shift(sectors: u64, shift: u32) -> Option<Self> {
        if !(SHIFT_MIN..=SHIFT_MAX).contains(&shift) {
            return None;
        }
        let count = u32::try_from(count(sectors, shift)).ok()?;
        (count <= REGIONS_MAX).then_some(Self { shift, count })
    }

    /// How the mirror is divided when it has grown to so many sectors: into more regions as long as
    /// there may be so many, else into larger ones, of which each is made of whole regions of
    /// before.
    pub fn grown(&self, sectors: u64) -> Self {
        Self::with_shift(sectors, self.shift).unwrap_or_else(|| Self::of(sectors))
    }

    /// The bit of the region of the mirror that has [grown](Self::grown) in which a region of this
    /// one lies.
    pub fn bit_in(&self, grown: &Self, region: u32) -> Bits {
        let together = grown.shift.saturating_sub(self.shift);
        Self::bit_of(region.checked_shr(together).unwrap_or(0))
    }

    /// log2 of the sectors in a region.
    pub fn shift(&self) -> u32 {
        self.shift
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// How many words hold a bit for each.
    pub fn words(&self) -> usize {
        self.count.div_ceil(u64::BITS) as usize
    }

    /// The region of a sector.
    #[inline]
    pub fn region_of(&self, sector: u64) -> u32 {
        let region = sector.wrapping_shr(self.shift);
        u32::try_from(region).unwrap_or(u32::MAX)
    }

    /// First sector of a region.
    pub fn start_of(&self, region: u32) -> u64 {
        u64::from(region).checked_shl(self.shift).unwrap_or(0)
    }

    /// How many sectors there are from a sector to the end of its region.
    #[inline]
    pub fn left_in_region(&self, sector: u64) -> u64 {
        let last = sector | !u64::MAX.wrapping_shl(self.shift);
        last.wrapping_sub(sector).saturating_add(1)
    }

    /// The bit of a region.
    #[inline]
    pub fn bit_of(region: u32) -> Bits {
        Bits {
            word: (region / u64::BITS) as usize,
            mask: 1_u64.wrapping_shl(region),
        }
    }

    /// The regions of the first and of the last of `count` sectors from `sector` on.
    #[inline]
    pub fn ends(&self, sector: u64, count: u64) -> (u32, u32) {
        let last = sector.saturating_add(count.saturating_sub(1));
        (self.region_of(sector), self.region_of(last))
    }

    /// The bits of the regions that `count` sectors from `sector` on touch; none if `count` is
    /// zero.
    #[inline]
    pub fn bits(&self, sector: u64, count: u64) -> Touched {
        match count.checked_sub(1) {
            None => Touched { next: 1, last: 0 },
            Some(more) => Touched {
                next: self.region_of(sector),
                last: self.region_of(sector.saturating_add(more)),
            },
        }
    }

    /// The bits of all regions.
    pub fn all(&self) -> Touched {
        match self.count.checked_sub(1) {
            None => Touched { next: 1, last: 0 },
            Some(last) => Touched { next: 0, last },
        }
    }

    /// Whether a word of [`exclusion`] claims something in the region.
    pub fn is_claimed(&self, region: u32, word: u64) -> bool {
        exclusion::claimed_sector(word).is_some_and(|sector| self.region_of(sector) == region)
    }
}

/// The bits of regions that follow each other, word by word.
#[derive(Clone, Debug)]
pub struct Touched {
    next: u32,
    last: u32,
}

impl Iterator for Touched {
    type Item = Bits;

    #[inline]
    fn next(&mut self) -> Option<Bits> {
        if self.next > self.last {
            return None;
        }
        let first = self.next;
        let last_in_word = first | (u64::BITS.wrapping_sub(1));
        let last = last_in_word.min(self.last);
        self.next = last.checked_add(1).unwrap_or(u32::MAX);
        if last == u32::MAX {
            self.last = 0;
        }
        let from = u64::MAX.wrapping_shl(first);
        let to = u64::MAX.wrapping_shr(!last);
        Some(Bits {
            word: (first / u64::BITS) as usize,
            mask: from & to,
        })
    }
}

/// Which regions of a word can be made clean: those that are open, and that nobody has written to
/// since the last time, and that are not held for another reason.
pub fn idle(open: u64, recent: u64, held: u64) -> u64 {
    open & !recent & !held
}

/// How many regions of such a size a mirror has.
fn count(sectors: u64, shift: u32) -> u64 {
    match sectors.checked_sub(1) {
        None => 0,
        Some(last) => last.wrapping_shr(shift).saturating_add(1),
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    const GIB: u64 = 1 << 21;

    /// `DURABILITY.md` clause 12's measure: what 1 GiB of 64 GiB costs is less than 5 %.
    #[test]
    fn regions_are_as_small_as_their_number_allows() {
        assert_eq!(
            Regions::of(GIB),
            Regions {
                shift: 11,
                count: 1024
            }
        );
        assert_eq!(Regions::of(4 * GIB).count(), 4096);
        assert_eq!(
            Regions::of(4 * GIB + 1),
            Regions {
                shift: 12,
                count: 2049
            }
        );
        assert_eq!(
            Regions::of(64 * GIB),
            Regions {
                shift: 15,
                count: 4096
            }
        );
        assert_eq!(Regions::of(1).count(), 1);
        assert_eq!(Regions::of(0).count(), 0);
        let largest = Regions::of(UNIT_SECTORS_MAX);
        assert!(largest.count() <= REGIONS_MAX && largest.shift() <= SHIFT_MAX);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(Regions::with_shift(8 * GIB, 11), None);
        assert_eq!(Regions::with_shift(GIB, SHIFT_MIN - 1), None);
        assert_eq!(Regions::with_shift(GIB, SHIFT_MAX + 1), None);
        assert_eq!(Regions::with_shift(GIB, 12).map(|r| r.count()), Some(512));
    }

    /// Issue 7: a mirror keeps its regions while it grows, as long as they are not too many.
    #[test]
    fn a_mirror_that_grows_gets_more_regions_or_larger_ones() {
        let before = Regions::of(GIB);
        assert_eq!(before.grown(GIB + 1).count(), 1025);
        assert_eq!(before.grown(4 * GIB), Regions::of(4 * GIB));
        assert_eq!(before.grown(4 * GIB).shift(), before.shift());
        let larger = before.grown(4 * GIB + 1);
        assert_eq!((larger.shift(), larger.count()), (12, 2049));
        assert_eq!(
            before.grown(UNIT_SECTORS_MAX),
            Regions::of(UNIT_SECTORS_MAX)
        );
        let coarse = Regions::with_shift(GIB, 15).expect("regions of 16 MiB");
        assert_eq!(
            coarse.grown(2 * GIB).shift(),
            15,
            "what is recorded fits them"
        );
    }

    /// What was remembered of a sector is remembered of it.
    #[test]
    fn a_region_lies_in_the_grown_one_of_its_sectors() {
        let before = Regions::of(GIB);
        for size in [GIB, 3 * GIB, 5 * GIB, 64 * GIB, UNIT_SECTORS_MAX] {
            let grown = before.grown(size);
            for region in [0, 1, 2, 63, 64, 1000, 1023] {
                for sector in [before.start_of(region), before.start_of(region) + 2047] {
                    let expected = Regions::bit_of(grown.region_of(sector));
                    assert_eq!(before.bit_in(&grown, region), expected, "{size} {region}");
                }
            }
        }
    }

    #[test]
    fn bits_are_those_of_the_regions_that_are_touched() {
        let regions = Regions::of(GIB);
        let found = |sector, count| {
            let bits = regions.bits(sector, count);
            bits.map(|bits| (bits.word, bits.mask)).collect::<Vec<_>>()
        };
        assert_eq!(found(0, 0), []);
        assert_eq!(found(0, 1), [(0, 1)]);
        assert_eq!(found(2047, 1), [(0, 1)]);
        assert_eq!(found(2047, 2), [(0, 3)]);
        assert_eq!(found(63 << 11, 2048), [(0, 1 << 63)]);
        assert_eq!(found(63 << 11, 2049), [(0, 1 << 63), (1, 1)]);
        assert_eq!(found(1 << 11, 129 << 11), [(0, !1), (1, u64::MAX), (2, 3)]);
        let all: u32 = regions.all().map(|bits| bits.mask.count_ones()).sum();
        assert_eq!(all, 1024);
        assert_eq!(found(u64::MAX, u64::MAX).len(), 1, "what is not there");
    }

    #[test]
    fn a_region_knows_its_sectors() {
        let regions = Regions::of(GIB);
        for region in [0, 1, 63, 64, 1023] {
            let start = regions.start_of(region);
            assert_eq!(regions.region_of(start), region);
            assert_eq!(regions.left_in_region(start), 2048);
            assert_eq!(regions.left_in_region(start + 2047), 1);
            assert_eq!(regions.region_of(start + 2047), region);
            assert_eq!(regions.ends(start, 2048), (region, region));
            assert_eq!(regions.ends(start, 2049), (region, region + 1));
        }
    }

    #[test]
    fn a_claim_is_found_in_its_region_only() {
        let regions = Regions::of(GIB);
        let sector = (5 << 11) + 8 * 77;
        let claim = exclusion::claims(sector, 8).next().expect("a claim");
        assert!(regions.is_claimed(5, claim.word));
        assert!(!regions.is_claimed(4, claim.word) && !regions.is_claimed(6, claim.word));
        let given_back = claim.word - claim.retract();
        assert!(!regions.is_claimed(5, given_back), "nobody writes there");
    }

    #[test]
    fn only_what_nobody_needs_is_idle() {
        assert_eq!(idle(0b1111, 0b0010, 0b0100), 0b1001);
        assert_eq!(idle(0, u64::MAX, 0), 0);
    }
}
