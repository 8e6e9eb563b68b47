// SPDX-License-Identifier: GPL-2.0
//! What the user is told and asked.
//!
//! The texts are those that dump(8) has had for forty years: scripts look for them.

use crate::signals::Signals;
use rustix::{
    event::{
        poll,
        PollFd,
        PollFlags,
        Timespec, //
    },
    io::Errno, //
};
use std::{
    fs::File,
    io::{
        self,
        BufRead,
        BufReader,
        Write, //
    },
    process::Command,
    sync::{
        atomic::{
            AtomicBool,
            Ordering, //
        },
        Mutex, //
    },
    time::{
        Duration,
        Instant, //
    }, //
};

/// Who is told and asked. Several threads may do so at once.
pub trait Console: Send + Sync {
    /// Tells a line. That nobody listens is no reason to stop.
    fn say(&self, line: &str);

    /// Tells a line that was asked for, without the mark in front of it.
    fn answer(&self, line: &str);

    /// Asks for yes or no; nobody to ask means no answer.
    fn ask(&self, question: &str) -> Option<bool>;

    /// Tells the operators who are logged in.
    fn broadcast(&self, _line: &str) {}

    /// From now on nobody is asked if `is_quiet`, and operators are told if `notifies`, as before
    /// the dump was gone on with.
    fn adopt(&self, _is_quiet: bool, _notifies: bool) {}
}

/// Standard error, and the terminal of the process.
#[derive(Debug)]
pub struct Terminal {
    is_quiet: AtomicBool,
    notifies: AtomicBool,
    signals: Signals,
    patience: Duration,
    /// One question at a time.
    asking: Mutex<()>,
}

impl Terminal {
    /// One that asks nobody if `is_quiet` (`-q`), and tells operators if `notifies` (`-n`). What
    /// these signals say is an answer to every question.
    pub fn new(is_quiet: bool, notifies: bool, signals: Signals) -> Self {
        Terminal {
            is_quiet: AtomicBool::new(is_quiet),
            notifies: AtomicBool::new(notifies),
            signals,
            patience: PATIENCE,
            asking: Mutex::default(),
        }
    }

    /// One that repeats a question after another time than two minutes.
    pub fn with_patience(self, patience: Duration) -> Self {
        Terminal { patience, ..self }
    }

    /// Waits until something is typed, for so long. Nothing if a signal came.
    fn wait(&self, terminal: &File, patience: Duration) -> Option<bool> {
        let begun = Instant::now();
        while begun.elapsed() < patience {
            let is_interrupted = Signals::take(&self.signals.interrupt);
            if is_interrupted || self.signals.stop.load(Ordering::Relaxed) {
                return None;
            }
            let mut fds = [PollFd::new(terminal, PollFlags::IN)];
            match poll(&mut fds, Some(&PAUSE)) {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => return Some(true),
                Err(_) => return None,
            }
        }
        Some(false)
    }
}

/// How long until a question is repeated.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often signals are looked at. Which thread of the process they interrupt is not known.
const PAUSE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};

impl Console for Terminal {
    fn say(&self, line: &str) {
        let _ = writeln!(io::stderr(), "  DUMP: {line}");
    }

    fn answer(&self, line: &str) {
        let _ = writeln!(io::stderr(), "{line}");
    }

    fn ask(&self, question: &str) -> Option<bool> {
        let _one = self.asking.lock();
        if self.is_quiet.load(Ordering::Relaxed) {
            self.say(&format!("{question}: nobody is asked (-q)"));
            return None;
        }
        let mut terminal = File::options()
            .read(true)
            .write(true)
            .open("/dev/tty")
            .ok()?;
        let mut answers = BufReader::new(terminal.try_clone().ok()?);
        self.broadcast("DUMP NEEDS ATTENTION!");
        // Who has typed Ctrl-C before gets a question anyway.
        Signals::take(&self.signals.interrupt);
        loop {
            let _ = write!(terminal, "  DUMP: {question}: (\"yes\" or \"no\") ");
            if !self.wait(answers.get_ref(), self.patience)? {
                continue;
            }
            let mut line = String::new();
            if answers.read_line(&mut line).ok()? == 0 {
                return None;
            }
            match line.trim() {
                "yes" | "Yes" => return Some(true),
                "no" | "No" => return Some(false),
                _ => {
                    let _ = writeln!(terminal, "  DUMP: \"Yes\" or \"No\"?");
                }
            }
        }
    }

    fn broadcast(&self, line: &str) {
        if self.notifies.load(Ordering::Relaxed) {
            let text = format!("Message from the dump program to all operators: {line}");
            let _ = Command::new("wall")
                .args(["-g", "operator", &text])
                .output();
        }
    }

    fn adopt(&self, is_quiet: bool, notifies: bool) {
        self.is_quiet.fetch_or(is_quiet, Ordering::Relaxed);
        self.notifies.fetch_or(notifies, Ordering::Relaxed);
    }
}

/// Nobody: for questions there is no answer, and what is told is kept.
#[derive(Debug, Default)]
pub struct Recorded {
    /// What was told, line by line, questions and what operators are told too.
    pub lines: Mutex<Vec<String>>,
    /// Answers that are still to be given.
    pub answers: Mutex<Vec<bool>>,
}

impl Recorded {
    /// One who will give these answers.
    pub fn with_answers(answers: &[bool]) -> Self {
        Recorded {
            lines: Mutex::default(),
            answers: Mutex::new(answers.iter().rev().copied().collect()),
        }
    }

    /// Whether a line with these words was told.
    pub fn has(&self, words: &str) -> bool {
        let lines = self.lines.lock();
        lines.is_ok_and(|lines| lines.iter().any(|line| line.contains(words)))
    }

    fn keep(&self, line: &str) {
        if let Ok(mut lines) = self.lines.lock() {
            lines.push(line.to_string());
        }
    }
}

impl Console for Recorded {
    fn say(&self, line: &str) {
        self.keep(line);
    }

    fn answer(&self, line: &str) {
        self.keep(line);
    }

    fn ask(&self, question: &str) -> Option<bool> {
        self.keep(question);
        self.answers.lock().ok()?.pop()
    }

    fn broadcast(&self, line: &str) {
        self.keep(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::{
        fd::OwnedFd,
        unix::net::UnixStream, //
    };

    /// Then a question is repeated; a signal ends it.
    #[test]
    fn an_answer_is_waited_for_so_long_and_no_longer() {
        let signals = Signals::default();
        let terminal = Terminal::new(false, false, signals.clone());
        let (mut keys, end) = UnixStream::pair().unwrap();
        let end = File::from(OwnedFd::from(end));
        let soon = Duration::from_millis(150);
        assert_eq!(terminal.wait(&end, soon), Some(false));
        for signal in [&signals.interrupt, &signals.stop] {
            signal.store(true, Ordering::Relaxed);
            assert_eq!(terminal.wait(&end, PATIENCE), None);
        }
        signals.stop.store(false, Ordering::Relaxed);
        keys.write_all(b"yes\n").unwrap();
        assert_eq!(terminal.wait(&end, PATIENCE), Some(true));
    }
}
