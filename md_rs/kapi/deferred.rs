// SPDX-License-Identifier: GPL-2.0
//! Requests that a worker carries out, because whoever brought them must not sleep or cannot go on.
//!
//! There are two lists.
//!
//! *Ready*: requests that are dispatched by kblockd, which has a single rescuer (if we slept there
//! for a lower device's tags, which only kblockd gives back, nothing would ever move again), apart
//! from flushes, which kblockd sends with `REQ_NOWAIT`; requests with `REQ_NOWAIT` that a lower
//! device did not take (their caller goes on, and the worker waits in its place); and requests that
//! have come back with an error that the engine has to judge, or of which only a part has been
//! sent.
//!
//! *Waiting*: requests that must wait for an event: a closed gate, or another write to the same
//! blocks. Who brings the event about calls [`Deferred::wake`] after it; who waits looks again
//! after it has joined the list. Both are fully ordered, so that one of them sees the other.
//!
//! Each disk has a workqueue of its own, with a rescuer, so that no metadevice's worker waits
//! behind another's.

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
    ready: Stack,
    waiting: Stack,
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
            ready: Stack::new(),
            waiting: Stack::new(),
            work <- Work::new(worker, false),
        }? Error)
    }

    /// Leaves a request to the worker. May be called in any context.
    pub(super) fn push(&self, request: Request) {
        // From the push on a worker that is running may end the request, and with the last one the
        // disk may go. `drop` waits for this section.
        let _guard = rcu::read_lock();
        self.ready.push(request);
        self.queue.queue(&self.work);
    }

    /// Puts a request aside until [`Self::wake`]. `may_go` tells whether what it waits for has come
    /// about already; it is asked after the request has joined the list. May be called in any
    /// context.
    pub(super) fn wait(&self, request: Request, may_go: impl FnOnce() -> bool) {
        // As in `push`.
        let _guard = rcu::read_lock();
        self.waiting.push(request);
        if may_go() {
            self.queue.queue(&self.work);
        }
    }

    /// Lets the requests that were put aside try again. May be called in any context, by who knows
    /// that the disk stays.
    #[inline]
    pub(super) fn wake(&self) {
        if !self.waiting.is_empty() {
            self.queue.queue(&self.work);
        }
    }

    /// The same, by who has not made sure of the order of its event and a look at the list.
    pub(super) fn kick(&self) {
        self.queue.queue(&self.work);
    }

    /// Waits for the worker, if it is at work.
    pub(super) fn flush(&self) {
        self.queue.flush();
    }

    /// Takes all requests, each list the oldest first.
    pub(super) fn take(&self) -> impl Iterator<Item = Request> {
        Iterator::chain(self.ready.take(), self.waiting.take())
    }
}

#[pinned_drop]
impl PinnedDrop for Deferred {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: May be called where sleeping is allowed, which it is where disks are freed.
        unsafe { bindings::synchronize_rcu() };
    }
}

/// Requests, the one that came last on top; each links to the one before. A stack, since requests
/// come in any context, and this needs no lock.
struct Stack(Atomic<*mut bindings::request>);

impl Stack {
    fn new() -> Self {
        Self(Atomic::new(core::ptr::null_mut()))
    }

    fn is_empty(&self) -> bool {
        self.0.load(Relaxed).is_null()
    }

    fn push(&self, request: Request) {
        let rq = request.into_raw();
        let mut last = self.0.load(Relaxed);
        loop {
            // SAFETY: The request was ours, and belongs to who takes it from the exchange on.
            unsafe { request::set_next(rq, last) };
            match self.0.cmpxchg(last, rq, Full) {
                Ok(_) => break,
                Err(now) => last = now,
            }
        }
    }

    /// Takes all requests, the oldest first.
    fn take(&self) -> Taken {
        let mut last = self.0.xchg(core::ptr::null_mut(), Full);
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

/// Iterator over requests that were deferred.
struct Taken(*mut bindings::request);

impl Iterator for Taken {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        if self.0.is_null() {
            return None;
        }
        // SAFETY: The request was given up by `Stack::push`, and comes out of the list once.
        unsafe {
            let next = request::next(self.0);
            let request = Request::from_raw(self.0);
            self.0 = next;
            Some(request)
        }
    }
}
