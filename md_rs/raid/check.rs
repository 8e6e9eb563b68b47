// SPDX-License-Identifier: GPL-2.0
//! The check: all columns of each line are read, and their sum looked at. The rules are
//! [`md_model::raid5::check`]'s and [`md_model::mirror::scrub`]'s.
//!
//! Nobody writes to the lines meanwhile: who checks has [`Work`]. What is found to differ is read
//! once more before it is believed. A block that cannot be read is made of the others and written
//! again. A parity that does not fit is made of the data if the administrator has asked for that;
//! like any write it goes through the logs, so that no batch that is carried out after a crash
//! brings the old one back. Without the logs there is none.

use kernel::{
    prelude::*,
    time::Instant, //
};
use md_model::{
    mirror::scrub::{
        compare::{
            Difference,
            Mode, //
        },
        report::Range,
        run::{
            Event,
            State, //
        },
    },
    raid5::{
        bit,
        check::{
            data_sectors,
            for_differences,
            is_comparable, //
        },
        layout::Line,
    },
};

use super::{
    buffer_of,
    Raid,
    Target,
    Work, //
};
use crate::{
    body::Body,
    kapi::errand::Errand,
    sync::ended::{
        self,
        Words, //
    }, //
};

/// What became of a run of lines.
#[derive(Default)]
struct Seen {
    /// Sectors of each column that were looked at.
    sectors: u64,
    /// Those of them that could not be compared.
    skipped: u64,
    /// Those that were repaired.
    repaired: u64,
}

/// Carries out [`super::build::CHECK`].
pub(super) fn run(target: Target<'_>, raid: &Raid, errand: &Errand<'_>) {
    if raid.check.lock().state() == State::Idle {
        return;
    }
    while !errand.is_stopping() {
        let (state, at, mode) = {
            let check = raid.check.lock();
            (check.state(), check.done(), check.mode())
        };
        let is_at_end = at >= target.layout().column_sectors();
        if state != State::Running || is_at_end || raid.is_blocked() {
            return finish(target, raid);
        }
        let since = Instant::now();
        let seen = raid.work.lock().check_step(target, raid, at, mode);
        {
            let layout = target.layout();
            let mut check = raid.check.lock();
            check.advance(at.saturating_add(seen.sectors));
            let compared = seen.sectors.saturating_sub(seen.skipped);
            check.note_compared(data_sectors(layout, compared));
            check.skip(data_sectors(layout, seen.skipped));
            check.note_repaired(seen.repaired);
        }
        raid.rest(target, errand, since, seen.sectors);
    }
}

/// Nothing is left to be looked at, or the administrator has had enough.
fn finish(target: Target<'_>, raid: &Raid) {
    // What was repaired counts when it is durable.
    let has_repaired = raid.check.lock().has_repaired();
    if has_repaired && raid.work.lock().flush_settled(target).is_err() {
        raid.check.lock().forget_repairs();
    }
    end(target, raid, Event::Swept);
}

/// The metadevice is left for good: a check that is under way is interrupted.
pub(crate) fn interrupt(body: &Body) {
    if let (Some(target), Some(raid)) = (Target::of(body), body.raid()) {
        end(target, raid, Event::Left);
    }
}

/// Remembers a check that ends, and tells of it.
fn end(target: Target<'_>, raid: &Raid, event: Event) {
    {
        let mut check = raid.check.lock();
        let words = Words {
            wrong: "of parity do not fit",
            range: &|range| tell_range(target, range),
        };
        let Some(run) = ended::end(target.body, &mut check, event, &words) else {
            return;
        };
        let Some(report) = check.report() else { return };
        let ledger = target.unit.ledger();
        ledger.change_history(|history| history.add(run, report));
    }
    if !target.unit.is_unrecorded() && !target.record() {
        ended::warn_not_recorded(target.body);
    }
}

fn tell_range(target: Target<'_>, range: &Range) {
    let number = target.body.number();
    let interlace = target.layout().interlace_sectors();
    let row = range.sector.checked_div(interlace).unwrap_or(0);
    let (first, count) = (range.sector, range.count);
    pr_warn!(
        "d{number}: row {row}: the parity does not fit, {count} blocks at {first} of each \
         component\n"
    );
}

impl Work {
    /// Looks at some lines, from an offset on.
    fn check_step(&mut self, target: Target<'_>, raid: &Raid, from: u64, mode: Mode) -> Seen {
        let mut seen = Seen::default();
        self.clear();
        let mut at = from;
        while let Some(line) = target.layout().line_of(at) {
            if !may_compare(target, &line) {
                if self.used > 0 {
                    break;
                }
                seen.skipped = line.count;
                seen.sectors = line.count;
                return seen;
            }
            let Some(work) = self.lines.get_mut(self.used) else {
                break;
            };
            work.begin(line);
            self.used = self.used.saturating_add(1);
            at = line.start.saturating_add(line.count);
        }
        seen.sectors = at.saturating_sub(from);
        self.read_columns(target);
        let mut odd = [None; md_model::raid5::BATCH_LINES_MAX as usize];
        for (index, place) in (0..self.used).zip(odd.iter_mut()) {
            *place = self.odd_line(target, index);
        }
        for (line, failed) in odd.into_iter().flatten() {
            self.look_again(target, raid, (line, failed), mode, &mut seen);
        }
        seen
    }

    /// A line that could not be read, with the columns that could not, as bits; or whose sum is not
    /// zero.
    fn odd_line(&mut self, target: Target<'_>, index: usize) -> Option<(Line, u64)> {
        let work = self.lines.get(index)?;
        let (line, failed) = (work.line, work.failed_set);
        if failed != 0 {
            return Some((line, failed));
        }
        let mut is_odd = false;
        for_differences(self.sum_of(target, index, &line)?, |_, _| is_odd = true);
        is_odd.then_some((line, 0))
    }

    /// Looks at a line once more, by itself, mends what could not be read of it, and repairs its
    /// parity if that is wanted.
    fn look_again(
        &mut self,
        target: Target<'_>,
        raid: &Raid,
        (line, failed): (Line, u64),
        mode: Mode,
        seen: &mut Seen,
    ) {
        let mut failed = match failed {
            0 => self.read_line(target, line),
            failed => failed,
        };
        if failed.count_ones() == 1 {
            let column = failed.trailing_zeros();
            if self.rewrite(target, line, column) {
                if let Some(component) = target.column(column) {
                    component.device.health().note_healed();
                }
                failed = self.read_line(target, line);
            }
        }
        if failed != 0 {
            target.judge();
            seen.skipped = seen.skipped.saturating_add(line.count);
            return;
        }
        let mut differing = 0u64;
        {
            let mut check = raid.check.lock();
            let Some(sum) = self.sum_of(target, 0, &line) else {
                return;
            };
            for_differences(sum, |first, count| {
                differing = differing.saturating_add(count);
                check.add(Range {
                    sector: line.start.saturating_add(first),
                    count,
                    difference: Difference::default(),
                });
            });
        }
        let is_repaired = differing > 0
            && mode != Mode::Check
            && self.rewrite(target, line, line.parity)
            && self.is_even(target, line);
        if is_repaired {
            seen.repaired = seen.repaired.saturating_add(differing);
        }
    }

    /// Whether the sum of a line is zero now.
    fn is_even(&mut self, target: Target<'_>, line: Line) -> bool {
        self.read_line(target, line) == 0 && self.odd_line(target, 0).is_none()
    }

    /// Reads all columns of one line: those that could not be read, as bits.
    fn read_line(&mut self, target: Target<'_>, line: Line) -> u64 {
        self.clear();
        if let Some(work) = self.lines.first_mut() {
            work.begin(line);
            self.used = 1;
        }
        self.read_columns(target);
        self.lines.first().map_or(u64::MAX, |work| work.failed_set)
    }

    /// Reads all columns of the lines. What fails is noted, and with each line which column has.
    fn read_columns(&mut self, target: Target<'_>) {
        self.volley.clear();
        for index in 0..self.used {
            let Some(line) = self.lines.get(index).map(|work| work.line) else {
                continue;
            };
            for column in 0..target.count() {
                let extent = self.extent(index, column, 0, line.count as u32);
                let sector = target.sector(column, line.start);
                let shot = target
                    .column(column)
                    .and_then(|part| self.volley.read(&part.device, sector, extent));
                if let Some(work) = self.lines.get_mut(index) {
                    work.note_sent(column, shot);
                }
            }
        }
        self.volley.fire();
        self.collect(target, true);
    }

    /// The sum of all columns of a line that was read. It takes the place of the parity.
    fn sum_of(&mut self, target: Target<'_>, index: usize, line: &Line) -> Option<&[u8]> {
        let parity = self.extent(index, line.parity, 0, line.count as u32);
        let columns = self.columns;
        let others = (0..columns).filter(|column| *column != line.parity);
        let others = others.map(|column| buffer_of(columns, index, column));
        self.volley
            .combine(parity, others, |to, from| target.unit.xor(to, from))?;
        self.volley.bytes(parity)
    }

    /// Makes a column of a line of the others, and writes it, through the logs. Whether that is
    /// done.
    fn rewrite(&mut self, target: Target<'_>, line: Line, column: u32) -> bool {
        self.clear();
        let present = target.present();
        let Some(work) = self.lines.first_mut() else {
            return false;
        };
        work.begin(line);
        work.make(column);
        self.used = 1;
        if !self.may_use_slot() && self.flush_settled(target).is_err() {
            return false;
        }
        if present != target.present() || !may_compare(target, &line) {
            return false;
        }
        if !self.read_lines(target) {
            target.judge();
            return false;
        }
        self.make_columns(target);
        if self.begin_lines(target) != 0 {
            target.judge();
            return false;
        }
        self.write_lines(target);
        let is_done = self.lines.first().is_some_and(|work| work.failed_set == 0);
        if !is_done {
            target.judge();
        }
        is_done
    }
}

/// Whether all columns have what they should have in a line.
fn may_compare(target: Target<'_>, line: &Line) -> bool {
    let present = target.present();
    let is_served = |column| present & bit(column) != 0 && target.is_served(column, line.start);
    !target.unit.is_unrecorded()
        && is_comparable(
            &target.unit.progress(),
            target.count(),
            line.start,
            is_served,
        )
}

/// Whether there is anything to compare.
pub(crate) fn can_begin(target: Target<'_>) -> bool {
    let present = target.present();
    let is_served = |column| present & bit(column) != 0 && target.is_served(column, 0);
    md_model::raid5::check::can_begin(&target.unit.progress(), target.count(), is_served)
}
