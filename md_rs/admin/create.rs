// SPDX-License-Identifier: GPL-2.0
//! Making a metadevice: the request is checked, its devices are opened and claimed, its personality
//! lays it out, and its disk appears. Whatever fails on the way, everything is given back.

use kernel::{
    prelude::*,
    str::{
        BStr,
        CString, //
    },
    sync::Mutex, //
};
use md_model::{
    geometry::stripe::{
        ComponentSpec,
        RowSpec, //
    },
    name::UnitName,
};

use super::argument::{
    bad_address,
    check_zero,
    read_array,
    unit_name, //
};
use crate::{
    abi::{
        self,
        Refusal, //
    },
    body::{
        Child,
        Component, //
    },
    kapi::{
        bdev::BlockDevice,
        errno::eopnotsupp, //
    },
    metadevice::Plan,
    personality::UnitSpec,
    refused::text,
    unit_table::UnitTable,
    Refused, //
};

/// Carries out [`abi::IOC_CREATE`].
pub(super) fn create(units: &Mutex<UnitTable>, request: &mut abi::Create) -> Result<(), Refused> {
    check_zero(&[request.size_sectors])?;
    check_zero(&[request.flags & !abi::CREATE_CHECK_ONLY])?;
    check_zero(&request.reserved)?;
    let name = unit_name(&request.name)?;
    check_count(request.row_count, abi::ROWS_MAX, Refusal::BadRowCount)?;
    let most = abi::COMPONENTS_MAX;
    check_count(request.component_count, most, Refusal::BadComponentCount)?;
    let rows = read_rows(request)?;
    let asked = read_array::<abi::Component>(request.components, request.component_count)
        .map_err(bad_address)?;

    let mut units = units.lock();
    units.check_vacant(&name)?;
    let (components, specs) = open_components(&asked, &name, &units)?;
    let spec = UnitSpec {
        rows: &rows,
        components: &specs,
    };
    let plan = Plan::new(name, request.kind, &spec, components)?;
    request.size_sectors = plan.sectors();
    if request.flags & abi::CREATE_CHECK_ONLY != 0 {
        return Ok(());
    }
    units.add(plan.carry_out()?)
}

fn check_count(count: u32, most: u32, refusal: Refusal) -> Result<(), Refused> {
    if (1..=most).contains(&count) {
        Ok(())
    } else {
        Err(Refused::new(EINVAL, refusal).with([count.into(), most.into()]))
    }
}

fn read_rows(request: &abi::Create) -> Result<KVVec<RowSpec>, Refused> {
    let asked = read_array::<abi::Row>(request.rows, request.row_count).map_err(bad_address)?;
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

/// Opens and claims the components of the metadevice `name`, and finds out what the layout needs to
/// know of them.
fn open_components(
    asked: &[abi::Component],
    name: &UnitName,
    units: &UnitTable,
) -> Result<(KVec<Component>, KVVec<ComponentSpec>), Refused> {
    let mut open: KVec<Component> = KVec::with_capacity(asked.len(), GFP_KERNEL)?;
    let mut specs = KVVec::with_capacity(asked.len(), GFP_KERNEL)?;
    for (index, component) in (0..).zip(asked) {
        if open.iter().any(|other| other.dev == component.dev) {
            return Err(Refused::new(EINVAL, Refusal::ComponentInUse).at(index));
        }
        let opened = open_component(component, name, units).map_err(|why| why.at(index))?;
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
        open.push(opened, GFP_KERNEL)?;
    }
    Ok((open, specs))
}

fn open_component(
    asked: &abi::Component,
    name: &UnitName,
    units: &UnitTable,
) -> Result<Component, Refused> {
    check_zero(&[
        asked.size_sectors,
        asked.state.into(),
        asked.reserved.into(),
        asked.read_errors,
        asked.write_errors,
        asked.event_seconds,
    ])?;
    let path = path_text(&asked.device)?;
    let unit = text(fmt!("{}", name.as_str()))?;
    let device = BlockDevice::open(asked.dev, unit, path).map_err(open_failed)?;
    if device.is_zoned() {
        return Err(Refused::new(eopnotsupp(), Refusal::ComponentZoned));
    }
    if device.read_only() {
        return Err(Refused::new(EROFS, Refusal::ComponentReadOnly));
    }
    // It is claimed, so it has no parent yet, and we have the lock under which it would be cleared.
    let child = units
        .with_dev(device.user_dev())
        .map(|metadevice| Child::new(metadevice.body().clone(), name.number()));
    Ok(Component {
        child,
        dev: device.user_dev(),
        device,
        path: asked.device,
    })
}

/// A path is text, then zeros, of which there is at least one.
fn path_text(field: &[u8]) -> Result<CString, Refused> {
    let malformed = Refused::new(EINVAL, Refusal::ReservedNotZero);
    let length = field.iter().position(|byte| *byte == 0).ok_or(malformed)?;
    let (path, rest) = field.split_at_checked(length).ok_or(malformed)?;
    check_zero(rest)?;
    text(fmt!("{}", BStr::from_bytes(path)))
}

fn open_failed(error: Error) -> Refused {
    let refusal = if error == EBUSY {
        Refusal::ComponentBusy
    } else if error == EROFS || error == EACCES {
        Refusal::ComponentReadOnly
    } else {
        Refusal::ComponentNotFound
    };
    let errno = u64::from(error.to_errno().unsigned_abs());
    Refused::new(error, refusal).with([errno, 0])
}
