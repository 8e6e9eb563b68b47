// SPDX-License-Identifier: GPL-2.0
//! The rules of the machine that commits, one by one; `userspace/sim` runs them all at once.

use md_model::database::{
    choice::{
        decide,
        Replica,
        Start, //
    },
    commits::{
        Commits,
        Extent,
        Phase,
        Refusal,
        Run,
        Seat, //
    },
    identity::Generation,
    members::{
        Change,
        Member,
        Role, //
    },
    quorum::Progress,
};

use crate::started::{
    chosen,
    uuid,
    Set,
    TIE, //
};

/// `DURABILITY.md` clause 3: a claim is a root of the chosen commit, on as many as the
/// start needs.
#[test]
fn the_epoch_is_claimed_before_the_first_commit() {
    let mut set = Set::claiming(3, true, &[Some(7), Some(6), None, Some(6)]);
    assert_eq!(set.machine().next_generation(), Err(Refusal::Busy));
    let job = set.take(1).expect("a claim");
    assert_eq!((job.extent, job.claim), (Extent::RootOnly, 4));
    assert_eq!((job.generation, job.places), (chosen(), [3, 4]));
    assert_eq!(set.take(2).expect("a claim").extent, Extent::Differing);
    assert_eq!(set.take(TIE), None, "it is behind");
    assert_eq!(set.returned(1, true), Progress::Voters);
    assert_eq!(set.returned(2, true), Progress::Counts);
    assert_eq!(set.machine().phase(), Phase::Claimed);
    assert!(set.machine().is_due());
    assert_eq!(set.machine().begin(1), Err(Refusal::FirstIsEmpty));
    assert_eq!(set.machine().begin(0), Ok(Generation::first_of(4)));
    let failed = [false, false, true, false];
    let list = set.machine().members().to_vec();
    assert!(list.iter().map(|member| member.failed).eq(failed));
}

#[test]
fn a_claim_that_cannot_hold_stops_the_set() {
    let mut set = Set::claiming(3, false, &[Some(7), Some(7), None]);
    assert_eq!(set.write(2, false), Progress::Failed);
    assert_eq!(set.machine().phase(), Phase::Stopped);
    assert_eq!(set.take(1), None);
}

/// Clause 4: it returns at quorum; who hangs gets nothing more, and is brought up to date
/// later.
#[test]
fn a_hung_replica_delays_nothing_and_gets_no_other_write() {
    let mut set = Set::running(3, false);
    let first = set.begin();
    set.take(3).expect("a job");
    let newer = Extent::Newer(Generation::first_of(4));
    assert_eq!(set.take(1).expect("a job").extent, newer);
    assert_eq!(set.returned(1, true), Progress::Voters);
    assert_eq!(set.write(2, true), Progress::Counts);
    let second = set.begin();
    assert_eq!(set.take(3), None, "its write is in flight");
    set.write(1, true);
    assert_eq!(set.write(2, true), Progress::Counts);
    set.returned(3, true);
    let job = set.take(3).expect("it is behind");
    assert_eq!((job.extent, job.generation), (Extent::Newer(first), second));
    set.returned(3, true);
    assert_eq!(set.take(3), None);
}

/// Clause 2: the tie-breaker is written after the voters that it agrees with.
#[test]
fn the_tie_breaker_is_written_after_half_of_the_voters() {
    let mut set = Set::running(2, true);
    set.begin();
    assert_eq!(set.take(TIE), None);
    assert_eq!(set.write(1, true), Progress::TieBreaker);
    assert_eq!(set.write(2, false), Progress::TieBreaker);
    assert_eq!(set.write(TIE, true), Progress::Counts);
}

/// Clause 2: losing the tie-breaker is itself committed, on more than half; then half is
/// enough.
/// `DURABILITY.md` clause 23: at the next start, either voter may be the one that is missing.
#[test]
fn who_leaves_waits_for_the_replicas_that_are_late() {
    let mut set = Set::running(2, true);
    assert!(set.machine().is_settled());
    set.begin();
    set.write(1, true);
    // It has taken the commit, and not returned yet.
    let late = set.take(2).expect("a job");
    let tie = set.write(TIE, true);
    assert_eq!((tie, late.replica), (Progress::Counts, uuid(2)));
    assert!(!set.machine().is_settled());
    set.returned(2, true);
    assert!(set.machine().is_settled());
    set.begin();
    assert!(!set.machine().is_settled());
    set.write(1, true);
    set.write(TIE, true);
    assert!(!set.machine().is_settled(), "one that has not begun");
    set.write(2, false);
    assert!(
        set.machine().is_settled(),
        "one that has failed is not waited for"
    );
}

#[test]
fn a_commit_is_in_progress_until_it_counts() {
    let mut set = Set::running(2, true);
    let commits = |set: &mut Set| {
        let (live, newest) = (set.machine().live(), set.machine().newest());
        assert_eq!(set.run.live(), live);
        assert_eq!(set.run.is_in_progress(), live != newest);
        [live.sequence, newest.sequence]
    };
    assert_eq!(set.run.member_count(), 3);
    let first = Generation::first_of(4).sequence;
    assert_eq!(commits(&mut set), [first; 2]);
    set.begin();
    assert_eq!(commits(&mut set), [first, first + 1]);
    set.write(1, true);
    assert_eq!(commits(&mut set), [first, first + 1]);
    set.write(2, true);
    assert_eq!(commits(&mut set), [first + 1; 2]);
}

/// One that comes while the epoch is being claimed may have a root of a larger commit than the
/// chosen one, which hides the claim from the next load.
#[test]
fn who_comes_with_a_root_has_no_part_in_the_claim() {
    for (live_root, has_part) in [(0, true), (1, false)] {
        let mut set = Set::claiming(2, true, &[None, Some(7), Some(7)]);
        assert_eq!(set.machine().revive(&uuid(1), 3, live_root), Ok(()));
        assert_eq!(set.take(1).is_some(), has_part);
        if has_part {
            set.returned(1, true);
        }
        assert_eq!(
            set.write(TIE, true),
            [Progress::Voters, Progress::Counts][usize::from(has_part)]
        );
        set.write_all();
        assert_eq!(set.machine().phase(), Phase::Claimed);
        assert!(set.machine().begin(0).is_ok());
        set.write_all();
        assert_eq!(set.machine().phase(), Phase::Running);
    }
}

#[test]
fn a_start_needs_a_seat_for_each_member() {
    let list: Vec<_> = (1..=3).map(|n| Member::new(uuid(n), Role::Voter)).collect();
    let found = [1, 2, 3].map(|number| {
        Some(Replica {
            uuid: uuid(number),
            role: Role::Voter,
            generation: chosen(),
            claim: 3,
            complete: true,
            members: &list,
        })
    });
    let decision = decide(&found, &[]).expect("a voter");
    for (seats, expected) in [(2, Err(Refusal::Full)), (3, Ok(())), (4, Ok(()))] {
        let mut run = Run::STOPPED;
        let mut members = vec![Member::UNFILLED; 3];
        let mut seats = vec![Seat::FREE; seats];
        let mut machine = Commits::over(&mut run, &mut members, &mut seats);
        let started = machine.start((&decision, 4), &[], &found, &[1; 3]);
        assert_eq!(started, expected);
    }
}

#[test]
fn a_lost_tie_breaker_is_taken_out() {
    let mut set = Set::running(2, true);
    assert!(!set.machine().is_due());
    set.machine().fail(&uuid(TIE));
    assert!(set.machine().is_due());
    set.begin();
    assert_eq!(set.change_of(TIE), Some(Change::Leaves));
    assert_eq!(set.write(1, true), Progress::Voters);
    assert_eq!(set.write(2, true), Progress::Counts);
    assert!(set.machine().is_due(), "the list is not settled");
    set.begin();
    assert_eq!(set.change_of(TIE), None);
    set.write_all();
    assert!(!set.machine().is_due());
    set.begin();
    assert_eq!(set.write(1, true), Progress::Counts, "half");
}

/// Clause 1: it stays in the list, and is no reason for a commit.
#[test]
fn a_failed_voter_stays_and_is_told_with_the_next_commit() {
    let mut set = Set::running(3, false);
    set.begin();
    set.write(3, false);
    set.write_all();
    assert!(!set.machine().is_due());
    set.begin();
    let list = set.machine().members().to_vec();
    assert_eq!((list.len(), list[2].failed), (3, true));
    set.write_all();
    assert_eq!(set.machine().revive(&uuid(3), 2, 1), Ok(()));
    assert_eq!(set.take(3).expect("a job").extent, Extent::Differing);
}

/// Clause 2: what cannot count stops the set, and what was committed is as before.
#[test]
fn a_commit_that_cannot_count_stops_the_set() {
    let mut set = Set::running(3, false);
    let live = set.machine().live();
    set.begin();
    set.write(1, true);
    set.write(2, false);
    assert_eq!(set.write(3, false), Progress::Failed);
    let mut machine = set.machine();
    assert_eq!((machine.phase(), machine.live()), (Phase::Stopped, live));
    assert_eq!(machine.begin(1), Err(Refusal::Stopped));
}

#[test]
fn members_come_and_go_in_two_commits() {
    let mut set = Set::running(2, false);
    let third = Member::new(uuid(3), Role::Voter);
    assert_eq!(set.machine().add(third, 3, 0), Ok(()));
    assert_eq!(set.machine().add(third, 3, 0), Err(Refusal::Known));
    assert!(!set.machine().is_due(), "it has nothing yet");
    assert_eq!(set.take(3).expect("a job").extent, Extent::Differing);
    set.returned(3, true);
    assert!(set.machine().is_due());
    assert_eq!(set.machine().remove(&uuid(1)), Ok(()));
    assert!(set.machine().is_due());
    set.begin();
    assert_eq!(set.change_of(3), Some(Change::Joins));
    assert_eq!(set.change_of(1), Some(Change::Leaves));
    assert_eq!(set.write(1, true), Progress::Voters, "none of the new ones");
    assert_eq!(set.write(2, true), Progress::Counts);
    assert!(set.machine().is_due());
    set.begin();
    assert_eq!(
        (set.change_of(1), set.change_of(3)),
        (None, Some(Change::Stays))
    );
    set.write_all();
    assert!(!set.machine().is_due());
    assert_eq!(set.machine().remove(&uuid(9)), Err(Refusal::Unknown));
    assert_eq!(set.machine().remove(&uuid(2)), Ok(()));
    assert_eq!(set.machine().remove(&uuid(3)), Err(Refusal::LastVoter));
}

/// Nobody waits for a voter that is to join and has nothing yet, and it delays no commit.
#[test]
fn a_voter_that_cannot_be_written_does_not_join() {
    let mut set = Set::running(1, false);
    let second = Member::new(uuid(2), Role::Voter);
    assert_eq!(set.machine().add(second, 2, 0), Ok(()));
    set.begin();
    assert_eq!(set.change_of(2), None);
    assert_eq!(set.write(1, true), Progress::Counts);
    set.write(2, false);
    assert!(!set.machine().is_due());
    assert_eq!(set.machine().add(second, 2, 0), Err(Refusal::Known));
    assert_eq!(set.machine().remove(&uuid(2)), Ok(()));
    assert_eq!(set.machine().add(second, 2, 0), Ok(()));
}

/// Clause 2: it is added when it has been written; if it cannot be, all else counts all the
/// same.
#[test]
fn a_tie_breaker_that_cannot_join_is_taken_out_again() {
    let mut set = Set::running(3, false);
    let tie = Member::new(uuid(TIE), Role::TieBreaker);
    assert_eq!(set.machine().add(tie, 9, 0), Ok(()));
    assert_eq!(set.machine().add(tie, 9, 0), Err(Refusal::Known));
    let other = Member::new(uuid(0xbb), Role::TieBreaker);
    assert_eq!(set.machine().add(other, 9, 0), Err(Refusal::TieBreaker));
    set.begin();
    assert_eq!(set.write(1, true), Progress::Voters);
    assert_eq!(set.take(TIE), None, "not before more than half");
    assert_eq!(set.write(2, true), Progress::TieBreaker);
    assert_eq!(set.write(TIE, false), Progress::Counts);
    assert!(set.machine().is_due());
    set.begin();
    assert_eq!(set.change_of(TIE), Some(Change::Leaves));
}

/// A deleted replica whose write hangs keeps its seat until that returns.
#[test]
fn a_late_write_to_a_deleted_replica_meets_nobody() {
    let mut set = Set::running(3, false);
    assert_eq!(set.machine().remove(&uuid(3)), Ok(()));
    set.begin();
    let seat = set.seat(3);
    set.take(3).expect("a job");
    set.write_all();
    set.begin();
    set.write_all();
    let again = Member::new(uuid(3), Role::Voter);
    assert_eq!(set.machine().add(again, 3, 1), Err(Refusal::Known));
    set.machine().returned(seat, true);
    assert_eq!(set.machine().add(again, 3, 1), Ok(()));
}

/// Clause 4: that holds as well for a voter that was to join.
#[test]
fn a_late_write_to_a_voter_that_never_joined_meets_nobody() {
    let mut set = Set::running(2, false);
    let third = Member::new(uuid(3), Role::Voter);
    assert_eq!(set.machine().add(third, 3, 0), Ok(()));
    let seat = set.seat(3);
    set.take(3).expect("a job");
    assert_eq!(set.machine().remove(&uuid(3)), Ok(()));
    assert!(!set.machine().may_be_wiped(&uuid(3)));
    assert_eq!(set.machine().add(third, 3, 0), Err(Refusal::Known));
    assert_eq!(set.machine().next_job(seat), None, "its write is in flight");
    let fourth = Member::new(uuid(4), Role::Voter);
    assert_eq!(set.machine().add(fourth, 4, 0), Ok(()));
    assert_ne!(set.seat(4), seat);
    set.machine().returned(seat, true);
    assert!(!set.machine().is_due(), "it does not join any more");
    assert!(set.machine().may_be_wiped(&uuid(3)));
    assert_eq!(set.machine().add(third, 3, 0), Ok(()));
}

/// Who was given up has no vote, and is told until what it may have had newer is recorded anew.
#[test]
fn the_given_up_are_left_out() {
    let list: Vec<_> = (1..=3).map(|n| Member::new(uuid(n), Role::Voter)).collect();
    let only = Replica {
        uuid: uuid(1),
        role: Role::Voter,
        generation: chosen(),
        claim: 3,
        complete: true,
        members: &list,
    };
    let (found, gone) = ([Some(only)], [uuid(2), uuid(3)]);
    let decision = decide(&found, &gone).expect("a voter");
    let mut set = Set::running(1, false);
    let started = set.machine().start((&decision, 4), &gone, &found, &[1]);
    assert_eq!(started, Ok(()));
    set.write_all();
    assert_eq!(set.machine().begin(0), Ok(Generation::first_of(4)));
    set.write_all();
    assert_eq!(set.machine().phase(), Phase::Running);
    for gone in 2..=3 {
        assert_eq!(set.change_of(gone), Some(Change::GivenUp));
    }
    // It is carried on from commit to commit, and from start to start.
    assert!(!set.machine().is_due());
    assert!(set.machine().begin(1).is_ok());
    set.write_all();
    let list = set.machine().members().to_vec();
    assert_eq!(list.len(), 3);
    let found = [Some(Replica {
        generation: set.machine().live(),
        claim: 4,
        members: &list,
        ..only
    })];
    let decision = decide(&found, &[]).expect("a voter");
    assert_eq!(decision.start, Start::Writable { epoch: 5 });
    let started = set.machine().start((&decision, 5), &[], &found, &[1]);
    assert_eq!(started, Ok(()));
    set.write_all();
    assert!(set.machine().begin(0).is_ok());
    set.write_all();
    assert_eq!(set.machine().members().len(), 3);
    set.machine().believe();
    assert!(set.machine().is_due());
    assert!(set.machine().begin(0).is_ok());
    set.write_all();
    assert_eq!(set.machine().members().len(), 1);
    assert!(!set.machine().is_due());
}

/// A tie-breaker that is to join and fails is not waited for, nor is it a reason to stop, while
/// more than half of the voters may have the commit yet.
#[test]
fn a_tie_breaker_that_fails_before_the_voters_are_written_stops_nothing() {
    let joining = || {
        let mut set = Set::running(3, false);
        let tie = Member::new(uuid(TIE), Role::TieBreaker);
        assert_eq!(set.machine().add(tie, 9, 0), Ok(()));
        set.begin();
        assert_eq!(set.machine().fail(&uuid(TIE)), Progress::Voters);
        set
    };
    let mut set = joining();
    assert_eq!(set.write(1, true), Progress::Voters);
    assert_eq!(set.write(2, true), Progress::Counts);
    let mut set = joining();
    assert_eq!(set.write(1, false), Progress::Voters);
    assert_eq!(set.write(2, false), Progress::Failed);
}

/// Clause 2: half and a tie-breaker that has the commit are enough, whatever became of its device
/// afterwards.
#[test]
fn a_tie_breaker_that_was_written_before_it_was_lost_counts() {
    let mut set = Set::running(2, true);
    set.begin();
    assert_eq!(set.write(1, true), Progress::TieBreaker);
    set.take(TIE).expect("a job");
    assert_eq!(set.machine().fail(&uuid(TIE)), Progress::Voters);
    assert_eq!(set.returned(TIE, true), Progress::Counts);
}
