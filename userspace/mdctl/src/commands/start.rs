// SPDX-License-Identifier: GPL-2.0
//! `mdctl start`

use crate::{
    admin::requests::database::{
        self,
        Loss, //
    },
    discover::members::{
        bystanders,
        scan, //
    },
    explain::{
        self,
        Failure,
        Subject, //
    },
    output::Answer,
    syntax, Machine,
};
use clap::Parser;

/// Start the set whose replicas are on this machine's disks: its metadevices are there then.
///
/// It starts for writing if more than half of the voting replicas are there, or exactly half and a
/// tie-breaker that agrees with them. Else what is there may be old: --read-only shows it, and
/// --give-up-missing makes it the truth.
#[derive(Debug, Parser)]
#[command(name = "start", verbatim_doc_comment)]
pub struct Arguments {
    /// Where it cannot be started for writing, start it to read
    #[arg(long)]
    read_only: bool,

    /// Replicas that are not there are gone for ever: start for writing without them, with what is
    /// there. Changes that only they knew of are lost
    #[arg(long, conflicts_with = "read_only")]
    give_up_missing: bool,

    /// Uuid of the set, if there are several; 'mdctl scan' shows them
    #[arg(value_name = "SET")]
    set: Option<String>,
}

/// Runs the command.
pub fn run(
    arguments: Arguments,
    machine: &mut Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let set = match &arguments.set {
        None => None,
        Some(word) => Some(syntax::uuid(word).ok_or_else(|| {
            explain::word("mdctl start", word, "is no uuid of a set".to_string())
        })?),
    };
    let found = scan(machine.host).map_err(|error| explain::device::unknown("", &error))?;
    let others = bystanders(machine.host, &found);
    let others = others.map_err(|error| explain::device::unknown("", &error))?;
    let members: Vec<_> = found.into_iter().map(|found| found.member).collect();
    let loss = match (arguments.read_only, arguments.give_up_missing) {
        (true, _) => Loss::ReadOnly,
        (_, true) => Loss::GivenUp,
        _ => Loss::Refused,
    };
    let started = database::start(machine.admin, set, &members, &others, loss);
    let started = started.map_err(|error| explain::request(&error, &Subject::none()))?;
    answer.line(&format!(
        "set {}: {} metadevices started",
        started.set, started.units
    ));
    if started.failed > 0 {
        return Err(Failure::of(
            "the set",
            format!("{} metadevices could not be made", started.failed),
            "dmesg | grep md_rs",
        ));
    }
    Ok(())
}
