// SPDX-License-Identifier: GPL-2.0
//! The fourth world: RAID5 metadevices, whose power is cut between any two steps of a write, of a
//! replay, of the building of the parity and of the replacement of a column (`DURABILITY.md`
//! clauses 15 to 17).
//!
//! After each power cut every single column is lost, in a world of its own; and sometimes one was
//! missing before, or one fails while it is flushed. Every sector that nobody was writing is what
//! it was; one that somebody was is what it was or what it was to be, or is listed as lost if a
//! column was lost with the power. The record in the state database is one value here: that it is
//! so, the first world shows.

mod check;
mod disk;
mod engine;
mod restart;
mod unlogged;
mod upkeep;

use std::collections::{
    BTreeMap,
    BTreeSet, //
};

use md_model::{
    database::identity::Uuid,
    raid5::{
        bit,
        layout::{
            Layout,
            Rotation, //
        },
        lost::{
            self,
            LostLine,
            Newest, //
        },
        progress::{
            Activity,
            Progress, //
        },
        unlogged::Unlogged,
        LOG_SECTORS, //
    },
};

use self::{
    disk::{
        Disk,
        Sector, //
    },
    upkeep::Source, //
};
use crate::{
    coverage::{
        Coverage,
        Point, //
    },
    random::Random,
    violation::Violation, //
};

/// What is done as it should be; a test takes something away, and then a violation must be found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RaidRules {
    /// What is written goes to the logs first.
    pub log: bool,
    /// The logs are durable before anything is written in place.
    pub log_is_durable: bool,
    /// What a slot has is durable in place before the slot is used again.
    pub flush_before_reuse: bool,
    /// What was carried out again is durable before the checkpoint says so.
    pub flush_after_replay: bool,
    /// A replay ends with a checkpoint.
    pub checkpoint: bool,
    /// The checkpoint is durable before anything is written.
    pub checkpoint_is_durable: bool,
    /// Only batches that are whole are carried out again.
    pub whole_batches_only: bool,
    /// Everything is durable before a column is replaced.
    pub flush_before_replacement: bool,
    /// No batch counts any more when a column is replaced.
    pub checkpoint_before_replacement: bool,
    /// The recorded cursor is not ahead of what is durable.
    pub flush_before_cursor: bool,
    /// Ahead of the build the parity is made of all data.
    pub no_modify_ahead_of_build: bool,
    /// What was prepared is void when a column has failed since.
    pub prepared_for_columns: bool,
    /// Nothing is announced while a column is made.
    pub announced_when_made: bool,
    /// What is to be durable when it is acknowledged is not only announced.
    pub durable_is_logged: bool,
    /// Of a line that is announced nothing else counts.
    pub announced_apart: bool,
    /// The parity of lines that were announced is made at the replay.
    pub announced_made_to_fit: bool,
    /// What cannot be told of such lines is listed as lost.
    pub lost_is_listed: bool,
    /// The list is durable before the batches do not count any more.
    pub list_is_durable: bool,
    /// What was written again is off the list before a flush is acknowledged.
    pub list_before_flush: bool,
    /// What was written since a column was replaced is not copied from the old one.
    pub copy_only_what_is_not_written: bool,
    /// Who lacks the list that was found gets it.
    pub list_is_spread: bool,
    /// A column is filled with zeroes before it is attached.
    pub zeroes_before_attachment: bool,
    /// A parity is repaired like any write.
    pub repair_through_the_logs: bool,
    /// The logs tell who is out of service before a flush is acknowledged that was without it.
    pub missing_is_told: bool,
    /// A record that is older than columns which were attached is not used.
    pub attached_are_told: bool,
    /// A flush fails when something may not be durable of which nothing could be recorded.
    pub unrecorded_flush_fails: bool,
    /// Who missed something, as the logs tell, is left out if the record may be old.
    pub stale_is_left_out: bool,
    /// Writes are in no log: another metadevice, which promises less, with rules of its own.
    pub unlogged: bool,
    /// Before the first such write all columns tell that there may be some.
    pub open_is_told: bool,
    /// That is durable before it.
    pub open_is_durable: bool,
    /// Everything is durable before they tell that there are none.
    pub flush_before_close: bool,
    /// If there may have been some, the parity is made.
    pub parity_made_when_open: bool,
    /// That it is made is recorded before the columns tell that there are none.
    pub recorded_before_close: bool,
    /// If there may have been some, and a column is missing, it is not used.
    pub refused_when_open: bool,
    /// With a record that may be old there may always have been some.
    pub older_is_open: bool,
}

impl RaidRules {
    /// All of it.
    pub const ALL: Self = Self {
        log: true,
        log_is_durable: true,
        flush_before_reuse: true,
        flush_after_replay: true,
        checkpoint: true,
        checkpoint_is_durable: true,
        whole_batches_only: true,
        flush_before_replacement: true,
        checkpoint_before_replacement: true,
        flush_before_cursor: true,
        no_modify_ahead_of_build: true,
        prepared_for_columns: true,
        announced_when_made: true,
        durable_is_logged: true,
        announced_apart: true,
        announced_made_to_fit: true,
        lost_is_listed: true,
        list_is_durable: true,
        list_before_flush: true,
        list_is_spread: true,
        copy_only_what_is_not_written: true,
        zeroes_before_attachment: true,
        repair_through_the_logs: true,
        missing_is_told: true,
        attached_are_told: true,
        unrecorded_flush_fails: true,
        stale_is_left_out: true,
        unlogged: false,
        open_is_told: true,
        open_is_durable: true,
        flush_before_close: true,
        parity_made_when_open: true,
        recorded_before_close: true,
        refused_when_open: true,
        older_is_open: true,
    };

    /// All of it, where writes are in no log.
    pub const UNLOGGED: Self = Self {
        unlogged: true,
        ..Self::ALL
    };
}

/// What a violation breaks.
const RULE: &str = "RAID5 gives back what was written, or an error (clauses 15 to 17)";

/// How much a run has seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct RaidSeen {
    /// Steps.
    pub steps: u64,
    /// Power cuts.
    pub cuts: u64,
    /// Worlds in which a column was lost with the power.
    pub losses: u64,
    /// Batches that were carried out again.
    pub redone: u64,
    /// Batches that were found, and left alone.
    pub left: u64,
    /// Power cuts with a column missing from before.
    pub degraded: u64,
    /// Power cuts while a column or the parity was made.
    pub making: u64,
    /// Power cuts during a replay.
    pub replays_cut: u64,
    /// Lines that were announced.
    pub announced: u64,
    /// Such lines of which the parity was made at a replay.
    pub made_to_fit: u64,
    /// Such lines of which something was lost.
    pub lost: u64,
    /// Blocks that were lost and written again.
    pub rewritten: u64,
    /// Columns that failed while they were flushed.
    pub failed_flushes: u64,
    /// Columns that failed while they were flushed, when nothing could be recorded.
    pub unrecorded: u64,
    /// Starts with a record that is older than the columns.
    pub older: u64,
    /// Columns that were left out for that.
    pub stale: u64,
    /// Starts that were refused, since a column is missing and its writes are in no log.
    pub refused: u64,
    /// Starts that made the parity again, since writes are in no log.
    pub made_again: u64,
}

/// The power goes.
struct Cut;

/// Why a sector cannot be read.
enum Unread {
    /// It is listed as lost.
    Lost,
    /// Two columns would be needed that are not there.
    Missing,
}

/// What the state database has of it.
#[derive(Clone, Copy)]
struct Record {
    missing: Option<u32>,
    progress: Progress,
    layout: Layout,
}

/// What the state database had of it, and devices that have been replaced since.
#[derive(Clone)]
struct Older {
    record: Record,
    disks: BTreeMap<u32, Disk>,
}

/// A metadevice.
#[derive(Clone)]
struct World {
    rules: RaidRules,
    random: Random,
    layout: Layout,
    disks: Vec<Disk>,
    log: Uuid,
    /// The column that is out of service.
    missing: Option<u32>,
    progress: Progress,
    /// Whether that could not be recorded: nothing is written any more.
    is_unrecorded: bool,
    record: Record,
    /// A record that replicas may have which have not heard of anything since.
    older: Option<Older>,
    /// How many times the devices of the columns have changed.
    devices: u16,
    /// Which column is out of service, as the logs tell.
    told: Option<Option<u32>>,
    /// What they tell of writes that are in none.
    open: Unlogged,
    /// What a column that is being made is copied from, if it is.
    source: Option<Source>,
    /// The line whose parity somebody has damaged.
    damaged: Option<u64>,
    sequence: u64,
    tail: u64,
    /// What each sector is, as the caller knows.
    acknowledged: Vec<Sector>,
    /// What it was before, of sectors that were announced or not logged, and not flushed since.
    unflushed: BTreeMap<u64, Vec<Sector>>,
    /// Sectors that read as errors, as the caller knows.
    erring: BTreeSet<u64>,
    /// Sectors that did, until they were written again, and not flushed since.
    off_list: BTreeSet<u64>,
    /// Sectors that are being written, and what they are to be.
    pending: BTreeMap<u64, Sector>,
    /// Whether that is to be durable when it is acknowledged.
    is_durable: bool,
    /// What is listed as lost, and the list that is on the columns.
    lost: Vec<LostLine>,
    newest: Newest,
    /// Whether the list is not yet what is on the columns.
    is_list_stale: bool,
    /// Lines of batches that count, and whether they are announced.
    active: Vec<(u64, bool)>,
    /// What was done that must never be.
    wrong: Option<String>,
    steps: u64,
    cut_at: u64,
    seen: RaidSeen,
}

/// One schedule of so many has this world: a start without each of the columns takes long.
const ONE_OF: u64 = 8;

/// Power cuts of a schedule.
const LIVES: u32 = 2;

/// Runs the schedule of a seed.
pub(crate) fn run(seed: u64) -> (u64, Coverage, Result<(), Violation>) {
    let mut coverage = Coverage::default();
    if seed % ONE_OF != 0 {
        return (0, coverage, Ok(()));
    }
    let ran = run_raid(seed, RaidRules::ALL, LIVES, None);
    let seen = ran.as_ref().copied().unwrap_or_default();
    for (point, times) in [
        (Point::RaidAnnounced, seen.announced),
        (Point::RaidRedone, seen.redone),
        (Point::RaidLeft, seen.left),
        (Point::RaidMadeToFit, seen.made_to_fit),
        (Point::RaidLost, seen.lost),
        (Point::RaidRewritten, seen.rewritten),
        (Point::RaidFailedFlush, seen.failed_flushes),
        (Point::RaidUnrecorded, seen.unrecorded),
        (Point::CutRaid, seen.cuts),
        (Point::CutRaidLosing, seen.losses),
        (Point::CutRaidDegraded, seen.degraded),
        (Point::CutRaidMaking, seen.making),
        (Point::CutRaidReplay, seen.replays_cut),
        (Point::RaidOlderRecord, seen.older),
        (Point::RaidStaleColumn, seen.stale),
    ] {
        coverage.hit_often(point, times);
    }
    let verdict = ran.map(drop).map_err(|seen| Violation { rule: RULE, seen });
    (seen.steps, coverage, verdict)
}

/// Runs the world of a seed through so many power cuts; the first one after `cut_at` steps, if that
/// is given. The error says what is not as it should be.
pub fn run_raid(
    seed: u64,
    rules: RaidRules,
    lives: u32,
    cut_at: Option<u64>,
) -> Result<RaidSeen, String> {
    let mut world = World::new(seed, rules);
    for life in 0..lives {
        let random = 1 + world.random.below(90) as u64;
        let cut_at = cut_at.filter(|_| life == 0).unwrap_or(random);
        world.live(cut_at);
        world.seen.steps += world.steps;
        let is_usable = world
            .restart()
            .map_err(|why| format!("seed {seed}, life {life}, cut after {cut_at} steps: {why}"))?;
        if !is_usable {
            break;
        }
    }
    Ok(world.seen)
}

impl World {
    fn new(seed: u64, rules: RaidRules) -> Self {
        let mut random = Random::new(seed ^ 0x5a1d);
        let columns = 3 + random.below(3) as u32;
        let interlace = [8, 16, 40][random.below(3)];
        let rows = 2 + random.below(2) as u64;
        let rotation = [Rotation::LeftSymmetric, Rotation::Svm][random.below(2)];
        let sectors = LOG_SECTORS + rows * interlace;
        let layout = Layout::new(columns, interlace, sectors, rotation).expect("in range");
        let builds = random.per_mille(300);
        let disks = (0..columns).map(|column| {
            // Sums of these are none of them, unless the parity is made.
            Disk::new(if builds { 1 << column } else { 0 })
        });
        let disks: Vec<_> = disks.collect();
        let progress = if builds {
            Progress::begin(Activity::Build)
        } else {
            Progress::DONE
        };
        let mut world = Self {
            rules,
            random,
            layout,
            disks,
            log: Uuid::from_bytes([9; 16]),
            missing: None,
            progress,
            is_unrecorded: false,
            record: Record {
                missing: None,
                progress,
                layout,
            },
            older: None,
            devices: 0,
            told: None,
            open: Unlogged::Closed,
            source: None,
            damaged: None,
            sequence: 1,
            tail: 1,
            acknowledged: Vec::new(),
            unflushed: BTreeMap::new(),
            erring: BTreeSet::new(),
            off_list: BTreeSet::new(),
            pending: BTreeMap::new(),
            is_durable: false,
            lost: Vec::new(),
            newest: Newest::default(),
            is_list_stale: false,
            active: Vec::new(),
            wrong: None,
            steps: 0,
            cut_at: u64::MAX,
            seen: RaidSeen::default(),
        };
        let _ = world.checkpoint();
        world.disks.iter_mut().for_each(Disk::flush);
        world.acknowledged = (0..layout.sectors())
            .map(|sector| match world.read(sector) {
                Ok(bytes) => bytes,
                Err(Unread::Lost | Unread::Missing) => panic!("all columns are there"),
            })
            .collect();
        world
    }

    /// One more step, before which the power may go.
    fn step(&mut self) -> Result<(), Cut> {
        self.steps += 1;
        if self.steps >= self.cut_at {
            return Err(Cut);
        }
        Ok(())
    }

    /// What is seldom done begins: more often than by chance the power goes during that.
    fn begin_rare(&mut self) {
        if self.cut_at != u64::MAX && self.random.per_mille(300) {
            let soon = self.steps + 1 + self.random.below(2 * self.columns() as usize) as u64;
            self.cut_at = self.cut_at.min(soon);
        }
    }

    /// Number of columns.
    fn columns(&self) -> u32 {
        self.layout.columns()
    }

    /// Columns that are there.
    fn present(&self) -> impl Iterator<Item = u32> + Clone + use<> {
        let missing = self.missing;
        (0..self.columns()).filter(move |column| Some(*column) != missing)
    }

    /// The same as bits.
    fn present_bits(&self) -> u64 {
        self.present().fold(0, |set, column| set | bit(column))
    }

    /// The column that has nothing in the line at an offset.
    fn lost_at(&self, offset: u64) -> Option<u32> {
        self.missing.or(self.progress.column_behind(offset))
    }

    /// What a column has at an offset.
    fn at(&self, column: u32, offset: u64) -> Sector {
        self.disks[column as usize].read(LOG_SECTORS + offset)
    }

    /// Reads a sector as a caller does.
    fn read(&self, sector: u64) -> Result<Sector, Unread> {
        let piece = self.layout.piece(sector, 1).expect("inside");
        if lost::is_lost(&self.lost, piece.column, piece.line, (piece.skip, 1)) {
            return Err(Unread::Lost);
        }
        let offset = piece.line + piece.skip;
        match self.lost_at(piece.line) {
            Some(lost) if lost == piece.column => {
                if !self.progress.is_parity_known(piece.line) {
                    return Err(Unread::Missing);
                }
                let mut sum = [0; 512];
                for column in (0..self.columns()).filter(|column| *column != lost) {
                    disk::add(&mut sum, &self.at(column, offset));
                }
                Ok(sum)
            }
            _ => Ok(self.at(piece.column, offset)),
        }
    }

    /// Lives until the power goes.
    fn live(&mut self, cut_at: u64) {
        (self.steps, self.cut_at) = (0, cut_at);
        while self.act().is_ok() {}
    }

    /// Something happens.
    fn act(&mut self) -> Result<(), Cut> {
        let is_made = self.progress.activity == Activity::Nothing;
        if self.is_unrecorded {
            return self.flush_unrecorded();
        }
        if self.older.is_none() && self.random.per_mille(50) {
            self.older = Some(Older {
                record: self.record,
                disks: BTreeMap::new(),
            });
        }
        if self.rules.unlogged && self.random.per_mille(60) {
            return self.stop();
        }
        if self.rules.unlogged && !is_made && self.random.per_mille(500) {
            // Each crash has it made again.
            return self.build_step();
        }
        match self.random.below(100) {
            0..8 => self.flush_for_caller(),
            8..30 if !is_made => self.build_step(),
            8..12 if self.missing.is_none() && self.damaged.is_none() => {
                // It was recorded before anything was acknowledged.
                self.lose(self.random.clone().below(self.columns() as usize) as u32);
                self.step()
            }
            8..25 if self.missing.is_some() => self.replace(),
            _ if self.missing.is_some() || !is_made => self.write(),
            12..14 if self.damaged.is_none() => self.replace_whole(),
            14..15 if self.damaged.is_none() => self.attach(),
            15..18 if self.damaged.is_none() => {
                self.damage();
                Ok(())
            }
            18..28 => self.repair(),
            _ => self.write(),
        }
    }

    /// A column is out of service from now on, and that is recorded.
    fn lose(&mut self, column: u32) {
        self.missing = Some(column);
        if self.progress.activity == Activity::Column(column) {
            self.progress = Progress::DONE;
        }
        self.record = Record {
            missing: self.missing,
            progress: self.progress,
            layout: self.layout,
        };
    }
}
