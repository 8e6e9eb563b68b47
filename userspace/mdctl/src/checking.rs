// SPDX-License-Identifier: GPL-2.0
//! Checking and repairing mirrors and RAID5, and telling what was found.

use crate::{
    admin::requests::{
        self,
        scrub::{
            self,
            Wanted, //
        },
    },
    explain::{
        self,
        Failure,
        Subject, //
    },
    output::{
        scrub::summary,
        Answer, //
    },
    syntax::name::MetadeviceName,
    waiting::wait_for_scrub,
    Machine,
};
use md_abi::admin::Refusal;
use md_report::CheckEnd;

/// Starts or cancels a check or repair, and waits for it if that is wanted.
pub fn scrub(
    machine: &mut Machine<'_>,
    name: MetadeviceName,
    wanted: Wanted,
    waits: bool,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let part = match wanted {
        Wanted::RepairFrom(submirror) => [submirror.to_string()],
        Wanted::Check | Wanted::Repair | Wanted::Cancel => [name.to_string()],
    };
    scrub::scrub(machine.admin, name, wanted)
        .map_err(|error| explain::request(&error, &Subject::part(name, &part)))?;
    let what = match wanted {
        Wanted::Check => "check is started",
        Wanted::Repair | Wanted::RepairFrom(_) => "repair is started",
        Wanted::Cancel => "check is cancelled",
    };
    answer.line(&format!("{name}: {what}"));
    let found = if waits {
        wait(machine, name, answer)
    } else {
        Ok(())
    };
    answer.show(machine, &[name])?;
    found
}

/// Checks all mirrors and RAID5 metadevices that have something to compare. With `waits` one after
/// the other, so that a disk that several of them are on is read for one at a time.
pub fn check_all(
    machine: &mut Machine<'_>,
    waits: bool,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let units = requests::status_of_all(machine.admin)
        .map_err(|error| explain::request(&error, &Subject::none()))?;
    let checked = units.iter().filter(|unit| unit.checked().is_some());
    let names: Vec<_> = checked.map(|unit| unit.name).collect();
    let mut failures = Vec::new();
    let mut checked = Vec::new();
    for name in names {
        match scrub::scrub(machine.admin, name, Wanted::Check) {
            Ok(()) => answer.line(&format!("{name}: check is started")),
            // One that is under way is waited for like the others.
            Err(error) if error.refusal() == Some(Refusal::ScrubRunning) => {}
            Err(error) if is_nothing(error.refusal()) => continue,
            Err(error) => {
                failures.push(explain::request(&error, &Subject::unit(name)));
                continue;
            }
        }
        checked.push(name);
        if waits {
            failures.extend(wait(machine, name, answer).err());
        }
    }
    answer.show(machine, &checked)?;
    let last = failures.pop();
    answer.failures.extend(failures);
    last.map_or(Ok(()), Err)
}

/// Whether a refusal means that there is nothing to be checked, perhaps not any more.
fn is_nothing(refusal: Option<Refusal>) -> bool {
    matches!(
        refusal,
        Some(Refusal::NothingToCompare | Refusal::NoSuchUnit)
    )
}

/// Waits for a check, and tells what it has found.
fn wait(
    machine: &mut Machine<'_>,
    name: MetadeviceName,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let unit = wait_for_scrub(machine, name, answer.is_for_scripts)?;
    let Some(checked) = unit.checked() else {
        return Ok(());
    };
    let Some(run) = checked.scrubs().runs.first() else {
        return Err(explain::scrub::unfinished(name, CheckEnd::Interrupted));
    };
    if run.has_differences() {
        return Err(explain::scrub::differs(name, checked, run));
    }
    if run.end != CheckEnd::Done {
        return Err(explain::scrub::unfinished(name, run.end));
    }
    answer.line(&format!("{name}: {}", summary(checked, run)));
    Ok(())
}
