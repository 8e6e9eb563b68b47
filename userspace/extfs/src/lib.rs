// SPDX-License-Identifier: GPL-2.0
//! ext2, ext3 and ext4, read from a device or image without mounting it and without writing.
//!
//! What is read is the file system as it is after recovery: what stands in the journal and was
//! committed lies over the device like a transparency ([`overlay`]). All structures may be
//! damaged, or made by somebody who means harm: whatever the bytes are, there is an answer or an
//! [`Error`], and memory is bounded by the size of the device.
//!
//! - [`source`]: where bytes come from.
//! - [`FileSystem`]: the whole; [`superblock`], [`groups`]: its geometry.
//! - [`inode`], [`table`]: inodes, one or all in their order.
//! - [`extents`]: where a file lies; [`inline`]: small files that lie in their inode.
//! - [`directory`], [`attributes`]: names and extended attributes.
//! - [`journal`]: what was committed and is not yet in its place.

#![forbid(unsafe_code)]

pub mod attributes;
mod bytes;
pub mod directory;
pub mod extents;
pub mod groups;
pub mod inline;
pub mod inode;
pub mod journal;
pub mod overlay;
pub mod source;
pub mod superblock;
pub mod table;

use inode::Inode;
use overlay::Overlay;
use source::Source;
use std::io;
use superblock::Superblock;
use thiserror::Error;

/// Why something cannot be read.
#[derive(Debug, Error)]
pub enum Error {
    /// The device does not give its bytes.
    #[error("byte {offset} cannot be read: {error}")]
    Unreadable {
        /// First byte that was wanted.
        offset: u64,
        /// Why.
        error: io::Error,
    },
    /// There is no file system of this family.
    #[error("there is no ext2, ext3 or ext4 file system")]
    Foreign,
    /// It has properties that this program does not know, and that change what its bytes mean.
    #[error("the file system has features that are not known here: {0}")]
    Unknown(String),
    /// Something is not as it must be.
    #[error("{what} {is_wrong}")]
    Corrupt {
        /// What it is about.
        what: String,
        /// What is wrong with it. Reads on from `what`.
        is_wrong: &'static str,
    },
}

impl Error {
    pub(crate) fn corrupt(what: impl Into<String>, is_wrong: &'static str) -> Self {
        Error::Corrupt {
            what: what.into(),
            is_wrong,
        }
    }
}

/// Result of reading.
pub type Result<T> = std::result::Result<T, Error>;

/// A file system.
#[derive(Debug)]
pub struct FileSystem<S> {
    source: S,
    superblock: Superblock,
    overlay: Overlay,
}

impl<S: Source> FileSystem<S> {
    /// Opens the file system on a device that is mounted here, so that what is read from it is as
    /// new as what the kernel knows, and newer than its journal.
    pub fn open_mounted(source: S) -> Result<Self> {
        let superblock = Superblock::read(&source)?;
        Ok(FileSystem {
            source,
            superblock,
            overlay: Overlay::default(),
        })
    }

    /// Opens the file system on a device, and reads its journal if it was not unmounted.
    pub fn open(source: S) -> Result<Self> {
        let mut fs = FileSystem::open_mounted(source)?;
        if fs.superblock.needs_recovery() {
            fs.overlay = journal::read(&fs)?;
            fs.superblock = fs.recovered_superblock()?;
        }
        Ok(fs)
    }

    /// Its superblock.
    pub fn superblock(&self) -> &Superblock {
        &self.superblock
    }

    /// Where its bytes come from.
    pub fn source(&self) -> &S {
        &self.source
    }

    /// What the journal has put over it.
    pub fn overlay(&self) -> &Overlay {
        &self.overlay
    }

    /// The superblock as the journal leaves it.
    fn recovered_superblock(&self) -> Result<Superblock> {
        let block_bytes = u64::from(self.superblock.block_bytes());
        let block = self.block(superblock::OFFSET / block_bytes)?;
        let start = (superblock::OFFSET % block_bytes) as usize;
        let bytes = block.get(start..start + superblock::BYTES);
        Superblock::parse(bytes.unwrap_or_default(), self.source.bytes())
    }

    /// A block of the file system.
    pub fn block(&self, number: u64) -> Result<Vec<u8>> {
        self.blocks(number, 1)
    }

    /// Some blocks that follow each other.
    pub fn blocks(&self, first: u64, count: u64) -> Result<Vec<u8>> {
        let size = u64::from(self.superblock.block_bytes());
        let end = first.checked_add(count);
        if end.is_none_or(|end| end > self.superblock.blocks()) {
            let what = format!("block {first}");
            return Err(Error::corrupt(
                what,
                "lies behind the end of the file system",
            ));
        }
        let mut bytes = vec![0; (count * size) as usize];
        self.read(&mut bytes, first * size)?;
        for (block, place) in self.overlay.range(first, count) {
            let start = ((block - first) * size) as usize;
            if let Some(into) = bytes.get_mut(start..start + size as usize) {
                self.read_overlaid(into, place)?;
            }
        }
        Ok(bytes)
    }

    /// Reads a block from where the journal has it, if it still does.
    fn read_overlaid(&self, into: &mut [u8], place: overlay::Place) -> Result<()> {
        let size = u64::from(self.superblock.block_bytes());
        let mut block = vec![0; into.len()];
        self.read(&mut block, place.block * size)?;
        if crc32c::crc32c(&block) != place.checksum {
            return Ok(());
        }
        if place.is_escaped {
            // The journal must not have its own magic number in a block of data.
            let magic = journal::MAGIC.to_be_bytes();
            block
                .iter_mut()
                .zip(magic)
                .for_each(|(to, byte)| *to = byte);
        }
        into.copy_from_slice(&block);
        Ok(())
    }

    fn read(&self, into: &mut [u8], offset: u64) -> Result<()> {
        self.source
            .read_at(into, offset)
            .map_err(|error| Error::Unreadable { offset, error })
    }

    /// An inode by its number. For many, [`table::Table`] is faster.
    pub fn inode(&self, number: u32) -> Result<Inode> {
        let (group, index) = self.superblock.place_of(number)?;
        let group = self.group(group)?;
        let bytes = u64::from(self.superblock.inode_bytes());
        let block_bytes = u64::from(self.superblock.block_bytes());
        let offset = u64::from(index) * bytes;
        let block = self.block(group.inode_table.saturating_add(offset / block_bytes))?;
        let start = (offset % block_bytes) as usize;
        let bytes = block.get(start..start + bytes as usize);
        Ok(Inode::parse(number, bytes.unwrap_or_default()))
    }
}
