// SPDX-License-Identifier: GPL-2.0
//! Whether what the administrator wishes for the list of members may be granted.
//!
//! A commit that changes the list has to count under the list before and the one after it, and one
//! that adds or deletes a tie-breaker on more than half of the voters (`DURABILITY.md` clause 2).
//! So a set that runs on with half of its voters, since the others have failed, would stop if it
//! added a tie-breaker. Such a wish is refused. Who fails later may make it one that cannot be
//! granted any more: then nothing is granted, and no commit is due for it. Who wished it takes it
//! back ([`Commits::withdraw`], or [`Commits::remove`] of what was to join), or it is granted when
//! those that have failed are there again.

use super::{
    seat::{
        next_member,
        Seat,
        Wish, //
    },
    Commits, //
};
use crate::database::{
    identity::Uuid,
    members::{
        Change,
        Member,
        Role,
        Side,
        Votes, //
    },
    quorum, //
};

impl Commits<'_> {
    /// Whether nothing of what is wished is granted, since a commit could not count then: too many
    /// have failed.
    pub fn is_blocked(&self) -> bool {
        let has_wishes = self.seats.iter().any(|seat| seat.wish != Wish::Stay);
        has_wishes && !self.could_count(&[], None, |_| true)
    }

    /// Whether the next commit could count if these leave and this one joins, on those that have
    /// the live commit: who has not written that hangs, perhaps, and then so would the set.
    pub(super) fn could_change(&self, leaving: &[Uuid], joining: Option<Member>) -> bool {
        self.could_count(leaving, joining, |seat| {
            matches!(seat.wish, Wish::Join(_)) || seat.holds >= self.run.live
        })
    }

    /// Whether these are all voters that stay, or join.
    pub fn are_last_voters(&self, replicas: &[Uuid]) -> bool {
        let is_voter = |uuid: &Uuid| self.seat(uuid).is_some_and(|seat| seat.role == Role::Voter);
        replicas.iter().any(is_voter) && self.voters_without(replicas) == 0
    }

    /// Whether a replica is a member, or is to become one.
    pub fn is_seated(&self, replica: &Uuid) -> bool {
        self.seat(replica).is_some()
    }

    /// Takes back that these are to be deleted, if that has not begun; whether it was so with one
    /// of them.
    pub fn withdraw(&mut self, replicas: &[Uuid]) -> bool {
        let mut was_one = false;
        for replica in replicas {
            if let Some(seat) = self.seat_mut(replica) {
                if seat.wish == Wish::Leave {
                    (seat.wish, was_one) = (Wish::Stay, true);
                }
            }
        }
        was_one
    }

    /// How many voters of the newest list answer: they have not failed, and have the live commit.
    pub fn votes(&self) -> Votes {
        let answers = |seat: &Seat| !seat.has_failed && seat.holds >= self.run.live;
        let is_there = |member: &Uuid| self.seat(member).is_some_and(answers);
        Votes::count(self.members(), Side::After, is_there)
    }

    /// Whether the commit after the newest one can count on those that have not failed, and of
    /// which `answers` is true, if it does all that is wished, and these leave, and this one joins.
    ///
    /// That holds as well if voters join, which are left out here: they have not failed, so they
    /// make no half less than it was. A tie-breaker joins once the one before it is gone.
    fn could_count(
        &self,
        leaving: &[Uuid],
        joining: Option<Member>,
        answers: impl Fn(&Seat) -> bool + Copy,
    ) -> bool {
        let is_there = |member: &Uuid| {
            let is_new = joining.is_some_and(|joining| joining.replica == *member);
            let seat = self.seat(member);
            is_new || seat.is_some_and(|seat| !seat.has_failed && answers(seat))
        };
        let is_tie = |member: &Member| member.role == Role::TieBreaker;
        let wished = || self.tie_to_join(leaving);
        let tie = joining.filter(is_tie).or_else(wished);
        let stays = |member: &Member| tie.is_none() || !is_tie(member);
        let next = self.members().iter().filter_map(|member| {
            let next = next_member(*member, self.seat(&member.replica), true)?;
            Some(if leaving.contains(&next.replica) {
                next.with(Change::Leaves)
            } else {
                next
            })
        });
        let joins = tie.map(|tie| tie.with(Change::Joins));
        quorum::counts(next.filter(stays).chain(joins), is_there)
    }

    /// The tie-breaker that is wished for.
    fn tie_to_join(&self, leaving: &[Uuid]) -> Option<Member> {
        let mut wished = self.seats.iter().filter_map(|seat| match seat.wish {
            Wish::Join(member) if !seat.has_failed => Some(member),
            Wish::Join(_) | Wish::Stay | Wish::Leave => None,
        });
        let is_it =
            |member: &Member| member.role == Role::TieBreaker && !leaving.contains(&member.replica);
        wished.find(is_it)
    }
}
