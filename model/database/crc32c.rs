// SPDX-License-Identifier: GPL-2.0
//! The checksum of everything on disk: CRC-32C (Castagnoli), reflected, as iSCSI and ext4 have it.

/// The polynomial, bits reversed.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// The register after a byte and so many zeros behind it, from a register of that byte: with eight
/// of these, eight bytes are taken in one step.
static TABLES: [[u32; 256]; 8] = [
    table(0),
    table(1),
    table(2),
    table(3),
    table(4),
    table(5),
    table(6),
    table(7),
];

const fn table(zeros: u32) -> [u32; 256] {
    let mut table = [0; 256];
    let (mut rest, mut byte): (&mut [u32], u32) = (&mut table, 0);
    while let Some((entry, tail)) = rest.split_first_mut() {
        *entry = after_zeros(after_byte(byte), zeros);
        byte = byte.wrapping_add(1);
        rest = tail;
    }
    table
}

const fn after_zeros(mut register: u32, mut zeros: u32) -> u32 {
    while zeros > 0 {
        register = (register >> 8) ^ after_byte(register & 0xff);
        zeros = zeros.wrapping_sub(1);
    }
    register
}

const fn after_byte(byte: u32) -> u32 {
    let (mut register, mut bit) = (byte, 0_u32);
    while bit < 8 {
        let carry = if register & 1 == 1 { POLYNOMIAL } else { 0 };
        register = (register >> 1) ^ carry;
        bit = bit.wrapping_add(1);
    }
    register
}

/// The register after eight bytes.
fn after_eight(register: u32, bytes: &[u8]) -> u32 {
    let word: Result<[u8; 8], _> = bytes.try_into();
    let word = u64::from_le_bytes(word.unwrap_or_default()) ^ u64::from(register);
    let [t0, t1, t2, t3, t4, t5, t6, t7] = &TABLES;
    let near = entry(t7, word) ^ entry(t6, word >> 8) ^ entry(t5, word >> 16);
    let middle = entry(t4, word >> 24) ^ entry(t3, word >> 32) ^ entry(t2, word >> 40);
    near ^ middle ^ entry(t1, word >> 48) ^ entry(t0, word >> 56)
}

/// What a table has for the lowest byte.
fn entry(table: &[u32; 256], word: u64) -> u32 {
    table.get((word & 0xff) as usize).copied().unwrap_or(0)
}

/// A checksum in the making: the pieces may come one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Crc32c(u32);

impl Crc32c {
    /// Of nothing yet.
    pub const START: Self = Self(u32::MAX);

    /// With these bytes behind those that it has.
    pub fn with(self, bytes: &[u8]) -> Self {
        let chunks = bytes.chunks_exact(8);
        let rest = chunks.remainder();
        let register = chunks.fold(self.0, after_eight);
        let step = |register: u32, byte: &u8| {
            let [table, ..] = &TABLES;
            (register >> 8) ^ entry(table, u64::from(register) ^ u64::from(*byte))
        };
        Self(rest.iter().fold(register, step))
    }

    /// The checksum.
    pub const fn value(self) -> u32 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value of the catalogue, and the vectors of RFC 3720, section B.4.
    #[test]
    fn known_vectors() {
        let of = |bytes: &[u8]| Crc32c::START.with(bytes).value();
        assert_eq!(of(b"123456789"), 0xe306_9283);
        assert_eq!(of(&[0; 32]), 0x8a91_36aa);
        assert_eq!(of(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(of(b""), 0);
        let ascending: [u8; 32] = core::array::from_fn(|index| index as u8);
        assert_eq!(of(&ascending), 0x46dd_794e);
    }

    #[test]
    fn pieces_are_as_good_as_the_whole() {
        let whole = Crc32c::START.with(b"123456789").value();
        let pieces = Crc32c::START.with(b"1234").with(b"").with(b"56789");
        assert_eq!(pieces.value(), whole);
    }
}
