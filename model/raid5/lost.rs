// SPDX-License-Identifier: GPL-2.0
//! Sectors that are lost: a line was being written as a whole when the power went, and one of its
//! columns went with it, so that what this column had is neither what it was nor what it was to be
//! (`DURABILITY.md` clause 16). They read as errors until they are written again.
//!
//! The list is kept in blocks of 4 KiB, on all columns, in two pages that are written in turn. It
//! is durable before anything is read or written after the crash; and a block that was written
//! again is durably off the list before a flush is acknowledged. While there is a list, no line is
//! announced, so that there are never more of them than one crash can leave.
//!
//! The power may go while it is written. The newest list that is found counts, and before anything
//! else the columns that lack it get it, as it is ([`Newest`]): if it stayed on some only, these
//! might be lost, and the one before would count again. Nobody's newest list is written over for
//! that; the next one would take the place of the last that all have.

use super::{
    bit,
    layout::Layout,
    BATCH_LINES_MAX,
    COLUMNS_MAX,
    HEAD_SECTORS,
    LINE_SECTORS,
    LOST_START, //
};
use crate::{
    database::{
        crc32c::Crc32c,
        field::{
            is_gapless,
            Field, //
        },
        identity::Uuid, //
    },
    units::SECTOR_BYTES,
};

/// What it is.
pub const MAGIC: Field = Field::first("magic", 8, "\"mdRAIDls\"");
/// Its checksum.
pub const CHECKSUM: Field = MAGIC.then(
    "checksum",
    4,
    "CRC-32C of the page, with zeros in place of the checksum",
);
/// Its version.
pub const VERSION: Field = CHECKSUM.then("version", 2, "1");
/// How many.
pub const COUNT: Field = VERSION.then("count", 2, "number of lines, which follow");
/// To what it belongs.
pub const LOG: Field = COUNT.then("log", 16, "uuid in the record of the metadevice");
/// Which list.
pub const SEQUENCE: Field = LOG.then("sequence", 8, "number of the list; the largest one counts");
/// Nothing.
pub const REST: Field = SEQUENCE.then("rest", 24, "zero");

/// What comes before the lines, field by field.
pub const FIELDS: &[Field] = &[MAGIC, CHECKSUM, VERSION, COUNT, LOG, SEQUENCE, REST];

/// Bytes of that.
pub const HEAD_BYTES: usize = 64;

/// Where it is.
pub const LINE_OFFSET: Field = Field::first(
    "offset",
    8,
    "first sector of the line in the data of the column",
);
/// On which column.
pub const LINE_COLUMN: Field = LINE_OFFSET.then("column", 2, "index of the column");
/// Which blocks.
pub const LINE_BLOCKS: Field = LINE_COLUMN.then(
    "blocks",
    1,
    "bits of the blocks of 4 KiB in the line that are lost",
);
/// Nothing.
pub const LINE_REST: Field = LINE_BLOCKS.then("rest", 5, "zero");

/// A line, field by field.
pub const LINE_FIELDS: &[Field] = &[LINE_OFFSET, LINE_COLUMN, LINE_BLOCKS, LINE_REST];

/// Bytes of a line.
pub const LINE_BYTES: usize = 16;

/// Bytes of the page.
pub const PAGE_BYTES: usize = (HEAD_SECTORS * SECTOR_BYTES) as usize;

/// Most lines in the list: no more than this many that are announced ever count at a time.
pub const LINES_MAX: usize = (PAGE_BYTES - HEAD_BYTES) / LINE_BYTES;

/// Sectors of a block.
pub const BLOCK_SECTORS: u64 = 8;

const MAGIC_BYTES: &[u8; 8] = b"mdRAIDls";

const VERSION_NUMBER: u64 = 1;

const _: () = assert!(is_gapless(FIELDS, HEAD_BYTES));
const _: () = assert!(is_gapless(LINE_FIELDS, LINE_BYTES));
const _: () = assert!(LINES_MAX >= BATCH_LINES_MAX as usize);
const _: () = assert!(LINE_SECTORS / BLOCK_SECTORS <= 8);

/// What is lost of a line.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LostLine {
    /// First sector of the line, in the data of a column.
    pub start: u64,
    /// The column.
    pub column: u32,
    /// Blocks of the line, as bits.
    pub blocks: u8,
}

/// Most ranges of a list: a line of four blocks has two at most.
pub const RANGES_MAX: usize = LINES_MAX * 2;

impl LostLine {
    /// What is lost of the metadevice: ranges, each with its first sector and its length.
    pub fn ranges(self, layout: Layout) -> impl Iterator<Item = (u64, u64)> {
        let is_lost = move |block: u32| u64::from(self.blocks) & bit(block) != 0;
        let begins = move |block: &u32| {
            let is_continued = block.checked_sub(1).is_some_and(is_lost);
            is_lost(*block) && !is_continued
        };
        (0..8).filter(begins).filter_map(move |block| {
            let count = (block..8).take_while(|next| is_lost(*next)).count();
            let skip = u64::from(block).saturating_mul(BLOCK_SECTORS);
            let first = layout.sector_at(self.column, self.start.checked_add(skip)?)?;
            Some((first, BLOCK_SECTORS.saturating_mul(count as u64)))
        })
    }
}

/// The newest list that there is, and who has it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Newest {
    /// Its number; 0: there is none.
    pub sequence: u64,
    /// Columns that have it, as bits.
    pub holders: u64,
}

impl Newest {
    /// A column has the list with this number. Whether no newer one was met before, nor this one.
    pub const fn meet(&mut self, column: u32, sequence: u64) -> bool {
        if sequence > self.sequence {
            *self = Self {
                sequence,
                holders: bit(column),
            };
            return true;
        }
        if sequence == self.sequence {
            self.holders |= bit(column);
        }
        false
    }

    /// Whether all these columns have it, if there is one.
    pub const fn is_on_all(&self, columns: u64) -> bool {
        self.sequence == 0 || self.holders & columns == columns
    }
}

/// The blocks that some sectors of a line lie in, as bits; `whole`: only those that lie in them as
/// a whole.
pub const fn blocks(from: u64, count: u64, whole: bool) -> u8 {
    let end = from.saturating_add(count);
    let (mut set, mut block) = (0_u8, 0_u32);
    while block < 8 {
        let first = (block as u64).saturating_mul(BLOCK_SECTORS);
        let behind = first.saturating_add(BLOCK_SECTORS);
        let is_in = if whole {
            from <= first && behind <= end
        } else {
            from < behind && first < end
        };
        if is_in {
            set |= bit(block) as u8;
        }
        block = block.wrapping_add(1);
    }
    set
}

/// Whether one of `count` sectors of a line is lost, from number `from` of the line on.
pub fn is_lost(list: &[LostLine], column: u32, start: u64, (from, count): (u64, u64)) -> bool {
    let asked = blocks(from, count, false);
    let mut of_line = list
        .iter()
        .filter(|line| line.column == column && line.start == start);
    of_line.any(|line| line.blocks & asked != 0)
}

/// So many sectors of a line were written again. Whether that has changed the list.
pub fn rewrite(list: &mut [LostLine], column: u32, start: u64, (from, count): (u64, u64)) -> bool {
    let written = blocks(from, count, true);
    let mut has_changed = false;
    for line in list {
        if line.column == column && line.start == start && line.blocks & written != 0 {
            line.blocks &= !written;
            has_changed = true;
        }
    }
    has_changed
}

/// First sector of the page of a list, behind where the column begins.
pub const fn page_start(sequence: u64) -> u64 {
    LOST_START.saturating_add((sequence % 2).saturating_mul(HEAD_SECTORS))
}

/// The checksum of a page that has one.
fn page_checksum(page: &[u8]) -> u32 {
    let before = page.get(..CHECKSUM.offset).unwrap_or(&[]);
    let behind = page.get(CHECKSUM.end()..).unwrap_or(&[]);
    let sum = Crc32c::START.with(before).with(&[0; 4]).with(behind);
    sum.value()
}

/// Writes the page of a list. `None` if there is no room for it.
pub fn encode(log: Uuid, sequence: u64, list: &[LostLine], page: &mut [u8]) -> Option<()> {
    if page.len() != PAGE_BYTES {
        return None;
    }
    page.fill(0);
    MAGIC.put_bytes(page, MAGIC_BYTES);
    VERSION.put(page, VERSION_NUMBER);
    LOG.put_uuid(page, log);
    SEQUENCE.put(page, sequence);
    let left = list.iter().filter(|line| line.blocks != 0);
    COUNT.put(page, left.clone().count() as u64);
    let mut places = page.get_mut(HEAD_BYTES..)?.chunks_exact_mut(LINE_BYTES);
    for line in left {
        let place = places.next()?;
        LINE_OFFSET.put(place, line.start);
        LINE_COLUMN.put(place, line.column.into());
        LINE_BLOCKS.put(place, line.blocks.into());
    }
    let sum = page_checksum(page);
    CHECKSUM.put(page, sum.into());
    Some(())
}

/// Reads the page of a list: its number. `None`: it is none, or not whole, or of something else.
pub fn decode(log: Uuid, page: &[u8]) -> Option<u64> {
    let is_ours = page.len() == PAGE_BYTES
        && MAGIC.of(page) == MAGIC_BYTES
        && VERSION.number(page) == VERSION_NUMBER
        && CHECKSUM.number32(page) == page_checksum(page)
        && LOG.uuid(page) == log
        && REST.is_zero(page)
        && COUNT.number(page) <= LINES_MAX as u64;
    let mut all = lines(page);
    let is_sound = is_ours && all.all(|line| line.column < COLUMNS_MAX);
    is_sound.then(|| SEQUENCE.number(page))
}

/// The lines in a page that is whole.
pub fn lines(page: &[u8]) -> impl Iterator<Item = LostLine> + '_ {
    let count = COUNT.number(page).min(LINES_MAX as u64) as usize;
    let places = page.get(HEAD_BYTES..).unwrap_or(&[]);
    let places = places.chunks_exact(LINE_BYTES).take(count);
    places.map(|place| LostLine {
        start: LINE_OFFSET.number(place),
        column: LINE_COLUMN.number32(place),
        blocks: (LINE_BLOCKS.number(place) & 0xff) as u8,
    })
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::{
        vec,
        vec::Vec, //
    };

    use super::{
        super::{
            layout::Rotation,
            LOG_SECTORS, //
        },
        *, //
    };

    const LOG: Uuid = Uuid::from_bytes([3; 16]);

    const LINE: LostLine = LostLine {
        start: 96,
        column: 2,
        blocks: 0b0110,
    };

    /// Every run of a line, against the slow and obvious way.
    #[test]
    fn blocks_are_counted_by_sectors() {
        for from in 0..32_u64 {
            for count in 1..=32 - from {
                let inside = |sector: u64| (from..from + count).contains(&sector);
                for block in 0..4_u64 {
                    let mut sectors = block * 8..block * 8 + 8;
                    let any = sectors.clone().any(inside);
                    let all = sectors.all(inside);
                    assert_eq!((blocks(from, count, false) >> block) & 1 == 1, any);
                    assert_eq!((blocks(from, count, true) >> block) & 1 == 1, all);
                }
            }
        }
    }

    #[test]
    fn what_is_lost_is_told_in_sectors_of_the_metadevice() {
        let layout = Layout::new(3, 32, LOG_SECTORS + 320, Rotation::LeftSymmetric);
        let layout = layout.expect("in range");
        let ranges = |blocks: u8| {
            let line = LostLine { blocks, ..LINE };
            line.ranges(layout).collect::<Vec<_>>()
        };
        // Row 3 has its parity on column 2, as row 0 does.
        assert_eq!(ranges(0b0110), []);
        let line = LostLine {
            column: 1,
            blocks: 0b1101,
            ..LINE
        };
        let first = layout.sector_at(1, 96).expect("data");
        let found: Vec<_> = line.ranges(layout).collect();
        assert_eq!(found, [(first, 8), (first + 16, 16)]);
        assert_eq!(layout.piece(first, 1).map(|piece| piece.column), Some(1));
    }

    #[test]
    fn the_newest_list_counts_and_it_is_known_who_has_it() {
        let mut newest = Newest::default();
        assert!(newest.is_on_all(0b111), "there is none");
        let met = [(0, 4), (0, 3), (1, 5), (1, 4), (2, 4), (2, 5)];
        let counts = met.map(|(column, sequence)| newest.meet(column, sequence));
        assert_eq!(counts, [true, false, true, false, false, false]);
        assert_eq!((newest.sequence, newest.holders), (5, 0b110));
        assert!(newest.is_on_all(0b110) && !newest.is_on_all(0b111));
    }

    #[test]
    fn what_is_written_as_a_whole_is_not_lost_any_more() {
        let mut list = [LINE];
        assert!(is_lost(&list, 2, 96, (15, 1)) && !is_lost(&list, 2, 96, (0, 8)));
        assert!(!is_lost(&list, 1, 96, (8, 16)) && !is_lost(&list, 2, 64, (8, 16)));
        assert!(!rewrite(&mut list, 2, 96, (9, 8)), "two halves of blocks");
        assert!(rewrite(&mut list, 2, 96, (0, 20)));
        assert!(!is_lost(&list, 2, 96, (8, 8)) && is_lost(&list, 2, 96, (16, 1)));
        assert!(rewrite(&mut list, 2, 96, (16, 8)));
        assert!(!is_lost(&list, 2, 96, (0, 32)));
    }

    #[test]
    fn what_is_written_reads_back_without_what_is_there_again() {
        let gone = LostLine { blocks: 0, ..LINE };
        let mut page = vec![0xff; PAGE_BYTES];
        encode(LOG, 5, &[LINE, gone, LINE], &mut page).expect("room");
        assert_eq!(decode(LOG, &page), Some(5));
        assert_eq!(lines(&page).collect::<Vec<_>>(), [LINE, LINE]);
        assert_eq!(decode(Uuid::from_bytes([4; 16]), &page), None);
        for at in 0..PAGE_BYTES * 8 {
            let mut bad = page.clone();
            *bad.get_mut(at / 8).expect("within") ^= 1 << (at % 8);
            assert_eq!(decode(LOG, &bad), None, "bit {at}");
        }
        assert!(encode(LOG, 5, &[LINE; LINES_MAX], &mut page).is_some());
        assert!(encode(LOG, 5, &[LINE; LINES_MAX + 1], &mut page).is_none());
        assert_eq!((page_start(4), page_start(5)), (LOST_START, LOST_START + 8));
    }
}
