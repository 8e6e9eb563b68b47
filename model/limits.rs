// SPDX-License-Identifier: GPL-2.0
//! Every maximum, in one place, with their relations asserted at compile time.

use crate::units::SECTOR_BYTES;

/// Most rows in one stripe or concat.
pub const ROWS_MAX: u32 = 1024;

/// Most components in one stripe or concat, over all its rows.
pub const COMPONENTS_MAX: u32 = 1024;

/// Most metadevices in a set (`svm.md` section 1.3). They are numbered from 0.
pub const UNITS_MAX: u32 = 8192;

/// Most hot spare pools in a set (`svm.md` section 1.3). They are numbered from 0.
pub const POOLS_MAX: u32 = 1000;

/// Most hot spares in one pool.
pub const SPARES_MAX: u32 = 128;

/// Most components of one stripe or concat that have to do with a hot spare at the same time.
pub const SPARED_MAX: u32 = 24;

/// Most devices of a set on disks that failfast watches.
pub const WATCHED_MAX: u32 = 1024;

/// Most records in a set: numbers of metadevices come first, then those of hot spare pools, and one
/// for what failfast does.
pub const RECORDS_MAX: u32 = UNITS_MAX + POOLS_MAX + 1;

/// Bytes of a metadevice name as it stands in fixed-size structures, zero-padded.
pub const NAME_BYTES: usize = 32;

/// Smallest interlace in sectors: 8 KiB (`svm.md` section 3.4).
pub const INTERLACE_SECTORS_MIN: u64 = 16;

/// Largest interlace in sectors: 100 MiB (`svm.md` section 3.4).
pub const INTERLACE_SECTORS_MAX: u64 = 204_800;

/// Interlace of who does not ask for one, in sectors: 512 KiB (`svm.md` section 3.4).
pub const INTERLACE_SECTORS_DEFAULT: u64 = 1024;

/// Head of a new component that belongs to its label and to replicas: the first 1 MiB
/// (`DURABILITY.md` clause 19). Data starts behind it.
pub const RESERVED_HEAD_SECTORS: u64 = 2048;

/// Most submirrors of a mirror (`svm.md` section 4.1). They are numbered from 0.
pub const SUBMIRRORS_MAX: u32 = 4;

/// Highest resync pass of a mirror (`svm.md` section 4.1).
pub const PASS_MAX: u32 = 9;

/// Most regions of a mirror, each of which is dirty or clean.
pub const REGIONS_MAX: u32 = 4096;

/// Most steps that are taken to find out whether other sides of a mirror have every block of a
/// component: a bounded time, whatever the geometries.
pub const SOURCE_STEPS_MAX: u32 = 65_536;

/// Most extents of a soft partition.
pub const EXTENTS_MAX: u32 = 10_000;

/// The unit in which a base of soft partitions is divided, in sectors: a watermark takes one, and
/// places, data and free space are made of whole ones. 8 KiB: two pages, so that the two copies of
/// a watermark share no physical block.
pub const GRAIN_SECTORS: u64 = 16;

/// What the data of a soft partition begins on a multiple of, in sectors, if nothing is asked for
/// and the base does not ask for more: 1 MiB.
pub const ALIGNMENT_SECTORS_DEFAULT: u64 = 2048;

/// Largest logical block of a base of soft partitions, in bytes: a copy of a watermark is one.
pub const BASE_BLOCK_BYTES_MAX: u32 = 4096;

/// Most replicas of a set (`svm.md` section 2.1), the tie-breaker among them.
pub const REPLICAS_MAX: usize = 50;

/// Fewest pages of 4 KiB in a replica.
pub const REPLICA_PAGES_MIN: u32 = 16;

/// Most pages of 4 KiB in a replica: 64 MiB.
pub const REPLICA_PAGES_MAX: u32 = 16_384;

/// Largest metadevice in sectors: every byte of it can be addressed by the kernel's `loff_t`,
/// a signed 64-bit number.
pub const UNIT_SECTORS_MAX: u64 = i64::MAX as u64 / SECTOR_BYTES;

// A row has at least one component.
const _: () = assert!(ROWS_MAX <= COMPONENTS_MAX);
const _: () = assert!(INTERLACE_SECTORS_MIN <= INTERLACE_SECTORS_DEFAULT);
const _: () = assert!(INTERLACE_SECTORS_DEFAULT <= INTERLACE_SECTORS_MAX);
// An interlace in bytes is the block layer's `io_min`, which is 32 bits wide.
const _: () = assert!(INTERLACE_SECTORS_MAX * SECTOR_BYTES <= u32::MAX as u64);
// A watermark has two copies, each of which is whole blocks.
const _: () = assert!(GRAIN_SECTORS * SECTOR_BYTES == 2 * BASE_BLOCK_BYTES_MAX as u64);
const _: () = assert!(ALIGNMENT_SECTORS_DEFAULT % GRAIN_SECTORS == 0);
const _: () = assert!(RESERVED_HEAD_SECTORS % GRAIN_SECTORS == 0);
// The reserved head ends on a boundary of any power-of-two block up to its own size.
const _: () = assert!(RESERVED_HEAD_SECTORS.is_power_of_two());
// The longest name is `d` and four digits, and a zero behind it.
const _: () = assert!(UNITS_MAX <= 10_000 && NAME_BYTES > 5);
// Sides are bits of a 32-bit number, and a pass is kept in one byte.
const _: () = assert!(SUBMIRRORS_MAX < u32::BITS && PASS_MAX <= u8::MAX as u32);
