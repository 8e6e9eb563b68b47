// SPDX-License-Identifier: GPL-2.0
//! Laying out a stripe or concat over devices (`svm.md` sections 3.1 and 3.4).
//!
//! The rules:
//! 1. All components of a row contribute the same size: the smallest usable one, rounded down to
//!    the row's granule.
//! 2. The granule is the interlace in a row of several components, and else the unit's logical
//!    block size, the largest of all its components. An interlace in use is a multiple of that
//!    block size. So no logical block of the unit lies across the end of an interlace or row.
//! 3. Data starts where the administrator says, on a multiple of the device's logical block size,
//!    or else behind the reserved head (`DURABILITY.md` clause 19).

use core::num::{
    NonZeroU32,
    NonZeroU64, //
};

use super::{
    Component,
    Row, //
};
use crate::{
    limits::{
        COMPONENTS_MAX,
        INTERLACE_SECTORS_MAX,
        INTERLACE_SECTORS_MIN,
        RESERVED_HEAD_SECTORS,
        ROWS_MAX,
        UNIT_SECTORS_MAX, //
    },
    units::{
        is_multiple,
        round_down,
        round_up, //
    },
};

/// A row as the administrator describes it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RowSpec {
    /// How much lies on one component before the next one's turn. In range in any row.
    pub interlace_sectors: u64,
    /// Components of the row, at least one. They follow those of the row before.
    pub component_count: u32,
}

/// What is known of a component before it is laid out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ComponentSpec {
    /// Size of the device.
    pub capacity_sectors: u64,
    /// First sector for data, if the administrator asked for one.
    pub start_sectors: Option<u64>,
    /// Logical block size of the device in sectors, a power of two.
    pub block_sectors: u32,
}

/// Why rows cannot be laid out over components, with the figures that the message needs.
/// Rows and components are counted from 0.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LayoutError {
    /// There is no row, or there are more than `most`.
    BadRowCount {
        /// How many there are.
        found: u32,
        /// How many there may be.
        most: u32,
    },
    /// There is no component, there are more than `most`, or a row has none, or the rows want
    /// another number of them than there is.
    BadComponentCount {
        /// How many the rows want; 0 if a row wants none.
        found: u32,
        /// How many there may be; as many as there are, if the numbers differ.
        most: u32,
    },
    /// The interlace is out of range.
    BadInterlace {
        /// The row.
        row: u32,
        /// Its interlace, in sectors.
        found: u64,
        /// The bound that it violates, in sectors.
        bound: u64,
    },
    /// The interlace is not a multiple of the unit's logical block size.
    InterlaceUnaligned {
        /// The row.
        row: u32,
        /// Its interlace, in sectors.
        found: u64,
        /// The block size, in sectors.
        block: u64,
    },
    /// The device has no room for the smallest piece that the row can use.
    ComponentTooSmall {
        /// The component.
        component: u32,
        /// The size that would do, in sectors.
        needed: u64,
        /// The device's size, in sectors.
        found: u64,
    },
    /// The start is not a multiple of the device's logical block size.
    ComponentUnaligned {
        /// The component.
        component: u32,
        /// The start, in sectors.
        found: u64,
        /// The device's logical block size, in sectors.
        block: u64,
    },
    /// The metadevice would be larger than any may be.
    TooLarge {
        /// The size it would have, in sectors; `u64::MAX` where 64 bits do not hold it.
        found: u64,
        /// The largest there may be, in sectors.
        most: u64,
    },
    /// A bug of the caller, not a mistake of the administrator: the tables to fill have other
    /// lengths than the specifications, or a block size is not a power of two.
    Violation,
}

/// Lays out rows over components into tables of the same lengths; returns the total size in
/// sectors. A refusal leaves the tables as they were.
pub fn lay_out(
    rows: &[RowSpec],
    components: &[ComponentSpec],
    rows_out: &mut [Row],
    components_out: &mut [Component],
) -> Result<u64, LayoutError> {
    if rows.len() != rows_out.len() || components.len() != components_out.len() {
        return Err(LayoutError::Violation);
    }
    check_counts(rows, components)?;
    let cursor = Cursor {
        rows,
        components,
        block: unit_block(components)?,
        row_index: 0,
        first_component: 0,
        start_sector: 0,
    };

    // First to see whether everything fits, and only then to fill the tables.
    let mut total = 0;
    for row in cursor.clone() {
        total = row?.end_sector();
    }
    if total > UNIT_SECTORS_MAX {
        return Err(LayoutError::TooLarge {
            found: total,
            most: UNIT_SECTORS_MAX,
        });
    }
    let mut unfilled = components_out.iter_mut();
    for (row_out, row) in rows_out.iter_mut().zip(cursor) {
        let row = row?;
        *row_out = row.laid_out;
        for (index, spec) in numbered(row.laid_out.first_component, row.components) {
            if let Some(out) = unfilled.next() {
                *out = Component {
                    start_sector: start_of(index, spec)?,
                    size_sectors: row.component_sectors,
                };
            }
        }
    }
    Ok(total)
}

/// Refuses numbers of rows and components that are out of range or do not match.
fn check_counts(rows: &[RowSpec], components: &[ComponentSpec]) -> Result<(), LayoutError> {
    let row_count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    if row_count == 0 || row_count > ROWS_MAX {
        return Err(LayoutError::BadRowCount {
            found: row_count,
            most: ROWS_MAX,
        });
    }
    let component_count = u32::try_from(components.len()).unwrap_or(u32::MAX);
    if component_count == 0 || component_count > COMPONENTS_MAX {
        return Err(LayoutError::BadComponentCount {
            found: component_count,
            most: COMPONENTS_MAX,
        });
    }
    if rows.iter().any(|row| row.component_count == 0) {
        return Err(LayoutError::BadComponentCount {
            found: 0,
            most: component_count,
        });
    }
    let wanted = rows
        .iter()
        .fold(0, |sum: u32, row| sum.saturating_add(row.component_count));
    if wanted != component_count {
        return Err(LayoutError::BadComponentCount {
            found: wanted,
            most: component_count,
        });
    }
    Ok(())
}

/// The unit's logical block size: the largest of its components.
fn unit_block(components: &[ComponentSpec]) -> Result<NonZeroU64, LayoutError> {
    let mut largest = NonZeroU32::MIN;
    for component in components {
        largest = largest.max(block_of(component)?);
    }
    Ok(largest.into())
}

/// The logical block size of a component, once it is known to be one.
fn block_of(component: &ComponentSpec) -> Result<NonZeroU32, LayoutError> {
    match NonZeroU32::new(component.block_sectors) {
        Some(block) if block.is_power_of_two() => Ok(block),
        _ => Err(LayoutError::Violation),
    }
}

/// Where a component's data starts on its device.
fn start_of(component: u32, spec: &ComponentSpec) -> Result<u64, LayoutError> {
    let block = NonZeroU64::from(block_of(spec)?);
    match spec.start_sectors {
        None => round_up(RESERVED_HEAD_SECTORS, block).ok_or(LayoutError::Violation),
        Some(start) if is_multiple(start, block) => Ok(start),
        Some(start) => Err(LayoutError::ComponentUnaligned {
            component,
            found: start,
            block: block.get(),
        }),
    }
}

/// Components with their indexes, the first of which is given.
fn numbered(
    first: u32,
    components: &[ComponentSpec],
) -> impl Iterator<Item = (u32, &ComponentSpec)> {
    // An open range would carry a panic for the index behind the last number.
    (first..u32::MAX).zip(components)
}

/// Goes through the rows and lays out one after the other. After a refusal it must not be asked
/// for more.
#[derive(Clone)]
struct Cursor<'a> {
    /// Rows that are left.
    rows: &'a [RowSpec],
    /// Components that are left.
    components: &'a [ComponentSpec],
    /// The unit's logical block size.
    block: NonZeroU64,
    /// Index of the next row.
    row_index: u32,
    /// Index of the next row's first component.
    first_component: u32,
    /// First sector of the next row.
    start_sector: u64,
}

/// A row as laid out, and what it lies on.
struct LaidOutRow<'a> {
    laid_out: Row,
    components: &'a [ComponentSpec],
    component_sectors: u64,
}

impl LaidOutRow<'_> {
    /// The sector behind the row's last one. `u64::MAX` stands for all that 64 bits do not hold;
    /// no metadevice may be that large.
    fn end_sector(&self) -> u64 {
        self.laid_out
            .start_sector
            .saturating_add(self.laid_out.size_sectors)
    }
}

impl<'a> Iterator for Cursor<'a> {
    type Item = Result<LaidOutRow<'a>, LayoutError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (spec, rows) = self.rows.split_first()?;
        let count = usize::try_from(spec.component_count).ok()?;
        let (components, others) = self.components.split_at_checked(count)?;

        let row = self.lay_out_row(spec, components);
        if let Ok(row) = &row {
            self.start_sector = row.end_sector();
        }
        self.rows = rows;
        self.components = others;
        self.row_index = self.row_index.saturating_add(1);
        self.first_component = self.first_component.saturating_add(spec.component_count);
        Some(row)
    }
}

impl<'a> Cursor<'a> {
    /// Lays out the next row over its components.
    fn lay_out_row(
        &self,
        spec: &RowSpec,
        components: &'a [ComponentSpec],
    ) -> Result<LaidOutRow<'a>, LayoutError> {
        let component_count =
            NonZeroU32::new(spec.component_count).ok_or(LayoutError::Violation)?;
        let interlace_sectors = self.checked_interlace(spec)?;
        let granule = if component_count.get() == 1 {
            self.block
        } else {
            interlace_sectors
        };
        let component_sectors = self.component_sectors(components, granule)?;
        Ok(LaidOutRow {
            laid_out: Row {
                first_component: self.first_component,
                component_count,
                interlace_sectors,
                start_sector: self.start_sector,
                size_sectors: component_sectors.saturating_mul(component_count.get().into()),
            },
            components,
            component_sectors,
        })
    }

    /// The row's interlace, once it is known to be in range and, where it is in use, to hold whole
    /// logical blocks.
    fn checked_interlace(&self, spec: &RowSpec) -> Result<NonZeroU64, LayoutError> {
        let found = spec.interlace_sectors;
        let bad = |bound| LayoutError::BadInterlace {
            row: self.row_index,
            found,
            bound,
        };
        if found < INTERLACE_SECTORS_MIN {
            return Err(bad(INTERLACE_SECTORS_MIN));
        }
        if found > INTERLACE_SECTORS_MAX {
            return Err(bad(INTERLACE_SECTORS_MAX));
        }
        if spec.component_count > 1 && !is_multiple(found, self.block) {
            return Err(LayoutError::InterlaceUnaligned {
                row: self.row_index,
                found,
                block: self.block.get(),
            });
        }
        NonZeroU64::new(found).ok_or_else(|| bad(INTERLACE_SECTORS_MIN))
    }

    /// What each component of the row contributes: as much as the smallest one can.
    fn component_sectors(
        &self,
        components: &[ComponentSpec],
        granule: NonZeroU64,
    ) -> Result<u64, LayoutError> {
        let mut smallest = u64::MAX;
        for (index, spec) in numbered(self.first_component, components) {
            let start = start_of(index, spec)?;
            let usable = spec.capacity_sectors.saturating_sub(start);
            if usable < granule.get() {
                return Err(LayoutError::ComponentTooSmall {
                    component: index,
                    needed: start.saturating_add(granule.get()),
                    found: spec.capacity_sectors,
                });
            }
            smallest = smallest.min(usable);
        }
        Ok(round_down(smallest, granule))
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::{
        vec,
        vec::Vec, //
    };

    use super::*;
    use crate::limits::INTERLACE_SECTORS_DEFAULT;

    /// What a table holds before it is filled.
    const EMPTY_ROW: Row = Row {
        first_component: 77,
        component_count: NonZeroU32::MIN,
        interlace_sectors: NonZeroU64::MIN,
        start_sector: 77,
        size_sectors: 77,
    };
    const EMPTY_COMPONENT: Component = Component {
        start_sector: 77,
        size_sectors: 77,
    };

    /// A row of so many components with the default interlace.
    fn row(component_count: u32) -> RowSpec {
        row_of(component_count, INTERLACE_SECTORS_DEFAULT)
    }

    fn row_of(component_count: u32, interlace_sectors: u64) -> RowSpec {
        RowSpec {
            interlace_sectors,
            component_count,
        }
    }

    /// A device with 512-byte blocks, used from the default start on.
    fn disk(capacity_sectors: u64) -> ComponentSpec {
        ComponentSpec {
            capacity_sectors,
            start_sectors: None,
            block_sectors: 1,
        }
    }

    /// A device with blocks of so many sectors, used from `start` on.
    fn disk_from(capacity_sectors: u64, start: u64, block_sectors: u32) -> ComponentSpec {
        ComponentSpec {
            capacity_sectors,
            start_sectors: Some(start),
            block_sectors,
        }
    }

    struct LaidOut {
        total: u64,
        rows: Vec<Row>,
        components: Vec<Component>,
    }

    /// Lays out into fresh tables, and sees that a refusal leaves them alone.
    #[track_caller]
    fn try_lay_out(rows: &[RowSpec], components: &[ComponentSpec]) -> Result<LaidOut, LayoutError> {
        let mut row_table = vec![EMPTY_ROW; rows.len()];
        let mut component_table = vec![EMPTY_COMPONENT; components.len()];
        match lay_out(rows, components, &mut row_table, &mut component_table) {
            Ok(total) => Ok(LaidOut {
                total,
                rows: row_table,
                components: component_table,
            }),
            Err(error) => {
                assert!(row_table.iter().all(|row| *row == EMPTY_ROW));
                assert!(component_table
                    .iter()
                    .all(|component| *component == EMPTY_COMPONENT));
                Err(error)
            }
        }
    }

    #[track_caller]
    fn refusal(rows: &[RowSpec], components: &[ComponentSpec]) -> LayoutError {
        match try_lay_out(rows, components) {
            Ok(laid_out) => panic!("laid out with {} sectors", laid_out.total),
            Err(error) => error,
        }
    }

    /// `svm.md` 3.1: all components of a row contribute the same size, the smallest usable one,
    /// rounded down to the interlace.
    #[test]
    fn a_stripe_takes_from_each_what_the_smallest_has() {
        let disks = [disk(10_000), disk(2048 + 3 * 1024 + 1023), disk(1 << 40)];
        let laid_out = try_lay_out(&[row(3)], &disks).expect("valid");
        assert_eq!(laid_out.total, 3 * 3 * 1024);
        assert!(laid_out
            .components
            .iter()
            .all(|component| component.size_sectors == 3 * 1024));
        assert_eq!(laid_out.rows[0].size_sectors, laid_out.total);
    }

    /// `svm.md` 3.1: a row of one component is not rounded to the interlace.
    #[test]
    fn a_concat_uses_every_sector() {
        let laid_out = try_lay_out(&[row(1), row(1)], &[disk(2048 + 7), disk(2048 + 1)]);
        let laid_out = laid_out.expect("valid");
        assert_eq!(laid_out.total, 8);
        assert_eq!(laid_out.rows[1].start_sector, 7);
        assert_eq!(laid_out.rows[1].first_component, 1);
        assert_eq!(laid_out.components[1].size_sectors, 1);
    }

    /// `svm.md` 3.1: rows are concatenated, whatever their widths and interlaces.
    #[test]
    fn rows_follow_each_other() {
        let disks = [disk(4096), disk(4096), disk(2148), disk(2148), disk(2148)];
        let laid_out = try_lay_out(&[row(2), row_of(3, 48)], &disks).expect("valid");
        assert_eq!(laid_out.rows[0].size_sectors, 4096);
        assert_eq!(laid_out.rows[1].start_sector, 4096);
        assert_eq!(laid_out.rows[1].first_component, 2);
        assert_eq!(laid_out.rows[1].size_sectors, 3 * 96);
        assert_eq!(laid_out.total, 4096 + 288);
    }

    /// `DURABILITY.md` clause 19: the first 1 MiB of a new component is reserved, unless the
    /// administrator says where data starts.
    #[test]
    fn data_starts_behind_the_reserved_head_or_where_it_was_asked_for() {
        let disks = [disk(4096), disk_from(4096, 0, 1), disk_from(4096, 9, 1)];
        let laid_out = try_lay_out(&[row(1), row(1), row(1)], &disks).expect("valid");
        let starts: Vec<u64> = laid_out.components.iter().map(|c| c.start_sector).collect();
        let sizes: Vec<u64> = laid_out.components.iter().map(|c| c.size_sectors).collect();
        assert_eq!(starts, [2048, 0, 9]);
        assert_eq!(sizes, [2048, 4096, 4087]);
    }

    #[test]
    fn the_default_start_is_on_a_boundary_of_the_largest_blocks_too() {
        let mut disk = disk(1 << 20);
        disk.block_sectors = 4096;
        let laid_out = try_lay_out(&[row(1)], &[disk]).expect("valid");
        assert_eq!(laid_out.components[0].start_sector, 4096);
    }

    /// A disk of 4 KiB blocks makes 4 KiB the block size of the whole unit, so a row of 512-byte
    /// disks in it is rounded to 4 KiB as well.
    #[test]
    fn no_row_ends_within_a_logical_block_of_the_unit() {
        let disks = [disk_from(1005, 5, 1), disk_from(80, 8, 8)];
        let laid_out = try_lay_out(&[row(1), row(1)], &disks).expect("valid");
        assert_eq!(laid_out.rows[0].size_sectors, 1000);
        assert_eq!(laid_out.rows[1].start_sector, 1000);

        let disks = [disk_from(1004, 5, 1), disk_from(87, 8, 8)];
        let laid_out = try_lay_out(&[row(1), row(1)], &disks).expect("valid");
        assert_eq!(laid_out.rows[0].size_sectors, 992);
        assert_eq!(laid_out.rows[1].size_sectors, 72);
    }

    /// `svm.md` 3.4: interlace limits are 8 KiB and 100 MiB.
    #[test]
    fn an_interlace_out_of_range_is_refused() {
        let disks = [disk(1 << 30), disk(1 << 30), disk(1 << 30)];
        for (found, bound) in [(0, 16), (15, 16), (204_801, 204_800), (u64::MAX, 204_800)] {
            let bad = LayoutError::BadInterlace {
                row: 1,
                found,
                bound,
            };
            assert_eq!(refusal(&[row(1), row_of(2, found)], &disks), bad);
            assert_eq!(refusal(&[row(2), row_of(1, found)], &disks), bad);
        }
        for found in [16, 204_800] {
            assert!(try_lay_out(&[row(1), row_of(2, found)], &disks).is_ok());
        }
    }

    #[test]
    fn an_interlace_that_would_cut_logical_blocks_is_refused() {
        let disks = [disk(1 << 20), disk(1 << 20), disk_from(1 << 20, 0, 8)];
        let bad = LayoutError::InterlaceUnaligned {
            row: 0,
            found: 20,
            block: 8,
        };
        assert_eq!(refusal(&[row_of(3, 20)], &disks), bad);
        assert_eq!(refusal(&[row_of(2, 20), row(1)], &disks), bad);
        assert!(try_lay_out(&[row_of(3, 24)], &disks).is_ok());
        assert!(
            try_lay_out(&[row_of(1, 20), row(2)], &disks).is_ok(),
            "the interlace of a row of one has no effect"
        );
    }

    #[test]
    fn a_device_without_room_for_one_interlace_is_refused() {
        let bad = |found| LayoutError::ComponentTooSmall {
            component: 1,
            needed: 2048 + 1024,
            found,
        };
        assert_eq!(refusal(&[row(2)], &[disk(1 << 20), disk(3071)]), bad(3071));
        assert_eq!(refusal(&[row(2)], &[disk(1 << 20), disk(0)]), bad(0));
        assert!(try_lay_out(&[row(2)], &[disk(1 << 20), disk(3072)]).is_ok());
    }

    #[test]
    fn a_start_behind_the_end_of_the_device_is_refused() {
        let start = u64::MAX - 7;
        assert_eq!(
            refusal(&[row(1)], &[disk_from(1 << 20, start, 8)]),
            LayoutError::ComponentTooSmall {
                component: 0,
                needed: u64::MAX,
                found: 1 << 20,
            }
        );
    }

    #[test]
    fn a_start_within_a_logical_block_is_refused() {
        assert_eq!(
            refusal(
                &[row(1), row(1)],
                &[disk(1 << 20), disk_from(1 << 20, 4, 8)]
            ),
            LayoutError::ComponentUnaligned {
                component: 1,
                found: 4,
                block: 8,
            }
        );
    }

    #[test]
    fn numbers_of_rows_and_components_are_checked() {
        let disks = vec![disk(1 << 20); 1025];
        let rows = vec![row(1); 1025];
        let bad_rows = |found| LayoutError::BadRowCount { found, most: 1024 };
        let bad_components = |found, most| LayoutError::BadComponentCount { found, most };

        assert_eq!(refusal(&[], &disks[..1]), bad_rows(0));
        assert_eq!(refusal(&rows, &disks), bad_rows(1025));
        assert_eq!(refusal(&rows[..1], &[]), bad_components(0, 1024));
        assert_eq!(refusal(&[row(1025)], &disks), bad_components(1025, 1024));
        assert_eq!(
            refusal(&[row(1), row(0)], &disks[..1]),
            bad_components(0, 1)
        );
        assert_eq!(refusal(&[row(2)], &disks[..3]), bad_components(2, 3));
        assert_eq!(
            refusal(&[row(u32::MAX), row(u32::MAX)], &disks[..3]),
            bad_components(u32::MAX, 3)
        );
        assert!(try_lay_out(&rows[..1024], &disks[..1024]).is_ok());
        assert!(try_lay_out(&[row(1024)], &disks[..1024]).is_ok());
    }

    #[test]
    fn a_size_that_loff_t_does_not_hold_is_refused() {
        let too_large = |found| LayoutError::TooLarge {
            found,
            most: UNIT_SECTORS_MAX,
        };
        let most = disk_from(UNIT_SECTORS_MAX, 0, 1);
        assert!(try_lay_out(&[row(1)], &[most]).is_ok());
        let one_more = disk_from(UNIT_SECTORS_MAX + 1, 0, 1);
        assert_eq!(
            refusal(&[row(1)], &[one_more]),
            too_large(UNIT_SECTORS_MAX + 1)
        );
        assert_eq!(
            refusal(&[row(1), row(1)], &[most, most]),
            too_large(2 * UNIT_SECTORS_MAX)
        );
        let endless = disk_from(u64::MAX, 0, 1);
        assert_eq!(refusal(&[row(3)], &[endless; 3]), too_large(u64::MAX));
        assert_eq!(
            refusal(&[row(1), row(1)], &[endless; 2]),
            too_large(u64::MAX)
        );
    }

    #[test]
    fn mistakes_of_the_caller_are_not_blamed_on_the_administrator() {
        let mut rows = [EMPTY_ROW; 2];
        let mut components = [EMPTY_COMPONENT; 2];
        let one_row = lay_out(&[row(2)], &[disk(1 << 20); 2], &mut rows, &mut components);
        assert_eq!(one_row, Err(LayoutError::Violation));
        let one_component = lay_out(&[row(1); 2], &[disk(1 << 20)], &mut rows, &mut components);
        assert_eq!(one_component, Err(LayoutError::Violation));
        assert_eq!((rows, components), ([EMPTY_ROW; 2], [EMPTY_COMPONENT; 2]));
        for block in [0, 3, u32::MAX] {
            assert_eq!(
                refusal(&[row(1)], &[disk_from(1 << 20, 0, block)]),
                LayoutError::Violation
            );
        }
    }
}
