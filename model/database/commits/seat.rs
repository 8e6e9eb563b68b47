// SPDX-License-Identifier: GPL-2.0
//! A replica of a set that is started: what it holds, what is being written to it, and what is to
//! be written next.

use super::super::{
    commit::Writing,
    identity::{
        Generation,
        Uuid, //
    },
    layout::other_root,
    members::{
        Change,
        Member,
        Role, //
    },
};

/// Which pages a job writes, of those that its commit leads to. Tables are pages, too.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Extent {
    /// None: it is a claim.
    RootOnly,
    /// Those with a stamp newer than this: the replica holds that commit, of this very history, and
    /// so has all older ones. For the commit that follows it these are the drafts.
    Newer(Generation),
    /// Those that cannot be verified in the replica's slot: it is unknown what it holds. The caller
    /// may read each page first, and leave alone what is right ([`Pointer::open`]); to write all
    /// is as good, since what is right would be written over with the same bytes. So if the
    /// replica holds the commit before this one, nothing of that changes before the root does.
    ///
    /// [`Pointer::open`]: super::super::table::Pointer::open
    Differing,
}

/// What to write to one replica: pages, and then the root. See [`Writing`] for the order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Job {
    /// The replica.
    pub replica: Uuid,
    /// Its role, for the root.
    pub role: Role,
    /// What the caller has called it.
    pub tag: u32,
    /// The commit. It is the one in progress, or else the live one, when the job is taken; the
    /// caller keeps its pages until the job returns.
    pub generation: Generation,
    /// The claim, for the root.
    pub claim: u64,
    /// The places of the root.
    pub places: [u32; 2],
    /// Which pages.
    pub extent: Extent,
}

impl Job {
    /// The order of its writes, of so many pages.
    ///
    /// Pages that are only verified may still be in a cache, left by a job that failed before its
    /// flush; so [`Extent::Differing`] flushes even if nothing had to be written.
    pub const fn writing(&self, pages: usize) -> Writing {
        match self.extent {
            Extent::Differing => Writing::flushing(pages),
            Extent::RootOnly | Extent::Newer(_) => Writing::new(pages),
        }
    }
}

/// What the administrator wants to become of a replica, with the next commit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wish {
    /// Nothing.
    Stay,
    /// It is no member yet.
    Join(Member),
    /// It is one, and is not to be one.
    Leave,
}

/// A place for one replica of the set; the caller lends
/// [`REPLICAS_MAX`](crate::limits::REPLICAS_MAX) of them, and a few more for replicas that were
/// deleted while a write to them hangs.
#[derive(Clone, Copy, Debug)]
pub struct Seat {
    /// Nil if the seat is free.
    pub(super) replica: Uuid,
    pub(super) role: Role,
    pub(super) tag: u32,
    /// The commit that is known to be on it, whole; the default for none.
    pub(super) holds: Generation,
    /// Whether the epoch of this run is claimed on it.
    pub(super) is_claimed: bool,
    /// Whether the administrator has given it up: it has no vote in this load.
    pub(super) is_given_up: bool,
    /// A place of its newest root; 0 if there is none.
    pub(super) live_root: u32,
    /// Whether nobody knows what its newest root says: it was not there when the set was loaded, or
    /// has been away.
    pub(super) is_unread: bool,
    /// Whether it gets nothing more: it is not there, or a write to it failed.
    pub(super) has_failed: bool,
    /// Whether it is no member any more, and only waits for its job to return.
    pub(super) has_left: bool,
    /// What is being written to it.
    pub(super) job: Option<Job>,
    pub(super) wish: Wish,
}

impl Seat {
    /// Nobody's.
    pub const FREE: Self = Self {
        replica: Uuid::NIL,
        role: Role::Voter,
        tag: 0,
        holds: Generation {
            epoch: 0,
            sequence: 0,
        },
        is_claimed: false,
        is_given_up: false,
        live_root: 0,
        is_unread: false,
        has_failed: false,
        has_left: false,
        job: None,
        wish: Wish::Stay,
    };

    /// The replica that has it, if any.
    pub fn replica(&self) -> Option<Uuid> {
        (!self.replica.is_nil()).then_some(self.replica)
    }

    /// What the caller has called the replica.
    pub const fn tag(&self) -> u32 {
        self.tag
    }

    /// The commit that is known to be on it, whole; the default for none.
    pub const fn holds(&self) -> Generation {
        self.holds
    }

    /// Whether a write to it failed, or it is not there.
    pub const fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// Whether it is no member any more, and only waits for a write to return.
    pub const fn has_left(&self) -> bool {
        self.has_left
    }

    /// What is being written to it.
    pub const fn job(&self) -> Option<Job> {
        self.job
    }

    /// Whether a job may be given to it at all.
    pub(super) fn is_ready(&self) -> bool {
        !self.replica.is_nil() && !self.has_failed && !self.has_left && self.job.is_none()
    }

    /// Whether it is a voter that is to join, and is written to although it is no member.
    pub(super) fn is_learner(&self) -> bool {
        matches!(self.wish, Wish::Join(member) if member.role == Role::Voter)
    }

    /// A job for it, once it is known of which commit and how much.
    pub(super) fn job_for(&self, generation: Generation, claim: u64, extent: Extent) -> Job {
        Job {
            replica: self.replica,
            role: self.role,
            tag: self.tag,
            generation,
            claim,
            places: other_root(self.live_root),
            extent,
        }
    }

    /// Its job has returned.
    pub(super) fn finish(&mut self, job: Job, is_written: bool) {
        if is_written {
            let [place, _] = job.places;
            (self.holds, self.live_root) = (job.generation, place);
            (self.is_claimed, self.is_unread) = (true, false);
        } else {
            self.has_failed = true;
        }
    }
}

/// What a member is in the list of the next commit, by what its seat says, and whether wishes are
/// granted. `None` for one that is none any more.
pub(super) fn next_member(member: Member, seat: Option<&Seat>, is_granted: bool) -> Option<Member> {
    let settled = member.settled()?;
    let failed = seat.is_none_or(|seat| seat.has_failed);
    let leaves = is_granted && seat.is_some_and(|seat| seat.wish == Wish::Leave)
        || settled.role == Role::TieBreaker && failed;
    Some(Member {
        failed,
        change: if leaves {
            Change::Leaves
        } else {
            Change::Stays
        },
        ..settled
    })
}
