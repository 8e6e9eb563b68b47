// SPDX-License-Identifier: GPL-2.0
//! What a check has found, as a failure of the command that has waited for it.

use super::Failure;
use crate::{
    output::scrub::differing,
    scrub::{
        Checked,
        Range,
        Run, //
    },
    syntax::name::MetadeviceName,
};
use md_abi::admin::Refusal;
use md_report::CheckEnd;

/// Ranges that are told.
const TOLD_MAX: usize = 4;

/// Something differs, and nobody has made it equal.
pub fn differs(name: MetadeviceName, checked: Checked<'_>, run: &Run) -> Failure {
    let told = checked.scrubs().ranges.iter().take(TOLD_MAX);
    let range = |range: &Range| format!("{} ({})", checked.place(range), checked.verdict(range));
    let mut told: Vec<_> = told.map(range).collect();
    let more = (run.range_count as usize).saturating_sub(told.len());
    if more > 0 {
        told.push(format!("and {more} more"));
    }
    let reason = format!("{}: {}", differing(run.range_count), told.join(", "));
    Failure::of(
        name.to_string(),
        reason,
        checked.repair_command(&name.to_string()),
    )
}

/// A check that was waited for has not seen everything.
pub fn unfinished(name: MetadeviceName, end: CheckEnd) -> Failure {
    let reason = match end {
        CheckEnd::Done | CheckEnd::Cancelled => "its check was cancelled",
        CheckEnd::Interrupted => "its check was interrupted",
    };
    Failure::of(
        name.to_string(),
        reason,
        format!("metasync --check -w {name}"),
    )
}

/// Why a scrub was refused; `None` for what has to do with something else.
pub(super) fn refusal(refusal: Refusal, mirror: &str, part: &str) -> Option<Failure> {
    let metastat = format!("metastat {mirror}");
    Some(match refusal {
        Refusal::ScrubRunning => {
            let next = format!("metasync -c --check {mirror}");
            Failure::of(mirror, "is being checked already", next)
        }
        Refusal::NoScrub => Failure::of(
            mirror,
            "is not being checked",
            format!("metasync --check {mirror}"),
        ),
        Refusal::NothingToCompare => Failure::of(
            mirror,
            "has nothing to compare: two submirrors have to be in service, or all of RAID5",
            metastat,
        ),
        Refusal::SideNotInService => Failure::of(
            part,
            format!("is not in service, so that nothing of {mirror} can be repaired from it"),
            metastat,
        ),
        _ => return None,
    })
}
