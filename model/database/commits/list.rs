// SPDX-License-Identifier: GPL-2.0
//! How the list of members goes from one commit to the next, and how replicas come and go.

use super::{
    seat::{
        next_member,
        Seat,
        Wish, //
    },
    Commits,
    Phase,
    Refusal, //
};
use crate::{
    database::{
        identity::Uuid,
        members::{
            is_given_up,
            Change,
            Member,
            Role, //
        },
    },
    limits::REPLICAS_MAX, //
};

impl Commits<'_> {
    /// Adds a replica that was made for the set; `live_root` is a place of its newest root, or 0. A
    /// voter is brought up to date, and then let in by the next commit
    /// ([`is_due`](Commits::is_due)); a tie-breaker is let in by the next commit. If it fails
    /// before that, nothing comes of it until it is revived or removed. It must have a slot for
    /// every page in use ([`pages_needed`](crate::database::slots::pages_needed)). Refused if the
    /// list could not count then, and so stop the set.
    pub fn add(&mut self, member: Member, tag: u32, live_root: u32) -> Result<(), Refusal> {
        let known = |seat: &Seat| seat.replica == member.replica;
        if self.run.phase == Phase::Stopped {
            return Err(Refusal::Stopped);
        }
        if self.seats.iter().any(known) {
            return Err(Refusal::Known);
        }
        if member.role == Role::TieBreaker && self.has_tie_breaker() {
            return Err(Refusal::TieBreaker);
        }
        let seated = self.seats.iter().filter(|seat| seat.is_to_be()).count();
        let told = self.members().iter().filter(|one| is_given_up(one)).count();
        if seated.saturating_add(told) >= self.room() {
            return Err(Refusal::Full);
        }
        if !self.could_change(&[], Some(member)) {
            return Err(Refusal::CannotCount);
        }
        let mut seats = self.seats.iter_mut();
        let seat = seats.find(|seat| seat.replica.is_nil());
        *seat.ok_or(Refusal::Full)? = Seat {
            replica: member.replica,
            role: member.role,
            tag,
            live_root,
            wish: Wish::Join(member),
            ..Seat::FREE
        };
        Ok(())
    }

    /// Deletes a replica, with the next commit; one that has not joined yet, at once.
    pub fn remove(&mut self, replica: &Uuid) -> Result<(), Refusal> {
        self.remove_all(core::slice::from_ref(replica))
    }

    /// Deletes replicas, with the next commit: all of them or none. Refused if the list could not
    /// count then, and so stop the set. What has not joined yet goes in any case.
    pub fn remove_all(&mut self, replicas: &[Uuid]) -> Result<(), Refusal> {
        if self.run.phase == Phase::Stopped {
            return Err(Refusal::Stopped);
        }
        let mut takes_a_member = false;
        for replica in replicas {
            let seat = self.seat(replica).ok_or(Refusal::Unknown)?;
            takes_a_member |= !matches!(seat.wish, Wish::Join(_));
        }
        if self.are_last_voters(replicas) {
            return Err(Refusal::LastVoter);
        }
        if takes_a_member && !self.could_change(replicas, None) {
            return Err(Refusal::CannotCount);
        }
        for replica in replicas {
            let seat = self.seat_mut(replica).ok_or(Refusal::Unknown)?;
            match seat.wish {
                Wish::Join(_) => self.leave(replica),
                Wish::Stay | Wish::Leave => seat.wish = Wish::Leave,
            }
        }
        Ok(())
    }

    /// Whether a replica that was deleted is no member of the live commit any more, so that its
    /// vote does not count. A write to it may still be in flight: then nothing may be done to its
    /// device.
    pub fn is_gone(&self, replica: &Uuid) -> bool {
        let mut seats = self.seats.iter();
        let is_seated = seats.any(|seat| seat.replica == *replica && !seat.has_left);
        self.run.newest == self.run.live && self.run.phase == Phase::Running && !is_seated
    }

    /// Whether a replica that was deleted is needed by nobody any more and may be wiped: the live
    /// commit does not have it, and no write to it is in flight. Before that a load may still need
    /// its vote.
    pub fn may_be_wiped(&self, replica: &Uuid) -> bool {
        let is_seated = self.seats.iter().any(|seat| seat.replica == *replica);
        self.run.newest == self.run.live && self.run.phase == Phase::Running && !is_seated
    }

    /// The list of the first commit of a load: changes are carried on, since nobody knows whether
    /// they counted. Those that were given up are members no more, and are remembered as such.
    pub(super) fn carry_members(&mut self) {
        let mut count = 0_usize;
        for index in 0..self.run.member_count {
            let Some(member) = self.members.get(index).copied() else {
                break;
            };
            let seat = self.seat(&member.replica);
            let is_given_up = seat.is_some_and(|seat| seat.is_given_up);
            let failed = seat.is_none_or(|seat| seat.has_failed);
            let carried = Member {
                failed,
                ..member.carried()
            };
            let next = if is_given_up {
                self.leave(&member.replica);
                Member {
                    change: Change::GivenUp,
                    ..carried
                }
            } else {
                carried
            };
            count = self.keep(count, next);
        }
        self.run.member_count = count;
    }

    /// The list of a later commit: the last one is settled; then some leave, and some join, unless
    /// the list could not count with them.
    pub(super) fn advance_members(&mut self) {
        let is_blocked = self.is_blocked();
        let mut count = 0_usize;
        for index in 0..self.run.member_count {
            let Some(member) = self.members.get(index).copied() else {
                break;
            };
            let is_told = is_given_up(&member) && !self.run.is_believed;
            let next = next_member(member, self.seat(&member.replica), !is_blocked);
            match next.or(is_told.then_some(member)) {
                Some(next) => count = self.keep(count, next),
                None => self.leave(&member.replica),
            }
        }
        self.run.member_count = count;
        if !is_blocked {
            self.let_in();
            self.grant_leaves();
        }
    }

    /// Whether the tie-breaker of the newest commit failed.
    pub(super) fn has_lost_tie_breaker(&self) -> bool {
        let mut ties = self.members().iter().filter(|member| {
            let stays = matches!(member.change, Change::Stays | Change::Joins);
            member.role == Role::TieBreaker && stays
        });
        ties.any(|tie| self.seat(&tie.replica).is_none_or(Seat::has_failed))
    }

    /// Whether the next commit does what is wished for a replica, unless all are blocked: a voter
    /// joins once it has the live commit, and a tie-breaker when there is no other one.
    pub(super) fn is_ready(&self, seat: &Seat) -> bool {
        match seat.wish {
            Wish::Stay => false,
            Wish::Leave => true,
            Wish::Join(_) if seat.has_failed => false,
            Wish::Join(member) if member.role == Role::Voter => seat.holds == self.run.live,
            Wish::Join(_) => {
                let mut members = self.members().iter();
                !members.any(|other| other.role == Role::TieBreaker && !is_given_up(other))
            }
        }
    }

    /// Adds those who may join now.
    fn let_in(&mut self) {
        for index in 0..self.seats.len() {
            let Some(seat) = self.seats.get(index) else {
                break;
            };
            let Wish::Join(member) = seat.wish else {
                continue;
            };
            if !self.is_ready(seat) {
                continue;
            }
            let joining = Member {
                change: Change::Joins,
                failed: false,
                ..member
            };
            let count = self.keep(self.run.member_count, joining);
            if count > self.run.member_count {
                self.run.member_count = count;
                if let Some(seat) = self.seats.get_mut(index) {
                    seat.wish = Wish::Stay;
                }
            }
        }
    }

    /// Wishes to leave are in the list now.
    fn grant_leaves(&mut self) {
        for seat in self.seats.iter_mut() {
            if seat.wish == Wish::Leave {
                seat.wish = Wish::Stay;
            }
        }
    }

    /// Puts a member behind the first `count`; returns how many there are then.
    fn keep(&mut self, count: usize, member: Member) -> usize {
        match self.members.get_mut(count) {
            Some(place) => {
                *place = member;
                count.saturating_add(1)
            }
            None => count,
        }
    }

    /// A replica is no member any more. Its seat is free once its job has returned.
    fn leave(&mut self, replica: &Uuid) {
        if let Some(seat) = self.seat_mut(replica) {
            if seat.job.is_some() {
                (seat.has_left, seat.wish) = (true, Wish::Stay);
            } else {
                *seat = Seat::FREE;
            }
        }
    }

    fn room(&self) -> usize {
        self.members.len().min(REPLICAS_MAX)
    }

    /// Whether there is a tie-breaker that stays.
    fn has_tie_breaker(&self) -> bool {
        let mut ties = self.seats.iter().filter(|seat| {
            seat.role == Role::TieBreaker && seat.is_to_be() && seat.wish != Wish::Leave
        });
        ties.any(|tie| {
            let mut members = self.members().iter();
            let leaves =
                |member: &Member| member.replica == tie.replica && member.change == Change::Leaves;
            !members.any(leaves)
        })
    }

    /// Voters that stay, or join, without these.
    pub(super) fn voters_without(&self, replicas: &[Uuid]) -> usize {
        let leaves = |seat: &Seat| {
            let marked =
                |member: &Member| member.replica == seat.replica && member.change == Change::Leaves;
            seat.wish == Wish::Leave || self.members().iter().any(marked)
        };
        let voters = self.seats.iter().filter(|seat| {
            let is_one = seat.role == Role::Voter && seat.is_to_be();
            is_one && !replicas.contains(&seat.replica)
        });
        voters.filter(|seat| !leaves(seat)).count()
    }
}

impl Seat {
    /// Whether it is taken by a member, or by a replica that is to become one.
    fn is_to_be(&self) -> bool {
        !self.replica.is_nil() && !self.has_left
    }
}
