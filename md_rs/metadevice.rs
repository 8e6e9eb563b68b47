// SPDX-License-Identifier: GPL-2.0
//! One metadevice: its name, its body, its disk.

use kernel::{
    prelude::*,
    sync::Arc, //
};
use md_model::{
    mirror::{
        exclusion,
        options::{
            Options,
            ReadPolicy,
            WritePolicy, //
        }, //
    },
    name::UnitName,
    raid5::layout::Layout, //
};

use crate::{
    abi::{
        Refusal,
        SOFT_PARENTS, //
    },
    body::{
        Body,
        Shape, //
    },
    component::Component,
    database::Database,
    kapi::{
        disk::{
            Carrier,
            ClosedGate,
            Disk, //
        },
        limits::QueueLimits, //
    },
    personality::{
        PersonalityRef,
        Unit,
        UnitSpec, //
    },
    raid::{
        self,
        largest_change, //
    },
    refused::text,
    sides::Sides,
    sync::upkeep::{
        self,
        Kept, //
    },
    Refused, //
};

/// Longest write that a mirror takes, in sectors.
const RANGE_SECTORS_MAX: u32 = exclusion::RANGE_SECTORS_MAX as u32;

/// A metadevice that could be made: everything is checked, but it has no disk yet.
pub(crate) struct Plan {
    name: UnitName,
    kind: u32,
    body: Arc<Body>,
    limits: QueueLimits,
}

impl Plan {
    /// Lays a metadevice out over its components.
    pub(crate) fn new(
        name: UnitName,
        kind: u32,
        spec: &UnitSpec<'_>,
        components: KVec<Arc<Component>>,
        database: &Arc<Database>,
    ) -> Result<Self, Refused> {
        let personality = PersonalityRef::get(kind)?;
        let unit = personality.assemble(spec)?;
        let shape = Shape::new(unit, components);
        let limits = limits_of(&name, &shape)?;
        let body = Body::new(shape, personality, name.number(), database.clone())?;
        Ok(Self {
            name,
            kind,
            body: Arc::new(body, GFP_KERNEL)?,
            limits,
        })
    }

    /// A metadevice that there is, under a name that it did not have.
    pub(crate) fn again(name: UnitName, kind: u32, body: Arc<Body>) -> Result<Self, Refused> {
        let limits = limits_of(&name, body.shape())?;
        Ok(Self {
            name,
            kind,
            body,
            limits,
        })
    }

    /// Its name.
    pub(crate) fn name(&self) -> &UnitName {
        &self.name
    }

    /// What it is to be made of.
    pub(crate) fn body(&self) -> &Arc<Body> {
        &self.body
    }

    /// Size in sectors.
    pub(crate) fn sectors(&self) -> u64 {
        self.body.shape().unit().sectors()
    }

    /// Makes the disk. From then on it can be used.
    pub(crate) fn carry_out(self) -> Result<Metadevice, Refused> {
        let (name, sectors, body) = (self.name, self.sectors(), self.body);
        let title = text(fmt!("md!dsk!{}", name.as_str()))?;
        let is_pending = body.is_pending();
        let below = body
            .shape()
            .carrier_below()
            .map(|base| base.carrier().clone());
        let disk = Disk::new(&title, sectors, self.limits, body, below);
        let disk = disk.map_err(disk_failed)?;
        if is_pending {
            // Nobody has it open yet: nobody knows its name.
            disk.make_read_only();
        }
        link_holders(&disk, disk.operations().shape().components()).map_err(disk_failed)?;
        let metadevice = Metadevice {
            name,
            kind: self.kind,
            disk,
            goes_on: false,
        };
        if let Some(mirror) = metadevice.body().shape().unit().mirrored() {
            metadevice.prepare(mirror.options())?;
        }
        let disk = metadevice.disk.device_ref();
        let shown = metadevice.body().events().show_disk(name.number(), disk);
        shown.map_err(disk_failed)?;
        Ok(metadevice)
    }
}

/// A metadevice that is in use.
pub(crate) struct Metadevice {
    name: UnitName,
    kind: u32,
    disk: Disk<Arc<Body>>,
    /// Whether its body goes on under another name.
    goes_on: bool,
}

impl Metadevice {
    /// The name.
    pub(crate) fn name(&self) -> &UnitName {
        &self.name
    }

    /// The kind, [`crate::abi::UnitKind`].
    pub(crate) fn kind(&self) -> u32 {
        self.kind
    }

    /// The device number of its disk, as user space knows it.
    pub(crate) fn user_dev(&self) -> u64 {
        self.disk.user_dev()
    }

    /// What it is made of.
    pub(crate) fn body(&self) -> &Arc<Body> {
        self.disk.operations()
    }

    /// For requests of soft partitions that it is to carry.
    pub(crate) fn carrier(&self) -> Carrier<Arc<Body>> {
        self.disk.carrier()
    }

    /// Nothing can be written to it any more.
    pub(crate) fn make_read_only(&self) {
        self.disk.make_read_only();
    }

    /// Undoes [`Self::make_read_only`].
    pub(crate) fn make_writable(&self) {
        self.disk.make_writable();
    }

    /// Gives it a shape that begins with the components that it has and goes on with others, while
    /// it is in use.
    pub(crate) fn grow(&self, shape: Shape) -> Result<(), Refused> {
        let limits = limits_of(&self.name, &shape)?;
        let sectors = shape.unit().sectors();
        let old_count = self.body().shape().components().len();
        let mut added = KVec::new();
        for component in shape.components().iter().skip(old_count) {
            added.push(component.clone(), GFP_KERNEL)?;
        }
        link_holders(&self.disk, &added).map_err(disk_failed)?;
        let reshaped = if self.body().parent() == SOFT_PARENTS {
            // Requests to soft partitions come this way without being asked by its gate. Whether
            // they find the old shape or the new one: where both have a sector it is the same.
            self.body().reshape(shape)
        } else {
            let gate = self.disk.close_gate();
            self.swap(shape, &gate)
        };
        if let Err(refused) = reshaped {
            unlink_holders(&self.disk, &added);
            return Err(refused);
        }
        self.disk.resize(sectors, limits).map_err(disk_failed)
    }
}

impl Metadevice {
    /// See [`Disk::close_gate`].
    pub(crate) fn close_gate(&self) -> ClosedGate<'_> {
        self.disk.close_gate()
    }

    /// Gives it another shape, and drops the one before.
    pub(crate) fn swap(&self, shape: Shape, gate: &ClosedGate<'_>) -> Result<(), Refused> {
        let body = self.body();
        body.database().while_nothing_is_drafted(|alone| {
            body.reshape(shape)?;
            body.forget_shapes(gate, alone);
            Ok(())
        })
    }

    /// Gives a soft partition another shape, over the same base, and shows its size.
    pub(crate) fn change(&self, shape: Shape) -> Result<(), Refused> {
        let limits = limits_of(&self.name, &shape)?;
        let sectors = shape.unit().sectors();
        let is_smaller = sectors < self.body().shape().unit().sectors();
        if is_smaller {
            // First nobody asks any more for what is given up.
            self.disk.resize(sectors, limits).map_err(disk_failed)?;
            let gate = self.disk.close_gate();
            return self.swap(shape, &gate);
        }
        let gate = self.disk.close_gate();
        self.swap(shape, &gate)?;
        drop(gate);
        self.disk.resize(sectors, limits).map_err(disk_failed)
    }

    /// Shows in sysfs that it has these components, too.
    pub(crate) fn link(&self, components: &[Arc<Component>]) -> Result<(), Refused> {
        link_holders(&self.disk, components).map_err(disk_failed)
    }

    /// Undoes [`Self::link`].
    pub(crate) fn unlink(&self, components: &[Arc<Component>]) {
        unlink_holders(&self.disk, components);
    }

    /// Shows other components in place of some that it has.
    pub(crate) fn link_instead(
        &self,
        removed: &[Arc<Component>],
        added: &[Arc<Component>],
    ) -> Result<(), Refused> {
        self.link(added)?;
        self.unlink(removed);
        Ok(())
    }

    /// Its limits become as narrow as its components ask for.
    pub(crate) fn narrow(&self) -> Result<(), Refused> {
        let shape = self.body().shape();
        let limits = limits_of(&self.name, shape)?;
        let narrowed = self.disk.resize(shape.unit().sectors(), limits);
        narrowed.map_err(disk_failed)
    }

    /// What options of a mirror need is there: what is written can be copied, however little memory
    /// there is, or reads can be hedged. They are hedged from now on, or not any more.
    pub(crate) fn prepare(&self, options: Options) -> Result<(), Refused> {
        let no_memory = |error| Refused::new(error, Refusal::NoMemory);
        if options.write == WritePolicy::Copy {
            self.disk.prepare_copies().map_err(no_memory)?;
        }
        let is_hedging = options.read == ReadPolicy::Hedged;
        if is_hedging {
            self.disk.prepare_hedges().map_err(no_memory)?;
        }
        if let Some(upkeep) = self.body().upkeep() {
            upkeep.set_hedging(is_hedging);
        }
        Ok(())
    }

    /// Has everything looked at that there may be to do for a mirror or RAID5.
    pub(crate) fn ask_upkeep(&self) {
        upkeep::ask_all(|errand| self.disk.ask(errand));
    }

    /// Has a scrub go on.
    pub(crate) fn ask_scrub(&self) {
        let errand = match self.body().raid() {
            Some(_) => raid::build::CHECK,
            None => upkeep::SCRUB,
        };
        self.disk.ask(errand);
    }

    /// Nothing is done any more besides requests. A mirror is clean then, if it can be.
    pub(crate) fn end_upkeep(&self) {
        self.disk.stop_errands();
        self.interrupt_scrub();
        self.leave_clean();
    }

    /// A scrub of a mirror ends here, or a check of RAID5.
    pub(crate) fn interrupt_scrub(&self) {
        if let Some(kept) = Kept::of(self.body()) {
            kept.interrupt_scrub();
        }
        raid::check::interrupt(self.body());
    }

    /// A mirror is clean afterwards, if it can be, until somebody writes to it.
    pub(crate) fn leave_clean(&self) {
        if let Some(kept) = Kept::of(self.body()) {
            kept.leave_clean();
        }
        raid::leave(self.body());
    }

    /// Its disk goes, but what it was goes on under another name.
    pub(crate) fn retire(mut self) {
        self.goes_on = true;
    }

    /// Undoes [`Self::end_upkeep`].
    pub(crate) fn resume_upkeep(&self) {
        self.disk.resume_errands();
    }
}

impl Drop for Metadevice {
    fn drop(&mut self) {
        self.body().events().hide_disk(self.name.number());
        let shape = self.body().shape();
        if shape.unit().mirrored().is_some() && !self.goes_on {
            Sides::of(shape).forget_conditions();
        }
        unlink_holders(&self.disk, self.body().shape().components());
    }
}

/// Shows in sysfs that a disk holds components. All or none.
fn link_holders(disk: &Disk<Arc<Body>>, components: &[Arc<Component>]) -> Result {
    for (done, component) in components.iter().enumerate() {
        if let Err(error) = disk.link_holder(&component.device) {
            unlink_holders(disk, components.get(..done).unwrap_or(&[]));
            return Err(error);
        }
    }
    Ok(())
}

fn unlink_holders(disk: &Disk<Arc<Body>>, components: &[Arc<Component>]) {
    for component in components {
        disk.unlink_holder(&component.device);
    }
}

fn disk_failed(error: Error) -> Refused {
    Refused::with_errno(error, Refusal::DiskFailed)
}

/// What the disk can do, given what its components can do.
fn limits_of(name: &UnitName, shape: &Shape) -> Result<QueueLimits, Refused> {
    let label = text(fmt!("{}", name.as_str()))?;
    let mut limits = QueueLimits::new();
    match shape.unit() {
        Unit::Striped(stripe) => {
            for (component, laid_out) in shape.components().iter().zip(stripe.components()) {
                limits.stack(&component.device, laid_out.start_sector, &label);
            }
            if let Some((chunk, width)) = stripe.chunk() {
                limits.prefer_sizes(chunk, width);
            }
        }
        Unit::Soft(soft) => {
            let start = soft.extents().first().map_or(0, |first| first.sector);
            for component in shape.components() {
                limits.stack(&component.device, start, &label);
            }
            let base = shape.carrier_below().map(|base| base.body().shape().unit());
            if let Some(raid) = base.and_then(Unit::raid) {
                limit_to_raid(&mut limits, raid.layout());
            }
        }
        Unit::Mirrored(_) => {
            for component in shape.components() {
                limits.stack(&component.device, 0, &label);
            }
        }
        Unit::Raid(raid) => {
            for (component, place) in shape.components().iter().zip(raid.columns()) {
                limits.stack(&component.device, place.start_sector, &label);
            }
            let layout = raid.layout();
            let interlace = u32::try_from(layout.interlace_sectors()).unwrap_or(0);
            limits.prefer_sizes(interlace, layout.row_sectors());
            limit_to_raid(&mut limits, layout);
        }
    }
    if shape.is_mirrored() {
        limits.discard_is_write_zeroes();
        limits.keep_pages_stable();
        limits.set_largest_change(RANGE_SECTORS_MAX);
    }
    limits.settle_offers();
    Ok(limits)
}

/// What RAID5 can do, and what is on it.
fn limit_to_raid(limits: &mut QueueLimits, layout: &Layout) {
    limits.offer_only_data();
    limits.keep_pages_stable();
    limits.set_largest_change(largest_change(layout));
}
