// SPDX-License-Identifier: GPL-2.0
//! Writes that are in no log (`metainit --no-log`). Before the first of them the logs tell that
//! they may be under way, and at a stop that they are not; what is done at a start that finds them
//! under way is in `md_model::raid5::unlogged`.

use kernel::prelude::*;
use md_model::{
    mirror::component::State,
    raid5::{
        bit,
        log::Head,
        progress::{
            Activity,
            Progress, //
        },
        replay::Scan,
        unlogged::{
            at_start,
            Start, //
        }, //
    },
};

use super::{
    replay::{
        read_column,
        room_for_heads,
        Memory, //
    },
    Target,
    Work, //
};
use crate::kapi::request::{
    Operation,
    Request, //
};

/// Whether a write is durable at its end only with a flush: there is no log that has it.
pub(super) fn is_flushed_for(target: Target<'_>, request: &Request) -> bool {
    request.is_durable() && request.operation() == Operation::Write && target.unit.is_unlogged()
}

impl Work {
    /// What comes before the lines are written in place: they are written to the logs of their
    /// columns, or all columns tell that writes are under way which are in none. Columns that have
    /// failed are noted; their bits.
    pub(super) fn begin_lines(&mut self, target: Target<'_>) -> u64 {
        if target.unit.is_unlogged() {
            self.open(target)
        } else {
            self.write_slots(target)
        }
    }

    /// Has all columns tell that, durably, and who is out of service, if they do not: a flush that
    /// would have them tell is not sent to disks without a cache.
    fn open(&mut self, target: Target<'_>) -> u64 {
        if !self.unlogged.is_opened_first() && self.told == Some(target.lacking()) {
            return 0;
        }
        let members = target.present();
        let head = Head {
            is_open: true,
            ..self.head(target, members)
        };
        members & !self.write_pages(target, head)
    }

    /// They tell that none are, if they have told otherwise. Everything that was written is
    /// durable. If that fails, the next start has to do more than it must.
    pub(super) fn close(&mut self, target: Target<'_>) {
        if !target.unit.is_unlogged() || !self.unlogged.is_to_be_closed() {
            return;
        }
        if self.checkpoint_settled(target).is_err() {
            let number = target.body.number();
            pr_warn!(
                "d{number}: its columns cannot be told that its parity fits: it is made again at \
                 the next start\n"
            );
        }
    }
}

/// What is done about such writes before anything else is. If somebody does not have all of them
/// it cannot be opened, and nothing is recorded, so that it is another matter when he is back.
pub(super) fn begin(target: Target<'_>, may_be_old: bool) -> Start {
    let (unit, number) = (target.unit, target.body.number());
    if !unit.is_unlogged() {
        return Start::AsItIs;
    }
    let start = find(target, may_be_old).unwrap_or_else(|error| {
        pr_err!("d{number}: its columns cannot be looked at: {error:?}\n");
        Start::Refused
    });
    match start {
        Start::AsItIs => {}
        Start::MakeParity => {
            unit.set_progress(Progress::begin(Activity::Build));
            unit.note_flushed();
            unit.ledger().begin_anew();
            pr_warn!(
                "d{number}: has no log, and was not stopped: its parity is made again, and makes \
                 up for no column until then\n"
            );
        }
        Start::Refused => {
            if let Some(raid) = target.body.raid() {
                raid.block();
            }
            unit.note_unrecorded();
            tell_refused(target);
        }
    }
    start
}

/// Looks at the logs.
fn find(target: Target<'_>, may_be_old: bool) -> Result<Start> {
    let mut memory = Memory::new()?;
    let mut found = room_for_heads(target)?;
    let mut are_all_there = are_all_there(target);
    for column in target.members(target.present()) {
        are_all_there &= read_column(target, column, &mut memory, &mut found).is_ok();
    }
    let scan = Scan::new(target.unit.log(), &found);
    if may_be_old {
        are_all_there &= scan.stale(target.count()) & target.present() == 0;
    }
    // What is recorded may not know that the parity is made again.
    let is_open = scan.is_open() || may_be_old;
    Ok(at_start(is_open, &target.unit.progress(), are_all_there))
}

/// Whether all columns are in service, wholly.
fn are_all_there(target: Target<'_>) -> bool {
    let present = target.present();
    (0..target.count()).all(|column| {
        let is_whole = [Some(State::Okay), Some(State::LastErred)].contains(&target.state(column));
        is_whole && present & bit(column) != 0
    })
}

/// Says why it cannot be opened, and what is to be done about it.
fn tell_refused(target: Target<'_>) {
    let number = target.body.number();
    pr_err!(
        "d{number}: cannot be opened: it has no log, was not stopped, and not all of its columns \
         are there: what a column had that is not may read as something else. 'mdctl stop', bring \
         all of them back, then 'mdctl start'; or 'metaclear d{number}', make it anew, and restore \
         what was on it from a backup\n"
    );
}
