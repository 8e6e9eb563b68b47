// SPDX-License-Identifier: GPL-2.0
//! The second world: a mirror of two to four sides, with writes, flushes and reads, disks that die
//! and are missing, and power cuts. It does what the kernel's mirror does, by the model's
//! decisions; the states of components are recorded before a caller is told of anything that they
//! excuse (`DURABILITY.md` clause 5), and regions before they are written to (clause 7). The
//! database is one value here, that is recorded or not; that it is so, the first world shows.
//!
//! After a power cut a block reads as a version from the last flush on, and none before it; and as
//! the same one from then on, whichever side is asked or dies (clause 11). Where the mirror is not
//! dirty, all sides are equal at all times.

mod checks;
mod cleaning;
mod component;
mod copy;
mod request;
mod service;
mod steps;

use std::{
    collections::BTreeMap,
    ops::Range, //
};

use md_model::mirror::{
    component::State,
    exclusion::{
        claims,
        Claim, //
    },
    regions::Regions,
    resync::Plan,
    side::{
        step,
        Event,
        SideState, //
    }, //
};

use self::{
    cleaning::{
        CatchUp,
        Cleaning, //
    },
    component::Component,
    copy::Copy,
    request::{
        Place,
        Request,
        Wanted, //
    },
};
use crate::{
    coverage::{
        Coverage,
        Point, //
    },
    random::Random,
    rules::Rules,
    violation::Violation, //
};

/// Blocks of the mirror.
const BLOCKS: usize = 10;

/// Sectors of a block: four are a region, and two are a chunk of the resync.
const BLOCK_SECTORS: u64 = 512;

/// Sectors of the mirror.
const SECTORS: u64 = BLOCKS as u64 * BLOCK_SECTORS;

/// Steps of a schedule.
const STEPS: u64 = 240;

/// States, by side and component.
type States = Vec<Vec<State>>;

/// What a mirror remembers: what is in its record. Regions are bits.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Memory {
    states: States,
    /// The sides as a whole.
    sides: Vec<SideState>,
    /// Regions in which the sides may differ after a power cut.
    dirty: u64,
    /// For each side, regions in which it lacks what the others have, or what it has of them may
    /// still be in its cache.
    behind: Vec<u64>,
}

/// What is promised about one block.
#[derive(Clone, Debug)]
struct Block {
    /// Versions in the order in which they were written; the first is what was there at the start.
    log: Vec<u32>,
    /// Index of the version that was acknowledged last: a read returns it, or a later one.
    acknowledged: usize,
    /// Index of the version that was flushed last: it survives a power cut, or a later one does.
    durable: usize,
    /// What a caller has read, and reads again until something is written.
    answered: Option<u32>,
    /// Whether it was written to since the last start: what was not flushed may go back then.
    is_written: bool,
}

/// The mirror and its disks.
#[derive(Debug)]
struct Mirror {
    random: Random,
    rules: Rules,
    coverage: Coverage,
    regions: Regions,
    sides: Vec<Vec<Component>>,
    /// What is to be remembered, what the database has, and what is being recorded.
    memory: Memory,
    recorded: Memory,
    recording: Option<Memory>,
    /// Regions that may be written to.
    open: u64,
    /// Regions that somebody has begun to write to since the last look.
    recent: u64,
    /// Regions that somebody waits for.
    wanted: u64,
    /// Regions in which the sides may differ now.
    uncertain: u64,
    /// For each side, regions in which it is not read.
    behind: Vec<u64>,
    cleaning: Option<Cleaning>,
    catch_up: Option<CatchUp>,
    has_fallen_behind: bool,
    plan: Plan,
    copies: Vec<Copy>,
    requests: Vec<Request>,
    /// The words of the exclusion table that are not zero.
    words: BTreeMap<usize, u64>,
    blocks: Vec<Block>,
    versions: u32,
    turn: u32,
    error_rate: usize,
    death_rate: usize,
    cut_rate: usize,
}

/// Runs the schedule of a seed.
pub(crate) fn run(seed: u64, rules: Rules) -> (u64, Coverage, Result<(), Violation>) {
    let mut mirror = Mirror::new(seed, rules);
    for step in 0..STEPS {
        if let Err(violation) = mirror.step() {
            return (step, mirror.coverage, Err(violation));
        }
    }
    let healed = mirror.heal();
    (STEPS, mirror.coverage, healed)
}

/// Sides, each of one component, or of two that are behind each other.
fn draw_sides(random: &mut Random) -> Vec<Vec<Component>> {
    let count = 2 + random.below(10) / 4;
    let mut sides = Vec::new();
    for _ in 0..count {
        let cut = if random.per_mille(500) {
            BLOCKS
        } else {
            2 + random.below(BLOCKS - 3)
        };
        let mut side = vec![Component::new(0..cut)];
        if cut < BLOCKS {
            side.push(Component::new(cut..BLOCKS));
        }
        sides.push(side);
    }
    sides
}

impl Mirror {
    fn new(seed: u64, rules: Rules) -> Self {
        let mut random = Random::new(!seed);
        let sides = draw_sides(&mut random);
        let okay = |side: &Vec<Component>| vec![State::Okay; side.len()];
        let memory = Memory {
            states: sides.iter().map(okay).collect(),
            sides: vec![SideState::Okay; sides.len()],
            dirty: 0,
            behind: vec![0; sides.len()],
        };
        let block = Block {
            log: vec![0],
            acknowledged: 0,
            durable: 0,
            answered: None,
            is_written: false,
        };
        Self {
            rules,
            coverage: Coverage::default(),
            regions: Regions::of(SECTORS),
            recorded: memory.clone(),
            behind: memory.behind.clone(),
            memory,
            sides,
            recording: None,
            open: 0,
            recent: 0,
            wanted: 0,
            uncertain: 0,
            cleaning: None,
            catch_up: None,
            has_fallen_behind: false,
            plan: Plan::new(),
            copies: Vec::new(),
            requests: Vec::new(),
            words: BTreeMap::new(),
            blocks: vec![block; BLOCKS],
            versions: 0,
            turn: 0,
            error_rate: random.one_of(&[0, 20, 60]).unwrap_or(0),
            death_rate: random.one_of(&[0, 5, 15]).unwrap_or(0),
            cut_rate: random.one_of(&[5, 15]).unwrap_or(0),
            random,
        }
    }

    /// The regions of some blocks.
    fn regions_of(&self, blocks: &Range<usize>) -> u64 {
        let start = blocks.start as u64 * BLOCK_SECTORS;
        let count = blocks.len() as u64 * BLOCK_SECTORS;
        let bits = self.regions.bits(start, count);
        bits.fold(0, |regions, bits| regions | bits.mask)
    }

    /// The region of a block.
    fn bit_of(&self, block: usize) -> u64 {
        self.regions_of(&(block..block + 1))
    }

    /// The regions that a component has something of.
    fn touched(&self, (side, index): Place) -> u64 {
        self.regions_of(&self.sides[side][index].blocks)
    }

    /// Claims blocks, all or none.
    fn claim(&mut self, blocks: &Range<usize>) -> Option<Vec<Claim>> {
        let start = blocks.start as u64 * BLOCK_SECTORS;
        let count = blocks.len() as u64 * BLOCK_SECTORS;
        let mut claimed = Vec::new();
        for claim in claims(start, count) {
            let word = self.words.entry(claim.bucket).or_default();
            match claim.admit(*word) {
                Some(admitted) => {
                    *word = admitted;
                    claimed.push(claim);
                }
                None => {
                    self.retract(&mut claimed);
                    return None;
                }
            }
        }
        Some(claimed)
    }

    fn retract(&mut self, claimed: &mut Vec<Claim>) {
        for claim in claimed.drain(..) {
            if let Some(word) = self.words.get_mut(&claim.bucket) {
                *word -= claim.retract();
            }
        }
    }

    /// The power goes, and the mirror is opened again with the disks that are there then.
    fn cut_power(&mut self) -> Result<(), Violation> {
        self.note_cut();
        self.land_in_flight();
        if let Some(recorded) = self.recording.take() {
            if self.random.per_mille(500) {
                self.note_clean(self.recorded.dirty & !recorded.dirty);
                self.recorded = recorded;
            }
        }
        self.load();
        for component in self.sides.iter_mut().flatten() {
            component.cut(&mut self.random);
            component.is_there = self.random.per_mille(900);
        }
        for block in 0..BLOCKS {
            let is_dirty = self.uncertain & self.bit_of(block) != 0;
            let promised = &mut self.blocks[block];
            promised.acknowledged = promised.durable;
            if is_dirty && promised.is_written {
                promised.answered = None;
            }
            promised.is_written = false;
        }
        self.check_all()?;
        for place in self.places() {
            if !self.component(place).is_there {
                self.gone(place);
            }
        }
        Ok(())
    }

    /// Of what is in flight when the power goes, some arrives.
    fn land_in_flight(&mut self) {
        let mut writes = Vec::new();
        for request in std::mem::take(&mut self.requests) {
            if let Wanted::Write(version) = request.wanted {
                let in_flight = request.in_flight.into_iter();
                writes.extend(in_flight.map(|(place, block)| (place, block, version)));
            }
        }
        for copy in std::mem::take(&mut self.copies) {
            writes.extend(copy.in_flight);
        }
        for (place, block, version) in writes {
            if self.random.per_mille(500) && self.component(place).is_there {
                self.component(place).write(block, version);
            }
        }
    }

    /// What is in memory after a start: what was recorded, and no more.
    fn load(&mut self) {
        self.words.clear();
        self.memory = self.recorded.clone();
        for side in 0..self.sides.len() {
            if self.is_offline(side) {
                self.coverage.hit(Point::MirrorStarted);
            }
            self.step_side(side, Event::Started);
        }
        self.behind = self.memory.behind.clone();
        self.uncertain = self.memory.dirty;
        self.open = self.memory.dirty;
        (self.recent, self.wanted) = (0, 0);
        (self.cleaning, self.catch_up) = (None, None);
        self.plan = Plan::new();
    }

    /// Whether what callers are to be told is excused by what is recorded.
    fn is_excused(&self) -> bool {
        self.is_recorded() || !self.rules.record_first
    }

    /// Whether what is in service is recorded.
    fn is_recorded(&self) -> bool {
        let (recorded, memory) = (&self.recorded, &self.memory);
        recorded.states == memory.states && recorded.sides == memory.sides
    }

    fn is_offline(&self, side: usize) -> bool {
        self.memory.sides[side] == SideState::Offline
    }

    /// Something happened to a side; whether it may.
    fn step_side(&mut self, side: usize, event: Event) -> bool {
        let after = step(self.memory.sides[side], event);
        if let Some(after) = after {
            self.memory.sides[side] = after;
        }
        after.is_some()
    }

    fn component(&mut self, (side, index): Place) -> &mut Component {
        &mut self.sides[side][index]
    }

    fn places(&self) -> Vec<Place> {
        let sides = self.sides.iter().enumerate();
        sides
            .flat_map(|(side, components)| (0..components.len()).map(move |index| (side, index)))
            .collect()
    }
}
