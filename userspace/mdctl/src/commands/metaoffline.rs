// SPDX-License-Identifier: GPL-2.0
//! `metaoffline`

use crate::{
    admin::requests::sides::Change,
    explain::Failure,
    output::Answer,
    sides::Side,
    Machine, //
};
use clap::Parser;

/// Take a submirror out of service for a while.
///
/// It is neither read nor written until metaonline brings it back, and what is written to the
/// mirror meanwhile is remembered, so that no more than that is copied then. It stays part of the
/// mirror, which may be in use.
///
/// Other than in SVM -f also leaves out that the mirror is being resynced. Another submirror has
/// everything in any case.
#[derive(Debug, Parser)]
#[command(name = "metaoffline", verbatim_doc_comment)]
pub struct Arguments {
    /// Also a submirror that needs maintenance or is being resynced
    #[arg(short = 'f')]
    force: bool,

    /// The mirror, such as d10
    #[arg(value_name = "MIRROR")]
    name: String,

    /// The submirror, such as d12
    #[arg(value_name = "SUBMIRROR")]
    submirror: String,
}

/// Runs the command.
pub fn run(
    arguments: Arguments,
    machine: &mut Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let side = Side::named("metaoffline", &arguments.name, &arguments.submirror)?;
    side.change(Change::Offlined, arguments.force, machine, answer)
}
