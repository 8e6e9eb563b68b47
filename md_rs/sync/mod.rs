// SPDX-License-Identifier: GPL-2.0
//! What keeps the sides of a mirror equal (`svm.md` sections 4.5 and 4.6): the map of dirty
//! regions, and the resync.
//!
//! - [`bitmap`], [`map`]: what is remembered of each region.
//! - [`upkeep`]: the errands that a mirror's disk has, and what they share.
//! - [`mark`]: regions become dirty, on a quorum of replicas, before they are written to.
//! - [`clean`]: regions that nobody writes to any more become clean.
//! - [`copy`]: what a side lacks is copied to it; [`pace`]: how fast.
//! - [`scrub`]: all sides are read and compared.
//! - [`mend`]: what a side could not read is rewritten.
//! - [`watch`]: which components answer late; [`hedge`]: reads that one of them does not answer.
//!
//! The rules are `md_model::mirror`'s.

pub(crate) mod bitmap;
mod clean;
pub(crate) mod copy;
pub(crate) mod ended;
mod hedge;
pub mod map;
mod mark;
mod mend;
pub(crate) mod pace;
pub(crate) mod scrub;
pub(crate) mod upkeep;
mod watch;
