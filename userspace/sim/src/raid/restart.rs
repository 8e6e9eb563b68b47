// SPDX-License-Identifier: GPL-2.0
//! The power comes back: the logs are carried out, and everything is looked at, also in worlds in
//! which one more column is lost.

use md_model::raid5::{
    bit,
    log::{
        self,
        checksum,
        slot_start,
        PAGE_BYTES, //
    },
    progress::Activity,
    replay::{
        judge,
        Batch,
        Found,
        Scan,
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

impl World {
    /// Restarts after the power has gone, and sees that all is as it should be.
    pub(super) fn restart(&mut self) -> Result<(), String> {
        self.lose_power();
        self.seen.degraded += u64::from(self.missing.is_some());
        self.seen.making += u64::from(self.progress.activity != Activity::Nothing);
        for lost in self.may_be_lost() {
            let mut other = self.clone();
            other.cut_at = u64::MAX;
            other.lose(lost);
            let _ = other.replay();
            other
                .check()
                .map_err(|why| format!("without column {lost}: {why}"))?;
            self.seen.losses += 1;
        }
        // The power may go again, and again.
        (self.steps, self.cut_at) = (0, 1 + self.random.below(60) as u64);
        while self.replay().is_err() {
            self.seen.replays_cut += 1;
            self.lose_power();
            (self.steps, self.cut_at) = (0, 1 + self.random.below(200) as u64);
        }
        self.cut_at = u64::MAX;
        self.check()?;
        let _ = self.repair();
        self.check()?;
        // What was being written is from now on what it is.
        for sector in std::mem::take(&mut self.pending).into_keys() {
            self.acknowledged[sector as usize] = self.read(sector).ok_or("lost")?;
        }
        Ok(())
    }

    fn lose_power(&mut self) {
        self.seen.cuts += 1;
        let mut random = self.random.clone();
        self.disks.iter_mut().for_each(|disk| disk.cut(&mut random));
        self.random = random;
        (self.missing, self.progress) = (self.record.missing, self.record.progress);
        self.layout = self.record.layout;
        // What is in memory only is gone.
        self.source = None;
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
        let found: Vec<Found> = (0..self.columns())
            .flat_map(|column| (0..SLOTS).map(move |slot| (column, slot)))
            .map(|(column, slot)| {
                let is_there = Some(column) != self.missing;
                is_there.then(|| log::decode(&self.page(column, slot)))?
            })
            .collect();
        let scan = Scan::new(self.log, &found);
        let mut from = 0;
        while let Some(batch) = scan.first_from(from) {
            from = batch.sequence + 1;
            self.redo(&batch)?;
        }
        self.sequence = scan.next_sequence();
        self.tail = scan.tail().max(1);
        if self.rules.flush_after_replay {
            self.flush()?;
        }
        if self.rules.checkpoint {
            self.checkpoint()?;
        }
        Ok(())
    }

    fn page(&self, column: u32, slot: u64) -> Vec<u8> {
        let start = slot_start(slot);
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
            if let Some(runs) = self.runs_of(column, batch) {
                whole |= bit(column);
                all.push((column, runs));
            }
        }
        let verdict = judge(batch.members, !there, whole);
        if verdict == Verdict::Leave && self.rules.whole_batches_only {
            self.seen.left += 1;
            return Ok(());
        }
        self.seen.redone += 1;
        for (column, runs) in all {
            for (offset, sectors) in runs {
                for (at, bytes) in (LOG_SECTORS + offset..).zip(sectors) {
                    self.disks[column as usize].accept(at, bytes);
                }
                self.step()?;
            }
        }
        Ok(())
    }

    /// What a column has in a batch; `None` if it has not all of it.
    fn runs_of(&self, column: u32, batch: &Batch) -> Option<Vec<(u64, Vec<Sector>)>> {
        let page = self.page(column, batch.sequence % SLOTS);
        let head = log::decode(&page)?;
        if page.len() != PAGE_BYTES || head.sequence != batch.sequence {
            return None;
        }
        let mut at = slot_start(batch.sequence) + HEAD_SECTORS;
        let disk = &self.disks[column as usize];
        log::entries(&page)
            .map(|entry| {
                let count = u64::from(entry.count);
                let sectors: Vec<_> = (at..at + count).map(|at| disk.read(at)).collect();
                at += count;
                (checksum(&sectors.concat()) == entry.checksum).then_some((entry.offset, sectors))
            })
            .collect()
    }

    /// Each sector is what it should be, and so is the parity, where it is to be right.
    fn check(&self) -> Result<(), String> {
        for (sector, expected) in (0..).zip(&self.acknowledged) {
            let found = self
                .read(sector)
                .ok_or(format!("sector {sector} is lost"))?;
            let new = self.pending.get(&sector);
            if found != *expected && Some(&found) != new {
                let whose = if new.is_some() { "being" } else { "not being" };
                return Err(format!(
                    "sector {sector}, which was {whose} written, has changed"
                ));
            }
        }
        if self.missing.is_some() {
            return Ok(());
        }
        for offset in 0..self.layout.column_sectors() {
            let line = self.layout.line_of(offset).ok_or("no line")?;
            let is_behind = self.progress.column_behind(line.start).is_some();
            if is_behind || self.is_damaged(&line) || !self.progress.is_parity_known(line.start) {
                continue;
            }
            let mut sum = [0; 512];
            (0..self.columns()).for_each(|column| add(&mut sum, &self.at(column, offset)));
            if sum != [0; 512] {
                return Err(format!("the parity at offset {offset} does not fit"));
            }
        }
        Ok(())
    }
}
