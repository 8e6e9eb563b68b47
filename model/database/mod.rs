// SPDX-License-Identifier: GPL-2.0
//! The replicated state database of a set: which copy counts, how it is laid out on disk, and in
//! which order a commit is written (`DURABILITY.md` sections 1, 2 and 5).
//!
//! - [`identity`]: uuids, and generations, which order commits.
//! - [`members`]: the list of replicas, and counting votes.
//! - [`quorum`]: when a commit counts.
//! - [`choice`]: what a set is loaded from, and whether it may start.

pub mod choice;
pub mod identity;
pub mod members;
pub mod quorum;
