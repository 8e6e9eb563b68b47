// SPDX-License-Identifier: GPL-2.0
//! `mdctl scan`

use crate::{
    discover::members::scan,
    explain::{
        self,
        Failure, //
    },
    output::Answer,
    Machine,
};
use clap::Parser;

/// Show the devices on which sets have replicas and components.
#[derive(Debug, Parser)]
#[command(name = "scan", verbatim_doc_comment)]
pub struct Arguments {}

/// Runs the command.
pub fn run(_: Arguments, machine: &mut Machine<'_>, answer: &mut Answer) -> Result<(), Failure> {
    let found = scan(machine.host).map_err(|error| explain::device::unknown("", &error))?;
    answer.document.members = Some(found.iter().map(Into::into).collect());
    for found in found {
        answer.line(&found.line());
    }
    Ok(())
}
