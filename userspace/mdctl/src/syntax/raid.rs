// SPDX-License-Identifier: GPL-2.0
//! RAID5 metadevices, as `metainit` and md.tab have them:
//!
//! ```text
//! NAME -r COMPONENT COMPONENT COMPONENT... [-i INTERLACE] [-k]
//! ```

use super::{
    name::{
        component_path,
        component_word,
        MetadeviceName, //
    },
    size::{
        parse_raid_interlace,
        Sectors,
        INTERLACE_DEFAULT, //
    },
    words::Words,
    SyntaxError, //
};
use md_model::raid5::{
    COLUMNS_MAX,
    COLUMNS_MIN, //
};
use std::fmt;

/// The word that makes a RAID5 metadevice, in the place of ROWS.
pub const RAID: &str = "-r";

/// The word that asks for [`RaidSpec::keep`].
pub const KEEP: &str = "-k";

/// A RAID5 metadevice that someone wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RaidSpec {
    /// Its name.
    pub name: MetadeviceName,
    /// Full paths of its columns.
    pub devices: Vec<String>,
    /// How much lies on one column before it is the next one's turn.
    pub interlace: Sectors,
    /// Whether the parity fits what is on the columns, so that it is not made.
    pub keep: bool,
}

impl RaidSpec {
    /// Reads the words of a command line or md.tab line, the name first.
    pub fn parse(words: &[String]) -> Result<Self, SyntaxError> {
        let mut words = Words::new(words);
        let name = words.name()?;
        if !words.skip(RAID) {
            return Err(words.missing(RAID));
        }
        let first = words.next;
        let mut devices = Vec::new();
        while let Some(word) = words.peek().filter(|word| !word.starts_with('-')) {
            devices.push(component_path(word).map_err(|reason| words.wrong(&reason))?);
            words.next += 1;
        }
        let found = devices.len();
        if !(COLUMNS_MIN as usize..=COLUMNS_MAX as usize).contains(&found) {
            let reason =
                format!("RAID5 has {COLUMNS_MIN} to {COLUMNS_MAX} components, not {found}");
            return Err(SyntaxError::at(first, reason));
        }
        let mut spec = RaidSpec {
            name,
            devices,
            interlace: INTERLACE_DEFAULT,
            keep: false,
        };
        while let Some(word) = words.peek() {
            match word {
                KEEP if !spec.keep => spec.keep = true,
                word if word.starts_with("-i") => {
                    spec.interlace = words.raid_interlace()?;
                    continue;
                }
                "-o" => {
                    return Err(words.wrong(
                        "asks for columns that were added later, which no \
                                            RAID5 metadevice of this version has",
                    ));
                }
                "-h" => {
                    return Err(words.wrong(
                        "asks for a hot spare pool, which only a stripe or \
                                            concat of this version has",
                    ));
                }
                "-w" => {
                    return Err(words.wrong(
                        "asks for a number of prewrite slots, which are \
                                            always as many as are needed",
                    ));
                }
                _ => return Err(words.wrong("is not an option of RAID5: -i INTERLACE and -k are")),
            }
            words.next += 1;
        }
        Ok(spec)
    }
}

impl fmt::Display for RaidSpec {
    /// One line in md.tab syntax.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<_> = self
            .devices
            .iter()
            .map(|path| component_word(path))
            .collect();
        let interlace = self.interlace.to_word();
        write!(
            f,
            "{} {RAID} {} -i {interlace}",
            self.name,
            columns.join(" ")
        )?;
        if self.keep {
            write!(f, " {KEEP}")?;
        }
        Ok(())
    }
}

impl Words<'_> {
    /// Reads `-i INTERLACE` or `-iINTERLACE`, which comes next.
    fn raid_interlace(&mut self) -> Result<Sectors, SyntaxError> {
        let attached = self.peek().and_then(|word| word.strip_prefix("-i"));
        let mut word = attached.unwrap_or_default().to_string();
        if word.is_empty() {
            self.next += 1;
            let next = self.peek().ok_or_else(|| self.missing("INTERLACE"))?;
            word = next.to_string();
        }
        let interlace = parse_raid_interlace(&word).map_err(|reason| self.wrong(&reason))?;
        self.next += 1;
        Ok(interlace)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use md_abi::admin::UNITS_MAX;
    use proptest::prelude::*;

    /// Any RAID5 metadevice that the grammar can express, over few components.
    pub(in crate::syntax) fn any_raid() -> impl Strategy<Value = RaidSpec> {
        let device = "/dev/[a-z][-a-z0-9:.,_/#]{0,20}";
        let devices = prop::collection::vec(device, 3..6);
        (0..UNITS_MAX, devices, 1..=25_600_u64, any::<bool>()).prop_map(
            |(number, devices, interlace, keep)| RaidSpec {
                name: MetadeviceName::from_number(number).unwrap(),
                devices,
                interlace: Sectors(interlace * 8),
                keep,
            },
        )
    }

    fn parse(line: &str) -> Result<RaidSpec, SyntaxError> {
        let words: Vec<_> = line.split_whitespace().map(String::from).collect();
        RaidSpec::parse(&words)
    }

    #[test]
    fn columns_and_options() {
        let spec = parse("d20 -r sda sdb /dev/sdc -i 64k -k").unwrap();
        assert_eq!(spec.devices, ["/dev/sda", "/dev/sdb", "/dev/sdc"]);
        assert_eq!((spec.interlace, spec.keep), (Sectors(128), true));
        assert_eq!(
            spec.to_string(),
            "d20 -r /dev/sda /dev/sdb /dev/sdc -i 128b -k"
        );
        let spec = parse("d20 -r a b c").unwrap();
        assert_eq!((spec.interlace, spec.keep), (INTERLACE_DEFAULT, false));
        assert_eq!(parse("d20 -r a b c -i4k").unwrap().interlace, Sectors(8));
    }

    #[test]
    fn errors_point_at_the_word() {
        for (line, at) in [
            ("d20 -r a b", 2),
            ("d20 -r", 2),
            ("d20 -r a b c -i", 6),
            ("d20 -r a b c -i 2k", 6),
            ("d20 -r a b c -i 9b", 6),
            ("d20 -r a b c -k -k", 6),
            ("d20 -r a b c -o 3", 5),
            ("d20 -r a b c -h hsp001", 5),
            ("d20 -r a b c -w 20", 5),
            ("d20 -r a b/c d", 3),
            ("d20 -r a b c -i 64k d", 7),
        ] {
            assert_eq!(parse(line).unwrap_err().word, at, "{line}");
        }
    }

    proptest! {
        #[test]
        fn printed_metadevices_are_read_back(spec in any_raid()) {
            prop_assert_eq!(parse(&spec.to_string()), Ok(spec));
        }
    }
}
