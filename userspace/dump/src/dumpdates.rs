// SPDX-License-Identifier: GPL-2.0
//! `/var/lib/dumpdates`: when which file system was dumped at which level. A line is a name, a
//! level, and a time with its zone, as Debian's dump writes it; lines of BSD have no zone.

use crate::calendar;
use rustix::fs::{
    fcntl_lock,
    FlockOperation, //
};
use std::{
    fs::File,
    io::{
        self,
        Read,
        Seek,
        Write, //
    },
    path::Path, //
};

/// Where it is, unless the user says otherwise.
pub const PATH: &str = "/var/lib/dumpdates";

/// A dump that was made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// What was dumped, as it was named.
    pub name: String,
    /// Level.
    pub level: u32,
    /// When it was begun, in seconds since 1970.
    pub date: i64,
}

impl Entry {
    /// The entry in a line, if there is one.
    pub fn parse(line: &str) -> Option<Self> {
        let (name, rest) = line.trim().split_once(char::is_whitespace)?;
        let (level, date) = rest.trim_start().split_once(char::is_whitespace)?;
        Some(Entry {
            name: name.to_string(),
            level: level.parse().ok()?,
            date: calendar::parse(date)?,
        })
    }

    /// Its line.
    pub fn line(&self) -> String {
        let date = calendar::text(self.date);
        format!("{} {} {date} +0000\n", self.name, self.level)
    }
}

/// The entries in a text. Lines that are none are left out.
pub fn parse(text: &str) -> Vec<Entry> {
    text.lines().filter_map(Entry::parse).collect()
}

/// The entries in a file; none if there is no file.
pub fn read(path: &Path) -> io::Result<Vec<Entry>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(parse(&text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// The newest dump of a lower level, which a dump of this level builds on.
pub fn base<'e>(entries: &'e [Entry], name: &str, level: u32) -> Option<&'e Entry> {
    let lower = entries
        .iter()
        .filter(|entry| entry.name == name && entry.level < level);
    lower.max_by_key(|entry| entry.date)
}

/// Puts a dump into the file, in place of the one of this name and level. Lines that are none stay.
pub fn update(path: &Path, entry: &Entry) -> io::Result<()> {
    let mut options = File::options();
    let mut file = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    fcntl_lock(&file, FlockOperation::LockExclusive)?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    let is_same = |line: &&str| {
        let old = Entry::parse(line);
        old.is_some_and(|old| old.name == entry.name && old.level == entry.level)
    };
    let mut new = String::new();
    for line in text.lines().filter(|line| !is_same(line)) {
        new.push_str(line);
        new.push('\n');
    }
    new.push_str(&entry.line());
    file.rewind()?;
    file.write_all(new.as_bytes())?;
    file.set_len(new.len() as u64)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, level: u32, date: i64) -> Entry {
        Entry {
            name: name.into(),
            level,
            date,
        }
    }

    /// dump.md 2.5.
    #[test]
    fn lines_are_those_of_debian_and_of_bsd() {
        let debian = "/srv/fs.img 0 Sat Nov 21 06:28:05 2026 +0000";
        let expected = entry("/srv/fs.img", 0, 1_795_242_485);
        assert_eq!(Entry::parse(debian), Some(expected.clone()));
        assert_eq!(expected.line(), format!("{debian}\n"));
        let bsd = "/dev/rwd0a       5 Thu Jan  1 00:00:10 1970";
        assert_eq!(Entry::parse(bsd), Some(entry("/dev/rwd0a", 5, 10)));
        assert_eq!(Entry::parse("# remark"), None);
    }

    #[test]
    fn a_dump_builds_on_the_newest_of_a_lower_level() {
        let entries = [
            entry("a", 0, 10),
            entry("a", 1, 30),
            entry("a", 2, 20),
            entry("b", 0, 99),
        ];
        let base = |level| base(&entries, "a", level).map(|entry| entry.date);
        assert_eq!(
            [base(0), base(1), base(2), base(9)],
            [None, Some(10), Some(30), Some(30)]
        );
    }

    #[test]
    fn an_update_keeps_what_others_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dumpdates");
        assert_eq!(read(&path).unwrap(), []);
        std::fs::write(&path, "a remark\nother 0 Thu Jan  1 00:00:09 1970\n").unwrap();
        update(&path, &entry("x", 0, 100)).unwrap();
        update(&path, &entry("x", 1, 200)).unwrap();
        update(&path, &entry("x", 0, 300)).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("a remark\nother 0 "), "{text}");
        let entries = read(&path).unwrap();
        assert_eq!(entries[1..], [entry("x", 1, 200), entry("x", 0, 300)]);
    }
}
