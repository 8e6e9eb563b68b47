// SPDX-License-Identifier: GPL-2.0
//! Replicas that come and go.

use kernel::{
    prelude::*,
    sync::Arc, //
};
use md_model::{
    database::{
        commits::Refusal as NotNow,
        header::{
            End,
            Header, //
        },
        identity::{
            Generation,
            Uuid, //
        },
        layout::{
            is_replica_size,
            page_sector,
            PAGE_SECTORS,
            REPLICA_PAGE,
            REPLICA_PAGES_IN_HEAD,
            ROOT_PLACE, //
        },
        members::{
            Member,
            Role, //
        },
        page::PAGE_BYTES,
        root::Root,
    },
    events::kind::Kind,
    limits::{
        REPLICAS_MAX,
        RESERVED_HEAD_SECTORS, //
    }, //
};

use super::{
    label::{
        self,
        Room, //
    },
    labelling::Written,
    load::{
        Candidate,
        Loss, //
    },
    replica::Replica,
    set::Set,
    tree::{
        tell_stale,
        Owner, //
    },
    Database,
    Writer, //
};
use crate::{
    abi::Refusal,
    body::Body,
    events::Event,
    kapi::{
        bdev::{
            BlockDevice,
            Buffer, //
        },
        random::new_uuid,
        worker::Worker, //
    },
    Refused, //
};

/// Replicas that are to be made on a device.
pub(crate) struct Addition {
    /// The device.
    pub(crate) device: Arc<BlockDevice>,
    /// Sectors of each; 0 for the size that the reserved head has room for.
    pub(crate) size_sectors: u64,
    /// How many.
    pub(crate) count: u32,
    /// What they are for.
    pub(crate) role: Role,
    /// Whether the device belongs to a component, so that there is room only in its head.
    pub(crate) is_in_head: bool,
}

impl Addition {
    /// Pages of each replica, once all is checked.
    fn pages(&self) -> Result<u32, Refused> {
        let most = if self.is_in_head || self.role == Role::TieBreaker {
            1
        } else {
            REPLICAS_MAX as u32
        };
        if self.count == 0 || self.count > most {
            let values = [self.count.into(), most.into()];
            return Err(Refused::new(EINVAL, Refusal::BadReplicaCount).with(values));
        }
        let pages = match self.size_sectors {
            0 => u64::from(REPLICA_PAGES_IN_HEAD),
            // In whole pages.
            sectors => sectors / PAGE_SECTORS,
        };
        let pages = u32::try_from(pages).unwrap_or(u32::MAX);
        let fits_head = !self.is_in_head || pages <= REPLICA_PAGES_IN_HEAD;
        if !is_replica_size(pages) || !fits_head {
            let least = u64::from(md_model::limits::REPLICA_PAGES_MIN).saturating_mul(PAGE_SECTORS);
            let values = [self.size_sectors, least];
            return Err(Refused::new(EINVAL, Refusal::BadReplicaSize).with(values));
        }
        let all = u64::from(pages).saturating_mul(self.count.into());
        let needed = u64::from(REPLICA_PAGE)
            .saturating_add(all)
            .saturating_mul(PAGE_SECTORS)
            // The label's second copy is behind the head's replica.
            .max(RESERVED_HEAD_SECTORS);
        let found = self.device.sectors();
        if needed > found {
            return Err(Refused::new(ENOSPC, Refusal::ComponentTooSmall).with([needed, found]));
        }
        Ok(pages)
    }

    /// The headers of the replicas.
    fn headers(&self, set: Uuid) -> Result<KVec<Header>, Refused> {
        let pages = self.pages()?;
        let mut headers = KVec::with_capacity(self.count as usize, GFP_KERNEL)?;
        for index in 0..self.count {
            let before = u64::from(pages).saturating_mul(index.into());
            let page = u64::from(REPLICA_PAGE).saturating_add(before);
            let header = Header {
                set,
                replica: new_uuid(),
                start_sector: page.saturating_mul(PAGE_SECTORS),
                pages,
                role: self.role,
            };
            headers.push(header, GFP_KERNEL)?;
        }
        Ok(headers)
    }

    /// Sees to it that the device has a label of the set; returns its component uuid. A device
    /// whose replicas have the place of the second copy gets the first one only. A label that is
    /// new is taken away again unless `labels` are kept.
    fn ensure_label(&self, owner: &Owner, labels: &mut Written) -> Result<Uuid, Refused> {
        let found = label::read(&self.device).map_err(not_written)?;
        if let Some(label) = found.filter(|label| label.set == owner.set) {
            return Ok(label.component);
        }
        let room = if self.pages()?.saturating_mul(self.count) > REPLICA_PAGES_IN_HEAD {
            Room::First
        } else {
            Room::Both
        };
        let component = new_uuid();
        labels.write_for_replicas(owner, &self.device, component, room)?;
        Ok(component)
    }
}

fn not_written(error: Error) -> Refused {
    Refused::with_errno(error, Refusal::DiskFailed)
}

/// Writes a replica that has its ends, and nothing where its roots will be.
fn write_blank(device: &BlockDevice, header: &Header) -> Result {
    let buffer = Buffer::new(PAGE_BYTES)?;
    for place in ROOT_PLACE.into_iter().flatten() {
        device.write(sector_of(header, place), &buffer, false)?;
    }
    write_ends(device, header)
}

/// Writes the first and the last page of a replica.
pub(super) fn write_ends(device: &BlockDevice, header: &Header) -> Result {
    let mut buffer = Buffer::new(PAGE_BYTES)?;
    let last = header.pages.saturating_sub(1);
    for (end, place) in [(End::Head, 0), (End::Tail, last)] {
        header.encode(end, &mut buffer).ok_or(EINVAL)?;
        device.write(sector_of(header, place), &buffer, false)?;
    }
    device.flush()
}

/// Takes the ends of a replica away, so that it is none any more.
fn erase(device: &BlockDevice, header: &Header) -> Result {
    let zeros = Buffer::new(PAGE_BYTES)?;
    let [first, second] = ROOT_PLACE;
    let last = header.pages.saturating_sub(1);
    for place in [[0, last], first, second].into_iter().flatten() {
        device.write(sector_of(header, place), &zeros, false)?;
    }
    device.flush()
}

/// The same, when nothing can be done about an error any more.
fn wipe(device: &BlockDevice, header: &Header) {
    if let Err(error) = erase(device, header) {
        let path = device.health().path();
        pr_warn!("state database: {path}: the replica is deleted, but still there: {error:?}\n");
    }
}

fn sector_of(header: &Header, place: u32) -> u64 {
    page_sector(header.start_sector, place)
}

fn member_of(header: &Header, component: Uuid) -> Member {
    Member {
        component,
        start_sector: header.start_sector,
        ..Member::new(header.replica, header.role)
    }
}

impl Database {
    /// Makes a new set with these replicas, and starts it. There is none yet.
    pub(crate) fn make_set(
        self: &Arc<Self>,
        name: [u8; 32],
        addition: &Addition,
    ) -> Result<(), Refused> {
        if addition.role == Role::TieBreaker {
            return Err(Refused::new(EINVAL, Refusal::TieBreakerMisplaced));
        }
        let set = new_uuid();
        let headers = addition.headers(set)?;
        let (owner, mut labels) = (Owner { set, name }, Written::new());
        let component = addition.ensure_label(&owner, &mut labels)?;
        let mut members = KVec::with_capacity(headers.len(), GFP_KERNEL)?;
        for header in &headers {
            members.push(member_of(header, component), GFP_KERNEL)?;
        }
        for header in &headers {
            write_first(&addition.device, header, &members).map_err(not_written)?;
        }
        // From here on it is a set like any other that is loaded. If that fails, there is none.
        let candidate = Candidate::new(addition.device.clone(), Default::default());
        let loaded = candidate.and_then(|candidate| {
            let candidates = core::slice::from_ref(&candidate);
            self.load(candidates, Some(set), Loss::Refused, &|_, _| true)
        });
        if let Err(refused) = loaded {
            let device = &addition.device;
            headers.iter().for_each(|header| wipe(device, header));
            return Err(refused);
        }
        labels.keep();
        self.tell_replica(Kind::Add, &addition.device);
        Ok(())
    }

    /// Adds replicas to the set.
    pub(crate) fn add_replicas(self: &Arc<Self>, addition: &Addition) -> Result<(), Refused> {
        let (set, name) = self.with_set(|set| Ok((set.uuid, set.name)))?;
        // Dropped without the lock: the worker may need it to come to an end.
        while let Some(deleted) = self.with_set(|set| Ok(set.take_deleted()))? {
            drop(deleted);
        }
        self.write_to_all()?;
        self.check_place(addition)?;
        let headers = addition.headers(set)?;
        self.check_room(headers.len())?;
        self.with_set(|set| {
            headers
                .iter()
                .try_for_each(|header| check_size(set, header))
        })?;
        let (owner, mut labels) = (Owner { set, name }, Written::new());
        let component = addition.ensure_label(&owner, &mut labels)?;
        for header in &headers {
            if let Err(error) = write_blank(&addition.device, header) {
                wipe(&addition.device, header);
                return Err(not_written(error));
            }
            // If it is refused it is dropped without the lock.
            let mut writer = Some(self.writer(*header, addition.device.clone())?);
            let member = member_of(header, component);
            let added = self.once_settled(|set| {
                check_size(set, header)?;
                set.replicas.reserve(1, GFP_KERNEL)?;
                let asked = set.commits().add(member, 0, 0);
                asked.map_err(|why| not_now(set, why))?;
                set.contents.replica_pages = set.contents.replica_pages.min(header.pages);
                if let Some(writer) = writer.take() {
                    set.replicas.push(writer, GFP_KERNEL)?;
                }
                Ok(())
            });
            if let Err(refused) = added {
                wipe(&addition.device, header);
                return Err(refused);
            }
            // From here on it may be a member, whatever becomes of the others.
            labels.set_kept();
        }
        self.with_set(|set| {
            set.kick();
            Ok(())
        })?;
        let mut joined = Ok(());
        for header in &headers {
            if let Err(refused) = self.wait_for_joining(header) {
                // Why it is none is what matters; that it cannot be taken back is in the log.
                let _ = self.delete_replicas(0, header.replica);
                joined = Err(refused);
            }
        }
        joined?;
        self.tell_replica(Kind::Add, &addition.device);
        self.follow_watched();
        Ok(())
    }

    /// Waits until a replica that was added is a member, or is not going to be one.
    fn wait_for_joining(&self, header: &Header) -> Result<(), Refused> {
        let mut joined = Ok(());
        self.wait_until(|set| {
            if set.is_joining(header) {
                let is_blocked = set.commits().is_blocked();
                if is_blocked {
                    joined = Err(cannot_count(set));
                }
                return is_blocked;
            }
            if !set.is_member(header) {
                joined = Err(not_written(EIO));
            }
            true
        })?;
        joined
    }

    /// Has all replicas written once, so that it is known which of them fail before the list of
    /// members changes: it may need more of them than other commits do.
    fn write_to_all(&self) -> Result<(), Refused> {
        let mut ticket = None;
        self.wait_until(|set| {
            let ticket = *ticket.get_or_insert_with(|| set.ticket());
            set.is_done(ticket)
        })?;
        self.settle();
        Ok(())
    }

    /// Changes the list of members. If that is refused because of somebody who does not have the
    /// live commit it is tried again for a while: with many commits there is always one.
    fn once_settled(
        &self,
        mut change: impl FnMut(&mut Set) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        let mut changed = Err(Refused::new(ENODEV, Refusal::NoDatabase));
        self.wait_for_writes(|set| {
            changed = change(set);
            let is_refused = |refused: Refused| refused.refusal() == Refusal::MembersCannotCount;
            !changed.err().is_some_and(is_refused) || set.commits().is_settled()
        });
        changed
    }

    /// Deletes replicas: those on a device, or the one with this identity, which may be missing.
    /// How many there were.
    pub(crate) fn delete_replicas(&self, dev: u64, replica: Uuid) -> Result<u32, Refused> {
        let gone = self.with_set(|set| {
            let gone = chosen(set, dev, replica)?;
            // Before anything is written: they may be what cannot be.
            if set.commits().are_last_voters(&gone) {
                return Err(not_now(set, NotNow::LastVoter));
            }
            Ok(gone)
        })?;
        self.write_to_all()?;
        let mut seated = KVec::with_capacity(gone.len(), GFP_KERNEL)?;
        self.once_settled(|set| {
            seated.clear();
            // A tie-breaker that has failed with that is gone already.
            for uuid in gone.iter().filter(|uuid| set.commits().is_seated(uuid)) {
                seated.push(*uuid, GFP_KERNEL)?;
            }
            let removed = set.commits().remove_all(&seated);
            removed.map_err(|why| not_now(set, why))
        })?;
        let mut left = Ok(());
        self.wait_until(|set| {
            if set.commits().is_blocked() && set.commits().withdraw(&gone) {
                left = Err(cannot_count(set));
                return true;
            }
            gone.iter().all(|uuid| set.commits().is_gone(uuid))
        })?;
        left?;
        let mut wiped = KVec::with_capacity(gone.len(), GFP_KERNEL)?;
        // What is left is a write that may hang for ever, on a device that nobody needs any more.
        // Each is taken when it may be: the next commit is one in which nobody can tell.
        self.wait_for_writes(|set| {
            for uuid in &gone {
                if let Some(writer) = set.take_writer(uuid) {
                    // There is room for all, and so it is not dropped with the lock.
                    let _ = wiped.push_within_capacity(writer);
                }
            }
            !gone.iter().any(|uuid| set.has_writer(uuid))
        });
        self.with_set(|set| {
            gone.iter().for_each(|uuid| set.tell_hanging(uuid));
            Ok(())
        })?;
        for writer in &wiped {
            let Replica { header, device, .. } = writer.target();
            wipe(device, header);
            self.unlabel_unused(device).unwrap_or_else(|refused| {
                let path = device.health().path();
                pr_warn!("state database: {path}: its label is still there: {refused:?}\n");
            });
            self.tell_replica(Kind::Remove, device);
        }
        self.follow_watched();
        Ok(gone.len() as u32)
    }

    fn tell_replica(&self, kind: Kind, device: &BlockDevice) {
        let path = device.health().path().to_bytes();
        self.events().record(&Event::of_set(kind).device(path));
    }

    /// Deletes all replicas, and with them the set: its metadevices, whose bodies these are, live
    /// in memory. How many replicas there were.
    pub(crate) fn delete_set<'a>(
        &self,
        bodies: impl Iterator<Item = &'a Arc<Body>>,
    ) -> Result<u32, Refused> {
        for body in bodies {
            self.unlabel_components(body.shape());
        }
        let mut set = self.set.lock().take();
        let Some(set) = set.as_mut() else {
            return Err(Refused::new(ENODEV, Refusal::NoDatabase));
        };
        let mut count = 0u32;
        // Without the lock: workers may need it to come to an end.
        while let Some(writer) = set.replicas.pop() {
            let Replica { header, device, .. } = writer.target();
            let (header, device) = (*header, device.clone());
            drop(writer);
            wipe(&device, &header);
            // The metadevices that could not be made may still be told of by theirs.
            label::erase_empty(&device, set.uuid)
                .unwrap_or_else(|error| tell_stale(&device, error));
            self.tell_replica(Kind::Remove, &device);
            count = count.saturating_add(1);
        }
        Ok(count)
    }

    /// Does something with the set, if there is one.
    pub(super) fn with_set<R>(
        &self,
        with: impl FnOnce(&mut Set) -> Result<R, Refused>,
    ) -> Result<R, Refused> {
        match Option::as_mut(&mut *self.set.lock()) {
            Some(set) => with(set),
            None => Err(Refused::new(ENODEV, Refusal::NoDatabase)),
        }
    }

    /// A device has the replicas of one command, and a tie-breaker no voter beside it on its disk,
    /// not in another partition either (`DURABILITY.md` clause 6).
    fn check_place(&self, addition: &Addition) -> Result<(), Refused> {
        let Addition { device, role, .. } = addition;
        self.with_set(|set| {
            let all = || set.replicas.iter().map(|writer| writer.target());
            let is_other = |replica: &Replica| {
                replica.header.role != *role && replica.device.disk_dev() == device.disk_dev()
            };
            if all().any(is_other) {
                return Err(Refused::new(EINVAL, Refusal::TieBreakerMisplaced));
            }
            if all().any(|replica| replica.device.user_dev() == device.user_dev()) {
                return Err(Refused::new(EEXIST, Refusal::ReplicaExists));
            }
            Ok(())
        })
    }

    fn check_room(&self, more: usize) -> Result<(), Refused> {
        self.with_set(|set| {
            let count = set.replicas.len().saturating_add(more);
            if count > REPLICAS_MAX {
                let values = [count as u64, REPLICAS_MAX as u64];
                return Err(Refused::new(ENOSPC, Refusal::BadReplicaCount).with(values));
            }
            Ok(())
        })
    }

    /// A worker for a replica.
    pub(super) fn writer(
        self: &Arc<Self>,
        header: Header,
        device: Arc<BlockDevice>,
    ) -> Result<Writer, Refused> {
        let replica = Replica::new(self.clone(), header, device);
        let worker = Arc::pin_init(Worker::new(c"md_replica", replica), GFP_KERNEL);
        worker.map_err(|_| Refused::new(ENOMEM, Refusal::NoMemory))
    }
}

/// Whether a replica has room for every page in use.
fn check_size(set: &Set, header: &Header) -> Result<(), Refused> {
    let live = set.contents.live.pages_needed();
    let next = if set.is_in_progress() {
        set.next.pages_needed()
    } else {
        0
    };
    let needed = live.max(next);
    if needed <= header.pages {
        return Ok(());
    }
    let values = [header.pages, needed].map(|pages| u64::from(pages).saturating_mul(PAGE_SECTORS));
    Err(Refused::new(ENOSPC, Refusal::BadReplicaSize).with(values))
}

/// The members on a device, or the one with an identity.
fn chosen(set: &Set, dev: u64, replica: Uuid) -> Result<KVec<Uuid>, Refused> {
    let mut chosen = KVec::with_capacity(REPLICAS_MAX, GFP_KERNEL)?;
    for writer in &set.replicas {
        let target = writer.target();
        let is_on_it = dev != 0 && target.device.user_dev() == dev;
        if is_on_it || target.header.replica == replica {
            chosen.push(target.header.replica, GFP_KERNEL)?;
        }
    }
    if set
        .missing_members()
        .any(|member| member.replica == replica)
    {
        chosen.push(replica, GFP_KERNEL)?;
    }
    if chosen.is_empty() {
        return Err(Refused::new(ENXIO, Refusal::NoSuchReplica));
    }
    Ok(chosen)
}

/// Writes a replica with a first commit, which is empty.
fn write_first(device: &BlockDevice, header: &Header, members: &[Member]) -> Result {
    write_blank(device, header)?;
    let root = Root {
        set: header.set,
        replica: header.replica,
        role: header.role,
        generation: Generation::first_of(1),
        claim: 1,
    };
    let mut buffer = Buffer::new(PAGE_BYTES)?;
    let [first, _] = ROOT_PLACE;
    for place in first {
        root.encode(place, &[], members, &mut buffer)
            .ok_or(EINVAL)?;
        device.write(sector_of(header, place), &buffer, false)?;
    }
    device.flush()
}

/// So many replicas have failed that a commit could not count with another list of members.
fn cannot_count(set: &mut Set) -> Refused {
    let votes = set.commits().votes();
    let failed = votes.of.saturating_sub(votes.have);
    let values = [failed.into(), votes.of.into()];
    Refused::new(EBUSY, Refusal::MembersCannotCount).with(values)
}

fn not_now(set: &mut Set, why: NotNow) -> Refused {
    match why {
        NotNow::CannotCount => cannot_count(set),
        NotNow::Stopped => Refused::new(EROFS, Refusal::SetIsStopped),
        NotNow::TieBreaker => Refused::new(EEXIST, Refusal::ReplicaExists),
        NotNow::LastVoter => Refused::new(EBUSY, Refusal::LastReplica),
        NotNow::Unknown => Refused::new(ENXIO, Refusal::NoSuchReplica),
        NotNow::Full | NotNow::NoNumber => Refused::new(ENOSPC, Refusal::BadReplicaCount),
        NotNow::Known => Refused::new(EEXIST, Refusal::ReplicaExists),
        NotNow::Busy | NotNow::FirstIsEmpty => Refused::new(EBUSY, Refusal::SetIsStopped),
    }
}
