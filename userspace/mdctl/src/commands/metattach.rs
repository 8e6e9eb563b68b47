// SPDX-License-Identifier: GPL-2.0
//! `metattach`

use crate::{
    admin::requests,
    components,
    discover::{
        signatures::signatures,
        Host,
        User,
        Users, //
    },
    explain::{
        self,
        growth,
        Failure,
        Subject, //
    },
    output::Answer,
    syntax::{
        name::{
            component_path,
            MetadeviceName, //
        },
        rows::RowSpec,
        size::{
            parse_interlace,
            Sectors,
            INTERLACE_DEFAULT, //
        },
    },
    unit::Unit,
    Machine,
};
use clap::Parser;

/// Grow a stripe or concat by more components.
///
/// They come behind those that there are: with -i as one more row, striped over all of them;
/// without it each as a row of its own. The metadevice may be in use, and its data stays where it
/// is. A file system on it is grown by a command of its own afterwards.
#[derive(Debug, Parser)]
#[command(name = "metattach", verbatim_doc_comment)]
pub struct Arguments {
    /// Also components that carry a file system or the like, but not one in use
    #[arg(short = 'f')]
    force: bool,

    /// Check only, change nothing
    #[arg(short = 'n')]
    check_only: bool,

    /// One row of all components, with this interlace: a number and k, m or b, from 8k to 100m
    #[arg(short = 'i', value_name = "INTERLACE", value_parser = parse_interlace)]
    interlace: Option<Sectors>,

    /// The metadevice to grow, such as d10
    #[arg(value_name = "STRIPE")]
    name: String,

    /// Disks, partitions or metadevices that nobody uses
    #[arg(value_name = "COMPONENT")]
    components: Vec<String>,
}

/// Runs the command.
pub fn run(
    arguments: Arguments,
    machine: &mut Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let name = explain::name("metattach", &arguments.name)?;
    let unit = growable(machine, name, &arguments.components)?;
    let paths = arguments.paths()?;
    let rows = arguments.rows(&unit, &paths);
    let devices = components::choose(&paths, machine.host)?;
    let failed = |error| explain::request(&error, &Subject::making(name, &paths));
    requests::check_growth(machine.admin, name, &rows, &devices).map_err(failed)?;
    if !arguments.force {
        check_signatures(&paths, machine.host)?;
    }
    if arguments.check_only {
        answer.line(&format!("{name}: {} would be attached", plural(&paths)));
        answer.document.checked = Some(vec![name.to_string()]);
        return Ok(());
    }
    requests::grow(machine.admin, name, &rows, &devices).map_err(failed)?;
    answer.has_changed = true;
    let be = if paths.len() == 1 { "is" } else { "are" };
    answer.line(&format!("{name}: {} {be} attached", plural(&paths)));
    if let Some(line) = file_system(machine, &unit) {
        answer.line(&line);
    }
    answer.document.metadevices = Some(vec![(&super::read(machine, name)?).into()]);
    Ok(())
}

/// The metadevice that is to grow, if it is one that can.
fn growable(
    machine: &mut Machine<'_>,
    name: MetadeviceName,
    components: &[String],
) -> Result<Unit, Failure> {
    let unit = super::read(machine, name)?;
    match unit.parent {
        _ if unit.is_mirror() && components.is_empty() => Err(growth::no_growth(name)),
        _ if unit.is_mirror() => Err(explain::mirror::no_attach(name)),
        _ if components.is_empty() => Err(growth::nothing_to_attach(name)),
        Some(parent) => Err(growth::part_of(name, parent)),
        None => Ok(unit),
    }
}

/// Sees that the components carry nothing that somebody may want back.
fn check_signatures(paths: &[String], host: &dyn Host) -> Result<(), Failure> {
    match components::find_carrier(paths, host)? {
        None => Ok(()),
        Some(carrier) => Err(explain::device::carries(&carrier, false)),
    }
}

/// SVM's word for one component or more.
fn plural(paths: &[String]) -> &'static str {
    match paths {
        [_] => "component",
        _ => "components",
    }
}

/// What can be done now for the file system on a metadevice. Growing succeeded, whatever is
/// found out here.
fn file_system(machine: &Machine<'_>, unit: &Unit) -> Option<String> {
    let Ok(signatures) = signatures(machine.host, &unit.name.path()) else {
        return Some(growth::any_can_grow(unit.name));
    };
    let users = Users::read(machine.host).ok();
    let usage = users.and_then(|users| users.of(unit.dev).ok().flatten());
    let place = usage.and_then(|usage| match usage.by {
        User::Mount(place) => Some(place),
        _ => None,
    });
    growth::can_grow(unit.name, &signatures, place.as_deref())
}

impl Arguments {
    /// Full paths of the components.
    fn paths(&self) -> Result<Vec<String>, Failure> {
        let path = |word: &String| {
            component_path(word).map_err(|reason| explain::word("metattach", word, reason))
        };
        self.components.iter().map(path).collect()
    }

    /// The rows that these make. Where no interlace is given, that of the last row goes on
    /// (`svm.md` section 3.6).
    fn rows(&self, unit: &Unit, paths: &[String]) -> Vec<RowSpec> {
        let last = unit.rows().last().map(|row| row.interlace);
        let row = |devices: &[String]| RowSpec {
            interlace: self.interlace.or(last).unwrap_or(INTERLACE_DEFAULT),
            devices: devices.to_vec(),
        };
        match self.interlace {
            Some(_) => vec![row(paths)],
            None => paths.chunks(1).map(row).collect(),
        }
    }
}
