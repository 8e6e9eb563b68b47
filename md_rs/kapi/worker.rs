// SPDX-License-Identifier: GPL-2.0
//! A worker of its own for something that may take as long as it likes: it has a workqueue, and so
//! a rescuer, to itself.

use kernel::{
    bindings,
    prelude::*, //
};

use super::{
    noio::NoIo,
    workqueue::{
        Work,
        WorkQueue, //
    }, //
};

/// What a worker does.
pub(crate) trait Run: Send + Sync + 'static {
    /// Whether it takes locks under which other workers are waited for.
    const IS_OUTERMOST: bool = false;

    /// Does what there is to do. In task context; may sleep, but waits for no I/O when it looks for
    /// memory, since requests may wait for it. Never called twice at the same time.
    fn run(&self);
}

/// A worker, and what it works for.
#[pin_data]
pub(crate) struct Worker<T: Run> {
    // Dropped first: that waits for the run that is on its way.
    queue: WorkQueue,
    #[pin]
    work: Work,
    #[pin]
    target: T,
}

impl<T: Run> Worker<T> {
    /// A worker that has nothing to do yet. The name is that of its kernel thread.
    pub(crate) fn new<'a>(
        name: &'a CStr,
        target: impl PinInit<T, Error> + 'a,
    ) -> impl PinInit<Self, Error> + 'a {
        try_pin_init!(Self {
            queue: WorkQueue::new(name)?,
            work <- Work::new(Self::work, T::IS_OUTERMOST),
            target <- target,
        }? Error)
    }

    /// Has it run, once more after a run that has begun.
    pub(crate) fn kick(&self) {
        self.queue.queue(&self.work);
    }

    /// What it works for.
    pub(crate) fn target(&self) -> &T {
        &self.target
    }

    /// Called by the workqueue.
    ///
    /// # Safety
    ///
    /// The item is that of a [`Worker<T>`].
    unsafe extern "C" fn work(work: *mut bindings::work_struct) {
        // SAFETY: By the contract of this function; `Work` is nothing but the work item. The worker
        // is there: dropping it waits for this run.
        let worker = unsafe { &*kernel::container_of!(work.cast::<Work>(), Self, work) };
        let _noio = NoIo::begin();
        worker.target.run();
    }
}
