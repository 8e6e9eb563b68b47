// SPDX-License-Identifier: GPL-2.0
//! The format of a watermark (`svm.md` section 6.2, with our own bytes).
//!
//! A watermark has a place of 8 KiB: two pages, each of which begins with the same 512 bytes. The
//! first copy is written and flushed before the second one, so that one of them is whole at all
//! times, even where a disk tears a sector; where both are whole, the first one is right. A sector
//! that says that it stands elsewhere, or on another base, is none of a chain, however it came
//! there.

use super::Extent;
use crate::{
    database::{
        crc32c::Crc32c,
        field::{
            is_gapless,
            Field, //
        },
        identity::Uuid,
        page::{
            bad,
            bad_field,
            zero,
            Damage, //
        },
    },
    limits::{
        EXTENTS_MAX,
        GRAIN_SECTORS, //
    },
    name::UnitName,
    units::SECTOR_BYTES,
};

/// Kind of the structure.
pub const MAGIC: Field = Field::first("magic", 16, "`md_rs:watermark` and a zero byte");
/// Version of the format.
pub const FORMAT: Field = MAGIC.then("version", 4, "version of the format; others are refused");
/// Checksum.
pub const CHECKSUM: Field = FORMAT.then(
    "checksum",
    4,
    "crc32c of the 512 bytes, with these four bytes as zero",
);
/// The base.
pub const BASE: Field = CHECKSUM.then("base", 16, "uuid of the watermarks of this base");
/// Its own place.
pub const SECTOR: Field = BASE.then("sector", 8, "the first sector of its own place on the base");
/// How far the next one is.
pub const LENGTH: Field = SECTOR.then(
    "length",
    8,
    "sectors behind its place up to that of the next watermark; 0 for the last",
);
/// What is behind it.
pub const KIND: Field = LENGTH.then(
    "kind",
    2,
    "1 an extent, 2 free space, 3 the end of the base",
);
/// Nothing.
pub const REST: Field = KIND.then("rest", 6, "zero");
/// Whose extent.
pub const SOFT: Field = REST.then("soft", 16, "uuid of the soft partition, or zero");
/// What people call it.
pub const NAME: Field = SOFT.then("name", 32, "its name, padded with zeros");
/// Which layout of it.
pub const GENERATION: Field = NAME.then(
    "generation",
    8,
    "number of the layout in which the extent was written, counted over the base",
);
/// Which extent.
pub const SEQUENCE: Field = GENERATION.then("sequence", 4, "number of the extent, from 0");
/// Of how many.
pub const EXTENTS: Field = SEQUENCE.then("extents", 4, "number of extents in that layout");
/// How large it is.
pub const TOTAL: Field = EXTENTS.then("total", 8, "sectors of data of all of them");

/// A watermark, field by field.
pub const FIELDS: &[Field] = &[
    MAGIC, FORMAT, CHECKSUM, BASE, SECTOR, LENGTH, KIND, REST, SOFT, NAME, GENERATION, SEQUENCE,
    EXTENTS, TOTAL,
];

/// Bytes of the fields; zeros follow.
pub const FIXED_BYTES: usize = 136;

/// Bytes of a copy that count: one sector.
pub const BYTES: usize = 512;

/// The version of the format that this code reads and writes. Others are refused.
pub const VERSION: u32 = 1;

/// Sectors from the beginning of the first copy to that of the second one.
pub const COPY_SECTORS: u64 = GRAIN_SECTORS / 2;

const MAGIC_BYTES: &[u8; 16] = b"md_rs:watermark\0";

const _: () = assert!(is_gapless(FIELDS, FIXED_BYTES));
const _: () = assert!(BYTES as u64 == SECTOR_BYTES);
const _: () = assert!(COPY_SECTORS * 2 == GRAIN_SECTORS);

/// A layout of a soft partition, as the watermarks of its extents name it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Version {
    /// Its number, from 1 on. Counted over all soft partitions of a base.
    pub generation: u64,
    /// How many extents it has.
    pub extents: u32,
    /// Sectors of data of all of them.
    pub total_sectors: u64,
}

/// Whose extent is behind a watermark.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stamp {
    /// Identity of the soft partition.
    pub soft: Uuid,
    /// Its name.
    pub name: UnitName,
    /// Which of its extents.
    pub sequence: u32,
    /// The layout that it is of.
    pub version: Version,
}

/// What is behind a watermark.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Behind {
    /// An extent.
    Extent(Stamp),
    /// Nothing.
    Free,
    /// The base ends.
    End,
}

/// A watermark.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Watermark {
    /// Identity of the watermarks of the base.
    pub base: Uuid,
    /// Its place.
    pub sector: u64,
    /// Sectors between its place and the next one's.
    pub length: u64,
    /// What they are.
    pub behind: Behind,
}

impl Watermark {
    /// The extent behind it, if there is one.
    pub fn extent(&self) -> Option<(Extent, Stamp)> {
        match self.behind {
            Behind::Extent(stamp) => {
                let sector = self.sector.checked_add(GRAIN_SECTORS)?;
                let count = self.length;
                Some((Extent { sector, count }, stamp))
            }
            Behind::Free | Behind::End => None,
        }
    }

    /// The place of the next one; `None` behind the last.
    pub fn next(&self) -> Option<u64> {
        let behind = self.sector.checked_add(GRAIN_SECTORS)?;
        match self.behind {
            Behind::End => None,
            _ => behind.checked_add(self.length),
        }
    }

    /// Writes it to the beginning of a page, and zeros behind. `false` if there is no room.
    pub fn encode(&self, page: &mut [u8]) -> bool {
        if page.len() < BYTES {
            return false;
        }
        page.fill(0);
        MAGIC.put_bytes(page, MAGIC_BYTES);
        FORMAT.put(page, VERSION.into());
        BASE.put_uuid(page, self.base);
        SECTOR.put(page, self.sector);
        LENGTH.put(page, self.length);
        let kind = match self.behind {
            Behind::Extent(_) => 1,
            Behind::Free => 2,
            Behind::End => 3,
        };
        KIND.put(page, kind);
        if let Behind::Extent(stamp) = self.behind {
            SOFT.put_uuid(page, stamp.soft);
            NAME.put_bytes(page, &stamp.name.to_padded());
            GENERATION.put(page, stamp.version.generation);
            SEQUENCE.put(page, stamp.sequence.into());
            EXTENTS.put(page, stamp.version.extents.into());
            TOTAL.put(page, stamp.version.total_sectors);
        }
        let checksum = checksum(page);
        CHECKSUM.put(page, checksum.into());
        true
    }

    /// Reads one from the first bytes of a page, wherever it may stand.
    pub fn decode(page: &[u8]) -> Result<Self, Damage> {
        let found = page.len();
        let bytes = page.get(..BYTES).ok_or(Damage::Length { found })?;
        if MAGIC.of(bytes) != MAGIC_BYTES {
            return Err(Damage::Magic);
        }
        let (stored, computed) = (CHECKSUM.number32(bytes), checksum(bytes));
        if stored != computed {
            return Err(Damage::Checksum { stored, computed });
        }
        let found = FORMAT.number32(bytes);
        if found != VERSION {
            return Err(Damage::Version { found });
        }
        zero(REST, bytes)?;
        let rest = bytes.get(FIXED_BYTES..).unwrap_or(&[]);
        if rest.iter().any(|byte| *byte != 0) {
            return Err(bad("rest", 1));
        }
        let mark = Self {
            base: BASE.uuid(bytes),
            sector: SECTOR.number(bytes),
            length: LENGTH.number(bytes),
            behind: decode_behind(bytes)?,
        };
        let is_end = mark.behind == Behind::End;
        let is_on_grain = mark.sector % super::GRAIN == 0 && mark.length % super::GRAIN == 0;
        if !is_on_grain || is_end && mark.length != 0 || !is_end && mark.next().is_none() {
            return Err(bad_field(LENGTH, bytes));
        }
        Ok(mark)
    }
}

fn decode_behind(bytes: &[u8]) -> Result<Behind, Damage> {
    const STAMP: [Field; 6] = [SOFT, NAME, GENERATION, SEQUENCE, EXTENTS, TOTAL];
    match KIND.number(bytes) {
        1 => decode_stamp(bytes).map(Behind::Extent),
        found @ (2 | 3) => {
            for field in STAMP {
                zero(field, bytes)?;
            }
            Ok(if found == 2 {
                Behind::Free
            } else {
                Behind::End
            })
        }
        found => Err(bad(KIND.name, found)),
    }
}

fn decode_stamp(bytes: &[u8]) -> Result<Stamp, Damage> {
    let stamp = Stamp {
        soft: SOFT.uuid(bytes),
        name: UnitName::from_padded(NAME.of(bytes)).map_err(|_| bad_field(NAME, &[]))?,
        sequence: SEQUENCE.number32(bytes),
        version: Version {
            generation: GENERATION.number(bytes),
            extents: EXTENTS.number32(bytes),
            total_sectors: TOTAL.number(bytes),
        },
    };
    let Version {
        generation,
        extents,
        total_sectors,
    } = stamp.version;
    if stamp.soft.is_nil() {
        return Err(bad(SOFT.name, 0));
    }
    if generation == 0 {
        return Err(bad(GENERATION.name, 0));
    }
    if extents > EXTENTS_MAX || stamp.sequence >= extents {
        return Err(bad_field(EXTENTS, bytes));
    }
    if total_sectors == 0 || total_sectors % super::GRAIN != 0 {
        return Err(bad(TOTAL.name, total_sectors));
    }
    if LENGTH.is_zero(bytes) {
        return Err(bad(LENGTH.name, 0));
    }
    Ok(stamp)
}

fn checksum(bytes: &[u8]) -> u32 {
    let before = bytes.get(..CHECKSUM.offset).unwrap_or(&[]);
    let behind = bytes.get(CHECKSUM.end()..BYTES).unwrap_or(&[]);
    let zero = [0; CHECKSUM.bytes];
    Crc32c::START.with(before).with(&zero).with(behind).value()
}

/// What stands at a place: the watermark of the first copy that is whole and belongs there. `base`:
/// the identity that it must have, if that is known.
pub fn judge(
    (first, second): (&[u8], &[u8]),
    sector: u64,
    base: Option<Uuid>,
) -> Result<Watermark, Damage> {
    let own = |bytes: &[u8]| {
        let mark = Watermark::decode(bytes)?;
        if mark.sector != sector {
            return Err(bad(SECTOR.name, mark.sector));
        }
        if base.is_some_and(|base| base != mark.base) {
            return Err(bad_field(BASE, &[]));
        }
        Ok(mark)
    };
    own(first).or_else(|damage| own(second).map_err(|_| damage))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp() -> Stamp {
        Stamp {
            soft: Uuid::from_bytes([5; 16]),
            name: UnitName::from_number(20).expect("a name"),
            sequence: 1,
            version: Version {
                generation: 7,
                extents: 3,
                total_sectors: 4096,
            },
        }
    }

    fn mark(behind: Behind) -> Watermark {
        Watermark {
            base: Uuid::from_bytes([9; 16]),
            sector: 2048,
            length: if behind == Behind::End { 0 } else { 320 },
            behind,
        }
    }

    fn encoded(mark: &Watermark) -> [u8; 4096] {
        let mut page = [0xee; 4096];
        assert!(mark.encode(&mut page));
        page
    }

    #[test]
    fn what_is_written_is_read() {
        for behind in [Behind::Extent(stamp()), Behind::Free, Behind::End] {
            let page = encoded(&mark(behind));
            assert_eq!(Watermark::decode(&page), Ok(mark(behind)));
            assert_eq!(Watermark::decode(&page[..BYTES]), Ok(mark(behind)));
            assert!(page[FIXED_BYTES..].iter().all(|byte| *byte == 0));
        }
        assert!(!mark(Behind::Free).encode(&mut [0; BYTES - 1]));
        let short = Err(Damage::Length { found: 3 });
        assert_eq!(Watermark::decode(&[0; 3]), short);
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let mut page = encoded(&mark(Behind::Extent(stamp())));
        for bit in 0..BYTES * 8 {
            page[bit / 8] ^= 1 << (bit % 8);
            assert!(Watermark::decode(&page).is_err(), "bit {bit}");
            page[bit / 8] ^= 1 << (bit % 8);
        }
    }

    /// A value that is none, in a watermark that is whole (`DURABILITY.md` clause 20).
    #[test]
    fn what_is_not_legal_is_damage() {
        let good = encoded(&mark(Behind::Extent(stamp())));
        let refused = |field: Field, number: u64| {
            let mut page = good;
            field.put(&mut page, number);
            let checksum = checksum(&page);
            CHECKSUM.put(&mut page, checksum.into());
            Watermark::decode(&page).is_err()
        };
        assert!(!refused(SEQUENCE, 2));
        assert!(refused(SEQUENCE, 3) && refused(EXTENTS, EXTENTS_MAX as u64 + 1));
        assert!(refused(GENERATION, 0) && refused(TOTAL, 0) && refused(TOTAL, 17));
        assert!(refused(KIND, 0) && refused(KIND, 2) && refused(KIND, 4));
        assert!(refused(LENGTH, 0) && refused(LENGTH, 8) && refused(LENGTH, u64::MAX - 15));
        assert!(refused(SECTOR, 7) && refused(REST, 1) && refused(FORMAT, 2));
        assert!(refused(NAME, 0));
    }

    #[test]
    fn the_first_copy_that_belongs_there_counts() {
        let (free, extent) = (mark(Behind::Free), mark(Behind::Extent(stamp())));
        let (one, other) = (encoded(&free), encoded(&extent));
        let found = |first: &[u8], second: &[u8]| judge((first, second), 2048, Some(free.base));
        assert_eq!(found(&one, &other), Ok(free));
        assert_eq!(found(&[0; BYTES], &other), Ok(extent));
        assert_eq!(found(&[0; BYTES], &[1; BYTES]), Err(Damage::Magic));
        let elsewhere = encoded(&Watermark {
            sector: 4096,
            ..free
        });
        let foreign = encoded(&Watermark {
            base: Uuid::NIL,
            ..free
        });
        assert_eq!(found(&elsewhere, &other), Ok(extent));
        assert_eq!(found(&foreign, &other), Ok(extent));
        assert!(found(&elsewhere, &foreign).is_err());
        assert_eq!(
            judge((&foreign, &one), 2048, None).map(|m| m.base),
            Ok(Uuid::NIL)
        );
    }
}
