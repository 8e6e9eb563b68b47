// SPDX-License-Identifier: GPL-2.0
//! Sizes for people, by SVM's rule (`svm.md` section 10.1).

use crate::syntax::size::Sectors;
use md_abi::admin::SECTOR_BYTES;

/// A size as a person says it: `979 MB`, `1.4 GB`, `512  B`.
///
/// SVM's rule: divide by 1024 as often as possible; show the whole part, or one decimal if that
/// is below 10. Bytes have a blank in the place of the unit's letter.
pub(super) fn human_size(size: Sectors) -> String {
    let bytes = u128::from(size.0) * u128::from(SECTOR_BYTES);
    let units = [' ', 'K', 'M', 'G', 'T', 'P', 'E', 'Z'];
    let (power, unit) = (0..)
        .zip(units)
        .find(|(power, _)| bytes >> (10 * power) < 1024)
        .unwrap_or((0, ' '));
    let one = 1_u128 << (10 * power);
    let whole = bytes / one;
    if whole < 10 {
        let tenths = (bytes * 10 + one / 2) / one;
        format!("{}.{} {unit}B", tenths / 10, tenths % 10)
    } else {
        format!("{whole} {unit}B")
    }
}

/// The same without blanks; `-` for nothing.
pub(super) fn concise_size(size: Sectors) -> String {
    if size.0 == 0 {
        "-".to_string()
    } else {
        human_size(size).replace(' ', "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_svms_rule() {
        let sizes = [
            (0, "0.0  B"),
            (1, "512  B"),
            (2, "1.0 KB"),
            (19, "9.5 KB"),
            (20, "10 KB"),
            (2047, "1023 KB"),
            (2048, "1.0 MB"),
            (20_475, "10.0 MB"),
            (20_480, "10 MB"),
            (2_006_130, "979 MB"),
            (2_936_013, "1.4 GB"),
            (1 << 41, "1.0 PB"),
            (u64::MAX, "8.0 ZB"),
        ];
        for (sectors, text) in sizes {
            assert_eq!(human_size(Sectors(sectors)), text, "{sectors} sectors");
        }
    }

    #[test]
    fn concise_sizes_have_no_blanks() {
        assert_eq!(concise_size(Sectors(0)), "-");
        assert_eq!(concise_size(Sectors(1)), "512B");
        assert_eq!(concise_size(Sectors(2_006_130)), "979MB");
    }
}
