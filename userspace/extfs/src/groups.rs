// SPDX-License-Identifier: GPL-2.0
//! Descriptors of block groups.

use crate::{
    bytes::Bytes,
    source::Source,
    FileSystem,
    Result, //
};

/// No inode of the group was ever used.
const INODES_UNUSED: u16 = 1;

/// What a descriptor says about the inodes of a group.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Group {
    /// First block of its inodes.
    pub inode_table: u64,
    /// How many of its inodes may be in use; those behind them never were.
    pub inodes: u32,
}

impl<S: Source> FileSystem<S> {
    /// The descriptor of a group.
    pub fn group(&self, number: u64) -> Result<Group> {
        let superblock = self.superblock();
        let (block, index) = superblock.descriptor_place(number);
        let block = self.block(block)?;
        let bytes = superblock.descriptor_bytes() as usize;
        let raw = Bytes(Bytes(&block).part(index as usize * bytes, bytes));
        let is_wide = bytes >= 64;
        let high = |at: usize| if is_wide { at } else { usize::MAX };
        let all = superblock.inodes_per_group();
        let unused = (u32::from(raw.u16(high(0x32))) << 16) | u32::from(raw.u16(0x1c));
        let inodes = if !superblock.has_descriptor_checksums() {
            all
        } else if raw.u16(0x12) & INODES_UNUSED != 0 {
            0
        } else {
            all.saturating_sub(unused)
        };
        Ok(Group {
            inode_table: raw.split(8, high(0x28)),
            inodes,
        })
    }
}
