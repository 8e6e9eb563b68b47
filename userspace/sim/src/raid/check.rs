// SPDX-License-Identifier: GPL-2.0
//! What a caller finds after a crash, and whether he may find it.

use std::collections::BTreeSet;

use super::{
    disk::add,
    Unread,
    World, //
};

impl World {
    /// Each sector is what it should be, and so is the parity, where it is to be right.
    pub(super) fn check(&self) -> Result<(), String> {
        if let Some(wrong) = &self.wrong {
            return Err(wrong.clone());
        }
        for sector in 0..self.layout.sectors() {
            self.check_sector(sector)?;
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

    /// A sector is what it was; or what it was to be, if somebody was writing it or nobody has
    /// flushed it since. If a column was lost, such a one may read as an error.
    fn check_sector(&self, sector: u64) -> Result<(), String> {
        let new = self.pending.get(&sector);
        let older = self.unflushed.get(&sector);
        let is_uncertain = new.is_some() || older.is_some();
        let found = match self.read(sector) {
            Err(Unread::Missing) => return Err(format!("sector {sector} is lost")),
            Err(Unread::Lost)
                if is_uncertain
                    || self.erring.contains(&sector)
                    || self.off_list.contains(&sector) =>
            {
                return Ok(());
            }
            Err(Unread::Lost) => return Err(format!("sector {sector} is an error for no reason")),
            Ok(found) => found,
        };
        let is_known = !self.erring.contains(&sector);
        let acknowledged = &self.acknowledged[sector as usize];
        let is_old = is_known
            && (found == *acknowledged || older.is_some_and(|older| older.contains(&found)));
        if is_old || Some(&found) == new {
            return Ok(());
        }
        let whose = if is_uncertain { "being" } else { "not being" };
        Err(format!(
            "sector {sector}, which was {whose} written, has changed"
        ))
    }

    /// What was uncertain is from now on what it is.
    pub(super) fn take_as_it_is(&mut self) {
        let pending = std::mem::take(&mut self.pending).into_keys();
        let unflushed = std::mem::take(&mut self.unflushed).into_keys();
        let off_list = std::mem::take(&mut self.off_list);
        let uncertain: BTreeSet<u64> = pending.chain(unflushed).chain(off_list).collect();
        for sector in uncertain {
            match self.read(sector) {
                Ok(bytes) => {
                    self.acknowledged[sector as usize] = bytes;
                    self.erring.remove(&sector);
                }
                Err(Unread::Lost | Unread::Missing) => {
                    self.erring.insert(sector);
                }
            }
        }
    }
}
