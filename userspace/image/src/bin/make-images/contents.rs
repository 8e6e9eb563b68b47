// SPDX-License-Identifier: GPL-2.0
//! The contents of a set in memory: the pages of one commit, and where they are on disk.

use md_model::database::{
    commit::{
        prepare,
        Draft,
        Map,
        Purpose, //
    },
    identity::{
        Generation,
        Uuid, //
    },
    metadevice::fields::{
        RECORD_KIND,
        RECORD_VERSION, //
    },
    page::{
        open,
        PAGE_BYTES, //
    },
    pool,
    slots::{
        Slots,
        WORDS, //
    },
    store::{
        Batch,
        Pages, //
    },
    table::{
        Pointer,
        TABLES_MAX,
        TABLE_PAGES, //
    },
};
use std::collections::BTreeMap;

/// Most pages of records that one commit changes.
const DRAFTS: usize = 8;

/// Contents of one commit.
#[derive(Clone)]
pub(crate) struct Contents {
    pub(crate) tables: Vec<Pointer>,
    pointers: Vec<Pointer>,
    /// The only table that is needed.
    table: Vec<u8>,
    pages: BTreeMap<u32, Vec<u8>>,
}

impl Pages for Contents {
    fn count(&self) -> u32 {
        self.pointers.len() as u32
    }

    fn payload(&self, number: u32) -> &[u8] {
        let page = self.pages.get(&number);
        page.map_or(&[], |page| open(page).expect("made here").payload)
    }
}

impl Contents {
    /// Without records, and with as many tables as the kernel has.
    pub(crate) fn new() -> Self {
        Contents {
            tables: vec![Pointer::NONE; TABLES_MAX],
            pointers: vec![Pointer::NONE; TABLES_MAX * TABLE_PAGES],
            table: Vec::new(),
            pages: BTreeMap::new(),
        }
    }

    /// The contents of the next commit, with these records put.
    pub(crate) fn with(
        &self,
        records: &[(u32, Vec<u8>)],
        (set, generation): (Uuid, Generation),
        replica_pages: u32,
    ) -> Self {
        let mut buffers = vec![vec![0; PAGE_BYTES]; DRAFTS + 1];
        let (record_buffers, table_buffers) = buffers.split_at_mut(DRAFTS);
        let (mut drafts, mut tables) = (drafts(record_buffers), drafts(table_buffers));
        let mut batch = Batch::new(self, &mut drafts);
        for (record, bytes) in records {
            let kind = match pool::pool_of(*record) {
                Some(_) => (pool::RECORD_KIND, pool::RECORD_VERSION),
                None => (RECORD_KIND, RECORD_VERSION),
            };
            batch.put(*record, kind, bytes).expect("room for it");
        }
        let count = batch.finish();
        let mut next = self.clone();
        let mut words = [0; WORDS];
        let mut slots = Slots::new(&mut words, replica_pages).expect("enough words");
        slots.mark(&self.tables).expect("slots");
        slots.mark(&self.pointers).expect("slots");
        let mut map = Map {
            tables: &mut next.tables,
            pages: &mut next.pointers,
        };
        let drafts = &mut drafts[..count];
        let purpose = Purpose::Growth;
        let stamp = (set, generation);
        let above = prepare(drafts, &mut tables, &mut map, &mut slots, purpose, stamp);
        for draft in drafts {
            next.pages.insert(draft.number, draft.bytes.to_vec());
        }
        if above.expect("room for it") > 0 {
            next.table = tables[0].bytes.to_vec();
        }
        next
    }

    /// All pages with their slots and the commits that wrote them.
    pub(crate) fn all(&self) -> impl Iterator<Item = (u32, Generation, &[u8])> {
        let pages = self.pages.iter();
        let pages = pages.map(|(number, page)| (self.pointers[*number as usize].slot, &page[..]));
        let table = self.tables.iter().filter(|pointer| pointer.is_some());
        let table = table.map(|pointer| (pointer.slot, &self.table[..]));
        pages.chain(table).map(|(slot, page)| {
            let stamp = open(page).expect("made here").stamp;
            (slot, stamp.generation, page)
        })
    }
}

fn drafts(buffers: &mut [Vec<u8>]) -> Vec<Draft<'_>> {
    let draft = |bytes| Draft {
        number: 0,
        used: 0,
        bytes,
        slot: 0,
    };
    let buffers = buffers.iter_mut();
    buffers.map(|bytes| draft(&mut bytes[..])).collect()
}
