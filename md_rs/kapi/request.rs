// SPDX-License-Identifier: GPL-2.0
//! One request of ours, and its clones to lower devices.
//!
//! A request is in one of three hands:
//!
//! 1. The driver's, as [`Request`]: started, and to be ended exactly once, by
//!    [`Request::forward`], [`Request::fan_out`] or [`Request::end`], or to be put aside
//!    ([`Request::wait`]).
//! 2. Its clones', while there are any in flight.
//! 3. The block layer's again, once it was ended; its memory may then serve another request.
//!
//! From the second hand it comes back to the first if a clone has failed and the engine has asked
//! to judge that ([`Request::supervise`]), or if the engine has more to send. [`Request::stage`]
//! says which.
//!
//! The request's private data ([`Private`]) has room for one clone, or for one for each side of a
//! mirror, so the ordinary request allocates nothing; if it becomes a single clone it counts
//! nothing. A request that needs more clones takes the others from the disk's bioset.
//!
//! A request is made of bios, which may have nothing in common but that they follow each other:
//! each ends with the errors of its own clones and not with its neighbours' ([`end_failed`]).
//!
//! C header: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h)

use core::cell::Cell;

use kernel::{
    bindings,
    sync::atomic::{
        ordering::{
            Full,
            Relaxed, //
        },
        Atomic, //
    },
    types::Opaque, //
};

use super::{
    clone::{
        self,
        BioClone,
        BioSet,
        Target, //
    },
    disk::Core,
    ffi, //
};

/// The flag of a request whose caller would rather be told `EAGAIN` than wait.
pub(super) const REQ_NOWAIT: u32 = 1 << bindings::req_flag_bits___REQ_NOWAIT;

/// Bits of `cmd_flags` that hold the operation (`REQ_OP_MASK`).
pub(super) const OP_MASK: u32 = (1 << bindings::REQ_OP_BITS) - 1;

/// What a request asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Operation {
    /// Read sectors.
    Read,
    /// Write sectors.
    Write,
    /// Make everything written before durable.
    Flush,
    /// Forget what is in sectors.
    Discard,
    /// Make sectors read as zero.
    WriteZeroes,
    /// Something that our disks do not offer.
    Other,
}

/// How a request ended, as the block layer counts errors (`blk_status_t`).
#[derive(Clone, Copy)]
pub(crate) enum Failure {
    /// `EIO`.
    Io,
    /// `EOPNOTSUPP`.
    NotSupported,
    /// `ENOMEM`: no memory for a clone.
    Resource,
    /// `EAGAIN`: no memory for a clone right now, and the request must not wait.
    Again,
}

impl Failure {
    fn status(self) -> bindings::blk_status_t {
        // SAFETY: The shim's constants are never written.
        unsafe {
            match self {
                Self::Io => ffi::md_sts_ioerr,
                Self::NotSupported => ffi::md_sts_notsupp,
                Self::Resource => ffi::md_sts_resource,
                Self::Again => ffi::md_sts_again,
            }
        }
    }
}

/// What we keep in each request (`blk_mq_tag_set::cmd_size` bytes behind `struct request`).
///
/// The memory belongs to the tag; it is zeroed when the tag is made, and what one request left in
/// it is overwritten by the next before it is read. Who has the request has its notes to himself;
/// only `remaining`, `status` and `failed_sides` are used by several clones at once.
#[repr(C)]
pub(super) struct Private {
    /// Clones in flight, and one more while the driver still makes clones.
    remaining: Atomic<i32>,
    /// First error of a clone; 0 for none.
    status: Atomic<u32>,
    /// Sides of a mirror of which a clone has failed, as bits.
    failed_sides: Atomic<u32>,
    /// [`flag`]s.
    flags: Cell<u32>,
    /// A [`Stage`] as a number.
    stage: Cell<u32>,
    /// What the engine wants to remember, see [`Request::note`] and [`Request::seen`].
    note: Cell<u32>,
    seen: Cell<u32>,
    /// The request that was deferred before this one, see [`super::deferred`].
    next: *mut bindings::request,
    /// The first clones; as many as the disk has room for, see [`Private::size`].
    clones: [BioClone; 0],
}

impl Private {
    /// How much room the private data needs, with `clones` clones.
    pub(super) fn size(clones: u32) -> u32 {
        let clones = (size_of::<BioClone>() as u32).saturating_mul(clones);
        (size_of::<Self>() as u32).saturating_add(clones)
    }
}

/// Bits of [`Private::flags`].
mod flag {
    /// The request is inside the disk's gate.
    pub(super) const INSIDE: u32 = 1;
    /// If a clone fails the request goes to the worker.
    pub(super) const SUPERVISED: u32 = 2;
    /// [`super::super::disk::Operations::leave`] is to be called at the end.
    pub(super) const CLAIMING: u32 = 4;
    /// When all clones are back the request goes to the worker in any case.
    pub(super) const UNFINISHED: u32 = 8;
}

/// How far a request is that comes to the engine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stage {
    /// At its beginning, perhaps not for the first time; nothing of it counts.
    New,
    /// A clone of it has failed; there is none in flight.
    Failed,
    /// What was sent is done, and there is more to send.
    Unfinished,
}

/// A request that was started and has to be ended.
///
/// # Invariants
///
/// `rq` is a started request of a disk made by [`super::disk`], and nobody else ends it.
pub(crate) struct Request {
    rq: *mut bindings::request,
}

impl Request {
    /// Starts a request.
    ///
    /// # Safety
    ///
    /// `rq` was just passed to `queue_rq` of a disk whose tag set has room for [`Private`].
    pub(super) unsafe fn start(rq: *mut bindings::request) -> Self {
        // SAFETY: By the contract of this function.
        let private = unsafe {
            bindings::blk_mq_start_request(rq);
            &*private(rq)
        };
        private.flags.set(0);
        private.stage.set(Stage::New as u32);
        // INVARIANT: The request was just started, and `queue_rq` gave it to us.
        Self { rq }
    }

    /// Enters the disk's gate, if it has not yet. `false` if the gate is closed.
    #[inline]
    pub(super) fn enter(&self, core: &Core) -> bool {
        let flags = &self.private().flags;
        if flags.get() & flag::INSIDE != 0 {
            return true;
        }
        let entered = core.gate().try_enter();
        if entered {
            flags.set(flags.get() | flag::INSIDE);
        }
        entered
    }

    /// Puts the request aside; it comes again, from the start, when [`Core::wake`] was called.
    /// `may_go` tells whether what it waits for has come about already, without the request.
    pub(crate) fn wait(self, may_go: impl FnOnce() -> bool) {
        // SAFETY: The request is not ended; `wait` sees to it that the disk stays.
        let core = unsafe { Core::of(self.rq) };
        core.deferred().wait(self, may_go);
    }

    /// Takes back what [`Self::into_raw`] gave up.
    ///
    /// # Safety
    ///
    /// `rq` comes from [`Self::into_raw`], and nobody else takes it back.
    pub(super) unsafe fn from_raw(rq: *mut bindings::request) -> Self {
        // INVARIANT: By the contract of this function.
        Self { rq }
    }

    /// The request, for who keeps it and gives it to [`Self::from_raw`] later.
    pub(super) fn into_raw(self) -> *mut bindings::request {
        self.rq
    }

    #[inline]
    fn private(&self) -> &Private {
        // SAFETY: By the type invariant the request is there, and nobody else uses its notes.
        unsafe { &*private(self.rq) }
    }

    /// How far the request is.
    #[inline]
    pub(crate) fn stage(&self) -> Stage {
        match self.private().stage.get() {
            stage if stage == Stage::Failed as u32 => Stage::Failed,
            stage if stage == Stage::Unfinished as u32 => Stage::Unfinished,
            _ => Stage::New,
        }
    }

    /// How many changes the engine had seen when it sent the request.
    pub(crate) fn seen(&self) -> u32 {
        self.private().seen.get()
    }

    /// Leaves that with the request.
    #[inline]
    pub(crate) fn set_seen(&self, changes: u32) {
        self.private().seen.set(changes);
    }

    /// Another number that the engine has left with the request.
    pub(crate) fn note(&self) -> u32 {
        self.private().note.get()
    }

    /// Leaves a number with the request.
    #[inline]
    pub(crate) fn set_note(&self, note: u32) {
        self.private().note.set(note);
    }

    /// From now on the request comes to the engine again if a clone of it fails.
    #[inline]
    pub(crate) fn supervise(&self) {
        let flags = &self.private().flags;
        flags.set(flags.get() | flag::SUPERVISED);
        self.private().failed_sides.store(0, Relaxed);
    }

    /// Whether the request will call [`super::disk::Operations::leave`] at its end.
    pub(crate) fn is_claiming(&self) -> bool {
        self.private().flags.get() & flag::CLAIMING != 0
    }

    /// From now on it will.
    #[inline]
    pub(crate) fn set_claiming(&self) {
        let flags = &self.private().flags;
        flags.set(flags.get() | flag::CLAIMING);
    }

    /// Whether the request comes to the engine again when its clones are back, because there is
    /// more to send.
    pub(crate) fn set_unfinished(&self, unfinished: bool) {
        let flags = &self.private().flags;
        let others = flags.get() & !flag::UNFINISHED;
        flags.set(others | if unfinished { flag::UNFINISHED } else { 0 });
    }

    /// Sides of which a clone has failed since the last [`Self::supervise`], as bits.
    pub(crate) fn failed_sides(&self) -> u32 {
        self.private().failed_sides.load(Relaxed)
    }

    /// Whether a clone has failed because the device does not do what the request asks for.
    pub(crate) fn is_unsupported(&self) -> bool {
        clone::is_unsupported(self.private().status.load(Relaxed) as bindings::blk_status_t)
    }

    /// Forgets the errors that the clones of the request have left with its bios.
    pub(crate) fn forget_errors(&self) {
        // SAFETY: By the type invariant; no clone is in flight.
        unsafe { clear_bio_errors(self.rq) };
    }

    /// Ends a request whose clones are back, each bio with its own error.
    pub(crate) fn end_as_it_is(self) {
        let status = self.private().status.load(Relaxed) as bindings::blk_status_t;
        // SAFETY: By the type invariant; no clone is in flight.
        unsafe { end_each(self.rq, status) };
    }

    fn raw(&self) -> &bindings::request {
        // SAFETY: By the type invariant the request is there, and its fields do not change before
        // it is ended.
        unsafe { &*self.rq }
    }

    /// What the request asks for.
    pub(crate) fn operation(&self) -> Operation {
        match self.raw().cmd_flags & OP_MASK {
            bindings::req_op_REQ_OP_READ => Operation::Read,
            bindings::req_op_REQ_OP_WRITE => Operation::Write,
            bindings::req_op_REQ_OP_FLUSH => Operation::Flush,
            bindings::req_op_REQ_OP_DISCARD => Operation::Discard,
            bindings::req_op_REQ_OP_WRITE_ZEROES => Operation::WriteZeroes,
            _ => Operation::Other,
        }
    }

    /// First sector.
    pub(crate) fn sector(&self) -> u64 {
        self.raw().__sector
    }

    /// Number of sectors.
    pub(crate) fn sectors(&self) -> u64 {
        u64::from(self.raw().__data_len >> 9)
    }

    /// Whether a single bio makes up the request, so that [`Self::forward`] will do.
    pub(crate) fn is_single(&self) -> bool {
        !self.raw().bio.is_null() && self.raw().bio == self.raw().biotail
    }

    /// Ends the request with an error.
    pub(crate) fn end(self, failure: Failure) {
        self.end_with(failure.status());
    }

    fn end_with(self, status: bindings::blk_status_t) {
        // SAFETY: By the type invariant the request is started and ours to end.
        unsafe { finish(self.rq, status) };
    }

    /// Sends the whole request, which must be a single bio, to one place. It ends with the device's
    /// answer, unless that is an error and the request is supervised.
    #[inline]
    pub(crate) fn forward(self, target: &Target<'_>) {
        let source = self.raw().bio;
        let private = private(self.rq);
        if !self.is_single() {
            return self.end(Failure::Io);
        }
        // SAFETY: `is_single` has seen that there is a bio; the request keeps it alive until it is
        // ended, which the clone does last. The clone's memory is the request's own and unused.
        unsafe {
            let clone: *mut BioClone = (&raw mut (*private).clones).cast();
            if !BioClone::init(clone, source, target) {
                return self.end(Failure::Resource);
            }
            BioClone::submit(clone, self.rq, target.sector, forward_done);
        }
    }

    /// Sends pieces of the request to several places; see [`FanOut`].
    pub(crate) fn fan_out(self, bioset: &BioSet) -> FanOut<'_> {
        let private = self.private();
        private.remaining.store(1, Relaxed);
        private.status.store(0, Relaxed);
        // SAFETY: By the type invariant the request is not ended.
        let own_clones = unsafe { Core::of(self.rq) }.own_clones();
        FanOut {
            rq: self.rq,
            bioset,
            own_clones: Cell::new(own_clones),
        }
    }
}

/// A request on its way to several places. It ends, with the first error there was, when this
/// object is gone and all clones have come back.
pub(crate) struct FanOut<'a> {
    rq: *mut bindings::request,
    bioset: &'a BioSet,
    /// Clones in the request's own memory that are not used yet; the last ones first.
    own_clones: Cell<u32>,
}

impl FanOut<'_> {
    /// The bios of the request.
    pub(crate) fn parts(&self) -> Parts<'_> {
        Parts {
            out: self,
            // SAFETY: While this object exists the request is not ended, and its bios stay.
            next: unsafe { (*self.rq).bio },
        }
    }

    /// Sends a flush to a device; the sector is of no account.
    pub(crate) fn send_flush(&self, target: &Target<'_>) {
        let clone = self.clone_of(core::ptr::null_mut(), target);
        if clone.is_null() {
            return note_status(self.rq, self.no_memory().status());
        }
        self.submit(clone, 0);
    }

    /// A clone of a bio of this request, or without one a flush; null without memory.
    fn clone_of(&self, source: *mut bindings::bio, target: &Target<'_>) -> *mut BioClone {
        // SAFETY: The source is the request's, and like the target outlives it. Each of the
        // request's own clones is used once.
        unsafe {
            let Some(number) = self.own_clones.get().checked_sub(1) else {
                return self.bioset.alloc(source, target, !is_nowait(self.rq));
            };
            self.own_clones.set(number);
            let first: *mut BioClone = (&raw mut (*private(self.rq)).clones).cast();
            let clone = first.wrapping_add(number as usize);
            if BioClone::init(clone, source, target) {
                clone
            } else {
                core::ptr::null_mut()
            }
        }
    }

    /// What it means that there is no memory for a clone.
    fn no_memory(&self) -> Failure {
        if is_nowait(self.rq) {
            Failure::Again
        } else {
            Failure::Resource
        }
    }

    fn submit(&self, clone: *mut BioClone, sector: u64) {
        // SAFETY: The request is not ended before this object is gone.
        let private = unsafe { &*private(self.rq) };
        private.remaining.add(1, Relaxed);
        // SAFETY: The clone was just made, and still counts when it comes back.
        unsafe { BioClone::submit(clone, self.rq, sector, fan_out_done) };
    }
}

/// A bio of a request that is being fanned out.
///
/// # Invariants
///
/// `bio` is one of the request's, which is not ended as long as `out` is borrowed.
pub(crate) struct Part<'a> {
    out: &'a FanOut<'a>,
    bio: *mut bindings::bio,
    sector: u64,
    sectors: u64,
}

impl Part<'_> {
    /// First sector, counted in our disk.
    pub(crate) fn sector(&self) -> u64 {
        self.sector
    }

    /// Number of sectors.
    pub(crate) fn sectors(&self) -> u64 {
        self.sectors
    }

    /// Whether a clone of it has failed, and [`Request::forget_errors`] was not called since.
    pub(crate) fn has_failed(&self) -> bool {
        // SAFETY: The bio is there as long as the request, which is not ended yet.
        unsafe { (&raw const (*self.bio).bi_status).read_volatile() != 0 }
    }

    /// Forgets that.
    pub(crate) fn forget_error(&self) {
        // SAFETY: As in `has_failed`; no clone of the bio is in flight.
        unsafe { (*self.bio).bi_status = 0 };
    }

    /// Sends `count` sectors, from number `skip` on.
    #[inline]
    pub(crate) fn send(&self, skip: u64, count: u64, target: &Target<'_>) {
        self.send_as(skip, count, target, false);
    }

    /// The same, for a discard, as a write of zeroes.
    pub(crate) fn send_zeroing(&self, skip: u64, count: u64, target: &Target<'_>) {
        self.send_as(skip, count, target, true);
    }

    fn send_as(&self, skip: u64, count: u64, target: &Target<'_>, zeroing: bool) {
        if skip.checked_add(count).is_none_or(|end| end > self.sectors) {
            return self.fail(Failure::Io);
        }
        // A bio has less than 4 GiB, so neither conversion loses anything.
        let (skip, count) = ((skip << 9) as u32, (count << 9) as u32);
        let clone = self.out.clone_of(self.bio, target);
        if clone.is_null() {
            return self.fail(self.out.no_memory());
        }
        // SAFETY: The clone was just made, of a bio that has `skip + count` bytes.
        unsafe {
            BioClone::cut(clone, skip, count);
            if zeroing {
                BioClone::make_write_zeroes(clone);
            }
        }
        self.out.submit(clone, target.sector);
    }

    /// Lets this bio end with an error, whatever comes of its pieces.
    pub(crate) fn fail(&self, failure: Failure) {
        // SAFETY: The bio is there as long as the request, which is not ended yet.
        unsafe { (&raw mut (*self.bio).bi_status).write_volatile(failure.status()) };
        note_status(self.out.rq, failure.status());
    }
}

/// Iterator over the bios of a request.
pub(crate) struct Parts<'a> {
    out: &'a FanOut<'a>,
    next: *mut bindings::bio,
}

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        let bio = self.next;
        if bio.is_null() {
            return None;
        }
        // SAFETY: The bio is one of the request's, see `Part`. The iterator is copied, since its
        // fields are not aligned.
        let (next, iter) = unsafe { ((*bio).bi_next, (*bio).bi_iter) };
        self.next = next;
        Some(Part {
            out: self.out,
            bio,
            sector: iter.bi_sector,
            sectors: u64::from(iter.bi_size >> 9),
        })
    }
}

impl Drop for FanOut<'_> {
    fn drop(&mut self) {
        // SAFETY: The count that is given back here is the one taken by `Request::fan_out`.
        unsafe { put_remaining(self.rq) };
    }
}

/// Our data in a request.
#[inline]
fn private(rq: *mut bindings::request) -> *mut Private {
    // The tag set's `cmd_size` bytes follow the request (`blk_mq_rq_to_pdu`).
    rq.wrapping_add(1).cast()
}

/// The request that was deferred before this one.
///
/// # Safety
///
/// The caller has the request, or the list that it is in, to itself.
pub(super) unsafe fn next(rq: *mut bindings::request) -> *mut bindings::request {
    // SAFETY: By the contract of this function.
    unsafe { (*private(rq)).next }
}

/// Links a request to the one that was deferred before.
///
/// # Safety
///
/// As for [`next`].
pub(super) unsafe fn set_next(rq: *mut bindings::request, before: *mut bindings::request) {
    // SAFETY: By the contract of this function.
    unsafe { (*private(rq)).next = before };
}

/// Whether a request that is not ended has `REQ_NOWAIT`.
fn is_nowait(rq: *mut bindings::request) -> bool {
    // SAFETY: The callers have a request that is not ended.
    unsafe { (*rq).cmd_flags & REQ_NOWAIT != 0 }
}

/// End of the clone of [`Request::forward`]. Called in any context.
///
/// # Safety
///
/// Called by the block layer, with a clone made by `forward`.
unsafe extern "C" fn forward_done(bio: *mut bindings::bio) {
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

/// End of a clone of [`FanOut`]. Called in any context.
///
/// # Safety
///
/// Called by the block layer, with a clone made by [`FanOut`].
unsafe extern "C" fn fan_out_done(bio: *mut bindings::bio) {
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

/// Sets bits in a number that others may change at the same time.
fn add_bits(number: &Atomic<u32>, bits: u32) {
    let mut old = number.load(Relaxed);
    while let Err(now) = number.cmpxchg(old, old | bits, Full) {
        old = now;
    }
}

/// Keeps the first error of a request; that it has to be tried again goes before any other.
fn note_status(rq: *mut bindings::request, status: bindings::blk_status_t) {
    // SAFETY: The caller holds a count of the request, so it is not ended.
    let private = unsafe { &*private(rq) };
    if is_again(rq, status) {
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
unsafe fn put_remaining(rq: *mut bindings::request) {
    // SAFETY: By the contract of this function the request is not ended yet.
    unsafe {
        let private = &*private(rq);
        if private.remaining.fetch_sub(1, Full) != 1 {
            return;
        }
        let status = private.status.load(Relaxed) as bindings::blk_status_t;
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
        Core::of(rq).deferred().push(Request::from_raw(rq));
    }
    true
}

/// Ends a request of which a clone has failed: each bio with its own status.
///
/// # Safety
///
/// The request is started, and no clone of it is in flight.
#[cold]
unsafe fn end_each(rq: *mut bindings::request, status: bindings::blk_status_t) {
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
unsafe fn finish(rq: *mut bindings::request, status: bindings::blk_status_t) {
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
        let (core, flags) = (Core::of(rq), (*private(rq)).flags.get());
        if flags & flag::CLAIMING != 0 {
            core.leave((*rq).__sector, ((*rq).__data_len >> 9).into());
        }
        if flags & flag::INSIDE != 0 {
            core.gate().exit();
        }
    }
}

/// Forgets the errors that clones have left with the bios of a request.
///
/// # Safety
///
/// The request is started, and no clone of it is in flight.
unsafe fn clear_bio_errors(rq: *mut bindings::request) {
    // SAFETY: By the contract of this function; the bios are the request's.
    unsafe {
        let mut bio = (*rq).bio;
        while !bio.is_null() {
            (*bio).bi_status = 0;
            bio = (*bio).bi_next;
        }
    }
}

/// Whether a status means that a request which must not wait would have had to.
fn is_again(rq: *mut bindings::request, status: bindings::blk_status_t) -> bool {
    status == Failure::Again.status() && is_nowait(rq)
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
        Core::of(rq).deferred().push(Request::from_raw(rq));
    }
    true
}

/// Runs `submit`, which submits bios, with the calling task's plug and bio list put aside and under
/// a plug of our own; `md_submission_begin` in `shim.c` says why.
pub(super) fn apart(submit: impl FnOnce()) {
    let submission = Opaque::uninit();
    // SAFETY: The object lives on this stack frame until it is ended below.
    unsafe { ffi::md_submission_begin(submission.get()) };
    submit();
    // SAFETY: Begun above, by this task.
    unsafe { ffi::md_submission_end(submission.get()) };
}
