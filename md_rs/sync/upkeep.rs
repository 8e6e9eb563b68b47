// SPDX-License-Identifier: GPL-2.0
//! The errands of a mirror's disk, and what they share.

use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            ordering::{
                Full,
                Relaxed, //
            },
            Atomic, //
        },
        Mutex, //
    },
    time::{
        delay::fsleep,
        Delta, //
    }, //
};
use md_model::{
    events::kind::Kind,
    mirror::{
        component::{
            is_written,
            State, //
        },
        exclusion::left_in_block,
        mend::Places,
        resync::{
            Plan,
            CHUNK_SECTORS,
            SLOTS, //
        },
        side::SideState,
        side_bit, //
    },
    name::UnitName,
    units::SECTOR_BYTES,
};

use super::{
    clean,
    copy,
    hedge,
    map::SyncMap,
    mark,
    mend,
    pace::Pace,
    scrub::{
        self,
        Scrub, //
    },
    watch::{
        self,
        Watches, //
    }, //
};
use crate::{
    body::{
        Body,
        Shape, //
    },
    component::Component,
    events::Event,
    fencing,
    kapi::{
        bdev::Buffer,
        errand::Errand, //
    },
    personality::{
        Mirrored,
        Sides, //
    },
    sides::side_body, //
};

/// Records regions as dirty that somebody wants to write to.
pub(crate) const MARK: u32 = 0;

/// Cleans regions, and records how far a resync is.
pub(crate) const CLEAN: u32 = 1;

/// The first of those that copy.
pub(crate) const COPY: u32 = 2;

/// Reads all sides and compares them.
pub(crate) const SCRUB: u32 = COPY + SLOTS as u32;

/// Rewrites blocks that a side could not read.
pub(crate) const MEND: u32 = SCRUB + 1;

/// Looks which components answer late.
pub(crate) const WATCH: u32 = MEND + 1;

/// Reads from those that do, since nobody else does any more.
pub(crate) const PROBE: u32 = WATCH + 1;

/// Asks other sides for reads that take long.
pub(crate) const HEDGE: u32 = PROBE + 1;

/// How many errands there are.
pub(crate) const COUNT: u32 = HEDGE + 1;

/// How long an errand waits before it tries again to claim blocks that somebody writes to.
const CLAIM_MS: i64 = 1;

/// How often it tries that before it gives those back that it has.
const CLAIM_TRIES: u32 = 50;

/// What is copied at once before a read that has to wait for it, in sectors: 16 KiB.
pub(super) const REPAIR_SECTORS: u64 = 32;

/// What the errands of a mirror share.
#[pin_data]
pub(crate) struct Upkeep {
    /// Who marks regions, and who forgets that they are dirty.
    #[pin]
    pub(super) marking: Mutex<()>,
    /// Who judges what has failed.
    #[pin]
    judging: Mutex<()>,
    /// Who cleans.
    #[pin]
    pub(super) cleaning: Mutex<()>,
    /// What is being copied.
    #[pin]
    pub(crate) plan: Mutex<Plan>,
    /// Memory for copying before a read. There before it is needed: the read may be on the way that
    /// frees memory.
    #[pin]
    pub(super) repair: Mutex<Buffer>,
    /// How fast it is copied.
    #[pin]
    pub(super) pace: Mutex<Pace>,
    /// What is being compared.
    #[pin]
    pub(crate) scrub: Mutex<Scrub>,
    /// What a side could not read, and is to be rewritten.
    #[pin]
    pub(crate) places: Mutex<Places>,
    /// How fast the components answer.
    #[pin]
    pub(super) watches: Mutex<Watches>,
    /// Whether reads are hedged.
    hedging: Atomic<u32>,
    /// Whether a flush that nobody has asked for has failed on a last copy.
    lost_flush: Atomic<u32>,
}

impl Upkeep {
    /// Nothing is to do.
    pub(crate) fn new() -> Result<Pin<KBox<Self>>> {
        let bytes = REPAIR_SECTORS.saturating_mul(SECTOR_BYTES);
        let repair = Buffer::new(usize::try_from(bytes)?)?;
        KBox::pin_init(
            pin_init!(Self {
                marking <- new_mutex!((), "md_marking"),
                judging <- new_mutex!((), "md_judging"),
                cleaning <- new_mutex!((), "md_cleaning"),
                plan <- new_mutex!(Plan::new(), "md_plan"),
                repair <- new_mutex!(repair, "md_repair"),
                pace <- new_mutex!(Pace::new(), "md_pace"),
                scrub <- new_mutex!(Scrub::new(), "md_scrub"),
                places <- new_mutex!(Places::new(), "md_places"),
                watches <- new_mutex!(Watches::new(), "md_watches"),
                hedging: Atomic::new(0),
                lost_flush: Atomic::new(0),
            }),
            GFP_KERNEL,
        )
    }

    /// Whether another side is asked for reads that take long.
    #[inline]
    pub(crate) fn is_hedging(&self) -> bool {
        self.hedging.load(Relaxed) != 0
    }

    /// Whether what was written before may be lost although it was acknowledged: whoever asks for
    /// the next flush is told, once.
    pub(crate) fn take_lost_flush(&self) -> bool {
        self.lost_flush.load(Relaxed) != 0 && self.lost_flush.xchg(0, Full) != 0
    }

    /// From now on it is, or is not.
    pub(crate) fn set_hedging(&self, hedging: bool) {
        self.hedging.store(hedging.into(), Relaxed);
    }

    /// Begins what there is to copy, from the beginning. No errand is under way.
    pub(crate) fn begin_resync(&self, map: &SyncMap) {
        *self.plan.lock() = Plan::new();
        map.begin_resync();
    }
}

/// A mirror whose upkeep is done.
#[derive(Clone, Copy)]
pub(crate) struct Kept<'a> {
    pub(crate) body: &'a Body,
    pub(crate) shape: &'a Shape,
    pub(crate) unit: &'a dyn Mirrored,
    pub(crate) upkeep: &'a Upkeep,
    map: &'a SyncMap,
}

impl<'a> Kept<'a> {
    /// The upkeep of a metadevice; `None` if it is no mirror.
    #[inline]
    pub(crate) fn of(body: &'a Body) -> Option<Self> {
        let shape = body.shape();
        let unit = shape.unit().mirrored()?;
        Some(Self {
            body,
            shape,
            unit,
            upkeep: body.upkeep()?,
            map: unit.map(),
        })
    }

    /// What is remembered.
    #[inline]
    pub(crate) fn map(self) -> &'a SyncMap {
        self.map
    }

    /// The sides.
    pub(crate) fn sides(self) -> Sides<'a> {
        Sides::of(self.shape)
    }

    /// Judges what has failed on the sides. New states are recorded before they are in force. What
    /// fails since a disk is fenced is nobody's fault.
    pub(crate) fn judge(self) {
        if fencing::is_below(self.body) {
            return;
        }
        let _one_at_a_time = self.upkeep.judging.lock();
        let sides = self.sides();
        if self.unit.settle(&sides) {
            let is_recorded = sides.record();
            self.unit.take_effect(&sides, is_recorded);
            // What is half copied was copied between sides that are no more what they were.
            self.upkeep.plan.lock().abandon();
            self.body.database().ask_spares();
        }
    }

    /// The sides are as equal as they become: those that lack nothing any more are in service.
    pub(super) fn end_resync(self) {
        let _one_at_a_time = self.upkeep.judging.lock();
        let sides = self.sides();
        let before = self.waiting_sides();
        if self.unit.resynced(&sides) {
            // That a side is in service is in the mirror's record, how its components are in its
            // own.
            let is_recorded = sides.record_with(Some(self.body.number()));
            self.unit.take_effect(&sides, is_recorded);
            self.tell_returned(before & !self.waiting_sides());
        }
        let map = self.map();
        if map.remaining() == 0 && map.has_begun() {
            // Before it is over: then it may be the turn of another mirror, which is told as well.
            copy::tell(self, Kind::ResyncDone);
            map.finish_resync();
        }
        self.body.database().ask_spares();
    }

    /// Sides that have to be resynced as a whole, as bits.
    fn waiting_sides(self) -> u32 {
        let waits = |side: &u32| self.map().side_state(*side) == SideState::NeedsResync;
        let found = (0..self.sides().count()).filter(waits);
        found.fold(0, |found, side| found | side_bit(side))
    }

    /// Tells that sides, given as bits, are in service.
    fn tell_returned(self, sides: u32) {
        for side in (0..self.sides().count()).filter(|side| sides & side_bit(*side) != 0) {
            let number = side_body(self.shape, side).map(Body::number);
            let name = number.and_then(|number| UnitName::from_number(number).ok());
            let name = name.as_ref().map_or("", UnitName::as_str).as_bytes();
            let event = Event::of_unit(Kind::Ok, self.body.number()).device(name);
            let event = event.states(State::Resyncing, State::Okay);
            self.body.events().record(&event);
        }
    }

    /// Whether a flush of a component matters: something that was written to it may be in its
    /// cache. If its device is gone, that is lost, but where nothing is dirty there is none.
    pub(crate) fn may_lose(self, side: u32, component: &Component) -> bool {
        let map = self.map();
        !component.is_gone()
            || component.condition.decided() != State::Okay
            || map.side_state(side) != SideState::Okay
            || !map.is_all_durable()
    }

    /// Makes durable what was written to the sides: those of which it is not, as bits.
    pub(crate) fn flush_sides(self) -> u32 {
        let mut failed = 0;
        let written = self.map().written_sides();
        for side in (0..self.sides().count()).filter(|side| written & side_bit(*side) != 0) {
            for component in self.sides().components(side) {
                let is_out = !is_written(component.condition.state());
                if is_out || !self.may_lose(side, component) {
                    continue;
                }
                if component.flush().is_err() {
                    component.note_write_failed();
                    failed |= side_bit(side);
                }
            }
        }
        if failed != 0 {
            self.judge();
            if self.has_last_copy_on(failed) {
                let _ = self.upkeep.lost_flush.xchg(1, Full);
            }
        }
        failed
    }

    /// Whether one of these sides, as bits, has a component that may lack a write that nobody else
    /// has: a flush that has failed there has lost something, whatever a later one says.
    pub(crate) fn has_last_copy_on(self, sides: u32) -> bool {
        let mut these = (0..self.sides().count()).filter(|side| sides & side_bit(*side) != 0);
        these.any(|side| {
            let mut components = self.sides().components(side);
            components.any(|part| part.condition.decided() == State::LastErred)
        })
    }

    /// Sides that are being made equal to the others, as bits.
    pub(super) fn resyncing_sides(self) -> u32 {
        let is_resyncing = |side: &u32| {
            let mut components = self.sides().components(*side);
            self.map().side_state(*side) == SideState::NeedsResync
                || components.any(|part| part.condition.state() == State::Resyncing)
        };
        let found = (0..self.sides().count()).filter(is_resyncing);
        found.fold(0, |found, side| found | side_bit(side))
    }

    /// Records how the mirror is. Whether that is where it has to be.
    pub(super) fn record(self) -> bool {
        let number = core::iter::once(self.body.number());
        self.body.database().record(number).is_ok()
    }

    /// Everything is clean, if nothing is under way that has to be remembered: the mirror is about
    /// to be left.
    pub(crate) fn leave_clean(self) {
        clean::clean(self, true);
    }

    /// A scrub that is under way is interrupted, and remembered as that.
    pub(crate) fn interrupt_scrub(self) {
        scrub::interrupt(self);
    }

    /// Waits until an errand has blocks to itself. `false`: somebody waits for the errand to end.
    ///
    /// If somebody writes to one of them it gets one block after the other, and keeps those that it
    /// has for a while, or else it would wait for ever where there is always some write under way.
    /// A block may be refused because of another granule that shares its word, for long: then it
    /// begins anew, so that nobody waits for the others as long.
    pub(super) fn claim(self, errand: &Errand<'_>, sector: u64, count: u64) -> bool {
        if self.unit.claim(sector, count) {
            return true;
        }
        let (mut held, mut tries) = (0u64, 0u32);
        while let Some(left) = count.checked_sub(held).filter(|left| *left > 0) {
            let from = sector.saturating_add(held);
            let block = left_in_block(from).min(left);
            if self.unit.claim(from, block) {
                (held, tries) = (held.saturating_add(block), 0);
                continue;
            }
            tries = tries.saturating_add(1);
            if errand.is_stopping() || tries > CLAIM_TRIES {
                errand.release(sector, held);
                (held, tries) = (0, 0);
            }
            if errand.is_stopping() {
                return false;
            }
            fsleep(Delta::from_millis(CLAIM_MS));
        }
        true
    }
}

/// Whether a side lacks, on a component, what the others have at a sector.
pub(crate) fn lacks(map: &SyncMap, side: u32, component: &Component, sector: u64) -> bool {
    map.is_behind(side, sector)
        && (map.side_state(side) != SideState::Okay
            || component.condition.state() == State::Resyncing)
}

/// Carries out an errand of a mirror.
pub(crate) fn run(body: &Body, errand: &Errand<'_>) {
    let Some(kept) = Kept::of(body) else { return };
    match errand.number {
        MARK => mark::run(kept, errand),
        CLEAN => clean::run(kept, errand),
        SCRUB => scrub::run(kept, errand),
        MEND => mend::run(kept, errand),
        WATCH => watch::run(kept, errand),
        PROBE => watch::probe(kept, errand),
        HEDGE => hedge::run(kept, errand),
        _ => copy::run(kept, errand),
    }
}

/// Has everything looked at that there may be to do.
pub(crate) fn ask_all(ask: impl Fn(u32)) {
    (0..COUNT).for_each(ask);
}

/// Memory for one chunk.
pub(super) fn chunk_buffer() -> Result<Buffer> {
    let bytes = CHUNK_SECTORS.saturating_mul(SECTOR_BYTES);
    Ok(Buffer::new(usize::try_from(bytes)?)?)
}
