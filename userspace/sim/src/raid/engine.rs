// SPDX-License-Identifier: GPL-2.0
//! What the kernel does while it runs: batches of writes, flushes, what is made of the parity or of
//! a column, and the replacement of a column.

use std::collections::{
    BTreeMap,
    BTreeSet, //
};

use md_model::raid5::{
    bit,
    log::{
        self,
        slot_start,
        Entry,
        Head,
        PAGE_BYTES, //
    },
    plan::{
        choose,
        Case,
        Lost,
        Plan, //
    },
    progress::{
        Activity,
        Progress, //
    },
    HEAD_SECTORS,
    LOG_SECTORS,
    SLOTS,
    SLOT_SECTORS, //
};

use super::{
    disk::{
        add,
        Disk,
        Sector, //
    },
    Cut,
    Record,
    Runs,
    World, //
};

impl World {
    /// A batch of writes.
    pub(super) fn write(&mut self) -> Result<(), Cut> {
        let mut new = BTreeMap::new();
        for _ in 0..1 + self.random.below(3) {
            let first = self.random.below(self.acknowledged.len()) as u64;
            let count = 1 + self.random.below(20) as u64;
            let tag = self.random.bits().to_le_bytes();
            for sector in first..(first + count).min(self.layout.sectors()) {
                let mut bytes = [0; 512];
                let numbered = tag.into_iter().chain([sector as u8]);
                bytes
                    .iter_mut()
                    .zip(numbered)
                    .for_each(|(to, from)| *to = from);
                new.insert(sector, bytes);
            }
        }
        self.pending = new;
        self.carry_out()?;
        for (sector, bytes) in std::mem::take(&mut self.pending) {
            self.acknowledged[sector as usize] = bytes;
        }
        Ok(())
    }

    /// Carries out what is pending.
    fn carry_out(&mut self) -> Result<(), Cut> {
        let runs = self.plan();
        let starts: BTreeSet<_> = (self.pending.keys())
            .map(|sector| self.layout.piece(*sector, 1).expect("inside").line)
            .collect();
        self.note_changes(&starts);
        if self.rules.log {
            self.write_to_logs(&runs)?;
        }
        // A column may fail when the logs are written: the batch is carried out without it.
        if self.missing.is_none()
            && self.damaged.is_none()
            && self.progress.activity == Activity::Nothing
            && self.random.per_mille(30)
        {
            let failed = self.random.below(self.columns() as usize) as u32;
            self.lose(failed);
            return self.carry_out();
        }
        self.write_in_place(&runs)
    }

    /// Writes to the logs, and then in place.
    pub(super) fn write_logged(&mut self, all: &BTreeMap<u32, Runs>) -> Result<(), Cut> {
        self.write_to_logs(all)?;
        self.write_in_place(all)
    }

    /// Writes to the logs, in which there is room afterwards.
    fn write_to_logs(&mut self, all: &BTreeMap<u32, Runs>) -> Result<(), Cut> {
        if self.sequence - self.tail >= SLOTS {
            if self.rules.flush_before_reuse {
                self.flush()?;
            }
            self.tail = self.sequence;
        }
        self.write_logs(all)
    }

    /// Writes to where it belongs.
    pub(super) fn write_in_place(&mut self, all: &BTreeMap<u32, Runs>) -> Result<(), Cut> {
        for (column, runs) in all {
            for (offset, sectors) in runs {
                for (at, bytes) in (LOG_SECTORS + offset..).zip(sectors) {
                    self.disks[*column as usize].accept(at, *bytes);
                }
                self.step()?;
            }
        }
        Ok(())
    }

    /// What is to be written to which column.
    fn plan(&self) -> BTreeMap<u32, Runs> {
        let mut lines: BTreeMap<u64, BTreeMap<(u32, u64), Sector>> = BTreeMap::new();
        for (sector, bytes) in &self.pending {
            let piece = self.layout.piece(*sector, 1).expect("inside");
            let line = lines.entry(piece.line).or_default();
            line.insert((piece.column, piece.skip), *bytes);
        }
        let mut all: BTreeMap<u32, Runs> = BTreeMap::new();
        for (start, new) in lines {
            for (column, from, sectors) in self.plan_line(start, &new) {
                all.entry(column).or_default().push((start + from, sectors));
            }
        }
        all
    }

    /// The same, for one line.
    fn plan_line(
        &self,
        start: u64,
        new: &BTreeMap<(u32, u64), Sector>,
    ) -> Vec<(u32, u64, Vec<Sector>)> {
        let line = self.layout.line_of(start).expect("inside");
        let first = new.keys().map(|(_, at)| *at).min().unwrap_or(0);
        let end = new.keys().map(|(_, at)| *at + 1).max().unwrap_or(0);
        let touched = |column: u32| new.keys().any(|(own, _)| *own == column);
        let data = || (0..self.columns()).filter(|column| *column != line.parity);
        let covered = |column: &u32| (first..end).all(|at| new.contains_key(&(*column, at)));
        let lost = self.lost_at(start);
        let is_parity_known = self.progress.is_parity_known(start);
        let case = Case {
            data_columns: self.columns() - 1,
            touched: data().filter(|column| touched(*column)).count() as u32,
            covered: data().filter(covered).count() as u32,
            lost: match lost {
                None => Lost::Nothing,
                Some(column) if column == line.parity => Lost::Parity,
                Some(column) if touched(column) => Lost::Touched,
                Some(_) => Lost::Untouched,
            },
            is_parity_known: is_parity_known || !self.rules.no_modify_ahead_of_build,
        };
        let plan = choose(&case).expect("no more than one column is lost");
        let old = |column: u32, at: u64| match lost {
            Some(lost) if lost == column => {
                let others = (0..self.columns()).filter(|other| *other != lost);
                let mut sum = [0; 512];
                others.for_each(|other| add(&mut sum, &self.at(other, start + at)));
                sum
            }
            _ => self.at(column, start + at),
        };
        let now = |column: u32, at: u64| {
            let written = new.get(&(column, at)).copied();
            written.unwrap_or_else(|| old(column, at))
        };
        let mut runs = Vec::new();
        for column in data().filter(|column| touched(*column) && Some(*column) != lost) {
            let own = || {
                new.keys()
                    .filter(|(own, _)| *own == column)
                    .map(|(_, at)| *at)
            };
            let (from, to) = (own().min().unwrap_or(0), own().max().unwrap_or(0));
            let values = (from..=to).map(|at| now(column, at)).collect();
            runs.push((column, from, values));
        }
        if plan != Plan::Bare && lost != Some(line.parity) {
            let parity = |at: u64| {
                let mut sum = [0; 512];
                if plan == Plan::Modify {
                    sum = self.at(line.parity, start + at);
                    for column in data().filter(|column| touched(*column)) {
                        add(&mut sum, &old(column, at));
                        add(&mut sum, &now(column, at));
                    }
                } else {
                    data().for_each(|column| add(&mut sum, &now(column, at)));
                }
                sum
            };
            runs.push((line.parity, first, (first..end).map(parity).collect()));
        }
        runs
    }

    /// Writes what is to be written to the logs of the columns.
    fn write_logs(&mut self, all: &BTreeMap<u32, Runs>) -> Result<(), Cut> {
        let members = all.keys().fold(0, |set, column| set | bit(*column));
        let sequence = self.sequence;
        for (column, runs) in all {
            let entry = |(offset, sectors): &(u64, Vec<Sector>)| Entry {
                offset: *offset,
                count: sectors.len() as u32,
                checksum: log::checksum(&sectors.concat()),
            };
            let entries: Vec<_> = runs.iter().map(entry).collect();
            self.put_slot(*column, sequence, members, &entries);
            let data = runs.iter().flat_map(|(_, sectors)| sectors);
            for (at, bytes) in (slot_start(sequence) + HEAD_SECTORS..).zip(data) {
                self.disks[*column as usize].accept(at, *bytes);
            }
            self.step()?;
        }
        for column in all.keys() {
            self.force_slot(*column, sequence, self.rules.log_is_durable);
            self.step()?;
        }
        self.sequence += 1;
        Ok(())
    }

    /// Writes the page of a slot, to the cache.
    fn put_slot(&mut self, column: u32, sequence: u64, members: u64, entries: &[Entry]) {
        let head = Head {
            log: self.log,
            column,
            sequence,
            tail: self.tail,
            members,
        };
        let mut page = vec![0; PAGE_BYTES];
        log::encode(&head, entries, &mut page).expect("there is room");
        for (at, bytes) in (slot_start(sequence)..).zip(page.chunks_exact(512)) {
            let bytes = bytes.try_into().expect("a sector");
            self.disks[column as usize].accept(at, bytes);
        }
    }

    /// What was written to a slot is durable, if it is to be.
    fn force_slot(&mut self, column: u32, sequence: u64, is_durable: bool) {
        let start = slot_start(sequence);
        if is_durable {
            self.disks[column as usize].force(start..start + SLOT_SECTORS);
        }
    }

    /// All that was written is durable.
    pub(super) fn flush(&mut self) -> Result<(), Cut> {
        for column in self.present() {
            self.disks[column as usize].flush();
            self.step()?;
        }
        self.tail = self.sequence;
        if self.progress.activity != Activity::Nothing {
            self.record_progress();
        }
        Ok(())
    }

    fn record_progress(&mut self) {
        self.record.progress = self.progress;
    }

    /// What was before does not count any more.
    pub(super) fn checkpoint(&mut self) -> Result<(), Cut> {
        let sequence = self.sequence;
        self.tail = sequence;
        let members = self.present().fold(0, |set, column| set | bit(column));
        for column in self.present() {
            self.put_slot(column, sequence, members, &[]);
            self.force_slot(column, sequence, self.rules.checkpoint_is_durable);
            self.step()?;
        }
        self.sequence += 1;
        Ok(())
    }

    /// Makes a line of the parity, or of a column.
    pub(super) fn build_step(&mut self) -> Result<(), Cut> {
        let cursor = self.progress.cursor;
        let Some(line) = self.layout.line_of(cursor) else {
            return self.end_build();
        };
        let made = match self.progress.activity {
            Activity::Nothing => return Ok(()),
            Activity::Build => line.parity,
            Activity::Column(column) => column,
        };
        for offset in line.start..line.start + line.count {
            let copied = self.copied(&line, offset);
            let sum = copied.unwrap_or_else(|| {
                let mut sum = [0; 512];
                for column in (0..self.columns()).filter(|column| *column != made) {
                    add(&mut sum, &self.at(column, offset));
                }
                sum
            });
            self.disks[made as usize].accept(LOG_SECTORS + offset, sum);
        }
        self.progress.cursor = line.start + line.count;
        if !self.rules.flush_before_cursor {
            self.record_progress();
        }
        self.step()
    }

    fn end_build(&mut self) -> Result<(), Cut> {
        if self.rules.flush_before_cursor {
            self.flush()?;
        }
        self.progress = Progress::DONE;
        self.source = None;
        self.record_progress();
        self.step()
    }

    /// The column that is missing gets another disk, which has something on it.
    pub(super) fn replace(&mut self) -> Result<(), Cut> {
        let Some(column) = self.missing else {
            return Ok(());
        };
        if self.rules.flush_before_replacement {
            self.flush()?;
        }
        if self.rules.checkpoint_before_replacement {
            // A batch of which the column that goes had a part must not be met without it.
            self.checkpoint()?;
        }
        self.disks[column as usize] = Disk::new(0x77);
        self.missing = None;
        self.progress = Progress::begin(Activity::Column(column));
        self.source = None;
        self.record = Record {
            missing: None,
            progress: self.progress,
            layout: self.layout,
        };
        self.step()?;
        self.tail = self.sequence;
        self.checkpoint()
    }
}
