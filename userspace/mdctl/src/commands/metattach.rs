// SPDX-License-Identifier: GPL-2.0
//! `metattach`

use crate::{
    admin::requests::{
        self,
        sides::{
            attach,
            grow_mirror, //
        },
        soft::Change, //
    },
    components,
    discover::{
        signatures::signatures,
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
    shrinking,
    syntax::{
        name::{
            component_path,
            MetadeviceName, //
        },
        rows::RowSpec,
        size::{
            parse_amount,
            parse_interlace,
            Sectors,
            INTERLACE_DEFAULT, //
        },
        soft::Amount,
    },
    unit::Unit,
    waiting::wait,
    Machine,
};
use clap::Parser;

/// Name of the command, as it stands in messages.
const COMMAND: &str = "metattach";

/// Attach a submirror to a mirror, or more components to a stripe, concat or RAID5 metadevice; or
/// let a mirror or soft partition grow.
///
/// A submirror is made equal to the others of the mirror: what is on it is lost. It has the size of
/// the mirror or more, and the mirror stays as large as it is.
///
/// A stripe or concat grows. The components come behind those that there are: with -i as one more
/// row, striped over all of them; without it each as a row of its own. The metadevice may be in
/// use, and its data stays where it is. A file system on it is grown by a command of its own
/// afterwards.
///
/// RAID5 grows by components as well. They come behind its data, and the parity that is there makes
/// up for them, too. They are filled with zeroes first, which takes its time; until then nothing
/// has changed, and metattach can be interrupted. It cannot be undone later.
///
/// A mirror grows when all its submirrors have, each by a metattach of its own: without SUBMIRROR,
/// it becomes as large as the smallest of them. What is new is copied from the first one to the
/// others; with --assume-clean it is equal already. Other than in SVM it does not grow later by
/// itself if it is being resynced: that is refused, "metasync -w" waits for the end.
///
/// A soft partition grows by SIZE, a number and b, k, m, g or t, or by all that is free on its
/// base: directly behind its last extent, and then in new ones. With --shrink it becomes as small
/// as SIZE, from its end; what was there is lost, so that one with a file system that is larger is
/// refused.
#[derive(Debug, Parser)]
#[command(
    name = COMMAND,
    verbatim_doc_comment,
    override_usage = "metattach [-f] [-n] [-w] MIRROR SUBMIRROR
       metattach [-n] [-w] [--assume-clean] MIRROR
       metattach [-f] [-n] [-i INTERLACE] STRIPE COMPONENT...
       metattach [-f] [-n] RAID5 COMPONENT...
       metattach [-n] [-A ALIGNMENT] SOFT_PARTITION SIZE | all
       metattach [-f] [-n] --shrink SOFT_PARTITION SIZE"
)]
pub struct Arguments {
    /// Also what carries a file system or the like, but not what is in use
    #[arg(short = 'f')]
    force: bool,

    /// Check only, change nothing
    #[arg(short = 'n')]
    check_only: bool,

    /// One row of all components, with this interlace: a number and k, m or b, from 8k to 100m
    #[arg(short = 'i', value_name = "INTERLACE", value_parser = parse_interlace)]
    interlace: Option<Sectors>,

    /// Of a mirror that grows: what is new is the same on all submirrors, and need not be copied
    #[arg(long = "assume-clean")]
    assume_clean: bool,

    /// Where the data of new extents of a soft partition begins: on multiples of this size
    #[arg(short = 'A', value_name = "ALIGNMENT", value_parser = parse_amount)]
    alignment: Option<Sectors>,

    /// Of a soft partition: become smaller
    #[arg(long = "shrink", conflicts_with = "alignment")]
    shrink: bool,

    /// Wait until the submirror, or what is new of a mirror, is resynced
    #[arg(short = 'w', long = "wait")]
    wait: bool,

    /// The mirror, or the metadevice to grow, such as d10
    #[arg(value_name = "MIRROR")]
    name: String,

    /// A stripe or concat for a mirror; for a stripe or concat disks, partitions or metadevices
    /// that nobody uses; for RAID5 disks or partitions
    #[arg(value_name = "COMPONENT")]
    components: Vec<String>,
}

/// Runs the command.
pub fn run(
    arguments: Arguments,
    machine: &mut Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let name = explain::name(COMMAND, &arguments.name)?;
    let unit = super::read(machine, name)?;
    if unit.soft().is_some() {
        return arguments.change_soft(&unit, machine, answer);
    }
    if arguments.shrink || arguments.alignment.is_some() {
        let option = if arguments.shrink { "--shrink" } else { "-A" };
        return Err(explain::soft::only_for_soft(name, option));
    }
    if arguments.assume_clean && !(unit.is_mirror() && arguments.components.is_empty()) {
        return Err(growth::nothing_is_copied(name));
    }
    if unit.is_mirror() && arguments.components.is_empty() && arguments.interlace.is_none() {
        return arguments.grow_mirror(&unit, machine, answer);
    }
    if unit.is_mirror() {
        return arguments.attach_submirror(name, machine, answer);
    }
    check_growable(&unit, machine, &arguments.components)?;
    if unit.raid().is_some() && arguments.interlace.is_some() {
        return Err(explain::raid::has_one_interlace(name));
    }
    arguments.grow(&unit, machine, answer)
}

impl Arguments {
    /// Attaches components to a stripe, concat or RAID5 metadevice.
    fn grow(
        &self,
        unit: &Unit,
        machine: &mut Machine<'_>,
        answer: &mut Answer,
    ) -> Result<(), Failure> {
        let name = unit.name;
        let paths = self.paths()?;
        let rows = self.rows(unit, &paths);
        let devices = components::choose(&paths, machine.host)?;
        let failed = |error| explain::request(&error, &Subject::making(name, &paths));
        requests::check_growth(machine.admin, name, &rows, &devices).map_err(failed)?;
        if !self.force {
            components::check_carries_nothing(&paths, machine)?;
        }
        if self.check_only {
            answer.line(&format!("{name}: {} would be attached", plural(&paths)));
            answer.document.checked = Some(vec![name.to_string()]);
            return Ok(());
        }
        requests::grow(machine.admin, name, &rows, &devices).map_err(failed)?;
        answer.has_changed = true;
        let be = if paths.len() == 1 { "is" } else { "are" };
        answer.line(&format!("{name}: {} {be} attached", plural(&paths)));
        if let Some(parent) = unit.parent {
            answer.line(&growth::mirror_can_grow(name, parent));
        } else if let Some(line) = file_system(machine, unit) {
            answer.line(&line);
        }
        answer.show(machine, &[name])
    }

    /// Lets a soft partition grow, or shrink.
    fn change_soft(
        &self,
        unit: &Unit,
        machine: &mut Machine<'_>,
        answer: &mut Answer,
    ) -> Result<(), Failure> {
        let name = unit.name;
        let [word] = &self.components[..] else {
            return Err(explain::soft::no_size(name));
        };
        let amount = Amount::parse(word).map_err(|reason| explain::word(COMMAND, word, reason))?;
        let change = match amount {
            Amount::Size(size) if self.shrink => Change::Shrink(size),
            Amount::All if self.shrink => {
                let reason = "is no size to shrink to".to_string();
                return Err(explain::word(COMMAND, word, reason));
            }
            amount => Change::Grow(amount, self.alignment),
        };
        let base: Vec<_> = unit.components().map(|base| base.device.clone()).collect();
        let failed = |error| explain::request(&error, &Subject::making(name, &base));
        let size = requests::soft::change(machine.admin, name, change, true).map_err(failed)?;
        if self.shrink && !self.force {
            shrinking::check_fits(machine.host, name, size)?;
        }
        let (would, has) = if self.shrink {
            ("would shrink", "has been shrunk")
        } else {
            ("would grow", "has been grown")
        };
        if self.check_only {
            answer.line(&format!("{name}: Soft Partition {would}"));
            answer.document.checked = Some(vec![name.to_string()]);
            return Ok(());
        }
        requests::soft::change(machine.admin, name, change, false).map_err(failed)?;
        answer.has_changed = true;
        answer.line(&format!("{name}: Soft Partition {has}"));
        if let Some(line) = file_system(machine, unit).filter(|_| !self.shrink) {
            answer.line(&line);
        }
        answer.show(machine, &[name])
    }

    /// Lets a mirror become as large as its smallest submirror.
    fn grow_mirror(
        &self,
        unit: &Unit,
        machine: &mut Machine<'_>,
        answer: &mut Answer,
    ) -> Result<(), Failure> {
        let name = unit.name;
        let sides: Vec<_> = unit.components().map(|side| side.device.clone()).collect();
        let failed = |error| explain::request(&error, &Subject::making(name, &sides));
        grow_mirror(machine.admin, name, self.assume_clean, self.check_only).map_err(failed)?;
        if self.check_only {
            answer.line(&format!("{name}: Mirror would grow"));
            answer.document.checked = Some(vec![name.to_string()]);
            return Ok(());
        }
        answer.has_changed = true;
        answer.line(&format!("{name}: Mirror has been grown"));
        if let Some(line) = file_system(machine, unit) {
            answer.line(&line);
        }
        answer.show(machine, &[name])?;
        if self.wait {
            wait(machine, &[name], answer)?;
        }
        Ok(())
    }

    /// Attaches a submirror to a mirror.
    fn attach_submirror(
        &self,
        name: MetadeviceName,
        machine: &mut Machine<'_>,
        answer: &mut Answer,
    ) -> Result<(), Failure> {
        let submirror = self.submirror(name)?;
        let path = [submirror.path()];
        let device = components::choose(&path, machine.host)?.remove(0);
        let failed = |error| explain::request(&error, &Subject::part(name, &path));
        attach(machine.admin, name, &device, true).map_err(failed)?;
        if !self.force {
            check_overwritten(&path[0], machine)?;
        }
        if self.check_only {
            answer.line(&format!("{name}: submirror {submirror} would be attached"));
            answer.document.checked = Some(vec![name.to_string()]);
            return Ok(());
        }
        attach(machine.admin, name, &device, false).map_err(failed)?;
        answer.has_changed = true;
        answer.line(&format!("{name}: submirror {submirror} is attached"));
        answer.show(machine, &[name])?;
        if self.wait {
            wait(machine, &[name], answer)?;
        }
        Ok(())
    }

    /// The submirror that is to be attached to a mirror.
    fn submirror(&self, mirror: MetadeviceName) -> Result<MetadeviceName, Failure> {
        match &self.components[..] {
            [word] if self.interlace.is_none() => word.parse().map_err(|reason: String| {
                let reason = format!("{reason}, and a submirror is one");
                explain::word(COMMAND, word, reason)
            }),
            _ => Err(explain::mirror::one_at_a_time(mirror)),
        }
    }
}

/// Sees that a stripe or concat can grow: it stands at the top, or below a mirror.
fn check_growable(
    unit: &Unit,
    machine: &mut Machine<'_>,
    components: &[String],
) -> Result<(), Failure> {
    match unit.parent {
        _ if components.is_empty() => Err(growth::nothing_to_attach(unit.name)),
        Some(parent) if !super::read(machine, parent)?.is_mirror() => {
            Err(growth::part_of(unit.name, parent))
        }
        _ => Ok(()),
    }
}

/// Sees that a new submirror carries nothing that somebody may want back.
fn check_overwritten(path: &String, machine: &mut Machine<'_>) -> Result<(), Failure> {
    match components::find_carrier([path], machine)? {
        None => Ok(()),
        Some(carrier) => Err(explain::mirror::overwritten(&carrier)),
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
            component_path(word).map_err(|reason| explain::word(COMMAND, word, reason))
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
            None if unit.raid().is_some() => vec![row(paths)],
            None => paths.chunks(1).map(row).collect(),
        }
    }
}
