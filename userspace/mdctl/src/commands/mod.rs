// SPDX-License-Identifier: GPL-2.0
//! The commands, one file each under SVM's name: its arguments, which are its help page, and
//! what it does. A command reads: parse, resolve, check, ask the kernel, report.

pub mod metaclear;
pub mod metainit;
pub mod metaparam;
pub mod metareplace;
pub mod metastat;
pub mod metattach;
pub mod version;

use crate::explain::{
    self,
    Failure, //
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
