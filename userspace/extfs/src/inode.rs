// SPDX-License-Identifier: GPL-2.0
//! Inodes.

use crate::bytes::Bytes;

/// Bits of [`Inode::flags`].
pub mod flags {
    /// `chattr +d`: not to be dumped.
    pub const NODUMP: u32 = 0x40;
    /// Its contents and names mean nothing without a key.
    pub const ENCRYPTED: u32 = 0x800;
    /// Its blocks are told by extents.
    pub const EXTENTS: u32 = 0x8_0000;
    /// It is the value of an extended attribute.
    pub const EA_INODE: u32 = 0x20_0000;
    /// Its data lies in the inode.
    pub const INLINE: u32 = 0x1000_0000;
}

/// Kinds of files, as the upper bits of a mode have them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A pipe with a name.
    Fifo,
    /// A device that is read byte by byte.
    Character,
    /// A directory.
    Directory,
    /// A device of blocks.
    Block,
    /// A file with contents.
    Regular,
    /// A symbolic link.
    Symlink,
    /// A socket.
    Socket,
    /// None of these.
    Unknown,
}

/// A time: seconds since 1970, and nanoseconds.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Time {
    /// Seconds.
    pub seconds: i64,
    /// Nanoseconds, below 1,000,000,000 unless the inode is damaged.
    pub nanoseconds: u32,
}

/// An inode.
#[derive(Clone, Debug)]
pub struct Inode {
    /// Its number.
    pub number: u32,
    /// Type and permissions.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Number of names.
    pub links: u16,
    /// Size in bytes.
    pub size: u64,
    /// Sectors of 512 bytes that it occupies, or blocks if the flag for huge files is set.
    pub sectors: u64,
    /// Flags of `chattr`, and some of ext4's own.
    pub flags: u32,
    /// Generation.
    pub generation: u32,
    /// Block of extended attributes, or 0.
    pub attribute_block: u64,
    /// Last access.
    pub accessed: Time,
    /// Last change of the contents.
    pub modified: Time,
    /// Last change of the inode.
    pub changed: Time,
    raw: Box<[u8]>,
}

/// Bytes of an inode that all of them have.
pub(crate) const CORE: usize = 128;

impl Inode {
    /// Takes an inode from its bytes.
    pub(crate) fn parse(number: u32, bytes: &[u8]) -> Self {
        let raw = Bytes(bytes);
        let high = u64::from(raw.u32(108));
        let size = u64::from(raw.u32(4));
        let mode = raw.u16(0);
        // In other kinds the field had another meaning once.
        let is_large = matches!(kind(mode), Kind::Regular | Kind::Directory);
        let extra = usize::from(raw.u16(CORE)) + CORE;
        let time = |seconds: usize, more: usize| {
            let has_more = bytes.len() > CORE && more + 4 <= extra;
            let more = if has_more { raw.u32(more) } else { 0 };
            Time {
                seconds: i64::from(raw.u32(seconds) as i32) + (i64::from(more & 3) << 32),
                nanoseconds: more >> 2,
            }
        };
        Inode {
            number,
            mode,
            uid: (u32::from(raw.u16(120)) << 16) | u32::from(raw.u16(2)),
            gid: (u32::from(raw.u16(122)) << 16) | u32::from(raw.u16(24)),
            links: raw.u16(26),
            size: if is_large { (high << 32) | size } else { size },
            sectors: (u64::from(raw.u16(116)) << 32) | u64::from(raw.u32(28)),
            flags: raw.u32(32),
            generation: raw.u32(100),
            attribute_block: (u64::from(raw.u16(118)) << 32) | u64::from(raw.u32(104)),
            accessed: time(8, 140),
            modified: time(16, 136),
            changed: time(12, 132),
            raw: bytes.into(),
        }
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        kind(self.mode)
    }

    /// Whether it is in use: somebody's file, or the file system's own.
    pub fn is_used(&self) -> bool {
        self.links > 0 && self.mode != 0
    }

    /// Whether it is the value of an extended attribute.
    pub fn is_attribute_value(&self) -> bool {
        self.flags & flags::EA_INODE != 0
    }

    /// Whether it lies in the inode, wholly or in part.
    pub fn is_inline(&self) -> bool {
        self.flags & flags::INLINE != 0
    }

    /// The 60 bytes that tell where it lies, or are its beginning.
    pub(crate) fn block_words(&self) -> &[u8] {
        Bytes(&self.raw).part(40, 60)
    }

    /// Number of the device that it is, as `st_rdev` has it, in the two encodings of the kernel.
    pub fn device(&self) -> (u32, u32) {
        let raw = Bytes(self.block_words());
        let old = u32::from(raw.u16(0));
        match old {
            0 => {
                let new = raw.u32(4);
                let minor = (new & 0xff) | ((new >> 12) & 0xf_ff00);
                ((new >> 8) & 0xfff, minor)
            }
            old => (old >> 8, old & 0xff),
        }
    }

    /// The target of a symbolic link, if it lies in the inode.
    pub(crate) fn fast_target(&self) -> Option<&[u8]> {
        const MOST: u64 = 60;
        let is_fast = self.kind() == Kind::Symlink
            && self.size < MOST
            && self.flags & (flags::EXTENTS | flags::INLINE) == 0;
        is_fast.then(|| Bytes(self.block_words()).part(0, self.size as usize))
    }

    /// What lies behind the fields of the inode, where extended attributes are.
    pub(crate) fn tail(&self) -> &[u8] {
        if self.raw.len() <= CORE {
            return &[];
        }
        let extra = usize::from(Bytes(&self.raw).u16(CORE));
        self.raw.get(CORE + extra..).unwrap_or_default()
    }
}

fn kind(mode: u16) -> Kind {
    match mode >> 12 {
        0o1 => Kind::Fifo,
        0o2 => Kind::Character,
        0o4 => Kind::Directory,
        0o6 => Kind::Block,
        0o10 => Kind::Regular,
        0o12 => Kind::Symlink,
        0o14 => Kind::Socket,
        _ => Kind::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_beyond_2038_if_the_inode_has_room() {
        let mut bytes = vec![0; 256];
        bytes[16..20].copy_from_slice(&(-5i32).to_le_bytes());
        bytes[128] = 32;
        bytes[136..140].copy_from_slice(&((7u32 << 2) | 1).to_le_bytes());
        let inode = Inode::parse(12, &bytes);
        assert_eq!(inode.modified.seconds, (1 << 32) - 5);
        assert_eq!(inode.modified.nanoseconds, 7);
        bytes[128] = 8;
        assert_eq!(Inode::parse(12, &bytes).modified.seconds, -5);
        assert_eq!(Inode::parse(12, &bytes[..128]).modified.seconds, -5);
    }

    #[test]
    fn devices_have_two_encodings() {
        let mut bytes = vec![0; 128];
        bytes[1] = 0o20;
        bytes[40..42].copy_from_slice(&0x0803u16.to_le_bytes());
        assert_eq!(Inode::parse(12, &bytes).device(), (8, 3));
        // 253:300
        bytes[40..48].copy_from_slice(&[0, 0, 0, 0, 0x2c, 0xfd, 0x10, 0]);
        assert_eq!(Inode::parse(12, &bytes).device(), (253, 300));
    }

    #[test]
    fn a_short_inode_is_none() {
        let inode = Inode::parse(12, &[1, 2, 3]);
        assert!(!inode.is_used());
        assert_eq!(inode.tail(), []);
        assert_eq!(inode.kind(), Kind::Unknown);
    }
}
