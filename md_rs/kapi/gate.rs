// SPDX-License-Identifier: GPL-2.0
//! The gate of a metadevice: every request is inside it from its start to its end, and while it is
//! closed none is (`DURABILITY.md` clause 21).
//!
//! Entering is a count on the CPU's own cache line, as md's `active_io`. A request that comes to a
//! closed gate is put aside (see [`super::deferred`]) and comes again when the gate is reopened.
//! A request holds the gate of the disk that it came through; nothing below a metadevice that has
//! a parent is reached but through that parent, or by who reads it through its own disk. So what
//! changes a metadevice closes its gate and those of all that stand above it. A mirror below soft
//! partitions has thousands above: requests to these are carried by the mirror's disk
//! ([`super::request::Request::carry`]) and hold its gate as well.
//!
//! C header: [`include/linux/percpu-refcount.h`](srctree/include/linux/percpu-refcount.h)

use kernel::{
    error::to_result,
    prelude::*,
    types::Opaque, //
};

use super::ffi;

/// A gate, open at first.
#[pin_data(PinnedDrop)]
pub(super) struct Gate {
    #[pin]
    gate: Opaque<ffi::MdGate>,
}

// SAFETY: A gate may be used from any thread.
unsafe impl Send for Gate {}
// SAFETY: A gate is made of a per-CPU count and a completion, which have locks of their own.
unsafe impl Sync for Gate {}

impl Gate {
    /// An open gate.
    pub(super) fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            gate <- Opaque::try_ffi_init(|gate| {
                // SAFETY: `gate` is valid for writing a gate, and pinned.
                to_result(unsafe { ffi::md_gate_init(gate) })
            }),
        }? Error)
    }

    /// Enters, unless the gate is closed. Who has entered must [`Self::exit`]. May be called in any
    /// context.
    #[inline]
    pub(super) fn try_enter(&self) -> bool {
        // SAFETY: The gate is initialised.
        unsafe { ffi::md_gate_try_enter(self.gate.get()) }
    }

    /// Enters once more, by who is inside, for as long as the answer lives. May be called in any
    /// context.
    #[inline]
    pub(super) fn enter_again(&self) -> Inside<'_> {
        // SAFETY: The gate is initialised, and the caller is inside.
        unsafe { ffi::md_gate_enter_again(self.gate.get()) };
        Inside(self)
    }

    /// Enters, if somebody is inside, even if the gate is closed to others. Who has entered must
    /// [`Self::exit`]. May be called in any context.
    pub(super) fn try_enter_while_used(&self) -> bool {
        // SAFETY: The gate is initialised.
        unsafe { ffi::md_gate_try_enter_while_used(self.gate.get()) }
    }

    /// Whether one could enter now.
    pub(super) fn is_open(&self) -> bool {
        let open = self.try_enter();
        if open {
            // SAFETY: Entered above.
            unsafe { self.exit() };
        }
        open
    }

    /// Leaves again. May be called in any context.
    ///
    /// # Safety
    ///
    /// The caller has entered, and does not leave twice.
    #[inline]
    pub(super) unsafe fn exit(&self) {
        // SAFETY: By the contract of this function.
        unsafe { ffi::md_gate_exit(self.gate.get()) };
    }

    /// Lets nobody in any more and waits until all are out. Sleeps as long as the requests take
    /// that are inside.
    ///
    /// # Safety
    ///
    /// The gate is open, and nobody else closes it before it was reopened.
    pub(super) unsafe fn close(&self) {
        // SAFETY: By the contract of this function.
        unsafe { ffi::md_gate_close(self.gate.get()) };
    }

    /// Lets everybody in again.
    ///
    /// # Safety
    ///
    /// The caller has closed the gate.
    pub(super) unsafe fn reopen(&self) {
        // SAFETY: By the contract of this function the count is zero.
        unsafe { kernel::bindings::percpu_ref_reinit(&raw mut (*self.gate.get()).inside) };
    }
}

/// Somebody who is inside a gate.
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
        unsafe { kernel::bindings::percpu_ref_exit(&raw mut (*self.gate.get()).inside) };
    }
}
