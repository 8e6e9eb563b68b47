// SPDX-License-Identifier: GPL-2.0
//! Copying a new column from the one whose place it takes, as long as that can be read; the rules
//! are `md_model::raid5::source`'s. What it is not good for is made of the other columns.

use kernel::sync::Arc;
use md_model::raid5::{
    progress::Activity,
    source::Stale, //
};

use super::{
    Target,
    Work, //
};
use crate::{
    body::Body,
    component::Component,
    kapi::volley::Outcome, //
};

/// What a new column is copied from.
pub(super) struct Source {
    component: Arc<Component>,
    /// First sector of its data.
    data_sector: u64,
    /// The column.
    column: u32,
    stale: Stale,
}

/// From now on a column, which is about to be made, is copied from what it was until now; `None`
/// if it is made of the others. No request is under way.
pub(crate) fn follow(body: &Body, column: u32, old: Option<(Arc<Component>, u64)>) {
    let (Some(target), Some(raid)) = (Target::of(body), body.raid()) else {
        return;
    };
    let source = old.map(|(component, data_sector)| Source {
        component,
        data_sector,
        column,
        stale: Stale::new(target.layout().column_sectors()),
    });
    let before = core::mem::replace(&mut raid.work.lock().source, source);
    // Its device is closed, perhaps, and not with the lock held.
    drop(before);
}

impl Work {
    /// The lines are about to be written to: what that changes on a column which is being copied is
    /// not changed on what it is copied from.
    pub(super) fn note_changes(&mut self) {
        let Some(source) = &mut self.source else {
            return;
        };
        for line in self.lines.iter().take(self.used) {
            if line.changes(source.column) {
                source.stale.note(line.line.start, line.line.count);
            }
        }
    }

    /// Reads the lines from what the column is copied from. `false`: they are to be made of the
    /// others.
    pub(super) fn copy_lines(&mut self, activity: Activity) -> bool {
        let Some(source) = self.source.take() else {
            return false;
        };
        let lines = || self.lines.iter().take(self.used);
        let is_good = Activity::Column(source.column) == activity
            && lines().all(|line| source.stale.is_good(line.line.start, line.line.count));
        if !is_good {
            self.source = Some(source);
            return false;
        }
        let device = &source.component.device;
        let mut all_sent = true;
        self.volley.clear();
        for index in 0..self.used {
            let Some(line) = self.lines.get(index).map(|line| line.line) else {
                continue;
            };
            let extent = self.extent(index, source.column, 0, line.count as u32);
            let sector = source.data_sector.saturating_add(line.start);
            all_sent &= self.volley.read(device, sector, extent).is_some();
        }
        self.volley.fire();
        let sent = u32::try_from(self.used).unwrap_or(0);
        let outcomes = || (0..sent).map(|shot| self.volley.outcome(shot));
        let is_done = all_sent && outcomes().all(|outcome| outcome == Outcome::Done);
        // One that has lost a block has others; what fails otherwise is not waited for again.
        let is_alive = all_sent && !outcomes().any(|outcome| outcome == Outcome::Failed);
        if !is_done {
            device.note_failed(true);
        }
        if is_alive {
            self.source = Some(source);
        }
        is_done
    }
}
