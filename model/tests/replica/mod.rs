// SPDX-License-Identifier: GPL-2.0
//! A replica on a disk with a volatile cache, and what a machine does with it: make it, commit to
//! it, lose power, load it. The disk keeps a commit in order only where it was told to flush.

use std::collections::BTreeMap;

use md_model::database::{
    commit::{
        prepare,
        Draft,
        Map,
        Purpose,
        Refusal,
        Step,
        Writing, //
    },
    header::{
        End,
        Header, //
    },
    identity::{
        Generation,
        Uuid, //
    },
    layout::{
        other_root,
        ROOT_PLACE, //
    },
    members::{
        Member,
        Role, //
    },
    page::{
        payload_mut,
        Damage,
        Kind,
        PAGE_BYTES, //
    },
    records::{
        append,
        clear,
        Part,
        Records, //
    },
    root::{
        newest,
        Root,
        Verified, //
    },
    slots::{
        Slots,
        WORDS, //
    },
    table::{
        decode,
        Pointer,
        TABLE_PAGES, //
    },
};

/// First sector of the replica on its device.
pub(crate) const START_SECTOR: u64 = 256;

/// Contents: for each page of records its records, by number, with their bytes.
pub(crate) type Contents = BTreeMap<u32, BTreeMap<u32, Vec<u8>>>;

/// A write that the disk has accepted: its first byte, and its bytes.
type Write = (usize, Vec<u8>);

/// A disk: what is durable, and what is in its cache.
#[derive(Clone)]
pub(crate) struct Disk {
    pub(crate) durable: Vec<u8>,
    cached: Vec<Write>,
}

impl Disk {
    fn write(&mut self, place: u32, page: &[u8]) {
        self.cached
            .push((place as usize * PAGE_BYTES, page.to_vec()));
    }

    fn flush(&mut self) {
        for (start, bytes) in self.cached.drain(..) {
            self.durable[start..start + bytes.len()].copy_from_slice(&bytes);
        }
    }

    /// The power goes: of what is in the cache each sector is kept or not, as `keeps` says.
    pub(crate) fn cut(&self, mut keeps: impl FnMut() -> bool) -> Vec<u8> {
        let mut image = self.durable.clone();
        for (start, bytes) in &self.cached {
            for (index, sector) in bytes.chunks(512).enumerate() {
                let at = start + index * 512;
                if keeps() {
                    image[at..at + 512].copy_from_slice(sector);
                }
            }
        }
        image
    }
}

/// What a load finds.
pub(crate) struct Loaded {
    pub(crate) generation: Generation,
    pub(crate) claim: u64,
    pub(crate) contents: Contents,
    tables: Vec<Pointer>,
    pages: Vec<Pointer>,
    root_place: u32,
    members: Vec<Member>,
    /// Whether a root could not be read.
    pub(crate) is_suspect: bool,
}

impl Loaded {
    /// The places that are in use: head, roots, tables, pages of records, tail.
    pub(crate) fn places(&self, replica_pages: u32) -> Vec<u32> {
        let slots = self.tables.iter().chain(&self.pages);
        let slots = slots.map(|pointer| pointer.slot).filter(|slot| *slot != 0);
        (0..5).chain(slots).chain([replica_pages - 1]).collect()
    }
}

/// A replica in use.
pub(crate) struct Replica {
    pub(crate) disk: Disk,
    header: Header,
}

fn page_of(image: &[u8], place: u32) -> &[u8] {
    let start = place as usize * PAGE_BYTES;
    &image[start..start + PAGE_BYTES]
}

impl Replica {
    /// A new one of so many pages, with an empty commit.
    pub(crate) fn new(pages: u32) -> Self {
        let header = Header {
            set: Uuid::from_bytes([1; 16]),
            replica: Uuid::from_bytes([2; 16]),
            start_sector: START_SECTOR,
            pages,
            role: Role::Voter,
        };
        let mut disk = Disk {
            durable: vec![0; pages as usize * PAGE_BYTES],
            cached: Vec::new(),
        };
        let mut bytes = vec![0; PAGE_BYTES];
        for (end, place) in [(End::Head, 0), (End::Tail, pages - 1)] {
            header.encode(end, &mut bytes).expect("a page");
            disk.write(place, &bytes);
        }
        let replica = Self { disk, header };
        replica.with_first_root()
    }

    fn with_first_root(mut self) -> Self {
        let mut bytes = vec![0; PAGE_BYTES];
        let members = [Member::new(self.header.replica, Role::Voter)];
        let root = self.root(Generation::first_of(1));
        for place in ROOT_PLACE.into_iter().flatten() {
            root.encode(place, &[], &members, &mut bytes)
                .expect("a page");
            self.disk.write(place, &bytes);
        }
        self.disk.flush();
        self
    }

    fn root(&self, generation: Generation) -> Root {
        Root {
            set: self.header.set,
            replica: self.header.replica,
            role: self.header.role,
            generation,
            claim: generation.epoch,
        }
    }

    /// Commits changed pages of records; `at` is called after each step, with the disk as it is.
    pub(crate) fn commit(
        &mut self,
        live: &Loaded,
        changed: &Contents,
        mut at: impl FnMut(&Disk),
    ) -> Result<usize, Refusal> {
        let mut tables = live.tables.clone();
        let most = changed
            .keys()
            .max()
            .map_or(0, |page| *page as usize / TABLE_PAGES + 1);
        tables.resize(tables.len().max(most), Pointer::NONE);
        let mut pages = live.pages.clone();
        pages.resize(tables.len() * TABLE_PAGES, Pointer::NONE);
        let mut words = [0; WORDS];
        let mut slots = Slots::new(&mut words, self.header.pages).expect("enough words");
        slots.mark(&live.tables).expect("slots");
        slots.mark(&live.pages).expect("slots");

        let mut buffers = vec![[0; PAGE_BYTES]; changed.len() + tables.len()];
        let (record_buffers, table_buffers) = buffers.split_at_mut(changed.len());
        let mut records: Vec<_> = changed
            .iter()
            .zip(record_buffers)
            .map(|((number, records), bytes)| draft(*number, records, bytes))
            .collect();
        let mut above: Vec<_> = table_buffers.iter_mut().map(|bytes| blank(bytes)).collect();
        let mut map = Map {
            tables: &mut tables,
            pages: &mut pages,
        };
        let generation = live.generation.next().expect("numbers left");
        let stamp = (self.header.set, generation);
        let purpose = Purpose::Growth;
        let count = prepare(
            &mut records,
            &mut above,
            &mut map,
            &mut slots,
            purpose,
            stamp,
        )?;
        records.extend(above.into_iter().take(count));
        let roots = other_root(live.root_place).map(|place| {
            let mut bytes = vec![0; PAGE_BYTES];
            self.root(generation)
                .encode(place, &tables, &live.members, &mut bytes)
                .expect("a page");
            (place, bytes)
        });
        Ok(self.write(&records, &roots, &mut at))
    }

    /// Claims an epoch: a root of the live commit with another claim, and nothing else.
    pub(crate) fn claim(&mut self, live: &Loaded, epoch: u64, at: impl FnMut(&Disk)) {
        let mut at = at;
        let claimed = Root {
            claim: epoch,
            ..self.root(live.generation)
        };
        let roots = other_root(live.root_place).map(|place| {
            let mut bytes = vec![0; PAGE_BYTES];
            claimed
                .encode(place, &live.tables, &live.members, &mut bytes)
                .expect("a page");
            (place, bytes)
        });
        self.write(&[], &roots, &mut at);
    }

    /// Carries the steps out; returns how many writes there were, the root's among them.
    fn write(
        &mut self,
        drafts: &[Draft<'_>],
        roots: &[(u32, Vec<u8>)],
        at: &mut impl FnMut(&Disk),
    ) -> usize {
        let mut writing = Writing::new(drafts.len());
        let mut written = 0;
        loop {
            match writing.advance() {
                Step::Page(index) if drafts[index].slot == 0 => {}
                Step::Page(index) => {
                    written += 1;
                    self.disk.write(drafts[index].slot, drafts[index].bytes);
                }
                Step::Flush => self.disk.flush(),
                Step::Root => {
                    written += 1;
                    for (place, root) in roots {
                        self.disk.write(*place, root);
                    }
                    at(&self.disk);
                    // Forced unit access: durable when it returns.
                    self.disk.flush();
                }
                Step::Done => return written,
            }
            at(&self.disk);
        }
    }

    /// Loads it from its disk.
    pub(crate) fn load(&self) -> Result<Loaded, Damage> {
        load(&self.disk.durable)
    }
}

fn blank(bytes: &mut [u8; PAGE_BYTES]) -> Draft<'_> {
    Draft {
        number: 0,
        used: 0,
        bytes,
        slot: 0,
    }
}

fn draft<'a>(
    number: u32,
    records: &BTreeMap<u32, Vec<u8>>,
    bytes: &'a mut [u8; PAGE_BYTES],
) -> Draft<'a> {
    let mut used = 0;
    if !records.is_empty() {
        let payload = payload_mut(bytes);
        used = clear(payload, number);
        for (record, bytes) in records {
            let part = Part {
                record: *record,
                kind: 1,
                version: 1,
                part: 0,
                of: 1,
                bytes,
            };
            used = append(payload, used, &part).expect("room for the test's records");
        }
    }
    Draft {
        number,
        used,
        bytes,
        slot: 0,
    }
}

/// Loads what is on a disk: the newer root, and all that it points to.
pub(crate) fn load(image: &[u8]) -> Result<Loaded, Damage> {
    let header = Header::decode(End::Head, page_of(image, 0), START_SECTOR)?;
    let tail = Header::decode(End::Tail, page_of(image, header.pages - 1), START_SECTOR)?;
    assert_eq!(header, tail);
    let roots = ROOT_PLACE
        .into_iter()
        .flatten()
        .map(|place| Verified::decode(page_of(image, place), header.set, header.replica, place));
    let newest = newest(roots);
    let root = newest.root.ok_or(Damage::Magic)?;
    let tables: Vec<_> = root.tables().collect();
    let mut pages = vec![Pointer::NONE; tables.len() * TABLE_PAGES];
    for (number, own) in (0..).zip(pages.chunks_mut(TABLE_PAGES)) {
        let pointer = tables[number as usize];
        if pointer.is_some() {
            let page = pointer.open(page_of(image, pointer.slot), Kind::Table, header.set)?;
            decode(&page, number, own)?;
        }
    }
    let mut contents = Contents::new();
    for (number, pointer) in (0..).zip(&pages) {
        if pointer.is_some() {
            let page = pointer.open(page_of(image, pointer.slot), Kind::Records, header.set)?;
            let records = Records::decode(&page, number)?;
            let parts = records
                .parts()
                .map(|part| (part.record, part.bytes.to_vec()));
            contents.insert(number, parts.collect());
        }
    }
    Ok(Loaded {
        generation: root.root.generation,
        claim: root.root.claim,
        contents,
        tables,
        pages,
        root_place: root.place,
        members: root.members().collect(),
        is_suspect: newest.damage.is_some(),
    })
}
