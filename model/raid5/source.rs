// SPDX-License-Identifier: GPL-2.0
//! What a new column is copied from while the one whose place it takes can still be read: a column
//! that fails but is not out of service, or a good hot spare (`svm.md` section 5.9). That takes one
//! read in place of one of each other column, and a block that another column has lost is there.
//!
//! The old column is not written any more. So it is remembered, of so many regions, where the
//! metadevice has written to it since, or would have: there the new one is made of the others. It
//! is remembered in memory only: after a start all of it is made of the others.

/// Most regions.
const REGIONS_MAX: u64 = 4096;

/// Words that hold a bit for each.
const WORDS: usize = (REGIONS_MAX / 64) as usize;

/// Where a column that was replaced is not what it should be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stale {
    /// log2 of the sectors in a region.
    shift: u32,
    words: [u64; WORDS],
}

impl Stale {
    /// Nowhere yet, in so many sectors of data.
    pub fn new(column_sectors: u64) -> Self {
        let regions = |shift: u32| column_sectors.checked_shr(shift).unwrap_or(0);
        let mut shift = 0_u32;
        while regions(shift) >= REGIONS_MAX {
            shift = shift.saturating_add(1);
        }
        Self {
            shift,
            words: [0; WORDS],
        }
    }

    /// From now on it is not what it should be in these sectors.
    pub fn note(&mut self, offset: u64, count: u64) {
        let last = offset.saturating_add(count.saturating_sub(1));
        for region in self.region(offset)..=self.region(last) {
            if let Some(word) = self.words.get_mut((region / 64) as usize) {
                *word |= bit(region);
            }
        }
    }

    /// Whether it is what it should be in all of these sectors.
    pub fn is_good(&self, offset: u64, count: u64) -> bool {
        let last = offset.saturating_add(count.saturating_sub(1));
        (self.region(offset)..=self.region(last)).all(|region| {
            let word = self.words.get((region / 64) as usize);
            word.is_some_and(|word| word & bit(region) == 0)
        })
    }

    fn region(&self, offset: u64) -> u64 {
        offset.checked_shr(self.shift).unwrap_or(0)
    }
}

/// The bit of a region in its word.
const fn bit(region: u64) -> u64 {
    1 << (region % 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_since_is_not_copied() {
        let mut stale = Stale::new(1000);
        assert!(stale.is_good(0, 1000));
        stale.note(64, 32);
        for offset in 0..1000 {
            let is_stale = (64..96).contains(&offset);
            assert_eq!(stale.is_good(offset, 1), !is_stale, "{offset}");
        }
        assert!(!stale.is_good(32, 33) && stale.is_good(32, 32) && stale.is_good(96, 32));
    }

    /// However large a column is, there are regions enough for all of it, and nothing that was
    /// written is taken for good.
    #[test]
    fn a_region_is_as_large_as_it_must_be() {
        for sectors in [1, 32, 4095, 4096, 4097, 1 << 31, 1 << 55, u64::MAX] {
            for offset in [0, sectors / 3, sectors - 1] {
                let mut stale = Stale::new(sectors);
                assert!(stale.is_good(offset, 1), "{offset} of {sectors}");
                stale.note(offset, 1);
                assert!(!stale.is_good(offset, 1), "{offset} of {sectors}");
            }
        }
        let mut stale = Stale::new(1 << 20);
        stale.note(1000, 1);
        assert!(stale.is_good(0, 256) && !stale.is_good(768, 256) && stale.is_good(1024, 256));
    }
}
