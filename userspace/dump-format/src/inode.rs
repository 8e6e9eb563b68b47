// SPDX-License-Identifier: GPL-2.0
//! The inode in a header: 128 bytes in the form of 4.4BSD's, with Linux' use of its words.

use zerocopy::{
    little_endian::{
        U16,
        U32,
        U64, //
    },
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout,
    Unaligned, //
};

/// A time: seconds since 1970 and microseconds. `restore` takes the seconds as a signed number of
/// 32 bits.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    Eq,
    PartialEq,
    FromBytes,
    IntoBytes,
    KnownLayout,
    Immutable,
    Unaligned,
)]
#[repr(C)]
pub struct Time {
    /// Seconds.
    pub seconds: U32,
    /// Microseconds, below 1,000,000.
    pub microseconds: U32,
}

/// The inode in a header.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    Eq,
    PartialEq,
    FromBytes,
    IntoBytes,
    KnownLayout,
    Immutable,
    Unaligned,
)]
#[repr(C)]
pub struct Inode {
    /// Type and permissions, as `st_mode` has them.
    pub mode: U16,
    /// Number of names.
    pub links: U16,
    /// Low 16 bits of the owner, for readers of the old form.
    pub old_uid: U16,
    /// Low 16 bits of the group, likewise.
    pub old_gid: U16,
    /// Size in bytes; of a directory that of its entries in dump's form.
    pub size: U64,
    /// Last access.
    pub accessed: Time,
    /// Last change of the contents.
    pub modified: Time,
    /// Last change of the inode.
    pub changed: Time,
    /// Block numbers, of which `restore` uses only the first, the number of a device.
    pub blocks: [U32; 15],
    /// Flags of `chattr`.
    pub flags: U32,
    /// Sectors of 512 bytes that it occupies.
    pub sectors: U32,
    /// Generation.
    pub generation: U32,
    /// Owner.
    pub uid: U32,
    /// Group.
    pub gid: U32,
    /// Zeros.
    pub spare: [U32; 2],
}
