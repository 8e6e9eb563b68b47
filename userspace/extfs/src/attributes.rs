// SPDX-License-Identifier: GPL-2.0
//! Extended attributes: in the inode, in a block of their own, and with values in inodes.

use crate::{
    bytes::Bytes,
    inode::{
        Inode,
        Kind, //
    },
    source::Source,
    Error,
    FileSystem,
    Result, //
};

/// An extended attribute.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attribute {
    /// Number that stands for the part of the name up to its first dot.
    pub index: u8,
    /// The rest of the name.
    pub name: Vec<u8>,
    /// Value, as it lies on the device.
    pub value: Vec<u8>,
}

/// The attributes of an inode.
#[derive(Debug, Default)]
pub struct Attributes {
    /// Those that could be read.
    pub list: Vec<Attribute>,
    /// Why there are not more, if that is so.
    pub fault: Option<Error>,
}

const MAGIC: u32 = 0xea02_0000;

/// Bytes before the first entry of a block.
const BLOCK_HEAD: usize = 32;

/// Bytes of an entry before its name.
const ENTRY: usize = 16;

/// Number of the names that begin with `system.`
pub(crate) const SYSTEM: u8 = 7;

/// Name of what continues a file that lies in its inode.
pub(crate) const DATA: &[u8] = b"data";

/// Longest value, as the kernel has it.
const VALUE_MAX: u32 = 65536;

impl Attribute {
    /// Whether it is the rest of a file that lies in its inode, and nobody's attribute.
    pub(crate) fn is_data(&self) -> bool {
        self.index == SYSTEM && self.name == DATA
    }
}

impl<S: Source> FileSystem<S> {
    /// Whether an inode is likely to have extended attributes.
    pub fn has_attributes(&self, inode: &Inode) -> bool {
        let area = Bytes(inode.tail());
        inode.attribute_block != 0 || area.u32(0) == MAGIC && area.u32(4) != 0
    }

    /// The extended attributes of an inode.
    pub fn attributes(&self, inode: &Inode) -> Attributes {
        let mut attributes = self.all_attributes(inode);
        attributes.list.retain(|attribute| !attribute.is_data());
        attributes
    }

    /// All of them.
    pub(crate) fn all_attributes(&self, inode: &Inode) -> Attributes {
        let mut list = Vec::new();
        let in_inode = self.in_inode(inode, &mut list);
        let in_block = self.in_block(inode, &mut list);
        let fault = in_inode.and(in_block).err();
        Attributes { list, fault }
    }

    fn in_inode(&self, inode: &Inode, list: &mut Vec<Attribute>) -> Result<()> {
        let area = inode.tail();
        if Bytes(area).u32(0) != MAGIC {
            return Ok(());
        }
        let area = area.get(4..).unwrap_or_default();
        self.entries(inode, area, 0, list)
    }

    fn in_block(&self, inode: &Inode, list: &mut Vec<Attribute>) -> Result<()> {
        if inode.attribute_block == 0 {
            return Ok(());
        }
        let block = self.block(inode.attribute_block)?;
        if Bytes(&block).u32(0) != MAGIC {
            let what = format!("inode {}", inode.number);
            return Err(Error::corrupt(what, "has a damaged block of attributes"));
        }
        self.entries(inode, &block, BLOCK_HEAD, list)
    }

    /// The entries of an area from a byte on; values are counted from its start.
    fn entries(
        &self,
        inode: &Inode,
        area: &[u8],
        mut at: usize,
        list: &mut Vec<Attribute>,
    ) -> Result<()> {
        let raw = Bytes(area);
        let bad = |is_wrong| Error::corrupt(format!("inode {}", inode.number), is_wrong);
        while at + 4 <= area.len() && raw.u32(at) != 0 {
            let length = usize::from(raw.u8(at));
            let name = raw.part(at + ENTRY, length);
            if name.len() < length {
                return Err(bad("has an attribute whose name does not end"));
            }
            let (value_inode, bytes) = (raw.u32(at + 4), raw.u32(at + 8));
            let value = if value_inode != 0 {
                self.value_in_inode(value_inode, bytes)?
            } else {
                let start = usize::from(raw.u16(at + 2));
                raw.part(start, bytes as usize).to_vec()
            };
            if value.len() < bytes as usize {
                return Err(bad("has an attribute whose value does not end"));
            }
            list.push(Attribute {
                index: raw.u8(at + 1),
                name: name.to_vec(),
                value,
            });
            at += (ENTRY + length).next_multiple_of(4);
        }
        Ok(())
    }

    /// A value that is the contents of an inode.
    fn value_in_inode(&self, number: u32, bytes: u32) -> Result<Vec<u8>> {
        let inode = self.inode(number)?;
        let bad = |is_wrong| Err(Error::corrupt(format!("inode {number}"), is_wrong));
        if !inode.is_attribute_value() || inode.kind() != Kind::Regular {
            return bad("is not the value of an attribute");
        }
        if bytes > VALUE_MAX || u64::from(bytes) != inode.size {
            return bad("has another size than the attribute");
        }
        let mapped = self.extents(&inode);
        if let Some(fault) = mapped.fault {
            return Err(fault);
        }
        let block_bytes = u64::from(self.superblock().block_bytes());
        let mut value = vec![0; bytes as usize];
        for extent in mapped.extents.iter().filter(|one| !one.is_unwritten) {
            let start = extent.logical * block_bytes;
            let count = u64::from(bytes).saturating_sub(start).div_ceil(block_bytes);
            let data = self.blocks(extent.physical, extent.blocks.min(count))?;
            let into = value.get_mut(start as usize..).unwrap_or_default();
            into.iter_mut().zip(data).for_each(|(to, byte)| *to = byte);
        }
        Ok(value)
    }
}
