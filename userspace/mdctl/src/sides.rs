// SPDX-License-Identifier: GPL-2.0
//! Detaching, offlining and onlining a submirror: three commands that differ in one word.

use crate::{
    admin::requests::{
        self,
        sides::Change, //
    },
    explain::{
        self,
        Failure,
        Subject, //
    },
    output::Answer,
    syntax::name::MetadeviceName,
    Machine,
};

/// A submirror and its mirror.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Side {
    /// The mirror.
    pub mirror: MetadeviceName,
    /// The submirror.
    pub submirror: MetadeviceName,
}

impl Side {
    /// The one that two words of a command line name.
    pub fn named(command: &str, mirror: &str, submirror: &str) -> Result<Self, Failure> {
        Ok(Side {
            mirror: explain::name(command, mirror)?,
            submirror: explain::name(command, submirror)?,
        })
    }

    /// Changes it, and says so in the answer.
    pub fn change(
        self,
        change: Change,
        force: bool,
        machine: &mut Machine<'_>,
        answer: &mut Answer,
    ) -> Result<(), Failure> {
        let Side { mirror, submirror } = self;
        let name = [submirror.to_string()];
        requests::sides::change(machine.admin, mirror, submirror, change, force)
            .map_err(|error| explain::request(&error, &Subject::part(mirror, &name)))?;
        answer.has_changed = true;
        let what = match change {
            Change::Detached => "detached",
            Change::Offlined => "offlined",
            Change::Onlined => "onlined",
        };
        answer.line(&format!("{mirror}: submirror {submirror} is {what}"));
        answer.show(machine, &[mirror])
    }
}
