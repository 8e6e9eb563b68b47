// SPDX-License-Identifier: GPL-2.0
//! What the components of a metadevice say in their labels: who they are, and what they are part
//! of, up to the top (`DURABILITY.md` clause 18). A set is loaded by the former. The latter is for
//! people who have lost all replicas: 'mdctl dump' shows it.

use core::ops::Range;

use kernel::{
    prelude::*,
    rbtree::RBTree,
    sync::Arc, //
};
use md_model::database::{
    identity::Uuid,
    label::{
        append,
        Label,
        TreeRecord,
        RECORD_HEAD_BYTES,
        TREE_BYTES_MAX, //
    },
    metadevice::fields::{
        RECORD_KIND,
        RECORD_VERSION, //
    }, //
};

use super::{
    label::{
        self,
        Room, //
    },
    record::{
        Scratch,
        States, //
    },
    Database, //
};
use crate::{
    abi::Refusal,
    body::{
        Body,
        Shape,
        LEVELS_MAX, //
    },
    component::Component,
    kapi::bdev::BlockDevice,
    Refused, //
};

/// No component.
const NONE: Range<usize> = 0..0;

/// A metadevice, and those that it is part of.
pub(super) struct Level<'a> {
    number: u32,
    shape: &'a Shape,
    above: Option<&'a Level<'a>>,
}

impl<'a> Level<'a> {
    /// A metadevice that is part of nothing.
    pub(super) fn top(number: u32, shape: &'a Shape) -> Self {
        Self {
            number,
            shape,
            above: None,
        }
    }
}

/// The set, as labels name it.
pub(super) struct Owner {
    pub(super) set: Uuid,
    pub(super) name: [u8; 32],
}

impl Database {
    /// A metadevice has changed, so that labels below it say something that is no more so. They are
    /// mended, but for those that cannot be written.
    pub(crate) fn relabel_components(&self, body: &Body) {
        let number = body.number();
        let Some(owner) = self.owner() else {
            return;
        };
        if let Err(refused) = self.label_below(&owner, &Level::top(number, body.shape()), &NONE) {
            pr_warn!("d{number}: the labels of its components are not up to date: {refused:?}\n");
        }
    }

    /// The same for a metadevice and all that it is part of, and that is made of others.
    pub(super) fn relabel_all(&self, body: &Body) {
        let mut top = None;
        let mut parent = body.parent();
        for _ in 0..LEVELS_MAX {
            let above = self.with_set(|set| Ok(set.units.get(&parent).cloned()));
            let Ok(Some(above)) = above else { break };
            parent = above.parent();
            top = Some(above);
        }
        self.relabel_components(top.as_deref().unwrap_or(body));
    }

    /// A metadevice is gone: the labels of its components are taken away, but for those with a
    /// replica; metadevices that it was made of are at the top now.
    pub(crate) fn unlabel_components(&self, shape: &Shape) {
        let Some(owner) = self.owner() else {
            return;
        };
        for component in shape.components() {
            match &component.child {
                Some(child) => self.relabel_components(child.body()),
                None => self.unlabel(&owner, component),
            }
        }
    }

    /// A component was replaced by another one: its label is taken away, unless its device is still
    /// in use, or gone.
    pub(crate) fn unlabel_replaced(&self, old: &Component, new: &[Arc<Component>]) {
        let Some(owner) = self.owner() else {
            return;
        };
        let is_same = new.iter().any(|new| Arc::ptr_eq(&new.device, &old.device));
        match &old.child {
            Some(child) => self.relabel_components(child.body()),
            None if is_same || old.is_gone() => {}
            None => self.unlabel(&owner, old),
        }
    }

    /// Takes a label away; from a device with a replica, or a hot spare, what it says of
    /// metadevices.
    fn unlabel(&self, owner: &Owner, component: &Component) {
        if component.identity.uuid.is_nil() {
            return;
        }
        let has_replica = self.device(component.dev).is_some();
        let is_spare = self.spare_with_dev(component.dev).is_some();
        let done = if has_replica || is_spare {
            write(owner, &component.device, component.identity.uuid, &[])
        } else {
            label::erase(&component.device)
        };
        done.unwrap_or_else(|error| tell_stale(&component.device, error));
    }

    pub(super) fn owner(&self) -> Option<Owner> {
        self.set.lock().as_ref().map(|set| Owner {
            set: set.uuid,
            name: set.name,
        })
    }

    /// Labels the components of a metadevice, `but` for some, and those below it. What cannot be
    /// written is told of. The recursion is as deep as metadevices are nested, see
    /// [`Shape::check`].
    pub(super) fn label_below(
        &self,
        owner: &Owner,
        level: &Level<'_>,
        but: &Range<usize>,
    ) -> Result<(), Refused> {
        let components = level.shape.components();
        let is_meant = |index: usize, leaf: &Component| has_label(leaf) && !but.contains(&index);
        let mut leaves = components.iter().enumerate();
        let tree = match leaves.find(|(index, leaf)| is_meant(*index, leaf)) {
            Some(_) => self.tree(level)?,
            None => KVVec::new(),
        };
        for (index, component) in components.iter().enumerate() {
            if let Some(child) = &component.child {
                let below = Level {
                    number: child.body().number(),
                    shape: child.body().shape(),
                    above: Some(level),
                };
                self.label_below(owner, &below, &NONE)?;
            } else if is_meant(index, component) {
                let written = write(owner, &component.device, component.identity.uuid, &tree);
                written.unwrap_or_else(|error| tell_stale(&component.device, error));
            }
        }
        Ok(())
    }

    /// The records of a metadevice and of those above it, without their states. Those that there
    /// is no room for in a label are left out, and so are soft partitions, of which there may be
    /// thousands: their watermarks tell of them. What they are part of is in it.
    pub(super) fn tree(&self, level: &Level<'_>) -> Result<KVVec<u8>, Refused> {
        let mut tree = Tree::default();
        self.with_set(|set| {
            let mut next = Some(level);
            while let Some(level) = next {
                let own = level.shape.unit().soft();
                if own.is_none() {
                    tree.add(&mut set.scratch, level.number, level.shape)?;
                }
                if own.is_some() || level.above.is_none() {
                    let marks = own.map(|own| own.head().base);
                    for above in above_softs(&set.units, level.number, marks)? {
                        tree.add(&mut set.scratch, above.number(), above.shape())?;
                    }
                }
                next = level.above;
            }
            Ok(())
        })?;
        Ok(tree.bytes)
    }
}

/// The tree of a label, as far as it is made.
#[derive(Default)]
struct Tree {
    bytes: KVVec<u8>,
    numbers: KVec<u32>,
    is_full: bool,
}

impl Tree {
    /// Adds a record, if it is not there yet, and there is room.
    fn add(&mut self, scratch: &mut Scratch, number: u32, shape: &Shape) -> Result<(), Refused> {
        if self.is_full || self.numbers.contains(&number) {
            return Ok(());
        }
        let too_long = Refused::new(EFBIG, Refusal::DatabaseFull);
        let encoded = scratch.encode(number, shape, (States::LeftOut, None));
        let bytes = encoded.ok_or(too_long.with([number.into(), 0]))?;
        let used = self.bytes.len();
        let end = used
            .saturating_add(RECORD_HEAD_BYTES)
            .saturating_add(bytes.len());
        if end > TREE_BYTES_MAX {
            self.is_full = true;
            return Ok(());
        }
        self.bytes.resize(end, 0u8, GFP_KERNEL)?;
        let record = TreeRecord {
            kind: RECORD_KIND,
            version: RECORD_VERSION,
            bytes,
        };
        append(&mut self.bytes, used, &record).ok_or(too_long)?;
        self.numbers.push(number, GFP_KERNEL)?;
        Ok(())
    }
}

/// What soft partitions are part of: those whose watermarks have an identity, or without one those
/// on the metadevice with a number.
fn above_softs(
    units: &RBTree<u32, Arc<Body>>,
    number: u32,
    marks: Option<Uuid>,
) -> Result<KVec<Arc<Body>>, Refused> {
    let mut found = KVec::new();
    for (_, body) in units.iter() {
        let shape = body.shape();
        let Some(own) = shape.unit().soft() else {
            continue;
        };
        let base = shape.components().first();
        let child = base.and_then(|base| base.child.as_ref());
        let is_meant = match marks {
            Some(marks) => own.head().base == marks,
            None => child.is_some_and(|child| child.body().number() == number),
        };
        let mut parent = body.parent();
        for _ in 0..LEVELS_MAX {
            let Some(above) = units.get(&parent).filter(|_| is_meant) else {
                break;
            };
            if above.shape().unit().soft().is_none() {
                found.push(above.clone(), GFP_KERNEL)?;
            }
            parent = above.parent();
        }
    }
    Ok(found)
}

/// Whether it has a reserved head, and an identity to be written there.
pub(super) fn has_label(component: &Component) -> bool {
    component.child.is_none() && !component.identity.uuid.is_nil()
}

/// Writes the label of a component, as the successor of the one that it has.
pub(super) fn write(owner: &Owner, device: &BlockDevice, uuid: Uuid, tree: &[u8]) -> Result {
    write_in(owner, device, uuid, tree, Room::Both)
}

/// The same, where there may be room for one copy only.
pub(super) fn write_in(
    owner: &Owner,
    device: &BlockDevice,
    uuid: Uuid,
    tree: &[u8],
    room: Room,
) -> Result {
    let own = label::read(device)?.filter(|label| label.set == owner.set);
    let before = own.map_or(0, |label| label.sequence);
    let label = Label {
        sequence: before.checked_add(1).ok_or(EOVERFLOW)?,
        tree_bytes: u32::try_from(tree.len())?,
        ..label::new(owner.set, owner.name, uuid)
    };
    label::write(device, &label, tree, room)
}

pub(super) fn tell_stale(device: &BlockDevice, error: Error) {
    let path = device.health().path();
    pr_warn!("{path}: its label is not up to date: {error:?}\n");
}
