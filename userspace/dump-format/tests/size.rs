// SPDX-License-Identifier: GPL-2.0
//! A dump of more than 4 TiB (dump.md, test 19): the ordinals of all of its headers, in a field of
//! 32 bits, which wraps around, and in one of 64, which does not. Nothing is read or written.

use md_dump_format::{
    header::{
        Header,
        Kind, //
    },
    item::{
        Contents,
        Item,
        Place,
        Stage, //
    },
    layout::{
        Identity,
        Layout,
        Position, //
    },
};

/// Records of data behind a header: as many as it has addresses.
const WINDOW: u64 = 512;

/// Headers of the one file.
const HEADERS: u64 = (1 << 32) / (WINDOW + 1) + 1000;

/// A piece of the file: a header, and its records.
fn piece(number: u64) -> [Item; 2] {
    let place = |record| Place {
        stage: Stage::Files,
        inode: 11,
        record,
    };
    let first = number * WINDOW;
    let kind = if number == 0 { Kind::Inode } else { Kind::More };
    let header = Item {
        place: place(first),
        contents: Contents::Header(Box::new(Header::new(kind, 11))),
    };
    let data = Item {
        place: place(first),
        contents: Contents::Disk {
            offset: first * 1024,
            records: WINDOW,
        },
    };
    [header, data]
}

#[test]
fn every_header_of_more_than_4_tib_has_its_ordinal() {
    let identity = Identity {
        ntrec: 1024,
        date: 1_700_000_000,
        ..Identity::default()
    };
    let items = (0..HEADERS).flat_map(piece);
    let mut layout = Layout::new(identity, items, Position::default());
    layout.begin_volume();
    let (mut next, mut first, mut volume, mut headers) = (0, 0, 1, 0);
    while let Some(block) = layout.block() {
        assert_eq!(block.first, next);
        for item in &block.items {
            if let Contents::Header(header) = &item.contents {
                let ordinals = (header.ordinal.get(), header.ordinal_64.get());
                assert_eq!(ordinals, (next as u32, next));
                let begins = (header.first.get(), header.first_64.get());
                assert_eq!(begins, (first as u32, first));
                assert_eq!(header.volume.get(), volume);
                headers += 1;
            }
            next += item.records();
        }
        // Another volume on each side of the wrap.
        if [1 << 31, (1 << 32) + 1024].contains(&next) {
            (first, volume) = (next, volume + 1);
            layout.begin_volume();
        }
    }
    assert!(next > 1 << 32 && volume == 3, "{next}");
    // The pieces', one of each volume, and the end, which may take several.
    assert!(headers > HEADERS + 3, "{headers}");
}
