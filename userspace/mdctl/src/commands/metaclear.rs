// SPDX-License-Identifier: GPL-2.0
//! `metaclear`

use crate::{
    admin::requests::{
        self,
        RequestError, //
    },
    discover::{
        Usage,
        Users, //
    },
    explain::{
        self,
        Failure,
        Subject, //
    },
    family::Family,
    output::Answer,
    syntax::{
        name::{
            component_path,
            MetadeviceName, //
        },
        pool::PoolName, //
    },
    unit::Unit,
    Machine,
};
use clap::Parser;
use md_abi::admin::Refusal;

/// Clear metadevices and hot spare pools.
///
/// A metadevice that is open, for instance mounted, is not cleared, nor is one that is a component
/// of another. The first one that cannot be cleared ends the command; those before it are gone
/// then. What is on the components stays there, so that the same metainit brings it back. But with
/// a mirror goes the knowledge which of its submirrors are whole, so that one that needs
/// maintenance is cleared by force only; and with a soft partition go its watermarks, so that its
/// place is free.
#[derive(Debug, Parser)]
#[command(name = "metaclear", verbatim_doc_comment)]
pub struct Arguments {
    /// All metadevices
    #[arg(short = 'a')]
    all: bool,

    /// After each metadevice also those that were its components, and so on
    #[arg(short = 'r', conflicts_with = "all")]
    recursive: bool,

    /// Also mirrors of which a submirror needs maintenance, and soft partitions whose watermarks
    /// cannot be written; one that is open is never cleared
    #[arg(short = 'f')]
    force: bool,

    /// All soft partitions on this device or metadevice
    #[arg(short = 'p', value_name = "BASE", conflicts_with_all = ["all", "recursive", "names"])]
    base: Option<String>,

    /// Metadevices to clear, such as d10, and hot spare pools that are empty, such as hsp001
    #[arg(
        value_name = "NAME",
        required_unless_present_any = ["all", "base"],
        conflicts_with = "all"
    )]
    names: Vec<String>,
}

/// Runs the command.
pub fn run(
    arguments: Arguments,
    machine: &mut Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let (pools, names): (Vec<_>, Vec<_>) = arguments
        .names
        .iter()
        .cloned()
        .partition(|name| name.parse::<PoolName>().is_ok());
    let mut names = explain::names("metaclear", &names)?;
    let units = requests::status_of_all(machine.admin)
        .map_err(|error| explain::request(&error, &Subject::none()))?;
    let family: Family = units.iter().map(Into::into).collect();
    if let Some(base) = &arguments.base {
        names = on_base(base, &units)?;
    }
    if arguments.all || arguments.recursive && !names.is_empty() {
        // None can be cleared before the one that it is part of.
        let places = family.places(&names);
        names = places.iter().map(|place| place.name).collect();
    }
    answer.document.cleared = Some(Vec::new());
    for name in names {
        requests::clear(machine.admin, name, arguments.force)
            .map_err(|error| explain(machine, name, &error))?;
        answer.has_changed = true;
        let title = family.kind(name).title();
        answer.line(&format!("{name}: {title} is cleared"));
        answer
            .document
            .cleared
            .get_or_insert_default()
            .push(name.to_string());
    }
    for pool in pools.iter().filter_map(|name| name.parse().ok()) {
        super::metahs::delete(pool, machine, answer)?;
    }
    Ok(())
}

/// The soft partitions on a base.
fn on_base(base: &str, units: &[Unit]) -> Result<Vec<MetadeviceName>, Failure> {
    let path = component_path(base).map_err(|reason| explain::word("metaclear", base, reason))?;
    let is_on = |unit: &&Unit| unit.soft().is_some_and(|soft| soft.base.device == path);
    let names: Vec<_> = units.iter().filter(is_on).map(|unit| unit.name).collect();
    if names.is_empty() {
        return Err(explain::soft::none_on(&path));
    }
    Ok(names)
}

/// Why a metadevice is not cleared. The kernel knows that one is open, the machine knows by whom.
fn explain(machine: &mut Machine<'_>, name: MetadeviceName, error: &RequestError) -> Failure {
    if error.refusal() == Some(Refusal::UnitOpen) {
        if let Some(usage) = user_of(machine, name) {
            return explain::device::in_use(&name.to_string(), &usage);
        }
    }
    explain::request(error, &Subject::unit(name))
}

/// Who uses a metadevice, if that can be found out.
fn user_of(machine: &mut Machine<'_>, name: MetadeviceName) -> Option<Usage> {
    let unit = requests::status(machine.admin, name).ok()?;
    Users::read(machine.host).ok()?.of(unit.dev).ok()?
}
