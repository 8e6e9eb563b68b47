// SPDX-License-Identifier: GPL-2.0
//! Mounted file systems and swap space, from `/proc` (`proc_pid_mountinfo(5)`, `proc_swaps(5)`).

use super::{
    dev_text,
    read,
    DiscoverError,
    Host,
    Node, //
};
use std::{
    io::ErrorKind,
    path::Path, //
};

/// A mounted file system.
pub(super) struct Mount {
    /// Where it is mounted.
    pub(super) place: String,
    /// Device number of its files, such as `8:1`. Btrfs makes one up.
    files: String,
    /// Number of the device that was given to `mount`, if it was one.
    source: Option<u64>,
}

impl Mount {
    /// Whether the file system lies on the device with this number.
    pub(super) fn is_on(&self, dev: u64) -> bool {
        self.source == Some(dev) || self.files == dev_text(dev)
    }
}

/// All file systems that this process can see.
pub(super) fn read_mounts(host: &dyn Host) -> Result<Vec<Mount>, DiscoverError> {
    let text = read(host, "proc/self/mountinfo")?;
    Ok(text.lines().filter_map(|line| mount(host, line)).collect())
}

/// A line of mountinfo: `36 35 8:1 / /mnt rw,noatime master:1 - ext4 /dev/sda1 rw`, with any
/// number of fields before the dash.
fn mount(host: &dyn Host, line: &str) -> Option<Mount> {
    let (mount, file_system) = line.split_once(" - ")?;
    let mut fields = mount.split(' ').skip(2);
    let files = fields.next()?.to_string();
    let place = unescape(fields.nth(1)?);
    let source = unescape(file_system.split(' ').nth(1)?);
    let source = block_device(host, &source);
    Some(Mount {
        place,
        files,
        source,
    })
}

/// Numbers of all devices that are swap space. A kernel without swap has no such file.
pub(super) fn read_swaps(host: &dyn Host) -> Result<Vec<u64>, DiscoverError> {
    match read(host, "proc/swaps") {
        Ok(text) => Ok(text
            .lines()
            .skip(1)
            .filter_map(|line| swap(host, line))
            .collect()),
        Err(DiscoverError::Unreadable { error, .. }) if error.kind() == ErrorKind::NotFound => {
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

/// A line of swaps: `/dev/sda2   partition   1048572   0   -2`. A swap file is not a device; the
/// file system that it is on shows up as a mount.
fn swap(host: &dyn Host, line: &str) -> Option<u64> {
    block_device(host, &unescape(line.split_whitespace().next()?))
}

/// Number of the block device at a path, if there is one.
fn block_device(host: &dyn Host, path: &str) -> Option<u64> {
    if !Path::new(path).is_absolute() {
        return None;
    }
    match host.node(path) {
        Ok(Node::Block { dev }) => Some(dev),
        _ => None,
    }
}

/// Undoes the kernel's way to write blanks and backslashes: `\040` for a blank.
fn unescape(field: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = field.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = match rest {
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] => {
                Some(((a - b'0') << 6) | ((b - b'0') << 3) | (c - b'0'))
            }
            _ => None,
        };
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &rest[4..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn octal_escapes_are_undone() {
        assert_eq!(unescape(r"/mnt/my\040disk\134x"), r"/mnt/my disk\x");
        assert_eq!(unescape(r"/mnt/a\04"), r"/mnt/a\04");
        assert_eq!(unescape(r"/mnt/\777"), r"/mnt/\777");
        assert_eq!(unescape(r"/mnt/\303\244"), "/mnt/\u{e4}");
        assert_eq!(unescape(r"\"), r"\");
    }
}
