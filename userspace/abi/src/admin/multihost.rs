// SPDX-License-Identifier: GPL-2.0
//! Disks that several hosts can reach: the operations of mhd(7I), and what failfast does. Programs
//! that were written for mhd use `/dev/md/mhd`, with its numbers and structures.

use super::{
    Header,
    DEVICE_LEN, //
};
use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout, //
};

/// [`Multihost::operation`]: says how the disk is ([`Multihost::access`] and what follows it).
pub const MULTIHOST_STATUS: u32 = 1;
/// Takes the disk, forcefully if need be; [`Multihost::timing_ms`].
pub const MULTIHOST_TAKE: u32 = 2;
/// Gives it up.
pub const MULTIHOST_RELEASE: u32 = 3;
/// Reserves it and nothing else.
pub const MULTIHOST_QUICK_RESERVE: u32 = 4;
/// Switches failfast on, or off with zero: [`Multihost::failfast_ms`].
pub const MULTIHOST_FAILFAST: u32 = 5;
/// Says what is done when access is lost: [`Multihost::action`].
pub const MULTIHOST_ACTION: u32 = 6;
/// Reads the keys that are registered.
pub const MULTIHOST_KEYS: u32 = 7;
/// Reads the persistent reservation.
pub const MULTIHOST_RESERVATION: u32 = 8;
/// Registers [`Multihost::other_key`] in place of [`Multihost::key`].
pub const MULTIHOST_REGISTER: u32 = 9;
/// Registers [`Multihost::other_key`], whatever is registered.
pub const MULTIHOST_REGISTER_AND_IGNORE: u32 = 10;
/// Reserves by [`Multihost::key`].
pub const MULTIHOST_RESERVE: u32 = 11;
/// Takes registration and reservation of [`Multihost::other_key`] for [`Multihost::key`].
pub const MULTIHOST_PREEMPT: u32 = 12;
/// The same, and aborts what that host has under way.
pub const MULTIHOST_PREEMPT_AND_ABORT: u32 = 13;
/// Takes all registrations and the reservation away, by [`Multihost::key`].
pub const MULTIHOST_CLEAR: u32 = 14;

/// [`Multihost::flags`]: the registration survives a loss of power.
pub const MULTIHOST_SURVIVES: u32 = 1;

/// [`Multihost::access`]: there is access, or there was when it was last asked for.
pub const ACCESS_YES: u32 = 0;
/// Another host has the disk.
pub const ACCESS_NO: u32 = 1;
/// The disk does not say.
pub const ACCESS_UNKNOWN: u32 = 2;

/// [`Multihost::way`]: not known yet, since nothing was asked for.
pub const WAY_UNKNOWN: u32 = 0;
/// RESERVE and RELEASE of SCSI-2.
pub const WAY_RESERVE: u32 = 1;
/// Persistent reservations.
pub const WAY_PERSISTENT: u32 = 2;

/// [`Multihost::state`]: the disk is owned by [`MULTIHOST_TAKE`] or [`MULTIHOST_QUICK_RESERVE`].
pub const MULTIHOST_OWNED: u32 = 1;
/// A key of ours is registered with it.
pub const MULTIHOST_REGISTERED: u32 = 2;
/// Access counts as expected.
pub const MULTIHOST_EXPECTED: u32 = 4;
/// Access was lost.
pub const MULTIHOST_LOST: u32 = 8;
/// That was found by a read or write that was refused; else by a probe.
pub const MULTIHOST_LOST_BY_IO: u32 = 16;
/// It is fenced.
pub const MULTIHOST_FENCED: u32 = 32;
/// A probe has not been answered for long.
pub const MULTIHOST_STALLED: u32 = 64;
/// It is not there any more.
pub const MULTIHOST_GONE: u32 = 128;
/// A reservation that a reset has dropped is still to be put back.
pub const MULTIHOST_REINSTATING: u32 = 256;
/// Failfast or action, or both, are recorded in the state database, since the disk is one of its
/// set's.
pub const MULTIHOST_RECORDED: u32 = 512;
/// What was chosen just now is in force, and could not be recorded.
pub const MULTIHOST_UNRECORDED: u32 = 1024;

/// Argument of [`IOC_MULTIHOST`](super::IOC_MULTIHOST).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Multihost {
    /// See [`Header`].
    pub header: Header,
    /// The disk, or a partition of it, which stands for the disk: its number as `stat(2)` has it.
    /// Out: the disk's.
    pub dev: u64,
    /// Its path, zero-terminated, for messages.
    pub path: [u8; DEVICE_LEN],
    /// What to do.
    pub operation: u32,
    /// [`MULTIHOST_SURVIVES`].
    pub flags: u32,
    /// Our key, whose first byte is the highest. Out: the key that has the reservation.
    pub key: u64,
    /// The new key, or the victim's.
    pub other_key: u64,
    /// Kind of a persistent reservation, as SCSI numbers them. In and out; out 0 for none.
    pub kind: u32,
    /// Its scope, as SCSI numbers them.
    pub scope: u32,
    /// Of [`MULTIHOST_TAKE`]: until a reservation is put back, how long ownership must have been
    /// stable, when to give up; zero for what is usual. In milliseconds.
    pub timing_ms: [u32; 3],
    /// Milliseconds between probes; 0 for none. Out: as it is now.
    pub failfast_ms: u32,
    /// What is done when access is lost: `md_model::failfast::Action` as a number. Out: as it is.
    pub action: u32,
    /// Out, of [`MULTIHOST_STATUS`]: one of the `ACCESS_` constants.
    pub access: u32,
    /// Out: one of the `WAY_` constants.
    pub way: u32,
    /// Out: what is so now, as bits.
    pub state: u32,
    /// Out: milliseconds since a probe has last found access; `u64::MAX` if none did.
    pub good_ms: u64,
    /// Out: probes so far.
    pub probes: u64,
    /// Out: those of them that said nothing about access.
    pub silent: u64,
    /// Out: conflicts so far.
    pub conflicts: u64,
    /// Out: resets that were noticed so far.
    pub resets: u64,
    /// Of [`MULTIHOST_KEYS`]: address of an array of keys, each as `u64`.
    pub keys: u64,
    /// How many it has room for.
    pub key_capacity: u32,
    /// Out: how many keys there are, also those for which there was no room.
    pub key_count: u32,
    /// Out: counts the changes of registrations.
    pub generation: u32,
    /// Zero.
    pub reserved: u32,
}
