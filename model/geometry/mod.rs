// SPDX-License-Identifier: GPL-2.0
//! Where a block lives: pure maps from a metadevice's sectors to those of its components.
//!
//! Each kind of metadevice has a layout, made once when it is created and checked on the way, and
//! a map, which the data path asks for every request and which cannot fail on what was laid out.

pub mod stripe;
