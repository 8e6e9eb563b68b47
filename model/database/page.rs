// SPDX-License-Identifier: GPL-2.0
//! Pages: the unit in which replicas and labels are written, each of which proves on its own what
//! it is, whose, where it belongs, which commit wrote it, and that it is whole.
//!
//! Bytes from a disk become a [`Page`] only by [`open`], which checks everything that can be
//! checked without knowing what kind of page it is. [`seal`] makes new pages from values, never
//! from bytes that were read: what failed its checksum is never signed again (`DURABILITY.md`
//! clause 20).

use super::{
    crc32c::Crc32c,
    field::{
        is_gapless,
        Field, //
    },
    identity::{
        Generation,
        Uuid, //
    },
};

/// Bytes of a page.
pub const PAGE_BYTES: usize = 4096;

/// The version of the format that this code reads and writes. Others are refused.
pub const VERSION: u32 = 1;

/// Bytes of a page's head; the payload fills the rest.
pub const HEAD_BYTES: usize = 64;

/// Bytes of a page's payload.
pub const PAYLOAD_BYTES: usize = PAGE_BYTES - HEAD_BYTES;

/// Kind of the page.
pub const MAGIC: Field = Field::first("magic", 16, "kind of the page, see below");
/// Version of the format.
pub const FORMAT: Field = MAGIC.then("version", 4, "version of the format; others are refused");
/// Checksum.
pub const CHECKSUM: Field = FORMAT.then(
    "checksum",
    4,
    "crc32c of the whole page, with these four bytes as zero",
);
/// The set.
pub const SET: Field = CHECKSUM.then("set", 16, "uuid of the set");
/// Epoch of the commit that wrote it.
pub const EPOCH: Field = SET.then("epoch", 8, "epoch of the commit that wrote the page");
/// Sequence of that commit.
pub const SEQUENCE: Field = EPOCH.then("sequence", 8, "sequence of that commit");
/// Its own place.
pub const PLACE: Field = SEQUENCE.then(
    "place",
    4,
    "number of the page within the replica, or of the label's page within the head",
);
/// Bytes of payload.
pub const USED: Field = PLACE.then("used", 4, "bytes of payload in use; the rest is zero");

/// The head, field by field.
pub const HEAD: &[Field] = &[MAGIC, FORMAT, CHECKSUM, SET, EPOCH, SEQUENCE, PLACE, USED];

const _: () = assert!(is_gapless(HEAD, HEAD_BYTES));

/// What a page is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// First page of a replica.
    Head,
    /// Last page of a replica.
    Tail,
    /// Root of a commit.
    Root,
    /// Where the pages of records are.
    Table,
    /// Records.
    Records,
    /// Label of a component.
    Label,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Head,
        Self::Tail,
        Self::Root,
        Self::Table,
        Self::Records,
        Self::Label,
    ];

    /// The kind's magic.
    pub const fn magic(self) -> &'static [u8; 16] {
        match self {
            Self::Head => b"md_rs:replica:<\0",
            Self::Tail => b"md_rs:replica:>\0",
            Self::Root => b"md_rs:root\0\0\0\0\0\0",
            Self::Table => b"md_rs:table\0\0\0\0\0",
            Self::Records => b"md_rs:records\0\0\0",
            Self::Label => b"md_rs:component\0",
        }
    }

    /// What it is, in a word or two.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Head => "head of a replica",
            Self::Tail => "tail of a replica",
            Self::Root => "root of a commit",
            Self::Table => "table page",
            Self::Records => "page of records",
            Self::Label => "component label",
        }
    }
}

/// What a page says about itself, apart from its payload.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stamp {
    /// What it is.
    pub kind: Kind,
    /// The set that it belongs to.
    pub set: Uuid,
    /// The commit that wrote it.
    pub generation: Generation,
    /// Its place.
    pub place: u32,
}

/// A page that was verified.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// What it says about itself.
    pub stamp: Stamp,
    /// Its checksum, which tables refer to.
    pub checksum: u32,
    /// The bytes in use of its payload.
    pub payload: &'a [u8],
}

/// What is wrong with bytes from a disk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Damage {
    /// There are not as many bytes as a page has.
    Length {
        /// How many there are.
        found: usize,
    },
    /// It does not begin with a magic of ours.
    Magic,
    /// It is ours, in a version of the format that is unknown: use a newer release.
    Version {
        /// The version.
        found: u32,
    },
    /// The checksum does not fit the bytes.
    Checksum {
        /// What is stored.
        stored: u32,
        /// What the bytes have.
        computed: u32,
    },
    /// It is whole, but not the page that belongs here: another kind, set or place.
    Misplaced {
        /// What it is.
        found: Stamp,
    },
    /// A table or root refers to another state of this page: a write was lost.
    Stale {
        /// What it is.
        found: Stamp,
    },
    /// It is whole, but a value in it is none that it may have.
    Value {
        /// The value's name.
        name: &'static str,
        /// The value.
        found: u64,
    },
}

/// The damage of a value that is none that it may have.
pub(crate) const fn bad(name: &'static str, found: u64) -> Damage {
    Damage::Value { name, found }
}

/// The same, of a field of a structure.
pub(crate) fn bad_field(field: Field, structure: &[u8]) -> Damage {
    bad(field.name, field.number(structure))
}

/// Refuses a field that is not zero.
pub(crate) fn zero(field: Field, structure: &[u8]) -> Result<(), Damage> {
    if field.is_zero(structure) {
        Ok(())
    } else {
        Err(bad_field(field, structure))
    }
}

/// Verifies a page of any kind. A version is looked at only where the checksum fits, so that a
/// damaged byte is not taken for a newer release.
pub fn open(bytes: &[u8]) -> Result<Page<'_>, Damage> {
    if bytes.len() != PAGE_BYTES {
        let found = bytes.len();
        return Err(Damage::Length { found });
    }
    let magic = MAGIC.of(bytes);
    let mut kinds = Kind::ALL.into_iter();
    let kind = kinds.find(|kind| kind.magic() == magic);
    let kind = kind.ok_or(Damage::Magic)?;
    let (stored, computed) = (CHECKSUM.number32(bytes), checksum(bytes));
    if stored != computed {
        return Err(Damage::Checksum { stored, computed });
    }
    let found = FORMAT.number32(bytes);
    if found != VERSION {
        return Err(Damage::Version { found });
    }
    Ok(Page {
        stamp: stamp(bytes, kind),
        checksum: stored,
        payload: payload(bytes)?,
    })
}

/// Verifies a page and that it is the one that belongs in its place.
pub fn open_as(bytes: &[u8], kind: Kind, set: Uuid, place: u32) -> Result<Page<'_>, Damage> {
    let page = open(bytes)?;
    let found = page.stamp;
    if found.kind == kind && found.set == set && found.place == place {
        Ok(page)
    } else {
        Err(Damage::Misplaced { found })
    }
}

/// Makes the payload that stands in `bytes` a page; returns its checksum. `None` if `bytes` is no
/// page, or `used` more than a payload.
pub fn seal(bytes: &mut [u8], stamp: Stamp, used: usize) -> Option<u32> {
    let end = HEAD_BYTES.checked_add(used)?;
    if bytes.len() != PAGE_BYTES {
        return None;
    }
    bytes.get_mut(end..)?.fill(0);
    MAGIC.put_bytes(bytes, stamp.kind.magic());
    FORMAT.put(bytes, VERSION.into());
    SET.put_uuid(bytes, stamp.set);
    EPOCH.put(bytes, stamp.generation.epoch);
    SEQUENCE.put(bytes, stamp.generation.sequence);
    PLACE.put(bytes, stamp.place.into());
    USED.put(bytes, used as u64);
    let checksum = checksum(bytes);
    CHECKSUM.put(bytes, checksum.into());
    Some(checksum)
}

/// The payload of bytes that are to become a page.
pub fn payload_mut(bytes: &mut [u8]) -> &mut [u8] {
    bytes.get_mut(HEAD_BYTES..PAGE_BYTES).unwrap_or(&mut [])
}

fn stamp(bytes: &[u8], kind: Kind) -> Stamp {
    Stamp {
        kind,
        set: SET.uuid(bytes),
        generation: Generation {
            epoch: EPOCH.number(bytes),
            sequence: SEQUENCE.number(bytes),
        },
        place: PLACE.number32(bytes),
    }
}

fn payload(bytes: &[u8]) -> Result<&[u8], Damage> {
    let used = USED.number(bytes) as usize;
    let wrong = bad_field(USED, bytes);
    let all = bytes.get(HEAD_BYTES..).unwrap_or(&[]);
    let (payload, rest) = all.split_at_checked(used).ok_or(wrong)?;
    // Not the first one that differs: nearly always there is none, and this is faster.
    if rest.iter().fold(0, |all, byte| all | byte) != 0 {
        return Err(wrong);
    }
    Ok(payload)
}

fn checksum(bytes: &[u8]) -> u32 {
    let before = bytes.get(..CHECKSUM.offset).unwrap_or(&[]);
    let behind = bytes.get(CHECKSUM.end()..).unwrap_or(&[]);
    let zero = [0; CHECKSUM.bytes];
    Crc32c::START.with(before).with(&zero).with(behind).value()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp() -> Stamp {
        Stamp {
            kind: Kind::Table,
            set: Uuid::from_bytes([7; 16]),
            generation: Generation::first_of(3),
            place: 9,
        }
    }

    fn sealed() -> [u8; PAGE_BYTES] {
        let mut bytes = [0xff; PAGE_BYTES];
        payload_mut(&mut bytes)[..5].copy_from_slice(b"hello");
        seal(&mut bytes, stamp(), 5).expect("it fits");
        bytes
    }

    #[test]
    fn what_is_sealed_opens() {
        let bytes = sealed();
        let page = open_as(&bytes, Kind::Table, stamp().set, 9).expect("whole");
        assert_eq!((page.stamp, page.payload), (stamp(), &b"hello"[..]));
        assert_eq!(
            open(&bytes[1..]).err(),
            Some(Damage::Length { found: 4095 })
        );
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let mut bytes = sealed();
        for bit in 0..PAGE_BYTES * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&bytes).is_err(), "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn a_page_elsewhere_is_not_taken_for_the_one_that_belongs_there() {
        let bytes = sealed();
        let misplaced = Some(Damage::Misplaced { found: stamp() });
        let set = stamp().set;
        assert_eq!(open_as(&bytes, Kind::Table, set, 8).err(), misplaced);
        assert_eq!(open_as(&bytes, Kind::Root, set, 9).err(), misplaced);
        assert_eq!(open_as(&bytes, Kind::Table, Uuid::NIL, 9).err(), misplaced);
    }

    /// `DURABILITY.md` clause 20: unknown versions are refused, not guessed.
    #[test]
    fn another_version_is_refused_if_the_page_is_whole() {
        let mut bytes = sealed();
        FORMAT.put(&mut bytes, 2);
        assert!(matches!(open(&bytes), Err(Damage::Checksum { .. })));
        let checksum = checksum(&bytes);
        CHECKSUM.put(&mut bytes, checksum.into());
        assert_eq!(open(&bytes).err(), Some(Damage::Version { found: 2 }));
    }

    #[test]
    fn behind_what_is_used_there_are_zeroes_only() {
        let mut bytes = sealed();
        // Two that are the same: one does not make up for the other.
        bytes[PAGE_BYTES - 2..].fill(1);
        let checksum = checksum(&bytes);
        CHECKSUM.put(&mut bytes, checksum.into());
        assert_eq!(open(&bytes).err(), Some(bad_field(USED, &bytes)));
    }

    #[test]
    fn what_does_not_fit_is_not_sealed() {
        let mut bytes = sealed();
        assert_eq!(seal(&mut bytes, stamp(), PAYLOAD_BYTES + 1), None);
        assert_eq!(seal(&mut bytes, stamp(), usize::MAX), None);
        assert_eq!(seal(&mut bytes[1..], stamp(), 0), None);
    }
}
