// SPDX-License-Identifier: GPL-2.0
//! The ranges of a mirror that differ, as many as there is room for, and how much there is of them
//! in all.

use super::{
    compare::Difference,
    without_side, //
};

/// Most ranges that a report has; of the others it is known how many there are.
pub const RANGES_MAX: usize = 32;

/// Sectors that differ in the same way.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Range {
    /// First sector.
    pub sector: u64,
    /// How many.
    pub count: u64,
    /// How they differ.
    pub difference: Difference,
}

impl Range {
    /// No sectors.
    pub const NONE: Self = Self {
        sector: 0,
        count: 0,
        difference: Difference {
            compared: 0,
            outvoted: 0,
            zeroed: 0,
        },
    };

    /// The range, of a mirror that has lost a side since.
    pub fn without_side(self, gone: u32) -> Self {
        let Difference {
            compared,
            outvoted,
            zeroed,
        } = self.difference;
        Self {
            difference: Difference {
                compared: without_side(compared, gone),
                outvoted: without_side(outvoted, gone),
                zeroed: without_side(zeroed, gone),
            },
            ..self
        }
    }
}

/// The ranges, in ascending order.
#[derive(Clone, Debug)]
pub struct Report {
    ranges: [Range; RANGES_MAX],
    /// The last one that was added, also where there was no room for it.
    last: Range,
    /// How many there are in all.
    total: u32,
    /// How many sectors they have.
    sectors: u64,
    /// How many of these are nothing but zeroes on one side, and something else on another.
    zeroed_sectors: u64,
    /// Sides that were outvoted somewhere, as bits.
    outvoted: u32,
}

impl Report {
    /// Nothing differs.
    pub const fn new() -> Self {
        Self {
            ranges: [Range::NONE; RANGES_MAX],
            last: Range::NONE,
            total: 0,
            sectors: 0,
            zeroed_sectors: 0,
            outvoted: 0,
        }
    }

    /// Nothing differs any more.
    pub fn clear(&mut self) {
        self.last = Range::NONE;
        self.total = 0;
        self.sectors = 0;
        self.zeroed_sectors = 0;
        self.outvoted = 0;
    }

    /// Adds a range, which lies behind all others. If it goes on where the last one ends, and
    /// differs in the same way, that one becomes longer.
    pub fn add(&mut self, range: Range) {
        if range.count == 0 {
            return;
        }
        self.sectors = self.sectors.saturating_add(range.count);
        if range.difference.zeroed != 0 {
            self.zeroed_sectors = self.zeroed_sectors.saturating_add(range.count);
        }
        self.outvoted |= range.difference.outvoted;
        let end = self.last.sector.saturating_add(self.last.count);
        let goes_on =
            self.total > 0 && range.sector == end && range.difference == self.last.difference;
        if goes_on {
            self.last.count = self.last.count.saturating_add(range.count);
        } else {
            self.last = range;
            self.total = self.total.saturating_add(1);
        }
        let place = (self.total as usize).saturating_sub(1);
        if let Some(place) = self.ranges.get_mut(place) {
            *place = self.last;
        }
    }

    /// The first ranges.
    pub fn ranges(&self) -> &[Range] {
        let count = (self.total as usize).min(RANGES_MAX);
        self.ranges.get(..count).unwrap_or(&[])
    }

    /// How many ranges there are in all.
    pub fn total(&self) -> u32 {
        self.total
    }

    /// How many sectors they have.
    pub fn sectors(&self) -> u64 {
        self.sectors
    }

    /// How many sectors are nothing but zeroes on some sides, and something else on others.
    pub fn zeroed_sectors(&self) -> u64 {
        self.zeroed_sectors
    }

    /// Sides that were outvoted somewhere, as bits.
    pub fn outvoted(&self) -> u32 {
        self.outvoted
    }

    /// The mirror has lost a side.
    pub fn remove_side(&mut self, gone: u32) {
        for range in &mut self.ranges {
            *range = range.without_side(gone);
        }
        self.last = self.last.without_side(gone);
        self.outvoted = without_side(self.outvoted, gone);
    }
}

impl Default for Report {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(sector: u64, count: u64, outvoted: u32, zeroed: u32) -> Range {
        Range {
            sector,
            count,
            difference: Difference {
                compared: 0b111,
                outvoted,
                zeroed,
            },
        }
    }

    #[test]
    fn ranges_that_go_on_are_one() {
        let mut report = Report::new();
        report.add(range(0, 0, 1, 0));
        assert_eq!(report.total(), 0, "nothing is no range");
        report.add(range(0, 8, 1, 0));
        report.add(range(8, 8, 1, 0));
        report.add(range(16, 8, 2, 2));
        report.add(range(25, 1, 2, 2));
        let expected = [range(0, 16, 1, 0), range(16, 8, 2, 2), range(25, 1, 2, 2)];
        assert_eq!(report.ranges(), expected);
        assert_eq!((report.total(), report.sectors()), (3, 25));
        assert_eq!((report.zeroed_sectors(), report.outvoted()), (9, 0b11));
    }

    /// What there is no room for is counted as well, and still merged.
    #[test]
    fn a_report_is_bounded() {
        let mut report = Report::new();
        for number in 0..1000 {
            report.add(range(number * 10, 3, 1, 0));
            report.add(range(number * 10 + 3, 2, 1, 0));
        }
        assert_eq!(report.ranges().len(), RANGES_MAX);
        assert_eq!((report.total(), report.sectors()), (1000, 5000));
        assert_eq!(report.ranges().last(), Some(&range(310, 5, 1, 0)));
        report.clear();
        assert_eq!(
            (report.ranges(), report.total(), report.sectors()),
            (&[][..], 0, 0)
        );
        report.add(range(0, 3, 1, 0));
        assert_eq!(report.ranges(), [range(0, 3, 1, 0)]);
    }

    #[test]
    fn numbers_that_are_too_large_are_no_danger() {
        let mut report = Report::new();
        report.add(range(u64::MAX, u64::MAX, 1, 1));
        report.add(range(u64::MAX, u64::MAX, 1, 1));
        assert_eq!(report.sectors(), u64::MAX);
    }

    #[test]
    fn a_side_that_is_gone_is_not_named_any_more() {
        let mut report = Report::new();
        report.add(range(0, 8, 0b10, 0b100));
        report.add(range(9, 8, 0b100, 0));
        report.remove_side(1);
        let first = report.ranges()[0].difference;
        assert_eq!(
            (first.compared, first.outvoted, first.zeroed),
            (0b11, 0, 0b10)
        );
        assert_eq!(report.outvoted(), 0b10);
    }
}
