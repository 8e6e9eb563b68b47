// SPDX-License-Identifier: GPL-2.0
//! The disk of a submirror belongs to the mirror, which has claimed it, so that nobody else can. A
//! submirror that is offline may be used by others, to read: the mirror gives the claim up, and
//! takes it back before it writes there again. It stays the component that it is.

use kernel::{
    prelude::*,
    str::CString,
    sync::Arc, //
};
use md_model::name::UnitName;

use super::{
    components::{
        open_failed,
        Components, //
    },
    sides::{
        shape_of,
        Target, //
    }, //
};
use crate::{
    abi::{
        Refusal,
        DEVICE_LEN, //
    },
    body::Shape,
    component::Component,
    condition::Condition,
    database::path_field,
    kapi::{
        bdev::BlockDevice,
        disk::ClosedGate, //
    },
    refused::text,
    unit_table::UnitTable,
    Refused, //
};

/// The disk of a side, open without a claim.
pub(super) fn unclaimed(target: Target<'_>, side: u32) -> Result<BlockDevice, Refused> {
    disk_of(target, side, BlockDevice::open_shared)
}

/// The same, with a claim. Refused if somebody else has one.
pub(super) fn claimed(target: Target<'_>, side: u32) -> Result<BlockDevice, Refused> {
    disk_of(target, side, BlockDevice::open_held)
}

fn disk_of(
    target: Target<'_>,
    side: u32,
    open: impl FnOnce(u64, CString, CString) -> Result<BlockDevice>,
) -> Result<BlockDevice, Refused> {
    let old = side_of(target.kept.shape, side)?;
    let unit = text(fmt!("{}", target.metadevice.name().as_str()))?;
    let path = text(fmt!("{}", old.device.health().path()))?;
    open(old.dev, unit, path).map_err(|error| open_failed(error).at(side))
}

fn side_of(shape: &Shape, side: u32) -> Result<&Component, Refused> {
    let none = Refused::new(EINVAL, Refusal::NotASubmirror).at(side);
    shape.component(side).ok_or(none)
}

/// Puts a side in its place that has its disk open in this way. If that fails it is as it was.
pub(super) fn put_side(
    target: Target<'_>,
    side: u32,
    disk: BlockDevice,
    gate: &ClosedGate<'_>,
) -> Result<(), Refused> {
    let old = side_of(target.kept.shape, side)?;
    let parent = target.metadevice.name().number();
    let done = instead_of(old, disk, old.path).and_then(|component| {
        let shape = with_side(target.kept.shape, side, &component)?;
        drop(component);
        target.metadevice.swap(shape, gate)
    });
    if done.is_err() {
        if let Some(child) = &old.child {
            child.set_parent(parent);
        }
    }
    done
}

/// The shape of a mirror with another component for a side.
pub(super) fn with_side(
    shape: &Shape,
    side: u32,
    component: &Arc<Component>,
) -> Result<Shape, Refused> {
    let mut sides: Components = KVec::new();
    for (index, old) in (0..).zip(shape.components()) {
        let side = if index == side { component } else { old };
        sides.push(side.clone(), GFP_KERNEL)?;
    }
    shape_of(shape, sides.iter())
}

/// A side whose metadevice has another name, with a claim on the disk that has that name.
pub(super) fn renamed(
    shape: &Shape,
    side: u32,
    units: &UnitTable,
    name: &UnitName,
    unit: CString,
) -> Result<Arc<Component>, Refused> {
    let path = text(fmt!("/dev/md/dsk/{}", name.as_str()))?;
    let field = path_field(&path);
    let disk = BlockDevice::open_held(units.get(name)?.user_dev(), unit, path);
    instead_of(side_of(shape, side)?, disk.map_err(open_failed)?, field)
}

/// The component that takes the place of one of the same metadevice.
fn instead_of(
    old: &Component,
    disk: BlockDevice,
    path: [u8; DEVICE_LEN],
) -> Result<Arc<Component>, Refused> {
    let new = Component {
        dev: disk.user_dev(),
        device: Arc::new(disk, GFP_KERNEL)?,
        child: old.child.as_ref().map(|child| child.share()),
        identity: old.identity,
        condition: Condition::new(),
        spared: None,
        path,
    };
    Ok(Arc::new(new, GFP_KERNEL)?)
}
