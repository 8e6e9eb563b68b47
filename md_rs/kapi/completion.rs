// SPDX-License-Identifier: GPL-2.0
//! What becomes of a request when its clones come back.
//!
//! If all is well it ends. Else it is tried again where that is allowed, or goes to the engine if
//! that wants to judge what has failed, or ends: each bio with the error of its own clones.
//!
//! Everything here runs in any context, interrupts included.

use kernel::{
    bindings,
    prelude::*,
    sync::atomic::{
        ordering::{
            Full,
            Relaxed, //
        },
        Atomic, //
    }, //
};

use super::{
    clone::{
        self,
        BioClone, //
    },
    inlined::Inlined,
    request::{
        carrying,
        flag,
        is_flush,
        is_nowait,
        private,
        Request,
        Stage,
        REQ_NOWAIT, //
    }, //
};

/// End of the clone of [`Request::forward`]. Called in any context.
///
/// # Safety
///
/// Called by the block layer, with a clone made by `forward`.
pub(super) unsafe extern "C" fn forward_done(bio: *mut bindings::bio) {
    // SAFETY: `BioClone::submit` left the request there. The clone is the request's own: it has to
    // be taken down before the request is ended, since its memory then serves the tag's next
    // request.
    unsafe {
        let rq = (*bio).bi_private.cast();
        let status = (*bio).bi_status;
        bindings::bio_uninit(bio);
        if status == 0 {
            finish(rq, 0);
        } else {
            forward_failed(rq, BioClone::of(bio), status);
        }
    }
}

/// The clone of [`Request::forward`] has failed.
///
/// # Safety
///
/// The clone has come back for the request, which is not ended, and not used any more.
#[cold]
unsafe fn forward_failed(
    rq: *mut bindings::request,
    clone: *mut BioClone,
    status: bindings::blk_status_t,
) {
    // SAFETY: By the contract of this function.
    unsafe {
        if may_try_again(rq, status) {
            return;
        }
        let side = BioClone::note_failure(clone, rq, status);
        (*private(rq)).status.store(status.into(), Relaxed);
        (*private(rq)).failed_sides.store(side, Relaxed);
        if !goes_to_engine(rq, Stage::Failed, flag::SUPERVISED) {
            finish(rq, status);
        }
    }
}

/// End of a clone of [`super::fan_out`]. Called in any context.
///
/// # Safety
///
/// Called by the block layer, with a clone made by [`super::fan_out`].
pub(super) unsafe extern "C" fn fan_out_done(bio: *mut bindings::bio) {
    // SAFETY: `BioClone::submit` left the request there, and the clone still counts in its
    // `remaining`.
    unsafe {
        let rq: *mut bindings::request = (*bio).bi_private.cast();
        let status = (*bio).bi_status;
        if status != 0 {
            note_status(rq, status);
            if !is_again(rq, status) {
                let side = BioClone::note_failure(BioClone::of(bio), rq, status);
                add_bits(&(*private(rq)).failed_sides, side);
            }
        }
        BioClone::put(bio);
        put_remaining(rq);
    }
}

/// No side could answer a read that was hedged: the last one failed with `status`, and those in
/// `failed`, as bits, are to blame.
///
/// # Safety
///
/// The request is started, and no clone of it is in flight.
#[cold]
pub(super) unsafe fn hedge_failed(
    rq: *mut bindings::request,
    status: bindings::blk_status_t,
    failed: u32,
) {
    // SAFETY: By the contract of this function; the bios are the request's.
    unsafe {
        if may_try_again(rq, status) {
            return;
        }
        let mut bio = (*rq).bio;
        while !bio.is_null() {
            (*bio).bi_status = status;
            bio = (*bio).bi_next;
        }
        (*private(rq)).status.store(status.into(), Relaxed);
        (*private(rq)).failed_sides.store(failed, Relaxed);
        if !goes_to_engine(rq, Stage::Failed, flag::SUPERVISED) {
            finish(rq, status);
        }
    }
}

/// Sets bits in a number that others may change at the same time.
fn add_bits(number: &Atomic<u32>, bits: u32) {
    let mut old = number.load(Relaxed);
    while let Err(now) = number.cmpxchg(old, old | bits, Full) {
        old = now;
    }
}

/// Keeps the first error of a request. That it has to be tried again goes before any other; but a
/// flush that has failed must not be forgotten over another try, which may find that all is well
/// although the device has lost what was to be flushed (`DURABILITY.md` clause 8).
pub(super) fn note_status(rq: *mut bindings::request, status: bindings::blk_status_t) {
    // SAFETY: The caller holds a count of the request, so it is not ended.
    let private = unsafe { &*private(rq) };
    if is_again(rq, status) != is_flush(rq) {
        private.status.store(status.into(), Relaxed);
    } else {
        let _ = private.status.cmpxchg(0, status.into(), Relaxed);
    }
}

/// Gives back one count of a request's `remaining`, and ends the request with the last.
///
/// # Safety
///
/// The caller holds a count and does not use the request any more.
pub(super) unsafe fn put_remaining(rq: *mut bindings::request) {
    // SAFETY: By the contract of this function the request is not ended yet.
    unsafe {
        let private = &*private(rq);
        if private.remaining.fetch_sub(1, Full) != 1 {
            return;
        }
        let status = private.status.read() as bindings::blk_status_t;
        if status != 0 {
            end_failed(rq, status);
        } else if private.flags.get() & flag::UNFINISHED == 0 {
            finish(rq, 0);
        } else {
            goes_to_engine(rq, Stage::Unfinished, flag::UNFINISHED);
        }
    }
}

/// A request whose clones are back, one of which has failed.
///
/// # Safety
///
/// The request is started, and no clone of it is in flight.
#[cold]
unsafe fn end_failed(rq: *mut bindings::request, status: bindings::blk_status_t) {
    // SAFETY: By the contract of this function.
    unsafe {
        if !may_try_again(rq, status) && !goes_to_engine(rq, Stage::Failed, flag::SUPERVISED) {
            end_each(rq, status);
        }
    }
}

/// Gives a request to the worker, which brings it to the engine in the given stage, if it has the
/// flag.
///
/// # Safety
///
/// The request is started, and no clone of it is in flight. If the answer is yes, the caller does
/// not use it any more.
unsafe fn goes_to_engine(rq: *mut bindings::request, stage: Stage, wanted: u32) -> bool {
    // SAFETY: By the contract of this function.
    unsafe {
        let private = &*private(rq);
        if private.flags.get() & wanted == 0 {
            return false;
        }
        private.stage.set(stage as u32);
        carrying(rq).deferred().push(Request::from_raw(rq));
    }
    true
}

/// Ends a request of which a clone has failed: each bio with its own status.
///
/// # Safety
///
/// The request is started, and no clone of it is in flight.
#[cold]
pub(super) unsafe fn end_each(rq: *mut bindings::request, status: bindings::blk_status_t) {
    // SAFETY: By the contract of this function. `blk_update_request` ends the first bio and makes
    // the second one the first; it is `false` when there is none.
    unsafe {
        if (*rq).bio.is_null() {
            return finish(rq, status);
        }
        release(rq);
        loop {
            let bio = (*rq).bio;
            // Copied, since its fields are not aligned.
            let (status, iter) = ((*bio).bi_status, (*bio).bi_iter);
            if !bindings::blk_update_request(rq, status, iter.bi_size) {
                return bindings::__blk_mq_end_request(rq, status);
            }
        }
    }
}

/// Ends a request.
///
/// # Safety
///
/// The request is started, and no clone of it is in flight.
#[inline]
pub(super) unsafe fn finish(rq: *mut bindings::request, status: bindings::blk_status_t) {
    // SAFETY: By the contract of this function.
    unsafe {
        release(rq);
        bindings::blk_mq_end_request(rq, status);
    }
}

/// Gives up what a request holds. It may not outlive the request: with that, the disk may go.
///
/// # Safety
///
/// The request is about to be ended.
#[inline]
unsafe fn release(rq: *mut bindings::request) {
    // SAFETY: By the contract of this function the request, and so its disk, is still there.
    unsafe {
        let (entry, flags) = (&(*private(rq)).entry, (*private(rq)).flags.get());
        if flags & flag::COPIED != 0 {
            give_back_copy(rq);
        }
        if flags & flag::CLAIMING != 0 {
            let sector = (*rq).__sector.wrapping_add((*private(rq)).offset.get());
            carrying(rq).leave(sector, ((*rq).__data_len >> 9).into());
        }
        if flags & flag::CARRIED != 0 {
            carrying(rq).account_carried(rq);
            entry.carrier.leave();
        }
        if flags & flag::INSIDE != 0 {
            entry.own.leave();
        }
    }
}

/// Gives up the copy of what a request has written. Not inlined: most requests have none.
///
/// # Safety
///
/// The request has one, and is about to be ended.
#[cold]
unsafe fn give_back_copy(rq: *mut bindings::request) {
    // SAFETY: By the contract of this function; nobody else takes the copy.
    unsafe {
        let copied = KBox::from_raw((*private(rq)).copied.get());
        carrying(rq).take_back(copied);
    }
}

/// Forgets the errors that clones have left with the bios of a request.
///
/// # Safety
///
/// The request is started, and no clone of it is in flight.
pub(super) unsafe fn clear_bio_errors(rq: *mut bindings::request) {
    // SAFETY: By the contract of this function; the bios are the request's.
    unsafe {
        let mut bio = (*rq).bio;
        while !bio.is_null() {
            (*bio).bi_status = 0;
            bio = (*bio).bi_next;
        }
    }
}

/// Whether a request has failed only because it would have had to wait, and must not.
fn is_again(rq: *mut bindings::request, status: bindings::blk_status_t) -> bool {
    clone::is_again(status) && is_nowait(rq)
}

/// Leaves a request to the worker, which may wait, if it failed because it may not. All of it is
/// done once more; it was not acknowledged, so nobody can tell.
///
/// # Safety
///
/// The request is started, and no clone of it is in flight. If the answer is yes, the caller does
/// not use it any more.
unsafe fn may_try_again(rq: *mut bindings::request, status: bindings::blk_status_t) -> bool {
    if !is_again(rq, status) {
        return false;
    }
    // SAFETY: By the contract of this function; the bios are the request's.
    unsafe {
        (*rq).cmd_flags &= !REQ_NOWAIT;
        clear_bio_errors(rq);
        (*private(rq)).stage.set(Stage::New as u32);
        carrying(rq).deferred().push(Request::from_raw(rq));
    }
    true
}
