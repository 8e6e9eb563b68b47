// SPDX-License-Identifier: GPL-2.0
//! `metahs`

use crate::{
    admin::requests::{
        pools::{
            self,
            Change,
            Pool, //
        },
        DeviceChoice,
        RequestError, //
    },
    components,
    discover::{
        members::hints,
        Host,
        Node, //
    },
    explain::{
        self,
        pools::{
            in_no_pool,
            no_pools,
            unknown, //
        },
        Failure,
        Subject, //
    },
    output::{
        pools::paragraphs,
        Answer, //
    },
    syntax::{
        name::{
            component_path,
            missing, //
        },
        pool::PoolName, //
    },
    Machine,
};
use clap::Parser;
use md_abi::admin::Refusal;

/// Name of the command, as it stands in messages.
const COMMAND: &str = "metahs";

/// The word for every pool.
const ALL: &str = "all";

/// Change hot spare pools, or show them.
///
/// A hot spare takes the place of a component of a submirror that fails: the first one of the pool
/// that is large enough, whole, so that small ones come first. It goes back when metareplace has
/// given the component a device of its own again, after the resync. A stripe gets a pool by
/// metainit or metaparam -h; several may share one, and a device may be in several pools.
#[derive(Debug, Parser)]
#[command(
    name = COMMAND,
    verbatim_doc_comment,
    override_usage = "metahs -a [-f] POOL|all COMPONENT...
       metahs -d POOL [COMPONENT...]
       metahs -d all COMPONENT...
       metahs -e COMPONENT
       metahs -r [-f] POOL|all OLD NEW
       metahs -i [POOL...]",
    after_help = "Examples:
  metainit hsp001 sdd sde      A pool with two hot spares
  metaparam -h hsp001 d11      Submirror d11 may have them
  metahs -a hsp001 sdf         One more
  metahs -e sde                It was broken, and works again"
)]
pub struct Arguments {
    /// Add hot spares to a pool, or to all
    #[arg(short = 'a', group = "action")]
    add: bool,

    /// Take hot spares that nobody uses out of a pool, or out of all; without COMPONENT delete the
    /// pool, which has to be empty
    #[arg(short = 'd', group = "action")]
    delete: bool,

    /// A hot spare that is broken works again
    #[arg(short = 'e', group = "action")]
    enable: bool,

    /// Put another device in the place of a hot spare that nobody uses
    #[arg(short = 'r', group = "action")]
    replace: bool,

    /// Show the pools that are named, or all
    #[arg(short = 'i', group = "action")]
    info: bool,

    /// Also a device that carries a file system or the like, but not one in use
    #[arg(short = 'f')]
    force: bool,

    /// What the option asks for
    #[arg(value_name = "POOL|COMPONENT", hide = true)]
    words: Vec<String>,
}

/// Runs the command.
pub fn run(
    arguments: Arguments,
    machine: &mut Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let words = &arguments.words[..];
    match words {
        [pool, paths @ ..] if arguments.add && !paths.is_empty() => {
            arguments.add_to(&targets(pool, machine)?, paths, machine, answer)
        }
        [pool] if arguments.delete && pool != ALL => {
            let name = pool_name(pool)?;
            delete(name, machine, answer)
        }
        [pool, paths @ ..] if arguments.delete && !paths.is_empty() => {
            let of_all = pool == ALL;
            remove_from(&targets(pool, machine)?, of_all, paths, machine, answer)
        }
        [path] if arguments.enable => enable(path, machine, answer),
        [pool, old, new] if arguments.replace => {
            let of_all = pool == ALL;
            let pools = targets(pool, machine)?;
            arguments.replace_in(&pools, of_all, (old, new), machine, answer)
        }
        names if arguments.info || names.is_empty() && !arguments.is_change() => {
            show(names, machine, answer)
        }
        _ => Err(explain::line(
            COMMAND,
            "says too little, or too much".to_string(),
        )),
    }
}

impl Arguments {
    fn is_change(&self) -> bool {
        self.add || self.delete || self.enable || self.replace
    }

    /// Devices that nobody uses, and that carry nothing unless that does not matter. One that
    /// another pool has is no stranger.
    fn fresh(
        &self,
        paths: &[String],
        machine: &mut Machine<'_>,
    ) -> Result<Vec<DeviceChoice>, Failure> {
        let paths = component_paths(paths)?;
        let known: Vec<_> = all(machine)?.iter().flat_map(spare_paths).collect();
        let choices = components::choose(&paths, machine.host)?;
        let new = paths.iter().filter(|path| !known.contains(path));
        if !self.force {
            components::check_carries_nothing(new, machine)?;
        }
        Ok(choices)
    }

    fn add_to(
        &self,
        pools: &[PoolName],
        paths: &[String],
        machine: &mut Machine<'_>,
        answer: &mut Answer,
    ) -> Result<(), Failure> {
        let devices = self.fresh(paths, machine)?;
        // None is changed if one of them cannot be.
        for check_only in [true, false] {
            for pool in pools {
                change(machine, Some(*pool), Change::Add, &devices, check_only)?;
            }
        }
        let done = match devices.len() {
            1 => "Hotspare is added",
            _ => "Hotspares are added",
        };
        told(pools, done, machine, answer)
    }

    fn replace_in(
        &self,
        pools: &[PoolName],
        of_all: bool,
        (old, new): (&String, &String),
        machine: &mut Machine<'_>,
        answer: &mut Answer,
    ) -> Result<(), Failure> {
        let old_path = &known_path(old, machine)?;
        let pools = with_spare(pools, of_all, old_path, machine)?;
        let mut devices = vec![named(old_path, machine.host)];
        devices.extend(self.fresh(std::slice::from_ref(new), machine)?);
        for check_only in [true, false] {
            for pool in &pools {
                change(machine, Some(*pool), Change::Replace, &devices, check_only)?;
            }
        }
        let done = format!("Hotspare {old} is replaced with {new}");
        told(&pools, &done, machine, answer)
    }
}

fn remove_from(
    pools: &[PoolName],
    of_all: bool,
    paths: &[String],
    machine: &mut Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let mut devices = Vec::new();
    for word in paths {
        devices.push(named(&known_path(word, machine)?, machine.host));
    }
    if !of_all {
        for pool in pools {
            change(machine, Some(*pool), Change::Remove, &devices, false)?;
        }
        let done = match devices.len() {
            1 => "Hotspare is deleted",
            _ => "Hotspares are deleted",
        };
        return told(pools, done, machine, answer);
    }
    for device in &devices {
        let pools = with_spare(pools, true, &device.path, machine)?;
        let one = std::slice::from_ref(device);
        for check_only in [true, false] {
            for pool in &pools {
                change(machine, Some(*pool), Change::Remove, one, check_only)?;
            }
        }
        told(&pools, "Hotspare is deleted", machine, answer)?;
    }
    Ok(())
}

/// Deletes a pool.
pub fn delete(
    name: PoolName,
    machine: &mut Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    change(machine, Some(name), Change::Delete, &[], false)?;
    answer.has_changed = true;
    answer.line(&format!("{name}: Hotspare pool is cleared"));
    let cleared = answer.document.cleared.get_or_insert_default();
    cleared.push(name.to_string());
    Ok(())
}

fn enable(word: &str, machine: &mut Machine<'_>, answer: &mut Answer) -> Result<(), Failure> {
    let path = known_path(word, machine)?;
    let device = named(&path, machine.host);
    let devices = std::slice::from_ref(&device);
    change(machine, None, Change::Enable, devices, false)?;
    let pools = all(machine)?;
    let has = |pool: &&Pool| spare_paths(pool).contains(&path);
    let names: Vec<_> = pools.iter().filter(has).map(|pool| pool.name).collect();
    told(&names, "Hotspare is enabled", machine, answer)
}

fn show(names: &[String], machine: &mut Machine<'_>, answer: &mut Answer) -> Result<(), Failure> {
    let names: Vec<_> = names
        .iter()
        .map(|name| pool_name(name))
        .collect::<Result<_, _>>()?;
    let pools = chosen(&names, machine)?;
    answer.text = paragraphs(&pools);
    answer.document.hot_spare_pools = Some(pools.iter().map(Into::into).collect());
    Ok(())
}

/// Says what was done with pools, and how they are now.
pub fn told(
    names: &[PoolName],
    done: &str,
    machine: &mut Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    answer.has_changed = true;
    for name in names {
        answer.line(&format!("{name}: {done}"));
    }
    let pools = chosen(names, machine)?;
    let shown = answer.document.hot_spare_pools.get_or_insert_default();
    shown.extend(pools.iter().map(md_report::HotSparePool::from));
    Ok(())
}

/// The pools with these names, or all if there is none.
pub fn chosen(names: &[PoolName], machine: &mut Machine<'_>) -> Result<Vec<Pool>, Failure> {
    let pools = all(machine)?;
    if names.is_empty() {
        return Ok(pools);
    }
    let find = |name: &PoolName| {
        let found = pools.iter().find(|pool| pool.name == *name);
        found.cloned().ok_or_else(|| unknown(*name))
    };
    names.iter().map(find).collect()
}

fn all(machine: &mut Machine<'_>) -> Result<Vec<Pool>, Failure> {
    pools::list(machine.admin).map_err(|error| explain::request(&error, &Subject::none()))
}

fn spare_paths(pool: &Pool) -> Vec<String> {
    pool.spares.iter().map(|spare| spare.path.clone()).collect()
}

/// The pools that a word means.
fn targets(word: &str, machine: &mut Machine<'_>) -> Result<Vec<PoolName>, Failure> {
    if word != ALL {
        return Ok(vec![pool_name(word)?]);
    }
    let pools: Vec<_> = all(machine)?.iter().map(|pool| pool.name).collect();
    if pools.is_empty() {
        return Err(no_pools());
    }
    Ok(pools)
}

/// Those of the pools that have a spare, if all were meant.
fn with_spare(
    pools: &[PoolName],
    of_all: bool,
    path: &str,
    machine: &mut Machine<'_>,
) -> Result<Vec<PoolName>, Failure> {
    if !of_all {
        return Ok(pools.to_vec());
    }
    let known = all(machine)?;
    let has = |pool: &&Pool| spare_paths(pool).iter().any(|own| own == path);
    let found: Vec<_> = known.iter().filter(has).map(|pool| pool.name).collect();
    if found.is_empty() {
        return Err(in_no_pool(path));
    }
    Ok(found)
}

/// The name of a pool that a word is.
fn pool_name(word: &str) -> Result<PoolName, Failure> {
    word.parse()
        .map_err(|reason| explain::word(COMMAND, word, reason))
}

/// The path of a spare that a word means: its own, or that of one that is missing, by what it is
/// known.
fn known_path(word: &str, machine: &mut Machine<'_>) -> Result<String, Failure> {
    let paths: Vec<_> = all(machine)?.iter().flat_map(spare_paths).collect();
    let is_it = |path: &&String| missing(path).is_some_and(|known| known == word);
    match paths.iter().find(is_it) {
        Some(path) => Ok(path.clone()),
        None => component_path(word).map_err(|reason| explain::word(COMMAND, word, reason)),
    }
}

fn component_paths(words: &[String]) -> Result<Vec<String>, Failure> {
    let path =
        |word: &String| component_path(word).map_err(|reason| explain::word(COMMAND, word, reason));
    words.iter().map(path).collect()
}

/// A spare that there is, by its path, whether its device is there or not.
fn named(path: &str, host: &dyn Host) -> DeviceChoice {
    let dev = match host.node(path) {
        Ok(Node::Block { dev }) => dev,
        _ => 0,
    };
    DeviceChoice {
        path: path.to_string(),
        dev,
        hints: if dev == 0 {
            Default::default()
        } else {
            hints(host, dev)
        },
    }
}

/// Changes a pool, or says why it is not.
fn change(
    machine: &mut Machine<'_>,
    pool: Option<PoolName>,
    what: Change,
    devices: &[DeviceChoice],
    check_only: bool,
) -> Result<(), Failure> {
    let done = pools::change(machine.admin, pool, what, devices, check_only);
    done.map_err(|error| failed(&error, pool, devices))
}

/// Why a pool is not changed.
pub fn failed(error: &RequestError, pool: Option<PoolName>, devices: &[DeviceChoice]) -> Failure {
    let paths: Vec<_> = devices.iter().map(|device| device.path.clone()).collect();
    let mut failure = explain::request(error, &Subject::devices(&paths));
    if let (Some(pool), Some(Refusal::NoDatabase)) = (pool, error.refusal()) {
        failure = explain::pools::no_database(pool.to_string());
    }
    if let (Some(pool), Some(Refusal::TooManySpares)) = (pool, error.refusal()) {
        failure.device = Some(pool.to_string());
    }
    failure
}
