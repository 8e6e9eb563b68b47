// SPDX-License-Identifier: GPL-2.0
//! The header: a record that says what follows it.

use crate::{
    inode::Inode,
    RECORD, //
};
use zerocopy::{
    little_endian::{
        U32,
        U64, //
    },
    FromBytes,
    FromZeros,
    Immutable,
    IntoBytes,
    KnownLayout,
    Unaligned, //
};

/// Magic number of the form with inode numbers of 32 bits.
pub const MAGIC: u32 = 60012;

/// What the 256 words of a header sum up to, modulo 2^32.
pub const CHECKSUM: u32 = 84446;

/// How many bytes of a header describe the data behind it.
pub const ADDRESSES: usize = 512;

/// How many volumes the last header can tell the first inode of: the word with the number of the
/// volume, of which none is 0.
pub const INODES_MAX: usize = ADDRESSES / 4 - 1;

/// The root directory, with which the files of a dump begin.
pub const ROOT: u32 = 2;

/// Value of [`Header::attributes`] in a header of extended attributes in ext4's form.
pub const ATTRIBUTES_XATTR: u32 = 3;

/// Bits of [`Header::flags`].
pub mod flags {
    /// The header has the fields behind `c_level`. Only in the header of a volume.
    pub const NEW_HEADER: u32 = 1;
    /// Directories are in the form of 4.4BSD, owners have 32 bits.
    pub const NEW_INODES: u32 = 2;
    /// The blocks behind the first of a volume are compressed.
    pub const COMPRESSED: u32 = 0x80;
    /// Only the inode of this file has changed, and there is no data.
    pub const META_ONLY: u32 = 0x100;
    /// What follows are extended attributes of this inode.
    pub const ATTRIBUTES: u32 = 0x8000;
}

/// What a header begins.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Kind {
    /// A volume.
    Volume,
    /// A file, or the extended attributes of one.
    Inode,
    /// The map of the inodes that are in the dump.
    Wanted,
    /// More data of the same file.
    More,
    /// Nothing: the dump is at its end.
    End,
    /// The map of the inodes that are in use.
    Used,
}

impl Kind {
    /// All of them, in the order of their numbers from 1 on.
    pub const ALL: [Kind; 6] = [
        Kind::Volume,
        Kind::Inode,
        Kind::Wanted,
        Kind::More,
        Kind::End,
        Kind::Used,
    ];

    /// Its number in a header.
    pub fn number(self) -> u32 {
        match self {
            Kind::Volume => 1,
            Kind::Inode => 2,
            Kind::Wanted => 3,
            Kind::More => 4,
            Kind::End => 5,
            Kind::Used => 6,
        }
    }

    /// The one with a number.
    pub fn of(number: u32) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.number() == number)
    }
}

/// A header as its bytes are. Names in brackets are those of the C structure.
#[derive(Clone, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Header {
    /// What it begins (`c_type`): see [`Kind`].
    pub kind: U32,
    /// When the dump was begun (`c_date`).
    pub date: U32,
    /// Since when what has changed is in the dump (`c_ddate`), 0 for everything.
    pub since: U32,
    /// Number of the volume, from 1 on (`c_volume`).
    pub volume: U32,
    /// Ordinal of this record over all volumes, its low 32 bits (`c_tapea`).
    pub ordinal: U32,
    /// Number of the inode (`c_inumber`).
    pub inumber: U32,
    /// [`MAGIC`] (`c_magic`).
    pub magic: U32,
    /// What makes the sum of all words [`CHECKSUM`] (`c_checksum`).
    pub checksum: U32,
    /// The inode (`c_dinode`).
    pub inode: Inode,
    /// How many bytes of `addresses` count; in the header of a volume how many records follow
    /// before the next header; before a map its records (`c_count`).
    pub count: U32,
    /// Which records are data and which are holes (`c_addr`), or at the end the first inodes of
    /// all volumes (`c_inos`).
    pub addresses: [u8; ADDRESSES],
    /// Label of the dump (`c_label`).
    pub label: [u8; 16],
    /// Level (`c_level`).
    pub level: U32,
    /// Where the file system is mounted (`c_filesys`).
    pub filesystem: [u8; 64],
    /// Its device (`c_dev`).
    pub device: [u8; 64],
    /// Name of the machine (`c_host`).
    pub host: [u8; 64],
    /// See [`flags`] (`c_flags`).
    pub flags: U32,
    /// Ordinal of the first record of the volume, its low 32 bits (`c_firstrec`).
    pub first: U32,
    /// Records of a block (`c_ntrec`).
    pub ntrec: U32,
    /// Kind of the extended attributes that follow (`c_extattributes`).
    pub attributes: U32,
    /// `since` in 64 bits, for NetBSD.
    pub since_64: U64,
    /// `ordinal` in 64 bits, likewise.
    pub ordinal_64: U64,
    /// `first` in 64 bits, likewise.
    pub first_64: U64,
    /// Zeros.
    pub spare: [u8; 96],
}

const _: () = assert!(size_of::<Header>() == RECORD);

impl Header {
    /// A header of this kind for an inode; all else is zero.
    pub fn new(kind: Kind, inumber: u32) -> Self {
        let mut header = Header::new_zeroed();
        header.kind = kind.number().into();
        header.inumber = inumber.into();
        header.magic = MAGIC.into();
        header
    }

    /// A header with these bytes. Nothing is checked.
    pub fn from_bytes(bytes: &[u8; RECORD]) -> Self {
        Header::read_from_bytes(bytes.as_slice()).unwrap_or_else(|_| Header::new_zeroed())
    }

    /// Makes the checksum fit.
    pub fn seal(&mut self) {
        self.checksum = 0.into();
        self.checksum = CHECKSUM.wrapping_sub(self.sum()).into();
    }

    /// Whether magic number and checksum are those of a header.
    pub fn is_sealed(&self) -> bool {
        self.magic.get() == MAGIC && self.sum() == CHECKSUM
    }

    fn sum(&self) -> u32 {
        let words = self.as_bytes().chunks_exact(4);
        let words = words.filter_map(|word| word.try_into().ok());
        words.fold(0, |sum, word| sum.wrapping_add(u32::from_le_bytes(word)))
    }
}

/// Puts text into a field of a header: cut to leave a NUL behind it, the rest zeros.
pub fn put_text(field: &mut [u8], text: &str) {
    field.fill(0);
    let room = field.len().saturating_sub(1);
    for (to, from) in field.iter_mut().take(room).zip(text.bytes()) {
        *to = from;
    }
}

/// The text in a field of a header.
pub fn text(field: &[u8]) -> String {
    let bytes = field.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::offset_of;

    /// dump.md 2.1, the table.
    #[test]
    fn fields_are_where_restore_looks_for_them() {
        let offsets = [
            (offset_of!(Header, kind), 0),
            (offset_of!(Header, date), 4),
            (offset_of!(Header, since), 8),
            (offset_of!(Header, volume), 12),
            (offset_of!(Header, ordinal), 16),
            (offset_of!(Header, inumber), 20),
            (offset_of!(Header, magic), 24),
            (offset_of!(Header, checksum), 28),
            (offset_of!(Header, inode), 32),
            (offset_of!(Header, count), 160),
            (offset_of!(Header, addresses), 164),
            (offset_of!(Header, label), 676),
            (offset_of!(Header, level), 692),
            (offset_of!(Header, filesystem), 696),
            (offset_of!(Header, device), 760),
            (offset_of!(Header, host), 824),
            (offset_of!(Header, flags), 888),
            (offset_of!(Header, first), 892),
            (offset_of!(Header, ntrec), 896),
            (offset_of!(Header, attributes), 900),
            (offset_of!(Header, since_64), 904),
            (offset_of!(Header, ordinal_64), 912),
            (offset_of!(Header, first_64), 920),
            (offset_of!(Header, spare), 928),
            (32 + offset_of!(Inode, size), 40),
            (32 + offset_of!(Inode, accessed), 48),
            (32 + offset_of!(Inode, modified), 56),
            (32 + offset_of!(Inode, changed), 64),
            (32 + offset_of!(Inode, blocks), 72),
            (32 + offset_of!(Inode, flags), 132),
            (32 + offset_of!(Inode, sectors), 136),
            (32 + offset_of!(Inode, generation), 140),
            (32 + offset_of!(Inode, uid), 144),
            (32 + offset_of!(Inode, gid), 148),
            (32 + size_of::<Inode>(), 160),
        ];
        for (is, should) in offsets {
            assert_eq!(is, should);
        }
    }

    #[test]
    fn the_words_sum_up_to_the_checksum() {
        let mut header = Header::new(Kind::Inode, 12);
        header.date = 0xffff_fff0.into();
        header.level = 9.into();
        assert!(!header.is_sealed());
        header.seal();
        assert!(header.is_sealed());
        let words = header.as_bytes().chunks_exact(4);
        let sum: u64 = words
            .map(|word| u64::from(u32::from_le_bytes(word.try_into().unwrap())))
            .sum();
        assert_eq!(sum % (1 << 32), u64::from(CHECKSUM));
        header.inumber = 13.into();
        assert!(!header.is_sealed());
    }

    #[test]
    fn kinds_have_the_numbers_of_the_c_header() {
        for (index, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind.number() as usize, index + 1);
            assert_eq!(Kind::of(kind.number()), Some(kind));
        }
        assert_eq!(Kind::of(0), None);
        assert_eq!(Kind::of(7), None);
    }

    #[test]
    fn text_leaves_room_for_a_nul() {
        let mut field = [0xff; 8];
        put_text(&mut field, "/export/home");
        assert_eq!(&field, b"/export\0");
        assert_eq!(text(&field), "/export");
        put_text(&mut field, "/");
        assert_eq!(&field, b"/\0\0\0\0\0\0\0");
    }
}
