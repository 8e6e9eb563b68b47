// SPDX-License-Identifier: GPL-2.0
//! A small ext4 file system with one of everything that is read, made by hand: blocks of 1 KiB, 32
//! inodes of 256 bytes, and a journal with a transaction.

/// Bytes of a block.
pub(crate) const BLOCK: usize = 1024;

const BLOCKS: usize = 64;
const INODES: u32 = 32;
const INODE: usize = 256;

/// First blocks: of the descriptors, of the inodes, of the root directory, and of what files have.
const DESCRIPTORS: usize = 2;
const TABLE: usize = 5;
const ROOT: usize = 14;
const DATA: usize = 15;
const LIST: usize = 17;
const ATTRIBUTES: usize = 18;
const NODE: usize = 19;
const JOURNAL: usize = 20;
const JOURNAL_BLOCKS: usize = 16;

/// Features: journal; file types, recovery, extents, data in inodes; none for writers.
const COMPAT: u32 = 0x4;
const INCOMPAT: u32 = 0x2 | 0x4 | 0x40 | 0x8000;

const EXTENTS: u32 = 0x8_0000;
const INLINE: u32 = 0x1000_0000;

struct Image(Vec<u8>);

impl Image {
    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn word(&mut self, at: usize, value: u32) {
        self.put(at, &value.to_le_bytes());
    }

    fn half(&mut self, at: usize, value: u16) {
        self.put(at, &value.to_le_bytes());
    }

    /// A word of the journal.
    fn big(&mut self, at: usize, value: u32) {
        self.put(at, &value.to_be_bytes());
    }

    /// An inode; where it begins.
    fn inode(&mut self, number: usize, mode: u16, size: u32, flags: u32) -> usize {
        let at = TABLE * BLOCK + (number - 1) * INODE;
        self.half(at, mode);
        self.word(at + 4, size);
        self.half(at + 26, 1);
        self.word(at + 32, flags);
        self.half(at + 128, 32);
        at
    }

    /// The head of a node of a tree of extents, with one entry.
    fn node(&mut self, at: usize, depth: u16) {
        self.half(at, 0xf30a);
        self.half(at + 2, 1);
        self.half(at + 4, 4);
        self.half(at + 6, depth);
    }

    /// The only entry of a leaf.
    fn extent(&mut self, at: usize, blocks: u16, physical: u32) {
        self.node(at, 0);
        self.half(at + 16, blocks);
        self.word(at + 20, physical);
    }

    /// An entry of a directory; where the next one is.
    fn entry(&mut self, at: usize, inode: u32, length: u16, kind: u8, name: &[u8]) -> usize {
        self.word(at, inode);
        self.half(at + 4, length);
        self.put(at + 6, &[name.len() as u8, kind]);
        self.put(at + 8, name);
        at + usize::from(length)
    }

    /// An extended attribute with its value.
    fn attribute(&mut self, at: usize, offset: u16, value_at: usize) {
        self.put(at, &[3, 1]);
        self.half(at + 2, offset);
        self.word(at + 8, 5);
        self.put(at + 16, b"abc");
        self.put(value_at, b"value");
    }

    fn superblock(&mut self) {
        let at = 1024;
        for (field, value) in [
            (0, INODES),
            (4, BLOCKS as u32),
            (20, 1),
            (32, 8192),
            (40, INODES),
            (76, 1),
            (84, 11),
            (92, COMPAT),
            (96, INCOMPAT),
            (224, 8),
        ] {
            self.word(at + field, value);
        }
        self.half(at + 56, 0xef53);
        self.half(at + 88, INODE as u16);
        self.word(DESCRIPTORS * BLOCK + 8, TABLE as u32);
    }

    fn directory(&mut self) {
        let root = self.inode(2, 0o40755, BLOCK as u32, EXTENTS);
        self.extent(root + 40, 1, ROOT as u32);
        let mut at = ROOT * BLOCK;
        at = self.entry(at, 2, 12, 2, b".");
        at = self.entry(at, 2, 12, 2, b"..");
        for number in 12..18u32 {
            at = self.entry(at, number, 16, 1, format!("file{number}").as_bytes());
        }
        let rest = (ROOT + 1) * BLOCK - at;
        self.entry(at, 0, rest as u16, 0, b"");
    }

    /// Files: with an extent, a tree, a list, in the inode, as a directory there, as a link.
    fn files(&mut self) {
        let at = self.inode(12, 0o100_644, 1500, EXTENTS);
        self.extent(at + 40, 2, DATA as u32);
        self.word(at + 104, ATTRIBUTES as u32);
        let at = self.inode(13, 0o100_644, 3 << 20, EXTENTS);
        self.node(at + 40, 1);
        self.word(at + 56, NODE as u32);
        self.extent(NODE * BLOCK, 2, DATA as u32);
        let at = self.inode(14, 0o100_644, 14 * BLOCK as u32, 0);
        self.word(at + 40, DATA as u32);
        self.word(at + 40 + 12 * 4, LIST as u32);
        self.word(LIST * BLOCK, DATA as u32 + 1);
        let at = self.inode(15, 0o100_600, 70, INLINE);
        self.put(at + 40, &[b'x'; 60]);
        self.word(at + 160, 0xea02_0000);
        self.attribute(at + 164, 60, at + 224);
        let at = self.inode(16, 0o40700, 60, INLINE);
        self.word(at + 40, 2);
        self.entry(at + 44, 12, 56, 1, b"inside");
        let at = self.inode(17, 0o120_777, 5, 0);
        self.put(at + 40, b"file1");
        let block = ATTRIBUTES * BLOCK;
        self.word(block, 0xea02_0000);
        self.word(block + 4, 1);
        self.attribute(block + 32, 1000, block + 1000);
    }

    /// A journal in which the second block of the first file was committed, and then a revocation.
    fn journal(&mut self) {
        let inode = self.inode(8, 0o100_600, (JOURNAL_BLOCKS * BLOCK) as u32, EXTENTS);
        self.extent(inode + 40, JOURNAL_BLOCKS as u16, JOURNAL as u32);
        let block = |index: usize| (JOURNAL + index) * BLOCK;
        for (index, kind, transaction) in [(0, 4, 0), (1, 1, 7), (3, 2, 7), (4, 5, 8), (5, 2, 8)] {
            self.big(block(index), 0xc03b_3998);
            self.big(block(index) + 4, kind);
            self.big(block(index) + 8, transaction);
        }
        for (field, value) in [(12, BLOCK as u32), (16, JOURNAL_BLOCKS as u32), (20, 1)] {
            self.big(block(0) + field, value);
        }
        self.big(block(0) + 24, 7);
        self.big(block(0) + 28, 1);
        self.big(block(0) + 40, 1);
        // One tag: the same journal, the last one.
        self.big(block(1) + 12, DATA as u32 + 1);
        self.big(block(1) + 16, 2 | 8);
        self.put(block(2), b"from the journal");
        self.big(block(4) + 12, 20);
        self.big(block(4) + 16, 40);
    }
}

/// The image.
pub(crate) fn image() -> Vec<u8> {
    let mut image = Image(vec![0; BLOCKS * BLOCK]);
    image.superblock();
    image.directory();
    image.files();
    image.journal();
    image.0
}
