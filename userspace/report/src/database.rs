// SPDX-License-Identifier: GPL-2.0
//! The state database, as scripts see it.

use serde::Serialize;

/// The state database that is in use.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Database {
    /// Uuid of the set.
    pub set: String,
    /// Its name.
    pub name: String,
    /// Whether it can be written; else too few replicas can.
    pub writable: bool,
    /// The newest commit that counts, epoch and sequence: `3.17`.
    pub commit: String,
    /// Commits since it was loaded.
    pub commits: u64,
    /// The replicas.
    pub replicas: Vec<Replica>,
}

/// A replica of the state database.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Replica {
    /// Its uuid.
    pub uuid: String,
    /// Path of its device.
    pub device: String,
    /// Its first byte on the device.
    pub start: u64,
    /// Its size.
    pub size: u64,
    /// Whether it has the newest commit.
    pub current: bool,
    /// Whether a write to it has failed, or it is missing.
    pub failed: bool,
    /// Whether it is the tie-breaker, which has no vote.
    pub tie_breaker: bool,
}

/// A device on which a set has something.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Member {
    /// Path of the device.
    pub device: String,
    /// Uuid of the set.
    pub set: String,
    /// Name of the set; empty if it is not known.
    pub name: String,
    /// Identity as a component. Null if it has none.
    pub component: Option<String>,
    /// Number of replicas on it.
    pub replicas: u32,
}
