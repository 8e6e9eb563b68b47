// SPDX-License-Identifier: GPL-2.0
//! How many bytes volumes may have, as the user says it.

use crate::{
    failure::Failure,
    options::Arguments,
    selection::Selection,
    tape_length, //
};
use md_dump_format::{
    layout::Identity,
    RECORD, //
};

/// Most bytes of each volume: whole blocks of so many records, the last for all that follow.
pub(crate) fn of(arguments: &Arguments, ntrec: u32) -> Vec<u64> {
    let block = u64::from(ntrec) * RECORD as u64;
    let records = arguments.records.iter();
    let bytes: Vec<u64> = records
        .map(|records| records.saturating_mul(RECORD as u64) / block * block)
        .collect();
    if !bytes.is_empty() {
        return bytes;
    }
    let tape = tape_length::Tape {
        feet: arguments.feet,
        density: arguments.density,
        is_cartridge: arguments.cartridge,
    };
    let blocks = tape
        .blocks(u64::from(ntrec))
        .filter(|_| !arguments.auto_size);
    blocks.map(|blocks| blocks * block).into_iter().collect()
}

/// Refuses volumes that have no room for the maps, which restore wants on the first one, and those
/// that have no room for anything.
pub(crate) fn check(
    volume_bytes: &[u64],
    selection: &Selection,
    identity: &Identity,
) -> Result<(), Failure> {
    let maps = (selection.used.bytes().len() + selection.wanted.bytes().len()) / RECORD;
    let block = u64::from(identity.ntrec);
    let for_maps = (3 + maps as u64).next_multiple_of(block);
    let needs = [for_maps]
        .into_iter()
        .chain(std::iter::repeat(block.max(2)));
    let mut short = volume_bytes.iter().zip(needs);
    let Some((_, need)) = short.find(|(bytes, need)| **bytes / (RECORD as u64) < *need) else {
        return Ok(());
    };
    let reason = format!("a volume has to have {need} KiB at least, the first one for the maps");
    Err(Failure::new(
        "-B",
        &reason,
        &format!("mddump -B {need} ..."),
    ))
}
