// SPDX-License-Identifier: GPL-2.0
//! `mdctl move`

use crate::{
    admin::requests::soft::{
        relocate,
        Relocation, //
    },
    explain::{
        self,
        Failure,
        Subject, //
    },
    output::Answer,
    syntax::name::component_word,
    Machine,
};
use clap::Parser;

/// Name of the command, as it stands in messages.
const COMMAND: &str = "mdctl move";

/// Move an extent of a soft partition to another place of what that is on.
///
/// The soft partition can be used meanwhile. What is written to the extent while it is copied is
/// copied once more, and at the end whoever uses it waits for a moment. The command comes back when
/// all is done; if it is interrupted, the extent stays where it was, and so it does if the power is
/// cut. The extents are counted as metastat shows them.
#[derive(Debug, Parser)]
#[command(
    name = "move",
    verbatim_doc_comment,
    after_help = "Examples:
  mdctl move d20 1             The second extent of d20, to the first place where it fits
  mdctl move d20 0 -o 8192     The first one, to block 8192 of what d20 is on"
)]
pub struct Arguments {
    /// Check only, move nothing
    #[arg(short = 'n')]
    check_only: bool,

    /// Where its data is to begin, in blocks
    #[arg(short = 'o', value_name = "OFFSET")]
    offset: Option<u64>,

    /// The soft partition
    #[arg(value_name = "NAME")]
    name: String,

    /// Number of the extent, from 0
    #[arg(value_name = "EXTENT")]
    extent: u32,
}

/// Runs the command.
pub fn run(
    arguments: Arguments,
    machine: &mut Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let name = explain::name(COMMAND, &arguments.name)?;
    let unit = super::read(machine, name)?;
    let Some(soft) = unit.soft() else {
        return Err(explain::soft::only_for_soft(name, "move"));
    };
    let base = soft.base.device.clone();
    let wanted = Relocation {
        extent: arguments.extent,
        sector: arguments.offset.unwrap_or(0),
        check_only: arguments.check_only,
    };
    let path = [base.clone()];
    let sector = relocate(machine.admin, name, wanted)
        .map_err(|error| explain::request(&error, &Subject::part(name, &path)))?;
    let (extent, word) = (arguments.extent, component_word(&base));
    let would = if arguments.check_only {
        "would go"
    } else {
        "is moved"
    };
    answer.line(&format!(
        "{name}: extent {extent} {would} to block {sector} of {word}"
    ));
    if arguments.check_only {
        return Ok(());
    }
    answer.has_changed = true;
    answer.show(machine, &[name])
}
