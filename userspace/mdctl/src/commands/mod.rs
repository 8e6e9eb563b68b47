// SPDX-License-Identifier: GPL-2.0
//! The commands, one file each under SVM's name: its arguments, which are its help page, and
//! what it does. A command reads: parse, resolve, check, ask the kernel, report.

pub mod metaclear;
pub mod metainit;
pub mod metastat;
pub mod version;
