// SPDX-License-Identifier: GPL-2.0
//! Tapes. One write is one block. The driver says once that the end is near, and lets writes
//! through after that: so nothing is written any more, but a mark at the end. The block of which it
//! says so may be on the tape all the same, and comes again on the next one: `restore` leaves out
//! what it has, by the ordinal of the first record in the volume's header.

use super::{
    is_end,
    Sink,
    Written, //
};
use crate::kapi;
use std::{
    fs::File,
    io::{
        self,
        Write, //
    }, //
};

/// An open tape.
#[derive(Debug)]
pub struct TapeSink {
    file: File,
    ejects: bool,
    /// Number of the block with which the volume begins, if the drive knows.
    start: Option<u64>,
}

impl TapeSink {
    /// The tape that is open, if it is one. With `ejects` it comes out at the end.
    pub fn new(file: File, ejects: bool) -> Result<Self, File> {
        if kapi::is_tape(&file) {
            let start = kapi::tape_block(&file).ok();
            Ok(TapeSink {
                file,
                ejects,
                start,
            })
        } else {
            Err(file)
        }
    }
}

impl Sink for TapeSink {
    fn write(&mut self, bytes: &[u8], lengths: &[usize]) -> Written {
        let mut rest = bytes;
        for (blocks, length) in lengths.iter().enumerate() {
            let (block, behind) = rest.split_at(*length);
            rest = behind;
            match self.file.write(block) {
                Ok(count) if count == block.len() => {}
                Ok(_) => return Written::EndOfMedium { blocks },
                Err(error) if is_end(&error) => return Written::EndOfMedium { blocks },
                Err(error) => return Written::Failed(error),
            }
        }
        Written::All
    }

    fn ejects(&self) -> bool {
        self.ejects
    }

    fn position(&self) -> Option<u64> {
        self.start
    }

    fn retract(&mut self, blocks: u64, _bytes: u64) -> io::Result<()> {
        // The mark at the end goes there, whatever comes behind.
        let start = self.start.ok_or(io::ErrorKind::Unsupported)?;
        let behind = kapi::tape_block(&self.file)?.saturating_sub(start + blocks);
        kapi::go_back(&self.file, behind)
    }

    fn close(&mut self) -> io::Result<()> {
        kapi::write_file_mark(&self.file)?;
        if self.ejects {
            kapi::eject(&self.file)?;
        }
        Ok(())
    }
}
