// SPDX-License-Identifier: GPL-2.0
//! The rows of a stripe or concat, as `metainit` and md.tab have them:
//!
//! ```text
//! NAME ROWS (WIDTH COMPONENT... [-i INTERLACE])...
//! ```
//!
//! A row without `-i` has the default interlace, whatever the row before it has.

use super::{
    name::{
        component_path,
        MetadeviceName, //
    },
    size::{
        parse_interlace,
        Sectors,
        INTERLACE_DEFAULT, //
    },
    SyntaxError,
};
use md_abi::admin::{
    COMPONENTS_MAX,
    ROWS_MAX, //
};
use std::fmt;

/// A stripe or concat that someone wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StripeSpec {
    /// Its name.
    pub name: MetadeviceName,
    /// Its rows, at least one.
    pub rows: Vec<RowSpec>,
}

/// One row of it: a stripe over its devices, or a single device.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RowSpec {
    /// How much lies on one device before it is the next one's turn.
    pub interlace: Sectors,
    /// Full paths of the devices, at least one.
    pub devices: Vec<String>,
}

impl StripeSpec {
    /// Reads the words of a command line or md.tab line, the name first.
    pub fn parse(words: &[String]) -> Result<Self, SyntaxError> {
        let mut words = Words { words, next: 0 };
        let name = words.name()?;
        let row_count = words.count("ROWS", ROWS_MAX)?;
        let mut rows = Vec::new();
        let mut component_count = 0;
        for row in 0..row_count {
            let width_word = words.next;
            let row = words.row(row)?;
            component_count += row.devices.len();
            rows.push(row);
            if component_count > COMPONENTS_MAX as usize {
                let reason = format!("a metadevice has at most {COMPONENTS_MAX} components");
                return Err(SyntaxError::at(width_word, reason));
            }
        }
        words.end(&rows)?;
        Ok(StripeSpec { name, rows })
    }

    /// Paths of all devices, row after row.
    pub fn devices(&self) -> impl Iterator<Item = &String> {
        self.rows.iter().flat_map(|row| &row.devices)
    }
}

impl fmt::Display for StripeSpec {
    /// One line in md.tab syntax. An interlace of no effect stands there only if it is not the
    /// default, so that reading the line gives the same rows again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.rows.len())?;
        for row in &self.rows {
            write!(f, " {} {}", row.devices.len(), row.devices.join(" "))?;
            if row.devices.len() > 1 || row.interlace != INTERLACE_DEFAULT {
                write!(f, " -i {}", row.interlace.to_word())?;
            }
        }
        Ok(())
    }
}

/// The words of a line, and which of them comes next.
struct Words<'a> {
    words: &'a [String],
    next: usize,
}

impl Words<'_> {
    /// The next word, if there is one.
    fn peek(&self) -> Option<&str> {
        self.words.get(self.next).map(String::as_str)
    }

    /// An error at the next word, which the reason starts with.
    fn wrong(&self, reason: &str) -> SyntaxError {
        let word = self.peek().unwrap_or_default();
        SyntaxError::at(self.next, format!("\"{word}\" {reason}"))
    }

    /// An error behind the last word.
    fn missing(&self, what: &str) -> SyntaxError {
        SyntaxError::at(self.next, format!("{what} is missing"))
    }

    /// Reads the name.
    fn name(&mut self) -> Result<MetadeviceName, SyntaxError> {
        let word = self
            .peek()
            .ok_or_else(|| self.missing("the metadevice's name"))?;
        let name = word.parse().map_err(|reason: String| self.wrong(&reason))?;
        self.next += 1;
        Ok(name)
    }

    /// Reads a count from 1 to `most`.
    fn count(&mut self, what: &str, most: u32) -> Result<u32, SyntaxError> {
        let word = self.peek().ok_or_else(|| self.missing(what))?;
        let count = Some(word)
            .filter(|word| word.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|word| word.parse().ok())
            .filter(|count| (1..=most).contains(count))
            .ok_or_else(|| self.wrong(&format!("is not {what}, a number from 1 to {most}")))?;
        self.next += 1;
        Ok(count)
    }

    /// Reads a row: its width, components and interlace. Rows are counted from 0, as `metastat`
    /// shows them.
    fn row(&mut self, row: u32) -> Result<RowSpec, SyntaxError> {
        let width = self.count(&format!("WIDTH of row {row}"), COMPONENTS_MAX)?;
        let mut devices = Vec::new();
        for found in 0..width {
            let components = format!("row {row} has width {width}, but only {found} components");
            match self.peek() {
                None => return Err(SyntaxError::at(self.next, components)),
                Some(word) if word.starts_with('-') => {
                    return Err(self.wrong(&format!("is not a component: {components}")));
                }
                Some(word) => {
                    let path = component_path(word).map_err(|reason| self.wrong(&reason))?;
                    devices.push(path);
                }
            }
            self.next += 1;
        }
        let interlace = self.interlace()?.unwrap_or(INTERLACE_DEFAULT);
        Ok(RowSpec { interlace, devices })
    }

    /// Reads `-i INTERLACE` or `-iINTERLACE`, if it comes next.
    fn interlace(&mut self) -> Result<Option<Sectors>, SyntaxError> {
        let Some(attached) = self.peek().and_then(|word| word.strip_prefix("-i")) else {
            return Ok(None);
        };
        let mut word = attached.to_string();
        if word.is_empty() {
            self.next += 1;
            word = self
                .peek()
                .ok_or_else(|| self.missing("INTERLACE"))?
                .to_string();
        }
        let interlace = parse_interlace(&word).map_err(|reason| self.wrong(&reason))?;
        self.next += 1;
        Ok(Some(interlace))
    }

    /// Sees that no word is left.
    fn end(&self, rows: &[RowSpec]) -> Result<(), SyntaxError> {
        let Some(word) = self.peek() else {
            return Ok(());
        };
        if word.starts_with('-') {
            return Err(self.wrong("is not an option of a row, which has only -i INTERLACE"));
        }
        let width = rows.last().map_or(0, |row| row.devices.len());
        let rows = rows.len();
        let reason =
            format!("is one word too many: ROWS is {rows} and WIDTH of the last row is {width}");
        Err(self.wrong(&reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Splits a line at blanks, as the shell would.
    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(String::from).collect()
    }

    fn parse(line: &str) -> Result<StripeSpec, SyntaxError> {
        StripeSpec::parse(&words(line))
    }

    /// The wrong word and the reason, for a line that must be refused.
    fn refusal(line: &str) -> (usize, String) {
        let error = parse(line).unwrap_err();
        (error.word, error.reason)
    }

    #[test]
    fn stripe_with_an_interlace() {
        let spec = parse("d10 1 2 sda /dev/sdb -i 64k").unwrap();
        assert_eq!(spec.rows.len(), 1);
        assert_eq!(spec.rows[0].interlace, Sectors(128));
        assert_eq!(spec.rows[0].devices, ["/dev/sda", "/dev/sdb"]);
        assert_eq!(spec.to_string(), "d10 1 2 /dev/sda /dev/sdb -i 128b");
    }

    #[test]
    fn each_row_has_its_own_interlace() {
        let spec = parse("d75 2 2 a b 2 c d -i32k").unwrap();
        assert_eq!(spec.rows[0].interlace, INTERLACE_DEFAULT);
        assert_eq!(spec.rows[1].interlace, Sectors(64));
    }

    #[test]
    fn errors_point_at_the_word() {
        assert_eq!(refusal("").0, 0);
        assert_eq!(refusal("10 1 1 a").0, 0);
        assert_eq!(refusal("d1").0, 1);
        assert_eq!(refusal("d1 0 1 a").0, 1);
        assert_eq!(refusal("d1 1025 1 a").0, 1);
        assert_eq!(refusal("d1 1 x a").0, 2);
        assert_eq!(refusal("d1 1 3 a b").0, 5);
        assert_eq!(refusal("d1 1 3 a b -i 64k").0, 5);
        assert_eq!(refusal("d1 1 2 a b c").0, 5);
        assert_eq!(refusal("d1 1 2 a b -i").0, 6);
        assert_eq!(refusal("d1 1 2 a b -i 1k").0, 6);
        assert_eq!(refusal("d1 1 2 a b -i1k").0, 5);
        assert_eq!(refusal("d1 1 2 a b -h hsp001").0, 5);
        assert_eq!(refusal("d1 1 2 a b/c").0, 4);
        assert_eq!(refusal("d1 2 1 a").0, 4);
    }

    #[test]
    fn reasons_say_what_was_counted() {
        let (_, reason) = refusal("d1 2 1 a 3 b c -i 64k");
        assert_eq!(
            reason,
            "\"-i\" is not a component: row 1 has width 3, but only 2 components"
        );
        let (_, reason) = refusal("d1 1 2 a b c");
        assert_eq!(
            reason,
            "\"c\" is one word too many: ROWS is 1 and WIDTH of the last row is 2"
        );
    }

    #[test]
    fn components_are_limited_over_all_rows() {
        let row = |width: usize| format!(" {width}{}", " a".repeat(width));
        assert!(parse(&format!("d1 2{}{}", row(1000), row(24))).is_ok());
        let (word, reason) = refusal(&format!("d1 2{}{}", row(1000), row(25)));
        assert_eq!((word, reason.contains("1024")), (1003, true));
    }

    #[test]
    fn the_pointer_stands_below_the_wrong_word() {
        let line = words("d1 1 2 a b -i 1k");
        let error = StripeSpec::parse(&line).unwrap_err();
        assert_eq!(error.pointer(&line), "d1 1 2 a b -i 1k\n              ^^");
        let line = words("d1 1 2 a");
        let error = StripeSpec::parse(&line).unwrap_err();
        assert_eq!(error.pointer(&line), "d1 1 2 a\n         ^");
    }

    /// Any row that the grammar can express.
    fn any_row() -> impl Strategy<Value = RowSpec> {
        let devices = prop::collection::vec("/dev/[a-z][-a-z0-9:.,_/]{0,20}", 1..6);
        (16_u64..=204_800, devices).prop_map(|(interlace, devices)| RowSpec {
            interlace: Sectors(interlace),
            devices,
        })
    }

    proptest! {
        #[test]
        fn printed_rows_are_read_back(rows in prop::collection::vec(any_row(), 1..6)) {
            let spec = StripeSpec { name: "d7".parse().unwrap(), rows };
            prop_assert_eq!(parse(&spec.to_string()), Ok(spec));
        }

        #[test]
        fn no_line_is_a_panic(
            words in prop::collection::vec("d1|[0-4]|-i|-i8k|sd[ab]|16b|/|-|.*", 0..12),
        ) {
            if let Err(error) = StripeSpec::parse(&words) {
                prop_assert!(error.word <= words.len());
                prop_assert!(error.pointer(&words).contains('^'));
            }
        }
    }
}
