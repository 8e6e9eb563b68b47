// SPDX-License-Identifier: GPL-2.0
//! Scrubs of the fake kernel's mirrors. What differs is planted by the test. Who asks how a scrub
//! is finds it one step further.

use super::{
    FakeAdmin,
    Refused, //
};
use md_abi::admin::{
    ComponentState,
    Refusal,
    Scrub,
    ScrubEnd,
    ScrubMode,
    ScrubRange,
    ScrubRun,
    ScrubState,
    ScrubStatus,
    UnitKind,
    NAME_LEN,
    NO_INDEX,
    SCRUB_CANCEL,
    SCRUB_CHECK,
    SCRUB_RANGES_MAX,
    SCRUB_REPAIR,
    SCRUB_REPAIR_FROM,
    SCRUB_RUNS_MAX, //
};

/// How long every scrub takes, in seconds.
const SECONDS: u32 = 60;

/// The scrubs of a mirror.
#[derive(Debug, Default)]
pub(super) struct FakeScrub {
    /// What differs.
    planted: Vec<ScrubRange>,
    /// What the last one has found.
    found: Vec<ScrubRange>,
    /// The one that is under way: its mode, and how far it is.
    current: Option<(u32, u64)>,
    /// Those that have ended, the last one first.
    runs: Vec<ScrubRun>,
}

fn refused<T>(refusal: Refusal, index: u32) -> Result<T, Refused> {
    Err((refusal, index, [0; 2]))
}

impl FakeAdmin {
    /// Lets the submirrors of a mirror differ.
    pub fn plant(&mut self, number: u32, range: ScrubRange) {
        self.scrub_of(number).planted.push(range);
    }

    fn scrub_of(&mut self, number: u32) -> &mut FakeScrub {
        self.scrubs.entry(number).or_default()
    }

    /// Numbers of the submirrors that are in service.
    fn sides_in_service(&self, number: u32) -> Vec<u32> {
        let sides = (0..).zip(&self.units[&number].components);
        let okay = sides.filter(|(_, side)| side.state == ComponentState::Okay as u32);
        okay.map(|(index, _)| index).collect()
    }

    /// Starts or cancels a scrub.
    pub(super) fn scrub_mirror(&mut self, number: u32, argument: &Scrub) -> Result<(), Refused> {
        assert_eq!(argument.reserved, 0);
        let summary = &self.units[&number].summary;
        let is_raid = summary.kind == UnitKind::Raid as u32;
        if summary.kind != UnitKind::Mirror as u32
            && !(is_raid && argument.action != SCRUB_REPAIR_FROM)
        {
            return refused(Refusal::NotAMirror, NO_INDEX);
        }
        if is_raid && argument.action != SCRUB_CANCEL && summary.resync != 0 {
            return refused(Refusal::NothingToCompare, NO_INDEX);
        }
        let mode = match argument.action {
            SCRUB_CHECK => ScrubMode::Check as u32,
            SCRUB_REPAIR => ScrubMode::Majority as u32,
            SCRUB_REPAIR_FROM => {
                let side = self.side_of(number, &argument.submirror)? as u32;
                if !self.sides_in_service(number).contains(&side) {
                    return refused(Refusal::SideNotInService, side);
                }
                ScrubMode::From as u32 + side
            }
            action => {
                assert_eq!(action, SCRUB_CANCEL);
                return self.cancel_scrub(number);
            }
        };
        if argument.action != SCRUB_REPAIR_FROM {
            assert_eq!(argument.submirror, [0; NAME_LEN], "nobody is named");
        }
        if self.sides_in_service(number).len() < 2 {
            return refused(Refusal::NothingToCompare, NO_INDEX);
        }
        let scrub = self.scrub_of(number);
        if scrub.current.is_some() {
            return refused(Refusal::ScrubRunning, NO_INDEX);
        }
        scrub.current = Some((mode, 0));
        scrub.found.clear();
        Ok(())
    }

    fn cancel_scrub(&mut self, number: u32) -> Result<(), Refused> {
        if self.scrub_of(number).current.is_none() {
            return refused(Refusal::NoScrub, NO_INDEX);
        }
        self.end_scrub(number, ScrubEnd::Cancelled);
        Ok(())
    }

    /// Lets a scrub go on for a step.
    fn step_scrub(&mut self, number: u32) {
        let step = self.scrub_step;
        let size = self.units[&number].summary.size_sectors;
        let scrub = self.scrub_of(number);
        let Some((_, done)) = &mut scrub.current else {
            return;
        };
        *done = size.min(*done + step);
        let done = *done;
        scrub.found = scrub.planted.clone();
        scrub.found.retain(|range| range.sector < done);
        if done == size {
            self.end_scrub(number, ScrubEnd::Done);
        }
    }

    fn end_scrub(&mut self, number: u32, end: ScrubEnd) {
        let is_raid = self.units[&number].summary.kind == UnitKind::Raid as u32;
        let began = self.clock;
        let scrub = self.scrub_of(number);
        let Some((mode, done)) = scrub.current.take() else {
            return;
        };
        let found = scrub.found.clone();
        let is_mended = |range: &ScrubRange| match mode {
            0 => false,
            1 => range.outvoted != 0 || is_raid,
            _ => true,
        };
        scrub
            .planted
            .retain(|range| !found_in(&found, range) || !is_mended(range));
        let sum = |chosen: &dyn Fn(&ScrubRange) -> bool| {
            let ranges = found.iter().filter(|range| chosen(range));
            ranges.map(|range| range.sectors).sum()
        };
        let run = ScrubRun {
            began,
            compared_sectors: done,
            skipped_sectors: 0,
            differing_sectors: sum(&|_| true),
            zeroed_sectors: sum(&|range| range.zeroed != 0),
            repaired_sectors: sum(&is_mended),
            seconds: SECONDS,
            range_count: found.len() as u32,
            outvoted: found.iter().fold(0, |bits, range| bits | range.outvoted),
            mode,
            end: end as u32,
            reserved: 0,
        };
        scrub.runs.insert(0, run);
        scrub.runs.truncate(SCRUB_RUNS_MAX as usize);
    }

    /// Says how the scrubs of a mirror are.
    pub(super) fn describe_scrubs(
        &mut self,
        number: u32,
        argument: &mut ScrubStatus,
        ranges: &mut [ScrubRange],
        runs: &mut [ScrubRun],
    ) {
        assert!(ranges.len() >= SCRUB_RANGES_MAX as usize);
        assert!(runs.len() >= SCRUB_RUNS_MAX as usize);
        self.step_scrub(number);
        let scrub = self.scrub_of(number);
        if let Some((mode, done)) = scrub.current {
            argument.state = ScrubState::Running as u32;
            argument.mode = mode;
            argument.done_sectors = done;
            argument.found_count = scrub.found.len() as u32;
        }
        let found = scrub.found.iter().take(ranges.len());
        for (place, range) in ranges.iter_mut().zip(found) {
            *place = *range;
            argument.range_count += 1;
        }
        for (place, run) in runs.iter_mut().zip(&scrub.runs) {
            *place = *run;
            argument.run_count += 1;
        }
    }
}

fn found_in(found: &[ScrubRange], range: &ScrubRange) -> bool {
    found.iter().any(|other| other.sector == range.sector)
}
