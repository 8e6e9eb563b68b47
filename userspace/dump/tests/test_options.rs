// SPDX-License-Identifier: GPL-2.0
//! What restore is told beside a dump (`-A`, `-Q`), and other options (dump.md 5.4).

use crate::{
    env::{
        clear,
        dump,
        mddump,
        restore_command,
        said,
        succeeded,
        versions,
        Place, //
    },
    in_process::{
        small_image,
        Medium,
        Shelf,
        Small, //
    },
    sample,
    snapshot::{
        assert_same,
        take, //
    },
    test_restore::filled,
    test_volumes::{
        read,
        volumes, //
    },
};
use md_dump::console::Recorded;
use md_dump_format::decode::decode;
use std::{
    fs,
    path::Path,
    time::{
        Duration,
        Instant, //
    }, //
};

/// What a version of restore says to words.
#[track_caller]
fn told(version: &str, words: &str, folder: &Path) -> String {
    let (mut command, _own) = restore_command(version, words, folder);
    let output = command.output().unwrap();
    succeeded(&format!("restore {version} {words}"), &output);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The table of contents tells the same as the dump, and on which volumes it is.
#[test]
fn a_table_of_contents_stands_for_the_dump() {
    let mut place = Place::new();
    let (image, _) = filled(&mut place, "source", "-t ext4");
    let (file, prefix) = (place.path("file"), place.path("volume"));
    let (one, many) = (place.path("one"), place.path("many"));
    dump(
        &format!("-0 -A {} -f {}", one.display(), file.display()),
        &image,
    );
    let archive = fs::read(&one).unwrap();
    let decoded = decode(&[archive]).unwrap();
    assert!(decoded
        .files
        .iter()
        .all(|file| file.header.inode.mode.get() >> 12 == 4));
    let words = format!(
        "-0 -z -A {} -M -B 600 -f {}",
        many.display(),
        prefix.display()
    );
    dump(&words, &image);
    let count = volumes(&prefix).len();
    assert!(count > 2);
    for version in versions() {
        let list = |words: &str, path: &Path| {
            let told = told(
                version,
                &format!("{words} {}", path.display()),
                place.path("").as_path(),
            );
            let (head, list) = told.split_at(told.find("         2\t.").expect("the root"));
            (head.to_string(), list.to_string())
        };
        let (_, should) = list("-t -f", &file);
        let (head, is) = list("-t -A", &one);
        assert_eq!(is, should, "{version}");
        assert!(head.contains("Volume 1: 2\n"), "{version}: {head}");
        let (head, is) = list("-t -A", &many);
        assert_eq!(is, should, "{version}");
        assert!(
            head.contains(&format!("Volume {count}: ")),
            "{version}: {head}"
        );
    }
}

/// The positions are those where files are, and restore finds one by them.
#[test]
fn positions_lead_to_files() {
    let mut place = Place::new();
    let target = place.target("target");
    let (image, _) = filled(&mut place, "source", "-t ext4");
    let (file, positions) = (place.path("file"), place.path("positions"));
    let words = format!("-0 -Q {} -f {}", positions.display(), file.display());
    dump(&words, &image);
    let bytes = fs::read(&file).unwrap();
    let text = fs::read_to_string(&positions).unwrap();
    let lines: Vec<Vec<u64>> = text
        .lines()
        .skip(5)
        .map(|line| line.split('\t').map(|word| word.parse().unwrap()).collect())
        .collect();
    assert!(lines.len() > 100, "{}", lines.len());
    for line in &lines {
        let [inode, 1, at] = line[..] else {
            panic!("{line:?}");
        };
        let block = &bytes[at as usize..at as usize + 10_240];
        let first = block.chunks(1024).find(|record| {
            let word = |at: usize| u32::from_le_bytes(record[at..at + 4].try_into().unwrap());
            (word(24), word(0), word(888) & 0x8000) == (60012, 2, 0)
        });
        let number = first.map(|record| u32::from_le_bytes(record[20..24].try_into().unwrap()));
        assert_eq!(at % 10_240, 0);
        assert_eq!(number.map(u64::from), Some(inode), "at {at}");
    }
    let should = sample::bytes(499, 3493);
    let name = format!("many/499-{}", "n".repeat(39));
    for version in versions() {
        clear(&target);
        let words = format!(
            "-x -Q {} -f {} ./{name}",
            positions.display(),
            file.display()
        );
        let (mut command, _own) = restore_command(version, &words, &target);
        let output = command.output().unwrap();
        let is = fs::read(target.join(&name));
        assert!(is.is_ok_and(|is| is == should), "{version}: {output:?}");
    }
}

/// Each volume has a size of its own, the last of the list is for all that follow.
#[test]
fn a_list_has_the_sizes_of_volumes() {
    let mut place = Place::new();
    let target = place.target("target");
    let (image, should) = filled(&mut place, "source", "-t ext4");
    let prefix = place.path("volume");
    dump(
        &format!("-0 -M -B 500,300,1000 -f {}", prefix.display()),
        &image,
    );
    let bytes = read(&volumes(&prefix));
    let kib: Vec<_> = bytes.iter().map(|volume| volume.len() / 1024).collect();
    assert!(
        kib.len() > 4
            && kib.iter().zip([500, 300, 1000, 1000]).all(|(is, most)| {
                // Or a little less, not to end within attributes.
                (most - 20..=most).contains(is)
            }),
        "{kib:?}"
    );
    decode(&bytes).unwrap();
    for version in versions() {
        clear(&target);
        crate::env::restore(version, &format!("-r -M -f {}", prefix.display()), &target);
        assert_same(version, &take(&target), &should);
    }
    let mut command = mddump("-0 -M -B 500,5 -f");
    command.arg(&prefix).arg(&image);
    assert!(said(command, 1).contains("10 KiB at least"));
}

#[test]
fn what_is_not_done_is_told() {
    let mut place = Place::new();
    let (image, _) = filled(&mut place, "source", "-t ext2");
    let mut command = mddump("-0 -y3 -f x");
    command.arg(&image);
    assert!(said(command, 1).contains("lzo is not done here"));
    let list = place.path("list");
    fs::write(&list, "12\nsome/name\n").unwrap();
    let mut command = mddump("-0 -f x -E");
    command.arg(&list).arg(&image);
    assert!(said(command, 1).contains("\"some/name\" is no number of an inode"));
    let mut command = mddump("-0 -f");
    command
        .arg(place.path("file"))
        .arg("-Q")
        .arg(place.path("no/folder"))
        .arg(&image);
    said(command, 1);
}

/// dump.md 5.6: there is no file beside the dump for what has no place in it, so it is told.
#[test]
fn a_value_that_is_left_out_is_told() {
    let mut place = Place::new();
    let image = place.image("image", "20M", &["-t", "ext4", "-O", "ea_inode"]);
    let at = place.mount(&image, "mount", "loop");
    fs::write(at.join("file"), "x").unwrap();
    for (name, length) in [("user.large", 5000), ("user.small", 500)] {
        sample::attribute(&at.join("file"), name, &vec![7; length]);
    }
    place.unmount(&at);
    let told = dump(&format!("-0 -f {}", place.path("dump").display()), &image);
    let words =
        "the extended attribute large of 5000 bytes has no place in a dump, and is left out";
    assert!(told.contains(words), "{told}");
    assert_eq!(told.matches("has no place").count(), 1, "{told}");
}

/// Operators are told by wall if -n is given; without -f it is $TAPE that is written.
#[test]
fn operators_are_told_and_the_tape_may_be_a_variable() {
    let mut place = Place::new();
    let (image, _) = filled(&mut place, "source", "-t ext4");
    let wall = place.program("wall", "printf '%s|' \"$@\" >>\"$0.words\"");
    let path = format!(
        "{}:{}",
        place.path("").display(),
        std::env::var("PATH").unwrap()
    );
    let (file, words) = (place.path("tape"), wall.with_extension("words"));
    for (options, told) in [
        ("-0 -q -B 500", None),
        (
            "-0 -q -n -B 500",
            Some(
                "-g|operator|Message from the dump program to all operators: CHANGE DUMP VOLUMES!|",
            ),
        ),
    ] {
        let _ = fs::remove_file(&file);
        let mut command = mddump(options);
        command.arg(&image).env("PATH", &path).env("TAPE", &file);
        said(command, 3);
        assert_eq!(fs::read_to_string(&words).ok().as_deref(), told);
        let bytes = fs::metadata(&file).unwrap().len();
        assert!((480 << 10..=500 << 10).contains(&bytes), "{bytes}");
    }
}

/// Of a tape whose length and density are given each volume has as much as goes onto it, and with
/// -a as much as there is.
#[test]
fn a_tape_that_is_described_ends_where_it_should() {
    let mut place = Place::new();
    let (image, _) = filled(&mut place, "source", "-t ext4");
    let prefix = place.path("volume");
    // 120 tenths of an inch a foot; a block of 10 KiB has 64, 16 or 12, and a gap behind it.
    for (options, blocks) in [
        ("-d 1600 -s 30", 30 * 120 / (64 + 8) + 1),
        ("-d 6250 -b 10 -s 10", 10 * 120 / (16 + 5) + 1),
        ("-c -s 15", 15 * 120 / (12 + 16) + 1),
    ] {
        volumes(&prefix)
            .iter()
            .for_each(|path| fs::remove_file(path).unwrap());
        dump(&format!("-0 -M {options} -f {}", prefix.display()), &image);
        let bytes = read(&volumes(&prefix));
        decode(&bytes).unwrap();
        let (_, full) = bytes.split_last().unwrap();
        let most = blocks * 10_240;
        // Or a little less, not to end within attributes.
        let is_full = |volume: &Vec<u8>| (most - 20_480..=most).contains(&volume.len());
        assert!(full.len() > 2 && full.iter().all(is_full), "{options}");
        assert!(full.iter().any(|volume| volume.len() == most), "{options}");
    }
    let one = place.path("one");
    let words = format!("-0 -a -d 1600 -s 30 -M -f {}", one.display());
    dump(&words, &image);
    assert_eq!(volumes(&one).len(), 1);
}

/// A changer that puts the next tape in after a while, or none.
#[test]
fn the_next_tape_may_come_by_itself() {
    let small = Small::new(small_image(&mut Place::new()));
    let run = |loads_at: Option<Duration>, patience| {
        let mut shelf = Shelf::new(&[Medium::Blocks(100)]);
        shelf.is_at_hand = false;
        shelf.loads_at = loads_at.map(|after| Instant::now() + after);
        let console = Recorded::with_answers(&[false, true]);
        let patience = Some(Duration::from_millis(patience));
        let done = small.dump_patiently(&mut shelf, &console, patience);
        (
            done.is_ok(),
            console.has("Is the new volume mounted and ready to go?"),
            console.has("CHANGE DUMP VOLUMES!"),
        )
    };
    let soon = Some(Duration::from_millis(100));
    assert_eq!(run(soon, 20_000), (true, false, false));
    assert_eq!(run(None, 100), (false, true, true));
}
