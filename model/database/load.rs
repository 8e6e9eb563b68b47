// SPDX-License-Identifier: GPL-2.0
//! Reading a replica, as a machine that does no I/O: it says which page to read next, judges what
//! was read, and knows in the end what the replica is, what it holds, and whether it holds all of
//! it (`DURABILITY.md` clauses 3 and 20).
//!
//! How a set is loaded:
//! 1. A [`Reader`] for each replica that may be one of the set; what it refuses comes back as a
//!    [`Flaw`], with its place and the reason.
//! 2. [`decide`](super::choice::decide), on what the readers [`found`](Reader::found).
//! 3. A second reader for the replica that was chosen as the source, with room for all pointers;
//!    the caller keeps the pages that it accepts. If that finds a flaw, the replica is not complete
//!    after all, and the decision is made again.
//! 4. [`judge`](super::store::judge) what was kept. If that fails, all replicas have the same wrong
//!    contents: the set is refused.
//! 5. [`Commits::start`](super::commits::Commits::start), if the set may start: it claims the
//!    epoch, brings the other replicas up to date, and commits for the first time.

use super::{
    choice::Replica,
    header::{
        End,
        Header, //
    },
    identity::Uuid,
    layout::{
        is_replica_size,
        is_slot,
        ROOT_PLACE, //
    },
    members::Member,
    page::{
        bad,
        Damage,
        Kind, //
    },
    records::Records,
    root::{
        Root,
        Verified, //
    },
    table::{
        decode,
        Pointer,
        TABLES_MAX,
        TABLE_PAGES, //
    },
};

/// What a page of a replica is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum What {
    /// Its first page.
    Head,
    /// Its last page.
    Tail,
    /// One of the four places of roots.
    Root,
    /// A table.
    Table,
    /// A page of records.
    Records,
}

/// A page to read, or that was read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Read {
    /// Its place in the replica.
    pub place: u32,
    /// What it is.
    pub what: What,
    /// Number of the table, or of the page of records; else 0.
    pub number: u32,
}

/// What is wrong with a page.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// The device did not read it.
    Unreadable,
    /// It was read, and is not what belongs there.
    Damaged(Damage),
}

/// A page that is not as it should be. One of a root may be the trace of a commit that was cut off,
/// and no reason to refuse anything.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Flaw {
    /// Which page.
    pub read: Read,
    /// What is wrong.
    pub fault: Fault,
}

/// What to read next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Step {
    Head,
    Tail,
    /// By its index in [`ROOTS`].
    Root(usize),
    /// From this table on.
    Table(usize),
    /// Of a table, from this page of it on.
    Page(usize, usize),
    Done,
}

/// The places of roots.
const ROOTS: [u32; 4] = {
    let [[a, b], [c, d]] = ROOT_PLACE;
    [a, b, c, d]
};

/// Memory that a reader is lent.
#[derive(Debug)]
pub struct Room<'a> {
    /// For the members: [`REPLICAS_MAX`](crate::limits::REPLICAS_MAX).
    pub members: &'a mut [Member],
    /// For pointers to tables: [`TABLES_MAX`].
    pub tables: &'a mut [Pointer],
    /// For pointers to pages of records. [`TABLE_PAGES`] are enough to verify a replica; to load
    /// from it, as many for each table that a root can have.
    pub pages: &'a mut [Pointer],
}

/// The machine that reads one replica.
#[derive(Debug)]
pub struct Reader<'a> {
    room: Room<'a>,
    sector: u64,
    /// Length to go by if the head cannot be read.
    expected_pages: Option<u32>,
    header: Option<Header>,
    root: Option<(Root, u32)>,
    table_count: usize,
    member_count: usize,
    is_complete: bool,
    flaws: u32,
    step: Step,
}

impl<'a> Reader<'a> {
    /// Of the replica that begins at this sector of its device, which may have so many pages if its
    /// head cannot tell.
    pub fn new(sector: u64, expected_pages: Option<u32>, room: Room<'a>) -> Self {
        room.pages.fill(Pointer::NONE);
        room.tables.fill(Pointer::NONE);
        Self {
            room,
            sector,
            expected_pages: expected_pages.filter(|pages| is_replica_size(*pages)),
            header: None,
            root: None,
            table_count: 0,
            member_count: 0,
            is_complete: true,
            flaws: 0,
            step: Step::Head,
        }
    }

    /// Which page to read next; `None` when all is known.
    pub fn next(&self) -> Option<Read> {
        let read = |place, what, number: usize| {
            let number = number as u32;
            Some(Read {
                place,
                what,
                number,
            })
        };
        match self.step {
            Step::Head => read(0, What::Head, 0),
            Step::Tail => read(self.length()?.checked_sub(1)?, What::Tail, 0),
            Step::Root(index) => read(*ROOTS.get(index)?, What::Root, 0),
            Step::Table(table) => read(self.room.tables.get(table)?.slot, What::Table, table),
            Step::Page(table, index) => {
                let slot = self.page_pointer(table, index)?.slot;
                read(slot, What::Records, number_of(table, index)?)
            }
            Step::Done => None,
        }
    }

    /// What was read, or that it could not be. Returns which page it was: one of records, or a
    /// table, may be kept.
    pub fn take(&mut self, bytes: Option<&[u8]>) -> Result<Option<Read>, Flaw> {
        let Some(read) = self.next() else {
            return Ok(None);
        };
        let judged = match bytes {
            Some(bytes) => self.judge(read, bytes).map_err(Fault::Damaged),
            None => Err(Fault::Unreadable),
        };
        if judged.is_err() {
            self.flaws = self.flaws.saturating_add(1);
            self.is_complete &= !matches!(read.what, What::Table | What::Records);
        }
        self.advance(judged.is_ok());
        match judged {
            Ok(()) => Ok(Some(read)),
            Err(fault) => Err(Flaw { read, fault }),
        }
    }

    /// What the replica is, by its head or its tail.
    pub fn header(&self) -> Option<Header> {
        self.header
    }

    /// How many pages were not as they should be.
    pub fn flaws(&self) -> u32 {
        self.flaws
    }

    /// A place of the newest root; 0 if none can be read.
    pub fn live_root(&self) -> u32 {
        self.root.map_or(0, |(_, place)| place)
    }

    /// The pointers to tables of the newest root.
    pub fn tables(&self) -> &[Pointer] {
        self.room.tables.get(..self.table_count).unwrap_or(&[])
    }

    /// The pointers to pages of records, by their numbers, if there was room for all of them.
    pub fn pages(&self) -> &[Pointer] {
        let count = self.table_count.saturating_mul(TABLE_PAGES);
        self.room.pages.get(..count).unwrap_or(&[])
    }

    /// The replica, to decide on; `None` if no root can be read.
    pub fn found(&self) -> Option<Replica<'_>> {
        let (root, _) = self.root?;
        Some(Replica {
            uuid: root.replica,
            role: root.role,
            generation: root.generation,
            claim: root.claim,
            complete: self.is_complete && self.step == Step::Done,
            members: self.room.members.get(..self.member_count)?,
        })
    }

    /// Its length in pages.
    fn length(&self) -> Option<u32> {
        let known = self.header.map(|header| header.pages);
        known.or(self.expected_pages)
    }

    fn judge(&mut self, read: Read, bytes: &[u8]) -> Result<(), Damage> {
        match read.what {
            What::Head => self.judge_header(End::Head, bytes),
            What::Tail => self.judge_header(End::Tail, bytes),
            What::Root => self.judge_root(read, bytes),
            What::Table => self.judge_table(read, bytes),
            What::Records => self.judge_records(read, bytes),
        }
    }

    /// Head and tail say the same. The head counts; the tail if it cannot be read.
    fn judge_header(&mut self, end: End, bytes: &[u8]) -> Result<(), Damage> {
        let header = Header::decode(end, bytes, self.sector)?;
        match self.header {
            Some(own) if own != header => Err(bad("tail, unlike the head", header.pages.into())),
            _ => {
                self.header = Some(header);
                Ok(())
            }
        }
    }

    fn judge_root(&mut self, read: Read, bytes: &[u8]) -> Result<(), Damage> {
        let Some(header) = self.header else {
            return Ok(());
        };
        let verified = Verified::decode(bytes, header.set, header.replica, read.place)?;
        if verified.root.role != header.role {
            return Err(bad("role, unlike the head", read.place.into()));
        }
        let is_newer = self
            .root
            .is_none_or(|(root, _)| verified.rank() > (root.generation, root.claim));
        if is_newer {
            self.root = Some((verified.root, read.place));
            self.table_count = fill(self.room.tables, verified.tables());
            self.member_count = fill(self.room.members, verified.members());
        }
        Ok(())
    }

    fn judge_table(&mut self, read: Read, bytes: &[u8]) -> Result<(), Damage> {
        let pointer = self.room.tables.get(read.number as usize).copied();
        let (pointer, set) = self.pointer(pointer)?;
        let page = pointer.open(bytes, Kind::Table, set)?;
        let start = self.table_start(read.number as usize);
        let pages = self.room.pages.get_mut(start..).unwrap_or(&mut []);
        let own = pages.get_mut(..TABLE_PAGES);
        decode(
            &page,
            read.number,
            own.ok_or(bad("tables", read.number.into()))?,
        )
    }

    fn judge_records(&mut self, read: Read, bytes: &[u8]) -> Result<(), Damage> {
        let Step::Page(table, index) = self.step else {
            return Ok(());
        };
        let (pointer, set) = self.pointer(self.page_pointer(table, index))?;
        let page = pointer.open(bytes, Kind::Records, set)?;
        Records::decode(&page, read.number).map(drop)
    }

    /// A pointer to a slot of the replica, and the set.
    fn pointer(&self, pointer: Option<Pointer>) -> Result<(Pointer, Uuid), Damage> {
        let pointer = pointer.unwrap_or(Pointer::NONE);
        match self.header {
            Some(header) if is_slot(pointer.slot, header.pages) => Ok((pointer, header.set)),
            _ => Err(bad("slot", pointer.slot.into())),
        }
    }

    fn page_pointer(&self, table: usize, index: usize) -> Option<Pointer> {
        let start = self.table_start(table);
        self.room.pages.get(start.checked_add(index)?).copied()
    }

    /// Where the pointers of a table are: all tables behind each other, or in one place one after
    /// the other.
    fn table_start(&self, table: usize) -> usize {
        let start = table.saturating_mul(TABLE_PAGES);
        if self.room.pages.len() >= start.saturating_add(TABLE_PAGES) {
            start
        } else {
            0
        }
    }

    /// Goes to the next page that is there.
    fn advance(&mut self, is_accepted: bool) {
        self.step = match self.step {
            Step::Head if self.length().is_none() => Step::Done,
            Step::Head => Step::Tail,
            Step::Tail if self.header.is_none() => Step::Done,
            Step::Tail => Step::Root(0),
            Step::Root(index) if index.saturating_add(1) < ROOTS.len() => {
                Step::Root(index.saturating_add(1))
            }
            Step::Root(_) => self.next_table(0),
            Step::Table(table) if is_accepted => self.next_page(table, 0),
            Step::Table(table) => self.next_table(table.saturating_add(1)),
            Step::Page(table, index) => self.next_page(table, index.saturating_add(1)),
            Step::Done => Step::Done,
        };
    }

    fn next_table(&self, from: usize) -> Step {
        let mut tables = self.tables().iter().enumerate().skip(from);
        match tables.find(|(_, pointer)| pointer.is_some()) {
            Some((table, _)) => Step::Table(table),
            None => Step::Done,
        }
    }

    fn next_page(&self, table: usize, from: usize) -> Step {
        let is_there = |index: &usize| {
            let pointer = self.page_pointer(table, *index);
            pointer.is_some_and(|pointer| pointer.is_some())
        };
        match (from..TABLE_PAGES).find(is_there) {
            Some(index) => Step::Page(table, index),
            None => self.next_table(table.saturating_add(1)),
        }
    }
}

/// Number of a page of records.
fn number_of(table: usize, index: usize) -> Option<usize> {
    table.checked_mul(TABLE_PAGES)?.checked_add(index)
}

/// Fills a list, as far as there is room; returns how many there are.
fn fill<T>(list: &mut [T], from: impl Iterator<Item = T>) -> usize {
    let mut count = 0_usize;
    for (to, from) in list.iter_mut().zip(from) {
        *to = from;
        count = count.saturating_add(1);
    }
    count
}

// A number of a page has 32 bits.
const _: () = assert!(TABLES_MAX * TABLE_PAGES < u32::MAX as usize);
