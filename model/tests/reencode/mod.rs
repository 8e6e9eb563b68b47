// SPDX-License-Identifier: GPL-2.0
//! Reads a structure and writes it again. What is accepted has to come out as the very bytes that
//! went in: then there is no bit that nobody looks at, and no two spellings of one thing.

use md_model::database::{
    header::{
        End,
        Header, //
    },
    identity::Uuid,
    label::{
        LabelPage,
        SHARE_BYTES, //
    },
    metadevice::{
        encode,
        soft::Soft,
        Parts,
        Record, //
    },
    page::{
        open_as,
        payload_mut,
        seal,
        Kind,
        PAGE_BYTES, //
    },
    pool::{
        self,
        Pool, //
    },
    records::{
        append,
        clear,
        Records, //
    },
    root::Verified,
    table::{
        self,
        Pointer,
        TABLE_PAGES, //
    },
    watched, //
};

/// What was read, written again; `None` if it was refused.
pub(crate) type Again = Option<Vec<u8>>;

fn blank() -> Vec<u8> {
    vec![0; PAGE_BYTES]
}

/// One end of a replica that begins at this sector.
pub(crate) fn header(end: End, sector: u64, bytes: &[u8]) -> Again {
    let header = Header::decode(end, bytes, sector).ok()?;
    let mut again = blank();
    header.encode(end, &mut again).expect("a page");
    Some(again)
}

/// The root at a place of a replica.
pub(crate) fn root((set, replica): (Uuid, Uuid), place: u32, bytes: &[u8]) -> Again {
    let read = Verified::decode(bytes, set, replica, place).ok()?;
    let (tables, members): (Vec<_>, Vec<_>) = (read.tables().collect(), read.members().collect());
    let mut again = blank();
    let written = read.root.encode(place, &tables, &members, &mut again);
    written.expect("lists within their limits");
    Some(again)
}

/// The table with this number in a slot.
pub(crate) fn table(set: Uuid, slot: u32, number: u32, bytes: &[u8]) -> Again {
    let page = open_as(bytes, Kind::Table, set, slot).ok()?;
    let mut pointers = vec![Pointer::NONE; TABLE_PAGES];
    table::decode(&page, number, &mut pointers).ok()?;
    let (mut again, generation) = (blank(), page.stamp.generation);
    let written = table::encode(number, &pointers, set, generation, slot, &mut again);
    written.expect("as many as were read");
    Some(again)
}

/// The page of records with this number in a slot.
pub(crate) fn records(set: Uuid, slot: u32, number: u32, bytes: &[u8]) -> Again {
    let page = open_as(bytes, Kind::Records, set, slot).ok()?;
    let records = Records::decode(&page, number).ok()?;
    let mut again = blank();
    let mut used = clear(payload_mut(&mut again), number);
    for part in records.parts() {
        used = append(payload_mut(&mut again), used, &part).expect("it was there before");
    }
    seal(&mut again, page.stamp, used).expect("a page");
    Some(again)
}

/// A page of one copy of a label.
pub(crate) fn label(copy: usize, page: u32, bytes: &[u8]) -> Again {
    let read = LabelPage::decode(copy, page, bytes).ok()?;
    let mut tree = vec![0; read.label.tree_bytes as usize];
    let start = page as usize * SHARE_BYTES;
    tree[start..start + read.share.len()].copy_from_slice(read.share);
    let mut again = blank();
    let written = read.label.encode(copy, page, &tree, &mut again);
    written.expect("a page of the label");
    Some(again)
}

/// The record of a metadevice.
pub(crate) fn metadevice(bytes: &[u8]) -> Again {
    let record = Record::decode(bytes).ok()?;
    let rows: Vec<_> = record.rows().collect();
    let components: Vec<_> = record.components().collect();
    let sides: Vec<_> = record.sides().collect();
    let words: Vec<_> = (0..=sides.len())
        .flat_map(|bitmap| record.words(bitmap))
        .collect();
    let spared: Vec<_> = record.spared().collect();
    let history = record.history();
    let extents: Vec<_> = record.extents().collect();
    let soft = record.soft().map(|head| Soft {
        head,
        extents: &extents,
    });
    let parts = Parts {
        head: record.head,
        rows: &rows,
        components: &components,
        sides: &sides,
        words: &words,
        spared: &spared,
        history: history.as_ref(),
        soft,
        raid: record.raid(),
    };
    let mut again = vec![0; bytes.len()];
    let length = encode(&parts, &mut again);
    again.truncate(length.expect("as long as it was"));
    Some(again)
}

/// The record of a hot spare pool.
pub(crate) fn hot_spare_pool(bytes: &[u8]) -> Again {
    let pool = Pool::decode(bytes).ok()?;
    let spares: Vec<_> = pool.spares().collect();
    let mut again = vec![0; bytes.len()];
    let length = pool::encode(pool.number, spares.into_iter(), &mut again);
    again.truncate(length.expect("as long as it was"));
    Some(again)
}

/// The record of what failfast does.
pub(crate) fn failfast(bytes: &[u8]) -> Again {
    let devices: Vec<_> = watched::Record::decode(bytes).ok()?.devices().collect();
    let mut again = vec![0; bytes.len()];
    let length = watched::encode(&devices, &mut again);
    again.truncate(length.expect("as long as it was"));
    Some(again)
}
