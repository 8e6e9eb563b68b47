// SPDX-License-Identifier: GPL-2.0
//! What can happen next to a set that is started: its workers go on, a commit begins, and it is
//! hurt.

use md_model::database::{
    commits::{
        Extent,
        Phase, //
    },
    identity::Generation,
    members::Role,
    quorum::Progress,
};

use crate::{
    checkers,
    coverage::Point,
    node::Node,
    plan::Mode,
    violation::Violation,
    work::{
        End,
        Operation,
        Work, //
    },
    world::World,
};

/// Whether something could be done.
type Done = Result<bool, Violation>;

impl World {
    /// One step of a set that is started.
    pub(crate) fn step_node(&mut self, mut node: Node) -> Result<(), Violation> {
        if self.is_calm {
            self.mend(&mut node);
        } else {
            self.hurt(&mut node)?;
        }
        if node.machine().is_blocked() && (self.is_calm || self.random.per_mille(100)) {
            self.take_back(&mut node);
        }
        let order = self.random.below(100);
        let done = match order {
            0..55 => self.work(&mut node)? || self.take(&mut node)? || self.begin(&mut node)?,
            55..80 => self.take(&mut node)? || self.work(&mut node)? || self.begin(&mut node)?,
            _ => self.begin(&mut node)? || self.take(&mut node)? || self.work(&mut node)?,
        };
        if !done {
            self.arrive(&mut node);
        }
        let is_stopped = node.machine().phase() == Phase::Stopped;
        let reloads = !self.is_calm && self.random.per_mille(self.plan.reload_rate);
        let is_idle = node.busy().is_empty() && self.forgotten.is_empty();
        if is_idle && (is_stopped || reloads) {
            // It is stopped and loaded again, with what is in the disks' caches.
            self.coverage.hit(Point::FaultReload);
        } else {
            self.node = Some(node);
        }
        Ok(())
    }

    /// Whether nothing is left to be done.
    pub(crate) fn is_quiet(&mut self) -> bool {
        let Some(node) = self.node.as_mut() else {
            return false;
        };
        let mut seats = 0..node.seats.len();
        let is_busy = !node.busy().is_empty();
        let newest = node.machine().newest();
        let lags = node
            .seats
            .iter()
            .any(|seat| seat.replica().is_some() && seat.holds() != newest);
        let machine = node.machine();
        let has_job = seats.any(|seat| machine.next_job(seat).is_some());
        let is_told = machine.members().iter().all(|member| !member.failed);
        machine.phase() == Phase::Running
            && machine.live() == newest
            && !is_busy
            && !has_job
            && !lags
            && is_told
            && !machine.is_due()
            && self.wiped.is_none()
    }

    /// A worker takes its next step, or an operation ends, or a job returns.
    fn work(&mut self, node: &mut Node) -> Done {
        let busy = node.busy();
        let first = self.random.below(busy.len());
        for index in 0..busy.len() {
            let seat = busy[(first + index) % busy.len()];
            let Some(work) = &mut node.works[seat] else {
                continue;
            };
            if work.is_finished() {
                self.finish(node, seat)?;
                return Ok(true);
            }
            if work.can_go_on() && (work.in_flight.is_empty() || self.random.per_mille(500)) {
                work.go_on(&self.rules);
                return Ok(true);
            }
            let mut free = Vec::new();
            for (index, flight) in work.in_flight.iter().enumerate() {
                if !flight.hangs {
                    free.push(index);
                }
            }
            if let Some(index) = self.random.one_of(&free) {
                self.end(node, seat, index)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// An operation that is in flight ends.
    fn end(&mut self, node: &mut Node, seat: usize, index: usize) -> Result<(), Violation> {
        let Some(work) = &mut node.works[seat] else {
            return Ok(());
        };
        let is_write = work.in_flight[index].operation != Operation::Flush;
        let length = work.in_flight[index].bytes.len();
        let end = if !self.is_calm && self.random.per_mille(self.plan.error_rate) {
            self.coverage.hit(Point::FaultError);
            End::Failed
        } else if self.plan.mode == Mode::Misdirected
            && !self.is_calm
            && is_write
            && work.disk == self.victim
            && self.random.per_mille(4 * self.plan.silent_rate)
        {
            self.coverage.hit(Point::FaultMisdirected);
            let pages = length / md_model::database::page::PAGE_BYTES;
            let last = self.plan.pages as usize - pages;
            End::Elsewhere(self.random.below(last + 1) as u32)
        } else {
            End::Done
        };
        let was_durable = work.is_durable;
        work.end(index, end, &mut self.disks[work.disk], &mut self.random);
        if work.is_durable && !was_durable {
            let job = work.job;
            self.note_held(job.generation, &job.replica);
            if job.role == Role::TieBreaker && job.extent != Extent::RootOnly {
                checkers::tie_breaker::check(&self.history, job.generation)?;
            }
        }
        Ok(())
    }

    /// A job returns to the machine.
    fn finish(&mut self, node: &mut Node, seat: usize) -> Result<(), Violation> {
        let Some(work) = node.works[seat].take() else {
            return Ok(());
        };
        let is_written = !work.has_failed;
        let (phase, live) = (node.machine().phase(), node.machine().live());
        let newest = node.machine().newest();
        let is_joining = self.joining(node).any(|(joining, _)| joining == seat);
        let progress = node.machine().returned(seat, is_written);
        let has_left = node.seats[seat].replica().is_none();
        let point = if phase == Phase::Stopped {
            Point::ReturnedStopped
        } else if has_left {
            Point::ReturnedLeft
        } else if is_joining {
            joining_point(is_written)
        } else if phase == Phase::Claiming {
            claim_point(is_written, progress)
        } else if phase == Phase::Claimed && progress == Progress::Counts {
            Point::FirstCounts
        } else if phase == Phase::Claimed && progress == Progress::Failed {
            Point::FirstStops
        } else if work.job.generation < newest && is_written {
            Point::WrittenOld
        } else {
            commit_point(is_written, progress, newest != live)
        };
        self.coverage.hit(point);
        self.observe(node)
    }

    /// A worker asks for a job.
    fn take(&mut self, node: &mut Node) -> Done {
        let mut seats = Vec::new();
        for seat in 0..node.seats.len() {
            // A job that the machine does not know of is there only with a rule switched off.
            let is_free = self.rules.tie_order || node.works[seat].is_none();
            if is_free && node.machine().next_job(seat).is_some() {
                seats.push(seat);
            }
        }
        let Some(seat) = self.random.one_of(&seats) else {
            return self.take_out_of_turn(node);
        };
        let held = node.seats[seat].holds();
        let phase = node.machine().phase();
        let Some(job) = node.machine().take(seat) else {
            return Ok(false);
        };
        let disk = node.paths[job.tag as usize];
        let own = node.works.iter().flatten().filter(|work| work.disk == disk);
        let forgotten = self.forgotten.iter().filter(|(other, ..)| *other == disk);
        checkers::in_flight::check(disk, own.count() + forgotten.count())?;
        let is_next = held == node.live.generation;
        if self.joining(node).any(|(joining, _)| joining == seat) {
            self.coverage.hit(Point::WriteJoining);
        }
        self.coverage.hit(match (phase, job.role, job.extent) {
            (_, Role::Voter, Extent::RootOnly) => Point::ClaimRoot,
            (_, Role::TieBreaker, Extent::RootOnly) => Point::ClaimTie,
            (Phase::Claiming, _, Extent::Differing) => Point::ClaimDiffering,
            (_, Role::Voter, Extent::Differing) => Point::WriteDiffering,
            (_, Role::TieBreaker, Extent::Differing) => Point::WriteTieDiffering,
            (_, Role::TieBreaker, Extent::Newer(_)) => Point::WriteTie,
            (_, Role::Voter, Extent::Newer(_)) if is_next => Point::WriteNext,
            (_, Role::Voter, Extent::Newer(_)) => Point::WriteBehind,
        });
        let mut work = Work::new(job, disk, &self.disks[disk], &node.newest, &self.rules);
        work.is_claim = phase == Phase::Claiming;
        node.works[seat] = Some(work);
        node.has_taken = true;
        Ok(true)
    }

    /// The machine's live commit has changed: callers are told.
    pub(crate) fn observe(&mut self, node: &mut Node) -> Result<(), Violation> {
        crate::violation::demand(node.machine().is_sound(), "the machine is sound", || {
            format!("{node:?}")
        })?;
        let live = node.machine().live();
        if live != node.live.generation {
            node.live = node.newest.clone();
            self.acknowledge(live);
        }
        Ok(())
    }

    pub(crate) fn acknowledge(&mut self, generation: Generation) {
        self.history.acknowledged = generation;
    }

    /// A replica has a commit.
    pub(crate) fn note_held(
        &mut self,
        generation: Generation,
        replica: &md_model::database::identity::Uuid,
    ) {
        if let Some(commit) = self.history.commits.get_mut(&generation) {
            commit.held_by.insert(*replica);
        }
    }
}

fn joining_point(is_written: bool) -> Point {
    if is_written {
        Point::WrittenJoining
    } else {
        Point::FailedJoining
    }
}

fn claim_point(is_written: bool, progress: Progress) -> Point {
    match (is_written, progress) {
        (true, Progress::Counts) => Point::ClaimedCounts,
        (true, _) => Point::ClaimedWaits,
        (false, Progress::Failed) => Point::ClaimFailedStops,
        (false, _) => Point::ClaimFailedWaits,
    }
}

fn commit_point(is_written: bool, progress: Progress, in_progress: bool) -> Point {
    match (is_written, progress, in_progress) {
        (true, _, false) => Point::WrittenLate,
        (true, Progress::Counts, true) => Point::WrittenCounts,
        (true, Progress::TieBreaker, true) => Point::WrittenForTie,
        (true, _, true) => Point::WrittenWaits,
        (false, _, false) => Point::FailedLate,
        (false, Progress::Counts, true) => Point::FailedCounts,
        (false, Progress::Failed, true) => Point::FailedStops,
        (false, _, true) => Point::FailedWaits,
    }
}
