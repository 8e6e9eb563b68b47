// SPDX-License-Identifier: GPL-2.0
//! The end of a check, of a mirror or of RAID5: it is remembered, and told of.

use kernel::prelude::*;
use md_model::{
    events::kind::Kind,
    mirror::scrub::{
        history::Run,
        report::Range,
        run::{
            End,
            Event, //
        },
    },
};

use super::scrub::Scrub;
use crate::{
    body::Body,
    events::Event as Told, //
};

/// Ranges that are told in the kernel's log.
const TOLD_MAX: usize = 8;

/// What differences are called.
pub(crate) struct Words<'a> {
    /// What so many blocks do that are as they should not be.
    pub(crate) wrong: &'static str,
    /// Tells of a range of them.
    pub(crate) range: &'a dyn Fn(&Range),
}

/// Ends a check, if it is under way, and tells what it has found: what there is to be remembered.
pub(crate) fn end(body: &Body, check: &mut Scrub, event: Event, words: &Words<'_>) -> Option<Run> {
    let run = check.end(event)?;
    tell(body, check, &run, words);
    let event = Told::of_unit(Kind::Check, body.number());
    let event = event.values([run.differing_sectors, run.repaired_sectors]);
    body.events().record(&event.state(run.end));
    Some(run)
}

/// Tells what was found, with the next command to type.
fn tell(body: &Body, check: &Scrub, run: &Run, words: &Words<'_>) {
    let number = body.number();
    let ended = match run.end {
        End::Done => "done",
        End::Cancelled => "cancelled",
        End::Interrupted => "interrupted",
    };
    let (compared, ranges) = (run.compared_sectors, run.range_count);
    if ranges == 0 {
        pr_info!("d{number}: check is {ended}: {compared} blocks compared, no difference\n");
        return;
    }
    let (differing, repaired) = (run.differing_sectors, run.repaired_sectors);
    let wrong = words.wrong;
    pr_warn!(
        "d{number}: check is {ended}: {compared} blocks compared, {differing} {wrong}, in {ranges} \
         ranges, and {repaired} of them were repaired; 'metastat d{number}' shows them\n"
    );
    let found = check
        .report()
        .into_iter()
        .flat_map(|report| report.ranges());
    found.take(TOLD_MAX).for_each(words.range);
}

/// What was checked could not be recorded.
pub(crate) fn warn_not_recorded(body: &Body) {
    let number = body.number();
    pr_warn!("d{number}: what was checked is not recorded\n");
}
