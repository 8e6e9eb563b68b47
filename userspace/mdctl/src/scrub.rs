// SPDX-License-Identifier: GPL-2.0
//! Scrubs of a mirror, or checks of RAID5, as the commands see them: what the kernel answered,
//! checked and in Rust's terms. Submirrors are counted from 0.

use crate::{
    syntax::{
        name::component_word,
        size::Sectors, //
    },
    unit::{
        Mirror,
        Raid, //
    },
};
use md_report::{
    self as report,
    CheckEnd, //
};

/// What a scrub does about differences.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// It reports them.
    Check,
    /// It repairs the submirror that most others are against, or makes the parity of the data.
    Majority,
    /// It repairs the others from this one.
    From(usize),
}

/// What is known of the scrubs of a mirror or RAID5 metadevice.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Scrubs {
    /// The one that is under way.
    pub current: Option<Current>,
    /// The first ranges that it has found to differ, or the last one.
    pub ranges: Vec<Range>,
    /// Those that have ended, the last one first.
    pub runs: Vec<Run>,
}

/// A scrub that is under way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Current {
    /// What it does.
    pub mode: Mode,
    /// What it has seen.
    pub done: Sectors,
    /// How many ranges it has found to differ.
    pub range_count: u32,
}

/// Blocks in which submirrors differ; of RAID5, blocks in the data of each column whose sum is not
/// zero.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Range {
    /// The first one.
    pub first: u64,
    /// How many, at least one.
    pub count: Sectors,
    /// The submirror that most others are against.
    pub outvoted: Option<usize>,
    /// Submirrors that have nothing but zeroes there.
    pub zeroed: Vec<usize>,
}

/// A scrub that has ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Run {
    /// When it began, in UTC as RFC 3339 has it.
    pub began: Option<String>,
    /// How long it took, in seconds.
    pub seconds: u32,
    /// What it did.
    pub mode: Mode,
    /// How it has ended.
    pub end: CheckEnd,
    /// What was compared.
    pub compared: Sectors,
    /// What was not.
    pub skipped: Sectors,
    /// What differed.
    pub differing: Sectors,
    /// What of that was nothing but zeroes on some submirrors.
    pub zeroed: Sectors,
    /// What was made equal.
    pub repaired: Sectors,
    /// Ranges that differed.
    pub range_count: u32,
    /// Submirrors that most others were against somewhere.
    pub outvoted: Vec<usize>,
}

impl Range {
    /// The last block.
    pub fn last(&self) -> u64 {
        self.first.saturating_add(self.count.0).saturating_sub(1)
    }
}

impl Run {
    /// Whether there is something that differs and was not repaired.
    pub fn has_differences(&self) -> bool {
        self.differing > self.repaired
    }
}

/// What is checked: it says what ranges are, and who is wrong.
#[derive(Clone, Copy, Debug)]
pub enum Checked<'a> {
    /// A mirror.
    Mirror(&'a Mirror),
    /// A RAID5 metadevice.
    Raid(&'a Raid),
}

impl<'a> Checked<'a> {
    /// What is known of the scrubs.
    pub fn scrubs(self) -> &'a Scrubs {
        match self {
            Checked::Mirror(mirror) => &mirror.scrubs,
            Checked::Raid(raid) => &raid.scrubs,
        }
    }

    /// What a submirror is called.
    pub fn side_name(self, side: usize) -> String {
        let name = match self {
            Checked::Mirror(mirror) => mirror.submirrors.get(side),
            Checked::Raid(_) => None,
        };
        name.map_or_else(
            || format!("submirror {side}"),
            |part| component_word(&part.device),
        )
    }

    fn side_names(self, sides: &[usize]) -> Vec<String> {
        sides.iter().map(|side| self.side_name(*side)).collect()
    }

    /// The row of RAID5 that an offset on its columns is in.
    fn row(self, offset: u64) -> Option<u64> {
        match self {
            Checked::Mirror(_) => None,
            Checked::Raid(raid) => Some(offset / raid.interlace().0.max(1)),
        }
    }

    /// Where a range is, in words.
    pub fn place(self, range: &Range) -> String {
        let blocks = format!("blocks {} to {}", range.first, range.last());
        match (self.row(range.first), self.row(range.last())) {
            (Some(first), Some(last)) if first == last => {
                format!("row {first}, {blocks} of each component")
            }
            (Some(first), Some(last)) => {
                format!("rows {first} to {last}, {blocks} of each component")
            }
            _ => blocks,
        }
    }

    /// Who has something else in a range, in words.
    pub fn verdict(self, range: &Range) -> String {
        if let Checked::Raid(_) = self {
            return "the parity does not fit".to_string();
        }
        let zeroed = self.side_names(&range.zeroed);
        let zeroes = if zeroed.is_empty() {
            String::new()
        } else {
            format!(", zeroes on {}", zeroed.join(" and "))
        };
        match range.outvoted {
            Some(side) => format!("{} disagrees{zeroes}", self.side_name(side)),
            None => format!("no majority{zeroes}"),
        }
    }

    /// What makes one with differences equal again, as one would type it. Where there is no
    /// majority somebody has to know which submirror is right.
    pub fn repair_command(self, name: &str) -> String {
        let is_decided = |range: &Range| range.outvoted.is_some();
        let is_raid = matches!(self, Checked::Raid(_));
        if is_raid || self.scrubs().ranges.iter().all(is_decided) {
            format!("metasync --repair -w {name}")
        } else {
            format!("metasync --repair=<submirror> -w {name}")
        }
    }

    /// The scrubs, as the documents describe them; `None` if there never was one.
    pub(crate) fn document(self, size: Sectors) -> Option<report::Check> {
        let Scrubs {
            current,
            ranges,
            runs,
        } = self.scrubs();
        if current.is_none() && runs.is_empty() {
            return None;
        }
        Some(report::Check {
            running: current.map(|current| report::CheckProgress {
                repair: self.repair_word(current.mode),
                done: current.done.bytes(),
                total: size.bytes(),
                ranges: current.range_count,
            }),
            ranges: ranges
                .iter()
                .map(|range| self.range_document(range))
                .collect(),
            history: runs.iter().map(|run| self.run_document(run)).collect(),
        })
    }

    fn range_document(self, range: &Range) -> report::CheckRange {
        report::CheckRange {
            start: Sectors(range.first).bytes(),
            size: range.count.bytes(),
            row: self.row(range.first),
            outvoted: range.outvoted.map(|side| self.side_name(side)),
            zeroed: self.side_names(&range.zeroed),
        }
    }

    fn run_document(self, run: &Run) -> report::CheckRun {
        report::CheckRun {
            began: run.began.clone(),
            seconds: run.seconds,
            repair: self.repair_word(run.mode),
            end: run.end,
            compared: run.compared.bytes(),
            skipped: run.skipped.bytes(),
            differing: run.differing.bytes(),
            zeroed: run.zeroed.bytes(),
            repaired: run.repaired.bytes(),
            ranges: run.range_count,
            outvoted: self.side_names(&run.outvoted),
        }
    }

    /// What was repaired from: the majority, a submirror, or the data of RAID5.
    fn repair_word(self, mode: Mode) -> Option<String> {
        match (self, mode) {
            (_, Mode::Check) => None,
            (Checked::Raid(_), _) => Some("data".to_string()),
            (Checked::Mirror(_), Mode::Majority) => Some("majority".to_string()),
            (Checked::Mirror(_), Mode::From(side)) => Some(self.side_name(side)),
        }
    }
}
