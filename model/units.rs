// SPDX-License-Identifier: GPL-2.0
//! Quantities and the arithmetic on them.
//!
//! A quantity has its unit at the end of its name: `_sectors` counts sectors of 512 bytes,
//! `_sector` is the position of one, `_bytes` counts bytes. Positions and sizes outside this crate
//! are in sectors; bytes appear only where people or the C library see them.

use core::num::NonZeroU64;

/// Bytes in a sector, the unit of every position and size.
pub const SECTOR_BYTES: u64 = 512;

/// [`SECTOR_BYTES`] as a divisor.
const SECTOR_DIVISOR: NonZeroU64 = match NonZeroU64::new(SECTOR_BYTES) {
    Some(divisor) => divisor,
    None => NonZeroU64::MIN,
};

/// Bytes in so many sectors, or `None` where 64 bits do not hold them.
#[inline]
pub const fn sectors_to_bytes(sectors: u64) -> Option<u64> {
    sectors.checked_mul(SECTOR_BYTES)
}

/// Sectors in so many bytes, or `None` when they are not a whole number of sectors.
#[inline]
pub fn bytes_to_sectors(bytes: u64) -> Option<u64> {
    is_multiple(bytes, SECTOR_DIVISOR).then_some(bytes / SECTOR_DIVISOR)
}

/// The largest multiple of `granule` that is not above `value`.
#[inline]
pub fn round_down(value: u64, granule: NonZeroU64) -> u64 {
    // A remainder is never above the value, so that this does not saturate.
    value.saturating_sub(value % granule)
}

/// The smallest multiple of `granule` that is not below `value`, or `None` where 64 bits do not
/// hold it.
#[inline]
pub fn round_up(value: u64, granule: NonZeroU64) -> Option<u64> {
    value.checked_next_multiple_of(granule.get())
}

/// Whether `value` is a multiple of `granule`; zero is one.
#[inline]
pub fn is_multiple(value: u64, granule: NonZeroU64) -> bool {
    value % granule == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granule(value: u64) -> NonZeroU64 {
        NonZeroU64::new(value).expect("a granule is not zero")
    }

    #[test]
    fn sectors_and_bytes_convert_exactly_or_not_at_all() {
        assert_eq!(SECTOR_DIVISOR.get(), SECTOR_BYTES);
        assert_eq!(sectors_to_bytes(3), Some(1536));
        assert_eq!(sectors_to_bytes(u64::MAX), None);
        assert_eq!(bytes_to_sectors(1536), Some(3));
        assert_eq!(bytes_to_sectors(0), Some(0));
        assert_eq!(bytes_to_sectors(1537), None);
        assert_eq!(bytes_to_sectors(u64::MAX), None);
    }

    #[test]
    fn rounding_keeps_multiples_and_never_wraps() {
        assert_eq!(round_down(0, granule(8)), 0);
        assert_eq!(round_down(16, granule(8)), 16);
        assert_eq!(round_down(23, granule(8)), 16);
        assert_eq!(round_down(u64::MAX, granule(8)), u64::MAX - 7);
        assert_eq!(round_up(17, granule(8)), Some(24));
        assert_eq!(round_up(24, granule(8)), Some(24));
        assert_eq!(round_up(u64::MAX, granule(8)), None);
        assert!(is_multiple(0, granule(3)));
        assert!(!is_multiple(4, granule(3)));
    }
}
