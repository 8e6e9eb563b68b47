// SPDX-License-Identifier: GPL-2.0
//! The gate of a metadevice: every request is inside it from its start to its end, and while it is
//! closed none is (`DURABILITY.md` clause 21).
//!
//! A request says in its own memory what it is inside of ([`Place`]), and counts nothing: entering
//! is one exchange there and a look at whether the gate is closed, leaving is one store; with one
//! exchange it enters two gates. Who closes
//! a gate says so first, and then looks at the places of all requests until none names the gate.
//! Both are fully ordered, so that one of them sees the other. The block layer says which requests
//! there are when it makes them and gives them up; a [`Roster`] lists them.
//!
//! A request that comes to a closed gate is put aside (see [`super::deferred`]) and comes again
//! when the gate is reopened. A request is inside the gate of the disk that it came through;
//! nothing below a metadevice that has a parent is reached but through that parent, or by who reads
//! it through its own disk. So what changes a metadevice closes its gate and those of all that
//! stand above it. A mirror below soft partitions has thousands above: requests to these are
//! carried by the mirror's disk ([`super::request::Request::carry`]) and are inside its gate as
//! well. So its roster lists them, too.
//!
//! Others than requests are counted: hedged reads, and who goes on after his request may have
//! ended.
//!
//! C headers: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h),
//! [`include/linux/percpu-refcount.h`](srctree/include/linux/percpu-refcount.h)

use core::cell::Cell;

use kernel::{
    error::to_result,
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            ordering::{
                Acquire,
                Full,
                Release, //
            },
            Atomic, //
        },
        Arc,
        Mutex, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
    types::Opaque, //
};

use super::{
    ffi,
    inlined::Inlined, //
};

/// How long who closes a gate waits before he looks again, in microseconds: at first, and at most.
const NAP_US: i64 = 50;
const NAP_US_MAX: i64 = 2000;

/// A gate, open at first.
#[pin_data(PinnedDrop)]
pub(super) struct Gate {
    is_closed: Atomic<u32>,
    roster: Arc<Roster>,
    /// Those who are inside and no requests.
    #[pin]
    others: Opaque<ffi::MdGate>,
}

// SAFETY: A gate may be used from any thread.
unsafe impl Send for Gate {}
// SAFETY: A gate is made of atomics, a per-CPU count and a completion, which have locks of their
// own.
unsafe impl Sync for Gate {}

impl Gate {
    /// An open gate. Only requests of the roster, and those that it carries, may enter.
    pub(super) fn new(roster: Arc<Roster>) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            is_closed: Atomic::new(0),
            roster,
            others <- Opaque::try_ffi_init(|gate| {
                // SAFETY: `gate` is valid for writing a gate, and pinned.
                to_result(unsafe { ffi::md_gate_init(gate) })
            }),
        }? Error)
    }

    /// The requests that may enter.
    pub(super) fn roster(&self) -> &Arc<Roster> {
        &self.roster
    }

    fn address(&self) -> *mut Gate {
        core::ptr::from_ref(self).cast_mut()
    }

    /// Enters with the place of a request of the roster, unless the gate is closed. Who has entered
    /// must [`Place::leave`]. May be called in any context.
    #[inline]
    pub(super) fn try_enter(&self, place: &Place) -> bool {
        // Ordered before the look.
        let _ = place.gate.xchg(self.address(), Full);
        if self.is_open() {
            return true;
        }
        place.leave();
        false
    }

    /// Enters with a request of the roster, unless the gate is closed, and at the same time the
    /// gate of the disk that carries it, unless that one is closed. May be called in any context.
    #[inline]
    pub(super) fn try_enter_with(&self, entry: &Entry, carrier: &Gate) -> Entered {
        // The exchange orders both before the looks.
        entry.carrier.gate.write(carrier.address());
        let _ = entry.own.gate.xchg(self.address(), Full);
        let entered = match (self.is_open(), carrier.is_open()) {
            (true, true) => return Entered::Both,
            (true, false) => Entered::Own,
            (false, _) => Entered::Nothing,
        };
        entry.carrier.leave();
        if entered == Entered::Nothing {
            entry.own.leave();
        }
        entered
    }

    /// Enters without a request, by who has a request that is inside, for as long as the answer
    /// lives. May be called in any context.
    #[inline]
    pub(super) fn enter_again(&self) -> Inside<'_> {
        // SAFETY: The gate is initialised. As long as the caller's request names it, nobody who
        // closes it has come to the count.
        unsafe { ffi::md_gate_enter_again(self.others.get()) };
        Inside(self)
    }

    /// The same without a request, unless all requests have left and who closes the gate has found
    /// no others either. Who has entered must [`Self::exit`]. May be called in any context.
    pub(super) fn try_enter_while_used(&self) -> bool {
        // SAFETY: The gate is initialised.
        unsafe { ffi::md_gate_try_enter_while_used(self.others.get()) }
    }

    /// Whether one could enter now. Who has joined a list that [`Self::reopen`]'s caller looks at
    /// afterwards may ask this.
    #[inline]
    pub(super) fn is_open(&self) -> bool {
        // What was changed while it was closed is seen from here on.
        self.is_closed.read_acquire() == 0
    }

    /// Leaves again, without a request. May be called in any context.
    ///
    /// # Safety
    ///
    /// The caller has entered so, and does not leave twice.
    #[inline]
    pub(super) unsafe fn exit(&self) {
        // SAFETY: By the contract of this function.
        unsafe { ffi::md_gate_exit(self.others.get()) };
    }

    /// Lets nobody in any more and waits until all are out. Sleeps as long as the requests take
    /// that are inside.
    ///
    /// # Safety
    ///
    /// The gate is open, and nobody else closes it before it was reopened.
    pub(super) unsafe fn close(&self) {
        // Ordered before the looks.
        let _ = self.is_closed.xchg(1, Full);
        let mut nap = NAP_US;
        while self.roster.names(self.address()) {
            fsleep(Delta::from_micros(nap));
            nap = nap.saturating_mul(2).min(NAP_US_MAX);
        }
        // Requests do not bring others in any more.
        // SAFETY: By the contract of this function.
        unsafe { ffi::md_gate_close(self.others.get()) };
    }

    /// Lets everybody in again.
    ///
    /// # Safety
    ///
    /// The caller has closed the gate.
    pub(super) unsafe fn reopen(&self) {
        // SAFETY: By the contract of this function the count is zero.
        unsafe { kernel::bindings::percpu_ref_reinit(&raw mut (*self.others.get()).inside) };
        self.is_closed.store(0, Release);
    }
}

/// Where a request has entered that another disk is to carry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Entered {
    /// Nowhere.
    Nothing,
    /// Its own disk's gate.
    Own,
    /// Both gates.
    Both,
}

/// Somebody who is inside a gate, and no request.
pub(crate) struct Inside<'a>(&'a Gate);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        // SAFETY: Entered by `Gate::enter_again`.
        unsafe { self.0.exit() };
    }
}

#[pinned_drop]
impl PinnedDrop for Gate {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: The gate is initialised, and nobody is inside: requests hold the disk.
        unsafe { kernel::bindings::percpu_ref_exit(&raw mut (*self.others.get()).inside) };
    }
}

/// A gate that a request is inside of, null for none, and the next and the one before on a list of
/// such. Only the gate's address is of account.
pub(super) struct Place {
    gate: Atomic<*mut Gate>,
    next: Cell<*const Place>,
    before: Cell<*const Place>,
}

impl Place {
    /// Leaves the gate. May be called in any context; the gate may be gone from then on.
    #[inline]
    pub(super) fn leave(&self) {
        self.gate.write_release(core::ptr::null_mut());
    }
}

/// What a request is inside of, in its memory. All zeroes is no gate, on no roster.
pub(super) struct Entry {
    /// The gate of its own disk.
    pub(super) own: Place,
    /// That of the disk which carries it.
    pub(super) carrier: Place,
}

/// The requests that may be inside the gate of a disk.
#[pin_data]
pub(super) struct Roster {
    /// Those that there are of the disk.
    #[pin]
    own: Mutex<Places>,
    /// Those of all disks above, which it carries.
    #[pin]
    carried: Mutex<Places>,
    /// The roster of the disk that carries its requests, if there is one.
    carrier: Option<Arc<Roster>>,
}

impl Roster {
    /// A roster without requests.
    pub(super) fn new(carrier: Option<Arc<Roster>>) -> impl PinInit<Self> {
        pin_init!(Self {
            own <- new_mutex!(Places::NONE),
            carried <- new_mutex!(Places::NONE),
            carrier,
        })
    }

    /// Adds a request that was just made. May sleep.
    ///
    /// # Safety
    ///
    /// The entry is on no roster, and stays where it is until it was removed.
    pub(super) unsafe fn add(&self, entry: &Entry) {
        // SAFETY: By the contract of this function.
        unsafe { self.own.lock().add(&entry.own) };
        if let Some(carrier) = &self.carrier {
            // SAFETY: As above.
            unsafe { carrier.carried.lock().add(&entry.carrier) };
        }
    }

    /// Removes a request that is about to be given up. May sleep.
    ///
    /// # Safety
    ///
    /// The entry is on this roster.
    pub(super) unsafe fn remove(&self, entry: &Entry) {
        // SAFETY: By the contract of this function.
        unsafe { self.own.lock().remove(&entry.own) };
        if let Some(carrier) = &self.carrier {
            // SAFETY: As above.
            unsafe { carrier.carried.lock().remove(&entry.carrier) };
        }
    }

    /// Whether a request is inside a gate.
    fn names(&self, gate: *mut Gate) -> bool {
        self.own.lock().name(gate) || self.carried.lock().name(gate)
    }
}

/// A list of places: the first one, or null. It is as long as there are requests.
struct Places(*const Place);

// SAFETY: The list is reached through a mutex only.
unsafe impl Send for Places {}

impl Places {
    const NONE: Self = Self(core::ptr::null());

    /// # Safety
    ///
    /// The place is on no list, and stays where it is until it was removed.
    unsafe fn add(&mut self, place: &Place) {
        place.before.set(core::ptr::null());
        place.next.set(self.0);
        // SAFETY: What is on the list is there.
        if let Some(next) = unsafe { self.0.as_ref() } {
            next.before.set(place);
        }
        self.0 = place;
    }

    /// # Safety
    ///
    /// The place is on this list.
    unsafe fn remove(&mut self, place: &Place) {
        let (before, next) = (place.before.get(), place.next.get());
        // SAFETY: What is on the list is there.
        let (at_before, at_next) = unsafe { (before.as_ref(), next.as_ref()) };
        match at_before {
            Some(before) => before.next.set(next),
            None => self.0 = next,
        }
        if let Some(next) = at_next {
            next.before.set(before);
        }
    }

    fn name(&self, gate: *mut Gate) -> bool {
        let mut at = self.0;
        // SAFETY: What is on the list is there.
        while let Some(place) = unsafe { at.as_ref() } {
            if place.gate.load(Acquire) == gate {
                return true;
            }
            at = place.next.get();
        }
        false
    }
}
