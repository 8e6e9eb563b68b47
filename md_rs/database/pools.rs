// SPDX-License-Identifier: GPL-2.0
//! The hot spare pools of a set: which there are, recording them, and the labels of spares.

use kernel::{
    alloc::AllocError,
    prelude::*,
    rbtree::RBTreeNode,
    sync::Arc, //
};
use md_model::{
    database::{
        identity::Uuid,
        pool::record_of, //
    },
    limits::POOLS_MAX, //
};

use super::{
    labelling::Written,
    set::{
        Growth,
        Set, //
    },
    tree::write,
    Database, //
};
use crate::{
    abi::Refusal,
    kapi::worker::Worker,
    spare::{
        Pool,
        Spare, //
    },
    Refused, //
};

/// Who gives spares to components and takes them back; see `crate::admin::takeover`.
pub(crate) type SpareWorker = Arc<Worker<crate::admin::Takeover>>;

impl Database {
    /// From now on this one looks after spares; or nobody any more, which returns who did.
    pub(crate) fn set_spare_worker(&self, worker: Option<SpareWorker>) -> Option<SpareWorker> {
        core::mem::replace(&mut *self.spares.lock(), worker)
    }

    /// Something has happened that spares may have to do with. In task context.
    pub(crate) fn ask_spares(&self) {
        if let Some(worker) = &*self.spares.lock() {
            worker.kick();
        }
    }

    /// The pool with a number.
    pub(crate) fn pool(&self, number: u32) -> Option<Arc<Pool>> {
        self.set.lock().as_ref()?.pools.get(&number).cloned()
    }

    /// All pools, in the order of their numbers.
    pub(crate) fn pools(&self) -> impl Iterator<Item = Arc<Pool>> + '_ {
        let mut next = 0u32;
        core::iter::from_fn(move || {
            let guard = self.set.lock();
            let mut pools = guard.as_ref()?.pools.iter();
            let (number, pool) = pools.find(|(number, _)| **number >= next)?;
            next = number.saturating_add(1).min(POOLS_MAX);
            Some(pool.clone())
        })
    }

    /// A pool that has a device as a spare, and the spare.
    pub(crate) fn spare_with_dev(&self, dev: u64) -> Option<(u32, Arc<Spare>)> {
        self.pools().find_map(|pool| {
            let mut spares = pool.spares.iter();
            let found = spares.find(|spare| dev != 0 && spare.dev == dev)?;
            Some((pool.number, found.clone()))
        })
    }

    /// The spare whose label has this uuid.
    pub(crate) fn spare_with_uuid(&self, uuid: Uuid) -> Option<Arc<Spare>> {
        self.pools().find_map(|pool| {
            let mut spares = pool.spares.iter();
            spares.find(|spare| spare.identity.uuid == uuid).cloned()
        })
    }

    /// Makes a pool what this one is, or a new one, and commits that. If it is refused nothing has
    /// changed.
    pub(crate) fn put_pool(&self, pool: &Arc<Pool>) -> Result<(), Refused> {
        let node = RBTreeNode::new(pool.number, pool.clone(), GFP_KERNEL);
        let node = node.map_err(|_| AllocError)?;
        let mut record = KVVec::new();
        self.with_set(|set| {
            let too_long = Refused::new(EFBIG, Refusal::DatabaseFull);
            let planned = set.scratch.encode_pool(pool).ok_or(too_long)?;
            Ok(record.extend_from_slice(planned, GFP_KERNEL)?)
        })?;
        let growth = Growth::change(record_of(pool.number), record);
        self.grow_unit(growth, || {
            // What was there before goes without the lock.
            let before = self.with_set(|set| Ok(set.pools.insert(node)))?;
            drop(before);
            Ok(())
        })
    }

    /// Makes a pool known that was made from its record.
    pub(crate) fn insert_loaded_pool(&self, pool: Arc<Pool>) -> Result<(), Refused> {
        let node = RBTreeNode::new(pool.number, pool, GFP_KERNEL);
        let node = node.map_err(|_| AllocError)?;
        let before = self.with_set(|set| Ok(set.pools.insert(node)))?;
        drop(before);
        Ok(())
    }

    /// Commits that a pool is gone. If that is refused it is still there.
    pub(crate) fn remove_pool(&self, number: u32) -> Result<(), Refused> {
        let (node, ticket) = self.with_set(|set| {
            let node = set.pools.remove_node(&number);
            set.name(record_of(number));
            Ok((node, set.ticket()))
        })?;
        let done = self.wait_until(|set: &mut Set| set.is_done(ticket));
        if let (Err(_), Some(node)) = (&done, node) {
            self.with_set(|set| {
                set.pools.insert(node);
                Ok(())
            })?;
        }
        done
    }

    /// Commits how a spare is, in every pool that has it.
    pub(crate) fn record_spare(&self, spare: &Arc<Spare>) -> Result<(), Refused> {
        let pools = self.pools().filter(|pool| pool.has(spare));
        let mut numbers = KVec::new();
        for pool in pools {
            numbers.push(record_of(pool.number), GFP_KERNEL)?;
        }
        self.record(numbers.iter().copied())
    }

    /// Sees to it that a spare says in its label that it is one of the set, and a component of
    /// nothing: a write that shows that it works, too.
    pub(crate) fn label_spare(&self, spare: &Spare) -> Result<(), Refused> {
        let Some(owner) = self.owner() else {
            return Err(Refused::new(ENODEV, Refusal::NoDatabase));
        };
        let done = write(&owner, &spare.device, spare.identity.uuid, &[]);
        done.map_err(|error| Refused::with_errno(error, Refusal::DiskFailed))
    }

    /// The same for one that is new, whose label is put back unless `labels` are kept.
    pub(crate) fn label_new_spare(
        &self,
        spare: &Spare,
        labels: &mut Written,
    ) -> Result<(), Refused> {
        let Some(owner) = self.owner() else {
            return Err(Refused::new(ENODEV, Refusal::NoDatabase));
        };
        labels.write(&owner, &spare.device, spare.identity.uuid, &[])
    }

    /// No pool has a spare any more: its label is taken away, but for one with a replica.
    pub(crate) fn unlabel_spare(&self, spare: &Spare) {
        if spare.device.health().is_gone() || self.device(spare.dev).is_some() {
            return;
        }
        if let Err(error) = super::label::erase(&spare.device) {
            let path = spare.device.health().path();
            pr_warn!("{path}: its label is still there: {error:?}\n");
        }
    }
}
