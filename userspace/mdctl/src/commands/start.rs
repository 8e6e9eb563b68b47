// SPDX-License-Identifier: GPL-2.0
//! `mdctl start`

use crate::{
    admin::requests::database,
    discover::members::scan,
    explain::{
        self,
        Failure,
        Subject, //
    },
    output::Answer,
    Machine,
};
use clap::Parser;
use md_model::database::identity::Uuid;

/// Start the set whose replicas are on this machine's disks: its metadevices are there then.
///
/// It starts for writing if more than half of the voting replicas are there, or exactly half and a
/// tie-breaker that agrees with them. Else what is there may be old.
#[derive(Debug, Parser)]
#[command(name = "start", verbatim_doc_comment)]
pub struct Arguments {
    /// Where it cannot be started for writing, start it to read
    #[arg(long)]
    read_only: bool,

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
        Some(word) => Some(uuid(word).ok_or_else(|| {
            explain::word("mdctl start", word, "is no uuid of a set".to_string())
        })?),
    };
    let found = scan(machine.host).map_err(|error| explain::device::unknown("", &error))?;
    let members: Vec<_> = found.into_iter().map(|found| found.member).collect();
    let started = database::start(machine.admin, set, &members, arguments.read_only);
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

/// The uuid that a word is, as people write it.
fn uuid(word: &str) -> Option<Uuid> {
    let digits: String = word.chars().filter(|letter| *letter != '-').collect();
    let number = u128::from_str_radix(&digits, 16).ok();
    number
        .filter(|_| digits.len() == 32)
        .map(|number| Uuid::from_bytes(number.to_be_bytes()))
}
