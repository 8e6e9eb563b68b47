// SPDX-License-Identifier: GPL-2.0
//! Whether other sides of a mirror have every block of a component (`svm.md` section 4.7).
//!
//! The answer decides whether a component that failed is taken out of service, so it is exact to
//! the sector: with two stripes of one geometry, an erred first component on the one side and an
//! erred second component on the other have no block in common, though they interlace. Different
//! blocks may be on different sides.
//!
//! The mirror is looked at in *stretches*, in each of which every side has one row. A row repeats
//! itself after one interlace on each of its components, so what holds for one common period of
//! the rows of a stretch holds for all of it. Where even that is too long to walk, the answer is
//! `false`, on the safe side: the component then counts as the last one and stays in service, and
//! a write that it fails is an error to the caller.

use core::num::NonZeroU64;

use crate::{
    geometry::stripe::{
        place_in_row,
        row_of_component,
        row_of_sector,
        Row, //
    },
    limits::{
        COMPONENTS_MAX,
        SOURCE_STEPS_MAX,
        SUBMIRRORS_MAX, //
    },
};

/// A side of a mirror that may have the blocks.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    /// Rows of the submirror.
    pub rows: &'a [Row],
    /// Whether a component, by its index, is [`Okay`](super::component::State::Okay) and has its
    /// device. Asked for the same component several times, it must give the same answer.
    pub is_source: &'a dyn Fn(u32) -> bool,
}

/// Whether for every sector of a component there is a side among `others` that has it on a
/// component which is a source. Sectors from number `sectors` of the submirror on do not count:
/// they are behind the end of the mirror.
///
/// `false` also if that cannot be found out in [`SOURCE_STEPS_MAX`] steps, if there is no such
/// component, and for what only sides behind the first [`SUBMIRRORS_MAX`] have.
pub fn has_other_source<'a>(
    rows: &[Row],
    component: u32,
    sectors: u64,
    others: impl Iterator<Item = Side<'a>>,
) -> bool {
    let Some(column) = Column::find(rows, component) else {
        return false;
    };
    let mut sides = [None; SUBMIRRORS_MAX as usize];
    for (side, other) in sides.iter_mut().zip(others) {
        *side = Some(other);
    }
    let walk = Walk {
        column,
        sides,
        end: end_of(column.row).min(sectors),
        steps_left: SOURCE_STEPS_MAX,
    };
    walk.run().is_some()
}

/// A component as the part of its row that it has.
#[derive(Clone, Copy)]
struct Column<'a> {
    row: &'a Row,
    /// Which of the row's components it is.
    index: u32,
}

/// How many sectors of a row, at least one, are on the component or are not.
enum Run {
    Own(u64),
    Others(u64),
}

impl<'a> Column<'a> {
    fn find(rows: &'a [Row], component: u32) -> Option<Self> {
        let row = row_of_component(rows, component)?;
        let index = component.checked_sub(row.first_component)?;
        (index < row.component_count.get()).then_some(Self { row, index })
    }

    /// What follows from a sector of the row on.
    fn run(&self, sector: u64) -> Option<Run> {
        let place = place_in_row(self.row, sector.checked_sub(self.row.start_sector)?)?;
        if place.index == self.index {
            return Some(Run::Own(place.run));
        }
        let turns = match self.index.checked_sub(place.index) {
            Some(turns) => turns,
            None => {
                let to_next_round = self.row.component_count.get().checked_sub(place.index)?;
                to_next_round.checked_add(self.index)?
            }
        };
        let skipped = u64::from(turns.checked_sub(1)?);
        let skipped = skipped.checked_mul(self.row.interlace_sectors.get())?;
        Some(Run::Others(place.run.checked_add(skipped)?))
    }
}

/// A side's row in a stretch.
#[derive(Clone, Copy)]
struct Cover<'a> {
    row: &'a Row,
    is_source: &'a dyn Fn(u32) -> bool,
}

impl<'a> Cover<'a> {
    /// What a side has at a sector, if anything.
    fn find(side: &Side<'a>, sector: u64) -> Option<Self> {
        let row = row_of_sector(side.rows, sector)?;
        let inside = row.start_sector <= sector && sector < end_of(row);
        // No layout makes a longer row; to ask for all its components could take for ever.
        let sound = row.component_count.get() <= COMPONENTS_MAX;
        (inside && sound).then_some(Self {
            row,
            is_source: side.is_source,
        })
    }

    /// Whether all components of the row are sources.
    fn is_whole(&self) -> bool {
        (0..self.row.component_count.get()).all(|index| self.has(index))
    }

    fn has(&self, index: u32) -> bool {
        let component = self.row.first_component.checked_add(index);
        component.is_some_and(self.is_source)
    }

    /// How many sectors from a sector of the row on are on a source. They end with the interlace
    /// at the latest.
    fn run(&self, sector: u64) -> Option<u64> {
        let place = place_in_row(self.row, sector.checked_sub(self.row.start_sector)?)?;
        self.has(place.index).then_some(place.run)
    }
}

/// The rows of all sides that are to be walked together.
type Covers<'a> = [Option<Cover<'a>>; SUBMIRRORS_MAX as usize];

/// The way through a component's row. All its functions give `None` where the answer is `false`.
struct Walk<'a, 'b> {
    column: Column<'b>,
    sides: [Option<Side<'a>>; SUBMIRRORS_MAX as usize],
    /// Behind the last sector that counts.
    end: u64,
    steps_left: u32,
}

impl<'a> Walk<'a, '_> {
    /// Goes through the row, from stretch to stretch.
    fn run(mut self) -> Option<()> {
        let mut sector = self.column.row.start_sector;
        while sector < self.end {
            let covers = self
                .sides
                .map(|side| side.and_then(|side| Cover::find(&side, sector)));
            let whole = covers.iter().flatten().filter(|cover| cover.is_whole());
            sector = match whole.map(|cover| end_of(cover.row)).max() {
                Some(end) => end,
                None => self.walk_stretch(&covers, sector)?,
            };
        }
        Some(())
    }

    /// Goes through one common period of the stretch that begins at `start`, or all of it if that
    /// is shorter; gives the end of the stretch.
    fn walk_stretch(&mut self, covers: &Covers<'a>, start: u64) -> Option<u64> {
        let covers = || covers.iter().flatten();
        let end = covers().fold(self.end, |end, cover| end.min(end_of(cover.row)));
        let rows = covers().map(|cover| cover.row).chain([self.column.row]);
        let walked_end = common_period(rows)
            .and_then(|period| start.checked_add(period.get()))
            .map_or(end, |walked_end| walked_end.min(end));

        let mut sector = start;
        while sector < walked_end {
            self.steps_left = self.steps_left.checked_sub(1)?;
            let run = match self.column.run(sector)? {
                Run::Own(own) => covers()
                    .filter_map(|cover| cover.run(sector))
                    .max()?
                    .min(own),
                Run::Others(others) => others,
            };
            sector = sector.saturating_add(run);
        }
        Some(end)
    }
}

/// The sector behind a row's last one.
fn end_of(row: &Row) -> u64 {
    row.start_sector.saturating_add(row.size_sectors)
}

/// After how many sectors all rows begin again together; `None` where 64 bits do not hold it.
fn common_period<'a>(rows: impl Iterator<Item = &'a Row>) -> Option<NonZeroU64> {
    let mut common = NonZeroU64::MIN;
    for row in rows {
        let period = period_of(row)?;
        let factor = period.get() / gcd(common, period);
        common = common.checked_mul(NonZeroU64::new(factor)?)?;
    }
    Some(common)
}

/// After how many sectors a row begins again. A row of one component is the same all along.
fn period_of(row: &Row) -> Option<NonZeroU64> {
    if row.component_count.get() == 1 {
        return Some(NonZeroU64::MIN);
    }
    row.interlace_sectors
        .checked_mul(row.component_count.into())
}

/// The greatest common divisor.
fn gcd(a: NonZeroU64, b: NonZeroU64) -> NonZeroU64 {
    let (mut larger, mut smaller) = (a, b);
    while let Some(rest) = NonZeroU64::new(larger.get() % smaller) {
        (larger, smaller) = (smaller, rest);
    }
    smaller
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::stripe::fixture::row;

    /// Two columns with interlace 16.
    const STRIPE: &[Row] = &[row(0, 2, 16, 0, 320)];

    /// Whether another side of these rows, on which all components but one are sources, has what a
    /// component has.
    fn has_but(rows: &[Row], component: u32, other: &[Row], erred: u32) -> bool {
        let sources = |index| index != erred;
        let side = Side {
            rows: other,
            is_source: &sources,
        };
        has_other_source(rows, component, u64::MAX, [side].into_iter())
    }

    /// `svm.md` 4.7: every block, and no more than those.
    #[test]
    fn columns_of_equal_stripes_have_nothing_in_common_but_with_themselves() {
        assert!(has_but(STRIPE, 0, STRIPE, 1));
        assert!(has_but(STRIPE, 1, STRIPE, 0));
        assert!(!has_but(STRIPE, 0, STRIPE, 0));
        assert!(!has_but(STRIPE, 1, STRIPE, 1));
    }

    /// The blocks of one component may be on several sides.
    #[test]
    fn two_sides_together_have_what_neither_has_alone() {
        let concat = [row(0, 1, 16, 0, 320)];
        let even = |index: u32| index == 0;
        let odd = |index: u32| index == 1;
        let sides = [&even as &dyn Fn(u32) -> bool, &odd].map(|is_source| Side {
            rows: STRIPE,
            is_source,
        });
        let has = |sides: &[Side<'_>]| has_other_source(&concat, 0, 320, sides.iter().copied());
        let [first, second] = sides;
        assert!(has(&[first, second]));
        assert!(!has(&[first]));
        assert!(!has(&[second]));
        assert!(!has(&[]));
    }

    #[test]
    fn what_is_behind_the_end_of_the_mirror_does_not_count() {
        let short = [row(0, 1, 16, 0, 100)];
        let all = |_| true;
        let has = |sectors| {
            let side = Side {
                rows: &short,
                is_source: &all,
            };
            has_other_source(STRIPE, 0, sectors, [side].into_iter())
        };
        assert!(has(100));
        assert!(!has(101), "the other side has no sector 100");
        let has_behind = |sectors| {
            let rows = [row(0, 1, 16, 0, 100), row(1, 1, 16, 100, 100)];
            has_other_source(&rows, 1, sectors, [].into_iter())
        };
        assert!(has_behind(100), "the component has nothing of the mirror");
        assert!(!has_behind(101));
    }

    /// A terabyte is no longer to walk than a few rounds.
    #[test]
    fn a_large_row_is_walked_for_one_period() {
        let size = 3 * 1024 * 715_827_882;
        let three = [row(0, 3, 1024, 0, size)];
        let two = [row(0, 2, 1536, 0, size)];
        assert!(has_but(&three, 0, &three, 2));
        assert!(has_but(&three, 0, &two, 1));
        assert!(!has_but(&three, 1, &two, 1), "the middle of the round");
        assert!(!has_but(&three, 2, &two, 1));
    }

    /// Interlaces that have no common divisor but the smallest step, over many components.
    #[test]
    fn what_is_too_long_to_walk_is_not_there() {
        let size = 1 << 50;
        let wide = [row(0, 1021, 204_784, 0, size)];
        let narrow = [row(0, 1019, 16, 0, size), row(1019, 1, 16, size, 16)];
        assert!(!has_but(&wide, 0, &narrow, 1018), "it is missing some");
        assert!(
            has_but(&wide, 0, &narrow, 1019),
            "a whole row is not walked"
        );
        let pair = [row(0, 2, 204_784, 0, size)];
        let far = |index: u32| index != 1;
        let near = |index: u32| index != 0;
        let sides = [&far as &dyn Fn(u32) -> bool, &near].map(|is_source| Side {
            rows: &narrow,
            is_source,
        });
        let found = has_other_source(&pair, 0, size, sides.into_iter());
        assert!(
            !found,
            "both together have all, but it takes too many steps"
        );
    }

    /// Tables that `lay_out` would not make: no panic, and no end that never comes.
    #[test]
    fn corrupt_tables_have_no_source() {
        assert!(!has_but(STRIPE, 2, STRIPE, 9), "no such component");
        assert!(!has_but(&[], 0, STRIPE, 9));
        assert!(!has_but(STRIPE, 0, &[], 9));
        let endless = [row(0, u32::MAX, u64::MAX, 0, u64::MAX)];
        assert!(!has_but(&endless, 0, &endless, 9));
        assert!(!has_but(STRIPE, 0, &endless, 9), "too many components");
        assert!(!has_but(&endless, u32::MAX - 1, STRIPE, 9));
        let late = [row(0, 1, 16, 50, u64::MAX)];
        assert!(!has_but(STRIPE, 0, &late, 9), "nothing at the beginning");
        assert!(has_but(&late, 0, &[row(0, 1, 16, 0, u64::MAX)], 9));
    }
}
