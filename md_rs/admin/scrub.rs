// SPDX-License-Identifier: GPL-2.0
//! Scrubs of a mirror, or checks of RAID5: starting and cancelling them, and what they have found.

use kernel::{
    prelude::*,
    sync::Mutex, //
};
use md_model::{
    limits::SUBMIRRORS_MAX,
    mirror::{
        component::is_read,
        scrub::{
            compare::Mode,
            history::{
                Run,
                RUNS_MAX, //
            },
            report::{
                Range,
                RANGES_MAX, //
            },
            run::{
                End,
                Refusal as NotNow,
                State, //
            },
        },
        side::SideState, //
    },
    raid5::check::data_sectors,
};

use super::{
    argument::{
        bad_address,
        check_capacity,
        check_zero,
        count,
        unit_name,
        write_array, //
    },
    raid,
    sides::Target, //
};
use crate::{
    abi::{
        self,
        Refusal,
        ScrubEnd,
        ScrubMode,
        ScrubState, //
    },
    raid::Target as RaidTarget,
    sync::scrub::Scrub,
    unit_table::UnitTable,
    Refused, //
};

// The interface and the model name the same limits.
const _: () = assert!(abi::SCRUB_RANGES_MAX as usize == RANGES_MAX);
const _: () = assert!(abi::SCRUB_RUNS_MAX as usize == RUNS_MAX);

/// Carries out [`abi::IOC_SCRUB`].
pub(super) fn scrub(units: &Mutex<UnitTable>, request: &mut abi::Scrub) -> Result<(), Refused> {
    check_zero(&[request.reserved])?;
    if request.action != abi::SCRUB_REPAIR_FROM {
        check_zero(&request.submirror)?;
    }
    let name = unit_name(&request.name)?;
    let units = units.lock();
    if units.get(&name)?.body().raid().is_some() {
        return raid::check(units.get(&name)?, request.action);
    }
    let find = || Target::find(&units, &name);
    match request.action {
        abi::SCRUB_CHECK => start(find()?, Mode::Check),
        abi::SCRUB_REPAIR => start(find()?, Mode::Majority),
        abi::SCRUB_REPAIR_FROM => {
            let submirror = unit_name(&request.submirror)?;
            let target = find()?;
            let side = target.side(&submirror)?;
            if !is_in_service(target, side) {
                return Err(Refused::new(EBUSY, Refusal::SideNotInService).at(side));
            }
            start(target, Mode::From(side))
        }
        abi::SCRUB_CANCEL => {
            let target = find()?;
            let cancelled = target.kept.upkeep.scrub.lock().cancel();
            cancelled.map_err(not_now)?;
            target.metadevice.ask_scrub();
            Ok(())
        }
        _ => Err(Refused::new(EINVAL, Refusal::ReservedNotZero)),
    }
}

fn start(target: Target<'_>, mode: Mode) -> Result<(), Refused> {
    if target.map().is_frozen() {
        return Err(Refused::new(EROFS, Refusal::SetIsStopped));
    }
    let sides = (0..target.kept.sides().count()).filter(|side| is_in_service(target, *side));
    if sides.count() < 2 {
        return Err(Refused::new(EINVAL, Refusal::NothingToCompare));
    }
    let started = target.kept.upkeep.scrub.lock().start(mode);
    started.map_err(not_now)?;
    target.metadevice.ask_scrub();
    Ok(())
}

/// Whether something of a side can be read.
fn is_in_service(target: Target<'_>, side: u32) -> bool {
    let mut parts = target.kept.sides().components(side);
    target.map().side_state(side) == SideState::Okay
        && parts.any(|part| is_read(part.condition.state()) && !part.is_gone())
}

pub(super) fn not_now(why: NotNow) -> Refused {
    match why {
        NotNow::Busy => Refused::new(EBUSY, Refusal::ScrubRunning),
        NotNow::NotRunning => Refused::new(EINVAL, Refusal::NoScrub),
    }
}

/// Carries out [`abi::IOC_SCRUB_STATUS`].
pub(super) fn status(
    units: &Mutex<UnitTable>,
    request: &mut abi::ScrubStatus,
) -> Result<(), Refused> {
    check_zero(&[
        request.state,
        request.mode,
        request.found_count,
        request.range_count,
        request.run_count,
        request.reserved,
    ])?;
    check_zero(&[request.done_sectors])?;
    check_capacity(request.range_capacity, RANGES_MAX)?;
    check_capacity(request.run_capacity, RUNS_MAX)?;
    let name = unit_name(&request.name)?;
    let mut ranges = KVec::with_capacity(RANGES_MAX, GFP_KERNEL)?;
    let mut runs = KVec::with_capacity(RUNS_MAX, GFP_KERNEL)?;
    {
        let units = units.lock();
        let body = units.get(&name)?.body();
        // The history with the scrub locked: one that has ended by then is in there.
        let (scrub, history) = match RaidTarget::of(body).zip(body.raid()) {
            Some((target, raid)) => (raid.check.lock(), target.unit.ledger().history()),
            None => {
                let target = Target::find(&units, &name)?;
                let scrub = target.kept.upkeep.scrub.lock();
                (scrub, target.map().history(None))
            }
        };
        let done = |scrub: &Scrub| match RaidTarget::of(body) {
            Some(target) => data_sectors(target.unit.layout(), scrub.done()),
            None => scrub.done(),
        };
        for run in history.runs() {
            runs.push(described_run(run), GFP_KERNEL)?;
        }
        // What the last scrub has found before the set was started is in the record.
        let found = scrub
            .report()
            .map_or(history.ranges(), |report| report.ranges());
        for range in found {
            ranges.push(described_range(range), GFP_KERNEL)?;
        }
        request.state = match scrub.state() {
            State::Idle => ScrubState::Idle,
            State::Running => ScrubState::Running,
            State::Cancelling => ScrubState::Cancelling,
        } as u32;
        if scrub.state() != State::Idle {
            request.mode = mode_number(scrub.mode());
            request.done_sectors = done(&scrub);
            request.found_count = scrub.report().map_or(0, |report| report.total());
        }
    }
    write_array(request.ranges, ranges.iter().copied()).map_err(bad_address)?;
    write_array(request.runs, runs.iter().copied()).map_err(bad_address)?;
    request.range_count = count(&ranges);
    request.run_count = count(&runs);
    Ok(())
}

fn described_range(range: &Range) -> abi::ScrubRange {
    abi::ScrubRange {
        sector: range.sector,
        sectors: range.count,
        compared: range.difference.compared,
        outvoted: range.difference.outvoted,
        zeroed: range.difference.zeroed,
        reserved: 0,
    }
}

fn described_run(run: &Run) -> abi::ScrubRun {
    let end = match run.end {
        End::Done => ScrubEnd::Done,
        End::Cancelled => ScrubEnd::Cancelled,
        End::Interrupted => ScrubEnd::Interrupted,
    };
    abi::ScrubRun {
        began: run.began,
        compared_sectors: run.compared_sectors,
        skipped_sectors: run.skipped_sectors,
        differing_sectors: run.differing_sectors,
        zeroed_sectors: run.zeroed_sectors,
        repaired_sectors: run.repaired_sectors,
        seconds: run.seconds,
        range_count: run.range_count,
        outvoted: run.outvoted,
        mode: mode_number(run.mode),
        end: end as u32,
        reserved: 0,
    }
}

fn mode_number(mode: Mode) -> u32 {
    match mode {
        Mode::Check => ScrubMode::Check as u32,
        Mode::Majority => ScrubMode::Majority as u32,
        Mode::From(side) => (ScrubMode::From as u32).saturating_add(side.min(SUBMIRRORS_MAX)),
    }
}
