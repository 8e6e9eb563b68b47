// SPDX-License-Identifier: GPL-2.0
//! `metaparam`

use crate::{
    admin::requests::{
        self,
        pools,
        NewOptions,
        RequestError, //
    },
    explain::{
        self,
        Failure,
        Subject, //
    },
    output::{
        mirror::{
            pace,
            parameters, //
        },
        Answer, //
    },
    syntax::{
        mirror::{
            parse_pass,
            parse_read_policy,
            parse_write_policy, //
        },
        name::MetadeviceName,
        pace::{
            parse_latency,
            parse_rate, //
        },
        pool::PoolName, //
    },
    unit::{
        Body,
        Unit, //
    },
    Machine,
};
use clap::Parser;
use md_abi::admin::Refusal;
use md_report::{
    ReadPolicy,
    WritePolicy, //
};

/// Change the options of a mirror, how fast RAID5 is made, or the hot spare pool of a stripe,
/// concat or RAID5 metadevice, or show them.
///
/// What is not given stays as it is; without options all are shown. The metadevice may be in use.
#[derive(Debug, Parser)]
#[command(name = "metaparam", verbatim_doc_comment)]
pub struct Arguments {
    /// Where a read goes: roundrobin (to each side in turn), geometric (to the side that has its
    /// part of the blocks), first (to the first side) or hedged (to each in turn, and to another
    /// one as well if it takes long, into memory of our own, so that a stuck disk holds nobody up)
    #[arg(short = 'r', value_name = "POLICY", value_parser = parse_read_policy)]
    read_policy: Option<ReadPolicy>,

    /// How a write goes to the sides: parallel (to all at once), serial (to one after the other) or
    /// copy (to all at once, from a copy of the data, so that a program that changes its memory
    /// meanwhile does not make the sides differ)
    #[arg(short = 'w', value_name = "POLICY", value_parser = parse_write_policy)]
    write_policy: Option<WritePolicy>,

    /// When the mirror is resynced after a crash: in pass 1 to 9, the lowest first; 0 for never
    #[arg(short = 'p', value_name = "PASS", value_parser = parse_pass)]
    pass: Option<u32>,

    /// How fast the resync is at least, however busy the mirror is, in KiB per second; none for no
    /// floor
    #[arg(long = "resync-floor", value_name = "RATE", value_parser = parse_rate)]
    floor: Option<u32>,

    /// How fast the resync is at most while the mirror is in use, in KiB per second; none for no
    /// ceiling
    #[arg(long = "resync-ceiling", value_name = "RATE", value_parser = parse_rate)]
    ceiling: Option<u32>,

    /// How long requests to the mirror may take on average before the resync gives way, such as
    /// 20ms, up to a minute
    #[arg(long = "resync-latency", value_name = "TIME", value_parser = parse_latency)]
    latency: Option<u32>,

    /// The hot spare pool of a stripe, concat or RAID5 metadevice, such as hsp001; none for none
    #[arg(
        short = 'h',
        value_name = "POOL",
        value_parser = parse_pool,
        conflicts_with_all = ["read_policy", "write_policy", "pass", "floor", "ceiling", "latency"]
    )]
    pool: Option<NewPool>,

    /// The metadevice, such as d10
    #[arg(value_name = "NAME")]
    name: String,
}

/// A pool, or none.
#[derive(Clone, Copy, Debug)]
struct NewPool(Option<PoolName>);

/// Reads a pool's name, or `none`. The error is a reason, in words.
fn parse_pool(word: &str) -> Result<NewPool, String> {
    match word {
        "none" => Ok(NewPool(None)),
        _ => word.parse().map(|name| NewPool(Some(name))),
    }
}

/// Runs the command.
pub fn run(
    arguments: Arguments,
    machine: &mut Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let name = explain::name("metaparam", &arguments.name)?;
    let options = NewOptions {
        read_policy: arguments.read_policy,
        write_policy: arguments.write_policy,
        pass: arguments.pass,
        target_us: arguments.latency,
        floor_kib_s: arguments.floor,
        ceiling_kib_s: arguments.ceiling,
    };
    let changes = options != NewOptions::default();
    if changes {
        check_options(machine, name, &options)?;
        requests::set_options(machine.admin, name, &options)
            .map_err(|error| explain::request(&error, &Subject::unit(name)))?;
        answer.has_changed = true;
    }
    if let Some(NewPool(pool)) = arguments.pool {
        pools::set(machine.admin, name, pool).map_err(|error| no_pool(&error, name))?;
        answer.has_changed = true;
    }
    let unit = super::read(machine, name)?;
    match &unit.body {
        Body::Stripe(_) | Body::Raid(_) if arguments.pool.is_some() => {}
        Body::Raid(_) if changes => {}
        Body::Stripe(_) if !changes => show_pool(&unit, answer),
        Body::Raid(raid) => {
            show_pool(&unit, answer);
            answer.text += &pace(&raid.pace);
        }
        Body::Stripe(_) => return Err(explain::mirror::not_a_mirror(&name.to_string())),
        Body::Soft(_) => return Err(explain::soft::no_parameters(name)),
        Body::Mirror(_) if changes => {}
        Body::Mirror(mirror) => {
            answer.line(&format!("{name}: Mirror current parameters are:"));
            answer.text += &parameters(&mirror.options);
            answer.text += &pace(&mirror.pace);
        }
    }
    answer.document.metadevices = Some(vec![(&unit).into()]);
    Ok(())
}

/// Sees that what is asked for RAID5 is what it has.
fn check_options(
    machine: &mut Machine<'_>,
    name: MetadeviceName,
    options: &NewOptions,
) -> Result<(), Failure> {
    let unit = super::read(machine, name)?;
    let is_of_mirror =
        options.read_policy.is_some() || options.write_policy.is_some() || options.pass.is_some();
    if unit.raid().is_some() && is_of_mirror {
        return Err(explain::raid::no_mirror_options(name));
    }
    Ok(())
}

/// Shows the pool of a metadevice that may have one.
fn show_pool(unit: &Unit, answer: &mut Answer) {
    let (name, title) = (unit.name, unit.unit_kind().title());
    let pool = unit
        .pool
        .map_or("none".to_string(), |pool| pool.to_string());
    answer.line(&format!("{name}: {title} current parameters are:"));
    answer.line(&format!("    Hot spare pool: {pool}"));
}

/// Why a metadevice does not get a pool.
fn no_pool(error: &RequestError, name: MetadeviceName) -> Failure {
    match error.refusal() {
        Some(Refusal::NoDatabase) => explain::pools::no_database(name.to_string()),
        _ => explain::request(error, &Subject::unit(name)),
    }
}
