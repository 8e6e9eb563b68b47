// SPDX-License-Identifier: GPL-2.0
//! A bit for each region of a mirror, in words that may be changed at the same time.

use kernel::{
    prelude::*,
    sync::atomic::{
        ordering::{
            Full,
            Relaxed, //
        },
        Atomic, //
    }, //
};
use md_model::mirror::regions::Bits;

/// The bits.
pub(crate) struct Bitmap(KVec<Atomic<u64>>);

impl Bitmap {
    /// So many words, all bits zero.
    pub(crate) fn new(words: usize) -> Result<Self> {
        let mut bits = KVec::with_capacity(words, GFP_KERNEL)?;
        for _ in 0..words {
            bits.push(Atomic::new(0), GFP_KERNEL)?;
        }
        Ok(Self(bits))
    }

    /// How many words.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// A word; zero where there is none.
    #[inline]
    pub(crate) fn word(&self, index: usize) -> u64 {
        self.0.get(index).map_or(0, |word| word.load(Relaxed))
    }

    /// Replaces a word, fully ordered; returns what it was.
    pub(crate) fn replace(&self, index: usize, bits: u64) -> u64 {
        self.0.get(index).map_or(0, |word| word.xchg(bits, Full))
    }

    /// Whether all of some bits are set.
    #[inline]
    pub(crate) fn has(&self, bits: Bits) -> bool {
        self.word(bits.word) & bits.mask == bits.mask
    }

    /// Whether one of them is.
    #[inline]
    pub(crate) fn has_any(&self, bits: Bits) -> bool {
        self.word(bits.word) & bits.mask != 0
    }

    /// Sets bits, fully ordered.
    pub(crate) fn set(&self, bits: Bits) {
        self.change(bits.word, |word| word | bits.mask);
    }

    /// Clears bits, fully ordered.
    pub(crate) fn clear(&self, bits: Bits) {
        self.change(bits.word, |word| word & !bits.mask);
    }

    fn change(&self, index: usize, change: impl Fn(u64) -> u64) {
        let Some(word) = self.0.get(index) else {
            return;
        };
        let mut old = word.load(Relaxed);
        while let Err(now) = word.cmpxchg(old, change(old), Full) {
            old = now;
        }
    }

    /// How many bits are set.
    pub(crate) fn count(&self) -> u32 {
        let words = (0..self.len()).map(|index| self.word(index).count_ones());
        words.fold(0, u32::saturating_add)
    }

    /// Whether no bit is set.
    pub(crate) fn is_empty(&self) -> bool {
        (0..self.len()).all(|index| self.word(index) == 0)
    }

    /// Becomes like another one.
    pub(crate) fn copy_from(&self, other: &Self) {
        for index in 0..self.len() {
            let _ = self.replace(index, other.word(index));
        }
    }

    /// Clears all bits.
    pub(crate) fn reset(&self) {
        for index in 0..self.len() {
            let _ = self.replace(index, 0);
        }
    }
}
