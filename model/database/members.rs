// SPDX-License-Identifier: GPL-2.0
//! The members of a set's state database: its voting replicas, and perhaps a tie-breaker
//! (`DURABILITY.md` clause 1). Every commit carries the list that it was made under.
//!
//! A list may be on its way from one list to another: some members join with the commit, some
//! leave. Such a commit has to count under the list before and under the list after it, and so has
//! every later commit, until one with the mark has counted; only then is the list settled. A load
//! that finds the mark does not know whether its commit counted, and needs both lists to start.

use core::borrow::Borrow;

use super::identity::Uuid;

/// What a replica is for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Role {
    /// It has a vote.
    Voter,
    /// It has none, and decides when exactly half of the votes are there.
    TieBreaker,
}

/// What a commit does to the membership of a member.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Change {
    /// It was a member, and stays one.
    Stays,
    /// It was none before.
    Joins,
    /// It is none afterwards.
    Leaves,
    /// The administrator has declared it gone, and it is none any more. That it was one is told
    /// until everything is recorded that is not to be believed for that: what it had may have been
    /// newer ([`Commits::believe`](super::commits::Commits::believe)).
    GivenUp,
}

/// A member as the list has it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Member {
    /// The replica.
    pub replica: Uuid,
    /// What it is for.
    pub role: Role,
    /// Whether it is on its way in or out.
    pub change: Change,
    /// Whether a commit was unable to reach it. It stays in the list, and in the number that
    /// quorums are counted from, until the administrator deletes it.
    pub failed: bool,
    /// The component whose label is on the same device; nil if there is none.
    pub component: Uuid,
    /// First sector of the replica on its device. A hint for whoever looks for it.
    pub start_sector: u64,
}

impl Member {
    /// What a list holds before it is filled.
    pub const UNFILLED: Self = Self {
        replica: Uuid::NIL,
        role: Role::Voter,
        change: Change::Stays,
        failed: false,
        component: Uuid::NIL,
        start_sector: 0,
    };

    /// A member of which nothing but its identity and role is known.
    pub const fn new(replica: Uuid, role: Role) -> Self {
        Self {
            replica,
            role,
            ..Self::UNFILLED
        }
    }

    /// The same with another change.
    pub const fn with(self, change: Change) -> Self {
        Self { change, ..self }
    }

    /// What stands for it in the next list, once a commit with this one has counted.
    pub fn settled(self) -> Option<Self> {
        let remains = !matches!(self.change, Change::Leaves | Change::GivenUp);
        remains.then_some(self.with(Change::Stays))
    }

    /// What stands for it in the first list of a load that has chosen this one. Changes are carried
    /// on, since nobody knows whether they counted. Only a tie-breaker that joins is a member now:
    /// whoever starts without it starts with more than half.
    pub fn carried(self) -> Self {
        match (self.role, self.change) {
            (Role::TieBreaker, Change::Joins) => self.with(Change::Stays),
            _ => self,
        }
    }
}

/// The list before a commit, or the one after it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Side {
    /// Who was a member.
    Before,
    /// Who is one.
    After,
}

impl Side {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Before, Self::After];

    const fn includes(self, member: &Member) -> bool {
        match member.change {
            Change::Stays => true,
            Change::Joins => matches!(self, Self::After),
            Change::Leaves => matches!(self, Self::Before),
            Change::GivenUp => false,
        }
    }
}

/// The tie-breaker of the list after the commit.
pub fn tie_breaker(members: &[Member]) -> Option<&Uuid> {
    let is_it = |member: &&Member| member.role == Role::TieBreaker && Side::After.includes(member);
    members.iter().find(is_it).map(|member| &member.replica)
}

/// Whether the list has this replica in this role, be it on its way in or out.
pub fn has(members: &[Member], replica: &Uuid, role: Role) -> bool {
    let mut members = members.iter().filter(|member| !is_given_up(member));
    members.any(|member| member.replica == *replica && member.role == role)
}

/// Whether it is a member no more, since the administrator has declared it gone.
pub const fn is_given_up(member: &Member) -> bool {
    matches!(member.change, Change::GivenUp)
}

/// Votes: how many there are, of how many.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Votes {
    /// Votes that are there.
    pub have: u32,
    /// Votes in all.
    pub of: u32,
}

impl Votes {
    /// Counts the voters of one of the lists that are there.
    pub fn count<L>(members: L, side: Side, is_there: impl Fn(&Uuid) -> bool) -> Self
    where
        L: IntoIterator<Item: Borrow<Member>>,
    {
        let mut votes = Self { have: 0, of: 0 };
        for member in members {
            let member: &Member = member.borrow();
            if member.role != Role::Voter || !side.includes(member) {
                continue;
            }
            let there = is_there(&member.replica);
            votes.of = votes.of.saturating_add(1);
            votes.have = votes.have.saturating_add(u32::from(there));
        }
        votes
    }

    /// Whether they are more than half.
    pub const fn are_most(self) -> bool {
        self.have > self.of.saturating_sub(self.have)
    }

    /// Whether they are half or more, and not none.
    pub const fn are_half(self) -> bool {
        self.have > 0 && self.have >= self.of.saturating_sub(self.have)
    }

    /// How many are needed to be more than half.
    pub const fn most(self) -> u32 {
        (self.of >> 1).saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_and_most_are_what_they_say() {
        for of in 0..20_u32 {
            for have in 0..=of {
                let votes = Votes { have, of };
                assert_eq!(votes.are_most(), 2 * have > of);
                assert_eq!(votes.are_half(), have > 0 && 2 * have >= of);
                assert_eq!(votes.are_most(), have >= votes.most());
            }
        }
    }

    #[test]
    fn only_voters_are_counted() {
        let uuid = |number| Uuid::from_bytes([number; 16]);
        let members = [
            Member::new(uuid(1), Role::Voter),
            Member::new(uuid(2), Role::TieBreaker),
            Member::new(uuid(3), Role::Voter),
        ];
        let votes = Votes::count(members.iter(), Side::After, |replica| *replica != uuid(3));
        assert_eq!(votes, Votes { have: 1, of: 2 });
        assert_eq!(tie_breaker(&members), Some(&uuid(2)));
        assert!(has(&members, &uuid(3), Role::Voter));
        assert!(!has(&members, &uuid(2), Role::Voter));
    }

    #[test]
    fn who_joins_is_counted_after_and_who_leaves_before() {
        let uuid = |number| Uuid::from_bytes([number; 16]);
        let changing = |number, role, change| Member {
            change,
            ..Member::new(uuid(number), role)
        };
        let members = [
            changing(1, Role::Voter, Change::Stays),
            changing(2, Role::Voter, Change::Leaves),
            changing(3, Role::TieBreaker, Change::Joins),
            changing(4, Role::Voter, Change::GivenUp),
            changing(5, Role::TieBreaker, Change::GivenUp),
        ];
        let of = |side| Votes::count(members.iter(), side, |_| false).of;
        assert_eq!((of(Side::Before), of(Side::After)), (2, 1));
        assert_eq!(tie_breaker(&members), Some(&uuid(3)));
        assert_eq!(members[1].settled(), None);
        assert_eq!(members[2].settled(), Some(members[2].carried()));
        assert_eq!(members[1].carried(), members[1]);
        // Who was given up has no part in anything, and is only told.
        assert!(!has(&members, &uuid(4), Role::Voter));
        assert_eq!(members[3].carried(), members[3]);
        assert_eq!(members[3].settled(), None);
    }
}
