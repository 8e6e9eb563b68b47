// SPDX-License-Identifier: GPL-2.0
//! A mirror, as `metainit` and md.tab have it (`svm.md` section 10):
//!
//! ```text
//! NAME -m SUBMIRROR... [-g | -r | -H] [-S | -C] [PACE] [PASS]
//! ```
//!
//! and the words for its options, which `metaparam` takes too. PACE is [`super::pace`]'s.

use super::{
    name::MetadeviceName,
    pace::Pace,
    words::Words,
    SyntaxError, //
};
use md_abi::admin::{
    PASS_MAX,
    SUBMIRRORS_MAX, //
};
use md_report::{
    ReadPolicy,
    WritePolicy, //
};
use std::fmt;

/// The word behind the name that asks for a mirror.
pub const MIRROR: &str = "-m";

/// Pass number of a mirror for which none is given (`svm.md` section 4.1).
pub const PASS_DEFAULT: u32 = 1;

/// A mirror that someone wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MirrorSpec {
    /// Its name.
    pub name: MetadeviceName,
    /// Its sides, 1 to 4.
    pub submirrors: Vec<MetadeviceName>,
    /// Its options.
    pub options: Options,
    /// How fast it is resynced.
    pub pace: Pace,
}

/// Options of a mirror.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Options {
    /// Which side a read goes to.
    pub read_policy: ReadPolicy,
    /// How writes go to the sides.
    pub write_policy: WritePolicy,
    /// When it is resynced after a crash, 1 to 9; 0 for never.
    pub pass: u32,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            read_policy: ReadPolicy::default(),
            write_policy: WritePolicy::default(),
            pass: PASS_DEFAULT,
        }
    }
}

impl MirrorSpec {
    /// Reads the words of a command line or md.tab line, the name first, of which the second one
    /// is [`MIRROR`].
    pub fn parse(words: &[String]) -> Result<Self, SyntaxError> {
        let mut words = Words::new(words);
        let name = words.name()?;
        if !words.skip(MIRROR) {
            return Err(words.missing(MIRROR));
        }
        let submirrors = words.submirrors()?;
        let (options, pace) = words.options()?;
        if words.peek().is_some() {
            return Err(words.wrong("is one word too many behind PASS"));
        }
        Ok(MirrorSpec {
            name,
            submirrors,
            options,
            pace,
        })
    }

    /// The same mirror over some of its submirrors.
    pub fn over(&self, submirrors: Vec<MetadeviceName>) -> Self {
        MirrorSpec {
            submirrors,
            ..self.clone()
        }
    }
}

impl fmt::Display for MirrorSpec {
    /// One line in md.tab syntax. The pass number always stands there, as in SVM.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {MIRROR}", self.name)?;
        for submirror in &self.submirrors {
            write!(f, " {submirror}")?;
        }
        let Options {
            read_policy,
            write_policy,
            pass,
        } = self.options;
        let flags = [read_flag(read_policy), write_flag(write_policy)];
        for flag in flags.into_iter().flatten() {
            write!(f, " {flag}")?;
        }
        write!(f, "{} {pass}", self.pace)
    }
}

impl Words<'_> {
    /// Reads the submirrors: all words up to an option, the pass number or the end.
    fn submirrors(&mut self) -> Result<Vec<MetadeviceName>, SyntaxError> {
        let mut submirrors = Vec::new();
        while let Some(word) = self.peek().filter(|word| !ends_submirrors(word)) {
            if submirrors.len() == SUBMIRRORS_MAX as usize {
                let reason = format!("is one too many: a mirror has at most {SUBMIRRORS_MAX}");
                return Err(self.wrong(&format!("{reason} submirrors")));
            }
            let submirror = word.parse().map_err(|reason: String| {
                self.wrong(&format!("{reason}, and a submirror is one"))
            })?;
            submirrors.push(submirror);
            self.next += 1;
        }
        if submirrors.is_empty() {
            return Err(self.missing("the first submirror"));
        }
        Ok(submirrors)
    }

    /// Reads options, pace and pass number.
    fn options(&mut self) -> Result<(Options, Pace), SyntaxError> {
        let (mut options, mut pace) = (Options::default(), Pace::default());
        while let Some(word) = self.peek().filter(|word| word.starts_with('-')) {
            if self.pace(&mut pace)? {
                continue;
            }
            let read_policy = ReadPolicy::ALL
                .into_iter()
                .find(|policy| read_flag(*policy) == Some(word));
            let write_policy = WritePolicy::ALL
                .into_iter()
                .find(|policy| write_flag(*policy) == Some(word));
            let (read_before, write_before) = (options.read_policy, options.write_policy);
            match (read_policy, write_policy) {
                (Some(_), _) if read_before != ReadPolicy::default() => {
                    let known = "-g, -r or -H, one of them";
                    return Err(self.wrong(&format!("is one read option too many: {known}")));
                }
                (_, Some(policy)) if ![WritePolicy::default(), policy].contains(&write_before) => {
                    return Err(self.wrong("is one write option too many: -S or -C, not both"));
                }
                (Some(policy), _) => options.read_policy = policy,
                (None, Some(policy)) => options.write_policy = policy,
                (None, None) => {
                    let known = "-g, -r, -H, -S, -C and a pass";
                    return Err(
                        self.wrong(&format!("is not an option of a mirror, which has {known}"))
                    );
                }
            }
            self.next += 1;
        }
        if let Some(word) = self.peek() {
            options.pass = parse_pass(word).map_err(|reason| self.wrong(&reason))?;
            self.next += 1;
        }
        Ok((options, pace))
    }
}

/// Whether a word cannot be a submirror: no name begins in this way.
fn ends_submirrors(word: &str) -> bool {
    word.starts_with(|c: char| c == '-' || c.is_ascii_digit())
}

/// The option of `metainit` for a read policy, if it needs one.
pub fn read_flag(policy: ReadPolicy) -> Option<&'static str> {
    match policy {
        ReadPolicy::RoundRobin => None,
        ReadPolicy::Geometric => Some("-g"),
        ReadPolicy::First => Some("-r"),
        ReadPolicy::Hedged => Some("-H"),
    }
}

/// The option of `metainit` for a write policy, if it needs one.
pub fn write_flag(policy: WritePolicy) -> Option<&'static str> {
    match policy {
        WritePolicy::Parallel => None,
        WritePolicy::Serial => Some("-S"),
        WritePolicy::Copy => Some("-C"),
    }
}

/// Reads a read policy. The error is a reason, in words.
pub fn parse_read_policy(word: &str) -> Result<ReadPolicy, String> {
    ReadPolicy::ALL
        .into_iter()
        .find(|policy| policy.word() == word)
        .ok_or_else(|| "those are roundrobin, geometric, first and hedged".to_string())
}

/// Reads a write policy. The error is a reason, in words.
pub fn parse_write_policy(word: &str) -> Result<WritePolicy, String> {
    WritePolicy::ALL
        .into_iter()
        .find(|policy| policy.word() == word)
        .ok_or_else(|| "those are parallel, serial and copy".to_string())
}

/// Reads a pass number. The error is a reason, in words.
pub fn parse_pass(word: &str) -> Result<u32, String> {
    Some(word)
        .filter(|word| word.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|word| word.parse().ok())
        .filter(|pass| *pass <= PASS_MAX)
        .ok_or_else(|| format!("is not a pass number: those are 0 to {PASS_MAX}"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::{
        super::pace::tests::any_pace,
        *, //
    };
    use md_abi::admin::UNITS_MAX;
    use proptest::prelude::*;

    /// Any mirror that the grammar can express.
    pub(in crate::syntax) fn any_mirror() -> impl Strategy<Value = MirrorSpec> {
        let submirrors = prop::collection::vec(0..UNITS_MAX, 1..=SUBMIRRORS_MAX as usize);
        (
            0..UNITS_MAX,
            submirrors,
            0..ReadPolicy::ALL.len(),
            0..WritePolicy::ALL.len(),
            0..=PASS_MAX,
            any_pace(),
        )
            .prop_map(|(number, submirrors, read, write, pass, pace)| {
                let name = |number| MetadeviceName::from_number(number).unwrap();
                MirrorSpec {
                    name: name(number),
                    submirrors: submirrors.into_iter().map(name).collect(),
                    options: Options {
                        read_policy: ReadPolicy::ALL[read],
                        write_policy: WritePolicy::ALL[write],
                        pass,
                    },
                    pace,
                }
            })
    }

    fn parse(line: &str) -> Result<MirrorSpec, SyntaxError> {
        let words: Vec<_> = line.split_whitespace().map(String::from).collect();
        MirrorSpec::parse(&words)
    }

    #[test]
    fn submirrors_have_three_spellings() {
        let spec = parse("d10 -m d11 /dev/md/dsk/d12 md/dsk/d13").unwrap();
        assert_eq!(spec.to_string(), "d10 -m d11 d12 d13 1");
    }

    #[test]
    fn options_stand_behind_the_submirrors() {
        for (line, printed) in [
            ("d10 -m d11", "d10 -m d11 1"),
            ("d10 -m d11 0", "d10 -m d11 0"),
            ("d10 -m d11 d12 -g", "d10 -m d11 d12 -g 1"),
            ("d10 -m d11 d12 -S -r 9", "d10 -m d11 d12 -r -S 9"),
            ("d10 -m d11 d12 -C", "d10 -m d11 d12 -C 1"),
            ("d10 -m d11 d12 -C -H", "d10 -m d11 d12 -H -C 1"),
            (
                "d10 -m d11 --resync-floor 2000 -g 2",
                "d10 -m d11 -g --resync-floor 2000 2",
            ),
        ] {
            assert_eq!(parse(line).unwrap().to_string(), printed);
        }
    }

    #[test]
    fn errors_point_at_the_word() {
        for (line, word, reason) in [
            ("d10 -m", 2, "the first submirror is missing"),
            ("d10 -m 1", 2, "the first submirror is missing"),
            ("d10 -m sda", 2, "and a submirror is one"),
            ("d10 -m red/d11", 2, "and a submirror is one"),
            ("d10 -m d1 d2 d3 d4 d5", 6, "at most 4 submirrors"),
            ("d10 -m d11 10", 3, "0 to 9"),
            ("d10 -m d11 1x", 3, "0 to 9"),
            ("d10 -m d11 1 d12", 4, "too many behind PASS"),
            ("d10 -m d11 -g -r", 4, "one of them"),
            ("d10 -m d11 -S -C", 4, "not both"),
            ("d10 -m d11 -g d12", 4, "0 to 9"),
            ("d10 -m d11 --resync-floor", 4, "is missing"),
            ("d10 -m d11 --resync-floor 0", 4, "1 to 4294967295, or none"),
            ("d10 -m d11 -x", 3, "not an option of a mirror"),
        ] {
            let error = parse(line).unwrap_err();
            assert_eq!(error.word, word, "{line}: {}", error.reason);
            assert!(error.reason.contains(reason), "{line}: {}", error.reason);
        }
    }
}
