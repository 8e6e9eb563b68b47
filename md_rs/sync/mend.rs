// SPDX-License-Identifier: GPL-2.0
//! Blocks that a side could not read are written again with what another side has, while nobody
//! else writes to them. The rules are [`md_model::mirror::mend`]'s.

use kernel::prelude::*;
use md_model::{
    mirror::{
        component::{
            is_read,
            is_written, //
        },
        mend::{
            blocks,
            first,
            second,
            Next,
            Place as Lost,
            Read,
            BLOCK_SECTORS, //
        },
        side_bit, //
    },
    units::SECTOR_BYTES,
};

use super::{
    copy::{
        place_on,
        read_but_from, //
    },
    upkeep::{
        lacks,
        Kept, //
    },
};
use crate::{
    component::Component,
    engine::place::Place,
    kapi::{
        bdev::Buffer,
        errand::Errand,
        errno::enodata, //
    },
};

/// Room for a block: as it is on another side, and as it is read again.
pub(super) struct Room {
    right: Buffer,
    again: Buffer,
}

impl Room {
    /// Empty.
    pub(super) fn new() -> Result<Self> {
        let bytes = usize::try_from(BLOCK_SECTORS.saturating_mul(SECTOR_BYTES))?;
        Ok(Self {
            right: Buffer::new(bytes)?,
            again: Buffer::new(bytes)?,
        })
    }
}

/// Carries out [`super::upkeep::MEND`], until nothing waits any more.
pub(super) fn run(kept: Kept<'_>, errand: &Errand<'_>) {
    if kept.map().is_frozen() {
        return;
    }
    // What is not mended for want of memory is found again by the next read.
    let Ok(mut room) = Room::new() else { return };
    while !errand.is_stopping() {
        let Some(lost) = kept.upkeep.places.lock().take() else {
            return;
        };
        for (sector, count) in blocks(&lost, kept.unit.sectors()) {
            if !mend_block(kept, errand, &lost, (sector, count), &mut room) {
                return;
            }
        }
    }
}

/// Mends a block on the sides that could not read it. `false`: somebody waits for the errand.
fn mend_block(
    kept: Kept<'_>,
    errand: &Errand<'_>,
    lost: &Lost,
    (sector, count): (u64, u64),
    room: &mut Room,
) -> bool {
    if !kept.claim(errand, sector, count) {
        return false;
    }
    // What is to be copied anyhow is written by that.
    if kept
        .map()
        .need(kept.map().regions().region_of(sector))
        .is_none()
    {
        mend_all(kept, lost.sides, sector, count, room);
    }
    errand.release(sector, count);
    !errand.is_stopping()
}

/// Mends sectors on some sides, given as bits. The caller has them to himself, and no resync has to
/// copy them.
pub(super) fn mend_all(kept: Kept<'_>, sides: u32, sector: u64, count: u64, room: &mut Room) {
    let mut done = 0u64;
    while let Some(left) = count.checked_sub(done).filter(|left| *left > 0) {
        let length = left.min(BLOCK_SECTORS);
        for side in (0..kept.sides().count()).filter(|side| sides & side_bit(*side) != 0) {
            mend_on(kept, side, sector.saturating_add(done), length, room);
        }
        done = done.saturating_add(length);
    }
}

/// Mends a block on one side, piece by piece. The caller has it to himself.
fn mend_on(kept: Kept<'_>, side: u32, sector: u64, count: u64, room: &mut Room) {
    let mut done = 0u64;
    while done < count {
        let (Some(at), Some(left)) = (sector.checked_add(done), count.checked_sub(done)) else {
            return;
        };
        let Some((component, piece)) = place_on(kept, side, at, left) else {
            return;
        };
        if is_in_service(kept, side, component, at) {
            mend_piece(kept, side, component, &piece, at, room);
        }
        done = done.saturating_add(piece.count);
    }
}

fn is_in_service(kept: Kept<'_>, side: u32, component: &Component, at: u64) -> bool {
    let state = component.condition.state();
    let is_there = kept.map().written_sides() & side_bit(side) != 0 && !component.is_gone();
    is_there && is_read(state) && is_written(state) && !lacks(kept.map(), side, component, at)
}

fn mend_piece(
    kept: Kept<'_>,
    side: u32,
    component: &Component,
    piece: &Place<'_>,
    at: u64,
    room: &mut Room,
) {
    let Room { right, again } = room;
    let found = outcome(piece.device.peek(piece.sector, piece.count, again, 0));
    let mut read = 0u64;
    while found == Read::Medium && read < piece.count {
        let (Some(from), Some(left)) = (at.checked_add(read), piece.count.checked_sub(read)) else {
            return;
        };
        // Another side may have it in other pieces.
        let source = read_but_from(kept, from, left, again, side_bit(side));
        let Some(found) = source else { break };
        copy_sectors(again, right, read, found.length);
        read = read.saturating_add(found.length);
    }
    if first(found, read >= piece.count) != Next::Rewrite {
        return;
    }
    let written = piece
        .device
        .write_copy(piece.sector, piece.count, right, 0, true);
    let mut found = outcome(piece.device.peek(piece.sector, piece.count, again, 0));
    if found == Read::Good && sectors_of(right, piece.count) != sectors_of(again, piece.count) {
        found = Read::Medium;
    }
    match second(written.is_ok(), found) {
        Next::Healed => piece.device.health().note_healed(),
        Next::GiveUp => {
            component.note_write_failed();
            kept.judge();
        }
        Next::Leave | Next::Rewrite => {}
    }
}

fn outcome(answer: Result) -> Read {
    match answer {
        Ok(()) => Read::Good,
        Err(error) if error == enodata() => Read::Medium,
        Err(_) => Read::Other,
    }
}

/// Puts the first `count` sectors of a buffer to sector `to` of another one.
fn copy_sectors(source: &Buffer, target: &mut Buffer, to: u64, count: u64) {
    let bytes = |sectors: u64| sectors.saturating_mul(SECTOR_BYTES) as usize;
    let target = target.iter_mut().skip(bytes(to));
    for (to, from) in target.zip(source.iter()).take(bytes(count)) {
        *to = *from;
    }
}

/// The first sectors of a buffer.
fn sectors_of(buffer: &Buffer, count: u64) -> Option<&[u8]> {
    buffer.get(..count.saturating_mul(SECTOR_BYTES) as usize)
}
