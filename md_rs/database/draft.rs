// SPDX-License-Identifier: GPL-2.0
//! The pages of a commit: the records of all metadevices that were named, in drafts of the pages
//! that they change, and the tables above them.

use kernel::{
    prelude::*,
    rbtree::RBTree,
    sync::{
        Arc,
        UniqueArc, //
    }, //
};
use md_model::database::{
    commit::{
        affordable,
        prepare,
        Draft,
        Map,
        Purpose,
        Refusal as NoRoom, //
    },
    identity::Generation,
    metadevice::fields::{
        RECORD_KIND,
        RECORD_VERSION, //
    },
    pool::{
        self,
        pool_of, //
    },
    slots::Slots,
    store::{
        Batch,
        Shortage, //
    },
    watched::{
        self,
        Watched, //
    },
};

use super::{
    contents::{
        Contents,
        Kept,
        Which, //
    },
    record::{
        Scratch,
        States, //
    },
    set::{
        Set,
        DRAFTS,
        TABLE_DRAFTS, //
    }, //
};
use crate::{
    abi::Refusal,
    body::Body,
    kapi::bdev::Buffer,
    spare::Pool,
    Refused, //
};

/// What became of a draft: which page it is, whether it is written, and where its memory is.
#[derive(Clone, Copy)]
struct Made {
    which: Which,
    is_written: bool,
    at: *const u8,
}

/// Room for what becomes of all drafts.
type MadeList = [Option<Made>; DRAFTS + TABLE_DRAFTS];

impl Set {
    /// Makes the pages of the commit with this number: they are in `pending`, and `next` points to
    /// them. `with_growth`: also of the metadevice that is made or grows.
    pub(super) fn draft_all(
        &mut self,
        generation: Generation,
        with_growth: bool,
    ) -> Result<(), Refused> {
        self.draft_nothing();
        let mut made: MadeList = [None; DRAFTS + TABLE_DRAFTS];
        self.draft_pages(generation, with_growth, &mut made)?;
        for made in made.iter().flatten() {
            let page = self.page_of(made);
            // There is room: the list is as long as there are drafts.
            let _ = self.pending.pages.push_within_capacity((made.which, page));
        }
        Ok(())
    }

    /// A commit that changes no page.
    pub(super) fn draft_nothing(&mut self) {
        self.next.copy_from(&self.contents.live);
        self.pending.pages.clear();
    }

    /// Takes the page that was made out of the pool.
    fn page_of(&mut self, made: &Made) -> Option<Kept> {
        if !made.is_written {
            return None;
        }
        let mut pool = self.pool.iter();
        let index = pool.position(|page| page.as_ptr() == made.at)?;
        let page = self.pool.remove(index).ok()?;
        Kept::new(Arc::from(page))
    }

    fn draft_pages(
        &mut self,
        generation: Generation,
        with_growth: bool,
        made: &mut MadeList,
    ) -> Result<(), Refused> {
        let growth = self.growth.as_ref();
        let grows = |number: u32| growth.is_some_and(|growth| growth.has(number));
        let purpose = match growth {
            Some(growth) if with_growth && is_set(&self.named, growth.number) => Purpose::Growth,
            _ => Purpose::State,
        };
        let mut slots = free_slots(&mut self.slots, &self.contents)?;
        let most = affordable(&slots, self.contents.live.table_count(), purpose);

        // If replicas that hang have some, there are fewer pages of records, and all tables.
        let mut pool = self.pool.iter_mut();
        let mut tables: [Draft<'_>; TABLE_DRAFTS] = core::array::from_fn(|_| blank(pool.next()));
        let mut drafts: [Draft<'_>; DRAFTS] = core::array::from_fn(|_| blank(pool.next()));
        let lent = drafts.partition_point(|draft| !draft.bytes.is_empty());

        self.batch.fill(0);
        let mut batch = Batch::new(&self.contents, drafts.get_mut(..lent).unwrap_or(&mut []));
        // What belongs together comes first, so that it is in one commit.
        let first = numbers(&self.named).filter(|number| with_growth && grows(*number));
        let others = numbers(&self.named).filter(|number| !grows(*number));
        for number in Iterator::chain(first, others) {
            if !grows(number) && self.batch.iter().any(|word| *word != 0) {
                batch.limit(most);
            }
            let planned = growth.and_then(|growth| growth.record_of(number));
            let record = match planned {
                Some(planned) => Some(planned),
                None => {
                    let there = (&self.units, &self.pools, &*self.watched);
                    record_of(number, there, &mut self.scratch)?
                }
            };
            let result = match record {
                Some(record) => batch.put(number, kind_of(number), record),
                None => batch.remove(number),
            };
            match result {
                Ok(()) => super::set::set_bit(&mut self.batch, number),
                // The rest shares the next commit.
                Err(Shortage::Drafts { .. })
                    if !grows(number) && self.batch.iter().any(|word| *word != 0) => {}
                Err(_) => return Err(full(lent as u64, 0)),
            }
        }
        let count = batch.finish();

        let mut map = Map {
            tables: &mut self.next.tables,
            pages: &mut self.next.pages,
        };
        let records = drafts.get_mut(..count).unwrap_or(&mut []);
        let stamp = (self.uuid, generation);
        let above = prepare(records, &mut tables, &mut map, &mut slots, purpose, stamp);
        let above = above.map_err(no_room)?;
        let tables = tables.iter().take(above);
        let all = Iterator::chain(
            records.iter().map(|draft| made_of(draft, false)),
            tables.map(|draft| made_of(draft, true)),
        );
        for (to, from) in made.iter_mut().zip(all) {
            *to = Some(from);
        }
        Ok(())
    }
}

/// What there are records of.
type There<'a> = (
    &'a RBTree<u32, Arc<Body>>,
    &'a RBTree<u32, Arc<Pool>>,
    &'a [Watched],
);

/// The slots that the live commit does not use.
fn free_slots<'a>(words: &'a mut [u64], contents: &Contents) -> Result<Slots<'a>, Refused> {
    let mut slots = Slots::new(words, contents.replica_pages).ok_or(full(0, 0))?;
    let live = &contents.live;
    let marked = slots.mark(&live.tables).and(slots.mark(&live.pages));
    marked.map_err(|_| Refused::new(EIO, Refusal::DatabaseDamaged))?;
    Ok(slots)
}

/// The record with a number, as it is now; `None` if there is none.
fn record_of<'a>(
    number: u32,
    (units, pools, watched): There<'_>,
    scratch: &'a mut Scratch,
) -> Result<Option<&'a [u8]>, Refused> {
    let record = if let Some(body) = units.get(&number) {
        scratch.encode(number, body.shape(), (States::Kept, body.pool()))
    } else if number == watched::RECORD {
        scratch.encode_watched(watched)
    } else if let Some(pool) = pool_of(number).and_then(|pool| pools.get(&pool)) {
        scratch.encode_pool(pool)
    } else {
        return Ok(None);
    };
    record.map(Some).ok_or(too_long(number))
}

fn blank(page: Option<&mut UniqueArc<Buffer>>) -> Draft<'_> {
    let bytes = page.map(|page| &mut ***page).unwrap_or(&mut []);
    Draft {
        number: 0,
        used: 0,
        bytes,
        slot: 0,
    }
}

fn made_of(draft: &Draft<'_>, is_table: bool) -> Made {
    Made {
        which: Which {
            is_table,
            number: draft.number,
        },
        is_written: draft.slot != 0,
        at: draft.bytes.as_ptr(),
    }
}

/// The numbers whose bits are set.
fn numbers(words: &[u64]) -> impl Iterator<Item = u32> + '_ {
    let all = (0..).zip(words).filter(|(_, word)| **word != 0);
    all.flat_map(|(index, word): (u32, &u64)| {
        let bits = (0..u64::BITS).filter(move |bit| word & (1 << bit) != 0);
        bits.map(move |bit| index.saturating_mul(u64::BITS).saturating_add(bit))
    })
}

/// Kind and version of the record with a number.
fn kind_of(number: u32) -> (u16, u16) {
    match pool_of(number) {
        Some(_) => (pool::RECORD_KIND, pool::RECORD_VERSION),
        None if number == watched::RECORD => (watched::RECORD_KIND, watched::RECORD_VERSION),
        None => (RECORD_KIND, RECORD_VERSION),
    }
}

fn is_set(words: &[u64], number: u32) -> bool {
    numbers(words).any(|found| found == number)
}

fn too_long(number: u32) -> Refused {
    Refused::new(EFBIG, Refusal::DatabaseFull).with([number.into(), 0])
}

fn full(needed: u64, free: u64) -> Refused {
    Refused::new(ENOSPC, Refusal::DatabaseFull).with([needed, free])
}

fn no_room(why: NoRoom) -> Refused {
    match why {
        NoRoom::NoRoom { needed, free } => full(needed.into(), free.into()),
        NoRoom::TooManyPages { number, most } => full(number.into(), most.into()),
        NoRoom::Violation => {
            pr_err!("bug: a commit was prepared with pages that do not fit it\n");
            Refused::new(EIO, Refusal::DatabaseDamaged)
        }
    }
}
