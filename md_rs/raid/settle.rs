// SPDX-License-Identifier: GPL-2.0
//! What is done at a start about lines that were announced, and may be in place in part:
//! `md_model::raid5::replay` has the rule.

use kernel::prelude::*;
use md_model::raid5::{
    bit,
    log::{
        checksum,
        Entry, //
    },
    lost::{
        blocks,
        LostLine, //
    },
    replay::{
        settle,
        Batch,
        Settled, //
    },
    BATCH_LINES_MAX,
    LINE_SECTORS, //
};

use super::{
    replay::{
        for_entries,
        Memory,
        Which, //
    },
    Target,
    Work, //
};
use crate::kapi::bdev::Buffer;

/// What a batch has announced.
struct Announced {
    entries: KVec<Entry>,
    /// Columns that do not have what was announced, as bits, for each of the entries.
    differing: [u64; BATCH_LINES_MAX as usize],
}

impl Work {
    /// Makes the lines fit that a batch has announced, or finds out that something of them is lost.
    /// `whole`: columns that are there and have the batch.
    pub(super) fn settle_announced(
        &mut self,
        target: Target<'_>,
        batch: &Batch,
        whole: u64,
        memory: &mut Memory,
    ) -> Result {
        let announced = compare(target, batch, whole, memory)?;
        let missing = batch.members & !target.present();
        for (entry, differing) in announced.entries.iter().zip(announced.differing) {
            let line = target.layout().line_of(entry.offset).ok_or(EINVAL)?;
            match settle(line.parity, missing, differing) {
                Settled::Fine => {}
                Settled::MakeParity => make_parity(target, line.parity, entry, memory)?,
                Settled::Lost(column) => {
                    let from = entry.offset.saturating_sub(line.start);
                    self.lost.add(LostLine {
                        start: line.start,
                        column,
                        blocks: blocks(from, entry.count.into(), false),
                    })?;
                }
            }
        }
        Ok(())
    }
}

/// Compares what is in place with what was announced.
fn compare(
    target: Target<'_>,
    batch: &Batch,
    whole: u64,
    memory: &mut Memory,
) -> Result<Announced> {
    let mut announced = Announced {
        entries: KVec::with_capacity(BATCH_LINES_MAX as usize, GFP_KERNEL)?,
        differing: [0; BATCH_LINES_MAX as usize],
    };
    let first = whole.trailing_zeros();
    for column in target.members(whole) {
        // Every column has all lines that are announced, in the same order.
        let mut places = announced.differing.iter_mut();
        let entries = &mut announced.entries;
        let read = for_entries(
            target,
            batch,
            column,
            memory,
            Which::Announced,
            &mut |entry, data| {
                let place = places.next().ok_or(EINVAL)?;
                if checksum(of_entry(entry, data)) != entry.checksum {
                    *place |= bit(column);
                }
                if column == first {
                    let pushed = entries.push_within_capacity(*entry);
                    pushed.map_err(|_| EINVAL)?;
                }
                Ok(())
            },
        );
        if !matches!(read, Ok(Some(_))) {
            return Err(given_up(target, column));
        }
    }
    Ok(announced)
}

/// Makes the parity of an entry's sectors of the data that is there.
fn make_parity(target: Target<'_>, parity: u32, entry: &Entry, memory: &mut Memory) -> Result {
    let count = u64::from(entry.count);
    let mut sum = Buffer::new((LINE_SECTORS * 512) as usize)?;
    sum.fill(0);
    for column in (0..target.count()).filter(|column| *column != parity) {
        let component = target.column(column).ok_or(EINVAL)?;
        let sector = target.sector(column, entry.offset);
        let read = component
            .device
            .read_part(sector, count, &mut memory.data, 0);
        read.map_err(|_| given_up(target, column))?;
        target.unit.xor(&mut sum, &[&memory.data]);
    }
    let component = target.column(parity).ok_or(EINVAL)?;
    let sector = target.sector(parity, entry.offset);
    let written = component.device.write_copy(sector, count, &sum, 0, false);
    written.map_err(|_| given_up(target, parity))
}

/// A column cannot be read or written: it is judged, and everything is done again without it.
fn given_up(target: Target<'_>, column: u32) -> Error {
    if let Some(component) = target.column(column) {
        component.note_write_failed();
    }
    EIO
}

fn of_entry<'a>(entry: &Entry, data: &'a Buffer) -> &'a [u8] {
    let bytes = (entry.count as usize).saturating_mul(512);
    data.get(..bytes).unwrap_or(&[])
}
