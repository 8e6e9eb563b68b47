// SPDX-License-Identifier: GPL-2.0
//! The resync: what a side lacks is copied to it, region by region (`svm.md` section 4.6). While a
//! piece is copied nobody writes to it.

use kernel::{
    prelude::*,
    time::Instant, //
};
use md_model::{
    events::kind::{
        Kind,
        State, //
    },
    mirror::{
        component::is_written,
        mend::{
            first_block,
            lost_in_resync, //
        },
        resync::Chunk,
        side_bit, //
    }, //
};

use super::{
    clean,
    map::Need,
    mend::{
        mend_all,
        Room, //
    },
    pace,
    upkeep::{
        chunk_buffer,
        lacks,
        Kept,
        CLEAN,
        REPAIR_SECTORS, //
    }, //
};
use crate::{
    component::Component,
    engine::place::{
        place,
        Place, //
    },
    events::Event,
    kapi::{
        bdev::Buffer,
        errand::Errand,
        errno::enodata, //
    },
    sides::side_body, //
};

/// Carries out one of the errands that copy, until there is nothing more to be copied.
pub(super) fn run(kept: Kept<'_>, errand: &Errand<'_>) {
    let map = kept.map();
    if map.is_frozen() || map.is_held() {
        return;
    }
    if map.tell_begun() {
        tell(kept, Kind::ResyncStart);
    }
    if map.remaining() == 0 {
        // A side that was away while nothing was written, or a resync whose end was not recorded.
        return end(kept, errand);
    }
    let (Ok(mut buffer), Ok(mut room)) = (chunk_buffer(), Room::new()) else {
        let number = kept.body.number();
        pr_warn!("d{number}: no memory for a resync; 'metasync d{number}' tries again\n");
        return;
    };
    errand.ask(CLEAN, super::mark::CLEANING_MS);
    while !errand.is_stopping() && !map.is_held() {
        let sectors = kept.unit.sectors();
        let next = kept
            .upkeep
            .plan
            .lock()
            .next(map.regions(), sectors, |region| map.is_needed(region));
        let Some(chunk) = next else {
            return end(kept, errand);
        };
        let since = Instant::now();
        let mut memory = Memory {
            buffer: &mut buffer,
            room: Some(&mut room),
        };
        let copied = copy_chunk(kept, errand, &chunk, &mut memory);
        if copied == Copied::Failed {
            map.note_failed(chunk.region);
        }
        let is_copied = copied == Copied::Yes;
        // With the lock, so that who finds the plan idle finds this noted as well.
        let mut plan = kept.upkeep.plan.lock();
        let finished = plan.done(&chunk, is_copied);
        if let Some(finished) = finished.filter(|finished| finished.is_copied) {
            map.note_copied(finished.region);
        }
        drop(plan);
        pace::pause(kept, errand, since);
    }
}

/// What became of a chunk.
#[derive(Clone, Copy, PartialEq)]
enum Copied {
    /// All sides that are in service have it.
    Yes,
    /// Some have not, or it can be read nowhere.
    Failed,
    /// Somebody waits for the errand to end.
    NotNow,
}

/// There is nothing more to be copied. The last one to notice that ends the resync.
fn end(kept: Kept<'_>, errand: &Errand<'_>) {
    if !kept.upkeep.plan.lock().is_idle() {
        return;
    }
    let map = kept.map();
    if map.tell_failed() {
        map.end_begun();
        tell(kept, Kind::ResyncFailed);
    }
    if !clean::clean(kept, false) {
        return errand.ask(errand.number, super::mark::CLEANING_MS);
    }
    kept.end_resync();
}

/// Tells what the resync has come to.
pub(super) fn tell(kept: Kept<'_>, kind: Kind) {
    let event = Event::of_unit(kind, kept.body.number());
    kept.body.events().record(&match kind {
        Kind::ResyncStart => event.state(State::Resyncing),
        Kind::ResyncDone => event.states(State::Resyncing, State::Okay),
        _ => event.states(State::Resyncing, State::Stuck),
    });
}

/// Memory for copying.
struct Memory<'a> {
    /// What is copied.
    buffer: &'a mut Buffer,
    /// For mending blocks that a side has lost, if that is to be done.
    room: Option<&'a mut Room>,
}

fn copy_chunk(
    kept: Kept<'_>,
    errand: &Errand<'_>,
    chunk: &Chunk,
    memory: &mut Memory<'_>,
) -> Copied {
    let (sector, count) = (chunk.sector, chunk.count);
    if !kept.claim(errand, sector, count) {
        return Copied::NotNow;
    }
    let done = match kept.map().need(chunk.region) {
        Some(need) => copy(kept, need, sector, count, memory),
        None => Some(true),
    };
    errand.release(sector, count);
    match done {
        Some(true) => Copied::Yes,
        Some(false) | None => Copied::Failed,
    }
}

/// Makes the sides equal where a read is about to look, if they may differ there. The caller has
/// the blocks to himself. `false`: they can be read nowhere. A last copy that cannot be written is
/// no reason not to read what another side has: as long as there is one, that one is read.
pub(crate) fn repair(kept: Kept<'_>, sector: u64, count: u64) -> bool {
    let map = kept.map();
    let mut buffer = kept.upkeep.repair.lock();
    let mut memory = Memory {
        buffer: &mut buffer,
        room: None,
    };
    let mut done = 0u64;
    while done < count {
        let (Some(from), Some(left)) = (sector.checked_add(done), count.checked_sub(done)) else {
            return false;
        };
        let piece = left.min(REPAIR_SECTORS).min(map.left_in_region(from));
        let need = map.need(map.regions().region_of(from));
        if let Some(need) = need.filter(|need| need.is_uncertain) {
            if copy(kept, need, from, piece, &mut memory).is_none() {
                return false;
            }
        }
        done = done.saturating_add(piece);
    }
    true
}

/// Reads sectors that no side can read all of, in pieces, each from the first side that can read
/// it. `take` gets them: which sector each begins with, counted from the first one, how many it
/// has, and a buffer that begins with them. `false`: a block can be read nowhere, and those behind
/// it were not tried.
pub(crate) fn read_pieces(
    kept: Kept<'_>,
    sector: u64,
    count: u64,
    take: impl Fn(u64, u64, &Buffer),
) -> bool {
    let mut memory = kept.upkeep.repair.lock();
    let mut done = 0u64;
    while let Some(left) = count.checked_sub(done).filter(|left| *left > 0) {
        let Some(from) = sector.checked_add(done) else {
            return false;
        };
        let Some(found) = read_somewhere(kept, from, left, &mut memory) else {
            return false;
        };
        take(done, found.length, &memory);
        done = done.saturating_add(found.length);
    }
    true
}

/// Copies sectors of one region, to which nobody else writes, from a side that has them to those
/// that need them. Whether all sides that are in service have them now; `None` if they can be read
/// nowhere. A block that a side turns out to have lost is written there again.
fn copy(
    kept: Kept<'_>,
    need: Need,
    sector: u64,
    count: u64,
    memory: &mut Memory<'_>,
) -> Option<bool> {
    if need.is_uncertain && kept.map().is_unflushed() {
        // What is there may be in a cache only, if just the system was started anew.
        kept.flush_sides();
        kept.map().note_flushed();
    }
    let (mut done, mut is_copied) = (0u64, true);
    while done < count {
        let from = sector.checked_add(done)?;
        let left = count.checked_sub(done)?;
        let Found {
            source,
            length,
            lost,
        } = read_somewhere(kept, from, left, memory.buffer)?;
        for side in (0..kept.sides().count()).filter(|side| *side != source) {
            let is_wanted = need.is_uncertain || need.behind & side_bit(side) != 0;
            if is_wanted && kept.map().written_sides() & side_bit(side) != 0 {
                is_copied &= write_on(kept, need, side, from, length, memory.buffer);
            }
        }
        let lost = lost_in_resync(lost, need.behind, need.is_uncertain);
        if let Some(room) = memory.room.as_deref_mut().filter(|_| lost != 0) {
            mend_all(kept, lost, from, length, room);
        }
        done = done.saturating_add(length);
    }
    Some(is_copied)
}

/// Sectors that were read.
pub(super) struct Found {
    /// From which side.
    source: u32,
    /// How many.
    pub(super) length: u64,
    /// Sides that have lost some of them, as bits.
    lost: u32,
}

/// Reads the first piece of `left` sectors from the first side that has it. Where no side can read
/// all of it, the first block: each may have lost another one.
fn read_somewhere(kept: Kept<'_>, from: u64, left: u64, buffer: &mut Buffer) -> Option<Found> {
    read_but_from(kept, from, left, buffer, 0).or_else(|| {
        let block = first_block(from, left)?;
        read_but_from(kept, from, block, buffer, 0)
    })
}

/// Reads the first piece of `left` sectors, not from the sides of `tried`. A side that fails is
/// tried no more.
pub(super) fn read_but_from(
    kept: Kept<'_>,
    from: u64,
    left: u64,
    buffer: &mut Buffer,
    tried: u32,
) -> Option<Found> {
    let (mut tried, mut lost) = (tried, 0);
    loop {
        let (side, component, piece) = source(kept, from, left, tried)?;
        let length = piece.count.min(buffer_sectors(buffer));
        match piece.device.read_copy(piece.sector, length, buffer) {
            Ok(()) => {
                return Some(Found {
                    source: side,
                    length,
                    lost,
                })
            }
            Err(error) => {
                if error == enodata() {
                    lost |= side_bit(side);
                }
                component.note_read_failed();
                kept.judge();
                tried |= side_bit(side);
            }
        }
    }
}

/// The best side for a piece, of those that have it and were not tried; of equals the first.
fn source<'a>(
    kept: Kept<'a>,
    from: u64,
    left: u64,
    tried: u32,
) -> Option<(u32, &'a Component, Place<'a>)> {
    let mut best = None;
    let mut best_rank = None;
    for side in 0..kept.sides().count() {
        let is_out = tried | !kept.map().written_sides();
        if is_out & side_bit(side) != 0 {
            continue;
        }
        let Some((component, piece)) = place_on(kept, side, from, left) else {
            continue;
        };
        let rank = component.rank();
        if rank > best_rank && !lacks(kept.map(), side, component, from) {
            best = Some((side, component, piece));
            best_rank = rank;
        }
    }
    best
}

/// Writes the beginning of the buffer to a side. Whether it is there, as far as the side is in
/// service.
fn write_on(kept: Kept<'_>, need: Need, side: u32, from: u64, count: u64, buffer: &Buffer) -> bool {
    let (mut done, mut is_written_all) = (0u64, true);
    while done < count {
        let (Some(at), Some(left)) = (from.checked_add(done), count.checked_sub(done)) else {
            return false;
        };
        let Some((component, piece)) = place_on(kept, side, at, left) else {
            return false;
        };
        if is_written(component.condition.state())
            && (need.is_uncertain || lacks(kept.map(), side, component, at))
        {
            // A read relies on it, perhaps before the next flush (`DURABILITY.md` clause 11).
            let is_durable = need.is_uncertain;
            let written =
                piece
                    .device
                    .write_copy(piece.sector, piece.count, buffer, done, is_durable);
            if written.is_err() {
                component.note_write_failed();
                kept.judge();
                is_written_all &= !is_written(component.condition.state());
            }
        }
        done = done.saturating_add(piece.count);
    }
    is_written_all
}

/// Where the first piece of sectors lies on a side, within their region.
pub(super) fn place_on<'a>(
    kept: Kept<'a>,
    side: u32,
    from: u64,
    left: u64,
) -> Option<(&'a Component, Place<'a>)> {
    let left = left.min(kept.map().left_in_region(from));
    place(side_body(kept.shape, side)?.shape(), from, left)
}

fn buffer_sectors(buffer: &Buffer) -> u64 {
    (buffer.len() / md_model::units::SECTOR_BYTES as usize) as u64
}
