// SPDX-License-Identifier: GPL-2.0
//! Random histories of loads, commits, crashes and unreachable members (`DURABILITY.md` section
//! 1). After each load that may write, the chosen commit descends from the last one that was
//! acknowledged. With a rule switched off some histories lose one, so this can fail.
//!
//! Beyond `quorum_model.py` voters are added and deleted too, and what was deleted comes back.

use md_model::database::{
    choice::{
        decide,
        Decision,
        Replica,
        Start,
        TieBreaker, //
    },
    identity::{
        Generation,
        Uuid, //
    },
    members::{
        tie_breaker,
        Change,
        Member,
        Role,
        Side,
        Votes, //
    },
    quorum::{
        admits_tie_breaker,
        counts,
        may_start, //
    },
};
use proptest::prelude::*;

use crate::seeded::for_all;

/// Which rules are followed.
#[derive(Clone, Copy)]
struct Rules {
    /// A load claims its epoch first.
    claims: bool,
    /// The tie-breaker is written after the voters that it agrees with.
    order: bool,
    /// Half without an agreeing tie-breaker does not start.
    half: bool,
    /// A change of members is carried on by the next load, and needs both lists until it counts.
    carried: bool,
}

const ALL: Rules = Rules {
    claims: true,
    order: true,
    half: true,
    carried: true,
};

/// Numbers out of a seed (xorshift64*).
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

/// A commit: what it descends from, and the members that it brings.
struct Commit {
    parent: usize,
    generation: Generation,
    members: Vec<Member>,
}

/// A replica on its disk: the number of the commit that it holds, and the epoch claimed on it.
struct Disk {
    uuid: Uuid,
    role: Role,
    commit: usize,
    claim: u64,
}

struct World {
    random: Random,
    rules: Rules,
    commits: Vec<Commit>,
    disks: Vec<Disk>,
    acknowledged: usize,
}

fn uuid(number: usize) -> Uuid {
    Uuid::from_bytes([number as u8 + 1; 16])
}

/// The tie-breaker's disk.
const TIE: usize = 0;

impl World {
    fn new(seed: u64, voters: usize, rules: Rules) -> Self {
        let mut random = Random::new(seed);
        let first = usize::from(random.percent(40));
        let member = |disk| Member::new(uuid(disk), role_of(disk));
        Self {
            random,
            rules,
            commits: vec![Commit {
                parent: 0,
                generation: Generation::default(),
                members: (first..=voters).map(member).collect(),
            }],
            disks: (0..=voters).map(fresh_disk).collect(),
            acknowledged: 0,
        }
    }

    fn descends(&self, mut commit: usize, ancestor: usize) -> bool {
        while commit > ancestor {
            commit = self.commits[commit].parent;
        }
        commit == ancestor
    }

    fn disk_of(&self, replica: &Uuid) -> usize {
        let mut disks = self.disks.iter();
        let found = disks.position(|disk| disk.uuid == *replica);
        found.expect("every member has a disk")
    }

    /// Runs loads until one finds that an acknowledged commit is lost; whether one did.
    fn loses_a_commit(mut self, loads: u32) -> bool {
        (0..loads).any(|_| !self.load())
    }

    /// One load and what follows; whether what it started from has all that was acknowledged.
    fn load(&mut self) -> bool {
        let mut up = Vec::new();
        for _ in 0..self.disks.len() {
            up.push(self.random.percent(60));
        }
        let found: Vec<_> = (0..self.disks.len())
            .map(|disk| up[disk].then(|| self.shown(disk)))
            .collect();
        let Ok(decision) = decide(&found, &[]) else {
            return true;
        };
        let Some(epoch) = self.epoch(&decision) else {
            return true;
        };
        let source = decision.source.expect("every replica is complete");
        let agrees = decision.tie_breaker == TieBreaker::Agrees;
        let head = self.disks[source].commit;
        if !self.descends(head, self.acknowledged) {
            return false;
        }
        if self.claim(epoch, head, agrees, &up) {
            self.run(epoch, head, up);
        }
        true
    }

    fn shown(&self, disk: usize) -> Replica<'_> {
        let disk = &self.disks[disk];
        Replica {
            uuid: disk.uuid,
            role: disk.role,
            generation: self.commits[disk.commit].generation,
            claim: if self.rules.claims { disk.claim } else { 0 },
            complete: true,
            members: &self.commits[disk.commit].members,
        }
    }

    /// The epoch to claim, if the set starts.
    fn epoch(&self, decision: &Decision<'_>) -> Option<u64> {
        match decision.start {
            Start::Writable { epoch } => Some(epoch),
            Start::ReadOnly(_) if !self.rules.half && decision.votes[1].are_half() => {
                Some(decision.generation.epoch + 1)
            }
            Start::ReadOnly(_) => None,
        }
    }

    /// Claims the epoch on what can be reached; whether it is claimed.
    fn claim(&mut self, epoch: u64, head: usize, agrees: bool, up: &[bool]) -> bool {
        if !self.rules.claims {
            return true;
        }
        let mut got = Vec::new();
        for (disk, up) in up.iter().enumerate() {
            let done = *up && self.random.percent(85);
            if done {
                self.disks[disk].claim = epoch;
            }
            got.push(done);
        }
        let members = &self.commits[head].members;
        let is_written = |member: &Uuid| got[self.disk_of(member)];
        may_start(members, agrees, is_written)
            || !self.rules.half && Votes::count(members, Side::After, is_written).are_half()
    }

    /// Commits until one does not count, or the power goes.
    fn run(&mut self, epoch: u64, mut head: usize, mut alive: Vec<bool>) {
        let mut members = self.first_list(head);
        for sequence in 1..=1 + self.random.below(5) {
            self.commits.push(Commit {
                parent: head,
                generation: Generation { epoch, sequence },
                members: members.clone(),
            });
            head = self.commits.len() - 1;
            let written = self.write(head, &members, &alive);
            let is_written = |member: &Uuid| written[self.disk_of(member)];
            if counts(&members, is_written) {
                self.acknowledged = head;
                if self.random.percent(15) {
                    return;
                }
            } else if !self.only_tie_failed(&members, is_written) {
                return;
            }
            alive = written;
            members = members.into_iter().filter_map(Member::settled).collect();
            self.change(&mut members, &mut alive);
        }
    }

    /// Whether a tie-breaker could not be added, but all else went well: then it may be taken out
    /// again, and the set goes on.
    fn only_tie_failed(&self, members: &[Member], is_written: impl Fn(&Uuid) -> bool) -> bool {
        let joins = |member: &Member| member.change == Change::Joins;
        let votes = Votes::count(members, Side::After, is_written);
        let mut ties = members
            .iter()
            .filter(|member| member.role == Role::TieBreaker);
        ties.any(joins) && votes.are_most()
    }

    /// The members of the first commit of a load.
    fn first_list(&self, head: usize) -> Vec<Member> {
        let members = self.commits[head].members.iter().copied();
        if self.rules.carried {
            members.map(Member::carried).collect()
        } else {
            members.filter_map(Member::settled).collect()
        }
    }

    /// Changes the members for the next commit, or not.
    fn change(&mut self, members: &mut Vec<Member>, alive: &mut Vec<bool>) {
        let has_tie = tie_breaker(members).is_some();
        if has_tie && !alive[TIE] {
            let tie = members
                .iter_mut()
                .find(|member| member.role == Role::TieBreaker);
            if let Some(tie) = tie.filter(|_| self.random.percent(50)) {
                tie.change = Change::Leaves;
            }
        } else if !has_tie && alive[TIE] && self.random.percent(30) {
            members.push(joining(TIE));
        } else if self.random.percent(15) && members.len() < 7 && self.disks.len() < 40 {
            let number = self.disks.len();
            self.disks.push(fresh_disk(number));
            alive.push(true);
            members.push(joining(number));
        } else if self.random.percent(15) && members.len() > 2 {
            let victim = self.random.below(members.len() as u64) as usize;
            if members[victim].role == Role::Voter {
                members[victim].change = Change::Leaves;
            }
        }
    }

    /// Writes a commit to the members that are alive; who is alive afterwards.
    fn write(&mut self, commit: usize, members: &[Member], alive: &[bool]) -> Vec<bool> {
        let mut written = vec![false; self.disks.len()];
        for member in members.iter().filter(|member| member.role == Role::Voter) {
            let disk = self.disk_of(&member.replica);
            written[disk] = alive[disk] && self.random.percent(85);
        }
        let is_written = |member: &Uuid| written[self.disk_of(member)];
        let admits = !self.rules.order || admits_tie_breaker(members, is_written);
        let is_member = tie_breaker(members).is_some();
        written[TIE] = is_member && alive[TIE] && admits && self.random.percent(85);
        for (disk, done) in written.iter().enumerate() {
            if *done {
                self.disks[disk].commit = commit;
            }
        }
        // A tie-breaker that is no member is still there, to be added.
        written[TIE] |= !is_member && alive[TIE];
        written
    }
}

fn role_of(disk: usize) -> Role {
    match disk {
        TIE => Role::TieBreaker,
        _ => Role::Voter,
    }
}

fn fresh_disk(number: usize) -> Disk {
    Disk {
        uuid: uuid(number),
        role: role_of(number),
        commit: 0,
        claim: 0,
    }
}

fn joining(disk: usize) -> Member {
    Member {
        change: Change::Joins,
        ..Member::new(uuid(disk), role_of(disk))
    }
}

/// The first of so many histories that loses a commit.
fn first_lost(histories: u64, rules: Rules) -> Option<u64> {
    let loses = |seed: &u64| {
        let voters = 2 + (*seed % 4) as usize;
        World::new(*seed, voters, rules).loses_a_commit(40)
    };
    (0..histories).find(loses)
}

/// `DURABILITY.md` clauses 1 to 3.
#[test]
fn no_history_loses_a_commit() {
    assert_eq!(first_lost(30_000, ALL), None);
    for_all((any::<u64>(), 1..7_usize), |(seed, voters)| {
        prop_assert!(!World::new(seed, voters, ALL).loses_a_commit(100));
        Ok(())
    });
}

/// Enough histories for the rarest loss; the search ends with the first.
const ENOUGH: u64 = 200_000;

#[test]
fn without_claims_commits_are_lost() {
    let rules = Rules {
        claims: false,
        ..ALL
    };
    assert!(first_lost(ENOUGH, rules).is_some());
}

#[test]
fn without_the_order_of_the_tie_breaker_commits_are_lost() {
    let rules = Rules {
        order: false,
        ..ALL
    };
    assert!(first_lost(ENOUGH, rules).is_some());
}

#[test]
fn with_half_at_the_start_commits_are_lost() {
    let rules = Rules { half: false, ..ALL };
    assert!(first_lost(ENOUGH, rules).is_some());
}

#[test]
fn without_carrying_on_a_change_of_members_commits_are_lost() {
    let rules = Rules {
        carried: false,
        ..ALL
    };
    assert!(first_lost(ENOUGH, rules).is_some());
}
