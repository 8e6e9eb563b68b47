// SPDX-License-Identifier: GPL-2.0
//! What failfast does with the disks of the set, as it is recorded. The rules are
//! [`md_model::database::watched`]'s.
//!
//! All of it changes only under the lock of the unit table, like metadevices.

use kernel::{
    alloc::AllocError,
    prelude::*,
    sync::Arc, //
};
use md_model::{
    database::{
        claimants::Identity,
        identity::Uuid,
        watched::{
            choice_on,
            encode,
            follow,
            Seen,
            Watched,
            BYTES_MAX,
            RECORD, //
        },
    },
    failfast::Choice,
    limits::WATCHED_MAX, //
};

use super::{
    set::{
        Growth,
        Set, //
    },
    Database, //
};
use crate::{
    abi::Refusal,
    kapi::bdev::BlockDevice,
    Refused, //
};

impl Database {
    /// What is recorded for a disk; nothing if it is none of the set's.
    pub(crate) fn choice_on(&self, disk: u64) -> Choice {
        let found = self.with_set(|set| Ok(choice_on(disk, &seen(set)?, &set.watched)));
        found.unwrap_or(Choice::NONE)
    }

    /// Records what is chosen for a disk, if it is one of the set's; whether it is.
    pub(crate) fn choose(
        &self,
        disk: u64,
        change: impl FnOnce(&mut Choice),
    ) -> Result<bool, Refused> {
        let next = self.with_set(|set| {
            let devices = seen(set)?;
            if !devices.iter().any(|device| device.disk == disk) {
                return Ok(None);
            }
            let mut choice = choice_on(disk, &devices, &set.watched);
            change(&mut choice);
            followed(&devices, &set.watched, Some((disk, choice))).map(Some)
        });
        match next {
            Ok(Some(next)) => self.put_watched(next).map(|()| true),
            Ok(None) => Ok(false),
            Err(refused) if refused.refusal() == Refusal::NoDatabase => Ok(false),
            Err(refused) => Err(refused),
        }
    }

    /// The devices of the set are other ones now: those that are new are on a disk for which
    /// something was chosen, perhaps.
    pub(super) fn follow_watched(&self) {
        let next = self.with_set(|set| {
            if set.watched.is_empty() {
                return Ok(None);
            }
            let next = followed(&seen(set)?, &set.watched, None)?;
            Ok(Some(next).filter(|next| **next != *set.watched))
        });
        let done = match next {
            Ok(Some(next)) => self.put_watched(next),
            Ok(None) => return,
            Err(refused) if refused.refusal() == Refusal::NoDatabase => return,
            Err(refused) => Err(refused),
        };
        if let Err(refused) = done {
            pr_warn!(
                "state database: what failfast does is not recorded for a device that is new: \
                 {refused:?}; say 'mdctl mhd failfast' once more\n"
            );
        }
    }

    fn put_watched(&self, next: KVVec<Watched>) -> Result<(), Refused> {
        let mut record = KVVec::from_elem(0u8, BYTES_MAX, GFP_KERNEL)?;
        let length = encode(&next, &mut record).ok_or(too_many(next.len()))?;
        record.truncate(length);
        self.grow_unit(Growth::change(RECORD, record), || {
            self.with_set(|set| {
                set.watched = next;
                Ok(())
            })
        })
    }

    /// The record of the set, which was just loaded, has this.
    pub(crate) fn load_watched(&self, watched: KVVec<Watched>) -> Result<(), Refused> {
        self.with_set(|set| {
            set.watched = watched;
            Ok(())
        })
    }

    /// The disks of the set for which something is chosen, as far as they are there.
    pub(crate) fn watched_disks(&self) -> Result<KVVec<u64>, Refused> {
        self.with_set(|set| {
            let devices = seen(set)?;
            let mut disks = KVVec::new();
            for device in &devices {
                let is_chosen = choice_on(device.disk, &devices, &set.watched) != Choice::NONE;
                if is_chosen && !disks.contains(&device.disk) {
                    disks.push(device.disk, GFP_KERNEL)?;
                }
            }
            Ok(disks)
        })
    }

    /// The device of the replica with an identity.
    pub(crate) fn device_of_replica(&self, replica: Uuid) -> Option<Arc<BlockDevice>> {
        let guard = self.set.lock();
        let mut writers = guard.as_ref()?.replicas.iter();
        let found = writers.find(|writer| writer.target().header.replica == replica)?;
        Some(found.target().device.clone())
    }
}

fn too_many(found: usize) -> Refused {
    let values = [found as u64, WATCHED_MAX.into()];
    Refused::new(ENOSPC, Refusal::TooManyWatched).with(values)
}

fn followed(
    devices: &[Seen],
    before: &[Watched],
    chosen: Option<(u64, Choice)>,
) -> Result<KVVec<Watched>, Refused> {
    let room = WATCHED_MAX as usize;
    let mut next = KVVec::from_elem(Watched::default(), room, GFP_KERNEL)?;
    let count = follow(devices, before, chosen, &mut next).ok_or(too_many(room))?;
    next.truncate(count);
    Ok(next)
}

/// The devices of a set: components, what hot spares stand for, hot spares, and what only has
/// replicas.
fn seen(set: &Set) -> Result<KVVec<Seen>, AllocError> {
    let mut devices = KVVec::new();
    let mut add = |identity: Identity, device: Option<&BlockDevice>| {
        let there = device.filter(|device| !device.health().is_gone());
        let disk = there.map_or(0, BlockDevice::disk_dev);
        devices.push(Seen { identity, disk }, GFP_KERNEL)
    };
    for body in set.units.values() {
        for component in body.shape().components() {
            if component.child.is_none() {
                add(component.identity, Some(&component.device))?;
            }
            if let Some((original, _)) = component.stand_in() {
                add(original.identity, None)?;
            }
        }
    }
    for spare in set.pools.values().flat_map(|pool| &pool.spares) {
        add(spare.identity, Some(&spare.device))?;
    }
    for (uuid, device) in set.labels() {
        let identity = Identity {
            uuid,
            ..Identity::default()
        };
        add(identity, device)?;
    }
    Ok(devices)
}
