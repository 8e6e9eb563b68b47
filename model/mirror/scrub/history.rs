// SPDX-License-Identifier: GPL-2.0
//! What is remembered of scrubs that have ended, in the record of the mirror: the last few of them,
//! and the first ranges that the last one has found.

use super::{
    compare::Mode,
    report::{
        Range,
        Report, //
    },
    run::End,
    without_side, //
};

/// Scrubs that are remembered.
pub const RUNS_MAX: usize = 8;

/// Ranges that are remembered of the last one.
pub const KEPT_RANGES_MAX: usize = 8;

/// A scrub that has ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Run {
    /// When it began, in seconds since 1970.
    pub began: u64,
    /// How long it took, in seconds.
    pub seconds: u32,
    /// What it did about differences.
    pub mode: Mode,
    /// How it has ended.
    pub end: End,
    /// Sectors that were compared.
    pub compared_sectors: u64,
    /// Sectors that were not: those that a resync has to copy, and those that could not be read on
    /// two sides.
    pub skipped_sectors: u64,
    /// Sectors that differed.
    pub differing_sectors: u64,
    /// Those of them that were nothing but zeroes on some sides.
    pub zeroed_sectors: u64,
    /// Those that were made equal.
    pub repaired_sectors: u64,
    /// Ranges that differed.
    pub range_count: u32,
    /// Sides that were outvoted somewhere, as bits.
    pub outvoted: u32,
}

/// The last scrubs, and ranges of the very last.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct History {
    /// The newest one first.
    runs: [Option<Run>; RUNS_MAX],
    ranges: [Range; KEPT_RANGES_MAX],
    range_count: usize,
}

impl History {
    /// There were no scrubs.
    pub const NONE: Self = Self {
        runs: [None; RUNS_MAX],
        ranges: [Range::NONE; KEPT_RANGES_MAX],
        range_count: 0,
    };

    /// What was recorded: scrubs, the newest one first, and ranges of that. Those that there is no
    /// room for are left out.
    pub fn of(runs: impl Iterator<Item = Run>, ranges: impl Iterator<Item = Range>) -> Self {
        let mut history = Self::NONE;
        for (place, run) in history.runs.iter_mut().zip(runs) {
            *place = Some(run);
        }
        history.set_ranges(ranges);
        history
    }

    fn set_ranges(&mut self, ranges: impl Iterator<Item = Range>) {
        self.ranges = [Range::NONE; KEPT_RANGES_MAX];
        self.range_count = 0;
        for (place, range) in self.ranges.iter_mut().zip(ranges) {
            *place = range;
            self.range_count = self.range_count.saturating_add(1);
        }
    }

    /// A scrub has ended, and found this. The oldest one is forgotten if there are too many.
    pub fn add(&mut self, run: Run, report: &Report) {
        self.runs.rotate_right(1);
        if let Some(first) = self.runs.first_mut() {
            *first = Some(run);
        }
        self.set_ranges(report.ranges().iter().copied());
    }

    /// The scrubs, the newest one first.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().flatten()
    }

    /// The first ranges that the newest one has found.
    pub fn ranges(&self) -> &[Range] {
        self.ranges.get(..self.range_count).unwrap_or(&[])
    }

    /// The mirror has lost a side.
    pub fn remove_side(&mut self, gone: u32) {
        for run in self.runs.iter_mut().flatten() {
            run.outvoted = without_side(run.outvoted, gone);
            run.mode = match run.mode {
                // Which one it was cannot be told any more.
                Mode::From(side) if side == gone => Mode::Majority,
                Mode::From(side) if side > gone => Mode::From(side.saturating_sub(1)),
                mode => mode,
            };
        }
        for range in &mut self.ranges {
            *range = range.without_side(gone);
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::{
        super::compare::Difference,
        *, //
    };

    fn run(began: u64) -> Run {
        Run {
            began,
            seconds: 7,
            mode: Mode::From(2),
            end: End::Done,
            compared_sectors: 1000,
            skipped_sectors: 0,
            differing_sectors: 8,
            zeroed_sectors: 0,
            repaired_sectors: 8,
            range_count: 1,
            outvoted: 0b110,
        }
    }

    fn report(count: u64) -> Report {
        let mut report = Report::new();
        for number in 0..count {
            report.add(Range {
                sector: number.saturating_mul(100),
                count: 8,
                difference: Difference {
                    compared: 0b111,
                    outvoted: 0b100,
                    zeroed: 0,
                },
            });
        }
        report
    }

    #[test]
    fn the_last_ones_are_remembered() {
        let mut history = History::NONE;
        assert_eq!(history.runs().count(), 0);
        for began in 1..=20 {
            history.add(run(began), &report(began % 3));
        }
        let found: Vec<_> = history.runs().map(|run| run.began).collect();
        assert_eq!(found, [20, 19, 18, 17, 16, 15, 14, 13]);
        assert_eq!(history.ranges(), report(2).ranges());
        history.add(run(21), &report(40));
        assert_eq!(history.ranges(), &report(40).ranges()[..KEPT_RANGES_MAX]);
        history.add(run(22), &report(0));
        assert_eq!(history.ranges(), []);
    }

    #[test]
    fn what_was_recorded_is_the_same_again() {
        let mut history = History::NONE;
        history.add(run(1), &report(2));
        history.add(run(2), &report(3));
        let runs = history.runs().copied().collect::<Vec<_>>();
        let ranges = history.ranges().to_vec();
        let again = History::of(runs.iter().copied(), ranges.iter().copied());
        assert_eq!(again, history);
        let too_many = (0..50).map(run);
        assert_eq!(
            History::of(too_many, ranges.into_iter()).runs().count(),
            RUNS_MAX
        );
    }

    #[test]
    fn a_side_that_is_gone_is_not_named_any_more() {
        let mut history = History::NONE;
        history.add(run(1), &report(1));
        history.remove_side(1);
        let first = *history.runs().next().expect("one");
        assert_eq!((first.outvoted, first.mode), (0b10, Mode::From(1)));
        assert_eq!(history.ranges()[0].difference.outvoted, 0b10);
        history.remove_side(1);
        let first = *history.runs().next().expect("one");
        assert_eq!((first.outvoted, first.mode), (0, Mode::Majority));
    }
}
