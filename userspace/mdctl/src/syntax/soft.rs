// SPDX-License-Identifier: GPL-2.0
//! A soft partition, as `metainit` and md.tab have it (`svm.md` section 10):
//!
//! ```text
//! NAME -p BASE (SIZE | all) [-A ALIGNMENT]
//! NAME -p BASE (-o OFFSET -b LENGTH)... [-A ALIGNMENT]
//! NAME -p -e DISK (SIZE | all) [-A ALIGNMENT]
//! ```
//!
//! With extents the alignment is that of those which are added later.

use super::{
    name::{
        component_path,
        component_word,
        MetadeviceName, //
    },
    size::{
        parse_amount,
        Sectors, //
    },
    words::Words,
    SyntaxError, //
};
use md_abi::admin::{
    Extent,
    EXTENTS_MAX, //
};
use std::fmt;

/// The word behind the name that asks for a soft partition.
pub const SOFT_PARTITION: &str = "-p";

/// The word behind that one which asks for a partition on a disk.
pub const NEW_PARTITION: &str = "-e";

/// The word for all that is free.
pub const ALL: &str = "all";

/// A soft partition that someone wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SoftSpec {
    /// Its name.
    pub name: MetadeviceName,
    /// Path of its base.
    pub base: String,
    /// Whether that is a disk of which a partition is to be made first, that is the base.
    pub on_new_partition: bool,
    /// Where it is there.
    pub place: Place,
}

/// Where a soft partition is on its base.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Place {
    /// Where there is room.
    Free {
        /// How much.
        amount: Amount,
        /// What its data begins on a multiple of, if that is not left to the kernel.
        alignment: Option<Sectors>,
    },
    /// In these extents.
    Extents {
        /// Where they are.
        extents: Vec<Extent>,
        /// What the data of those begins on a multiple of that are added later, if that is not left
        /// to the kernel.
        alignment: Option<Sectors>,
    },
}

/// How much somebody wants.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Amount {
    /// So much.
    Size(Sectors),
    /// All there is.
    All,
}

impl Amount {
    /// Reads a size, or the word for all. The error is a reason, in words.
    pub fn parse(word: &str) -> Result<Self, String> {
        if word.eq_ignore_ascii_case(ALL) {
            return Ok(Amount::All);
        }
        match parse_amount(word)? {
            Sectors(0) => Err("is nothing at all".into()),
            size => Ok(Amount::Size(size)),
        }
    }
}

impl SoftSpec {
    /// Reads the words of a command line or md.tab line, the name first, of which the second one
    /// is [`SOFT_PARTITION`].
    pub fn parse(words: &[String]) -> Result<Self, SyntaxError> {
        let mut words = Words::new(words);
        let name = words.name()?;
        if !words.skip(SOFT_PARTITION) {
            return Err(words.missing(SOFT_PARTITION));
        }
        let on_new_partition = words.skip(NEW_PARTITION);
        let base = words.base(on_new_partition)?;
        let place = match words.peek() {
            Some("-o") if !on_new_partition => Place::Extents {
                extents: words.extents()?,
                alignment: words.alignment()?,
            },
            _ => words.free()?,
        };
        if words.peek().is_some() {
            return Err(words.wrong("is one word too many"));
        }
        Ok(SoftSpec {
            name,
            base,
            on_new_partition,
            place,
        })
    }
}

impl fmt::Display for SoftSpec {
    /// One line in md.tab syntax.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base = component_word(&self.base);
        write!(f, "{} {SOFT_PARTITION}", self.name)?;
        if self.on_new_partition {
            write!(f, " {NEW_PARTITION}")?;
        }
        write!(f, " {base}")?;
        match &self.place {
            Place::Free { amount, alignment } => {
                match amount {
                    Amount::Size(size) => write!(f, " {}", size.to_word())?,
                    Amount::All => write!(f, " {ALL}")?,
                }
                write_alignment(f, *alignment)
            }
            Place::Extents { extents, alignment } => {
                for Extent { sector, count } in extents {
                    write!(f, " -o {sector} -b {count}")?;
                }
                write_alignment(f, *alignment)
            }
        }
    }
}

fn write_alignment(f: &mut fmt::Formatter<'_>, alignment: Option<Sectors>) -> fmt::Result {
    match alignment {
        Some(alignment) => write!(f, " -A {}", alignment.to_word()),
        None => Ok(()),
    }
}

impl Words<'_> {
    /// Reads the base, or the disk that it is to be on.
    fn base(&mut self, is_disk: bool) -> Result<String, SyntaxError> {
        let word = self.peek().ok_or_else(|| self.missing("the base"))?;
        let path = component_path(word).map_err(|reason| self.wrong(&reason))?;
        if is_disk && MetadeviceName::at_path(&path).is_some() {
            return Err(self.wrong("is a metadevice, and those are not partitioned"));
        }
        self.next += 1;
        Ok(path)
    }

    /// Reads a size, and the alignment before or behind it.
    fn free(&mut self) -> Result<Place, SyntaxError> {
        let before = self.alignment()?;
        let word = self.peek().ok_or_else(|| self.missing("SIZE"))?;
        let amount = Amount::parse(word).map_err(|reason| self.wrong(&reason))?;
        self.next += 1;
        let alignment = match before {
            Some(alignment) => Some(alignment),
            None => self.alignment()?,
        };
        Ok(Place::Free { amount, alignment })
    }

    /// Reads `-A ALIGNMENT`, if it comes next.
    fn alignment(&mut self) -> Result<Option<Sectors>, SyntaxError> {
        if !self.skip("-A") {
            return Ok(None);
        }
        let word = self.peek().ok_or_else(|| self.missing("ALIGNMENT"))?;
        let alignment = parse_amount(word).map_err(|reason| self.wrong(&reason))?;
        if alignment == Sectors(0) {
            return Err(self.wrong("is no alignment"));
        }
        self.next += 1;
        Ok(Some(alignment))
    }

    /// Reads pairs of offset and length, at least one.
    fn extents(&mut self) -> Result<Vec<Extent>, SyntaxError> {
        let mut extents = Vec::new();
        while self.skip("-o") {
            let sector = self.block_number("OFFSET")?;
            if !self.skip("-b") {
                return Err(self.missing("-b LENGTH"));
            }
            let count = self.block_number("LENGTH")?;
            if extents.len() == EXTENTS_MAX as usize {
                let reason = format!("a soft partition has at most {EXTENTS_MAX} extents");
                return Err(SyntaxError::at(self.next - 1, reason));
            }
            extents.push(Extent { sector, count });
        }
        Ok(extents)
    }

    /// Reads a plain number of blocks that is not zero.
    fn block_number(&mut self, what: &str) -> Result<u64, SyntaxError> {
        let word = self.peek().ok_or_else(|| self.missing(what))?;
        let number = Some(word)
            .filter(|word| word.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|word| word.parse().ok())
            .filter(|number| *number > 0)
            .ok_or_else(|| self.wrong(&format!("is not {what}, a number of blocks")))?;
        self.next += 1;
        Ok(number)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(line: &str) -> Result<SoftSpec, SyntaxError> {
        let words: Vec<_> = line.split_whitespace().map(String::from).collect();
        SoftSpec::parse(&words)
    }

    /// Any soft partition that the grammar can express.
    pub(in crate::syntax) fn any_soft() -> impl Strategy<Value = SoftSpec> {
        let amount = prop_oneof![
            Just(Amount::All),
            (1_u64..1 << 40).prop_map(|size| Amount::Size(Sectors(size))),
        ];
        let alignment = prop::option::of((1_u64..1 << 20).prop_map(Sectors));
        let free =
            (amount, alignment).prop_map(|(amount, alignment)| Place::Free { amount, alignment });
        let extent =
            (1_u64..u64::MAX, 1_u64..u64::MAX).prop_map(|(sector, count)| Extent { sector, count });
        let alignment = prop::option::of((1_u64..1 << 20).prop_map(Sectors));
        let extents = (prop::collection::vec(extent, 1..5), alignment)
            .prop_map(|(extents, alignment)| Place::Extents { extents, alignment });
        let base = "/dev/[a-z][a-z0-9]{0,9}|/dev/md/dsk/d[1-9]";
        let wanted = (0_u32..8192, base, prop_oneof![free, extents], any::<bool>());
        wanted.prop_map(|(number, base, place, is_disk)| SoftSpec {
            name: MetadeviceName::from_number(number).unwrap(),
            on_new_partition: is_disk
                && matches!(place, Place::Free { .. })
                && MetadeviceName::at_path(&base).is_none(),
            base,
            place,
        })
    }

    #[test]
    fn sizes_have_units_and_all_is_one() {
        let spec = parse("d20 -p d10 100m").unwrap();
        assert_eq!(spec.base, "/dev/md/dsk/d10");
        assert_eq!(spec.to_string(), "d20 -p d10 204800b");
        let spec = parse("d20 -p sda -A 64k 1g").unwrap();
        assert_eq!(spec.to_string(), "d20 -p /dev/sda 2097152b -A 128b");
        assert_eq!(parse("d20 -p sda 1g -A 64k"), Ok(spec));
        let spec = parse("d20 -p sda ALL").unwrap();
        assert_eq!(spec.to_string(), "d20 -p /dev/sda all");
        let spec = parse("d20 -p sda -o 4096 -b 32 -o 8192 -b 16").unwrap();
        assert_eq!(
            spec.to_string(),
            "d20 -p /dev/sda -o 4096 -b 32 -o 8192 -b 16"
        );
    }

    #[test]
    fn errors_point_at_the_word() {
        for (line, word) in [
            ("d20 -p", 2),
            ("d20 -p sda", 3),
            ("d20 -p sda 100", 3),
            ("d20 -p sda 0m", 3),
            ("d20 -p sda 100m 200m", 4),
            ("d20 -p sda -A 64k", 5),
            ("d20 -p sda 1g -A", 5),
            ("d20 -p sda 1g -A 0b", 5),
            ("d20 -p sda -o 16", 5),
            ("d20 -p sda -o 16 -b", 6),
            ("d20 -p sda -o 0 -b 16", 4),
            ("d20 -p sda -o 16 -b 16k", 6),
            ("d20 -p sda -A 8k -o 16 -b 16", 5),
            ("d20 -p -e", 3),
            ("d20 -p -e d10 100m", 3),
            ("d20 -p -e sda -o 16 -b 16", 4),
        ] {
            assert_eq!(parse(line).unwrap_err().word, word, "{line}");
        }
    }
}
