// SPDX-License-Identifier: GPL-2.0
//! Which file system is mounted where, or would be.

use rustix::fs::{
    major,
    minor, //
};
use std::{
    fs,
    os::unix::fs::{
        FileTypeExt,
        MetadataExt, //
    },
    path::{
        Path,
        PathBuf, //
    }, //
};

/// A line of `/proc/self/mounts` or `/etc/fstab`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mount {
    /// The device.
    pub device: String,
    /// The folder.
    pub folder: String,
    /// How often it is to be dumped, in days; 0 for never.
    pub days: u32,
}

/// Files that tell, the first that does counts.
const TABLES: [&str; 2] = ["/proc/self/mounts", "/etc/fstab"];

/// The lines of a table.
pub fn parse(text: &str) -> Vec<Mount> {
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    lines.filter_map(line).collect()
}

fn line(line: &str) -> Option<Mount> {
    let mut words = line.split_whitespace();
    let (device, folder) = (words.next()?, words.next()?);
    let days = words.nth(2).and_then(|days| days.parse().ok());
    Some(Mount {
        device: unescape(device),
        folder: unescape(folder),
        days: days.unwrap_or(0),
    })
}

/// A word in which blanks and the like stand as a backslash and three octal digits.
fn unescape(word: &str) -> String {
    let mut parts = word.split('\\');
    let mut text = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let code = part
            .get(..3)
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match (code, part.get(3..)) {
            (Some(code), Some(rest)) => {
                text.push(char::from(code));
                text.push_str(rest);
            }
            _ => {
                text.push('\\');
                text.push_str(part);
            }
        }
    }
    text
}

/// The lines of `/etc/fstab`.
pub fn fstab() -> Vec<Mount> {
    parse(&fs::read_to_string("/etc/fstab").unwrap_or_default())
}

/// The mount that a word means: a device, or the folder where one is or would be mounted.
pub fn find(word: &str) -> Option<Mount> {
    let mounts = TABLES
        .iter()
        .map(|table| fs::read_to_string(table).unwrap_or_default());
    let mounts: Vec<Mount> = mounts.flat_map(|text| parse(&text)).collect();
    let same = |mount: &&Mount| mount.device == word || mount.folder == word;
    let found = mounts.iter().find(same);
    let by_number = || {
        mounts
            .iter()
            .find(|mount| is_same_device(&mount.device, word))
    };
    found.or_else(by_number).cloned()
}

/// Where a device is mounted now, so that the file system on it is what its journal makes of it.
pub fn mounted_at(device: &str) -> Option<PathBuf> {
    let number = number(device)?;
    let number = format!("{}:{}", major(number), minor(number));
    let text = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    text.lines().find_map(|line| folder(line, &number))
}

/// The folder in a line of `/proc/self/mountinfo`, if it is about this device. The name of the
/// device there may be one that does not exist.
fn folder(line: &str, number: &str) -> Option<PathBuf> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let is_it = words.get(2) == Some(&number);
    let mut options = words.last().unwrap_or(&"").split(',');
    let has_journal = options.all(|one| one != "norecovery" && one != "noload");
    let folder = words.get(4).filter(|_| is_it && has_journal)?;
    Some(Path::new(&unescape(folder)).into())
}

/// Whether a file system on a device, or at a folder, is mounted now so that it can be written to.
pub fn is_written(word: &str) -> bool {
    let Ok(metadata) = fs::metadata(word) else {
        return false;
    };
    let kind = metadata.file_type();
    let number = if kind.is_block_device() {
        metadata.rdev()
    } else if kind.is_dir() {
        metadata.dev()
    } else {
        return false;
    };
    let number = format!("{}:{}", major(number), minor(number));
    let text = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    text.lines().any(|line| has_writers(line, &number))
}

/// Whether a line of `/proc/self/mountinfo` is about this device, whose file system is written to.
/// One of its mounts may still be read-only, which its last word does not tell.
fn has_writers(line: &str, number: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    let mut options = words.last().unwrap_or(&"").split(',');
    words.get(2) == Some(&number) && options.all(|one| one != "ro")
}

/// Number of a block device.
fn number(path: &str) -> Option<u64> {
    let metadata = fs::metadata(path).ok()?;
    let is_one = metadata.file_type().is_block_device();
    is_one.then(|| metadata.rdev())
}

/// Whether two paths name the same block device.
fn is_same_device(one: &str, other: &str) -> bool {
    one.starts_with('/') && number(one).is_some_and(|found| number(other) == Some(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_a_device_a_folder_and_days() {
        let text = "# remark\n/dev/sda1 / ext4 rw 1 1\nproc\n/dev/x /a\\040b ext4 rw\n";
        let mounts = parse(text);
        assert_eq!(mounts.len(), 2);
        assert_eq!((&mounts[0].device[..], mounts[0].days), ("/dev/sda1", 1));
        assert_eq!((&mounts[1].folder[..], mounts[1].days), ("/a b", 0));
    }

    #[test]
    fn a_device_is_known_by_its_number() {
        let line = "36 35 8:1 / /a\\040b rw,noatime shared:1 - ext4 /dev/root rw";
        assert_eq!(folder(line, "8:1"), Some("/a b".into()));
        assert_eq!(folder(line, "8:2"), None);
        assert_eq!(folder(&format!("{line},norecovery"), "8:1"), None);
        assert!(has_writers(line, "8:1") && !has_writers(line, "8:2"));
        assert!(!has_writers(
            "36 35 8:1 / /a ro - ext4 /dev/root ro,noload",
            "8:1"
        ));
    }
}
