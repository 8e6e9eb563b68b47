// SPDX-License-Identifier: GPL-2.0
//! One replica: its ends, roots, tables, pages of records and records. The model's reader says
//! what to read, and judges it.

use crate::{
    contents::{
        Contents,
        Kept, //
    },
    damage::{
        faulty,
        words,
        Damages, //
    },
    device::{
        offset,
        Device,
        Missing, //
    },
    metadevice::{
        bytes,
        uuid, //
    },
};
use md_model::{
    database::{
        header::Header,
        layout::{
            PAGE_SECTORS,
            ROOT_PLACE, //
        },
        load::{
            Read,
            Reader,
            Room,
            What, //
        },
        members::{
            Change,
            Member,
            Role, //
        },
        root::Verified,
        slots::{
            Slots,
            WORDS, //
        },
        table::{
            Pointer,
            TABLES_MAX,
            TABLE_PAGES, //
        },
    },
    limits::REPLICAS_MAX,
};
use md_report::dump::{
    self,
    Standing, //
};
use std::collections::BTreeMap;

/// What was read of a replica beside what the reader keeps.
#[derive(Default)]
struct Found {
    head: bool,
    tail: bool,
    tables: BTreeMap<u32, Kept>,
    contents: Contents,
}

/// Reads and verifies the replica that begins at a page of the device. `pages` is how long it is,
/// if one of its ends says so.
pub(crate) fn read(
    device: &Device<'_>,
    number: u32,
    page: u64,
    pages: Option<u32>,
    damages: &mut Damages,
) -> dump::Replica {
    let mut members = vec![Member::UNFILLED; REPLICAS_MAX];
    let mut tables = vec![Pointer::NONE; TABLES_MAX];
    let mut pointers = vec![Pointer::NONE; TABLES_MAX * TABLE_PAGES];
    let room = Room {
        members: &mut members,
        tables: &mut tables,
        pages: &mut pointers,
    };
    let mut reader = Reader::new(page.saturating_mul(PAGE_SECTORS), pages, room);
    let found = read_pages(device, number, page, &mut reader, damages);
    let header = reader.header();
    if header.is_none() {
        let reason = "is not found either, so that nobody knows where the next replica begins";
        damages.add(page, format!("tail of replica {number}"), reason);
    }
    let roots = header.map(|header| roots(device, page, &header, reader.live_root()));
    let roots = roots.unwrap_or_default();
    tell_empty(&roots, number, damages);
    let is_complete = reader.found().is_some_and(|found| found.complete);
    if is_complete {
        let root = page + u64::from(reader.live_root());
        judge(&reader, &found.contents, root, damages);
    }
    dump::Replica {
        number,
        page,
        offset: offset(page),
        head: found.head,
        tail: found.tail,
        header: header.as_ref().map(told_header),
        roots,
        tables: told_tables(&reader, &found.tables, page),
        pages: told_pages(&reader, &found.contents, page),
        records: found.contents.records(damages),
        complete: is_complete,
    }
}

/// Reads all pages that the reader asks for.
fn read_pages(
    device: &Device<'_>,
    number: u32,
    page: u64,
    reader: &mut Reader<'_>,
    damages: &mut Damages,
) -> Found {
    let mut found = Found::default();
    while let Some(read) = reader.next() {
        let place = page + u64::from(read.place);
        let bytes = device.page(place);
        let taken = reader.take(bytes.as_deref().ok());
        if let Err(flaw) = taken {
            if read.what == What::Root && is_empty(&bytes) {
                continue;
            }
            let reason = match &bytes {
                Ok(bytes) => faulty(&flaw.fault, bytes),
                Err(missing) => missing.reason().to_string(),
            };
            damages.add(place, what(&read, number), reason);
            continue;
        }
        let kept = bytes.ok().and_then(Kept::new);
        match read.what {
            What::Head => found.head = true,
            What::Tail => found.tail = true,
            What::Root => {}
            What::Table => drop(kept.map(|kept| found.tables.insert(read.number, kept))),
            What::Records => {
                if let Some(kept) = kept {
                    found.contents.keep(read.number, place, kept);
                }
            }
        }
    }
    found
}

/// Whether nothing was ever written to a page.
fn is_empty(bytes: &Result<Vec<u8>, Missing>) -> bool {
    let bytes = bytes.as_ref();
    bytes.is_ok_and(|bytes| bytes.iter().all(|byte| *byte == 0))
}

/// A replica that is new has only one of its roots. Else an empty place is one that was lost.
fn tell_empty(roots: &[dump::Root], number: u32, damages: &mut Damages) {
    let is_empty = |root: &dump::Root| root.standing == Standing::Empty;
    let is_new = |pair: &[dump::Root]| pair.iter().all(is_empty) && roots.iter().any(is_live);
    for pair in roots.chunks(2).filter(|pair| !is_new(pair)) {
        for root in pair.iter().filter(|root| is_empty(root)) {
            damages.add(root.page, format!("root of replica {number}"), "is empty");
        }
    }
}

fn is_live(root: &dump::Root) -> bool {
    root.standing == Standing::Live
}

/// What a page of a replica is, in words.
fn what(read: &Read, replica: u32) -> String {
    let number = read.number;
    match read.what {
        What::Head => format!("head of replica {replica}"),
        What::Tail => format!("tail of replica {replica}"),
        What::Root => format!("root of replica {replica}"),
        What::Table => format!("table {number} of replica {replica}"),
        What::Records => format!("page {number} of records of replica {replica}"),
    }
}

/// What a load finds out when it has read all: no slot has two pages, and no record lacks a part.
fn judge(reader: &Reader<'_>, contents: &Contents, root: u64, damages: &mut Damages) {
    contents.judge(root, damages);
    let mut used = [0; WORDS];
    let pages = reader.header().map_or(0, |header| header.pages);
    let marked = Slots::new(&mut used, pages).map(|mut slots| {
        slots
            .mark(reader.tables())
            .and_then(|()| slots.mark(reader.pages()))
    });
    if let Some(Err(damage)) = marked {
        damages.add(root, "pointers of the live root", words(&damage));
    }
}

fn told_header(header: &Header) -> dump::Header {
    dump::Header {
        uuid: header.replica.to_string(),
        set: header.set.to_string(),
        role: role(header.role),
        size: bytes(u64::from(header.pages).saturating_mul(PAGE_SECTORS)),
    }
}

/// The four places of roots. What is wrong with them has been told.
fn roots(device: &Device<'_>, page: u64, header: &Header, live: u32) -> Vec<dump::Root> {
    let read = |place| device.page(page + u64::from(place));
    let live_bytes = read(live).unwrap_or_default();
    let live_rank = verified(header, live, &live_bytes).map(|root| root.rank());
    let root = |place| {
        let found = read(place);
        let bytes = found.as_deref().unwrap_or(&[]);
        let root = verified(header, place, bytes);
        dump::Root {
            page: page + u64::from(place),
            offset: offset(page + u64::from(place)),
            standing: match root.map(|root| root.rank()) {
                None if is_empty(&found) => Standing::Empty,
                None => Standing::Damaged,
                Some(_) if place == live => Standing::Live,
                Some(rank) if Some(rank) == live_rank => Standing::Same,
                Some(_) => Standing::Older,
            },
            commit: root.map(|root| root.root.generation.to_string()),
            claim: root.map(|root| root.root.claim),
            members: root.map_or(Vec::new(), |root| root.members().map(told_member).collect()),
        }
    };
    ROOT_PLACE.into_iter().flatten().map(root).collect()
}

/// The root at a place, if it is one of this replica.
fn verified<'b>(header: &Header, place: u32, bytes: &'b [u8]) -> Option<Verified<'b>> {
    let root = Verified::decode(bytes, header.set, header.replica, place).ok()?;
    (root.root.role == header.role).then_some(root)
}

/// What is said of a member that is none any more.
pub(crate) const GIVEN_UP: &str = "given-up";

fn told_member(member: Member) -> dump::Member {
    dump::Member {
        replica: member.replica.to_string(),
        role: role(member.role),
        change: match member.change {
            Change::Stays => "stays",
            Change::Joins => "joins",
            Change::Leaves => "leaves",
            Change::GivenUp => GIVEN_UP,
        },
        failed: member.failed,
        component: uuid(member.component),
        start: bytes(member.start_sector),
    }
}

fn role(role: Role) -> dump::Role {
    match role {
        Role::Voter => dump::Role::Vote,
        Role::TieBreaker => dump::Role::TieBreaker,
    }
}

/// The pointers that point somewhere, with their numbers.
fn used(pointers: &[Pointer]) -> impl Iterator<Item = (u32, &Pointer)> {
    (0..).zip(pointers).filter(|(_, pointer)| pointer.is_some())
}

fn told_tables(reader: &Reader<'_>, kept: &BTreeMap<u32, Kept>, page: u64) -> Vec<dump::Table> {
    let tables = used(reader.tables());
    let told = tables.map(|(number, pointer)| {
        let start = number as usize * TABLE_PAGES;
        let own = reader.pages().get(start..start + TABLE_PAGES);
        dump::Table {
            number,
            page: page + u64::from(pointer.slot),
            offset: offset(page + u64::from(pointer.slot)),
            commit: kept.get(&number).map(Kept::commit),
            pointers: used(own.unwrap_or(&[])).count() as u32,
        }
    });
    told.collect()
}

fn told_pages(reader: &Reader<'_>, contents: &Contents, page: u64) -> Vec<dump::RecordsPage> {
    let pages = used(reader.pages());
    pages
        .map(|(number, pointer)| contents.told(number, page + u64::from(pointer.slot)))
        .collect()
}
