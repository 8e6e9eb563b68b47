// SPDX-License-Identifier: GPL-2.0
//! `mdctl start`

use crate::{
    admin::requests::{
        self,
        database::{
            self,
            Loss, //
        },
        RequestError, //
    },
    discover::{
        members::{
            bystanders,
            scan, //
        },
        Host, //
    },
    explain::{
        self,
        Failure,
        Subject, //
    },
    output::Answer,
    returning::take_all_back,
    syntax,
    Machine, //
};
use clap::Parser;
use md_abi::admin::Refusal;
use std::fs;

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
    /// there. Changes that only they knew of are lost. All of each mirror is copied from its first
    /// side that is not known to have failed, which may have failed since: look at it with
    /// --read-only first
    #[arg(long, conflicts_with = "read_only")]
    give_up_missing: bool,

    /// Only if all of its replicas and components are there; if not, or if there is nothing to
    /// start, that is no error. For udev, which calls this for every device that appears
    #[arg(long, conflicts_with_all = ["read_only", "give_up_missing"])]
    when_complete: bool,

    /// With what is there: for writing where that is enough, else to read; if it is started
    /// already, or no replica is there, that is no error. For the boot, which has waited long
    /// enough
    #[arg(long, conflicts_with_all = ["read_only", "give_up_missing", "when_complete"])]
    at_last: bool,

    /// Uuid of the set, if there are several; 'mdctl scan' shows them
    #[arg(value_name = "SET")]
    set: Option<String>,
}

impl Arguments {
    /// What is to be done if something of the set is missing.
    fn loss(&self) -> Loss {
        if self.when_complete {
            Loss::WaitForAll
        } else if self.read_only || self.at_last {
            Loss::ReadOnly
        } else if self.give_up_missing {
            Loss::GivenUp
        } else {
            Loss::Refused
        }
    }
}

/// Whether it is no error that a set was not started because one was complete.
fn is_in_order(error: &RequestError) -> bool {
    matches!(
        error.refusal(),
        Some(Refusal::SetIncomplete | Refusal::SetIsLoaded | Refusal::NoReplicaFound)
    )
}

/// The file that is there while a set waits for devices, which may be any: udev looks for it.
const WAITING: &str = "run/md_rs/waiting";

/// Writes down whether a set waits. If that is not possible, the timer of the boot has it started.
fn waits(host: &dyn Host, is_so: bool) {
    let file = host.root().join(WAITING);
    let _ = match (is_so, file.parent()) {
        (true, Some(folder)) => {
            fs::create_dir_all(folder).and_then(|()| fs::write(&file, "a set is incomplete\n"))
        }
        _ => fs::remove_file(&file),
    };
}

/// Gives devices that are back to the components that wait for them.
fn take_back(machine: &mut Machine<'_>) -> Result<(), Failure> {
    let units = requests::status_of_all(machine.admin);
    let units = units.map_err(|error| explain::request(&error, &Subject::none()))?;
    let family = units.iter().map(Into::into).collect();
    take_all_back(units.iter(), &family, machine)
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
    let started = database::start(machine.admin, set, &members, &others, arguments.loss());
    let started = match started {
        Err(error) if arguments.when_complete && is_in_order(&error) => {
            waits(
                machine.host,
                error.refusal() == Some(Refusal::SetIncomplete),
            );
            // The device that appeared may be one that the set was started without.
            return match error.refusal() {
                Some(Refusal::SetIsLoaded) => take_back(machine),
                _ => Ok(()),
            };
        }
        Err(error) if arguments.at_last && error.refusal() == Some(Refusal::SetIsLoaded) => {
            return Ok(());
        }
        Err(error) if arguments.at_last && error.refusal() == Some(Refusal::NoReplicaFound) => {
            answer.line("no replica of a state database was found: nothing is started");
            return Ok(());
        }
        started => started.map_err(|error| explain::request(&error, &Subject::none()))?,
    };
    waits(machine.host, false);
    let running = database::database(machine.admin);
    let running = running.map_err(|error| explain::request(&error, &Subject::none()))?;
    let is_read_only = running.is_some_and(|database| !database.is_writable);
    answer.line(&format!(
        "set {}: {} metadevices started{}",
        started.set,
        started.units,
        if is_read_only { ", READ-ONLY" } else { "" }
    ));
    if is_read_only {
        answer.text += explain::database::READ_ONLY;
    }
    if started.failed > 0 {
        return Err(Failure::of(
            "the set",
            format!("{} metadevices could not be made", started.failed),
            "dmesg | grep md_rs",
        ));
    }
    Ok(())
}
