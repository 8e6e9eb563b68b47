// SPDX-License-Identifier: GPL-2.0
//! What is dumped is restored, by every version, from every kind of file system (dump.md 7, 1-3).

use crate::{
    env::{
        clear,
        dump,
        restore,
        restore_command,
        succeeded,
        tool,
        tools,
        versions,
        Place, //
    },
    sample,
    snapshot::{
        assert_same,
        data,
        take,
        Snapshot, //
    },
};
use md_dump_format::decode::decode;
use md_extfs::FileSystem;
use rustix::fs::{
    lsetxattr,
    FileType,
    XattrFlags, //
};
use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{
        Path,
        PathBuf, //
    },
    time::{
        Duration,
        SystemTime, //
    }, //
};

/// Layouts of a file system, in the words of mke2fs.
const LAYOUTS: [(&str, &str); 13] = [
    ("ext2 with blocks of 1 KiB", "-t ext2 -b 1024"),
    ("ext3 with blocks of 2 KiB", "-t ext3 -b 2048"),
    ("ext3", "-t ext3 -b 4096"),
    ("ext4", "-t ext4 -b 4096"),
    ("ext4 with blocks of 1 KiB", "-t ext4 -b 1024"),
    ("64 bits", "-t ext4 -O 64bit,metadata_csum"),
    (
        "no 64 bits, no checksums",
        "-t ext4 -O ^64bit,^metadata_csum -I 128",
    ),
    ("large clusters", "-t ext4 -O bigalloc -C 16384"),
    (
        "meta groups",
        "-t ext4 -b 1024 -g 1024 -O meta_bg,^resize_inode",
    ),
    ("data in inodes", "-t ext4 -O inline_data -I 512"),
    ("attributes in inodes of their own", "-t ext4 -O ea_inode"),
    ("large directories", "-t ext4 -O large_dir"),
    (
        "no journal, quota",
        "-t ext4 -b 4096 -O ^has_journal,quota,project",
    ),
];

/// A file system with the sample in it: its image, and what is in it.
pub(crate) fn filled(place: &mut Place, name: &str, options: &str) -> (PathBuf, Snapshot) {
    let options: Vec<_> = options.split_whitespace().collect();
    let image = place.image(name, "100M", &options);
    let Some(at) = place.try_mount(&image, &format!("{name}.mount"), "loop") else {
        return filled_by_mke2fs(place, name, &options);
    };
    sample::fill(&at);
    place.unmount(&at);
    let at = place.mount(&image, &format!("{name}.mount"), "loop,ro");
    let snapshot = take(&at);
    place.unmount(&at);
    assert!(snapshot.len() >= 530, "{}", snapshot.len());
    (image, snapshot)
}

/// The same of one that the kernel here does not know, copied by mke2fs from one that it knows.
fn filled_by_mke2fs(place: &mut Place, name: &str, options: &[&str]) -> (PathBuf, Snapshot) {
    println!("{options:?} cannot be mounted here: mke2fs fills it");
    let source = place.target(&format!("{name}.tree"));
    sample::fill(&source);
    let snapshot = whole_seconds(take(&source));
    let options = [&["-d", source.to_str().unwrap()], options].concat();
    let image = place.image(name, "100M", &options);
    place.unmount(&source);
    (image, snapshot)
}

/// A snapshot without parts of seconds, which mke2fs does not copy.
fn whole_seconds(snapshot: Snapshot) -> Snapshot {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let cut = |word: &str| match word.split_once('.') {
        Some((whole, part)) if part.len() == 6 && digits(whole) && digits(part) => {
            format!("{whole}.000000")
        }
        _ => word.to_string(),
    };
    let cut = |line: String| line.split(' ').map(cut).collect::<Vec<_>>().join(" ");
    snapshot
        .into_iter()
        .map(|(name, line)| (name, cut(line)))
        .collect()
}

/// Restores a dump by all versions into a folder, each time from nothing, and compares.
#[track_caller]
fn restore_all(what: &str, words: &str, target: &Path, should: &Snapshot) {
    for version in versions() {
        clear(target);
        restore(version, words, target);
        assert_same(&format!("{what}, restore {version}"), &take(target), should);
    }
}

#[test]
fn every_restore_brings_back_what_was_dumped() {
    let mut place = Place::new();
    let target = place.target("target");
    for (name, options) in LAYOUTS {
        let (image, should) = filled(&mut place, "source", options);
        let file = place.path("file");
        dump(&format!("-0 -f {}", file.display()), &image);
        decode(&[fs::read(&file).unwrap()]).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        restore_all(name, &format!("-rf {}", file.display()), &target, &should);
    }
}

/// Holes are where they were, to the block, also at the end of a file.
#[test]
fn holes_are_where_they_were() {
    let mut place = Place::new();
    let target = place.target("target");
    let (image, _) = filled(&mut place, "source", "-t ext4 -b 4096");
    let at = place.mount(&image, "source.mount", "loop,ro");
    let names = [
        "sub/deep/sparse",
        "sub/hole",
        "sub/large",
        "size10000",
        "sub/reserved",
    ];
    let should = names.map(|name| data(&at.join(name)));
    let counts = should.each_ref().map(Vec::len);
    assert_eq!(counts, [4, 0, 1, 1, 2]);
    // Blocks that were never written are more than those that were.
    let reserved = fs::metadata(at.join("sub/reserved")).unwrap().blocks() * 512;
    assert!(reserved >= 88 << 10, "{reserved}");
    place.unmount(&at);
    let file = place.path("file");
    for format in ["classic", "linux49"] {
        dump(
            &format!("-0 --format {format} -f {}", file.display()),
            &image,
        );
        let reads_runs = |version: &&&str| format == "classic" || **version >= "0.4b49";
        for version in versions().iter().filter(reads_runs) {
            clear(&target);
            restore(version, &format!("-rf {}", file.display()), &target);
            let is = names.map(|name| data(&target.join(name)));
            assert_eq!(is, should, "{version} {format}");
        }
    }
}

/// The other formats, and other sizes of blocks.
#[test]
fn every_format_is_restored_by_who_can_read_it() {
    let mut place = Place::new();
    let target = place.target("target");
    let (image, should) = filled(&mut place, "source", "-t ext4");
    let file = place.path("file");
    dump(
        &format!("-0 --format linux49 -b 64 -f {}", file.display()),
        &image,
    );
    let words = format!("-b 64 -rf {}", file.display());
    for version in versions().iter().filter(|version| **version >= "0.4b49") {
        clear(&target);
        restore(version, &words, &target);
        assert_same(version, &take(&target), &should);
    }
    dump(
        &format!("-0 --format bsd -b 1 -f {}", file.display()),
        &image,
    );
    let decoded = decode(&[fs::read(&file).unwrap()]).unwrap();
    assert!(decoded.files.iter().all(|file| !file.is_attributes()));
    dump(&format!("-0 -b 512 -f {}", file.display()), &image);
    let words = format!("-b 512 -rf {}", file.display());
    restore_all("-b 512", &words, &target, &should);
}

/// Times and numbers of devices that a dump has no room for: they are at their limit there, or as
/// they are, and it is told.
#[test]
fn what_has_no_room_in_a_header_is_told() {
    let mut place = Place::new();
    let image = place.image("image", "10M", &["-t", "ext4", "-I", "256"]);
    let at = place.mount(&image, "mount", "loop");
    let now = SystemTime::now();
    for (name, seconds) in [("last", 0x7fff_ffff), ("late", 0x8000_0000)] {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let file = fs::File::create(at.join(name)).unwrap();
        let times = fs::FileTimes::new().set_accessed(now).set_modified(time);
        file.set_times(times).unwrap();
    }
    for (name, minor) in [("largest", 0x7_ffff), ("too large", 0x8_0000)] {
        sample::device(&at.join(name), FileType::CharacterDevice, 253, minor);
    }
    let number = |name: &str| fs::symlink_metadata(at.join(name)).unwrap().ino() as u32;
    let numbers = ["last", "late", "largest", "too large"].map(number);
    place.unmount(&at);
    let file = place.path("file");
    let said = dump(&format!("-0 -f {}", file.display()), &image);
    let dump = decode(&[fs::read(&file).unwrap()]).unwrap();
    let [last, late, largest, too_large] = numbers.map(|inode| {
        let told = said.matches(&format!("inode {inode}: ")).count();
        (dump.file(inode).unwrap().header.inode, told)
    });
    for (inode, told) in [(last, 0), (late, 1)] {
        assert_eq!(
            (inode.0.modified.seconds.get(), inode.1),
            (0x7fff_ffff, told)
        );
    }
    assert!(
        said.contains("a time is outside of what a dump can say"),
        "{said}"
    );
    assert_eq!((largest.0.blocks[0].get(), largest.1), (0x7ff0_fdff, 0));
    assert_eq!((too_large.0.blocks[0].get(), too_large.1), (0x8000_fd00, 1));
    assert!(
        said.contains("restore may not make the device 253:524288"),
        "{said}"
    );
}

/// Attributes that go beyond one record are in several, and come back; one that no record has room
/// for is told and left out.
#[test]
fn attributes_may_take_several_records() {
    let mut place = Place::new();
    let options = ["-t", "ext4", "-O", "ea_inode"];
    let image = place.image("image", "20M", &options);
    let empty = place.image("empty", "20M", &options);
    let (at, target) = (
        place.mount(&image, "mount", "loop,noatime"),
        place.mount(&empty, "target", "loop,noatime"),
    );
    fs::remove_dir(target.join("lost+found")).unwrap();
    let set = |name: &str, attribute: &str, size: usize| {
        let path = at.join(name);
        if !path.exists() {
            fs::write(&path, name).unwrap();
        }
        let value = sample::bytes(size as u32, size);
        lsetxattr(&path, attribute, &value, XattrFlags::empty()).unwrap();
    };
    set("file", "user.three", 3000);
    set("file", "user.two", 2000);
    set("other", "user.small", 20);
    let number = fs::metadata(at.join("file")).unwrap().ino() as u32;
    let should = take(&at);
    set("other", "user.huge", 5000);
    place.unmount(&at);
    let fs = FileSystem::open(fs::read(&image).unwrap()).unwrap();
    let numbers = 11..=fs.superblock().inodes();
    let values = numbers.filter(|number| {
        let inode = fs.inode(*number);
        inode.is_ok_and(|inode| inode.is_used() && inode.is_attribute_value())
    });
    assert!(values.count() >= 2);
    let file = place.path("file");
    let said = dump(&format!("-0 -f {}", file.display()), &image);
    let words = "the extended attribute huge of 5000 bytes has no place in a dump";
    assert!(said.contains(words), "{said}");
    let dump = decode(&[std::fs::read(&file).unwrap()]).unwrap();
    let files = dump.files.iter();
    let records = files.filter(|file| file.inode == number && file.is_attributes());
    assert_eq!(records.count(), 2);
    restore_all(
        "attributes",
        &format!("-rf {}", file.display()),
        &target,
        &should,
    );
}

/// A directory whose index has more than one level has entries like others.
#[test]
fn a_directory_may_have_an_index_of_several_levels() {
    const NAMES: usize = 1500;
    let mut place = Place::new();
    let options = ["-t", "ext4", "-b", "1024", "-N", "4000"];
    let image = place.image("image", "20M", &options);
    let at = place.mount(&image, "mount", "loop");
    let folder = at.join("folder");
    fs::create_dir(&folder).unwrap();
    let name = |n: usize| format!("{n}-{}", "n".repeat(230));
    (0..NAMES).for_each(|n| drop(fs::File::create(folder.join(name(n))).unwrap()));
    let number = fs::metadata(&folder).unwrap().ino() as u32;
    place.unmount(&at);
    let mut command = tool(&tools().join("e2fs/debugfs"));
    let output = command
        .args(["-R", "htree_dump folder"])
        .arg(&image)
        .output()
        .unwrap();
    succeeded("debugfs", &output);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("Indirect levels: 1"), "{told}");
    let file = place.path("file");
    dump(&format!("-0 -f {}", file.display()), &image);
    let dump = decode(&[fs::read(&file).unwrap()]).unwrap();
    let entries = dump.file(number).unwrap().entries().unwrap();
    let found = entries
        .into_iter()
        .map(|entry| String::from_utf8(entry.name).unwrap());
    let should = (0..NAMES).map(name).chain([".", ".."].map(String::from));
    let [mut found, mut should]: [Vec<_>; 2] = [found.collect(), should.collect()];
    found.sort();
    should.sort();
    assert!(found == should, "{} and {}", found.len(), should.len());
}

/// What `restore -C` says that differs between a dump and a folder.
fn differences(version: &str, file: &Path, folder: &Path) -> Vec<String> {
    let words = format!("-C -f {} -D {}", file.display(), folder.display());
    let (mut command, _own) = restore_command(version, &words, folder);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    let found: Vec<_> = said.lines().filter(|line| line.starts_with("./")).collect();
    assert_eq!(
        output.status.success(),
        found.is_empty(),
        "restore {version}:\n{said}"
    );
    found.into_iter().map(str::to_string).collect()
}

/// `restore -C` compares what it can, and finds no more than in a dump of Debian's own, which loses
/// the number of a device. (The flags of a long symbolic link are beyond its reach.)
#[test]
fn restore_finds_no_difference() {
    let mut place = Place::new();
    let (image, _) = filled(&mut place, "source", "-t ext4");
    // Debian's dump has blocks where none was ever written, and restore expects them.
    let at = place.mount(&image, "mount", "loop");
    fs::remove_file(at.join("sub/reserved")).unwrap();
    place.unmount(&at);
    let (file, debians) = (place.path("file"), place.path("debians"));
    dump(&format!("-0 -f {}", file.display()), &image);
    let at = place.mount(&image, "mount", "loop,ro");
    for version in versions() {
        let mut command = tool(&tools().join(version).join("dump"));
        let output = command
            .args(["-0", "-f"])
            .arg(&debians)
            .arg(&image)
            .output()
            .unwrap();
        succeeded("dump", &output);
        let (ours, theirs) = (
            differences(version, &file, &at),
            differences(version, &debians, &at),
        );
        assert!(
            ours.iter().all(|line| theirs.contains(line)),
            "{version}: {ours:?} {theirs:?}"
        );
        assert!(
            ours.iter().all(|line| line.starts_with("./long: flags")),
            "{ours:?}"
        );
        assert!(
            theirs.iter().any(|line| line.starts_with("./metadevice")),
            "{theirs:?}"
        );
    }
    place.unmount(&at);
    // Without that link there is nothing to be told, and its status is 0.
    let at = place.mount(&image, "mount", "loop");
    fs::remove_file(at.join("long")).unwrap();
    place.unmount(&at);
    dump(&format!("-0 -f {}", file.display()), &image);
    let at = place.mount(&image, "mount", "loop,ro");
    for version in versions() {
        assert_eq!(differences(version, &file, &at), [""; 0], "{version}");
    }
}
