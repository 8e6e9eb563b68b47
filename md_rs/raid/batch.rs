// SPDX-License-Identifier: GPL-2.0
//! A batch of requests, from those that wait to their end:
//!
//! 1. What is needed is read. What cannot be read is made of the rest.
//! 2. Reads are answered. New data is copied from the requests, which are read once, and the parity
//!    made of it.
//! 3. All of it is written to the logs of the columns that it is for, durably; or these tell that
//!    writes are under way which are in no log.
//! 4. It is written to where it belongs.
//! 5. If a column has failed, that is judged and recorded; if it was in step 3, everything is done
//!    again without it. Then the requests end.

use kernel::prelude::*;
use md_model::{
    mirror::component::State,
    raid5::{
        bit,
        layout::{
            Layout,
            Piece, //
        }, //
    },
};

use super::{
    line::LineWork,
    unlogged,
    Target,
    Work, //
};
use crate::{
    body::Body,
    engine,
    kapi::{
        request::{
            Failure,
            Operation,
            Request,
            Stage, //
        },
        submission::Submission, //
    },
};

/// Most requests in a batch.
const REQUESTS_MAX: usize = 32;

/// How often a batch is tried again after columns have failed.
const TRIES: u32 = 8;

/// How often what cannot be read is made of the rest.
const READ_TRIES: u32 = 3;

/// The requests of a batch.
type Batch = [Option<Request>; REQUESTS_MAX];

/// Carries out requests that wait, by the disk's worker.
pub(crate) fn take(
    body: &Body,
    requests: &mut dyn Iterator<Item = Request>,
    submission: &Submission<'_>,
) {
    let (Some(target), Some(raid)) = (Target::of(body), body.raid()) else {
        return requests.for_each(|request| request.end(Failure::Io));
    };
    let mut work = raid.work.lock();
    let mut held = None;
    loop {
        let mut batch: Batch = [const { None }; REQUESTS_MAX];
        work.clear();
        let count = work.gather(target, &mut batch, &mut held, requests, submission);
        if count > 0 {
            work.run(target, &mut batch);
            work.end(target, &mut batch);
            raid.note_lost(&work);
        } else if held.is_none() {
            return;
        }
    }
}

/// Whether a request is part of a batch now.
enum Admission {
    Taken,
    /// There is no more room.
    Full,
    /// It would not fit into any batch.
    Never,
}

impl Work {
    /// Takes requests until there is no room for the next one, which is held then. How many.
    fn gather(
        &mut self,
        target: Target<'_>,
        batch: &mut Batch,
        held: &mut Option<Request>,
        requests: &mut dyn Iterator<Item = Request>,
        submission: &Submission<'_>,
    ) -> usize {
        let mut count = 0usize;
        while let Some(place) = batch.get_mut(count) {
            let Some(request) = held.take().or_else(|| requests.next()) else {
                break;
            };
            let is_read = request.operation() == Operation::Read;
            let is_new = is_read && request.stage() == Stage::New;
            if is_new && engine::raid_may_forward(target, &request) {
                engine::queue(request, target.body, submission);
                continue;
            }
            match self.admit(target.layout(), &request) {
                Admission::Taken => {
                    *place = Some(request);
                    count = count.saturating_add(1);
                }
                Admission::Full if count > 0 => {
                    *held = Some(request);
                    break;
                }
                Admission::Full | Admission::Never => request.end(Failure::Io),
            }
        }
        count
    }

    /// Notes what a request wants of which lines.
    fn admit(&mut self, layout: &Layout, request: &Request) -> Admission {
        let is_write = match request.operation() {
            Operation::Flush => return Admission::Taken,
            Operation::Read => false,
            Operation::Write => true,
            _ => return Admission::Never,
        };
        let used = self.used;
        let mut is_full = false;
        // First whether there is room, and then what it wants.
        for is_final in [false, true] {
            let mut done = 0_u64;
            for piece in layout.pieces(request.sector(), request.sectors()) {
                done = done.saturating_add(piece.count);
                match self.index_of(layout, piece.line) {
                    Some(index) if is_final => {
                        if let Some(line) = self.lines.get_mut(index) {
                            line.add(piece.column, piece.skip, piece.count, is_write);
                            if is_write && request.is_durable() {
                                line.set_durable();
                            }
                        }
                    }
                    Some(_) => {}
                    None => is_full = true,
                }
            }
            if done != request.sectors() {
                self.used = used;
                return Admission::Never;
            }
            if is_full {
                self.used = used;
                return Admission::Full;
            }
        }
        Admission::Taken
    }

    /// Which line of the batch begins at an offset; it becomes one if there is room.
    fn index_of(&mut self, layout: &Layout, start: u64) -> Option<usize> {
        let known = self.lines.get(..self.used)?;
        let is_it = |line: &LineWork| line.line.start == start;
        // Mostly it is the one that follows the last one.
        let next = self.found.checked_add(1)?;
        if known.get(next).is_some_and(is_it) {
            self.found = next;
            return Some(next);
        }
        if let Some(index) = known.iter().position(is_it) {
            self.found = index;
            return Some(index);
        }
        let index = self.used;
        let line = layout.line_of(start)?;
        self.lines.get_mut(index)?.begin(line);
        self.used = index.checked_add(1)?;
        self.found = index;
        Some(index)
    }

    /// Carries a batch out. What could not be is noted with its lines.
    fn run(&mut self, target: Target<'_>, batch: &mut Batch) {
        for _ in 0..TRIES {
            if self.attempt(target, batch) {
                return;
            }
        }
        self.give_up(u64::MAX);
    }

    /// Lines that write to one of these columns cannot be written.
    fn give_up(&mut self, columns: u64) {
        for line in self.lines.iter_mut().take(self.used) {
            if line.written() & columns != 0 {
                line.is_unwritten = true;
            }
        }
    }

    /// One try. Whether that is the end of it.
    fn attempt(&mut self, target: Target<'_>, batch: &mut Batch) -> bool {
        self.read_all(target);
        self.make_columns(target);
        self.answer_reads(target, batch);
        self.fold_parities(target);
        self.copy_writes(target, batch);
        self.fold_parities(target);
        self.make_parities(target);
        let mut lines = self.lines.iter().take(self.used);
        if lines.all(|line| line.written() == 0) {
            return true;
        }
        self.note_changes();
        if !self.may_use_slot() && self.flush_settled(target).is_err() {
            self.give_up(u64::MAX);
            return true;
        }
        if self.is_void(target) {
            return false;
        }
        let failed = self.begin_lines(target);
        if failed != 0 {
            target.judge();
            if !self.is_void(target) {
                self.give_up(failed);
            }
            return false;
        }
        self.write_lines(target);
        self.judge_writes(target);
        true
    }

    /// Reads what is needed. What cannot be read is made of the rest, if that can be read.
    fn read_all(&mut self, target: Target<'_>) {
        for _ in 0..READ_TRIES {
            self.prepare(target);
            if self.read_lines(target) {
                return;
            }
            target.judge();
            self.note_unread();
        }
        self.prepare(target);
        if !self.read_lines(target) {
            for line in self.lines.iter_mut().take(self.used) {
                line.is_unreadable |= line.failed_set != 0;
            }
        }
    }

    /// Columns have perhaps failed to write: those that are out of service now are no failure.
    fn judge_writes(&mut self, target: Target<'_>) {
        let mut lines = self.lines.iter().take(self.used);
        if lines.all(|line| line.failed_set == 0) {
            self.tell_mended(target);
            return;
        }
        target.judge();
        let is_out = |column: &u32| target.state(*column) == Some(State::Erred);
        let out = (0..target.count()).filter(is_out);
        let out = out.fold(0, |set, column| set | bit(column));
        for line in self.lines.iter_mut().take(self.used) {
            let is_excused = line.failed_set & !out == 0 && !target.unit.is_unrecorded();
            line.is_unwritten |= line.failed_set != 0 && !is_excused;
        }
    }

    /// Tells of columns that had lost something, and have it again.
    fn tell_mended(&self, target: Target<'_>) {
        for line in self.lines.iter().take(self.used) {
            if let Some(component) = line.mended().and_then(|column| target.column(column)) {
                component.device.health().note_healed();
            }
        }
    }

    /// Calls `each` for the pieces of a request: the line, the column, where it is in the line, and
    /// how far in the request.
    fn for_pieces(
        &mut self,
        target: Target<'_>,
        request: &Request,
        mut each: impl FnMut(&mut Self, usize, Piece, u64),
    ) {
        let layout = target.layout();
        let mut done = 0_u64;
        for piece in layout.pieces(request.sector(), request.sectors()) {
            let behind = done.saturating_add(piece.count);
            if let Some(index) = self.index_of(layout, piece.line) {
                each(self, index, piece, done);
            }
            done = behind;
        }
    }

    /// Puts what was read into the requests.
    fn answer_reads(&mut self, target: Target<'_>, batch: &Batch) {
        let requests = batch.iter().flatten();
        for request in requests.filter(|request| request.operation() == Operation::Read) {
            self.for_pieces(target, request, |work, index, piece, done| {
                let (from, count) = (piece.skip as u32, piece.count as u32);
                let extent = work.extent(index, piece.column, from, count);
                if let Some(bytes) = work.volley.bytes_mut(extent) {
                    request.copy_in(done, bytes);
                }
            });
        }
    }

    /// Copies what is to be written from the requests.
    fn copy_writes(&mut self, target: Target<'_>, batch: &Batch) {
        let requests = batch.iter().flatten();
        for request in requests.filter(|request| request.operation() == Operation::Write) {
            self.for_pieces(target, request, |work, index, piece, done| {
                work.copy_piece(request, index, &piece, done);
            });
        }
    }

    /// Copies a piece that is to be written from a request; also to where the parity is made, if
    /// that begins with it.
    fn copy_piece(&mut self, request: &Request, index: usize, piece: &Piece, done: u64) {
        let (from, count) = (piece.skip as u32, piece.count as u32);
        let extent = self.extent(index, piece.column, from, count);
        let line = self.lines.get(index);
        let parity = line.and_then(|line| line.copied_to(piece.column));
        let also = parity.map(|parity| self.extent(index, parity, from, count));
        let pair = also.and_then(|also| self.volley.pair_mut(extent, also));
        if let Some((bytes, also)) = pair {
            request.copy_out_twice(done, bytes, also);
        } else if let Some(bytes) = self.volley.bytes_mut(extent) {
            request.copy_out(done, bytes);
        }
    }

    /// Ends the requests.
    fn end(&mut self, target: Target<'_>, batch: &mut Batch) {
        let is_flushed_for = |request: &Request| {
            request.operation() == Operation::Flush || unlogged::is_flushed_for(target, request)
        };
        let has_flush = batch.iter().flatten().any(is_flushed_for);
        let is_flushed = !has_flush || self.flush_all(target).is_ok();
        self.note_rewritten(target, batch);
        let is_all_done = self.is_all_done();
        for place in batch.iter_mut() {
            let Some(request) = place.take() else {
                continue;
            };
            let is_done = match request.operation() {
                _ if !is_flushed && is_flushed_for(&request) => false,
                Operation::Flush => true,
                _ if is_all_done => true,
                operation => self.is_done(target, &request, operation == Operation::Write),
            };
            if is_done {
                request.forget_errors();
                request.done();
            } else {
                request.end(Failure::Io);
            }
        }
    }

    /// Makes durable what was written, and what is not lost any more since then; and who was not
    /// flushed, since who reads an older record takes that one for whole.
    pub(super) fn flush_all(&mut self, target: Target<'_>) -> Result {
        self.flush_settled(target)?;
        if target.unit.is_unrecorded() {
            return Ok(());
        }
        let told = self.settle_list(target);
        let told = told.and_then(|()| self.tell_lacking(target));
        // Nor has who asks again been told.
        self.is_unflushed |= told.is_err();
        told
    }

    /// Has the logs tell who is out of service, if they do not.
    pub(super) fn tell_lacking(&mut self, target: Target<'_>) -> Result {
        if self.told == Some(target.lacking()) || target.unit.is_unrecorded() {
            return Ok(());
        }
        self.checkpoint_settled(target)
    }

    /// What was lost and is written again is taken off the list before the requests end: their data
    /// is in the logs, since nothing is announced while there is a list.
    fn note_rewritten(&mut self, target: Target<'_>, batch: &Batch) {
        if self.lost.is_empty() {
            return;
        }
        let requests = batch.iter().flatten();
        for request in requests.filter(|request| request.operation() == Operation::Write) {
            self.for_pieces(target, request, |work, index, piece, _| {
                let line = work.lines.get(index);
                if line.is_some_and(|line| !line.is_unreadable && !line.is_unwritten) {
                    work.lost.note_written(&piece);
                }
            });
        }
        if self.settle_list(target).is_err() {
            self.give_up(u64::MAX);
        }
    }

    /// Whether all lines are done, and nothing is lost anywhere.
    fn is_all_done(&self) -> bool {
        let mut lines = self.lines.iter().take(self.used);
        self.lost.is_empty() && lines.all(|line| !line.is_unreadable && !line.is_unwritten)
    }

    /// Whether all lines of a request are done, and none of its sectors is lost.
    fn is_done(&mut self, target: Target<'_>, request: &Request, is_write: bool) -> bool {
        let mut is_done = true;
        self.for_pieces(target, request, |work, index, piece, _| {
            let line = work.lines.get(index);
            let has_failed =
                line.is_none_or(|line| line.is_unreadable || (is_write && line.is_unwritten));
            is_done &= !has_failed && !work.lost.has(&piece);
        });
        is_done
    }
}
