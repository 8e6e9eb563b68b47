// SPDX-License-Identifier: GPL-2.0
//! What a soft partition is made of.

use kernel::{
    prelude::*,
    sync::Mutex, //
};
use md_model::{
    database::metadevice::soft::SoftState,
    soft::taken::free_sectors, //
};

use super::{
    super::argument::{
        bad_address,
        check_capacity,
        check_zero,
        unit_name,
        write_array, //
    },
    find, //
};
use crate::{
    abi::{
        self,
        Refusal, //
    },
    soft::soft as soft_of,
    unit_table::UnitTable,
    Refused, //
};

/// Carries out [`abi::IOC_SOFT_STATUS`].
pub(in crate::admin) fn status(
    units: &Mutex<UnitTable>,
    status: &mut abi::SoftStatus,
) -> Result<(), Refused> {
    let name = unit_name(&status.name)?;
    check_zero(&[status.extent_count, status.state, status.wrong_count])?;
    let units = units.lock();
    let (metadevice, ground) = find(&units, &name)?;
    let refused = Refused::new(EINVAL, Refusal::NotASoftPartition);
    let soft = soft_of(metadevice.body()).ok_or(refused)?;
    let extents = soft.extents();
    check_capacity(status.extent_capacity, extents.len())?;
    let list = extents.iter().map(|extent| abi::Extent {
        sector: extent.sector,
        count: extent.count,
    });
    write_array(status.extents, list).map_err(bad_address)?;
    let (head, taken) = (soft.head(), ground.taken(None)?);
    status.extent_count = u32::try_from(extents.len()).unwrap_or(u32::MAX);
    status.state = match head.state {
        SoftState::Okay => abi::SoftState::Okay,
        SoftState::Creating => abi::SoftState::Creating,
        SoftState::Growing => abi::SoftState::Growing,
        SoftState::Shrinking => abi::SoftState::Shrinking,
        SoftState::Clearing => abi::SoftState::Clearing,
        SoftState::Moving => abi::SoftState::Moving,
    } as u32;
    status.wrong_count = soft.wrong();
    status.alignment_sectors = head.alignment_sectors;
    status.generation = head.generation;
    status.free_sectors = free_sectors(&ground.base, &taken);
    (status.start_sector, status.end_sector) = (ground.base.start, ground.base.end);
    (status.soft, status.base) = (head.soft.to_bytes(), head.base.to_bytes());
    Ok(())
}
