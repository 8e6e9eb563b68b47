// SPDX-License-Identifier: GPL-2.0
//! Finding a sector of a stripe or concat (`svm.md` section 3.3).
//!
//! [`map`] is the data path. It reads one row and one component and divides twice at most. Tables
//! made by [`lay_out`](super::lay_out) have an answer for every sector; tables that are not (a bug
//! of ours) give `None` and never an address outside a component.

use core::num::NonZeroU64;

use super::{
    Component,
    Row, //
};

/// A piece of a request that lies on one component without a gap.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Piece {
    /// Index of the component.
    pub component: u32,
    /// First sector on the device.
    pub sector: u64,
    /// Sectors in the piece, at least 1.
    pub count: u64,
}

/// Maps the first piece of the request for `count` sectors from `sector` on.
///
/// The piece ends with the request, the interlace or the row, whichever comes first; the caller
/// asks again for the rest. `None` if `sector` is outside the metadevice, or `count` is zero.
#[inline]
pub fn map(rows: &[Row], components: &[Component], sector: u64, count: u64) -> Option<Piece> {
    let row = row_of_sector(rows, sector)?;
    let offset = sector.checked_sub(row.start_sector)?;
    let place = place_in_row(row, offset)?;

    let index = row.first_component.checked_add(place.index)?;
    let component = components.get(usize::try_from(index).ok()?)?;
    let left = component.size_sectors.checked_sub(place.offset)?;
    let count = count.min(place.run).min(left);
    if count == 0 {
        return None;
    }
    Some(Piece {
        component: index,
        sector: component.start_sector.checked_add(place.offset)?,
        count,
    })
}

/// The sectors from the beginning of a metadevice that follow each other on its first component.
/// For many metadevices that is all of them: then this is all of the map, and a request costs a
/// comparison and an addition.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FirstRun {
    /// Where they begin on the device of that component.
    pub sector: u64,
    /// How many they are.
    pub count: u64,
}

impl FirstRun {
    /// None: everything has to be looked up.
    pub const NONE: Self = Self {
        sector: 0,
        count: 0,
    };

    /// That of a stripe or concat: its first row, if that has one component.
    pub fn of(rows: &[Row], components: &[Component]) -> Self {
        match (rows.first(), components.first()) {
            (Some(row), Some(component)) if row.component_count.get() == 1 => Self {
                sector: component.start_sector,
                count: row.size_sectors.min(component.size_sectors),
            },
            _ => Self::NONE,
        }
    }

    /// Where `count` sectors from `sector` on are, if all of them are of these, and there are any.
    #[inline]
    pub fn place(&self, sector: u64, count: u64) -> Option<u64> {
        let end = sector.checked_add(count)?;
        if count == 0 || end > self.count {
            return None;
        }
        self.sector.checked_add(sector)
    }

    /// What [`map`] says, if `sector` is one of these.
    #[inline]
    pub fn piece(&self, sector: u64, count: u64) -> Option<Piece> {
        let left = self.count.checked_sub(sector)?;
        let count = count.min(left);
        if count == 0 {
            return None;
        }
        Some(Piece {
            component: 0,
            sector: self.sector.checked_add(sector)?,
            count,
        })
    }
}

/// The sector of the metadevice that lies at `sector` of a component's device: the reverse of
/// [`map`]. `None` where the device holds no data of this metadevice.
pub fn unmap(rows: &[Row], components: &[Component], component: u32, sector: u64) -> Option<u64> {
    let row = row_of_component(rows, component)?;
    let index = u64::from(component.checked_sub(row.first_component)?);
    if index >= u64::from(row.component_count.get()) {
        return None;
    }
    let laid_out = components.get(usize::try_from(component).ok()?)?;
    let within = sector.checked_sub(laid_out.start_sector)?;
    if within >= laid_out.size_sectors {
        return None;
    }
    let interlace = row.interlace_sectors;
    let offset = if row.component_count.get() == 1 {
        within
    } else {
        let round = (within / interlace).checked_mul(row.component_count.get().into())?;
        let segment = round.checked_add(index)?;
        let before = segment.checked_mul(interlace.get())?;
        before.checked_add(within % interlace)?
    };
    row.start_sector.checked_add(offset)
}

/// The chunk size, in sectors, that keeps a request in one piece as long as it does not cross a
/// multiple of it; `None` if there is none.
///
/// There is one when all rows are stripes of the same interlace: row starts are multiples of it.
pub fn uniform_chunk(rows: &[Row]) -> Option<u32> {
    let interlace = rows.first()?.interlace_sectors;
    let uniform = rows
        .iter()
        .all(|row| row.component_count.get() > 1 && row.interlace_sectors == interlace);
    if uniform {
        u32::try_from(interlace.get()).ok()
    } else {
        None
    }
}

/// A place in a row: which of its components, where in the component's data, and how far the
/// sectors of the metadevice follow each other there.
pub(crate) struct Place {
    pub(crate) index: u32,
    pub(crate) offset: u64,
    pub(crate) run: u64,
}

/// The place of the row's sector number `offset`.
#[inline]
pub(crate) fn place_in_row(row: &Row, offset: u64) -> Option<Place> {
    if row.component_count.get() == 1 {
        return Some(Place {
            index: 0,
            offset,
            run: u64::MAX,
        });
    }
    let interlace = row.interlace_sectors;
    let segment = offset / interlace;
    let within = offset % interlace;
    let count = NonZeroU64::from(row.component_count);
    let before = (segment / count).checked_mul(interlace.get())?;
    Some(Place {
        index: u32::try_from(segment % count).ok()?,
        offset: before.checked_add(within)?,
        run: interlace.get().checked_sub(within)?,
    })
}

/// The row that `sector` lies in, if it is not behind the last one's end.
#[inline]
pub(crate) fn row_of_sector(rows: &[Row], sector: u64) -> Option<&Row> {
    let first = rows.first()?;
    if sector < first.size_sectors {
        return Some(first);
    }
    let after = rows.partition_point(|row| row.start_sector <= sector);
    rows.get(after.checked_sub(1)?)
}

/// The last row that does not begin behind a component.
pub fn row_of_component(rows: &[Row], component: u32) -> Option<&Row> {
    let after = rows.partition_point(|row| row.first_component <= component);
    rows.get(after.checked_sub(1)?)
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

    fn piece(component: u32, sector: u64, count: u64) -> Option<Piece> {
        Some(Piece {
            component,
            sector,
            count,
        })
    }

    /// The stripe of `svm.md` 13.1, vector 4: two components, interlace 32, starts 0.
    const VECTOR_ROWS: &[Row] = &[row(0, 2, 32, 0, 256)];
    const VECTOR_COMPONENTS: &[Component] = &[component(0, 128), component(0, 128)];

    /// A stripe of two with starts, and behind it a run on a third component.
    const MIXED_ROWS: &[Row] = &[row(0, 2, 16, 0, 64), row(2, 1, 16, 64, 10)];
    const MIXED_COMPONENTS: &[Component] =
        &[component(2048, 32), component(100, 32), component(7, 10)];

    #[test]
    fn svm_13_1_vector_4() {
        let found = |sector| map(VECTOR_ROWS, VECTOR_COMPONENTS, sector, 1);
        assert_eq!(found(0), piece(0, 0, 1));
        assert_eq!(found(32), piece(1, 0, 1));
        assert_eq!(found(64), piece(0, 32, 1));
        assert_eq!(found(95), piece(0, 63, 1));
        assert_eq!(found(96), piece(1, 32, 1));
    }

    /// `svm.md` 13.1, vector 4: a write of blocks 30 to 33 makes two pieces of two.
    #[test]
    fn a_request_is_split_at_the_interlace() {
        assert_eq!(map(VECTOR_ROWS, VECTOR_COMPONENTS, 30, 4), piece(0, 30, 2));
        assert_eq!(map(VECTOR_ROWS, VECTOR_COMPONENTS, 32, 2), piece(1, 0, 2));
    }

    /// `svm.md` 3.3: a request may cross into the next row and is split there.
    #[test]
    fn a_request_is_split_at_the_end_of_a_row() {
        assert_eq!(map(MIXED_ROWS, MIXED_COMPONENTS, 60, 20), piece(1, 128, 4));
        assert_eq!(map(MIXED_ROWS, MIXED_COMPONENTS, 64, 16), piece(2, 7, 10));
        assert_eq!(map(MIXED_ROWS, MIXED_COMPONENTS, 73, 16), piece(2, 16, 1));
    }

    /// `svm.md` 3.3: in a row of one component only the row's end splits.
    #[test]
    fn a_concat_has_no_interlace() {
        let rows = [row(0, 1, 16, 0, 1000)];
        assert_eq!(map(&rows, &[component(5, 1000)], 3, 990), piece(0, 8, 990));
    }

    #[test]
    fn the_first_run_says_what_the_map_says() {
        let rows = [row(0, 1, 16, 0, 10), row(1, 2, 16, 10, 64)];
        let components = [component(7, 10), component(100, 32), component(0, 32)];
        let run = FirstRun::of(&rows, &components);
        assert_eq!((run.sector, run.count), (7, 10));
        for (sector, count) in [(0, 1), (0, 10), (3, 100), (9, 1), (0, 0), (9, 0)] {
            let found = run.piece(sector, count);
            assert_eq!(found, map(&rows, &components, sector, count));
            let whole = found.filter(|piece| piece.count == count);
            assert_eq!(run.place(sector, count), whole.map(|piece| piece.sector));
        }
        for sector in [10, 11, u64::MAX] {
            assert_eq!(run.piece(sector, 1), None, "it has to be looked up");
            assert_eq!(run.place(sector, 1), None, "it has to be looked up");
            assert_eq!(run.place(sector, 0), None, "no sectors, no place");
        }
        assert_eq!(FirstRun::of(VECTOR_ROWS, VECTOR_COMPONENTS), FirstRun::NONE);
        assert_eq!(FirstRun::of(&[], &[]), FirstRun::NONE);
        assert_eq!(FirstRun::NONE.piece(0, 1), None);
        let beyond = FirstRun {
            sector: u64::MAX,
            count: 9,
        };
        assert_eq!(beyond.piece(1, 1), None, "nowhere rather than astray");
        assert_eq!(beyond.place(1, 1), None, "nowhere rather than astray");
    }

    #[test]
    fn outside_the_metadevice_there_is_nothing() {
        assert_eq!(map(MIXED_ROWS, MIXED_COMPONENTS, 74, 1), None);
        assert_eq!(map(MIXED_ROWS, MIXED_COMPONENTS, u64::MAX, u64::MAX), None);
        assert_eq!(
            map(MIXED_ROWS, MIXED_COMPONENTS, 0, 0),
            None,
            "no sectors, no piece"
        );
        assert_eq!(map(&[], &[], 0, 1), None);
    }

    #[test]
    fn unmap_reverses_map() {
        let found = |component, sector| unmap(MIXED_ROWS, MIXED_COMPONENTS, component, sector);
        assert_eq!(found(0, 2048), Some(0));
        assert_eq!(found(0, 2048 + 16), Some(32));
        assert_eq!(found(1, 100 + 31), Some(63));
        assert_eq!(found(2, 7), Some(64));
        assert_eq!(found(0, 2047), None, "before the data");
        assert_eq!(found(0, 2048 + 32), None, "behind the data");
        assert_eq!(found(3, 7), None, "no such component");
    }

    #[test]
    fn a_chunk_exists_where_all_rows_are_alike() {
        assert_eq!(uniform_chunk(VECTOR_ROWS), Some(32));
        assert_eq!(
            uniform_chunk(&[row(0, 2, 32, 0, 64), row(2, 3, 32, 64, 96)]),
            Some(32)
        );
        assert_eq!(
            uniform_chunk(&[row(0, 2, 32, 0, 64), row(2, 3, 16, 64, 96)]),
            None
        );
        assert_eq!(uniform_chunk(MIXED_ROWS), None);
        assert_eq!(uniform_chunk(&[row(0, 1, 32, 0, 64)]), None);
        assert_eq!(uniform_chunk(&[]), None);
    }

    /// Tables that `lay_out` would not make: whatever comes out lies in a component.
    #[test]
    fn corrupt_tables_lead_nowhere_rather_than_astray() {
        let beyond = [row(0, 2, 16, 0, u64::MAX)];
        assert_eq!(
            map(&beyond, VECTOR_COMPONENTS, 300, 1),
            None,
            "behind the components"
        );
        let missing = [row(0, 5, 16, 0, 80)];
        assert_eq!(
            map(&missing, VECTOR_COMPONENTS, 32, 1),
            None,
            "no third component"
        );
        assert_eq!(
            unmap(&VECTOR_ROWS[..1], MIXED_COMPONENTS, 2, 7),
            None,
            "in no row"
        );
        let late = [row(0, 1, 16, 50, 10)];
        assert_eq!(
            map(&late, VECTOR_COMPONENTS, 5, 1),
            None,
            "before the first row"
        );
        let last = [row(u32::MAX, 2, u64::MAX, 0, u64::MAX)];
        assert_eq!(map(&last, VECTOR_COMPONENTS, u64::MAX - 1, u64::MAX), None);
        assert_eq!(unmap(&last, VECTOR_COMPONENTS, u32::MAX, u64::MAX), None);
        let high = [component(u64::MAX, u64::MAX)];
        assert_eq!(map(&[row(0, 1, 16, 0, u64::MAX)], &high, 1, 1), None);
    }
}
