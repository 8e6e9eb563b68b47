// SPDX-License-Identifier: GPL-2.0
//! The mirror personality, `md_mirror.ko`: the same blocks on up to four sides (`svm.md` section
//! 4).
//!
//! The rules are `md_model::mirror`'s; this module keeps what they need in memory: which sides are
//! whole, which blocks are being written ([`table`]), what the options are. What a failure means,
//! and what the end of a resync, is decided in [`settle`]. What is remembered of regions is the
//! core's [`SyncMap`].

#![forbid(unsafe_code)]

mod settle;
mod table;

use kernel::{
    prelude::*,
    sync::atomic::{
        ordering::{
            Full,
            Relaxed, //
        },
        Atomic, //
    },
    sync::Arc,
    ThisModule, //
};
use md::{
    abi::{
        Refusal,
        UnitKind, //
    },
    personality::{
        Entry,
        Mirrored,
        Personality,
        Registration,
        Sides,
        SyncMap,
        Unit,
        UnitSpec,
        CORE_ID, //
    },
    Refused, //
};
use md_model::mirror::{
    options::{
        Options,
        ReadPolicy,
        WritePolicy, //
    },
    read::choose,
    side_bit,
    throttle::Limits, //
};

use self::table::Table;

module! {
    type: MirrorModule,
    name: "md_mirror",
    authors: ["The md_rs authors"],
    description: "Volume manager: mirror",
    license: "GPL",
    alias: ["md_rs-personality-2"],
}

/// The loaded module.
struct MirrorModule {
    _registration: Registration,
}

impl kernel::Module for MirrorModule {
    fn init(module: &'static ThisModule) -> Result<Self> {
        Ok(Self {
            _registration: Registration::new(CORE_ID, &MirrorPersonality, module)?,
        })
    }
}

/// The kind of metadevice that this module makes.
struct MirrorPersonality;

impl Personality for MirrorPersonality {
    fn kind(&self) -> u32 {
        UnitKind::Mirror as u32
    }

    fn assemble(&self, spec: &UnitSpec<'_>) -> Result<Unit, Refused> {
        let UnitSpec::Mirror {
            sides,
            options,
            region_shift,
        } = spec
        else {
            return Err(Refused::new(EINVAL, Refusal::NotAMirror));
        };
        let mirror = Mirror::new(sides, *options, *region_shift)?;
        Ok(Unit::Mirrored(Arc::new(mirror, GFP_KERNEL)?))
    }
}

/// A mirror.
struct Mirror {
    sectors: u64,
    /// Sides of which all components are in service, as bits.
    whole: Atomic<u32>,
    /// Those of them that are worth reading, while there are any.
    preferred: Atomic<u32>,
    /// Reads so far, to take the sides in turn. Two reads at the same time may get the same number:
    /// it is not worth an atomic addition.
    turn: Atomic<u32>,
    read_policy: Atomic<u32>,
    write_policy: Atomic<u32>,
    pass: Atomic<u32>,
    /// Its pace: target, floor and ceiling, as [`Limits`] has them.
    pace: [Atomic<u64>; 3],
    /// Blocks that are being written.
    table: Table,
    /// What is remembered of regions and sides.
    map: SyncMap,
    /// Changes of the components' states.
    changes: Atomic<u32>,
    /// Whether one of them could not be recorded.
    unrecorded: Atomic<u32>,
    /// Errors that were judged.
    errors: Atomic<u64>,
}

impl Mirror {
    /// A mirror whose sides are whole and taken to be equal. It is as large as the smallest.
    fn new(sides: &[u64], options: Options, region_shift: u32) -> Result<Self, Refused> {
        let sectors = sides.iter().copied().min().unwrap_or(0);
        let count = u32::try_from(sides.len()).unwrap_or(0);
        let no_memory = |error| Refused::new(error, Refusal::NoMemory);
        let whole = (0..sides.len()).fold(0, |whole, side| whole | side_bit(side as u32));
        let mirror = Self {
            sectors,
            whole: Atomic::new(whole),
            preferred: Atomic::new(whole),
            turn: Atomic::new(0),
            read_policy: Atomic::new(0),
            write_policy: Atomic::new(0),
            pass: Atomic::new(0),
            pace: [const { Atomic::new(0) }; 3],
            table: Table::new()?,
            map: SyncMap::new(sectors, count, region_shift).map_err(no_memory)?,
            changes: Atomic::new(0),
            unrecorded: Atomic::new(0),
            errors: Atomic::new(0),
        };
        mirror.set_options(options);
        Ok(mirror)
    }

    /// Reads go to whole sides, and of these to those that are worth reading, while there are any.
    fn note_whole(&self, sides: &Sides<'_>) {
        let whole = settle::whole_sides(sides, &self.map);
        let _ = self.whole.xchg(whole, Full);
        let readable = whole & settle::readable_sides(sides);
        let _ = self.preferred.xchg(readable, Full);
    }

    #[inline]
    fn read_policy(&self) -> ReadPolicy {
        let number = self.read_policy.load(Relaxed);
        ReadPolicy::from_number(number).unwrap_or(ReadPolicy::First)
    }

    fn pace(&self) -> Limits {
        let [target_us, floor_kib_s, ceiling_kib_s] = &self.pace;
        Limits {
            target_us: target_us.load(Relaxed),
            floor_kib_s: floor_kib_s.load(Relaxed),
            ceiling_kib_s: ceiling_kib_s.load(Relaxed),
        }
    }
}

impl Mirrored for Mirror {
    fn sectors(&self) -> u64 {
        self.sectors
    }

    fn options(&self) -> Options {
        Options {
            read: self.read_policy(),
            write: self.write_policy(),
            pass: u8::try_from(self.pass.load(Relaxed)).unwrap_or(0),
            pace: self.pace(),
        }
    }

    fn set_options(&self, options: Options) {
        self.read_policy.store(options.read.number(), Relaxed);
        self.write_policy.store(options.write.number(), Relaxed);
        self.pass.store(options.pass.into(), Relaxed);
        let Limits {
            target_us,
            floor_kib_s,
            ceiling_kib_s,
        } = options.pace;
        let pace = [target_us, floor_kib_s, ceiling_kib_s];
        for (to, from) in self.pace.iter().zip(pace) {
            to.store(from, Relaxed);
        }
    }

    fn read_side(&self, sector: u64, tried: u32) -> Option<u32> {
        let mut candidates = self.preferred.load(Relaxed) & !tried;
        if candidates == 0 {
            candidates = self.whole.load(Relaxed) & !tried;
        }
        let turn = self.turn.load(Relaxed);
        self.turn.store(turn.wrapping_add(1), Relaxed);
        choose(self.read_policy(), candidates, turn, sector, self.sectors)
    }

    fn write_policy(&self) -> WritePolicy {
        let number = self.write_policy.load(Relaxed);
        WritePolicy::from_number(number).unwrap_or(WritePolicy::Parallel)
    }

    fn enter(&self, sector: u64, count: u64) -> Entry {
        if !self.table.enter(sector, count) {
            return Entry::Taken;
        }
        // Not before the blocks are claimed: who closes a region looks at the claims after that.
        if self.map.admit(sector, count) {
            return Entry::Entered;
        }
        self.table.leave(sector, count);
        Entry::Closed
    }

    fn may_enter(&self, sector: u64, count: u64) -> bool {
        self.table.may_enter(sector, count) && self.map.is_open(sector, count)
    }

    fn claim(&self, sector: u64, count: u64) -> bool {
        self.table.enter(sector, count)
    }

    fn may_claim(&self, sector: u64, count: u64) -> bool {
        self.table.may_enter(sector, count)
    }

    fn for_claims(&self, each: &mut dyn FnMut(u64)) {
        self.table.for_words(each);
    }

    fn map(&self) -> &SyncMap {
        &self.map
    }

    fn leave(&self, sector: u64, count: u64) {
        self.table.leave(sector, count);
    }

    fn settle(&self, sides: &Sides<'_>) -> bool {
        let changed = settle::judge(sides, self.sectors, &self.map, &self.errors);
        if !changed {
            // A device may be gone since the last look.
            self.note_whole(sides);
        }
        changed
    }

    fn take_effect(&self, sides: &Sides<'_>, is_recorded: bool) {
        if !is_recorded {
            // Before anybody leaves a side out of a write.
            let _ = self.unrecorded.xchg(1, Full);
        }
        // Before anybody leaves a side out of a write that is acknowledged from the others: what is
        // decided counts here.
        self.note_whole(sides);
        sides.take_effect();
        // Whoever learns of an acknowledgement that comes after this, reads from what is left.
        self.note_sides(sides);
    }

    fn resynced(&self, sides: &Sides<'_>) -> bool {
        settle::resynced(sides, self.sectors, &self.map)
    }

    fn has_source(&self, sides: &Sides<'_>, side: u32, component: u32) -> bool {
        settle::has_source(sides, self.sectors, &self.map, side, component)
    }

    fn note_unrecorded(&self) {
        let _ = self.unrecorded.xchg(1, Full);
    }

    fn note_sides(&self, sides: &Sides<'_>) {
        self.note_whole(sides);
        let _ = self.changes.fetch_add(1, Full);
    }

    fn is_unrecorded(&self) -> bool {
        self.unrecorded.load(Relaxed) != 0
    }

    fn changes(&self) -> u32 {
        self.changes.load(Relaxed)
    }

    fn errors(&self) -> u64 {
        self.errors.load(Relaxed)
    }

    fn go_on_from(&self, before: &dyn Mirrored) {
        self.map.go_on_from(before.map());
        self.errors.store(before.errors(), Relaxed);
        if before.is_unrecorded() {
            self.note_unrecorded();
        }
    }
}
