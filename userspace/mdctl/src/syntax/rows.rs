// SPDX-License-Identifier: GPL-2.0
//! The rows of a stripe or concat, as `metainit` and md.tab have them:
//!
//! ```text
//! NAME ROWS (WIDTH COMPONENT... [-i INTERLACE])... [-h POOL] [--keep-data]
//! ```
//!
//! A row without `-i` has the default interlace, whatever the row before it has.

use super::{
    name::{
        component_path,
        component_word,
        MetadeviceName, //
    },
    pool::{
        PoolName,
        POOL, //
    },
    size::{
        parse_interlace,
        Sectors,
        INTERLACE_DEFAULT, //
    },
    words::Words,
    SyntaxError, //
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
    /// Its hot spare pool, if it has one.
    pub pool: Option<PoolName>,
    /// Whether it begins where its only component begins, so that it shows what is on that.
    pub keep_data: bool,
}

/// The word that asks for [`StripeSpec::keep_data`].
pub const KEEP_DATA: &str = "--keep-data";

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
        let mut words = Words::new(words);
        let name = words.name()?;
        let row_count = words.row_count()?;
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
        let pool = words.pool()?;
        let keep_data = words.skip(KEEP_DATA);
        words.end(&rows, keep_data)?;
        Ok(StripeSpec {
            name,
            rows,
            pool,
            keep_data,
        })
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
            let components: Vec<_> = row
                .devices
                .iter()
                .map(|path| component_word(path))
                .collect();
            write!(f, " {} {}", components.len(), components.join(" "))?;
            if components.len() > 1 || row.interlace != INTERLACE_DEFAULT {
                write!(f, " -i {}", row.interlace.to_word())?;
            }
        }
        if let Some(pool) = self.pool {
            write!(f, " {POOL} {pool}")?;
        }
        if self.keep_data {
            write!(f, " {KEEP_DATA}")?;
        }
        Ok(())
    }
}

impl Words<'_> {
    /// Reads ROWS, in whose place other kinds of metadevices have an option.
    fn row_count(&mut self) -> Result<u32, SyntaxError> {
        if let Some(other) = self.peek().and_then(other_kind) {
            return Err(self.wrong(&format!("makes {other}, which this version does not have")));
        }
        let row_count = self.count("ROWS", ROWS_MAX)?;
        self.one_with_keep_data(row_count)
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
        let width = self.one_with_keep_data(width)?;
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

    /// Sees that a count is 1 if the data is to be kept. The word is looked for ahead, since
    /// whatever else is wrong with a line of several components, this is.
    fn one_with_keep_data(&self, count: u32) -> Result<u32, SyntaxError> {
        match self.words.iter().position(|word| word == KEEP_DATA) {
            Some(word) if count != 1 => Err(SyntaxError::at(
                word,
                format!("\"{KEEP_DATA}\" is for one component: ROWS and WIDTH are 1"),
            )),
            _ => Ok(count),
        }
    }

    /// Sees that no word is left.
    fn end(&self, rows: &[RowSpec], keep_data: bool) -> Result<(), SyntaxError> {
        let Some(word) = self.peek() else {
            return Ok(());
        };
        if keep_data {
            return Err(self.wrong(&format!("is one word too many behind {KEEP_DATA}")));
        }
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

/// The kind of metadevice that SVM makes with an option in the place of ROWS, and we do not.
fn other_kind(option: &str) -> Option<&'static str> {
    match option {
        "-t" => Some("a trans metadevice"),
        _ => None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use md_abi::admin::UNITS_MAX;
    use proptest::prelude::*;

    /// Splits a line at blanks, as the shell would.
    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(String::from).collect()
    }

    /// Any metadevice that the grammar can express, over few enough components to be readable.
    pub(in crate::syntax) fn any_stripe() -> impl Strategy<Value = StripeSpec> {
        let device = "/dev/[a-z][-a-z0-9:.,_/#]{0,20}|/dev/md/dsk/d[1-9]";
        let row = (16_u64..=204_800, prop::collection::vec(device, 1..6));
        let rows = prop::collection::vec(row, 1..6);
        (0..UNITS_MAX, rows, any::<bool>()).prop_map(|(number, rows, keep_data)| {
            let keep_data = keep_data && matches!(&rows[..], [(_, devices)] if devices.len() == 1);
            let spec = |(interlace, devices)| RowSpec {
                interlace: Sectors(interlace),
                devices,
            };
            StripeSpec {
                name: MetadeviceName::from_number(number).unwrap(),
                rows: rows.into_iter().map(spec).collect(),
                pool: PoolName::from_number(number % 2000),
                keep_data,
            }
        })
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
        assert_eq!(refusal("d1 1 2 a b -h hsp01").0, 6);
        assert_eq!(refusal("d1 1 2 a b -h").0, 6);
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
    fn what_svm_has_and_this_version_not_is_called_by_its_name() {
        for (line, at, what) in [
            ("red/d1 1 1 a", 0, "a metadevice of a disk set"),
            ("d1 -t d2 d3", 1, "a trans metadevice"),
        ] {
            let (word, reason) = refusal(line);
            assert_eq!(word, at, "{line}");
            let end = format!(" {what}, which this version does not have");
            assert!(reason.ends_with(&end), "{reason}");
        }
        let (_, reason) = refusal("mddb01 -c 3 a");
        assert!(reason.ends_with("replicas of the state database, which metadb makes"));
    }

    #[test]
    fn data_is_kept_on_one_component_only() {
        let kept = |line: &str| parse(line).unwrap().keep_data;
        assert!(kept("d1 1 1 a --keep-data"));
        assert!(kept("d1 1 1 a -i 64k --keep-data"));
        assert!(!kept("d1 1 1 a"));
        for (line, at) in [
            ("d1 2 1 a 1 b --keep-data", 6),
            ("d1 2 1 a --keep-data 1 b", 4),
            ("d1 1 2 a b --keep-data", 5),
            ("d1 1 2 a --keep-data", 4),
        ] {
            let reason = "\"--keep-data\" is for one component: ROWS and WIDTH are 1";
            assert_eq!(refusal(line), (at, reason.to_string()));
        }
        let (word, reason) = refusal("d1 1 1 a --keep-data -i 64k");
        assert_eq!(word, 5);
        assert_eq!(reason, "\"-i\" is one word too many behind --keep-data");
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

    proptest! {
        #[test]
        fn printed_rows_are_read_back(spec in any_stripe()) {
            prop_assert_eq!(parse(&spec.to_string()), Ok(spec));
        }

        #[test]
        fn no_line_is_a_panic(
            words in prop::collection::vec("d1|[0-4]|-i|-i8k|sd[ab]|16b|/|-|--keep-data|.*", 0..12),
        ) {
            if let Err(error) = StripeSpec::parse(&words) {
                prop_assert!(error.word <= words.len());
                prop_assert!(error.pointer(&words).contains('^'));
            }
        }
    }
}
