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

/// A workqueue that makes progress however little memory there is: it has a rescuer. It carries out
/// one item at a time.
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
    /// Makes a workqueue; its rescuer, a kernel thread, has the name.
    pub(super) fn new(name: &CStr) -> Result<Self> {
        // SAFETY: The name is zero-terminated, and copied by the call.
        let queue = unsafe { ffi::md_alloc_workqueue(name.as_char_ptr()) };
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
    pub(super) fn new(function: Function) -> impl PinInit<Self> {
        // SAFETY: The closure initialises all of the item, in place.
        unsafe {
            pin_init::pin_init_from_closure(move |this: *mut Self| {
                ffi::md_init_work(Opaque::cast_into(this.cast()), function);
                Ok(())
            })
        }
    }
}
