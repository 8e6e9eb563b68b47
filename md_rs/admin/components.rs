// SPDX-License-Identifier: GPL-2.0
//! Components that the administrator names: they are opened and claimed, and what the layout needs
//! to know of them is found out.

use kernel::{
    prelude::*,
    str::{
        BStr,
        CString, //
    },
    sync::Arc, //
};
use md_model::{
    database::{
        claimants::Identity,
        identity::Uuid,
        layout::{
            LABEL_PAGE,
            PAGE_SECTORS, //
        }, //
    },
    geometry::stripe::{
        ComponentSpec,
        RowSpec, //
    },
    limits::RESERVED_HEAD_SECTORS,
    name::UnitName,
};

use super::argument::{
    bad_address,
    check_zero,
    read_array, //
};
use crate::{
    abi::{
        self,
        Refusal, //
    },
    body::Child,
    component::Component,
    condition::Condition,
    database::OnRecord,
    kapi::{
        bdev::BlockDevice,
        errno::eopnotsupp, //
    },
    refused::text,
    unit_table::UnitTable,
    Refused, //
};

/// Components that are open and claimed.
pub(super) type Components = KVec<Arc<Component>>;

/// Whether a component may be in use by somebody else.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Sharing {
    /// No.
    Refused,
    /// One without a reserved head may, see [`abi::CREATE_IN_USE`].
    UntilStarted,
}

/// Refuses a count that is not between 1 and `most`.
pub(super) fn check_count(count: u32, most: u32, refusal: Refusal) -> Result<(), Refused> {
    if (1..=most).contains(&count) {
        Ok(())
    } else {
        Err(Refused::new(EINVAL, refusal).with([count.into(), most.into()]))
    }
}

/// Copies the rows in that a caller asks for.
pub(super) fn read_rows(rows: u64, count: u32) -> Result<KVVec<RowSpec>, Refused> {
    let asked = read_array::<abi::Row>(rows, count).map_err(bad_address)?;
    let mut rows = KVVec::with_capacity(asked.len(), GFP_KERNEL)?;
    for row in &asked {
        check_zero(&[row.reserved])?;
        let spec = RowSpec {
            interlace_sectors: row.interlace_sectors,
            component_count: row.component_count,
        };
        rows.push(spec, GFP_KERNEL)?;
    }
    Ok(rows)
}

/// Copies the components in that a caller asks for.
pub(super) fn read_components(at: u64, count: u32) -> Result<KVVec<abi::Component>, Refused> {
    read_array::<abi::Component>(at, count).map_err(bad_address)
}

/// Opens and claims the components of the metadevice `name`, and finds out what the layout needs to
/// know of them.
pub(super) fn open_components(
    asked: &[abi::Component],
    name: &UnitName,
    units: &UnitTable,
    sharing: Sharing,
    on_record: OnRecord,
) -> Result<(Components, KVVec<ComponentSpec>), Refused> {
    let mut open: Components = KVec::with_capacity(asked.len(), GFP_KERNEL)?;
    let mut specs = KVVec::with_capacity(asked.len(), GFP_KERNEL)?;
    for (index, component) in (0..).zip(asked) {
        if open.iter().any(|other| other.dev == component.dev) {
            return Err(Refused::new(EINVAL, Refusal::ComponentInUse).at(index));
        }
        let parent = (name.number(), on_record);
        let opened = open_component(component, name, parent, units, sharing);
        let opened = opened.map_err(|why| why.at(index))?;
        let start_sectors = match component.start_sectors {
            // The reserved heads are those of the leaves.
            abi::START_DEFAULT => opened.child.is_some().then_some(0),
            start => Some(start),
        };
        let spec = ComponentSpec {
            capacity_sectors: opened.device.sectors(),
            start_sectors,
            block_sectors: opened.device.logical_block_bytes() >> 9,
        };
        specs.push(spec, GFP_KERNEL)?;
        open.push(Arc::new(opened, GFP_KERNEL)?, GFP_KERNEL)?;
    }
    Ok((open, specs))
}

/// Opens and claims a component. One that is a metadevice is then part of the one with number
/// `parent`, or with [`abi::SOFT_PARENTS`] the base of soft partitions.
pub(super) fn open_component(
    asked: &abi::Component,
    name: &UnitName,
    (parent, on_record): (u32, OnRecord),
    units: &UnitTable,
    sharing: Sharing,
) -> Result<Component, Refused> {
    check_zero(&[
        asked.size_sectors,
        asked.state.into(),
        asked.flags.into(),
        asked.healed_errors,
        asked.read_errors,
        asked.write_errors,
        asked.event_seconds,
    ])?;
    let device = match open_device(asked.dev, &asked.device, name, units) {
        Err(why) if may_share(&why, asked, sharing) => {
            open_shared(asked.dev, &asked.device, name, units)?
        }
        opened => opened?,
    };
    if device.is_zoned() {
        return Err(Refused::new(eopnotsupp(), Refusal::ComponentZoned));
    }
    let metadevice = units.with_dev(device.user_dev());
    let is_pending = metadevice.is_some_and(|metadevice| metadevice.body().is_pending());
    if device.read_only() && !is_pending {
        return Err(Refused::new(EROFS, Refusal::ComponentReadOnly));
    }
    if metadevice.is_some_and(|metadevice| metadevice.name() == name) {
        return Err(Refused::new(EINVAL, Refusal::ComponentInUse));
    }
    if let Some(metadevice) = metadevice {
        metadevice.body().check_not_moving()?;
    }
    // It is claimed, so it has no parent yet, and we have the lock under which it would be cleared.
    let child = match metadevice {
        Some(metadevice) => Some(Child::new(metadevice, parent)?),
        None => None,
    };
    let has_head = child.is_none()
        && (asked.start_sectors == abi::START_DEFAULT
            || asked.start_sectors >= RESERVED_HEAD_SECTORS);
    let mut identity = identity_of(&asked.hints);
    if child.is_none() {
        match units.database().identity_for(&device, on_record) {
            Ok(uuid) if has_head => identity.uuid = uuid,
            // A disk that fails is made a mirror to save its data.
            Err(refused) if has_head || refused.refusal() != Refusal::LabelFailed => {
                return Err(refused);
            }
            _ => {}
        }
    }
    if child.is_none() && units.database().is_loaded() && !identity.is_known() {
        return Err(Refused::new(EINVAL, Refusal::NoIdentity));
    }
    Ok(Component {
        child,
        condition: Condition::new(),
        spared: None,
        dev: device.user_dev(),
        device,
        identity,
        path: asked.device,
    })
}

/// By what a device is known that the administrator names.
pub(super) fn identity_of(hints: &abi::Hints) -> Identity {
    Identity {
        uuid: Uuid::NIL,
        partition: Uuid::from_bytes(hints.partition),
        wwn: hints.wwn,
    }
}

/// Opens and claims a device for a metadevice. If there is a replica of the state database on it,
/// it is claimed already, and shared.
fn open_device(
    dev: u64,
    path: &[u8],
    name: &UnitName,
    units: &UnitTable,
) -> Result<Arc<BlockDevice>, Refused> {
    open_claimed(dev, path, text(fmt!("{}", name.as_str()))?, units)
}

/// The same, for a metadevice or hot spare pool by its name.
pub(super) fn open_claimed(
    dev: u64,
    path: &[u8],
    unit: CString,
    units: &UnitTable,
) -> Result<Arc<BlockDevice>, Refused> {
    let path = path_text(path)?;
    if let Some((pool, _)) = units.database().spare_with_dev(dev) {
        return Err(Refused::new(EBUSY, Refusal::DeviceIsSpare).with([pool.into(), 0]));
    }
    if let Some((device, end)) = units.database().device(dev) {
        let dev = device.user_dev();
        if units.with_component(|part| part.dev == dev).is_some() {
            return Err(Refused::new(EBUSY, Refusal::ComponentBusy));
        }
        // A component has its label twice, the second time behind the replica.
        let [_, label] = LABEL_PAGE;
        let room = u64::from(label).saturating_mul(PAGE_SECTORS);
        if end > room {
            let values = [end, room];
            return Err(Refused::new(EBUSY, Refusal::HeadTooSmall).with(values));
        }
        device.health().adopt(unit).map_err(not_readable)?;
        return Ok(device);
    }
    let device = BlockDevice::open(dev, unit, path).map_err(open_failed)?;
    units.database().check_no_twin(&device, units)?;
    Ok(Arc::new(device, GFP_KERNEL)?)
}

/// Whether a component that somebody else has is to be shared with him.
fn may_share(why: &Refused, asked: &abi::Component, sharing: Sharing) -> bool {
    let has_head = asked.start_sectors >= RESERVED_HEAD_SECTORS;
    why.refusal() == Refusal::ComponentBusy && !has_head && sharing == Sharing::UntilStarted
}

/// Opens a device that somebody else has, to read. Only a set that is stored can be started again.
fn open_shared(
    dev: u64,
    path: &[u8],
    name: &UnitName,
    units: &UnitTable,
) -> Result<Arc<BlockDevice>, Refused> {
    if !units.database().is_loaded() {
        return Err(Refused::new(ENODEV, Refusal::NoDatabase));
    }
    let (path, unit) = (path_text(path)?, text(fmt!("{}", name.as_str()))?);
    let device = BlockDevice::open_shared(dev, unit, path).map_err(open_failed)?;
    Ok(Arc::new(device, GFP_KERNEL)?)
}

/// A path is text, then zeros, of which there is at least one.
pub(super) fn path_text(field: &[u8]) -> Result<CString, Refused> {
    let malformed = Refused::new(EINVAL, Refusal::ReservedNotZero);
    let length = field.iter().position(|byte| *byte == 0).ok_or(malformed)?;
    let (path, rest) = field.split_at_checked(length).ok_or(malformed)?;
    check_zero(rest)?;
    text(fmt!("{}", BStr::from_bytes(path)))
}

pub(super) fn not_readable(error: Error) -> Refused {
    Refused::with_errno(error, Refusal::ComponentNotFound)
}

pub(super) fn open_failed(error: Error) -> Refused {
    let refusal = if error == EBUSY {
        Refusal::ComponentBusy
    } else if error == EROFS || error == EACCES {
        Refusal::ComponentReadOnly
    } else {
        Refusal::ComponentNotFound
    };
    Refused::with_errno(error, refusal)
}
