// SPDX-License-Identifier: GPL-2.0
//! RAID5: data over several columns, with a parity that makes up for one that is lost (`svm.md`
//! section 5, `DURABILITY.md` section 4).
//!
//! Each column has a log in front of its data. Nothing is written in place before what is to be
//! written is durable in the logs of the very columns that it goes to, so that an interrupted write
//! is carried out again, or has not begun; `docs/raid5.md` has the argument.
//!
//! 1. [`layout`]: where a block lives, and lines, the units in which rows are worked on.
//! 2. [`plan`]: how the parity of a line is made anew with the fewest operations.
//! 3. [`log`]: what is in a slot of the log.
//! 4. [`replay`]: which slots are carried out again after a crash.
//! 5. [`lost`]: sectors that a crash and a lost column have taken together.
//! 6. [`column`]: what becomes of a column that fails.
//! 7. [`progress`]: how far the parity, or a new column, is made.
//! 8. [`source`]: what a new column is copied from, rather than made.
//! 9. [`check`]: whether the parity of a line is what it should be.
//! 10. [`unlogged`]: what is done without the logs.

pub mod check;
pub mod column;
pub mod layout;
pub mod log;
pub mod lost;
pub mod plan;
pub mod progress;
pub mod replay;
pub mod source;
pub mod unlogged;

/// Fewest columns.
pub const COLUMNS_MIN: u32 = 3;

/// Most columns: sets of them are bits of a 64-bit number.
pub const COLUMNS_MAX: u32 = 64;

/// Smallest interlace in sectors: 4 KiB.
pub const INTERLACE_SECTORS_MIN: u64 = 8;

/// Longest line in sectors: 16 KiB of each column are worked on at once.
pub const LINE_SECTORS: u64 = 32;

/// Most lines in one batch of writes, and entries in a slot of the log.
pub const BATCH_LINES_MAX: u32 = 32;

/// Slots in the log of a column. A batch of writes takes the same one on every column.
pub const SLOTS: u64 = 8;

/// Sectors of the page that a slot begins with.
pub const HEAD_SECTORS: u64 = 8;

/// Sectors of a slot: its head, and what is to be written.
pub const SLOT_SECTORS: u64 = HEAD_SECTORS + BATCH_LINES_MAX as u64 * LINE_SECTORS;

/// First sector of the two pages with the list of [`lost`] sectors, which are written in turn.
pub const LOST_START: u64 = SLOTS * SLOT_SECTORS;

/// Sectors of the log of a column, which comes before its data: about 4 MiB.
pub const LOG_SECTORS: u64 = LOST_START + 2 * HEAD_SECTORS;

// Lines begin and end at multiples of what any disk writes at once.
const _: () = assert!(LINE_SECTORS % INTERLACE_SECTORS_MIN == 0 && LOG_SECTORS % 8 == 0);
// A line is a word of bits.
const _: () = assert!(LINE_SECTORS == u32::BITS as u64);

/// The bit of a column in a set of columns.
#[inline]
pub const fn bit(column: u32) -> u64 {
    match 1_u64.checked_shl(column) {
        Some(bit) => bit,
        None => 0,
    }
}
