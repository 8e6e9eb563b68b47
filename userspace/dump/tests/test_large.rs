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
    snapshot::{
        assert_same,
        take, //
    },
};
use md_dump_format::decode::decode;
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
