// SPDX-License-Identifier: GPL-2.0
//! md.tab, the file that says which metadevices there should be (`svm.md` section 10.4): one to a
//! line, in the words that `metainit` takes. A `#` at the start of a word begins a comment; a
//! backslash at the end of a line joins the next one to it.

use super::{
    name::MetadeviceName,
    pool::PoolSpec,
    replicas::ReplicasSpec,
    spec::Spec,
    SyntaxError, //
};

/// The file, if no other one is named.
pub const MD_TAB: &str = "/etc/mdctl/md.tab";

/// A metadevice in the file, or something that stands there in the place of one.
///
/// The words are read when the metadevice is wanted, so that what is wrong with one entry is no
/// trouble for the others.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Number of the line in which it begins, counted from 1.
    pub line: usize,
    /// Its words, at least one.
    pub words: Vec<String>,
    /// The line of an earlier entry with the same name.
    earlier: Option<usize>,
}

impl Entry {
    /// The first word, which should be a metadevice's name.
    pub fn name(&self) -> &str {
        &self.words[0]
    }

    /// The metadevice that it is about, if it is about one.
    pub fn metadevice(&self) -> Option<MetadeviceName> {
        self.name().parse().ok()
    }

    /// Whether it has this name, be it in the short form or as a path.
    pub fn is_called(&self, name: &str) -> bool {
        match (self.metadevice(), name.parse().ok()) {
            (None, None) => self.name() == name,
            (own, other) => own == other,
        }
    }

    /// The hot spare pool that it wants, if it is one that it wants.
    pub fn pool(&self) -> Option<Result<PoolSpec, SyntaxError>> {
        if !PoolSpec::is_meant(&self.words) {
            return None;
        }
        Some(
            self.check_first()
                .and_then(|()| PoolSpec::parse(&self.words)),
        )
    }

    /// Whether it has replicas of the state database, which are no concern of `metainit`.
    pub fn is_of_replicas(&self) -> bool {
        ReplicasSpec::is_name(self.name())
    }

    /// The replicas that it wants.
    pub fn replicas(&self) -> Result<ReplicasSpec, SyntaxError> {
        self.check_first()?;
        ReplicasSpec::parse(&self.words)
    }

    /// The metadevice that it wants.
    pub fn spec(&self) -> Result<Spec, SyntaxError> {
        self.check_first()?;
        Spec::parse(&self.words)
    }

    /// Sees that no earlier entry has the same name.
    fn check_first(&self) -> Result<(), SyntaxError> {
        match self.earlier {
            Some(line) => {
                let reason = format!("\"{}\" stands in line {line} already", self.name());
                Err(SyntaxError::at(0, reason))
            }
            None => Ok(()),
        }
    }
}

/// The entries of a file, in order.
pub fn entries(text: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for (line, words) in joined_lines(text) {
        if words.is_empty() {
            continue;
        }
        let mut entry = Entry {
            line,
            words,
            earlier: None,
        };
        entry.earlier = entries
            .iter()
            .find(|earlier| earlier.is_called(entry.name()))
            .map(|earlier| earlier.line);
        entries.push(entry);
    }
    entries
}

/// The words of each line together with those that it continues in, and the number of the first.
fn joined_lines(text: &str) -> Vec<(usize, Vec<String>)> {
    let mut joined: Vec<(usize, Vec<String>)> = Vec::new();
    let mut continues = false;
    for (number, line) in (1..).zip(text.lines()) {
        if !continues {
            joined.push((number, Vec::new()));
        }
        let (mut words, goes_on) = words_of(line);
        continues = goes_on;
        if let Some((_, joined)) = joined.last_mut() {
            joined.append(&mut words);
        }
    }
    joined
}

/// The words of one line, and whether the next one continues it. A comment ends with its line.
fn words_of(line: &str) -> (Vec<String>, bool) {
    let mut words: Vec<_> = line.split_whitespace().map(String::from).collect();
    if let Some(comment) = words.iter().position(|word| word.starts_with('#')) {
        words.truncate(comment);
        return (words, false);
    }
    let continues = words.last().is_some_and(|word| word.ends_with('\\'));
    if let Some(word) = words.pop() {
        let word = word.strip_suffix('\\').unwrap_or(&word);
        words.extend((!word.is_empty()).then(|| word.to_string()));
    }
    (words, continues)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::spec::tests::any_spec;
    use proptest::prelude::*;

    /// Lines and words of a file's entries.
    fn read(text: &str) -> Vec<(usize, String)> {
        entries(text)
            .iter()
            .map(|entry| (entry.line, entry.words.join(" ")))
            .collect()
    }

    #[test]
    fn one_entry_stands_in_each_line() {
        let text = "# The disks of the web server\n\nd10 1 2 a b -i 32k\n  d11\t1 1 c  # spare\n";
        let expected = [(3, "d10 1 2 a b -i 32k"), (4, "d11 1 1 c")];
        assert_eq!(
            read(text),
            expected.map(|(line, words)| (line, words.to_string()))
        );
    }

    #[test]
    fn a_backslash_at_the_end_joins_the_next_line() {
        let expected = vec![(1, "d10 2 1 a 1 b".to_string()), (4, "d11".to_string())];
        assert_eq!(read("d10 2 1 a \\\n1\\\n b\nd11"), expected);
        assert_eq!(read("d10\\"), [(1, "d10".to_string())]);
    }

    #[test]
    fn a_comment_ends_with_its_line() {
        let expected = vec![(1, "d10 1\\".to_string()), (2, "d11".to_string())];
        assert_eq!(read("d10 1\\ # a \\\nd11 #b\\"), expected);
        assert_eq!(
            read("d10 1 1 /dev/a#b\\\n"),
            [(1, "d10 1 1 /dev/a#b".to_string())]
        );
    }

    #[test]
    fn the_second_entry_of_a_name_is_an_error() {
        let entries = entries("d10 1 1 a\nx\n/dev/md/dsk/d10 1 1 b\nx\ny\n");
        let reasons: Vec<_> = entries
            .iter()
            .map(|entry| entry.spec().err().map(|error| error.reason))
            .collect();
        let twice = r#""/dev/md/dsk/d10" stands in line 1 already"#;
        assert_eq!(reasons[0], None);
        assert_eq!(reasons[2].as_deref(), Some(twice));
        assert_eq!(
            reasons[3].as_deref(),
            Some(r#""x" stands in line 2 already"#)
        );
        assert!(!reasons[4].as_ref().unwrap().contains("already"));
    }

    proptest! {
        #[test]
        fn printed_entries_are_read_back(
            specs in prop::collection::btree_map(0..100_u32, any_spec(), 0..5),
        ) {
            let specs: Vec<_> = specs
                .into_iter()
                .map(|(number, spec)| spec.called(MetadeviceName::from_number(number).unwrap()))
                .collect();
            let lines: Vec<_> = specs.iter().map(|spec| spec.to_string()).collect();
            let text = lines.join("\n");
            let read: Vec<_> = entries(&text).iter().map(|entry| entry.spec()).collect();
            prop_assert_eq!(read, specs.into_iter().map(Ok).collect::<Vec<_>>());
        }

        /// However a line is broken, it says the same.
        #[test]
        fn broken_lines_are_read_back(spec in any_spec(), breaks in any::<u32>()) {
            let mut text = String::new();
            for (index, word) in spec.to_string().split(' ').enumerate() {
                text += word;
                text += if (breaks >> (index % 32)) & 1 == 1 { " \\\n" } else { " " };
            }
            let entries = entries(&text);
            prop_assert_eq!(entries.len(), 1);
            prop_assert_eq!(entries[0].spec(), Ok(spec));
        }

        #[test]
        fn no_file_is_a_panic(text in "([ \t\n#\\\\]|d1|1|a|-i|-m|--keep-data|.){0,60}") {
            for entry in entries(&text) {
                prop_assert!(entry.line <= text.lines().count());
                if let Err(error) = entry.spec() {
                    prop_assert!(error.pointer(&entry.words).contains('^'));
                }
            }
        }
    }
}
