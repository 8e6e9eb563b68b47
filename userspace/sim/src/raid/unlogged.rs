// SPDX-License-Identifier: GPL-2.0
//! RAID5 whose writes are in no log. With all columns there nothing changes but what was being
//! written, and the parity is made again; with one missing it is not used, unless it was stopped.

use md_model::raid5::{
    progress::{
        Activity,
        Progress, //
    },
    replay::Scan,
    unlogged::{
        at_start,
        Start, //
    },
};

use super::{
    Cut,
    World, //
};

impl World {
    /// All columns tell that such writes may be under way, and who is out of service, if they do
    /// not.
    pub(super) fn open(&mut self) -> Result<(), Cut> {
        let is_told = self.told == Some(self.lacking()) || !self.rules.missing_is_told;
        if !self.rules.open_is_told || !self.open.is_opened_first() && is_told {
            return Ok(());
        }
        self.begin_rare();
        self.write_pages(true, self.rules.open_is_durable)
    }

    /// It is stopped, and started again: they tell that there are none.
    pub(super) fn stop(&mut self) -> Result<(), Cut> {
        if self.rules.flush_before_close {
            self.flush()?;
        }
        if self.open.is_to_be_closed() {
            self.begin_rare();
            self.checkpoint()?;
        }
        Ok(())
    }

    /// What is done at a start.
    fn start(&self, may_be_old: bool) -> Start {
        if !self.rules.unlogged {
            return Start::AsItIs;
        }
        let found = self.found();
        let scan = Scan::new(self.log, &found);
        let is_stale = may_be_old && scan.stale(self.columns()) & self.present_bits() != 0;
        let are_all_there = self.missing.is_none() && !is_stale;
        let is_open = scan.is_open() || may_be_old && self.rules.older_is_open;
        at_start(is_open, &self.progress, are_all_there)
    }

    /// Whether it is not to be used.
    pub(super) fn is_refused(&self, may_be_old: bool) -> bool {
        self.rules.refused_when_open && self.start(may_be_old) == Start::Refused
    }

    /// Whether its parity is to be made again.
    pub(super) fn is_made_again(&self, may_be_old: bool) -> bool {
        self.rules.parity_made_when_open && self.start(may_be_old) == Start::MakeParity
    }

    /// It is made again.
    pub(super) fn begin_again(&mut self) {
        self.seen.made_again += 1;
        self.progress = Progress::begin(Activity::Build);
        self.source = None;
        if self.rules.recorded_before_close {
            self.record_progress();
        }
    }

    /// When the parity is made all is as it should be, also without any one column.
    pub(super) fn check_made(&self) -> Result<(), String> {
        if !self.rules.unlogged || self.progress.activity != Activity::Build {
            return Ok(());
        }
        let mut other = self.clone();
        other.cut_at = u64::MAX;
        while other.progress.activity == Activity::Build {
            let _ = other.build_step();
        }
        // What was uncertain is not known by that; and the parity fits, whatever had damaged it.
        (other.unflushed, other.off_list) = (self.unflushed.clone(), self.off_list.clone());
        other.damaged = None;
        other
            .check()
            .map_err(|why| format!("when it is made: {why}"))?;
        for lost in 0..self.columns() {
            let mut without = other.clone();
            without.lose(lost);
            without
                .check()
                .map_err(|why| format!("when it is made, without column {lost}: {why}"))?;
        }
        Ok(())
    }
}
