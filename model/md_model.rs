// SPDX-License-Identifier: GPL-2.0
//! Every decision of the volume manager that can be written without a kernel in it.
//!
//! Pure functions and state machines: data in, data out. No clock, no random numbers, no memory
//! allocation, no I/O. The same source is compiled twice: by Kbuild as a crate inside `md_rs.ko`,
//! and by cargo for the tool, the simulator and the tests, so that what is tested is what runs.
//!
//! Nothing in here may panic, whatever it is given: numbers come from disks and from users, and a
//! panic in the kernel is the end of the machine. Hence only checked arithmetic, no indexing, and
//! divisors whose type cannot be zero.
//!
//! What to read first:
//! 1. [`limits`]: every maximum, and how they fit together.
//! 2. [`units`]: quantities and the arithmetic on them.
//! 3. [`geometry`]: where a block lives.
//! 4. [`name`]: what metadevices are called.
//! 5. [`mirror`]: sides, what they are for, and what becomes of them when they fail.
//! 6. [`spare`]: disks that take the place of components that fail.
//! 7. [`soft`]: many volumes on one, and how they are found again.
//! 8. [`database`]: what survives a power cut, and which of its copies is right.
//! 9. [`failfast`]: disks that several hosts can reach.
//! 10. [`events`]: what is told of all that.
//! 11. [`raid5`]: data with a parity, and the log that keeps the two together.

// Kbuild makes every crate `no_std` by itself, and warns where a crate repeats it.
#![cfg_attr(not(MD_KERNEL), no_std)]
#![forbid(unsafe_code)]
#![warn(missing_docs, unreachable_pub)]
#![warn(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]
// Tests reckon with numbers of their own, and overflows end them.
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

pub mod database;
pub mod events;
pub mod failfast;
pub mod geometry;
pub mod limits;
pub mod mirror;
pub mod name;
pub mod raid5;
pub mod soft;
pub mod spare;
pub mod units;
