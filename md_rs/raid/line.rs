// SPDX-License-Identifier: GPL-2.0
//! One line of a batch: which sectors of which columns are wanted or written, what has to be read
//! for that, and what is written then.

use kernel::prelude::*;
use md_model::raid5::{
    bit,
    layout::Line,
    plan::{
        choose,
        is_announced,
        may_announce,
        Case,
        Lost,
        Plan, //
    },
    progress::Progress, //
};

use super::{
    buffer_of,
    Target,
    Work, //
};
use crate::kapi::volley::Outcome;

/// What is done about a line.
pub(super) struct LineWork {
    pub(super) line: Line,
    /// Sectors of each column that requests write, and that they read, as bits.
    touched: KVec<u32>,
    wanted: KVec<u32>,
    /// The transfer of each column.
    shots: KVec<Option<u32>>,
    /// Columns in which there are such sectors, as bits.
    touched_set: u64,
    wanted_set: u64,
    /// First sector and number of sectors that all of this is about.
    span: (u32, u32),
    /// The column that is out of service here.
    lost: Option<u32>,
    /// The column that is in service, and could not be read; it is written again.
    unread: Option<u32>,
    /// The column that is made of the others.
    made: Option<u32>,
    plan: Option<Plan>,
    /// The column of which what is written is copied to where the parity is made, too, so that this
    /// begins with it.
    doubled: Option<u32>,
    /// Checksums of what is written, of each column.
    checksums: KVec<u32>,
    /// Whether a request that writes it is to be durable at its end, and so in the logs.
    is_durable: bool,
    /// Whether it is written as a whole, and only announced in the logs.
    pub(super) is_announced: bool,
    /// Columns that are written, as bits.
    writes: u64,
    /// Columns of which the last transfer has failed, as bits.
    pub(super) failed_set: u64,
    /// It could not be read.
    pub(super) is_unreadable: bool,
    /// It could not be written.
    pub(super) is_unwritten: bool,
}

/// First and number of sectors from the first to the last bit.
fn hull(bits: u32) -> (u32, u32) {
    let first = bits.trailing_zeros().min(31);
    let behind = u32::BITS.saturating_sub(bits.leading_zeros());
    (first, behind.saturating_sub(first))
}

/// The bits of sectors.
fn sectors(from: u32, count: u32) -> u32 {
    let all = match u32::BITS.checked_sub(count) {
        Some(unused @ 0..32) => u32::MAX >> unused,
        _ => 0,
    };
    all.checked_shl(from).unwrap_or(0)
}

impl LineWork {
    pub(super) fn new(columns: u32) -> Result<Self> {
        let count = columns as usize;
        Ok(Self {
            line: Line {
                start: 0,
                count: 0,
                parity: 0,
            },
            touched: KVec::from_elem(0, count, GFP_KERNEL)?,
            wanted: KVec::from_elem(0, count, GFP_KERNEL)?,
            shots: KVec::from_elem(None, count, GFP_KERNEL)?,
            touched_set: 0,
            wanted_set: 0,
            span: (0, 0),
            lost: None,
            unread: None,
            made: None,
            plan: None,
            doubled: None,
            checksums: KVec::from_elem(0, count, GFP_KERNEL)?,
            is_durable: false,
            is_announced: false,
            writes: 0,
            failed_set: 0,
            is_unreadable: false,
            is_unwritten: false,
        })
    }

    /// From now on it is about this line, of which nothing is wanted yet.
    pub(super) fn begin(&mut self, line: Line) {
        self.line = line;
        self.touched.iter_mut().for_each(|bits| *bits = 0);
        self.wanted.iter_mut().for_each(|bits| *bits = 0);
        self.shots.iter_mut().for_each(|shot| *shot = None);
        (self.touched_set, self.wanted_set) = (0, 0);
        (self.lost, self.unread, self.made, self.plan) = (None, None, None, None);
        self.doubled = None;
        (self.writes, self.failed_set) = (0, 0);
        (self.is_unreadable, self.is_unwritten) = (false, false);
        (self.is_durable, self.is_announced) = (false, false);
    }

    /// Sectors of a column are wanted, or written to.
    pub(super) fn add(&mut self, column: u32, from: u64, count: u64, is_write: bool) {
        let (from, count) = (from as u32, count as u32);
        let (list, set) = if is_write {
            (&mut self.touched, &mut self.touched_set)
        } else {
            (&mut self.wanted, &mut self.wanted_set)
        };
        if let Some(bits) = list.get_mut(column as usize) {
            *bits |= sectors(from, count);
            *set |= bit(column);
        }
    }

    /// What is written is durable when its request ends.
    pub(super) fn set_durable(&mut self) {
        self.is_durable = true;
    }

    /// The whole line is made anew on one column, of the others.
    pub(super) fn make(&mut self, column: u32) {
        self.made = Some(column);
        self.span = (0, self.line.count as u32);
        self.writes = bit(column);
    }

    /// Finds out what there is to do, as the columns are now. `columns`: how many there are;
    /// `may_announce`: whether it may be announced.
    fn prepare(
        &mut self,
        target: Target<'_>,
        columns: u32,
        progress: &Progress,
        may_announce: bool,
    ) {
        let start = self.line.start;
        let all = (0..columns).fold(0, |all, column| all | bit(column));
        let mut gone = (0..columns).filter(|c| !target.is_served_with(progress, *c, start));
        self.lost = gone.next();
        let is_second = gone.next().is_some();
        if self.unread == self.lost {
            self.unread = None;
        }
        let bits = Iterator::chain(self.touched.iter(), self.wanted.iter());
        self.span = hull(bits.fold(0, |all, bits| all | bits));
        let is_known = progress.is_parity_known(start);
        let is_hopeless = self.lost.is_some() && self.unread.is_some();
        (self.made, self.plan, self.doubled, self.writes) = (None, None, None, 0);
        (self.failed_set, self.is_announced) = (0, false);
        if self.touched_set != 0 && target.unit.is_unrecorded() {
            self.is_unwritten = true;
        }
        let missing = self.missing();
        let needed = self.touched_set | self.wanted_set;
        let is_needed = missing & needed != 0 || self.unread_data() != 0;
        if is_needed && (!is_known || is_second || is_hopeless) {
            self.is_unreadable = true;
        }
        if is_second && self.touched_set != 0 {
            self.is_unwritten = true;
        }
        if self.is_unreadable {
            return;
        }
        if is_needed && missing & !bit(self.line.parity) != 0 {
            self.made = self.lost.or(self.unread);
        }
        if self.touched_set != 0 && !self.is_unwritten {
            self.plan_writes(all, is_known, may_announce);
        }
        if !target.unit.is_unrecorded() {
            self.writes |= self.unread.map_or(0, bit);
        }
        if self.plan.is_none() && self.unread == Some(self.line.parity) {
            self.writes = 0;
        }
    }

    /// Columns that are not there, or could not be read, as bits.
    fn missing(&self) -> u64 {
        self.lost.map_or(0, bit) | self.unread.map_or(0, bit)
    }

    /// The bit of the column that could not be read, unless it is the one with the parity.
    fn unread_data(&self) -> u64 {
        self.unread.map_or(0, bit) & !bit(self.line.parity)
    }

    fn plan_writes(&mut self, all: u64, is_known: bool, may_announce: bool) {
        let parity = bit(self.line.parity);
        let lost = match self.lost {
            _ if self.made.is_some() => Lost::Touched,
            Some(column) if column == self.line.parity => Lost::Parity,
            Some(_) => Lost::Untouched,
            None => Lost::Nothing,
        };
        let case = Case {
            data_columns: (all & !parity).count_ones(),
            touched: self.touched_set.count_ones(),
            covered: self.covered().count_ones(),
            lost,
            // One that could not be read is made of all data.
            is_parity_known: is_known && self.unread != Some(self.line.parity),
        };
        self.plan = choose(&case);
        if self.plan == Some(Plan::Make) && self.covered() != 0 {
            self.doubled = Some(self.covered().trailing_zeros());
        }
        if self.plan.is_none() {
            self.is_unwritten = true;
            return;
        }
        let span = (self.span.0.into(), self.span.1.into());
        self.is_announced = may_announce && !self.is_durable && is_announced(&case, span);
        self.writes = self.touched_set & !self.lost.map_or(0, bit);
        if self.plan != Some(Plan::Bare) && self.lost != Some(self.line.parity) {
            self.writes |= parity;
        }
    }

    /// Columns of which every sector that this is about is new, as bits.
    fn covered(&self) -> u64 {
        let all = sectors(self.span.0, self.span.1);
        let touched = (0..).zip(&self.touched);
        let covered = touched.filter(|(_, bits)| **bits & all == all);
        covered.fold(0, |set, (column, _)| set | bit(column))
    }

    /// Where else what is written to a column is copied: the column with the parity, if that begins
    /// with it.
    pub(super) fn copied_to(&self, column: u32) -> Option<u32> {
        (self.doubled == Some(column)).then_some(self.line.parity)
    }

    /// Columns that are written to, but not without a gap, as bits.
    fn gapped(&self) -> u64 {
        let touched = (0..).zip(&self.touched);
        let gapped = touched.filter(|(_, bits)| {
            let (from, count) = hull(**bits);
            sectors(from, count) != **bits
        });
        gapped.fold(0, |set, (column, _)| set | bit(column))
    }

    /// What is written to a column has this checksum.
    pub(super) fn note_checksum(&mut self, column: u32, checksum: u32) {
        if let Some(place) = self.checksums.get_mut(column as usize) {
            *place = checksum;
        }
    }

    /// The checksum of what is written to a column.
    pub(super) fn checksum(&self, column: u32) -> u32 {
        let found = self.checksums.get(column as usize);
        found.copied().unwrap_or(0)
    }

    /// The checksums of all columns but one.
    pub(super) fn checksums_but(&self, column: u32) -> impl Iterator<Item = u32> + '_ {
        let all = (0..).zip(&self.checksums);
        let others = all.filter(move |(other, _)| *other != column);
        others.map(|(_, checksum)| *checksum)
    }

    /// Whether it is written to so that a column has something else afterwards.
    pub(super) fn changes(&self, column: u32) -> bool {
        let is_parity = self.line.parity == column;
        self.touched_set != 0 && (is_parity || self.touched_set & bit(column) != 0)
    }

    /// Columns that have to be read first, as bits.
    fn reads(&self, columns: u32) -> u64 {
        let all = (0..columns).fold(0, |all, column| all | bit(column));
        let parity = bit(self.line.parity);
        if self.is_unreadable {
            return 0;
        }
        if let Some(made) = self.made {
            return all & !bit(made);
        }
        let needed = match self.plan {
            Some(Plan::Make) => all & !parity & !self.covered(),
            Some(Plan::Modify) => self.touched_set | parity,
            Some(Plan::Rebuild) => all,
            Some(Plan::Bare) => self.gapped(),
            None => 0,
        };
        (needed | self.wanted_set) & !self.missing()
    }

    /// Columns that are written, as bits.
    pub(super) fn written(&self) -> u64 {
        if self.is_unreadable || self.is_unwritten {
            0
        } else {
            self.writes
        }
    }

    /// First and number of sectors that are written to a column; `None` if it is not written.
    pub(super) fn written_run(&self, column: u32) -> Option<(u32, u32)> {
        if self.written() & bit(column) == 0 {
            return None;
        }
        let is_whole =
            column == self.line.parity || self.unread == Some(column) || self.made == Some(column);
        if is_whole {
            return Some(self.span);
        }
        Some(hull(*self.touched.get(column as usize)?))
    }

    /// Which transfer a column has.
    pub(super) fn note_sent(&mut self, column: u32, shot: Option<u32>) {
        if let Some(place) = self.shots.get_mut(column as usize) {
            *place = shot;
        }
        if shot.is_none() {
            self.failed_set |= bit(column);
        }
    }

    /// A column could not be read: it is made of the others. Two of them cannot be.
    fn note_unread(&mut self) {
        let failed = self.failed_set;
        self.failed_set = 0;
        if failed == 0 {
            return;
        }
        let column = failed.trailing_zeros();
        let is_another = self.unread.is_some_and(|unread| unread != column);
        if failed != bit(column) || is_another {
            self.is_unreadable = true;
        }
        self.unread = Some(column);
    }

    /// The column that was written again since it could not be read.
    pub(super) fn mended(&self) -> Option<u32> {
        self.unread
            .filter(|column| self.written() & bit(*column) != 0)
    }
}

impl Work {
    /// Reads what the lines need. Columns that fail are noted, and with each line which of them
    /// have. Whether none has.
    pub(super) fn read_lines(&mut self, target: Target<'_>) -> bool {
        self.volley.clear();
        for index in 0..self.used {
            let Some(line) = self.lines.get(index) else {
                continue;
            };
            let (reads, start) = (line.reads(self.columns), line.line.start);
            let (from, count) = line.span;
            for column in 0..self.columns {
                if reads & bit(column) == 0 {
                    continue;
                }
                let extent = self.extent(index, column, from, count);
                let sector = target.sector(column, start.saturating_add(from.into()));
                let shot = target
                    .column(column)
                    .and_then(|part| self.volley.read(&part.device, sector, extent));
                if let Some(line) = self.lines.get_mut(index) {
                    line.note_sent(column, shot);
                }
            }
        }
        self.volley.fire();
        self.collect(target, true)
    }

    /// Notes which transfers of the lines have failed. Whether none has.
    pub(super) fn collect(&mut self, target: Target<'_>, is_read: bool) -> bool {
        let mut all_done = true;
        for line in self.lines.iter_mut().take(self.used) {
            for (column, place) in (0..).zip(line.shots.iter_mut()) {
                let Some(shot) = place.take() else { continue };
                if self.volley.outcome(shot) == Outcome::Done {
                    continue;
                }
                line.failed_set |= bit(column);
                let Some(component) = target.column(column) else {
                    continue;
                };
                component.device.note_failed(is_read);
                if is_read {
                    component.note_read_failed();
                } else {
                    component.note_write_failed();
                }
            }
            all_done &= line.failed_set == 0;
        }
        all_done
    }

    /// What has failed is to be made of the rest.
    pub(super) fn note_unread(&mut self) {
        let lines = self.lines.iter_mut().take(self.used);
        lines.for_each(LineWork::note_unread);
    }

    /// Finds out what there is to do, for the columns that are in service now.
    pub(super) fn prepare(&mut self, target: Target<'_>) {
        self.prepared_for = target.present();
        let progress = target.unit.progress();
        let may_announce = may_announce(&progress, self.lost.is_empty());
        let columns = self.columns;
        let lines = self.lines.iter_mut().take(self.used);
        lines.for_each(|line| line.prepare(target, columns, &progress, may_announce));
    }

    /// Whether other columns are in service than those that the lines were prepared for: they have
    /// to be prepared anew.
    pub(super) fn is_void(&self, target: Target<'_>) -> bool {
        self.prepared_for != target.present()
    }

    /// Makes the columns that are made of the others.
    pub(super) fn make_columns(&mut self, target: Target<'_>) {
        for index in 0..self.used {
            let made = self.lines.get(index).and_then(|line| line.made);
            if let Some(made) = made.filter(|_| self.is_readable(index)) {
                self.sum(target, index, made);
            }
        }
    }

    fn is_readable(&self, index: usize) -> bool {
        let line = self.lines.get(index);
        line.is_some_and(|line| !line.is_unreadable)
    }

    /// Makes one column of a line the sum of the others. It may have one of them already.
    fn sum(&mut self, target: Target<'_>, index: usize, to: u32) {
        let Some(line) = self.lines.get(index) else {
            return;
        };
        let (from, count) = line.span;
        let extent = self.extent(index, to, from, count);
        let (columns, is_begun) = (self.columns, line.doubled.is_some());
        let first = (0..columns).find(|column| *column != to);
        let Some(first) = line.doubled.or(first) else {
            return;
        };
        let others = (0..columns).filter(|column| *column != to && *column != first);
        let others = others.map(|column| buffer_of(columns, index, column));
        if !is_begun {
            let _ = self.volley.copy(extent, buffer_of(columns, index, first));
        }
        let _ = self
            .volley
            .combine(extent, others, |to, from| target.unit.xor(to, from));
    }

    /// Takes what is about to be replaced out of parities that are modified; or, when it was
    /// replaced, adds what is there now.
    pub(super) fn fold_parities(&mut self, target: Target<'_>) {
        for index in 0..self.used {
            let Some(line) = self.lines.get(index) else {
                continue;
            };
            if line.plan != Some(Plan::Modify) || line.written() == 0 {
                continue;
            }
            let (parity, touched, (from, count)) = (line.line.parity, line.touched_set, line.span);
            let extent = self.extent(index, parity, from, count);
            let columns = self.columns;
            let changed = (0..columns).filter(|column| touched & bit(*column) != 0);
            let changed = changed.map(|column| buffer_of(columns, index, column));
            let _ = self
                .volley
                .combine(extent, changed, |to, from| target.unit.xor(to, from));
        }
    }

    /// Makes parities of all data, where they are not modified.
    pub(super) fn make_parities(&mut self, target: Target<'_>) {
        for index in 0..self.used {
            let Some(line) = self.lines.get(index) else {
                continue;
            };
            let is_made = matches!(line.plan, Some(Plan::Make | Plan::Rebuild));
            if is_made && line.written() != 0 {
                let parity = line.line.parity;
                self.sum(target, index, parity);
            }
        }
    }
}
