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
    ground_of, //
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
    check_zero(&[status.flags & !abi::SOFT_BRIEF, status.reserved])?;
    let units = units.lock();
    let refused = Refused::new(EINVAL, Refusal::NotASoftPartition);
    let soft = soft_of(units.get(&name)?.body()).ok_or(refused)?;
    let extents = soft.extents();
    check_capacity(status.extent_capacity, extents.len())?;
    let list = extents.iter().map(|extent| abi::Extent {
        sector: extent.sector,
        count: extent.count,
    });
    write_array(status.extents, list).map_err(bad_address)?;
    let head = soft.head();
    if status.flags & abi::SOFT_BRIEF == 0 {
        let ground = ground_of(&units, head.base)?.ok_or(refused)?;
        status.free_sectors = free_sectors(&ground.base, &ground.taken(None)?);
    }
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
    (status.soft, status.base) = (head.soft.to_bytes(), head.base.to_bytes());
    Ok(())
}
