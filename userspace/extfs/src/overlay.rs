// SPDX-License-Identifier: GPL-2.0
//! Blocks that stand in the journal and are not yet in their places.
//!
//! Only where they are is kept, and a checksum. If the file system is in use, the journal goes
//! round and has something else there; but before that the block is written to its own place.

use std::collections::BTreeMap;

/// Where the newest contents of a block are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place {
    /// Block of the device.
    pub block: u64,
    /// Whether its first four bytes have to be those of the journal's magic number.
    pub is_escaped: bool,
    /// crc32c of the block as it was when the journal was read.
    pub checksum: u32,
}

/// What the journal has put over the device.
#[derive(Debug, Default)]
pub struct Overlay {
    pub(crate) blocks: BTreeMap<u64, Place>,
    pub(crate) warnings: Vec<String>,
}

impl Overlay {
    /// How many blocks it has.
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// What is lost although the journal was read, in words.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Those of some blocks that are in the journal, in ascending order.
    pub fn range(&self, first: u64, count: u64) -> impl Iterator<Item = (u64, Place)> + '_ {
        let range = first..first.saturating_add(count);
        self.blocks
            .range(range)
            .map(|(block, place)| (*block, *place))
    }
}
