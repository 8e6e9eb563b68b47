// SPDX-License-Identifier: GPL-2.0
//! Requests to soft partitions.
//!
//! On a device or stripe, a block of a soft partition has one place, and that is all. On a mirror
//! or RAID5 the request becomes one of that: its disk carries it ([`Request::carry`]), so that all
//! that is promised of these holds. A request across the end of an extent, which is rare, is sent
//! to that disk piece by piece, as anybody would send it.

use super::{
    mirror,
    place::for_pieces,
    raid,
    stripe, //
};
use crate::{
    body::{
        Child,
        Shape, //
    },
    fencing,
    kapi::{
        clone::Target,
        fan_out::Part,
        request::{
            Failure,
            Operation,
            Request, //
        },
        submission::Submission, //
    },
    soft::moving::Moving, //
};

/// Carries out a request. Not inlined: requests to other metadevices would save registers for it.
#[inline(never)]
pub(super) fn queue(request: Request, shape: &Shape, submission: &Submission<'_>) {
    match shape.moving() {
        Some(moving) => queue_while_moving(request, moving, shape, submission),
        None => queue_on_base(request, shape, submission),
    }
}

/// Carries out a request while an extent is being moved.
#[cold]
fn queue_while_moving(
    request: Request,
    moving: &Moving,
    shape: &Shape,
    submission: &Submission<'_>,
) {
    if !matches!(request.operation(), Operation::Read | Operation::Flush) {
        moving.changes(request.sector(), request.sectors());
    }
    queue_on_base(request, shape, submission);
}

#[inline]
fn queue_on_base(request: Request, shape: &Shape, submission: &Submission<'_>) {
    match shape.carrier_below() {
        Some(base) => carry(request, shape, base, submission),
        None => stripe::queue(request, shape, submission),
    }
}

/// Most requests are in the first run, and nothing else of the map is looked at for them.
#[inline]
fn carry(request: Request, shape: &Shape, below: &Child, submission: &Submission<'_>) {
    match shape.place_in_first_run(request.sector(), request.sectors()) {
        Some(place) => carry_to(request, place, below, submission),
        None => carry_anywhere(request, shape, below, submission),
    }
}

/// The same for requests that are not in the first run: those without sectors, and those with
/// several places.
#[cold]
fn carry_anywhere(request: Request, shape: &Shape, below: &Child, submission: &Submission<'_>) {
    let (sector, count) = (request.sector(), request.sectors());
    let place = match request.operation() {
        // Of no account where it is.
        Operation::Flush => sector,
        Operation::Other => return request.end(Failure::NotSupported),
        _ => match shape.map(sector, count) {
            Some(piece) if piece.count == count => piece.sector,
            Some(_) => return send_pieces(request, shape, submission),
            None => return request.end(Failure::Io),
        },
    };
    carry_to(request, place, below, submission);
}

/// What is below is what carries the requests of the disk: it was made with that, and has that base
/// as long as it is there.
#[inline(always)]
fn carry_to(request: Request, place: u64, below: &Child, submission: &Submission<'_>) {
    if let Some(request) = request.carry(place) {
        if fencing::is_below(below.body()) {
            return request.end(Failure::Io);
        }
        match below.body().raid() {
            Some(_) => raid::queue(request, below.body(), submission),
            None => mirror::queue(request, below.body(), submission),
        }
    }
}

fn send_pieces(request: Request, shape: &Shape, submission: &Submission<'_>) {
    request.send_by_itself();
    let out = request.fan_out(submission);
    for part in out.parts() {
        if send_part(&part, shape).is_none() {
            part.fail(Failure::Io);
        }
    }
}

/// Sends the pieces of one bio to the disk of the base. `None` if it leaves the soft partition.
fn send_part(part: &Part<'_>, shape: &Shape) -> Option<()> {
    let base = shape.component(0)?;
    for_pieces(part, |done, from, left| {
        let piece = shape.map(from, left)?;
        let target = Target {
            device: &base.device,
            sector: piece.sector,
            side: None,
        };
        part.send(done, piece.count, &target);
        Some(piece.count)
    })
}
