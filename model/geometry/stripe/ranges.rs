// SPDX-License-Identifier: GPL-2.0
//! Which run of sectors each component contributes to a run of the metadevice.
//!
//! [`map`](super::map()) follows the data, one interlace after the other. An operation without
//! data, such as a discard, need not: whatever lies between two sectors of a row is one run on each
//! component. So a discard of a terabyte is one bio for each component, not one for each interlace.

use super::{
    Component,
    Piece,
    Row, //
};

/// Calls `each` with the run that each component has in the `count` sectors from `sector` on: at
/// most one for each component, in the order of the components.
///
/// `None` if the sectors are not all in the metadevice; `each` may have been called by then.
pub fn ranges(
    rows: &[Row],
    components: &[Component],
    sector: u64,
    count: u64,
    mut each: impl FnMut(Piece),
) -> Option<()> {
    let end = sector.checked_add(count)?;
    let mut at = sector;
    while at < end {
        let row = super::map::row_of_sector(rows, at)?;
        let from = at.checked_sub(row.start_sector)?;
        let to = end.checked_sub(row.start_sector)?.min(row.size_sectors);
        if from >= to {
            return None;
        }
        for index in 0..row.component_count.get() {
            let first = before(row, index, from)?;
            let sectors = before(row, index, to)?.checked_sub(first)?;
            if sectors == 0 {
                continue;
            }
            let number = row.first_component.checked_add(index)?;
            let component = components.get(usize::try_from(number).ok()?)?;
            if first.checked_add(sectors)? > component.size_sectors {
                return None;
            }
            each(Piece {
                component: number,
                sector: component.start_sector.checked_add(first)?,
                count: sectors,
            });
        }
        at = row.start_sector.checked_add(to)?;
    }
    Some(())
}

/// How many of the first `offset` sectors of a row lie on its component number `index`.
fn before(row: &Row, index: u32, offset: u64) -> Option<u64> {
    if row.component_count.get() == 1 {
        return Some(offset);
    }
    let interlace = row.interlace_sectors;
    let width = interlace.checked_mul(row.component_count.into())?;
    let rounds = (offset / width).checked_mul(interlace.get())?;
    let skipped = interlace.get().checked_mul(index.into())?;
    let rest = (offset % width)
        .saturating_sub(skipped)
        .min(interlace.get());
    rounds.checked_add(rest)
}

#[cfg(test)]
mod tests {
    use super::{
        super::fixture::{
            component,
            row, //
        },
        *, //
    };

    /// A stripe of two with interlace 16, and behind it a run on a third component.
    const ROWS: &[Row] = &[row(0, 2, 16, 0, 64), row(2, 1, 16, 64, 10)];
    const COMPONENTS: &[Component] = &[component(2048, 32), component(100, 32), component(7, 10)];

    /// Whether these are the runs, in this order, and the sectors are all in the metadevice.
    #[track_caller]
    fn check(sector: u64, count: u64, mut expected: &[(u32, u64, u64)]) {
        let inside = ranges(ROWS, COMPONENTS, sector, count, |piece| {
            let (first, rest) = expected.split_first().expect("a run too many");
            assert_eq!((piece.component, piece.sector, piece.count), *first);
            expected = rest;
        });
        assert_eq!(inside, Some(()));
        assert_eq!(expected, [], "runs that are missing");
    }

    #[test]
    fn all_of_it_is_one_run_on_each_component() {
        check(0, 74, &[(0, 2048, 32), (1, 100, 32), (2, 7, 10)]);
    }

    #[test]
    fn runs_begin_and_end_inside_an_interlace() {
        check(10, 10, &[(0, 2058, 6), (1, 100, 4)]);
        check(20, 20, &[(0, 2064, 8), (1, 104, 12)]);
        check(17, 3, &[(1, 101, 3)]);
        check(5, 0, &[]);
    }

    #[test]
    fn what_is_not_there_has_no_runs() {
        let found = |sector, count| ranges(ROWS, COMPONENTS, sector, count, |_| {});
        assert_eq!(found(74, 1), None);
        assert_eq!(found(70, 5), None, "the end is outside");
        assert_eq!(found(u64::MAX, 2), None);
    }

    /// Tables that `lay_out` would not make: whatever comes out lies in a component.
    #[test]
    fn corrupt_tables_lead_nowhere_rather_than_astray() {
        let ignore = |_: Piece| {};
        let beyond = [row(0, 2, 16, 0, u64::MAX)];
        assert_eq!(ranges(&beyond, COMPONENTS, 0, 1000, ignore), None);
        let missing = [row(2, 2, 16, 0, 64)];
        assert_eq!(ranges(&missing, COMPONENTS, 0, 64, ignore), None);
        let high = [component(u64::MAX, u64::MAX)];
        assert_eq!(ranges(&[row(0, 1, 16, 0, 100)], &high, 1, 1, ignore), None);
    }
}
