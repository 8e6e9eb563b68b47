// SPDX-License-Identifier: GPL-2.0
//! Writing the answer of a command.

pub mod json;
pub mod text;

use crate::{
    explain::{
        Failure,
        Next, //
    },
    multicall::Finished,
};
use md_report::{
    Document,
    ExitStatus, //
};
use std::io::{
    self,
    ErrorKind,
    Write, //
};

/// What a command has to say, in both forms. It grows as the command gets on, so that what was
/// done before a failure is told.
#[derive(Debug, Default)]
pub struct Answer {
    /// Text for standard output.
    pub text: String,
    /// The same for scripts.
    pub document: Document,
}

impl Answer {
    /// Adds a line of text.
    pub fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }
}

/// Writes what a command has to say: as JSON everything in one document to standard output, as
/// text the answer to standard output and the failure to standard error.
pub fn write(finished: &Finished, stdout: &mut dyn Write, stderr: &mut dyn Write) -> ExitStatus {
    let written = if finished.json {
        json::write(finished, stdout)
    } else {
        stdout.write_all(finished.answer.text.as_bytes())
    };
    let unwritten = written.and_then(|()| stdout.flush()).err();
    let shown = finished.failure.as_ref().filter(|_| !finished.json);
    let failures = shown
        .cloned()
        .into_iter()
        .chain(unwritten.as_ref().and_then(lost_output));
    for failure in failures {
        // There is no third place to report that standard error cannot be written.
        let _ = stderr.write_all(text::failure(finished, &failure).as_bytes());
    }
    if finished.failure.is_none() && unwritten.is_none() {
        ExitStatus::Done
    } else {
        ExitStatus::Error
    }
}

/// Standard output that cannot be written. A reader who has seen enough is no failure to tell of.
fn lost_output(error: &io::Error) -> Option<Failure> {
    (error.kind() != ErrorKind::BrokenPipe).then(|| {
        Failure::of(
            "standard output",
            format!("cannot be written: {error}"),
            "df -h",
        )
    })
}

/// The next command of a failure.
fn next_command(finished: &Finished, failure: &Failure) -> String {
    match &failure.next {
        Next::Command(command) => command.clone(),
        Next::SameAsRoot => format!("sudo {}", finished.command_line),
    }
}
