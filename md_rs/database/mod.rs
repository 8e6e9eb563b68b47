// SPDX-License-Identifier: GPL-2.0
//! The state database of the running set: what is configured, and how it is, on a quorum of
//! replicas (`DURABILITY.md` sections 1 and 5). The rules are `md_model::database`'s; here is who
//! waits, and the I/O.
//!
//! - [`Database`]: the one set that is loaded, or none. Then metadevices live in memory.
//! - [`set`]: what is in memory of a set, and how a commit goes; [`draft`]: what it writes.
//! - [`contents`]: its pages; [`record`]: the record of a metadevice; [`pools`]: hot spares;
//!   [`watched`]: failfast.
//! - [`replica`]: one replica, and the worker that writes it.
//! - [`making`]: replicas that come and go; [`load`]: a set from its replicas; [`length`]: how long
//!   one is.
//! - [`label`]: what a component says about itself; [`tree`]: and about what it is part of;
//!   [`labelling`]: devices that become components; [`twins`]: devices that are shown twice.
//!
//! Who has changed a metadevice names it, and waits until a commit with the change counts. What
//! was named in the meantime shares the next commit, however much it is. Whoever waits begins the
//! commit, if none is in progress; there is no thread that would have to be woken for it.
//!
//! Nothing on the way of a commit allocates memory or waits for anything but the replicas' devices.
//! Replicas are on devices, never on metadevices; so a mirror may wait for a commit although a
//! replica is on the very disk that fails below it.

mod contents;
mod draft;
mod label;
mod labelling;
mod length;
mod load;
mod making;
mod pools;
mod record;
mod replica;
mod report;
mod set;
mod tree;
mod twins;
mod watched;

use kernel::{
    alloc::AllocError,
    new_condvar,
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        CondVar,
        CondVarTimeoutResult,
        Mutex, //
    },
    time::msecs_to_jiffies, //
};
use md_model::{
    database::{
        commits::Job,
        header::Header,
        quorum::Progress,
        watched::RECORD as WATCHED, //
    },
    events::kind::{
        Kind,
        State, //
    }, //
};

pub(crate) use self::{
    labelling::{
        Labels,
        OnRecord,
        Written, //
    },
    load::{
        identity_of,
        spare_identity,
        Candidate,
        Loaded,
        Loss, //
    },
    making::Addition,
    set::Growth, //
};
use self::{
    record::States,
    replica::{
        Replica,
        Staging, //
    },
    set::{
        Set,
        UnitNode, //
    }, //
};
use crate::{
    abi::{
        Refusal,
        DEVICE_LEN, //
    },
    body::{
        Body,
        Shape, //
    },
    events::{
        Event,
        Events, //
    },
    kapi::{
        published::Alone,
        worker::Worker, //
    },
    Refused, //
};

/// A path, padded with zeros.
pub(crate) fn path_field(path: &CStr) -> [u8; DEVICE_LEN] {
    let mut field = [0; DEVICE_LEN];
    let room = DEVICE_LEN.saturating_sub(1);
    for (to, from) in field.iter_mut().take(room).zip(path.to_bytes()) {
        *to = *from;
    }
    field
}

/// How long a write may take before it is said to hang, in milliseconds.
const HANGING_MS: u32 = 10_000;

/// Room for metadevices under their numbers.
fn nodes_of(bodies: &[(&Arc<Body>, u32)]) -> Result<KVec<UnitNode>, Refused> {
    let mut nodes = KVec::with_capacity(bodies.len(), GFP_KERNEL)?;
    for (body, number) in bodies {
        let node = UnitNode::new(*number, (*body).clone(), GFP_KERNEL);
        nodes.push(node.map_err(|_| AllocError)?, GFP_KERNEL)?;
    }
    Ok(nodes)
}

/// A replica with its worker.
type Writer = Arc<Worker<Replica>>;

/// The state database.
#[pin_data]
pub(crate) struct Database {
    events: Arc<Events>,
    #[pin]
    set: Mutex<Option<Set>>,
    /// Told whenever a write of a replica has come back.
    #[pin]
    changed: CondVar,
    /// Who gives hot spares to components.
    #[pin]
    spares: Mutex<Option<pools::SpareWorker>>,
}

impl Database {
    /// No set.
    pub(crate) fn new(events: Arc<Events>) -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                events,
                set <- new_mutex!(None, "md_set"),
                changed <- new_condvar!("md_set_changed"),
                spares <- new_mutex!(None, "md_spares"),
            }),
            GFP_KERNEL,
        )
    }

    /// Where it is told what happens, to the set and to what is in it.
    pub(crate) fn events(&self) -> &Events {
        &self.events
    }

    /// Commits how these metadevices are now. When it returns the change is on a quorum of
    /// replicas, or there is no set. Sleeps; does not allocate.
    pub(crate) fn record(&self, numbers: impl Iterator<Item = u32>) -> Result<(), Refused> {
        let mut guard = self.set.lock();
        let Some(set) = Option::as_mut(&mut *guard) else {
            return Ok(());
        };
        numbers.for_each(|number| set.name(number));
        let ticket = set.ticket();
        self.wait_for(guard, |set| set.is_done(ticket))
    }

    /// Makes a metadevice known, and commits it. If that is refused it is not known.
    pub(crate) fn add_unit(&self, number: u32, body: &Arc<Body>) -> Result<(), Refused> {
        self.grow_unit(Growth::unit(number, body)?, || Ok(()))
    }

    /// For [`Self::grow_unit`]: what a metadevice, which is known, is to be.
    pub(crate) fn plan_growth(&self, number: u32, shape: &Shape) -> Result<Growth, Refused> {
        self.plan_loss(number, shape, None)
    }

    /// The same, for a mirror that is to lose a side, which the shape does not have.
    pub(crate) fn plan_loss(
        &self,
        number: u32,
        shape: &Shape,
        lost: Option<u32>,
    ) -> Result<Growth, Refused> {
        let mut record = KVVec::new();
        if let Some(set) = Option::as_mut(&mut *self.set.lock()) {
            let too_long = Refused::new(EFBIG, Refusal::DatabaseFull).with([number.into(), 0]);
            let pool = set.units.get(&number).and_then(|body| body.pool());
            let planned = set
                .scratch
                .encode_without(number, shape, (States::Kept, pool), lost);
            record.extend_from_slice(planned.ok_or(too_long)?, GFP_KERNEL)?;
        }
        Ok(Growth::change(number, record))
    }

    /// Commits a growth, and then carries it out. If the commit is refused, nothing has happened;
    /// if it cannot be carried out, the record is again what the metadevice is. Without a set it is
    /// only carried out.
    pub(crate) fn grow_unit(
        &self,
        growth: Growth,
        carry_out: impl FnOnce() -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        let mut guard = self.set.lock();
        let Some(set) = Option::as_mut(&mut *guard) else {
            // It may want the lock for itself.
            drop(guard);
            return carry_out();
        };
        let number = growth.number;
        set.grow(growth)?;
        let ticket = set.ticket();
        let done = self.wait_for(guard, |set| set.is_done(ticket));
        let refusal = Option::as_ref(&*self.set.lock()).and_then(Set::growth_refusal);
        let committed = refusal.map_or(done, Err);
        let in_force = committed.and_then(|()| carry_out());
        if let Some(set) = Option::as_mut(&mut *self.set.lock()) {
            set.end_growth(in_force.is_err());
        }
        if committed.is_ok() && in_force.is_err() {
            // The record says too much; at the next start it would be so.
            let _ = self.record(core::iter::once(number));
        }
        if in_force.is_ok() && number != WATCHED {
            self.follow_watched();
        }
        in_force
    }

    /// Gives metadevices other numbers, one or two of them, and commits that: all or nothing.
    pub(crate) fn renumber(&self, changes: &[(&Arc<Body>, u32)]) -> Result<(), Refused> {
        let numbers = || changes.iter().map(|(body, _)| body.number());
        let mut before = KVec::with_capacity(changes.len(), GFP_KERNEL)?;
        for (body, _) in changes {
            before.push((*body, body.number()), GFP_KERNEL)?;
        }
        let others = || changes.iter().map(|(_, number)| *number);
        let (Some(first), Some(other)) = (numbers().next(), others().next()) else {
            return Ok(());
        };
        let (nodes, back) = (nodes_of(changes)?, nodes_of(&before)?);
        let mut guard = self.set.lock();
        let Some(set) = Option::as_mut(&mut *guard) else {
            changes
                .iter()
                .for_each(|(body, number)| body.set_number(*number));
            return Ok(());
        };
        set.renumber(changes, nodes);
        let grown = set.grow(Growth::both(first, other));
        let ticket = set.ticket();
        let done = grown.and_then(|()| self.wait_for(guard, |set| set.is_done(ticket)));
        self.with_set(|set| {
            let done = set.growth_refusal().map_or(done, Err);
            set.end_growth(done.is_err());
            if done.is_err() {
                set.renumber(&before, back);
            }
            done
        })
    }

    /// Whether there is a set that knows a metadevice with this number, made or in the making.
    pub(crate) fn knows(&self, number: u32) -> bool {
        let set = self.set.lock();
        set.as_ref()
            .is_some_and(|set| set.units.get(&number).is_some())
    }

    /// Refuses if there is a set that has come to a stop.
    pub(crate) fn check_running(&self) -> Result<(), Refused> {
        let mut set = self.set.lock();
        if Option::as_mut(&mut *set).is_some_and(|set| set.is_stopped()) {
            return Err(Refused::new(EROFS, Refusal::SetIsStopped));
        }
        Ok(())
    }

    /// Runs `change` while no commit is being made, and nobody looks at metadevices for one.
    pub(crate) fn while_nothing_is_drafted<R>(&self, change: impl FnOnce(&Alone<'_>) -> R) -> R {
        let set = self.set.lock();
        change(&Alone::with_set(&set))
    }

    /// Commits that a metadevice is gone. If that is refused it is still known.
    pub(crate) fn remove_unit(&self, number: u32) -> Result<(), Refused> {
        let mut guard = self.set.lock();
        let Some(set) = Option::as_mut(&mut *guard) else {
            return Ok(());
        };
        let body = set.forget(number);
        let ticket = set.ticket();
        let done = self.wait_for(guard, |set| set.is_done(ticket));
        if let (Err(_), Some(node)) = (&done, body) {
            self.with_set(|set| {
                set.remember(node);
                Ok(())
            })?;
        }
        if done.is_ok() {
            self.follow_watched();
        }
        done
    }

    /// Waits until the set is as `is_so` says, or can write no more.
    fn wait_until(&self, is_so: impl FnMut(&mut Set) -> bool) -> Result<(), Refused> {
        self.wait_for(self.set.lock(), is_so)
    }

    /// The same, by who has the set already.
    fn wait_for(
        &self,
        mut guard: kernel::sync::lock::mutex::MutexGuard<'_, Option<Set>>,
        mut is_so: impl FnMut(&mut Set) -> bool,
    ) -> Result<(), Refused> {
        loop {
            let Some(set) = Option::as_mut(&mut *guard) else {
                return Err(Refused::new(ENODEV, Refusal::NoDatabase));
            };
            if is_so(set) {
                return Ok(());
            }
            if set.is_stopped() {
                return Err(Refused::new(EROFS, Refusal::SetIsStopped));
            }
            if !set.begin()? {
                self.changed.wait(&mut guard);
            }
        }
    }

    /// Waits until writes have returned, for a while.
    fn wait_for_writes(&self, mut is_so: impl FnMut(&mut Set) -> bool) {
        let mut guard = self.set.lock();
        let mut left = msecs_to_jiffies(HANGING_MS);
        while left > 0 && Option::as_mut(&mut *guard).is_some_and(|set| !is_so(set)) {
            left = match self.changed.wait_interruptible_timeout(&mut guard, left) {
                CondVarTimeoutResult::Woken { jiffies } => jiffies,
                CondVarTimeoutResult::Timeout | CondVarTimeoutResult::Signal { .. } => 0,
            };
        }
    }

    /// Waits, for a while, until every replica that is there has all that was recorded. Who leaves
    /// the set does that, so that it starts with any of them.
    pub(crate) fn settle(&self) {
        self.wait_for_writes(|set| set.commits().is_settled());
    }

    /// The next job for a replica.
    fn take_job(&self, header: &Header, staging: &mut Staging) -> Option<Job> {
        Option::as_mut(&mut *self.set.lock())?.take_job(header, staging)
    }

    /// A job has come back, with what it has written.
    fn returned(&self, replica: &Replica, staging: &mut Staging, is_written: bool) {
        let mut guard = self.set.lock();
        let Some(set) = Option::as_mut(&mut *guard) else {
            staging.pages.clear();
            return;
        };
        set.take_back(staging);
        if !is_written {
            let path = replica.device.health().path().to_bytes();
            let event = Event::of_set(Kind::ReplicaFailed).device(path);
            self.events
                .record(&event.states(State::Okay, State::Failed));
        }
        if set.returned(&replica.header.replica, is_written) == Progress::Failed {
            let event = Event::of_set(Kind::QuorumLost);
            self.events
                .record(&event.states(State::Running, State::ReadOnly));
        }
        // A commit may be due that nobody waits for, for example without a tie-breaker.
        if set.is_due() {
            let _ = set.begin();
        }
        set.kick();
        self.changed.notify_all();
    }
}
