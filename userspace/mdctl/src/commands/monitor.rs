// SPDX-License-Identifier: GPL-2.0
//! `mdctl monitor`

use crate::{
    admin::requests::{
        events::{
            self,
            Batch, //
        },
        RequestError, //
    },
    explain::{
        self,
        Failure,
        Subject, //
    },
    output::{
        lost_output,
        Answer, //
    },
    Machine,
};
use clap::Parser;
use md_abi::admin::Refusal;
use md_report::Document;
use std::{
    io,
    sync::atomic::Ordering::SeqCst,
    time::Duration, //
};

/// How long the kernel is waited for at once. A signal that comes just before that is seen after
/// it.
const WAIT: Duration = Duration::from_secs(1);

/// Show changes of state as they happen.
///
/// They are those of metadevices, components, hot spares, replicas and the set. Each is one line;
/// with --json, one document a line. The kernel keeps the last 256, and whoever reads too slowly is
/// told how many are lost. Interrupt it to end it.
#[derive(Debug, Parser)]
#[command(name = "monitor", verbatim_doc_comment)]
pub struct Arguments {
    /// Begin with the events that the kernel has kept
    #[arg(long)]
    past: bool,

    /// Begin behind the event with this number: the "sequence" of a document, the MD_SEQNUM of a
    /// uevent
    #[arg(long, value_name = "NUMBER", conflicts_with = "past")]
    after: Option<u64>,

    /// Show what there is, and do not wait for more; without --after like --past
    #[arg(long)]
    once: bool,

    /// End when so many events were shown
    #[arg(long, value_name = "EVENTS")]
    count: Option<u64>,
}

/// Runs the command.
pub fn run(
    arguments: Arguments,
    machine: &mut Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    answer.is_streamed = true;
    let interrupted = machine.host.interruptions();
    let interrupted = interrupted.map_err(|error| explain::events::no_signals(&error))?;
    let mut after = begin(&arguments, machine)?;
    let mut left = arguments.count.unwrap_or(u64::MAX);
    let wait = if arguments.once { Duration::ZERO } else { WAIT };
    while left > 0 {
        match events::read(machine.admin, after, wait) {
            Ok(batch) => {
                after = batch.after;
                let is_empty = batch.events.is_empty() && batch.lost == 0;
                if let Err(error) = show(machine, batch, &mut left, answer.is_for_scripts) {
                    return lost_output(&error).map_or(Ok(()), Err);
                }
                if arguments.once && is_empty {
                    return Ok(());
                }
            }
            Err(error) if error.refusal() == Some(Refusal::Interrupted) => {}
            Err(error) => return Err(refused(&error)),
        }
        // What does not wait comes to its end by itself.
        if !arguments.once && interrupted.load(SeqCst) {
            return Ok(());
        }
    }
    Ok(())
}

/// Number of the last event that is not of interest.
fn begin(arguments: &Arguments, machine: &mut Machine<'_>) -> Result<u64, Failure> {
    match arguments.after {
        Some(after) => Ok(after),
        None if arguments.past || arguments.once => Ok(0),
        None => events::newest(machine.admin).map_err(|error| refused(&error)),
    }
}

fn refused(error: &RequestError) -> Failure {
    explain::request(error, &Subject::none())
}

/// Shows what has happened, up to as many events as are left to be shown.
fn show(
    machine: &mut Machine<'_>,
    batch: Batch,
    left: &mut u64,
    is_for_scripts: bool,
) -> io::Result<()> {
    if batch.lost > 0 {
        let text = format!("{} events are lost", batch.lost);
        let document = Document {
            lost: Some(batch.lost),
            ..Document::default()
        };
        say(machine, &text, &document, is_for_scripts)?;
    }
    for event in &batch.events {
        let Some(less) = left.checked_sub(1) else {
            break;
        };
        *left = less;
        let document = Document {
            event: Some(event.into()),
            ..Document::default()
        };
        say(machine, &event.line(), &document, is_for_scripts)?;
    }
    Ok(())
}

fn say(
    machine: &mut Machine<'_>,
    text: &str,
    document: &Document,
    is_for_scripts: bool,
) -> io::Result<()> {
    if is_for_scripts {
        machine.host.say(&serde_json::to_string(document)?)
    } else {
        machine.host.say(text)
    }
}
