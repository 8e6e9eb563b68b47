// SPDX-License-Identifier: GPL-2.0
//! `mdctl mhd`

use crate::{
    admin::requests::multihost::{
        multihost,
        Asked, //
    },
    discover::Node,
    explain::{
        self,
        Failure,
        Subject, //
    },
    output::{
        multihost::paragraph,
        Answer, //
    },
    Machine,
};
use clap::{
    Args,
    Parser,
    Subcommand,
    ValueEnum, //
};
use md_abi::admin as abi;
use md_model::failfast::{
    wire::{
        kind_named,
        kind_word, //
    },
    Action as Model,
};
use md_report::MultihostDisk;

/// Own disks that several hosts can reach, and find out when one is lost.
///
/// With failfast the disk is asked periodically whether it is still this host's, and every read and
/// write through a metadevice is a question as well. When another host has taken it, the machine
/// panics, or does what 'mdctl mhd action' says. A disk that is slow or gone is not lost.
#[derive(Debug, Parser)]
#[command(
    name = "mhd",
    verbatim_doc_comment,
    disable_help_subcommand = true,
    arg_required_else_help = false
)]
pub struct Arguments {
    #[command(subcommand)]
    operation: Operation,
}

#[derive(Debug, Subcommand)]
enum Operation {
    /// Show who has disks, by which commands, and what failfast does
    Status {
        /// The disks, such as /dev/sda
        #[arg(value_name = "DISK", required = true)]
        disks: Vec<String>,
    },
    /// Take a disk, whoever has it, and see that it stays ours
    Take {
        /// The disk
        disk: String,
        /// Milliseconds from a reset until a reservation is put back
        #[arg(
            long,
            value_name = "MS",
            default_value_t = 0,
            hide_default_value = true
        )]
        reinstate: u32,
        /// Milliseconds for which nobody must have disturbed us
        #[arg(
            long,
            value_name = "MS",
            default_value_t = 0,
            hide_default_value = true
        )]
        min: u32,
        /// Milliseconds after which it is given up
        #[arg(
            long,
            value_name = "MS",
            default_value_t = 0,
            hide_default_value = true
        )]
        max: u32,
    },
    /// Give a disk up
    Release {
        /// The disk
        disk: String,
    },
    /// Reserve a disk that nobody has, and do nothing else
    QuickReserve {
        /// The disk
        disk: String,
    },
    /// Ask a disk every so many milliseconds whether it is ours
    Failfast {
        /// The disk
        disk: String,
        /// Milliseconds, at least 10, or 'off'
        #[arg(value_name = "MS", value_parser = period)]
        period: u32,
    },
    /// Say what is done when a disk is lost
    Action {
        /// The disk
        disk: String,
        /// What is done
        action: Action,
    },
    /// Show the keys that are registered with a disk
    Keys {
        /// The disk
        disk: String,
    },
    /// Show the persistent reservation of a disk
    Reservation {
        /// The disk
        disk: String,
    },
    /// Register a key with a disk, or with the new key 0 take it back
    Register {
        /// The disk
        disk: String,
        /// The key that is registered now, in hexadecimal digits
        #[arg(long, value_name = "KEY", value_parser = key, default_value = "0")]
        key: u64,
        /// The new key
        #[arg(long, value_name = "KEY", value_parser = key)]
        new_key: u64,
        /// Whatever key is registered now
        #[arg(long, conflicts_with = "key")]
        ignore: bool,
        /// The registration survives a loss of power
        #[arg(long)]
        aptpl: bool,
    },
    /// Reserve a disk for those who have registered
    Reserve {
        /// The disk
        disk: String,
        #[command(flatten)]
        by: Reserving,
    },
    /// Take registration and reservation from another key
    Preempt {
        /// The disk
        disk: String,
        #[command(flatten)]
        by: Reserving,
        /// The key that loses them
        #[arg(long, value_name = "KEY", value_parser = key)]
        victim: u64,
        /// Also abort what that host has under way
        #[arg(long)]
        abort: bool,
    },
    /// Take all registrations and the reservation away
    Clear {
        /// The disk
        disk: String,
        /// Our key
        #[arg(long, value_name = "KEY", value_parser = key)]
        key: u64,
    },
}

/// Who reserves, and how.
#[derive(Debug, Args)]
struct Reserving {
    /// Our key, in hexadecimal digits
    #[arg(long, value_name = "KEY", value_parser = key)]
    key: u64,
    /// The kind of reservation: its SCSI number or name, such as 5 or write-exclusive-registrants
    #[arg(long = "type", value_name = "TYPE", value_parser = kind)]
    kind: u8,
}

/// What is done when a disk is lost.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Action {
    /// The machine panics
    Panic,
    /// The machine is restarted at once
    Restart,
    /// Metadevices on the disk fail
    Fence,
    /// It is told
    Log,
}

fn period(word: &str) -> Result<u32, String> {
    if word == "off" {
        return Ok(0);
    }
    word.parse()
        .map_err(|_| "neither a number of milliseconds nor 'off'".to_string())
}

fn key(word: &str) -> Result<u64, String> {
    let digits = word.strip_prefix("0x").unwrap_or(word);
    u64::from_str_radix(digits, 16).map_err(|_| "not up to 16 hexadecimal digits".to_string())
}

fn kind(word: &str) -> Result<u8, String> {
    let number = word.parse().ok().filter(|kind| kind_word(*kind).is_some());
    number
        .or_else(|| kind_named(word))
        .ok_or_else(|| "not a kind of reservation: 1, 3, 5, 6, 7 or 8, or its name".to_string())
}

/// Runs the command.
pub fn run(
    arguments: Arguments,
    machine: &mut Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    if let Operation::Status { disks } = &arguments.operation {
        let status = Asked {
            operation: abi::MULTIHOST_STATUS,
            ..Asked::default()
        };
        let mut found = Vec::new();
        for disk in disks {
            let disk = ask(machine, disk, &status)?;
            answer.text += &paragraph(&disk);
            found.push(disk);
            answer.document.multihost = Some(found.clone());
        }
        return Ok(());
    }
    let (path, asked, done) = asked(&arguments.operation);
    let disk = ask(machine, path, &asked)?;
    match asked.operation {
        abi::MULTIHOST_KEYS => tell_keys(&disk, answer),
        abi::MULTIHOST_RESERVATION => tell_reservation(&disk, answer),
        _ if disk.unrecorded => answer.line(&format!(
            "{path}: {done}, until the set is stopped: it could not be recorded, 'metadb -i' shows \
             why"
        )),
        _ => answer.line(&format!("{path}: {done}")),
    }
    answer.document.multihost = Some(vec![disk]);
    Ok(())
}

fn tell_keys(disk: &MultihostDisk, answer: &mut Answer) {
    let keys = disk.keys.as_deref().unwrap_or_default();
    if keys.is_empty() {
        answer.line(&format!("{}: no key is registered", disk.device));
    }
    for key in keys {
        answer.line(&format!("{}: {key}", disk.device));
    }
}

fn tell_reservation(disk: &MultihostDisk, answer: &mut Answer) {
    let told = match &disk.reservation {
        Some(held) => format!("{} by {}", held.kind, held.key),
        None => "no persistent reservation".to_string(),
    };
    answer.line(&format!("{}: {told}", disk.device));
}

/// Carries out an operation on the disk with a path.
fn ask(machine: &mut Machine<'_>, path: &str, asked: &Asked) -> Result<MultihostDisk, Failure> {
    let dev = match machine.host.node(path) {
        Ok(Node::Block { dev }) => dev,
        Ok(Node::File | Node::Other) => return Err(explain::device::not_a_block_device(path)),
        Err(error) => return Err(explain::device::not_found(path, &error)),
    };
    let about = [path.to_string()];
    multihost(machine.admin, dev, path, asked)
        .map_err(|error| explain::request(&error, &Subject::device(&about)))
}

/// The disk, what is asked for, and what is said when that is done.
fn asked(operation: &Operation) -> (&str, Asked, &'static str) {
    let simply = |operation| Asked {
        operation,
        ..Asked::default()
    };
    match operation {
        Operation::Status { .. } => ("", simply(abi::MULTIHOST_STATUS), ""),
        Operation::Take {
            disk,
            reinstate,
            min,
            max,
        } => {
            let timing_ms = [*reinstate, *min, *max];
            let asked = Asked {
                timing_ms,
                ..simply(abi::MULTIHOST_TAKE)
            };
            (disk, asked, "is owned by this host")
        }
        Operation::Release { disk } => (disk, simply(abi::MULTIHOST_RELEASE), "is given up"),
        Operation::QuickReserve { disk } => {
            (disk, simply(abi::MULTIHOST_QUICK_RESERVE), "is reserved")
        }
        Operation::Failfast { disk, period } => {
            let asked = Asked {
                failfast_ms: *period,
                ..simply(abi::MULTIHOST_FAILFAST)
            };
            let done = match period {
                0 => "failfast is off",
                _ => "failfast is on",
            };
            (disk, asked, done)
        }
        Operation::Action { disk, action } => {
            let action = match action {
                Action::Panic => Model::Panic,
                Action::Restart => Model::Restart,
                Action::Fence => Model::Fence,
                Action::Log => Model::Log,
            };
            let asked = Asked {
                action,
                ..simply(abi::MULTIHOST_ACTION)
            };
            (disk, asked, "the action is set")
        }
        Operation::Keys { disk } => (disk, simply(abi::MULTIHOST_KEYS), ""),
        Operation::Reservation { disk } => (disk, simply(abi::MULTIHOST_RESERVATION), ""),
        shared => asked_by_key(shared),
    }
}

/// The same, for operations that have to do with keys.
fn asked_by_key(operation: &Operation) -> (&str, Asked, &'static str) {
    match operation {
        Operation::Register {
            disk,
            key,
            new_key,
            ignore,
            aptpl,
        } => {
            let asked = Asked {
                operation: match ignore {
                    true => abi::MULTIHOST_REGISTER_AND_IGNORE,
                    false => abi::MULTIHOST_REGISTER,
                },
                key: *key,
                other_key: *new_key,
                survives: *aptpl,
                ..Asked::default()
            };
            let done = match new_key {
                0 => "the key is taken back",
                _ => "the key is registered",
            };
            (disk, asked, done)
        }
        Operation::Reserve { disk, by } => {
            let asked = Asked {
                operation: abi::MULTIHOST_RESERVE,
                key: by.key,
                kind: by.kind,
                ..Asked::default()
            };
            (disk, asked, "is reserved")
        }
        Operation::Preempt {
            disk,
            by,
            victim,
            abort,
        } => {
            let asked = Asked {
                operation: match abort {
                    true => abi::MULTIHOST_PREEMPT_AND_ABORT,
                    false => abi::MULTIHOST_PREEMPT,
                },
                key: by.key,
                other_key: *victim,
                kind: by.kind,
                ..Asked::default()
            };
            (disk, asked, "the other key has lost it")
        }
        Operation::Clear { disk, key } => {
            let asked = Asked {
                operation: abi::MULTIHOST_CLEAR,
                key: *key,
                ..Asked::default()
            };
            (disk, asked, "no key is registered any more")
        }
        _ => ("", Asked::default(), ""),
    }
}
