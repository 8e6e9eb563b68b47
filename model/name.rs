// SPDX-License-Identifier: GPL-2.0
//! Names of metadevices: `d0` to `d8191` (`svm.md` section 1.3).

use core::{
    fmt,
    num::NonZeroU32,
    str::FromStr, //
};

use crate::limits::{
    NAME_BYTES,
    UNITS_MAX, //
};

/// Digits of the largest number, `8191`.
const DIGITS_MAX: usize = 4;

/// Ten, as a divisor that the compiler knows not to be zero.
const TEN: NonZeroU32 = match NonZeroU32::new(10) {
    Some(ten) => ten,
    None => NonZeroU32::MIN,
};

/// Name of a metadevice. Names order by their numbers, so `d9` comes before `d10`.
///
/// # Invariants
///
/// The number is below [`UNITS_MAX`]; the text is the name, then only zeros.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct UnitName {
    number: u32,
    text: [u8; 1 + DIGITS_MAX],
}

/// The text is not a name that a metadevice may have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BadName;

impl UnitName {
    /// The name with a given number.
    pub fn from_number(number: u32) -> Result<Self, BadName> {
        if number >= UNITS_MAX {
            return Err(BadName);
        }
        let mut digits = [b'0'; DIGITS_MAX];
        let mut rest = number;
        for digit in digits.iter_mut().rev() {
            *digit = digit.saturating_add((rest % TEN) as u8);
            rest /= TEN;
        }
        let significant = number.checked_ilog10().unwrap_or(0) as usize;
        let leading_zeros = DIGITS_MAX.saturating_sub(1).saturating_sub(significant);

        let mut text = [0; 1 + DIGITS_MAX];
        let letters = [b'd']
            .into_iter()
            .chain(digits.into_iter().skip(leading_zeros));
        for (to, from) in text.iter_mut().zip(letters) {
            *to = from;
        }
        Ok(Self { number, text })
    }

    /// Reads a name from the bytes of a fixed-size field: the name, then only zeros, at least one.
    pub fn from_padded(field: &[u8]) -> Result<Self, BadName> {
        let end = field.iter().position(|byte| *byte == 0).ok_or(BadName)?;
        let (name, padding) = field.split_at_checked(end).ok_or(BadName)?;
        if padding.iter().any(|byte| *byte != 0) {
            return Err(BadName);
        }
        Self::from_bytes(name)
    }

    /// Reads a name from exactly its bytes. A name has one spelling: no sign, no leading zeros.
    pub fn from_bytes(name: &[u8]) -> Result<Self, BadName> {
        let digits = match name {
            [b'd', b'0', _, ..] => return Err(BadName),
            [b'd', digits @ ..] if (1..=DIGITS_MAX).contains(&digits.len()) => digits,
            _ => return Err(BadName),
        };
        let mut number: u32 = 0;
        for digit in digits {
            let value = char::from(*digit).to_digit(10).ok_or(BadName)?;
            number = number.checked_mul(10).ok_or(BadName)?;
            number = number.checked_add(value).ok_or(BadName)?;
        }
        Self::from_number(number)
    }

    /// The metadevice's number, below [`UNITS_MAX`].
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        let text = self.text.split(|byte| *byte == 0).next().unwrap_or(&[]);
        core::str::from_utf8(text).unwrap_or("")
    }

    /// The name as a fixed-size field holds it, padded with zeros.
    pub fn to_padded(&self) -> [u8; NAME_BYTES] {
        let mut field = [0; NAME_BYTES];
        for (to, from) in field.iter_mut().zip(self.text) {
            *to = from;
        }
        field
    }
}

impl FromStr for UnitName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        Self::from_bytes(text.as_bytes())
    }
}

impl fmt::Display for UnitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::{
        format,
        string::ToString, //
    };

    use super::*;

    #[test]
    fn every_number_has_one_name_that_reads_back() {
        for number in 0..UNITS_MAX {
            let name = UnitName::from_number(number).expect("in range");
            assert_eq!(name.as_str(), format!("d{number}"));
            assert_eq!(name.to_string(), name.as_str());
            assert_eq!(name.as_str().parse(), Ok(name));
            assert_eq!(UnitName::from_padded(&name.to_padded()), Ok(name));
            assert_eq!(name.number(), number);
        }
        assert_eq!(UnitName::from_number(UNITS_MAX), Err(BadName));
        assert_eq!(UnitName::from_number(u32::MAX), Err(BadName));
    }

    #[test]
    fn what_is_not_a_name_is_refused() {
        let wrong = [
            "", "d", "10", "D1", "d01", "d00", "d+1", "d-1", "d 1", "d1 ", "d1x", "d8192", "d9999",
            "d10000", "d00001", "dd1", "d\u{661}", "hsp001",
        ];
        for text in wrong {
            assert_eq!(text.parse::<UnitName>(), Err(BadName), "{text:?}");
        }
    }

    #[test]
    fn a_field_holds_a_name_and_then_only_zeros() {
        assert_eq!(
            UnitName::from_padded(b"d7\0\0").map(|name| name.number()),
            Ok(7)
        );
        assert_eq!(
            UnitName::from_padded(b"d7"),
            Err(BadName),
            "no zero at the end"
        );
        assert_eq!(
            UnitName::from_padded(b"d7\0x"),
            Err(BadName),
            "something behind the name"
        );
        assert_eq!(UnitName::from_padded(b"\0\0"), Err(BadName));
        assert_eq!(UnitName::from_padded(b""), Err(BadName));
    }

    #[test]
    fn names_order_by_number() {
        let nine: UnitName = "d9".parse().expect("a name");
        let ten: UnitName = "d10".parse().expect("a name");
        assert!(nine < ten);
        assert_eq!(format!("{nine:<4}|"), "d9  |");
    }
}
