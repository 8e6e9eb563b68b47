// SPDX-License-Identifier: GPL-2.0
//! Columns that have missed something, at a start with replicas that may be older than they are
//! (`DURABILITY.md` clause 2): the logs tell (`md_model::raid5::replay` has the rule).

use kernel::prelude::*;
use md_model::{
    mirror::component::State,
    raid5::replay::Scan, //
};

use super::{
    replay::{
        read_heads,
        Memory, //
    },
    slots::TRIES,
    Target, //
};

/// What the logs tell.
struct Told {
    /// Columns that have missed something, as bits.
    stale: u64,
    /// Whether there are columns that the record does not have.
    has_more: bool,
}

/// Has such a column out of service, before the logs are carried out. If nothing makes up for it,
/// or it cannot be told, nothing is recorded, so that the next start looks as well, and the
/// metadevice cannot be opened.
pub(super) fn leave_out(target: Target<'_>) {
    let number = target.body.number();
    let is_whole = match find(target) {
        Ok(told) if told.has_more => {
            pr_err!("d{number}: has columns that the state database has not heard of\n");
            false
        }
        Ok(told) if told.stale == 0 => return,
        Ok(told) => leave_out_these(target, told.stale),
        Err(error) => {
            pr_err!("d{number}: which columns have missed writes cannot be told: {error:?}\n");
            false
        }
    };
    if let Some(raid) = target.body.raid().filter(|_| !is_whole) {
        raid.block();
        target.unit.note_unrecorded();
        pr_err!(
            "d{number}: cannot be opened: 'mdctl stop', bring all of its columns back, and the \
             replicas that were there last, then 'mdctl start'\n"
        );
    }
}

/// Whether others make up for them, so that they are out of service now.
fn leave_out_these(target: Target<'_>, stale: u64) -> bool {
    let number = target.body.number();
    for column in target.members(stale) {
        if let Some(component) = target.column(column) {
            let path = component.device.health().path();
            pr_warn!(
                "d{number}: {path} has missed writes, as the other columns tell, which the state \
                 database has not heard of\n"
            );
        }
    }
    let column = stale.trailing_zeros();
    let component = target.column(column);
    let Some(component) = component.filter(|_| stale.count_ones() == 1) else {
        return false;
    };
    if !target.is_redundant(column) {
        return false;
    }
    component.note_write_failed();
    target.judge();
    target.state(column) == Some(State::Erred)
}

/// Looks at the logs.
fn find(target: Target<'_>) -> Result<Told> {
    let mut memory = Memory::new()?;
    for _ in 0..TRIES {
        if let Some(found) = read_heads(target, &mut memory)? {
            let scan = Scan::new(target.unit.log(), &found);
            return Ok(Told {
                stale: scan.stale(target.count()) & target.present(),
                has_more: scan.has_more(target.count()),
            });
        }
        // One cannot be read: it is out of service, and all is looked at again.
        target.judge();
    }
    Err(EIO)
}
