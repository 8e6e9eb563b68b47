// SPDX-License-Identifier: GPL-2.0
//! What the backup reads: a file system, and, to check itself, a dump.

use crate::ext_image::{
    image,
    BLOCK, //
};
use md_dump::{
    dumpdates::Entry,
    plan::{
        Format,
        Manner,
        Plan, //
    },
    selection::{
        select,
        Selection,
        Wish, //
    },
};
use md_dump_format::{
    attributes,
    decode::decode,
    directory,
    header::Header,
    item::Place,
    RECORD, //
};
use md_extfs::FileSystem;
use zerocopy::IntoBytes;

/// Bytes of one change: offset (two), and what is written there.
const CHANGE: usize = 3;

/// Items of a dump after which it is enough: a file of zeros may have any number of them.
const ITEMS: usize = 3000;

/// Changes bytes of a file system, and dumps what is left of it, in all formats. The first byte of
/// the input has bits of what is asked for.
pub(crate) fn extfs(input: &[u8]) {
    let (mode, changes) = input.split_first().unwrap_or((&0, &[]));
    let mut bytes = image();
    for change in changes.chunks_exact(CHANGE) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]]));
        if let Some(byte) = bytes.get_mut(at) {
            *byte = change[2];
        }
    }
    let blocks = bytes.len() / BLOCK;
    let Ok(fs) = FileSystem::open(bytes) else {
        assert!(!changes.is_empty(), "the image itself is sound");
        return;
    };
    let wish = Wish {
        since: (mode & 1 != 0).then_some(5),
        honours_nodump: mode & 2 != 0,
        excluded: (mode & 4 != 0).then_some(12).into_iter().collect(),
    };
    let Ok(selection) = select(&fs, &wish, &|_| ()) else {
        return;
    };
    assert!(selection.used.bytes().len() <= blocks * BLOCK);
    for format in [Format::Classic, Format::Linux49, Format::Bsd] {
        walk(&fs, &selection, format);
    }
}

fn walk(fs: &FileSystem<Vec<u8>>, selection: &Selection, format: Format) {
    let manner = Manner {
        format,
        only_inodes_before: None,
    };
    let plan = Plan {
        fs,
        selection,
        manner,
        warn: &|_| (),
    };
    let mut last = Place::default();
    for item in plan.items_from(Place::default()).take(ITEMS) {
        assert!(item.records() > 0 && item.place >= last);
        last = item.place;
    }
    // From any place on there is the same.
    let _ = plan.items_from(last).next();
}

/// Reads bytes as a dump, with headers that are made to fit where they look like some.
pub(crate) fn dump(input: &[u8]) {
    let _ = directory::read(input);
    let _ = attributes::read(input);
    let mut volume = input.to_vec();
    volume.resize(input.len().next_multiple_of(RECORD), 0);
    for record in volume.chunks_exact_mut(RECORD) {
        let Ok(bytes) = <&[u8; RECORD]>::try_from(&*record) else {
            continue;
        };
        let mut header = Header::from_bytes(bytes);
        if header.magic.get() == md_dump_format::header::MAGIC {
            header.seal();
            record.copy_from_slice(header.as_bytes());
        }
    }
    let _ = decode(&[volume]);
}

/// A line of dumpdates comes out again as it went in, but for blanks and zones.
pub(crate) fn dumpdates(input: &[u8]) {
    let Some(entry) = std::str::from_utf8(input).ok().and_then(Entry::parse) else {
        return;
    };
    assert_eq!(Entry::parse(&entry.line()), Some(entry));
}
