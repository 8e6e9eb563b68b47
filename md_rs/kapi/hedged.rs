// SPDX-License-Identifier: GPL-2.0
//! Reads that several sides of a mirror may be asked for, of which the first answer counts
//! ([`md_model::mirror::hedge`] has the rules).
//!
//! Each side reads into memory of our own ([`Attempt`]), which it keeps until it has answered,
//! however long that takes; the request is given what the first one brings, and ends. So an
//! attempt may outlive its request. It is inside the gate of the disk that carries the request, as
//! the request is, so that the device that it has gone to stays; and the disk does not go before
//! all attempts have come back ([`Hedges::wait`]).
//!
//! What is known of such reads is in a table with as many places as there may be of them. Clones
//! come back in interrupts, so it has a lock for those. It is made when an administrator first asks
//! for hedged reads, and stays as long as the disk.

use core::mem::offset_of;

use kernel::{
    alloc::flags::__GFP_NOWARN,
    bindings,
    prelude::*,
    sync::{
        atomic::{
            ordering::{
                Acquire,
                Full, //
            },
            Atomic, //
        },
        rcu, //
    },
    time::{
        delay::fsleep,
        Delta,
        Instant,
        Monotonic, //
    }, //
};
use md_model::mirror::{
    hedge::{
        Answer,
        Hedge,
        Outcome,
        BYTES_MAX,
        READS_MAX, //
    },
    mend, //
};

use super::{
    clone::{
        is_medium,
        BioClone,
        Target, //
    },
    completion,
    copied::Copied,
    disk_core::Core,
    errand::Errand,
    irq_lock::IrqLock,
    request::{
        carrying,
        Request, //
    }, //
};

/// How long one waits for attempts to come back before looking again, in milliseconds.
const WAIT_MS: i64 = 5;

/// The hedged reads of one disk.
pub(super) struct Hedges {
    /// Null until somebody asks for it; then it stays.
    table: Atomic<*mut Table>,
    /// Attempts that have not come back.
    attempts: Atomic<u32>,
}

/// Those that are on their way.
struct Table(IrqLock<KVec<Place>>);

/// A place in the table.
struct Place {
    /// The read that has the place.
    read: Option<Read>,
    /// How often the place was given away.
    generation: u64,
}

struct Read {
    hedge: Hedge,
    /// The request, until it is answered.
    rq: *mut bindings::request,
    /// What it reads, on the disk that carries it.
    sector: u64,
    count: u64,
    /// When a side was asked last.
    asked: Instant<Monotonic>,
}

// SAFETY: The request is used by who has taken it out of the table, on any CPU.
unsafe impl Send for Place {}

/// A read that is late, and that another side may be asked for.
pub(crate) struct Late {
    index: usize,
    generation: u64,
    /// First sector, on the disk that carries it.
    pub(crate) sector: u64,
    /// How many.
    pub(crate) count: u64,
    /// Sides that were asked, as bits.
    pub(crate) asked: u32,
}

/// A side that was asked.
#[repr(C)]
struct Attempt {
    core: *const Core,
    index: usize,
    side: u32,
    copied: KBox<Copied>,
    clone: BioClone,
}

impl Hedges {
    /// None, and no table.
    pub(super) fn new() -> Self {
        Self {
            table: Atomic::new(core::ptr::null_mut()),
            attempts: Atomic::new(0),
        }
    }

    /// Makes the table, if there is none.
    pub(super) fn make(&self) -> Result {
        if self.table().is_some() {
            return Ok(());
        }
        let mut places = KVec::with_capacity(READS_MAX, GFP_KERNEL)?;
        for _ in 0..READS_MAX {
            let empty = Place {
                read: None,
                generation: 0,
            };
            places.push(empty, GFP_KERNEL)?;
        }
        // SAFETY: It is initialised where it will stay, before anybody knows of it.
        let table = unsafe {
            let table = KBox::new(Table(IrqLock::uninit(places)), GFP_KERNEL)?;
            table.0.init();
            KBox::into_raw(table)
        };
        if self
            .table
            .cmpxchg(core::ptr::null_mut(), table, Full)
            .is_err()
        {
            // SAFETY: Nobody else has got it.
            drop(unsafe { KBox::from_raw(table) });
        }
        Ok(())
    }

    fn table(&self) -> Option<&Table> {
        // SAFETY: A table that is there stays as long as this object.
        unsafe { self.table.load(Acquire).as_ref() }
    }

    /// Waits until no side is asked any more. No requests come.
    pub(super) fn wait(&self) {
        while self.attempts.load(Acquire) != 0 {
            fsleep(Delta::from_millis(WAIT_MS));
        }
    }

    /// Whether any read is in the table.
    fn has_any(&self) -> bool {
        self.table().is_some_and(|table| {
            table
                .0
                .with(|places| places.iter().any(|p| p.read.is_some()))
        })
    }
}

impl Drop for Hedges {
    fn drop(&mut self) {
        let table = self.table.load(Acquire);
        if !table.is_null() {
            // SAFETY: It was given up by `make`, and no attempt is left that would look at it.
            drop(unsafe { KBox::from_raw(table) });
        }
    }
}

impl Table {
    /// Gives a read a place. `None`: all are taken.
    fn begin(&self, read: Read) -> Option<usize> {
        self.0.with(|places| {
            let index = places.iter().position(|place| place.read.is_none())?;
            let place = places.get_mut(index)?;
            place.read = Some(read);
            place.generation = place.generation.wrapping_add(1);
            Some(index)
        })
    }

    /// A side has answered: what that means, and the request if it is to be ended.
    fn answer(
        &self,
        index: usize,
        side: u32,
        outcome: Outcome,
    ) -> (Answer, *mut bindings::request) {
        let nothing = (Answer::Drop, core::ptr::null_mut());
        self.0.with(|places| {
            let Some(place) = places.get_mut(index) else {
                return nothing;
            };
            let Some(read) = &mut place.read else {
                return nothing;
            };
            let answer = read.hedge.answer(side, outcome);
            let rq = match answer {
                Answer::Drop => core::ptr::null_mut(),
                Answer::Deliver | Answer::Fail(_) => {
                    core::mem::replace(&mut read.rq, core::ptr::null_mut())
                }
            };
            if read.hedge.is_over() {
                place.read = None;
            }
            (answer, rq)
        })
    }

    /// The first late read whose place is `from` or comes after it.
    fn late(&self, from: usize) -> Option<Late> {
        self.0.with(|places| {
            let mut found = (0..).zip(places.iter()).skip(from);
            found.find_map(|(index, place)| {
                let read = place.read.as_ref()?;
                let waited = read.asked.elapsed().as_micros_ceil();
                let is_late = read.hedge.is_late(u64::try_from(waited).unwrap_or(0));
                is_late.then_some(Late {
                    index,
                    generation: place.generation,
                    sector: read.sector,
                    count: read.count,
                    asked: read.hedge.asked(),
                })
            })
        })
    }

    /// What a side has lost, if anybody has seen that and nobody has taken care of it.
    fn take_lost(&self) -> Option<mend::Place> {
        self.0.with(|places| {
            places.iter_mut().find_map(|place| {
                let read = place.read.as_mut()?;
                let sides = read.hedge.take_lost();
                let (sector, count) = (read.sector, read.count);
                if read.hedge.is_over() {
                    place.read = None;
                }
                (sides != 0).then_some(mend::Place {
                    sides,
                    sector,
                    count,
                })
            })
        })
    }

    /// Another side is asked for a late read, if that still waits.
    fn ask(&self, late: &Late, side: u32) -> bool {
        self.0.with(|places| {
            let place = places.get_mut(late.index);
            let place = place.filter(|place| place.generation == late.generation);
            let Some(read) = place.and_then(|place| place.read.as_mut()) else {
                return false;
            };
            read.asked = Instant::now();
            read.hedge.ask(side)
        })
    }
}

impl Attempt {
    /// Where the clone lies in this structure, in bytes.
    const CLONE: usize = offset_of!(Self, clone);

    /// How the side has answered.
    ///
    /// # Safety
    ///
    /// The clone has come back with `status`; its device and component are still there.
    unsafe fn outcome(&self, status: bindings::blk_status_t) -> Outcome {
        // SAFETY: By the contract of this function.
        unsafe {
            if status == 0 {
                Outcome::Good
            } else if self.clone.is_to_wait(status) || self.clone.note_read_failure(status) == 0 {
                Outcome::Excused
            } else if is_medium(status) {
                Outcome::Lost
            } else {
                Outcome::Failed
            }
        }
    }

    /// Memory for an attempt; `None` if there is none without waiting.
    fn new(core: &Core, bytes: u32, side: u32) -> Option<KBox<Self>> {
        let flags = GFP_NOWAIT | __GFP_NOWARN;
        let copied = Copied::for_read(bytes, flags).ok()?;
        let attempt = Self {
            core,
            index: usize::MAX,
            side,
            copied,
            clone: BioClone::unmade(),
        };
        KBox::new(attempt, flags).ok()
    }

    /// An attempt that was counted with a disk, and has entered its gate, is over, or will not be
    /// made.
    ///
    /// # Safety
    ///
    /// Nobody uses the disk on account of it any more.
    unsafe fn leave(core: &Core) {
        // SAFETY: By the contract of this function. The count comes last: then the disk may go.
        unsafe { core.gate().exit() };
        let _ = core.hedges().attempts.fetch_sub(1, Full);
    }

    /// Sends it. The place in the table knows of it.
    ///
    /// # Safety
    ///
    /// It is counted, and has entered the gate of the disk ([`Self::leave`]); what `target` leads
    /// to stays as long as somebody is inside; `nowait` if the device may not let anybody wait.
    unsafe fn send(mut this: KBox<Self>, index: usize, target: &Target<'_>, nowait: bool) {
        this.index = index;
        let this = KBox::into_raw(this);
        // SAFETY: The attempt is ours until it is submitted, and stays until it has come back.
        unsafe {
            let data = (*this).copied.bio();
            let clone = &raw mut (*this).clone;
            BioClone::submit_alone(clone, data, target, nowait, done);
        }
    }
}

/// End of the clone of an attempt. Called in any context.
///
/// # Safety
///
/// Called by the block layer, with the clone of an [`Attempt`] that was sent.
unsafe extern "C" fn done(bio: *mut bindings::bio) {
    // From its last touch on, the disk may go; that waits for this section.
    let _guard = rcu::read_lock();
    // SAFETY: By the contract of this function. The attempt was given up when it was sent; the disk
    // and its table stay while it is counted.
    unsafe {
        let clone = BioClone::of(bio);
        let attempt = KBox::from_raw(clone.wrapping_byte_sub(Attempt::CLONE).cast::<Attempt>());
        let core = &*attempt.core;
        let status = (*bio).bi_status;
        let outcome = attempt.outcome(status);
        bindings::bio_uninit(bio);
        if let Some(table) = core.hedges().table() {
            match table.answer(attempt.index, attempt.side, outcome) {
                (Answer::Deliver, rq) if !rq.is_null() => {
                    attempt.copied.give(rq);
                    completion::finish(rq, 0);
                }
                (Answer::Fail(failed), rq) if !rq.is_null() => {
                    completion::hedge_failed(rq, status, failed);
                }
                _ => {}
            }
        }
        drop(attempt);
        Attempt::leave(core);
    }
}

impl Request {
    /// Sends the request, a read that lies in one piece, to a side, so that another one may be
    /// asked as well. It ends with the first answer; if there is none, it comes to the engine as
    /// one that has failed. `Err`: there is no place or no memory for that, and it is as it was.
    pub(crate) fn hedge(self, target: &Target<'_>, side: u32) -> Result<(), Self> {
        let (sector, count) = (self.sector(), self.sectors());
        let bytes = u32::try_from(count << 9).unwrap_or(u32::MAX);
        let nowait = self.is_nowait();
        // SAFETY: By its type the request is not ended, so that the disk stays.
        let core = unsafe { carrying(self.as_raw()) };
        let (Some(table), true) = (core.hedges().table(), bytes <= BYTES_MAX) else {
            return Err(self);
        };
        let Some(attempt) = Attempt::new(core, bytes, side) else {
            return Err(self);
        };
        let read = Read {
            hedge: Hedge::of(side),
            rq: self.as_raw(),
            sector,
            count,
            asked: Instant::now(),
        };
        // First of all: from the table on another side may be asked and answer, and the request
        // end, before this one is.
        let _ = core.hedges().attempts.fetch_add(1, Full);
        core::mem::forget(core.gate().enter_again());
        let Some(index) = table.begin(read) else {
            // SAFETY: Counted and entered just now; the request is inside as well.
            unsafe { Attempt::leave(core) };
            return Err(self);
        };
        // The table has it now.
        let _ = self.into_raw();
        // SAFETY: Counted and entered above.
        unsafe { Attempt::send(attempt, index, target, nowait) };
        Ok(())
    }
}

impl Errand<'_> {
    /// The first late read from number `from` on, and the number to go on with.
    pub(crate) fn late_read(&self, from: usize) -> Option<(Late, usize)> {
        let late = self.core().hedges().table()?.late(from)?;
        let next = late.index.saturating_add(1);
        Some((late, next))
    }

    /// Something that a side has lost, as it has answered to a read that another one may have
    /// answered. Nobody else gets to know of it.
    pub(crate) fn lost_read(&self) -> Option<mend::Place> {
        self.core().hedges().table()?.take_lost()
    }

    /// Asks another side for a late read, if that still waits, and if there is memory for it.
    pub(crate) fn ask_side(&self, late: &Late, target: &Target<'_>, side: u32) {
        let core = self.core();
        let bytes = u32::try_from(late.count << 9).unwrap_or(u32::MAX);
        let Some(table) = core.hedges().table() else {
            return;
        };
        let Some(attempt) = Attempt::new(core, bytes, side) else {
            return;
        };
        // If there is nobody left inside, neither is the read. Somebody may wait for that.
        if !core.gate().try_enter_while_used() {
            return;
        }
        let _ = core.hedges().attempts.fetch_add(1, Full);
        // SAFETY: Entered and counted just now.
        unsafe {
            if table.ask(late, side) {
                Attempt::send(attempt, late.index, target, false);
            } else {
                Attempt::leave(core);
            }
        }
    }

    /// Whether any read may become late, or bring something that is to be mended.
    pub(crate) fn has_hedged(&self) -> bool {
        self.core().hedges().has_any()
    }
}
