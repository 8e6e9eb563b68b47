// SPDX-License-Identifier: GPL-2.0
//! Backup of an ext2, ext3 or ext4 file system in the format of dump(8), readable by the `restore`
//! that every distribution has.
//!
//! The way of a byte: [`selection`] decides what is in the dump, [`plan`] and `file` what that
//! consists of, the layout of `md-dump-format` gives records their numbers, `pipeline` has several
//! threads read and one write, and a [`sink`] takes blocks until its medium ends. [`job`] goes from
//! volume to volume, and [`state`] is what it needs to know to go on after a crash. [`backup`] is
//! the whole command with its options.

mod archive;
pub mod backup;
mod buffer;
pub mod calendar;
pub mod compression;
pub mod console;
mod direct;
mod due;
pub mod dumpdates;
mod failure;
mod file;
pub mod job;
mod kapi;
pub mod media;
pub mod mounts;
pub mod options;
mod pipeline;
pub mod plan;
pub mod positions;
pub mod progress;
mod reading;
mod resume;
pub mod selection;
pub mod signals;
pub mod sink;
pub mod state;
pub mod statistics;
pub mod status;
mod stopping;
pub mod submirror;
mod tape_length;
mod target;
pub mod tolerant;
mod volume_sizes;

/// How the command ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    /// All is in the dump.
    Done,
    /// Nothing was begun.
    NotBegun,
    /// It ended before its end.
    Aborted,
}

impl Exit {
    /// The number that the shell sees, which is dump's.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::NotBegun => 1,
            Exit::Aborted => 3,
        }
    }
}
