// SPDX-License-Identifier: GPL-2.0
//! Levels, dumpdates, and what is left out (dump.md 7, 14).

use crate::{
    env::{
        clear,
        dump,
        restore_command,
        succeeded,
        tool,
        tools,
        versions,
        Place, //
    },
    snapshot::{
        assert_same,
        take,
        Snapshot, //
    },
};
use md_dump_format::decode::decode;
use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::MetadataExt,
    path::{
        Path,
        PathBuf, //
    },
    thread::sleep,
    time::Duration, //
};

/// Times in a file system are compared by the second.
const SECOND: Duration = Duration::from_millis(1100);

/// A file system that is changed between dumps.
struct Changing {
    place: Place,
    image: PathBuf,
    dates: PathBuf,
}

impl Changing {
    fn new() -> Self {
        let place = Place::new();
        let image = place.image("source", "50M", &["-t", "ext4"]);
        let dates = place.path("dumpdates");
        Changing {
            place,
            image,
            dates,
        }
    }

    /// Changes it, and says what is in it then.
    fn change(&mut self, change: impl FnOnce(&Path)) -> Snapshot {
        let at = self.place.mount(&self.image, "mount", "loop");
        change(&at);
        let snapshot = take(&at);
        self.place.unmount(&at);
        sleep(SECOND);
        snapshot
    }

    /// Dumps it at a level; the numbers of the inodes that are in the dump.
    fn dump(&self, level: u32, options: &str) -> (PathBuf, BTreeSet<u32>) {
        let file = self.place.path(&format!("level{level}"));
        let dates = self.dates.display();
        let words = format!("-{level} -D {dates} {options} -f {}", file.display());
        dump(&words, &self.image);
        let dump = decode(&[fs::read(&file).unwrap()]).unwrap();
        let inodes = dump.files.iter().map(|file| file.inode).collect();
        sleep(SECOND);
        (file, inodes)
    }
}

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text.repeat(1000)).unwrap();
}

fn inode(folder: &Path, name: &str) -> u32 {
    fs::metadata(folder.join(name)).unwrap().ino() as u32
}

/// Restores dumps one after the other, as one does, and compares.
#[track_caller]
fn restore_chain(target: &Path, chain: &[&PathBuf], should: &Snapshot) {
    for version in versions() {
        clear(target);
        for file in chain {
            let (mut command, _own) = restore_command(version, "-rf", target);
            let output = command.arg(file).output().unwrap();
            succeeded(version, &output);
        }
        fs::remove_file(target.join("restoresymtable")).unwrap();
        assert_same(version, &take(target), should);
    }
}

#[test]
fn levels_0_1_2_1_bring_back_every_state() {
    let mut fs = Changing::new();
    let target = fs.place.target("target");
    let first = fs.change(|at| {
        for folder in ["a/b/c", "keep", "moved", "gone/inner"] {
            std::fs::create_dir_all(at.join(folder)).unwrap();
        }
        for name in [
            "a/b/c/deep",
            "keep/old",
            "moved/file",
            "gone/inner/file",
            "rename",
            "two",
        ] {
            write(at, name, name);
        }
    });
    let (zero, _) = fs.dump(0, "-u");
    let second = fs.change(|at| {
        write(at, "a/b/c/deep", "changed");
        write(at, "a/new", "new");
        std::fs::remove_dir_all(at.join("gone")).unwrap();
        std::fs::rename(at.join("rename"), at.join("keep/renamed")).unwrap();
        std::fs::hard_link(at.join("two"), at.join("a/b/three")).unwrap();
        std::fs::rename(at.join("moved"), at.join("a/moved")).unwrap();
    });
    let (one, _) = fs.dump(1, "-u");
    let third = fs.change(|at| {
        write(at, "keep/third", "third");
        std::fs::remove_file(at.join("two")).unwrap();
    });
    let (two, inodes) = fs.dump(2, "-u");
    assert!(inodes.len() < 8, "{inodes:?}");
    restore_chain(&target, &[&zero], &first);
    restore_chain(&target, &[&zero, &one], &second);
    restore_chain(&target, &[&zero, &one, &two], &third);
    let fourth = fs.change(|at| write(at, "fourth", "fourth"));
    let (again, _) = fs.dump(1, "-u");
    restore_chain(&target, &[&zero, &again], &fourth);
    let dates = std::fs::read_to_string(&fs.dates).unwrap();
    assert_eq!(dates.lines().count(), 3, "{dates}");
}

#[test]
fn what_is_marked_or_named_is_left_out_with_all_below_it() {
    let mut fs = Changing::new();
    let mut numbers = Vec::new();
    fs.change(|at| {
        std::fs::create_dir_all(at.join("marked/below")).unwrap();
        for name in ["marked/below/file", "named", "other", "shared"] {
            write(at, name, name);
        }
        std::fs::hard_link(at.join("shared"), at.join("marked/shared")).unwrap();
        let names = [
            "marked",
            "marked/below",
            "marked/below/file",
            "named",
            "other",
            "shared",
        ];
        numbers = names.map(|name| inode(at, name)).to_vec();
    });
    // Extents and nodump.
    for request in ["set_inode_field marked flags 0x80040", "close"] {
        let mut command = tool(&tools().join("e2fs/debugfs"));
        let output = command
            .args(["-w", "-R", request])
            .arg(&fs.image)
            .output()
            .unwrap();
        succeeded("debugfs", &output);
    }
    let (_, all) = fs.dump(0, "");
    assert!(numbers.iter().all(|number| all.contains(number)));
    let named = numbers[3];
    let (_, some) = fs.dump(0, &format!("-h 0 -e {named}"));
    let is_in = numbers.iter().map(|number| some.contains(number));
    assert_eq!(
        is_in.collect::<Vec<_>>(),
        [false, false, false, false, true, true]
    );
    let (_, by_level) = fs.dump(1, "");
    assert!(!by_level.contains(&numbers[0]) && by_level.contains(&numbers[4]));
}

/// Both programs keep the same file.
#[test]
fn dumpdates_are_debians() {
    let mut fs = Changing::new();
    fs.change(|at| write(at, "file", "x"));
    let dates = fs.dates.display().to_string();
    let debian = |version: &str, level: &str| {
        let mut command = tool(&tools().join(version).join("dump"));
        command.args([level, "-u", "-D", &dates, "-f", "/dev/null"]);
        let output = command.arg(&fs.image).output().unwrap();
        succeeded("dump", &output);
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    for version in versions() {
        let _ = std::fs::remove_file(&fs.dates);
        std::fs::write(&fs.dates, "").unwrap();
        let words = format!("-0u -D {dates} -f /dev/null");
        dump(&words, &fs.image);
        let text = std::fs::read_to_string(&fs.dates).unwrap();
        let said = debian(version, "-1");
        let date = text
            .split_whitespace()
            .skip(2)
            .take(5)
            .collect::<Vec<_>>()
            .join(" ");
        let squeezed = said.split_whitespace().collect::<Vec<_>>().join(" ");
        let expected = format!("Date of last level 0 dump: {date}");
        assert!(
            squeezed.contains(&expected),
            "{version}: {expected} in {said}"
        );
        let said = dump(&format!("-2 -D {dates} -f /dev/null"), &fs.image);
        assert!(
            said.contains("Date of last level 1 dump: "),
            "{version}: {said}"
        );
    }
}
