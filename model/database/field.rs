// SPDX-License-Identifier: GPL-2.0
//! Fields at fixed places of fixed-size structures: little-endian, each with the place and the
//! meaning that `docs/format.md` prints, which is made from these very constants.
//!
//! A field that does not lie within the bytes at hand reads as zero and is not written; every
//! structure is asserted to be as long as its fields, so that this does not happen.

use super::identity::{
    Uuid,
    UUID_BYTES, //
};

/// A field of a structure.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Its first byte within the structure.
    pub offset: usize,
    /// How many bytes it has.
    pub bytes: usize,
    /// What it means, and in which unit.
    pub meaning: &'static str,
}

impl Field {
    /// The first field of a structure.
    pub const fn first(name: &'static str, bytes: usize, meaning: &'static str) -> Self {
        Self {
            name,
            offset: 0,
            bytes,
            meaning,
        }
    }

    /// The field that follows this one.
    pub const fn then(self, name: &'static str, bytes: usize, meaning: &'static str) -> Self {
        Self {
            name,
            offset: self.end(),
            bytes,
            meaning,
        }
    }

    /// The first byte behind it.
    pub const fn end(self) -> usize {
        self.offset.saturating_add(self.bytes)
    }

    /// Its bytes within a structure; empty where the structure is too short.
    pub fn of(self, structure: &[u8]) -> &[u8] {
        structure.get(self.offset..self.end()).unwrap_or(&[])
    }

    /// Reads it as a number. It has at most eight bytes.
    pub fn number(self, structure: &[u8]) -> u64 {
        let bytes = self.of(structure).iter().rev();
        bytes.fold(0, |number, byte| (number << 8) | u64::from(*byte))
    }

    /// Reads it as a number of 32 bits. It has at most four bytes.
    pub fn number32(self, structure: &[u8]) -> u32 {
        self.number(structure) as u32
    }

    /// Reads it as a uuid.
    pub fn uuid(self, structure: &[u8]) -> Uuid {
        let bytes: Result<[u8; UUID_BYTES], _> = self.of(structure).try_into();
        Uuid::from_bytes(bytes.unwrap_or_default())
    }

    /// Whether all its bytes are zero.
    pub fn is_zero(self, structure: &[u8]) -> bool {
        self.of(structure).iter().all(|byte| *byte == 0)
    }

    /// Writes a number, which the field is wide enough for.
    pub fn put(self, structure: &mut [u8], number: u64) {
        self.put_bytes(structure, &number.to_le_bytes());
    }

    /// Writes a uuid.
    pub fn put_uuid(self, structure: &mut [u8], uuid: Uuid) {
        self.put_bytes(structure, &uuid.to_bytes());
    }

    /// Writes the first bytes of the field, or as many as it has.
    pub fn put_bytes(self, structure: &mut [u8], bytes: &[u8]) {
        let target = structure.get_mut(self.offset..self.end());
        copy_bytes(target.unwrap_or(&mut []), bytes);
    }
}

/// Copies as many bytes as both have.
pub(super) fn copy_bytes(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// Whether the fields follow each other without a gap, from 0 to `end`. For assertions.
pub const fn is_gapless(mut fields: &[Field], end: usize) -> bool {
    let mut expected = 0;
    while let Some((field, rest)) = fields.split_first() {
        if field.offset != expected {
            return false;
        }
        expected = field.end();
        fields = rest;
    }
    expected == end
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Field = Field::first("first", 2, "");
    const SECOND: Field = FIRST.then("second", 8, "");

    #[test]
    fn fields_are_little_endian_and_stay_within_their_bytes() {
        let mut structure = [0xee; 12];
        FIRST.put(&mut structure, 0x1234);
        SECOND.put(&mut structure, u64::MAX - 1);
        assert_eq!(structure[..3], [0x34, 0x12, 0xfe]);
        assert_eq!(structure[10..], [0xee; 2]);
        assert_eq!(FIRST.number32(&structure), 0x1234);
        assert_eq!(SECOND.number(&structure), u64::MAX - 1);
        assert!(!SECOND.is_zero(&structure));
    }

    #[test]
    fn what_is_not_there_reads_as_zero_and_is_not_written() {
        let mut short = [7; 5];
        SECOND.put(&mut short, u64::MAX);
        assert_eq!(short, [7; 5]);
        assert_eq!(SECOND.number(&short), 0);
        assert!(SECOND.uuid(&short).is_nil());
    }

    #[test]
    fn a_gap_is_noticed() {
        assert!(is_gapless(&[FIRST, SECOND], 10));
        assert!(!is_gapless(&[FIRST, SECOND], 11));
        assert!(!is_gapless(&[SECOND], 10));
    }
}
