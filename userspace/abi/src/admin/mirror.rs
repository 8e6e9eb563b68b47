// SPDX-License-Identifier: GPL-2.0
//! Mirrors: their options, their sides, and their resync.

use super::{
    Component,
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

/// Which side of a mirror a read goes to, numbered as in SVM (`svm.md` section 4.1), which has the
/// first three.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub enum ReadPolicy {
    /// Each in turn.
    RoundRobin = 0,
    /// Each has an equal part of the blocks.
    Geometric = 1,
    /// The first one.
    First = 2,
    /// Each in turn, and another one as well if that takes long.
    Hedged = 3,
}

/// How writes go to the sides of a mirror, numbered as in SVM (`svm.md` section 4.1), which has the
/// first two.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub enum WritePolicy {
    /// To all at once.
    Parallel = 0,
    /// To one after the other.
    Serial = 1,
    /// To all at once, from a copy of our own.
    Copy = 2,
}

/// Options of a mirror. RAID5 has the last three; all zero for other metadevices.
#[derive(
    Clone, Copy, Debug, Default, Eq, PartialEq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct MirrorOptions {
    /// A [`ReadPolicy`] as a number.
    pub read_policy: u32,
    /// A [`WritePolicy`] as a number.
    pub write_policy: u32,
    /// When it is resynced after a crash, 1 to [`PASS_MAX`]; 0 for never.
    pub pass: u32,
    /// How long a request may take on average before the resync gives way, in microseconds, 1 to
    /// [`TARGET_US_MAX`]. In [`Create`](super::Create) this and what follows may all be zero, for
    /// the values that everybody has.
    pub target_us: u32,
    /// KiB per second below which the resync is not made to fall; 0 for no floor.
    pub floor_kib_s: u32,
    /// KiB per second that the resync does not exceed while the mirror is in use; 0 for no ceiling.
    pub ceiling_kib_s: u32,
}

/// Highest [`MirrorOptions::target_us`]: a minute.
pub const TARGET_US_MAX: u32 = 60_000_000;

/// Bit of [`MirrorOptions::read_policy`] in [`SetOptions::which`].
pub const OPTION_READ_POLICY: u32 = 1;
/// Bit of [`MirrorOptions::write_policy`] in [`SetOptions::which`].
pub const OPTION_WRITE_POLICY: u32 = 2;
/// Bit of [`MirrorOptions::pass`] in [`SetOptions::which`].
pub const OPTION_PASS: u32 = 4;
/// Bit of [`MirrorOptions::target_us`] in [`SetOptions::which`].
pub const OPTION_TARGET: u32 = 8;
/// Bit of [`MirrorOptions::floor_kib_s`] in [`SetOptions::which`].
pub const OPTION_FLOOR: u32 = 16;
/// Bit of [`MirrorOptions::ceiling_kib_s`] in [`SetOptions::which`].
pub const OPTION_CEILING: u32 = 32;

/// Argument of [`IOC_SET_OPTIONS`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SetOptions {
    /// See [`Header`].
    pub header: Header,
    /// In: the mirror's name.
    pub name: [u8; NAME_LEN],
    /// In: which options to change: [`OPTION_READ_POLICY`], ... The others are zero in `mirror`.
    pub which: u32,
    /// Zero.
    pub reserved: u32,
    /// In: their new values. Out: all options as they are now.
    pub mirror: MirrorOptions,
}

/// Argument of [`IOC_ATTACH`]. The mirror may be in use.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Attach {
    /// See [`Header`].
    pub header: Header,
    /// In: the mirror's name.
    pub name: [u8; NAME_LEN],
    /// In: zero or [`CREATE_CHECK_ONLY`].
    pub flags: u32,
    /// Zero.
    pub reserved: u32,
    /// In: the new submirror, as in [`Create`].
    pub submirror: Component,
}

/// [`ChangeSide::action`]: the submirror becomes a metadevice by itself, with what is on it now.
pub const SIDE_DETACH: u32 = 1;
/// [`ChangeSide::action`]: the submirror is neither read nor written; what is written meanwhile is
/// remembered.
pub const SIDE_OFFLINE: u32 = 2;
/// [`ChangeSide::action`]: it is back, and gets what it has missed.
pub const SIDE_ONLINE: u32 = 3;

/// [`ChangeSide::flags`]: detach or offline a submirror although a component of it is erred, or it
/// is being resynced.
pub const SIDE_FORCE: u32 = 1;

/// Argument of [`IOC_CHANGE_SIDE`]. The mirror may be in use.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ChangeSide {
    /// See [`Header`].
    pub header: Header,
    /// In: the mirror's name.
    pub name: [u8; NAME_LEN],
    /// In: the submirror's name.
    pub submirror: [u8; NAME_LEN],
    /// In: [`SIDE_DETACH`], [`SIDE_OFFLINE`] or [`SIDE_ONLINE`].
    pub action: u32,
    /// In: zero or [`SIDE_FORCE`], which [`SIDE_ONLINE`] does not have.
    pub flags: u32,
}

/// [`Replace::flags`]: the device that the component has is used again: it has been repaired, or
/// the error was none of its own.
pub const REPLACE_ENABLE: u32 = 1;
/// [`Replace::flags`]: everything is checked, but nothing is changed.
pub const REPLACE_CHECK_ONLY: u32 = 2;
/// [`Replace::flags`]: also while the sides may differ, before the resync after a crash has ended.
/// A last copy of blocks ("Last Erred") is refused in any case.
pub const REPLACE_FORCE: u32 = 4;
/// [`Replace::flags`], by itself: the component is in service, but its device was not there. It is
/// back, and known by its label. It has what it had, but for what was written last before it went.
pub const REPLACE_RETURN: u32 = 8;

/// Argument of [`IOC_REPLACE`]. The mirror may be in use. The component is then resynced from the
/// other submirrors.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Replace {
    /// See [`Header`].
    pub header: Header,
    /// In: the mirror's name.
    pub name: [u8; NAME_LEN],
    /// In: the submirror's name.
    pub submirror: [u8; NAME_LEN],
    /// In: which of the submirror's components, counted from 0.
    pub index: u32,
    /// In: some of [`REPLACE_ENABLE`], [`REPLACE_CHECK_ONLY`] and [`REPLACE_FORCE`], or
    /// [`REPLACE_RETURN`].
    pub flags: u32,
    /// In: the path of that component, as [`Component::device`] has it: so that none is meant that
    /// is not there any more.
    pub old: [u8; DEVICE_LEN],
    /// In: the device to use from now on, as in [`Create`]; with [`REPLACE_ENABLE`] the one that
    /// has the component's path now.
    pub new: Component,
}

/// [`Sync::action`]: what has to be resynced is, though the administrator had cancelled it or it
/// was stuck.
pub const SYNC_START: u32 = 1;
/// [`Sync::action`]: the resync stops until [`SYNC_START`].
pub const SYNC_CANCEL: u32 = 2;
/// [`Sync::action`]: the resync pauses until [`SYNC_START`] or [`SYNC_RESUME`], or until the set is
/// started again: that is not recorded.
pub const SYNC_PAUSE: u32 = 3;
/// [`Sync::action`]: a resync that pauses goes on.
pub const SYNC_RESUME: u32 = 4;

/// Argument of [`IOC_SYNC`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Sync {
    /// See [`Header`].
    pub header: Header,
    /// In: the mirror's name.
    pub name: [u8; NAME_LEN],
    /// In: [`SYNC_START`], [`SYNC_CANCEL`], [`SYNC_PAUSE`] or [`SYNC_RESUME`].
    pub action: u32,
    /// Zero.
    pub reserved: u32,
}

/// Argument of [`IOC_GROW_MIRROR`]. The mirror may be in use. Its submirrors have grown before,
/// each by [`IOC_GROW`]; what is new of the first one that has all of it in service is copied to
/// the others.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct GrowMirror {
    /// See [`Header`].
    pub header: Header,
    /// In: the mirror's name.
    pub name: [u8; NAME_LEN],
    /// In: some of [`CREATE_CHECK_ONLY`] and [`CREATE_ASSUME_CLEAN`].
    pub flags: u32,
    /// Zero.
    pub reserved: u32,
    /// Out: size of the mirror, which is that of the smallest submirror.
    pub size_sectors: u64,
}

/// How the resync of a mirror is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub enum ResyncState {
    /// There is nothing to do.
    Idle = 0,
    /// It is under way.
    Running = 1,
    /// There is something to do, but the administrator has cancelled it ([`SYNC_CANCEL`]).
    Cancelled = 2,
    /// Some of it could not be done: a block cannot be read anywhere, or the set is read-only.
    Stuck = 3,
    /// There is something to do, but the administrator has it pause ([`SYNC_PAUSE`]).
    Paused = 4,
    /// There is something to do, after the mirrors with a lower pass.
    Waiting = 5,
    /// There is something to do, but the mirror has pass 0.
    LeftOut = 6,
}
