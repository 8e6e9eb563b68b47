// SPDX-License-Identifier: GPL-2.0
//! A set of two replicas in memory, and the load of such a set: all that the kernel does before it
//! writes anything.

use std::collections::BTreeMap;

use md_model::{
    database::{
        choice::{
            decide,
            Decision,
            Start, //
        },
        crc32c::Crc32c,
        header::{
            End,
            Header, //
        },
        identity::{
            Generation,
            Uuid, //
        },
        layout::ROOT_PLACE,
        load::{
            Reader,
            Room,
            What, //
        },
        members::{
            Member,
            Role, //
        },
        page::{
            payload_mut,
            seal,
            Kind,
            Stamp,
            CHECKSUM,
            PAGE_BYTES, //
        },
        records::{
            append,
            clear,
            Part, //
        },
        root::Root,
        store::{
            judge,
            Pages,
            Tally, //
        },
        table::{
            encode,
            Pointer,
            TABLES_MAX,
            TABLE_PAGES, //
        },
    },
    limits::REPLICAS_MAX, //
};

/// Pages of each replica.
pub(crate) const PAGES: u32 = 16;

/// Where a replica begins on its device.
pub(crate) const SECTOR: u64 = 256;

/// Slots of the page of records and of the table.
pub(crate) const RECORDS_SLOT: u32 = 5;
pub(crate) const TABLE_SLOT: u32 = 6;

/// The set.
pub(crate) const SET: Uuid = Uuid::from_bytes([0x5e; 16]);

/// Payloads of pages of records, by their numbers.
pub(crate) type Contents = BTreeMap<u32, Vec<u8>>;

/// The members of the set.
pub(crate) fn members() -> [Member; 2] {
    [1, 2].map(|number| Member {
        component: Uuid::from_bytes([number + 7; 16]),
        start_sector: SECTOR,
        ..Member::new(Uuid::from_bytes([number; 16]), Role::Voter)
    })
}

/// A page in an image.
pub(crate) fn page(image: &[u8], place: u32) -> &[u8] {
    let start = place as usize * PAGE_BYTES;
    &image[start..start + PAGE_BYTES]
}

/// A page in an image, to be changed.
pub(crate) fn page_mut(image: &mut [u8], place: u32) -> &mut [u8] {
    let start = place as usize * PAGE_BYTES;
    &mut image[start..start + PAGE_BYTES]
}

/// Makes a checksum fit again.
pub(crate) fn reseal(page: &mut [u8]) {
    CHECKSUM.put(page, 0);
    let checksum = Crc32c::START.with(page).value();
    CHECKSUM.put(page, checksum.into());
}

/// Puts some records into the page of records; the pointer to it.
fn put_records(image: &mut [u8], records: &[(u32, &[u8])]) -> Pointer {
    let bytes = page_mut(image, RECORDS_SLOT);
    let mut used = clear(payload_mut(bytes), 0);
    for (record, bytes_of_it) in records {
        let part = Part {
            record: *record,
            kind: 1,
            version: 1,
            part: 0,
            of: 1,
            bytes: bytes_of_it,
        };
        used = append(payload_mut(bytes), used, &part).expect("room");
    }
    let stamp = Stamp {
        kind: Kind::Records,
        set: SET,
        generation: newest(),
        place: RECORDS_SLOT,
    };
    let checksum = seal(bytes, stamp, used).expect("a page");
    Pointer {
        slot: RECORDS_SLOT,
        checksum,
    }
}

/// The commit that both replicas have.
pub(crate) fn newest() -> Generation {
    Generation {
        epoch: 3,
        sequence: 9,
    }
}

/// The image of one of the members, with these records, and an empty commit before that.
pub(crate) fn image(own: &Member, records: &[(u32, &[u8])]) -> Vec<u8> {
    let mut image = vec![0; PAGES as usize * PAGE_BYTES];
    let header = Header {
        set: SET,
        replica: own.replica,
        start_sector: SECTOR,
        pages: PAGES,
        role: own.role,
    };
    for (end, place) in [(End::Head, 0), (End::Tail, PAGES - 1)] {
        header
            .encode(end, page_mut(&mut image, place))
            .expect("a page");
    }
    let pointer = put_records(&mut image, records);
    let bytes = page_mut(&mut image, TABLE_SLOT);
    let checksum = encode(0, &[pointer], SET, newest(), TABLE_SLOT, bytes);
    let table = Pointer {
        slot: TABLE_SLOT,
        checksum: checksum.expect("a page"),
    };
    let roots = [(Generation::first_of(3), vec![]), (newest(), vec![table])];
    for ((generation, tables), places) in roots.into_iter().zip(ROOT_PLACE) {
        let root = Root {
            set: SET,
            replica: own.replica,
            role: own.role,
            generation,
            claim: 3,
        };
        for place in places {
            let bytes = page_mut(&mut image, place);
            let made = root.encode(place, &tables, &members(), bytes);
            made.expect("short lists");
        }
    }
    image
}

/// Memory for one reader.
struct Lent {
    members: Vec<Member>,
    tables: Vec<Pointer>,
    pages: Vec<Pointer>,
}

impl Lent {
    fn new() -> Self {
        Self {
            members: vec![Member::UNFILLED; REPLICAS_MAX],
            tables: vec![Pointer::NONE; TABLES_MAX],
            pages: vec![Pointer::NONE; TABLE_PAGES],
        }
    }

    fn reader(&mut self) -> Reader<'_> {
        let room = Room {
            members: &mut self.members,
            tables: &mut self.tables,
            pages: &mut self.pages,
        };
        Reader::new(SECTOR, None, room)
    }
}

/// What a load finds.
pub(crate) struct Loaded {
    pub(crate) start: Start,
    /// Of the replica that was chosen; `None` if none is complete.
    pub(crate) contents: Option<Contents>,
}

struct Held<'a>(&'a Contents);

impl Pages for Held<'_> {
    fn count(&self) -> u32 {
        TABLE_PAGES as u32
    }

    fn payload(&self, number: u32) -> &[u8] {
        self.0.get(&number).map_or(&[], |payload| payload)
    }
}

/// Reads all of a replica; pages of records go to `keep`.
fn read(reader: &mut Reader<'_>, image: &[u8], mut keep: impl FnMut(u32, &[u8])) {
    while let Some(read) = reader.next() {
        let start = read.place as usize * PAGE_BYTES;
        let bytes = image.get(start..start + PAGE_BYTES);
        if let Ok(Some(read)) = reader.take(bytes) {
            if read.what == What::Records {
                let page = md_model::database::page::open(bytes.expect("read"));
                keep(read.number, page.expect("accepted").payload);
            }
        }
    }
}

/// Loads the set from images of its replicas; `None` if there is nothing to decide on. Contents
/// that do not add up are none.
pub(crate) fn load(images: &[&[u8]]) -> Option<Loaded> {
    let mut memory: Vec<_> = images.iter().map(|_| Lent::new()).collect();
    let mut readers: Vec<_> = memory.iter_mut().map(Lent::reader).collect();
    for (reader, image) in readers.iter_mut().zip(images) {
        read(reader, image, |_, _| {});
    }
    let ours = |reader: &&Reader<'_>| reader.header().is_some_and(|header| header.set == SET);
    let found: Vec<_> = readers
        .iter()
        .map(|reader| Some(reader).filter(ours)?.found())
        .collect();
    let decision: Decision<'_> = decide(&found, &[]).ok()?;
    let mut lent = Lent::new();
    let contents = decision.source.map(|source| {
        let mut contents = Contents::new();
        read(&mut lent.reader(), images[source], |number, payload| {
            contents.insert(number, payload.to_vec());
        });
        contents
    });
    let is_sound =
        |contents: &Contents| judge(&Held(contents), &mut [Tally::default(); 64]).is_ok();
    Some(Loaded {
        start: decision.start,
        contents: contents.filter(is_sound),
    })
}
