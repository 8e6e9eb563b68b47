// SPDX-License-Identifier: GPL-2.0
//! A commit, from changed pages of records to writes in order (`DURABILITY.md` clauses 4 and 7).
//!
//! What changed goes to free slots, and so do the tables that point there: nothing of the live
//! commit is overwritten. Then come a flush, and the root, twice in one write with FUA, over the
//! older of the two roots. Before the root is durable the replica holds the old commit, and from
//! then on the new one, of however many records it is. The cost is that of the changed pages and
//! their tables.
//!
//! A replica that does not hold the commit before this one is brought up to date first: all pages
//! that the live commit leads to are written to it in the same order, root last. If that is cut
//! off, its old root still says what it voted for, but pages below it are gone.
//!
//! [`prepare`] makes the pages, once for all replicas; [`Writing`] is the order of the writes to
//! one replica, which the kernel and the simulator drive step by step.

use core::num::NonZeroUsize;

use super::{
    identity::{
        Generation,
        Uuid, //
    },
    layout::SPARE_SLOTS,
    page::{
        seal,
        Kind,
        Stamp, //
    },
    slots::Slots,
    table::{
        encode,
        Pointer,
        TABLES_MAX,
        TABLE_PAGES, //
    },
};

/// [`TABLE_PAGES`] as a divisor.
const TABLE_DIVISOR: NonZeroUsize = match NonZeroUsize::new(TABLE_PAGES) {
    Some(pages) => pages,
    None => NonZeroUsize::MIN,
};

/// A page that a commit writes.
#[derive(Debug)]
pub struct Draft<'a> {
    /// Number of the page of records, or of the table; the caller says which page of records.
    pub number: u32,
    /// Bytes of payload in use, said by the caller. 0 for a page of records that is dropped.
    pub used: usize,
    /// The page. The caller has put the payload of a page of records there; its head is made here.
    pub bytes: &'a mut [u8],
    /// The slot to write it to; 0 for a page that is dropped.
    pub slot: u32,
}

/// What a commit points to.
#[derive(Debug)]
pub struct Map<'a> {
    /// The tables.
    pub tables: &'a mut [Pointer],
    /// The pages of records, by their numbers: [`TABLE_PAGES`] for each table.
    pub pages: &'a mut [Pointer],
}

/// How much of the replica a commit may use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose {
    /// Something is made: the last slots stay free.
    Growth,
    /// A state changes, or something is removed.
    State,
}

/// Why there is no commit. The live one is as it was; the new map is to be thrown away.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// The smallest replica of the set has no room.
    NoRoom {
        /// Slots that the commit needs.
        needed: u32,
        /// Slots that it may use.
        free: u32,
    },
    /// The set has as many pages of records as can be pointed to.
    TooManyPages {
        /// The page.
        number: u32,
        /// How many there may be.
        most: u32,
    },
    /// A mistake of the caller: pages not in order, or too few buffers.
    Violation,
}

/// Makes the pages of a commit. `records` are the changed pages of records in ascending order of
/// their numbers; `tables` is room for the tables above them. `map` is that of the live commit,
/// and becomes that of the new one. `slots` has what the live commit uses.
///
/// Returns how many of `tables` are in use. Those with slot 0 are not written.
pub fn prepare(
    records: &mut [Draft<'_>],
    tables: &mut [Draft<'_>],
    map: &mut Map<'_>,
    slots: &mut Slots<'_>,
    purpose: Purpose,
    (set, generation): (Uuid, Generation),
) -> Result<usize, Refusal> {
    let count = number_tables(records, tables, map)?;
    let tables = tables.get_mut(..count).ok_or(Refusal::Violation)?;
    check_room(records, count, slots, purpose)?;
    for draft in records.iter_mut() {
        let pointer = seal_records(draft, slots, set, generation)?;
        let entry = map.pages.get_mut(draft.number as usize);
        *entry.ok_or(Refusal::Violation)? = pointer;
    }
    for draft in tables.iter_mut() {
        let pointer = seal_table(draft, map.pages, slots, set, generation)?;
        let entry = map.tables.get_mut(draft.number as usize);
        *entry.ok_or(Refusal::Violation)? = pointer;
    }
    Ok(count)
}

/// How many pages of records may be changed, whichever they are, so that [`prepare`] has room for
/// them and for the tables above them: each page may be below another one of the tables in use, or
/// a new one. `slots` has what the live commit uses.
pub fn affordable(slots: &Slots<'_>, tables: usize, purpose: Purpose) -> usize {
    let free = usable(slots, purpose) as usize;
    let tables = tables.saturating_add(1);
    let each_with_its_own = free / 2;
    if each_with_its_own < tables {
        each_with_its_own
    } else {
        free.saturating_sub(tables)
    }
}

/// Slots that a commit may use.
const fn usable(slots: &Slots<'_>, purpose: Purpose) -> u32 {
    match purpose {
        Purpose::Growth => slots.free().saturating_sub(SPARE_SLOTS),
        Purpose::State => slots.free(),
    }
}

/// Finds the tables above the changed pages, each once.
fn number_tables(
    records: &[Draft<'_>],
    tables: &mut [Draft<'_>],
    map: &Map<'_>,
) -> Result<usize, Refusal> {
    let most = map.tables.len().min(TABLES_MAX);
    if map.pages.len() != map.tables.len().saturating_mul(TABLE_PAGES) {
        return Err(Refusal::Violation);
    }
    let (mut count, mut last_page, mut last_table) = (0_usize, None, None);
    for draft in records {
        let table = draft.number as usize / TABLE_DIVISOR;
        if table >= most {
            return Err(Refusal::TooManyPages {
                number: draft.number,
                most: most.saturating_mul(TABLE_PAGES) as u32,
            });
        }
        if last_page.is_some_and(|last| last >= draft.number) {
            return Err(Refusal::Violation);
        }
        if last_table != Some(table) {
            let free = tables.get_mut(count).ok_or(Refusal::Violation)?;
            free.number = table as u32;
            count = count.saturating_add(1);
        }
        (last_page, last_table) = (Some(draft.number), Some(table));
    }
    Ok(count)
}

fn check_room(
    records: &[Draft<'_>],
    tables: usize,
    slots: &Slots<'_>,
    purpose: Purpose,
) -> Result<(), Refusal> {
    let written = records.iter().filter(|draft| draft.used > 0).count();
    let needed = written.saturating_add(tables) as u32;
    let free = usable(slots, purpose);
    if needed > free {
        return Err(Refusal::NoRoom { needed, free });
    }
    Ok(())
}

fn seal_records(
    draft: &mut Draft<'_>,
    slots: &mut Slots<'_>,
    set: Uuid,
    generation: Generation,
) -> Result<Pointer, Refusal> {
    draft.slot = 0;
    if draft.used == 0 {
        return Ok(Pointer::NONE);
    }
    let slot = slots.allot().ok_or(Refusal::Violation)?;
    let stamp = Stamp {
        kind: Kind::Records,
        set,
        generation,
        place: slot,
    };
    let checksum = seal(draft.bytes, stamp, draft.used).ok_or(Refusal::Violation)?;
    draft.slot = slot;
    Ok(Pointer { slot, checksum })
}

fn seal_table(
    draft: &mut Draft<'_>,
    pages: &[Pointer],
    slots: &mut Slots<'_>,
    set: Uuid,
    generation: Generation,
) -> Result<Pointer, Refusal> {
    draft.slot = 0;
    let own = pages.chunks(TABLE_PAGES).nth(draft.number as usize);
    let own = own.ok_or(Refusal::Violation)?;
    if !own.iter().any(Pointer::is_some) {
        return Ok(Pointer::NONE);
    }
    let slot = slots.allot().ok_or(Refusal::Violation)?;
    let checksum = encode(draft.number, own, set, generation, slot, draft.bytes);
    draft.slot = slot;
    draft.used = TABLE_PAGES;
    let checksum = checksum.ok_or(Refusal::Violation)?;
    Ok(Pointer { slot, checksum })
}

/// What to do next to one replica.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// Write the page with this index: pages of records first, then tables. Pages may be in flight
    /// together. One with slot 0 is skipped by the caller.
    Page(usize),
    /// Wait for all pages, then flush the device's cache, and wait for that.
    Flush,
    /// Write the root to both places of the older one, in one write with FUA.
    Root,
    /// The replica has the commit.
    Done,
}

/// The order of the writes of one commit to one replica.
#[derive(Clone, Copy, Debug)]
pub struct Writing {
    pages: usize,
    has_flush: bool,
    next: usize,
}

impl Writing {
    /// Of so many pages. A claim has none: it is a root and nothing else.
    pub const fn new(pages: usize) -> Self {
        Self {
            pages,
            has_flush: pages > 0,
            next: 0,
        }
    }

    /// Of so many pages, and with the flush even if there are none: what the root relies on may be
    /// in the cache already.
    pub const fn flushing(pages: usize) -> Self {
        Self {
            pages,
            has_flush: true,
            next: 0,
        }
    }

    /// The next step, once the one before was carried out. After an error there is none: the
    /// replica has failed, and holds the old commit or the new one.
    pub fn advance(&mut self) -> Step {
        let done = self.next;
        self.next = done.saturating_add(1);
        match done.checked_sub(self.pages) {
            None => Step::Page(done),
            Some(0) if self.has_flush => Step::Flush,
            Some(1) if self.has_flush => Step::Root,
            Some(0) => Step::Root,
            Some(_) => Step::Done,
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::{
        super::{
            layout::FIRST_SLOT,
            page::PAGE_BYTES, //
        },
        *, //
    };

    fn steps(pages: usize) -> Vec<Step> {
        let mut writing = Writing::new(pages);
        let mut steps = Vec::new();
        while steps.last() != Some(&Step::Done) {
            steps.push(writing.advance());
        }
        steps
    }

    /// Changes one page below each of so many tables, with so many slots free.
    fn change_below_each(count: usize, tables: usize, free: u32) -> Result<usize, Refusal> {
        const TABLES: usize = 8;
        let replica_pages = FIRST_SLOT + free + 1;
        let mut words = [0; 4];
        let mut slots = Slots::new(&mut words, replica_pages).expect("enough words");
        assert_eq!(slots.free(), free);
        let mut pages = [Pointer::NONE; TABLES * TABLE_PAGES];
        let mut map = Map {
            tables: &mut [Pointer::NONE; TABLES],
            pages: &mut pages,
        };
        let mut memory = std::vec![[0_u8; PAGE_BYTES]; count + TABLES];
        let (records, above) = memory.split_at_mut(count);
        let draft = |(number, bytes)| Draft {
            number,
            used: 16,
            bytes,
            slot: 0,
        };
        // The first ones are below different tables, and the others fill up the last one.
        let number = |index: usize| index.min(tables) * TABLE_PAGES + index.saturating_sub(tables);
        let numbers = (0..count).map(|index| number(index) as u32);
        let mut records: Vec<_> = numbers
            .zip(records.iter_mut().map(|page| &mut page[..]))
            .map(draft)
            .collect();
        let mut above: Vec<_> = (0..)
            .zip(above.iter_mut().map(|page| &mut page[..]))
            .map(draft)
            .collect();
        let stamp = (Uuid::from_bytes([1; 16]), Generation::default());
        let purpose = Purpose::State;
        prepare(
            &mut records,
            &mut above,
            &mut map,
            &mut slots,
            purpose,
            stamp,
        )
    }

    #[test]
    fn what_is_affordable_fits_and_one_more_does_not() {
        let mut words = [0; 4];
        for tables in 0..6 {
            for free in 0..60 {
                let slots = Slots::new(&mut words, FIRST_SLOT + free + 1).expect("enough words");
                let most = affordable(&slots, tables, Purpose::State);
                assert!(
                    change_below_each(most, tables, free).is_ok(),
                    "{tables} {free}"
                );
                let more = change_below_each(most + 1, tables, free);
                assert!(
                    matches!(more, Err(Refusal::NoRoom { .. })),
                    "{tables} {free}: {more:?}"
                );
                let grown = affordable(&slots, tables, Purpose::Growth);
                let spared = free.saturating_sub(SPARE_SLOTS);
                let slots = Slots::new(&mut words, FIRST_SLOT + spared + 1).expect("enough words");
                assert_eq!(grown, affordable(&slots, tables, Purpose::State));
            }
        }
    }

    /// `DURABILITY.md` clause 7: what the root relies on is durable before it.
    #[test]
    fn the_root_is_last_and_behind_a_flush() {
        let expected = [
            Step::Page(0),
            Step::Page(1),
            Step::Flush,
            Step::Root,
            Step::Done,
        ];
        assert_eq!(steps(2), expected);
        assert_eq!(steps(0), [Step::Root, Step::Done]);
        let mut verified = Writing::flushing(0);
        let expected = [Step::Flush, Step::Root, Step::Done];
        assert_eq!(expected.map(|_| verified.advance()), expected);
    }
}
