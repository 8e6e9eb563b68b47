// SPDX-License-Identifier: GPL-2.0
//! Checks of mirrors and RAID5, as the documents describe them.

use serde::Serialize;

/// Whether the submirrors of a mirror were compared, or the parity of RAID5 looked at, and what was
/// found.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Check {
    /// The check that is under way. Null if there is none.
    pub running: Option<CheckProgress>,
    /// The first ranges that the check under way has found to differ, or the last one.
    pub ranges: Vec<CheckRange>,
    /// The last checks, the newest first.
    pub history: Vec<CheckRun>,
}

/// A check that is under way.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct CheckProgress {
    /// What differences are repaired from: `majority`, or the name of a submirror; of RAID5 `data`.
    /// Null if they are not.
    pub repair: Option<String>,
    /// Bytes that it has seen.
    pub done: u64,
    /// Bytes that there are in all.
    pub total: u64,
    /// Ranges that it has found to differ.
    pub ranges: u32,
}

/// A range in which submirrors differ, or the parity of RAID5 does not fit.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct CheckRange {
    /// First byte, counted in the mirror, or of RAID5 in the data of each column.
    pub start: u64,
    /// How many bytes.
    pub size: u64,
    /// The first row of RAID5 that it is in. Absent for a mirror.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// Name of the submirror that has something else than more than half of them. Null if there is
    /// no such majority.
    pub outvoted: Option<String>,
    /// Names of those that have nothing but zeroes there: something was discarded, or never
    /// written.
    pub zeroed: Vec<String>,
}

/// A check that has ended.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct CheckRun {
    /// When it began, in UTC as RFC 3339 has it. Null if it is not known.
    pub began: Option<String>,
    /// How many seconds it took.
    pub seconds: u32,
    /// What differences were repaired from: `majority`, or the name of a submirror; of RAID5
    /// `data`. Null if they were not.
    pub repair: Option<String>,
    /// How it has ended.
    pub end: CheckEnd,
    /// Bytes that were compared.
    pub compared: u64,
    /// Bytes that were not: a resync has to copy them, or they could not be read on two submirrors.
    pub skipped: u64,
    /// Bytes that differed, in sectors of 512.
    pub differing: u64,
    /// Those of them that are nothing but zeroes on some submirrors.
    pub zeroed: u64,
    /// Bytes that were made equal.
    pub repaired: u64,
    /// Ranges that differed.
    pub ranges: u32,
    /// Names of the submirrors that most others were against somewhere.
    pub outvoted: Vec<String>,
}

/// How a check has ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckEnd {
    /// It has seen everything.
    Done,
    /// The administrator has ended it.
    Cancelled,
    /// The set was stopped.
    Interrupted,
}
