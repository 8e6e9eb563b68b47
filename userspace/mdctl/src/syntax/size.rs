// SPDX-License-Identifier: GPL-2.0
//! Sizes: in sectors inside the tool, with a unit on command lines.

use md_model::{
    limits::{
        INTERLACE_SECTORS_DEFAULT,
        INTERLACE_SECTORS_MAX,
        INTERLACE_SECTORS_MIN, //
    },
    raid5,
    units::sectors_to_bytes, //
};

/// A number of sectors of 512 bytes, which SVM calls blocks.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Sectors(pub u64);

/// Interlace of a row for which none is given, 512 KiB.
pub const INTERLACE_DEFAULT: Sectors = Sectors(INTERLACE_SECTORS_DEFAULT);

impl Sectors {
    /// The same in bytes; the largest number if there is no such number.
    pub fn bytes(self) -> u64 {
        sectors_to_bytes(self.0).unwrap_or(u64::MAX)
    }

    /// The size as `metainit` and md.tab take it, in blocks.
    pub fn to_word(self) -> String {
        format!("{}b", self.0)
    }
}

/// Reads a size, a whole number and a unit: `b` for blocks, `k` for KiB, `m` for MiB, in either
/// case. The error is a reason, in words.
fn parse_size(word: &str) -> Result<Sectors, String> {
    let sectors_per_unit = match word.bytes().last() {
        Some(b'b' | b'B') => 1,
        Some(b'k' | b'K') => 2,
        Some(b'm' | b'M') => 2048,
        _ => return Err("is not a size: type a number and k, m or b, as in 64k".into()),
    };
    let digits = &word[..word.len() - 1];
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("is not a size: only digits may stand before its unit, as in 64k".into());
    }
    digits
        .parse::<u64>()
        .ok()
        .and_then(|count| count.checked_mul(sectors_per_unit))
        .map(Sectors)
        .ok_or_else(|| "is larger than any device".into())
}

/// Reads a size of any magnitude: a whole number and a unit, `b` for blocks, `k`, `m`, `g` or `t`
/// for powers of 1024 bytes, in either case (`svm.md` section 6.3). The error is a reason, in
/// words.
pub fn parse_amount(word: &str) -> Result<Sectors, String> {
    let shift = match word.bytes().last() {
        Some(b'g' | b'G') => 10,
        Some(b't' | b'T') => 20,
        Some(b'b' | b'B' | b'k' | b'K' | b'm' | b'M') => return parse_size(word),
        _ => return Err("is not a size: type a number and b, k, m, g or t, as in 100m".into()),
    };
    let mebibytes = parse_size(&format!("{}m", &word[..word.len() - 1]))?;
    let sectors = mebibytes.0.checked_mul(1 << shift).map(Sectors);
    sectors.ok_or_else(|| "is larger than any device".into())
}

/// Reads an interlace, a size from 8 KiB to 100 MiB. The error is a reason, in words.
pub fn parse_interlace(word: &str) -> Result<Sectors, String> {
    let interlace = parse_size(word)?;
    if (INTERLACE_SECTORS_MIN..=INTERLACE_SECTORS_MAX).contains(&interlace.0) {
        Ok(interlace)
    } else {
        Err("is out of range: an interlace is 8k to 100m".into())
    }
}

/// Reads an interlace of RAID5: a multiple of 4 KiB up to 100 MiB. The error is a reason in words.
pub fn parse_raid_interlace(word: &str) -> Result<Sectors, String> {
    let interlace = parse_size(word)?;
    let least = raid5::INTERLACE_SECTORS_MIN;
    if !(least..=INTERLACE_SECTORS_MAX).contains(&interlace.0) {
        Err("is out of range: an interlace of RAID5 is 4k to 100m".into())
    } else if interlace.0 % least != 0 {
        Err("is not a multiple of 4k, which an interlace of RAID5 is".into())
    } else {
        Ok(interlace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn units_are_blocks_kib_and_mib() {
        assert_eq!(parse_size("16b"), Ok(Sectors(16)));
        assert_eq!(parse_size("64k"), Ok(Sectors(128)));
        assert_eq!(parse_size("1M"), Ok(Sectors(2048)));
    }

    #[test]
    fn a_size_is_digits_and_one_unit() {
        for wrong in [
            "", "k", "64", "64g", "+1k", "-1k", "1.5k", " 1k", "0x10k", "1 k", "1kb",
        ] {
            assert!(parse_size(wrong).is_err(), "{wrong:?}");
        }
        assert!(parse_size("18446744073709551615m")
            .unwrap_err()
            .contains("larger"));
        assert!(parse_size("18446744073709551616b")
            .unwrap_err()
            .contains("larger"));
    }

    #[test]
    fn amounts_may_be_large() {
        assert_eq!(parse_amount("3b"), Ok(Sectors(3)));
        assert_eq!(parse_amount("100m"), Ok(Sectors(204_800)));
        assert_eq!(parse_amount("2G"), Ok(Sectors(1 << 22)));
        assert_eq!(parse_amount("1t"), Ok(Sectors(1 << 31)));
        for wrong in [
            "",
            "g",
            "1",
            "1.5g",
            "-1t",
            "1gb",
            "18446744073709551615t",
            "\u{e9}",
        ] {
            assert!(parse_amount(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn interlace_is_8_kib_to_100_mib() {
        assert_eq!(parse_interlace("8k"), Ok(Sectors(INTERLACE_SECTORS_MIN)));
        assert_eq!(parse_interlace("100m"), Ok(Sectors(INTERLACE_SECTORS_MAX)));
        for wrong in ["15b", "7k", "204801b", "101m", "0k"] {
            assert!(
                parse_interlace(wrong).unwrap_err().contains("8k to 100m"),
                "{wrong}"
            );
        }
    }

    proptest! {
        #[test]
        fn printed_interlaces_are_read_back(
            count in INTERLACE_SECTORS_MIN..=INTERLACE_SECTORS_MAX,
        ) {
            prop_assert_eq!(parse_interlace(&Sectors(count).to_word()), Ok(Sectors(count)));
        }

        #[test]
        fn units_agree_with_each_other(mebibytes in 1_u64..=100) {
            let size = parse_interlace(&format!("{mebibytes}m"));
            prop_assert_eq!(&size, &parse_interlace(&format!("{}k", mebibytes << 10)));
            prop_assert_eq!(&size, &parse_interlace(&format!("{}b", mebibytes << 11)));
        }

        #[test]
        fn no_word_is_a_panic(word in ".*") {
            let _ = parse_interlace(&word);
        }
    }
}
