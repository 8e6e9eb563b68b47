// SPDX-License-Identifier: GPL-2.0
//! Levels, dumpdates, and what is left out (dump.md 7, 14).

use crate::{
    env::{
        clear,
        dump,
        mddump,
        restore_command,
        said,
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
use md_dump_format::{
    decode::decode,
    header::{
        flags,
        text, //
    }, //
};
use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::{
        chown,
        MetadataExt,
        PermissionsExt, //
    },
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
        let at = self.place.mount(&self.image, "mount", "loop,noatime");
        change(&at);
        let snapshot = take(&at);
        self.place.unmount(&at);
        sleep(SECOND);
        snapshot
    }

    /// Has debugfs change it.
    fn debugfs(&self, request: &str) {
        let mut command = tool(&tools().join("e2fs/debugfs"));
        let command = command.args(["-w", "-R", request]).arg(&self.image);
        succeeded("debugfs", &command.output().unwrap());
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
    fs.debugfs("set_inode_field marked flags 0x80040");
    let (_, all) = fs.dump(0, "");
    assert!(numbers.iter().all(|number| all.contains(number)));
    let named = numbers[3];
    let (_, some) = fs.dump(0, &format!("-h 0 -e {named}"));
    let is_in = numbers.iter().map(|number| some.contains(number));
    assert_eq!(
        is_in.collect::<Vec<_>>(),
        [false, false, false, false, true, true]
    );
    let list = fs.place.path("list");
    std::fs::write(&list, format!("{}\n{named}\n", numbers[5])).unwrap();
    let (_, listed) = fs.dump(0, &format!("-h 1 -E {}", list.display()));
    let is_in = numbers.iter().map(|number| listed.contains(number));
    assert_eq!(
        is_in.collect::<Vec<_>>(),
        [true, true, true, false, true, false]
    );
    let (_, by_level) = fs.dump(1, "");
    assert!(!by_level.contains(&numbers[0]) && by_level.contains(&numbers[4]));
}

/// What is left out of each dump of a chain is left out of what is restored, and nothing else.
#[test]
fn a_chain_is_restored_without_what_was_left_out() {
    let mut fs = Changing::new();
    let target = fs.place.target("target");
    let mut named = 0;
    fs.change(|at| {
        std::fs::create_dir_all(at.join("marked/below")).unwrap();
        for name in ["marked/below/file", "named", "other", "goes"] {
            write(at, name, name);
        }
        named = inode(at, "named");
    });
    fs.debugfs("set_inode_field marked flags 0x80040");
    let is_kept = |name: &String| !name.starts_with("marked") && !name.starts_with("named");
    let kept = |snapshot: Snapshot| -> Snapshot {
        let lines = snapshot.into_iter();
        lines.filter(|(name, _)| is_kept(name)).collect()
    };
    let options = format!("-u -h 0 -e {named}");
    let first = kept(fs.change(|_| ()));
    let (zero, _) = fs.dump(0, &options);
    let second = kept(fs.change(|at| {
        write(at, "marked/below/file", "changed");
        write(at, "marked/new", "new");
        write(at, "named", "changed");
        write(at, "other", "changed");
        std::fs::remove_file(at.join("goes")).unwrap();
    }));
    let (one, _) = fs.dump(1, &options);
    restore_chain(&target, &[&zero], &first);
    restore_chain(&target, &[&zero, &one], &second);
}

/// With -m a file whose contents are old has but its inode in a dump, and what was restored before
/// gets what is new of it.
#[test]
fn of_old_contents_there_may_be_only_the_inode() {
    let mut fs = Changing::new();
    let target = fs.place.target("target");
    let mut old = 0;
    fs.change(|at| {
        for name in ["old", "new", "same"] {
            write(at, name, name);
        }
        old = inode(at, "old");
    });
    let (zero, _) = fs.dump(0, "-u");
    let should = fs.change(|at| {
        let mode = std::fs::Permissions::from_mode(0o4711);
        std::fs::set_permissions(at.join("old"), mode).unwrap();
        chown(at.join("old"), Some(12), Some(34)).unwrap();
        write(at, "new", "changed");
    });
    let parts = |file: &Path| {
        let dump = decode(&[std::fs::read(file).unwrap()]).unwrap();
        let found = dump.file(old).expect("it has changed");
        let is_marked = found.header.flags.get() & flags::META_ONLY != 0;
        (is_marked, found.parts.len())
    };
    let (whole, _) = fs.dump(1, "");
    assert_eq!(parts(&whole), (false, 1));
    let (one, inodes) = fs.dump(1, "-m");
    assert_eq!(parts(&one), (true, 0));
    assert_eq!(inodes.len(), 3, "{inodes:?}");
    restore_chain(&target, &[&zero, &one], &should);
}

/// With -T it is said since when, and not by dumpdates.
#[test]
fn the_time_of_the_last_dump_may_be_given() {
    let mut fs = Changing::new();
    let mut number = 0;
    fs.change(|at| {
        write(at, "file", "x");
        number = inode(at, "file");
    });
    let file = fs.place.path("file");
    // At 11 in a zone two hours east it is 9.
    for (date, seconds, is_in) in [
        ("Wed Nov 21 11:00:00 2001 +0200", 1_006_333_200, true),
        ("Sun Nov 21 09:00:00 2088 +0000", 3_751_866_000, false),
    ] {
        let mut command = mddump("-3 -T");
        let command = command.arg(date).arg("-f").arg(&file).arg(&fs.image);
        succeeded("-T", &command.output().unwrap());
        let dump = decode(&[std::fs::read(&file).unwrap()]).unwrap();
        let header = &dump.volumes[0];
        assert_eq!(header.since_64.get(), seconds, "{date}");
        assert_eq!(header.level.get(), 3);
        assert_eq!(dump.file(number).is_some(), is_in, "{date}");
    }
    let mut command = mddump("-3 -f x -T");
    command.arg("yesterday").arg(&fs.image);
    assert!(said(command, 1).contains("is no time such as"));
}

/// What was dumped when is told, and each header says which dump it belongs to.
#[test]
fn headers_and_lists_say_which_dump_it_is() {
    let mut fs = Changing::new();
    fs.change(|at| write(at, "file", "x"));
    let (zero, _) = fs.dump(0, "-u");
    let (one, _) = fs.dump(1, "-u -L x");
    let host = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    let [zero, one] = [zero, one].map(|file| {
        let bytes = std::fs::read(file).unwrap();
        decode(&[bytes]).unwrap()
    });
    for (dump, label, level) in [(&zero, "none", 0), (&one, "x", 1)] {
        let files = dump.files.iter().map(|file| &file.header);
        for header in dump.volumes.iter().chain(files).chain(&dump.end) {
            assert_eq!(text(&header.label), label);
            assert_eq!(header.level.get(), level);
            assert_eq!(text(&header.filesystem), "an unlisted file system");
            assert_eq!(text(&header.device), cut(&fs.image.display().to_string()));
            assert_eq!(text(&header.host), cut(&host));
        }
    }
    assert_eq!(zero.volumes[0].since.get(), 0);
    assert_eq!(one.volumes[0].since, zero.volumes[0].date);
    let output = mddump("-W -D").arg(&fs.dates).output().unwrap();
    succeeded("-W", &output);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = format!("  {}\t() Last dump: Level 1, Date ", fs.image.display());
    assert!(
        told.starts_with("Last dump(s) done") && told.contains(&line),
        "{told}"
    );
    let output = mddump("-w -D").arg(&fs.dates).output().unwrap();
    succeeded("-w", &output);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.starts_with("Dump these file systems:\n"), "{told}");
    assert!(!told.contains(&fs.image.display().to_string()), "{told}");
}

/// As much of a text as there is room for in a header.
fn cut(text: &str) -> String {
    text.chars().take(63).collect()
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
