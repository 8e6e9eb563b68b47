// SPDX-License-Identifier: GPL-2.0
//! Names of hot spare pools: `hsp000` to `hsp999` (`svm.md` section 1.3).

use core::{
    fmt,
    num::NonZeroU32,
    str::FromStr, //
};

use crate::{
    limits::POOLS_MAX,
    name::BadName, //
};

/// What each name begins with.
const PREFIX: [u8; 3] = *b"hsp";

/// Digits behind that, always all of them.
const DIGITS: usize = 3;

/// Ten, as a divisor that the compiler knows not to be zero.
const TEN: NonZeroU32 = match NonZeroU32::new(10) {
    Some(ten) => ten,
    None => NonZeroU32::MIN,
};

/// Name of a hot spare pool. Names order by their numbers.
///
/// # Invariants
///
/// The number is below [`POOLS_MAX`]; the text is the name.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PoolName {
    number: u32,
    text: [u8; PREFIX.len() + DIGITS],
}

impl PoolName {
    /// The name with a given number.
    pub fn from_number(number: u32) -> Result<Self, BadName> {
        if number >= POOLS_MAX {
            return Err(BadName);
        }
        let mut text = [b'0'; PREFIX.len() + DIGITS];
        for (to, from) in text.iter_mut().zip(PREFIX) {
            *to = from;
        }
        let mut rest = number;
        for digit in text.iter_mut().rev().take(DIGITS) {
            *digit = b'0'.saturating_add((rest % TEN) as u8);
            rest /= TEN;
        }
        Ok(Self { number, text })
    }

    /// The pool's number, below [`POOLS_MAX`].
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.text).unwrap_or("")
    }
}

impl FromStr for PoolName {
    type Err = BadName;

    /// Reads a name, which has one spelling: `hsp` and three digits.
    fn from_str(text: &str) -> Result<Self, BadName> {
        let digits = text.strip_prefix("hsp").ok_or(BadName)?;
        let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        if digits.len() != DIGITS || !is_plain {
            return Err(BadName);
        }
        Self::from_number(digits.parse().map_err(|_| BadName)?)
    }
}

impl fmt::Display for PoolName {
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
        for number in 0..POOLS_MAX {
            let name = PoolName::from_number(number).expect("in range");
            assert_eq!(name.to_string(), format!("hsp{number:03}"));
            assert_eq!(name.as_str().parse(), Ok(name));
            assert_eq!(name.number(), number);
        }
        assert_eq!(PoolName::from_number(POOLS_MAX), Err(BadName));
        assert_eq!(PoolName::from_number(u32::MAX), Err(BadName));
    }

    #[test]
    fn what_is_not_a_name_is_refused() {
        for text in [
            "",
            "hsp",
            "hsp1",
            "hsp01",
            "hsp0001",
            "hsp+01",
            "hsp-01",
            "HSP001",
            "hsp00x",
            "d10",
            "hsp001 ",
            " hsp001",
            "hsp\u{661}01",
        ] {
            assert_eq!(text.parse::<PoolName>(), Err(BadName), "{text:?}");
        }
    }
}
