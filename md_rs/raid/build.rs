// SPDX-License-Identifier: GPL-2.0
//! Making the parity for the first time, or a column that has taken the place of another one: each
//! line of it is the sum of the other columns (`svm.md` sections 5.7 and 5.9), or a copy. The
//! metadevice can be used meanwhile; how far it is, is recorded now and then, after a flush.
//!
//! It gives way to the metadevice's own requests as the resync of a mirror does.

use kernel::time::{
    Instant,
    Monotonic, //
};
use md_model::{
    events::kind::{
        Kind,
        State as Told, //
    },
    mirror::resync,
    raid5::progress::{
        Activity,
        Progress, //
    }, //
};

use super::{
    check,
    source,
    Raid,
    Target,
    Work, //
};
use crate::{
    body::Body,
    events::Event,
    kapi::errand::Errand,
    sync::pace, //
};

/// The errand that makes something.
pub(crate) const BUILD: u32 = 0;

/// The errand that checks the parity.
pub(crate) const CHECK: u32 = 1;

/// How many errands there are.
pub(crate) const COUNT: u32 = 2;

/// Sectors that all errands of a mirror's resync copy between two pauses: the throttle counts in
/// these.
const ROUND_SECTORS: u64 = resync::CHUNK_SECTORS * resync::SLOTS as u64;

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

/// Carries an errand out.
pub(crate) fn run(body: &Body, errand: &Errand<'_>) {
    let (Some(target), Some(raid)) = (Target::of(body), body.raid()) else {
        return;
    };
    match errand.number {
        BUILD => build(target, raid, errand),
        CHECK => check::run(target, raid, errand),
        _ => {}
    }
}

fn build(target: Target<'_>, raid: &Raid, errand: &Errand<'_>) {
    let mut recorded: Instant<Monotonic> = Instant::now();
    while !errand.is_stopping() && has_work(target) && !raid.is_blocked() {
        let since = Instant::now();
        let before = target.unit.progress().cursor;
        let step = raid.work.lock().build_step(target);
        match step {
            Step::More if recorded.elapsed().as_millis() >= RECORD_MS => {
                if raid.work.lock().flush_settled(target).is_ok() {
                    target.record();
                }
                recorded = Instant::now();
            }
            Step::More | Step::Over => {}
            Step::Done => end(target, raid),
            Step::Stuck => get_stuck(target),
        }
        let made = target.unit.progress().cursor.saturating_sub(before);
        raid.rest(target, errand, since, made);
    }
    if target.unit.progress().activity == Activity::Nothing {
        source::follow(target.body, 0, None);
    }
}

/// All is there.
fn end(target: Target<'_>, raid: &Raid) {
    let mut work = raid.work.lock();
    let is_flushed = work.flush_settled(target).is_ok();
    // Something may have failed, and be made no more.
    match target.unit.progress().activity {
        Activity::Nothing => {}
        _ if is_flushed => {
            target.finish();
            // That it is not missing any more is told; if that fails it is made anew by who does
            // not hear of it.
            let _ = work.tell_lacking(target);
            tell(target.body, Kind::ResyncDone, Told::Okay);
        }
        _ => get_stuck(target),
    }
}

fn get_stuck(target: Target<'_>) {
    target.unit.set_stuck(true);
    tell(target.body, Kind::ResyncFailed, Told::Stuck);
}

fn has_work(target: Target<'_>) -> bool {
    let unit = target.unit;
    unit.progress().activity != Activity::Nothing
        && unit.ledger().may_go_on()
        && !unit.is_stuck()
        && !unit.is_unrecorded()
}

impl Raid {
    /// Pauses after so many sectors of each column, which were begun at `since`.
    pub(super) fn rest(
        &self,
        target: Target<'_>,
        errand: &Errand<'_>,
        since: Instant<Monotonic>,
        sectors: u64,
    ) {
        let limits = target.unit.ledger().pace();
        let parts = ROUND_SECTORS.checked_div(sectors).unwrap_or(1).max(1);
        let parts = i64::try_from(parts).unwrap_or(i64::MAX);
        pace::rest(&self.pace, &limits, errand, since, parts);
    }
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
            if !self.copy_lines(progress.activity) {
                if !self.read_lines(target) {
                    return failed(target);
                }
                self.make_columns(target);
            }
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
