// SPDX-License-Identifier: GPL-2.0
//! Where a file lies on the device: by a tree of extents, or by the older lists of block numbers.

use crate::{
    bytes::Bytes,
    inode::{
        flags,
        Inode,
        Kind, //
    },
    source::Source,
    Error,
    FileSystem,
    Result, //
};
use std::collections::HashSet;

/// Blocks of a file that follow each other on the device.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Extent {
    /// First block, counted in the file.
    pub logical: u64,
    /// First block, counted on the device.
    pub physical: u64,
    /// How many.
    pub blocks: u64,
    /// Whether they are only reserved, and read as zeros.
    pub is_unwritten: bool,
}

/// Where a file lies. What is not in an extent is a hole.
#[derive(Debug, Default)]
pub struct Mapped {
    /// In ascending order; they do not overlap.
    pub extents: Vec<Extent>,
    /// Why what comes behind them is not known, if it is not.
    pub fault: Option<Error>,
}

const MAGIC: u16 = 0xf30a;

/// Bytes of an entry of a node, and of a node's head.
const ENTRY: usize = 12;

/// Deepest tree that ext4 makes.
const DEPTH_MAX: u16 = 5;

/// An extent of more blocks is one that is only reserved.
const WRITTEN_MAX: u16 = 32768;

/// Block numbers in an inode, before those of lists.
const DIRECT: usize = 12;

impl<S: Source> FileSystem<S> {
    /// Where a file lies.
    pub fn extents(&self, inode: &Inode) -> Mapped {
        let has_blocks = matches!(
            inode.kind(),
            Kind::Regular | Kind::Directory | Kind::Symlink
        );
        if !has_blocks || inode.is_inline() || inode.fast_target().is_some() {
            return Mapped::default();
        }
        let mut walk = Walk {
            fs: self,
            what: format!("inode {}", inode.number),
            extents: Vec::new(),
            seen: HashSet::new(),
        };
        let walked = if inode.flags & flags::EXTENTS != 0 {
            walk.tree(inode.block_words(), None, 0..1 << 32)
        } else {
            walk.lists(inode)
        };
        Mapped {
            extents: walk.extents,
            fault: walked.err(),
        }
    }
}

struct Walk<'a, S> {
    fs: &'a FileSystem<S>,
    what: String,
    extents: Vec<Extent>,
    /// Blocks of the tree that were visited: each belongs to one place of one file.
    seen: HashSet<u64>,
}

impl<S: Source> Walk<'_, S> {
    fn corrupt<T>(&self, is_wrong: &'static str) -> Result<T> {
        Err(Error::corrupt(self.what.clone(), is_wrong))
    }

    /// A block of the tree.
    fn block(&mut self, number: u64) -> Result<Vec<u8>> {
        if !self.seen.insert(number) {
            return self.corrupt("has a block twice in the tree that tells where it lies");
        }
        self.fs.block(number)
    }

    /// Adds blocks, which have to lie behind those that were added before.
    fn add(&mut self, extent: Extent) -> Result<()> {
        let end = extent.physical.checked_add(extent.blocks);
        if extent.physical == 0 || end.is_none_or(|end| end > self.fs.superblock().blocks()) {
            return self.corrupt("has blocks outside of the file system");
        }
        if let Some(last) = self.extents.last_mut() {
            if extent.logical < last.logical + last.blocks {
                return self.corrupt("has extents that are not in order");
            }
            let follows = extent.logical == last.logical + last.blocks
                && extent.physical == last.physical + last.blocks;
            if follows && extent.is_unwritten == last.is_unwritten {
                last.blocks += extent.blocks;
                return Ok(());
            }
        }
        self.extents.push(extent);
        Ok(())
    }

    /// A node of the tree of extents, of a depth if that is known, for these blocks of the file.
    fn tree(&mut self, node: &[u8], depth: Option<u16>, range: std::ops::Range<u64>) -> Result<()> {
        let raw = Bytes(node);
        let is_depth = raw.u16(6);
        let entries = usize::from(raw.u16(2));
        if raw.u16(0) != MAGIC || depth.is_some_and(|depth| depth != is_depth) {
            return self.corrupt("has a damaged tree of extents");
        }
        if is_depth > DEPTH_MAX || (entries + 1) * ENTRY > node.len() {
            return self.corrupt("has a tree of extents that is too large");
        }
        let start = |index: usize| u64::from(raw.u32((index + 1) * ENTRY));
        for index in 0..entries {
            let entry = Bytes(raw.part((index + 1) * ENTRY, ENTRY));
            if !range.contains(&start(index)) {
                return self.corrupt("has extents that are not in order");
            }
            if is_depth == 0 {
                self.leaf(entry)?;
                continue;
            }
            let end = if index + 1 < entries {
                start(index + 1)
            } else {
                range.end
            };
            let child = (u64::from(entry.u16(8)) << 32) | u64::from(entry.u32(4));
            let block = self.block(child)?;
            self.tree(&block, Some(is_depth - 1), start(index)..end)?;
        }
        Ok(())
    }

    fn leaf(&mut self, entry: Bytes<'_>) -> Result<()> {
        let length = entry.u16(4);
        let is_unwritten = length > WRITTEN_MAX;
        let blocks = if is_unwritten {
            length - WRITTEN_MAX
        } else {
            length
        };
        if blocks == 0 {
            return self.corrupt("has an empty extent");
        }
        self.add(Extent {
            logical: u64::from(entry.u32(0)),
            physical: (u64::from(entry.u16(6)) << 32) | u64::from(entry.u32(8)),
            blocks: u64::from(blocks),
            is_unwritten,
        })
    }

    /// Block numbers in the inode, then lists of one, two and three levels. What they say behind
    /// the end of the file counts for nothing.
    fn lists(&mut self, inode: &Inode) -> Result<()> {
        let size = u64::from(self.fs.superblock().block_bytes());
        let end = inode.size.div_ceil(size);
        let mut next = 0;
        let words = Bytes(inode.block_words());
        for index in 0..DIRECT {
            self.number(words.u32(index * 4), 0, &mut next, end)?;
        }
        for level in 1..=3 {
            let number = words.u32((DIRECT + level as usize - 1) * 4);
            self.number(number, level, &mut next, end)?;
        }
        Ok(())
    }

    /// A block number: of data on level 0, else of a list of numbers.
    fn number(&mut self, number: u32, level: u32, next: &mut u64, end: u64) -> Result<()> {
        let in_block = u64::from(self.fs.superblock().block_bytes() / 4);
        if *next >= end || number == 0 {
            *next = next.saturating_add(in_block.saturating_pow(level));
            return Ok(());
        }
        if level == 0 {
            let logical = *next;
            *next += 1;
            return self.add(Extent {
                logical,
                physical: u64::from(number),
                blocks: 1,
                is_unwritten: false,
            });
        }
        let block = self.block(u64::from(number))?;
        for word in block.chunks_exact(4) {
            self.number(Bytes(word).u32(0), level - 1, next, end)?;
            if *next >= end {
                break;
            }
        }
        Ok(())
    }
}
