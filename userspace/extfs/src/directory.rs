// SPDX-License-Identifier: GPL-2.0
//! Directories. Their blocks are read one after the other: the leaves of an index are ordinary
//! blocks, and its other nodes look like blocks without entries.

use crate::{
    bytes::Bytes,
    inode::Inode,
    source::Source,
    Error,
    FileSystem, //
};

/// An entry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Number of its inode.
    pub inode: u32,
    /// Type in ext4's numbers: 1 regular, 2 directory, 3 character, 4 block, 5 fifo, 6 socket,
    /// 7 symlink; 0 if the file system does not say.
    pub kind: u8,
    /// Name.
    pub name: Vec<u8>,
}

/// A directory.
#[derive(Debug, Default)]
pub struct Directory {
    /// Its entries, `.` and `..` included.
    pub entries: Vec<Entry>,
    /// Why there are not more, if that is so.
    pub fault: Option<Error>,
}

/// Bytes of an entry before its name.
const HEAD: usize = 8;

/// Bytes of a directory that lies in its inode before its first entry: the number of its parent.
const INLINE_HEAD: usize = 4;

/// Bytes of the first of the two areas of such a directory.
const INLINE_FIRST: usize = 60;

const DIRECTORY: u8 = 2;

impl<S: Source> FileSystem<S> {
    /// Reads a directory.
    pub fn directory(&self, inode: &Inode) -> Directory {
        let mut directory = Directory::default();
        if let Some(bytes) = self.inline(inode) {
            directory.fault = inline(inode, &bytes, &mut directory.entries).err();
            return directory;
        }
        let superblock = self.superblock();
        let block_bytes = u64::from(superblock.block_bytes());
        let is_large = superblock.has_large_directories() || inode.size <= u64::from(u32::MAX);
        if inode.size > self.source().bytes() || !is_large {
            directory.fault = Some(bad(inode, "is a directory larger than it can be"));
            return directory;
        }
        let end = inode.size.div_ceil(block_bytes);
        let mapped = self.extents(inode);
        directory.fault = mapped.fault;
        for extent in mapped.extents.iter().filter(|one| !one.is_unwritten) {
            let blocks = extent.blocks.min(end.saturating_sub(extent.logical));
            for block in extent.physical..extent.physical + blocks {
                let read = self
                    .block(block)
                    .and_then(|bytes| entries(inode, &bytes, &mut directory.entries));
                directory.fault = directory.fault.or(read.err());
            }
        }
        directory
    }
}

fn bad(inode: &Inode, is_wrong: &'static str) -> Error {
    Error::corrupt(format!("inode {}", inode.number), is_wrong)
}

/// The entries of a directory that lies in its inode: two areas, and neither `.` nor `..`.
fn inline(inode: &Inode, bytes: &[u8], list: &mut Vec<Entry>) -> Result<(), Error> {
    let parent = Bytes(bytes).u32(0);
    for (number, name) in [(inode.number, &b"."[..]), (parent, b"..")] {
        list.push(Entry {
            inode: number,
            kind: DIRECTORY,
            name: name.to_vec(),
        });
    }
    let end = INLINE_FIRST.min(bytes.len());
    let first = entries(inode, bytes.get(INLINE_HEAD..end).unwrap_or_default(), list);
    first.and(entries(
        inode,
        bytes.get(INLINE_FIRST..).unwrap_or_default(),
        list,
    ))
}

/// The entries of a block. One whose name is impossible costs no other; behind a damaged length
/// nothing is known.
fn entries(inode: &Inode, block: &[u8], list: &mut Vec<Entry>) -> Result<(), Error> {
    let raw = Bytes(block);
    let mut at = 0;
    let mut named = Ok(());
    while at + HEAD <= block.len() {
        let length = match usize::from(raw.u16(at + 4)) {
            // A block of 64 KiB has no 16 bits for its length.
            0 | 0xffff if block.len() == 65536 => 65536 - at,
            length => length,
        };
        let name = usize::from(raw.u8(at + 6));
        if length < HEAD || length % 4 != 0 || at + length > block.len() || HEAD + name > length {
            return Err(bad(inode, "is a directory with a damaged entry"));
        }
        let number = raw.u32(at);
        let name = raw.part(at + HEAD, name);
        if number != 0 && (name.contains(&0) || name.contains(&b'/')) {
            named = Err(bad(inode, "is a directory with an impossible name"));
        } else if number != 0 && !name.is_empty() {
            list.push(Entry {
                inode: number,
                kind: raw.u8(at + 7),
                name: name.to_vec(),
            });
        }
        at += length;
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(names: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (name, number) in names.iter().zip(12u32..) {
            bytes.extend(number.to_le_bytes());
            bytes.extend([16, 0, name.len() as u8, 1]);
            bytes.extend(*name);
            bytes.resize(bytes.len().next_multiple_of(16), 0);
        }
        bytes
    }

    #[test]
    fn an_impossible_name_costs_no_other() {
        let inode = Inode::parse(2, &[0; 128]);
        let mut list = Vec::new();
        let read = entries(&inode, &block(&[b"a", b"b/c", b"d\0", b"e"]), &mut list);
        assert!(read.is_err());
        let found: Vec<_> = list
            .iter()
            .map(|entry| (entry.inode, entry.name[0]))
            .collect();
        assert_eq!(found, [(12, b'a'), (15, b'e')]);
    }
}
