// SPDX-License-Identifier: GPL-2.0
//! The body of a metadevice: its map and its components, which may be metadevices themselves.
//!
//! Bodies make up a tree, whose leaves are devices. A request goes through the tree inside the
//! core, from the disk that it came to down to the leaves; the disks of the metadevices in between
//! do not see it. A metadevice that is a component keeps its disk, for those who look, but nobody
//! can open it for writing any more. (Who has it open already can go on, as with any block device
//! that is claimed: it may just be udev.)

use kernel::{
    prelude::*,
    sync::{
        atomic::{
            ordering::{
                Full,
                Relaxed, //
            },
            Atomic, //
        },
        Arc, //
    }, //
};

use crate::{
    abi::{
        ComponentState,
        Refusal,
        DEVICE_LEN,
        NO_PARENT, //
    },
    engine,
    kapi::{
        bdev::BlockDevice,
        clone::BioSet,
        disk::Operations,
        request::Request, //
    },
    personality::{
        PersonalityRef,
        Unit, //
    },
    Refused, //
};

/// Most levels of metadevices on top of each other.
const LEVELS_MAX: u32 = 8;

/// A component: its device, open and claimed, and what we know of it.
pub(crate) struct Component {
    // Dropped before the device: with the claim given up, it may get another parent.
    /// The metadevice that it is, if it is one.
    pub(crate) child: Option<Child>,
    /// The device. That of a metadevice is claimed, so that nobody else can, but not written to.
    pub(crate) device: BlockDevice,
    /// Its number as user space knows it.
    pub(crate) dev: u64,
    /// Its path, padded with zeros, as the administrator knows it.
    pub(crate) path: [u8; DEVICE_LEN],
}

impl Component {
    /// How it is: `Unavailable` if its device is gone, or one of those that it is made of.
    pub(crate) fn state(&self) -> ComponentState {
        let gone = self.device.health().is_gone();
        match &self.child {
            Some(child) if !gone => child.body.state(),
            _ if gone => ComponentState::Unavailable,
            _ => ComponentState::Okay,
        }
    }
}

/// A metadevice as a component of another one.
pub(crate) struct Child {
    body: Arc<Body>,
}

impl Child {
    /// Makes a metadevice, which has no parent, a component of the one with number `parent`.
    pub(crate) fn new(body: Arc<Body>, parent: u32) -> Self {
        body.parent.store(parent, Relaxed);
        Self { body }
    }

    /// The metadevice.
    #[inline]
    pub(crate) fn body(&self) -> &Body {
        &self.body
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.body.parent.store(NO_PARENT, Relaxed);
    }
}

/// How often a disk is open, or that it is about to go.
///
/// Opening and clearing exclude each other without a lock: open needs a count that is not
/// [`Self::CLOSING`], clear needs one that is zero.
struct OpenCount(Atomic<i32>);

impl OpenCount {
    const CLOSING: i32 = -1;

    /// One more has the disk open. `false` if it is about to go.
    fn open(&self) -> bool {
        let mut count = self.0.load(Relaxed);
        loop {
            let Some(more) = count.checked_add(1).filter(|_| count >= 0) else {
                return false;
            };
            match self.0.cmpxchg(count, more, Full) {
                Ok(_) => return true,
                Err(now) => count = now,
            }
        }
    }

    fn release(&self) {
        let _ = self.0.fetch_sub(1, Full);
    }

    /// From now on nobody can open the disk. If it is open, says by how many.
    fn close(&self) -> Result<(), i32> {
        self.0.cmpxchg(0, Self::CLOSING, Full).map(|_| ())
    }

    fn get(&self) -> u32 {
        u32::try_from(self.0.load(Relaxed)).unwrap_or(0)
    }
}

/// What a metadevice is made of.
pub(crate) struct Body {
    // Dropped in this order: the unit's code lives in the personality's module.
    unit: KBox<dyn Unit>,
    components: KVec<Component>,
    open_count: OpenCount,
    parent: Atomic<u32>,
    _personality: PersonalityRef,
}

impl Body {
    /// Puts a unit and its components together.
    pub(crate) fn new(
        unit: KBox<dyn Unit>,
        components: KVec<Component>,
        personality: PersonalityRef,
    ) -> Result<Self, Refused> {
        let body = Self {
            unit,
            components,
            open_count: OpenCount(Atomic::new(0)),
            parent: Atomic::new(NO_PARENT),
            _personality: personality,
        };
        if body.levels() > LEVELS_MAX {
            return Err(Refused::new(EINVAL, Refusal::NestedTooDeep).with([LEVELS_MAX.into(), 0]));
        }
        Ok(body)
    }

    /// The map.
    #[inline]
    pub(crate) fn unit(&self) -> &dyn Unit {
        &*self.unit
    }

    /// The components.
    pub(crate) fn components(&self) -> &[Component] {
        &self.components
    }

    /// One component.
    #[inline]
    pub(crate) fn component(&self, index: u32) -> Option<&Component> {
        self.components.get(index as usize)
    }

    /// How many have the disk open.
    pub(crate) fn open_count(&self) -> u32 {
        self.open_count.get()
    }

    /// Number of the metadevice that this one is a component of, or [`NO_PARENT`].
    pub(crate) fn parent(&self) -> u32 {
        self.parent.load(Relaxed)
    }

    /// The worst state of a component.
    pub(crate) fn state(&self) -> ComponentState {
        let gone = |component: &Component| component.state() == ComponentState::Unavailable;
        if self.components.iter().any(gone) {
            ComponentState::Unavailable
        } else {
            ComponentState::Okay
        }
    }

    /// Levels of metadevices, this one included. The recursion is as deep, and [`Self::new`] has
    /// seen to it that each component has no more than [`LEVELS_MAX`].
    fn levels(&self) -> u32 {
        let children = self.components.iter().filter_map(|c| c.child.as_ref());
        let below = children.map(|child| child.body.levels()).max();
        below.unwrap_or(0).saturating_add(1)
    }

    /// Sees to it that nobody can open the disk any more, so that the metadevice can be dropped.
    /// Refused if it is open or a component of another one.
    pub(crate) fn close(&self) -> Result<(), Refused> {
        let parent = self.parent();
        if parent != NO_PARENT {
            return Err(Refused::new(EBUSY, Refusal::UnitHasParent).with([parent.into(), 0]));
        }
        self.open_count.close().map_err(|count| {
            let count = u64::try_from(count).unwrap_or(0);
            Refused::new(EBUSY, Refusal::UnitOpen).with([count, 0])
        })
    }

    /// Reads a block of each leaf, to see which devices answer. Sleeps. How many do not.
    pub(crate) fn probe(&self) -> u32 {
        let mut failed = 0u32;
        for (component, laid_out) in self.components.iter().zip(self.unit.components()) {
            let more = match &component.child {
                Some(child) => child.body.probe(),
                None => component
                    .device
                    .probe(laid_out.start_sector)
                    .is_err()
                    .into(),
            };
            failed = failed.saturating_add(more);
        }
        failed
    }
}

impl Operations for Arc<Body> {
    fn queue(&self, request: Request, bioset: &BioSet) {
        engine::queue(request, self, bioset);
    }

    fn open(&self, write: bool) -> Result {
        if write && self.parent() != NO_PARENT {
            return Err(EBUSY);
        }
        if self.open_count.open() {
            Ok(())
        } else {
            Err(ENXIO)
        }
    }

    fn release(&self) {
        self.open_count.release();
    }
}
