// SPDX-License-Identifier: GPL-2.0
//! Which commit a set is loaded from, and whether it may be written to (`DURABILITY.md` clauses 1
//! to 3).
//!
//! A set that may start has to do three things before anything reads or writes its metadevices:
//! claim the epoch on as many members as it needs to start
//! ([`may_start`](super::quorum::may_start)), bring those that are [`Standing::Stale`] up to date,
//! and commit once under the new epoch, with the list of members carried on ([`Member::carried`]).
//! Without that commit what was just shown to callers could be gone after the next load.
//!
//! A vote is the generation that a replica shows, so a replica whose root can be read has its vote
//! even if pages below it are damaged; it just is not what the set is loaded from.

use super::{
    identity::{
        Generation,
        Uuid, //
    },
    members::{
        has,
        tie_breaker,
        Member,
        Role,
        Side,
        Votes, //
    },
};

/// A replica as it was found.
#[derive(Clone, Copy, Debug)]
pub struct Replica<'a> {
    /// Its identity.
    pub uuid: Uuid,
    /// What it was made for.
    pub role: Role,
    /// The commit that it holds.
    pub generation: Generation,
    /// The largest epoch that was claimed on it; 0 for none.
    pub claim: u64,
    /// Whether every page of the commit was read and verified.
    pub complete: bool,
    /// The members, as its commit has them.
    pub members: &'a [Member],
}

impl Replica<'_> {
    /// Whether its own commit has it as a member in its role.
    fn is_own_member(&self) -> bool {
        has(self.members, &self.uuid, self.role)
    }

    /// What decides between two copies of one replica.
    fn rank(&self) -> (Generation, bool, u64) {
        (self.generation, self.complete, self.claim)
    }
}

/// How the tie-breaker stands to the chosen commit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TieBreaker {
    /// The commit has none.
    None,
    /// It was not found.
    Missing,
    /// It holds an older commit, and breaks no tie.
    Behind(Generation),
    /// It holds a newer commit, which the voters that were found do not have; it breaks no tie.
    Ahead(Generation),
    /// It holds the very commit.
    Agrees,
}

/// Why a set is read-only.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reason {
    /// Less than half of the voters are there.
    TooFew,
    /// Exactly half of the voters are there, and the tie-breaker, if any, does not help.
    Half(TieBreaker),
    /// The newest commit is known, but no replica has all of it.
    Incomplete,
    /// There is no larger number for an epoch. Only a hostile or broken replica claims the last.
    NoEpoch,
}

/// Whether a set may start for writing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Start {
    /// It may, once this epoch is claimed.
    Writable {
        /// The epoch to claim: larger than every claim and commit that was seen.
        epoch: u64,
    },
    /// It may not.
    ReadOnly(Reason),
}

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub struct Decision<'a> {
    /// The newest commit.
    pub generation: Generation,
    /// Its members.
    pub members: &'a [Member],
    /// Which of the replicas found the set is loaded from; `None` if none is complete. One that
    /// holds an older commit only if no complete one holds the newest; then the set is read-only.
    pub source: Option<usize>,
    /// Votes that are there, of all but those that the administrator has given up: under the list
    /// before the commit and the one after it, which differ only if it was changing its members.
    pub votes: [Votes; 2],
    /// How the tie-breaker stands.
    pub tie_breaker: TieBreaker,
    /// Whether the set may start for writing.
    pub start: Start,
}

/// No voting replica can be read: there is nothing to decide.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NoReplica;

/// How a replica that was found stands to the decision.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// No root of it can be read, so it has no vote. Once the set is started without it, it may be
    /// brought up to date ([`Commits::revive`](super::commits::Commits::revive)).
    Damaged,
    /// Another copy of the same replica stands for it: a second path, or a clone.
    Duplicate,
    /// The newest commit does not have it as a member: deleted, or of another history.
    Outsider,
    /// It has the newest commit, and all of it.
    Current,
    /// It has to be brought up to date, however high its number.
    Stale,
}

/// Decides from what was `found`; `None` stands for a replica without a readable root.
///
/// `given_up` are voters that the administrator has declared gone for ever. They are not counted,
/// found or not, and the first commit has to say so in its list. They may have started without
/// those that were found, with epochs that nobody here has seen: this one is far above.
pub fn decide<'a>(
    found: &[Option<Replica<'a>>],
    given_up: &[Uuid],
) -> Result<Decision<'a>, NoReplica> {
    let newest = newest(found).ok_or(NoReplica)?;
    let votes = Side::BOTH.map(|side| votes(found, newest.members, side, given_up));
    let tie_breaker = judge_tie_breaker(found, newest);
    let source = source(found, newest);
    let complete = source
        .and_then(|index| found.get(index).copied().flatten())
        .is_some_and(|replica| replica.generation == newest.generation);
    let start = if !votes.iter().all(|votes| votes.are_half()) {
        Start::ReadOnly(Reason::TooFew)
    } else if !votes.iter().all(|votes| votes.are_most()) && tie_breaker != TieBreaker::Agrees {
        Start::ReadOnly(Reason::Half(tie_breaker))
    } else if !complete {
        Start::ReadOnly(Reason::Incomplete)
    } else {
        epoch_after(found, if given_up.is_empty() { 1 } else { LEAP })
    };
    Ok(Decision {
        generation: newest.generation,
        members: newest.members,
        source,
        votes,
        tie_breaker,
        start,
    })
}

/// How the replica at `index` of those found stands to the decision on them.
pub fn standing(found: &[Option<Replica<'_>>], index: usize, decision: &Decision<'_>) -> Standing {
    let Some(Some(replica)) = found.get(index) else {
        return Standing::Damaged;
    };
    if !stands_for_itself(found, index) {
        Standing::Duplicate
    } else if !has(decision.members, &replica.uuid, replica.role) {
        Standing::Outsider
    } else if replica.generation == decision.generation && replica.complete {
        Standing::Current
    } else {
        Standing::Stale
    }
}

/// The readable replicas, without duplicates, which are one vote (`DURABILITY.md` clause 18).
fn replicas<'f, 'a>(
    found: &'f [Option<Replica<'a>>],
) -> impl Iterator<Item = (usize, &'f Replica<'a>)> {
    let readable = found.iter().enumerate();
    let readable = readable.filter_map(|(index, replica)| Some((index, replica.as_ref()?)));
    readable.filter(|(index, _)| stands_for_itself(found, *index))
}

/// Whether no other copy of the same replica goes before it. The newest does, or the first.
fn stands_for_itself(found: &[Option<Replica<'_>>], index: usize) -> bool {
    let Some(Some(own)) = found.get(index) else {
        return false;
    };
    let goes_before = |(place, other): (usize, &Option<Replica<'_>>)| {
        other.as_ref().is_some_and(|other| {
            let better = other.rank() > own.rank();
            let same = other.rank() == own.rank();
            other.uuid == own.uuid && (better || same && place < index)
        })
    };
    !found.iter().enumerate().any(goes_before)
}

/// A replica with the newest commit; only a voter can show it.
fn newest<'f, 'a>(found: &'f [Option<Replica<'a>>]) -> Option<&'f Replica<'a>> {
    let replicas = replicas(found).map(|(_, replica)| replica);
    replicas
        .filter(|replica| replica.role == Role::Voter && replica.is_own_member())
        .max_by_key(|replica| replica.generation)
}

fn votes(
    found: &[Option<Replica<'_>>],
    members: &[Member],
    side: Side,
    given_up: &[Uuid],
) -> Votes {
    let is_counted = |voter: &Uuid| !given_up.contains(voter);
    let is_found = |voter: &Uuid| {
        replicas(found).any(|(_, replica)| replica.uuid == *voter && replica.role == Role::Voter)
    };
    let all = Votes::count(members, side, is_counted);
    let there = Votes::count(members, side, |voter| is_counted(voter) && is_found(voter));
    Votes {
        have: there.have,
        of: all.have,
    }
}

fn judge_tie_breaker(found: &[Option<Replica<'_>>], newest: &Replica<'_>) -> TieBreaker {
    let Some(uuid) = tie_breaker(newest.members) else {
        return TieBreaker::None;
    };
    let is_it = |replica: &&Replica<'_>| replica.uuid == *uuid && replica.role == Role::TieBreaker;
    match replicas(found).map(|(_, replica)| replica).find(is_it) {
        None => TieBreaker::Missing,
        Some(tie) if tie.generation < newest.generation => TieBreaker::Behind(tie.generation),
        Some(tie) if tie.generation > newest.generation => TieBreaker::Ahead(tie.generation),
        Some(_) => TieBreaker::Agrees,
    }
}

/// The member to load from: complete, and of those not newer than the chosen commit the newest.
fn source(found: &[Option<Replica<'_>>], newest: &Replica<'_>) -> Option<usize> {
    let usable = |replica: &Replica<'_>| {
        replica.complete
            && replica.generation <= newest.generation
            && has(newest.members, &replica.uuid, replica.role)
    };
    replicas(found)
        .filter(|(_, replica)| usable(replica))
        .max_by_key(|(_, replica)| replica.generation)
        .map(|(index, _)| index)
}

/// How many epochs are left out when members are given up: more than there were starts without
/// those that are found. Else two histories might have commits of one number.
const LEAP: u64 = 1 << 20;

/// An epoch above all that anything found has seen, member or not, duplicate or not.
fn epoch_after(found: &[Option<Replica<'_>>], above: u64) -> Start {
    let epochs = found.iter().flatten().map(|replica| {
        let committed = replica.generation.epoch;
        committed.max(replica.claim)
    });
    match epochs.max().unwrap_or(0).checked_add(above) {
        Some(epoch) => Start::Writable { epoch },
        None => Start::ReadOnly(Reason::NoEpoch),
    }
}
