// SPDX-License-Identifier: GPL-2.0
//! Writing to the logs of the columns, and to the columns.

use kernel::prelude::*;
use md_model::raid5::{
    bit,
    log::{
        self,
        slot_start,
        Entry,
        Head, //
    },
    lost::BLOCK_SECTORS,
    unlogged::Unlogged,
    BATCH_LINES_MAX,
    SLOTS, //
};

use super::{
    Target,
    Work, //
};
use crate::{
    abi::Refusal,
    kapi::{
        crc32c::checksum,
        volley::{
            Extent,
            Outcome, //
        }, //
    },
    Refused, //
};

/// How often something is tried again after states have changed: each time there is one column less
/// in service.
pub(super) const TRIES: u32 = 4;

impl Work {
    /// Sends a flush to all columns that are in service. Whether all of them have carried it out;
    /// who has not is noted.
    pub(super) fn flush(&mut self, target: Target<'_>) -> bool {
        let members = target.present();
        self.volley.clear();
        let mut sent = [None; 64];
        for (column, sent) in (0..target.count()).zip(&mut sent) {
            if let Some(component) = target.column(column).filter(|_| members & bit(column) != 0) {
                *sent = self.volley.flush(&component.device);
            }
        }
        self.volley.fire();
        let all_done = self.note_writes(target, &sent) == members;
        if all_done {
            // Everything that was acknowledged is in place, and now durable there.
            self.tail = self.sequence;
            self.is_unflushed = false;
            self.window.clear();
            target.unit.note_flushed();
        }
        all_done
    }

    /// The same; columns that fail are judged, and then it is tried without them. If that cannot be
    /// recorded their record says that they have all there is, and no flush makes that true.
    pub(super) fn flush_settled(&mut self, target: Target<'_>) -> Result {
        if target.unit.is_unrecorded() {
            return if self.is_unflushed { Err(EIO) } else { Ok(()) };
        }
        for _ in 0..TRIES {
            if self.flush(target) {
                return Ok(());
            }
            if !target.judge() || target.unit.is_unrecorded() {
                return Err(EIO);
            }
        }
        Err(EIO)
    }

    /// Notes which of the writes have failed, one for each column. Those that were carried out, as
    /// bits of their columns.
    pub(super) fn note_writes(&mut self, target: Target<'_>, sent: &[Option<u32>]) -> u64 {
        let mut done = 0;
        for (column, shot) in (0..target.count()).zip(sent) {
            let (Some(shot), Some(component)) = (*shot, target.column(column)) else {
                continue;
            };
            if self.volley.outcome(shot) == Outcome::Done {
                done |= bit(column);
            } else {
                component.device.note_failed(false);
                component.note_write_failed();
            }
        }
        done
    }

    /// Writes a batch without entries to all columns that are in service: what is before it does
    /// not count any more. Everything that was written is durable.
    fn checkpoint(&mut self, target: Target<'_>) -> bool {
        let members = target.present();
        self.tail = self.sequence;
        self.write_pages(target, self.head(target, members)) == members
    }

    /// Writes a batch without entries to all of its members, durably. Those that have it, as bits.
    pub(super) fn write_pages(&mut self, target: Target<'_>, head: Head) -> u64 {
        let members = head.members;
        self.unlogged = Unlogged::Unsettled;
        self.volley.clear();
        let mut sent = [None; 64];
        for (column, sent) in (0..target.count()).zip(&mut sent) {
            if members & bit(column) != 0 {
                *sent = self.load_slot(target, &Head { column, ..head }, &[]);
            }
        }
        self.volley.fire();
        let done = self.note_writes(target, &sent);
        self.sequence = self.sequence.saturating_add(1);
        self.told = (done == members).then_some(head.missing);
        if done == members {
            self.unlogged = Unlogged::of(head.is_open);
        }
        done
    }

    /// The same; columns that fail are judged, and then it is tried without them.
    pub(super) fn checkpoint_settled(&mut self, target: Target<'_>) -> Result {
        if target.unit.is_unrecorded() {
            return Err(EIO);
        }
        for _ in 0..TRIES {
            self.flush_settled(target)?;
            if self.checkpoint(target) {
                return Ok(());
            }
            if !target.judge() || target.unit.is_unrecorded() {
                return Err(EIO);
            }
        }
        Err(EIO)
    }

    /// The same, of a metadevice that is being made: all columns have to be fine.
    pub(super) fn checkpoint_new(&mut self, target: Target<'_>) -> Result<(), Refused> {
        let done = self.checkpoint(target) && self.flush(target);
        if done {
            return Ok(());
        }
        let failed = (0..target.count()).find(|column| {
            let component = target.column(*column);
            component.is_some_and(|part| part.condition.take_failures().write)
        });
        let refused = Refused::with_errno(EIO, Refusal::DiskFailed);
        Err(refused.at(failed.unwrap_or(0)))
    }

    /// What the pages of the next batch say, but for whose they are.
    pub(super) fn head(&self, target: Target<'_>, members: u64) -> Head {
        Head {
            log: target.unit.log(),
            column: 0,
            sequence: self.sequence,
            tail: self.tail,
            members,
            is_open: false,
            missing: target.lacking(),
            columns: target.count(),
            devices: self.devices,
        }
    }

    /// Adds the write of a column's slot: its page, to which [`Self::load_entries`] adds the rest.
    fn load_slot(&mut self, target: Target<'_>, head: &Head, entries: &[Entry]) -> Option<u32> {
        let page = self.page(head.column);
        let filled = self.filled.get_mut(head.column as usize)?;
        let memory = self.volley.bytes_mut(page)?;
        log::encode(head, entries, memory, filled, checksum)?;
        let component = target.column(head.column)?;
        let sector = target
            .start(head.column)
            .checked_add(slot_start(head.sequence))?;
        let shot = self.volley.write(&component.device, sector, true)?;
        self.volley.add(shot, page)?;
        Some(shot)
    }

    /// Whether the lines may have the next slot as things are. If not, what has the oldest slot has
    /// to be durable in place first (`DURABILITY.md` clause 7); or what else counts of a line that
    /// is announced.
    pub(super) fn may_use_slot(&self) -> bool {
        let lines = || {
            let lines = self.lines.iter().take(self.used);
            lines.filter(|line| line.written() != 0)
        };
        let announced = lines().filter(|line| line.is_announced).count();
        let mut places = lines().map(|line| (line.line.start, line.is_announced));
        self.sequence.saturating_sub(self.tail) < SLOTS
            && self.window.has_room(announced)
            && places.all(|(start, is_announced)| self.window.is_clear_of(start, is_announced))
    }

    /// Writes what the lines are to change to the logs of their columns. Columns that have failed
    /// are noted; their bits.
    pub(super) fn write_slots(&mut self, target: Target<'_>) -> u64 {
        let mut members = 0;
        for line in self.lines.iter().take(self.used) {
            members |= line.written();
        }
        if members == 0 {
            return 0;
        }
        self.make_checksums();
        self.volley.clear();
        let head = self.head(target, members);
        let mut sent = [None; 64];
        for (column, sent) in (0..target.count()).zip(&mut sent) {
            if members & bit(column) != 0 {
                *sent = self.load_entries(target, &Head { column, ..head });
            }
        }
        self.volley.fire();
        let failed = members & !self.note_writes(target, &sent);
        self.sequence = self.sequence.saturating_add(1);
        if self.told != Some(head.missing) {
            // The newest pages say something else now, and not to all columns.
            self.told = None;
        }
        // Also if it has failed: those who have it may be the ones that are there after a crash.
        for line in self.lines.iter().take(self.used) {
            if line.written() != 0 {
                self.window.note(line.line.start, line.is_announced);
            }
        }
        failed
    }

    /// Makes the checksums of what the lines write.
    fn make_checksums(&mut self) {
        for index in 0..self.used {
            let Some(line) = self.lines.get(index) else {
                continue;
            };
            // The parity is the sum of the others, and all of them are written.
            let derived = line.is_announced.then_some(line.line.parity);
            for column in (0..self.columns).filter(|column| Some(*column) != derived) {
                let entry = self.entry(index, column);
                let bytes = entry.and_then(|(_, extent)| self.volley.bytes(extent));
                let checksum = bytes.map_or(0, checksum);
                if let Some(line) = self.lines.get_mut(index) {
                    line.note_checksum(column, checksum);
                }
            }
            if let Some(parity) = derived {
                self.derive_checksum(index, parity);
            }
        }
    }

    /// Makes the checksum of a line's parity, which is the sum of the others, of theirs.
    fn derive_checksum(&mut self, index: usize, parity: u32) {
        let entry = self.entry(index, parity);
        let blocks = entry.map_or(0, |(entry, _)| u64::from(entry.count) / BLOCK_SECTORS);
        let zeros = self.zeros.get(blocks as usize).copied();
        if let Some((line, zeros)) = self.lines.get_mut(index).zip(zeros) {
            let others = line.checksums_but(parity);
            let checksum = log::checksum_of_sum(others, zeros);
            line.note_checksum(parity, checksum);
        }
    }

    /// Adds the write of a column's slot with all that the lines have for it.
    fn load_entries(&mut self, target: Target<'_>, head: &Head) -> Option<u32> {
        let column = head.column;
        let mut entries = [Entry::default(); BATCH_LINES_MAX as usize];
        let mut count = 0usize;
        for index in 0..self.used {
            let Some((entry, _)) = self.entry(index, column) else {
                continue;
            };
            *entries.get_mut(count)? = entry;
            count = count.checked_add(1)?;
        }
        let entries = entries.get(..count)?;
        let shot = self.load_slot(target, head, entries)?;
        if entries.iter().all(|entry| entry.is_announced) {
            return Some(shot);
        }
        for index in 0..self.used {
            match self.entry(index, column) {
                Some((entry, extent)) if !entry.is_announced => self.volley.add(shot, extent)?,
                _ => {}
            }
        }
        Some(shot)
    }

    /// What a line has for a column, and where that is in memory.
    fn entry(&self, index: usize, column: u32) -> Option<(Entry, Extent)> {
        let line = self.lines.get(index)?;
        let (from, count) = line.written_run(column)?;
        let entry = Entry {
            offset: line.line.start.checked_add(from.into())?,
            count,
            is_announced: line.is_announced,
            checksum: line.checksum(column),
        };
        Some((entry, self.extent(index, column, from, count)))
    }

    /// Writes what the lines are to change to where it belongs. Columns that have failed are noted,
    /// and with each line which of its columns have.
    pub(super) fn write_lines(&mut self, target: Target<'_>) {
        self.is_unflushed = true;
        self.volley.clear();
        for column in 0..target.count() {
            // What follows the last line on its column goes with it.
            let mut last: Option<(u32, u64)> = None;
            for index in 0..self.used {
                let Some((entry, extent)) = self.entry(index, column) else {
                    continue;
                };
                let joined = last.filter(|(_, end)| *end == entry.offset);
                let joined = joined.filter(|(shot, _)| self.volley.add(*shot, extent).is_some());
                let shot = match joined {
                    Some((shot, _)) => Some(shot),
                    None => self.load_line(target, column, entry.offset, extent),
                };
                last = shot.map(|shot| (shot, entry.end()));
                if let Some(line) = self.lines.get_mut(index) {
                    line.note_sent(column, shot);
                }
            }
        }
        self.volley.fire();
        self.collect(target, false);
    }

    /// Adds the write of what a line has for a column.
    fn load_line(
        &mut self,
        target: Target<'_>,
        column: u32,
        offset: u64,
        extent: Extent,
    ) -> Option<u32> {
        let component = target.column(column)?;
        let sector = target.sector(column, offset);
        let shot = self.volley.write(&component.device, sector, false)?;
        self.volley.add(shot, extent)?;
        Some(shot)
    }
}
