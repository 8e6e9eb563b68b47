// SPDX-License-Identifier: GPL-2.0
//! `metasync`

use crate::{
    admin::{
        requests::{
            self,
            scrub::{
                self,
                Wanted, //
            },
            sides::{
                cancel_sync,
                pause_sync,
                resume_sync,
                start_sync, //
            }, //
        },
        Admin, //
    },
    checking,
    explain::{
        self,
        Failure,
        Subject, //
    },
    output::Answer,
    syntax::name::MetadeviceName,
    unit::{
        Body,
        Unit, //
    },
    waiting::wait,
    Machine,
};
use clap::Parser;
use md_abi::admin::Refusal;
use md_report::ResyncState;
use std::collections::BTreeMap;

/// Start or cancel the resync or a check of mirrors and RAID5 metadevices.
///
/// A resync starts by itself when there is something to do; this starts one that was cancelled, or
/// that could not go on. A check reads all submirrors and says where they differ, or all components
/// of RAID5 and says in which rows the parity does not fit; metastat shows what it has found. The
/// metadevice may be in use.
#[derive(Debug, Parser)]
#[command(
    name = "metasync",
    verbatim_doc_comment,
    override_usage = "metasync [-w] MIRROR
       metasync -c [--check] MIRROR
       metasync {--pause | --resume} MIRROR
       metasync -r [-w]
       metasync --check [-w] {MIRROR | -a}
       metasync --repair[=SUBMIRROR] [-w] MIRROR"
)]
pub struct Arguments {
    /// Cancel: the resync stops until metasync starts it again, and a check ends; with --check,
    /// only that
    #[arg(short = 'c', conflicts_with_all = ["recover", "wait"])]
    cancel: bool,

    /// The resync pauses until it is resumed or started, or until the set is started again
    #[arg(long, conflicts_with_all = ["cancel", "recover", "wait", "check", "repair"])]
    pause: bool,

    /// A resync that pauses goes on
    #[arg(
        long,
        conflicts_with_all = ["pause", "cancel", "recover", "wait", "check", "repair"]
    )]
    resume: bool,

    /// All mirrors that need it but those with pass 0, in the order of their passes
    #[arg(short = 'r', conflicts_with = "name")]
    recover: bool,

    /// Wait until the resync or check is done; with -r, for those of each pass before the next one
    /// begins. A check ends with an error if submirrors differ
    #[arg(short = 'w', long = "wait")]
    wait: bool,

    /// Read all submirrors, or components of RAID5, and compare them
    #[arg(long, conflicts_with_all = ["recover", "repair"])]
    check: bool,

    /// The same, and make equal what differs: as more than half of the submirrors have it, or as
    /// SUBMIRROR has it; of RAID5, make the parity of the data
    #[arg(
        long,
        value_name = "SUBMIRROR",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        conflicts_with_all = ["recover", "cancel"]
    )]
    repair: Option<String>,

    /// With --check: all mirrors and RAID5 metadevices, with -w one after the other
    #[arg(short = 'a', requires = "check", conflicts_with_all = ["name", "cancel"])]
    all: bool,

    /// The mirror or RAID5 metadevice, such as d10
    #[arg(value_name = "MIRROR", required_unless_present_any = ["recover", "all"])]
    name: Option<String>,
}

/// Runs the command.
pub fn run(
    arguments: Arguments,
    machine: &mut Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let Some(word) = &arguments.name else {
        return if arguments.all {
            checking::check_all(machine, arguments.wait, answer)
        } else {
            recover(machine, arguments.wait, answer)
        };
    };
    let name = explain::name("metasync", word)?;
    if let Some(wanted) = wanted_scrub(&arguments)? {
        return checking::scrub(machine, name, wanted, arguments.wait, answer);
    }
    if arguments.cancel {
        return cancel(machine, name, answer);
    }
    if arguments.pause || arguments.resume {
        return pause(machine, name, arguments.pause, answer);
    }
    start_sync(machine.admin, name)
        .map_err(|error| explain::request(&error, &Subject::unit(name)))?;
    answer.line(&format!("{name}: resync is started"));
    answer.show(machine, &[name])?;
    if arguments.wait {
        wait(machine, &[name], answer)?;
    }
    Ok(())
}

/// Has a resync pause, or go on.
fn pause(
    machine: &mut Machine<'_>,
    name: MetadeviceName,
    pauses: bool,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let (ask, done): (fn(&mut dyn Admin, _) -> _, _) = if pauses {
        (pause_sync, "resync pauses")
    } else {
        (resume_sync, "resync goes on")
    };
    ask(machine.admin, name).map_err(|error| explain::request(&error, &Subject::unit(name)))?;
    answer.line(&format!("{name}: {done}"));
    answer.show(machine, &[name])
}

/// What is asked of a check, if anything is.
fn wanted_scrub(arguments: &Arguments) -> Result<Option<Wanted>, Failure> {
    Ok(match arguments.repair.as_deref() {
        Some("") => Some(Wanted::Repair),
        Some(side) => Some(Wanted::RepairFrom(explain::name("metasync", side)?)),
        None if arguments.check && arguments.cancel => Some(Wanted::Cancel),
        None if arguments.check => Some(Wanted::Check),
        None => None,
    })
}

/// Cancels what is under way, be it a resync, a check or both.
fn cancel(
    machine: &mut Machine<'_>,
    name: MetadeviceName,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let synced = cancel_sync(machine.admin, name);
    if synced.is_ok() {
        answer.line(&format!("{name}: resync is cancelled"));
    }
    let has_sync = match &synced {
        Err(error) => error.refusal() != Some(Refusal::NothingToResync),
        Ok(()) => true,
    };
    let checked = scrub::scrub(machine.admin, name, Wanted::Cancel);
    if checked.is_ok() {
        answer.line(&format!("{name}: check is cancelled"));
    }
    if has_sync || checked.is_err() {
        synced.map_err(|error| explain::request(&error, &Subject::unit(name)))?;
    }
    answer.show(machine, &[name])
}

/// Starts what has to be resynced, pass by pass (`svm.md` section 4.6).
fn recover(machine: &mut Machine<'_>, waits: bool, answer: &mut Answer) -> Result<(), Failure> {
    let units = requests::status_of_all(machine.admin)
        .map_err(|error| explain::request(&error, &Subject::none()))?;
    let mut passes: BTreeMap<u32, Vec<(MetadeviceName, ResyncState)>> = BTreeMap::new();
    for (pass, name, state) in units.iter().filter_map(wanted) {
        passes.entry(pass).or_default().push((name, state));
    }
    let mut shown = Vec::new();
    let mut failures = Vec::new();
    for mirrors in passes.into_values() {
        for (name, state) in &mirrors {
            if !matches!(*state, ResyncState::Running | ResyncState::Waiting) {
                failures.extend(start(machine, *name, answer).err());
            }
        }
        let names: Vec<_> = mirrors.iter().map(|(name, _)| *name).collect();
        if waits {
            failures.extend(wait(machine, &names, answer).err());
        }
        shown.extend(names);
    }
    answer.show(machine, &shown)?;
    let last = failures.pop();
    answer.failures.extend(failures);
    last.map_or(Ok(()), Err)
}

/// Starts the resync of one of them. If it was done or cleared meanwhile, all is well.
fn start(
    machine: &mut Machine<'_>,
    name: MetadeviceName,
    answer: &mut Answer,
) -> Result<(), Failure> {
    match start_sync(machine.admin, name) {
        Ok(()) => answer.line(&format!("{name}: resync is started")),
        Err(error) if error.refusal() == Some(Refusal::NothingToResync) => {}
        Err(error) => return Err(explain::request(&error, &Subject::unit(name))),
    }
    Ok(())
}

/// Pass, name and state of a mirror that has something to resync, unless it is one that the
/// administrator has left out.
fn wanted(unit: &Unit) -> Option<(u32, MetadeviceName, ResyncState)> {
    let Body::Mirror(mirror) = &unit.body else {
        return None;
    };
    let pass = mirror.options.pass;
    let resync = mirror.resync.filter(|_| pass > 0)?;
    Some((pass, unit.name, resync.state))
}
