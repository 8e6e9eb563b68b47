// SPDX-License-Identifier: GPL-2.0
//! Requests to RAID5 metadevices.
//!
//! A read of columns that are in service goes straight to them, like one of a stripe. If it fails,
//! and with everything else, the disk's worker makes a batch of what is waiting
//! ([`raid`](crate::raid)).

use super::place::for_pieces;
use crate::{
    body::Body,
    kapi::{
        clone::{
            Side,
            Target as CloneTarget, //
        },
        request::{
            Failure,
            Operation,
            Request,
            Stage, //
        },
        submission::Submission, //
    },
    raid::Target,
};

/// Carries out a request.
pub(super) fn queue(request: Request, body: &Body, submission: &Submission<'_>) {
    let Some(target) = Target::of(body) else {
        return request.end(Failure::Io);
    };
    match request.operation() {
        Operation::Read if may_forward(target, &request) => read(request, target, submission),
        Operation::Read | Operation::Write | Operation::Flush => request.defer(),
        Operation::Discard | Operation::WriteZeroes | Operation::Other => {
            request.end(Failure::NotSupported);
        }
    }
}

/// Whether a request is a read that was not tried yet, of columns that are in service, and nothing
/// is lost.
pub(super) fn may_forward(target: Target<'_>, request: &Request) -> bool {
    if request.operation() != Operation::Read || request.stage() != Stage::New {
        return false;
    }
    if target
        .body
        .raid()
        .is_none_or(|raid| raid.lost_blocks() != 0)
    {
        return false;
    }
    let layout = target.unit.layout();
    let mut done = 0;
    while done < request.sectors() {
        let left = request.sectors().saturating_sub(done);
        let from = request.sector().saturating_add(done);
        let Some(run) = layout.run(from, left) else {
            return false;
        };
        let last = run.offset.saturating_add(run.count).saturating_sub(1);
        // What is made of a column grows from its beginning.
        if !target.is_served(run.column, last) {
            return false;
        }
        done = done.saturating_add(run.count);
    }
    true
}

/// Where the first piece of a read goes, and how long that is.
fn place(target: Target<'_>, from: u64, left: u64) -> Option<(CloneTarget<'_>, u64)> {
    let run = target.unit.layout().run(from, left)?;
    let component = target.shape.component(run.column)?;
    let place = CloneTarget {
        device: &component.device,
        sector: target.sector(run.column, run.offset),
        side: Some(Side {
            index: 0,
            condition: &component.condition,
        }),
    };
    Some((place, run.count))
}

fn read(request: Request, target: Target<'_>, submission: &Submission<'_>) {
    request.supervise();
    let count = request.sectors();
    let Some((first, length)) = place(target, request.sector(), count) else {
        return request.end(Failure::Io);
    };
    if length == count && request.is_single() {
        return request.forward(&first);
    }
    let out = request.fan_out(submission);
    for part in out.parts() {
        let sent = for_pieces(&part, |done, from, left| {
            let (place, length) = place(target, from, left)?;
            part.send(done, length, &place);
            Some(length)
        });
        if sent.is_none() {
            part.fail(Failure::Io);
        }
    }
}
