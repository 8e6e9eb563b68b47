// SPDX-License-Identifier: GPL-2.0
//! The replicated state database of a set: which copy counts, how it is laid out on disk, and in
//! which order a commit is written (`DURABILITY.md` sections 1, 2 and 5).
//!
//! - [`identity`]: uuids, and generations, which order commits.
//! - [`members`]: the list of replicas, and counting votes.
//! - [`quorum`]: when a commit counts.
//! - [`choice`]: what a set is loaded from, and whether it may start.
//! - [`layout`]: where replicas and labels are, and what is where in them.
//! - [`page`]: what every page has, so that it can be judged; [`crc32c`], [`field`].
//! - [`header`], [`root`], [`table`]: a replica, a commit on it, and where its pages are.
//! - [`records`], [`metadevice`], [`pool`], [`watched`]: what is in the pages.
//! - [`label`]: what a component is part of; [`claimants`]: which device is one.
//! - [`store`]: the records in memory, and which pages a change of them rewrites.
//! - [`slots`], [`commit`]: where a commit goes, and in which order.
//! - [`load`]: what is read of a replica, and what was found.
//! - [`commits`]: the machine of a set that is started: claim, commits, replicas that are behind.

pub mod choice;
pub mod claimants;
pub mod commit;
pub mod commits;
pub mod crc32c;
pub mod field;
pub mod header;
pub mod identity;
pub mod label;
pub mod layout;
pub mod load;
pub mod members;
pub mod metadevice;
pub mod page;
pub mod pool;
pub mod quorum;
pub mod records;
pub mod root;
pub mod slots;
pub mod store;
pub mod table;
pub mod watched;
