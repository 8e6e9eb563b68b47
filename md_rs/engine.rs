// SPDX-License-Identifier: GPL-2.0
//! The life of a request: it comes in from blk-mq, its pieces go out to the components, and it ends
//! when they have come back.
//!
//! Where a piece goes is the unit's decision ([`Unit::map`]); how clones are made, counted and
//! finished is [`kapi::request`](crate::kapi::request)'s.

use crate::{
    kapi::{
        bdev::BlockDevice,
        request::{
            BioSet,
            Failure,
            Operation,
            Part,
            Request, //
        }, //
    },
    metadevice::Components,
    personality::Unit, //
};

/// Carries out a request.
pub(crate) fn queue(request: Request, unit: &dyn Unit, components: &Components, bioset: &BioSet) {
    match request.operation() {
        Operation::Read | Operation::Write => transfer(request, unit, components, bioset),
        Operation::Flush => flush(request, components, bioset),
        Operation::Other => request.end(Failure::NotSupported),
    }
}

/// A read or write: one clone if it lies in one piece, which is the rule, else one for each piece
/// of each bio.
fn transfer(request: Request, unit: &dyn Unit, components: &Components, bioset: &BioSet) {
    let count = request.sectors();
    let Some((device, sector, piece)) = place(unit, components, request.sector(), count) else {
        return request.end(Failure::Io);
    };
    if piece == count && request.is_single() {
        return request.forward(device, sector);
    }
    let out = request.fan_out(bioset);
    for part in out.parts() {
        if send_part(&part, unit, components).is_none() {
            return out.fail(Failure::Io);
        }
    }
}

/// Sends the pieces of one bio to where they live. `None` if the bio leaves the metadevice.
fn send_part(part: &Part<'_>, unit: &dyn Unit, components: &Components) -> Option<()> {
    let mut done = 0;
    while done < part.sectors() {
        let left = part.sectors().checked_sub(done)?;
        let from = part.sector().checked_add(done)?;
        let (device, sector, count) = place(unit, components, from, left)?;
        part.send(done, count, device, sector);
        done = done.checked_add(count)?;
    }
    Some(())
}

/// Where the first piece of `count` sectors from `sector` on lives, and how long it is.
#[inline]
fn place<'a>(
    unit: &dyn Unit,
    components: &'a Components,
    sector: u64,
    count: u64,
) -> Option<(&'a BlockDevice, u64, u64)> {
    let piece = unit.map(sector, count)?;
    let device = components.device(piece.component)?;
    Some((device, piece.sector, piece.count))
}

/// A flush goes to every component: any of them may hold writes that it is to make durable.
fn flush(request: Request, components: &Components, bioset: &BioSet) {
    let out = request.fan_out(bioset);
    for device in components.devices() {
        out.send_flush(device);
    }
}
