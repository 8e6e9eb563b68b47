// SPDX-License-Identifier: GPL-2.0
//! RAID5 metadevices as text (`svm.md` section 10.1).

use super::{
    human_size::human_size,
    mirror,
    scrub,
    table::Columns,
    text::Listed, //
};
use crate::{
    explain::raid::STUCK,
    repair::Repair,
    syntax::{
        size::Sectors,
        spec::Kind, //
    },
    unit::{
        Raid,
        Resync,
        Unit, //
    },
};
use md_report::{
    ResyncState,
    State, //
};
use std::collections::BTreeSet;

/// Ranges of what is lost that are shown; `--json` has all.
const LOST_SHOWN: usize = 16;

/// What is said of one without a log.
const NO_LOG: &str = "    Log: none. After a crash all of the parity is made again, and if a \
                      component is missing then\n         the metadevice cannot be opened any \
                      more\n";

/// What is said of one that cannot be opened.
const BLOCKED: &str = "    Cannot be opened: its components do not have what they should; the \
                       kernel's log says why,\n                      and what to do\n";

/// What reads as errors.
fn lost(raid: &Raid) -> String {
    if raid.lost_blocks == 0 {
        return String::new();
    }
    let mut text = format!(
        "    Lost: {} blocks of 4 KiB read as errors until they are written: a column went with \
         the power\n          while they were being written\n",
        raid.lost_blocks
    );
    for range in raid.lost.iter().take(LOST_SHOWN) {
        let last = range.first + range.count.0 - 1;
        text += &format!("          blocks {} to {last}\n", range.first);
    }
    let more = raid.lost.len().saturating_sub(LOST_SHOWN);
    if more > 0 {
        text += &format!("          and {more} more ranges ('metastat --json' has all)\n");
    }
    text
}

/// What is shown of one; `size` is the line for that.
pub(super) fn block(
    listed: &Listed,
    raid: &Raid,
    size: &str,
    with_times: bool,
    replicas: Option<&BTreeSet<String>>,
) -> String {
    let unit = &listed.unit;
    let mut text = heading(listed, raid);
    if let Some(pool) = unit.pool {
        text += &format!("    Hot spare pool: {pool}\n");
    }
    if let Some(resync) = &raid.resync {
        text += &progress(unit, raid, resync);
    }
    text += &scrub::block(unit);
    if !raid.pace.is_default() {
        text += &mirror::pace(&raid.pace);
    }
    if raid.has_svm_rotation {
        text += "    Parity: goes around as in SVM\n";
    }
    if !raid.has_log {
        text += NO_LOG;
    }
    text += &lost(raid);
    text += &format!("    Interlace: {} blocks\n{size}", raid.interlace().0);
    let columns = Columns {
        states: true,
        errors: unit.has_trouble(),
        times: with_times,
    };
    for (number, row) in raid.rows.iter().enumerate() {
        text += match number {
            0 => "Original device:\n",
            _ => "Concatenated Devices:\n",
        };
        if raid.rows.len() > 1 {
            let size = part_size(raid, number);
            let human = human_size(size);
            text += &format!("    Size: {} blocks ({human})\n", size.0);
        }
        text += &columns.table(row, replicas);
    }
    text
}

/// Its name, its state, and what is to be done about that.
fn heading(listed: &Listed, raid: &Raid) -> String {
    let unit = &listed.unit;
    let state = if raid.is_initializing && unit.state == State::Okay {
        "Initializing"
    } else {
        unit.state.word()
    };
    let title = Kind::Raid.title();
    let mut text = format!("{}: {title}\n    State: {state}\n", unit.name);
    if raid.is_blocked {
        // No command for a component is of use then.
        return text + BLOCKED;
    }
    if let Some(Repair { after, command }) = &listed.repair {
        text += "    Invoke: ";
        text += &after.map_or(String::new(), |after| format!("{after}\n\t\t"));
        text += &format!("{command}\n");
    }
    text
}

/// How far its parity, or a column, is made, and what to type if that stands still.
fn progress(unit: &Unit, raid: &Raid, resync: &Resync) -> String {
    let what = if raid.is_initializing {
        "Initialization"
    } else {
        "Resync"
    };
    let (how, why) = match resync.state {
        ResyncState::Running | ResyncState::Waiting => ("in progress", ""),
        ResyncState::Cancelled => ("cancelled", ""),
        ResyncState::Paused => ("pauses", ""),
        ResyncState::Stuck | ResyncState::LeftOut => ("stands still", STUCK),
    };
    let why = if why.is_empty() {
        String::new()
    } else {
        format!(", {why}")
    };
    let mut text = format!(
        "    {what} {how}: {} % done{why}\n",
        resync.percent(unit.size)
    );
    if !matches!(resync.state, ResyncState::Running | ResyncState::Waiting) {
        text += &format!("    Invoke: metasync {}\n", unit.name);
    }
    text
}

/// How much is on the columns of a row.
fn part_size(raid: &Raid, row: usize) -> Sectors {
    let column = |row: usize| {
        let own = raid.rows.get(row)?;
        let log = md_model::raid5::LOG_SECTORS;
        Some((
            own.components.len() as u64,
            own.components.first()?.size.0.checked_sub(log)?,
        ))
    };
    let (count, sectors) = column(row).unwrap_or_default();
    let with_data = if row == 0 {
        count.saturating_sub(1)
    } else {
        count
    };
    Sectors(with_data.saturating_mul(sectors))
}
