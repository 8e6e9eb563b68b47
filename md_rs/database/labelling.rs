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
    metadevice::{
        Record,
        SparedRole, //
    },
    pool::pool_of,
    watched::RECORD as WATCHED, //
};

use super::{
    label::{
        self,
        Room,
        Whole, //
    },
    tree::{
        has_label,
        tell_stale,
        write,
        write_in,
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

/// What a device may be on record as that becomes a component or a hot spare.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum OnRecord {
    /// Nothing.
    Nothing,
    /// The component whose place it takes: the one with this index of the metadevice with this
    /// number.
    Component(u32, u32),
    /// The spare whose place it takes, by the uuid in its label.
    Spare(Uuid),
}

/// Labels that were written, and are again what they were before unless they are kept.
#[must_use]
pub(crate) struct Written {
    before: KVVec<Before>,
    is_kept: bool,
}

/// A device, and its label before it was written.
struct Before {
    device: Arc<BlockDevice>,
    label: Option<Whole>,
}

/// The labels of a change of a metadevice, which are taken back unless it happens.
#[must_use]
pub(crate) struct Labels<'a> {
    database: &'a Database,
    body: &'a Body,
    /// Whether the metadevice was on record before.
    was_known: bool,
    /// New components that are metadevices.
    children: KVec<Arc<Component>>,
    written: Written,
}

impl Database {
    /// The identity of a device with a reserved head as a component: the one in its label if that
    /// is of the set, or a new one. Nil without a set. One that somebody else has on record, and is
    /// without, is refused: it would have two owners at the next start.
    pub(crate) fn identity_for(
        &self,
        device: &BlockDevice,
        on_record: OnRecord,
    ) -> Result<Uuid, Refused> {
        let Some(owner) = self.owner() else {
            return Ok(Uuid::NIL);
        };
        let label = label::read(device).map_err(label_failed)?;
        let Some(own) = label.filter(|label| label.set == owner.set) else {
            return Ok(new_uuid());
        };
        let spare = self.spare_with_uuid(own.component);
        if spare.is_some() && on_record != OnRecord::Spare(own.component) {
            let mut pools = self.pools();
            let pool = pools.find(|pool| spare.as_ref().is_some_and(|spare| pool.has(spare)));
            let values = [pool.map_or(0, |pool| pool.number.into()), 0];
            return Err(Refused::new(EBUSY, Refusal::DeviceIsSpare).with(values));
        }
        match self.recorded_owner(own.component, on_record)? {
            None => Ok(own.component),
            Some(other) => {
                let values = [other.into(), self.knows(other).into()];
                Err(Refused::new(EBUSY, Refusal::ComponentRecorded).with(values))
            }
        }
    }

    /// Which metadevice has a component with this identity on record, or one for which a hot spare
    /// stands, but for what somebody takes the place of.
    fn recorded_owner(&self, uuid: Uuid, but: OnRecord) -> Result<Option<u32>, Refused> {
        let mut owner = None;
        self.for_records(|number, bytes| {
            if number == WATCHED || pool_of(number).is_some() {
                return Ok(());
            }
            let Some(Ok(record)) = bytes.ok().map(Record::decode) else {
                return Ok(());
            };
            let components = (0..).zip(record.components());
            let own = components.map(|(index, component)| (index, component.uuid));
            let spared = record.spared();
            let others = spared.filter(|spared| spared.role == SparedRole::StandsFor);
            let others = others.map(|spared| (spared.component, spared.uuid));
            let mut all = Iterator::chain(own, others);
            if all.any(|(index, found)| found == uuid && but != OnRecord::Component(number, index))
            {
                owner = Some(number);
            }
            Ok(())
        })?;
        Ok(owner)
    }

    /// A device has lost a replica: its label goes with the last one, unless the device is on
    /// record as a component or a hot spare.
    pub(super) fn unlabel_unused(&self, device: &BlockDevice) -> Result<(), Refused> {
        let Some(owner) = self.owner() else {
            return Ok(());
        };
        let label = label::read(device).map_err(label_failed)?;
        let Some(own) = label.filter(|label| label.set == owner.set) else {
            return Ok(());
        };
        let is_spare = self.spare_with_uuid(own.component).is_some();
        let is_used = is_spare || self.device(device.user_dev()).is_some();
        if is_used
            || self
                .recorded_owner(own.component, OnRecord::Nothing)?
                .is_some()
        {
            return Ok(());
        }
        label::erase(device).map_err(label_failed)
    }

    /// Refuses the number of a metadevice that is on record, and could not be made.
    pub(crate) fn check_unrecorded(&self, number: u32) -> Result<(), Refused> {
        if self.has_record(number) && !self.knows(number) {
            return Err(Refused::new(EBUSY, Refusal::UnitRecorded));
        }
        Ok(())
    }

    /// Sees to it that every component of a metadevice that has a reserved head says in it that it
    /// belongs to the set, and what it is part of, once the metadevice has this shape. It is
    /// refused if one of those that are `new` would not be found again, with its index among them.
    /// Without a set nothing is written.
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
            children: KVec::new(),
            written: Written::new(),
        };
        let Some(owner) = self.owner() else {
            return Ok(labels);
        };
        self.check_running()?;
        let top = Level::top(body.number(), shape);
        let tree = self.tree(&top)?;
        for (index, component) in shape.components().iter().enumerate() {
            if new.contains(&index) {
                let written = labels.write(&owner, component, &tree);
                let asked = u32::try_from(index.saturating_sub(new.start)).unwrap_or(0);
                written.map_err(|refused| refused.at(asked))?;
            }
        }
        self.label_below(&owner, &top, &new)?;
        Ok(labels)
    }
}

impl Written {
    /// None so far.
    pub(crate) fn new() -> Self {
        Self {
            before: KVVec::new(),
            is_kept: false,
        }
    }

    /// What they are for has happened.
    pub(crate) fn keep(mut self) {
        self.set_kept();
    }

    /// What they are for may have happened.
    pub(super) fn set_kept(&mut self) {
        self.is_kept = true;
    }

    /// Writes a label.
    pub(super) fn write(
        &mut self,
        owner: &Owner,
        device: &Arc<BlockDevice>,
        uuid: Uuid,
        tree: &[u8],
    ) -> Result<(), Refused> {
        self.note(device)?;
        write(owner, device, uuid, tree).map_err(label_failed)
    }

    /// Writes the label of a device that is to have replicas, and is part of no metadevice.
    pub(super) fn write_for_replicas(
        &mut self,
        owner: &Owner,
        device: &Arc<BlockDevice>,
        uuid: Uuid,
        room: Room,
    ) -> Result<(), Refused> {
        self.note(device)?;
        write_in(owner, device, uuid, &[], room).map_err(label_failed)
    }

    /// Notes down what the label is before it is written.
    fn note(&mut self, device: &Arc<BlockDevice>) -> Result<(), Refused> {
        let before = Before {
            device: device.clone(),
            label: label::read_whole(device).map_err(label_failed)?,
        };
        Ok(self.before.push(before, GFP_KERNEL)?)
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        for Before { device, label } in self.before.iter().filter(|_| !self.is_kept) {
            label::put_back(device, label.as_ref())
                .unwrap_or_else(|error| tell_stale(device, error));
        }
    }
}

impl Labels<'_> {
    /// The change has happened.
    pub(crate) fn keep(mut self) {
        self.written.set_kept();
    }

    /// Writes the label of a component that is new, if it has one.
    fn write(
        &mut self,
        owner: &Owner,
        component: &Arc<Component>,
        tree: &[u8],
    ) -> Result<(), Refused> {
        if component.child.is_some() {
            self.children.push(component.clone(), GFP_KERNEL)?;
        }
        if has_label(component) {
            let (device, uuid) = (&component.device, component.identity.uuid);
            self.written.write(owner, device, uuid, tree)?;
        }
        Ok(())
    }
}

impl Drop for Labels<'_> {
    /// A metadevice that is on record, since that could not be taken back, needs the labels at the
    /// next start; and so it does if its change may count then, since the commit of it reached some
    /// replicas before the set came to a stop. Nobody misses one that is there for nothing.
    fn drop(&mut self) {
        if self.written.is_kept {
            return;
        }
        let is_known = self.database.knows(self.body.number());
        let may_count = self.database.check_running().is_err();
        if may_count || is_known && !self.was_known {
            self.written.set_kept();
            return;
        }
        let children = self.children.iter().filter_map(|part| part.child.as_ref());
        children.for_each(|child| self.database.relabel_components(child.body()));
        if self.was_known {
            self.database.relabel_all(self.body);
        }
    }
}

fn label_failed(error: Error) -> Refused {
    Refused::with_errno(error, Refusal::LabelFailed)
}
