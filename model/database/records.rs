// SPDX-License-Identifier: GPL-2.0
//! Records in pages: short ones share a page, a long one is in several parts.
//!
//! The payload of a page of records is the page's number, then one part of a record after the
//! other, each with a head and padded to 8 bytes. A record's parts may be in any pages.

use super::{
    field::{
        copy_bytes,
        is_gapless,
        Field, //
    },
    page::{
        bad,
        bad_field,
        Damage,
        Page,
        PAYLOAD_BYTES, //
    },
};

/// Which page it is.
pub const NUMBER: Field = Field::first("number", 4, "number of the page, from 0");
/// How much of it.
pub const PARTS: Field = NUMBER.then("parts", 4, "number of parts of records that follow");

/// The fixed part of the payload, field by field.
pub const FIELDS: &[Field] = &[NUMBER, PARTS];

/// Bytes of the fixed part.
pub const FIXED_BYTES: usize = 8;

/// Whose part.
pub const RECORD: Field = Field::first("record", 4, "number of the record");
/// What it is.
pub const KIND: Field = RECORD.then(
    "kind",
    2,
    "kind of the record: 1 for a metadevice, 2 for a hot spare pool, 3 for what failfast does",
);
/// Its version.
pub const VERSION: Field = KIND.then("version", 2, "version of that kind of record");
/// Which part.
pub const PART: Field = VERSION.then("part", 2, "number of the part, from 0");
/// Of how many.
pub const OF: Field = PART.then("of", 2, "number of parts of the record");
/// How long.
pub const LENGTH: Field = OF.then("length", 2, "bytes of the part, without the padding to 8");
/// Nothing.
pub const REST: Field = LENGTH.then("rest", 2, "zero");

/// The head of a part, field by field.
pub const PART_FIELDS: &[Field] = &[RECORD, KIND, VERSION, PART, OF, LENGTH, REST];

/// Bytes of the head of a part.
pub const PART_HEAD_BYTES: usize = 16;

/// Most bytes of one part: as many as a page of its own holds.
pub const PART_BYTES_MAX: usize = PAYLOAD_BYTES - FIXED_BYTES - PART_HEAD_BYTES;

const _: () = assert!(is_gapless(FIELDS, FIXED_BYTES));
const _: () = assert!(is_gapless(PART_FIELDS, PART_HEAD_BYTES));
const _: () = assert!(PART_BYTES_MAX % 8 == 0);

/// A part of a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Part<'a> {
    /// Number of the record.
    pub record: u32,
    /// Kind of the record.
    pub kind: u16,
    /// Version of that kind.
    pub version: u16,
    /// Which part it is, from 0.
    pub part: u16,
    /// Of how many.
    pub of: u16,
    /// Its bytes, at most [`PART_BYTES_MAX`].
    pub bytes: &'a [u8],
}

impl Part<'_> {
    /// Refuses a record of another kind, or of another version of that kind, than is known: it is
    /// from a newer release, and its meaning is not guessed (`DURABILITY.md` clause 20).
    pub fn expect(&self, kind: u16, version: u16) -> Result<(), Damage> {
        if self.kind != kind {
            return Err(bad(KIND.name, self.kind.into()));
        }
        if self.version != version {
            return Err(bad(VERSION.name, self.version.into()));
        }
        Ok(())
    }

    /// Bytes that it takes in a page.
    pub fn room(&self) -> usize {
        room(self.bytes.len())
    }
}

/// Cuts a record into parts that each fit a page. `None` if it is too long for that.
pub fn cut(
    record: u32,
    (kind, version): (u16, u16),
    bytes: &[u8],
) -> Option<impl Iterator<Item = Part<'_>>> {
    let of = u16::try_from(bytes.len().div_ceil(PART_BYTES_MAX).max(1)).ok()?;
    Some((0..of).map(move |part| Part {
        record,
        kind,
        version,
        part,
        of,
        bytes: bytes.chunks(PART_BYTES_MAX).nth(part.into()).unwrap_or(&[]),
    }))
}

/// Puts a part of a record where it belongs in the whole; returns how long the record is, if it is
/// the last part. `None` for a part that is not as [`cut`] makes them, or for which there is no
/// room. The caller sees to it that each part of the record comes once.
pub fn place(part: &Part<'_>, whole: &mut [u8]) -> Option<Option<usize>> {
    let is_last = part.part.checked_add(1)? == part.of;
    if !is_last && part.bytes.len() != PART_BYTES_MAX {
        return None;
    }
    let start = usize::from(part.part).checked_mul(PART_BYTES_MAX)?;
    let end = start.checked_add(part.bytes.len())?;
    let target = whole.get_mut(start..end)?;
    copy_bytes(target, part.bytes);
    Some(is_last.then_some(end))
}

/// The first page in which a part that takes so much room fits, by the bytes in use of each page's
/// payload; 0 for a page that is not in use. `None` if all pages are full.
pub fn first_fit(used: impl IntoIterator<Item = usize>, room: usize) -> Option<usize> {
    let fits = |used: usize| {
        let end = used.max(FIXED_BYTES).saturating_add(room);
        end <= PAYLOAD_BYTES
    };
    used.into_iter().position(fits)
}

/// A page of records that was verified, each part within its bounds.
#[derive(Clone, Copy, Debug)]
pub struct Records<'a> {
    list: &'a [u8],
}

impl<'a> Records<'a> {
    /// Reads a page that was verified to be the one pointed to as page `number`.
    pub fn decode(page: &Page<'a>, number: u32) -> Result<Self, Damage> {
        let found = NUMBER.number(page.payload);
        if found != number.into() {
            return Err(bad_field(NUMBER, page.payload));
        }
        let list = page.payload.get(FIXED_BYTES..).unwrap_or(&[]);
        let (mut rest, mut count) = (list, 0_u64);
        while !rest.is_empty() {
            rest = split(rest)?.1;
            count = count.saturating_add(1);
        }
        if PARTS.number(page.payload) != count {
            return Err(bad_field(PARTS, page.payload));
        }
        Ok(Self { list })
    }

    /// The parts, in order.
    pub fn parts(&self) -> impl Iterator<Item = Part<'a>> {
        parts_of(self.list)
    }
}

/// The parts in a payload of a page of records that was verified, or made here, in order.
pub fn parts(payload: &[u8]) -> impl Iterator<Item = Part<'_>> {
    parts_of(payload.get(FIXED_BYTES..).unwrap_or(&[]))
}

fn parts_of(mut rest: &[u8]) -> impl Iterator<Item = Part<'_>> {
    core::iter::from_fn(move || {
        let (part, behind) = split(rest).ok()?;
        rest = behind;
        Some(part)
    })
}

/// Makes a page's payload that has no parts; returns the bytes in use.
pub fn clear(payload: &mut [u8], number: u32) -> usize {
    payload.fill(0);
    NUMBER.put(payload, number.into());
    FIXED_BYTES
}

/// Adds a part behind those in a payload of which `used` bytes are in use; returns how many are
/// now. `None` if there is no room: then nothing has changed.
pub fn append(payload: &mut [u8], used: usize, part: &Part<'_>) -> Option<usize> {
    let end = used.checked_add(part.room())?;
    if part.bytes.len() > PART_BYTES_MAX || used < FIXED_BYTES {
        return None;
    }
    write(payload.get_mut(used..end)?, part);
    let parts = PARTS.number(payload).saturating_add(1);
    PARTS.put(payload, parts);
    Some(end)
}

/// Writes a part, head and all, to bytes that it just fits.
fn write(target: &mut [u8], part: &Part<'_>) {
    target.fill(0);
    RECORD.put(target, part.record.into());
    KIND.put(target, part.kind.into());
    VERSION.put(target, part.version.into());
    PART.put(target, part.part.into());
    OF.put(target, part.of.into());
    LENGTH.put(target, part.bytes.len() as u64);
    copy_bytes(
        target.get_mut(PART_HEAD_BYTES..).unwrap_or(&mut []),
        part.bytes,
    );
}

/// Takes all parts of a record out of a payload of which `used` bytes are in use; returns how many
/// are now. A payload that cannot be read through is left as it is.
pub fn remove(payload: &mut [u8], used: usize, record: u32) -> usize {
    let (mut from, mut to, mut parts) = (FIXED_BYTES, FIXED_BYTES, 0_u64);
    while from < used {
        let Some(Ok((part, _))) = payload.get(from..used).map(split) else {
            return used;
        };
        let (is_kept, end) = (part.record != record, from.saturating_add(part.room()));
        if is_kept {
            payload.copy_within(from..end, to);
            to = to.saturating_add(end.saturating_sub(from));
            parts = parts.saturating_add(1);
        }
        from = end;
    }
    if let Some(freed) = payload.get_mut(to..used) {
        freed.fill(0);
    }
    PARTS.put(payload, parts);
    to
}

/// Writes a part over one of the same record, number, count and length; whether there is one.
pub fn replace(payload: &mut [u8], used: usize, part: &Part<'_>) -> bool {
    let mut at = FIXED_BYTES;
    while at < used {
        let Some(Ok((found, _))) = payload.get(at..used).map(split) else {
            return false;
        };
        let end = at.saturating_add(found.room());
        let is_it = (found.record, found.part, found.of) == (part.record, part.part, part.of);
        if is_it && found.bytes.len() == part.bytes.len() {
            let Some(target) = payload.get_mut(at..end) else {
                return false;
            };
            write(target, part);
            return true;
        }
        at = end;
    }
    false
}

/// Splits off the first part of a list that is not empty.
fn split(list: &[u8]) -> Result<(Part<'_>, &[u8]), Damage> {
    let (head, rest) = list
        .split_at_checked(PART_HEAD_BYTES)
        .ok_or(bad_field(LENGTH, list))?;
    let length = LENGTH.number(head) as usize;
    let padded = room(length).saturating_sub(PART_HEAD_BYTES);
    let (body, behind) = rest
        .split_at_checked(padded)
        .ok_or(bad_field(LENGTH, head))?;
    let (bytes, padding) = body
        .split_at_checked(length)
        .ok_or(bad_field(LENGTH, head))?;
    if PART.number(head) >= OF.number(head) {
        return Err(bad_field(PART, head));
    }
    if !REST.is_zero(head) || padding.iter().any(|byte| *byte != 0) {
        return Err(bad_field(REST, head));
    }
    let part = Part {
        record: RECORD.number32(head),
        kind: KIND.number(head) as u16,
        version: VERSION.number(head) as u16,
        part: PART.number(head) as u16,
        of: OF.number(head) as u16,
        bytes,
    };
    Ok((part, behind))
}

fn room(length: usize) -> usize {
    let padded = length.checked_next_multiple_of(8).unwrap_or(usize::MAX);
    padded.saturating_add(PART_HEAD_BYTES)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;
    use crate::database::{
        identity::{
            Generation,
            Uuid, //
        },
        page::{
            open,
            payload_mut,
            seal,
            Kind,
            Stamp,
            PAGE_BYTES, //
        },
    };

    fn part(record: u32, bytes: &[u8]) -> Part<'_> {
        Part {
            record,
            kind: 1,
            version: 1,
            part: 0,
            of: 1,
            bytes,
        }
    }

    /// What is read of a page with this payload.
    fn read(bytes: &mut [u8], used: usize) -> Result<Vec<(u32, Vec<u8>)>, Damage> {
        let stamp = Stamp {
            kind: Kind::Records,
            set: Uuid::NIL,
            generation: Generation::default(),
            place: 3,
        };
        seal(bytes, stamp, used).expect("a page");
        let records = Records::decode(&open(bytes)?, 5)?;
        Ok(records
            .parts()
            .map(|part| (part.record, part.bytes.to_vec()))
            .collect())
    }

    #[test]
    fn parts_come_and_go() {
        let mut bytes = [0; PAGE_BYTES];
        let payload = payload_mut(&mut bytes);
        let mut used = clear(payload, 5);
        for (record, text) in [(1, "one"), (2, "twotwotwo"), (1, "again"), (3, "")] {
            used = append(payload, used, &part(record, text.as_bytes())).expect("room");
        }
        used = remove(payload, used, 1);
        let expected = [(2, b"twotwotwo".to_vec()), (3, Vec::new())];
        assert_eq!(read(&mut bytes, used).expect("whole"), expected);
        let used = remove(payload_mut(&mut bytes), used, 9);
        assert_eq!(read(&mut bytes, used).expect("whole"), expected);
    }

    #[test]
    fn a_part_is_written_over_in_its_place() {
        let mut bytes = [0; PAGE_BYTES];
        let payload = payload_mut(&mut bytes);
        let mut used = clear(payload, 5);
        for (record, text) in [(1, "one"), (2, "two")] {
            used = append(payload, used, &part(record, text.as_bytes())).expect("room");
        }
        assert!(replace(payload, used, &part(2, b"new")));
        assert!(!replace(payload, used, &part(2, b"longer")));
        assert!(!replace(payload, used, &part(3, b"two")));
        let expected = [(1, b"one".to_vec()), (2, b"new".to_vec())];
        assert_eq!(read(&mut bytes, used).expect("whole"), expected);
    }

    #[test]
    fn nothing_is_added_to_a_page_that_was_not_made() {
        let mut payload = [0; PAYLOAD_BYTES];
        assert_eq!(
            append(&mut payload, FIXED_BYTES - 1, &part(1, b"one")),
            None
        );
        assert_eq!(payload, [0; PAYLOAD_BYTES]);
    }

    #[test]
    fn a_full_page_takes_no_more_and_stays_as_it_is() {
        let mut bytes = [0; PAGE_BYTES];
        let longest = [7; PART_BYTES_MAX];
        let payload = payload_mut(&mut bytes);
        let empty = clear(payload, 5);
        assert_eq!(
            append(payload, empty, &part(1, &[0; PART_BYTES_MAX + 1])),
            None
        );
        let used = append(payload, empty, &part(1, &longest)).expect("a page of its own");
        assert_eq!(used, PAYLOAD_BYTES);
        assert_eq!(append(payload, used, &part(2, b"")), None);
        let expected = [(1, longest.to_vec())];
        assert_eq!(read(&mut bytes, used).expect("whole"), expected);
    }

    #[test]
    fn records_of_a_newer_release_are_refused() {
        assert_eq!(part(1, b"").expect(1, 1), Ok(()));
        let bad = |name, found| Err(Damage::Value { name, found });
        assert_eq!(part(1, b"").expect(2, 1), bad("kind", 1));
        assert_eq!(part(1, b"").expect(1, 2), bad("version", 1));
    }

    /// A record of 10,000 extents is longer than a page.
    #[test]
    fn long_records_are_cut_and_put_together() {
        for length in [0, 1, PART_BYTES_MAX, PART_BYTES_MAX + 1, 240_000] {
            let bytes: Vec<u8> = (0..length).map(|byte| byte as u8).collect();
            let mut parts: Vec<_> = cut(7, (1, 1), &bytes).expect("not too long").collect();
            assert_eq!(parts.len(), length.div_ceil(PART_BYTES_MAX).max(1));
            parts.reverse();
            let mut whole = std::vec![0xff; 250_000];
            let ends: Vec<_> = parts.iter().map(|part| place(part, &mut whole)).collect();
            assert_eq!(ends[0], Some(Some(length)));
            assert!(ends[1..].iter().all(|end| *end == Some(None)));
            assert_eq!(whole[..length], bytes);
            assert!(parts
                .iter()
                .all(|part| FIXED_BYTES + part.room() <= PAYLOAD_BYTES));
        }
        let short = Part {
            of: 2,
            ..part(1, b"short")
        };
        assert_eq!(place(&short, &mut [0; 10]), None);
        assert_eq!(place(&part(1, b"no room"), &mut [0; 3]), None);
    }

    #[test]
    fn a_part_goes_to_the_first_page_with_room() {
        let used = [PAYLOAD_BYTES, PAYLOAD_BYTES - 30, 0];
        assert_eq!(first_fit(used, 30), Some(1));
        assert_eq!(first_fit(used, 31), Some(2));
        assert_eq!(first_fit(used, PAYLOAD_BYTES - FIXED_BYTES), Some(2));
        assert_eq!(first_fit(used, PAYLOAD_BYTES), None);
    }

    #[test]
    fn what_does_not_add_up_is_damage() {
        let mut bytes = [0; PAGE_BYTES];
        let used = clear(payload_mut(&mut bytes), 5);
        let used = append(payload_mut(&mut bytes), used, &part(1, b"one")).expect("room");
        assert!(read(&mut bytes, used - 1).is_err(), "cut off");
        PARTS.put(payload_mut(&mut bytes), 2);
        assert!(read(&mut bytes, used).is_err(), "one too few");
        PARTS.put(payload_mut(&mut bytes), 1);
        NUMBER.put(payload_mut(&mut bytes), 6);
        assert!(read(&mut bytes, used).is_err(), "another page");
    }
}
