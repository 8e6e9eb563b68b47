// SPDX-License-Identifier: GPL-2.0
//! `metarecover`

use crate::{
    admin::requests::{
        self,
        database::database,
        soft::Mended, //
    },
    explain::{
        self,
        recovery as told,
        Failure,
        Subject, //
    },
    output::Answer,
    rebuilding::Base,
    recovery::{
        carrying_out::{
            Manner,
            Recovery, //
        },
        labels::{
            self,
            Labelled, //
        },
    },
    syntax::name::{
        component_path,
        component_word,
        MetadeviceName, //
    },
    watermarks,
    Machine, //
};
use clap::Parser;
use std::collections::BTreeSet;

/// Name of the command, as it stands in messages.
const COMMAND: &str = "metarecover";

/// Check or mend the watermarks of soft partitions, or make a whole set again.
///
/// A soft partition is described twice: by its record in the state database, or in memory, and by
/// watermarks on its base, the device or metadevice that it is on. Without -d or -m they are
/// compared, and nothing is changed.
///
/// With --all the metadevices of a set of which every replica is lost are made again, by the labels
/// of their components and by watermarks. Begin a new state database first, on a device that is no
/// component: 'metadb -a -f DEVICE'. The labels do not say which side of a mirror is the good one.
/// Each mirror, and what is below of it, waits until somebody does. To look at the sides, use --all
/// without a state database: then they are made in memory, and soft partitions are not. Afterwards
/// 'metaclear -a' makes room for the new state database. Hot spare pools are made anew by metahs.
#[derive(Debug, Parser)]
#[command(
    name = COMMAND,
    verbatim_doc_comment,
    override_usage = "metarecover [-n] [-v] BASE -p [-d | -m]
       metarecover [-n] [-f] --all [--set SET] [--good SUBMIRROR]... [DEVICE...]",
    after_help = "Examples:
  metarecover d10 -p       See whether watermarks and records agree
  metarecover -v d10 -p    The same, with all watermarks
  metarecover d10 -p -m    Write the watermarks by the records: a power cut or a stray write has
                           left them incomplete
  metarecover sda -p -d    Make the soft partitions by the watermarks: the state database is lost
  metarecover -n --all     See what of a lost set could be made again
  metarecover --all --good d11
                           Make it again, with the mirror of which d11 is a submirror: the others
                           are made equal to d11"
)]
pub struct Arguments {
    /// Check only, change nothing
    #[arg(short = 'n')]
    check_only: bool,

    /// Show the watermarks
    #[arg(short = 'v')]
    verbose: bool,

    /// Soft partitions
    #[arg(short = 'p', required_unless_present = "all")]
    soft: bool,

    /// Make the soft partitions that the watermarks tell of
    #[arg(short = 'd', conflicts_with = "marks")]
    database: bool,

    /// Write the watermarks by the records; also brings changes to their end that were cut off
    #[arg(short = 'm')]
    marks: bool,

    /// A whole set, of which every replica is lost
    #[arg(long, conflicts_with_all = ["soft", "database", "marks", "verbose"])]
    all: bool,

    /// A submirror that has the data that its mirror is to have; may be given several times
    #[arg(long, value_name = "SUBMIRROR", requires = "all")]
    good: Vec<String>,

    /// Uuid of the set, if there are labels of several ones
    #[arg(long, value_name = "SET", requires = "all")]
    set: Option<String>,

    /// Also if there are replicas of the set, which cannot be used
    #[arg(short = 'f', requires = "all")]
    force: bool,

    /// The device or metadevice that the soft partitions are on; with --all the devices whose
    /// labels are believed, if not all
    #[arg(value_name = "BASE|DEVICE", required_unless_present = "all")]
    devices: Vec<String>,
}

/// Runs the command.
pub fn run(
    arguments: Arguments,
    machine: &mut Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let mut paths = Vec::new();
    for word in &arguments.devices {
        let path = component_path(word).map_err(|reason| explain::word(COMMAND, word, reason))?;
        paths.push(path);
    }
    if arguments.all {
        return recover_all(&arguments, &paths, machine, answer);
    }
    let [path] = &paths[..] else {
        let reason = "soft partitions of one BASE are recovered at a time";
        return Err(explain::line(COMMAND, reason.into()));
    };
    let base = Base::at(path.clone(), machine, arguments.check_only)?;
    if arguments.verbose || !(arguments.database || arguments.marks) {
        show(&base, arguments.verbose, machine, answer)?;
    }
    if arguments.database {
        let names = base.rebuild(machine, answer)?;
        if base.check_only {
            return Ok(());
        }
        answer.show(machine, &names)
    } else if arguments.marks {
        mend(&base, machine, answer)
    } else {
        compare(&base, machine, answer)
    }
}

/// Makes the metadevices of a lost set again.
fn recover_all(
    arguments: &Arguments,
    paths: &[String],
    machine: &mut Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let good = explain::names(COMMAND, &arguments.good)?;
    let failed = |error| explain::request(&error, &Subject::none());
    let running = database(machine.admin).map_err(failed)?;
    let there: BTreeSet<MetadeviceName> = requests::list(machine.admin)
        .map_err(failed)?
        .iter()
        .map(|kin| kin.name)
        .collect();
    let mut labels = labels::read(machine.host)?;
    labels.retain(|label| Some(label.set) != running.as_ref().map(|running| running.set));
    labels.retain(|label| paths.is_empty() || paths.contains(&label.path));
    let labels = of_one_set(labels, arguments)?;
    let manner = Manner {
        check_only: arguments.check_only,
        good,
        in_memory: running.is_none(),
    };
    Recovery::new(&labels, there, manner).run(machine, answer)
}

/// The labels of the set that is meant, which is lost.
fn of_one_set(mut labels: Vec<Labelled>, arguments: &Arguments) -> Result<Vec<Labelled>, Failure> {
    if let Some(set) = &arguments.set {
        labels.retain(|label| label.set.to_string() == *set);
    }
    let sets: BTreeSet<_> = labels
        .iter()
        .map(|label| format!("{} ({})", label.set, label.set_name))
        .collect();
    let sets: Vec<_> = sets.into_iter().collect();
    match &sets[..] {
        [] => return Err(told::nothing()),
        [_] => {}
        several => return Err(told::several(several)),
    }
    match labels.iter().find(|label| label.has_replica) {
        Some(label) if !arguments.force => Err(told::has_replica(&label.path)),
        _ => Ok(labels),
    }
}

/// The two tables: what the watermarks say, and what the records do.
fn show(
    base: &Base,
    with_free: bool,
    machine: &Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let chain = base.chain(machine)?;
    answer.text += &chain.table(with_free);
    answer.text += &watermarks::records_table(&base.own);
    Ok(())
}

/// Compares watermarks and records.
fn compare(base: &Base, machine: &mut Machine<'_>, answer: &mut Answer) -> Result<(), Failure> {
    let word = component_word(&base.path);
    if base.own.is_empty() {
        let chain = base.chain(machine)?;
        let layouts = chain.layouts();
        let count = layouts.len();
        answer.line(&format!(
            "{word}: watermarks tell of {count} soft partitions, and there are no records"
        ));
        return match chain.broken {
            Some(broken) if layouts.is_empty() && chain.marks.is_empty() => {
                Err(explain::soft::broken(&base.path, broken.0, &broken.1))
            }
            _ => Ok(()),
        };
    }
    let Mended { count, wrong, .. } = base.request(machine, true)?;
    if wrong > 0 {
        return Err(explain::soft::disagree(&base.path, wrong, count));
    }
    answer.line(&format!(
        "{word}: all {count} watermarks are as the records say"
    ));
    Ok(())
}

/// Writes the watermarks by the records.
fn mend(base: &Base, machine: &mut Machine<'_>, answer: &mut Answer) -> Result<(), Failure> {
    let word = component_word(&base.path);
    let mended = base.request(machine, base.check_only)?;
    let Mended {
        count,
        wrong,
        finished,
    } = mended;
    let would = if base.check_only { "would be" } else { "were" };
    answer.line(&format!(
        "{word}: {wrong} of {count} watermarks {would} written anew"
    ));
    if finished > 0 {
        answer.has_changed = true;
        answer.line(&format!(
            "{word}: changes of {finished} soft partitions were brought to their end"
        ));
    }
    Ok(())
}
