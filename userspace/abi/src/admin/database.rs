// SPDX-License-Identifier: GPL-2.0
//! The state database, its replicas, starting and stopping a set.

use super::{
    Header,
    Hints,
    DEVICE_LEN,
    NAME_LEN, //
};
use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout, //
};

/// A device on which a set may have something.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Device {
    /// Device number as user space sees it.
    pub dev: u64,
    /// The device's path, for people. Zero-terminated.
    pub device: [u8; DEVICE_LEN],
    /// By what else it is known.
    pub hints: Hints,
    /// In [`StartSet`] zero or [`DEVICE_BY_HINT`], else zero.
    pub flags: u32,
    /// Zero.
    pub reserved: u32,
}

/// [`Device::flags`]: nothing of a set was found on it. It is opened only if `hints` say that it is
/// a component without a label, and left alone else.
pub const DEVICE_BY_HINT: u32 = 1;

/// [`AddReplicas::flags`]: there is no state database yet, and this makes one.
pub const ADD_NEW_SET: u32 = 1;
/// [`AddReplicas::flags`]: the replica is the tie-breaker (`DURABILITY.md` clause 2).
pub const ADD_TIE_BREAKER: u32 = 2;

/// Argument of [`IOC_ADD_REPLICAS`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct AddReplicas {
    /// See [`Header`].
    pub header: Header,
    /// In: where to.
    pub device: Device,
    /// In: sectors of each replica; 0 for as many as the reserved head of a component has room for.
    pub size_sectors: u64,
    /// In: how many, 1 to [`REPLICAS_MAX`]; one in the head of a component, and one tie-breaker.
    pub count: u32,
    /// In: [`ADD_NEW_SET`], [`ADD_TIE_BREAKER`] or zero.
    pub flags: u32,
    /// In: name of a new set, zero-terminated; else zero.
    pub set_name: [u8; NAME_LEN],
}

/// [`DeleteReplicas::flags`]: also the last voting replica. Then there is no state database any
/// more, and the metadevices live in memory.
pub const DELETE_LAST: u32 = 1;

/// Argument of [`IOC_DELETE_REPLICAS`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct DeleteReplicas {
    /// See [`Header`].
    pub header: Header,
    /// In: device number, as [`ReplicaStatus::dev`] has it; 0 for a device that is not there.
    pub dev: u64,
    /// In: uuid of the replica, if `dev` is 0; else zero.
    pub replica: [u8; 16],
    /// In: zero or [`DELETE_LAST`].
    pub flags: u32,
    /// Out: how many replicas were deleted.
    pub count: u32,
}

/// [`ReplicaStatus::flags`]: it has the newest commit.
pub const REPLICA_CURRENT: u32 = 1;
/// [`ReplicaStatus::flags`]: a write to it has failed, or it is not there.
pub const REPLICA_FAILED: u32 = 2;
/// [`ReplicaStatus::flags`]: it is the tie-breaker.
pub const REPLICA_TIE_BREAKER: u32 = 4;
/// [`ReplicaStatus::flags`]: it is being written.
pub const REPLICA_BUSY: u32 = 8;

/// A replica.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ReplicaStatus {
    /// Its uuid.
    pub replica: [u8; 16],
    /// Number of its device as user space sees it; 0 if that is not there.
    pub dev: u64,
    /// First sector on the device.
    pub start_sectors: u64,
    /// Its length.
    pub size_sectors: u64,
    /// Epoch of the commit that it is known to hold.
    pub epoch: u64,
    /// Sequence of that commit.
    pub sequence: u64,
    /// [`REPLICA_CURRENT`] and the like.
    pub flags: u32,
    /// Zero.
    pub reserved: u32,
    /// Path of its device, for people.
    pub device: [u8; DEVICE_LEN],
}

/// How far a set is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub enum SetState {
    /// There is none: metadevices live in memory.
    None = 0,
    /// It is started for writing.
    Writable = 1,
    /// It was started read-only, or a commit could not reach enough replicas.
    ReadOnly = 2,
}

/// Argument of [`IOC_LIST_REPLICAS`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ListReplicas {
    /// See [`Header`].
    pub header: Header,
    /// Out: uuid of the set.
    pub set: [u8; 16],
    /// Out: its name.
    pub set_name: [u8; NAME_LEN],
    /// Out: epoch of the newest commit that counts.
    pub epoch: u64,
    /// Out: its sequence.
    pub sequence: u64,
    /// Out: commits since the set was loaded.
    pub commits: u64,
    /// In: user address of an array of [`ReplicaStatus`].
    pub replicas: u64,
    /// In: elements in the array; with fewer than there are the answer is
    /// [`Refusal::ArrayTooSmall`].
    pub replica_capacity: u32,
    /// Out: elements filled.
    pub replica_count: u32,
    /// Out: a [`SetState`] as a number.
    pub state: u32,
    /// Zero.
    pub reserved: u32,
}

/// [`StartSet::flags`]: start read-only where the replicas do not suffice for writing.
pub const START_READ_ONLY: u32 = 1;
/// [`StartSet::flags`]: replicas that are not there are gone for ever. They are no members any
/// more, and what only they had is lost.
pub const START_GIVE_UP_MISSING: u32 = 2;

/// [`StartSet::flags`]: start only if all members and all components of the set are there. Else
/// nothing is written, and the answer is [`Refusal::SetIncomplete`].
pub const START_WHEN_COMPLETE: u32 = 4;

/// Argument of [`IOC_START_SET`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct StartSet {
    /// See [`Header`].
    pub header: Header,
    /// In: uuid of the set, or zero if there is only one on the devices. Out: the set's.
    pub set: [u8; 16],
    /// In: user address of an array of [`Device`]s: all on which the set may have a replica or a
    /// component.
    pub devices: u64,
    /// In: elements in the array, at most [`DEVICES_MAX`].
    pub device_count: u32,
    /// In: zero, [`START_READ_ONLY`], [`START_GIVE_UP_MISSING`] or [`START_WHEN_COMPLETE`].
    pub flags: u32,
    /// Out: metadevices that were made.
    pub unit_count: u32,
    /// Out: metadevices that could not be made; the kernel's log says why.
    pub failed_count: u32,
}

/// Argument of [`IOC_STOP_SET`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct StopSet {
    /// See [`Header`].
    pub header: Header,
    /// In: no flag is defined yet; zero.
    pub flags: u32,
    /// Out: metadevices that were stopped.
    pub unit_count: u32,
}
