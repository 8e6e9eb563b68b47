// SPDX-License-Identifier: GPL-2.0
//! Commits: of records that change at random, and of members that come and go.

use std::{
    collections::BTreeSet,
    rc::Rc, //
};

use md_model::database::{
    commits::{
        Phase,
        Refusal,
        Seat, //
    },
    identity::{
        Generation,
        Uuid, //
    },
    members::{
        Change,
        Member,
        Role, //
    },
};

use crate::{
    checkers,
    coverage::Point,
    history::{
        Commit,
        Contents, //
    },
    image::{
        Changes,
        Image, //
    },
    node::Node,
    violation::Violation,
    world::World,
};

/// Numbers of records.
const RECORDS: usize = 7;

impl World {
    /// Begins a commit, if one is due or somebody wants to.
    pub(crate) fn begin(&mut self, node: &mut Node) -> Result<bool, Violation> {
        let Ok(generation) = node.machine().next_generation() else {
            return Ok(false);
        };
        let is_due = node.machine().is_due() || !self.is_told(node);
        if !is_due && self.is_calm {
            return Ok(false);
        }
        if is_due && !self.is_calm && self.random.per_mille(500) {
            return Ok(false);
        }
        let is_first = node.machine().phase() == Phase::Claimed;
        let before = node.machine().members().to_vec();
        let lost_tie = lost_tie(node, &before);
        let (image, changed, contents) = if is_first || self.is_calm {
            self.change_nothing(node, generation)
        } else {
            self.change_records(node, generation)
        };
        let begun = node.machine().begin(changed);
        if begun.is_err() {
            return Ok(false);
        }
        let members = node.machine().members().to_vec();
        let is_stopped = node.machine().phase() == Phase::Stopped;
        if is_stopped && !is_first {
            checkers::members::check(&members, lost_tie)?;
        }
        self.note_begin((&before, &members), is_first, changed);
        if lost_tie && !is_first {
            self.coverage.hit(Point::BeginLostTie);
        }
        checkers::epochs::check(&mut self.history, generation, node.load)?;
        let commit = Commit {
            parent: node.live.generation,
            contents,
            members: members.clone(),
            held_by: BTreeSet::new(),
        };
        self.history.commits.insert(generation, commit);
        node.newest = Rc::new(Image { members, ..image });
        if !self.rules.quorum {
            self.acknowledge(generation);
        }
        self.observe(node)?;
        Ok(true)
    }

    /// Whether the list says who has failed.
    fn is_told(&self, node: &mut Node) -> bool {
        !self.is_calm || node.machine().members().iter().all(|member| !member.failed)
    }

    fn change_nothing(&self, node: &Node, generation: Generation) -> (Image, usize, Rc<Contents>) {
        let contents = self.history.commits[&node.live.generation].contents.clone();
        let image = Image {
            generation,
            ..(*node.live).clone()
        };
        (image, 0, contents)
    }

    fn change_records(
        &mut self,
        node: &Node,
        generation: Generation,
    ) -> (Image, usize, Rc<Contents>) {
        let before = self.history.commits[&node.live.generation].contents.clone();
        let changes = self.draw_changes();
        let marks = self.rules.slots;
        let changed = node
            .live
            .changed(&changes, generation, self.plan.pages, marks);
        let Some((image, changed)) = changed else {
            self.coverage.hit(Point::BeginRefused);
            return self.change_nothing(node, generation);
        };
        let mut after = (*before).clone();
        for (record, bytes) in changes {
            match bytes {
                Some(bytes) => drop(after.insert(record, bytes)),
                None => drop(after.remove(&record)),
            }
        }
        (image, changed, Rc::new(after))
    }

    fn draw_changes(&mut self) -> Changes {
        let count = self.random.below(4);
        let mut changes = Vec::new();
        for _ in 0..count {
            let record = self.random.below(RECORDS) as u32;
            let length = match self.random.below(10) {
                0 => None,
                1 => Some(4100),
                2 => Some(9000),
                _ => Some(8 + self.random.below(600)),
            };
            let fill = self.random.bits().to_le_bytes();
            let bytes = length.map(|length| fill.into_iter().cycle().take(length).collect());
            changes.push((record, bytes));
        }
        changes
    }

    /// A replica joins or leaves.
    pub(crate) fn change_members(&mut self, node: &mut Node) {
        let members = node.machine().members().to_vec();
        let mut voters: Vec<_> = members
            .iter()
            .filter(|member| member.role == Role::Voter)
            .map(|member| member.replica)
            .collect();
        voters.extend(self.joining(node).map(|(_, replica)| replica));
        let tie = members
            .iter()
            .find(|member| member.role == Role::TieBreaker);
        match (self.random.below(4), tie) {
            (0, _) if voters.len() < 4 => self.add(node, Role::Voter),
            (0 | 1, _) => {
                if let Some(voter) = self.random.one_of(&voters) {
                    self.remove(node, &voter);
                }
            }
            (_, None) => self.add(node, Role::TieBreaker),
            (2, Some(tie)) => self.remove(node, &tie.replica),
            // That is refused, unless the other one is on its way out.
            (_, Some(_)) => self.add(node, Role::TieBreaker),
        }
    }

    /// Deletes a replica.
    fn remove(&mut self, node: &mut Node, replica: &Uuid) {
        let members = node.machine().members().to_vec();
        let own = members.iter().find(|member| member.replica == *replica);
        let point = match (node.machine().remove(replica), own.map(|own| own.role)) {
            (Ok(()), None) => Point::RemoveJoining,
            (Ok(()), Some(Role::Voter)) => Point::RemoveVoter,
            (Ok(()), Some(Role::TieBreaker)) => Point::RemoveTie,
            (Err(Refusal::LastVoter), _) => Point::RemoveRefused,
            (Err(Refusal::CannotCount), _) => Point::RemoveCannotCount,
            (Err(_), _) => return,
        };
        node.added.retain(|added| added != replica);
        self.coverage.hit(point);
    }

    /// The voters that are to join and are no members yet, with their seats.
    pub(crate) fn joining<'n>(
        &self,
        node: &'n mut Node,
    ) -> impl Iterator<Item = (usize, Uuid)> + 'n {
        let members = node.machine().members().to_vec();
        let seats = node.seats.iter().enumerate();
        let taken = seats.filter_map(|(seat, own)| Some((seat, own.replica()?)));
        let added = &node.added;
        taken.filter(move |(_, replica)| {
            let is_it = |member: &Member| member.replica == *replica;
            added.contains(replica) && !members.iter().any(is_it)
        })
    }

    /// Makes a replica on a disk that has none that is in use, and adds it.
    pub(crate) fn add(&mut self, node: &mut Node, role: Role) {
        let mut spare = Vec::new();
        for disk in 0..self.disks.len() - usize::from(self.plan.has_clone) {
            let is_free = match self.made[disk] {
                Some((replica, _)) => node.machine().may_be_wiped(&replica),
                None => true,
            };
            if is_free && !self.disks[disk].is_dead && node.machine().phase() == Phase::Running {
                spare.push(disk);
            }
        }
        let Some(disk) = self.random.one_of(&spare) else {
            return;
        };
        let member = Member::new(self.make(disk, role), role);
        let tag = node.tag(disk);
        let point = match (node.machine().add(member, tag, 0), role) {
            (Ok(()), Role::Voter) => {
                node.added.push(member.replica);
                Point::AddVoter
            }
            (Ok(()), Role::TieBreaker) => Point::AddTie,
            (Err(Refusal::CannotCount), _) => Point::AddCannotCount,
            (Err(_), _) => Point::AddRefused,
        };
        self.coverage.hit(point);
    }

    /// Who waits for a change that cannot be granted any more takes it back, as the kernel does.
    pub(crate) fn take_back(&mut self, node: &mut Node) {
        let seated: Vec<_> = node.seats.iter().filter_map(Seat::replica).collect();
        let mut point = None;
        if node.machine().withdraw(&seated) {
            point = Some(Point::RemoveTakenBack);
        }
        let listed = node.machine().members().to_vec();
        for replica in seated {
            let is_member = listed.iter().any(|member| member.replica == replica);
            if !is_member && node.machine().remove(&replica).is_ok() {
                node.added.retain(|added| *added != replica);
                point = Some(Point::AddTakenBack);
            }
        }
        if let Some(point) = point {
            self.coverage.hit(point);
        }
    }

    fn note_begin(&mut self, (before, list): (&[Member], &[Member]), first: bool, changed: usize) {
        let mut has = |role: Role, change: Change, point: Point| {
            let is_it = |member: &Member| (member.role, member.change) == (role, change);
            if list.iter().any(is_it) {
                self.coverage.hit(point);
            }
        };
        has(Role::Voter, Change::Joins, Point::BeginJoin);
        has(Role::TieBreaker, Change::Joins, Point::BeginJoinTie);
        has(Role::Voter, Change::Leaves, Point::BeginLeave);
        has(Role::TieBreaker, Change::Leaves, Point::BeginLeaveTie);
        if is_marked(before) && !is_marked(list) {
            self.coverage.hit(Point::BeginSettle);
        }
        if first && is_marked(list) {
            self.coverage.hit(Point::BeginCarries);
        }
        if list.iter().any(|member| member.failed) {
            self.coverage.hit(Point::BeginTells);
        }
        self.coverage.hit(match (first, changed) {
            (true, _) => Point::BeginFirst,
            (false, 0) => Point::BeginNothing,
            (false, _) => Point::BeginChanges,
        });
    }
}

pub(crate) fn is_marked(members: &[Member]) -> bool {
    members.iter().any(|member| member.change != Change::Stays)
}

/// Whether a tie-breaker that is to stay in the list has failed.
fn lost_tie(node: &Node, list: &[Member]) -> bool {
    let mut ties = list
        .iter()
        .filter(|member| member.role == Role::TieBreaker)
        .filter(|member| matches!(member.change, Change::Stays | Change::Joins));
    ties.any(|tie| {
        let own = |seat: &&Seat| seat.replica() == Some(tie.replica);
        node.seats.iter().find(own).is_some_and(Seat::has_failed)
    })
}
