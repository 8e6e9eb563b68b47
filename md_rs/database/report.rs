// SPDX-License-Identifier: GPL-2.0
//! What the rest of the core and the administrator want to know of the set.

use kernel::{
    prelude::*,
    sync::Arc, //
};
use md_model::database::{
    commits::Seat,
    layout::PAGE_SECTORS,
    members::{
        Member,
        Role, //
    }, //
};

use super::{
    path_field,
    Database, //
};
use crate::{
    abi::{
        self,
        SetState, //
    },
    body::Body,
    kapi::bdev::BlockDevice,
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

    /// Fills in how the set is, and lists its replicas, those at the end that are not there.
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
        let (live, is_running) = (set.live(), set.is_running());
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
            if seat.map_or(is_running, Seat::has_left) {
                // It was deleted while a write to it hung.
                continue;
            }
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
                device: path_field(replica.device.health().path()),
            };
            described.push(status, GFP_KERNEL)?;
        }
        for member in set.missing_members() {
            described.push(missing(member), GFP_KERNEL)?;
        }
        Ok(described)
    }
}

/// A member that is not there.
fn missing(member: &Member) -> abi::ReplicaStatus {
    let tie_breaker = match member.role {
        Role::TieBreaker => abi::REPLICA_TIE_BREAKER,
        Role::Voter => 0,
    };
    abi::ReplicaStatus {
        replica: member.replica.to_bytes(),
        dev: 0,
        start_sectors: member.start_sector,
        size_sectors: 0,
        epoch: 0,
        sequence: 0,
        flags: abi::REPLICA_FAILED | tie_breaker,
        reserved: 0,
        device: path_field(c"missing"),
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
