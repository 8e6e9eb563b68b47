// SPDX-License-Identifier: GPL-2.0
//! Writes initramfs archives: cpio in the "newc" form that the kernel unpacks into its first root.

use std::{
    collections::BTreeSet,
    path::Path, //
};

/// Type bits of a mode, as in `stat(2)`.
const DIRECTORY: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;
const SYMLINK: u32 = 0o120_000;

/// An archive in memory; folders appear by themselves.
#[derive(Default)]
pub(crate) struct Archive {
    bytes: Vec<u8>,
    folders: BTreeSet<String>,
    inode: u32,
}

impl Archive {
    /// Adds a file that only root may change.
    pub(crate) fn file(&mut self, path: &str, content: &[u8]) {
        self.add(path, REGULAR | 0o644, content);
    }

    /// Adds a file that can be run.
    pub(crate) fn program(&mut self, path: &str, content: &[u8]) {
        self.add(path, REGULAR | 0o755, content);
    }

    /// Adds a symbolic link at `path` to `target`.
    pub(crate) fn link(&mut self, path: &str, target: &str) {
        self.add(path, SYMLINK | 0o777, target.as_bytes());
    }

    /// Adds a folder and those above it, once.
    pub(crate) fn folder(&mut self, path: &str) {
        if path.is_empty() || !self.folders.insert(path.to_owned()) {
            return;
        }
        self.parents_of(path);
        self.entry(path, DIRECTORY | 0o755, &[]);
    }

    /// The finished archive.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, &[]);
        self.pad(512);
        self.bytes
    }

    fn add(&mut self, path: &str, mode: u32, content: &[u8]) {
        self.parents_of(path);
        self.entry(path, mode, content);
    }

    fn parents_of(&mut self, path: &str) {
        if let Some(parent) = Path::new(path).parent().and_then(Path::to_str) {
            self.folder(parent);
        }
    }

    /// One header, name and content. All 13 numbers of a header are 8 hexadecimal digits.
    fn entry(&mut self, path: &str, mode: u32, content: &[u8]) {
        self.inode += 1;
        let size = u32::try_from(content.len()).expect("an initramfs file is far below 4 GiB");
        let name_size = u32::try_from(path.len() + 1).expect("a path is short");
        let links = 1;
        let fields = [
            self.inode, mode, 0, 0, links, 0, size, 0, 0, 0, 0, name_size, 0,
        ];
        self.bytes.extend_from_slice(b"070701");
        for field in fields {
            self.bytes
                .extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(path.as_bytes());
        self.bytes.push(0);
        self.pad(4);
        self.bytes.extend_from_slice(content);
        self.pad(4);
    }

    fn pad(&mut self, to: usize) {
        self.bytes.resize(self.bytes.len().next_multiple_of(to), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::Write,
        process::{
            Command,
            Stdio, //
        }, //
    };

    /// GNU cpio is the judge of what we write.
    fn listed_by_cpio(archive: &[u8]) -> String {
        let mut child = Command::new("cpio")
            .args(["--list", "--verbose", "--numeric-uid-gid", "--quiet"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("cpio is in the build root");
        child.stdin.take().unwrap().write_all(archive).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn cpio_reads_our_archives() {
        let mut archive = Archive::default();
        archive.program("init", b"#!/bin/sh\n");
        archive.file("a/b/c", b"12345");
        archive.file("a/b/d", b"");
        archive.link("a/link", "b/c");
        let listing = listed_by_cpio(&archive.finish());
        let lines: Vec<&str> = listing.lines().collect();
        assert_eq!(lines.len(), 6, "{listing}");
        assert!(lines[0].starts_with("-rwxr-xr-x") && lines[0].ends_with(" init"));
        assert!(lines[1].starts_with("drwxr-xr-x") && lines[1].ends_with(" a"));
        assert!(lines[3].contains(" 5 ") && lines[3].ends_with(" a/b/c"));
        assert!(lines[5].ends_with(" a/link -> b/c"));
    }

    #[test]
    fn a_folder_is_written_once() {
        let mut archive = Archive::default();
        archive.folder("x/y");
        archive.folder("x/y");
        archive.file("x/y/z", b"");
        assert_eq!(listed_by_cpio(&archive.finish()).lines().count(), 3);
    }
}
