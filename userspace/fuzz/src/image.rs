// SPDX-License-Identifier: GPL-2.0
//! The load of a set from the images of its two replicas, of which the first is changed.

use md_model::database::{
    layout::ROOT_PLACE,
    page::{
        CHECKSUM,
        HEAD_BYTES,
        PAGE_BYTES, //
    },
    root,
    table::{
        self,
        POINTER_BYTES, //
    },
};

use crate::offline::{
    image as sound,
    load,
    members,
    page,
    page_mut,
    reseal,
    PAGES,
    RECORDS_SLOT,
    TABLE_SLOT, //
};

/// Bytes of one change: page, offset (two), and what is written there.
const CHANGE: usize = 4;

/// Bits of the first byte: makes checksums fit, and pointers too, up to the root.
const RESEALS: u8 = 1;
const REPOINTS: u8 = 2;

/// Changes bytes of the first replica, makes the checksums fit or not, and loads the set, alone and
/// with the sound replica beside it. What its own roots do not lead to is never loaded.
pub(crate) fn image(input: &[u8]) {
    let records: [(u32, &[u8]); 2] = [(10, b"one record"), (3, b"and another")];
    let [first, second] = members();
    let (mut hurt, other) = (sound(&first, &records), sound(&second, &records));
    let expected = load(&[&hurt, &other]).and_then(|loaded| loaded.contents);
    let (mode, changes) = input.split_first().unwrap_or((&0, &[]));
    for change in changes.chunks_exact(CHANGE) {
        let bytes = page_mut(&mut hurt, u32::from(change[0]) % PAGES);
        let offset = usize::from(u16::from_le_bytes([change[1], change[2]])) % PAGE_BYTES;
        bytes[offset] = change[3];
    }
    if mode & RESEALS != 0 {
        for place in 0..PAGES {
            reseal(page_mut(&mut hurt, place));
        }
    }
    if mode & REPOINTS != 0 {
        repoint(&mut hurt);
    }
    load(&[&hurt]);
    let loaded = load(&[&hurt, &other]).expect("a sound voter");
    if mode & REPOINTS == 0 && !changes.chunks_exact(CHANGE).any(is_root) {
        assert_eq!(loaded.contents, expected, "{:?}", loaded.start);
    }
}

/// Whether a change is one of a root.
fn is_root(change: &[u8]) -> bool {
    let mut places = ROOT_PLACE.into_iter().flatten();
    places.any(|place| u32::from(change[0]) % PAGES == place)
}

/// Makes the table point to the page of records as it is now, and the roots to the table.
fn repoint(image: &mut [u8]) {
    let first = HEAD_BYTES + table::FIXED_BYTES;
    put_checksum(image, RECORDS_SLOT, TABLE_SLOT, first);
    let first = HEAD_BYTES + root::FIXED_BYTES;
    for place in ROOT_PLACE.into_iter().flatten() {
        put_checksum(image, TABLE_SLOT, place, first);
    }
}

fn put_checksum(image: &mut [u8], from: u32, to: u32, at: usize) {
    let checksum = CHECKSUM.number(page(image, from));
    let bytes = page_mut(image, to);
    table::CHECKSUM.put(&mut bytes[at..at + POINTER_BYTES], checksum);
    reseal(bytes);
}
