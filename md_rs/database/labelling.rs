// SPDX-License-Identifier: GPL-2.0
//! Devices that become components: who they are, and the labels that they are given before the
//! change that makes them components. If that does not happen, their labels are what they were.

use core::ops::Range;

use kernel::{
    prelude::*,
    sync::Arc, //
};
use md_model::database::{
    identity::Uuid,
    metadevice::Record,
    pool::pool_of,
    watched::RECORD as WATCHED, //
};

use super::{
    label::{
        self,
        Whole, //
    },
    tree::{
        has_label,
        tell_stale,
        write,
        Level,
        Owner, //
    },
    Database, //
};
use crate::{
    abi::Refusal,
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

/// The labels of a change, which are taken back unless it happens.
#[must_use]
pub(crate) struct Labels<'a> {
    database: &'a Database,
    body: &'a Body,
    /// Whether the metadevice was on record before.
    was_known: bool,
    before: KVVec<Before>,
    is_kept: bool,
}

/// A component that is new, and its label before it was one.
struct Before {
    component: Arc<Component>,
    label: Option<Whole>,
}

impl Database {
    /// The identity of a device with a reserved head as a component of a metadevice: the one in its
    /// label if that is of the set, or a new one. Nil without a set. One that another metadevice
    /// has on record, and is without, is refused: it would have two owners at the next start.
    pub(crate) fn identity_for(&self, device: &BlockDevice, number: u32) -> Result<Uuid, Refused> {
        let Some(owner) = self.owner() else {
            return Ok(Uuid::NIL);
        };
        let label = label::read(device).map_err(disk_failed)?;
        let Some(own) = label.filter(|label| label.set == owner.set) else {
            return Ok(new_uuid());
        };
        match self.recorded_owner(own.component, number)? {
            None => Ok(own.component),
            Some(other) => {
                let values = [other.into(), self.knows(other).into()];
                Err(Refused::new(EBUSY, Refusal::ComponentRecorded).with(values))
            }
        }
    }

    /// Which metadevice has a component with this identity on record, but for one.
    fn recorded_owner(&self, component: Uuid, but: u32) -> Result<Option<u32>, Refused> {
        let mut owner = None;
        self.for_records(|number, bytes| {
            if number == but || number == WATCHED || pool_of(number).is_some() {
                return Ok(());
            }
            if let Ok(record) = Record::decode(bytes) {
                let mut components = record.components();
                if components.any(|found| found.uuid == component) {
                    owner = Some(number);
                }
            }
            Ok(())
        })?;
        Ok(owner)
    }

    /// Sees to it that every component of a metadevice that has a reserved head says in it that it
    /// belongs to the set, and what it is part of, once the metadevice has this shape. It is
    /// refused if one of those that are `new` would not be found again. Without a set nothing is
    /// written.
    pub(crate) fn label_components<'a>(
        &'a self,
        body: &'a Body,
        shape: &Shape,
        new: Range<usize>,
    ) -> Result<Labels<'a>, Refused> {
        let mut labels = Labels {
            database: self,
            body,
            was_known: self.knows(body.number()),
            before: KVVec::new(),
            is_kept: false,
        };
        let Some(owner) = self.owner() else {
            return Ok(labels);
        };
        let top = Level::top(body.number(), shape);
        let tree = self.tree(&top)?;
        for (index, component) in shape.components().iter().enumerate() {
            if new.contains(&index) {
                let written = labels.write(&owner, component, &tree);
                written.map_err(|refused| refused.at(u32::try_from(index).unwrap_or(0)))?;
            }
        }
        self.label_below(&owner, &top, &new)?;
        Ok(labels)
    }
}

impl Labels<'_> {
    /// The change has happened.
    pub(crate) fn keep(mut self) {
        self.is_kept = true;
    }

    /// Writes the label of a component that is new, if it has one.
    fn write(
        &mut self,
        owner: &Owner,
        component: &Arc<Component>,
        tree: &[u8],
    ) -> Result<(), Refused> {
        let mut label = None;
        if has_label(component) {
            label = label::read_whole(&component.device).map_err(disk_failed)?;
        }
        let before = Before {
            component: component.clone(),
            label,
        };
        self.before.push(before, GFP_KERNEL)?;
        if has_label(component) {
            let uuid = component.identity.uuid;
            write(owner, &component.device, uuid, tree).map_err(disk_failed)?;
        }
        Ok(())
    }
}

impl Drop for Labels<'_> {
    /// A metadevice that is still on record, since that could not be taken back, needs them at the
    /// next start.
    fn drop(&mut self) {
        let is_known = self.database.knows(self.body.number());
        if self.is_kept || is_known && !self.was_known {
            return;
        }
        for Before { component, label } in &self.before {
            match &component.child {
                Some(child) => self.database.relabel_components(child.body()),
                None if has_label(component) => {
                    label::put_back(&component.device, label.as_ref())
                        .unwrap_or_else(|error| tell_stale(component, error));
                }
                None => {}
            }
        }
        if self.was_known {
            self.database.relabel_components(self.body);
        }
    }
}

fn disk_failed(error: Error) -> Refused {
    Refused::with_errno(error, Refusal::DiskFailed)
}
