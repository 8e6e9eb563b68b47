// SPDX-License-Identifier: GPL-2.0
//! How fast a mirror is resynced, as md.tab and `metaparam` have it:
//!
//! ```text
//! [--resync-latency TIME] [--resync-floor RATE] [--resync-ceiling RATE]
//! ```

use super::{
    words::Words,
    SyntaxError, //
};
use md_abi::admin::TARGET_US_MAX;
use md_model::mirror::throttle::Limits;
use std::fmt;

const LATENCY: &str = "--resync-latency";
const FLOOR: &str = "--resync-floor";
const CEILING: &str = "--resync-ceiling";

/// Reads a value; the error is a reason, in words.
type Parse = fn(&str) -> Result<u32, String>;

/// How fast a mirror is resynced.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pace {
    /// How long a request may take on average before the resync gives way, in microseconds.
    pub target_us: u32,
    /// KiB per second below which the resync is not made to fall; 0 for no floor.
    pub floor_kib_s: u32,
    /// KiB per second that it does not exceed while the mirror is in use; 0 for no ceiling.
    pub ceiling_kib_s: u32,
}

impl Default for Pace {
    /// The one that everybody has.
    fn default() -> Self {
        let figure = |figure: u64| u32::try_from(figure).unwrap_or(u32::MAX);
        Pace {
            target_us: figure(Limits::DEFAULT.target_us),
            floor_kib_s: figure(Limits::DEFAULT.floor_kib_s),
            ceiling_kib_s: figure(Limits::DEFAULT.ceiling_kib_s),
        }
    }
}

impl Pace {
    /// Whether it is the one that everybody has.
    pub fn is_default(&self) -> bool {
        *self == Pace::default()
    }
}

impl fmt::Display for Pace {
    /// The words for what is not as everybody has it, each behind a space.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let default = Pace::default();
        if self.target_us != default.target_us {
            match self.target_us {
                us if us % 1000 == 0 => write!(f, " {LATENCY} {}ms", us / 1000)?,
                us => write!(f, " {LATENCY} {us}us")?,
            }
        }
        let rates = [
            (FLOOR, self.floor_kib_s, default.floor_kib_s),
            (CEILING, self.ceiling_kib_s, default.ceiling_kib_s),
        ];
        for (word, rate, _) in rates.into_iter().filter(|(_, rate, usual)| rate != usual) {
            match rate {
                0 => write!(f, " {word} none")?,
                rate => write!(f, " {word} {rate}")?,
            }
        }
        Ok(())
    }
}

impl Words<'_> {
    /// Reads a word of a pace and its value into `pace`, if one comes next.
    pub(super) fn pace(&mut self, pace: &mut Pace) -> Result<bool, SyntaxError> {
        let (parse, to): (Parse, _) = match self.peek() {
            Some(LATENCY) => (parse_latency, &mut pace.target_us),
            Some(FLOOR) => (parse_rate, &mut pace.floor_kib_s),
            Some(CEILING) => (parse_rate, &mut pace.ceiling_kib_s),
            _ => return Ok(false),
        };
        self.next += 1;
        let Some(word) = self.peek() else {
            return Err(self.missing("how fast the resync is to be"));
        };
        *to = parse(word).map_err(|reason| self.wrong(&format!("is no such value: {reason}")))?;
        self.next += 1;
        Ok(true)
    }
}

/// Reads a speed in KiB per second; 0 for none. The error is a reason, in words.
pub fn parse_rate(word: &str) -> Result<u32, String> {
    match word {
        "none" => Ok(0),
        _ => match word.parse() {
            Ok(rate) if rate > 0 => Ok(rate),
            _ => Err("a speed is a number of KiB per second, 1 to 4294967295, or none".to_string()),
        },
    }
}

/// Reads a time in microseconds. The error is a reason, in words.
pub fn parse_latency(word: &str) -> Result<u32, String> {
    let time = humantime::parse_duration(word).map_err(|error| error.to_string())?;
    let is_whole = time.subsec_nanos() % 1000 == 0;
    let microseconds = u32::try_from(time.as_micros()).ok();
    let in_range = microseconds.filter(|time| is_whole && (1..=TARGET_US_MAX).contains(time));
    in_range.ok_or_else(|| "a time is 1us to 1min, such as 20ms".to_string())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Any pace that the grammar can express.
    pub(in crate::syntax) fn any_pace() -> impl Strategy<Value = Pace> {
        let target_us = prop_oneof![Just(20_000), 1..=TARGET_US_MAX];
        let rate = || prop_oneof![Just(0), Just(1000), any::<u32>()];
        (target_us, rate(), rate()).prop_map(|(target_us, floor_kib_s, ceiling_kib_s)| Pace {
            target_us,
            floor_kib_s,
            ceiling_kib_s,
        })
    }

    fn parse(line: &str) -> Result<Pace, SyntaxError> {
        let words: Vec<_> = line.split_whitespace().map(String::from).collect();
        let (mut words, mut pace) = (Words::new(&words), Pace::default());
        while words.pace(&mut pace)? {}
        Ok(pace)
    }

    #[test]
    fn only_what_is_unusual_is_written() {
        for (line, written) in [
            ("", ""),
            ("--resync-latency 20ms --resync-floor 1000", ""),
            ("--resync-latency 1s", " --resync-latency 1000ms"),
            ("--resync-latency 1500us", " --resync-latency 1500us"),
            (
                "--resync-ceiling none --resync-floor 5",
                " --resync-floor 5 --resync-ceiling none",
            ),
        ] {
            assert_eq!(parse(line).unwrap().to_string(), written, "{line}");
        }
    }

    #[test]
    fn bad_values_are_refused() {
        for line in [
            "--resync-latency 0us",
            "--resync-latency 2min",
            "--resync-floor -1",
            "--resync-ceiling 4294967296",
            "--resync-ceiling",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
