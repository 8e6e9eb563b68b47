// SPDX-License-Identifier: GPL-2.0
//! RAID5 metadevices, as `metainit` and md.tab have them (`svm.md` section 10):
//!
//! ```text
//! NAME -r COMPONENT COMPONENT COMPONENT... [-i INTERLACE] [-o COUNT] [-h POOL] [PACE]
//!     [--svm-rotation] [--no-log] [-k]
//! ```
//!
//! The first COUNT components are those that it was made of, the others were attached later. SVM's
//! `-w COUNT` is read and means nothing: there are always as many slots as are needed.

use super::{
    name::{
        component_path,
        component_word,
        MetadeviceName, //
    },
    pace::Pace,
    pool::{
        PoolName,
        POOL, //
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
use std::{
    fmt,
    ops::RangeInclusive, //
};

/// The word that makes a RAID5 metadevice, in the place of ROWS.
pub const RAID: &str = "-r";

/// The word that asks for [`RaidSpec::keep`].
pub const KEEP: &str = "-k";

/// The word that asks for [`RaidSpec::has_svm_rotation`].
const SVM_ROTATION: &str = "--svm-rotation";

/// The word that asks not for [`RaidSpec::has_log`].
const NO_LOG: &str = "--no-log";

/// The option for the number of components that were there from the beginning.
const ORIGINAL: &str = "-o";

/// SVM's option for the number of prewrite slots.
const SLOTS: &str = "-w";

/// What SVM allows of these (`svm.md` section 5.1).
const SLOT_COUNTS: RangeInclusive<u32> = 10..=100;

/// A RAID5 metadevice that someone wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RaidSpec {
    /// Its name.
    pub name: MetadeviceName,
    /// Full paths of its columns, those that were attached last.
    pub devices: Vec<String>,
    /// How many of them were attached.
    pub attached: usize,
    /// How much lies on one column before it is the next one's turn.
    pub interlace: Sectors,
    /// Its hot spare pool, if it has one.
    pub pool: Option<PoolName>,
    /// How fast it is made.
    pub pace: Pace,
    /// Whether the parity goes around as in SVM.
    pub has_svm_rotation: bool,
    /// Whether its writes are in a log, so that a crash leaves none half done.
    pub has_log: bool,
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
        let devices = words.columns()?;
        let mut spec = RaidSpec {
            name,
            devices,
            attached: 0,
            interlace: INTERLACE_DEFAULT,
            pool: None,
            pace: Pace::default(),
            has_svm_rotation: false,
            has_log: true,
            keep: false,
        };
        while words.peek().is_some() {
            words.raid_option(&mut spec)?;
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
        if self.attached > 0 {
            write!(f, " {ORIGINAL} {}", self.devices.len() - self.attached)?;
        }
        if let Some(pool) = self.pool {
            write!(f, " {POOL} {pool}")?;
        }
        write!(f, "{}", self.pace)?;
        if self.has_svm_rotation {
            write!(f, " {SVM_ROTATION}")?;
        }
        if !self.has_log {
            write!(f, " {NO_LOG}")?;
        }
        if self.keep {
            write!(f, " {KEEP}")?;
        }
        Ok(())
    }
}

impl Words<'_> {
    /// Reads the columns: all words up to an option or the end.
    fn columns(&mut self) -> Result<Vec<String>, SyntaxError> {
        let first = self.next;
        let mut devices = Vec::new();
        while let Some(word) = self.peek().filter(|word| !word.starts_with('-')) {
            devices.push(component_path(word).map_err(|reason| self.wrong(&reason))?);
            self.next += 1;
        }
        let found = devices.len();
        if (COLUMNS_MIN as usize..=COLUMNS_MAX as usize).contains(&found) {
            return Ok(devices);
        }
        let reason = format!("RAID5 has {COLUMNS_MIN} to {COLUMNS_MAX} components, not {found}");
        Err(SyntaxError::at(first, reason))
    }

    /// Reads an option, which comes next, with its value.
    fn raid_option(&mut self, spec: &mut RaidSpec) -> Result<(), SyntaxError> {
        if self.pace(&mut spec.pace)? {
            return Ok(());
        }
        match self.peek().unwrap_or_default() {
            KEEP if !spec.keep => spec.keep = true,
            SVM_ROTATION if !spec.has_svm_rotation => spec.has_svm_rotation = true,
            NO_LOG if spec.has_log => spec.has_log = false,
            ORIGINAL if spec.attached == 0 => {
                let count = spec.devices.len();
                let most = u32::try_from(count).unwrap_or(COLUMNS_MAX);
                let original = self.number("COUNT", COLUMNS_MIN..=most)?;
                spec.attached = count - original as usize;
                return Ok(());
            }
            SLOTS => {
                self.number("COUNT", SLOT_COUNTS)?;
                return Ok(());
            }
            POOL if spec.pool.is_none() => {
                spec.pool = self.pool()?;
                return Ok(());
            }
            word if word.starts_with("-i") => {
                spec.interlace = self.raid_interlace()?;
                return Ok(());
            }
            _ => {
                return Err(self.wrong(
                    "is not an option of RAID5: -i INTERLACE, -o COUNT, -h POOL, --no-log and -k \
                     are, each once",
                ));
            }
        }
        self.next += 1;
        Ok(())
    }

    /// Reads an option, which comes next, and its number.
    pub(super) fn number(
        &mut self,
        what: &str,
        range: RangeInclusive<u32>,
    ) -> Result<u32, SyntaxError> {
        self.next += 1;
        let word = self.peek().ok_or_else(|| self.missing(what))?;
        let number = word.parse().ok().filter(|number| range.contains(number));
        let number = number.ok_or_else(|| {
            let (least, most) = (range.start(), range.end());
            self.wrong(&format!("is not {what}, a number from {least} to {most}"))
        })?;
        self.next += 1;
        Ok(number)
    }

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
    use super::{
        super::pace::tests::any_pace,
        *, //
    };
    use md_abi::admin::UNITS_MAX;
    use proptest::prelude::*;

    /// Any RAID5 metadevice that the grammar can express, over few components.
    pub(in crate::syntax) fn any_raid() -> impl Strategy<Value = RaidSpec> {
        let device = "/dev/[a-z][-a-z0-9:.,_/#]{0,20}";
        let devices = prop::collection::vec(device, 3..6);
        let pool = prop::option::of(0..1000_u32);
        (
            (0..UNITS_MAX, devices, 0..3_usize, 1..=25_600_u64),
            (pool, any_pace(), any::<[bool; 3]>()),
        )
            .prop_map(
                |(
                    (number, devices, attached, interlace),
                    (pool, pace, [rotation, has_log, keep]),
                )| RaidSpec {
                    name: MetadeviceName::from_number(number).unwrap(),
                    attached: attached.min(devices.len() - 3),
                    devices,
                    interlace: Sectors(interlace * 8),
                    pool: pool.and_then(PoolName::from_number),
                    pace,
                    has_svm_rotation: rotation,
                    has_log,
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

    /// `svm.md` section 10: `-o` and `-h` as in SVM; `-w` is read and forgotten.
    #[test]
    fn columns_that_were_attached_come_last() {
        let spec = parse("d20 -r a b c d e -w 20 -h hsp007 -o 3 -k").unwrap();
        assert_eq!((spec.devices.len(), spec.attached), (5, 2));
        assert_eq!(
            spec.to_string(),
            "d20 -r /dev/a /dev/b /dev/c /dev/d /dev/e -i 1024b -o 3 -h hsp007 -k"
        );
        let spec = parse("d20 -r a b c --svm-rotation --resync-floor 5").unwrap();
        assert!(spec.has_svm_rotation && spec.has_log);
        assert_eq!(spec.pace.floor_kib_s, 5);
        let spec = parse("d20 -r a b c --no-log").unwrap();
        assert!(!spec.has_log && !spec.has_svm_rotation);
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
            ("d20 -r a b c --no-log --no-log", 6),
            ("d20 -r a b c -o 2", 6),
            ("d20 -r a b c -o 4", 6),
            ("d20 -r a b c -o", 6),
            ("d20 -r a b c d -o 3 -o 3", 8),
            ("d20 -r a b c -h hsp1", 6),
            ("d20 -r a b c -h", 6),
            ("d20 -r a b c -w 9", 6),
            ("d20 -r a b c -x", 5),
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
