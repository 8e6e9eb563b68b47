// SPDX-License-Identifier: GPL-2.0
//! What is in a tree: everything that a restore has to bring back.

use rustix::fs::{
    lgetxattr,
    llistxattr,
    seek,
    SeekFrom, //
};
use std::{
    collections::BTreeMap,
    fmt::Write,
    fs::{
        self,
        File, //
    },
    io::Read,
    os::unix::fs::{
        FileTypeExt,
        MetadataExt, //
    },
    path::Path, //
};

/// A line for each file, by its path.
pub(crate) type Snapshot = BTreeMap<String, String>;

/// Takes it of a folder. `lost+found` is the file system's own and left out.
pub(crate) fn take(folder: &Path) -> Snapshot {
    let mut snapshot = Snapshot::new();
    walk(folder, "", &mut snapshot);
    snapshot
}

fn walk(folder: &Path, below: &str, snapshot: &mut Snapshot) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        if name == "lost+found" {
            continue;
        }
        snapshot.insert(name.clone(), line(&entry.path()));
        if entry.file_type().expect("a type").is_dir() {
            walk(&entry.path(), &format!("{name}/"), snapshot);
        }
    }
}

fn line(path: &Path) -> String {
    let found = fs::symlink_metadata(path).expect("a file");
    let kind = found.file_type();
    let mut line = format!(
        "{:o} {}:{} {}.{:06} links {}",
        found.mode(),
        found.uid(),
        found.gid(),
        found.mtime(),
        found.mtime_nsec() / 1000,
        if kind.is_dir() { 0 } else { found.nlink() },
    );
    // A folder has been read on the way here.
    if !kind.is_dir() {
        let (seconds, nanoseconds) = (found.atime(), found.atime_nsec());
        let _ = write!(line, " accessed {seconds}.{:06}", nanoseconds / 1000);
    }
    if kind.is_block_device() || kind.is_char_device() {
        let _ = write!(line, " device {:x}", found.rdev());
    }
    if kind.is_symlink() {
        let _ = write!(
            line,
            " -> {}",
            fs::read_link(path).expect("a target").display()
        );
    }
    if kind.is_file() {
        let is_sparse = found.blocks() * 512 + 65536 < found.size();
        let sum = checksum(path);
        let _ = write!(line, " {} bytes {sum:08x} sparse {is_sparse}", found.size());
    }
    attributes(path, &mut line);
    line
}

/// Where a file has data, in bytes; all else of it is holes.
pub(crate) fn data(path: &Path) -> Vec<(u64, u64)> {
    let file = File::open(path).expect("root may read it");
    let mut ranges = Vec::new();
    let mut end = 0;
    while let Ok(start) = seek(&file, SeekFrom::Data(end)) {
        end = seek(&file, SeekFrom::Hole(start)).expect("an end");
        ranges.push((start, end));
    }
    ranges
}

fn checksum(path: &Path) -> u32 {
    let mut file = File::open(path).expect("root may read it");
    let mut buffer = vec![0; 1 << 20];
    let mut sum = 0;
    loop {
        let count = file.read(&mut buffer).expect("it can be read");
        if count == 0 {
            return sum;
        }
        sum = crc32c::crc32c_append(sum, &buffer[..count]);
    }
}

fn attributes(path: &Path, line: &mut String) {
    let mut names = vec![0; 65536];
    let count = llistxattr(path, &mut names[..]).unwrap_or(0);
    let mut names: Vec<&[u8]> = names[..count].split(|byte| *byte == 0).collect();
    names.sort_unstable();
    for name in names.into_iter().filter(|name| !name.is_empty()) {
        let name = std::str::from_utf8(name).expect("a name");
        let mut value = vec![0; 65536];
        let count = lgetxattr(path, name, &mut value[..]).expect("a value");
        let _ = write!(line, " {name}={:?}", &value[..count]);
    }
}

/// Panics unless both are the same, and says what differs.
#[track_caller]
pub(crate) fn assert_same(what: &str, is: &Snapshot, should: &Snapshot) {
    let mut differences = String::new();
    for name in should
        .keys()
        .chain(is.keys().filter(|name| !should.contains_key(*name)))
    {
        let (is, should) = (is.get(name), should.get(name));
        if is != should {
            let _ = writeln!(differences, "{name}:\n  is     {is:?}\n  should {should:?}");
        }
    }
    differences.truncate(4000);
    assert!(differences.is_empty(), "{what}:\n{differences}");
}
