// SPDX-License-Identifier: GPL-2.0
//! Replica choice as a table (`DURABILITY.md` clauses 1 to 3): every combination of what up to
//! four voters and a tie-breaker can show, against the contract's sentences said over again.

use md_model::database::{
    choice::{
        decide,
        standing,
        NoReplica,
        Reason,
        Replica,
        Standing,
        Start,
        TieBreaker, //
    },
    identity::{
        Generation,
        Uuid, //
    },
    members::{
        Change,
        Member,
        Role,
        Votes, //
    },
    quorum::counts,
};

/// What a voter shows.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Voter {
    Missing,
    Unreadable,
    /// Commit 5.
    Old,
    /// Commit 9.
    New,
    /// Commit 9, with a page that cannot be read.
    Torn,
}

const VOTER: [Voter; 5] = [
    Voter::Missing,
    Voter::Unreadable,
    Voter::Old,
    Voter::New,
    Voter::Torn,
];

/// Whether there is a tie-breaker, and the commit that it shows.
const TIE: [Option<Option<u64>>; 6] = [
    None,
    Some(None),
    Some(Some(3)),
    Some(Some(5)),
    Some(Some(9)),
    Some(Some(11)),
];

const TIE_NUMBER: u8 = 0xaa;

fn uuid(number: u8) -> Uuid {
    Uuid::from_bytes([number; 16])
}

/// The commit with a number: all of one epoch, so that the sequence is the number.
fn commit(number: u64) -> Generation {
    Generation {
        epoch: 7,
        sequence: number,
    }
}

fn shows(voter: Voter) -> Option<(u64, bool)> {
    match voter {
        Voter::Missing | Voter::Unreadable => None,
        Voter::Old => Some((5, true)),
        Voter::New => Some((9, true)),
        Voter::Torn => Some((9, false)),
    }
}

/// A combination: what each voter shows, and the tie-breaker.
struct Case {
    voters: Vec<Voter>,
    tie: Option<Option<u64>>,
}

impl Case {
    fn all(n: u32) -> impl Iterator<Item = Self> {
        (0..5_usize.pow(n)).flat_map(move |code| {
            let digit = move |place: u32| VOTER[code / 5_usize.pow(place) % 5];
            TIE.into_iter().map(move |tie| Self {
                voters: (0..n).map(digit).collect(),
                tie,
            })
        })
    }

    fn members(&self) -> Vec<Member> {
        let voters = (1..).zip(&self.voters);
        let mut members: Vec<_> = voters
            .map(|(number, _)| Member::new(uuid(number), Role::Voter))
            .collect();
        if self.tie.is_some() {
            members.push(Member::new(uuid(TIE_NUMBER), Role::TieBreaker));
        }
        members
    }

    fn found<'a>(&self, members: &'a [Member]) -> Vec<Option<Replica<'a>>> {
        let replica = |number, role, commit_number, complete| Replica {
            uuid: uuid(number),
            role,
            generation: commit(commit_number),
            claim: 0,
            complete,
            members,
        };
        let mut found = Vec::new();
        for (number, voter) in (1..).zip(&self.voters) {
            if *voter != Voter::Missing {
                let shown = shows(*voter);
                found.push(shown.map(|shown| replica(number, Role::Voter, shown.0, shown.1)));
            }
        }
        if let Some(Some(shown)) = self.tie {
            found.push(Some(replica(TIE_NUMBER, Role::TieBreaker, shown, true)));
        }
        found
    }
}

/// The contract said over again, on numbers.
struct Expected {
    newest: Option<u64>,
    writable: bool,
    source: Option<u64>,
    tie: TieBreaker,
    reason: Option<Reason>,
}

fn expect(case: &Case) -> Expected {
    let shown: Vec<_> = case
        .voters
        .iter()
        .filter_map(|voter| shows(*voter))
        .collect();
    let newest = shown.iter().map(|(number, _)| *number).max();
    let best = newest.unwrap_or(0);
    let tie = match case.tie {
        None => TieBreaker::None,
        Some(None) => TieBreaker::Missing,
        Some(Some(number)) if number < best => TieBreaker::Behind(commit(number)),
        Some(Some(number)) if number > best => TieBreaker::Ahead(commit(number)),
        Some(Some(_)) => TieBreaker::Agrees,
    };
    let (n, there) = (case.voters.len(), shown.len());
    let quorum = 2 * there > n || 2 * there == n && tie == TieBreaker::Agrees;
    let whole = shown.iter().filter(|(_, complete)| *complete);
    let tie_shows = case.tie.flatten().filter(|number| *number <= best);
    let source = whole.map(|(number, _)| *number).chain(tie_shows).max();
    let writable = quorum && source == newest;
    let reason = match (writable, quorum) {
        (true, _) => None,
        (false, true) => Some(Reason::Incomplete),
        (false, false) if 2 * there == n => Some(Reason::Half(tie)),
        (false, false) => Some(Reason::TooFew),
    };
    Expected {
        newest,
        writable,
        source,
        tie,
        reason,
    }
}

fn check(case: &Case) {
    let members = case.members();
    let found = case.found(&members);
    let expected = expect(case);
    let context = format!("{:?}, tie-breaker {:?}", case.voters, case.tie);
    let decision = match (decide(&found, &[]), expected.newest) {
        (Err(NoReplica), None) => return,
        (Ok(decision), Some(newest)) => {
            assert_eq!(decision.generation, commit(newest), "{context}");
            decision
        }
        (found, expected) => panic!("{context}: {found:?} for {expected:?}"),
    };
    assert_eq!(decision.tie_breaker, expected.tie, "{context}");
    assert_eq!(decision.members, members, "{context}");
    let source = decision.source.map(|index| found[index].expect("readable"));
    let source_commit = source.map(|replica| replica.generation);
    assert_eq!(source_commit, expected.source.map(commit), "{context}");
    assert!(source.is_none_or(|replica| replica.complete), "{context}");
    match decision.start {
        Start::Writable { epoch } => assert!(expected.writable && epoch == 8, "{context}"),
        Start::ReadOnly(reason) => assert_eq!(Some(reason), expected.reason, "{context}"),
    }
    for (index, replica) in found.iter().enumerate() {
        let standing = standing(&found, index, &decision);
        let same =
            |replica: &Replica<'_>| replica.complete && replica.generation == decision.generation;
        match replica {
            None => assert_eq!(standing, Standing::Damaged, "{context}"),
            Some(replica) if same(replica) => assert_eq!(standing, Standing::Current, "{context}"),
            Some(_) => assert_eq!(standing, Standing::Stale, "{context}"),
        }
    }
}

/// `DURABILITY.md` clause 2: which sets start, and from what.
#[test]
fn every_combination_is_decided_as_the_contract_says() {
    let mut count = 0;
    for n in 1..=4 {
        for case in Case::all(n) {
            check(&case);
            count += 1;
        }
    }
    assert_eq!(count, 6 * (5 + 25 + 125 + 625));
}

/// A voter with this commit and claim.
fn voter(number: u8, shown: u64, claim: u64, members: &[Member]) -> Option<Replica<'_>> {
    Some(Replica {
        uuid: uuid(number),
        role: Role::Voter,
        generation: commit(shown),
        claim,
        complete: true,
        members,
    })
}

fn three() -> Vec<Member> {
    [1, 2, 3]
        .map(|n| Member::new(uuid(n), Role::Voter))
        .to_vec()
}

/// `DURABILITY.md` clause 18: duplicate replica uuids are one vote.
#[test]
fn a_clone_has_no_vote_of_its_own() {
    let members = three();
    let found = [voter(1, 5, 0, &members), voter(1, 4, 20, &members), None];
    let decision = decide(&found, &[]).expect("one is readable");
    assert_eq!(decision.start, Start::ReadOnly(Reason::TooFew));
    assert_eq!(decision.votes, [Votes { have: 1, of: 3 }; 2]);
    assert_eq!(standing(&found, 0, &decision), Standing::Current);
    assert_eq!(standing(&found, 1, &decision), Standing::Duplicate);
    assert_eq!(standing(&found, 2, &decision), Standing::Damaged);
    assert_eq!(standing(&found, 3, &decision), Standing::Damaged);
}

fn torn(replica: Option<Replica<'_>>) -> Option<Replica<'_>> {
    let complete = false;
    replica.map(|whole| Replica { complete, ..whole })
}

/// Clause 18: of two copies the one with the newer commit stands for the replica; of one commit
/// that which is whole, then that with the larger claim, and then the first one.
#[test]
fn the_better_copy_of_a_replica_stands_for_it() {
    let members = three();
    let copy = |shown, claim| voter(1, shown, claim, &members);
    let pairs = [
        (torn(copy(9, 0)), copy(5, 20)),
        (copy(9, 0), torn(copy(9, 20))),
        (copy(9, 20), copy(9, 3)),
    ];
    for (better, worse) in pairs {
        for (found, own) in [([better, worse], 0), ([worse, better], 1)] {
            let decision = decide(&found, &[]).expect("readable");
            assert_ne!(standing(&found, own, &decision), Standing::Duplicate);
            assert_eq!(standing(&found, 1 - own, &decision), Standing::Duplicate);
        }
    }
    let same = [copy(9, 3), copy(9, 3)];
    let decision = decide(&same, &[]).expect("readable");
    assert_eq!(standing(&same, 0, &decision), Standing::Current);
    assert_eq!(standing(&same, 1, &decision), Standing::Duplicate);
}

/// `DURABILITY.md` clause 3: larger than every claim and commit it sees, wherever it sees them.
#[test]
fn the_epoch_is_above_every_claim_even_on_a_duplicate() {
    let members = three();
    let found = [
        voter(1, 5, 0, &members),
        voter(1, 4, 20, &members),
        voter(2, 5, 9, &members),
    ];
    let decision = decide(&found, &[]).expect("readable");
    assert_eq!(decision.start, Start::Writable { epoch: 21 });
    let last = [
        voter(1, 5, 0, &members),
        voter(2, 5, u64::MAX, &members), //
    ];
    let decision = decide(&last, &[]).expect("readable");
    assert_eq!(decision.start, Start::ReadOnly(Reason::NoEpoch));
}

/// A replica that was deleted, and comes back, is counted by nobody.
#[test]
fn who_is_no_member_of_the_newest_commit_has_no_vote() {
    let old = three();
    let new = &old[..2];
    let found = [voter(1, 9, 0, new), voter(3, 5, 0, &old)];
    let decision = decide(&found, &[]).expect("readable");
    assert_eq!(decision.votes, [Votes { have: 1, of: 2 }; 2]);
    assert_eq!(
        decision.start,
        Start::ReadOnly(Reason::Half(TieBreaker::None))
    );
    assert_eq!(standing(&found, 1, &decision), Standing::Outsider);
    // One whose own commit does not have it cannot show the newest commit either.
    let impostor = [voter(1, 9, 0, new), voter(3, 11, 0, new)];
    let decision = decide(&impostor, &[]).expect("readable");
    assert_eq!(decision.generation, commit(9));
}

/// A tie-breaker that was deleted says nothing, nor does a voter that took over its uuid.
#[test]
fn only_the_tie_breaker_of_the_list_is_asked() {
    let mut members: Vec<_> = (1..=2).map(|n| Member::new(uuid(n), Role::Voter)).collect();
    members.push(Member::new(uuid(TIE_NUMBER), Role::TieBreaker));
    let other = |number, role| Replica {
        uuid: uuid(number),
        role,
        ..voter(1, 9, 0, &members).expect("one")
    };
    for stranger in [
        other(TIE_NUMBER + 1, Role::TieBreaker),
        other(TIE_NUMBER, Role::Voter),
    ] {
        let found = [voter(1, 9, 0, &members), Some(stranger)];
        let decision = decide(&found, &[]).expect("readable");
        assert_eq!(decision.tie_breaker, TieBreaker::Missing, "{stranger:?}");
    }
}

/// What `metadb -d` does to a stale set: who is given up is no longer counted.
#[test]
fn voters_that_are_given_up_do_not_stand_in_the_way() {
    let members = three();
    let found = [voter(1, 9, 0, &members), None];
    let given_up = [uuid(2), uuid(3)];
    let decision = decide(&found, &given_up).expect("readable");
    assert_eq!(decision.votes, [Votes { have: 1, of: 1 }; 2]);
    // They may have been at work without this one, under epochs that it has not seen.
    let Start::Writable { epoch } = decision.start else {
        panic!("{decision:?}");
    };
    assert!(epoch > 1_000_000, "{epoch}");
    assert_eq!(decide(&[None, None], &given_up).err(), Some(NoReplica));
}

/// A commit that changes its voters may not have counted, so both lists are needed to start.
#[test]
fn a_list_on_its_way_is_two_lists() {
    let mut members = three();
    members[2].change = Change::Joins;
    let found = [voter(1, 9, 0, &members), voter(3, 9, 0, &members)];
    let decision = decide(&found, &[]).expect("readable");
    let votes = [Votes { have: 1, of: 2 }, Votes { have: 2, of: 3 }];
    assert_eq!(decision.votes, votes);
    assert_eq!(
        decision.start,
        Start::ReadOnly(Reason::Half(TieBreaker::None))
    );
}

/// A load that finds the loss of the tie-breaker on one replica of four does not know whether it
/// counted. If its own first commit counted on half, the other half and the tie-breaker, which
/// still agree with each other, would start without it. So the loss is carried on, and counts on
/// more than half or not at all (`DURABILITY.md` clause 2).
#[test]
fn a_loss_of_the_tie_breaker_that_may_not_have_counted_is_carried_on() {
    let mut lost: Vec<_> = (1..=4).map(|n| Member::new(uuid(n), Role::Voter)).collect();
    let mut before = lost.clone();
    before.push(Member::new(uuid(TIE_NUMBER), Role::TieBreaker));
    lost.push(Member {
        change: Change::Leaves,
        ..Member::new(uuid(TIE_NUMBER), Role::TieBreaker)
    });
    let found = [
        voter(1, 9, 0, &lost),
        voter(2, 5, 0, &before),
        voter(3, 5, 0, &before),
    ];
    let decision = decide(&found, &[]).expect("readable");
    assert_eq!(decision.start, Start::Writable { epoch: 8 });
    let carried: Vec<_> = decision.members.iter().map(|m| m.carried()).collect();
    assert!(!counts(&carried, |member| [uuid(1), uuid(2)].contains(member)));
    assert!(counts(&carried, |member| *member != uuid(4)));
    let settled: Vec<_> = carried.into_iter().filter_map(Member::settled).collect();
    assert!(counts(&settled, |member| [uuid(1), uuid(2)].contains(member)));

    // What the other half and the tie-breaker would decide.
    let tie = Replica {
        uuid: uuid(TIE_NUMBER),
        role: Role::TieBreaker,
        ..voter(5, 5, 0, &before).expect("one")
    };
    let other = [voter(3, 5, 0, &before), voter(4, 5, 0, &before), Some(tie)];
    let decision = decide(&other, &[]).expect("readable");
    assert_eq!(decision.start, Start::Writable { epoch: 8 });
}
