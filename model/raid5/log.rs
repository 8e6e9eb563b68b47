// SPDX-License-Identifier: GPL-2.0
//! The log of a column: a ring of slots. A slot has a page that says what is in it, and behind that
//! what is to be written to this very column, entry after entry. Of lines that are written as a
//! whole there is no data: such an entry only *announces* what is about to be written.
//!
//! A batch of writes has a number, and takes the slot of that number on all columns that it writes
//! to, its *members*. It is in place only when it is durable on all of them.

use super::{
    BATCH_LINES_MAX,
    COLUMNS_MAX,
    HEAD_SECTORS,
    LINE_SECTORS,
    SLOTS,
    SLOT_SECTORS, //
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
pub const MAGIC: Field = Field::first("magic", 8, "\"mdRAIDlg\"");
/// Its checksum.
pub const CHECKSUM: Field = MAGIC.then(
    "checksum",
    4,
    "CRC-32C of the page, with zeros in place of the checksum",
);
/// Its version.
pub const VERSION: Field = CHECKSUM.then("version", 2, "1");
/// Whose it is.
pub const COLUMN: Field = VERSION.then("column", 2, "index of the column that has the slot");
/// To what it belongs.
pub const LOG: Field = COLUMN.then("log", 16, "uuid in the record of the metadevice");
/// Which batch.
pub const SEQUENCE: Field = LOG.then("sequence", 8, "number of the batch, from 1");
/// What is settled.
pub const TAIL: Field = SEQUENCE.then(
    "tail",
    8,
    "batches with lower numbers are durable where they belong",
);
/// Who takes part.
pub const MEMBERS: Field = TAIL.then("members", 8, "bits of the columns that have the batch");
/// How many.
pub const ENTRIES: Field = MEMBERS.then("entries", 2, "number of entries, which follow");
/// Whether there is more than what is in the logs.
pub const OPEN: Field = ENTRIES.then(
    "open",
    2,
    "1 if writes that are in no log may be under way from this batch on, else 0",
);
/// Who is not there.
pub const MISSING: Field = OPEN.then(
    "missing",
    1,
    "index of the column that is out of service, or being made, plus 1; 0 for none",
);
/// How many columns there are.
pub const COLUMNS: Field = MISSING.then(
    "columns",
    1,
    "how many columns there are; 0 where older builds have written it",
);
/// Which devices the columns are.
pub const DEVICES: Field = COLUMNS.then(
    "devices",
    2,
    "how many times the devices of the columns have changed, modulo 65536",
);

/// What comes before the entries, field by field.
pub const FIELDS: &[Field] = &[
    MAGIC, CHECKSUM, VERSION, COLUMN, LOG, SEQUENCE, TAIL, MEMBERS, ENTRIES, OPEN, MISSING,
    COLUMNS, DEVICES,
];

/// Bytes of that.
pub const HEAD_BYTES: usize = 64;

/// Where it belongs.
pub const ENTRY_OFFSET: Field = Field::first(
    "offset",
    8,
    "first sector in the data of the column, behind its log",
);
/// How long it is.
pub const ENTRY_COUNT: Field = ENTRY_OFFSET.then("count", 2, "sectors");
/// Whether it is here.
pub const ENTRY_KIND: Field = ENTRY_COUNT.then(
    "kind",
    2,
    "0: the sectors are in the slot; 1: they are announced, since the whole line is written",
);
/// Its checksum.
pub const ENTRY_CHECKSUM: Field = ENTRY_KIND.then("checksum", 4, "CRC-32C of these sectors");

/// An entry, field by field.
pub const ENTRY_FIELDS: &[Field] = &[ENTRY_OFFSET, ENTRY_COUNT, ENTRY_KIND, ENTRY_CHECKSUM];

/// Bytes of an entry.
pub const ENTRY_BYTES: usize = 16;

/// Bytes of the page.
pub const PAGE_BYTES: usize = (HEAD_SECTORS * SECTOR_BYTES) as usize;

const MAGIC_BYTES: &[u8; 8] = b"mdRAIDlg";

const VERSION_NUMBER: u64 = 1;

const _: () = assert!(is_gapless(FIELDS, HEAD_BYTES));
const _: () = assert!(is_gapless(ENTRY_FIELDS, ENTRY_BYTES));
const _: () = assert!(HEAD_BYTES + BATCH_LINES_MAX as usize * ENTRY_BYTES <= PAGE_BYTES);

/// What a slot is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Head {
    /// The metadevice's log.
    pub log: Uuid,
    /// The column that has the slot.
    pub column: u32,
    /// Number of the batch.
    pub sequence: u64,
    /// Batches with lower numbers are durable in place.
    pub tail: u64,
    /// Columns that have the batch, as bits.
    pub members: u64,
    /// Whether writes that are in no log may be under way from now on.
    pub is_open: bool,
    /// The column that is out of service, or being made.
    pub missing: Option<u32>,
    /// How many columns there are; 0 if that is not told.
    pub columns: u32,
    /// How many times the devices of the columns have changed.
    pub devices: u16,
}

/// Something that is to be written to the column.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Entry {
    /// Where, in the data of the column.
    pub offset: u64,
    /// How many sectors.
    pub count: u32,
    /// Whether they are not in the slot: every column of the line is written, and announced.
    pub is_announced: bool,
    /// Their checksum.
    pub checksum: u32,
}

/// First sector of the slot of a batch, behind where the column begins.
pub const fn slot_start(sequence: u64) -> u64 {
    (sequence % SLOTS).saturating_mul(SLOT_SECTORS)
}

/// The checksum of an entry's sectors.
pub fn checksum(bytes: &[u8]) -> u32 {
    Crc32c::START.with(bytes).value()
}

/// The checksum of the sum, without carry, of pieces of the same length, from theirs; `zeros` is
/// that of as many zeros. Without its beginning and end a CRC of a sum is the sum of the CRCs, and
/// these are what zeros have.
pub fn checksum_of_sum(checksums: impl Iterator<Item = u32>, zeros: u32) -> u32 {
    checksums.fold(zeros, |sum, checksum| sum ^ checksum ^ zeros)
}

/// The checksum of a page that has one.
fn page_checksum(page: &[u8]) -> u32 {
    let before = page.get(..CHECKSUM.offset).unwrap_or(&[]);
    let behind = page.get(CHECKSUM.end()..).unwrap_or(&[]);
    Crc32c::START
        .with(before)
        .with(&[0; 4])
        .with(behind)
        .value()
}

/// Writes the page of a slot. `None` if there is no room for it, or there are too many entries.
///
/// `filled`: from that byte on the memory is zero, before and after, so that only what the last
/// page had there is cleared. `checksum`: a routine that does what [`checksum`](fn@checksum) does.
pub fn encode(
    head: &Head,
    entries: &[Entry],
    page: &mut [u8],
    filled: &mut usize,
    checksum: impl Fn(&[u8]) -> u32,
) -> Option<()> {
    if page.len() != PAGE_BYTES || entries.len() > BATCH_LINES_MAX as usize {
        return None;
    }
    page.get_mut(..*filled)?.fill(0);
    *filled = HEAD_BYTES.saturating_add(entries.len().saturating_mul(ENTRY_BYTES));
    MAGIC.put_bytes(page, MAGIC_BYTES);
    VERSION.put(page, VERSION_NUMBER);
    COLUMN.put(page, head.column.into());
    LOG.put_uuid(page, head.log);
    SEQUENCE.put(page, head.sequence);
    TAIL.put(page, head.tail);
    MEMBERS.put(page, head.members);
    ENTRIES.put(page, entries.len() as u64);
    OPEN.put(page, head.is_open.into());
    let missing = head.missing.map_or(0, |column| column.saturating_add(1));
    MISSING.put(page, missing.into());
    COLUMNS.put(page, head.columns.into());
    DEVICES.put(page, head.devices.into());
    let mut places = page.get_mut(HEAD_BYTES..)?.chunks_exact_mut(ENTRY_BYTES);
    for entry in entries {
        let place = places.next()?;
        ENTRY_OFFSET.put(place, entry.offset);
        ENTRY_COUNT.put(place, entry.count.into());
        ENTRY_KIND.put(place, entry.is_announced.into());
        ENTRY_CHECKSUM.put(place, entry.checksum.into());
    }
    // There are zeros in its place as yet.
    CHECKSUM.put(page, checksum(page).into());
    Some(())
}

/// Reads the page of a slot. `None`: it is none, or not whole, or of another version, or says
/// something that cannot be.
pub fn decode(page: &[u8]) -> Option<Head> {
    let is_ours = page.len() == PAGE_BYTES
        && MAGIC.of(page) == MAGIC_BYTES
        && VERSION.number(page) == VERSION_NUMBER
        && CHECKSUM.number32(page) == page_checksum(page);
    let head = Head {
        log: LOG.uuid(page),
        column: COLUMN.number32(page),
        sequence: SEQUENCE.number(page),
        tail: TAIL.number(page),
        members: MEMBERS.number(page),
        is_open: OPEN.number(page) != 0,
        missing: MISSING.number32(page).checked_sub(1),
        columns: COLUMNS.number32(page),
        devices: DEVICES.number32(page) as u16,
    };
    let is_sound = head.column < COLUMNS_MAX
        && head.sequence != 0
        && head.tail <= head.sequence
        && head.missing.is_none_or(|column| column < COLUMNS_MAX)
        && head.columns <= COLUMNS_MAX
        && head.members & super::bit(head.column) != 0
        && ENTRIES.number(page) <= BATCH_LINES_MAX.into()
        && OPEN.number(page) <= 1
        && has_known_kinds(page);
    let mut all = entries(page);
    (is_ours && is_sound && all.all(|entry| entry.is_sound())).then_some(head)
}

/// The entries in a page that is whole.
pub fn entries(page: &[u8]) -> impl Iterator<Item = Entry> + '_ {
    let count = ENTRIES.number(page).min(BATCH_LINES_MAX.into()) as usize;
    let places = page.get(HEAD_BYTES..).unwrap_or(&[]);
    let places = places.chunks_exact(ENTRY_BYTES).take(count);
    places.map(|place| Entry {
        offset: ENTRY_OFFSET.number(place),
        count: ENTRY_COUNT.number32(place),
        is_announced: ENTRY_KIND.number(place) != 0,
        checksum: ENTRY_CHECKSUM.number32(place),
    })
}

/// Whether the kinds of all entries are known.
fn has_known_kinds(page: &[u8]) -> bool {
    let count = ENTRIES.number(page).min(BATCH_LINES_MAX.into()) as usize;
    let places = page.get(HEAD_BYTES..).unwrap_or(&[]);
    let mut places = places.chunks_exact(ENTRY_BYTES).take(count);
    places.all(|place| ENTRY_KIND.number(place) <= 1)
}

impl Entry {
    /// Whether it is no longer than a line.
    fn is_sound(&self) -> bool {
        (1..=LINE_SECTORS).contains(&u64::from(self.count))
    }

    /// The first sector behind it.
    pub const fn end(&self) -> u64 {
        self.offset.saturating_add(self.count as u64)
    }

    /// Sectors of it that are in the slot.
    pub const fn logged(&self) -> u64 {
        if self.is_announced {
            0
        } else {
            self.count as u64
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec;

    use super::*;

    const HEAD: Head = Head {
        log: Uuid::from_bytes([7; 16]),
        column: 2,
        sequence: 9,
        tail: 4,
        members: 0b1101,
        is_open: true,
        missing: Some(1),
        columns: 4,
        devices: 0xfffe,
    };

    const ENTRY: Entry = Entry {
        offset: 64,
        count: 8,
        is_announced: false,
        checksum: 77,
    };

    const ANNOUNCED: Entry = Entry {
        is_announced: true,
        ..ENTRY
    };

    fn page() -> vec::Vec<u8> {
        let mut page = vec![0xff; PAGE_BYTES];
        put(&[ENTRY, ANNOUNCED], &mut page, &mut PAGE_BYTES.clone()).expect("room");
        page
    }

    fn put(entries: &[Entry], page: &mut [u8], filled: &mut usize) -> Option<()> {
        encode(&HEAD, entries, page, filled, checksum)
    }

    #[test]
    fn what_is_written_reads_back() {
        let page = page();
        assert_eq!(decode(&page), Some(HEAD));
        assert_eq!(entries(&page).collect::<vec::Vec<_>>(), [ENTRY, ANNOUNCED]);
        assert_eq!((ENTRY.logged(), ANNOUNCED.logged()), (8, 0));
        assert_eq!(slot_start(9), SLOT_SECTORS);
        assert_eq!(checksum(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn a_bit_that_flips_is_noticed() {
        let good = page();
        for bit in 0..PAGE_BYTES * 8 {
            let mut bad = good.clone();
            let byte = bad.get_mut(bit / 8).expect("within");
            *byte ^= 1 << (bit % 8);
            assert_eq!(decode(&bad), None, "bit {bit}");
        }
        assert_eq!(decode(good.get(..4095).expect("shorter")), None);
    }

    #[test]
    fn nonsense_with_a_right_checksum_is_no_slot() {
        for (field, value) in [
            (VERSION, 2),
            (COLUMN, 1),
            (COLUMN, 64),
            (SEQUENCE, 0),
            (SEQUENCE, 3),
            (ENTRIES, 33),
            (OPEN, 2),
            (MISSING, u64::from(COLUMNS_MAX) + 1),
            (COLUMNS, u64::from(COLUMNS_MAX) + 1),
        ] {
            let mut bad = page();
            field.put(&mut bad, value);
            let sum = page_checksum(&bad);
            CHECKSUM.put(&mut bad, sum.into());
            assert_eq!(decode(&bad), None, "{} {value}", field.name);
        }
        let mut bad = page();
        ENTRY_KIND.put(bad.get_mut(HEAD_BYTES..).expect("entries"), 2);
        let sum = page_checksum(&bad);
        CHECKSUM.put(&mut bad, sum.into());
        assert_eq!(decode(&bad), None, "an unknown kind");
        let long = Entry { count: 33, ..ENTRY };
        let mut bad = page();
        put(&[long], &mut bad, &mut PAGE_BYTES.clone()).expect("room");
        assert_eq!(decode(&bad), None);
    }

    #[test]
    fn there_is_room_for_so_many_entries() {
        let mut page = vec![0; PAGE_BYTES];
        assert!(put(&[ENTRY; 32], &mut page, &mut 0).is_some());
        assert!(put(&[ENTRY; 33], &mut page, &mut 0).is_none());
        assert!(put(&[], &mut [0; 512], &mut 0).is_none());
    }

    #[test]
    fn a_sum_has_the_checksum_that_follows_from_its_parts() {
        let part = |factor: usize| -> vec::Vec<u8> {
            let bytes = (0..1000_usize).map(|at| ((at * factor) >> 3) as u8);
            bytes.collect()
        };
        let zeros = checksum(&[0; 1000]);
        let (mut sum, mut checksums) = (vec![0; 1000], vec![]);
        for factor in [7, 19, 83, 1021, 4099] {
            for (sum, byte) in sum.iter_mut().zip(part(factor)) {
                *sum ^= byte;
            }
            checksums.push(checksum(&part(factor)));
            let found = checksum_of_sum(checksums.iter().copied(), zeros);
            assert_eq!(found, checksum(&sum), "{} parts", checksums.len());
        }
    }

    #[test]
    fn memory_that_is_used_again_has_nothing_of_before() {
        let (mut page, mut filled) = (vec![0; PAGE_BYTES], 0);
        for (count, end) in [(32, 576), (2, 96), (0, 64), (7, 176)] {
            put(&[ENTRY; 32][..count], &mut page, &mut filled).expect("room");
            assert_eq!(filled, end);
            let (mut fresh, mut none) = (vec![0; PAGE_BYTES], 0);
            put(&[ENTRY; 32][..count], &mut fresh, &mut none).expect("room");
            assert_eq!(page, fresh, "{count} entries");
        }
    }
}
