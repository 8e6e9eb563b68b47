// SPDX-License-Identifier: GPL-2.0
//! Making a metadevice: the request is checked, its devices are opened and claimed, its personality
//! lays it out, and its disk appears. Whatever fails on the way, everything is given back.

use kernel::{
    prelude::*,
    sync::Mutex, //
};
use md_model::geometry::stripe::{
    ComponentSpec,
    RowSpec, //
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
    kapi::{
        bdev::{
            BlockDevice,
            Holder, //
        },
        errno::eopnotsupp, //
    },
    metadevice::{
        Components,
        Metadevice,
        OpenComponent, //
    },
    personality::UnitSpec,
    unit_table::UnitTable,
    Refused, //
};

/// Carries out [`abi::IOC_CREATE`].
pub(super) fn create(units: &Mutex<UnitTable>, request: &mut abi::Create) -> Result<(), Refused> {
    check_zero(&[request.flags.into(), request.size_sectors])?;
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
    let (components, specs) = open_components(&asked)?;
    let spec = UnitSpec {
        rows: &rows,
        components: &specs,
    };
    let metadevice = Metadevice::new(name, request.kind, &spec, components)?;
    request.size_sectors = metadevice.unit().sectors();
    units.add(metadevice)
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

/// Opens and claims the components, and finds out what the layout needs to know of them.
fn open_components(
    asked: &[abi::Component],
) -> Result<(Components, KVVec<ComponentSpec>), Refused> {
    let holder = Holder::new().map_err(|_| Refused::new(ENOMEM, Refusal::NoMemory))?;
    let mut open: KVec<OpenComponent> = KVec::with_capacity(asked.len(), GFP_KERNEL)?;
    let mut specs = KVVec::with_capacity(asked.len(), GFP_KERNEL)?;
    for (index, component) in (0..).zip(asked) {
        let opened = open_component(component, &holder, &open).map_err(|why| why.at(index))?;
        let start = component.start_sectors;
        let spec = ComponentSpec {
            capacity_sectors: opened.device.sectors(),
            start_sectors: (start != abi::START_DEFAULT).then_some(start),
            block_sectors: opened.device.logical_block_bytes() >> 9,
        };
        specs.push(spec, GFP_KERNEL)?;
        open.push(opened, GFP_KERNEL)?;
    }
    Ok((Components::new(open, holder), specs))
}

fn open_component(
    asked: &abi::Component,
    holder: &Holder,
    others: &[OpenComponent],
) -> Result<OpenComponent, Refused> {
    check_zero(&[
        asked.size_sectors,
        asked.state.into(),
        asked.reserved.into(),
    ])?;
    check_path(&asked.device)?;
    let device = BlockDevice::open(asked.dev, holder).map_err(open_failed)?;
    if others.iter().any(|other| other.device.is(&device)) {
        return Err(Refused::new(EINVAL, Refusal::ComponentInUse));
    }
    if device.is_metadevice() {
        return Err(Refused::new(EINVAL, Refusal::ComponentIsMetadevice));
    }
    if device.is_zoned() {
        return Err(Refused::new(eopnotsupp(), Refusal::ComponentZoned));
    }
    if device.read_only() {
        return Err(Refused::new(EROFS, Refusal::ComponentReadOnly));
    }
    Ok(OpenComponent {
        device,
        dev: asked.dev,
        path: asked.device,
    })
}

/// A path is text, then zeros, of which there is at least one.
fn check_path(field: &[u8]) -> Result<(), Refused> {
    let length = field.iter().position(|byte| *byte == 0);
    let rest = length.and_then(|length| field.get(length..));
    check_zero(rest.ok_or(Refused::new(EINVAL, Refusal::ReservedNotZero))?)
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
