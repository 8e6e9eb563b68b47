// SPDX-License-Identifier: GPL-2.0
//! Soft partitions: extents of a device or metadevice, their base (`svm.md` section 6).

use super::{
    Component,
    Header,
    NAME_LEN, //
};
use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout, //
};

/// Most extents of a soft partition.
pub const EXTENTS_MAX: u32 = 10_000;

/// [`UnitSummary::parent`](super::UnitSummary::parent) of a metadevice that soft partitions are on,
/// however many.
pub const SOFT_PARENTS: u32 = u32::MAX - 1;

/// Everything is checked and the sizes are filled in, but nothing is changed.
pub const SOFT_CHECK_ONLY: u32 = 1;
/// [`CreateSoft::flags`], [`ChangeSoft::flags`]: all that is free; the size is zero.
pub const SOFT_ALL: u32 = 2;
/// [`CreateSoft::flags`]: the base may have watermarks of soft partitions that there is no record
/// of; they are lost.
pub const SOFT_FORCE: u32 = 4;
/// [`CreateSoft::flags`]: the soft partition is on the base already: there are its extents, and
/// their watermarks, which name the identities and the layout that are given.
pub const SOFT_REBUILD: u32 = 8;
/// [`ChangeSoft::flags`]: it becomes smaller.
pub const SOFT_SHRINK: u32 = 16;

/// An extent: a run of sectors of the base that holds data. Its watermark is in the 16 sectors
/// before.
#[derive(
    Clone, Copy, Debug, Default, Eq, PartialEq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Extent {
    /// First sector of the data.
    pub sector: u64,
    /// Sectors of data.
    pub count: u64,
}

/// How a soft partition is. All but the first mean that its watermarks are still to be brought in
/// line with its record, and that it cannot be opened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub enum SoftState {
    /// It can be used.
    Okay = 1,
    /// It is being made.
    Creating = 2,
    /// It is being grown.
    Growing = 3,
    /// It is being shrunk.
    Shrinking = 4,
    /// It is being cleared.
    Clearing = 5,
    /// An extent of it is being moved.
    Moving = 6,
}

/// Argument of [`IOC_CREATE_SOFT`](super::IOC_CREATE_SOFT).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct CreateSoft {
    /// See [`Header`].
    pub header: Header,
    /// In: the metadevice's name, `d0` to `d8191`, zero-terminated.
    pub name: [u8; NAME_LEN],
    /// In: zero, or some of [`SOFT_CHECK_ONLY`], [`SOFT_ALL`], [`SOFT_FORCE`] and
    /// [`SOFT_REBUILD`].
    pub flags: u32,
    /// In: how many extents are given; 0 if the kernel is to choose them.
    pub extent_count: u32,
    /// In: what the data of extents begins on a multiple of, 0 for the default. Out: what it does.
    pub alignment_sectors: u64,
    /// In: its size; 0 if all there is, or extents, are asked for. Out: its size, in whole units of
    /// 16 sectors.
    pub size_sectors: u64,
    /// In: user address of `extent_count` [`Extent`]s, in their order.
    pub extents: u64,
    /// In: its base; like a component of [`Create`](super::Create).
    pub component: Component,
    /// In: its identity, with [`SOFT_REBUILD`]; else zero.
    pub soft: [u8; 16],
    /// In: identity of the watermarks of the base, likewise.
    pub base: [u8; 16],
    /// In: number of its layout, likewise.
    pub generation: u64,
}

/// Argument of [`IOC_CHANGE_SOFT`](super::IOC_CHANGE_SOFT). It may be in use, but must not be part
/// of another metadevice.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ChangeSoft {
    /// See [`Header`].
    pub header: Header,
    /// In: the metadevice's name.
    pub name: [u8; NAME_LEN],
    /// In: zero, or some of [`SOFT_CHECK_ONLY`], [`SOFT_ALL`] and [`SOFT_SHRINK`].
    pub flags: u32,
    /// Zero.
    pub reserved: u32,
    /// In: by how much it grows, or to what it shrinks. Out: its size.
    pub size_sectors: u64,
    /// In: what the data of new extents begins on a multiple of; 0 for what it has.
    pub alignment_sectors: u64,
}

/// [`SoftStatus::flags`]: without what is free, for which all soft partitions of the base are
/// looked at.
pub const SOFT_BRIEF: u32 = 1;

/// Argument of [`IOC_SOFT_STATUS`](super::IOC_SOFT_STATUS).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SoftStatus {
    /// See [`Header`].
    pub header: Header,
    /// In: the metadevice's name.
    pub name: [u8; NAME_LEN],
    /// In: user address of an array of [`Extent`].
    pub extents: u64,
    /// In: elements in the array. With fewer than there are extents the answer is
    /// [`Refusal::ArrayTooSmall`](super::Refusal::ArrayTooSmall).
    pub extent_capacity: u32,
    /// Out: elements filled.
    pub extent_count: u32,
    /// Out: a [`SoftState`] as a number.
    pub state: u32,
    /// Out: watermarks that were not as they should be when they were last looked at.
    pub wrong_count: u32,
    /// Out: what the data of its extents begins on a multiple of.
    pub alignment_sectors: u64,
    /// Out: number of its layout.
    pub generation: u64,
    /// Out: sectors of data that there is room for in all free runs of the base together; not
    /// with [`SOFT_BRIEF`].
    pub free_sectors: u64,
    /// In: zero or [`SOFT_BRIEF`].
    pub flags: u32,
    /// Zero.
    pub reserved: u32,
    /// Out: its identity.
    pub soft: [u8; 16],
    /// Out: identity of the watermarks of the base.
    pub base: [u8; 16],
}

/// Argument of [`IOC_MEND_SOFT`](super::IOC_MEND_SOFT).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct MendSoft {
    /// See [`Header`].
    pub header: Header,
    /// In: the base, by the number that user space knows it by.
    pub dev: u64,
    /// In: zero or [`SOFT_CHECK_ONLY`].
    pub flags: u32,
    /// Out: watermarks that the base should have.
    pub count: u32,
    /// Out: those that were not as they should be.
    pub wrong_count: u32,
    /// Out: soft partitions whose change was brought to its end.
    pub finished_count: u32,
    /// Zero.
    pub reserved: u64,
}

/// Argument of [`IOC_MOVE_SOFT`](super::IOC_MOVE_SOFT). The soft partition may be in use, but must
/// not be part of another metadevice. The call comes back when all is done; a signal gives it up.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct MoveSoft {
    /// See [`Header`].
    pub header: Header,
    /// In: the metadevice's name.
    pub name: [u8; NAME_LEN],
    /// In: zero or [`SOFT_CHECK_ONLY`].
    pub flags: u32,
    /// In: which of its extents, from 0.
    pub index: u32,
    /// In: first sector of the data at its new place on the base; 0 for the first place where all
    /// of it fits. Out: where that is.
    pub sector: u64,
}
