// SPDX-License-Identifier: GPL-2.0
//! What the kernel does while it runs: batches of writes, flushes, what is made of the parity or of
//! a column, and the replacement of a column.

use std::collections::BTreeMap;

use md_model::raid5::{
    bit,
    log::{
        self,
        slot_start,
        Entry,
        Head,
        PAGE_BYTES, //
    },
    lost::{
        self,
        Newest,
        LINES_MAX, //
    },
    plan::{
        choose,
        is_announced,
        is_flushed_first,
        may_announce,
        Case,
        Lost,
        Plan, //
    },
    progress::{
        Activity,
        Progress, //
    },
    unlogged::Unlogged,
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
    World, //
};

/// What is to be written to a column: sectors from an offset on, and whether these are announced
/// and not logged.
pub(super) struct Run {
    pub(super) offset: u64,
    pub(super) sectors: Vec<Sector>,
    pub(super) is_announced: bool,
}

/// What is to be written.
#[derive(Default)]
pub(super) struct Prepared {
    /// For each column.
    pub(super) runs: BTreeMap<u32, Vec<Run>>,
    /// The lines, and whether they are announced.
    pub(super) lines: Vec<(u64, bool)>,
}

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
        if self.random.per_mille(300) {
            // Rows that are written as a whole.
            let row = self.layout.row_sectors();
            let first = self.random.below(self.acknowledged.len()) as u64 / row * row;
            for sector in first..(first + row).min(self.layout.sectors()) {
                let tag = self.random.bits().to_le_bytes();
                let mut bytes = [0; 512];
                bytes.iter_mut().zip(tag).for_each(|(to, from)| *to = from);
                new.insert(sector, bytes);
            }
        }
        if self.random.per_mille(400) {
            self.write_again(&mut new);
        }
        self.pending = new;
        self.is_durable = self.random.per_mille(200);
        self.carry_out()?;
        self.acknowledge();
        Ok(())
    }

    /// A block that is lost is written as a whole.
    fn write_again(&mut self, new: &mut BTreeMap<u64, Sector>) {
        let is_lost = |sector: &u64| {
            let piece = self.layout.piece(*sector, 1).expect("inside");
            piece.skip % 8 == 0
                && lost::is_lost(&self.lost, piece.column, piece.line, (piece.skip, 1))
        };
        if let Some(first) = (0..self.layout.sectors()).find(is_lost) {
            let tag = self.random.bits() as u8;
            new.extend((first..first + 8).map(|sector| (sector, [tag; 512])));
        }
    }

    /// The writes are acknowledged, but for what does not cover a block that is lost: these end
    /// with an error.
    fn acknowledge(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        let mut covered: BTreeMap<(u32, u64), Vec<u64>> = BTreeMap::new();
        for sector in pending.keys() {
            let piece = self.layout.piece(*sector, 1).expect("inside");
            let at = covered.entry((piece.column, piece.line)).or_default();
            at.push(piece.skip);
        }
        for ((column, line), at) in covered {
            for block in at.iter().filter(|at| **at % 8 == 0) {
                let is_whole = (*block..block + 8).all(|sector| at.contains(&sector));
                if is_whole && lost::rewrite(&mut self.lost, column, line, (*block, 8)) {
                    self.is_list_stale = true;
                    self.seen.rewritten += 1;
                }
            }
        }
        self.lost.retain(|line| line.blocks != 0);
        for (sector, bytes) in pending {
            let piece = self.layout.piece(sector, 1).expect("inside");
            if lost::is_lost(&self.lost, piece.column, piece.line, (piece.skip, 1)) {
                continue;
            }
            let was_erring = self.erring.remove(&sector);
            if was_erring {
                self.off_list.insert(sector);
            }
            let is_in_cache = self.rules.unlogged || self.active.contains(&(piece.line, true));
            let old = std::mem::replace(&mut self.acknowledged[sector as usize], bytes);
            if is_in_cache && !was_erring && !self.is_durable {
                self.unflushed.entry(sector).or_default().push(old);
            }
        }
    }

    /// Carries out what is pending.
    fn carry_out(&mut self) -> Result<(), Cut> {
        let prepared = loop {
            let (prepared, missing) = (self.plan(), self.missing);
            let starts = prepared.lines.iter().map(|line| line.0).collect();
            self.note_changes(&starts);
            if self.rules.unlogged {
                self.open()?;
            } else if self.rules.log {
                self.make_room(&prepared)?;
                if self.rules.prepared_for_columns && self.missing != missing {
                    continue;
                }
                self.write_logs(&prepared)?;
            }
            if !self.may_fail() || !self.random.per_mille(30) {
                break prepared;
            }
            // A column fails when the logs are written: the batch is carried out without it.
            let failed = self.random.below(self.columns() as usize) as u32;
            self.lose(failed);
        };
        self.write_in_place(&prepared)?;
        if self.rules.unlogged && self.is_durable {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes to the logs, and then in place.
    pub(super) fn write_logged(&mut self, prepared: &Prepared) -> Result<(), Cut> {
        if self.rules.unlogged {
            self.open()?;
            return self.write_in_place(prepared);
        }
        self.make_room(prepared)?;
        self.write_logs(prepared)?;
        self.write_in_place(prepared)
    }

    /// Sees to it that there is a slot, and that nothing is met that is announced.
    fn make_room(&mut self, prepared: &Prepared) -> Result<(), Cut> {
        if self.is_flush_due(prepared) {
            if self.rules.flush_before_reuse {
                self.flush()?;
            }
            (self.tail, self.active) = (self.sequence, Vec::new());
        }
        Ok(())
    }

    /// Writes to where it belongs.
    pub(super) fn write_in_place(&mut self, prepared: &Prepared) -> Result<(), Cut> {
        for (column, runs) in &prepared.runs {
            self.expect_service(*column);
            for run in runs {
                let disk = &mut self.disks[*column as usize];
                for (at, bytes) in (LOG_SECTORS + run.offset..).zip(&run.sectors) {
                    if run.is_announced || self.rules.unlogged {
                        disk.accept_whole(at, *bytes);
                    } else {
                        disk.accept(at, *bytes);
                    }
                }
                self.step()?;
            }
        }
        Ok(())
    }

    /// Whether a column may fail now, since all the others are whole.
    fn may_fail(&self) -> bool {
        self.missing.is_none()
            && self.damaged.is_none()
            && self.progress.activity == Activity::Nothing
    }

    /// Nothing is sent to a column that is out of service: it would fail, and the caller be told.
    fn expect_service(&mut self, column: u32) {
        if self.missing == Some(column) {
            self.wrong = Some(format!("column {column} is written, but out of service"));
        }
    }

    /// Whether all columns have to be flushed before the batch may have a slot.
    fn is_flush_due(&self, prepared: &Prepared) -> bool {
        let is_full = self.sequence - self.tail >= SLOTS;
        let announced = |lines: &[(u64, bool)]| lines.iter().filter(|line| line.1).count();
        let is_many = announced(&self.active) + announced(&prepared.lines) > LINES_MAX;
        let meets = |line: &(u64, bool)| {
            let mut same = self.active.iter().filter(|active| active.0 == line.0);
            same.any(|active| is_flushed_first(active.1, line.1))
        };
        is_full || is_many || self.rules.announced_apart && prepared.lines.iter().any(meets)
    }

    /// What is to be written to which column.
    fn plan(&self) -> Prepared {
        let mut lines: BTreeMap<u64, BTreeMap<(u32, u64), Sector>> = BTreeMap::new();
        for (sector, bytes) in &self.pending {
            let piece = self.layout.piece(*sector, 1).expect("inside");
            let line = lines.entry(piece.line).or_default();
            line.insert((piece.column, piece.skip), *bytes);
        }
        let mut all = Prepared::default();
        for (start, new) in lines {
            let (is_announced, runs) = self.plan_line(start, &new);
            all.lines.push((start, is_announced));
            for (column, from, sectors) in runs {
                all.runs.entry(column).or_default().push(Run {
                    offset: start + from,
                    sectors,
                    is_announced,
                });
            }
        }
        all
    }

    /// The same, for one line.
    fn plan_line(
        &self,
        start: u64,
        new: &BTreeMap<(u32, u64), Sector>,
    ) -> (bool, Vec<(u32, u64, Vec<Sector>)>) {
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
        let is_whole = is_announced(&case, (first, end - first));
        (is_whole && self.may_announce(), runs)
    }

    /// Whether a line that is written as a whole need not be logged.
    fn may_announce(&self) -> bool {
        let is_list_empty = self.lost.is_empty() && !self.is_list_stale;
        let is_quiet = may_announce(&self.progress, is_list_empty)
            || !self.rules.announced_when_made && self.lost.is_empty();
        let must_log = self.is_durable && self.rules.durable_is_logged;
        self.rules.log && !self.rules.unlogged && is_quiet && !must_log
    }

    /// Writes what is to be written to the logs of the columns.
    fn write_logs(&mut self, prepared: &Prepared) -> Result<(), Cut> {
        let all = &prepared.runs;
        let members = all.keys().fold(0, |set, column| set | bit(*column));
        let sequence = self.sequence;
        for (column, runs) in all {
            self.expect_service(*column);
            let entry = |run: &Run| Entry {
                offset: run.offset,
                count: run.sectors.len() as u32,
                is_announced: run.is_announced,
                checksum: log::checksum(&run.sectors.concat()),
            };
            let entries: Vec<_> = runs.iter().map(entry).collect();
            self.put_slot(*column, sequence, (members, false), &entries);
            let logged = runs.iter().filter(|run| !run.is_announced);
            let data = logged.flat_map(|run| &run.sectors);
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
        if self.told != Some(self.lacking()) {
            // The newest pages say something else now, and not to all columns.
            self.told = None;
        }
        self.active.extend(&prepared.lines);
        self.seen.announced += prepared.lines.iter().filter(|line| line.1).count() as u64;
        Ok(())
    }

    /// The column that is out of service, or being made.
    pub(super) fn lacking(&self) -> Option<u32> {
        self.missing.or(self.progress.column_made())
    }

    /// Writes the page of a slot, to the cache: with its members, and whether it is open.
    fn put_slot(
        &mut self,
        column: u32,
        sequence: u64,
        (members, is_open): (u64, bool),
        entries: &[Entry],
    ) {
        let head = Head {
            log: self.log,
            column,
            sequence,
            tail: self.tail,
            members,
            is_open,
            missing: self.lacking(),
            columns: self.columns(),
            devices: self.devices,
        };
        let mut page = vec![0; PAGE_BYTES];
        log::encode(&head, entries, &mut page, &mut 0, log::checksum).expect("there is room");
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

    /// A flush that somebody has asked for. A column may fail at it when that cannot be recorded:
    /// then the flush fails.
    pub(super) fn flush_for_caller(&mut self) -> Result<(), Cut> {
        let likely = if self.unflushed.is_empty() { 100 } else { 600 };
        if !(self.may_fail() && self.random.per_mille(likely)) {
            return self.flush();
        }
        self.missing = Some(self.random.below(self.columns() as usize) as u32);
        self.is_unrecorded = true;
        self.seen.unrecorded += 1;
        self.flush_columns()
    }

    /// The flush after that: what the column was not flushed of is what its record says that it
    /// has.
    pub(super) fn flush_unrecorded(&mut self) -> Result<(), Cut> {
        if !self.rules.unrecorded_flush_fails {
            self.flush_columns()?;
            self.unflushed.clear();
            self.off_list.clear();
        }
        self.step()
    }

    /// All that was written is durable from now on.
    pub(super) fn flush(&mut self) -> Result<(), Cut> {
        self.flush_columns()?;
        if self.rules.list_before_flush {
            self.settle_list(true)?;
        }
        if self.rules.missing_is_told && self.told != Some(self.lacking()) {
            self.checkpoint()?;
        }
        self.unflushed.clear();
        self.off_list.clear();
        if self.progress.activity != Activity::Nothing {
            self.record_progress();
        }
        Ok(())
    }

    /// Flushes all columns. One that fails at that is out of service, whatever it was flushed of.
    pub(super) fn flush_columns(&mut self) -> Result<(), Cut> {
        if self.may_fail() && self.random.per_mille(40) {
            let failed = self.random.below(self.columns() as usize) as u32;
            self.lose(failed);
            self.seen.failed_flushes += 1;
        }
        for column in self.present() {
            self.disks[column as usize].flush();
            self.step()?;
        }
        (self.tail, self.active) = (self.sequence, Vec::new());
        Ok(())
    }

    pub(super) fn record_progress(&mut self) {
        self.record.progress = self.progress;
    }

    /// The list of what is lost is on all columns, as it is.
    pub(super) fn settle_list(&mut self, is_durable: bool) -> Result<(), Cut> {
        // As the kernel does it: the one that some have is given to the others first.
        if self.rules.list_is_spread {
            self.spread_list(is_durable)?;
        }
        if self.is_list_stale {
            self.newest.sequence += 1;
            self.newest.holders = 0;
            self.is_list_stale = false;
            self.spread_list(is_durable)?;
        }
        Ok(())
    }

    /// Gives it to those that lack it.
    pub(super) fn spread_list(&mut self, is_durable: bool) -> Result<(), Cut> {
        let present = self.present_bits();
        if self.newest.is_on_all(present) {
            return Ok(());
        }
        let Newest { sequence, holders } = self.newest;
        let lack = self
            .present()
            .filter(move |column| holders & bit(*column) == 0);
        self.begin_rare();
        let start = lost::page_start(sequence);
        let mut page = vec![0; lost::PAGE_BYTES];
        lost::encode(self.log, sequence, &self.lost, &mut page).expect("room");
        for column in lack.clone() {
            let disk = &mut self.disks[column as usize];
            for (at, bytes) in (start..).zip(page.chunks_exact(512)) {
                disk.accept(at, bytes.try_into().expect("a sector"));
            }
            self.step()?;
        }
        for column in lack {
            if is_durable {
                self.disks[column as usize].force(start..start + HEAD_SECTORS);
            }
            self.newest.holders |= bit(column);
            self.step()?;
        }
        Ok(())
    }

    /// What was before does not count any more.
    pub(super) fn checkpoint(&mut self) -> Result<(), Cut> {
        self.tail = self.sequence;
        self.write_pages(false, self.rules.checkpoint_is_durable)
    }

    /// Writes a batch without entries to all columns.
    pub(super) fn write_pages(&mut self, is_open: bool, is_durable: bool) -> Result<(), Cut> {
        let sequence = self.sequence;
        let members = self.present_bits();
        self.open = Unlogged::Unsettled;
        for column in self.present() {
            self.put_slot(column, sequence, (members, is_open), &[]);
            self.force_slot(column, sequence, is_durable);
            self.step()?;
        }
        self.told = Some(self.lacking());
        self.open = Unlogged::of(is_open);
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
            self.flush_columns()?;
            self.settle_list(true)?;
        }
        if self.rules.checkpoint_before_replacement {
            // A batch of which the column that goes had a part must not be met without it.
            self.checkpoint()?;
        }
        self.begin_rare();
        self.retire(column);
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
        self.devices = self.devices.wrapping_add(1);
        self.tail = self.sequence;
        self.checkpoint()?;
        self.newest.holders &= !bit(column);
        self.spread_list(true)
    }
}
