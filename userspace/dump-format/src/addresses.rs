// SPDX-License-Identifier: GPL-2.0
//! Which records behind a header are data and which are holes.
//!
//! Classic: a byte for each record, 1 for data and 0 for a hole. Every `restore` reads it, also
//! those that write the other one. Runs, as Linux dump 0.4b49 introduced them: `0nnnnnnd` is `n`+1
//! records, `1nnnnnnd` and a byte `N` are 64`N`+`n`+65, and `d` says whether they are data. Older
//! versions of `restore` and those of BSD cannot read that.

use crate::header::ADDRESSES;
use serde::{
    Deserialize,
    Serialize, //
};

/// How parts of a file are told.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum Encoding {
    /// A byte for each record.
    #[default]
    Classic,
    /// One or two bytes for many records of the same kind.
    Runs,
}

/// Records of a file that are all data or all a hole.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Run {
    /// Whether they are data, and follow the header.
    pub is_data: bool,
    /// How many.
    pub records: u64,
}

/// What one header describes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Window {
    /// The bytes for the header, at most [`ADDRESSES`].
    pub addresses: Vec<u8>,
    /// How many records of the file it describes.
    pub records: u64,
    /// How many of these are data.
    pub data: u64,
}

/// Most records of an entry of runs: what Debian's dump writes.
const RUN_MAX: u64 = 16384;

/// Most records of an entry of one byte.
const SHORT_MAX: u64 = 64;

/// Divides the runs of a file among headers. Neighbours of the same kind are joined first.
#[derive(Clone, Debug)]
pub struct Windows<I> {
    encoding: Encoding,
    runs: I,
    left: Run,
}

impl<I: Iterator<Item = Run>> Windows<I> {
    /// The headers for a file with these runs.
    pub fn new(encoding: Encoding, runs: I) -> Self {
        let left = Run {
            is_data: false,
            records: 0,
        };
        Windows {
            encoding,
            runs,
            left,
        }
    }

    /// The next run, of which at most `limit` records are taken, or none at the end.
    fn take(&mut self, limit: u64) -> Option<Run> {
        while self.left.records == 0 {
            self.left = self.runs.next()?;
        }
        let records = self.left.records.min(limit);
        self.left.records -= records;
        Some(Run {
            is_data: self.left.is_data,
            records,
        })
    }

    /// Takes what one entry of runs can hold, from neighbours of the same kind as well.
    fn take_joined(&mut self) -> Option<Run> {
        let mut run = self.take(RUN_MAX)?;
        while run.records < RUN_MAX {
            let Some(more) = self.take(RUN_MAX - run.records) else {
                break;
            };
            if more.is_data != run.is_data {
                self.left.records += more.records;
                break;
            }
            run.records += more.records;
        }
        Some(run)
    }

    fn classic(&mut self) -> Window {
        let mut window = Window::default();
        while let Some(run) = self.take((ADDRESSES - window.addresses.len()) as u64) {
            window.add(run);
            let end = window.addresses.len() + run.records as usize;
            window.addresses.resize(end, u8::from(run.is_data));
            if end == ADDRESSES {
                break;
            }
        }
        window
    }

    fn in_runs(&mut self) -> Window {
        let mut window = Window::default();
        while window.addresses.len() + 2 <= ADDRESSES {
            let Some(run) = self.take_joined() else {
                break;
            };
            window.add(run);
            encode(run, &mut window.addresses);
        }
        window
    }
}

impl<I: Iterator<Item = Run>> Iterator for Windows<I> {
    type Item = Window;

    fn next(&mut self) -> Option<Window> {
        let window = match self.encoding {
            Encoding::Classic => self.classic(),
            Encoding::Runs => self.in_runs(),
        };
        (window.records > 0).then_some(window)
    }
}

impl Window {
    fn add(&mut self, run: Run) {
        self.records += run.records;
        if run.is_data {
            self.data += run.records;
        }
    }
}

fn encode(run: Run, to: &mut Vec<u8>) {
    let kind = u8::from(run.is_data);
    if run.records <= SHORT_MAX {
        to.push(((run.records as u8 - 1) << 1) | kind);
    } else {
        let above = run.records - SHORT_MAX - 1;
        to.push(0x80 | (((above % 64) as u8) << 1) | kind);
        to.push((above / 64) as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(is_data: bool, records: u64) -> Run {
        Run { is_data, records }
    }

    fn windows(encoding: Encoding, runs: &[Run]) -> Vec<Window> {
        Windows::new(encoding, runs.iter().copied()).collect()
    }

    #[test]
    fn classic_has_a_byte_for_each_record() {
        let runs = [run(true, 2), run(false, 1), run(true, 1), run(true, 600)];
        let windows = windows(Encoding::Classic, &runs);
        assert_eq!(windows.len(), 2);
        assert_eq!(windows[0].addresses[..5], [1, 1, 0, 1, 1]);
        assert_eq!((windows[0].records, windows[0].data), (512, 511));
        assert_eq!((windows[1].records, windows[1].data), (92, 92));
        assert_eq!(windows[1].addresses, [1; 92]);
    }

    /// dump.md 2.2: what 0.4b49 has written.
    #[test]
    fn runs_are_those_of_debian() {
        let bytes = |records| windows(Encoding::Runs, &[run(true, records)])[0].clone();
        assert_eq!(bytes(128).addresses, [0xff, 0x00]);
        assert_eq!(bytes(684).addresses, [0xd7, 0x09]);
        assert_eq!(bytes(1).addresses, [0x01]);
        assert_eq!(bytes(64).addresses, [0x7f]);
        assert_eq!(bytes(65).addresses, [0x81, 0x00]);
        let hole = windows(Encoding::Runs, &[run(false, 4 << 20), run(true, 1)]);
        let bytes: usize = hole.iter().map(|window| window.addresses.len()).sum();
        assert_eq!((hole.len(), bytes), (2, 513));
    }

    #[test]
    fn runs_of_the_same_kind_are_joined() {
        let joined = windows(Encoding::Runs, &[run(true, 20), run(true, 44)]);
        assert_eq!(joined[0].addresses, [0x7f]);
        let apart = windows(
            Encoding::Runs,
            &[run(true, 20), run(false, 3), run(true, 1)],
        );
        assert_eq!(apart[0].addresses, [(19 << 1) | 1, 2 << 1, 1]);
    }

    #[test]
    fn a_file_without_blocks_has_no_window() {
        assert_eq!(windows(Encoding::Classic, &[]), []);
        assert_eq!(windows(Encoding::Runs, &[run(false, 0)]), []);
    }
}
