// SPDX-License-Identifier: GPL-2.0
//! What the rest of the core and the administrator want to know of the set.

use kernel::{
    prelude::*,
    sync::Arc, //
};
use md_model::database::{
    commits::Seat,
    identity::Uuid,
    label::Label,
    layout::PAGE_SECTORS,
    members::Role, //
};

use super::{
    label,
    Database, //
};
use crate::{
    abi::{
        self,
        Refusal,
        SetState, //
    },
    body::{
        Body,
        Shape, //
    },
    component::Component,
    kapi::{
        bdev::BlockDevice,
        random::new_uuid, //
    },
    Refused, //
};

impl Database {
    /// Whether there is a set.
    pub(crate) fn is_loaded(&self) -> bool {
        self.set.lock().is_some()
    }

    /// A device that has a replica, and the first sector behind the last one on it.
    pub(crate) fn device(&self, dev: u64) -> Option<(Arc<BlockDevice>, u64)> {
        let guard = self.set.lock();
        let replicas = guard
            .as_ref()?
            .replicas
            .iter()
            .map(|writer| writer.target());
        let mut found = None;
        for replica in replicas.filter(|replica| replica.device.user_dev() == dev) {
            let length = u64::from(replica.header.pages).saturating_mul(PAGE_SECTORS);
            let end = replica.header.start_sector.saturating_add(length);
            let last = found.map_or(0, |(_, last)| last);
            found = Some((replica.device.clone(), end.max(last)));
        }
        found
    }

    /// Makes a metadevice known that was made from its record.
    pub(crate) fn insert_loaded(&self, number: u32, body: &Arc<Body>) -> Result<(), Refused> {
        self.with_set(|set| Ok(set.insert_loaded(number, body.clone())?))
    }

    /// A metadevice is stopped: it stays in the database, but is not known any more.
    pub(crate) fn let_go(&self, number: u32) {
        let body = self.with_set(|set| Ok(set.let_go(number)));
        // Without the lock.
        drop(body);
    }

    /// The identity of a device with a reserved head as a component: the one in its label if that
    /// is of the set, or a new one. Nil without a set.
    pub(crate) fn identity_for(&self, device: &BlockDevice) -> Result<Uuid> {
        let Some(set) = self.set.lock().as_ref().map(|set| set.uuid) else {
            return Ok(Uuid::NIL);
        };
        let own = label::read(device)?.filter(|label| label.set == set);
        Ok(own.map_or_else(new_uuid, |label| label.component))
    }

    /// Sees to it that every component of a new metadevice that has a reserved head says in it that
    /// it belongs to the set. Without a set nothing is written.
    pub(crate) fn label_components(&self, shape: &Shape) -> Result<(), Refused> {
        if !self.is_loaded() {
            return Ok(());
        }
        let (set, set_name) = self.with_set(|set| Ok((set.uuid, set.name)))?;
        for (index, component) in (0..).zip(shape.components()) {
            if component.identity.uuid.is_nil() {
                continue;
            }
            let failed = |error: Error| Refused::with_errno(error, Refusal::DiskFailed).at(index);
            let label = label::new(set, set_name, component.identity.uuid);
            let found = label::read(&component.device).map_err(failed)?;
            let is_own = |found: Label| (found.set, found.component) == (set, label.component);
            if !found.is_some_and(is_own) {
                label::write(&component.device, &label, &[]).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Takes the labels of a metadevice's components away again, but for those with a replica.
    pub(crate) fn unlabel_components(&self, shape: &Shape) {
        for component in shape.components() {
            let is_labelled = component.child.is_none() && !component.identity.uuid.is_nil();
            if is_labelled && self.device(component.dev).is_none() {
                unlabel(component);
            }
        }
    }

    /// Fills in how the set is, and lists its replicas.
    pub(crate) fn describe(
        &self,
        list: &mut abi::ListReplicas,
    ) -> Result<KVec<abi::ReplicaStatus>, Refused> {
        let mut guard = self.set.lock();
        let mut described = KVec::new();
        let Some(set) = Option::as_mut(&mut *guard) else {
            list.state = SetState::None as u32;
            return Ok(described);
        };
        let live = set.live();
        list.set = set.uuid.to_bytes();
        list.set_name = set.name;
        (list.epoch, list.sequence) = (live.epoch, live.sequence);
        list.commits = set.commit_count;
        list.state = if set.is_stopped() {
            SetState::ReadOnly as u32
        } else {
            SetState::Writable as u32
        };
        for writer in &set.replicas {
            let replica = writer.target();
            let mut seats = set.seats().iter();
            let seat = seats.find(|seat| seat.replica() == Some(replica.header.replica));
            let holds = seat.map(Seat::holds).unwrap_or_default();
            let status = abi::ReplicaStatus {
                replica: replica.header.replica.to_bytes(),
                dev: replica.device.user_dev(),
                start_sectors: replica.header.start_sector,
                size_sectors: u64::from(replica.header.pages).saturating_mul(PAGE_SECTORS),
                epoch: holds.epoch,
                sequence: holds.sequence,
                flags: flags_of(seat, holds == live, replica.header.role),
                reserved: 0,
                device: super::path_field(replica.device.health().path()),
            };
            described.push(status, GFP_KERNEL)?;
        }
        Ok(described)
    }
}

fn flags_of(seat: Option<&Seat>, is_current: bool, role: Role) -> u32 {
    let mut flags = 0;
    if is_current {
        flags |= abi::REPLICA_CURRENT;
    }
    if seat.is_none_or(Seat::has_failed) {
        flags |= abi::REPLICA_FAILED;
    }
    if seat.is_some_and(|seat| seat.job().is_some()) {
        flags |= abi::REPLICA_BUSY;
    }
    if role == Role::TieBreaker {
        flags |= abi::REPLICA_TIE_BREAKER;
    }
    flags
}

fn unlabel(component: &Component) {
    if let Err(error) = label::erase(&component.device) {
        let path = component.device.health().path();
        pr_warn!("{path}: its label is still there: {error:?}\n");
    }
}
