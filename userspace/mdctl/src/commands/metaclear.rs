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
        name::MetadeviceName,
        pool::PoolName,
        spec::title, //
    },
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
/// maintenance is cleared by force only.
#[derive(Debug, Parser)]
#[command(name = "metaclear", verbatim_doc_comment)]
pub struct Arguments {
    /// All metadevices
    #[arg(short = 'a')]
    all: bool,

    /// After each metadevice also those that were its components, and so on
    #[arg(short = 'r', conflicts_with = "all")]
    recursive: bool,

    /// Also mirrors of which a submirror needs maintenance; one that is open is never cleared
    #[arg(short = 'f')]
    force: bool,

    /// Metadevices to clear, such as d10, and hot spare pools that are empty, such as hsp001
    #[arg(
        value_name = "NAME",
        required_unless_present = "all",
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
    let family = requests::list(machine.admin)
        .map_err(|error| explain::request(&error, &Subject::none()))?;
    let family: Family = family.into_iter().collect();
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
        let title = title(family.is_mirror(name));
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
