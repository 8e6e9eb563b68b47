// SPDX-License-Identifier: GPL-2.0
//! A component of a side: blocks, each of which has the number of the write that it is from, behind
//! a volatile cache. What was not flushed is lost in part when the power goes, or the disk.

use std::{
    num::{
        NonZeroU32,
        NonZeroU64, //
    },
    ops::Range,
};

use md_model::geometry::stripe::Row;

use super::{
    BLOCKS,
    BLOCK_SECTORS, //
};
use crate::random::Random;

/// What a block has that nobody has written to the mirror.
const FOREIGN: u32 = u32::MAX;

/// A component.
#[derive(Clone, Debug)]
pub(super) struct Component {
    /// Blocks of the mirror that it has.
    pub(super) blocks: Range<usize>,
    durable: [u32; BLOCKS],
    view: [u32; BLOCKS],
    cache: Vec<(usize, u32)>,
    pub(super) is_there: bool,
}

impl Component {
    pub(super) fn new(blocks: Range<usize>) -> Self {
        Self {
            blocks,
            durable: [0; BLOCKS],
            view: [0; BLOCKS],
            cache: Vec::new(),
            is_there: true,
        }
    }

    /// As a row of its own.
    pub(super) fn row(&self, index: u32) -> Row {
        Row {
            first_component: index,
            component_count: NonZeroU32::MIN,
            interlace_sectors: NonZeroU64::MIN.saturating_add(15),
            start_sector: self.blocks.start as u64 * BLOCK_SECTORS,
            size_sectors: self.blocks.len() as u64 * BLOCK_SECTORS,
        }
    }

    pub(super) fn read(&self, block: usize) -> u32 {
        self.view[block]
    }

    /// A write is carried out.
    pub(super) fn write(&mut self, block: usize, version: u32) {
        self.view[block] = version;
        self.cache.push((block, version));
    }

    /// The same, beyond the cache.
    pub(super) fn write_through(&mut self, block: usize, version: u32) {
        self.cache.retain(|(other, _)| *other != block);
        self.view[block] = version;
        self.durable[block] = version;
    }

    /// Another device, with something else on it.
    pub(super) fn replace(&mut self) {
        self.durable = [FOREIGN; BLOCKS];
        self.view = self.durable;
        self.cache.clear();
        self.is_there = true;
    }

    /// What is in the cache becomes durable.
    pub(super) fn flush(&mut self) {
        for (block, version) in self.cache.drain(..) {
            self.durable[block] = version;
        }
    }

    /// The power goes, or the disk.
    pub(super) fn cut(&mut self, random: &mut Random) {
        let cache = std::mem::take(&mut self.cache);
        for (block, version) in cache {
            if random.per_mille(500) {
                self.durable[block] = version;
            }
        }
        self.view = self.durable;
    }
}
