// SPDX-License-Identifier: GPL-2.0
//! Hot spare pools (`svm.md` section 7).

use super::{
    Header,
    DEVICE_LEN,
    NAME_LEN, //
};
use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout, //
};

/// State of a hot spare, numbered as in SVM.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub enum SpareState {
    /// It may be given to a component.
    Available = 1,
    /// It stands for a component, or is to go back after the resync of what has replaced it.
    InUse = 2,
    /// It has failed, and has to be enabled.
    Broken = 3,
}

/// A hot spare pool.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct PoolStatus {
    /// Its number: 1 for `hsp001`.
    pub number: u32,
    /// Its spares, see [`ListPools::spares`].
    pub spare_count: u32,
    /// Stripes and concats that have it.
    pub user_count: u32,
    /// Zero.
    pub reserved: u32,
}

/// A hot spare in a pool.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SpareStatus {
    /// Device number as user space sees it; 0 if it is not there.
    pub dev: u64,
    /// Sectors that it has room for, behind its reserved head.
    pub size_sectors: u64,
    /// When it broke or was enabled, in seconds since 1970; zero if never.
    pub event_seconds: u64,
    /// Number of the pool.
    pub pool: u32,
    /// [`SpareState`] as a number.
    pub state: u32,
    /// Number of the metadevice that it is a component of, or was until it was replaced;
    /// [`NO_PARENT`](super::NO_PARENT) if none.
    pub unit: u32,
    /// Which of its components.
    pub component: u32,
    /// The device's path, for people.
    pub device: [u8; DEVICE_LEN],
}

/// Argument of [`IOC_LIST_POOLS`](super::IOC_LIST_POOLS).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ListPools {
    /// See [`Header`].
    pub header: Header,
    /// In: user address of an array of [`PoolStatus`]. Filled in the order of their numbers.
    pub pools: u64,
    /// In: user address of an array of [`SpareStatus`]: those of the first pool, in its order, then
    /// those of the next. A spare of several pools is there for each.
    pub spares: u64,
    /// In: elements in the arrays. With fewer than there are the answer is
    /// [`Refusal::ArrayTooSmall`](super::Refusal::ArrayTooSmall), of pools if these are too many.
    pub pool_capacity: u32,
    /// See above.
    pub spare_capacity: u32,
    /// Out: elements filled.
    pub pool_count: u32,
    /// Out: elements filled.
    pub spare_count: u32,
}

/// [`ChangePool::action`]: makes the pool, with these devices as its spares.
pub const POOL_CREATE: u32 = 1;
/// [`ChangePool::action`]: deletes the pool, which has to be empty and without users. No devices.
pub const POOL_DELETE: u32 = 2;
/// [`ChangePool::action`]: adds these devices behind its spares.
pub const POOL_ADD: u32 = 3;
/// [`ChangePool::action`]: takes these devices out of it. None may be in use.
pub const POOL_REMOVE: u32 = 4;
/// [`ChangePool::action`]: puts the second device in the place of the first, which may not be in
/// use.
pub const POOL_REPLACE: u32 = 5;
/// [`ChangePool::action`]: the one device, which is broken, works again. It is so in all pools that
/// have it.
pub const POOL_ENABLE: u32 = 6;

/// [`ChangePool::pool`] for [`POOL_ENABLE`]: any pool that has the device.
pub const ALL_POOLS: u32 = u32::MAX;

/// Argument of [`IOC_CHANGE_POOL`](super::IOC_CHANGE_POOL).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ChangePool {
    /// See [`Header`].
    pub header: Header,
    /// In: number of the pool, below [`POOLS_MAX`](super::POOLS_MAX); [`ALL_POOLS`] for
    /// [`POOL_ENABLE`].
    pub pool: u32,
    /// In: [`POOL_CREATE`] and the like.
    pub action: u32,
    /// In: user address of an array of [`Device`](super::Device). A spare that there is already is
    /// meant by its number, or by its path.
    pub devices: u64,
    /// In: elements in the array.
    pub device_count: u32,
    /// In: zero or [`CREATE_CHECK_ONLY`](super::CREATE_CHECK_ONLY).
    pub flags: u32,
}

/// Argument of [`IOC_SET_POOL`](super::IOC_SET_POOL).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SetPool {
    /// See [`Header`].
    pub header: Header,
    /// In: name of the stripe or concat.
    pub name: [u8; NAME_LEN],
    /// In: number of the pool, plus 1; 0 for none.
    pub pool: u32,
    /// Zero.
    pub reserved: u32,
}
