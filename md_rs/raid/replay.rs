// SPDX-License-Identifier: GPL-2.0
//! What is done about the logs before the first request; `md_model::raid5::replay` has the rules.

use kernel::prelude::*;
use md_model::{
    database::identity::Uuid,
    raid5::{
        bit,
        log::{
            self,
            checksum,
            slot_start,
            Entry, //
        },
        replay::{
            judge,
            Batch,
            Found,
            Scan,
            Verdict, //
        },
        HEAD_SECTORS,
        LINE_SECTORS,
        SLOTS, //
    },
    units::SECTOR_BYTES,
};

use super::{
    Target,
    Work, //
};
use crate::kapi::bdev::Buffer;

/// Memory for a page and for the sectors of an entry.
pub(super) struct Memory {
    pub(super) page: Buffer,
    pub(super) data: Buffer,
}

/// Entries of a slot.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Which {
    /// Those of which the slot has the sectors.
    Logged,
    /// Those that are announced; their sectors are those in place.
    Announced,
}

impl Memory {
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            page: Buffer::new(log::PAGE_BYTES)?,
            data: Buffer::new((LINE_SECTORS * SECTOR_BYTES) as usize)?,
        })
    }
}

impl Work {
    /// Carries the logs out. `may_write`: else it is an error if there is something to carry out.
    pub(super) fn replay(&mut self, target: Target<'_>, may_write: bool) -> Result {
        let mut memory = Memory::new()?;
        // A column whose log cannot be read is out of service, and all is looked at again.
        let redone = loop {
            match self.carry_out(target, &mut memory, may_write) {
                Ok(redone) => break redone,
                Err(_) if may_write && target.judge() && !target.unit.is_unrecorded() => {}
                Err(error) => return Err(error),
            }
        };
        let (number, lost) = (target.body.number(), self.lost.blocks());
        if lost > 0 {
            pr_err!(
                "d{number}: {lost} blocks of 4 KiB read as errors until they are written again: \
                 they were being written when the power went, and a column went with it\n"
            );
        }
        if !may_write {
            return Ok(());
        }
        if redone > 0 {
            pr_info!("d{number}: {redone} batches of writes of its logs were carried out\n");
        }
        target.judge();
        self.flush_settled(target)?;
        if target.unit.is_unrecorded() {
            return Ok(());
        }
        self.settle_list(target)?;
        self.checkpoint_settled(target)
    }

    /// Looks at all logs, and carries out what may have begun. How many batches. Not on the stack
    /// of its caller, who judges after that, and commits.
    #[inline(never)]
    fn carry_out(
        &mut self,
        target: Target<'_>,
        memory: &mut Memory,
        may_write: bool,
    ) -> Result<u32> {
        let has_list = self.read_list(target, &mut memory.page);
        if !has_list || may_write && !self.write_list(target) {
            return Err(EIO);
        }
        let found = read_heads(target, memory)?.ok_or(EIO)?;
        let scan = Scan::new(target.unit.log(), &found);
        let mut redone = 0u32;
        let mut from = 0;
        while let Some(batch) = scan.first_from(from) {
            from = batch.sequence.checked_add(1).ok_or(EOVERFLOW)?;
            let whole = redo(target, &batch, memory, may_write)?;
            if whole != 0 {
                self.is_unflushed = true;
                self.settle_announced(target, &batch, whole, memory)?;
                redone = redone.saturating_add(1);
            }
        }
        self.devices = scan.devices(target.count(), target.present());
        self.sequence = scan.next_sequence();
        self.tail = scan.tail().max(1);
        Ok(redone)
    }
}

/// Reads the pages of all slots of all columns that are in service. `None`: one of them cannot be
/// read.
pub(super) fn read_heads(target: Target<'_>, memory: &mut Memory) -> Result<Option<KVVec<Found>>> {
    let mut found = room_for_heads(target)?;
    let present = target.present();
    if target.count().saturating_sub(present.count_ones()) > 1 {
        return Err(ENODEV);
    }
    for column in target.members(present) {
        let Some(component) = target.column(column) else {
            continue;
        };
        if read_column(target, column, memory, &mut found).is_err() {
            // What is in place may be half of something.
            component.note_write_failed();
            return Ok(None);
        }
    }
    Ok(Some(found))
}

/// Room for the pages of all slots of all columns.
pub(super) fn room_for_heads(target: Target<'_>) -> Result<KVVec<Found>> {
    let count = (SLOTS as usize).saturating_mul(target.count() as usize);
    Ok(KVVec::from_elem(None, count, GFP_KERNEL)?)
}

/// Reads the pages of all slots of a column.
pub(super) fn read_column(
    target: Target<'_>,
    column: u32,
    memory: &mut Memory,
    found: &mut [Found],
) -> Result {
    let component = target.column(column).ok_or(EINVAL)?;
    let first = (SLOTS as usize).saturating_mul(column as usize);
    for (slot, place) in (0..SLOTS).zip(found.iter_mut().skip(first)) {
        let sector = target.start(column).saturating_add(slot_start(slot));
        component
            .device
            .read_part(sector, HEAD_SECTORS, &mut memory.page, 0)?;
        *place = log::decode(&memory.page);
    }
    Ok(())
}

/// Carries out what a batch has logged, if it is one that may have begun. The columns that have it,
/// as bits; none if it has not begun.
fn redo(target: Target<'_>, batch: &Batch, memory: &mut Memory, may_write: bool) -> Result<u64> {
    let present = target.present();
    let mut whole = 0;
    let mut has_entries = false;
    for column in target.members(batch.holders & present) {
        let only_look = &mut |_: &Entry, _: &Buffer| Ok(());
        let entries = for_entries(target, batch, column, memory, Which::Logged, only_look)?;
        if let Some(entries) = entries {
            whole |= bit(column);
            has_entries |= entries > 0;
        }
    }
    if judge(batch.members, !present, whole) == Verdict::Leave || !has_entries {
        return Ok(0);
    }
    if !may_write {
        return Err(EROFS);
    }
    for column in target.members(batch.members & present) {
        let Some(component) = target.column(column) else {
            continue;
        };
        let again = &mut |entry: &Entry, data: &Buffer| {
            let sector = target.sector(column, entry.offset);
            component
                .device
                .write_copy(sector, entry.count.into(), data, 0, false)
        };
        let written = for_entries(target, batch, column, memory, Which::Logged, again);
        if !matches!(written, Ok(Some(_))) {
            component.note_write_failed();
        }
    }
    Ok(whole)
}

/// Calls `each` for such entries that a column has in a batch, with their data. How many entries
/// there are of both kinds; `None` if it does not have the batch, or not all of it, or cannot be
/// read.
pub(super) fn for_entries(
    target: Target<'_>,
    batch: &Batch,
    column: u32,
    memory: &mut Memory,
    which: Which,
    each: &mut dyn FnMut(&Entry, &Buffer) -> Result,
) -> Result<Option<u32>> {
    let component = target.column(column).ok_or(EINVAL)?;
    let start = target
        .start(column)
        .saturating_add(slot_start(batch.sequence));
    let read = component
        .device
        .read_part(start, HEAD_SECTORS, &mut memory.page, 0);
    if read.is_err() || !is_of(target.unit.log(), batch, &memory.page) {
        return Ok(None);
    }
    let mut sector = start.saturating_add(HEAD_SECTORS);
    let mut count = 0u32;
    for entry in log::entries(&memory.page) {
        if entry.end() > target.layout().column_sectors() {
            return Ok(None);
        }
        let (from, is_asked) = match which {
            Which::Logged => (sector, !entry.is_announced),
            Which::Announced => (target.sector(column, entry.offset), entry.is_announced),
        };
        sector = sector.saturating_add(entry.logged());
        count = count.saturating_add(1);
        if !is_asked {
            continue;
        }
        let read = component
            .device
            .read_part(from, entry.count.into(), &mut memory.data, 0);
        let bytes = (entry.count as usize).saturating_mul(SECTOR_BYTES as usize);
        let data = memory.data.get(..bytes).unwrap_or(&[]);
        let is_right = entry.is_announced || checksum(data) == entry.checksum;
        if read.is_err() || !is_right {
            return Ok(None);
        }
        each(&entry, &memory.data)?;
    }
    Ok(Some(count))
}

/// Whether a page is that of a batch.
fn is_of(log: Uuid, batch: &Batch, page: &[u8]) -> bool {
    log::decode(page).is_some_and(|head| {
        head.log == log && head.sequence == batch.sequence && head.members == batch.members
    })
}
