// SPDX-License-Identifier: GPL-2.0
//! A disk that has one replica, and its faults.
//!
//! - A write is in the cache when it completes, and durable after the next flush, or at once with
//!   FUA. Reads see the cache.
//! - When the power goes, of each write in the cache or in flight any sectors of 512 bytes are
//!   kept, whatever the order in which they were written.
//! - A disk that dies fails everything, and when it comes back it has what a power cut leaves.
//! - A write that fails has changed some of its sectors, or is in the cache all the same.
//! - A write may go elsewhere, and a bit may flip, both unnoticed.
//!
//! What no design survives is left out by the plan of a schedule (`plan.rs`): silent faults hit one
//! disk, while the others are sound.

use std::rc::Rc;

use md_model::database::page::PAGE_BYTES;

use crate::random::Random;

/// Bytes that are written whole or not at all.
const SECTOR_BYTES: usize = 512;

/// Bytes to write: a page, or the two of a root.
pub(crate) type Bytes = Rc<[u8]>;

/// A disk.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    /// What is there after a power cut that keeps nothing of the cache.
    durable: Vec<u8>,
    /// What a read sees.
    view: Vec<u8>,
    cache: Vec<(usize, Bytes)>,
    pub(crate) is_dead: bool,
}

impl Disk {
    pub(crate) fn new(pages: u32) -> Self {
        let bytes = vec![0; pages as usize * PAGE_BYTES];
        Self {
            durable: bytes.clone(),
            view: bytes,
            cache: Vec::new(),
            is_dead: false,
        }
    }

    /// Reads a page; `None` if the disk is dead.
    pub(crate) fn read(&self, place: u32) -> Option<&[u8]> {
        let start = place as usize * PAGE_BYTES;
        let page = self.view.get(start..start + PAGE_BYTES);
        page.filter(|_| !self.is_dead)
    }

    /// A write has completed.
    pub(crate) fn accept(&mut self, place: u32, bytes: &Bytes) {
        let start = place as usize * PAGE_BYTES;
        self.view[start..start + bytes.len()].copy_from_slice(bytes);
        self.cache.push((start, bytes.clone()));
    }

    /// A write with FUA has completed.
    pub(crate) fn force(&mut self, place: u32, bytes: &Bytes) {
        let start = place as usize * PAGE_BYTES;
        let end = start + bytes.len();
        // What was there before in the cache must not come after it.
        self.cache
            .retain(|(other, cached)| other + cached.len() <= start || *other >= end);
        self.view[start..end].copy_from_slice(bytes);
        self.durable[start..end].copy_from_slice(bytes);
    }

    /// A flush has completed.
    pub(crate) fn flush(&mut self) {
        for (start, bytes) in self.cache.drain(..) {
            self.durable[start..start + bytes.len()].copy_from_slice(&bytes);
        }
    }

    /// A write has failed, or the power went while it was in flight: some sectors of it are there.
    pub(crate) fn tear(&mut self, place: u32, bytes: &Bytes, random: &mut Random) {
        let start = place as usize * PAGE_BYTES;
        if random.per_mille(300) {
            return;
        }
        let all = random.per_mille(300);
        for (index, sector) in bytes.chunks(SECTOR_BYTES).enumerate() {
            let at = start + index * SECTOR_BYTES;
            if all || random.per_mille(500) {
                self.durable[at..at + SECTOR_BYTES].copy_from_slice(sector);
                self.view[at..at + SECTOR_BYTES].copy_from_slice(sector);
            }
        }
    }

    /// The power goes.
    pub(crate) fn cut(&mut self, random: &mut Random) {
        let cache = std::mem::take(&mut self.cache);
        for (start, bytes) in &cache {
            self.tear((start / PAGE_BYTES) as u32, bytes, random);
        }
        for (start, bytes) in cache {
            let range = start..start + bytes.len();
            self.view[range.clone()].copy_from_slice(&self.durable[range]);
        }
    }

    /// A bit flips.
    pub(crate) fn rot(&mut self, place: u32, random: &mut Random) {
        let at = place as usize * PAGE_BYTES + random.below(PAGE_BYTES);
        let bit = 1 << random.below(8);
        self.durable[at] ^= bit;
        self.view[at] ^= bit;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(fill: u8) -> Bytes {
        vec![fill; PAGE_BYTES].into()
    }

    #[test]
    fn what_was_flushed_survives_and_the_rest_may_not() {
        let mut random = Random::new(3);
        let (mut lost, mut torn) = (0, 0);
        for _ in 0..200 {
            let mut disk = Disk::new(3);
            disk.accept(0, &page(1));
            disk.flush();
            disk.accept(1, &page(2));
            disk.force(2, &page(3));
            disk.cut(&mut random);
            assert_eq!(disk.read(0), Some(&page(1)[..]));
            assert_eq!(disk.read(2), Some(&page(3)[..]));
            let kept = disk.read(1).expect("alive");
            let sectors = kept.iter().filter(|byte| **byte == 2).count();
            lost += usize::from(sectors == 0);
            torn += usize::from(sectors > 0 && sectors < PAGE_BYTES);
            assert!(disk.cache.is_empty() && disk.durable == disk.view);
        }
        assert!(lost > 20 && torn > 20, "{lost} lost, {torn} torn");
    }

    #[test]
    fn a_forced_write_is_not_undone_by_an_older_one_in_the_cache() {
        let mut disk = Disk::new(1);
        disk.accept(0, &page(1));
        disk.force(0, &page(2));
        disk.flush();
        assert_eq!((disk.durable[0], disk.view[0]), (2, 2));
    }
}
