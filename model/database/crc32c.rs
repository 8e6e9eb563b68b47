// SPDX-License-Identifier: GPL-2.0
//! The checksum of everything on disk: CRC-32C (Castagnoli), reflected, as iSCSI and ext4 have it.

/// The polynomial, bits reversed.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// The register after each byte, from a register of that byte.
static TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let (mut rest, mut byte): (&mut [u32], u32) = (&mut table, 0);
    while let Some((entry, tail)) = rest.split_first_mut() {
        *entry = after_byte(byte);
        byte = byte.wrapping_add(1);
        rest = tail;
    }
    table
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

/// A checksum in the making: the pieces may come one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Crc32c(u32);

impl Crc32c {
    /// Of nothing yet.
    pub const START: Self = Self(u32::MAX);

    /// With these bytes behind those that it has.
    pub fn with(self, bytes: &[u8]) -> Self {
        let step = |register: u32, byte: &u8| {
            let index = (register ^ u32::from(*byte)) & 0xff;
            let entry = TABLE.get(index as usize).copied().unwrap_or(0);
            (register >> 8) ^ entry
        };
        Self(bytes.iter().fold(self.0, step))
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
