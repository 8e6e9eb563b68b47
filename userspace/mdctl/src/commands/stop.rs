// SPDX-License-Identifier: GPL-2.0
//! `mdctl stop`

use crate::{
    admin::requests::database,
    explain::{
        self,
        Failure,
        Subject, //
    },
    output::Answer,
    Machine,
};
use clap::Parser;

/// Stop the set: its metadevices go, and their state stays in the state database.
///
/// A set of which a metadevice is open is not stopped.
#[derive(Debug, Parser)]
#[command(name = "stop", verbatim_doc_comment)]
pub struct Arguments {}

/// Runs the command.
pub fn run(_: Arguments, machine: &mut Machine<'_>, answer: &mut Answer) -> Result<(), Failure> {
    let stopped = database::stop(machine.admin);
    let count = stopped.map_err(|error| explain::request(&error, &Subject::none()))?;
    answer.line(&format!("{count} metadevices stopped"));
    Ok(())
}
