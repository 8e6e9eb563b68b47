// SPDX-License-Identifier: GPL-2.0
//! Replicas of the state database, as md.tab has them (`svm.md` section 10.4), for `metadb`:
//!
//! ```text
//! mddbNN [-c COUNT] [-l BLOCKS] [-t] DEVICE...
//! ```

use super::{
    name::component_path,
    words::Words,
    SyntaxError, //
};
use md_model::{
    database::layout::PAGE_SECTORS,
    limits::{
        REPLICAS_MAX,
        REPLICA_PAGES_MAX,
        REPLICA_PAGES_MIN, //
    }, //
};

/// Fewest blocks of a replica.
const BLOCKS_MIN: u32 = REPLICA_PAGES_MIN * PAGE_SECTORS as u32;

/// Most blocks of a replica.
const BLOCKS_MAX: u32 = REPLICA_PAGES_MAX * PAGE_SECTORS as u32;

/// Replicas that someone wants.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ReplicasSpec {
    /// How many on each device, if it says so.
    pub count: Option<u32>,
    /// Blocks of 512 bytes of each, if it says so.
    pub length: Option<u32>,
    /// Whether it is the tie-breaker.
    pub tie_breaker: bool,
    /// Full paths of the devices, at least one.
    pub devices: Vec<String>,
}

impl ReplicasSpec {
    /// Whether a word is the name of such an entry: `mddb00` to `mddb99`.
    pub fn is_name(word: &str) -> bool {
        word.strip_prefix("mddb").is_some_and(|number| {
            number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_digit())
        })
    }

    /// Reads the words of a line, the name first.
    pub fn parse(words: &[String]) -> Result<Self, SyntaxError> {
        let mut words = Words::new(words);
        words.next += 1;
        let mut spec = ReplicasSpec::default();
        loop {
            match words.peek() {
                Some("-c") => spec.count = Some(words.number("COUNT", 1..=REPLICAS_MAX as u32)?),
                Some("-l") => spec.length = Some(words.number("BLOCKS", BLOCKS_MIN..=BLOCKS_MAX)?),
                Some("-t") => {
                    spec.tie_breaker = true;
                    words.next += 1;
                }
                _ => break,
            }
        }
        while let Some(word) = words.peek() {
            if word.starts_with('-') {
                let reason = "is not a device: options are -c, -l and -t, and stand before these";
                return Err(words.wrong(reason));
            }
            let path = component_path(word).map_err(|reason| words.wrong(&reason))?;
            spec.devices.push(path);
            words.next += 1;
        }
        if spec.devices.is_empty() {
            return Err(words.missing("the device of the replicas"));
        }
        Ok(spec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<ReplicasSpec, SyntaxError> {
        let words: Vec<_> = line.split_whitespace().map(String::from).collect();
        ReplicasSpec::parse(&words)
    }

    #[test]
    fn options_come_first_and_then_devices() {
        let spec = parse("mddb01 -l 8192 -c 3 sda /dev/disk/x").unwrap();
        assert_eq!((spec.count, spec.length), (Some(3), Some(8192)));
        assert_eq!(spec.devices, ["/dev/sda", "/dev/disk/x"]);
        assert!(!spec.tie_breaker && parse("mddb01 -t sdc").unwrap().tie_breaker);
        assert_eq!(parse("mddb01 sda").unwrap().count, None);
    }

    #[test]
    fn what_is_wrong_is_pointed_at() {
        for (line, word, reason) in [
            ("mddb01", 1, "the device of the replicas is missing"),
            ("mddb01 -c", 2, "COUNT is missing"),
            (
                "mddb01 -c x sda",
                2,
                "\"x\" is not COUNT, a number from 1 to 50",
            ),
            (
                "mddb01 -l 100 sda",
                2,
                "\"100\" is not BLOCKS, a number from 128 to 131072",
            ),
            ("mddb01 sda -c 2", 2, "\"-c\" is not a device: "),
            ("mddb01 a/b", 1, "\"a/b\" is not a full path"),
        ] {
            let error = parse(line).unwrap_err();
            assert_eq!(error.word, word, "{line}");
            assert!(error.reason.starts_with(reason), "{line}: {}", error.reason);
        }
    }

    #[test]
    fn names_have_two_digits() {
        assert!(ReplicasSpec::is_name("mddb01") && ReplicasSpec::is_name("mddb99"));
        for word in ["mddb", "mddb1", "mddb001", "mddb0x", "/dev/mddb01", "d01"] {
            assert!(!ReplicasSpec::is_name(word), "{word}");
        }
    }
}
