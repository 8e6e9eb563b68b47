// SPDX-License-Identifier: GPL-2.0
//! The commands, one file each under SVM's name: its arguments, which are its help page, and
//! what it does. A command reads: parse, resolve, check, ask the kernel, report.

pub mod dump;
pub mod export;
pub mod import;
pub mod mddump;
pub mod metaclear;
pub mod metadb;
pub mod metadetach;
pub mod metahs;
pub mod metainit;
pub mod metaoffline;
pub mod metaonline;
pub mod metaparam;
pub mod metarecover;
pub mod metarename;
pub mod metareplace;
pub mod metastat;
pub mod metasync;
pub mod metattach;
pub mod mhd;
pub mod monitor;
pub mod r#move;
pub mod probe;
pub mod scan;
pub mod start;
pub mod stop;
pub mod version;

use crate::{
    admin::requests::{
        self,
        database::Database, //
    },
    explain::{
        self,
        Failure,
        Subject, //
    },
    syntax::name::MetadeviceName,
    unit::Unit,
    Machine,
};
use clap::{
    ArgMatches,
    CommandFactory,
    FromArgMatches, //
};

/// The arguments of a command, as clap has found them.
pub fn arguments<A: CommandFactory + FromArgMatches>(matches: &ArgMatches) -> Result<A, Failure> {
    A::from_arg_matches(matches).map_err(|error| explain::usage(A::command().get_name(), &error))
}

/// Name of the set that a machine has to itself.
const LOCAL: &str = "local";

/// Sees that a word, if it is given, names the set that is running, by its name or uuid; or the one
/// that a machine has to itself, whether it is there or not.
fn check_set(word: Option<&str>, running: Option<&Database>) -> Result<(), Failure> {
    let is_it = |word: &str| {
        let named = |database: &Database| {
            word == database.name || word.eq_ignore_ascii_case(&database.set.to_string())
        };
        word == LOCAL || running.is_some_and(named)
    };
    match word {
        Some(word) if !is_it(word) => Err(explain::keeping::other_set(word, running)),
        _ => Ok(()),
    }
}

/// A metadevice as it is now, or why it cannot be read.
fn read(machine: &mut Machine<'_>, name: MetadeviceName) -> Result<Unit, Failure> {
    requests::status(machine.admin, name)
        .map_err(|error| explain::request(&error, &Subject::unit(name)))
}
