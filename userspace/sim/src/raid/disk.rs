// SPDX-License-Identifier: GPL-2.0
//! The disk of a column: sectors behind a volatile cache. What was not flushed when the power goes
//! is there, or not, or is a sector of garbage, each by itself; but not garbage where the caller
//! relies on sectors that are written as a whole or not at all (`DURABILITY.md` clause 24).

use std::collections::BTreeMap;

use crate::random::Random;

/// A sector.
pub(super) type Sector = [u8; 512];

/// Adds a sector to another one, without carry.
pub(super) fn add(to: &mut Sector, from: &Sector) {
    for (to, from) in to.iter_mut().zip(from) {
        *to ^= *from;
    }
}

/// The disk.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    /// What is in sectors that were never written.
    blank: Sector,
    durable: BTreeMap<u64, Sector>,
    view: BTreeMap<u64, Sector>,
    cache: Vec<Write>,
}

/// A write that is in the cache.
#[derive(Clone, Debug)]
struct Write {
    sector: u64,
    bytes: Sector,
    may_tear: bool,
}

impl Disk {
    /// A disk full of something.
    pub(super) fn new(blank: u8) -> Self {
        Self {
            blank: [blank; 512],
            durable: BTreeMap::new(),
            view: BTreeMap::new(),
            cache: Vec::new(),
        }
    }

    pub(super) fn read(&self, sector: u64) -> Sector {
        self.view.get(&sector).copied().unwrap_or(self.blank)
    }

    /// A write that is in the cache.
    pub(super) fn accept(&mut self, sector: u64, bytes: Sector) {
        self.keep(sector, bytes, true);
    }

    /// The same, of a sector that has old or new content when the power goes.
    pub(super) fn accept_whole(&mut self, sector: u64, bytes: Sector) {
        self.keep(sector, bytes, false);
    }

    fn keep(&mut self, sector: u64, bytes: Sector, may_tear: bool) {
        self.view.insert(sector, bytes);
        self.cache.push(Write {
            sector,
            bytes,
            may_tear,
        });
    }

    /// What was written to these sectors is beyond the cache.
    pub(super) fn force(&mut self, sectors: std::ops::Range<u64>) {
        for write in std::mem::take(&mut self.cache) {
            if sectors.contains(&write.sector) {
                self.durable.insert(write.sector, write.bytes);
            } else {
                self.cache.push(write);
            }
        }
    }

    pub(super) fn flush(&mut self) {
        let cache = self.cache.drain(..);
        self.durable
            .extend(cache.map(|write| (write.sector, write.bytes)));
    }

    /// The power goes.
    pub(super) fn cut(&mut self, random: &mut Random) {
        for write in std::mem::take(&mut self.cache) {
            let bytes = match random.below(10) {
                0..4 => continue,
                8.. if write.may_tear => [0xee; 512],
                _ => write.bytes,
            };
            self.durable.insert(write.sector, bytes);
        }
        self.view = self.durable.clone();
    }
}
