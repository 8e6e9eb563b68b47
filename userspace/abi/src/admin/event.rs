// SPDX-License-Identifier: GPL-2.0
//! Events: changes of state, each with a number.

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

/// Events that the kernel keeps.
pub const EVENTS_KEPT: u32 = 256;

/// Most events that are read at once.
pub const EVENTS_READ_MAX: u32 = 64;

/// [`ReadEvents::after`] of who wants to know of nothing that has happened by now.
pub const EVENTS_NEWEST: u64 = u64::MAX;

/// Longest time that [`IOC_READ_EVENTS`](super::IOC_READ_EVENTS) waits, in milliseconds.
pub const EVENTS_WAIT_MS_MAX: u32 = 3_600_000;

/// Something that has happened. What kinds and states there are, their numbers and what they are
/// called, is in the model (`events/kind.rs`).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Event {
    /// Its number: one more than that of the event before. They begin with 1 when the module is
    /// loaded.
    pub number: u64,
    /// When it happened, in seconds since 1970.
    pub seconds: u64,
    /// What has happened.
    pub kind: u32,
    /// State before; zero if that means nothing.
    pub old_state: u32,
    /// State since then; zero if that means nothing.
    pub new_state: u32,
    /// Zero.
    pub reserved: u32,
    /// Figures that belong to the kind, else zero. Of a metadevice that has grown: its size before
    /// and now, in sectors. Of a check: sectors that differed, and those of them that were made
    /// equal. Of a set that was started: metadevices that were made, and that could not be.
    pub values: [u64; 2],
    /// Name of the metadevice or hot spare pool; zero if it is about none.
    pub volume: [u8; NAME_LEN],
    /// What it is about: path of a component, hot spare or replica, name of a submirror, or the
    /// name that a metadevice had; zero if it is about the volume itself.
    pub device: [u8; DEVICE_LEN],
    /// Path of the device that has taken the place of that one; zero if none has.
    pub new_device: [u8; DEVICE_LEN],
}

/// Argument of [`IOC_READ_EVENTS`](super::IOC_READ_EVENTS).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ReadEvents {
    /// See [`Header`].
    pub header: Header,
    /// In: number of the last event that the caller knows, 0 for none, or [`EVENTS_NEWEST`]. Out:
    /// that of the last one that he knows now.
    pub after: u64,
    /// In: user address of an array of [`Event`].
    pub events: u64,
    /// In: elements in the array; no more than [`EVENTS_READ_MAX`] are filled.
    pub event_capacity: u32,
    /// In: how long to wait if there is no event, in milliseconds, up to [`EVENTS_WAIT_MS_MAX`]. A
    /// signal ends it (`EINTR`, [`Interrupted`](super::Refusal::Interrupted)); when it is over
    /// there may be none.
    pub wait_ms: u32,
    /// Out: elements filled.
    pub event_count: u32,
    /// Zero.
    pub reserved: u32,
    /// Out: events between those that the caller knew and the first of these: they are lost, since
    /// the kernel keeps [`EVENTS_KEPT`].
    pub lost_count: u64,
}
