// SPDX-License-Identifier: GPL-2.0
//! Requests to metadevices in which each block has one place.

use super::place::{
    flush_below,
    for_pieces,
    leaf_runs,
    place,
    runs, //
};
use crate::{
    body::Shape,
    kapi::{
        fan_out::Part,
        request::{
            Failure,
            Operation,
            Request, //
        },
        submission::Submission, //
    },
};

/// Carries out a request.
#[inline]
pub(super) fn queue(request: Request, shape: &Shape, submission: &Submission<'_>) {
    match request.operation() {
        Operation::Read | Operation::Write => transfer(request, shape, submission),
        Operation::Flush => {
            let out = request.fan_out(submission);
            for component in shape.components() {
                flush_below(&out, component, None);
            }
        }
        Operation::Discard | Operation::WriteZeroes => spread(request, shape, submission),
        Operation::Other => request.end(Failure::NotSupported),
    }
}

/// A read or write: one clone if it lies in one piece, which is the rule, else one for each piece
/// of each bio.
fn transfer(request: Request, shape: &Shape, submission: &Submission<'_>) {
    let count = request.sectors();
    let Some((_, piece)) = place(shape, request.sector(), count) else {
        return request.end(Failure::Io);
    };
    if piece.count == count && request.is_single() {
        return request.forward(&piece.target());
    }
    let out = request.fan_out(submission);
    for part in out.parts() {
        if send_pieces(&part, shape).is_none() {
            part.fail(Failure::Io);
        }
    }
}

/// Sends the pieces of one bio to where they live. `None` if the bio leaves the metadevice.
fn send_pieces(part: &Part<'_>, shape: &Shape) -> Option<()> {
    for_pieces(part, |done, from, left| {
        let (_, piece) = place(shape, from, left)?;
        part.send(done, piece.count, &piece.target());
        Some(piece.count)
    })
}

/// A discard or write-zeroes: one clone of each bio for each leaf, since without data there is
/// nothing that would have to be cut at the interlace.
fn spread(request: Request, shape: &Shape, submission: &Submission<'_>) {
    let out = request.fan_out(submission);
    for part in out.parts() {
        let sent = runs(
            shape,
            part.sector(),
            part.sectors(),
            &mut |component, from, count| {
                leaf_runs(component, from, count, &mut |piece| {
                    part.send(0, piece.count, &piece.target());
                })
            },
        );
        if sent.is_none() {
            part.fail(Failure::Io);
        }
    }
}
