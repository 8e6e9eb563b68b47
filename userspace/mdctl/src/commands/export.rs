// SPDX-License-Identifier: GPL-2.0
//! `mdctl export`

use crate::{
    admin::requests::{
        database,
        pools, //
    },
    description,
    explain::{
        self,
        Failure,
        Subject, //
    },
    output::Answer,
    Machine,
};
use clap::Parser;

/// Print a description of the set, from which 'mdctl import' makes its metadevices again.
///
/// It is in md.tab syntax, so that metainit -a reads it too. Comments tell where the replicas of
/// the state database are, and by what each device is known: the uuid in its label, that of its
/// partition, and the world-wide name of its disk. So one can find the devices again after their
/// paths have changed.
#[derive(Debug, Parser)]
#[command(
    name = "export",
    verbatim_doc_comment,
    after_help = "Examples:
  mdctl export >set.md       Keep the description
  mdctl import -n set.md     See whether it could be made of what is here"
)]
pub struct Arguments {
    /// Name or uuid of the set: the running one, or local
    #[arg(value_name = "SET")]
    set: Option<String>,
}

/// Runs the command.
pub fn run(
    arguments: Arguments,
    machine: &mut Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let asked = |error| explain::request(&error, &Subject::none());
    let database = database::database(machine.admin).map_err(asked)?;
    super::check_set(arguments.set.as_deref(), database.as_ref())?;
    let units = description::units(machine.admin).map_err(asked)?;
    let pools = pools::list(machine.admin).map_err(asked)?;
    answer.text = description::exported(machine.host, database.as_ref(), &units, &pools);
    answer.document.description = Some(answer.text.clone());
    answer.document.database = database.as_ref().map(Into::into);
    answer.document.metadevices = Some(units.iter().map(Into::into).collect());
    Ok(())
}
