// SPDX-License-Identifier: GPL-2.0
//! Files that lie in their inode: 60 bytes where others tell where they lie, and the rest in an
//! attribute; and symbolic links.

use crate::{
    attributes::Attribute,
    inode::{
        Inode,
        Kind, //
    },
    source::Source,
    FileSystem,
    Result, //
};

impl<S: Source> FileSystem<S> {
    /// The contents of a file that lies in its inode, or none if it does not.
    pub fn inline(&self, inode: &Inode) -> Option<Vec<u8>> {
        if let Some(target) = inode.fast_target() {
            return Some(target.to_vec());
        }
        let can_be = matches!(
            inode.kind(),
            Kind::Regular | Kind::Directory | Kind::Symlink
        );
        if !inode.is_inline() || !can_be {
            return None;
        }
        let mut bytes = inode.block_words().to_vec();
        let attributes = self.all_attributes(inode).list;
        if let Some(rest) = attributes.into_iter().find(Attribute::is_data) {
            bytes.extend(rest.value);
        }
        // Behind the end of a short one there is nothing; a longer one ends with zeros.
        const MOST: u64 = 65536;
        bytes.resize(inode.size.min(MOST) as usize, 0);
        Some(bytes)
    }

    /// The target of a symbolic link.
    pub fn target(&self, inode: &Inode) -> Result<Vec<u8>> {
        if let Some(target) = self.inline(inode) {
            return Ok(target);
        }
        let mapped = self.extents(inode);
        if let Some(fault) = mapped.fault {
            return Err(fault);
        }
        let first = mapped.extents.first().map_or(0, |extent| extent.physical);
        let mut block = self.block(first)?;
        block.truncate(inode.size as usize);
        Ok(block)
    }
}
