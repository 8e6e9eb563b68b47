// SPDX-License-Identifier: GPL-2.0
//! What metadevices there are, and what they are made of.

use kernel::{
    prelude::*,
    sync::Mutex, //
};

use super::argument::{
    bad_address,
    check_zero,
    unit_name,
    write_array, //
};
use crate::{
    abi::{
        self,
        Refusal, //
    },
    metadevice::Metadevice,
    unit_table::UnitTable,
    Refused, //
};

/// Carries out [`abi::IOC_LIST`].
pub(super) fn list(units: &Mutex<UnitTable>, list: &mut abi::List) -> Result<(), Refused> {
    check_zero(&[list.unit_count])?;
    let units = units.lock();
    check_capacity(list.unit_capacity, units.count() as usize)?;
    let mut summaries = KVVec::with_capacity(units.count() as usize, GFP_KERNEL)?;
    for unit in units.iter() {
        summaries.push(summary(unit), GFP_KERNEL)?;
    }
    write_array(list.units, summaries.iter().copied()).map_err(bad_address)?;
    list.unit_count = units.count();
    Ok(())
}

/// Carries out [`abi::IOC_STATUS`].
pub(super) fn status(units: &Mutex<UnitTable>, status: &mut abi::Status) -> Result<(), Refused> {
    let name = unit_name(&status.unit.name)?;
    check_zero(&[
        status.unit.size_sectors,
        status.unit.dev,
        status.unit.kind.into(),
        status.unit.open_count.into(),
        status.unit.row_count.into(),
        status.unit.component_count.into(),
        status.unit.state.into(),
        status.unit.parent.into(),
    ])?;
    check_zero(&status.unit.reserved)?;
    let units = units.lock();
    let metadevice = units.get(&name)?;
    let unit = metadevice.body().unit();
    check_capacity(status.row_capacity, unit.rows().len())?;
    check_capacity(status.component_capacity, unit.components().len())?;

    let rows = unit.rows().iter().map(|row| abi::Row {
        interlace_sectors: row.interlace_sectors.get(),
        component_count: row.component_count.get(),
        reserved: 0,
    });
    write_array(status.rows, rows).map_err(bad_address)?;

    let mut components = KVVec::with_capacity(unit.components().len(), GFP_KERNEL)?;
    for (open, laid_out) in metadevice.body().components().iter().zip(unit.components()) {
        let health = open.device.health();
        let component = abi::Component {
            dev: open.dev,
            start_sectors: laid_out.start_sector,
            size_sectors: laid_out.size_sectors,
            state: open.state() as u32,
            reserved: 0,
            read_errors: health.read_errors(),
            write_errors: health.write_errors(),
            event_seconds: health.event_seconds(),
            device: open.path,
        };
        components.push(component, GFP_KERNEL)?;
    }
    write_array(status.components, components.iter().copied()).map_err(bad_address)?;
    status.unit = summary(metadevice);
    Ok(())
}

fn summary(metadevice: &Metadevice) -> abi::UnitSummary {
    let body = metadevice.body();
    let unit = body.unit();
    abi::UnitSummary {
        name: metadevice.name().to_padded(),
        kind: metadevice.kind(),
        open_count: body.open_count(),
        size_sectors: unit.sectors(),
        dev: metadevice.user_dev(),
        row_count: u32::try_from(unit.rows().len()).unwrap_or(u32::MAX),
        component_count: u32::try_from(unit.components().len()).unwrap_or(u32::MAX),
        state: body.state() as u32,
        parent: body.parent(),
        reserved: [0; 3],
    }
}

fn check_capacity(given: u32, needed: usize) -> Result<(), Refused> {
    if given as usize >= needed {
        return Ok(());
    }
    Err(Refused::new(E2BIG, Refusal::ArrayTooSmall).with([given.into(), needed as u64]))
}
