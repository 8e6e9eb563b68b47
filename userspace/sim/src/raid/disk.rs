// SPDX-License-Identifier: GPL-2.0
//! The disk of a column: sectors behind a volatile cache. What was not flushed when the power goes
//! is there, or not, or is a sector of garbage, each by itself.

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
    cache: Vec<(u64, Sector)>,
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
        self.view.insert(sector, bytes);
        self.cache.push((sector, bytes));
    }

    /// What was written to these sectors is beyond the cache.
    pub(super) fn force(&mut self, sectors: std::ops::Range<u64>) {
        for (sector, bytes) in std::mem::take(&mut self.cache) {
            if sectors.contains(&sector) {
                self.durable.insert(sector, bytes);
            } else {
                self.cache.push((sector, bytes));
            }
        }
    }

    pub(super) fn flush(&mut self) {
        self.durable.extend(self.cache.drain(..));
    }

    /// The power goes.
    pub(super) fn cut(&mut self, random: &mut Random) {
        for (sector, bytes) in std::mem::take(&mut self.cache) {
            match random.below(10) {
                0..4 => {}
                4..8 => {
                    self.durable.insert(sector, bytes);
                }
                _ => {
                    self.durable.insert(sector, [0xee; 512]);
                }
            }
        }
        self.view = self.durable.clone();
    }
}
