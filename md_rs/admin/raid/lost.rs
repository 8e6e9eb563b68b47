// SPDX-License-Identifier: GPL-2.0
//! What a RAID5 metadevice has lost (`DURABILITY.md` clause 16).

use kernel::{
    prelude::*,
    sync::Mutex, //
};
use md_model::raid5::lost::RANGES_MAX;

use super::super::argument::{
    bad_address,
    check_capacity,
    check_zero,
    count,
    unit_name,
    write_array, //
};
use crate::{
    abi,
    raid::Target,
    unit_table::UnitTable,
    Refused, //
};

// The interface and the model name the same limit.
const _: () = assert!(abi::LOST_RANGES_MAX as usize == RANGES_MAX);

/// Carries out [`abi::IOC_LIST_LOST`].
pub(in crate::admin) fn list_lost(
    units: &Mutex<UnitTable>,
    request: &mut abi::ListLost,
) -> Result<(), Refused> {
    check_zero(&[request.range_count])?;
    check_capacity(request.range_capacity, RANGES_MAX)?;
    let name = unit_name(&request.name)?;
    let mut ranges = KVec::with_capacity(RANGES_MAX, GFP_KERNEL)?;
    {
        let units = units.lock();
        let body = units.get(&name)?.body();
        if let Some((target, raid)) = Target::of(body).zip(body.raid()) {
            let layout = *target.layout();
            raid.for_lost(|line| {
                for (sector, sectors) in line.ranges(layout) {
                    let range = abi::LostRange { sector, sectors };
                    // There is room for as many as there can be.
                    let _ = ranges.push_within_capacity(range);
                }
            });
        }
    }
    write_array(request.ranges, ranges.iter().copied()).map_err(bad_address)?;
    request.range_count = count(&ranges);
    Ok(())
}
