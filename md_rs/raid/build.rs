// SPDX-License-Identifier: GPL-2.0
//! Making the parity for the first time, or a column that has taken the place of another one: each
//! line of it is the sum of the other columns (`svm.md` sections 5.7 and 5.9). The metadevice can
//! be used meanwhile; how far it is, is recorded now and then, after a flush.

use kernel::time::{
    Instant,
    Monotonic, //
};
use md_model::{
    events::kind::{
        Kind,
        State as Told, //
    },
    raid5::progress::{
        Activity,
        Progress, //
    }, //
};

use super::{
    Target,
    Work, //
};
use crate::{
    body::Body,
    events::Event,
    kapi::errand::Errand, //
};

/// The only errand of a RAID5 disk.
pub(crate) const BUILD: u32 = 0;

/// How many errands there are.
pub(crate) const COUNT: u32 = 1;

/// How often it is recorded how far it is, in milliseconds.
const RECORD_MS: i64 = 5000;

/// What became of a step.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Step {
    /// There is more to do.
    More,
    /// All is there.
    Done,
    /// There is nothing to do any more, since a column has failed.
    Over,
    /// It cannot go on.
    Stuck,
}

/// Carries the errand out.
pub(crate) fn run(body: &Body, errand: &Errand<'_>) {
    let (Some(target), Some(raid)) = (Target::of(body), body.raid()) else {
        return;
    };
    if errand.number != BUILD {
        return;
    }
    let mut recorded: Instant<Monotonic> = Instant::now();
    while !errand.is_stopping() && has_work(target) && !raid.is_blocked() {
        let mut work = raid.work.lock();
        match work.build_step(target) {
            Step::More if recorded.elapsed().as_millis() >= RECORD_MS => {
                if work.flush_settled(target).is_ok() {
                    target.record();
                }
                recorded = Instant::now();
            }
            Step::More => {}
            Step::Done if work.flush_settled(target).is_ok() => {
                target.finish();
                tell(body, Kind::ResyncDone, Told::Okay);
            }
            Step::Over => {}
            Step::Done | Step::Stuck => {
                target.unit.set_stuck(true);
                tell(body, Kind::ResyncFailed, Told::Stuck);
            }
        }
    }
}

fn has_work(target: Target<'_>) -> bool {
    let unit = target.unit;
    unit.progress().activity != Activity::Nothing && !unit.is_stuck() && !unit.is_unrecorded()
}

fn tell(body: &Body, kind: Kind, state: Told) {
    let event = Event::of_unit(kind, body.number());
    body.events().record(&event.state(state));
}

impl Work {
    /// Makes some lines.
    fn build_step(&mut self, target: Target<'_>) -> Step {
        let progress = target.unit.progress();
        self.clear();
        let mut cursor = progress.cursor;
        while let Some(line) = target.layout().line_of(cursor) {
            let column = match progress.activity {
                Activity::Nothing => return Step::Over,
                Activity::Build => line.parity,
                Activity::Column(column) => column,
            };
            let Some(work) = self.lines.get_mut(self.used) else {
                break;
            };
            work.begin(line);
            work.make(column);
            self.used = self.used.saturating_add(1);
            cursor = line.start.saturating_add(line.count);
        }
        if self.used > 0 {
            if !self.read_lines(target) {
                return failed(target);
            }
            self.make_columns(target);
            self.write_lines(target);
            let mut lines = self.lines.iter().take(self.used);
            if lines.any(|line| line.failed_set != 0) {
                return failed(target);
            }
        }
        target.unit.set_progress(Progress { cursor, ..progress });
        if cursor >= target.layout().column_sectors() {
            Step::Done
        } else {
            Step::More
        }
    }
}

/// A column has failed.
fn failed(target: Target<'_>) -> Step {
    target.judge();
    if target.unit.progress().activity == Activity::Nothing {
        Step::Over
    } else {
        Step::Stuck
    }
}
