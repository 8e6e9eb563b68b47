// SPDX-License-Identifier: GPL-2.0
//! Numbers in bytes. What lies behind the end reads as zero: who cares for the difference looks at
//! the length.

/// Some bytes of a structure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl<'a> Bytes<'a> {
    fn array<const N: usize>(self, at: usize) -> [u8; N] {
        let found = at.checked_add(N).and_then(|end| self.0.get(at..end));
        found
            .and_then(|bytes| bytes.try_into().ok())
            .unwrap_or([0; N])
    }

    pub(crate) fn u8(self, at: usize) -> u8 {
        self.array::<1>(at)[0]
    }

    pub(crate) fn u16(self, at: usize) -> u16 {
        u16::from_le_bytes(self.array(at))
    }

    pub(crate) fn u32(self, at: usize) -> u32 {
        u32::from_le_bytes(self.array(at))
    }

    /// Two halves of a number that are apart.
    pub(crate) fn split(self, low: usize, high: usize) -> u64 {
        (u64::from(self.u32(high)) << 32) | u64::from(self.u32(low))
    }

    pub(crate) fn be_u16(self, at: usize) -> u16 {
        u16::from_be_bytes(self.array(at))
    }

    pub(crate) fn be_u32(self, at: usize) -> u32 {
        u32::from_be_bytes(self.array(at))
    }

    /// Some of them; fewer, or none, where they end.
    pub(crate) fn part(self, at: usize, len: usize) -> &'a [u8] {
        let rest = self.0.get(at..).unwrap_or_default();
        rest.get(..len).unwrap_or(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_zero() {
        let bytes = Bytes(&[1, 2, 3, 4, 5]);
        assert_eq!(bytes.u32(0), 0x0403_0201);
        assert_eq!(bytes.be_u32(1), 0x0203_0405);
        assert_eq!(bytes.u32(2), 0);
        assert_eq!(bytes.u16(usize::MAX), 0);
        assert_eq!(bytes.part(3, 9), [4, 5]);
        assert_eq!(bytes.part(9, 1), []);
    }
}
