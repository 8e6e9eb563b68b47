// SPDX-License-Identifier: GPL-2.0
//! Requests to mirrors.
//!
//! - A *read* goes to one side; if it fails there, what has failed of it goes to another one, and
//!   when several have failed, or the last one has lost a block, each block by itself. Where the
//!   sides may differ, they are made equal first (`DURABILITY.md` clause 11).
//! - A *write* first excludes all others to the same blocks, and waits until their regions are
//!   recorded as dirty (clause 7); then it goes to all sides, at once or one
//!   after the other. If a side fails, the personality judges that ([`Mirrored::settle`]); if it
//!   has taken components out of service, the write is carried out again on what is left, and only
//!   then acknowledged; if nothing has changed, the error is the caller's (`svm.md` section 4.7).
//! - A *flush* is such a write without blocks.
//! - A *discard* is a write of zeroes: what a device makes of a discard is its own affair, and no
//!   two sides need to do the same (`DURABILITY.md` clause 11).
//!
//! A component that is out of service gets neither reads nor writes.
//!
//! A request that was given away, to its clones or to those who wait, may have ended, and then the
//! mirror may be another one: nothing here looks at the mirror after that, but for what has made
//! sure of it ([`Request::stay_inside`]).

use md_model::mirror::{
    component::is_written,
    hedge,
    mend,
    options::WritePolicy,
    read::{
        next,
        Next, //
    },
    side_bit, //
};

use super::place::{
    flush_below,
    for_pieces,
    leaf_runs,
    place,
    runs,
    Place, //
};
use crate::{
    body::{
        Body,
        Shape, //
    },
    component::Component,
    kapi::{
        clone::Side,
        copied::Copying,
        fan_out::{
            FanOut,
            Part, //
        },
        request::{
            Failure,
            Operation,
            Request,
            Stage, //
        },
        submission::Submission, //
    },
    personality::{
        Entry,
        Mirrored,
        Sides, //
    },
    sides::side_body,
    sync::{
        copy,
        upkeep::{
            lacks,
            Kept,
            COPY,
            HEDGE,
            MARK,
            MEND, //
        },
    }, //
};

/// The note of a request that was sent to all sides at the same time.
const AT_ONCE: u32 = u32::MAX;

/// A mirror, and what its requests need.
#[derive(Clone, Copy)]
struct Mirror<'a> {
    shape: &'a Shape,
    unit: &'a dyn Mirrored,
    kept: Kept<'a>,
    submission: &'a Submission<'a>,
}

/// Carries out a request, or goes on with it.
pub(super) fn queue(request: Request, body: &Body, submission: &Submission<'_>) {
    let Some(kept) = Kept::of(body) else {
        return request.end(Failure::Io);
    };
    let mirror = Mirror {
        shape: kept.shape,
        unit: kept.unit,
        kept,
        submission,
    };
    match request.operation() {
        Operation::Read => mirror.read(request),
        Operation::Flush => mirror.change(request),
        Operation::Write | Operation::Discard | Operation::WriteZeroes => {
            match mirror.enter(&request) {
                Entry::Entered => mirror.change(request),
                Entry::Taken => mirror.wait(request),
                Entry::Closed => mirror.wait_for_mark(request),
            }
        }
        Operation::Other => request.end(Failure::NotSupported),
    }
}

impl<'a> Mirror<'a> {
    fn read(self, request: Request) {
        match request.stage() {
            Stage::New if self.is_uncertain(&request) => self.read_uncertain(request),
            Stage::New => {
                let side = self.unit.read_side(request.sector(), 0);
                if self.kept.upkeep.is_hedging() {
                    return self.read_hedged(request, side);
                }
                self.read_first(request, side);
            }
            Stage::Failed | Stage::Unfinished => self.read_again(request),
        }
    }

    #[inline]
    fn is_uncertain(self, request: &Request) -> bool {
        let map = self.kept.map();
        map.is_uncertain(request.sector(), request.sectors())
    }

    /// A read where the sides may differ: they are made equal first, while nobody writes there.
    #[cold]
    fn read_uncertain(self, request: Request) {
        let (sector, count) = (request.sector(), request.sectors());
        if self.kept.map().is_frozen() {
            // Nothing may be written. The first side is what the others will be made equal to.
            let sides = self.sides().find(|side| self.is_whole(*side));
            return self.read_first(request, sides);
        }
        if !request.is_claiming() {
            if !self.unit.claim(sector, count) {
                let (unit, _inside) = (self.unit, request.stay_inside());
                return request.wait(|| unit.may_claim(sector, count));
            }
            request.set_claiming();
        }
        if request.is_nowait() {
            return request.defer();
        }
        if !copy::repair(self.kept, sector, count) {
            return request.end(Failure::Io);
        }
        let side = self.unit.read_side(sector, 0);
        self.read_first(request, side);
    }

    /// Whether all components of a side are in service.
    fn is_whole(self, side: u32) -> bool {
        let mut others = self.sides().filter(|other| *other != side);
        let tried = others.try_fold(0, |tried, other| Some(tried | side_bit(other)));
        tried.is_some_and(|tried| self.unit.read_side(0, tried).is_some())
    }

    /// A read for which another side may be asked as well, if it takes long; not one where the
    /// sides may differ.
    #[cold]
    fn read_hedged(self, request: Request, side: Option<u32>) {
        let (sector, count) = (request.sector(), request.sectors());
        let placed = side.and_then(|side| self.place_on(side, sector, count));
        let (Some(side), Some((component, piece))) = (side, placed) else {
            return self.read_first(request, side);
        };
        if piece.count != count {
            return self.read_first(request, Some(side));
        }
        request.supervise();
        request.set_note(0);
        request.ask_in(HEDGE, hedge::LOOK_MS);
        let target = piece.target_on(Some(answerable(side, component)));
        if let Err(request) = request.hedge(&target, side) {
            self.read_first(request, Some(side));
        }
    }

    /// A read that no side was tried for; it is to go to `side`, if there is one that is whole.
    fn read_first(self, request: Request, side: Option<u32>) {
        request.supervise();
        request.set_note(0);
        let count = request.sectors();
        let Some(side) = side else {
            return self.send_reads(request, 0, |_| true);
        };
        let Some((component, piece)) = self.place_on(side, request.sector(), count) else {
            return request.end(Failure::Io);
        };
        if piece.count == count && request.is_single() {
            return request.forward(&piece.target_on(Some(answerable(side, component))));
        }
        let out = request.fan_out(self.submission);
        for part in out.parts() {
            if self.read_on(&part, side).is_none() {
                part.fail(Failure::Io);
            }
        }
    }

    /// A read of which something has failed: those bios go to the sides that were not tried. Which
    /// sides were is the request's note.
    fn read_again(self, request: Request) {
        let failed = request.failed_sides();
        let tried = match next(request.note(), failed, request.is_medium_error()) {
            Next::OtherSides(tried) => tried,
            Next::Blocks(note) => return self.read_blocks(request, note),
            Next::Nothing => return request.end_as_it_is(),
        };
        // A device that is gone is not to be asked again by the next read.
        self.kept.judge();
        self.note_lost(&request, failed);
        request.set_note(tried);
        request.supervise();
        self.send_reads(request, tried, |part| {
            let wanted = part.has_failed();
            if wanted {
                part.forget_error();
            }
            wanted
        });
    }

    /// Several sides have failed, each perhaps with another block, or the last one has lost a
    /// block, perhaps of another bio: each block is read by itself, from the first side that can.
    /// The errors of blocks that none can read are the caller's.
    #[cold]
    fn read_blocks(self, request: Request, note: u32) {
        request.set_note(note);
        request.supervise();
        let out = request.fan_out(self.submission);
        for part in out.parts().filter(|part| part.has_failed()) {
            part.forget_error();
            let fill = |skip, count, buffer: &_| part.fill(skip, count, buffer);
            if !copy::read_pieces(self.kept, part.sector(), part.sectors(), fill) {
                part.fail(Failure::Io);
            }
        }
    }

    /// A side may have lost what it could not read: it is given that again when there is time.
    fn note_lost(self, request: &Request, failed: u32) {
        if !request.is_medium_error() {
            return;
        }
        self.kept.upkeep.places.lock().add(mend::Place {
            sides: failed,
            sector: request.sector(),
            count: request.sectors(),
        });
        request.ask(MEND);
    }

    /// Sends the bios that are wanted to the best sides that were not tried.
    fn send_reads(self, request: Request, tried: u32, wanted: impl Fn(&Part<'_>) -> bool) {
        let out = request.fan_out(self.submission);
        for part in out.parts().filter(|part| wanted(part)) {
            let sent = match self.unit.read_side(part.sector(), tried) {
                Some(side) => self.read_on(&part, side),
                None => self.read_where_it_is(&part, tried),
            };
            if sent.is_none() {
                part.fail(Failure::Io);
            }
        }
    }

    /// Reads a bio from one side, all of which is in service.
    fn read_on(self, part: &Part<'_>, side: u32) -> Option<()> {
        for_pieces(part, |done, from, left| {
            let (component, piece) = self.place_on(side, from, left)?;
            part.send(
                done,
                piece.count,
                &piece.target_on(Some(answerable(side, component))),
            );
            Some(piece.count)
        })
    }

    /// Reads each piece of a bio from the best side that has it and was not tried. A piece that
    /// only tried sides have is read there once more, if it is not all of the bio: perhaps it was
    /// another piece that has failed there.
    fn read_where_it_is(self, part: &Part<'_>, tried: u32) -> Option<()> {
        for_pieces(part, |done, from, left| {
            let place = self.best_place(from, left, tried).or_else(|| {
                let again = self.best_place(from, left, 0);
                again.filter(|(_, _, piece)| piece.count < part.sectors())
            });
            let (side, component, piece) = place?;
            part.send(
                done,
                piece.count,
                &piece.target_on(Some(answerable(side, component))),
            );
            Some(piece.count)
        })
    }

    /// The best side for the first piece of `left` sectors, of those that were not tried.
    fn best_place(
        self,
        from: u64,
        left: u64,
        tried: u32,
    ) -> Option<(u32, &'a Component, Place<'a>)> {
        let mut best = None;
        let mut best_rank = None;
        for side in self.sides().filter(|side| tried & side_bit(*side) == 0) {
            let left = left.min(self.kept.map().left_in_region(from));
            let Some((component, piece)) = self.place_on(side, from, left) else {
                continue;
            };
            // Of equals the first; an erred component is no source at all (`DURABILITY.md` clause
            // 5).
            let rank = component.rank();
            let has_it = self.is_written(side) && !lacks(self.kept.map(), side, component, from);
            if rank > best_rank && has_it {
                best = Some((side, component, piece));
                best_rank = rank;
            }
        }
        best
    }

    /// Whether the request may change its blocks now.
    #[inline]
    fn enter(self, request: &Request) -> Entry {
        if request.is_claiming() {
            return Entry::Entered;
        }
        let entry = self.unit.enter(request.sector(), request.sectors());
        if entry == Entry::Entered {
            request.set_claiming();
        }
        entry
    }

    /// Others change the blocks of the request just now.
    fn wait(self, request: Request) {
        let (sector, count, unit) = (request.sector(), request.sectors(), self.unit);
        let _inside = request.stay_inside();
        request.wait(|| unit.may_enter(sector, count));
    }

    /// The regions of the request have to be recorded as dirty first.
    #[cold]
    fn wait_for_mark(self, request: Request) {
        let (sector, count, unit) = (request.sector(), request.sectors(), self.unit);
        if unit.is_unrecorded() {
            return request.end(Failure::Io);
        }
        self.kept.map().want(sector, count);
        request.ask(MARK);
        let _inside = request.stay_inside();
        request.wait(|| unit.may_enter(sector, count) || unit.is_unrecorded());
    }

    /// Something that all sides have to do. The request's note is the side that has it now, if they
    /// do it one after the other, or [`AT_ONCE`].
    fn change(self, request: Request) {
        match request.stage() {
            Stage::New => self.change_all(request),
            Stage::Failed => self.judge(request),
            Stage::Unfinished => {
                let next = request.note().saturating_add(1);
                self.change_one(request, next);
            }
        }
    }

    fn change_all(self, request: Request) {
        let is_flush = request.operation() == Operation::Flush;
        if self.unit.is_unrecorded() || is_flush && self.kept.upkeep.take_lost_flush() {
            return request.end(Failure::Io);
        }
        let policy = self.unit.write_policy();
        if policy == WritePolicy::Copy && request.operation() == Operation::Write {
            match request.copy_data() {
                Copying::Done => {}
                Copying::Later => return request.wait_for_reserve(),
                Copying::MayNotWait => return request.defer(),
            }
        }
        request.supervise();
        request.set_seen(self.unit.changes());
        if policy == WritePolicy::Serial && request.operation() != Operation::Flush {
            return self.change_one(request, 0);
        }
        self.change_at_once(request);
    }

    /// Sends to all sides at the same time.
    fn change_at_once(self, request: Request) {
        request.set_note(AT_ONCE);
        request.set_unfinished(false);
        self.send_changes(request, |_| true);
    }

    /// Sends to one side, and if it is not the last one has the request come back.
    fn change_one(self, request: Request, side: u32) {
        request.set_note(side);
        let next = side.saturating_add(1);
        request.set_unfinished(self.sides().any(|other| other == next));
        self.send_changes(request, |other| other == side);
    }

    /// Sends to the sides that are wanted. A side that was left out because it is out of service
    /// may be so without a record: then nothing is acknowledged (`DURABILITY.md` clause 5).
    fn send_changes(self, request: Request, wanted: impl Fn(u32) -> bool) {
        let operation = request.operation();
        let out = request.fan_out(self.submission);
        match operation {
            Operation::Flush => self.send_flush(&out),
            _ => self.send_parts(&out, operation, wanted),
        }
        if self.unit.is_unrecorded() {
            out.fail(Failure::Io);
        }
    }

    fn send_flush(self, out: &FanOut<'_>) {
        let written = self.kept.map().written_sides();
        for side in self.sides().filter(|side| written & side_bit(*side) != 0) {
            let in_service = self.in_service(side);
            for component in in_service.filter(|part| self.kept.may_lose(side, part)) {
                flush_below(out, component, Some(answerable(side, component)));
            }
        }
    }

    fn send_parts(self, out: &FanOut<'_>, operation: Operation, wanted: impl Fn(u32) -> bool) {
        let written = self.kept.map().written_sides();
        for part in out.parts() {
            if self.has_place_for(&part).is_none() {
                part.fail(Failure::Io);
                continue;
            }
            for side in self.sides().filter(|side| written & side_bit(*side) != 0) {
                if !wanted(side) {
                    continue;
                }
                let sent = match operation {
                    Operation::Write => self.write_on(&part, side),
                    _ => self.zero_on(&part, side),
                };
                if sent.is_none() {
                    part.fail(Failure::Io);
                }
            }
        }
    }

    /// Sees that each block of a bio is in service on some side. The states of the components see
    /// to it; without that a write would be acknowledged that is nowhere.
    fn has_place_for(self, part: &Part<'_>) -> Option<()> {
        if self.unit.read_side(part.sector(), 0).is_some() {
            return Some(());
        }
        for_pieces(part, |_, from, left| {
            self.best_place(from, left, 0)
                .map(|(_, _, piece)| piece.count)
        })
    }

    fn write_on(self, part: &Part<'_>, side: u32) -> Option<()> {
        for_pieces(part, |done, from, left| {
            let (component, piece) = self.place_on(side, from, left)?;
            if is_written(component.condition.state()) {
                let side = Some(answerable(side, component));
                part.send(done, piece.count, &piece.target_on(side));
            }
            Some(piece.count)
        })
    }

    /// Sends a discard or write-zeroes to one side, as a write of zeroes.
    fn zero_on(self, part: &Part<'_>, side: u32) -> Option<()> {
        self.for_runs(part, side, &mut |component, piece| {
            let side = Some(answerable(side, component));
            part.send_zeroing(0, piece.count, &piece.target_on(side));
        })
    }

    /// Calls `each` for the runs of sectors that a bio is on the leaves of a side, as far as they
    /// are in service.
    fn for_runs(
        self,
        part: &Part<'_>,
        side: u32,
        each: &mut dyn FnMut(&Component, Place<'_>),
    ) -> Option<()> {
        let shape = side_body(self.shape, side)?.shape();
        runs(
            shape,
            part.sector(),
            part.sectors(),
            &mut |component, from, count| {
                if !is_written(component.condition.state()) {
                    return Some(());
                }
                leaf_runs(component, from, count, &mut |piece| each(component, piece))
            },
        )
    }

    /// A side has failed: who is to blame is taken out of service, and the request is carried out
    /// again on what is left. If there was nobody to take out, it ends with its error.
    fn judge(self, request: Request) {
        self.kept.judge();
        if self.unit.is_unrecorded() {
            self.doubt(&request);
            return request.end(Failure::Io);
        }
        let is_flush = request.operation() == Operation::Flush;
        if is_flush && self.kept.has_last_copy_on(request.failed_sides()) {
            // The last copy: that it can be flushed later says nothing of what it has lost.
            return request.end_as_it_is();
        }
        if self.unit.changes() != request.seen() {
            request.forget_errors();
            return self.change_all(request);
        }
        if request.note() != AT_ONCE {
            // A bio that is well on this side is acknowledged, so it has to be on the others, too.
            request.forget_errors();
            request.supervise();
            return self.change_at_once(request);
        }
        let zeroing = matches!(
            request.operation(),
            Operation::Discard | Operation::WriteZeroes
        );
        if zeroing && request.is_unsupported() {
            return self.write_zeros(request);
        }
        self.doubt(&request);
        request.end_as_it_is();
    }

    /// A write that is on some of the sides is about to end with an error.
    fn doubt(self, request: &Request) {
        if request.operation() != Operation::Flush {
            // With the lock, or who has just copied there says that they are equal.
            let mut plan = self.kept.upkeep.plan.lock();
            self.kept.map().doubt(request.sector(), request.sectors());
            plan.abandon();
            drop(plan);
            request.ask(COPY);
        }
    }

    /// A device that cannot write zeroes any more is given zeros as data: the other sides may have
    /// theirs already, and all have to be the same.
    fn write_zeros(self, request: Request) {
        request.supervise();
        request.forget_errors();
        request.set_unfinished(false);
        let out = request.fan_out(self.submission);
        for part in out.parts() {
            for side in self.sides().filter(|side| self.is_written(*side)) {
                let done = self.for_runs(&part, side, &mut |component, piece| {
                    if piece.write_zeros().is_err() {
                        component.note_write_failed();
                        part.fail(Failure::Io);
                    }
                });
                if done.is_none() {
                    part.fail(Failure::Io);
                }
            }
        }
        // As in `send_changes`.
        if self.unit.is_unrecorded() {
            out.fail(Failure::Io);
        }
    }

    /// The sides.
    fn sides(self) -> core::ops::Range<u32> {
        0..Sides::of(self.shape).count()
    }

    /// Whether a side is written at all; its components may still be out of service.
    #[inline]
    fn is_written(self, side: u32) -> bool {
        self.kept.map().written_sides() & side_bit(side) != 0
    }

    /// The components of a side that are in service.
    fn in_service(self, side: u32) -> impl Iterator<Item = &'a Component> {
        let body = side_body(self.shape, side);
        let components = body
            .map(|body| body.shape().components())
            .unwrap_or_default();
        let all = components.iter().map(|component| &**component);
        all.filter(|component| is_written(component.condition.state()))
    }

    #[inline]
    fn place_on(self, side: u32, from: u64, left: u64) -> Option<(&'a Component, Place<'a>)> {
        place(side_body(self.shape, side)?.shape(), from, left)
    }
}

/// The component of a side, as the one that answers for a clone.
#[inline]
fn answerable(side: u32, component: &Component) -> Side<'_> {
    Side {
        index: side,
        condition: &component.condition,
    }
}
