// SPDX-License-Identifier: GPL-2.0
//! `metaonline`

use crate::{
    admin::requests::sides::Change,
    explain::Failure,
    output::Answer,
    sides::Side,
    waiting::wait,
    Machine, //
};
use clap::Parser;

/// Bring a submirror back that metaoffline has taken out of service.
///
/// What was written to the mirror meanwhile is copied to it. The mirror may be in use, and other
/// than in SVM also be being resynced: then one resync does both.
#[derive(Debug, Parser)]
#[command(name = "metaonline", verbatim_doc_comment)]
pub struct Arguments {
    /// Wait until it is resynced
    #[arg(short = 'w', long = "wait")]
    wait: bool,

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
    let side = Side::named("metaonline", &arguments.name, &arguments.submirror)?;
    side.change(Change::Onlined, false, machine, answer)?;
    if arguments.wait {
        wait(machine, &[side.mirror], answer)?;
    }
    Ok(())
}
