// SPDX-License-Identifier: GPL-2.0
//! A load: what is found on the disks that are there, the decision, the contents, and the start of
//! the machine.

use std::rc::Rc;

use md_model::{
    database::{
        choice::{
            decide,
            standing,
            Decision,
            Reason,
            Replica,
            Standing,
            Start,
            TieBreaker, //
        },
        header::Header,
        identity::{
            Generation,
            Uuid, //
        },
        load::{
            Flaw,
            Reader,
            Room,
            What, //
        },
        members::{
            Change,
            Member,
            Role, //
        },
        store::{
            judge,
            Tally, //
        },
        table::{
            Pointer,
            TABLES_MAX,
            TABLE_PAGES, //
        },
    },
    limits::REPLICAS_MAX,
};

use crate::{
    checkers,
    coverage::{
        Coverage,
        Point, //
    },
    disk::Disk,
    image::{
        Image,
        Kept, //
    },
    node::Node,
    plan::Mode,
    violation::{
        demand,
        Violation, //
    },
    world::{
        World,
        SECTOR,
        SET, //
    },
};

/// Memory for one reader.
struct Lent {
    members: Vec<Member>,
    tables: Vec<Pointer>,
    pages: Vec<Pointer>,
}

impl Lent {
    fn new() -> Self {
        Self {
            members: vec![Member::UNFILLED; REPLICAS_MAX],
            tables: vec![Pointer::NONE; TABLES_MAX],
            pages: vec![Pointer::NONE; TABLE_PAGES],
        }
    }

    fn reader(&mut self, pages: u32) -> Reader<'_> {
        let room = Room {
            members: &mut self.members,
            tables: &mut self.tables,
            pages: &mut self.pages,
        };
        Reader::new(SECTOR, Some(pages), room)
    }
}

/// What was found through one path.
struct Found {
    header: Option<Header>,
    live_root: u32,
}

/// A place of the newest root on a disk; 0 if there is none.
pub(crate) fn live_root(disk: &Disk, pages: u32) -> u32 {
    let mut lent = Lent::new();
    read_roots(&mut lent, disk, pages).live_root()
}

/// Whether a disk says what replica it has.
pub(crate) fn has_header(disk: &Disk, pages: u32) -> bool {
    let mut lent = Lent::new();
    read_roots(&mut lent, disk, pages).header().is_some()
}

fn read_roots<'a>(lent: &'a mut Lent, disk: &Disk, pages: u32) -> Reader<'a> {
    let mut reader = lent.reader(pages);
    while let Some(read) = reader.next() {
        if matches!(read.what, What::Table | What::Records) {
            break;
        }
        let _ = reader.take(disk.read(read.place));
    }
    reader
}

impl World {
    /// Loads the set from the disks behind these paths, and starts it if it may.
    pub(crate) fn load(&mut self, paths: Vec<usize>) -> Result<(), Violation> {
        self.loads += 1;
        self.is_read_only = true;
        let mut memory: Vec<_> = paths.iter().map(|_| Lent::new()).collect();
        let mut readers = Vec::new();
        for (lent, path) in memory.iter_mut().zip(&paths) {
            let mut reader = lent.reader(self.plan.pages);
            while let Some(read) = reader.next() {
                let taken = reader.take(self.disks[*path].read(read.place));
                self.note_flaw(taken.err());
            }
            readers.push(reader);
        }
        let claims = self.rules.claim;
        let ours = |reader: &Reader<'_>| reader.header().is_some_and(|header| header.set == SET);
        let found: Vec<_> = readers
            .iter()
            .map(|reader| {
                let found = reader.found().filter(|_| ours(reader))?;
                let claim = if claims { found.claim } else { 0 };
                Some(Replica { claim, ..found })
            })
            .collect();
        let pages: Vec<_> = readers
            .iter()
            .map(|reader| Found {
                header: reader.header(),
                live_root: reader.live_root(),
            })
            .collect();
        self.decide(&found, &pages, paths)
    }

    fn decide(
        &mut self,
        found: &[Option<Replica<'_>>],
        pages: &[Found],
        paths: Vec<usize>,
    ) -> Result<(), Violation> {
        let Ok(decision) = decide(found, &[]) else {
            self.coverage.hit(Point::LoadNoReplica);
            return self.demand_start(None, None);
        };
        note_decision(&mut self.coverage, &decision);
        for replica in found.iter().flatten() {
            self.note_held(replica.generation, &replica.uuid);
        }
        for index in 0..found.len() {
            self.coverage
                .hit(standing_point(standing(found, index, &decision)));
        }
        let Some(source) = decision.source else {
            return self.demand_start(Some(decision.start), Some(decision.generation));
        };
        let image = self.fetch(paths[source], &decision, found[source].as_ref())?;
        if self.is_final {
            checkers::acknowledged::check(&self.history, decision.generation)?;
            return checkers::convergence::check(found, &decision);
        }
        let given_up = self.given_up(&decision, found);
        let start = md_model::database::choice::decide(found, &given_up)
            .map_or(decision.start, |decision| decision.start);
        let Start::Writable { epoch } = start else {
            return self.demand_start(Some(start), Some(decision.generation));
        };
        let is_forced = !given_up.is_empty();
        checkers::acknowledged::check(&self.history, decision.generation)?;
        if !is_forced {
            checkers::start::check(found, decision.members)?;
        }
        if found[source]
            .as_ref()
            .is_some_and(|source| source.role == Role::TieBreaker)
        {
            self.coverage.hit(Point::LoadFromTie);
        }
        let roots: Vec<_> = pages.iter().map(|page| page.live_root).collect();
        let mut node = Node::new(Rc::new(image), paths, self.loads);
        let started = node
            .machine()
            .start((&decision, epoch), &given_up, found, &roots);
        started.expect("room for the set");
        // What it has is not believed for its age here, but compared with what was acknowledged.
        node.machine().believe();
        self.revive_rootless(&mut node, found, pages);
        self.node = Some(node);
        self.is_read_only = false;
        Ok(())
    }

    /// Members whose roots cannot be read, but which are there.
    fn revive_rootless(&mut self, node: &mut Node, found: &[Option<Replica<'_>>], pages: &[Found]) {
        for (tag, page) in pages.iter().enumerate() {
            let Some(header) = page.header.filter(|header| header.set == SET) else {
                continue;
            };
            let is_there = |other: &Replica<'_>| other.uuid == header.replica;
            let is_member = |member: &Member| member.replica == header.replica;
            if found.iter().flatten().any(is_there)
                || !node.machine().members().iter().any(is_member)
            {
                continue;
            }
            if node
                .machine()
                .revive(&header.replica, tag as u32, 0)
                .is_ok()
            {
                self.coverage.hit(Point::ReviveAtLoad);
            }
        }
    }

    /// With the rule about halves switched off: the voters that are missing, as if the
    /// administrator had given them up.
    fn given_up(&self, decision: &Decision<'_>, found: &[Option<Replica<'_>>]) -> Vec<Uuid> {
        if self.rules.half || !matches!(decision.start, Start::ReadOnly(Reason::Half(_))) {
            return Vec::new();
        }
        let is_missing = |member: &&Member| {
            member.role == Role::Voter
                && !found
                    .iter()
                    .flatten()
                    .any(|found| found.uuid == member.replica)
        };
        let missing = decision.members.iter().filter(is_missing);
        missing.map(|member| member.replica).collect()
    }

    /// Loads the contents, and compares them with what was committed.
    fn fetch(
        &mut self,
        path: usize,
        decision: &Decision<'_>,
        source: Option<&Replica<'_>>,
    ) -> Result<Image, Violation> {
        let mut lent = Lent::new();
        let mut reader = lent.reader(self.plan.pages);
        let generation = source.map_or(decision.generation, |source| source.generation);
        let members = source
            .map_or(decision.members, |source| source.members)
            .to_vec();
        let mut image = Image::empty(SET, generation, members);
        while let Some(read) = reader.next() {
            let bytes = self.disks[path].read(read.place);
            let Ok(Some(read)) = reader.take(bytes) else {
                continue;
            };
            let kept = bytes.map(|bytes| Kept {
                bytes: bytes.into(),
            });
            match read.what {
                What::Table => image.table = kept,
                What::Records => drop(kept.map(|kept| image.pages.insert(read.number, kept))),
                What::Head | What::Tail | What::Root => {}
            }
        }
        for (to, from) in image.tables.iter_mut().zip(reader.tables()) {
            *to = *from;
        }
        for (to, from) in image.pointers.iter_mut().zip(reader.pages()) {
            *to = *from;
        }
        let is_sound = judge(&image, &mut [Tally::default(); 16]).is_ok();
        let contents = image.contents().filter(|_| is_sound).unwrap_or_default();
        checkers::contents::check(&self.history, generation, &contents)?;
        Ok(image)
    }

    fn note_flaw(&mut self, flaw: Option<Flaw>) {
        if let Some(flaw) = flaw {
            self.coverage.hit(match flaw.read.what {
                What::Head => Point::FlawHead,
                What::Tail => Point::FlawTail,
                What::Root => Point::FlawRoot,
                What::Table => Point::FlawTable,
                What::Records => Point::FlawRecords,
            });
        }
    }

    /// The set cannot be written to. That must not be if all disks are there, unless the newest
    /// commit was on the victim of silent faults only: nobody knows that it did not count. Then the
    /// administrator gives that replica up.
    fn demand_start(
        &mut self,
        start: Option<Start>,
        newest: Option<Generation>,
    ) -> Result<(), Violation> {
        let all = self.plan.presence_rate == 1000 || self.is_calm;
        let commit = newest.and_then(|newest| self.history.commits.get(&newest));
        if let (Some(commit), Some((victim, Role::Voter))) = (commit, self.made[self.victim]) {
            let is_only = commit.held_by.iter().all(|holder| *holder == victim);
            let is_hurt = start == Some(Start::ReadOnly(Reason::Incomplete));
            if self.plan.mode != Mode::Loud && is_only && is_hurt {
                self.disks[self.victim] = Disk::new(self.plan.pages);
                if self.is_cloned && self.victim == 0 {
                    // A copy of it is no better, and is taken away with it.
                    let clone = self.disks.len() - 1;
                    self.disks[clone] = Disk::new(self.plan.pages);
                }
                self.made[self.victim] = None;
                self.wiped = Some((victim, self.victim));
                return Ok(());
            }
        }
        demand(!all, checkers::convergence::RULE, || {
            format!("all disks are there, and the set does not start: {start:?}")
        })
    }
}

fn note_decision(coverage: &mut Coverage, decision: &Decision<'_>) {
    let is_marked = |member: &Member| member.change != Change::Stays;
    if decision.members.iter().any(is_marked) {
        coverage.hit(Point::LoadMarked);
    }
    let most = decision.votes.iter().all(|votes| votes.are_most());
    coverage.hit(match decision.start {
        Start::Writable { .. } if most => Point::LoadMost,
        Start::Writable { .. } => Point::LoadHalfAndTie,
        Start::ReadOnly(Reason::TooFew) => Point::LoadTooFew,
        Start::ReadOnly(Reason::Half(tie)) => match tie {
            TieBreaker::None => Point::LoadHalfNoTie,
            TieBreaker::Missing => Point::LoadHalfTieMissing,
            TieBreaker::Behind(_) => Point::LoadHalfTieBehind,
            TieBreaker::Ahead(_) | TieBreaker::Agrees => Point::LoadHalfTieAhead,
        },
        Start::ReadOnly(Reason::Incomplete | Reason::NoEpoch) => Point::LoadIncomplete,
    });
}

fn standing_point(standing: Standing) -> Point {
    match standing {
        Standing::Damaged => Point::StandingDamaged,
        Standing::Duplicate => Point::StandingDuplicate,
        Standing::Outsider => Point::StandingOutsider,
        Standing::Current => Point::StandingCurrent,
        Standing::Stale => Point::StandingStale,
    }
}
