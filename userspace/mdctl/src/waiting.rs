// SPDX-License-Identifier: GPL-2.0
//! Waiting until mirrors or RAID5 are resynced, or checked, with a bar on the terminal if there is
//! one. Whoever is tired of it may interrupt the command: the kernel goes on by itself.

use crate::{
    admin::requests,
    explain::{
        self,
        Failure,
        Subject, //
    },
    keeping,
    output::Answer,
    syntax::name::MetadeviceName,
    unit::Unit,
    Machine,
};
use indicatif::{
    ProgressBar,
    ProgressDrawTarget,
    ProgressStyle, //
};
use md_report::ResyncState;
use std::{
    mem::take,
    time::Duration, //
};

/// How often a mirror is looked at.
const INTERVAL: Duration = Duration::from_millis(500);

/// What the bar shows beside itself.
const STYLE: &str = "{prefix} {wide_bar} {percent} % done, {eta} left";

/// Waits until mirrors have nothing to resync any more, or cannot go on by themselves; then shows
/// them as they are in the answer.
pub fn wait(
    machine: &mut Machine<'_>,
    mirrors: &[MetadeviceName],
    answer: &mut Answer,
) -> Result<(), Failure> {
    // What was changed is written down first: this may be interrupted.
    if take(&mut answer.has_changed) {
        answer
            .document
            .warnings
            .extend(keeping::write_md_cf(machine));
    }
    let is_shown = !answer.is_for_scripts && machine.host.is_watched();
    let waited = mirrors
        .iter()
        .filter_map(|mirror| wait_for(machine, *mirror, is_shown).err());
    let mut failures: Vec<_> = waited.collect();
    answer.show(machine, mirrors)?;
    let last = failures.pop();
    answer.failures.extend(failures);
    last.map_or(Ok(()), Err)
}

/// The same for one mirror.
fn wait_for(
    machine: &mut Machine<'_>,
    mirror: MetadeviceName,
    is_shown: bool,
) -> Result<(), Failure> {
    let bar = bar(format!("{mirror}: resync"), is_shown);
    loop {
        let unit = requests::status(machine.admin, mirror)
            .map_err(|error| explain::request(&error, &Subject::unit(mirror)))?;
        if is_done(&unit)? {
            bar.finish_and_clear();
            return Ok(());
        }
        if let Some(resync) = unit.resync() {
            bar.set_length(resync.total.0.max(1));
            bar.set_position(resync.done.0);
        }
        machine.host.pause(INTERVAL);
    }
}

/// Waits until no check of a mirror is under way any more: how it is then.
pub fn wait_for_scrub(
    machine: &mut Machine<'_>,
    mirror: MetadeviceName,
    is_for_scripts: bool,
) -> Result<Unit, Failure> {
    let is_shown = !is_for_scripts && machine.host.is_watched();
    let bar = bar(format!("{mirror}: check"), is_shown);
    loop {
        let unit = requests::status(machine.admin, mirror)
            .map_err(|error| explain::request(&error, &Subject::unit(mirror)))?;
        let current = unit.checked().and_then(|checked| checked.scrubs().current);
        let Some(current) = current else {
            bar.finish_and_clear();
            return Ok(unit);
        };
        bar.set_length(unit.size.0.max(1));
        bar.set_position(current.done.0);
        machine.host.pause(INTERVAL);
    }
}

/// Whether a mirror has nothing to resync; an error if it has, and does nothing.
fn is_done(unit: &Unit) -> Result<bool, Failure> {
    match unit.resync() {
        None => Ok(true),
        Some(resync) if goes_on(resync.state) => Ok(false),
        Some(resync) => {
            let stuck = match unit.raid() {
                Some(_) => explain::raid::STUCK,
                None => explain::mirror::STUCK,
            };
            let (name, size) = (unit.name, unit.size);
            Err(explain::mirror::unfinished(name, size, &resync, stuck))
        }
    }
}

/// Whether a resync does something, or will, without anybody's doing.
fn goes_on(state: ResyncState) -> bool {
    matches!(state, ResyncState::Running | ResyncState::Waiting)
}

/// A bar with something in front, which is invisible if nobody is there to see it.
fn bar(prefix: String, is_shown: bool) -> ProgressBar {
    let target = if is_shown {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let style = ProgressStyle::with_template(STYLE);
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(1), target)
        .with_style(style)
        .with_prefix(prefix)
}
