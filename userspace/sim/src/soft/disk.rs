// SPDX-License-Identifier: GPL-2.0
//! The disk of a base: sectors behind a volatile cache. What was not flushed when the power goes is
//! there, or not, or is a sector of garbage, each by itself.

use std::collections::BTreeMap;

use md_model::soft::{
    change::Copies,
    watermark::COPY_SECTORS, //
};

use crate::random::Random;

/// A sector.
pub(super) type Sector = [u8; 512];

const EMPTY: Sector = [0; 512];

/// The disk.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    durable: BTreeMap<u64, Sector>,
    view: BTreeMap<u64, Sector>,
    cache: Vec<(u64, Sector)>,
}

/// Where the copies of a watermark are, behind the beginning of its place.
pub(super) fn of(copies: Copies) -> impl Iterator<Item = u64> {
    let (first, second) = match copies {
        Copies::Both => (Some(0), Some(COPY_SECTORS)),
        Copies::First => (Some(0), None),
        Copies::Second => (None, Some(COPY_SECTORS)),
    };
    first.into_iter().chain(second)
}

impl Disk {
    pub(super) fn new() -> Self {
        Self {
            durable: BTreeMap::new(),
            view: BTreeMap::new(),
            cache: Vec::new(),
        }
    }

    pub(super) fn read(&self, sector: u64) -> &Sector {
        self.view.get(&sector).unwrap_or(&EMPTY)
    }

    /// A write that is in the cache.
    pub(super) fn accept(&mut self, sector: u64, bytes: Sector) {
        self.view.insert(sector, bytes);
        self.cache.push((sector, bytes));
    }

    /// One that is beyond it.
    pub(super) fn force(&mut self, sector: u64, bytes: Sector) {
        self.cache.retain(|(other, _)| *other != sector);
        self.view.insert(sector, bytes);
        self.durable.insert(sector, bytes);
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
