// SPDX-License-Identifier: GPL-2.0
//! Volumes that end wherever it may be (dump.md 7, 5 to 7 and 13).

use crate::{
    env::{
        clear,
        dump,
        mddump,
        restore,
        restore_command,
        succeeded,
        versions,
        Place, //
    },
    in_process::{
        image_of_batches,
        small_image,
        Medium,
        Shelf,
        Small,
        BLOCK, //
    },
    snapshot::{
        assert_same,
        take, //
    },
    test_restore::filled, //
};
use md_dump::console::Recorded;
use md_dump_format::decode::{
    decode,
    Dump, //
};
use std::{
    fs,
    io::Write,
    path::{
        Path,
        PathBuf, //
    },
    process::{
        Command,
        Stdio, //
    }, //
};

/// The volumes that begin with a prefix, in their order.
pub(crate) fn volumes(prefix: &Path) -> Vec<PathBuf> {
    let names = (1..1000).map(|n| PathBuf::from(format!("{}{n:03}", prefix.display())));
    names.take_while(|path| path.exists()).collect()
}

pub(crate) fn read(paths: &[PathBuf]) -> Vec<Vec<u8>> {
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Whether two dumps have the same in them.
#[track_caller]
pub(crate) fn assert_same_dump(is: &Dump, should: &Dump) {
    assert_eq!(is.used, should.used);
    assert_eq!(is.wanted, should.wanted);
    assert_eq!(is.files.len(), should.files.len());
    for (is, should) in is.files.iter().zip(&should.files) {
        assert_eq!(is.inode, should.inode);
        assert_eq!(is.header.inode, should.header.inode);
        assert!(is.parts == should.parts, "inode {}", is.inode);
    }
}

#[test]
fn volumes_have_the_size_that_was_asked_for() {
    let mut place = Place::new();
    let target = place.target("target");
    let (image, should) = filled(&mut place, "source", "-t ext4");
    // The last is no multiple of a block.
    for (records, whole) in [(100, 100), (1000, 1000), (1003, 1000)] {
        let prefix = place.path("volume");
        volumes(&prefix)
            .iter()
            .for_each(|path| fs::remove_file(path).unwrap());
        dump(
            &format!("-0 -M -B {records} -f {}", prefix.display()),
            &image,
        );
        let paths = volumes(&prefix);
        let bytes = read(&paths);
        let (last, full) = bytes.split_last().unwrap();
        // Or a little less, not to end within attributes.
        let sizes = whole * 1024 - 20_480..=whole * 1024;
        assert!(full.len() > 2 && full.iter().all(|volume| sizes.contains(&volume.len())));
        assert!(last.len() <= whole * 1024);
        decode(&bytes).unwrap();
        for version in versions() {
            clear(&target);
            restore(version, &format!("-r -M -f {}", prefix.display()), &target);
            assert_same(version, &take(&target), &should);
            // It does not ask for volumes with -a.
            clear(&target);
            let words = format!("-x -a -M -f {}", prefix.display());
            extract_backwards(version, &words, 0, &target);
            assert_same(version, &take(&target), &should);
        }
    }
}

/// Behind every record that is not before the end of the maps: what was laid out and not written
/// comes on the next volume.
#[test]
fn a_volume_may_end_behind_every_record() {
    let small = Small::new(small_image(&mut Place::new()));
    let console = Recorded::default();
    let mut whole = Shelf::new(&[]);
    small.dump(&mut whole, &console, None).unwrap();
    let whole = whole.bytes();
    let should = decode(&whole).unwrap();
    let records = whole[0].len() / BLOCK;
    assert!((200..400).contains(&records), "{records}");
    for first in 5..records {
        let mut shelf = Shelf::new(&[Medium::Blocks(first), Medium::Blocks(7)]);
        small.dump(&mut shelf, &console, None).unwrap();
        let volumes = shelf.bytes();
        // A volume does not end within attributes.
        let short = first - volumes[0].len() / BLOCK;
        assert!(short <= 5, "{short} blocks too short");
        let is = decode(&volumes).unwrap_or_else(|fault| panic!("{first}: {fault}"));
        assert_same_dump(&is, &should);
        assert!(!*shelf.is_overrun.lock().unwrap(), "written behind the end");
    }
}

/// Blocks that are on their way when a medium ends are not written, though it would take them.
#[test]
fn nothing_that_is_on_its_way_is_written_behind_an_end() {
    const NTREC: u32 = 10;
    let small = Small::new(image_of_batches(&mut Place::new()));
    let console = Recorded::default();
    let mut whole = Shelf::new(&[]);
    small.dump_in_blocks(&mut whole, &console, NTREC).unwrap();
    let whole = whole.bytes();
    let should = decode(&whole).unwrap();
    let blocks = whole[0].len() / BLOCK / NTREC as usize;
    assert!(blocks > 300, "{blocks}");
    for first in (3..blocks).step_by(37) {
        let mut shelf = Shelf::new(&[Medium::Blocks(first), Medium::Blocks(60)]);
        small.dump_in_blocks(&mut shelf, &console, NTREC).unwrap();
        let is = decode(&shelf.bytes()).unwrap_or_else(|fault| panic!("{first}: {fault}"));
        assert_same_dump(&is, &should);
        assert!(!*shelf.is_overrun.lock().unwrap(), "written behind the end");
    }
}

/// Extracts from so many volumes, from the last one backwards, as restore asks one to do.
#[track_caller]
fn extract_backwards(version: &str, words: &str, count: usize, target: &Path) {
    let (mut command, _own) = restore_command(version, words, target);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let numbers = (1..=count).rev().map(|number| format!("{number}\n"));
    // No more volumes then, however often that is asked.
    let typed = numbers.collect::<String>() + &"none\n".repeat(9);
    let _ = child.stdin.take().unwrap().write_all(typed.as_bytes());
    succeeded(version, &child.wait_with_output().unwrap());
}

/// And every version of restore reads that, from the first volume on and from the last one
/// backwards. In turns: each has every fourth place, and all places when there is time.
#[test]
fn restore_reads_volumes_that_end_anywhere() {
    let mut place = Place::new();
    let target = place.target("target");
    let image = small_image(&mut place);
    let path = place.path("small");
    let at = place.mount(&path, "source", "loop,ro");
    let should = take(&at);
    let small = Small::new(image);
    let console = Recorded::default();
    let is_long = std::env::var_os("MD_LONG").is_some();
    let prefix = place.path("cut");
    let mut places = 0;
    for ntrec in [1, 7, 10] {
        let mut whole = Shelf::new(&[]);
        small.dump_in_blocks(&mut whole, &console, ntrec).unwrap();
        let blocks = whole.bytes()[0].len() / BLOCK / ntrec as usize;
        // The maps are not divided.
        let start = if ntrec < 5 { 5 } else { 1 };
        for first in start..blocks {
            let second = if ntrec < 5 { 12 } else { 3 };
            let mut shelf = Shelf::new(&[Medium::Blocks(first), Medium::Blocks(second)]);
            small.dump_in_blocks(&mut shelf, &console, ntrec).unwrap();
            let volumes = shelf.bytes();
            decode(&volumes).unwrap();
            for (volume, bytes) in volumes.iter().enumerate() {
                fs::write(format!("{}{:03}", prefix.display(), volume + 1), bytes).unwrap();
            }
            places += 1;
            let all = versions().iter().enumerate();
            for (_, version) in all.filter(|(index, _)| is_long || index % 4 == places % 4) {
                let what = format!("{version}: {first} blocks of {ntrec} records");
                // Without the size of a block, 0.4b47 reads more at once than these volumes have.
                let words = |how: &str| format!("-b {ntrec} {how} -M -f {}", prefix.display());
                clear(&target);
                restore(version, &words("-r"), &target);
                assert_same(&what, &take(&target), &should);
                clear(&target);
                extract_backwards(version, &words("-x"), volumes.len(), &target);
                assert_same(&format!("{what}, backwards"), &take(&target), &should);
            }
        }
    }
    assert!(places > 200, "{places}");
}

/// Older versions of restore look for the maps on the first volume only.
#[test]
fn maps_are_on_the_first_volume() {
    let small = Small::new(small_image(&mut Place::new()));
    for first in 1..8 {
        let mut shelf = Shelf::new(&[Medium::Blocks(first)]);
        let console = Recorded::default();
        let is_done = small.dump(&mut shelf, &console, None).is_ok();
        let is_refused = console.has("the maps do not go onto the first volume");
        assert_eq!((is_done, is_refused), (first >= 5, first < 5), "{first}");
    }
}

/// A dump of the small file system in blocks of two records to files that may have so many bytes.
fn limited(prefix: &Path, image: &Path, bytes: usize) -> Vec<Vec<u8>> {
    volumes(prefix)
        .iter()
        .for_each(|path| fs::remove_file(path).unwrap());
    let mut command = Command::new("prlimit");
    command.arg(format!("--fsize={bytes}"));
    let program = mddump("-0 -q -b 2 -M -f");
    command.arg(program.get_program()).args(program.get_args());
    let output = command.arg(prefix).arg(image).output().unwrap();
    succeeded("mddump", &output);
    read(&volumes(prefix))
}

/// A file that is full at any byte of a block, wherever that block is in the dump: around each
/// sector at every byte, and in between at every fourth, or at all when there is time.
#[test]
fn a_medium_may_end_at_every_byte_of_a_block() {
    const BLOCK: usize = 2048;
    let is_long = std::env::var_os("MD_LONG").is_some();
    let is_tried = |byte: &usize| is_long || byte % 4 == 0 || (byte + 2) % 512 < 4;
    let mut place = Place::new();
    small_image(&mut place);
    let image = place.path("small");
    let prefix = place.path("volume");
    let whole = limited(&prefix, &image, 1 << 20);
    assert_eq!(whole.len(), 1);
    let blocks = whole[0].len() / BLOCK;
    let should = decode(&whole).unwrap();
    for (turn, byte) in (0..BLOCK).filter(is_tried).enumerate() {
        let full = 3 + turn % (blocks - 3);
        let volumes = limited(&prefix, &image, full * BLOCK + byte);
        let length = volumes[0].len() / BLOCK;
        assert!(
            volumes[0].len() % BLOCK == 0 && (full - 3..=full).contains(&length),
            "{byte}"
        );
        let is = decode(&volumes).unwrap_or_else(|fault| panic!("{byte}: {fault}"));
        assert_same_dump(&is, &should);
    }
}

/// A file that may not become longer, to the byte: volumes are whole blocks, and right.
#[test]
fn files_that_are_full_are_cut_to_whole_blocks() {
    let mut place = Place::new();
    let target = place.target("target");
    let (image, should) = filled(&mut place, "source", "-t ext4");
    let base = 500 * 1024;
    let limits = [0, 1, 511, 1023, 1024, 1025, 5000, 9216, 10_239, 10_240].map(|more| base + more);
    for limit in limits {
        let prefix = place.path("volume");
        volumes(&prefix)
            .iter()
            .for_each(|path| fs::remove_file(path).unwrap());
        let mut command = Command::new("prlimit");
        command.arg(format!("--fsize={limit}"));
        let program = mddump("-0 -M -f");
        command.arg(program.get_program()).args(program.get_args());
        let output = command.arg(&prefix).arg(&image).output().unwrap();
        succeeded("mddump", &output);
        let bytes = read(&volumes(&prefix));
        assert!(bytes.len() > 3);
        let most = limit / 10_240 * 10_240;
        let sizes = [most, most - 10_240];
        let mut full = bytes.iter().take(bytes.len() - 1);
        assert!(full.all(|volume| sizes.contains(&volume.len())));
        decode(&bytes).unwrap();
        for version in versions() {
            clear(&target);
            restore(version, &format!("-r -M -f {}", prefix.display()), &target);
            assert_same(&format!("{limit} {version}"), &take(&target), &should);
        }
    }
}

/// A full file system, on which a volume ends behind a block, and one where it ends behind a record
/// in the middle of a block. That it may end within a record is shown by limits, above.
#[test]
fn a_full_file_system_is_the_end_of_a_volume() {
    let mut place = Place::new();
    let target = place.target("target");
    let (image, should) = filled(&mut place, "source", "-t ext4");
    let small = place.memory("memory", "1500k");
    let less = place.memory("less", "332k");
    let files = [small.join("a"), less.join("b"), place.path("c")];
    let names = files
        .each_ref()
        .map(|path| path.display().to_string())
        .join(",");
    let said = dump(&format!("-0 -f {names}"), &image);
    assert!(
        said.contains("Volume 2 begins with blocks from inode "),
        "{said}"
    );
    let bytes = read(&files);
    assert!(bytes[..2].iter().all(|volume| volume.len() % 10_240 == 0));
    decode(&bytes).unwrap();
    for (file, number) in files.iter().zip(1..) {
        fs::copy(file, place.path(&format!("copy{number:03}"))).unwrap();
    }
    let prefix = place.path("copy");
    for version in versions() {
        clear(&target);
        restore(version, &format!("-r -M -f {}", prefix.display()), &target);
        assert_same(version, &take(&target), &should);
    }
}

#[test]
fn a_medium_without_room_is_no_volume() {
    let mut place = Place::new();
    let (image, _) = filled(&mut place, "source", "-t ext4");
    let output = mddump("-0 -q -f /dev/full").arg(&image).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("EOT detected at start of the tape!"),
        "{said}"
    );
    let output = mddump("-0 -B 5 -M -f x").arg(&image).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("for the maps"));
}

/// A volume that failed is written anew, and the dump is what it would have been.
#[test]
fn a_volume_can_be_written_anew() {
    let small = Small::new(small_image(&mut Place::new()));
    let mut whole = Shelf::new(&[Medium::Blocks(100), Medium::Endless]);
    small.dump(&mut whole, &Recorded::default(), None).unwrap();
    for failing in [1, 60] {
        let mut shelf = Shelf::new(&[Medium::Blocks(100)]);
        let media = vec![Medium::Fails(failing), Medium::Fails(2), Medium::Endless];
        shelf.media.insert(2, media);
        let console = Recorded::with_answers(&[true, true]);
        small.dump(&mut shelf, &console, None).unwrap();
        assert!(shelf.bytes() == whole.bytes());
        assert!(console.has("write error ") && console.has(" blocks into volume 2"));
        assert!(console.has("this dump volume will be rewritten."));
    }
    // What a medium cannot keep it may say only when it is closed.
    let mut shelf = Shelf::new(&[Medium::Blocks(100), Medium::FailsAtClose]);
    let console = Recorded::with_answers(&[true]);
    small.dump(&mut shelf, &console, None).unwrap();
    assert!(shelf.bytes() == whole.bytes());
    let records = whole.bytes()[1].len() / BLOCK;
    assert!(console.has(&format!("write error {records} blocks into volume 2: ")));
    let mut shelf = Shelf::new(&[Medium::Fails(9)]);
    let console = Recorded::with_answers(&[false]);
    assert!(small.dump(&mut shelf, &console, None).is_err());
    assert!(console.has("DUMP WRITE ERROR!"));
    assert!(console.has("The ENTIRE dump is aborted."));
    let mut shelf = Shelf::new(&[Medium::Fails(9)]);
    shelf.is_pipe = true;
    let console = Recorded::with_answers(&[true]);
    assert!(small.dump(&mut shelf, &console, None).is_err());
    assert!(console.has("Cannot recover"));
}
