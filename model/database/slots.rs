// SPDX-License-Identifier: GPL-2.0
//! Which slots of a replica are free: those that nothing of the live commit is in. Slots of older
//! commits are free too, since no replica that counts needs them; so nothing about free slots is
//! on disk that could be wrong.

use super::{
    layout::{
        is_slot,
        FIRST_SLOT, //
    },
    page::{
        bad,
        Damage, //
    },
    table::Pointer,
};
use crate::limits::REPLICA_PAGES_MAX;

/// Words of 64 bits that a [`Slots`] needs for the largest replica.
pub const WORDS: usize = REPLICA_PAGES_MAX.div_ceil(u64::BITS) as usize;

/// The slots in use, one bit each, in memory that the caller lends.
#[derive(Debug)]
pub struct Slots<'a> {
    used: &'a mut [u64],
    replica_pages: u32,
    next: u32,
    free: u32,
}

impl<'a> Slots<'a> {
    /// All slots of a replica of so many pages, none in use. `None` if there are not enough words.
    pub fn new(used: &'a mut [u64], replica_pages: u32) -> Option<Self> {
        let bits = used.len().checked_mul(u64::BITS as usize)?;
        if bits < replica_pages as usize {
            return None;
        }
        used.fill(0);
        Some(Self {
            used,
            replica_pages,
            next: FIRST_SLOT,
            free: super::layout::slots(replica_pages),
        })
    }

    /// Marks what the live commit points to. A pointer to what is no slot, or to one that another
    /// pointer has, is damage.
    pub fn mark(&mut self, pointers: &[Pointer]) -> Result<(), Damage> {
        for pointer in pointers.iter().filter(|pointer| pointer.is_some()) {
            let slot = pointer.slot;
            if !is_slot(slot, self.replica_pages) || !self.take(slot) {
                return Err(bad("slot", slot.into()));
            }
        }
        Ok(())
    }

    /// How many are free.
    pub const fn free(&self) -> u32 {
        self.free
    }

    /// Takes the next free slot.
    pub fn allot(&mut self) -> Option<u32> {
        while is_slot(self.next, self.replica_pages) {
            let slot = self.next;
            self.next = slot.saturating_add(1);
            if self.take(slot) {
                return Some(slot);
            }
        }
        None
    }

    /// Takes a slot, if it is free.
    fn take(&mut self, slot: u32) -> bool {
        let bit = 1_u64 << (slot % u64::BITS);
        let word = self.used.get_mut((slot / u64::BITS) as usize);
        let Some(word) = word.filter(|word| **word & bit == 0) else {
            return false;
        };
        *word |= bit;
        self.free = self.free.saturating_sub(1);
        true
    }
}

/// Pages of the smallest replica that has a slot for each of these; 0 if there are none. A smaller
/// one cannot join the set before a commit has written some of them again, with its slots.
pub fn pages_needed(pointers: &[Pointer]) -> u32 {
    let used = pointers.iter().filter(|pointer| pointer.is_some());
    // Behind the last slot there is the tail.
    used.map(|pointer| pointer.slot.saturating_add(2))
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(slot: u32) -> Pointer {
        Pointer { slot, checksum: 0 }
    }

    #[test]
    fn only_slots_that_the_live_commit_does_not_have_are_allotted() {
        let mut words = [u64::MAX; 1];
        let mut slots = Slots::new(&mut words, 16).expect("enough words");
        assert_eq!(slots.free(), 10);
        let live = [to(6), Pointer::NONE, to(14), to(5)];
        slots.mark(&live).expect("they are slots");
        let mut allotted = 0_u32;
        while let Some(slot) = slots.allot() {
            assert!(![6, 5, 14].contains(&slot) && is_slot(slot, 16));
            allotted += 1;
        }
        assert_eq!((allotted, slots.free()), (7, 0));
    }

    #[test]
    fn a_smaller_replica_is_as_large_as_its_last_slot_asks_for() {
        let live = [to(5), Pointer::NONE, to(14), to(15), to(40)];
        let needed = pages_needed(&live);
        assert!(is_slot(40, needed) && !is_slot(40, needed - 1));
        assert_eq!(pages_needed(&live[..3]), 16);
        assert_eq!(pages_needed(&[Pointer::NONE]), 0);
    }

    #[test]
    fn pointers_that_cannot_be_are_damage() {
        let mut words = [0; 1];
        for live in [[to(4), to(5)], [to(15), to(5)], [to(6), to(6)]] {
            let mut slots = Slots::new(&mut words, 16).expect("enough words");
            assert!(slots.mark(&live).is_err(), "{live:?}");
        }
        assert!(Slots::new(&mut words, 65).is_none());
    }
}
