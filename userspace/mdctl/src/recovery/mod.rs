// SPDX-License-Identifier: GPL-2.0
//! Rebuilding a set of which every replica of the state database is lost, from what is left on its
//! components: their labels, and watermarks.
//!
//! - [`labels`]: reading what the components say.
//! - [`plan`]: which of it counts, where they do not agree.
//! - [`carrying_out`]: making the metadevices again. A label knows of no states, so nobody can tell
//!   which side of a mirror is the good one: a mirror waits until somebody says so.

pub mod carrying_out;
pub mod labels;
pub mod plan;
