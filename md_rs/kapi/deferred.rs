// SPDX-License-Identifier: GPL-2.0
//! Requests that a worker carries out, because whoever brought them must not sleep.
//!
//! There are two kinds. A request that is dispatched by kblockd, which has a single rescuer: if we
//! slept there for a lower device's tags, which only kblockd gives back, nothing would ever move
//! again. And a request with `REQ_NOWAIT` that a lower device did not take: its caller goes on, and
//! the worker waits in its place. Each disk has a workqueue of its own, with a rescuer, so that no
//! metadevice's worker waits behind another's.

use core::mem::offset_of;

use kernel::{
    bindings,
    prelude::*,
    sync::{
        atomic::{
            ordering::{
                Full,
                Relaxed, //
            },
            Atomic, //
        },
        rcu, //
    }, //
};

use super::{
    request::{
        self,
        Request, //
    },
    workqueue::{
        Function,
        Work,
        WorkQueue, //
    },
};

/// The requests of one disk that wait for its worker.
#[pin_data(PinnedDrop)]
pub(super) struct Deferred {
    // Dropped before the work item: it waits for the worker.
    queue: WorkQueue,
    /// The request that was deferred last; it links to the one before. A stack, since requests are
    /// deferred in any context, and this needs no lock.
    last: Atomic<*mut bindings::request>,
    #[pin]
    work: Work,
}

impl Deferred {
    /// Where the work item lies in this structure, in bytes.
    pub(super) const WORK: usize = offset_of!(Self, work);

    /// No requests. `worker` is called in task context when there are some.
    pub(super) fn new(name: &CStr, worker: Function) -> impl PinInit<Self, Error> + use<'_> {
        try_pin_init!(Self {
            queue: WorkQueue::new(name)?,
            last: Atomic::new(core::ptr::null_mut()),
            work <- Work::new(worker),
        }? Error)
    }

    /// Leaves a request to the worker. May be called in any context.
    pub(super) fn push(&self, request: Request) {
        let rq = request.into_raw();
        // From the exchange on a worker that is running may end the request, and with the last one
        // the disk may go. `drop` waits for this section.
        let _guard = rcu::read_lock();
        let mut last = self.last.load(Relaxed);
        loop {
            // SAFETY: The request was ours, and is the worker's from the exchange on.
            unsafe { request::set_next(rq, last) };
            match self.last.cmpxchg(last, rq, Full) {
                Ok(_) => break,
                Err(now) => last = now,
            }
        }
        self.queue.queue(&self.work);
    }

    /// Takes all requests, the oldest first.
    pub(super) fn take(&self) -> Taken {
        let mut last = self.last.xchg(core::ptr::null_mut(), Full);
        let mut oldest = core::ptr::null_mut();
        while !last.is_null() {
            // SAFETY: The list is ours alone since the exchange.
            unsafe {
                let before = request::next(last);
                request::set_next(last, oldest);
                oldest = last;
                last = before;
            }
        }
        Taken(oldest)
    }
}

#[pinned_drop]
impl PinnedDrop for Deferred {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: May be called where sleeping is allowed, which it is where disks are freed.
        unsafe { bindings::synchronize_rcu() };
    }
}

/// Iterator over requests that were deferred.
pub(super) struct Taken(*mut bindings::request);

impl Iterator for Taken {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        if self.0.is_null() {
            return None;
        }
        // SAFETY: The request was given up by `Deferred::push`, and comes out of the list once.
        unsafe {
            let next = request::next(self.0);
            let request = Request::from_raw(self.0);
            self.0 = next;
            Some(request)
        }
    }
}
