// SPDX-License-Identifier: GPL-2.0
//! Where the blocks of a RAID5 metadevice live.
//!
//! A *row* is one interlace on each column; one of these is the parity of the others. Offsets are
//! those in the data of a column, behind its log. A *line* is a run of at most
//! [`LINE_SECTORS`](super::LINE_SECTORS) of such offsets within a row: the same sectors on all
//! columns.
//!
//! ```text
//! left-symmetric       a   b   c   d        SVM's           a   b   c   d
//! row 0                0   1   2   P        row 0           0   1   2   P
//! row 1                4   5   P   3        row 1           P   3   4   5
//! row 2                8   P   6   7        row 2           8   P   6   7
//! ```
//!
//! Columns that were *attached* later have data only, one column behind the other, behind all data
//! of the *original* ones. The parity of a row stays where it was, and is the sum of them as well
//! (`svm.md` section 5.1): nothing of what was there moves.

use core::num::NonZeroU64;

use super::{
    COLUMNS_MAX,
    COLUMNS_MIN,
    INTERLACE_SECTORS_MIN,
    LINE_SECTORS,
    LOG_SECTORS, //
};
use crate::limits::{
    INTERLACE_SECTORS_MAX,
    UNIT_SECTORS_MAX, //
};

/// Which column has the parity of a row.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rotation {
    /// The last one in the first row, then one to the left with each row; data begins behind it.
    LeftSymmetric,
    /// The last one in the first row, then the first one, and one to the right with each row; data
    /// begins one further to the right with each row (`svm.md` section 5.1).
    Svm,
}

impl Rotation {
    /// Its number in the record.
    pub const fn number(self) -> u32 {
        match self {
            Self::LeftSymmetric => 0,
            Self::Svm => 1,
        }
    }

    /// The one with a number.
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::LeftSymmetric),
            1 => Some(Self::Svm),
            _ => None,
        }
    }
}

/// Why columns cannot be laid out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LayoutError {
    /// Not from [`COLUMNS_MIN`] to [`COLUMNS_MAX`] columns.
    Columns(u32),
    /// The interlace is out of range, or not a multiple of the smallest one.
    Interlace(u64),
    /// The smallest column has no room for the log and a row: what it needs, in sectors.
    TooSmall(u64),
    /// The metadevice would be larger than there can be: its size in sectors.
    TooLarge(u64),
}

/// A piece of a request: it lies on one column, in one line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Piece {
    /// The column.
    pub column: u32,
    /// The offset of the first sector of the line.
    pub line: u64,
    /// How many sectors of the line come before it.
    pub skip: u64,
    /// Sectors in the piece, at least 1.
    pub count: u64,
}

/// A run of sectors on one column, within a row.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Run {
    /// The column.
    pub column: u32,
    /// The offset of the first sector.
    pub offset: u64,
    /// Sectors in the run, at least 1.
    pub count: u64,
}

/// A line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Line {
    /// The offset of its first sector.
    pub start: u64,
    /// Its sectors, at least 1.
    pub count: u64,
    /// The column that has its parity.
    pub parity: u32,
}

/// How columns are laid out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Layout {
    columns: NonZeroU64,
    data_columns: NonZeroU64,
    interlace: NonZeroU64,
    rows: u64,
    rotation: Rotation,
    /// Columns that were attached, behind those.
    attached: u32,
}

impl Layout {
    /// Lays out so many columns, the smallest of which has so many sectors for log and data.
    pub fn new(
        columns: u32,
        interlace_sectors: u64,
        column_sectors: u64,
        rotation: Rotation,
    ) -> Result<Self, LayoutError> {
        let wrong = LayoutError::Columns(columns);
        if !(COLUMNS_MIN..=COLUMNS_MAX).contains(&columns) {
            return Err(wrong);
        }
        let data_columns = u64::from(columns).saturating_sub(1);
        let bad = LayoutError::Interlace(interlace_sectors);
        let range = INTERLACE_SECTORS_MIN..=INTERLACE_SECTORS_MAX;
        let is_whole = interlace_sectors % INTERLACE_SECTORS_MIN == 0;
        let interlace = NonZeroU64::new(interlace_sectors)
            .filter(|_| is_whole && range.contains(&interlace_sectors))
            .ok_or(bad)?;
        let rows = column_sectors.saturating_sub(LOG_SECTORS) / interlace;
        if rows == 0 {
            let needed = LOG_SECTORS.saturating_add(interlace_sectors);
            return Err(LayoutError::TooSmall(needed));
        }
        let layout = Self {
            columns: NonZeroU64::new(columns.into()).ok_or(wrong)?,
            data_columns: NonZeroU64::new(data_columns).ok_or(wrong)?,
            interlace,
            rows,
            rotation,
            attached: 0,
        };
        layout.judged()
    }

    /// The same with so many columns more, which have data only.
    pub fn attach(self, count: u32) -> Result<Self, LayoutError> {
        let attached = self.attached.saturating_add(count);
        let grown = Self { attached, ..self };
        if grown.columns() > COLUMNS_MAX {
            return Err(LayoutError::Columns(grown.columns()));
        }
        grown.judged()
    }

    fn judged(self) -> Result<Self, LayoutError> {
        let sectors = self.sectors();
        if sectors > UNIT_SECTORS_MAX {
            return Err(LayoutError::TooLarge(sectors));
        }
        Ok(self)
    }

    /// Size in sectors.
    #[inline]
    pub const fn sectors(&self) -> u64 {
        self.original_sectors()
            .saturating_add(self.attached_sectors())
    }

    /// Sectors on the original columns.
    #[inline]
    pub const fn original_sectors(&self) -> u64 {
        self.column_sectors()
            .saturating_mul(self.data_columns.get())
    }

    /// Sectors on the columns that were attached.
    #[inline]
    pub const fn attached_sectors(&self) -> u64 {
        self.column_sectors().saturating_mul(self.attached as u64)
    }

    /// Sectors of data on each column.
    #[inline]
    pub const fn column_sectors(&self) -> u64 {
        self.rows.saturating_mul(self.interlace.get())
    }

    /// Sectors of log and data on each column.
    pub const fn used_sectors(&self) -> u64 {
        self.column_sectors().saturating_add(LOG_SECTORS)
    }

    /// Number of columns.
    #[inline]
    pub const fn columns(&self) -> u32 {
        self.original().saturating_add(self.attached)
    }

    /// Number of columns that it was made of.
    #[inline]
    pub const fn original(&self) -> u32 {
        self.columns.get() as u32
    }

    /// Number of columns that were attached to these.
    pub const fn attached(&self) -> u32 {
        self.attached
    }

    /// Interlace in sectors.
    pub const fn interlace_sectors(&self) -> u64 {
        self.interlace.get()
    }

    /// Sectors of data in a row of the original columns.
    pub const fn row_sectors(&self) -> u64 {
        self.interlace.get().saturating_mul(self.data_columns.get())
    }

    /// Which column has the parity of which row.
    pub const fn rotation(&self) -> Rotation {
        self.rotation
    }

    /// The column that has the parity of a row.
    #[inline]
    fn parity_of(&self, row: u64) -> u64 {
        let last = self.columns.get().saturating_sub(1);
        match self.rotation {
            Rotation::LeftSymmetric => last.saturating_sub(row % self.columns),
            Rotation::Svm => (row % self.columns).saturating_add(last) % self.columns,
        }
    }

    /// The column that has the first data of a row.
    #[inline]
    fn first_of(&self, row: u64) -> Option<u64> {
        match self.rotation {
            Rotation::LeftSymmetric => Some(self.parity_of(row).checked_add(1)? % self.columns),
            Rotation::Svm => Some(row % self.columns),
        }
    }

    /// The first run of `count` sectors from `sector` on that lies on one column. `None` outside
    /// the metadevice, or for no sectors.
    #[inline]
    pub fn run(&self, sector: u64, count: u64) -> Option<Run> {
        if sector >= self.sectors() || count == 0 {
            return None;
        }
        if let Some(behind) = sector.checked_sub(self.original_sectors()) {
            return self.attached_run(behind, count);
        }
        let (chunk, within) = (sector / self.interlace, sector % self.interlace);
        let (row, number) = (chunk / self.data_columns, chunk % self.data_columns);
        let column = number.checked_add(self.first_of(row)?)? % self.columns;
        let offset = row.checked_mul(self.interlace.get())?.checked_add(within)?;
        let left = self.interlace.get().checked_sub(within)?;
        Some(Run {
            column: column as u32,
            offset,
            count: count.min(left),
        })
    }

    /// The same on the columns that were attached, counted from the first sector there. It may be
    /// longer than a row: there is nothing else on these.
    fn attached_run(&self, behind: u64, count: u64) -> Option<Run> {
        let column_sectors = NonZeroU64::new(self.column_sectors())?;
        let (number, offset) = (behind / column_sectors, behind % column_sectors);
        Some(Run {
            column: self.original().checked_add(number as u32)?,
            offset,
            count: count.min(column_sectors.get().checked_sub(offset)?),
        })
    }

    /// The first piece of `count` sectors from `sector` on.
    pub fn piece(&self, sector: u64, count: u64) -> Option<Piece> {
        self.pieces(sector, count).next()
    }

    /// The pieces of `count` sectors from `sector` on, in their order, as far as the metadevice
    /// goes.
    pub fn pieces(&self, sector: u64, count: u64) -> Pieces<'_> {
        Pieces {
            layout: self,
            sector,
            left: count,
            run: Run {
                column: 0,
                offset: 0,
                count: 0,
            },
            within: 0,
        }
    }

    /// The sector that a column has at an offset. `None` for the parity, and for what is none of
    /// its.
    pub fn sector_at(&self, column: u32, offset: u64) -> Option<u64> {
        if column >= self.columns() || offset >= self.column_sectors() {
            return None;
        }
        if let Some(number) = column.checked_sub(self.original()) {
            let before = self.column_sectors().checked_mul(number.into())?;
            return self
                .original_sectors()
                .checked_add(before)?
                .checked_add(offset);
        }
        let (row, within) = (offset / self.interlace, offset % self.interlace);
        let behind_parity = u64::from(column)
            .checked_add(self.columns.get())?
            .checked_sub(self.first_of(row)?)?;
        let number = behind_parity % self.columns;
        if number == self.data_columns.get() {
            return None;
        }
        let chunk = row
            .checked_mul(self.data_columns.get())?
            .checked_add(number)?;
        chunk.checked_mul(self.interlace.get())?.checked_add(within)
    }

    /// The line that an offset lies in; `None` behind the last row.
    pub fn line_of(&self, offset: u64) -> Option<Line> {
        if offset >= self.column_sectors() {
            return None;
        }
        let (row, within) = (offset / self.interlace, offset % self.interlace);
        let before = within.checked_sub(within % LINE_SECTORS)?;
        Some(Line {
            start: offset.checked_sub(within)?.checked_add(before)?,
            count: LINE_SECTORS.min(self.interlace.get().checked_sub(before)?),
            parity: self.parity_of(row) as u32,
        })
    }

    /// The longest run of sectors that is in no more than so many lines wherever it begins, at
    /// least 8. Where it can be it is a multiple of a row.
    pub fn longest_within(&self, lines: u32) -> u32 {
        let lines = u64::from(lines);
        // A line is used for 16 sectors of it or more, but for three at the edges.
        let anywhere = lines.saturating_sub(3).saturating_mul(16).max(8);
        // A row at each end may be there in part.
        let in_row = self.interlace.get().div_ceil(LINE_SECTORS);
        let rows = lines.checked_div(in_row).unwrap_or(0).saturating_sub(2);
        // On columns that were attached there is nothing beside a line.
        let whole = match self.attached {
            0 => rows.saturating_mul(self.row_sectors()),
            _ => 0,
        };
        u32::try_from(anywhere.max(whole)).unwrap_or(8)
    }

    /// Where offset 0 of a column's data is, behind where the column begins.
    pub const fn data_start(&self) -> u64 {
        LOG_SECTORS
    }
}

/// The pieces of a request.
pub struct Pieces<'a> {
    layout: &'a Layout,
    /// The next sector, and how many there are from that one on.
    sector: u64,
    left: u64,
    /// What is left of the run that the next piece is from.
    run: Run,
    /// How far in its row that is.
    within: u64,
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        let interlace = self.layout.interlace;
        if self.run.count == 0 {
            self.run = self.layout.run(self.sector, self.left)?;
            self.within = self.run.offset % interlace;
        }
        // As `line_of` has it, which also looks for the parity.
        let skip = self.within % LINE_SECTORS;
        let in_row = interlace.get().checked_sub(self.within)?;
        let in_line = LINE_SECTORS.checked_sub(skip)?;
        let count = self.run.count.min(in_line).min(in_row);
        let piece = Piece {
            column: self.run.column,
            line: self.run.offset.checked_sub(skip)?,
            skip,
            count,
        };
        self.sector = self.sector.checked_add(count)?;
        self.left = self.left.checked_sub(count)?;
        self.run.offset = self.run.offset.checked_add(count)?;
        self.run.count = self.run.count.checked_sub(count)?;
        self.within = if count == in_row {
            0
        } else {
            self.within.checked_add(count)?
        };
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    fn layout(columns: u32, rotation: Rotation) -> Layout {
        Layout::new(columns, 8, LOG_SECTORS + 8 * 12, rotation).expect("fits")
    }

    /// Columns of data and parity, row by row, as the head of this file draws them.
    fn drawn(layout: &Layout, row: u64) -> std::string::String {
        let width = u64::from(layout.columns() - 1);
        (0..layout.columns())
            .map(|column| {
                let mut chunks = (row * width..).take(width as usize);
                let found = chunks.find(|chunk| {
                    let run = layout.run(chunk * 8, 8).expect("inside");
                    run.column == column && run.offset == row * 8 && run.count == 8
                });
                found.map_or("P".into(), |chunk| std::format!("{chunk}"))
            })
            .collect::<std::vec::Vec<_>>()
            .join(" ")
    }

    /// `svm.md` section 5.1 for SVM's rotation.
    #[test]
    fn parity_goes_around() {
        let own = layout(4, Rotation::LeftSymmetric);
        let rows = [0, 1, 2, 3, 4].map(|row| drawn(&own, row));
        assert_eq!(
            rows,
            ["0 1 2 P", "4 5 P 3", "8 P 6 7", "P 9 10 11", "12 13 14 P"]
        );
        let svm = layout(4, Rotation::Svm);
        let rows = [0, 1, 2, 3].map(|row| drawn(&svm, row));
        assert_eq!(rows, ["0 1 2 P", "P 3 4 5", "8 P 6 7", "10 11 P 9"]);
    }

    /// `svm.md` section 13.1 (3): segments 9 and on of three columns of five segments each, to
    /// which one was attached.
    #[test]
    fn attached_columns_come_behind_and_have_data_only() {
        let before = Layout::new(3, 8, LOG_SECTORS + 8 * 5, Rotation::Svm).expect("fits");
        let after = before.attach(1).expect("fits");
        assert_eq!(
            (after.columns(), after.original(), after.attached()),
            (4, 3, 1)
        );
        assert_eq!(after.sectors(), before.sectors() + 8 * 5);
        for sector in 0..before.sectors() {
            assert_eq!(after.run(sector, 9), before.run(sector, 9));
        }
        for offset in 0..before.column_sectors() {
            assert_eq!(after.line_of(offset), before.line_of(offset));
        }
        let place = |segment: u64| {
            let run = after.run(segment * 8, 1).expect("inside");
            let parity = after.line_of(run.offset).expect("inside").parity;
            (run.offset / 8, run.column, parity)
        };
        assert_eq!(
            [9, 10, 11, 12, 14].map(place),
            [(4, 2, 0), (0, 3, 2), (1, 3, 0), (2, 3, 1), (4, 3, 0)]
        );
        let run = after.run(before.sectors() + 3, 99).expect("inside");
        assert_eq!((run.column, run.offset, run.count), (3, 3, 37));
        assert_eq!(after.run(after.sectors(), 1), None);
        assert_eq!(before.attach(62), Err(LayoutError::Columns(65)));
        assert!(before.attach(61).is_ok());
    }

    #[test]
    fn limits_are_limits() {
        let new = |columns, interlace, sectors| {
            Layout::new(columns, interlace, sectors, Rotation::LeftSymmetric).map(|_| ())
        };
        assert_eq!(new(2, 8, 1 << 20), Err(LayoutError::Columns(2)));
        assert_eq!(new(65, 8, 1 << 20), Err(LayoutError::Columns(65)));
        for wrong in [0, 4, 12, 204_808] {
            assert_eq!(new(3, wrong, 1 << 20), Err(LayoutError::Interlace(wrong)));
        }
        let needed = LOG_SECTORS + 64;
        assert_eq!(new(3, 64, needed - 1), Err(LayoutError::TooSmall(needed)));
        assert_eq!(new(3, 64, needed), Ok(()));
        assert!(matches!(
            new(64, 8, UNIT_SECTORS_MAX),
            Err(LayoutError::TooLarge(_))
        ));
    }

    /// Counted sector by sector, from every place in the first rows.
    #[test]
    fn the_longest_run_is_within_its_lines() {
        for (columns, interlace) in [(3, 8), (4, 16), (5, 40), (3, 128), (5, 128), (9, 2048)] {
            let sectors = LOG_SECTORS + interlace * 80;
            let layout = Layout::new(columns, interlace, sectors, Rotation::LeftSymmetric);
            let layout = layout.expect("fits");
            let longest = layout.longest_within(32);
            for first in (0..2 * layout.row_sectors()).step_by(7) {
                let (mut done, mut lines) = (0, std::collections::BTreeSet::new());
                while let Some(piece) = layout.piece(first + done, u64::from(longest) - done) {
                    lines.insert(piece.line);
                    done += piece.count;
                }
                assert!(
                    lines.len() <= 32,
                    "{columns} {interlace} {first}: {}",
                    lines.len()
                );
            }
        }
        let usual = Layout::new(5, 128, LOG_SECTORS + 1280, Rotation::LeftSymmetric);
        assert_eq!(usual.map(|layout| layout.longest_within(32)), Ok(3072));
    }

    #[test]
    fn lines_end_with_the_row() {
        let layout = Layout::new(3, 40, LOG_SECTORS + 400, Rotation::LeftSymmetric);
        let layout = layout.expect("fits");
        let starts = [0, 31, 32, 39, 40].map(|offset| {
            let line = layout.line_of(offset).expect("inside");
            (line.start, line.count)
        });
        assert_eq!(starts, [(0, 32), (0, 32), (32, 8), (32, 8), (40, 32)]);
        assert_eq!(layout.line_of(400), None);
        assert_eq!(layout.run(800, 1), None);
        assert_eq!(layout.run(0, 0), None);
    }
}
