// SPDX-License-Identifier: GPL-2.0
//! What was laid out is what is read again, wherever volumes end and whichever encoding is used.

use md_dump_format::{
    addresses::{
        Encoding,
        Run,
        Windows, //
    },
    decode::{
        decode,
        Dump,
        Part, //
    },
    header::{
        flags,
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
    map::Map,
    RECORD, //
};
use proptest::{
    collection::vec,
    prelude::*, //
};

/// A file: whether a run is data, and how many records it has.
type File = Vec<(bool, u64)>;

/// The bytes of a record of a file, which tell where they belong.
fn record(inode: u32, number: u64) -> Vec<u8> {
    let mut bytes = vec![inode as u8 ^ number as u8; RECORD];
    bytes[..4].copy_from_slice(&inode.to_le_bytes());
    bytes[4..12].copy_from_slice(&number.to_le_bytes());
    bytes
}

fn item(stage: Stage, inode: u32, record: u64, contents: Contents) -> Item {
    let place = Place {
        stage,
        inode,
        record,
    };
    Item { place, contents }
}

fn map_items(stage: Stage, kind: Kind, map: &Map) -> Vec<Item> {
    let mut header = Header::new(kind, map.inodes());
    header.count = ((map.bytes().len() / RECORD) as u32).into();
    let contents = Contents::of_bytes(map.bytes().to_vec());
    vec![
        item(stage, 0, 0, Contents::Header(Box::new(header))),
        item(stage, 0, 1, contents),
    ]
}

fn file_items(encoding: Encoding, inode: u32, file: &File) -> Vec<Item> {
    let runs = file.iter().map(|(is_data, records)| Run {
        is_data: *is_data,
        records: *records,
    });
    let kinds: Vec<bool> = file
        .iter()
        .flat_map(|(is_data, records)| vec![*is_data; *records as usize])
        .collect();
    let mut windows: Vec<_> = Windows::new(encoding, runs).collect();
    if windows.is_empty() {
        windows.push(Default::default());
    }
    let (mut items, mut done) = (Vec::new(), 0);
    for (index, window) in windows.into_iter().enumerate() {
        let kind = if index == 0 { Kind::Inode } else { Kind::More };
        let mut header = Header::new(kind, inode);
        header.inode.size = (kinds.len() as u64 * RECORD as u64).into();
        header.count = (window.addresses.len() as u32).into();
        header.addresses[..window.addresses.len()].copy_from_slice(&window.addresses);
        let at = items.iter().map(Item::records).sum();
        let contents = Contents::Header(Box::new(header));
        items.push(item(Stage::Files, inode, at, contents));
        let data = (done..done + window.records).filter(|n| kinds[*n as usize]);
        let data: Vec<u8> = data.flat_map(|number| record(inode, number)).collect();
        if !data.is_empty() {
            let contents = Contents::of_bytes(data);
            items.push(item(Stage::Files, inode, at + 1, contents));
        }
        done += window.records;
    }
    items
}

/// Whether an inode has extended attributes here.
fn has_attributes(inode: u32) -> bool {
    inode % 3 == 0
}

/// What is in the records of the attributes of an inode.
fn attributes(inode: u32) -> Vec<u8> {
    (1000..1004)
        .flat_map(|number| record(inode, number))
        .collect()
}

/// Extended attributes of an inode, of which so many records come before.
fn attribute_items(inode: u32, before: u64) -> Vec<Item> {
    let mut header = Header::new(Kind::Inode, inode);
    header.flags = flags::ATTRIBUTES.into();
    header.inode.size = 4096.into();
    header.count = 4.into();
    header.addresses[..4].fill(1);
    let contents = Contents::of_bytes(attributes(inode));
    let header = Contents::Header(Box::new(header));
    vec![
        item(Stage::Files, inode, before, header),
        item(Stage::Files, inode, before + 1, contents),
    ]
}

fn bytes_of(item: &Item) -> Vec<u8> {
    item.contents.bytes().unwrap().to_vec()
}

/// Writes volumes of these lengths in blocks, and a last one with the rest. After each volume some
/// blocks that were laid out come back unwritten.
fn write(items: Vec<Item>, ntrec: u32, lengths: &[usize], unwritten: usize) -> Vec<Vec<u8>> {
    let identity = Identity {
        ntrec,
        date: 1_795_000_000,
        since: 5,
        level: 3,
        label: "a label that is too long".into(),
        ..Identity::default()
    };
    let mut layout = Layout::new(identity, items.into_iter(), Position::default());
    let mut volumes = Vec::new();
    for length in lengths.iter().copied().chain([usize::MAX]) {
        layout.begin_volume();
        let mut volume = Vec::new();
        let mut blocks: Vec<_> = std::iter::from_fn(|| layout.block())
            .take(length.saturating_add(unwritten + 1))
            .collect();
        let is_last = blocks.len() <= length;
        let back = blocks.split_off(length.min(blocks.len()));
        layout.take_back(back);
        for item in blocks.iter().flat_map(|block| &block.items) {
            volume.extend(bytes_of(item));
        }
        volumes.push(volume);
        if is_last {
            break;
        }
    }
    volumes
}

fn plan(encoding: Encoding, inodes: u32, files: &[File]) -> (Map, Vec<Item>) {
    let mut wanted = Map::new(inodes);
    let mut items = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let inode = index as u32 + 2;
        wanted.insert(inode);
        let of_file = file_items(encoding, inode, file);
        let before = of_file.iter().map(Item::records).sum();
        items.extend(of_file);
        if has_attributes(inode) {
            items.extend(attribute_items(inode, before));
        }
    }
    let mut used = wanted.clone();
    used.insert(inodes);
    let mut all = map_items(Stage::Used, Kind::Used, &used);
    all.extend(map_items(Stage::Wanted, Kind::Wanted, &wanted));
    all.extend(items);
    (wanted, all)
}

fn check(dump: &Dump, wanted: &Map, files: &[File]) {
    assert_eq!(dump.wanted, wanted.bytes());
    let (others, found): (Vec<_>, Vec<_>) =
        dump.files.iter().partition(|file| file.is_attributes());
    let with_attributes = wanted.iter_from(2).filter(|inode| has_attributes(*inode));
    assert!(with_attributes.eq(others.iter().map(|file| file.inode)));
    for file in others {
        assert_eq!(file.parts, [Part::Data(attributes(file.inode))]);
    }
    assert_eq!(found.len(), files.len());
    for (index, (file, should)) in found.into_iter().zip(files).enumerate() {
        let inode = index as u32 + 2;
        assert_eq!(file.inode, inode);
        let mut parts: Vec<Part> = Vec::new();
        let mut number = 0;
        for (is_data, records) in should.iter().filter(|(_, records)| *records > 0) {
            let data = (number..number + records).flat_map(|n| record(inode, n));
            match (parts.last_mut(), is_data) {
                (Some(Part::Data(before)), true) => before.extend(data),
                (Some(Part::Hole(before)), false) => *before += records,
                (_, true) => parts.push(Part::Data(data.collect())),
                (_, false) => parts.push(Part::Hole(*records)),
            }
            number += records;
        }
        assert_eq!(file.parts, parts, "inode {inode}");
    }
}

fn file() -> impl Strategy<Value = File> {
    vec((any::<bool>(), prop_oneof![0..6u64, 500..1200u64]), 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read(
        files in vec(file(), 0..12),
        runs in any::<bool>(),
        inodes in 20..20_000u32,
        ntrec in 1..20u32,
        lengths in vec(2..60usize, 0..6),
        unwritten in 0..5usize,
    ) {
        let encoding = if runs { Encoding::Runs } else { Encoding::Classic };
        let (wanted, items) = plan(encoding, inodes, &files);
        // A volume of one record would have no room but for its header.
        let lengths = if ntrec == 1 { vec![] } else { lengths };
        let volumes = write(items, ntrec, &lengths, unwritten);
        let dump = decode(&volumes).unwrap();
        check(&dump, &wanted, &files);
        let inodes = dump.volumes.iter().map(|header| header.inumber.get());
        let end = dump.end.unwrap();
        for (word, inode) in end.addresses.chunks_exact(4).skip(1).zip(inodes) {
            prop_assert_eq!(word, inode.max(2).to_le_bytes());
        }
    }
}

/// dump.md, test 5: a volume that ends behind every possible record.
#[test]
fn a_dump_can_be_cut_everywhere() {
    let files = [
        vec![(true, 3)],
        vec![],
        vec![(false, 2), (true, 600), (false, 9)],
    ];
    let (wanted, items) = plan(Encoding::Classic, 30, &files);
    let whole = write(items.clone(), 1, &[], 0)[0].len() / RECORD;
    assert!(whole > 600);
    for first in 1..whole {
        let volumes = write(items.clone(), 1, &[first], 3);
        assert_eq!(volumes.len(), 2);
        check(&decode(&volumes).unwrap(), &wanted, &files);
    }
}

/// The decoder is worth something: any changed byte of a header is found.
#[test]
fn a_changed_header_is_found() {
    let (_, items) = plan(Encoding::Classic, 30, &[vec![(true, 1)]]);
    let volumes = write(items, 4, &[], 0);
    for at in [0, 12, 16, 40, 160, 700, 892, 1000, 5 * RECORD + 20] {
        let mut changed = volumes.clone();
        changed[0][at] ^= 0x40;
        assert!(decode(&changed).is_err(), "byte {at}");
    }
    for length in [volumes[0].len() - 1, volumes[0].len() - RECORD, RECORD] {
        let short = vec![volumes[0][..length].to_vec()];
        assert!(decode(&short).is_err(), "{length}");
    }
}
