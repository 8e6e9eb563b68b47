// SPDX-License-Identifier: GPL-2.0
//! How far a dump is, for programs (`--status-fd`): a line of JSON a second.

use crate::{
    kapi,
    statistics::Progress, //
};
use rustix::event::{
    poll,
    PollFd,
    PollFlags,
    Timespec, //
};
use serde::Serialize;
use std::{
    fs::File,
    io::{
        self,
        Write, //
    },
    time::{
        Duration,
        Instant, //
    }, //
};

/// How often a line is written.
const EVERY: Duration = Duration::from_secs(1);

/// What a dump does.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Doing {
    /// It writes volumes, or waits for the next one.
    Writing,
    /// All volumes are written.
    Done,
    /// It ended before its end.
    Aborted,
}

/// A line.
#[derive(Debug, Serialize)]
struct Line {
    state: Doing,
    volume: u32,
    written_kib: u64,
    estimated_kib: u64,
    seconds: u64,
}

/// Who is told.
#[derive(Debug)]
pub struct Status {
    /// Nobody any more, if it could not be written.
    file: Option<File>,
    told: Option<Instant>,
}

impl Status {
    /// The file that whoever has started this process has opened by this number.
    pub fn new(number: i32) -> io::Result<Self> {
        Ok(Status {
            file: Some(kapi::inherited(number)?),
            told: None,
        })
    }

    /// Tells how far it is, but not more often than every second, unless it ends.
    pub(crate) fn tell(&mut self, state: Doing, volume: u32, progress: &Progress) {
        let is_early = self.told.is_some_and(|told| told.elapsed() < EVERY);
        if is_early && state == Doing::Writing {
            return;
        }
        self.told = Some(Instant::now());
        let line = Line {
            state,
            volume,
            written_kib: progress.written,
            estimated_kib: progress.estimate,
            seconds: progress.since_start.as_secs(),
        };
        // That nobody listens is no reason to stop, nor that somebody does not listen now.
        if self.write(&line).is_err() {
            self.file = None;
        }
    }

    fn write(&mut self, line: &Line) -> io::Result<()> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let mut fds = [PollFd::new(&*file, PollFlags::OUT)];
        if poll(&mut fds, Some(&Timespec::default()))? == 0 {
            return Ok(());
        }
        let text = serde_json::to_string(line)? + "\n";
        file.write_all(text.as_bytes())
    }
}
