// SPDX-License-Identifier: GPL-2.0
//! Writing the answer of a command.

pub mod database;
pub mod dump;
mod human_size;
pub mod json;
pub mod mirror;
pub mod multihost;
pub mod pools;
mod raid;
pub(crate) mod scrub;
mod table;
pub mod text;

use crate::{
    admin::requests,
    explain::{
        self,
        Failure,
        Next,
        Subject, //
    },
    multicall::Finished,
    syntax::{
        name::MetadeviceName,
        shell::quoted, //
    },
    Machine,
};
use md_report::{
    Document,
    ExitStatus, //
};
use std::{
    io::{
        self,
        ErrorKind,
        Write, //
    },
    path::Path, //
};

/// What a command has to say, in both forms. It grows as the command gets on, so that what was
/// done before a failure is told.
#[derive(Debug, Default)]
pub struct Answer {
    /// Text for standard output.
    pub text: String,
    /// The same for scripts.
    pub document: Document,
    /// Failures that did not end the command. One that ends it follows and tells of them all.
    pub failures: Vec<Failure>,
    /// Whether the configuration was changed, also if something failed afterwards.
    pub has_changed: bool,
    /// Whether it is read by a script, so that nothing is shown before it is complete.
    pub is_for_scripts: bool,
    /// Whether everything but a failure was said by [`Host::say`](crate::discover::Host::say).
    pub is_streamed: bool,
}

impl Answer {
    /// Adds a line of text.
    pub fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Puts metadevices, as they are now, into the document.
    pub fn show(
        &mut self,
        machine: &mut Machine<'_>,
        names: &[MetadeviceName],
    ) -> Result<(), Failure> {
        let mut units = Vec::new();
        for name in names {
            let unit = requests::status(machine.admin, *name)
                .map_err(|error| explain::request(&error, &Subject::unit(*name)))?;
            units.push((&unit).into());
        }
        self.document.metadevices = Some(units);
        Ok(())
    }
}

/// Writes what a command has to say: as JSON everything in one document to standard output, as
/// text the answer to standard output and the failure to standard error.
pub fn write(finished: &Finished, stdout: &mut dyn Write, stderr: &mut dyn Write) -> ExitStatus {
    let has_nothing = finished.answer.is_streamed && finished.failure.is_none();
    let written = if finished.json && has_nothing {
        Ok(())
    } else if finished.json {
        json::write(finished, stdout)
    } else {
        stdout.write_all(finished.answer.text.as_bytes())
    };
    for warning in finished
        .answer
        .document
        .warnings
        .iter()
        .filter(|_| !finished.json)
    {
        let _ = stderr.write_all(text::warning(finished, warning).as_bytes());
    }
    let unwritten = written.and_then(|()| stdout.flush()).err();
    let told = finished.answer.failures.iter().chain(&finished.failure);
    let told = told.filter(|_| !finished.json).cloned();
    for failure in told.chain(unwritten.as_ref().and_then(lost_output)) {
        // There is no third place to report that standard error cannot be written.
        let _ = stderr.write_all(text::failure(finished, &failure).as_bytes());
    }
    match &finished.failure {
        Some(failure) => failure.status,
        None if unwritten.is_some() => ExitStatus::Error,
        None => ExitStatus::Done,
    }
}

/// Standard output that cannot be written. A reader who has seen enough is no failure to tell of.
pub fn lost_output(error: &io::Error) -> Option<Failure> {
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
        Next::Same => line(&finished.words),
        Next::SameAsRoot => format!("sudo {}", line(&finished.words)),
        Next::SameWithForce => with_force(finished),
    }
}

/// The command line with `-f` behind the name of the command, which is the name of the program or
/// the first word after it.
fn with_force(finished: &Finished) -> String {
    let mut words = finished.words.clone();
    let is_command = |word: &String| Path::new(word).ends_with(&finished.command);
    let command = words.iter().position(is_command);
    words.insert(
        command.map_or(words.len(), |word| word + 1),
        "-f".to_string(),
    );
    line(&words)
}

/// Words as one would type them.
fn line(words: &[String]) -> String {
    let words: Vec<_> = words.iter().map(|word| quoted(word)).collect();
    words.join(" ")
}
