// SPDX-License-Identifier: GPL-2.0
//! The contents of a set in memory, as the kernel keeps them: the pages of one commit, and where
//! they are on disk.

use std::collections::BTreeMap;

use md_model::database::{
    commit::{
        prepare,
        Draft,
        Map,
        Purpose, //
    },
    field::Field,
    identity::{
        Generation,
        Uuid, //
    },
    members::Member,
    page::{
        EPOCH,
        HEAD_BYTES,
        PAGE_BYTES,
        SEQUENCE,
        USED, //
    },
    records::PART_BYTES_MAX,
    slots::{
        Slots,
        WORDS, //
    },
    store::{
        entries,
        read,
        Batch,
        Pages,
        PARTS_MAX, //
    },
    table::{
        Pointer,
        TABLE_PAGES, //
    },
};

use crate::{
    disk::Bytes,
    history::Contents, //
};

/// Numbers of pages of records that there are.
const PAGES: u32 = 12;

/// Most pages that one commit changes.
const DRAFTS: usize = 6;

/// Records, and what becomes of them.
pub(crate) type Changes = Vec<(u32, Option<Vec<u8>>)>;

/// A page that is kept.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) bytes: Bytes,
}

impl Kept {
    fn number(&self, field: Field) -> u64 {
        field.number(&self.bytes)
    }

    /// The commit that wrote it.
    pub(crate) fn generation(&self) -> Generation {
        Generation {
            epoch: self.number(EPOCH),
            sequence: self.number(SEQUENCE),
        }
    }

    fn payload(&self) -> &[u8] {
        let end = HEAD_BYTES + self.number(USED) as usize;
        self.bytes.get(HEAD_BYTES..end).unwrap_or(&[])
    }
}

/// The contents of one commit.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub(crate) set: Uuid,
    pub(crate) generation: Generation,
    pub(crate) members: Vec<Member>,
    /// One pointer.
    pub(crate) tables: Vec<Pointer>,
    /// Those of one table.
    pub(crate) pointers: Vec<Pointer>,
    pub(crate) table: Option<Kept>,
    pub(crate) pages: BTreeMap<u32, Kept>,
}

impl Pages for Image {
    fn count(&self) -> u32 {
        PAGES
    }

    fn payload(&self, number: u32) -> &[u8] {
        self.pages.get(&number).map_or(&[], Kept::payload)
    }
}

fn drafts(buffers: &mut [Vec<u8>]) -> Vec<Draft<'_>> {
    let draft = |bytes| Draft {
        number: 0,
        used: 0,
        bytes,
        slot: 0,
    };
    buffers
        .iter_mut()
        .map(|bytes| draft(&mut bytes[..]))
        .collect()
}

impl Image {
    /// With nothing in it.
    pub(crate) fn empty(set: Uuid, generation: Generation, members: Vec<Member>) -> Self {
        Self {
            set,
            generation,
            members,
            tables: vec![Pointer::NONE; 1],
            pointers: vec![Pointer::NONE; TABLE_PAGES],
            table: None,
            pages: BTreeMap::new(),
        }
    }

    /// The contents after changes, for replicas of so many pages, and how many pages that changes.
    /// `None` if there is no room. `marks` says whether slots in use are left alone.
    pub(crate) fn changed(
        &self,
        changes: &Changes,
        generation: Generation,
        replica_pages: u32,
        marks: bool,
    ) -> Option<(Self, usize)> {
        let mut buffers = vec![vec![0; PAGE_BYTES]; DRAFTS + 1];
        let (record_buffers, table_buffers) = buffers.split_at_mut(DRAFTS);
        let (mut records, mut tables) = (drafts(record_buffers), drafts(table_buffers));
        let mut batch = Batch::new(self, &mut records);
        for (record, bytes) in changes {
            match bytes {
                Some(bytes) => batch.put(*record, (1, 1), bytes).ok()?,
                None => batch.remove(*record).ok()?,
            }
        }
        let count = batch.finish();
        let mut next = self.clone();
        let mut words = [0; WORDS];
        let words = &mut words[..replica_pages.div_ceil(64) as usize];
        let mut slots = Slots::new(words, replica_pages)?;
        if marks {
            slots.mark(&self.tables).ok()?;
            slots.mark(&self.pointers).ok()?;
        }
        let mut map = Map {
            tables: &mut next.tables,
            pages: &mut next.pointers,
        };
        let (records, stamp) = (&mut records[..count], (self.set, generation));
        let above = prepare(
            records,
            &mut tables,
            &mut map,
            &mut slots,
            Purpose::State,
            stamp,
        )
        .ok()?;
        next.generation = generation;
        next.keep(records, &tables[..above]);
        Some((next, count))
    }

    /// The drafts take the place of the pages that they were made from.
    fn keep(&mut self, records: &[Draft<'_>], tables: &[Draft<'_>]) {
        let kept = |draft: &Draft<'_>| {
            (draft.slot != 0).then(|| Kept {
                bytes: (&*draft.bytes).into(),
            })
        };
        for draft in records {
            match kept(draft) {
                Some(page) => drop(self.pages.insert(draft.number, page)),
                None => drop(self.pages.remove(&draft.number)),
            }
        }
        if let Some(table) = tables.first() {
            self.table = kept(table);
        }
    }

    /// All pages that the root leads to, with the pointers to them; whether each is a table.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Pointer, &Kept, bool)> {
        let pages = self.pages.iter();
        let pages = pages.map(|(number, page)| (self.pointers[*number as usize], page, false));
        let table = self.table.iter().map(|table| (self.tables[0], table, true));
        pages.chain(table)
    }

    /// The records.
    pub(crate) fn contents(&self) -> Option<Contents> {
        let mut whole = vec![0; PARTS_MAX * PART_BYTES_MAX];
        let mut contents = Contents::new();
        for entry in entries(self) {
            let length = read(self, entry.record, &mut whole)?;
            contents.insert(entry.record, whole[..length].to_vec());
        }
        Some(contents)
    }
}
