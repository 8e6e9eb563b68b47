// SPDX-License-Identifier: GPL-2.0
//! Where a volume is written to. Whatever it is, it says how many blocks it has taken whole, and
//! takes nothing more behind the end of its medium.

pub mod file;
pub mod remote;
pub mod tape;

use std::io;

/// What became of blocks.
#[derive(Debug)]
pub enum Written {
    /// All are written.
    All,
    /// The medium ended behind so many blocks of these.
    EndOfMedium {
        /// Blocks that are whole.
        blocks: usize,
    },
    /// Writing failed, and nobody knows what is on the medium.
    Failed(io::Error),
}

/// An open volume.
pub trait Sink: Send {
    /// Writes blocks that follow each other, of these lengths. After [`Written::EndOfMedium`] it is
    /// only closed.
    fn write(&mut self, bytes: &[u8], lengths: &[usize]) -> Written;

    /// Takes back what was written behind so many blocks, and bytes, of the volume, which ends
    /// there. Not every medium can.
    fn retract(&mut self, _blocks: u64, _bytes: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Ends the volume: what was written is on the medium then.
    fn close(&mut self) -> io::Result<()>;

    /// Whether the medium comes out when the volume is ended.
    fn ejects(&self) -> bool {
        false
    }

    /// Which block of a tape is written next; nothing where bytes are counted.
    fn position(&self) -> Option<u64> {
        None
    }
}

/// Opens volumes.
pub trait Media {
    /// Opens a volume, by its number from 1 on; the name that it is told by comes with it.
    fn open(&mut self, volume: u32) -> io::Result<Box<dyn Sink>>;

    /// What the volume is called.
    fn name(&self, volume: u32) -> String;

    /// Whether a volume is at hand without somebody changing the medium.
    fn is_at_hand(&self, volume: u32) -> bool;

    /// Whether a volume has a name of its own, beside those of others.
    fn is_listed(&self, _volume: u32) -> bool {
        false
    }

    /// Whether there is but one volume, of any length.
    fn is_pipe(&self) -> bool {
        false
    }

    /// Whether the medium of a volume is a tape that a drive has loaded.
    fn is_loaded(&self, _volume: u32) -> bool {
        false
    }

    /// Whether the volume is on another machine, which cannot be asked to cut a file.
    fn is_remote(&self, _volume: u32) -> bool {
        false
    }
}

/// Whether an error means that the medium is full.
pub fn is_end(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    errno.is_some_and(|errno| [Errno::NOSPC, Errno::DQUOT, Errno::FBIG].contains(&errno))
}

/// How many of the first blocks are whole within so many bytes, and how many bytes these have.
pub fn whole(lengths: &[usize], bytes: usize) -> (usize, usize) {
    let mut end = 0;
    let mut blocks = 0;
    for length in lengths {
        if end + length > bytes {
            break;
        }
        end += length;
        blocks += 1;
    }
    (blocks, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_blocks_count() {
        let lengths = [10, 4, 10];
        for (bytes, expected) in [(0, (0, 0)), (9, (0, 0)), (10, (1, 10)), (23, (2, 14))] {
            assert_eq!(whole(&lengths, bytes), expected);
        }
        assert_eq!(whole(&lengths, 24), (3, 24));
    }

    #[test]
    fn what_ends_a_medium_is_no_failure() {
        for (errno, ends) in [(28, true), (122, true), (27, true), (5, false), (32, false)] {
            assert_eq!(is_end(&io::Error::from_raw_os_error(errno)), ends);
        }
    }
}
