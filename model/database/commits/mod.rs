// SPDX-License-Identifier: GPL-2.0
//! The machine of a set that is started for writing: from the claim of its epoch over the first
//! commit to all later ones, and replicas that are behind (`DURABILITY.md` clauses 1 to 4).
//!
//! It does no I/O and keeps no time. The caller lends its memory, which is under one lock of the
//! caller's, and one worker for each replica does this, again and again:
//!
//! ```text
//! lock; job = take(seat); unlock
//! carry the job out, all of it
//! lock; returned(seat, result); unlock
//! ```
//!
//! and who wants to commit: [`next_generation`](Commits::next_generation), prepare the pages with
//! it, [`begin`](Commits::begin), and wait until [`progress`](Commits::progress) is
//! [`Counts`](Progress::Counts). There is one commit in progress; what comes up in the meantime
//! shares the next.
//!
//! ```text
//! claiming   the epoch goes to those that hold the chosen commit, in a root of that commit; those
//!            that do not are given the commit and the claim in one job
//! claimed    enough have the claim: the first commit is due. It has the members carried on, and
//!            no changed pages
//! running    commits
//! stopped    a commit cannot count: nothing is written any more; what was committed is as before
//! ```
//!
//! # Which slots may be overwritten
//!
//! Those that the live commit does not use, at once, whatever replicas that are behind still hold.
//! A commit begins only when the one before it counts. So every replica that the live commit was
//! counted on has it whole at any time, before and after the root of the next one: the copies of
//! what was acknowledged last never become fewer. A replica that is behind by more than one commit
//! may lose pages of the older commit that its root shows while it is brought up to date. If the
//! power goes then, its vote still counts, and the set is loaded from one of those that showed
//! newer commits, without which it does not start.
//!
//! At the start it is not the live commit that counts, but the one that was acknowledged last. The
//! chosen commit may be its child, which never counted and is on one replica only. Its pages are in
//! slots that its parent does not use, so a replica that holds the parent keeps it whole until it
//! has the chosen one. The first commit of a load changes no page, since it may be chosen without
//! having counted, too: else its pages could lie where those of its grandparent are.
//!
//! # Who joins
//!
//! A voter that is to join is brought up to date first, and kept so, without being a member. If it
//! joined with nothing on it and the power went then, there would be a voter that shows no commit,
//! and a set of one replica and a new one would not start although both disks are sound. Only then
//! a commit lets it in. The tie-breaker is not waited for by anybody; it is written as a member.
//!
//! Nor may a change stop the set: what a commit could not count with, since too many have failed,
//! is refused, or waits ([`Commits::is_blocked`]).
//!
//! # What a failure commits
//!
//! A replica that fails stays in the list, and keeps its vote. That it failed is told in the list
//! of the next commit, but is no reason for one: the next load counts whom it finds, not who is
//! said to have failed. There are three reasons for a commit of its own ([`Commits::is_due`]): the
//! tie-breaker failed, since without it the set may run on half of its voters; the list has members
//! on their way in or out, since a load needs a majority of both lists as long as it has; and it
//! has some that were given up, which need not be told any more ([`Commits::believe`]).

mod list;
mod seat;
mod wishes;

pub use self::seat::{
    Extent,
    Job,
    Seat, //
};
use super::{
    choice::{
        standing,
        Decision,
        Replica,
        Standing, //
    },
    identity::{
        Generation,
        Uuid, //
    },
    members::{
        has,
        is_given_up,
        Change,
        Member,
        Role,
        Side,
        Votes, //
    },
    quorum::{
        self,
        admits_tie_breaker,
        Outcome,
        Progress, //
    },
};
use crate::limits::REPLICAS_MAX;

/// How far the set has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Phase {
    /// The epoch is being claimed.
    Claiming,
    /// It is claimed. The first commit is due, or in progress.
    Claimed,
    /// The first commit counts: callers may be let in.
    Running,
    /// Nothing is written any more.
    Stopped,
}

/// Why something is not begun. Nothing has changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// The set has stopped, and is read-only.
    Stopped,
    /// A commit, or the claim, is in progress.
    Busy,
    /// The first commit of a load changes no page.
    FirstIsEmpty,
    /// The numbers of commits are used up.
    NoNumber,
    /// There is no seat, or no room in the list.
    Full,
    /// The replica is in the list, or a write to it has not returned since it was deleted.
    Known,
    /// There is no such replica.
    Unknown,
    /// There is a tie-breaker: delete it first.
    TieBreaker,
    /// It is the last voter.
    LastVoter,
    /// So many replicas have failed that a commit could not count with the list that is asked for,
    /// and would stop the set. Without those that have failed it could: delete them first.
    CannotCount,
}

/// What is known of a set that is started, its replicas apart.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    phase: Phase,
    /// The epoch of this load.
    epoch: u64,
    /// The commit that counted last; before the first one, the commit that was chosen.
    live: Generation,
    /// The commit that was begun last.
    newest: Generation,
    /// How many members the list of that commit has.
    member_count: usize,
    /// Whether all is recorded that is not to be believed since members were given up.
    is_believed: bool,
}

impl Run {
    /// Whether a commit was begun that does not count yet.
    pub fn is_in_progress(&self) -> bool {
        self.newest != self.live
    }

    /// The commit that counted last.
    pub const fn live(&self) -> Generation {
        self.live
    }

    /// How many members the list of the commit that was begun last has.
    pub const fn member_count(&self) -> usize {
        self.member_count
    }

    /// Of a set that is loaded to read, and has so many members.
    pub const fn read_only(member_count: usize) -> Self {
        Self {
            member_count,
            ..Self::STOPPED
        }
    }

    /// Of a set that is not started.
    pub const STOPPED: Self = Self {
        phase: Phase::Stopped,
        epoch: 0,
        live: Generation {
            epoch: 0,
            sequence: 0,
        },
        newest: Generation {
            epoch: 0,
            sequence: 0,
        },
        member_count: 0,
        is_believed: false,
    };
}

/// The machine, over the caller's memory.
#[derive(Debug)]
pub struct Commits<'a> {
    run: &'a mut Run,
    members: &'a mut [Member],
    seats: &'a mut [Seat],
}

impl<'a> Commits<'a> {
    /// Over memory that the caller keeps: room for [`REPLICAS_MAX`] members, and seats.
    pub fn over(run: &'a mut Run, members: &'a mut [Member], seats: &'a mut [Seat]) -> Self {
        Self {
            run,
            members,
            seats,
        }
    }

    /// Begins to start a set for writing, with the claim of `epoch`, as decided. `found` is what
    /// was decided on, `live_roots` has a place of the newest root of each, and the index in both
    /// is the replica's tag. Jobs of an earlier start have to have returned.
    pub fn start(
        &mut self,
        (decision, epoch): (&Decision<'_>, u64),
        given_up: &[Uuid],
        found: &[Option<Replica<'_>>],
        live_roots: &[u32],
    ) -> Result<(), Refusal> {
        let count = decision.members.len();
        if self.seats.iter().any(|seat| seat.job.is_some()) {
            return Err(Refusal::Busy);
        }
        let list = self.members.get_mut(..count).ok_or(Refusal::Full)?;
        if self.seats.len() < count {
            return Err(Refusal::Full);
        }
        list.copy_from_slice(decision.members);
        self.seats.fill(Seat::FREE);
        let members = decision.members.iter();
        let members = members.filter(|member| !is_given_up(member));
        for (seat, member) in self.seats.iter_mut().zip(members) {
            *seat = seat_of(member, decision, found, live_roots);
            seat.is_given_up = given_up.contains(&member.replica);
        }
        *self.run = Run {
            phase: Phase::Claiming,
            epoch,
            live: decision.generation,
            newest: decision.generation,
            member_count: count,
            is_believed: false,
        };
        self.judge();
        Ok(())
    }

    /// All is recorded that was not to be believed, since it may be older than what those had who
    /// were given up (`DURABILITY.md` clause 12). The next commit forgets them; until then each
    /// start finds them in the list, and believes no more than this one.
    pub fn believe(&mut self) {
        self.run.is_believed = true;
    }

    /// How far the set has come.
    pub fn phase(&self) -> Phase {
        self.run.phase
    }

    /// The commit that counted last; before the first one, the commit that was chosen.
    pub fn live(&self) -> Generation {
        self.run.live
    }

    /// The commit in progress, or else the live one: what jobs that are taken now write.
    pub fn newest(&self) -> Generation {
        self.run.newest
    }

    /// The list of members of [`newest`](Self::newest), for its roots.
    pub fn members(&self) -> &[Member] {
        self.members.get(..self.run.member_count).unwrap_or(&[])
    }

    /// The seats.
    pub fn seats(&self) -> &[Seat] {
        self.seats
    }

    /// The number of the next commit, to prepare its pages with.
    pub fn next_generation(&self) -> Result<Generation, Refusal> {
        match self.run.phase {
            Phase::Claiming => Err(Refusal::Busy),
            Phase::Stopped => Err(Refusal::Stopped),
            _ if self.run.newest != self.run.live => Err(Refusal::Busy),
            Phase::Claimed => Ok(Generation::first_of(self.run.epoch)),
            Phase::Running => self.run.live.next().ok_or(Refusal::NoNumber),
        }
    }

    /// Begins the next commit, which changes so many pages, with the members that follow from the
    /// list, failures, and what was asked for since. From now on jobs write it.
    pub fn begin(&mut self, changed_pages: usize) -> Result<Generation, Refusal> {
        let next = self.next_generation()?;
        if self.run.phase == Phase::Claimed {
            if changed_pages > 0 {
                return Err(Refusal::FirstIsEmpty);
            }
            self.carry_members();
        } else {
            self.advance_members();
        }
        self.run.newest = next;
        self.judge();
        Ok(next)
    }

    /// Whether a commit is due, even if nobody has changed a record: the first of a load, one that
    /// takes out a tie-breaker that failed, one for members that come or go, and one that settles
    /// the list after that.
    pub fn is_due(&self) -> bool {
        let changes = || {
            self.members().iter().any(|member| match member.change {
                Change::Stays => false,
                Change::Joins | Change::Leaves => true,
                Change::GivenUp => self.run.is_believed,
            })
        };
        let wishes = || self.seats.iter().any(|seat| self.is_ready(seat)) && !self.is_blocked();
        match self.next_generation() {
            Err(_) => false,
            Ok(_) if self.run.phase == Phase::Claimed => true,
            Ok(_) => changes() || wishes() || self.has_lost_tie_breaker(),
        }
    }

    /// The next job for the replica on a seat, which is in flight from now on until it is
    /// [`returned`](Self::returned). `None` if there is none, for now. The caller makes the root
    /// at once, of [`members`](Self::members) and the tables of the newest commit, and holds on to
    /// the pages that it is going to write: both may be others' when the lock is free again.
    pub fn take(&mut self, seat: usize) -> Option<Job> {
        let job = self.next_job(seat)?;
        self.seats.get_mut(seat)?.job = Some(job);
        Some(job)
    }

    /// The job that [`take`](Self::take) would give.
    pub fn next_job(&self, seat: usize) -> Option<Job> {
        let seat = self.seats.get(seat).filter(|seat| seat.is_ready())?;
        if !seat.is_learner() && !has(self.members(), &seat.replica, seat.role) {
            return None;
        }
        let (generation, claim) = (self.run.newest, self.run.epoch);
        let extent = match self.run.phase {
            Phase::Stopped => return None,
            Phase::Claiming => self.claim_extent(seat)?,
            Phase::Claimed | Phase::Running => self.commit_extent(seat)?,
        };
        Some(seat.job_for(generation, claim, extent))
    }

    /// The job of a seat has returned, with all that was in flight of it: its root is durable, or
    /// not all of it could be carried out. Returns what the newest commit, or the claim, waits for
    /// now.
    pub fn returned(&mut self, seat: usize, is_written: bool) -> Progress {
        if let Some(seat) = self.seats.get_mut(seat) {
            if let Some(job) = seat.job.take() {
                seat.finish(job, is_written);
            }
            if seat.has_left {
                *seat = Seat::FREE;
            }
        }
        self.judge();
        self.progress()
    }

    /// The device of a replica is gone. If a job is in flight, that still has to return.
    pub fn fail(&mut self, replica: &Uuid) -> Progress {
        if let Some(seat) = self.seat_mut(replica) {
            seat.has_failed = true;
        }
        self.judge();
        self.progress()
    }

    /// A replica that failed, or had no readable root when the set was started, is there (again).
    /// `live_root` is a place of its newest root, or 0 for none. It is brought up to date; one with
    /// a root not before the epoch is claimed. One that is in use is [`Refusal::Known`].
    pub fn revive(&mut self, replica: &Uuid, tag: u32, live_root: u32) -> Result<(), Refusal> {
        let seat = self.seat_mut(replica).ok_or(Refusal::Unknown)?;
        if !seat.has_failed {
            return Err(Refusal::Known);
        }
        if seat.job.is_some() {
            return Err(Refusal::Busy);
        }
        (seat.tag, seat.has_failed) = (tag, false);
        (seat.holds, seat.live_root) = (Generation::default(), live_root);
        seat.is_unread = live_root != 0;
        Ok(())
    }

    /// Whether every replica that is there has the newest commit. A commit counts before that; who
    /// leaves the set waits for the rest as well, so that any of them will do at the next start.
    pub fn is_settled(&self) -> bool {
        let is_done = |(index, seat): (usize, &Seat)| {
            seat.replica.is_nil() || seat.job.is_none() && self.next_job(index).is_none()
        };
        self.seats.iter().enumerate().all(is_done)
    }

    /// What the newest commit, or the claim, waits for.
    pub fn progress(&self) -> Progress {
        match self.run.phase {
            Phase::Stopped => Progress::Failed,
            Phase::Claiming => self.claim_progress(),
            _ if self.run.newest == self.run.live => Progress::Counts,
            Phase::Claimed | Phase::Running => self.commit_progress(),
        }
    }

    /// Draws the consequences of what has changed.
    fn judge(&mut self) {
        match (self.progress(), self.run.phase) {
            (Progress::Failed, _) => self.run.phase = Phase::Stopped,
            (Progress::Counts, Phase::Claiming) => self.run.phase = Phase::Claimed,
            (Progress::Counts, Phase::Claimed) if self.run.newest != self.run.live => {
                self.run.live = self.run.newest;
                self.run.phase = Phase::Running;
            }
            (Progress::Counts, Phase::Running) => self.run.live = self.run.newest,
            _ => {}
        }
    }

    /// What is to be written to a replica for the claim. The tie-breaker has a part in it only if
    /// it holds the commit. One that has come later has none: it may have the root of a commit that
    /// did not count, and is larger than the chosen one. The next load would read that, and not the
    /// claim beside it, and take the same epoch. The first commit is larger than both.
    fn claim_extent(&self, seat: &Seat) -> Option<Extent> {
        let holds = seat.holds == self.run.live;
        let is_done = seat.is_claimed || seat.is_given_up || seat.is_unread;
        match (is_done, holds, seat.role) {
            (false, true, _) => Some(Extent::RootOnly),
            (false, false, Role::Voter) => Some(Extent::Differing),
            (false, false, Role::TieBreaker) | (true, ..) => None,
        }
    }

    /// What is to be written to a replica for the newest commit.
    fn commit_extent(&self, seat: &Seat) -> Option<Extent> {
        let waits = seat.role == Role::TieBreaker && !self.admits_tie_breaker();
        if seat.holds == self.run.newest || waits {
            None
        } else if seat.holds == Generation::default() {
            Some(Extent::Differing)
        } else {
            Some(Extent::Newer(seat.holds))
        }
    }

    fn admits_tie_breaker(&self) -> bool {
        let is_written = |member: &Uuid| self.outcome(member) == Outcome::Written;
        admits_tie_breaker(self.members(), is_written)
    }

    fn claim_progress(&self) -> Progress {
        let is_claimed = |seat: &Seat| seat.is_claimed;
        let can_be =
            |seat: &Seat| seat.is_claimed || !seat.has_failed && self.claim_extent(seat).is_some();
        if self.may_start(is_claimed) {
            Progress::Counts
        } else if self.may_start(can_be) {
            Progress::Voters
        } else {
            Progress::Failed
        }
    }

    /// Whether the members on these seats are enough to start, without those that were given up.
    fn may_start(&self, is_there: impl Fn(&Seat) -> bool + Copy) -> bool {
        let counted = |replica: &Uuid| self.seat(replica).is_some_and(|seat| !seat.is_given_up);
        let there = |replica: &Uuid| {
            let seat = self.seat(replica);
            seat.is_some_and(|seat| !seat.is_given_up && is_there(seat))
        };
        let tie = super::members::tie_breaker(self.members()).is_some_and(there);
        Side::BOTH.iter().all(|side| {
            let votes = Votes {
                have: Votes::count(self.members(), *side, there).have,
                of: Votes::count(self.members(), *side, counted).have,
            };
            votes.are_most() || votes.are_half() && tie
        })
    }

    /// What the commit in progress waits for. If a tie-breaker that is to join cannot be written,
    /// the rest counts on more than half, as it does without one.
    fn commit_progress(&self) -> Progress {
        let progress = quorum::progress(self.members(), |member| self.outcome(member));
        if progress != Progress::Failed || !self.has_lost_tie_breaker() {
            return progress;
        }
        let most = |is_there: &dyn Fn(&Uuid) -> bool| {
            let mut sides = Side::BOTH.iter();
            sides.all(|side| Votes::count(self.members(), *side, is_there).are_most())
        };
        if most(&|member| self.outcome(member) == Outcome::Written) {
            Progress::Counts
        } else if most(&|member| self.outcome(member) != Outcome::Failed) {
            Progress::Voters
        } else {
            Progress::Failed
        }
    }

    /// What became of the newest commit on a member.
    fn outcome(&self, member: &Uuid) -> Outcome {
        match self.seat(member) {
            Some(seat) if seat.holds == self.run.newest => Outcome::Written,
            Some(seat) if !seat.has_failed => Outcome::Pending,
            Some(_) | None => Outcome::Failed,
        }
    }

    fn seat(&self, replica: &Uuid) -> Option<&Seat> {
        let mut seats = self.seats.iter();
        seats.find(|seat| seat.replica == *replica && !seat.has_left)
    }

    fn seat_mut(&mut self, replica: &Uuid) -> Option<&mut Seat> {
        let mut seats = self.seats.iter_mut();
        seats.find(|seat| seat.replica == *replica && !seat.has_left)
    }

    /// Whether the machine is as it has to be; for simulators and assertions.
    pub fn is_sound(&self) -> bool {
        let one_step = self.run.newest >= self.run.live;
        let mut jobs = self.seats.iter().filter_map(|seat| seat.job);
        let no_newer = |job: Job| job.generation <= self.run.newest;
        let is_seated = |member: &Member| self.seat(&member.replica).is_some();
        let members = self.members();
        one_step
            && jobs.all(no_newer)
            && members.len() <= REPLICAS_MAX
            && members
                .iter()
                .all(|member| is_given_up(member) != is_seated(member))
    }
}

/// The seat of a member as it was found.
fn seat_of(
    member: &Member,
    decision: &Decision<'_>,
    found: &[Option<Replica<'_>>],
    live_roots: &[u32],
) -> Seat {
    let is_it = |index: &usize| {
        let replica = found.get(*index).and_then(Option::as_ref);
        let is_same = replica
            .is_some_and(|replica| replica.uuid == member.replica && replica.role == member.role);
        is_same && standing(found, *index, decision) != Standing::Duplicate
    };
    let own = (0..found.len()).find(is_it);
    let standing = own.map(|index| standing(found, index, decision));
    let live_root = own.and_then(|index| live_roots.get(index).copied());
    Seat {
        replica: member.replica,
        role: member.role,
        tag: own.unwrap_or(usize::MAX) as u32,
        holds: match standing {
            Some(Standing::Current) => decision.generation,
            _ => Generation::default(),
        },
        live_root: live_root.unwrap_or(0),
        has_failed: own.is_none(),
        ..Seat::FREE
    }
}
