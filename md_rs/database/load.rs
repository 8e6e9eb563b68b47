// SPDX-License-Identifier: GPL-2.0
//! A set from its replicas: they are read and judged, one is chosen, and if the set may start for
//! writing, its epoch is claimed and a first commit made (`DURABILITY.md` clauses 2, 3 and 20).

use kernel::{
    alloc::AllocError,
    prelude::*,
    sync::Arc, //
};
use md_model::{
    database::{
        choice::{
            decide,
            standing,
            Decision,
            Replica as Found,
            Standing,
            Start, //
        },
        claimants::{
            Claimant,
            Identity, //
        },
        header::Header,
        identity::{
            Generation,
            Uuid, //
        },
        label::Label,
        layout::{
            page_sector,
            PAGE_SECTORS,
            REPLICA_PAGE, //
        },
        load::{
            Fault,
            Flaw,
            Reader,
            Room,
            What, //
        },
        members::{
            has,
            is_given_up,
            Member,
            Role, //
        },
        metadevice::{
            fields::BYTES_MAX,
            Component as StoredComponent,
            Record, //
        },
        page::PAGE_BYTES,
        pool::{
            pool_of,
            Pool,
            Spare as StoredSpare, //
        },
        store::{
            entries,
            judge,
            read,
            Tally, //
        },
        table::{
            Pointer,
            TABLES_MAX,
            TABLE_PAGES, //
        },
        watched::RECORD as WATCHED, //
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
        Which,
        TABLES, //
    },
    label,
    length,
    making::write_ends,
    set::Set,
    Database, //
};
use crate::{
    abi::Refusal,
    kapi::bdev::{
        BlockDevice,
        Buffer, //
    },
    Refused, //
};

/// A device on which a set may have something.
pub(crate) struct Candidate {
    /// The device.
    pub(crate) device: Arc<BlockDevice>,
    /// By what else it is known.
    hints: Identity,
    /// Its label, if it has one that can be read.
    label: Option<Label>,
}

impl Candidate {
    /// Reads the label of a device. One that cannot be read has none.
    pub(crate) fn new(device: Arc<BlockDevice>, hints: Identity) -> Result<Self, Refused> {
        let label = label::read(&device).unwrap_or(None);
        Ok(Self {
            device,
            hints,
            label,
        })
    }

    /// What it says of itself in a set.
    pub(crate) fn claim(&self, set: Uuid) -> Claimant {
        let label = self.label.as_ref().filter(|label| label.set == set);
        Claimant {
            label: label.map(|label| label.component),
            partition: self.hints.partition,
            wwn: self.hints.wwn,
        }
    }
}

/// What is to be done if too few replicas are found to write to the set.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Loss {
    /// It is not loaded.
    Refused,
    /// It is not loaded unless everything is there, its metadevices' components, too.
    WaitForAll,
    /// It is loaded read-only.
    ReadOnly,
    /// The administrator says that those that were not found are gone for ever: they have no vote
    /// any more.
    GivenUp,
}

/// What was loaded.
pub(crate) struct Loaded {
    /// The set.
    pub(crate) set: Uuid,
    /// Whether it is read-only.
    pub(crate) is_read_only: bool,
    /// Whether something newer may have been committed, to replicas that were not found.
    pub(crate) may_be_old: bool,
}

/// A replica that was found, and what there is to decide on.
struct Shown {
    device: Arc<BlockDevice>,
    header: Header,
    live_root: u32,
    members: KVec<Member>,
    state: Option<State>,
    /// Whether its first or last page is not what it should be.
    has_bad_end: bool,
}

#[derive(Clone, Copy)]
struct State {
    generation: Generation,
    claim: u64,
    is_complete: bool,
}

impl Shown {
    fn as_found(&self) -> Option<Found<'_>> {
        let state = self.state?;
        Some(Found {
            uuid: self.header.replica,
            role: self.header.role,
            generation: state.generation,
            claim: state.claim,
            complete: state.is_complete,
            members: &self.members,
        })
    }
}

/// Memory for a reader.
struct RoomMemory {
    members: KVec<Member>,
    tables: KVec<Pointer>,
    pages: KVVec<Pointer>,
}

impl RoomMemory {
    fn new(pages: usize) -> Result<Self, AllocError> {
        Ok(Self {
            members: KVec::from_elem(Member::UNFILLED, REPLICAS_MAX, GFP_KERNEL)?,
            tables: KVec::from_elem(Pointer::NONE, TABLES_MAX, GFP_KERNEL)?,
            pages: KVVec::from_elem(Pointer::NONE, pages, GFP_KERNEL)?,
        })
    }

    fn lend(&mut self) -> Room<'_> {
        Room {
            members: &mut self.members,
            tables: &mut self.tables,
            pages: &mut self.pages,
        }
    }
}

impl Database {
    /// Loads a set from what is on these devices: the one that is wanted, or the only one. What is
    /// done where the replicas do not suffice is said by `loss`; `is_there` tells whether the
    /// component with an identity is, in a set.
    pub(crate) fn load(
        self: &Arc<Self>,
        candidates: &[Candidate],
        wanted: Option<Uuid>,
        loss: Loss,
        is_there: &dyn Fn(Uuid, &Identity) -> bool,
    ) -> Result<Loaded, Refused> {
        let all = read_replicas(candidates)?;
        let set = choose_set(&all, wanted)?;
        let name = candidates
            .iter()
            .filter_map(|candidate| candidate.label.as_ref())
            .find(|label| label.set == set)
            .map_or([0; 32], |label| label.set_name);
        let mut shown = KVec::with_capacity(all.len(), GFP_KERNEL)?;
        for replica in all {
            if replica.header.set == set {
                shown.push(replica, GFP_KERNEL)?;
            }
        }
        let mut contents = None;
        while contents.is_none() {
            contents = self.read_source(&mut shown)?;
        }
        let contents = contents.ok_or(Refused::new(EIO, Refusal::DatabaseIncomplete))?;
        check_records(&contents)?;
        if loss == Loss::WaitForAll {
            check_complete(&contents, &shown, &|identity| is_there(set, identity))?;
        }
        self.start(Set::new(set, name, contents)?, &shown, loss)
    }

    /// Reads all of the set from the replica that is chosen as the source. `None` if that turns out
    /// not to be complete: then another one may be chosen.
    fn read_source(&self, shown: &mut KVec<Shown>) -> Result<Option<Contents>, Refused> {
        let incomplete = Refused::new(EIO, Refusal::DatabaseIncomplete);
        let source = with_decision(shown, &[], |_, decision| Ok(decision.source))?;
        let source = source.ok_or(incomplete)?;
        let chosen = shown.get_mut(source).ok_or(incomplete)?;
        let Some(mut contents) = read_all(chosen, chosen.header.pages)? else {
            if let Some(state) = chosen.state.as_mut() {
                state.is_complete = false;
            }
            return Ok(None);
        };
        let needed = contents.live.pages_needed();
        let smallest = with_decision(shown, &[], |_, decision| {
            Ok(smallest(shown, decision.members, needed))
        })?;
        contents.replica_pages = smallest.unwrap_or(contents.replica_pages);
        Ok(Some(contents))
    }

    /// Starts a set whose contents are there.
    fn start(
        self: &Arc<Self>,
        mut set: Set,
        shown: &[Shown],
        loss: Loss,
    ) -> Result<Loaded, Refused> {
        let uuid = set.uuid;
        let given_up = match loss {
            Loss::GivenUp => with_decision(shown, &[], |_, decision| not_found(shown, decision))?,
            Loss::Refused | Loss::WaitForAll | Loss::ReadOnly => KVec::new(),
        };
        let may_be_old = with_decision(shown, &[], |_, decision| {
            let is_short = matches!(decision.start, Start::ReadOnly(_));
            Ok(is_short || decision.members.iter().any(is_given_up))
        })?;
        let is_read_only = with_decision(shown, &given_up, |found, decision| {
            let roots = live_roots(shown)?;
            let is_read_only = match decision.start {
                Start::Writable { epoch } => {
                    let chosen = (decision, epoch);
                    let started = set.commits().start(chosen, &given_up, found, &roots);
                    started.map_err(|_| Refused::new(EIO, Refusal::DatabaseDamaged))?;
                    false
                }
                Start::ReadOnly(why) => {
                    tell_why_read_only(&why);
                    if loss != Loss::ReadOnly {
                        let [votes, _] = decision.votes;
                        let values = [votes.have.into(), votes.of.into()];
                        return Err(Refused::new(EROFS, Refusal::NoQuorum).with(values));
                    }
                    set.keep_members(decision.members);
                    true
                }
            };
            for (index, replica) in shown.iter().enumerate() {
                let counts = matches!(
                    standing(found, index, decision),
                    Standing::Current | Standing::Stale
                );
                if counts || !is_read_only && is_lost(shown, index, decision) {
                    let writer = self.writer(replica.header, replica.device.clone())?;
                    set.replicas.push(writer, GFP_KERNEL)?;
                }
            }
            Ok(is_read_only)
        })?;
        {
            let mut guard = self.set.lock();
            if guard.is_some() {
                return Err(Refused::new(EBUSY, Refusal::SetIsLoaded));
            }
            set.kick();
            *guard = Some(set);
        }
        if !is_read_only {
            if let Err(refused) = self.wait_until(Set::is_running) {
                self.unload();
                return Err(refused);
            }
            self.revive(shown)?;
        }
        Ok(Loaded {
            set: uuid,
            is_read_only,
            may_be_old,
        })
    }

    /// Has replicas brought up to date that were found, but without a root: they had no vote in
    /// the start, and have one again once they are written. What is wrong with the ends of a
    /// replica is mended, since no commit writes them.
    fn revive(&self, shown: &[Shown]) -> Result<(), Refused> {
        for replica in shown.iter().filter(|replica| replica.has_bad_end) {
            let is_ours = self.with_set(|set| Ok(set.lists(&replica.header)))?;
            let mended = is_ours.then(|| write_ends(&replica.device, &replica.header));
            if let Some(Err(error)) = mended {
                let path = replica.device.health().path();
                pr_warn!("state database: {path}: the replica is not mended: {error:?}\n");
            }
        }
        self.with_set(|set| {
            for replica in shown.iter().filter(|replica| replica.state.is_none()) {
                // One that is no member, or of which there is a better copy, is refused.
                let _ = set.commits().revive(&replica.header.replica, 0, 0);
            }
            set.kick();
            Ok(())
        })
    }

    /// All metadevices have recorded what they cannot believe of an older commit.
    pub(crate) fn believe(&self) -> Result<(), Refused> {
        self.with_set(|set| {
            set.commits().believe();
            set.begin().map(drop)
        })
    }

    /// Lets go of the set. Nothing of it is under way in this task.
    pub(crate) fn unload(&self) {
        let set = self.set.lock().take();
        // Without the lock: the workers may need it to come to an end.
        drop(set);
        self.changed.notify_all();
    }

    /// Whether there is a record of a metadevice.
    pub(super) fn has_record(&self, number: u32) -> bool {
        let set = self.set.lock();
        let Some(set) = set.as_ref() else {
            return false;
        };
        let mut entries = entries(&set.contents);
        entries.any(|entry| entry.record == number)
    }

    /// Calls `each` with every record and its number; with a refusal in place of one of a kind or
    /// version that is not known.
    pub(crate) fn for_records(
        &self,
        mut each: impl FnMut(u32, Result<&[u8], Refused>) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        let mut all = KVVec::new();
        self.with_set(|set| {
            for entry in entries(&set.contents) {
                all.push(entry, GFP_KERNEL)?;
            }
            Ok(())
        })?;
        let mut bytes = KVVec::from_elem(0u8, BYTES_MAX, GFP_KERNEL)?;
        for entry in &all {
            let number = entry.record;
            let damaged = Refused::new(EIO, Refusal::DatabaseDamaged).with([number.into(), 0]);
            if let Err(damage) = entry.check() {
                pr_err!("state database: record {number}: {damage:?}\n");
                each(number, Err(damaged))?;
                continue;
            }
            let length = self.with_set(|set| Ok(read(&set.contents, number, &mut bytes)))?;
            let record = length.and_then(|length| bytes.get(..length));
            each(number, record.ok_or(damaged))?;
        }
        Ok(())
    }
}

/// Whether a replica is a member, and nothing is left of it but its head or tail.
fn is_lost(shown: &[Shown], index: usize, decision: &Decision<'_>) -> bool {
    let Some(replica) = shown.get(index) else {
        return false;
    };
    let uuid = replica.header.replica;
    let mut others = shown.iter().enumerate();
    let is_alone = !others.any(|(place, other)| place != index && other.header.replica == uuid);
    let is_member = has(decision.members, &uuid, replica.header.role);
    replica.state.is_none() && is_alone && is_member
}

/// Members of the newest commit without a replica that could be read.
fn not_found(shown: &[Shown], decision: &Decision<'_>) -> Result<KVec<Uuid>, Refused> {
    let mut missing = KVec::new();
    for member in decision.members.iter().filter(|one| !is_given_up(one)) {
        let is_it = |shown: &Shown| shown.state.is_some() && shown.header.replica == member.replica;
        if !shown.iter().any(is_it) {
            missing.push(member.replica, GFP_KERNEL)?;
        }
    }
    Ok(missing)
}

/// Decides on what was found, without those that were given up, and does something with that.
fn with_decision<R>(
    shown: &[Shown],
    given_up: &[Uuid],
    with: impl FnOnce(&[Option<Found<'_>>], &Decision<'_>) -> Result<R, Refused>,
) -> Result<R, Refused> {
    let mut found = KVec::with_capacity(shown.len(), GFP_KERNEL)?;
    for replica in shown {
        found.push(replica.as_found(), GFP_KERNEL)?;
    }
    let decision = decide(&found, given_up);
    let decision = decision.map_err(|_| Refused::new(ENODEV, Refusal::NoReplicaFound))?;
    with(&found, &decision)
}

fn live_roots(shown: &[Shown]) -> Result<KVec<u32>, AllocError> {
    let mut roots = KVec::with_capacity(shown.len(), GFP_KERNEL)?;
    for replica in shown {
        roots.push(replica.live_root, GFP_KERNEL)?;
    }
    Ok(roots)
}

/// Pages of the smallest replica that is a member and has room for what there is. One that never
/// became a member, or that was away, may be too small for that.
fn smallest(shown: &[Shown], members: &[Member], needed: u32) -> Option<u32> {
    let headers = shown.iter().map(|replica| &replica.header);
    let own = headers.filter(|header| has(members, &header.replica, header.role));
    let pages = own.map(|header| header.pages);
    pages.filter(|pages| *pages >= needed).min()
}

/// The set that is wanted, or the only one there is.
fn choose_set(shown: &[Shown], wanted: Option<Uuid>) -> Result<Uuid, Refused> {
    let voters = || {
        let voters = shown
            .iter()
            .filter(|replica| replica.header.role == Role::Voter);
        voters.map(|replica| replica.header.set)
    };
    let none = Refused::new(ENODEV, Refusal::NoReplicaFound);
    let first = match wanted {
        Some(wanted) => voters().find(|set| *set == wanted),
        None => voters().next(),
    };
    let chosen = first.ok_or(none)?;
    if wanted.is_none() && voters().any(|set| set != chosen) {
        return Err(Refused::new(EINVAL, Refusal::SeveralSets));
    }
    Ok(chosen)
}

/// Finds and verifies the replicas on all devices.
fn read_replicas(candidates: &[Candidate]) -> Result<KVec<Shown>, Refused> {
    let mut shown = KVec::new();
    let mut buffer = Buffer::new(PAGE_BYTES)?;
    for candidate in candidates {
        let mut page = u64::from(REPLICA_PAGE);
        for number in 0..REPLICAS_MAX {
            let sector = page.saturating_mul(PAGE_SECTORS);
            let is_in_head = number == 0 && candidate.label.is_some();
            let device = &candidate.device;
            let expected = length::expected(device, sector, is_in_head, &mut buffer);
            let Some(found) = read_one(&candidate.device, sector, expected, &mut buffer)? else {
                break;
            };
            page = page.saturating_add(found.header.pages.into());
            shown.push(found, GFP_KERNEL)?;
        }
    }
    Ok(shown)
}

/// Reads and verifies the replica that begins at a sector, if there is one.
fn read_one(
    device: &Arc<BlockDevice>,
    sector: u64,
    expected_pages: Option<u32>,
    buffer: &mut Buffer,
) -> Result<Option<Shown>, Refused> {
    let mut memory = RoomMemory::new(TABLE_PAGES)?;
    let mut reader = Reader::new(sector, expected_pages, memory.lend());
    let mut has_bad_end = false;
    while let Some(read) = reader.next() {
        let from = page_sector(sector, read.place);
        let bytes = device.read(from, buffer).ok().map(|()| &**buffer);
        if let Err(flaw) = reader.take(bytes) {
            has_bad_end |= matches!(read.what, What::Head | What::Tail);
            // What no replica is, is no flaw of one.
            if reader.header().is_some() && !matches!(read.what, What::Root) {
                tell_flaw(device, &flaw);
            }
        }
    }
    let Some(header) = reader.header() else {
        return Ok(None);
    };
    let live_root = reader.live_root();
    let mut members = KVec::new();
    let state = match reader.found() {
        Some(found) => {
            members.extend_from_slice(found.members, GFP_KERNEL)?;
            Some(State {
                generation: found.generation,
                claim: found.claim,
                is_complete: found.complete,
            })
        }
        None => None,
    };
    Ok(Some(Shown {
        device: device.clone(),
        header,
        live_root,
        members,
        state,
        has_bad_end,
    }))
}

/// Reads all pages of a replica, once more, and keeps them. `None` if not all of it is as it was.
fn read_all(shown: &Shown, replica_pages: u32) -> Result<Option<Contents>, Refused> {
    let count = TABLES.saturating_mul(TABLE_PAGES);
    let mut memory = RoomMemory::new(count)?;
    let sector = shown.header.start_sector;
    let mut reader = Reader::new(sector, Some(shown.header.pages), memory.lend());
    let mut contents = Contents::new(replica_pages)?;
    let mut buffer = Buffer::new(PAGE_BYTES)?;
    while let Some(read) = reader.next() {
        let from = page_sector(sector, read.place);
        let bytes = shown.device.read(from, &mut buffer).ok().map(|()| &*buffer);
        match (reader.take(bytes), read.what) {
            (Ok(Some(_)), What::Table | What::Records) => {
                let page = core::mem::replace(&mut buffer, Buffer::new(PAGE_BYTES)?);
                let which = Which {
                    is_table: read.what == What::Table,
                    number: read.number,
                };
                contents.put(which, Kept::new(Arc::new(page, GFP_KERNEL)?));
            }
            (Err(_), What::Table | What::Records) => return Ok(None),
            _ => {}
        }
    }
    if reader.tables().len() > TABLES {
        return Err(Refused::new(EFBIG, Refusal::DatabaseDamaged));
    }
    for (to, from) in contents.live.tables.iter_mut().zip(reader.tables()) {
        *to = *from;
    }
    for (to, from) in contents.live.pages.iter_mut().zip(reader.pages()) {
        *to = *from;
    }
    Ok(reader.found().map(|_| contents))
}

/// Every record is there, and each of its parts once.
fn check_records(contents: &Contents) -> Result<(), Refused> {
    let mut tallies = KVVec::from_elem(Tally::default(), RECORDS_MAX as usize, GFP_KERNEL)?;
    match judge(contents, &mut tallies) {
        Ok(_) => Ok(()),
        Err(damage) => {
            pr_err!("state database: all replicas have the same damage: {damage:?}\n");
            Err(Refused::new(EIO, Refusal::DatabaseDamaged))
        }
    }
}

/// Everything that the newest commit knows of is there.
fn check_complete(
    contents: &Contents,
    shown: &[Shown],
    is_there: &dyn Fn(&Identity) -> bool,
) -> Result<(), Refused> {
    let replicas = with_decision(shown, &[], |_, decision| not_found(shown, decision))?.len();
    let mut bytes = KVVec::from_elem(0u8, BYTES_MAX, GFP_KERNEL)?;
    let mut components = 0u64;
    for entry in entries(contents) {
        let length = read(contents, entry.record, &mut bytes);
        let record = length.and_then(|length| bytes.get(..length));
        if pool_of(entry.record).is_some() {
            let pool = record.and_then(|record| Pool::decode(record).ok());
            let spares = pool.iter().flat_map(|pool| pool.spares());
            let missing =
                spares.filter(|spare| !spare.is_broken && !is_there(&spare_identity(spare)));
            components = components.saturating_add(missing.count() as u64);
            continue;
        }
        if entry.record == WATCHED {
            continue;
        }
        // What is damaged is told by who makes the metadevice.
        let Some(Ok(record)) = record.map(Record::decode) else {
            continue;
        };
        let leaves = record.components().filter(|stored| stored.unit.is_none());
        let missing = leaves.filter(|stored| !is_there(&identity_of(stored)));
        components = components.saturating_add(missing.count() as u64);
    }
    if replicas > 0 || components > 0 {
        let values = [replicas as u64, components];
        return Err(Refused::new(EAGAIN, Refusal::SetIncomplete).with(values));
    }
    Ok(())
}

/// By what a component is known of which there is a record.
pub(crate) fn identity_of(stored: &StoredComponent) -> Identity {
    Identity {
        uuid: stored.uuid,
        partition: stored.partition,
        wwn: stored.wwn,
    }
}

/// The same, of a hot spare.
pub(crate) fn spare_identity(stored: &StoredSpare) -> Identity {
    Identity {
        uuid: stored.uuid,
        partition: stored.partition,
        wwn: stored.wwn,
    }
}

fn tell_flaw(device: &BlockDevice, flaw: &Flaw) {
    let (path, place, what) = (device.health().path(), flaw.read.place, flaw.read.what);
    match &flaw.fault {
        Fault::Unreadable => {
            pr_warn!("state database: {path}: page {place} ({what:?}) cannot be read\n");
        }
        Fault::Damaged(damage) => {
            pr_warn!("state database: {path}: page {place} ({what:?}): {damage:?}\n");
        }
    }
}

fn tell_why_read_only(why: &md_model::database::choice::Reason) {
    pr_warn!("state database: not started for writing: {why:?}; 'metadb -i' says what to do\n");
}
