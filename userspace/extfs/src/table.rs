// SPDX-License-Identifier: GPL-2.0
//! Inodes in their order: the tables are read in large pieces, and what was never used is left out.

use crate::{
    bytes::Bytes,
    groups::Group,
    inode::Inode,
    source::Source,
    FileSystem,
    Result, //
};

/// Bytes of a piece.
const PIECE: u64 = 1 << 20;

/// A reader of inodes, fast if they are asked for in ascending order.
#[derive(Debug)]
pub struct Table<'a, S> {
    fs: &'a FileSystem<S>,
    group: Option<(u64, Group)>,
    /// First block of `bytes`.
    first: u64,
    bytes: Vec<u8>,
}

impl<S: Source> FileSystem<S> {
    /// A reader of inodes.
    pub fn table(&self) -> Table<'_, S> {
        Table {
            fs: self,
            group: None,
            first: 0,
            bytes: Vec::new(),
        }
    }
}

impl<S: Source> Table<'_, S> {
    /// The inode with a number, or none if it was never used.
    pub fn inode(&mut self, number: u32) -> Result<Option<Inode>> {
        let superblock = self.fs.superblock();
        let (number_of_group, index) = superblock.place_of(number)?;
        let group = self.group(number_of_group)?;
        if index >= group.inodes {
            return Ok(None);
        }
        let bytes = u64::from(superblock.inode_bytes());
        let offset = u64::from(index) * bytes;
        let start = self.load(group, offset)?;
        let raw = Bytes(&self.bytes).part(start, bytes as usize);
        Ok(Some(Inode::parse(number, raw)))
    }

    /// The first number behind this one that may be in use: it leaves out the unused end of a
    /// group.
    pub fn next_number(&mut self, number: u32) -> Result<Option<u32>> {
        let superblock = self.fs.superblock();
        let mut next = number.saturating_add(1);
        while next <= superblock.inodes() {
            let (group, index) = superblock.place_of(next)?;
            if index < self.group(group)?.inodes {
                return Ok(Some(next));
            }
            let behind = superblock.inodes_per_group() - index;
            next = match next.checked_add(behind) {
                Some(next) => next,
                None => return Ok(None),
            };
        }
        Ok(None)
    }

    fn group(&mut self, number: u64) -> Result<Group> {
        match self.group {
            Some((loaded, group)) if loaded == number => Ok(group),
            _ => {
                let group = self.fs.group(number)?;
                self.group = Some((number, group));
                Ok(group)
            }
        }
    }

    /// Reads the piece of a table that has a byte, and says where in it the byte is.
    fn load(&mut self, group: Group, offset: u64) -> Result<usize> {
        let superblock = self.fs.superblock();
        let block_bytes = u64::from(superblock.block_bytes());
        let block = group.inode_table.saturating_add(offset / block_bytes);
        let loaded = self.bytes.len() as u64 / block_bytes;
        let is_loaded = (self.first..self.first + loaded).contains(&block);
        if !is_loaded {
            let table = u64::from(group.inodes) * u64::from(superblock.inode_bytes());
            let end = group
                .inode_table
                .saturating_add(table.div_ceil(block_bytes));
            let count = (end - block.min(end)).clamp(1, PIECE / block_bytes);
            self.bytes = self.fs.blocks(block, count)?;
            self.first = block;
        }
        Ok(((block - self.first) * block_bytes + offset % block_bytes) as usize)
    }
}
