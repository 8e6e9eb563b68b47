// SPDX-License-Identifier: GPL-2.0
//! Numbers that do not fit where they used to (dump.md 7, 19).

use crate::{
    env::{
        clear,
        dump,
        restore,
        versions,
        Place, //
    },
    in_process::{
        small_image,
        Medium,
        Shelf,
        Small,
        BLOCK, //
    },
    sample::bytes,
    snapshot::{
        assert_same,
        take, //
    },
};
use md_dump::{
    console::Recorded,
    state::Checkpoint, //
};
use md_dump_format::{
    decode::decode,
    layout::Position, //
};
use std::{
    fs,
    os::unix::fs::MetadataExt, //
};

/// With more than 4 million inodes a map has more records than its header can describe.
#[test]
fn maps_may_be_longer_than_a_header_can_describe() {
    let mut place = Place::new();
    let target = place.target("target");
    let options = [
        "-t",
        "ext4",
        "-I",
        "128",
        "-N",
        "4300000",
        "-E",
        "lazy_itable_init=1",
    ];
    let image = place.image("image", "2G", &options);
    let at = place.mount(&image, "mount", "loop,noinit_itable");
    let mut highest = 0;
    for n in 0..200 {
        let folder = at.join(n.to_string());
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("file"), n.to_string().repeat(300)).unwrap();
        highest = fs::metadata(&folder).unwrap().ino().max(highest);
    }
    place.unmount(&at);
    let at = place.mount(&image, "mount", "loop,ro,noinit_itable");
    let should = take(&at);
    place.unmount(&at);
    assert!(highest > 3_000_000, "{highest}");
    let file = place.path("file");
    dump(&format!("-0 -f {}", file.display()), &image);
    let decoded = decode(&[fs::read(&file).unwrap()]).unwrap();
    assert!(decoded.wanted.len() > 512 * 1024);
    for version in versions() {
        clear(&target);
        restore(version, &format!("-rf {}", file.display()), &target);
        assert_same(version, &take(&target), &should);
    }
}

/// A dump that is numbered from here on, as if more than four thousand million records were before.
fn behind(records: u64) -> Checkpoint {
    Checkpoint {
        position: Position {
            next: records,
            first: records,
            ..Position::default()
        },
        ..Checkpoint::default()
    }
}

fn number<const BYTES: usize>(record: &[u8], at: usize) -> [u8; BYTES] {
    record[at..at + BYTES].try_into().unwrap()
}

/// Volumes are written over the end of 32 bits: the old fields wrap around, the new ones do not.
#[test]
fn ordinals_of_volumes_go_on_behind_32_bits() {
    const START: u64 = (1 << 32) - 150;
    let small = Small::new(small_image(&mut Place::new()));
    let mut shelf = Shelf::new(&[Medium::Blocks(100), Medium::Blocks(100)]);
    let done = small.dump_changed(&mut shelf, &Recorded::default(), behind(START), |_| ());
    assert!(done.is_ok());
    let volumes = shelf.bytes();
    assert!(volumes.len() > 2);
    let (mut next, mut headers) = (START, 0);
    for volume in &volumes {
        let first = next;
        for record in volume.chunks(BLOCK) {
            let is_header = u32::from_le_bytes(number(record, 24)) == 60012;
            let is_this = u64::from_le_bytes(number(record, 912)) == next;
            // Data may look like anything, but not have the ordinal of its place.
            if is_header && is_this {
                headers += 1;
                assert_eq!(u32::from_le_bytes(number(record, 16)), next as u32);
                assert_eq!(u32::from_le_bytes(number(record, 892)), first as u32);
                assert_eq!(u64::from_le_bytes(number(record, 920)), first);
            }
            assert_eq!(is_header, is_this, "record {next}");
            next += 1;
        }
    }
    assert!(next > 1 << 32 && headers > 20, "{next} {headers}");
}

/// dump.md section 8: restore reads a volume whose records have such ordinals.
#[test]
fn restore_bears_ordinals_of_more_than_32_bits() {
    let mut place = Place::new();
    let target = place.target("target");
    let small = Small::new(small_image(&mut place));
    let mut shelf = Shelf::new(&[]);
    let start = behind((1 << 32) - 150);
    let done = small.dump_changed(&mut shelf, &Recorded::default(), start, |_| ());
    assert!(done.is_ok());
    let file = place.path("file");
    fs::write(&file, &shelf.bytes()[0]).unwrap();
    for version in versions() {
        clear(&target);
        restore(version, &format!("-rf {}", file.display()), &target);
        let is = fs::read(target.join("folder/file6")).unwrap();
        assert!(is == bytes(6, 180_000), "{version}");
    }
}
