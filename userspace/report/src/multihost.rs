// SPDX-License-Identifier: GPL-2.0
//! Disks that several hosts can reach, as scripts see them.

use serde::Serialize;

/// A disk that several hosts can reach, as `mdctl mhd` shows it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct MultihostDisk {
    /// Its path, as it was given.
    pub device: String,
    /// `status`: whether this host has access, if the disk says so. Absent for other operations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<Access>,
    /// Whether this host owns it, by `take` or `quick-reserve`.
    pub owned: bool,
    /// By which commands it is owned; null if that is not known yet.
    pub way: Option<Way>,
    /// Whether a key was registered by `register`.
    pub registered: bool,
    /// The persistent reservation; null if there is none, or if the disk does not say.
    pub reservation: Option<Reservation>,
    /// `keys`: the keys that are registered with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<Vec<String>>,
    /// Counts the changes of registrations, as far as the disk says.
    pub generation: u32,
    /// Milliseconds between probes; 0 while failfast is off.
    pub failfast_ms: u32,
    /// What is done when access is lost: `panic`, `restart`, `fence` or `log`.
    pub action: String,
    /// Whether failfast or the action is kept in the state database of the disk's set, so that it
    /// is so again when that is started.
    pub recorded: bool,
    /// Whether what was asked for is in force and could not be recorded. Absent if that is not so.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub unrecorded: bool,
    /// Whether access counts as expected, so that its loss is one.
    pub expected: bool,
    /// How the loss of access was found; null if access was not lost.
    pub lost: Option<Lost>,
    /// Whether metadevices on it fail, and nothing is sent to it.
    pub fenced: bool,
    /// Whether a probe has not been answered for long.
    pub stalled: bool,
    /// Whether it is not there any more.
    pub gone: bool,
    /// Whether a reservation that a reset has dropped is still to be put back.
    pub reinstating: bool,
    /// Milliseconds since a probe has last found access; null if none did.
    pub good_ms: Option<u64>,
    /// Probes so far.
    pub probes: u64,
    /// Those of them that said nothing about access.
    pub silent: u64,
    /// Conflicts so far.
    pub conflicts: u64,
    /// Resets that were noticed so far.
    pub resets: u64,
}

/// Whether this host has access to a disk.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// It has.
    Yes,
    /// Another host has the disk.
    No,
    /// The disk does not say.
    Unknown,
}

/// By which commands a disk is owned.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// RESERVE and RELEASE of SCSI-2.
    Reserve,
    /// Persistent reservations.
    Persistent,
}

/// How the loss of access was found.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Lost {
    /// By a probe.
    Probe,
    /// By a read or write that was refused.
    Io,
}

/// A persistent reservation.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Reservation {
    /// The key that has it, in hexadecimal digits.
    pub key: String,
    /// Its kind.
    pub kind: String,
}
