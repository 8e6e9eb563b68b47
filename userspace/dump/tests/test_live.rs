// SPDX-License-Identifier: GPL-2.0
//! File systems that change while they are read.

use crate::{
    env::{
        dump,
        succeeded,
        tool,
        tools,
        Place, //
    },
    in_process::{
        small_image,
        Shelf,
        Small, //
    },
    sample::bytes,
    test_source::work,
    test_volumes::assert_same_dump, //
};
use md_dump::{
    console::Recorded,
    selection::{
        select,
        Wish, //
    }, //
};
use md_dump_format::decode::{
    decode,
    Dump, //
};
use md_extfs::{
    source::Source,
    FileSystem, //
};
use std::{
    fs::{
        self,
        File, //
    },
    io::{
        self,
        Write, //
    },
    path::Path,
    process::Command,
    sync::RwLock, //
};

/// A disk that others write to.
struct Changing(RwLock<Vec<u8>>);

impl Source for Changing {
    fn bytes(&self) -> u64 {
        self.0.read().unwrap().bytes()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read().unwrap().read_at(buffer, offset)
    }
}

/// What debugfs says.
pub(crate) fn debugfs(image: &Path, request: &str) -> String {
    let mut command = tool(&tools().join("e2fs/debugfs"));
    let output = command.args(["-R", request]).arg(image).output().unwrap();
    succeeded("debugfs", &output);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Fills all blocks of the journal but its superblock with something else.
fn overwrite_journal(image: &Path, block_bytes: usize, bytes: &mut [u8]) {
    let blocks = debugfs(image, "blocks <8>");
    let numbers = blocks
        .split_whitespace()
        .map(|word| word.parse::<usize>().unwrap());
    let numbers: Vec<usize> = numbers.collect();
    assert!(numbers.len() >= 1024);
    for number in &numbers[1..] {
        bytes[number * block_bytes..(number + 1) * block_bytes].fill(0xaa);
    }
}

fn dumped(small: &Small<Changing>) -> Dump {
    let mut shelf = Shelf::new(&[]);
    small.dump(&mut shelf, &Recorded::default(), None).unwrap();
    decode(&shelf.bytes()).unwrap()
}

/// The journal of a file system in use goes round while a dump reads it. What stood there when the
/// dump was begun is in its own place before anything else is written there.
#[test]
fn what_is_overwritten_in_the_journal_is_read_from_its_place() {
    for (options, mount) in [
        ("-t ext4 -b 1024 -J size=4", "loop,data=journal"),
        ("-t ext4 -b 4096", "loop"),
    ] {
        let mut place = Place::new();
        let words: Vec<_> = options.split_whitespace().collect();
        let image = place.image("image", "40M", &words);
        let at = place.mount(&image, "mount", mount);
        work(&at);
        let copy = place.path("copy");
        fs::copy(&image, &copy).unwrap();
        place.unmount(&at);
        let small = Small::new(Changing(RwLock::new(fs::read(&copy).unwrap())));
        assert!(!small.fs.overlay().is_empty());
        let should = dumped(&small);
        let block_bytes = small.fs.superblock().block_bytes() as usize;
        let mut command = tool(&tools().join("e2fs/e2fsck"));
        let command = command.args(["-y", "-E", "journal_only"]).arg(&copy);
        assert!(command.output().unwrap().status.code() <= Some(1));
        let mut later = fs::read(&copy).unwrap();
        overwrite_journal(&copy, block_bytes, &mut later);
        *small.fs.source().0.write().unwrap() = later;
        assert_same_dump(&dumped(&small), &should);
    }
}

/// The kernel knows more of a mounted file system than its device, and its journal is older: what
/// was synced is in the dump, wherever it is.
#[test]
fn a_mounted_file_system_is_read_as_the_kernel_knows_it() {
    for (options, mount) in [
        ("-t ext4 -b 1024", "loop,data=journal"),
        ("-t ext4 -b 4096", "loop"),
        ("-t ext2 -b 1024", "loop"),
    ] {
        let mut place = Place::new();
        let words: Vec<_> = options.split_whitespace().collect();
        let image = place.image("image", "40M", &words);
        let at = place.mount(&image, "mount", mount);
        work(&at);
        let output = Command::new("findmnt")
            .args(["-no", "SOURCE"])
            .arg(&at)
            .output();
        let device = String::from_utf8(output.unwrap().stdout).unwrap();
        let file = place.path("dump");
        // By its device, and by where it is mounted.
        for (round, name) in [Path::new(device.trim()), &at].into_iter().enumerate() {
            // Not synced: that is for the dump to do.
            let data = bytes(99 + round as u32, 50_000);
            File::create(at.join("last"))
                .unwrap()
                .write_all(&data)
                .unwrap();
            dump(&format!("-0 -f {}", file.display()), name);
            let found = decode(&[fs::read(&file).unwrap()]).unwrap();
            let has = |data: &[u8]| found.files.iter().any(|file| file.bytes() == data);
            assert!(has(&data), "{options}: {}", name.display());
            assert!((0..4).all(|round| has(&bytes(round, 30_000))), "{options}");
        }
        place.unmount(&at);
    }
}

/// restore takes the first file for the end of all directories: what was a directory when it was
/// selected and is a file now, or the other way round, is left out.
#[test]
fn an_inode_that_is_another_file_now_is_left_out() {
    let mut small = Small::new(small_image(&mut Place::new()));
    let mut shelf = Shelf::new(&[]);
    small.dump(&mut shelf, &Recorded::default(), None).unwrap();
    let whole = decode(&shelf.bytes()).unwrap();
    let is_directory = |inode: u32| {
        let file = whole.file(inode).unwrap();
        file.header.inode.mode.get() >> 12 == 4
    };
    let numbers: Vec<u32> = whole.files.iter().map(|file| file.inode).collect();
    let file = *numbers.iter().find(|inode| !is_directory(**inode)).unwrap();
    let folder = *numbers
        .iter()
        .find(|one| **one > 11 && is_directory(**one))
        .unwrap();
    small.selection.directories.insert(file);
    small.selection.directories.remove(folder);
    let console = Recorded::default();
    let mut shelf = Shelf::new(&[]);
    small.dump(&mut shelf, &console, None).unwrap();
    for inode in [file, folder] {
        assert!(console.has(&format!(
            "inode {inode} was removed and is another file now"
        )));
    }
    let dump = decode(&shelf.bytes()).unwrap();
    let count = |dump: &Dump| {
        let files = dump.files.iter();
        files.filter(|file| !file.is_attributes()).count()
    };
    assert_eq!(count(&dump), count(&whole) - 2);
    let kinds = dump
        .files
        .iter()
        .map(|file| file.header.inode.mode.get() >> 12 == 4);
    assert!(kinds.is_sorted_by_key(|is_directory| !is_directory));
}

/// If something is left out, what has no name is left out as well; but not if the name may be in
/// the part of a directory that cannot be read.
#[test]
fn damage_leaves_nothing_out() {
    let mut place = Place::new();
    let mut image = small_image(&mut place);
    let path = place.path("small");
    let number = |name: &str| {
        let said = debugfs(&path, &format!("stat {name}"));
        said.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<u32>()
            .unwrap()
    };
    let (inside, outside) = (number("/folder/file3"), number("/sparse"));
    let block: usize = debugfs(&path, "blocks /folder").trim().parse().unwrap();
    let wish = Wish {
        excluded: [outside].into_iter().collect(),
        ..Wish::default()
    };
    let selected = |image: Vec<u8>| {
        let fs = FileSystem::open(image).unwrap();
        let selection = select(&fs, &wish, &|_| ()).unwrap();
        (
            selection.wanted.contains(inside),
            selection.wanted.contains(outside),
        )
    };
    assert_eq!(selected(image.clone()), (true, false));
    image[block * 1024..(block + 1) * 1024].fill(0xff);
    assert_eq!(selected(image), (true, false));
}
