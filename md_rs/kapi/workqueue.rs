// SPDX-License-Identifier: GPL-2.0
//! Workqueues of our own.
//!
//! C header: [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h)

use kernel::{
    bindings,
    prelude::*,
    types::Opaque, //
};

use super::ffi;

/// What a workqueue calls, in task context.
pub(super) type Function = unsafe extern "C" fn(*mut bindings::work_struct);

/// A workqueue that makes progress however little memory there is: it has a rescuer.
///
/// # Invariants
///
/// The pointer is a workqueue that this object owns.
pub(super) struct WorkQueue(*mut bindings::workqueue_struct);

// SAFETY: A workqueue may be used from any thread.
unsafe impl Send for WorkQueue {}
// SAFETY: A workqueue has locks of its own.
unsafe impl Sync for WorkQueue {}

impl WorkQueue {
    /// Makes a workqueue that carries out one item at a time; its rescuer, a kernel thread, has the
    /// name.
    pub(super) fn new(name: &CStr) -> Result<Self> {
        Self::with_many(name, 1)
    }

    /// The same, with so many items at a time.
    pub(super) fn with_many(name: &CStr, at_once: c_int) -> Result<Self> {
        // SAFETY: The name is zero-terminated, and copied by the call.
        let queue = unsafe { ffi::md_alloc_workqueue(name.as_char_ptr(), at_once) };
        if queue.is_null() {
            return Err(ENOMEM);
        }
        // INVARIANT: The workqueue was just made.
        Ok(Self(queue))
    }

    /// Has an item carried out, once however often it is queued before it begins. May be called in
    /// any context.
    pub(super) fn queue(&self, work: &Work) {
        let cpu = bindings::wq_misc_consts_WORK_CPU_UNBOUND as c_int;
        // SAFETY: The item is initialised, and its owner keeps it until this queue is destroyed.
        unsafe { bindings::queue_work_on(cpu, self.0, work.0.get()) };
    }

    /// Waits for the items that were queued before. Sleeps.
    pub(super) fn flush(&self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::__flush_workqueue(self.0) };
    }

    /// Has an item carried out after so many milliseconds, or sooner if it is queued for sooner.
    /// May be called in any context.
    pub(super) fn queue_delayed(&self, work: &DelayedWork, ms: u32) {
        // SAFETY: As in `queue`; the item is stopped before this queue is destroyed.
        unsafe { ffi::md_queue_delayed(self.0, work.0.get(), ms) };
    }
}

impl Drop for WorkQueue {
    fn drop(&mut self) {
        // SAFETY: By the type invariant. Waits for the items that are on the way.
        unsafe { bindings::destroy_workqueue(self.0) };
    }
}

/// A work item.
#[repr(transparent)]
pub(super) struct Work(Opaque<bindings::work_struct>);

// SAFETY: A work item may be queued and carried out by any thread.
unsafe impl Send for Work {}
// SAFETY: As above.
unsafe impl Sync for Work {}

impl Work {
    /// An item that is carried out by `function`, which is given the item's address.
    /// `is_outermost`: it takes locks under which others are waited for.
    pub(super) fn new(function: Function, is_outermost: bool) -> impl PinInit<Self> {
        // SAFETY: The closure initialises all of the item, in place.
        unsafe {
            pin_init::pin_init_from_closure(move |this: *mut Self| {
                ffi::md_init_work(Opaque::cast_into(this.cast()), function, is_outermost);
                Ok(())
            })
        }
    }
}

/// A work item that can be queued for later, and be stopped.
#[repr(transparent)]
pub(super) struct DelayedWork(Opaque<bindings::delayed_work>);

// SAFETY: A work item may be queued and carried out by any thread.
unsafe impl Send for DelayedWork {}
// SAFETY: As above.
unsafe impl Sync for DelayedWork {}

impl DelayedWork {
    /// An item that is carried out by `function`, which is given the item's address.
    pub(super) fn new(function: Function) -> impl PinInit<Self> {
        // SAFETY: The closure initialises all of the item, in place.
        unsafe {
            pin_init::pin_init_from_closure(move |this: *mut Self| {
                ffi::md_init_delayed_work(Opaque::cast_into(this.cast()), function);
                Ok(())
            })
        }
    }

    /// Sees to it that the item is not carried out any more, and waits for a run that is under way.
    /// Whoever queues it meanwhile does so in vain. To be undone by as many [`Self::resume`].
    pub(super) fn stop(&self) {
        // SAFETY: The item is initialised.
        unsafe { bindings::disable_delayed_work_sync(self.0.get()) };
    }

    /// Undoes [`Self::stop`].
    pub(super) fn resume(&self) {
        // SAFETY: As above.
        unsafe { bindings::enable_delayed_work(self.0.get()) };
    }
}
