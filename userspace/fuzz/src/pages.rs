// SPDX-License-Identifier: GPL-2.0
//! Pages and records of the state database and of labels. An input is the payload of a page, except
//! for [`page`], where it is all of it.

use md_model::{
    database::{
        header::{
            self,
            End, //
        },
        identity::Generation,
        label::{
            self,
            first, //
        },
        layout::{
            FIRST_SLOT,
            LABEL_PAGE,
            ROOT_PLACE, //
        },
        metadevice::{
            Head,
            Record, //
        },
        page::{
            open,
            payload_mut,
            seal,
            Kind,
            Stamp,
            MAGIC,
            PAGE_BYTES,
            PAYLOAD_BYTES, //
        },
        records,
        root,
        table, //
    },
    mirror::regions::Regions, //
};

use crate::{
    offline::{
        reseal,
        SET, //
    },
    reencode::{
        self,
        Again, //
    },
};

/// What was accepted is what was read.
fn check(again: Again, bytes: &[u8]) {
    if let Some(again) = again {
        assert!(again == bytes, "what was read is written as something else");
    }
}

/// A page with this payload, as far as it fits.
fn sealed(kind: Kind, generation: Generation, place: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; PAGE_BYTES];
    let used = payload.len().min(PAYLOAD_BYTES);
    payload_mut(&mut bytes)[..used].copy_from_slice(&payload[..used]);
    let stamp = Stamp {
        kind,
        set: SET,
        generation,
        place,
    };
    seal(&mut bytes, stamp, used).expect("a page");
    bytes
}

/// The first byte of an input, and the rest.
fn split(input: &[u8]) -> (u8, &[u8]) {
    input
        .split_first()
        .map_or((0, input), |(first, rest)| (*first, rest))
}

/// A whole page, of the kind that the first byte chooses.
pub(crate) fn page(input: &[u8]) {
    let (which, rest) = split(input);
    let mut bytes = rest.to_vec();
    bytes.resize(PAGE_BYTES, 0);
    let kind = Kind::ALL[usize::from(which) % Kind::ALL.len()];
    MAGIC.put_bytes(&mut bytes, kind.magic());
    reseal(&mut bytes);
    if let Ok(page) = open(&bytes) {
        let (stamp, used) = (page.stamp, page.payload.len());
        let mut again = bytes.clone();
        seal(&mut again, stamp, used).expect("a page");
        check(Some(again), &bytes);
    }
}

/// A page of a label; the first byte chooses the copy and the page.
pub(crate) fn label(input: &[u8]) {
    let (which, payload) = split(input);
    let (copy, page) = (usize::from(which & 1), u32::from(which >> 1) % 31);
    let generation = Generation {
        epoch: 0,
        sequence: which.into(),
    };
    let bytes = sealed(Kind::Label, generation, LABEL_PAGE[copy] + page, payload);
    check(reencode::label(copy, page, &bytes), &bytes);
    check(reencode::label(0, 0, &bytes), &bytes);
}

/// The tree of a label: record after record, those of metadevices too.
pub(crate) fn label_tree(input: &[u8]) {
    let mut rest = input;
    while !rest.is_empty() {
        let Ok((record, behind)) = first(rest) else {
            return;
        };
        let mut again = vec![0; rest.len() - behind.len()];
        let end = label::append(&mut again, 0, &record);
        assert_eq!(end, Some(again.len()));
        assert!(rest.starts_with(&again));
        check(reencode::metadevice(record.bytes), record.bytes);
        rest = behind;
    }
}

/// Head and tail of a replica, at the sector that it says.
pub(crate) fn header(input: &[u8]) {
    let sector = header::START.number(input);
    let pages = header::PAGES.number32(input);
    let ends = [
        (End::Head, Kind::Head, 0),
        (End::Tail, Kind::Tail, pages.saturating_sub(1)),
    ];
    for (end, kind, place) in ends {
        let bytes = sealed(kind, Generation::default(), place, input);
        check(reencode::header(end, sector, &bytes), &bytes);
    }
}

/// A root of the replica that it says.
pub(crate) fn root(input: &[u8]) {
    let place = ROOT_PLACE[1][0];
    let bytes = sealed(Kind::Root, Generation::first_of(2), place, input);
    let replica = root::REPLICA.uuid(input);
    check(reencode::root((SET, replica), place, &bytes), &bytes);
}

/// A table with the number that it says.
pub(crate) fn table(input: &[u8]) {
    let bytes = sealed(Kind::Table, Generation::first_of(2), FIRST_SLOT, input);
    let number = table::NUMBER.number32(input);
    check(reencode::table(SET, FIRST_SLOT, number, &bytes), &bytes);
}

/// A page of records with the number that it says.
pub(crate) fn records(input: &[u8]) {
    let bytes = sealed(Kind::Records, Generation::first_of(2), FIRST_SLOT, input);
    let number = records::NUMBER.number32(input);
    check(reencode::records(SET, FIRST_SLOT, number, &bytes), &bytes);
}

/// The record of a metadevice.
pub(crate) fn metadevice(input: &[u8]) {
    check(reencode::metadevice(input), input);
    if let Ok(record) = Record::decode(input) {
        let components = record.components().count();
        let in_rows = record.rows().map(|row| row.component_count as usize);
        assert_eq!(in_rows.sum::<usize>(), components);
        let Head {
            size_sectors, sync, ..
        } = record.head;
        let regions = Regions::with_shift(size_sectors, sync.region_shift);
        for bitmap in 0..=record.sides().count() {
            let words = regions.map_or(0, |regions| regions.words());
            assert_eq!(record.words(bitmap).count(), words);
        }
    }
}

/// The record of a hot spare pool.
pub(crate) fn pool(input: &[u8]) {
    check(reencode::hot_spare_pool(input), input);
}

/// The record of what failfast does.
pub(crate) fn failfast(input: &[u8]) {
    check(reencode::failfast(input), input);
}
