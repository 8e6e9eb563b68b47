// SPDX-License-Identifier: GPL-2.0
//! The blocks of a mirror that are being written, so that no two writes to one block are under way
//! at the same time. What the words mean is `md_model::mirror::exclusion`'s.

use kernel::{
    prelude::*,
    sync::atomic::{
        ordering::{
            Acquire,
            Full,
            Relaxed, //
        },
        Atomic, //
    }, //
};
use md::Refused;
use md_model::mirror::exclusion::{
    claims,
    Claim,
    BUCKETS, //
};

/// The table.
pub(crate) struct Table(KVVec<Atomic<u64>>);

impl Table {
    /// Nothing is being written.
    pub(crate) fn new() -> Result<Self, Refused> {
        let mut words = KVVec::with_capacity(BUCKETS, GFP_KERNEL)?;
        for _ in 0..BUCKETS {
            words.push(Atomic::new(0), GFP_KERNEL)?;
        }
        Ok(Self(words))
    }

    /// Claims blocks; all or none.
    #[inline]
    pub(crate) fn enter(&self, sector: u64, count: u64) -> bool {
        for (got, claim) in (0..).zip(claims(sector, count)) {
            if !self.claim(&claim) {
                claims(sector, count)
                    .take(got)
                    .for_each(|claim| self.retract(&claim));
                return false;
            }
        }
        true
    }

    /// Whether [`Self::enter`] would have been successful just now.
    pub(crate) fn may_enter(&self, sector: u64, count: u64) -> bool {
        claims(sector, count).all(|claim| {
            let word = self.0.get(claim.bucket);
            word.is_some_and(|word| claim.admit(word.load(Relaxed)).is_some())
        })
    }

    /// Calls `each` with every word, as it is after all that the caller has done before.
    pub(crate) fn for_words(&self, each: &mut dyn FnMut(u64)) {
        self.0.iter().for_each(|word| each(word.load(Acquire)));
    }

    /// Gives blocks back that were claimed.
    #[inline]
    pub(crate) fn leave(&self, sector: u64, count: u64) {
        claims(sector, count).for_each(|claim| self.retract(&claim));
    }

    #[inline]
    fn claim(&self, claim: &Claim) -> bool {
        let Some(word) = self.0.get(claim.bucket) else {
            return false;
        };
        let mut now = word.load(Relaxed);
        while let Some(new) = claim.admit(now) {
            match word.cmpxchg(now, new, Full) {
                Ok(_) => return true,
                Err(changed) => now = changed,
            }
        }
        false
    }

    #[inline]
    fn retract(&self, claim: &Claim) {
        if let Some(word) = self.0.get(claim.bucket) {
            // Fully ordered: who waits for the blocks looks at them after it has said so.
            let _ = word.fetch_sub(claim.retract(), Full);
        }
    }
}
