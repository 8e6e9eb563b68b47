// SPDX-License-Identifier: GPL-2.0
//! The pages of a set in memory: those of the live commit, and those that the next one brings.

use kernel::{
    alloc::AllocError,
    prelude::*,
    sync::Arc, //
};
use md_model::{
    database::{
        identity::Generation,
        layout::slots,
        page::{
            open,
            HEAD_BYTES, //
        },
        slots::pages_needed,
        store::Pages,
        table::{
            Pointer,
            TABLE_PAGES, //
        },
    },
    limits::REPLICA_PAGES_MAX, //
};

use crate::kapi::bdev::Buffer;

/// Most tables that we write. Their pages are more than the slots of the largest replica.
pub(super) const TABLES: usize = 32;

const _: () = assert!(TABLES * TABLE_PAGES >= REPLICA_PAGES_MAX as usize / 2);

/// A page that does not change any more: replicas write it, however long they take.
pub(super) type Shared = Arc<Buffer>;

/// A page of a commit.
pub(super) struct Kept {
    pub(super) page: Shared,
    /// Bytes of its payload that are in use.
    used: usize,
    /// The commit that made it.
    pub(super) generation: Generation,
}

impl Kept {
    /// A page that was made or verified; `None` if it is none.
    pub(super) fn new(page: Shared) -> Option<Self> {
        let opened = open(&page).ok()?;
        let (used, generation) = (opened.payload.len(), opened.stamp.generation);
        Some(Self {
            page,
            used,
            generation,
        })
    }

    fn payload(&self) -> &[u8] {
        let end = HEAD_BYTES.saturating_add(self.used);
        self.page.get(HEAD_BYTES..end).unwrap_or(&[])
    }
}

/// Where pages are: pointers to tables, and to pages of records.
pub(super) struct Pointers {
    pub(super) tables: KVec<Pointer>,
    pub(super) pages: KVVec<Pointer>,
}

impl Pointers {
    /// To nothing.
    pub(super) fn new() -> Result<Self, AllocError> {
        let count = TABLES.saturating_mul(TABLE_PAGES);
        Ok(Self {
            tables: KVec::from_elem(Pointer::NONE, TABLES, GFP_KERNEL)?,
            pages: KVVec::from_elem(Pointer::NONE, count, GFP_KERNEL)?,
        })
    }

    /// Pages of the smallest replica that has room for all.
    pub(super) fn pages_needed(&self) -> u32 {
        pages_needed(&self.tables).max(pages_needed(&self.pages))
    }

    /// Becomes like another one.
    pub(super) fn copy_from(&mut self, other: &Self) {
        for (to, from) in self.tables.iter_mut().zip(&other.tables) {
            *to = *from;
        }
        for (to, from) in self.pages.iter_mut().zip(&other.pages) {
            *to = *from;
        }
    }

    /// How many tables there are, to the last one in use.
    pub(super) fn table_count(&self) -> usize {
        let last = self.tables.iter().rposition(Pointer::is_some);
        last.map_or(0, |last| last.saturating_add(1))
    }
}

/// A page by what it is: a table, or a page of records.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Which {
    pub(super) is_table: bool,
    pub(super) number: u32,
}

/// The live commit.
pub(super) struct Contents {
    pub(super) live: Pointers,
    tables: KVec<Option<Kept>>,
    pages: KVVec<Option<Kept>>,
    /// The number behind that of the last page of records in use.
    end: u32,
    /// Pages of the smallest replica.
    pub(super) replica_pages: u32,
}

impl Contents {
    /// An empty set whose smallest replica has so many pages.
    pub(super) fn new(replica_pages: u32) -> Result<Self, AllocError> {
        let count = TABLES.saturating_mul(TABLE_PAGES);
        let mut tables = KVec::with_capacity(TABLES, GFP_KERNEL)?;
        for _ in 0..TABLES {
            tables.push(None, GFP_KERNEL)?;
        }
        let mut pages = KVVec::with_capacity(count, GFP_KERNEL)?;
        for _ in 0..count {
            pages.push(None, GFP_KERNEL)?;
        }
        Ok(Self {
            live: Pointers::new()?,
            tables,
            pages,
            end: 0,
            replica_pages,
        })
    }

    /// A page of the live commit.
    pub(super) fn get(&self, which: Which) -> Option<&Kept> {
        let number = which.number as usize;
        if which.is_table {
            self.tables.get(number)?.as_ref()
        } else {
            self.pages.get(number)?.as_ref()
        }
    }

    /// Puts a page in its place; returns the one that was there.
    pub(super) fn put(&mut self, which: Which, kept: Option<Kept>) -> Option<Kept> {
        let number = which.number as usize;
        if which.is_table {
            return core::mem::replace(self.tables.get_mut(number)?, kept);
        }
        let is_dropped = kept.is_none();
        let old = core::mem::replace(self.pages.get_mut(number)?, kept);
        let behind = which.number.saturating_add(1);
        if !is_dropped {
            self.end = self.end.max(behind);
        } else if self.end == behind {
            self.end = self.end_of_pages();
        }
        old
    }

    fn end_of_pages(&self) -> u32 {
        let last = self.pages.iter().rposition(Option::is_some);
        last.map_or(0, |last| last.saturating_add(1) as u32)
    }
}

impl Pages for Contents {
    /// As many as there are slots, since each page takes one; and those in use, whose numbers are
    /// larger if a smaller replica has come since.
    fn count(&self) -> u32 {
        let most = u32::try_from(self.pages.len()).unwrap_or(0);
        slots(self.replica_pages).max(self.end).min(most)
    }

    fn payload(&self, number: u32) -> &[u8] {
        let page = self.pages.get(number as usize);
        page.and_then(Option::as_ref).map_or(&[], Kept::payload)
    }
}
