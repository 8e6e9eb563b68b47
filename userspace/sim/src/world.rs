// SPDX-License-Identifier: GPL-2.0
//! A schedule: disks, a set that is loaded, used, hurt and loaded again, one step at a time, in an
//! order that the seed decides; then everything is healed, and has to converge.

use md_model::database::{
    header::{
        End as HeaderEnd,
        Header, //
    },
    identity::{
        Generation,
        Uuid, //
    },
    layout::ROOT_PLACE,
    members::{
        Member,
        Role, //
    },
    page::PAGE_BYTES,
    root::Root,
};

use crate::{
    checkers::convergence::RULE,
    coverage::{
        Coverage,
        Point, //
    },
    disk::{
        Bytes,
        Disk, //
    },
    history::History,
    node::Node,
    plan::{
        Mode,
        Plan, //
    },
    random::Random,
    rules::Rules,
    violation::{
        demand,
        Violation, //
    },
};

/// The set.
pub(crate) const SET: Uuid = Uuid::from_bytes([0x5e; 16]);

/// Where the replica begins on every disk.
pub(crate) const SECTOR: u64 = 256;

/// Disks beside those of the first members, for replicas that join.
const SPARES: usize = 2;

/// Steps in which a healed set has to converge.
const HEAL_STEPS: u64 = 3000;

/// A replica as it was made on a disk.
pub(crate) type Made = Option<(Uuid, Role)>;

/// The world of one schedule.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) random: Random,
    pub(crate) rules: Rules,
    pub(crate) plan: Plan,
    pub(crate) disks: Vec<Disk>,
    /// What was made on each disk last.
    pub(crate) made: Vec<Made>,
    /// The disk that is hit by silent faults.
    pub(crate) victim: usize,
    /// Writes that the kernel has forgotten and that are still in flight, by disk: only with a rule
    /// switched off.
    pub(crate) forgotten: Vec<(usize, u32, Bytes)>,
    pub(crate) history: History,
    pub(crate) coverage: Coverage,
    pub(crate) node: Option<Node>,
    pub(crate) loads: u32,
    /// Whether the last load did not start the set.
    pub(crate) is_read_only: bool,
    pub(crate) steps: u64,
    /// A replica that is gone for good, and its disk, until it is made anew.
    pub(crate) wiped: Option<(Uuid, usize)>,
    /// Whether the clone has been made.
    pub(crate) is_cloned: bool,
    /// Nothing fails any more.
    pub(crate) is_calm: bool,
    /// This load only looks.
    pub(crate) is_final: bool,
    next_uuid: u32,
}

/// What a schedule was.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its steps.
    pub steps: u64,
    /// What it has hit.
    pub coverage: Coverage,
    /// The promise that was broken, if one was.
    pub violation: Option<Violation>,
}

/// Runs the schedule of a seed.
pub fn run(seed: u64, rules: Rules) -> Outcome {
    let mut world = World::new(seed, rules);
    let violation = world.run().err();
    let (steps, coverage, mirror) = crate::mirror::run(seed, rules);
    world.coverage.add(&coverage);
    let (soft_steps, coverage, soft) = crate::soft::run(seed, rules);
    world.coverage.add(&coverage);
    let (raid_steps, coverage, raid) = crate::raid::run(seed);
    world.coverage.add(&coverage);
    Outcome {
        steps: world.steps + steps + soft_steps + raid_steps,
        coverage: world.coverage,
        violation: violation.or(mirror.err()).or(soft.err()).or(raid.err()),
    }
}

/// The plan of a seed, for a report.
pub fn describe(seed: u64) -> String {
    let world = World::new(seed, Rules::ALL);
    format!("{:?}", world.plan)
}

impl World {
    fn new(seed: u64, rules: Rules) -> Self {
        let mut random = Random::new(seed);
        let plan = Plan::draw(&mut random);
        let count = plan.voters + usize::from(plan.has_tie);
        let first = Generation::first_of(1);
        let mut world = Self {
            rules,
            plan,
            disks: vec![Disk::new(plan.pages); count + SPARES + usize::from(plan.has_clone)],
            made: Vec::new(),
            victim: random.below(count),
            forgotten: Vec::new(),
            history: History::new(first, &[]),
            coverage: Coverage::default(),
            node: None,
            loads: 0,
            is_read_only: false,
            steps: 0,
            wiped: None,
            is_cloned: false,
            is_calm: false,
            is_final: false,
            next_uuid: 0,
            random,
        };
        world.made = vec![None; world.disks.len()];
        let mut members = Vec::new();
        for disk in 0..count {
            let is_tie = disk == plan.voters;
            let role = if is_tie {
                Role::TieBreaker
            } else {
                Role::Voter
            };
            members.push(Member::new(world.make(disk, role), role));
        }
        world.history = History::new(first, &members);
        for (disk, member) in members.iter().enumerate() {
            world.write_first_root(disk, member, &members);
        }
        world
    }

    /// Makes a replica on a disk, as the tool does; returns its identity.
    pub(crate) fn make(&mut self, disk: usize, role: Role) -> Uuid {
        self.next_uuid += 1;
        let mut bytes = [0x11; 16];
        bytes[..4].copy_from_slice(&self.next_uuid.to_be_bytes());
        let header = Header {
            set: SET,
            replica: Uuid::from_bytes(bytes),
            start_sector: SECTOR,
            pages: self.plan.pages,
            role,
        };
        for (end, place) in [(HeaderEnd::Head, 0), (HeaderEnd::Tail, self.plan.pages - 1)] {
            let mut page = vec![0; PAGE_BYTES];
            header.encode(end, &mut page).expect("a page");
            self.disks[disk].force(place, &page.into());
        }
        self.made[disk] = Some((header.replica, role));
        header.replica
    }

    /// The first commit, on a new set.
    fn write_first_root(&mut self, disk: usize, own: &Member, members: &[Member]) {
        let root = Root {
            set: SET,
            replica: own.replica,
            role: own.role,
            generation: Generation::first_of(1),
            claim: 1,
        };
        for place in ROOT_PLACE[0] {
            let mut page = vec![0; PAGE_BYTES];
            root.encode(place, &[], members, &mut page).expect("a page");
            self.disks[disk].force(place, &page.into());
        }
    }

    fn run(&mut self) -> Result<(), Violation> {
        while self.steps < self.plan.steps {
            self.step()?;
        }
        self.heal()
    }

    /// One step.
    fn step(&mut self) -> Result<(), Violation> {
        self.steps += 1;
        if self.random.per_mille(self.plan.cut_rate) {
            self.cut_power();
            return Ok(());
        }
        self.hurt_idle_disks();
        match self.node.take() {
            None => {
                // What is read-only now may be looked at again, or the power goes.
                let paths = self.draw_paths();
                self.load(paths)
            }
            Some(node) => self.step_node(node),
        }
    }

    /// Everything is repaired, and nothing fails any more.
    fn heal(&mut self) -> Result<(), Violation> {
        self.is_calm = true;
        self.cut_power();
        for disk in &mut self.disks {
            disk.is_dead = false;
        }
        self.give_up_headless();
        while self.node.is_none() {
            let paths = self.all_paths();
            self.load(paths)?;
        }
        let end = self.steps + HEAL_STEPS;
        while !self.is_quiet() {
            demand(self.steps < end, RULE, || "it does not come to rest".into())?;
            self.steps += 1;
            match self.node.take() {
                Some(node) => self.step_node(node)?,
                None => demand(false, RULE, || "the set has stopped".into())?,
            }
        }
        self.node = None;
        self.is_final = true;
        let paths = self.all_paths();
        self.load(paths)?;
        self.coverage.hit(Point::Healed);
        Ok(())
    }

    /// A replica with neither head nor tail is found by nobody: the administrator gives it up.
    fn give_up_headless(&mut self) {
        let disk = &self.disks[self.victim];
        if self.plan.mode == Mode::Loud || crate::boot::has_header(disk, self.plan.pages) {
            return;
        }
        if let Some((gone, role)) = self.made[self.victim].take() {
            self.disks[self.victim] = Disk::new(self.plan.pages);
            // A tie-breaker that is gone leaves by itself.
            self.wiped = (role == Role::Voter).then_some((gone, self.victim));
        }
    }

    /// The paths to all disks that have a replica. The clone comes last.
    pub(crate) fn all_paths(&self) -> Vec<usize> {
        (0..self.disks.len()).collect()
    }

    /// The paths of a load: disks that are alive and are found. A second path to a disk leads to
    /// the same one.
    fn draw_paths(&mut self) -> Vec<usize> {
        let mut paths = Vec::new();
        // Who finds a set read-only looks for the disks that are missing.
        let rate = if self.is_read_only { 900 } else { 0 };
        let rate = rate.max(self.plan.presence_rate);
        for disk in 0..self.disks.len() {
            let there = self.random.per_mille(rate);
            let is_clone = self.plan.has_clone && disk == self.disks.len() - 1;
            let is_seen = if is_clone { paths.contains(&0) } else { there };
            if is_seen && !self.disks[disk].is_dead {
                paths.push(disk);
                if self.random.per_mille(20) {
                    paths.push(disk);
                }
            }
        }
        paths
    }

    /// The power goes: what is in caches and in flight is torn.
    pub(crate) fn cut_power(&mut self) {
        self.note_cut();
        if let Some(node) = self.node.take() {
            for work in node.works.iter().flatten() {
                work.cut(&mut self.disks[work.disk], &mut self.random);
            }
            self.rot_newest(&node);
        }
        for (disk, place, bytes) in std::mem::take(&mut self.forgotten) {
            self.disks[disk].tear(place, &bytes, &mut self.random);
        }
        for disk in &mut self.disks {
            disk.cut(&mut self.random);
        }
        let clones = self.plan.has_clone && !self.is_cloned && !self.disks[0].is_dead;
        if clones && self.random.per_mille(500) {
            // Once only: from then on either of them may be the newer one.
            let clone = self.disks.len() - 1;
            self.disks[clone] = self.disks[0].clone();
            self.is_cloned = true;
        }
    }

    /// A bit flips in what the newest commit leads to: a place drawn from all of a disk is seldom
    /// one that matters, and just then the newest commit may be on this disk alone.
    fn rot_newest(&mut self, node: &Node) {
        let chance = 10 * self.plan.silent_rate;
        if self.is_calm || self.plan.mode != Mode::Rot || !self.random.per_mille(chance) {
            return;
        }
        let places: Vec<_> = node.newest.all().map(|(at, ..)| at.slot).collect();
        if let Some(place) = self.random.one_of(&places) {
            self.disks[self.victim].rot(place, &mut self.random);
            self.coverage.hit(Point::FaultRot);
        }
    }

    /// Faults of disks that the set may not notice.
    fn hurt_idle_disks(&mut self) {
        if self.is_calm {
            return;
        }
        if self.plan.mode == Mode::Rot && self.random.per_mille(self.plan.silent_rate) {
            let place = self.random.below(self.plan.pages as usize) as u32;
            self.disks[self.victim].rot(place, &mut self.random);
            self.coverage.hit(Point::FaultRot);
        }
        let disk = self.random.below(self.disks.len());
        let rate = if self.is_read_only { 500 } else { 0 };
        let rate = rate.max(self.plan.return_rate);
        if self.disks[disk].is_dead && self.random.per_mille(rate) {
            self.disks[disk].is_dead = false;
            self.coverage.hit(Point::FaultReturns);
        }
    }
}
