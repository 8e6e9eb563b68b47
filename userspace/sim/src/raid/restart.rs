// SPDX-License-Identifier: GPL-2.0
//! The power comes back: the logs are carried out, and everything is looked at, also in worlds in
//! which one more column is lost.

use md_model::raid5::{
    bit,
    log::{
        self,
        checksum,
        slot_start,
        Entry, //
    },
    lost::{
        self,
        LostLine,
        Newest, //
    },
    progress::Activity,
    replay::{
        judge,
        settle,
        Batch,
        Found,
        Scan,
        Settled,
        Verdict, //
    },
    HEAD_SECTORS,
    LOG_SECTORS,
    SLOTS, //
};

use super::{
    disk::{
        add,
        Sector, //
    },
    Cut,
    World, //
};

/// What a column has in a batch: entries, and the sectors of those that are logged.
type Slot = Vec<(Entry, Vec<Sector>)>;

impl World {
    /// Restarts after the power has gone, and sees that all is as it should be. Whether it can be
    /// used.
    pub(super) fn restart(&mut self) -> Result<bool, String> {
        self.lose_power();
        self.seen.degraded += u64::from(self.missing.is_some());
        self.seen.making += u64::from(self.progress.activity != Activity::Nothing);
        self.lose_each()?;
        self.start_with_older()?;
        if self.is_refused(false) {
            self.seen.refused += 1;
            return Ok(false);
        }
        if self.random.per_mille(300) {
            // In this world as well.
            let may_be_lost = self.may_be_lost();
            if !may_be_lost.is_empty() {
                let lost = may_be_lost[self.random.below(may_be_lost.len())];
                let mut other = self.clone();
                other.lose(lost);
                // It is back then.
                if !other.is_refused(false) {
                    self.lose(lost);
                }
            }
        }
        // The power may go again, and again.
        (self.steps, self.cut_at) = (0, 1 + self.random.below(60) as u64);
        while self.replay().is_err() {
            self.seen.replays_cut += 1;
            self.lose_power();
            self.lose_each()?;
            (self.steps, self.cut_at) = (0, 1 + self.random.below(200) as u64);
        }
        self.cut_at = u64::MAX;
        self.check()?;
        self.check_made()?;
        self.take_as_it_is();
        let _ = self.repair();
        self.check()?;
        Ok(true)
    }

    /// All is as it should be with any one column lost.
    fn lose_each(&mut self) -> Result<(), String> {
        for lost in self.may_be_lost() {
            let mut other = self.clone();
            other.cut_at = u64::MAX;
            other.lose(lost);
            if other.is_refused(false) {
                self.seen.refused += 1;
                continue;
            }
            let _ = other.replay();
            other
                .check()
                .map_err(|why| format!("without column {lost}: {why}"))?;
            self.seen.losses += 1;
            self.seen.lost += other.seen.lost - self.seen.lost;
        }
        Ok(())
    }

    /// All is as it should be as well if only replicas are left that are older than the columns
    /// (`DURABILITY.md` clause 2); or it cannot be used.
    fn start_with_older(&mut self) -> Result<(), String> {
        let older = self.older.take();
        if self.rules.unlogged && self.random.per_mille(500) {
            // It is there at the next crash as well.
            self.older = older.clone();
        }
        let Some(older) = older.filter(|_| self.damaged.is_none()) else {
            return Ok(());
        };
        let mut other = self.clone();
        other.cut_at = u64::MAX;
        other.record = older.record;
        for (column, disk) in older.disks {
            other.disks[column as usize] = disk;
        }
        other.lose_power();
        if other.is_refused(true) {
            self.seen.refused += 1;
            return Ok(());
        }
        let is_made = other.is_made_again(true);
        if !other.leave_out_stale() {
            return Ok(());
        }
        if is_made {
            other.begin_again();
        }
        self.seen.older += 1;
        self.seen.stale += u64::from(other.missing != older.record.missing);
        let _ = other.replay();
        other
            .check()
            .and_then(|()| other.check_made())
            .map_err(|why| format!("with an older record: {why}"))
    }

    /// Whether it can be used without columns that have missed something.
    fn leave_out_stale(&mut self) -> bool {
        let found = self.found();
        let scan = Scan::new(self.log, &found);
        if self.rules.attached_are_told && scan.has_more(self.columns()) {
            return false;
        }
        let stale = scan.stale(self.columns()) & self.present_bits();
        let column = stale.trailing_zeros();
        let is_redundant = self.missing.is_none()
            && [Activity::Nothing, Activity::Column(column)].contains(&self.progress.activity);
        if stale == 0 || !self.rules.stale_is_left_out {
            return true;
        }
        if stale.count_ones() > 1 || !is_redundant {
            return false;
        }
        self.lose(column);
        true
    }

    fn lose_power(&mut self) {
        self.seen.cuts += 1;
        self.active.clear();
        let mut random = self.random.clone();
        self.disks.iter_mut().for_each(|disk| disk.cut(&mut random));
        self.random = random;
        (self.missing, self.progress) = (self.record.missing, self.record.progress);
        self.layout = self.record.layout;
        // What is in memory only is gone.
        (self.source, self.told) = (None, None);
        self.is_unrecorded = false;
    }

    /// Columns of which any one may be lost with the power.
    fn may_be_lost(&self) -> Vec<u32> {
        match (self.missing, self.progress.activity) {
            // With a parity that does not fit nobody makes up for anybody.
            _ if self.damaged.is_some() => Vec::new(),
            (None, Activity::Nothing) => (0..self.columns()).collect(),
            (None, Activity::Column(column)) => vec![column],
            _ => Vec::new(),
        }
    }

    /// Carries the logs out.
    fn replay(&mut self) -> Result<(), Cut> {
        let is_made = self.is_made_again(false);
        if is_made {
            self.begin_again();
        }
        self.read_list();
        if self.rules.list_is_spread {
            self.spread_list(true)?;
        }
        let found = self.found();
        let scan = Scan::new(self.log, &found);
        let mut from = 0;
        while let Some(batch) = scan.first_from(from) {
            from = batch.sequence + 1;
            self.redo(&batch)?;
        }
        self.sequence = scan.next_sequence();
        self.devices = scan.devices(self.columns(), self.present_bits());
        self.tail = scan.tail().max(1);
        if self.rules.flush_after_replay {
            self.flush_columns()?;
        }
        self.settle_list(self.rules.list_is_durable)?;
        if self.rules.checkpoint {
            self.checkpoint()?;
        }
        if is_made {
            self.record_progress();
        }
        Ok(())
    }

    /// What is in the slots.
    pub(super) fn found(&self) -> Vec<Found> {
        let slots =
            (0..self.columns()).flat_map(|column| (0..SLOTS).map(move |slot| (column, slot)));
        let found = slots.map(|(column, slot)| {
            let is_there = Some(column) != self.missing;
            is_there.then(|| log::decode(&self.page(column, slot)))?
        });
        found.collect()
    }

    /// Finds the list of what is lost.
    fn read_list(&mut self) {
        (self.lost, self.newest) = (Vec::new(), Newest::default());
        self.is_list_stale = false;
        for column in self.present() {
            for number in 0..2 {
                let page = self.page_at(column, lost::page_start(number));
                let found = lost::decode(self.log, &page);
                if found.is_some_and(|sequence| self.newest.meet(column, sequence)) {
                    self.lost = lost::lines(&page).collect();
                }
            }
        }
    }

    fn page(&self, column: u32, slot: u64) -> Vec<u8> {
        self.page_at(column, slot_start(slot))
    }

    fn page_at(&self, column: u32, start: u64) -> Vec<u8> {
        let disk = &self.disks[column as usize];
        (start..start + HEAD_SECTORS)
            .flat_map(|at| disk.read(at))
            .collect()
    }

    /// Carries a batch out again, if it is whole.
    fn redo(&mut self, batch: &Batch) -> Result<(), Cut> {
        let there = self.present().fold(0, |set, column| set | bit(column));
        let mut whole = 0;
        let mut all = Vec::new();
        for column in self
            .present()
            .filter(|column| batch.holders & bit(*column) != 0)
        {
            if let Some(slot) = self.slot_of(column, batch) {
                whole |= bit(column);
                all.push((column, slot));
            }
        }
        let verdict = judge(batch.members, !there, whole);
        if verdict == Verdict::Leave && self.rules.whole_batches_only {
            self.seen.left += 1;
            return Ok(());
        }
        self.seen.redone += 1;
        for (column, slot) in &all {
            for (entry, sectors) in slot {
                for (at, bytes) in (LOG_SECTORS + entry.offset..).zip(sectors) {
                    self.disks[*column as usize].accept(at, *bytes);
                }
                self.step()?;
            }
        }
        self.settle_announced(!there & batch.members, &all)
    }

    /// Makes the parity of lines that were announced fit, or finds out that something of them is
    /// lost.
    fn settle_announced(&mut self, missing: u64, all: &[(u32, Slot)]) -> Result<(), Cut> {
        let Some((_, first)) = all.first() else {
            return Ok(());
        };
        for (entry, _) in first.iter().filter(|(entry, _)| entry.is_announced) {
            let line = self.layout.line_of(entry.offset).expect("inside");
            let mut differing = 0;
            for (column, slot) in all {
                let own = slot.iter().find(|(own, _)| own.offset == entry.offset);
                let sectors = entry.offset..entry.end();
                let found: Vec<_> = sectors.flat_map(|at| self.at(*column, at)).collect();
                if own.is_none_or(|(own, _)| checksum(&found) != own.checksum) {
                    differing |= bit(*column);
                }
            }
            match settle(line.parity, missing, differing) {
                Settled::MakeParity if self.rules.announced_made_to_fit => {
                    self.make_parity(line.parity, entry);
                    self.step()?;
                }
                Settled::Lost(column) if self.rules.lost_is_listed => {
                    self.seen.lost += 1;
                    self.list(LostLine {
                        start: line.start,
                        column,
                        blocks: lost::blocks(entry.offset - line.start, entry.count.into(), false),
                    });
                }
                Settled::Fine | Settled::MakeParity | Settled::Lost(_) => {}
            }
        }
        Ok(())
    }

    fn make_parity(&mut self, parity: u32, entry: &Entry) {
        self.seen.made_to_fit += 1;
        for offset in entry.offset..entry.end() {
            let mut sum = [0; 512];
            for column in (0..self.columns()).filter(|column| *column != parity) {
                add(&mut sum, &self.at(column, offset));
            }
            self.disks[parity as usize].accept(LOG_SECTORS + offset, sum);
        }
    }

    fn list(&mut self, line: LostLine) {
        if !self.lost.contains(&line) {
            self.lost.push(line);
            self.is_list_stale = true;
        }
    }

    /// What a column has in a batch; `None` if it has not all of it.
    fn slot_of(&self, column: u32, batch: &Batch) -> Option<Slot> {
        let page = self.page(column, batch.sequence % SLOTS);
        let head = log::decode(&page)?;
        if head.sequence != batch.sequence {
            return None;
        }
        let mut at = slot_start(batch.sequence) + HEAD_SECTORS;
        let disk = &self.disks[column as usize];
        log::entries(&page)
            .map(|entry| {
                let count = entry.logged();
                let sectors: Vec<_> = (at..at + count).map(|at| disk.read(at)).collect();
                at += count;
                let is_whole = entry.is_announced || checksum(&sectors.concat()) == entry.checksum;
                is_whole.then_some((entry, sectors))
            })
            .collect()
    }
}
