// SPDX-License-Identifier: GPL-2.0
//! The answer as text, in SVM's forms (`svm.md` section 10.1).
//!
//! Two of SVM's columns are left out, since Linux has nothing to say in them: "Reloc", whether a
//! disk has a device id that follows it to another place, and with it the table of device ids.

use super::{
    human_size::{
        concise_size,
        human_size, //
    },
    mirror,
    next_command,
    raid,
    table::Columns, //
};
use crate::{
    explain::Failure,
    multicall::Finished,
    repair::Repair,
    syntax::{
        name::component_word,
        spec::Kind, //
    },
    unit::{
        Body,
        Component,
        Row,
        Soft,
        Unit, //
    },
};
use md_report::State;
use std::collections::BTreeSet;

/// A metadevice in a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listed {
    /// The metadevice.
    pub unit: Unit,
    /// How many steps below the first one of its tree it stands; the others follow that one.
    pub depth: usize,
    /// Whether it is a side of a mirror.
    pub is_submirror: bool,
    /// What brings it back into service, if it is not.
    pub repair: Option<Repair>,
}

/// Something to be warned of, for standard error.
pub fn warning(finished: &Finished, warning: &str) -> String {
    format!("{}: warning: {warning}\n", finished.command)
}

/// A failure, for standard error.
pub fn failure(finished: &Finished, failure: &Failure) -> String {
    let mut text = format!("{}: ", finished.command);
    if let Some(entry) = &failure.entry {
        text += &format!("{}:{}: ", entry.file, entry.line);
        if failure.device.as_ref() != Some(&entry.name) {
            text += &format!("{}: ", entry.name);
        }
    }
    if let Some(device) = &failure.device {
        text += &format!("{device}: ");
    }
    text += &failure.reason;
    text.push('\n');
    for line in failure.pointer.iter().flat_map(|pointer| pointer.lines()) {
        text += &format!("    {line}\n");
    }
    text + &format!("next: {}\n", next_command(finished, failure))
}

/// Where the state of metadevices is kept: paths of the devices with replicas of the state
/// database, or `None` if there is no such database.
pub type Keeping = Option<BTreeSet<String>>;

/// The long form, one paragraph for each metadevice; with a column of times on demand.
pub fn paragraphs(units: &[Listed], with_times: bool, keeping: &Keeping) -> String {
    let paragraphs: Vec<_> = units
        .iter()
        .map(|listed| paragraph(listed, with_times, keeping))
        .collect();
    paragraphs.join("\n")
}

/// The long form of one metadevice.
fn paragraph(listed: &Listed, with_times: bool, keeping: &Keeping) -> String {
    let unit = &listed.unit;
    let size = unit.size;
    let mut size = format!("    Size: {} blocks ({})\n", size.0, human_size(size));
    if unit.is_pending {
        size += "    Access: read-only until the set is started again, at the next boot\n";
    }
    match &unit.body {
        Body::Mirror(body) => {
            let title = format!("{}: {}\n", unit.name, Kind::Mirror.title());
            title + &mirror::block(unit, body, with_times, keeping.is_none()) + &size
        }
        Body::Stripe(rows) => {
            let trouble = unit.has_trouble();
            let columns = Columns {
                states: trouble || listed.is_submirror,
                errors: trouble,
                times: with_times,
            };
            let replicas = keeping.as_ref();
            let pool = unit
                .pool
                .map(|pool| format!("    Hot spare pool: {pool}\n"));
            let pool = pool.unwrap_or_default();
            heading(listed, columns.states) + &pool + &size + &table(rows, columns, replicas)
        }
        Body::Raid(body) => raid::block(listed, body, &size, with_times, keeping.as_ref()),
        Body::Soft(soft) => heading(listed, listed.is_submirror) + &soft_partition(soft, &size),
    }
}

/// What stands above the size of a stripe or concat.
fn heading(listed: &Listed, with_state: bool) -> String {
    let unit = &listed.unit;
    let name = unit.name;
    let mut text = match unit.parent {
        Some(parent) if listed.is_submirror => format!("{name}: Submirror of {parent}\n"),
        Some(parent) => format!("{name}: Subdevice of {parent}\n"),
        None => format!("{name}: {}\n", unit.unit_kind().title()),
    };
    if with_state {
        text += &format!("    State: {}\n", unit.state.word());
    }
    if let Some(Repair { after, command }) = &listed.repair {
        text += "    Invoke: ";
        text += &after.map_or(String::new(), |after| format!("{after}\n\t\t"));
        text += &format!("{command}\n");
    }
    text
}

/// What stands below the name of a soft partition.
fn soft_partition(soft: &Soft, size: &str) -> String {
    let base = component_word(&soft.base.device);
    let free = soft.layout.free;
    let mut text = format!("    Device: {base}\n    State: {}\n{size}", soft.word());
    text += &format!(
        "    Free on {base}: {} blocks ({})\n\t{:>6}{:>24}{:>24}\n",
        free.0,
        human_size(free),
        "Extent",
        "Start Block",
        "Block count"
    );
    for (number, extent) in soft.layout.extents.iter().enumerate() {
        let (start, count) = (extent.sector, extent.count);
        text += &format!("\t{number:>6}{start:>24}{count:>24}\n");
    }
    if soft.word() != "Okay" {
        text += &format!("    Invoke: metarecover {base} -p -m\n");
    }
    text
}

/// The rows of a stripe or concat.
fn table(rows: &[Row], columns: Columns, replicas: Option<&BTreeSet<String>>) -> String {
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        text += &format!("    Stripe {number}:");
        if row.components.len() > 1 {
            text += &format!(" (interlace: {} blocks)", row.interlace.0);
        }
        text.push('\n');
        text += &columns.table(row, replicas);
    }
    text
}

/// The form of md.tab, one line for each metadevice.
pub fn md_tab(units: &[Listed]) -> String {
    let line = |listed: &Listed| format!("{}\n", listed.unit.specification());
    units.iter().map(line).collect()
}

/// The concise form, one line for each metadevice.
pub fn concise(units: &[Listed]) -> String {
    let line = |listed: &Listed| {
        let unit = &listed.unit;
        let name = format!("{:indent$}{}", "", unit.name, indent = 4 * listed.depth);
        let components = unit.components().map(|part| concise_component(unit, part));
        let components: Vec<_> = components.collect();
        let size = concise_size(unit.size);
        let kind = unit.unit_kind().letter();
        format!("{name:16} {kind} {size:>6} {}\n", components.join(" "))
    };
    units.iter().map(line).collect()
}

/// A component of a metadevice in the concise form.
fn concise_component(unit: &Unit, component: &Component) -> String {
    let word = component_word(&component.device);
    let state = match component.state {
        State::Okay => match &component.spare {
            Some(spare) => format!("spared-{}", component_word(spare)),
            None if component.is_slow => "slow".to_string(),
            None => return word,
        },
        State::Unavailable => "unavail".to_string(),
        State::Maintenance | State::NeedsMaintenance | State::NeedsResync => "maint".to_string(),
        State::LastErred => "last-erred".to_string(),
        State::Offline => "offline".to_string(),
        State::Resyncing => match unit.resync() {
            Some(resync) => format!("resync-{}%", resync.percent(unit.size)),
            None => "resyncing".to_string(),
        },
    };
    match &component.spare {
        Some(spare) if component.state != State::Okay => {
            format!("{word} ({state}-{})", component_word(spare))
        }
        _ => format!("{word} ({state})"),
    }
}
