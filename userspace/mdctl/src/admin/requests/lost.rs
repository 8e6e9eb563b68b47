// SPDX-License-Identifier: GPL-2.0
//! What a RAID5 metadevice has lost.

use super::{
    field,
    header,
    judge,
    Admin,
    RequestError, //
};
use crate::{
    syntax::{
        name::MetadeviceName,
        size::Sectors, //
    },
    unit::LostRange, //
};
use md_abi::admin::{
    self as abi,
    LOST_RANGES_MAX, //
};
use zerocopy::FromZeros;

/// Lists it, in the order of the sectors.
pub(super) fn list(
    admin: &mut dyn Admin,
    name: MetadeviceName,
) -> Result<Vec<LostRange>, RequestError> {
    let mut argument = abi::ListLost::new_zeroed();
    argument.header = header::<abi::ListLost>();
    argument.name = field(&name.to_string())?;
    let mut ranges = [abi::LostRange::default(); LOST_RANGES_MAX as usize];
    let result = admin.list_lost(&mut argument, &mut ranges);
    judge(result, &argument.header)?;
    let found = ranges.get(..argument.range_count as usize);
    let found = found.ok_or_else(|| {
        let count = argument.range_count;
        RequestError::Nonsense(format!("{name} has lost {count} ranges"))
    })?;
    let mut found = found.to_vec();
    found.sort_by_key(|range| range.sector);
    Ok(joined(&found))
}

/// Ranges that follow one another are one.
fn joined(ranges: &[abi::LostRange]) -> Vec<LostRange> {
    let mut all: Vec<LostRange> = Vec::new();
    for range in ranges {
        match all.last_mut() {
            Some(last) if last.first + last.count.0 == range.sector => {
                last.count.0 += range.sectors;
            }
            _ => all.push(LostRange {
                first: range.sector,
                count: Sectors(range.sectors),
            }),
        }
    }
    all
}
