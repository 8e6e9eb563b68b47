// SPDX-License-Identifier: GPL-2.0
//! `metadetach`

use crate::{
    admin::requests::sides::Change,
    explain::Failure,
    output::Answer,
    sides::Side,
    Machine, //
};
use clap::Parser;

/// Take a submirror out of its mirror.
///
/// The submirror is a metadevice by itself then, with what is on it now. The last submirror that
/// holds some data is never detached. The mirror may be in use.
#[derive(Debug, Parser)]
#[command(name = "metadetach", verbatim_doc_comment)]
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
    let side = Side::named("metadetach", &arguments.name, &arguments.submirror)?;
    side.change(Change::Detached, arguments.force, machine, answer)
}
