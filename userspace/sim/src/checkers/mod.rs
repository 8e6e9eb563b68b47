// SPDX-License-Identifier: GPL-2.0
//! What is promised, one property a file. They know what really happened, and look at what the
//! machines decide; they share no code with them.

pub(crate) mod acknowledged;
pub(crate) mod contents;
pub(crate) mod convergence;
pub(crate) mod epochs;
pub(crate) mod in_flight;
pub(crate) mod members;
pub(crate) mod start;
pub(crate) mod tie_breaker;
