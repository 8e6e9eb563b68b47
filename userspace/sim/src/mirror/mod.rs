// SPDX-License-Identifier: GPL-2.0
//! The second world: a mirror of two to four sides, with writes, flushes and reads, disks that die
//! and are missing, and power cuts. It does what `md_rs/engine/mirror.rs` does, by the model's
//! decisions, with one thing added: the states of components are recorded before a caller is told
//! of anything that they excuse (`DURABILITY.md` clause 5). The database is one value here, that is
//! recorded or not; that it is so, the first world shows.
//!
//! There is no resync yet: after a power cut the sides may differ in what was not flushed, and a
//! read may return any version from the last flush on, and none before it.

mod component;
mod request;
mod steps;

use std::collections::BTreeMap;

use md_model::mirror::component::State;

use self::{
    component::Component,
    request::{
        Request,
        Stage,
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
    violation::{
        demand,
        Violation, //
    },
};

/// Blocks of the mirror.
const BLOCKS: usize = 8;

/// Sectors of a block, as the exclusion table has it.
const BLOCK_SECTORS: u64 = 8;

/// Steps of a schedule.
const STEPS: u64 = 120;

/// States, by side and component.
type States = Vec<Vec<State>>;

/// What is promised about one block.
#[derive(Clone, Debug)]
struct Block {
    /// Versions in the order in which they were written; the first is what was there at the start.
    log: Vec<u32>,
    /// Index of the version that was acknowledged last: a read returns it, or a later one.
    acknowledged: usize,
    /// Index of the version that was flushed last: it survives a power cut, or a later one does.
    durable: usize,
}

/// The mirror and its disks.
#[derive(Debug)]
struct Mirror {
    random: Random,
    rules: Rules,
    coverage: Coverage,
    sides: Vec<Vec<Component>>,
    states: States,
    /// What the database has, and what is being recorded.
    recorded: States,
    recording: Option<States>,
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
    (STEPS, mirror.coverage, Ok(()))
}

impl Mirror {
    fn new(seed: u64, rules: Rules) -> Self {
        let mut random = Random::new(!seed);
        let count = 2 + random.below(10) / 4;
        let mut sides = Vec::new();
        for _ in 0..count {
            let cut = if random.per_mille(500) {
                BLOCKS
            } else {
                2 + random.below(5)
            };
            let mut side = vec![Component::new(0..cut)];
            if cut < BLOCKS {
                side.push(Component::new(cut..BLOCKS));
            }
            sides.push(side);
        }
        let okay = |side: &Vec<Component>| vec![State::Okay; side.len()];
        let states: States = sides.iter().map(okay).collect();
        let block = Block {
            log: vec![0],
            acknowledged: 0,
            durable: 0,
        };
        Self {
            rules,
            coverage: Coverage::default(),
            recorded: states.clone(),
            states,
            sides,
            recording: None,
            requests: Vec::new(),
            words: BTreeMap::new(),
            blocks: vec![block; BLOCKS],
            versions: 0,
            turn: 0,
            error_rate: random.one_of(&[0, 20, 60]).unwrap_or(0),
            death_rate: random.one_of(&[0, 10, 30]).unwrap_or(0),
            cut_rate: random.one_of(&[10, 30]).unwrap_or(0),
            random,
        }
    }

    /// `DURABILITY.md` clauses 1 and 11: a version that is neither the last acknowledged one nor
    /// a later one is stale.
    fn check_read(&self, block: usize, version: u32) -> Result<(), Violation> {
        let promised = &self.blocks[block];
        let index = promised.log.iter().position(|other| *other == version);
        demand(
            index.is_some_and(|index| index >= promised.acknowledged),
            "no acknowledged write is lost, and no stale block is read (clauses 5, 9 and 10)",
            || format!("block {block} reads {version} of {promised:?}"),
        )
    }

    /// The power goes, and the mirror is opened again with the disks that are there then.
    fn cut_power(&mut self) -> Result<(), Violation> {
        self.note_cut();
        for request in std::mem::take(&mut self.requests) {
            for ((side, index), block) in request.in_flight {
                if let Wanted::Write(version) = request.wanted {
                    if self.random.per_mille(500) && self.sides[side][index].is_there {
                        self.sides[side][index].write(block, version);
                    }
                }
            }
        }
        if let Some(recorded) = self.recording.take() {
            if self.random.per_mille(500) {
                self.recorded = recorded;
            }
        }
        self.words.clear();
        self.states = self.recorded.clone();
        for block in &mut self.blocks {
            block.acknowledged = block.durable;
        }
        for component in self.sides.iter_mut().flatten() {
            component.cut(&mut self.random);
            component.is_there = self.random.per_mille(900);
        }
        self.check_all()?;
        for place in self.places() {
            if !self.component(place).is_there {
                self.gone(place);
            }
        }
        Ok(())
    }

    /// Everything that may be read is what was promised.
    fn check_all(&self) -> Result<(), Violation> {
        for (side, index) in self.places() {
            let component = &self.sides[side][index];
            let is_read = md_model::mirror::component::is_read(self.states[side][index]);
            if is_read && component.is_there {
                for block in component.blocks.clone() {
                    self.check_read(block, component.read(block))?;
                }
            }
        }
        Ok(())
    }

    fn note_cut(&mut self) {
        let flushes = |request: &Request| request.wanted == Wanted::Flush;
        let is_carried = |request: &Request| request.stage == Stage::Records;
        if self.requests.iter().any(is_carried) {
            self.coverage.hit(Point::CutMirrorCarried);
        }
        let runs = |request: &Request| request.stage == Stage::Runs && !flushes(request);
        self.coverage.hit(if self.recording.is_some() {
            Point::CutMirrorRecord
        } else if self.requests.iter().any(runs) {
            Point::CutMirrorSides
        } else if self.requests.iter().any(flushes) {
            Point::CutMirrorFlush
        } else {
            Point::CutMirrorIdle
        });
    }

    fn component(&mut self, (side, index): (usize, usize)) -> &mut Component {
        &mut self.sides[side][index]
    }

    fn places(&self) -> Vec<(usize, usize)> {
        let sides = self.sides.iter().enumerate();
        sides
            .flat_map(|(side, components)| (0..components.len()).map(move |index| (side, index)))
            .collect()
    }
}
