// SPDX-License-Identifier: GPL-2.0
//! The scrub: all sides that are in service are read and compared, chunk by chunk, while nobody
//! writes there. The rules are [`md_model::mirror::scrub`]'s.
//!
//! What is found to differ is read once more before it is believed. What a resync has to copy is
//! left to that. Differences are mended only if the administrator has asked for it; these writes
//! need no dirty region: where they are interrupted the sides differ, as before.

use kernel::{
    prelude::*,
    time::Instant, //
};
use md_model::{
    limits::SUBMIRRORS_MAX,
    mirror::{
        component::{
            is_read,
            is_written, //
        },
        resync,
        scrub::{
            compare::{
                compare,
                for_differences,
                mend as mend_of,
                Contents,
                Difference,
                Mend,
                Mode,
                Verdict,
                SIDES, //
            },
            history::Run,
            report::{
                Range,
                Report, //
            },
            run::{
                next_chunk,
                step,
                Event,
                Refusal,
                State,
                CHUNK_SECTORS, //
            },
        },
        side::SideState,
        side_bit, //
    },
    units::SECTOR_BYTES,
};

use super::{
    copy::place_on,
    ended::{
        self,
        Words, //
    },
    mend,
    pace,
    upkeep::{
        lacks,
        Kept, //
    }, //
};
use crate::{
    component::Component,
    engine::place::Place,
    kapi::{
        bdev::Buffer,
        errand::Errand,
        health::seconds_since_1970, //
    },
};

/// How long to wait for memory.
const MEMORY_MS: u32 = 10_000;

/// How many chunks are as much as the resync copies in one round.
const PARTS: i64 = resync::CHUNK_SECTORS as i64 * resync::SLOTS as i64 / CHUNK_SECTORS as i64;

/// A scrub: the one that is under way, or what the last one has left.
pub(crate) struct Scrub {
    state: State,
    mode: Mode,
    /// The first sector that it has not seen.
    at: u64,
    /// When it began, in seconds since 1970.
    began: u64,
    compared: u64,
    skipped: u64,
    repaired: u64,
    report: Report,
    /// Whether the report is one of this start of the set.
    has_report: bool,
}

impl Scrub {
    /// There was none.
    pub(crate) fn new() -> Self {
        Self {
            state: State::Idle,
            mode: Mode::Check,
            at: 0,
            began: 0,
            compared: 0,
            skipped: 0,
            repaired: 0,
            report: Report::new(),
            has_report: false,
        }
    }

    /// How it is.
    pub(crate) fn state(&self) -> State {
        self.state
    }

    /// What it does about differences.
    pub(crate) fn mode(&self) -> Mode {
        self.mode
    }

    /// Sectors that it has seen.
    pub(crate) fn done(&self) -> u64 {
        self.at
    }

    /// What it has found, or the last one; `None` if there was none since the set was started.
    pub(crate) fn report(&self) -> Option<&Report> {
        self.has_report.then_some(&self.report)
    }

    /// Begins one.
    pub(crate) fn start(&mut self, mode: Mode) -> Result<(), Refusal> {
        self.state = step(self.state, Event::Start)?.state;
        self.mode = mode;
        self.at = 0;
        self.began = seconds_since_1970();
        self.compared = 0;
        self.skipped = 0;
        self.repaired = 0;
        self.report.clear();
        self.has_report = true;
        Ok(())
    }

    /// Has it end.
    pub(crate) fn cancel(&mut self) -> Result<(), Refusal> {
        self.state = step(self.state, Event::Cancel)?.state;
        Ok(())
    }

    /// The mirror has lost a side. A repair from that one ends.
    pub(crate) fn remove_side(&mut self, gone: u32) {
        self.report.remove_side(gone);
        match self.mode {
            Mode::From(side) if side == gone => {
                self.mode = Mode::Check;
                let _ = self.cancel();
            }
            Mode::From(side) if side > gone => self.mode = Mode::From(side.saturating_sub(1)),
            Mode::Check | Mode::Majority | Mode::From(_) => {}
        }
    }

    /// It ends, if it is under way: what there is to be remembered of it.
    pub(crate) fn end(&mut self, event: Event) -> Option<Run> {
        let step = step(self.state, event).ok()?;
        self.state = step.state;
        let seconds = seconds_since_1970().saturating_sub(self.began);
        Some(Run {
            began: self.began,
            seconds: u32::try_from(seconds).unwrap_or(u32::MAX),
            mode: self.mode,
            end: step.end?,
            compared_sectors: self.compared,
            skipped_sectors: self.skipped,
            differing_sectors: self.report.sectors(),
            zeroed_sectors: self.report.zeroed_sectors(),
            repaired_sectors: self.repaired,
            range_count: self.report.total(),
            outvoted: self.report.outvoted(),
        })
    }
}

/// Memory for a chunk of each side, and for mending what one cannot read.
struct Room {
    sides: [Option<Buffer>; SIDES],
    block: mend::Room,
}

impl Room {
    fn new(sides: u32) -> Result<Self> {
        let bytes = usize::try_from(CHUNK_SECTORS.saturating_mul(SECTOR_BYTES))?;
        let mut room = Self {
            sides: [const { None }; SIDES],
            block: mend::Room::new()?,
        };
        for place in room.sides.iter_mut().take(sides as usize) {
            *place = Some(Buffer::new(bytes)?);
        }
        Ok(room)
    }

    fn side(&mut self, side: u32) -> Option<&mut Buffer> {
        self.sides.get_mut(side as usize)?.as_mut()
    }

    /// What was read of these sides, so many sectors of each.
    fn contents(&self, read: u32, sectors: u64) -> Contents<'_> {
        let bytes = sectors.saturating_mul(SECTOR_BYTES) as usize;
        let mut contents: Contents<'_> = [None; SIDES];
        for (side, (place, buffer)) in (0..).zip(contents.iter_mut().zip(&self.sides)) {
            if read & side_bit(side) != 0 {
                *place = buffer.as_ref().and_then(|buffer| buffer.get(..bytes));
            }
        }
        contents
    }
}

/// Carries out [`super::upkeep::SCRUB`].
pub(super) fn run(kept: Kept<'_>, errand: &Errand<'_>) {
    if kept.upkeep.scrub.lock().state() == State::Idle {
        return;
    }
    let Ok(mut room) = Room::new(kept.sides().count()) else {
        return errand.ask(errand.number, MEMORY_MS);
    };
    while !errand.is_stopping() {
        let (state, at) = {
            let scrub = kept.upkeep.scrub.lock();
            (scrub.state(), scrub.done())
        };
        let next = match state {
            State::Running => next_chunk(at, kept.unit.sectors(), kept.map().regions()),
            State::Idle | State::Cancelling => None,
        };
        let Some(count) = next else {
            return finish(kept);
        };
        let since = Instant::now();
        if scrub_chunk(kept, errand, at, count, &mut room) {
            kept.upkeep.scrub.lock().at = at.saturating_add(count);
        }
        pace::pause_part(kept, errand, since, PARTS);
    }
}

/// Nothing is left to be compared, or the administrator has had enough.
fn finish(kept: Kept<'_>) {
    // What was repaired counts when it is durable.
    let has_repaired = kept.upkeep.scrub.lock().has_repaired();
    if has_repaired && kept.flush_sides() != 0 {
        kept.upkeep.scrub.lock().forget_repairs();
    }
    end(kept, Event::Swept);
}

/// The mirror is left for good: a scrub that is under way is interrupted.
pub(super) fn interrupt(kept: Kept<'_>) {
    end(kept, Event::Left);
}

/// Remembers a scrub that ends, and tells of it.
fn end(kept: Kept<'_>, event: Event) {
    {
        let mut scrub = kept.upkeep.scrub.lock();
        let words = Words {
            wrong: "differ",
            range: &|range| tell_range(kept, range),
        };
        let Some(run) = ended::end(kept.body, &mut scrub, event, &words) else {
            return;
        };
        kept.map()
            .change_history(|history| history.add(run, &scrub.report));
    }
    if !kept.map().is_frozen() && !kept.record() {
        ended::warn_not_recorded(kept.body);
    }
}

fn tell_range(kept: Kept<'_>, range: &Range) {
    let number = kept.body.number();
    let last = range.sector.saturating_add(range.count).saturating_sub(1);
    let first = range.sector;
    match side_number(kept, range.difference.outvoted) {
        Some(side) => pr_warn!(
            "d{number}: blocks {first} to {last}: d{side} has something else than the others\n"
        ),
        None => pr_warn!("d{number}: blocks {first} to {last}: the submirrors differ\n"),
    }
}

/// The number of the metadevice that a side is.
fn side_number(kept: Kept<'_>, bit: u32) -> Option<u32> {
    let side = (0..SUBMIRRORS_MAX).find(|side| side_bit(*side) == bit)?;
    Some(crate::sides::side_body(kept.shape, side)?.number())
}

/// Compares a chunk. `false`: not now, since somebody waits for the errand.
fn scrub_chunk(kept: Kept<'_>, errand: &Errand<'_>, at: u64, count: u64, room: &mut Room) -> bool {
    if !kept.claim(errand, at, count) {
        return false;
    }
    let map = kept.map();
    if map.need(map.regions().region_of(at)).is_some() {
        // The resync makes the sides equal there.
        kept.upkeep.scrub.lock().skip(count);
    } else {
        let mut done = 0u64;
        while let Some(left) = count.checked_sub(done).filter(|left| *left > 0) {
            let from = at.saturating_add(done);
            let length = scrub_piece(kept, from, left, room);
            done = done.saturating_add(length.max(1));
        }
    }
    errand.release(at, count);
    true
}

/// Compares sectors that lie in one piece on each side: how many these are.
fn scrub_piece(kept: Kept<'_>, from: u64, left: u64, room: &mut Room) -> u64 {
    let length = piece_length(kept, from, left);
    let Read { mut read, lost } = read_sides(kept, from, length, room);
    if lost != 0 && read != 0 {
        mend::mend_all(kept, lost, from, length, &mut room.block);
        read = read_sides(kept, from, length, room).read;
    }
    if read.count_ones() < 2 {
        kept.upkeep.scrub.lock().skip(length);
        return length;
    }
    if compare(&room.contents(read, length)) != Verdict::Equal {
        // A difference is believed when it is read twice.
        read = read_sides(kept, from, length, room).read;
        mend_differences(kept, from, length, read, room);
    }
    let mut scrub = kept.upkeep.scrub.lock();
    scrub.compared = scrub.compared.saturating_add(length);
    length
}

/// Reports what differs, and makes it equal if that is wanted.
fn mend_differences(kept: Kept<'_>, from: u64, length: u64, read: u32, room: &mut Room) {
    let mode = {
        let mut scrub = kept.upkeep.scrub.lock();
        for_differences(&room.contents(read, length), |first, count, how| {
            scrub.report.add(Range {
                sector: from.saturating_add(first),
                count,
                difference: *how,
            });
        });
        scrub.mode
    };
    let mut before = 0u64;
    let mut has_written = false;
    for_differences(&room.contents(read, length), |first, count, how| {
        before = before.saturating_add(count);
        if let Some(mend) = mend_of(mode, how) {
            has_written |= write_from(kept, from, (first, count), &mend, room);
        }
    });
    if !has_written {
        return;
    }
    // Only what reads as equal now is repaired.
    let again = read_sides(kept, from, length, room).read;
    let mut after = 0u64;
    for_differences(&room.contents(again, length), |_, count, _: &Difference| {
        after = after.saturating_add(count);
    });
    if again == read {
        let mut scrub = kept.upkeep.scrub.lock();
        let repaired = before.saturating_sub(after);
        scrub.repaired = scrub.repaired.saturating_add(repaired);
    }
}

/// How many of `left` sectors lie in one piece on each side that is in service.
fn piece_length(kept: Kept<'_>, from: u64, left: u64) -> u64 {
    let sides = 0..kept.sides().count();
    let places = sides.filter_map(|side| Some(place_on(kept, side, from, left)?.1.count));
    places.fold(left, u64::min)
}

/// Sides that were read, and those that could not be, as bits.
#[derive(Clone, Copy, Default)]
struct Read {
    read: u32,
    lost: u32,
}

/// Reads sectors, which lie in one piece on each side, of all sides that have them.
fn read_sides(kept: Kept<'_>, from: u64, length: u64, room: &mut Room) -> Read {
    let mut sides = Read::default();
    for side in 0..kept.sides().count() {
        let Some((component, piece)) = readable(kept, side, from, length) else {
            continue;
        };
        let Some(buffer) = room.side(side) else {
            continue;
        };
        let answer = piece.device.read_part(piece.sector, length, buffer, 0);
        if answer.is_ok() {
            sides.read |= side_bit(side);
        } else {
            sides.lost |= side_bit(side);
            component.note_read_failed();
            kept.judge();
        }
    }
    sides
}

/// Where sectors lie on a side, if it has them and is in service.
fn readable<'a>(
    kept: Kept<'a>,
    side: u32,
    from: u64,
    length: u64,
) -> Option<(&'a Component, Place<'a>)> {
    let map = kept.map();
    let is_there =
        map.side_state(side) == SideState::Okay && map.written_sides() & side_bit(side) != 0;
    let (component, piece) = place_on(kept, side, from, length).filter(|_| is_there)?;
    let is_good = is_read(component.condition.state())
        && !component.is_gone()
        && !lacks(map, side, component, from);
    (is_good && piece.count == length).then_some((component, piece))
}

/// Writes sectors that differ to the sides that are wrong there. Whether something was written.
fn write_from(
    kept: Kept<'_>,
    from: u64,
    (first, count): (u64, u64),
    mend: &Mend,
    room: &Room,
) -> bool {
    let Some(buffer) = room
        .sides
        .get(mend.source as usize)
        .and_then(Option::as_ref)
    else {
        return false;
    };
    let mut has_written = false;
    for side in (0..kept.sides().count()).filter(|side| mend.targets & side_bit(*side) != 0) {
        let place = place_on(kept, side, from.saturating_add(first), count);
        let Some((component, piece)) = place.filter(|(_, piece)| piece.count == count) else {
            continue;
        };
        if !is_written(component.condition.state()) {
            continue;
        }
        let written = piece
            .device
            .write_copy(piece.sector, count, buffer, first, true);
        if written.is_err() {
            component.note_write_failed();
            kept.judge();
        }
        has_written = true;
    }
    has_written
}

impl Scrub {
    /// It has seen everything before a sector.
    pub(crate) fn advance(&mut self, at: u64) {
        self.at = at;
    }

    /// Sectors were compared.
    pub(crate) fn note_compared(&mut self, sectors: u64) {
        self.compared = self.compared.saturating_add(sectors);
    }

    /// Sectors were made what they should be.
    pub(crate) fn note_repaired(&mut self, sectors: u64) {
        self.repaired = self.repaired.saturating_add(sectors);
    }

    /// Whether there were such sectors.
    pub(crate) fn has_repaired(&self) -> bool {
        self.repaired > 0
    }

    /// They may not be durable.
    pub(crate) fn forget_repairs(&mut self) {
        self.repaired = 0;
    }

    /// Something differs.
    pub(crate) fn add(&mut self, range: Range) {
        self.report.add(range);
    }

    /// Sectors were not compared.
    pub(crate) fn skip(&mut self, sectors: u64) {
        self.skipped = self.skipped.saturating_add(sectors);
    }
}
