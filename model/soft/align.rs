// SPDX-License-Identifier: GPL-2.0
//! Where the data of an extent may begin: on multiples that suit the base, so that a watermark
//! never shifts data against its chunks and blocks (`svm.md` section 6.3 rule 2).

use super::GRAIN;
use crate::{
    limits::ALIGNMENT_SECTORS_DEFAULT,
    units::round_up, //
};
use core::num::NonZeroU64;

/// The alignment of who does not ask for one, over a base of which this is what its blocks and
/// chunks are made of, in sectors: the smallest multiple of all of them, and of the grain, that is
/// at least 1 MiB.
pub fn default_alignment(units: impl IntoIterator<Item = NonZeroU64>) -> Option<NonZeroU64> {
    let least = least_alignment(units)?;
    NonZeroU64::new(round_up(ALIGNMENT_SECTORS_DEFAULT, least)?)
}

/// The smallest alignment that there may be over such a base: a multiple of all units, and of the
/// grain.
pub fn least_alignment(units: impl IntoIterator<Item = NonZeroU64>) -> Option<NonZeroU64> {
    units.into_iter().try_fold(GRAIN, common_multiple)
}

fn common_multiple(one: NonZeroU64, other: NonZeroU64) -> Option<NonZeroU64> {
    let (mut divisor, mut rest) = (one, other.get());
    while let Some(next) = NonZeroU64::new(rest) {
        (divisor, rest) = (next, divisor.get() % next);
    }
    NonZeroU64::new((one.get() / divisor).checked_mul(other.get())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alignment(units: &[u64]) -> Option<u64> {
        let units = units.iter().filter_map(|unit| NonZeroU64::new(*unit));
        default_alignment(units).map(NonZeroU64::get)
    }

    #[test]
    fn it_is_one_mebibyte_or_what_the_base_asks_for() {
        assert_eq!(alignment(&[1, 8]), Some(2048));
        assert_eq!(alignment(&[128]), Some(2048));
        assert_eq!(alignment(&[8192]), Some(8192));
        assert_eq!(alignment(&[48]), Some(2064), "an interlace of 24 KiB");
        assert_eq!(alignment(&[17]), Some(2176), "one of 8.5 KiB");
        assert_eq!(alignment(&[]), Some(2048));
        assert_eq!(alignment(&[u64::MAX]), None);
        let units = [NonZeroU64::new(24).expect("not zero")];
        assert_eq!(least_alignment(units).map(NonZeroU64::get), Some(48));
    }
}
