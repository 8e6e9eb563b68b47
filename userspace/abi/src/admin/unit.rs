// SPDX-License-Identifier: GPL-2.0
//! Metadevices: what they are made of, making, growing and clearing them, and how they are.

use super::{
    Header,
    MirrorOptions,
    DEVICE_LEN,
    NAME_LEN, //
};
use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout, //
};

/// Kinds of metadevices, numbered as in SVM (`svm.md` section 1.5).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub enum UnitKind {
    /// Stripe, concat, or concat of stripes.
    Stripe = 1,
    /// Mirror.
    Mirror = 2,
    /// RAID5.
    Raid = 4,
    /// Soft partition.
    SoftPartition = 5,
}

/// One row of a stripe or concat: a stripe over its components, or a single component. A RAID5
/// metadevice has one row, of its columns, whose interlace is 8 or more and a multiple of 8; and
/// another one with the same interlace of the columns that were attached, if there are some.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Row {
    /// Interlace in sectors: how much of the row lies on one component before the next one's turn.
    /// 16 to 204800 (8 KiB to 100 MiB). Of no effect, but in range, in a row of one component.
    pub interlace_sectors: u64,
    /// Components in this row, at least 1. They follow those of the row before.
    pub component_count: u32,
    /// Zero.
    pub reserved: u32,
}

/// One component of a stripe or concat, one column of a RAID5 metadevice, or one submirror of a
/// mirror.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Component {
    /// Device number as user space sees it (`st_rdev`), `makedev(major, minor)`. In for
    /// [`Create`]; the device opened is this one, whatever `device` says.
    pub dev: u64,
    /// First sector of the data on the device. In [`Create`], [`START_DEFAULT`] lets the kernel
    /// choose. Of a submirror: [`START_DEFAULT`] in [`Create`], zero in [`Status`].
    pub start_sectors: u64,
    /// Out: sectors of the device that hold data of this metadevice. Zero in [`Create`].
    pub size_sectors: u64,
    /// Out: [`ComponentState`] as a number. Zero in [`Create`].
    pub state: u32,
    /// Out: [`COMPONENT_SPARE`], [`COMPONENT_SLOW`]. Zero in [`Create`].
    pub flags: u32,
    /// Out: reads that failed since the metadevice was made or loaded. Zero in [`Create`].
    pub read_errors: u64,
    /// Out: writes and flushes that failed, likewise. Zero in [`Create`].
    pub write_errors: u64,
    /// Out: blocks of 4 KiB, or parts of them, that could not be read and were good again when they
    /// had been rewritten, likewise. Zero in [`Create`].
    pub healed_errors: u64,
    /// Out: when the state last changed or an error last occurred, in seconds since 1970; zero if
    /// never. Zero in [`Create`].
    pub event_seconds: u64,
    /// The device's path, for people: what the administrator typed. Zero-terminated.
    pub device: [u8; DEVICE_LEN],
    /// By what else the device is known. In for [`Create`]; all zero in [`Status`].
    pub hints: Hints,
}

/// In [`Component::flags`]: it is a hot spare. Then `dev` and the rest are the spare's, while
/// `device` and `start_sectors` are those of the component that it stands for.
pub const COMPONENT_SPARE: u32 = 1;

/// In [`Component::flags`]: it answers so late that reads go to other submirrors.
pub const COMPONENT_SLOW: u32 = 2;

/// By what a device is known, apart from its label. Zero where there is nothing.
#[derive(
    Clone, Copy, Debug, Default, Eq, PartialEq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Hints {
    /// Uuid of the partition, in the order in which it is written as text.
    pub partition: [u8; 16],
    /// World-wide name of the disk, as text, padded with zeros.
    pub wwn: [u8; 32],
}

/// [`Component::start_sectors`] that lets the kernel choose: after the reserved head of the device.
pub const START_DEFAULT: u64 = u64::MAX;

/// State of a component, and of a metadevice: the worst of its components' (`svm.md` section 4.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub enum ComponentState {
    /// In service.
    Okay = 1,
    /// Its device was removed from the machine.
    Unavailable = 2,
    /// A component: out of service since a write to it failed. A submirror or mirror: a component
    /// of it is ("Needs maintenance"), or is in state [`Self::LastErred`].
    Maintenance = 3,
    /// A component: a write to it failed, but it holds the last copy of its blocks, and stays in
    /// service.
    LastErred = 4,
    /// It is being made equal to the others: written, and read where it is equal already.
    Resyncing = 5,
    /// A submirror that has to be made equal to the others, while the resync stands still: it was
    /// cancelled, or has failed.
    NeedsResync = 6,
    /// A submirror that the administrator has taken out of service.
    Offline = 7,
}

/// [`Create::flags`]: everything is checked and the size is filled in, but nothing is made.
pub const CREATE_CHECK_ONLY: u32 = 1;
/// [`Create::flags`]: a component without a reserved head may be in use, for example mounted. Then
/// the metadevice, and what it is part of, is read-only until the set is started again: after a
/// reboot it is there before the file system is mounted (`svm.md` section
/// 10.2, `metainit -f`).
pub const CREATE_IN_USE: u32 = 2;
/// [`Create::flags`]: the submirrors of a mirror are equal already, whatever is on them; else all
/// are made equal to the first one. Of a RAID5 metadevice: the parity fits the data; else it is
/// made.
pub const CREATE_ASSUME_CLEAN: u32 = 4;

/// [`Create::flags`]: the parity of a RAID5 metadevice goes around as in SVM (`svm.md` section
/// 5.1).
pub const CREATE_SVM_ROTATION: u32 = 8;

/// [`Create::flags`]: what is written to a RAID5 metadevice is in no log, so that after a crash the
/// parity is made anew, and it cannot be used if a column is missing then.
pub const CREATE_UNLOGGED: u32 = 16;

/// Argument of [`IOC_CREATE`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Create {
    /// See [`Header`].
    pub header: Header,
    /// In: the metadevice's name, `d0` to `d8191`, zero-terminated.
    pub name: [u8; NAME_LEN],
    /// In: a [`UnitKind`] as a number.
    pub kind: u32,
    /// In: zero, or some of [`CREATE_CHECK_ONLY`], [`CREATE_IN_USE`], [`CREATE_ASSUME_CLEAN`],
    /// [`CREATE_SVM_ROTATION`] and [`CREATE_UNLOGGED`].
    pub flags: u32,
    /// In: user address of `row_count` [`Row`]s.
    pub rows: u64,
    /// In: user address of `component_count` [`Component`]s, for a mirror its submirrors.
    pub components: u64,
    /// In: 1 to [`ROWS_MAX`]; 0 for a mirror.
    pub row_count: u32,
    /// In: 1 to [`COMPONENTS_MAX`], the sum of the rows' counts; for a mirror 1 to
    /// [`SUBMIRRORS_MAX`].
    pub component_count: u32,
    /// Out: size of the new metadevice.
    pub size_sectors: u64,
    /// In: options of a mirror; of a RAID5 metadevice how fast it is made.
    pub mirror: MirrorOptions,
    /// In: number of the hot spare pool of a stripe, concat or RAID5 metadevice, plus 1; 0 for
    /// none.
    pub pool: u32,
    /// Zero.
    pub reserved: [u32; 3],
}

/// Argument of [`IOC_CLEAR`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Clear {
    /// See [`Header`].
    pub header: Header,
    /// In: the metadevice's name.
    pub name: [u8; NAME_LEN],
    /// In: zero or [`CLEAR_FORCE`].
    pub flags: u32,
    /// Zero.
    pub reserved: u32,
}

/// [`Clear::flags`]: a mirror is cleared although a submirror needs maintenance.
pub const CLEAR_FORCE: u32 = 1;

/// [`Rename::flags`]: the two metadevices, a mirror and one of its submirrors, exchange their
/// names.
pub const RENAME_EXCHANGE: u32 = 1;

/// Argument of [`IOC_RENAME`]. Nobody has the metadevice open, and it is part of no other one; with
/// [`RENAME_EXCHANGE`] that is so of the mirror, and nothing of it is erred or has to be resynced
/// (`svm.md` section 10).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Rename {
    /// See [`Header`].
    pub header: Header,
    /// In: the metadevice's name.
    pub name: [u8; NAME_LEN],
    /// In: the name that it is to have, which no metadevice has; with [`RENAME_EXCHANGE`] that of
    /// the other one.
    pub new_name: [u8; NAME_LEN],
    /// In: zero or [`RENAME_EXCHANGE`].
    pub flags: u32,
    /// Zero.
    pub reserved: u32,
}

/// Argument of [`IOC_GROW`]. The metadevice may be in use; it is refused if it is part of another
/// one, unless that is a mirror, which stays as large as it is until [`IOC_GROW_MIRROR`]. RAID5
/// gets one row of columns with its own interlace. These are filled with zeroes first, which takes
/// its time and can be interrupted by a signal; until the end nothing has changed.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Grow {
    /// See [`Header`].
    pub header: Header,
    /// In: the metadevice's name.
    pub name: [u8; NAME_LEN],
    /// In: zero or [`CREATE_CHECK_ONLY`].
    pub flags: u32,
    /// Zero.
    pub reserved: u32,
    /// In: user address of `row_count` [`Row`]s, which come behind those that there are.
    pub rows: u64,
    /// In: user address of `component_count` [`Component`]s.
    pub components: u64,
    /// In: at least 1; no more than [`ROWS_MAX`] with those that there are.
    pub row_count: u32,
    /// In: the sum of the new rows' counts; no more than [`COMPONENTS_MAX`] with those that there
    /// are.
    pub component_count: u32,
    /// Out: size of the metadevice with the new rows.
    pub size_sectors: u64,
}

/// One metadevice, as [`IOC_LIST`] and [`IOC_STATUS`] describe it.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct UnitSummary {
    /// The metadevice's name.
    pub name: [u8; NAME_LEN],
    /// A [`UnitKind`] as a number.
    pub kind: u32,
    /// How many have it open.
    pub open_count: u32,
    /// Its size.
    pub size_sectors: u64,
    /// Device number as user space sees it.
    pub dev: u64,
    /// Rows; see [`Status::rows`]. None for a mirror.
    pub row_count: u32,
    /// Components, for a mirror its submirrors; see [`Status::components`].
    pub component_count: u32,
    /// The worst of its components' [`ComponentState`]s, as a number.
    pub state: u32,
    /// Number of the metadevice that this one is a component of; [`NO_PARENT`] if none,
    /// [`SOFT_PARENTS`](super::SOFT_PARENTS) if soft partitions are on it.
    pub parent: u32,
    /// Options of a mirror.
    pub mirror: MirrorOptions,
    /// Zero, [`UNIT_PENDING`], or some of [`UNIT_INITIALIZING`], [`UNIT_SVM_ROTATION`],
    /// [`UNIT_UNLOGGED`] and [`UNIT_BLOCKED`].
    pub flags: u32,
    /// How the resync of a mirror is, or that of a column of a RAID5 metadevice, or the making of
    /// its parity, a [`ResyncState`] as a number; zero for others.
    pub resync: u32,
    /// What the resync has done, of [`Self::resync_sectors`].
    pub resynced_sectors: u64,
    /// What it has to do in all; zero if there is nothing.
    pub resync_sectors: u64,
    /// Number of the hot spare pool of a stripe, concat or RAID5 metadevice, plus 1; 0 for none.
    pub pool: u32,
    /// Blocks of 4 KiB of a RAID5 metadevice that a crash and a lost column have taken together:
    /// they read as errors until they are written. Zero for others.
    pub lost_blocks: u32,
}

/// [`UnitSummary::flags`]: a component was in use when it was made ([`CREATE_IN_USE`]); it is
/// read-only until the set is started again.
pub const UNIT_PENDING: u32 = 1;

/// [`UnitSummary::flags`]: the parity of a RAID5 metadevice is made for the first time.
pub const UNIT_INITIALIZING: u32 = 2;

/// [`UnitSummary::flags`]: the parity of a RAID5 metadevice goes around as in SVM
/// ([`CREATE_SVM_ROTATION`]).
pub const UNIT_SVM_ROTATION: u32 = 4;

/// [`UnitSummary::flags`]: what is written to a RAID5 metadevice is in no log
/// ([`CREATE_UNLOGGED`]).
pub const UNIT_UNLOGGED: u32 = 8;

/// [`UnitSummary::flags`]: a RAID5 metadevice cannot be opened until the set is started again,
/// since its columns do not have what they should.
pub const UNIT_BLOCKED: u32 = 16;

/// [`UnitSummary::parent`] of a metadevice that stands by itself.
pub const NO_PARENT: u32 = u32::MAX;

/// Argument of [`IOC_LIST`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct List {
    /// See [`Header`].
    pub header: Header,
    /// In: user address of an array of [`UnitSummary`]. Filled in the order of unit numbers.
    pub units: u64,
    /// In: elements in the array. With fewer than there are metadevices the answer is
    /// [`Refusal::ArrayTooSmall`] and nothing is filled.
    pub unit_capacity: u32,
    /// Out: elements filled.
    pub unit_count: u32,
}

/// Argument of [`IOC_STATUS`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Status {
    /// See [`Header`].
    pub header: Header,
    /// Out: the metadevice; in: its name, everything else zero.
    pub unit: UnitSummary,
    /// In: user address of an array of [`Row`].
    pub rows: u64,
    /// In: user address of an array of [`Component`].
    pub components: u64,
    /// In: elements in `rows`.
    pub row_capacity: u32,
    /// In: elements in `components`.
    pub component_capacity: u32,
}

/// Argument of [`IOC_PROBE`]. What was found is in the component's state and error counts, see
/// [`IOC_STATUS`]; components that do not answer are not an error of the request.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Probe {
    /// See [`Header`].
    pub header: Header,
    /// In: the metadevice's name.
    pub name: [u8; NAME_LEN],
    /// In: no flag is defined yet; zero.
    pub flags: u32,
    /// Out: components that did not answer, those of its components included.
    pub failed_count: u32,
}
