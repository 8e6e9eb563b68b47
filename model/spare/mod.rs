// SPDX-License-Identifier: GPL-2.0
//! Hot spare pools (`svm.md` section 7): disks that take the place of components which fail.
//!
//! - [`name`]: what a pool is called.
//! - [`state`]: what becomes of a spare.
//! - [`choose`]: which spare of a pool a component gets.
//!
//! Which spare stands where is written in one place only, the record of the metadevice with the
//! component: so a takeover is one record's change, and no spare can be recorded in two places by a
//! half of a commit. The record of a pool says which spares it has, and which are broken.

pub mod choose;
pub mod name;
pub mod state;
