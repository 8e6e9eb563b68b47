// SPDX-License-Identifier: GPL-2.0
//! `metastat`

use crate::{
    admin::requests::{
        self,
        database, //
    },
    explain::{
        self,
        Failure,
        Subject, //
    },
    family::{
        Family,
        Place, //
    },
    output::{
        pools as pool_text,
        text::{
            self,
            Keeping,
            Listed, //
        },
        Answer, //
    },
    repair::repair,
    returning::take_all_back,
    syntax::{
        name::MetadeviceName,
        pool::PoolName, //
    },
    unit::Unit,
    Machine,
};
use clap::Parser;
use md_report::State;
use std::collections::BTreeMap;

/// Show metadevices and hot spare pools.
///
/// Shows the metadevices that are named, else all; each is followed by those that are components
/// of it. If one of them cannot be shown, none is. States and errors are shown where there is
/// something to see: a component that was removed, or to which a request has failed.
#[derive(Debug, Parser)]
#[command(name = "metastat", verbatim_doc_comment)]
pub struct Arguments {
    /// One line for each metadevice
    #[arg(short = 'c', conflicts_with = "md_tab")]
    concise: bool,

    /// In md.tab syntax, which is also that of metainit
    #[arg(short = 'p')]
    md_tab: bool,

    /// Also when the state of each component last changed or an error last occurred
    #[arg(short = 't', conflicts_with_all = ["concise", "md_tab"])]
    times: bool,

    /// Read from every component first, to see whether it answers. A disk of a mirror that was not
    /// there, and has missed nothing, is used again
    #[arg(short = 'i')]
    inquire: bool,

    /// Metadevices to show, such as d10, and hot spare pools, such as hsp001
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

/// Runs the command.
pub fn run(
    arguments: Arguments,
    machine: &mut Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let (pools, others): (Vec<_>, Vec<_>) = arguments
        .names
        .iter()
        .cloned()
        .partition(|name| name.parse::<PoolName>().is_ok());
    let names = explain::names("metastat", &others)?;
    let mut snapshot = Snapshot::read(machine)?;
    if arguments.inquire {
        let places = snapshot.family.places(&names);
        let units = places
            .iter()
            .filter_map(|place| snapshot.units.get(&place.name));
        take_all_back(units, &snapshot.family, machine)?;
        probe(machine, &places)?;
        snapshot = Snapshot::read(machine)?;
    }
    let keeping = keeping(machine)?;
    let may_return = keeping.is_some() && !arguments.inquire;
    // Who names only pools wants to see those.
    let units = if names.is_empty() && !pools.is_empty() {
        Vec::new()
    } else {
        snapshot.list(machine, &names, may_return)?
    };
    let pools: Vec<_> = pools.iter().filter_map(|name| name.parse().ok()).collect();
    let pools = if pools.is_empty() && !names.is_empty() {
        Vec::new()
    } else {
        super::metahs::chosen(&pools, machine)?
    };
    answer.text = if arguments.concise {
        text::concise(&units) + &pool_text::concise(&pools)
    } else if arguments.md_tab {
        text::md_tab(&units) + &pool_text::md_tab(&pools)
    } else {
        let paragraphs = [
            text::paragraphs(&units, arguments.times, &keeping),
            pool_text::paragraphs(&pools),
        ];
        let paragraphs = paragraphs.into_iter().filter(|text| !text.is_empty());
        paragraphs.collect::<Vec<_>>().join("\n")
    };
    let documents = units.iter().map(|listed| (&listed.unit).into());
    answer.document.metadevices = Some(documents.collect());
    if !pools.is_empty() {
        answer.document.hot_spare_pools = Some(pools.iter().map(Into::into).collect());
    }
    Ok(())
}

/// Where the state of the metadevices is kept.
fn keeping(machine: &mut Machine<'_>) -> Result<Keeping, Failure> {
    let found = database::database(machine.admin);
    let found = found.map_err(|error| explain::request(&error, &Subject::none()))?;
    let paths = |database: database::Database| {
        let replicas = database.replicas.into_iter();
        replicas.map(|replica| replica.path).collect()
    };
    Ok(found.map(paths))
}

/// Sees whether the components of metadevices answer. The kernel goes on to the components of
/// components by itself; one that is cleared meanwhile is none of our business.
fn probe(machine: &mut Machine<'_>, places: &[Place]) -> Result<(), Failure> {
    for place in places.iter().filter(|place| place.depth == 0) {
        match requests::probe(machine.admin, place.name) {
            Err(error) if !error.is_no_such_unit() => {
                return Err(explain::request(&error, &Subject::unit(place.name)));
            }
            _ => {}
        }
    }
    Ok(())
}

/// All metadevices, as they were when they were read.
struct Snapshot {
    units: BTreeMap<MetadeviceName, Unit>,
    family: Family,
}

impl Snapshot {
    /// Reads them.
    fn read(machine: &mut Machine<'_>) -> Result<Self, Failure> {
        let units = requests::status_of_all(machine.admin)
            .map_err(|error| explain::request(&error, &Subject::none()))?;
        Ok(Snapshot {
            family: units.iter().map(Into::into).collect(),
            units: units.into_iter().map(|unit| (unit.name, unit)).collect(),
        })
    }

    /// The metadevices with the given names, or all, with those that they are made of.
    /// `may_return`: see [`repair`].
    fn list(
        &self,
        machine: &mut Machine<'_>,
        names: &[MetadeviceName],
        may_return: bool,
    ) -> Result<Vec<Listed>, Failure> {
        let listed = |place: Place| {
            let mut unit = match self.units.get(&place.name) {
                Some(unit) => unit.clone(),
                // Let the kernel say what is wrong with the name.
                None => super::read(machine, place.name)?,
            };
            let is_submirror = unit
                .parent
                .is_some_and(|parent| self.family.is_mirror(parent));
            if let Some(state) = self.side_state(&unit) {
                unit.state = state;
            }
            Ok(Listed {
                repair: repair(&unit, &self.units, &self.family, may_return),
                depth: place.depth,
                is_submirror,
                unit,
            })
        };
        self.family.places(names).into_iter().map(listed).collect()
    }

    /// State of a metadevice as a side, if it is one: only its mirror knows that it is being
    /// resynced or out of service.
    fn side_state(&self, unit: &Unit) -> Option<State> {
        let parent = self.units.get(&unit.parent?)?;
        let mut sides = parent.components().filter(|_| parent.is_mirror());
        let path = unit.name.path();
        sides
            .find(|side| side.device == path)
            .map(|side| side.state)
    }
}
