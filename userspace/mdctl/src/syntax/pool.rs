// SPDX-License-Identifier: GPL-2.0
//! A hot spare pool, as `metainit` and md.tab have it (`svm.md` section 10):
//!
//! ```text
//! hspNNN [COMPONENT...]
//! ```

use super::{
    name::{
        component_path,
        component_word, //
    },
    words::Words,
    SyntaxError, //
};
use md_model::{
    limits::{
        POOLS_MAX,
        SPARES_MAX, //
    },
    spare::name,
};
use std::{
    fmt,
    str::FromStr, //
};

/// The option of a stripe or concat that names its pool.
pub const POOL: &str = "-h";

/// Name of a hot spare pool, `hsp000` to `hsp999`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct PoolName(name::PoolName);

impl PoolName {
    /// The name with a given number, if there is one.
    pub fn from_number(number: u32) -> Option<Self> {
        name::PoolName::from_number(number).ok().map(PoolName)
    }

    /// Its number.
    pub fn number(self) -> u32 {
        self.0.number()
    }
}

impl fmt::Display for PoolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for PoolName {
    type Err = String;

    /// Reads `hsp001`. The error is a reason, in words.
    fn from_str(word: &str) -> Result<Self, String> {
        word.parse().map(PoolName).map_err(|_| {
            let last = POOLS_MAX - 1;
            format!("is not the name of a hot spare pool: those are hsp000 to hsp{last}")
        })
    }
}

/// A hot spare pool that someone wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PoolSpec {
    /// Its name.
    pub name: PoolName,
    /// Paths of its spares, in the order in which they are tried.
    pub devices: Vec<String>,
}

impl PoolSpec {
    /// Whether the first word is meant for the name of a pool, right or wrong.
    pub fn is_meant(words: &[String]) -> bool {
        let first = words.first().and_then(|word| word.strip_prefix("hsp"));
        first.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    }

    /// Reads the words of a command line or md.tab line, the name first.
    pub fn parse(words: &[String]) -> Result<Self, SyntaxError> {
        let mut words = Words::new(words);
        let name = words.pool_name()?;
        let mut devices = Vec::new();
        while let Some(word) = words.peek() {
            if word.starts_with('-') {
                return Err(words.wrong("is not a component: a hot spare pool has no options"));
            }
            if devices.len() == SPARES_MAX as usize {
                let reason = format!("is one too many: a pool has at most {SPARES_MAX} hot spares");
                return Err(words.wrong(&reason));
            }
            devices.push(component_path(word).map_err(|reason| words.wrong(&reason))?);
            words.next += 1;
        }
        Ok(PoolSpec { name, devices })
    }
}

impl fmt::Display for PoolSpec {
    /// One line in md.tab syntax.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        for path in &self.devices {
            write!(f, " {}", component_word(path))?;
        }
        Ok(())
    }
}

impl Words<'_> {
    /// Reads the name of a pool.
    pub(super) fn pool_name(&mut self) -> Result<PoolName, SyntaxError> {
        let word = self
            .peek()
            .ok_or_else(|| self.missing("the hot spare pool's name"))?;
        let name = word.parse().map_err(|reason: String| self.wrong(&reason))?;
        self.next += 1;
        Ok(name)
    }

    /// Reads `-h POOL`, if it comes next.
    pub(super) fn pool(&mut self) -> Result<Option<PoolName>, SyntaxError> {
        if self.skip(POOL) {
            self.pool_name().map(Some)
        } else {
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(line: &str) -> Result<PoolSpec, SyntaxError> {
        let words: Vec<_> = line.split_whitespace().map(String::from).collect();
        PoolSpec::parse(&words)
    }

    #[test]
    fn a_pool_has_a_name_and_components_in_order() {
        let pool = parse("hsp001 sdb /dev/disk/x").unwrap();
        assert_eq!(pool.name.number(), 1);
        assert_eq!(pool.devices, ["/dev/sdb", "/dev/disk/x"]);
        assert_eq!(pool.to_string(), "hsp001 /dev/sdb /dev/disk/x");
        assert_eq!(parse("hsp999").unwrap().devices, [] as [String; 0]);
        for (line, word) in [
            ("hsp1", 0),
            ("", 0),
            ("hsp001 -i 64k", 1),
            ("hsp001 a/b", 1),
        ] {
            assert_eq!(parse(line).unwrap_err().word, word, "{line}");
        }
        let many = format!("hsp000{}", " sda".repeat(SPARES_MAX as usize + 1));
        assert_eq!(parse(&many).unwrap_err().word, SPARES_MAX as usize + 1);
    }

    proptest! {
        #[test]
        fn printed_pools_are_read_back(
            number in 0..POOLS_MAX,
            devices in prop::collection::vec("/dev/[a-z0-9]{1,8}|/dev/md/dsk/d[1-9]", 0..6),
        ) {
            let name = PoolName::from_number(number).unwrap();
            let spec = PoolSpec { name, devices };
            prop_assert_eq!(parse(&spec.to_string()), Ok(spec));
        }
    }
}
