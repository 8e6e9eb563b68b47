// SPDX-License-Identifier: GPL-2.0
//! `mddump`: backup in dump format, by the crate `md-dump`. What is done here is what that cannot
//! do itself: taking a side of a mirror out of service and bringing it back.

pub use md_dump::options::Arguments;

use crate::{
    admin::{
        requests::{
            self,
            sides::Change, //
        },
        Admin,
    },
    explain::{
        self,
        Failure,
        Next,
        Subject, //
    },
    output::Answer,
    sides::Side,
    syntax::name::{
        component_path,
        MetadeviceName, //
    },
    unit::{
        Body,
        Component, //
    },
    Machine,
};
use md_dump::{
    backup,
    console::{
        Console,
        Recorded,
        Terminal, //
    },
    options,
    signals::Signals,
    submirror::Manager,
    Exit, //
};
use md_report::{
    ExitStatus,
    State, //
};
use std::{
    ffi::OsString,
    sync::Arc, //
};

/// Name of the command.
pub const NAME: &str = "mddump";

/// Whether the words behind `mdctl dump` are meant for this command.
pub(crate) fn is_meant(words: &[OsString]) -> bool {
    let words: Vec<String> = words.iter().map(text).collect();
    options::is_dumps(&words)
}

/// A command line, its name first, with each option in a word of its own.
pub(crate) fn plain(words: Vec<OsString>) -> Vec<OsString> {
    let mut words: Vec<String> = words.iter().map(text).collect();
    if words.is_empty() {
        return Vec::new();
    }
    let name = words.remove(0);
    let rest = options::plain(&words);
    [name].into_iter().chain(rest).map(OsString::from).collect()
}

fn text(word: &OsString) -> String {
    word.to_string_lossy().into_owned()
}

/// Runs the command.
pub fn run(
    arguments: Arguments,
    machine: &mut Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let signals = Signals::of_process();
    let signals = signals.map_err(|error| explain::line(NAME, error.to_string()))?;
    // A script gets one document, and nobody to answer its questions.
    let console: Arc<dyn Console> = if answer.is_for_scripts {
        Arc::new(Recorded::default())
    } else {
        let (quiet, notify) = (arguments.quiet, arguments.notify);
        Arc::new(Terminal::new(quiet, notify, signals.clone()))
    };
    let mut sides = Sides {
        admin: machine.admin,
        has_changed: false,
    };
    let done = backup::run_with(&arguments, console, signals, &mut sides);
    answer.has_changed = sides.has_changed;
    match done {
        Ok(text) => {
            answer.text = text;
            Ok(())
        }
        Err(failure) => Err(explained(failure)),
    }
}

/// A failure of the backup as one of this tool.
fn explained(failure: backup::Failure) -> Failure {
    let backup::Failure {
        what,
        reason,
        next,
        exit,
    } = failure;
    let status = match exit {
        Exit::Aborted => ExitStatus::Aborted,
        Exit::Done | Exit::NotBegun => ExitStatus::Error,
    };
    Failure {
        device: Some(what).filter(|what| !what.is_empty()),
        status,
        ..Failure::of("", reason, next)
    }
}

/// Sides of mirrors, which the kernel takes out of service and brings back.
struct Sides<'a> {
    admin: &'a mut dyn Admin,
    has_changed: bool,
}

/// The names of a mirror and its side.
fn names(mirror: &str, submirror: &str) -> Result<Side, backup::Failure> {
    Side::named(NAME, mirror, submirror).map_err(told)
}

impl Sides<'_> {
    fn change(
        &mut self,
        mirror: &str,
        submirror: &str,
        change: Change,
    ) -> Result<(), backup::Failure> {
        let Side { mirror, submirror } = names(mirror, submirror)?;
        let name = [submirror.to_string()];
        requests::sides::change(self.admin, mirror, submirror, change, false)
            .map_err(|error| told(explain::request(&error, &Subject::part(mirror, &name))))?;
        self.has_changed = true;
        Ok(())
    }
}

/// A failure of this tool as one of the backup.
fn told(failure: Failure) -> backup::Failure {
    let next = match failure.next {
        Next::Command(command) => command,
        Next::SameAsRoot => "sudo mddump ...".to_string(),
        Next::Same | Next::SameWithForce => "metastat".to_string(),
    };
    backup::Failure::new(&failure.device.unwrap_or_default(), &failure.reason, &next)
}

impl Manager for Sides<'_> {
    fn offline(&mut self, mirror: &str, submirror: &str) -> Result<(), backup::Failure> {
        self.change(mirror, submirror, Change::Offlined)
    }

    fn online(&mut self, mirror: &str, submirror: &str) -> Result<(), backup::Failure> {
        self.change(mirror, submirror, Change::Onlined)
    }

    fn is_offline(&mut self, mirror: &str, submirror: &str) -> Result<bool, backup::Failure> {
        let Side { mirror, submirror } = names(mirror, submirror)?;
        let unit = requests::status(self.admin, mirror)
            .map_err(|error| told(explain::request(&error, &Subject::unit(mirror))))?;
        let Body::Mirror(body) = &unit.body else {
            return Ok(false);
        };
        let its_own = |side: &&Component| MetadeviceName::at_path(&side.device) == Some(submirror);
        let side = body.submirrors.iter().find(its_own);
        Ok(side.is_some_and(|side| side.state == State::Offline))
    }

    fn device(&self, name: &str) -> String {
        component_path(name).unwrap_or_else(|_| name.to_string())
    }
}
