// SPDX-License-Identifier: GPL-2.0
//! Changes of state that somebody may want to know of (`svm.md` section 12).
//!
//! - [`kind`]: what may happen, and in which words it is told.
//! - [`ring`]: the last ones, for who reads them later.
//! - [`log`]: how many lines of the kernel's log they may take.

pub mod kind;
pub mod log;
pub mod ring;
