// SPDX-License-Identifier: GPL-2.0
//! The format of dump(8), as Debian's `restore` reads it.
//!
//! A dump is a sequence of *records* of 1024 bytes, in *blocks* of `ntrec` records, on one or more
//! *volumes*. A record is a header or data that the header before it describes. First come the
//! maps of the inodes that are in use and of those that are in the dump, then directories in the
//! order of their numbers, then everything else.
//!
//! - [`header`]: the header, its checksum and flags; [`inode`]: the inode in it.
//! - [`addresses`]: which parts of a file are data and which are holes, in both encodings.
//! - [`map`], [`directory`], [`attributes`]: what dump has forms of its own for.
//! - [`item`]: what a dump consists of, before records have numbers.
//! - [`layout`]: the one stage that numbers records and cuts blocks and volumes.
//! - [`decode`]: reads finished volumes and believes nothing. It shares only the offsets of the
//!   header with what writes.
//!
//! Everything is little-endian, whatever the machine is.

#![forbid(unsafe_code)]

pub mod addresses;
pub mod attributes;
pub mod decode;
pub mod directory;
pub mod header;
pub mod inode;
pub mod item;
pub mod layout;
pub mod map;

/// Bytes of a record.
pub const RECORD: usize = 1024;

/// Most records of a block, as `restore` accepts them.
pub const BLOCK_RECORDS_MAX: u32 = 1024;

/// How many records so many bytes fill.
pub fn records(bytes: u64) -> u64 {
    bytes.div_ceil(RECORD as u64)
}
