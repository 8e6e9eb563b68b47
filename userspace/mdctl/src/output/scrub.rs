// SPDX-License-Identifier: GPL-2.0
//! Checks of a mirror or RAID5 as text.

use super::human_size::human_size;
use crate::{
    scrub::{
        Checked,
        Mode,
        Range,
        Run, //
    },
    syntax::size::Sectors,
    unit::Unit,
};
use md_report::{
    CheckEnd,
    WritePolicy, //
};

/// Ranges that are shown.
const SHOWN_MAX: usize = 8;

/// What is shown of the checks of a metadevice; nothing if there never was one.
pub(super) fn block(unit: &Unit) -> String {
    let mut text = String::new();
    let Some(checked) = unit.checked() else {
        return text;
    };
    let scrubs = checked.scrubs();
    if let Some(current) = &scrubs.current {
        let what = noun(current.mode);
        let percent = percent(current.done, unit.size);
        text += &format!(
            "    {what} in progress: {percent} % done{}\n",
            so_far(current.range_count)
        );
        text += &ranges(checked, current.range_count);
    }
    for (number, run) in scrubs.runs.iter().enumerate() {
        text += &format!("    {}\n", line(checked, run));
        if number == 0 && scrubs.current.is_none() {
            text += &ranges(checked, run.range_count);
            if run.has_differences() {
                let command = checked.repair_command(&unit.name.to_string());
                text += &format!("    Invoke: {command}\n");
                text += &rule(unit, checked);
            }
        }
    }
    text
}

/// What a mirror does about memory that changes while it is written (`DURABILITY.md` clause 14).
/// RAID5 writes from a copy.
fn rule(unit: &Unit, checked: Checked<'_>) -> String {
    let Checked::Mirror(mirror) = checked else {
        return String::new();
    };
    match mirror.options.write_policy {
        WritePolicy::Copy => "    Writes: copied\n".to_string(),
        WritePolicy::Parallel | WritePolicy::Serial => {
            let command = format!("metaparam -w copy {}", unit.name);
            format!(
                "    Writes: not copied; {command} rules out differences by programs\n      \
                 that change what they write with O_DIRECT\n"
            )
        }
    }
}

/// How much was seen, in percent, rounded down.
pub(crate) fn percent(done: Sectors, size: Sectors) -> u64 {
    let percent = u128::from(done.0.min(size.0)) * 100 / u128::from(size.0.max(1));
    u64::try_from(percent).unwrap_or(100)
}

fn so_far(count: u32) -> String {
    match count {
        0 => String::new(),
        count => format!(", {} so far", differing(count)),
    }
}

/// What differs, in words.
pub(crate) fn differing(count: u32) -> String {
    match count {
        1 => "1 range differs".to_string(),
        count => format!("{count} ranges differ"),
    }
}

/// A check, in one line.
fn line(checked: Checked<'_>, run: &Run) -> String {
    let what = noun(run.mode);
    let began = run.began.as_deref().unwrap_or("at an unknown time");
    let ended = match run.end {
        CheckEnd::Done => "",
        CheckEnd::Cancelled => " (cancelled)",
        CheckEnd::Interrupted => " (interrupted)",
    };
    format!("{what} {began}{ended}: {}", summary(checked, run))
}

/// What a check has found.
pub(crate) fn summary(checked: Checked<'_>, run: &Run) -> String {
    let mut text = format!("{} compared", human_size(run.compared));
    if run.skipped > Sectors(0) {
        text += &format!(
            ", {} left to the resync or not readable",
            human_size(run.skipped)
        );
    }
    if run.range_count == 0 {
        return text + ", no difference";
    }
    text += &format!(
        ", {} ({} blocks)",
        differing(run.range_count),
        run.differing.0
    );
    if !run.outvoted.is_empty() {
        let sides: Vec<_> = run
            .outvoted
            .iter()
            .map(|side| checked.side_name(*side))
            .collect();
        let verb = if sides.len() == 1 {
            "disagrees"
        } else {
            "disagree"
        };
        text += &format!(", {} {verb}", sides.join(" and "));
    }
    if run.zeroed > Sectors(0) {
        text += &format!(", {} of them zeroes on one side", run.zeroed.0);
    }
    match (run.mode, run.has_differences()) {
        (Mode::Check, _) => text,
        (_, false) => text + ", repaired",
        (_, true) => text + &format!(", {} repaired", run.repaired.0),
    }
}

/// The first ranges that differ, of so many.
fn ranges(checked: Checked<'_>, count: u32) -> String {
    let line = |range: &Range| {
        let place = capitalized(&checked.place(range));
        format!("      {place}: {}\n", checked.verdict(range))
    };
    let ranges = &checked.scrubs().ranges;
    let shown = ranges.len().min(SHOWN_MAX).min(count as usize);
    let mut text: String = ranges.iter().take(shown).map(line).collect();
    if count as usize > shown {
        text += &format!("      and {} more\n", count as usize - shown);
    }
    text
}

fn capitalized(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn noun(mode: Mode) -> &'static str {
    match mode {
        Mode::Check => "Check",
        Mode::Majority | Mode::From(_) => "Repair",
    }
}
