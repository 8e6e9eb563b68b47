// SPDX-License-Identifier: GPL-2.0
//! The ioctl interface of `/dev/md/admin`.
//!
//! [`admin`] is the whole of it. `md_rs.ko` compiles the very same file, so that the two sides
//! cannot disagree about a number, a size or an offset.
#![no_std]

pub mod admin;
