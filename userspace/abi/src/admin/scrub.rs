// SPDX-License-Identifier: GPL-2.0
//! Scrubs: all sides of a mirror are read and compared, or all columns of RAID5, of which the sum
//! has to be zero. With RAID5 ranges are sectors in the data of each column, and no side is named.

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

/// [`Scrub::action`]: differences are reported.
pub const SCRUB_CHECK: u32 = 1;
/// [`Scrub::action`]: a submirror that has something else than more than half of them is written;
/// the parity of RAID5 is made of the data.
pub const SCRUB_REPAIR: u32 = 2;
/// [`Scrub::action`]: where submirrors differ, the others are written from [`Scrub::submirror`].
pub const SCRUB_REPAIR_FROM: u32 = 3;
/// [`Scrub::action`]: the scrub that is under way ends.
pub const SCRUB_CANCEL: u32 = 4;

/// Most ranges in the report of a scrub.
pub const SCRUB_RANGES_MAX: u32 = 32;

/// Most scrubs that are remembered.
pub const SCRUB_RUNS_MAX: u32 = 8;

/// Argument of [`IOC_SCRUB`](super::IOC_SCRUB). The mirror may be in use.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Scrub {
    /// See [`Header`].
    pub header: Header,
    /// In: the mirror's name.
    pub name: [u8; NAME_LEN],
    /// In: [`SCRUB_CHECK`], [`SCRUB_REPAIR`], [`SCRUB_REPAIR_FROM`] or [`SCRUB_CANCEL`].
    pub action: u32,
    /// Zero.
    pub reserved: u32,
    /// In: the submirror's name for [`SCRUB_REPAIR_FROM`], else zero.
    pub submirror: [u8; NAME_LEN],
}

/// How a scrub is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub enum ScrubState {
    /// None is under way.
    Idle = 0,
    /// One is.
    Running = 1,
    /// One is, and is about to end.
    Cancelling = 2,
}

/// What a scrub does about differences. From [`ScrubMode::From`] on it is the number of the
/// submirror that they are repaired from, plus this.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub enum ScrubMode {
    /// It reports them.
    Check = 0,
    /// It repairs the submirror that a majority is against.
    Majority = 1,
    /// It repairs the others from submirror 0.
    From = 2,
}

/// How a scrub has ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub enum ScrubEnd {
    /// It has seen everything.
    Done = 0,
    /// The administrator has ended it.
    Cancelled = 1,
    /// The mirror was left.
    Interrupted = 2,
}

/// Blocks in which submirrors differ. Submirrors as bits, the first one the lowest.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ScrubRange {
    /// First sector.
    pub sector: u64,
    /// How many.
    pub sectors: u64,
    /// Submirrors that were read.
    pub compared: u32,
    /// The submirror that has something else than more than half of them; zero if nobody knows.
    pub outvoted: u32,
    /// Submirrors that have nothing but zeroes.
    pub zeroed: u32,
    /// Zero.
    pub reserved: u32,
}

/// A scrub that has ended, or is under way.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ScrubRun {
    /// When it began, in seconds since 1970.
    pub began: u64,
    /// Sectors that were compared.
    pub compared_sectors: u64,
    /// Sectors that were not: a resync has to copy them, or they could not be read on two sides.
    pub skipped_sectors: u64,
    /// Sectors that differed.
    pub differing_sectors: u64,
    /// Those of them that are nothing but zeroes on some submirrors.
    pub zeroed_sectors: u64,
    /// Sectors that were made equal.
    pub repaired_sectors: u64,
    /// How long it took, in seconds.
    pub seconds: u32,
    /// Ranges that differed.
    pub range_count: u32,
    /// Submirrors that a majority was against somewhere, as bits.
    pub outvoted: u32,
    /// A [`ScrubMode`] as a number.
    pub mode: u32,
    /// A [`ScrubEnd`] as a number.
    pub end: u32,
    /// Zero.
    pub reserved: u32,
}

/// Argument of [`IOC_SCRUB_STATUS`](super::IOC_SCRUB_STATUS).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ScrubStatus {
    /// See [`Header`].
    pub header: Header,
    /// In: the mirror's name. Everything behind it but the arrays is zero.
    pub name: [u8; NAME_LEN],
    /// Out: a [`ScrubState`] as a number.
    pub state: u32,
    /// Out: what the scrub does that is under way, a [`ScrubMode`] as a number.
    pub mode: u32,
    /// Out: sectors that it has seen.
    pub done_sectors: u64,
    /// Out: ranges that it has found to differ.
    pub found_count: u32,
    /// In: elements in `ranges`, at least [`SCRUB_RANGES_MAX`].
    pub range_capacity: u32,
    /// In: elements in `runs`, at least [`SCRUB_RUNS_MAX`].
    pub run_capacity: u32,
    /// Out: elements filled.
    pub range_count: u32,
    /// In: user address of an array of [`ScrubRange`]: those that the scrub under way has found,
    /// or else the last one. There may be more.
    pub ranges: u64,
    /// In: user address of an array of [`ScrubRun`]: those that have ended, the last one first.
    pub runs: u64,
    /// Out: elements filled.
    pub run_count: u32,
    /// Zero.
    pub reserved: u32,
}
