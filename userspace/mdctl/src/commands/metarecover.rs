// SPDX-License-Identifier: GPL-2.0
//! `metarecover`

use crate::{
    admin::requests::{
        self,
        soft::{
            create,
            mend,
            Identity,
            Manner,
            Mended, //
        },
        DeviceChoice, //
    },
    components,
    explain::{
        self,
        Failure,
        Subject, //
    },
    output::Answer,
    syntax::{
        name::{
            component_path,
            component_word,
            MetadeviceName, //
        },
        soft::{
            Place,
            SoftSpec, //
        },
    },
    unit::Unit,
    watermarks::{
        self,
        Chain,
        Layout, //
    },
    Machine,
};
use clap::Parser;
use md_abi::admin::Refusal;

/// Name of the command, as it stands in messages.
const COMMAND: &str = "metarecover";

/// Check the watermarks of soft partitions, or bring them and the records of them in line.
///
/// A soft partition is described twice: by its record in the state database, or in memory, and by
/// watermarks on its base, the device or metadevice that it is on. Without -d or -m they are
/// compared, and nothing is changed.
#[derive(Debug, Parser)]
#[command(
    name = COMMAND,
    verbatim_doc_comment,
    override_usage = "metarecover [-n] [-v] BASE -p [-d | -m]",
    after_help = "Examples:
  metarecover d10 -p       See whether watermarks and records agree
  metarecover -v d10 -p    The same, with all watermarks
  metarecover d10 -p -m    Write the watermarks by the records: a power cut or a stray write has
                           left them incomplete
  metarecover sda -p -d    Make the soft partitions by the watermarks: the state database is lost"
)]
pub struct Arguments {
    /// Check only, change nothing
    #[arg(short = 'n')]
    check_only: bool,

    /// Show the watermarks
    #[arg(short = 'v')]
    verbose: bool,

    /// Soft partitions; there is nothing else to recover yet
    #[arg(short = 'p', required = true)]
    soft: bool,

    /// Make the soft partitions that the watermarks tell of
    #[arg(short = 'd', conflicts_with = "marks")]
    database: bool,

    /// Write the watermarks by the records; also brings changes to their end that were cut off
    #[arg(short = 'm')]
    marks: bool,

    /// The device or metadevice that the soft partitions are on
    #[arg(value_name = "BASE")]
    base: String,
}

/// Runs the command.
pub fn run(
    arguments: Arguments,
    machine: &mut Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let path = component_path(&arguments.base)
        .map_err(|reason| explain::word(COMMAND, &arguments.base, reason))?;
    let devices = components::look_up(std::slice::from_ref(&path), machine.host)?;
    let units = requests::status_of_all(machine.admin)
        .map_err(|error| explain::request(&error, &Subject::none()))?;
    let own: Vec<_> = units
        .into_iter()
        .filter(|unit| unit.soft().is_some_and(|soft| soft.base.device == path))
        .collect();
    let base = Base {
        path,
        devices,
        own,
        check_only: arguments.check_only,
    };
    if arguments.verbose || !(arguments.database || arguments.marks) {
        base.show(arguments.verbose, machine, answer)?;
    }
    if arguments.database {
        base.rebuild(machine, answer)
    } else if arguments.marks {
        base.mend(machine, answer)
    } else {
        base.compare(machine, answer)
    }
}

/// A base, and the soft partitions on it that there are records of.
struct Base {
    path: String,
    devices: Vec<DeviceChoice>,
    own: Vec<Unit>,
    check_only: bool,
}

impl Base {
    fn chain(&self, machine: &Machine<'_>) -> Result<Chain, Failure> {
        watermarks::read(machine.host, &self.path)
            .map_err(|error| explain::soft::unreadable(&self.path, &error))
    }

    /// The two tables: what the watermarks say, and what the records do.
    fn show(
        &self,
        with_free: bool,
        machine: &Machine<'_>,
        answer: &mut Answer,
    ) -> Result<(), Failure> {
        let chain = self.chain(machine)?;
        answer.text += &chain.table(with_free);
        answer.text += &watermarks::records_table(&self.own);
        Ok(())
    }

    /// Compares watermarks and records.
    fn compare(&self, machine: &mut Machine<'_>, answer: &mut Answer) -> Result<(), Failure> {
        let word = component_word(&self.path);
        if self.own.is_empty() {
            let chain = self.chain(machine)?;
            let layouts = chain.layouts();
            let count = layouts.len();
            answer.line(&format!(
                "{word}: watermarks tell of {count} soft partitions, and there are no records"
            ));
            return match chain.broken {
                Some(broken) if layouts.is_empty() && chain.marks.is_empty() => {
                    Err(explain::soft::broken(&self.path, broken.0, &broken.1))
                }
                _ => Ok(()),
            };
        }
        let Mended { count, wrong, .. } = self.request(machine, true)?;
        if wrong > 0 {
            return Err(explain::soft::disagree(&self.path, wrong, count));
        }
        answer.line(&format!(
            "{word}: all {count} watermarks are as the records say"
        ));
        Ok(())
    }

    /// Writes the watermarks by the records.
    fn mend(&self, machine: &mut Machine<'_>, answer: &mut Answer) -> Result<(), Failure> {
        let word = component_word(&self.path);
        let mended = self.request(machine, self.check_only)?;
        let Mended {
            count,
            wrong,
            finished,
        } = mended;
        let would = if self.check_only { "would be" } else { "were" };
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

    fn request(&self, machine: &mut Machine<'_>, check_only: bool) -> Result<Mended, Failure> {
        let dev = self.devices.first().map_or(0, |device| device.dev);
        let path = [self.path.clone()];
        mend(machine.admin, dev, check_only)
            .map_err(|error| explain::request(&error, &Subject::device(&path)))
    }

    /// Makes the soft partitions that the watermarks tell of.
    fn rebuild(&self, machine: &mut Machine<'_>, answer: &mut Answer) -> Result<(), Failure> {
        if let Some(unit) = self.own.first() {
            return Err(explain::soft::recorded(&self.path, unit.name));
        }
        let chain = self.chain(machine)?;
        let layouts = chain.layouts();
        if let Some(name) = chain.incomplete(&layouts) {
            return Err(explain::soft::incomplete(&self.path, name));
        }
        if layouts.is_empty() {
            return match chain.broken {
                Some(broken) => Err(explain::soft::broken(&self.path, broken.0, &broken.1)),
                None => Err(explain::soft::none_on(&self.path)),
            };
        }
        let mut names: Vec<MetadeviceName> = Vec::new();
        for layout in &layouts {
            self.rebuild_one(&chain, layout, machine, answer)?;
            names.push(layout.name);
        }
        if self.check_only {
            return Ok(());
        }
        answer.has_changed = true;
        // Extents that belong to no layout any more are free.
        if chain.broken.is_none() {
            self.request(machine, false)?;
        }
        answer.show(machine, &names)
    }

    fn rebuild_one(
        &self,
        chain: &Chain,
        layout: &Layout,
        machine: &mut Machine<'_>,
        answer: &mut Answer,
    ) -> Result<(), Failure> {
        let name = layout.name;
        let spec = SoftSpec {
            name,
            base: self.path.clone(),
            place: Place::Extents(layout.extents.clone()),
        };
        let identity = Identity {
            soft: layout.soft,
            base: chain.base,
            generation: layout.generation,
        };
        let how = Manner {
            check_only: self.check_only,
            force: false,
            rebuilt: Some(identity),
        };
        let Some(base) = self.devices.first() else {
            return Ok(());
        };
        create(machine.admin, &spec, base, how).map_err(|error| {
            if error.refusal() == Some(Refusal::NameInUse) {
                return explain::refusal::exists(&name.to_string());
            }
            let path = [self.path.clone()];
            explain::request(&error, &Subject::part(name, &path))
        })?;
        let would = if self.check_only { "would be" } else { "is" };
        answer.line(&format!("{name}: Soft Partition {would} recovered"));
        Ok(())
    }
}
