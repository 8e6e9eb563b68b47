// SPDX-License-Identifier: GPL-2.0
//! The life of a request: it comes in from blk-mq, its pieces go out to the leaves, and it ends
//! when they have come back.
//!
//! Where a piece goes is the unit's decision ([`Unit::map`]); how clones are made, counted and
//! finished is [`kapi::request`](crate::kapi::request)'s.
//!
//! [`Unit::map`]: crate::personality::Unit::map

use crate::{
    body::Body,
    kapi::{
        bdev::BlockDevice,
        clone::BioSet,
        request::{
            Failure,
            FanOut,
            Operation,
            Part,
            Request, //
        }, //
    },
};

/// Carries out a request.
pub(crate) fn queue(request: Request, body: &Body, bioset: &BioSet) {
    match request.operation() {
        Operation::Read | Operation::Write => transfer(request, body, bioset),
        Operation::Flush => flush(&request.fan_out(bioset), body),
        Operation::Discard | Operation::WriteZeroes => spread(request, body, bioset),
        Operation::Other => request.end(Failure::NotSupported),
    }
}

/// A read or write: one clone if it lies in one piece, which is the rule, else one for each piece
/// of each bio.
fn transfer(request: Request, body: &Body, bioset: &BioSet) {
    let count = request.sectors();
    let Some((device, sector, piece)) = place(body, request.sector(), count) else {
        return request.end(Failure::Io);
    };
    if piece == count && request.is_single() {
        return request.forward(device, sector);
    }
    let out = request.fan_out(bioset);
    for part in out.parts() {
        if send_pieces(&part, body).is_none() {
            part.fail(Failure::Io);
        }
    }
}

/// Sends the pieces of one bio to where they live. `None` if the bio leaves the metadevice.
fn send_pieces(part: &Part<'_>, body: &Body) -> Option<()> {
    let mut done = 0;
    while done < part.sectors() {
        let left = part.sectors().checked_sub(done)?;
        let from = part.sector().checked_add(done)?;
        let (device, sector, count) = place(body, from, left)?;
        part.send(done, count, device, sector);
        done = done.checked_add(count)?;
    }
    Some(())
}

/// The leaf where the first piece of `count` sectors from `sector` on lives, the sector there, and
/// how long the piece is.
#[inline]
fn place(mut body: &Body, mut sector: u64, mut count: u64) -> Option<(&BlockDevice, u64, u64)> {
    loop {
        let piece = body.unit().map(sector, count)?;
        let component = body.component(piece.component)?;
        (sector, count) = (piece.sector, piece.count);
        match &component.child {
            None => return Some((&component.device, sector, count)),
            Some(child) => body = child.body(),
        }
    }
}

/// A discard or write-zeroes: one clone of each bio for each leaf, since without data there is
/// nothing that would have to be cut at the interlace.
fn spread(request: Request, body: &Body, bioset: &BioSet) {
    let out = request.fan_out(bioset);
    for part in out.parts() {
        if send_ranges(&part, body, part.sector(), part.sectors()).is_none() {
            part.fail(Failure::Io);
        }
    }
}

/// Sends what an operation without data means for each leaf below a body. As deep a recursion as
/// there are levels of metadevices. `None` if the sectors leave the metadevice.
fn send_ranges(part: &Part<'_>, body: &Body, sector: u64, count: u64) -> Option<()> {
    let mut inside = Some(());
    body.unit().ranges(sector, count, &mut |piece| {
        let sent = body.component(piece.component).and_then(|component| {
            match &component.child {
                None => part.send(0, piece.count, &component.device, piece.sector),
                Some(child) => send_ranges(part, child.body(), piece.sector, piece.count)?,
            }
            Some(())
        });
        inside = inside.and(sent);
    })?;
    inside
}

/// A flush goes to every leaf: any of them may hold writes that it is to make durable.
fn flush(out: &FanOut<'_>, body: &Body) {
    for component in body.components() {
        match &component.child {
            None => out.send_flush(&component.device),
            Some(child) => flush(out, child.body()),
        }
    }
}
