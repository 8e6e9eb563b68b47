// SPDX-License-Identifier: GPL-2.0
//! When a commit of a running set counts, and when the claim of an epoch does (`DURABILITY.md`
//! clauses 1 to 4).
//!
//! A commit whose list of members is on its way from one to another has to count under both: then
//! whoever starts from a commit with the older list sees it. The tie-breaker is written after the
//! voters that it agrees with, never before.

use core::borrow::Borrow;

use super::{
    identity::Uuid,
    members::{
        is_given_up,
        tie_breaker,
        Change,
        Member,
        Role,
        Side,
        Votes, //
    },
};

/// What became of the write of a commit, or of a claim, to one member.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It has not returned, or was not issued yet.
    Pending,
    /// It is durable.
    Written,
    /// It failed, or the member is not there.
    Failed,
}

/// What a commit waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Progress {
    /// For voters.
    Voters,
    /// For the tie-breaker: so many voters have it that the tie-breaker may be written.
    TieBreaker,
    /// For nothing: it counts, and callers may be answered.
    Counts,
    /// For nothing: it cannot count any more. The set stops; what was committed is as before.
    Failed,
}

/// What a commit needs, by what its list says about the tie-breaker.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Need {
    /// At least half of the voters.
    Half,
    /// More than half of the voters, or exactly half and the tie-breaker.
    MostOrTie(Uuid),
    /// More than half of the voters.
    Most,
    /// More than half of the voters, and then the tie-breaker as well.
    MostAndTie(Uuid),
    /// One tie-breaker in place of another is two commits: this one never counts.
    Never,
}

impl Need {
    fn of(members: impl IntoIterator<Item: Borrow<Member>>) -> Self {
        let ties = members.into_iter().filter_map(|member| {
            let member: &Member = member.borrow();
            let is_tie = member.role == Role::TieBreaker && !is_given_up(member);
            is_tie.then_some((member.replica, member.change))
        });
        let mut need = Self::Half;
        for (tie, change) in ties {
            need = match (need, change) {
                (Self::Half, Change::Stays) => Self::MostOrTie(tie),
                (Self::Half, Change::Joins) => Self::MostAndTie(tie),
                (Self::Half, Change::Leaves | Change::GivenUp) => Self::Most,
                _ => Self::Never,
            };
        }
        need
    }

    /// Whether it is met under one list.
    fn is_met(self, votes: Votes, is_written: impl Fn(&Uuid) -> bool) -> bool {
        match self {
            Self::Half => votes.are_half(),
            Self::MostOrTie(tie) => votes.are_most() || votes.are_half() && is_written(&tie),
            Self::Most => votes.are_most(),
            Self::MostAndTie(tie) => votes.are_most() && is_written(&tie),
            Self::Never => false,
        }
    }

    /// Whether the voters of one list suffice for the tie-breaker to be written.
    fn admits_tie(self, votes: Votes) -> bool {
        match self {
            Self::MostOrTie(_) => votes.are_half(),
            Self::MostAndTie(_) => votes.are_most(),
            Self::Half | Self::Most | Self::Never => false,
        }
    }
}

/// Whether a commit counts when it is durable on the members that `is_written` names. The list may
/// be one that is not made yet.
pub fn counts<L>(members: L, is_written: impl Fn(&Uuid) -> bool + Copy) -> bool
where
    L: IntoIterator<Item: Borrow<Member>> + Clone,
{
    let need = Need::of(members.clone());
    Side::BOTH.iter().all(|side| {
        let votes = Votes::count(members.clone(), *side, is_written);
        need.is_met(votes, is_written)
    })
}

/// Whether the commit may be written to the tie-breaker now: it is a member, and enough voters
/// have the commit. That holds also when the commit counts without it, for the next tie.
pub fn admits_tie_breaker(members: &[Member], is_written: impl Fn(&Uuid) -> bool + Copy) -> bool {
    let need = Need::of(members);
    Side::BOTH
        .iter()
        .all(|side| need.admits_tie(Votes::count(members, *side, is_written)))
}

/// What a commit waits for, from what became of its writes so far.
pub fn progress(members: &[Member], outcome: impl Fn(&Uuid) -> Outcome + Copy) -> Progress {
    let is_written = |member: &Uuid| outcome(member) == Outcome::Written;
    let may_be_written = |member: &Uuid| outcome(member) != Outcome::Failed;
    let tie_is_pending = members.iter().any(|member| {
        member.role == Role::TieBreaker && outcome(&member.replica) == Outcome::Pending
    });
    if counts(members, is_written) {
        Progress::Counts
    } else if !counts(members, may_be_written) {
        Progress::Failed
    } else if tie_is_pending && admits_tie_breaker(members, is_written) {
        Progress::TieBreaker
    } else {
        Progress::Voters
    }
}

/// Whether the members that `is_there` names are enough to start, or for a claim to hold.
/// `tie_agrees` says that the tie-breaker holds the chosen commit.
pub fn may_start(
    members: &[Member],
    tie_agrees: bool,
    is_there: impl Fn(&Uuid) -> bool + Copy,
) -> bool {
    let tie = tie_agrees && tie_breaker(members).is_some_and(is_there);
    Side::BOTH.iter().all(|side| {
        let votes = Votes::count(members, *side, is_there);
        votes.are_most() || votes.are_half() && tie
    })
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    const TIE: u8 = 0xaa;

    fn uuid(number: u8) -> Uuid {
        Uuid::from_bytes([number; 16])
    }

    fn list(voters: u8, tie: Option<Change>) -> Vec<Member> {
        let voting = (1..=voters).map(|voter| Member::new(uuid(voter), Role::Voter));
        let tie = tie.map(|change| Member {
            change,
            ..Member::new(uuid(TIE), Role::TieBreaker)
        });
        voting.chain(tie).collect()
    }

    /// `DURABILITY.md` clause 2, sentence by sentence, for all sets of up to four voters.
    #[test]
    fn a_commit_counts_when_the_contract_says_so() {
        for n in 1..=4_u8 {
            for (reached, tie) in (0..2_u8 << n).map(|code| (code >> 1, code & 1 == 1)) {
                let is_written = |member: &Uuid| match member.to_bytes()[0] {
                    TIE => tie,
                    number => reached & (1 << (number - 1)) != 0,
                };
                let (twice, n32) = (reached.count_ones() * 2, u32::from(n));
                let found = |tie| {
                    let members = list(n, tie);
                    (
                        counts(&members, is_written),
                        admits_tie_breaker(&members, is_written),
                    )
                };
                let half = twice > 0 && twice >= n32;
                let most = twice > n32;
                assert_eq!(found(None), (half, false));
                assert_eq!(found(Some(Change::Stays)), (most || half && tie, half));
                assert_eq!(found(Some(Change::Leaves)), (most, false));
                assert_eq!(found(Some(Change::Joins)), (most && tie, most));
                let start = |tie, agrees| may_start(&list(n, tie), agrees, is_written);
                assert_eq!(start(None, true), most);
                assert_eq!(start(Some(Change::Stays), false), most);
                assert_eq!(start(Some(Change::Stays), true), most || half && tie);
            }
        }
    }

    #[test]
    fn a_change_of_voters_counts_under_both_lists() {
        let on_first_two = |member: &Uuid| member.to_bytes()[0] <= 2;
        let changing = |all: u8, from: u8, change| {
            let mut members = list(all, None);
            for member in members.iter_mut().skip(from.into()) {
                member.change = change;
            }
            members
        };
        assert!(counts(&changing(4, 2, Change::Leaves), on_first_two));
        assert!(!counts(&changing(5, 2, Change::Leaves), on_first_two));
        assert!(counts(&changing(4, 2, Change::Joins), on_first_two));
        assert!(!counts(&changing(5, 2, Change::Joins), on_first_two));
        assert!(!may_start(
            &changing(4, 2, Change::Joins),
            false,
            on_first_two
        ));
        assert!(may_start(
            &changing(3, 2, Change::Joins),
            false,
            on_first_two
        ));
        assert!(!counts(&[] as &[Member], on_first_two) && !may_start(&[], true, on_first_two));
    }

    #[test]
    fn another_tie_breaker_takes_two_commits() {
        let mut members = list(3, Some(Change::Leaves));
        members.push(Member {
            change: Change::Joins,
            ..Member::new(uuid(0xbb), Role::TieBreaker)
        });
        assert!(!counts(&members, |_| true));
    }

    #[test]
    fn a_commit_waits_for_what_can_still_make_it_count() {
        let members = list(2, Some(Change::Stays));
        let run = |first, second, tie| {
            progress(&members, |member| match member.to_bytes()[0] {
                1 => first,
                2 => second,
                _ => tie,
            })
        };
        use Outcome::{
            Failed,
            Pending,
            Written, //
        };
        assert_eq!(run(Pending, Pending, Pending), Progress::Voters);
        assert_eq!(run(Written, Pending, Pending), Progress::TieBreaker);
        assert_eq!(run(Written, Failed, Pending), Progress::TieBreaker);
        assert_eq!(run(Written, Pending, Failed), Progress::Voters);
        assert_eq!(run(Written, Failed, Failed), Progress::Failed);
        assert_eq!(run(Written, Failed, Written), Progress::Counts);
        assert_eq!(run(Written, Written, Pending), Progress::Counts);
        assert_eq!(run(Failed, Failed, Pending), Progress::Failed);
    }
}
