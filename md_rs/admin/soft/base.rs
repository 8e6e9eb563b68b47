// SPDX-License-Identifier: GPL-2.0
//! The base that somebody names for a soft partition: one that has some already is shared with
//! these, another one is opened and claimed.

use core::num::NonZeroU64;

use kernel::prelude::*;
use md_model::{
    database::identity::Uuid,
    limits::{
        BASE_BLOCK_BYTES_MAX,
        RESERVED_HEAD_SECTORS, //
    },
    name::UnitName,
    soft::{
        align::{
            default_alignment,
            least_alignment, //
        },
        taken::{
            sort,
            Taken, //
        },
        Base,
        Extent, //
    },
};

use super::super::components::{
    open_component,
    Sharing, //
};
use crate::{
    abi::{
        self,
        Refusal, //
    },
    body::{
        Body,
        Child, //
    },
    component::Component,
    condition::Condition,
    database::OnRecord,
    kapi::random::new_uuid,
    soft::{
        marks::Marks,
        soft as soft_of,
        Ground,
        TakenList, //
    },
    unit_table::UnitTable,
    Refused, //
};

/// A base, open and claimed.
pub(super) struct Opened {
    /// The base, as the component of a soft partition.
    pub(super) component: Component,
    /// How large it is.
    pub(super) base: Base,
    /// What is on it; `None` if there are no soft partitions yet.
    pub(super) ground: Option<Ground>,
}

impl Opened {
    /// What nobody else can get of it.
    pub(super) fn taken(&self) -> Result<TakenList, Refused> {
        match &self.ground {
            Some(ground) => ground.occupied(),
            None => Ok(KVVec::new()),
        }
    }

    /// Identity of its watermarks, or a new one.
    pub(super) fn marks(&self) -> Uuid {
        self.ground
            .as_ref()
            .map_or_else(new_uuid, |ground| ground.marks)
    }

    /// The identity that somebody says its watermarks have.
    pub(super) fn marks_or(&self, asked: Uuid) -> Result<Uuid, Refused> {
        let own = self.ground.as_ref().map(|ground| ground.marks);
        if own.is_some_and(|own| own != asked) || asked.is_nil() {
            return Err(Refused::new(EINVAL, Refusal::WatermarksDiffer));
        }
        Ok(asked)
    }

    /// Number of the next layout.
    pub(super) fn next_generation(&self) -> Result<u64, Refused> {
        match &self.ground {
            Some(ground) => ground.next_generation(),
            None => Ok(1),
        }
    }
}

/// Opens a base. One on which there are watermarks of a soft partition that nobody knows is
/// refused, unless somebody insists.
pub(super) fn open_base(
    units: &UnitTable,
    name: &UnitName,
    asked: &abi::Component,
    is_forced: bool,
) -> Result<Opened, Refused> {
    if asked.start_sectors != abi::START_DEFAULT {
        return Err(Refused::new(EINVAL, Refusal::ReservedNotZero));
    }
    if let Some(sibling) = sibling_on(units, asked.dev) {
        return share(units, sibling, asked);
    }
    let parent = (abi::SOFT_PARENTS, OnRecord::Nothing);
    let component = open_component(asked, name, parent, units, Sharing::Refused)?;
    check_base(&component)?;
    let sectors = component.device.sectors();
    let start = match &component.child {
        Some(_) => 0,
        None => RESERVED_HEAD_SECTORS,
    };
    let too_small = Refused::new(ENOSPC, Refusal::ComponentTooSmall);
    let base =
        Base::of(start, sectors).ok_or(too_small.with([start.saturating_add(64), sectors]))?;
    if !is_forced {
        let mut marks = Marks::new(&component.device, Uuid::NIL)?;
        if let Some(found) = marks.find_unknown(&base)? {
            let values = [found.number().into(), 0];
            return Err(Refused::new(EBUSY, Refusal::UnknownWatermarks).with(values));
        }
    }
    Ok(Opened {
        component,
        base,
        ground: None,
    })
}

/// Refuses what cannot be a base.
fn check_base(component: &Component) -> Result<(), Refused> {
    let child = component.child.as_ref().map(|child| child.body().shape());
    if child.is_some_and(|shape| shape.unit().soft().is_some()) {
        return Err(Refused::new(EINVAL, Refusal::BaseIsSoft));
    }
    let block = component.device.logical_block_bytes();
    if block > BASE_BLOCK_BYTES_MAX {
        let values = [block.into(), BASE_BLOCK_BYTES_MAX.into()];
        return Err(Refused::new(EINVAL, Refusal::BaseBlockTooLarge).with(values));
    }
    Ok(())
}

/// A soft partition on a device.
fn sibling_on(units: &UnitTable, dev: u64) -> Option<&Body> {
    let mut bodies = units.iter().map(|unit| &**unit.body());
    bodies.find(|body| {
        let base = body.shape().components().first();
        soft_of(body).is_some() && base.is_some_and(|base| base.dev == dev && dev != 0)
    })
}

/// Identity of the watermarks on a device.
pub(super) fn marks_on(units: &UnitTable, dev: u64) -> Option<Uuid> {
    Some(soft_of(sibling_on(units, dev)?)?.head().base)
}

/// The base of a soft partition, for another one.
fn share(units: &UnitTable, sibling: &Body, asked: &abi::Component) -> Result<Opened, Refused> {
    let refused = Refused::new(EINVAL, Refusal::NoSoftPartitions);
    let base = sibling.shape().components().first().ok_or(refused)?;
    let marks = soft_of(sibling).ok_or(refused)?.head().base;
    let ground = Ground::of(units.iter().map(|unit| unit.body()), marks)?;
    let ground = ground.ok_or(refused)?;
    ground.check_settled()?;
    if ground.device.is_absent() {
        return Err(Refused::new(ENODEV, Refusal::ComponentNotFound));
    }
    Ok(Opened {
        component: share_component(base, asked.device),
        base: ground.base,
        ground: Some(ground),
    })
}

/// A component that is the same base.
pub(in crate::admin) fn share_component(
    base: &Component,
    path: [u8; abi::DEVICE_LEN],
) -> Component {
    Component {
        child: base.child.as_ref().map(Child::share),
        device: base.device.clone(),
        identity: base.identity,
        condition: Condition::new(),
        spared: None,
        dev: base.dev,
        path,
    }
}

/// What is taken by a soft partition that is alone on its base.
pub(super) fn alone(number: u32, extents: &[Extent]) -> Result<TakenList, Refused> {
    let mut taken: KVVec<Taken> = KVVec::new();
    for (sequence, extent) in (0..).zip(extents) {
        let one = Taken {
            extent: *extent,
            owner: number,
            sequence,
        };
        taken.push(one, GFP_KERNEL)?;
    }
    sort(&mut taken);
    Ok(taken)
}

/// The alignment that is asked for, or with 0 the default one (`svm.md` section 6.3 rule 2).
pub(super) fn alignment_of(component: &Component, asked: u64) -> Result<NonZeroU64, Refused> {
    let units = units_of(component)?;
    let bad = |least: u64| Refused::new(EINVAL, Refusal::BadAlignment).with([asked, least]);
    let least = least_alignment(units.iter().copied()).ok_or(bad(0))?;
    match NonZeroU64::new(asked) {
        None => default_alignment(units.iter().copied()).ok_or(bad(least.get())),
        Some(alignment) if asked % least == 0 => Ok(alignment),
        Some(_) => Err(bad(least.get())),
    }
}

/// What a base is made of, in sectors: its blocks, and the interlaces of stripes.
fn units_of(component: &Component) -> Result<KVec<NonZeroU64>, Refused> {
    let device = &component.device;
    let mut units = KVec::new();
    for bytes in [device.logical_block_bytes(), device.physical_block_bytes()] {
        if let Some(sectors) = NonZeroU64::new(u64::from(bytes >> 9)) {
            units.push(sectors, GFP_KERNEL)?;
        }
    }
    if let Some(child) = &component.child {
        list_interlaces(child.body(), &mut units)?;
    }
    Ok(units)
}

/// Those of a stripe or RAID5, or of the sides of a mirror.
fn list_interlaces(body: &Body, units: &mut KVec<NonZeroU64>) -> Result<(), Refused> {
    let shape = body.shape();
    if let Some(raid) = shape.unit().raid() {
        if let Some(interlace) = NonZeroU64::new(raid.layout().interlace_sectors()) {
            units.push(interlace, GFP_KERNEL)?;
        }
        return Ok(());
    }
    if let Some(stripe) = shape.unit().stripe() {
        for row in stripe
            .rows()
            .iter()
            .filter(|row| row.component_count.get() > 1)
        {
            units.push(row.interlace_sectors, GFP_KERNEL)?;
        }
        return Ok(());
    }
    let sides = shape
        .components()
        .iter()
        .filter_map(|side| side.child.as_ref());
    for side in sides.map(|child| child.body().shape()) {
        let stripe = side.unit().stripe();
        let rows = stripe.map(|stripe| stripe.rows()).unwrap_or_default();
        for row in rows.iter().filter(|row| row.component_count.get() > 1) {
            units.push(row.interlace_sectors, GFP_KERNEL)?;
        }
    }
    Ok(())
}
