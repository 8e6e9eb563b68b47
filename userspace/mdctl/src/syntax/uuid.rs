// SPDX-License-Identifier: GPL-2.0
//! Uuids as people write them.

use md_model::database::identity::Uuid;

/// The uuid that a word is, with or without its dashes.
pub fn uuid(word: &str) -> Option<Uuid> {
    let digits: String = word.chars().filter(|letter| *letter != '-').collect();
    let is_one = digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let number = u128::from_str_radix(&digits, 16).ok().filter(|_| is_one);
    number.map(|number| Uuid::from_bytes(number.to_be_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_32_digits_wherever_the_dashes_are() {
        let text = "5e5e5e5e-5e5e-5e5e-5e5e-5e5e5e5e5e5e";
        assert_eq!(uuid(text), Some(Uuid::from_bytes([0x5e; 16])));
        assert_eq!(uuid(&text.replace('-', "")), uuid(text));
        assert_eq!(uuid("/dev/sda"), None);
        assert_eq!(uuid(&text[1..]), None);
        assert_eq!(uuid("+5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5"), None);
    }
}
