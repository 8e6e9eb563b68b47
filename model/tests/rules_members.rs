// SPDX-License-Identifier: GPL-2.0
//! A change of the list of members that a commit could not count with is refused, and stops nothing
//! (`DURABILITY.md` clauses 1 and 2).

use md_model::database::{
    commits::{
        Phase,
        Refusal, //
    },
    members::{
        Change,
        Member,
        Role, //
    },
};

use crate::started::{
    uuid,
    Set,
    TIE, //
};

/// A replica that is none yet.
const NEW: u8 = 0xbb;

/// What the administrator may ask for.
#[derive(Clone, Copy, Debug)]
enum Wish {
    Add(Role),
    Remove(u8),
}

impl Wish {
    fn all(voters: u8, tie: bool) -> impl Iterator<Item = Self> {
        let removed = (1..=voters).chain(tie.then_some(TIE));
        let added = [Role::Voter, Role::TieBreaker];
        added
            .map(Self::Add)
            .into_iter()
            .chain(removed.map(Self::Remove))
    }

    /// Asks for it.
    fn make(self, set: &mut Set) -> Result<(), Refusal> {
        match self {
            Self::Add(role) => set.machine().add(Member::new(uuid(NEW), role), 9, 0),
            Self::Remove(number) => set.machine().remove(&uuid(number)),
        }
    }

    /// Whether a commit cannot count with it, by the words of clause 2.
    fn cannot_count(self, voters: u8, tie: bool, failed: u8) -> bool {
        let there = (1..=voters).filter(|number| !is_in(failed, *number));
        let (twice, all) = (2 * there.count() as u8, voters);
        match self {
            Self::Add(Role::Voter) => false,
            Self::Add(Role::TieBreaker) => !tie && twice <= all,
            Self::Remove(TIE) => twice <= all,
            Self::Remove(_) if all == 1 => false,
            Self::Remove(number) => {
                let (all, own) = (all - 1, u8::from(!is_in(failed, number)));
                let left = twice - 2 * own;
                let is_enough = match tie && is_in(failed, TIE) {
                    true => left > all,
                    false => left >= all && left > 0,
                };
                !is_enough
            }
        }
    }

    /// Whether it has come about.
    fn is_done(self, set: &mut Set) -> bool {
        match self {
            Self::Add(_) => set.change_of(NEW) == Some(Change::Stays),
            Self::Remove(number) => set.machine().is_gone(&uuid(number)),
        }
    }
}

/// A set of so many voters; those of `failed` have failed, as bits, of which
/// the lowest is the tie-breaker's.
fn hurt(voters: u8, tie: bool, failed: u8) -> Set {
    let mut set = Set::running(voters, tie);
    for number in (1..=voters)
        .chain([TIE])
        .filter(|number| is_in(failed, *number))
    {
        set.machine().fail(&uuid(number));
    }
    set
}

fn is_in(failed: u8, number: u8) -> bool {
    let bit = if number == TIE { 0 } else { number };
    (failed >> bit) & 1 == 1
}

/// All sets that run on: voters, whether there is a tie-breaker, and who has failed.
fn all_hurt() -> impl Iterator<Item = (u8, bool, u8)> {
    let sets = (1..=4_u8).flat_map(|voters| [(voters, false), (voters, true)]);
    let all = sets.flat_map(|(voters, tie)| (0..=31_u8).map(move |failed| (voters, tie, failed)));
    all.filter(|(voters, tie, failed)| {
        let is_one = |number: &u8| is_in(*failed, *number);
        let lost = (1..=*voters).filter(is_one).count() as u32;
        let known = (1..=*voters)
            .chain(tie.then_some(TIE))
            .filter(is_one)
            .count() as u32;
        let twice = 2 * (u32::from(*voters) - lost);
        let tie_is_lost = *tie && is_in(*failed, TIE);
        let runs_on = twice > (*voters).into() || twice == (*voters).into() && !tie_is_lost;
        runs_on && known == failed.count_ones()
    })
}

/// Commits until nothing is due; whether it comes to rest.
fn settle(set: &mut Set) -> bool {
    for _ in 0..9 {
        set.write_all();
        if !set.machine().is_due() {
            return true;
        }
        set.begin();
    }
    false
}

/// Each set, and each single change of it: it is refused, and nothing is due for it, or it comes
/// about. The set does not stop.
#[test]
fn a_change_is_refused_or_comes_about_and_stops_nothing() {
    for (voters, tie, failed) in all_hurt() {
        for wish in Wish::all(voters, tie) {
            let mut set = hurt(voters, tie, failed);
            let made = wish.make(&mut set);
            let case =
                format!("{voters} voters, tie {tie}, {failed:#b} failed: {wish:?}: {made:?}");
            let is_refused = made == Err(Refusal::CannotCount);
            assert_eq!(is_refused, wish.cannot_count(voters, tie, failed), "{case}");
            assert!(settle(&mut set), "{case}");
            assert_eq!(set.machine().phase(), Phase::Running, "{case}");
            assert!(made.is_err() || wish.is_done(&mut set), "{case}");
            assert!(!set.machine().is_blocked(), "{case}");
            // It goes on as it did.
            set.begin();
            set.write_all();
            assert_eq!(set.machine().phase(), Phase::Running, "{case}");
        }
    }
}

/// The way out: who has failed can be deleted as long as the set runs, and then all else goes.
#[test]
fn those_that_have_failed_can_be_deleted() {
    for (voters, tie, failed) in all_hurt() {
        let mut set = hurt(voters, tie, failed);
        for number in (1..=voters).filter(|number| is_in(failed, *number)) {
            assert_eq!(set.machine().remove(&uuid(number)), Ok(()));
            assert!(settle(&mut set));
            assert!(set.machine().is_gone(&uuid(number)));
        }
        let added = Wish::Add(if tie { Role::Voter } else { Role::TieBreaker });
        assert_eq!(added.make(&mut set), Ok(()));
        assert!(settle(&mut set) && added.is_done(&mut set));
    }
}

/// What an administrator does when half of the replicas are gone.
#[test]
fn with_half_of_the_voters_no_tie_breaker_comes_or_goes() {
    let tie = Member::new(uuid(NEW), Role::TieBreaker);
    let mut set = hurt(2, false, 0b100);
    assert_eq!(set.machine().add(tie, 9, 0), Err(Refusal::CannotCount));
    assert_eq!(set.machine().remove(&uuid(1)), Err(Refusal::CannotCount));
    assert_eq!(set.machine().remove(&uuid(2)), Ok(()));
    assert!(settle(&mut set));
    assert_eq!(set.machine().add(tie, 9, 0), Ok(()));
    let mut set = hurt(2, true, 0b100);
    assert_eq!(set.machine().remove(&uuid(TIE)), Err(Refusal::CannotCount));
    assert_eq!(set.machine().remove(&uuid(2)), Ok(()));
    assert!(settle(&mut set));
    assert_eq!(set.machine().remove(&uuid(TIE)), Ok(()));
}

/// All of them or none: with those that have failed goes what alone could not go.
#[test]
fn several_are_judged_together() {
    let mut set = hurt(4, false, 0b1_0100);
    let [healthy, failed] = [1, 2].map(uuid);
    assert_eq!(set.machine().remove(&healthy), Err(Refusal::CannotCount));
    assert_eq!(set.machine().remove_all(&[healthy, failed]), Ok(()));
    assert!(settle(&mut set));
    assert_eq!(set.machine().members().len(), 2);
}

/// Somebody fails after it was asked for: no commit is due for it. It can be taken back, and else
/// comes about when the one that has failed is there again.
#[test]
fn what_cannot_be_granted_any_more_waits() {
    for (tie, wish) in [
        (true, Wish::Remove(TIE)),
        (false, Wish::Add(Role::TieBreaker)),
        (false, Wish::Remove(1)),
    ] {
        for is_back in [false, true] {
            let mut set = Set::running(2, tie);
            assert_eq!(wish.make(&mut set), Ok(()));
            assert!(set.machine().is_due() && !set.machine().is_blocked());
            set.machine().fail(&uuid(2));
            assert!(set.machine().is_blocked());
            assert!(!set.machine().is_due(), "{wish:?}");
            // Others' commits go on.
            set.begin();
            set.write_all();
            assert_eq!(set.machine().phase(), Phase::Running);
            assert!(!wish.is_done(&mut set));
            if is_back {
                assert_eq!(set.machine().revive(&uuid(2), 1, 0), Ok(()));
            } else if let Wish::Remove(number) = wish {
                assert!(set.machine().withdraw(&[uuid(number)]));
                assert!(!set.machine().withdraw(&[uuid(number)]));
            } else {
                assert_eq!(set.machine().remove(&uuid(NEW)), Ok(()));
            }
            assert!(!set.machine().is_blocked());
            assert!(settle(&mut set));
            assert_eq!(wish.is_done(&mut set), is_back, "{wish:?}");
        }
    }
}

/// The next tie-breaker joins when the one before it is out of the list, which takes two commits;
/// who fails between them does not stop the set.
#[test]
fn the_next_tie_breaker_waits_if_a_voter_fails_first() {
    let mut set = Set::running(2, true);
    assert_eq!(set.machine().remove(&uuid(TIE)), Ok(()));
    let next = Wish::Add(Role::TieBreaker);
    assert_eq!(next.make(&mut set), Ok(()));
    set.begin();
    set.write_all();
    set.machine().fail(&uuid(2));
    assert!(settle(&mut set));
    assert_eq!(set.machine().phase(), Phase::Running);
    assert!(set.machine().is_blocked() && set.change_of(NEW).is_none());
    assert_eq!(set.machine().revive(&uuid(2), 1, 0), Ok(()));
    assert!(settle(&mut set) && next.is_done(&mut set));
}

/// A voter joins when it has all, and till then nobody counts on it.
#[test]
fn the_only_voter_does_not_go_before_the_next_one_has_joined() {
    let mut set = Set::running(1, false);
    let next = Wish::Add(Role::Voter);
    assert_eq!(next.make(&mut set), Ok(()));
    assert_eq!(set.machine().remove(&uuid(1)), Err(Refusal::CannotCount));
    assert!(settle(&mut set) && next.is_done(&mut set));
    assert_eq!(set.machine().remove(&uuid(1)), Ok(()));
    assert!(settle(&mut set) && set.machine().is_gone(&uuid(1)));
}

/// Who has not written what counts hangs, perhaps, and a change that needs it hangs as well. What
/// does without it is the way out.
#[test]
fn one_that_hangs_is_not_counted_on() {
    let mut set = Set::running(2, false);
    set.begin();
    assert!(set.take(2).is_some());
    set.write(1, true);
    for wish in [Wish::Add(Role::TieBreaker), Wish::Remove(1)] {
        assert_eq!(wish.make(&mut set), Err(Refusal::CannotCount), "{wish:?}");
        assert!(!set.machine().is_due());
    }
    assert_eq!(Wish::Remove(2).make(&mut set), Ok(()));
    assert!(set.machine().are_last_voters(&[uuid(1)]));
    assert!(!set.machine().are_last_voters(&[uuid(2)]));
}
