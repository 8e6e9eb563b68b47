// SPDX-License-Identifier: GPL-2.0
//! Files, pipes, and devices that are neither tapes nor far away.
//!
//! A file that is full is cut to whole blocks: Debian's `restore` 0.4b56 makes wrong files of what
//! ends in the middle of a record.

use super::{
    is_end,
    whole,
    Sink,
    Written, //
};
use std::{
    fs::File,
    io::{
        self,
        Write, //
    }, //
};

/// Writes of no bytes that are borne before that counts as the end.
const EMPTY_MAX: u32 = 10;

/// A file.
#[derive(Debug)]
pub struct FileSink {
    file: File,
    is_regular: bool,
    is_pipe: bool,
    /// Bytes of whole blocks.
    bytes: u64,
}

impl FileSink {
    /// Writes to an open file. What is no regular file is not cut. A pipe has no end of medium.
    pub fn new(file: File, is_pipe: bool) -> io::Result<Self> {
        let is_regular = file.metadata()?.is_file();
        Ok(FileSink {
            file,
            is_regular,
            is_pipe,
            bytes: 0,
        })
    }

    /// Writes as much as there is room for: how many bytes, and why not all.
    fn write_most(&mut self, bytes: &[u8]) -> (usize, Option<io::Error>) {
        let (mut done, mut empty) = (0, 0);
        while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
            match self.file.write(rest) {
                Ok(0) if empty < EMPTY_MAX => empty += 1,
                Ok(0) => return (done, Some(io::Error::from_raw_os_error(28))),
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return (done, Some(error)),
            }
        }
        (done, None)
    }
}

impl Sink for FileSink {
    fn write(&mut self, bytes: &[u8], lengths: &[usize]) -> Written {
        let (done, error) = self.write_most(bytes);
        let Some(error) = error else {
            self.bytes += done as u64;
            return Written::All;
        };
        if self.is_pipe || !is_end(&error) {
            return Written::Failed(error);
        }
        let (blocks, end) = whole(lengths, done);
        self.bytes += end as u64;
        if self.is_regular {
            if let Err(error) = self.file.set_len(self.bytes) {
                return Written::Failed(error);
            }
        }
        Written::EndOfMedium { blocks }
    }

    fn retract(&mut self, _blocks: u64, bytes: u64) -> io::Result<()> {
        if !self.is_regular {
            return Err(io::ErrorKind::Unsupported.into());
        }
        self.file.set_len(bytes)
    }

    fn close(&mut self) -> io::Result<()> {
        // Only now a file, or a device of blocks, tells what it could not write.
        match self.file.sync_all() {
            // A pipe, or a device that keeps nothing.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            done => done,
        }
    }
}
