// SPDX-License-Identifier: GPL-2.0
//! An image as text: its length, and the lines of it that are not zero, as `xxd -r -c 32` reads
//! them. Images are mostly zeros, so this is small, and a difference can be read.

use std::fmt::Write;

/// Bytes in a line.
const LINE: usize = 32;

/// The text of an image.
pub fn write(image: &[u8]) -> String {
    let mut text = format!("# {} bytes\n", image.len());
    for (number, line) in image.chunks(LINE).enumerate() {
        if line.iter().all(|byte| *byte == 0) {
            continue;
        }
        let offset = number * LINE;
        // Writing to a string does not fail.
        let _ = write!(text, "{offset:08x}: ");
        for byte in line {
            let _ = write!(text, "{byte:02x}");
        }
        text.push('\n');
    }
    text
}

/// The image of a text; `None` if it is none.
pub fn read(text: &str) -> Option<Vec<u8>> {
    let mut lines = text.lines();
    let length = lines.next()?.strip_prefix("# ")?.strip_suffix(" bytes")?;
    let mut image = vec![0; length.parse().ok()?];
    for line in lines.filter(|line| !line.starts_with('#')) {
        let (offset, digits) = line.split_once(": ")?;
        let offset = usize::from_str_radix(offset, 16).ok()?;
        let target = image.get_mut(offset..offset.checked_add(digits.len() / 2)?)?;
        for (byte, digits) in target.iter_mut().zip(digits.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).ok()?;
            *byte = u8::from_str_radix(digits, 16).ok()?;
        }
    }
    Some(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn zeros_are_left_out() {
        let mut image = vec![0; 100];
        image[33] = 0xab;
        let line = format!("00000020: 00ab{}\n", "00".repeat(30));
        assert_eq!(write(&image), format!("# 100 bytes\n{line}"));
    }

    #[test]
    fn what_is_no_listing_is_refused() {
        for text in [
            "",
            "# x bytes",
            "# 4 bytes\n00000004: 01",
            "# 4 bytes\n0: zz",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(image in prop::collection::vec(0..3_u8, 0..200)) {
            prop_assert_eq!(read(&write(&image)), Some(image));
        }
    }
}
