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
    BATCH_LINES_MAX,
    SLOTS, //
};

use super::{
    Target,
    Work, //
};
use crate::{
    abi::Refusal,
    kapi::volley::{
        Extent,
        Outcome, //
    },
    Refused, //
};

/// How often something is tried again after states have changed: each time there is one column less
/// in service.
const TRIES: u32 = 4;

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
        let all_done = self.note_writes(target, &sent);
        if all_done {
            // Everything that was acknowledged is in place, and now durable there.
            self.tail = self.sequence;
            target.unit.note_flushed();
        }
        all_done
    }

    /// The same; columns that fail are judged, and then it is tried without them.
    pub(super) fn flush_settled(&mut self, target: Target<'_>) -> Result {
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

    /// Notes which of the writes have failed, one for each column. Whether none has.
    fn note_writes(&mut self, target: Target<'_>, sent: &[Option<u32>]) -> bool {
        let mut all_done = true;
        for (column, shot) in (0..).zip(sent) {
            let (Some(shot), Some(component)) = (*shot, target.column(column)) else {
                continue;
            };
            if self.volley.outcome(shot) != Outcome::Done {
                component.device.note_failed(false);
                component.note_write_failed();
                all_done = false;
            }
        }
        all_done
    }

    /// Writes a batch without entries to all columns that are in service: what is before it does
    /// not count any more. Everything that was written is durable.
    fn checkpoint(&mut self, target: Target<'_>) -> bool {
        let members = target.present();
        self.tail = self.sequence;
        self.volley.clear();
        let mut sent = [None; 64];
        for (column, sent) in (0..target.count()).zip(&mut sent) {
            if members & bit(column) != 0 {
                *sent = self.load_slot(target, column, members, &[]);
            }
        }
        self.volley.fire();
        let done = self.note_writes(target, &sent);
        self.sequence = self.sequence.saturating_add(1);
        done
    }

    /// The same; columns that fail are judged, and then it is tried without them.
    pub(super) fn checkpoint_settled(&mut self, target: Target<'_>) -> Result {
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

    /// Adds the write of a column's slot: its page, to which [`Self::add_entry`] adds the rest.
    fn load_slot(
        &mut self,
        target: Target<'_>,
        column: u32,
        members: u64,
        entries: &[Entry],
    ) -> Option<u32> {
        let head = Head {
            log: target.unit.log(),
            column,
            sequence: self.sequence,
            tail: self.tail,
            members,
        };
        let page = self.page(column);
        log::encode(&head, entries, self.volley.bytes_mut(page)?)?;
        let component = target.column(column)?;
        let sector = target
            .start(column)
            .checked_add(slot_start(self.sequence))?;
        let shot = self.volley.write(&component.device, sector, true)?;
        self.volley.add(shot, page)?;
        Some(shot)
    }

    /// Whether there is a free slot for the next batch. If not, what is in the oldest has to be
    /// made durable in place first (`DURABILITY.md` clause 7).
    pub(super) fn has_free_slot(&self) -> bool {
        self.sequence.saturating_sub(self.tail) < SLOTS
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
        self.volley.clear();
        let mut sent = [None; 64];
        for (column, sent) in (0..target.count()).zip(&mut sent) {
            if members & bit(column) != 0 {
                *sent = self.load_entries(target, column, members);
            }
        }
        self.volley.fire();
        let mut failed = 0;
        for (column, sent) in (0..target.count()).zip(&sent) {
            let is_done = sent.map(|shot| self.volley.outcome(shot)) == Some(Outcome::Done);
            if members & bit(column) != 0 && !is_done {
                failed |= bit(column);
            }
        }
        self.note_writes(target, &sent);
        self.sequence = self.sequence.saturating_add(1);
        failed
    }

    /// Adds the write of a column's slot with all that the lines have for it.
    fn load_entries(&mut self, target: Target<'_>, column: u32, members: u64) -> Option<u32> {
        let mut entries = [Entry::default(); BATCH_LINES_MAX as usize];
        let mut count = 0usize;
        for index in 0..self.used {
            let Some((entry, extent)) = self.entry(index, column) else {
                continue;
            };
            let checksum = log::checksum(self.volley.bytes(extent)?);
            *entries.get_mut(count)? = Entry { checksum, ..entry };
            count = count.checked_add(1)?;
        }
        let shot = self.load_slot(target, column, members, entries.get(..count)?)?;
        for index in 0..self.used {
            if let Some((_, extent)) = self.entry(index, column) {
                self.volley.add(shot, extent)?;
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
            checksum: 0,
        };
        Some((entry, self.extent(index, column, from, count)))
    }

    /// Writes what the lines are to change to where it belongs. Columns that have failed are noted,
    /// and with each line which of its columns have.
    pub(super) fn write_lines(&mut self, target: Target<'_>) {
        self.volley.clear();
        for index in 0..self.used {
            for column in 0..target.count() {
                let Some((entry, extent)) = self.entry(index, column) else {
                    continue;
                };
                let shot = target.column(column).and_then(|component| {
                    let sector = target.sector(column, entry.offset);
                    let shot = self.volley.write(&component.device, sector, false)?;
                    self.volley.add(shot, extent)?;
                    Some(shot)
                });
                if let Some(line) = self.lines.get_mut(index) {
                    line.note_sent(column, shot);
                }
            }
        }
        self.volley.fire();
        self.collect(target, false);
    }
}
