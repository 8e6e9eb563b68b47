// SPDX-License-Identifier: GPL-2.0
//! What is in memory of the set that is loaded, and how the next commit of it is made.
//!
//! All memory that a commit needs is there before: see [`Set::refill`].

use kernel::{
    alloc::AllocError,
    prelude::*,
    rbtree::RBTree,
    sync::{
        Arc,
        UniqueArc, //
    }, //
};
use md_model::{
    database::{
        commits::{
            Commits,
            Extent,
            Job,
            Phase,
            Run,
            Seat, //
        },
        header::Header,
        identity::{
            Generation,
            Uuid, //
        },
        members::{
            is_given_up,
            Change,
            Member, //
        },
        page::{
            Kind,
            PAGE_BYTES, //
        },
        quorum::Progress,
        root::Root,
        table::Pointer,
        watched::Watched, //
    },
    limits::{
        RECORDS_MAX,
        REPLICAS_MAX, //
    }, //
};

use super::{
    contents::{
        Contents,
        Kept,
        Pointers,
        Shared,
        Which,
        TABLES, //
    },
    record::Scratch,
    replica::{
        Placed,
        Staging, //
    },
    Writer, //
};
use crate::{
    body::Body,
    kapi::bdev::{
        BlockDevice,
        Buffer, //
    },
    spare::Pool,
    Refused, //
};

/// Seats: one for each member, and some for replicas that were deleted while a write to them hangs.
const SEATS: usize = REPLICAS_MAX + 14;

/// Pages of records that one commit may change: all of a soft partition of 10,000 extents, which
/// takes 40, and some more.
pub(super) const DRAFTS: usize = 48;

/// Tables that one commit may change: all there are, since each page may be below another one.
pub(super) const TABLE_DRAFTS: usize = TABLES;

/// Pages that are kept free. A slow replica has those of the commit that it writes until it returns
/// them.
const POOL: usize = (DRAFTS + TABLE_DRAFTS) * 2;

/// A metadevice that is made or grows: it may be refused for lack of room.
pub(crate) struct Growth {
    pub(super) number: u32,
    /// Another record that is part of it: both are in one commit, or none.
    other: Option<u32>,
    body: Option<UnitNode>,
    is_new: bool,
    /// The record of what it is to be. One that is new has that shape already.
    record: Option<KVVec<u8>>,
    refusal: Option<Refused>,
}

pub(super) type UnitNode = kernel::rbtree::RBTreeNode<u32, Arc<Body>>;

impl Growth {
    /// A metadevice that is not known yet.
    pub(super) fn unit(number: u32, body: &Arc<Body>) -> Result<Self, Refused> {
        let node = kernel::rbtree::RBTreeNode::new(number, body.clone(), GFP_KERNEL);
        let node = node.map_err(|_| AllocError)?;
        Ok(Self {
            number,
            other: None,
            body: Some(node),
            is_new: true,
            record: None,
            refusal: None,
        })
    }

    /// One that is, and what it is to be.
    pub(super) fn change(number: u32, record: KVVec<u8>) -> Self {
        Self {
            number,
            other: None,
            body: None,
            is_new: false,
            record: Some(record),
            refusal: None,
        }
    }

    /// Two metadevices, or one that there was and one that there is, are what they are now, both at
    /// once.
    pub(super) fn both(number: u32, other: u32) -> Self {
        Self {
            number,
            other: Some(other),
            body: None,
            is_new: false,
            record: None,
            refusal: None,
        }
    }

    /// Whether a record is part of it.
    pub(super) fn has(&self, number: u32) -> bool {
        self.numbers().any(|own| own == number)
    }

    /// The records that are part of it.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> {
        Iterator::chain(core::iter::once(self.number), self.other)
    }

    /// The record of what a metadevice is to be, if this is about that one.
    pub(super) fn record_of(&self, number: u32) -> Option<&[u8]> {
        self.record.as_deref().filter(|_| self.number == number)
    }
}

/// The commit in progress.
pub(super) struct Pending {
    /// What its pages are; `None` for one that is dropped.
    pub(super) pages: KVec<(Which, Option<Kept>)>,
    /// The last ticket that it is for.
    ticket: u64,
}

/// A set that is loaded.
pub(super) struct Set {
    pub(super) uuid: Uuid,
    pub(super) name: [u8; 32],
    pub(super) contents: Contents,
    pub(super) replicas: KVec<Writer>,
    pub(super) commit_count: u64,
    run: Run,
    members: KVec<Member>,
    seats: KVec<Seat>,
    pub(super) next: Pointers,
    pub(super) pending: Pending,
    pub(super) pool: KVec<UniqueArc<Buffer>>,
    pub(super) slots: KVec<u64>,
    pub(super) units: RBTree<u32, Arc<Body>>,
    /// Hot spare pools by their numbers.
    pub(super) pools: RBTree<u32, Arc<Pool>>,
    /// What failfast does with the set's disks, as it is recorded.
    pub(super) watched: KVVec<Watched>,
    /// Records that are to be written, a bit for each; and those in the batch.
    pub(super) named: KVec<u64>,
    pub(super) batch: KVec<u64>,
    pub(super) growth: Option<Growth>,
    asked: u64,
    done: u64,
    pub(super) scratch: Scratch,
}

impl Set {
    /// A set that is not started, with nothing in it.
    pub(super) fn new(uuid: Uuid, name: [u8; 32], contents: Contents) -> Result<Self, AllocError> {
        let words = (RECORDS_MAX as usize).div_ceil(64);
        let mut set = Self {
            uuid,
            name,
            contents,
            replicas: KVec::with_capacity(SEATS, GFP_KERNEL)?,
            commit_count: 0,
            run: Run::STOPPED,
            members: KVec::from_elem(Member::UNFILLED, REPLICAS_MAX, GFP_KERNEL)?,
            seats: KVec::from_elem(Seat::FREE, SEATS, GFP_KERNEL)?,
            next: Pointers::new()?,
            pending: Pending {
                pages: KVec::with_capacity(DRAFTS + TABLE_DRAFTS, GFP_KERNEL)?,
                ticket: 0,
            },
            pool: KVec::with_capacity(POOL, GFP_KERNEL)?,
            slots: KVec::from_elem(0u64, md_model::database::slots::WORDS, GFP_KERNEL)?,
            units: RBTree::new(),
            pools: RBTree::new(),
            watched: KVVec::new(),
            named: KVec::from_elem(0u64, words, GFP_KERNEL)?,
            batch: KVec::from_elem(0u64, words, GFP_KERNEL)?,
            growth: None,
            asked: 0,
            done: 0,
            scratch: Scratch::new()?,
        };
        set.refill()?;
        Ok(set)
    }

    /// The rules, over what is known.
    pub(super) fn commits(&mut self) -> Commits<'_> {
        Commits::over(&mut self.run, &mut self.members, &mut self.seats)
    }

    /// Fills up the pages that commits are made in. Allocates.
    pub(super) fn refill(&mut self) -> Result<(), AllocError> {
        while self.pool.len() < POOL {
            let page = UniqueArc::new(Buffer::new(PAGE_BYTES)?, GFP_KERNEL)?;
            self.pool.push(page, GFP_KERNEL)?;
        }
        Ok(())
    }

    /// Has the record with a number written.
    pub(super) fn name(&mut self, number: u32) {
        set_bit(&mut self.named, number);
    }

    /// For who waits until all that was named is committed.
    pub(super) fn ticket(&mut self) -> u64 {
        self.asked = self.asked.saturating_add(1);
        self.asked
    }

    /// Whether that has come about.
    pub(super) fn is_done(&self, ticket: u64) -> bool {
        self.done >= ticket
    }

    /// Whether nothing is written any more.
    pub(super) fn is_stopped(&mut self) -> bool {
        self.commits().phase() == Phase::Stopped
    }

    /// Whether callers may be let in.
    pub(super) fn is_running(&mut self) -> bool {
        self.commits().phase() == Phase::Running
    }

    /// Whether there is a commit to begin that nobody waits for.
    pub(super) fn is_due(&mut self) -> bool {
        self.commits().is_due()
    }

    /// Makes a metadevice known, or lets one grow. One at a time.
    pub(super) fn grow(&mut self, mut growth: Growth) -> Result<(), Refused> {
        self.refill()?;
        if let Some(node) = growth.body.take() {
            self.units.insert(node);
        }
        growth.numbers().for_each(|number| self.name(number));
        self.growth = Some(growth);
        Ok(())
    }

    /// What became of that, once the commit is over.
    pub(super) fn growth_refusal(&self) -> Option<Refused> {
        self.growth.as_ref()?.refusal
    }

    /// It is in force, or refused. A metadevice that is new is not known if it was refused; one
    /// that was there before stays what it was.
    pub(super) fn end_growth(&mut self, is_refused: bool) {
        let Some(growth) = self.growth.take().filter(|_| is_refused) else {
            return;
        };
        if growth.is_new {
            self.units.remove(&growth.number);
        }
    }

    /// Metadevices have other numbers from now on, with room for them.
    pub(super) fn renumber(&mut self, changes: &[(&Arc<Body>, u32)], nodes: KVec<UnitNode>) {
        for (body, _) in changes {
            self.units.remove(&body.number());
        }
        for (body, number) in changes {
            body.set_number(*number);
        }
        for node in nodes {
            self.units.insert(node);
        }
    }

    /// A metadevice goes; returns what it was.
    pub(super) fn forget(&mut self, number: u32) -> Option<UnitNode> {
        let node = self.units.remove_node(&number);
        self.name(number);
        node
    }

    /// A metadevice is not known any more, but stays in the database.
    pub(super) fn let_go(&mut self, number: u32) -> Option<UnitNode> {
        self.units.remove_node(&number)
    }

    /// It does not go after all.
    pub(super) fn remember(&mut self, node: UnitNode) {
        self.units.insert(node);
    }

    /// A metadevice was loaded: its record is what it was.
    pub(super) fn insert_loaded(&mut self, number: u32, body: Arc<Body>) -> Result<(), AllocError> {
        let inserted = self.units.try_create_and_insert(number, body, GFP_KERNEL);
        inserted.map(drop).map_err(|_| AllocError)
    }

    /// Has all replicas look for a job.
    pub(super) fn kick(&self) {
        for replica in &self.replicas {
            replica.kick();
        }
    }

    /// Begins the next commit, if it may and there is something for it. Whether it did.
    pub(super) fn begin(&mut self) -> Result<bool, Refused> {
        let Ok(generation) = self.commits().next_generation() else {
            return Ok(false);
        };
        let is_first = self.commits().phase() == Phase::Claimed;
        let is_due = self.commits().is_due();
        if !is_first && !is_due && self.done == self.asked {
            return Ok(false);
        }
        self.pending.ticket = self.done;
        let changed = if is_first {
            self.draft_nothing();
            0
        } else {
            self.draft(generation)?
        };
        if self.commits().begin(changed).is_err() {
            return Ok(false);
        }
        self.settle_progress();
        self.kick();
        Ok(true)
    }

    /// Makes the pages of the next commit; how many there are. What is refused for lack of room is
    /// left out.
    fn draft(&mut self, generation: Generation) -> Result<usize, Refused> {
        let asked = self.asked;
        if let Err(refused) = self.draft_all(generation, true) {
            match self.growth.as_mut() {
                Some(growth) if growth.refusal.is_none() => {
                    growth.refusal = Some(refused);
                    for number in growth.numbers() {
                        clear_bit(&mut self.named, number);
                    }
                }
                _ => return Err(refused),
            }
            self.draft_all(generation, false)?;
        }
        for (named, batch) in self.named.iter_mut().zip(&self.batch) {
            *named &= !batch;
        }
        if self.named.iter().all(|word| *word == 0) {
            self.pending.ticket = asked;
        }
        Ok(self.pending.pages.len())
    }

    /// A job for a replica: what it is to write.
    pub(super) fn take_job(&mut self, header: &Header, staging: &mut Staging) -> Option<Job> {
        let seat = self.seat_of(&header.replica)?;
        let job = self.commits().take(seat)?;
        self.stage_pages(&job, staging);
        let root = Root {
            set: self.uuid,
            replica: header.replica,
            role: job.role,
            generation: job.generation,
            claim: job.claim,
        };
        let pointers = if self.is_in_progress() {
            &self.next
        } else {
            &self.contents.live
        };
        let tables = pointers.tables.get(..pointers.table_count())?;
        let members = Commits::over(&mut self.run, &mut self.members, &mut self.seats);
        let members = members.members();
        for (place, bytes) in job.places.iter().zip(staging.root.chunks_mut(PAGE_BYTES)) {
            // It fits: there are no more tables and members than a root has room for.
            root.encode(*place, tables, members, bytes)?;
        }
        Some(job)
    }

    fn stage_pages(&self, job: &Job, staging: &mut Staging) {
        let oldest = match job.extent {
            Extent::RootOnly => return,
            Extent::Newer(than) => than,
            Extent::Differing => Generation::default(),
        };
        let pointers = if self.is_in_progress() {
            &self.next
        } else {
            &self.contents.live
        };
        let pages = all_pages(pointers);
        for (which, pointer) in pages.filter(|(_, pointer)| pointer.is_some()) {
            let kept = self
                .newest_page(which)
                .filter(|kept| kept.generation > oldest);
            if let Some(kept) = kept {
                let placed = Placed {
                    pointer,
                    kind: if which.is_table {
                        Kind::Table
                    } else {
                        Kind::Records
                    },
                    page: kept.page.clone(),
                };
                // There is room: a replica has no more pages than slots.
                let _ = staging.pages.push_within_capacity(placed);
            }
        }
    }

    /// A page of the commit in progress, or else of the live one.
    fn newest_page(&self, which: Which) -> Option<&Kept> {
        let mut pending = self.pending.pages.iter();
        match pending.find(|(pending, _)| *pending == which) {
            Some((_, kept)) if self.is_in_progress() => kept.as_ref(),
            _ => self.contents.get(which),
        }
    }

    pub(super) fn is_in_progress(&self) -> bool {
        self.run.is_in_progress()
    }

    /// A job has come back.
    pub(super) fn returned(&mut self, replica: &Uuid, is_written: bool) -> Progress {
        let Some(seat) = self.seat_of(replica) else {
            return self.commits().progress();
        };
        let was_in_progress = self.is_in_progress();
        let progress = self.commits().returned(seat, is_written);
        if was_in_progress {
            self.settle_progress();
        }
        progress
    }

    /// Takes over the pages of a commit that counts.
    fn settle_progress(&mut self) {
        if self.is_in_progress() || self.commits().phase() == Phase::Stopped {
            return;
        }
        self.commit_count = self.commit_count.saturating_add(1);
        // What was live before is no more than room for the next one.
        core::mem::swap(&mut self.contents.live, &mut self.next);
        while let Some((which, kept)) = self.pending.pages.pop() {
            if let Some(old) = self.contents.put(which, kept) {
                self.reuse(old.page);
            }
        }
        self.done = self.done.max(self.pending.ticket);
    }

    /// A replica has written these pages, or could not.
    pub(super) fn take_back(&mut self, staging: &mut Staging) {
        while let Some(placed) = staging.pages.pop() {
            self.reuse(placed.page);
        }
        // One that hangs has some, perhaps; nobody waits for memory here.
        while self.pool.len() < POOL {
            let page = Buffer::at_once(PAGE_BYTES);
            let page = page.and_then(|page| UniqueArc::new(page, GFP_NOWAIT));
            let Ok(page) = page else { return };
            if self.pool.push_within_capacity(page).is_err() {
                return;
            }
        }
    }

    /// A page that is not needed any more serves another commit. One that a replica still writes,
    /// or the live commit has, does so when that is over: nobody gives one up without the set's
    /// lock.
    fn reuse(&mut self, page: Shared) {
        if let Some(unique) = Arc::into_unique_or_drop(page) {
            if self.pool.len() < self.pool.capacity() {
                let _ = self.pool.push_within_capacity(Pin::into_inner(unique));
            }
        }
    }

    fn seat_of(&self, replica: &Uuid) -> Option<usize> {
        let mut seats = self.seats.iter();
        seats.position(|seat| seat.replica() == Some(*replica))
    }

    /// How the seats are.
    pub(super) fn seats(&self) -> &[Seat] {
        &self.seats
    }

    /// Whether a replica is a member, and settled.
    pub(super) fn is_member(&mut self, header: &Header) -> bool {
        let is_it =
            |member: &Member| member.replica == header.replica && member.change == Change::Stays;
        !self.is_in_progress() && self.commits().members().iter().any(is_it)
    }

    /// Whether the newest list has a replica, on its way in or out or settled.
    pub(super) fn lists(&self, header: &Header) -> bool {
        let mut members = self.members.iter().take(self.run.member_count());
        members.any(|member| member.replica == header.replica && !is_given_up(member))
    }

    /// Whether a replica is none yet, and may still become one.
    pub(super) fn is_joining(&mut self, header: &Header) -> bool {
        let mut seats = self.seats.iter();
        let seat = seats.find(|seat| seat.replica() == Some(header.replica));
        let is_hopeful = seat.is_some_and(|seat| !seat.has_failed());
        is_hopeful && !self.is_member(header)
    }

    /// Takes out the worker of a replica that was deleted while a write to it hung, and has
    /// returned since.
    pub(super) fn take_deleted(&mut self) -> Option<Writer> {
        if !self.is_running() {
            return None;
        }
        let mut writers = self.replicas.iter();
        let index = writers.position(|writer| {
            let replica = writer.target().header.replica;
            self.seat_of(&replica).is_none()
        })?;
        self.replicas.remove(index).ok()
    }

    /// Takes out the worker of a replica that was deleted. `None` while a write to it is in flight,
    /// or a commit, which may have it.
    pub(super) fn take_writer(&mut self, replica: &Uuid) -> Option<Writer> {
        if !self.commits().may_be_wiped(replica) {
            return None;
        }
        let index = self.writer_of(replica)?;
        self.replicas.remove(index).ok()
    }

    /// Whether a replica has a worker.
    pub(super) fn has_writer(&self, replica: &Uuid) -> bool {
        self.writer_of(replica).is_some()
    }

    /// Tells of a replica that was deleted, if its worker could not be taken out.
    pub(super) fn tell_hanging(&self, replica: &Uuid) {
        let index = self.writer_of(replica);
        if let Some(writer) = index.and_then(|index| self.replicas.get(index)) {
            let path = writer.target().device.health().path();
            pr_warn!("state database: {path}: the replica is deleted, but a write to it hangs\n");
        }
    }

    fn writer_of(&self, replica: &Uuid) -> Option<usize> {
        let mut writers = self.replicas.iter();
        writers.position(|writer| writer.target().header.replica == *replica)
    }

    /// The set is loaded to read: these are its members.
    pub(super) fn keep_members(&mut self, members: &[Member]) {
        for (to, from) in self.members.iter_mut().zip(members) {
            *to = *from;
        }
        self.run = Run::read_only(members.len());
    }

    /// Members of the newest commit whose replicas were not found when the set was loaded.
    pub(super) fn missing_members(&self) -> impl Iterator<Item = &Member> {
        let members = self.members.iter().take(self.run.member_count());
        let members = members.filter(|member| !is_given_up(member));
        members.filter(|member| {
            let mut writers = self.replicas.iter();
            !writers.any(|writer| writer.target().header.replica == member.replica)
        })
    }

    /// The members, each by the label of its device, or its own identity where there is none; and
    /// the device, if it was found.
    pub(super) fn labels(&self) -> impl Iterator<Item = (Uuid, Option<&BlockDevice>)> {
        let members = self.members.iter().take(self.run.member_count());
        let members = members.filter(|member| !is_given_up(member));
        members.map(|member| {
            let mut writers = self.replicas.iter();
            let own = writers.find(|writer| writer.target().header.replica == member.replica);
            let uuid = match member.component {
                Uuid::NIL => member.replica,
                component => component,
            };
            (uuid, own.map(|writer| &*writer.target().device))
        })
    }

    /// The newest commit that counts.
    pub(super) fn live(&self) -> Generation {
        self.run.live()
    }
}

/// Every page that there may be.
fn all_pages(pointers: &Pointers) -> impl Iterator<Item = (Which, Pointer)> + '_ {
    let which = |is_table: bool| {
        move |(number, pointer): (u32, &Pointer)| (Which { is_table, number }, *pointer)
    };
    let records = (0..).zip(pointers.pages.iter()).map(which(false));
    let tables = (0..).zip(pointers.tables.iter()).map(which(true));
    Iterator::chain(records, tables)
}

pub(super) fn set_bit(words: &mut [u64], number: u32) {
    if let Some(word) = words.get_mut((number / 64) as usize) {
        *word |= 1 << (number % 64);
    }
}

fn clear_bit(words: &mut [u64], number: u32) {
    if let Some(word) = words.get_mut((number / 64) as usize) {
        *word &= !(1 << (number % 64));
    }
}
