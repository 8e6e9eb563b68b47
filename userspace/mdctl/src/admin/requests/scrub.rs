// SPDX-License-Identifier: GPL-2.0
//! Scrubs of a mirror: starting and cancelling them, and what they have found.

use super::{
    field,
    header,
    judge,
    reading::event_of,
    Admin,
    RequestError, //
};
use crate::{
    scrub::{
        Current,
        Mode,
        Range,
        Run,
        Scrubs, //
    },
    syntax::{
        name::MetadeviceName,
        size::Sectors, //
    },
};
use md_abi::admin::{
    self as abi,
    ScrubEnd,
    ScrubMode,
    ScrubState,
    SCRUB_CANCEL,
    SCRUB_CHECK,
    SCRUB_RANGES_MAX,
    SCRUB_REPAIR,
    SCRUB_REPAIR_FROM,
    SCRUB_RUNS_MAX,
    SUBMIRRORS_MAX, //
};
use md_report::CheckEnd;
use zerocopy::FromZeros;

/// What is asked of a scrub.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wanted {
    /// It reports differences.
    Check,
    /// It repairs the submirror that most others are against.
    Repair,
    /// It repairs the others from this submirror.
    RepairFrom(MetadeviceName),
    /// It ends.
    Cancel,
}

/// Starts or cancels a scrub.
pub fn scrub(
    admin: &mut dyn Admin,
    mirror: MetadeviceName,
    wanted: Wanted,
) -> Result<(), RequestError> {
    let mut argument = abi::Scrub::new_zeroed();
    argument.header = header::<abi::Scrub>();
    argument.name = field(&mirror.to_string())?;
    argument.action = match wanted {
        Wanted::Check => SCRUB_CHECK,
        Wanted::Repair => SCRUB_REPAIR,
        Wanted::RepairFrom(_) => SCRUB_REPAIR_FROM,
        Wanted::Cancel => SCRUB_CANCEL,
    };
    if let Wanted::RepairFrom(submirror) = wanted {
        argument.submirror = field(&submirror.to_string())?;
    }
    let result = admin.scrub(&mut argument);
    judge(result, &argument.header)
}

/// Reads how the scrubs of a mirror are.
pub(super) fn status(
    admin: &mut dyn Admin,
    mirror: MetadeviceName,
) -> Result<Scrubs, RequestError> {
    let mut argument = abi::ScrubStatus::new_zeroed();
    argument.header = header::<abi::ScrubStatus>();
    argument.name = field(&mirror.to_string())?;
    let mut ranges = [abi::ScrubRange::default(); SCRUB_RANGES_MAX as usize];
    let mut runs = [abi::ScrubRun::default(); SCRUB_RUNS_MAX as usize];
    let result = admin.scrub_status(&mut argument, &mut ranges, &mut runs);
    judge(result, &argument.header)?;
    let too_many = || RequestError::Nonsense(format!("{mirror} was checked too often"));
    let ranges = ranges.get(..argument.range_count as usize);
    let runs = runs.get(..argument.run_count as usize);
    Ok(Scrubs {
        current: current_of(mirror, &argument)?,
        ranges: ranges.ok_or_else(too_many)?.iter().map(range_of).collect(),
        runs: runs
            .ok_or_else(too_many)?
            .iter()
            .map(|run| run_of(mirror, run))
            .collect::<Result<_, _>>()?,
    })
}

fn current_of(
    mirror: MetadeviceName,
    status: &abi::ScrubStatus,
) -> Result<Option<Current>, RequestError> {
    let states = [ScrubState::Running, ScrubState::Cancelling];
    if status.state == ScrubState::Idle as u32 {
        return Ok(None);
    }
    if !states.iter().any(|state| *state as u32 == status.state) {
        let state = status.state;
        return Err(RequestError::Nonsense(format!(
            "the check of {mirror} is in state {state}"
        )));
    }
    Ok(Some(Current {
        mode: mode_of(mirror, status.mode)?,
        done: Sectors(status.done_sectors),
        range_count: status.found_count,
    }))
}

fn mode_of(mirror: MetadeviceName, number: u32) -> Result<Mode, RequestError> {
    let first = ScrubMode::From as u32;
    match number {
        number if number == ScrubMode::Check as u32 => Ok(Mode::Check),
        number if number == ScrubMode::Majority as u32 => Ok(Mode::Majority),
        number if (first..first + SUBMIRRORS_MAX).contains(&number) => {
            Ok(Mode::From((number - first) as usize))
        }
        number => Err(RequestError::Nonsense(format!(
            "the check of {mirror} is of kind {number}"
        ))),
    }
}

/// The submirrors whose bits are set.
fn sides_of(bits: u32) -> Vec<usize> {
    let sides = 0..SUBMIRRORS_MAX;
    sides
        .filter(|side| bits & (1 << side) != 0)
        .map(|side| side as usize)
        .collect()
}

fn range_of(range: &abi::ScrubRange) -> Range {
    Range {
        first: range.sector,
        count: Sectors(range.sectors),
        outvoted: sides_of(range.outvoted).first().copied(),
        zeroed: sides_of(range.zeroed),
    }
}

fn run_of(mirror: MetadeviceName, run: &abi::ScrubRun) -> Result<Run, RequestError> {
    let ends = [
        (ScrubEnd::Done, CheckEnd::Done),
        (ScrubEnd::Cancelled, CheckEnd::Cancelled),
        (ScrubEnd::Interrupted, CheckEnd::Interrupted),
    ];
    let mut ends = ends.into_iter();
    let end = ends.find(|(end, _)| *end as u32 == run.end);
    let (_, end) = end.ok_or_else(|| {
        RequestError::Nonsense(format!("a check of {mirror} has ended as {}", run.end))
    })?;
    Ok(Run {
        began: event_of(&mirror.to_string(), run.began)?,
        seconds: run.seconds,
        mode: mode_of(mirror, run.mode)?,
        end,
        compared: Sectors(run.compared_sectors),
        skipped: Sectors(run.skipped_sectors),
        differing: Sectors(run.differing_sectors),
        zeroed: Sectors(run.zeroed_sectors),
        repaired: Sectors(run.repaired_sectors),
        range_count: run.range_count,
        outvoted: sides_of(run.outvoted),
    })
}
