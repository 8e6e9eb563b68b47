// SPDX-License-Identifier: GPL-2.0
//! `metadb`

use crate::{
    admin::requests::{
        database::{
            self,
            Chosen,
            Database,
            Member,
            NewReplicas,
            Replica, //
        },
        RequestError, //
    },
    components,
    discover::{
        members::hints,
        read_named,
        Node, //
    },
    explain::{
        self,
        md_tab::{
            in_entry,
            no_replicas,
            unreadable, //
        },
        Failure,
        Subject, //
    },
    keeping::{
        write_mddb_cf,
        MDDB_CF, //
    },
    output::Answer,
    syntax::{
        self,
        md_tab::{
            entries,
            MD_TAB, //
        },
        replicas::ReplicasSpec,
    },
    Machine, //
};
use clap::Parser;
use md_abi::admin::{
    Refusal,
    REPLICA_BUSY,
    REPLICA_CURRENT,
    REPLICA_FAILED,
    REPLICA_TIE_BREAKER, //
};

/// Name of the command, as it stands in messages.
const COMMAND: &str = "metadb";

/// Make, delete and show replicas of the state database.
///
/// The state database has the configuration and state of all metadevices. Without one they live in
/// memory. It is kept in replicas, which should be on as many disks as possible: a set starts for
/// writing with more than half of them. Two disks want a tie-breaker on a third device (-t): then
/// the set also starts with one of them.
///
/// A device for replicas is a partition of its own, or a component of a metadevice, which has room
/// for one in its reserved head.
///
/// A replica that has failed (W) counts until it is deleted. With only half of the voting replicas
/// the set runs on, but a tie-breaker is neither made nor deleted, nor a replica that the set would
/// stop without: delete first those that have failed.
#[derive(Debug, Parser)]
#[command(
    name = COMMAND,
    verbatim_doc_comment,
    after_help = "\
md.tab may have lines of replicas, in place of the devices of which their name stands:
  mddb01 [-c COUNT] [-l BLOCKS] [-t] DEVICE...
  metadb -a -f mddb01

mddb.cf has a line for each replica: device, first block, blocks, role, uuid, \
and by what the disk
is known. The set starts without it, since replicas are found by what is on the disks. It is for
people and scripts: to see from a rescue system which disks there should be, or to wait for them.
It is written by -p only, and as a whole."
)]
pub struct Arguments {
    /// Make replicas on the devices
    #[arg(short = 'a', conflicts_with = "delete")]
    add: bool,

    /// Delete the replicas on the devices, or those with these uuids, which may be missing
    #[arg(short = 'd')]
    delete: bool,

    /// With -a: begin a new state database if there is none, and write over what is on the devices.
    /// With -d: also the last replica, so that there is no state database any more
    #[arg(short = 'f')]
    force: bool,

    /// Replicas on each device
    #[arg(
        short = 'c',
        value_name = "COUNT",
        requires = "add",
        default_value_t = 1
    )]
    count: u32,

    /// Length of each replica in blocks of 512 bytes (128 to 131072)
    #[arg(
        short = 'l',
        value_name = "BLOCKS",
        requires = "add",
        default_value_t = 0
    )]
    length: u64,

    /// Make the tie-breaker, which has no vote and decides when exactly half of the voters are
    /// there
    #[arg(short = 't', requires = "add")]
    tie_breaker: bool,

    /// Write where the replicas are to /etc/md/mddb.cf
    #[arg(short = 'p', conflicts_with_all = ["add", "delete"])]
    patch: bool,

    /// The set: the running one by name or uuid, or local
    #[arg(short = 's', value_name = "SET")]
    set: Option<String>,

    /// Also say what the flags mean
    #[arg(short = 'i')]
    inform: bool,

    /// Devices, such as /dev/sda1; mddb00 to mddb99 for what md.tab has under this name; with -d
    /// also uuids, as this command shows them of replicas that are missing
    #[arg(value_name = "DEVICE")]
    devices: Vec<String>,
}

/// Runs the command.
pub fn run(
    arguments: Arguments,
    machine: &mut Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let asked = |error| explain::request(&error, &Subject::none());
    let found = database::database(machine.admin).map_err(asked)?;
    if let Some(word) = &arguments.set {
        super::check_set(Some(word), found.as_ref())?;
    }
    if arguments.add || arguments.delete {
        if arguments.devices.is_empty() {
            let reason = "the devices of the replicas are missing".to_string();
            return Err(explain::line(COMMAND, reason));
        }
        return change(&arguments, found.is_some(), machine, answer);
    }
    answer.document.database = found.as_ref().map(Into::into);
    match found {
        Some(database) if arguments.patch => patch(&database, machine, answer)?,
        None if arguments.patch => return Err(explain::keeping::no_replicas(MDDB_CF)),
        Some(database) => show(&database, arguments.inform, answer),
        None => answer.line(
            "There is no state database: metadevices live in memory until the next reboot. \
             'metadb -a -f DEVICE...' makes one.",
        ),
    }
    Ok(())
}

/// Writes mddb.cf.
fn patch(
    database: &Database,
    machine: &mut Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    write_mddb_cf(machine.host, database)?;
    let count = database.replicas.len();
    let replicas = if count == 1 { "replica" } else { "replicas" };
    answer.line(&format!("{MDDB_CF}: {count} {replicas} are written"));
    Ok(())
}

/// What is to be made on some devices, or deleted from them.
struct Wanted {
    devices: Vec<String>,
    new: NewReplicas,
}

impl Arguments {
    /// What a word stands for: itself, or an entry of md.tab.
    fn wanted(&self, word: &str, machine: &Machine<'_>) -> Result<Wanted, Failure> {
        let spec = if ReplicasSpec::is_name(word) {
            from_md_tab(word, machine)?
        } else {
            ReplicasSpec {
                devices: vec![word.to_string()],
                ..ReplicasSpec::default()
            }
        };
        Ok(Wanted {
            devices: spec.devices,
            new: NewReplicas {
                count: spec.count.unwrap_or(self.count),
                size_sectors: spec.length.map_or(self.length, u64::from),
                tie_breaker: spec.tie_breaker || self.tie_breaker,
                new_set: false,
            },
        })
    }
}

/// The entry with a name. If there are several, the last one says that it is not the first.
fn from_md_tab(name: &str, machine: &Machine<'_>) -> Result<ReplicasSpec, Failure> {
    let text = read_named(machine.host, MD_TAB).map_err(|error| unreadable(MD_TAB, &error))?;
    let entries = entries(&text);
    let found = entries.iter().rfind(|entry| entry.is_called(name));
    let entry = found.ok_or_else(|| no_replicas(MD_TAB, name))?;
    entry.replicas().map_err(|error| {
        let failure = explain::syntax(COMMAND, &error, &entry.words);
        in_entry(failure, MD_TAB, entry, format!("{COMMAND} -a -f {name}"))
    })
}

fn change(
    arguments: &Arguments,
    is_running: bool,
    machine: &mut Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let words = arguments.devices.iter();
    let wanted = words.map(|word| arguments.wanted(word, machine));
    let wanted: Vec<_> = wanted.collect::<Result<_, _>>()?;
    let mut is_first = arguments.force && !is_running;
    for Wanted { devices, mut new } in wanted {
        for path in &devices {
            if arguments.add {
                new.new_set = std::mem::take(&mut is_first);
                add(path, &new, arguments.force, machine)?;
            } else {
                delete(path, arguments.force, machine)?;
            }
            answer.has_changed = true;
        }
    }
    Ok(())
}

/// Makes replicas on a device.
fn add(
    path: &str,
    new: &NewReplicas,
    force: bool,
    machine: &mut Machine<'_>,
) -> Result<(), Failure> {
    let dev = block_device(path, machine)?;
    if !force {
        check_signatures(path, machine)?;
    }
    let member = Member {
        path: path.to_string(),
        dev,
        hints: hints(machine.host, dev),
    };
    let added = database::add(machine.admin, &member, new);
    added.map_err(|error| refused(&error, path, machine))
}

/// Deletes the replicas on a device, or the one with a uuid.
fn delete(path: &str, force: bool, machine: &mut Machine<'_>) -> Result<(), Failure> {
    let chosen = match syntax::uuid(path) {
        Some(uuid) => Chosen::Replica(uuid),
        None => Chosen::On(block_device(path, machine)?),
    };
    let deleted = database::delete(machine.admin, chosen, force);
    let told = |error| refused(&error, path, machine);
    deleted.map(drop).map_err(told)
}

/// Why a change of the replicas on a device was refused. If others have to be deleted first it says
/// which.
fn refused(error: &RequestError, path: &str, machine: &mut Machine<'_>) -> Failure {
    let failure = explain::request(error, &Subject::device(&[path.to_string()]));
    let is_about_others = matches!(
        error,
        RequestError::Refused(refused) if refused.refusal == Refusal::MembersCannotCount
    );
    if !is_about_others {
        return failure;
    }
    let found = database::database(machine.admin).ok().flatten();
    let mut failed = found.map_or_else(Vec::new, |found| found.replicas);
    failed.retain(|replica| {
        replica.flags & REPLICA_FAILED != 0 && replica.flags & REPLICA_TIE_BREAKER == 0
    });
    explain::database::delete_first(failure, &failed)
}

/// Number of a block device.
fn block_device(path: &str, machine: &Machine<'_>) -> Result<u64, Failure> {
    match machine.host.node(path) {
        Ok(Node::Block { dev }) => Ok(dev),
        Ok(_) => Err(explain::device::not_a_block_device(path)),
        Err(error) => Err(explain::device::not_found(path, &error)),
    }
}

/// Sees that a device of which nobody has anything yet carries nothing that somebody may want back.
fn check_signatures(path: &str, machine: &mut Machine<'_>) -> Result<(), Failure> {
    let paths = [path.to_string()];
    let devices = components::look_up(&paths, machine.host)?;
    if components::find_usage(&devices, machine.host)?.is_some() {
        return Ok(());
    }
    components::check_carries_nothing(&paths, machine)
}

fn show(database: &Database, inform: bool, answer: &mut Answer) {
    let (epoch, sequence) = database.generation;
    answer.line(&format!(
        "set {} ({}), commit {epoch}.{sequence}{}",
        database.name,
        database.set,
        if database.is_writable {
            ""
        } else {
            ", READ-ONLY: too few replicas"
        }
    ));
    answer.line("        flags           first blk       block count");
    for replica in &database.replicas {
        answer.line(&format!(
            "{:>13}           {:<16}{:<16}{}",
            flags(replica),
            replica.start_sectors,
            replica.size_sectors,
            place(replica)
        ));
    }
    if inform {
        answer.text += LEGEND;
        if !database.is_writable {
            answer.text += explain::database::READ_ONLY;
        }
    }
}

/// Where a replica is; of one that is missing what to call it by.
fn place(replica: &Replica) -> String {
    match replica.dev {
        0 => format!("{} {}", replica.path, replica.uuid),
        _ => replica.path.clone(),
    }
}

/// SVM's flag letters (`svm.md` section 10.2), as far as we have what they mean.
fn flags(replica: &Replica) -> String {
    let has = |flag: u32, letter: char| {
        if replica.flags & flag != 0 {
            letter
        } else {
            ' '
        }
    };
    [
        has(REPLICA_CURRENT, 'a'),
        has(REPLICA_CURRENT, 'u'),
        has(REPLICA_TIE_BREAKER, 't'),
        has(REPLICA_BUSY, 'b'),
        has(REPLICA_FAILED, 'W'),
    ]
    .into_iter()
    .collect()
}

/// What the letters mean.
const LEGEND: &str = " a - replica is active, commits are written to it
 u - replica is up to date
 t - replica is the tie-breaker
 b - replica is being written
 W - replica has device write errors, or is missing
 In SVM t and b mean something else; its m, l, o, p, c, r, R, S, F, D, M and B are not used: no
 replica is the master one, all are read at a start, and 'mdctl dump DEVICE' tells what is damaged.
";
