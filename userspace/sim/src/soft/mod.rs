// SPDX-License-Identifier: GPL-2.0
//! The third world: soft partitions on one base, which are made, grown, shrunk and cleared as the
//! kernel does it, with power cuts between any two steps and while anything is in flight (`svm.md`
//! section 6.4). The record of a change is one value here, that is committed or not; that it is so,
//! the first world shows.
//!
//! After a power cut the watermarks alone tell every layout as it was before or as it is to be
//! after the change that was under way, also if it was the change that brings them in line with the
//! records. Sometimes all records are lost, and the layouts are rebuilt from the watermarks. Data
//! is where it was, although some of it looks like a watermark.

mod disk;
mod moving;
mod start;

use std::collections::BTreeMap;

use md_model::{
    database::{
        identity::Uuid,
        metadevice::soft::SoftState, //
    },
    limits::GRAIN_SECTORS,
    name::UnitName,
    soft::{
        allocate::{
            allocate,
            cut,
            Amount, //
        },
        change::{
            Change,
            Copies,
            Kind,
            Layout,
            Round,
            Step, //
        },
        extents::{
            lay_out,
            map,
            total,
            Placed, //
        },
        taken::{
            sort,
            Taken, //
        },
        watermark::{
            Behind,
            Stamp,
            Version,
            Watermark, //
        },
        Base,
        Extent,
        GRAIN, //
    },
};

use self::disk::Disk;
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

/// Grains of the base.
const GRAINS: u64 = 60;

const BASE: Base = Base {
    start: 2 * GRAIN_SECTORS,
    end: GRAINS * GRAIN_SECTORS,
};

/// Identity of the watermarks of the base.
const MARKS: Uuid = Uuid::from_bytes([0xba; 16]);

/// Most extents of a soft partition.
const EXTENTS: usize = 8;

/// Steps of a schedule.
const STEPS: u64 = 60;

const RULE: &str = "watermarks tell every layout (svm.md section 6.4)";
const DATA: &str = "data is where it was (DURABILITY.md clause 15)";

/// A soft partition, and what was written to it, by its grains.
#[derive(Clone, Debug, PartialEq)]
struct Soft {
    uuid: Uuid,
    name: UnitName,
    generation: u64,
    extents: Vec<Extent>,
    data: BTreeMap<u64, [u8; 512]>,
}

impl Soft {
    fn version(&self) -> Version {
        Version {
            generation: self.generation,
            extents: self.extents.len() as u32,
            total_sectors: total(&self.extents),
        }
    }

    /// Where a grain of it is on the base.
    fn place(&self, grain: u64) -> u64 {
        let mut table = vec![Placed::UNFILLED; self.extents.len()];
        lay_out(&self.extents, &mut table).expect("it was allocated");
        let piece = map(&table, grain * GRAIN_SECTORS, 1).expect("inside");
        piece.sector
    }
}

/// The records: what is durable of soft partitions, by number.
type Records = BTreeMap<u32, (Soft, SoftState)>;

/// A change that is under way: its soft partition before and after, if there is one.
#[derive(Clone, Debug)]
struct Pending {
    kind: Kind,
    number: u32,
    before: Option<Soft>,
    after: Option<Soft>,
    round: Option<Round>,
}

/// Why something did not come to its end.
enum Stop {
    /// The power went.
    Cut,
    /// A promise is broken.
    Broken(Violation),
}

impl From<Violation> for Stop {
    fn from(violation: Violation) -> Self {
        Self::Broken(violation)
    }
}

/// A base, and its soft partitions.
struct World {
    random: Random,
    rules: Rules,
    coverage: Coverage,
    disk: Disk,
    records: Records,
    has_chain: bool,
    made: u32,
    generation: u64,
    pending: Option<Pending>,
    /// Whether the records are new, so that the watermarks may have more than they.
    is_rebuilt: bool,
    cut_rate: usize,
}

/// Runs the schedule of a seed.
pub(crate) fn run(seed: u64, rules: Rules) -> (u64, Coverage, Result<(), Violation>) {
    let mut world = World::new(seed, rules);
    for step in 0..STEPS {
        if let Err(violation) = world.step() {
            return (step, world.coverage, Err(violation));
        }
    }
    (STEPS, world.coverage, Ok(()))
}

/// What is taken, by the records that do not go.
fn taken(records: &Records) -> Vec<Taken> {
    let mut taken = Vec::new();
    for (number, (soft, state)) in records {
        if *state == SoftState::Clearing {
            continue;
        }
        let extents = soft.extents.iter().zip(0..);
        taken.extend(extents.map(|(extent, sequence)| Taken {
            extent: *extent,
            owner: *number,
            sequence,
        }));
    }
    sort(&mut taken);
    taken
}

impl World {
    fn new(seed: u64, rules: Rules) -> Self {
        let mut random = Random::new(seed ^ 0x50f7_50f7);
        Self {
            rules,
            coverage: Coverage::default(),
            disk: Disk::new(),
            records: Records::new(),
            has_chain: false,
            made: 0,
            generation: 0,
            pending: None,
            is_rebuilt: false,
            cut_rate: random.one_of(&[0, 10, 40]).unwrap_or(0),
            random,
        }
    }

    /// One step; after a power cut the start that follows.
    fn step(&mut self) -> Result<(), Violation> {
        let mut done = self.act();
        loop {
            match done {
                Ok(()) => return self.check_data(),
                Err(Stop::Broken(violation)) => return Err(violation),
                Err(Stop::Cut) => {
                    self.cut_power()?;
                    done = self.start();
                }
            }
        }
    }

    /// The power may go here.
    fn tick(&mut self) -> Result<(), Stop> {
        if self.random.per_mille(self.cut_rate) {
            return Err(Stop::Cut);
        }
        Ok(())
    }

    fn act(&mut self) -> Result<(), Stop> {
        self.tick()?;
        match self.random.below(100) {
            0..30 => self.create(),
            30..45 => self.grow(),
            45..57 => self.shrink(),
            57..70 => self.clear(),
            70..82 => self.relocate(),
            _ => {
                self.write();
                Ok(())
            }
        }
    }

    fn any(&mut self) -> Option<(u32, Soft)> {
        let numbers: Vec<_> = self.records.keys().copied().collect();
        let number = self.random.one_of(&numbers)?;
        let (soft, _) = self.records.get(&number)?;
        Some((number, soft.clone()))
    }

    /// The extents that a soft partition has when it was given so many grains.
    fn allocated(&mut self, own: &[Extent]) -> Option<Vec<Extent>> {
        let grains = 1 + self.random.below(20) as u64;
        let amount = if self.random.per_mille(30) {
            Amount::All
        } else {
            Amount::Sectors(grains * GRAIN_SECTORS)
        };
        let mut out = [Extent::UNFILLED; EXTENTS];
        let room = out.get_mut(own.len()..)?;
        let share = allocate(&BASE, &taken(&self.records), own, amount, GRAIN, room).ok();
        let Some(share) = share else {
            self.coverage.hit(Point::SoftNoRoom);
            return None;
        };
        let mut extents = own.to_vec();
        if let Some(last) = extents.last_mut().filter(|_| share.extended > 0) {
            last.count += share.extended;
            self.coverage.hit(Point::SoftGrownInPlace);
        }
        extents.extend_from_slice(room.get(..share.added)?);
        if extents.len() > 1 {
            self.coverage.hit(Point::SoftSeveralExtents);
        }
        Some(extents)
    }

    fn create(&mut self) -> Result<(), Stop> {
        let Some(extents) = self.allocated(&[]) else {
            return Ok(());
        };
        self.made += 1;
        self.generation += 1;
        let soft = Soft {
            uuid: Uuid::from_bytes([self.made as u8; 16]),
            name: UnitName::from_number(self.made).expect("a name"),
            generation: self.generation,
            extents,
            data: BTreeMap::new(),
        };
        self.change(Kind::Create, self.made, None, Some(soft))
    }

    fn grow(&mut self) -> Result<(), Stop> {
        let Some((number, before)) = self.any() else {
            return Ok(());
        };
        let Some(extents) = self.allocated(&before.extents) else {
            return Ok(());
        };
        self.generation += 1;
        let after = Soft {
            generation: self.generation,
            extents,
            ..before.clone()
        };
        self.change(Kind::Grow, number, Some(before), Some(after))
    }

    fn shrink(&mut self) -> Result<(), Stop> {
        let Some((number, before)) = self.any() else {
            return Ok(());
        };
        let grains = total(&before.extents) / GRAIN_SECTORS;
        let left = 1 + self.random.below(grains as usize) as u64;
        let Some((kept, last)) = cut(&before.extents, left * GRAIN_SECTORS) else {
            return Ok(());
        };
        self.generation += 1;
        let mut after = Soft {
            generation: self.generation,
            ..before.clone()
        };
        after.extents.truncate(kept);
        if let Some(extent) = after.extents.last_mut() {
            extent.count = last;
        }
        after.data.retain(|grain, _| *grain < left);
        self.change(Kind::Shrink, number, Some(before), Some(after))
    }

    fn clear(&mut self) -> Result<(), Stop> {
        let Some((number, before)) = self.any() else {
            return Ok(());
        };
        self.change(Kind::Clear, number, Some(before), None)
    }

    /// A change: what is to be is recorded, then the watermarks are written, then it is recorded
    /// that they are.
    fn change(
        &mut self,
        kind: Kind,
        number: u32,
        before: Option<Soft>,
        after: Option<Soft>,
    ) -> Result<(), Stop> {
        let old = self.has_chain.then(|| taken(&self.records));
        self.tick()?;
        let recorded = after.clone().or(before.clone()).expect("one of them");
        let state = match kind {
            Kind::Create => SoftState::Creating,
            Kind::Grow => SoftState::Growing,
            Kind::Shrink => SoftState::Shrinking,
            Kind::Clear => SoftState::Clearing,
            Kind::Double | Kind::Move => SoftState::Moving,
        };
        self.records.insert(number, (recorded, state));
        self.pending = Some(Pending {
            kind,
            number,
            before,
            after,
            round: None,
        });
        self.tick()?;
        let new = taken(&self.records);
        self.write_watermarks(old.as_deref(), &new)?;
        self.tick()?;
        self.has_chain = true;
        self.coverage.hit(match kind {
            Kind::Create => Point::SoftCreated,
            Kind::Grow => Point::SoftGrown,
            Kind::Shrink => Point::SoftShrunk,
            Kind::Clear => Point::SoftCleared,
            Kind::Double | Kind::Move => Point::SoftMoved,
        });
        self.settle();
        Ok(())
    }

    /// The watermarks are as the records say: that is recorded.
    fn settle(&mut self) {
        self.records
            .retain(|_, (_, state)| *state != SoftState::Clearing);
        for (_, state) in self.records.values_mut() {
            *state = SoftState::Okay;
        }
        self.pending = None;
        self.is_rebuilt = false;
    }

    fn write_watermarks(&mut self, old: Option<&[Taken]>, new: &[Taken]) -> Result<(), Stop> {
        let Some(pending) = self.pending.clone() else {
            return Ok(());
        };
        let before = pending.before.as_ref().or(pending.after.as_ref());
        let after = pending.after.as_ref().or(before).expect("one of them");
        let layout = |taken| Layout { base: BASE, taken };
        let change = Change {
            kind: pending.kind,
            base: MARKS,
            old: old.map(layout),
            new: layout(new),
            owner: pending.number,
            soft: after.uuid,
            name: after.name,
            before: before.unwrap_or(after).version(),
            after: after.version(),
        };
        for round in self.in_order(change.rounds()) {
            if let Some(pending) = &mut self.pending {
                pending.round = Some(round);
            }
            for mark in change.writes(round.step) {
                self.write_mark(&mark, round.copies)?;
            }
            self.tick()?;
            if self.rules.flush_watermarks {
                self.disk.flush();
            }
        }
        self.disk.flush();
        Ok(())
    }

    /// The rounds, as the rules want them.
    fn in_order(&self, rounds: &[Round]) -> Vec<Round> {
        let mut rounds = rounds.to_vec();
        if !self.rules.new_places_first {
            rounds.sort_by_key(|round| round.step == Step::New);
        }
        if !self.rules.commit_in_order {
            rounds.reverse();
            rounds.sort_by_key(|round| round.copies == Copies::Second);
        }
        if !self.rules.one_copy_at_a_time {
            rounds.retain(|round| round.copies != Copies::Second);
            rounds
                .iter_mut()
                .for_each(|round| round.copies = Copies::Both);
        }
        rounds
    }

    fn write_mark(&mut self, mark: &Watermark, copies: Copies) -> Result<(), Stop> {
        let mut bytes = [0; 512];
        assert!(mark.encode(&mut bytes));
        for copy in disk::of(copies) {
            self.tick()?;
            self.disk.accept(mark.sector + copy, bytes);
        }
        Ok(())
    }

    /// Somebody writes to a soft partition, beyond the cache. Perhaps it looks like a watermark.
    fn write(&mut self) {
        let Some((number, soft)) = self.any() else {
            return;
        };
        let grains = total(&soft.extents) / GRAIN_SECTORS;
        let grain = self.random.below(grains as usize) as u64;
        let sector = soft.place(grain);
        let mut bytes = [self.random.below(256) as u8; 512];
        if self.random.per_mille(600) {
            self.coverage.hit(Point::SoftLookalike);
            let mark = Watermark {
                base: MARKS,
                sector,
                length: GRAIN_SECTORS * (1 + self.random.below(4) as u64),
                behind: Behind::Extent(Stamp {
                    soft: soft.uuid,
                    name: soft.name,
                    sequence: 0,
                    version: Version {
                        generation: soft.generation + 1,
                        ..soft.version()
                    },
                }),
            };
            assert!(mark.encode(&mut bytes));
        }
        for copy in disk::of(Copies::Both) {
            self.disk.force(sector + copy, bytes);
        }
        if let Some((soft, _)) = self.records.get_mut(&number) {
            soft.data.insert(grain, bytes);
        }
    }

    fn check_data(&self) -> Result<(), Violation> {
        for (soft, _) in self.records.values() {
            for (grain, bytes) in &soft.data {
                for copy in disk::of(Copies::Both) {
                    let found = self.disk.read(soft.place(*grain) + copy);
                    demand(found == bytes, DATA, || {
                        format!("{}: grain {grain} is something else", soft.name)
                    })?;
                }
            }
        }
        Ok(())
    }
}
