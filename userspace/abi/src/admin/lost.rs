// SPDX-License-Identifier: GPL-2.0
//! What a RAID5 metadevice has lost (`DURABILITY.md` clause 16).

use super::{
    Header,
    NAME_LEN, //
};
use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout, //
};

/// Most ranges that are lost.
pub const LOST_RANGES_MAX: u32 = 504;

/// Sectors that read as errors until they are written.
#[derive(
    Clone, Copy, Debug, Default, Eq, PartialEq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct LostRange {
    /// The first one, in the metadevice.
    pub sector: u64,
    /// How many.
    pub sectors: u64,
}

/// Argument of [`IOC_LIST_LOST`](super::IOC_LIST_LOST).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ListLost {
    /// See [`Header`].
    pub header: Header,
    /// In: the metadevice's name. Everything behind it but the array is zero.
    pub name: [u8; NAME_LEN],
    /// In: elements in `ranges`, at least [`LOST_RANGES_MAX`].
    pub range_capacity: u32,
    /// Out: elements filled; none for what is not RAID5.
    pub range_count: u32,
    /// In: user address of an array of [`LostRange`].
    pub ranges: u64,
}
