// SPDX-License-Identifier: GPL-2.0
//! Overlapping writes one after the other (`DURABILITY.md` clause 10, `svm.md` section 4.4 step 3).
//!
//! If two writes to one block were under way at once, one side could carry them out in the one
//! order and another side in the other, and the mirror had two contents. So a write first claims
//! its blocks in a table of atomics, and gives them back when it is done.
//!
//! ```text
//! block     4 KiB; what two writes never share
//! granule   16 blocks; what a word of the table speaks of
//! word      the granule's number (48 bits) | which of its blocks are being written (16 bits)
//! ```
//!
//! A word without blocks is free, whatever granule it names. A word with blocks belongs to its
//! granule, and other granules whose place it is have to wait: a collision without an overlap,
//! which costs time and nothing else.
//!
//! The caller replaces words with compare-and-exchange by what [`Claim::admit`] says, and
//! subtracts [`Claim::retract`] when the write is done on all sides. A write of several claims that
//! is refused one has to retract those it has before it waits: granules that share a word do so in
//! no order, so that two writes which waited with claims in hand could wait for each other
//! for ever.

use crate::limits::UNIT_SECTORS_MAX;

/// Words in the table.
pub const BUCKETS: usize = 1 << BUCKET_BITS;

/// Longest range, in sectors, whose claims cannot stand in each other's way: 96 MiB. A longer one
/// may want one word for two of its granules, which no waiting helps; the caller must cut it or
/// exclude it by other means.
pub const RANGE_SECTORS_MAX: u64 = 96 * 2048;

/// log2 of [`BUCKETS`].
const BUCKET_BITS: u32 = 12;

/// log2 of the sectors in a block.
const BLOCK_BITS: u32 = 3;

/// log2 of the sectors in a granule.
const GRANULE_BITS: u32 = BLOCK_BITS + MASK_BITS.ilog2();

/// Blocks in a granule: the bits of a word that say which are being written.
const MASK_BITS: u32 = 16;

/// Number of the last of them. All its bits are ones.
const LAST_BLOCK: u32 = MASK_BITS - 1;

/// These bits of a word.
const MASK: u64 = !(u64::MAX << MASK_BITS);

/// The golden ratio as a fraction of 2^64: its multiples keep away from each other.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

// The number of every granule that a metadevice can have fits into a word.
const _: () = assert!((UNIT_SECTORS_MAX >> GRANULE_BITS) < (1 << (u64::BITS - MASK_BITS)));

/// What a write needs of one word of the table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Claim {
    /// Which word, below [`BUCKETS`].
    pub bucket: usize,
    /// The granule and those of its blocks that are written, at least one.
    pub word: u64,
}

impl Claim {
    /// The word's new value once it was `current`, or `None` on a collision: another granule has
    /// the word, or a block of ours is being written.
    #[inline]
    pub fn admit(&self, current: u64) -> Option<u64> {
        if current & MASK == 0 {
            return Some(self.word);
        }
        let same_granule = (current ^ self.word) & !MASK == 0;
        let same_block = current & self.word & MASK != 0;
        (same_granule && !same_block).then_some(current | self.word)
    }

    /// What to subtract from the word when the write is done.
    ///
    /// The word has these bits from [`Claim::admit`] on, so that nothing is borrowed from the
    /// others, and may change in between only in others.
    #[inline]
    pub fn retract(&self) -> u64 {
        self.word & MASK
    }
}

/// The claims of a write, one for each granule that it touches; see [`claims`].
#[derive(Clone, Debug)]
pub struct Claims {
    /// First sector that is not claimed yet, if there is one.
    next: Option<u64>,
    /// Last sector of the write.
    last: u64,
}

/// The claims of a write of `count` sectors from `sector` on, in ascending order of their places
/// in the mirror; none if `count` is zero. Sectors that 64 bits do not hold do not exist.
#[inline]
pub fn claims(sector: u64, count: u64) -> Claims {
    match count.checked_sub(1) {
        None => Claims {
            next: None,
            last: 0,
        },
        Some(more) => Claims {
            next: Some(sector),
            last: sector.saturating_add(more),
        },
    }
}

impl Iterator for Claims {
    type Item = Claim;

    #[inline]
    fn next(&mut self) -> Option<Claim> {
        let first = self.next?;
        let granule_last = first | !(u64::MAX << GRANULE_BITS);
        self.next = if granule_last < self.last {
            granule_last.checked_add(1)
        } else {
            None
        };
        let granule = first >> GRANULE_BITS;
        Some(Claim {
            bucket: bucket_of(granule),
            word: (granule << MASK_BITS) | blocks(first, granule_last.min(self.last)),
        })
    }
}

/// First sector of the granule in which a word of the table claims blocks; `None` if it claims
/// none.
pub fn claimed_sector(word: u64) -> Option<u64> {
    if word & MASK == 0 {
        return None;
    }
    word.wrapping_shr(MASK_BITS).checked_shl(GRANULE_BITS)
}

/// Sectors from one on to the end of its block.
pub const fn left_in_block(sector: u64) -> u64 {
    let block: u64 = 1 << BLOCK_BITS;
    block.saturating_sub(sector % block)
}

/// The bits of the blocks from that of one sector to that of another one in the same granule.
#[inline]
const fn blocks(first: u64, last: u64) -> u64 {
    let from = MASK.wrapping_shl(block_in_granule(first));
    let to = MASK.wrapping_shr(LAST_BLOCK ^ block_in_granule(last));
    from & to
}

/// The number of a sector's block in its granule.
#[inline]
const fn block_in_granule(sector: u64) -> u32 {
    (sector >> BLOCK_BITS) as u32 & LAST_BLOCK
}

/// The word in which a granule is claimed.
///
/// An area of as many granules as there are words fills the table, each granule behind the one
/// before it. The next area begins elsewhere, or else streams at a distance of a round number of
/// MiB would all collide. It begins so far away that granules less than 97 MiB apart never share a
/// word, even across the border.
#[inline]
fn bucket_of(granule: u64) -> usize {
    let area = granule >> BUCKET_BITS;
    let start = area.wrapping_mul(GOLDEN) >> (u64::BITS - BUCKET_BITS);
    let word = start.wrapping_add(granule) & !(u64::MAX << BUCKET_BITS);
    word as usize
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::{
        collections::HashSet,
        vec,
        vec::Vec, //
    };

    use super::*;

    /// Granules and blocks that a write claims.
    fn claimed(sector: u64, count: u64) -> Vec<(u64, u64)> {
        claims(sector, count)
            .map(|claim| (claim.word >> 16, claim.word & 0xffff))
            .collect()
    }

    /// The only claim of a write within one granule.
    fn claim(sector: u64, count: u64) -> Claim {
        let mut claims = claims(sector, count);
        let claim = claims.next().expect("one granule at least");
        assert_eq!(claims.next(), None, "one granule at most");
        claim
    }

    #[test]
    fn a_write_claims_every_block_it_touches() {
        assert_eq!(claimed(0, 8), [(0, 0b1)]);
        assert_eq!(claimed(7, 1), [(0, 0b1)]);
        assert_eq!(claimed(7, 2), [(0, 0b11)]);
        assert_eq!(claimed(120, 8), [(0, 0x8000)]);
        assert_eq!(claimed(128, 128), [(1, 0xffff)]);
        assert_eq!(claimed(127, 2), [(0, 0x8000), (1, 0b1)]);
        assert_eq!(claimed(64, 256), [(0, 0xff00), (1, 0xffff), (2, 0x00ff)]);
    }

    /// Who claims block by block claims what is claimed at once, and gives it back at once.
    #[test]
    fn blocks_one_by_one_are_the_whole() {
        for (sector, count) in [(0, 8), (7, 2), (120, 16), (125, 300), (64, 256)] {
            let (mut words, mut at) = (vec![0; BUCKETS], sector);
            while at < sector + count {
                let length = left_in_block(at).min(sector + count - at);
                for claim in claims(at, length) {
                    words[claim.bucket] = claim.admit(words[claim.bucket]).expect("free");
                }
                at += length;
            }
            for claim in claims(sector, count) {
                assert_eq!(words[claim.bucket], claim.word, "{sector} {count}");
            }
        }
        assert_eq!([0, 1, 7, 8, 15].map(left_in_block), [8, 7, 1, 8, 1]);
    }

    #[test]
    fn a_write_of_nothing_claims_nothing() {
        assert_eq!(claimed(5, 0), []);
        assert_eq!(claimed(u64::MAX, 0), []);
    }

    #[test]
    fn what_64_bits_do_not_hold_does_not_exist() {
        let granules = |sector, count| claims(sector, count).count();
        assert_eq!(granules(u64::MAX, 1), 1);
        assert_eq!(granules(u64::MAX, u64::MAX), 1);
        assert_eq!(granules(u64::MAX - 128, 500), 2);
        let whole = claims(0, u64::MAX).take(3).map(|claim| claim.word);
        let words = [0xffff, 0x1_ffff, 0x2_ffff];
        assert_eq!(whole.collect::<Vec<_>>(), words);
    }

    /// `DURABILITY.md` clause 10: what overlaps is not admitted, what does not is.
    #[test]
    fn a_word_admits_what_shares_no_block() {
        let first = claim(0, 16);
        let held = first.admit(0).expect("the word is free");
        assert_eq!(claim(8, 8).admit(held), None, "the second block is held");
        assert_eq!(claim(15, 9).admit(held), None, "its end is held");
        let both = claim(16, 8).admit(held).expect("the third block is free");
        assert_eq!(both & MASK, 0b111);
        assert_eq!(both - first.retract(), claim(16, 8).word);
    }

    #[test]
    fn a_word_in_use_belongs_to_one_granule() {
        let other = 77 << MASK_BITS;
        let claim = claim(0, 8);
        assert_eq!(claim.admit(other | 0b10), None, "another one has it");
        assert_eq!(claim.admit(other), Some(claim.word), "another one had it");
    }

    /// Sequential writes never wait for each other, and a range never for itself.
    #[test]
    fn neighbours_have_words_of_their_own() {
        let mut owners = vec![0; BUCKETS];
        for granule in 0..BUCKETS as u64 * 40 {
            let owner = &mut owners[bucket_of(granule)];
            let distance = granule - *owner;
            // The last granule of a range is at most this far behind its first one.
            assert!(*owner == 0 || distance << GRANULE_BITS > RANGE_SECTORS_MAX);
            *owner = granule;
        }
    }

    #[test]
    fn an_area_fills_the_table() {
        for area in [0, 1, 77, (1 << 35) - 1] {
            let granules = (area * 4096)..(area * 4096 + 4096);
            let words: HashSet<_> = granules.map(bucket_of).collect();
            assert_eq!(words.len(), BUCKETS);
            assert!(words.iter().all(|word| *word < BUCKETS));
        }
    }

    /// Streams that begin at multiples of a power of two and go on in step do not meet.
    #[test]
    fn streams_at_round_distances_do_not_meet() {
        for shift in 12..30 {
            let streams = (0..8_u64).map(|stream| bucket_of(stream << shift) >> 4);
            let words: HashSet<_> = streams.collect();
            assert_eq!(words.len(), 8, "distance {} MiB", 1_u64 << (shift - 4));
        }
    }
}
