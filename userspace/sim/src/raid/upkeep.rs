// SPDX-License-Identifier: GPL-2.0
//! What is done to a metadevice besides writes: a column that is whole is replaced, and the new one
//! copied from it; columns are attached; a parity that somebody has damaged is repaired.

use std::collections::BTreeSet;

use md_model::raid5::{
    layout::Line,
    progress::{
        Activity,
        Progress, //
    },
    source::Stale,
    LOG_SECTORS, //
};

use super::{
    disk::{
        add,
        Disk,
        Sector, //
    },
    engine::{
        Prepared,
        Run, //
    },
    Cut,
    Record,
    World, //
};

/// Columns that are attached at most.
const ATTACHED_MAX: u32 = 2;

/// What a new column is copied from.
#[derive(Clone)]
pub(super) struct Source {
    disk: Disk,
    stale: Stale,
}

impl World {
    /// A column that is whole gets another disk.
    pub(super) fn replace_whole(&mut self) -> Result<(), Cut> {
        let column = self.random.below(self.columns() as usize) as u32;
        self.flush()?;
        self.checkpoint()?;
        if self.missing.is_some() {
            // One has failed meanwhile: this one is needed.
            return Ok(());
        }
        self.retire(column);
        let before = std::mem::replace(&mut self.disks[column as usize], Disk::new(0x77));
        self.source = Some(Source {
            disk: before,
            stale: Stale::new(self.layout.column_sectors()),
        });
        self.progress = Progress::begin(Activity::Column(column));
        self.put_on_record();
        self.step()?;
        self.devices = self.devices.wrapping_add(1);
        self.tail = self.sequence;
        self.checkpoint()
    }

    /// A column's device is about to be another one: an older record has this one.
    pub(super) fn retire(&mut self, column: u32) {
        let disk = self.disks[column as usize].clone();
        if let Some(older) = &mut self.older {
            older.disks.entry(column).or_insert(disk);
        }
    }

    /// Lines are about to be written to: what the new column is copied from does not get that.
    pub(super) fn note_changes(&mut self, lines: &BTreeSet<u64>) {
        let Activity::Column(column) = self.progress.activity else {
            return;
        };
        let is_noted = self.rules.copy_only_what_is_not_written;
        let Some(source) = self.source.as_mut().filter(|_| is_noted) else {
            return;
        };
        for start in lines {
            let Some(line) = self.layout.line_of(*start) else {
                continue;
            };
            let mut written = self.pending.keys();
            let is_changed = line.parity == column
                || written.any(|sector| {
                    let piece = self.layout.piece(*sector, 1);
                    piece.is_some_and(|piece| piece.line == *start && piece.column == column)
                });
            if is_changed {
                source.stale.note(line.start, line.count);
            }
        }
    }

    /// What a new column is copied from at an offset, if it is.
    pub(super) fn copied(&self, line: &Line, offset: u64) -> Option<Sector> {
        let source = self.source.as_ref()?;
        let is_good = source.stale.is_good(line.start, line.count);
        is_good.then(|| source.disk.read(LOG_SECTORS + offset))
    }

    /// One more column, which was filled with zeroes.
    pub(super) fn attach(&mut self) -> Result<(), Cut> {
        if self.layout.attached() >= ATTACHED_MAX {
            return Ok(());
        }
        let blank = if self.rules.zeroes_before_attachment {
            0
        } else {
            0x55
        };
        self.flush()?;
        self.checkpoint()?;
        if self.missing.is_some() {
            return Ok(());
        }
        self.layout = self.layout.attach(1).expect("in range");
        self.disks.push(Disk::new(blank));
        let known = self.acknowledged.len() as u64;
        let new = known..self.layout.sectors();
        self.acknowledged.extend(new.map(|_| [blank; 512]));
        self.put_on_record();
        self.step()?;
        self.tail = self.sequence;
        self.checkpoint()
    }

    /// Somebody writes to a column past the metadevice, where it has a parity.
    pub(super) fn damage(&mut self) {
        let offset = self.random.below(self.layout.column_sectors() as usize) as u64;
        let line = self.layout.line_of(offset).expect("inside");
        let at = LOG_SECTORS + line.start;
        let disk = &mut self.disks[line.parity as usize];
        let mut bytes = disk.read(at);
        bytes[5] ^= 0x10;
        disk.accept(at, bytes);
        disk.force(at..at + 1);
        self.damaged = Some(line.start);
    }

    /// A check finds it, and a repair makes the parity of the data.
    pub(super) fn repair(&mut self) -> Result<(), Cut> {
        let Some(line) = self.damaged.and_then(|start| self.layout.line_of(start)) else {
            return Ok(());
        };
        let parity = |at: u64| {
            let others = (0..self.columns()).filter(|column| *column != line.parity);
            let mut sum = [0; 512];
            others.for_each(|column| add(&mut sum, &self.at(column, at)));
            sum
        };
        let sums: Vec<_> = (line.start..line.start + line.count).map(parity).collect();
        let run = Run {
            offset: line.start,
            sectors: sums,
            is_announced: false,
        };
        let repair = Prepared {
            runs: [(line.parity, vec![run])].into(),
            lines: vec![(line.start, false)],
        };
        if self.rules.repair_through_the_logs || self.rules.unlogged {
            self.write_logged(&repair)?;
        } else {
            self.write_in_place(&repair)?;
        }
        self.flush()?;
        self.damaged = None;
        Ok(())
    }

    /// Whether a line is one that somebody has damaged.
    pub(super) fn is_damaged(&self, line: &Line) -> bool {
        self.damaged == Some(line.start)
    }

    /// It is recorded how it is.
    fn put_on_record(&mut self) {
        self.record = Record {
            missing: self.missing,
            progress: self.progress,
            layout: self.layout,
        };
    }
}
