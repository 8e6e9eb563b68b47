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
//! A request may be *carried* by another disk ([`Request::carry`]): that of a mirror below the soft
//! partition that it came to. From then on it is a request of the mirror: it has sectors of it, is
//! put aside with its other requests, asks for its errands and gives back its claims. It is inside
//! the gates of both, from when it entered its own, or from then on. Its memory and its end are
//! still those of the disk that it came to.
//!
//! A request is made of bios, which may have nothing in common but that they follow each other:
//! each ends with the errors of its own clones and not with its neighbours'
//! ([`super::completion`]).
//!
//! C header: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h)

use core::{
    cell::Cell,
    mem::offset_of, //
};

use kernel::{
    bindings,
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    }, //
};

use md_model::units::SECTOR_BYTES;

use super::{
    clone::{
        self,
        BioClone,
        Origin,
        Target, //
    },
    completion::{
        self,
        forward_done, //
    },
    copied::{
        Copied,
        Copying, //
    },
    disk_core::Core,
    fan_out::FanOut,
    ffi,
    gate::{
        Entered,
        Entry,
        Inside, //
    },
    inlined::Inlined,
    submission::Submission, //
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
    pub(super) fn status(self) -> bindings::blk_status_t {
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
/// it is overwritten by the next before it is read; but `entry` stays. Who has the request has its
/// notes to himself; only `remaining`, `status` and `failed_sides` are used by several clones at
/// once.
#[repr(C)]
pub(super) struct Private {
    /// Which gates it is inside of.
    pub(super) entry: Entry,
    /// Clones in flight, and one more while the driver still makes clones.
    pub(super) remaining: Atomic<i32>,
    /// First error of a clone; 0 for none.
    pub(super) status: Atomic<u32>,
    /// Sides of a mirror of which a clone has failed, as bits.
    pub(super) failed_sides: Atomic<u32>,
    /// [`flag`]s.
    pub(super) flags: Cell<u32>,
    /// A [`Stage`] as a number.
    pub(super) stage: Cell<u32>,
    /// What the engine wants to remember, see [`Request::note`] and [`Request::seen`].
    note: Cell<u32>,
    seen: Cell<u32>,
    /// The request that was deferred before this one, see [`super::deferred`].
    next: *mut bindings::request,
    /// What the disk has that carries the request; null if that is its own.
    pub(super) carrier: Cell<*const Core>,
    /// How many sectors further on it lies on that disk; wraps around.
    pub(super) offset: Cell<u64>,
    /// What it writes, copied; valid with [`flag::COPIED`] only.
    pub(super) copied: Cell<*mut Copied>,
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
pub(super) mod flag {
    /// The request is inside the disk's gate.
    pub(in crate::kapi) const INSIDE: u32 = 1;
    /// If a clone fails the request goes to the worker.
    pub(in crate::kapi) const SUPERVISED: u32 = 2;
    /// [`super::super::disk::Operations::leave`] is to be called at the end.
    pub(in crate::kapi) const CLAIMING: u32 = 4;
    /// When all clones are back the request goes to the worker in any case.
    pub(in crate::kapi) const UNFINISHED: u32 = 8;
    /// The request is inside the gate of the disk that carries it.
    pub(in crate::kapi) const CARRIED: u32 = 16;
    /// What the request writes was copied, and its clones are of the copy.
    pub(in crate::kapi) const COPIED: u32 = 32;
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
        private.carrier.set(core::ptr::null());
        private.offset.set(0);
        // INVARIANT: The request was just started, and `queue_rq` gave it to us.
        Self { rq }
    }

    /// Enters the gate of the disk that has it now, if it has not yet. `false` if the gate is
    /// closed.
    #[inline]
    pub(super) fn enter(&self, core: &Core) -> bool {
        let private = self.private();
        if !private.carrier.get().is_null() {
            return self.enter_carrier(core);
        }
        let flags = private.flags.get();
        if flags & flag::INSIDE != 0 {
            return true;
        }
        let entered = match core.carrier() {
            None if core.gate().try_enter(&private.entry.own) => flag::INSIDE,
            None => return false,
            Some(carrier) => match core.gate().try_enter_with(&private.entry, carrier.gate()) {
                Entered::Both => flag::INSIDE | flag::CARRIED,
                Entered::Own => flag::INSIDE,
                Entered::Nothing => return false,
            },
        };
        private.flags.set(flags | entered);
        true
    }

    /// Enters the gate of the disk that carries it, if it has not yet. `false` if that is closed.
    #[cold]
    fn enter_carrier(&self, core: &Core) -> bool {
        let private = self.private();
        let flags = private.flags.get();
        if flags & flag::CARRIED == 0 {
            if !core.gate().try_enter(&private.entry.carrier) {
                return false;
            }
            private.flags.set(flags | flag::CARRIED);
        }
        true
    }

    /// From now on the request is one of the disk that carries those of its own, of which its first
    /// sector is `sector`. `None` if that disk's gate is closed: then it comes there when it is
    /// reopened; or if there is no such disk: then it has failed.
    ///
    /// The disk is not changed before the request has ended. Whoever uses what the disk has after
    /// he may have given the request away, must [`Self::stay_inside`].
    #[inline]
    pub(crate) fn carry(self, sector: u64) -> Option<Self> {
        // SAFETY: By the type invariant the request is not ended.
        let Some(core) = unsafe { Core::of(self.rq) }.carrier() else {
            self.refuse();
            return None;
        };
        let private = self.private();
        private.offset.set(sector.wrapping_sub(self.raw().__sector));
        private.carrier.set(core);
        if private.flags.get() & flag::CARRIED == 0 {
            return self.carry_later(core);
        }
        Some(self)
    }

    /// The gate was closed when the request came.
    #[cold]
    fn carry_later(self, core: &Core) -> Option<Self> {
        if self.enter_carrier(core) {
            return Some(self);
        }
        self.wait(|| core.gate().is_open());
        None
    }

    /// The request is not to be carried after all, but pieces of it, which come to the other disk
    /// by themselves: who closes that one's gate must not wait for it.
    pub(crate) fn send_by_itself(&self) {
        let private = self.private();
        private.flags.set(private.flags.get() & !flag::CARRIED);
        private.entry.carrier.leave();
    }

    /// Not inlined, as the other: what is rare is not to be in the way.
    #[cold]
    fn refuse(self) {
        self.end(Failure::Io);
    }

    /// The disk that carries the request, if that is not its own, is not changed as long as the
    /// answer lives, also when the request has ended. (Whoever changes a disk waits for those who
    /// carry out its own requests in any case.)
    pub(crate) fn stay_inside(&self) -> Option<Inside<'static>> {
        // SAFETY: By the type invariant the request is not ended; a disk whose gate somebody is
        // inside of stays.
        let core = unsafe { carrying(self.rq) };
        let is_carried = self.private().flags.get() & flag::CARRIED != 0;
        is_carried.then(|| core.gate().enter_again())
    }

    /// Makes a flush one that must not wait, so that who must not wait either may send it; see
    /// [`FanOut::send_flush`]. `false` for anything else.
    pub(super) fn may_try_without_waiting(&self) -> bool {
        let is_flush = is_flush(self.rq);
        if is_flush {
            // SAFETY: By the type invariant the request is ours until it is ended.
            unsafe { (*self.rq).cmd_flags |= REQ_NOWAIT };
        }
        is_flush
    }

    /// Puts the request aside; it comes again, from the start, when [`Core::wake`] was called.
    /// `may_go` tells whether what it waits for has come about already, without the request.
    pub(crate) fn wait(self, may_go: impl FnOnce() -> bool) {
        // SAFETY: The request is not ended; `wait` sees to it that the disk stays.
        let core = unsafe { carrying(self.rq) };
        core.deferred().wait(self, may_go);
    }

    /// Whether the caller would rather be told `EAGAIN` than wait.
    pub(crate) fn is_nowait(&self) -> bool {
        is_nowait(self.rq)
    }

    /// Leaves the request to the worker, which may wait; it comes again from the start.
    pub(crate) fn defer(self) {
        // SAFETY: By the type invariant the request is ours, and its disk is there.
        unsafe {
            (*self.rq).cmd_flags &= !REQ_NOWAIT;
            carrying(self.rq).deferred().push(self);
        }
    }

    /// Has an errand of the disk carried out.
    pub(crate) fn ask(&self, errand: u32) {
        self.ask_in(errand, 0);
    }

    /// The same, after so many milliseconds, if not sooner.
    pub(crate) fn ask_in(&self, errand: u32, ms: u32) {
        // SAFETY: By the type invariant the request is not ended, so that the disk stays.
        unsafe { carrying(self.rq) }.errands().ask(errand, ms);
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

    /// The request, for who has it to himself as long as this object is there.
    pub(super) fn as_raw(&self) -> *mut bindings::request {
        self.rq
    }

    #[inline]
    fn private(&self) -> &Private {
        // SAFETY: By the type invariant the request is there, and nobody else uses its notes; who
        // closes gates looks at `entry`, which is made for that.
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
        self.private().failed_sides.write(0);
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

    /// Copies what the request, a write, writes. Its clones have their data from there, as long as
    /// it lives. Done at once if there is a copy.
    pub(crate) fn copy_data(&self) -> Copying {
        let private = self.private();
        if private.flags.get() & flag::COPIED != 0 {
            return Copying::Done;
        }
        // SAFETY: By the type invariant the request is not ended. Who has one that may wait sleeps
        // for clones, too.
        let copied = unsafe { carrying(self.rq).reserve().copy(self.rq, !self.is_nowait()) };
        match copied {
            Ok(copied) => {
                private.copied.set(KBox::into_raw(copied));
                private.flags.set(private.flags.get() | flag::COPIED);
                Copying::Done
            }
            Err(why) => why,
        }
    }

    /// Puts the request aside until one that has the reserve for such copies has ended.
    pub(crate) fn wait_for_reserve(self) {
        // SAFETY: By the type invariant the request is not ended, so that the disk stays.
        let core = unsafe { carrying(self.rq) };
        self.wait(|| core.reserve().is_free());
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

    /// Whether the first clone that has failed did because its device has lost the data.
    pub(crate) fn is_medium_error(&self) -> bool {
        clone::is_medium(self.private().status.load(Relaxed) as bindings::blk_status_t)
    }

    /// Forgets the errors that the clones of the request have left with its bios.
    pub(crate) fn forget_errors(&self) {
        // SAFETY: By the type invariant; no clone is in flight.
        unsafe { completion::clear_bio_errors(self.rq) };
    }

    /// Ends a request whose clones are back, each bio with its own error.
    pub(crate) fn end_as_it_is(self) {
        let status = self.private().status.load(Relaxed) as bindings::blk_status_t;
        // SAFETY: By the type invariant; no clone is in flight.
        unsafe { completion::end_each(self.rq, status) };
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

    /// Whether what it writes has to be beyond all caches when it ends (`REQ_FUA`).
    pub(crate) fn is_durable(&self) -> bool {
        const FUA: u32 = 1 << bindings::req_flag_bits___REQ_FUA;
        self.raw().cmd_flags & FUA != 0
    }

    /// First sector, on the disk that carries it.
    pub(crate) fn sector(&self) -> u64 {
        self.raw()
            .__sector
            .wrapping_add(self.private().offset.get())
    }

    /// Number of sectors.
    pub(crate) fn sectors(&self) -> u64 {
        u64::from(self.raw().__data_len >> 9)
    }

    /// Whether a single bio makes up the request, so that [`Self::forward`] will do.
    pub(crate) fn is_single(&self) -> bool {
        !self.raw().bio.is_null() && self.raw().bio == self.raw().biotail
    }

    /// Ends the request: all of it is done.
    pub(crate) fn done(self) {
        self.end_with(0);
    }

    /// Copies the data of the request, from sector number `skip` of it on, as much as there is room
    /// for.
    pub(crate) fn copy_out(&self, skip: u64, to: &mut [u8]) {
        self.copy(skip, to, None, false);
    }

    /// The same to two places, as much as there is room for in both. They have the same afterwards,
    /// whoever changes the data meanwhile.
    pub(crate) fn copy_out_twice(&self, skip: u64, to: &mut [u8], also: &mut [u8]) {
        let bytes = to.len().min(also.len());
        if let Some(to) = to.get_mut(..bytes) {
            self.copy(skip, to, Some(also), false);
        }
    }

    /// Puts data into the request, from sector number `skip` of it on.
    pub(crate) fn copy_in(&self, skip: u64, from: &mut [u8]) {
        self.copy(skip, from, None, true);
    }

    /// `also`: no shorter than `with`.
    fn copy(&self, skip: u64, with: &mut [u8], also: Option<&mut [u8]>, to_request: bool) {
        let skip = u32::try_from(skip.saturating_mul(SECTOR_BYTES)).unwrap_or(u32::MAX);
        let bytes = u32::try_from(with.len()).unwrap_or(0);
        let also = also.filter(|also| also.len() >= with.len());
        let also = also.map_or(core::ptr::null_mut(), |also| also.as_mut_ptr().cast());
        let with = with.as_mut_ptr().cast();
        // SAFETY: By the type invariant the request is there, and so are its bios; no clone of it
        // is in flight. No more is copied than there is of any of them.
        unsafe { ffi::md_rq_copy(self.rq, skip, with, also, bytes, to_request) };
    }

    /// Ends the request with an error.
    pub(crate) fn end(self, failure: Failure) {
        self.end_with(failure.status());
    }

    fn end_with(self, status: bindings::blk_status_t) {
        // SAFETY: By the type invariant the request is started and ours to end.
        unsafe { completion::finish(self.rq, status) };
    }

    /// Sends the whole request, which must be a single bio, to one place. It ends with the device's
    /// answer, unless that is an error and the request is supervised.
    #[inline]
    pub(crate) fn forward(self, target: &Target<'_>) {
        let source = self.raw().bio;
        if !self.is_single() {
            return self.end(Failure::Io);
        }
        // SAFETY: `is_single` has seen that there is a bio; the request keeps it alive until it is
        // ended, which the clone does last. The clone's memory is the request's own and unused.
        unsafe {
            let clone = own_clone(self.rq, 0);
            if !BioClone::init(clone, Origin::of(source), target) {
                return self.end(Failure::Resource);
            }
            BioClone::submit(clone, self.rq, target.sector, forward_done);
        }
    }

    /// Sends pieces of the request to several places; see [`FanOut`].
    pub(crate) fn fan_out<'a>(self, submission: &'a Submission<'a>) -> FanOut<'a> {
        let bios = self.raw();
        if bios.bio != bios.biotail && !bios.bio.is_null() {
            submission.plug(1);
        }
        let private = self.private();
        private.remaining.write(1);
        private.status.write(0);
        // SAFETY: By the type invariant the request is not ended.
        let own_clones = unsafe { Core::of(self.rq) }.own_clones();
        let copy = if private.flags.get() & flag::COPIED != 0 {
            // SAFETY: By the flag there is a copy, which lives as long as the request.
            unsafe { (*private.copied.get()).bio() }
        } else {
            core::ptr::null_mut()
        };
        FanOut {
            rq: self.rq,
            copy,
            submission,
            own_clones: Cell::new(own_clones),
        }
    }
}

/// Our data in a request.
#[inline]
pub(super) fn private(rq: *mut bindings::request) -> *mut Private {
    // The tag set's `cmd_size` bytes follow the request (`blk_mq_rq_to_pdu`).
    rq.wrapping_add(1).cast()
}

/// What the disk has that a request is one of now.
///
/// # Safety
///
/// As for [`Core::of`].
pub(super) unsafe fn carrying<'a>(rq: *mut bindings::request) -> &'a Core {
    // SAFETY: By the contract of this function. A disk that carries requests of others outlives
    // those: [`super::disk::Carrier`].
    unsafe {
        let carrier = (*private(rq)).carrier.get();
        match carrier.as_ref() {
            Some(core) => core,
            None => Core::of(rq),
        }
    }
}

/// The memory of a request's own clone, of which it has [`Core::own_clones`].
#[inline]
pub(super) fn own_clone(rq: *mut bindings::request, number: u32) -> *mut BioClone {
    let clones = private(rq).wrapping_byte_add(offset_of!(Private, clones));
    clones.cast::<BioClone>().wrapping_add(number as usize)
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

/// Whether a request that is not ended is a flush.
pub(super) fn is_flush(rq: *mut bindings::request) -> bool {
    // SAFETY: The callers have a request that is not ended.
    unsafe { (*rq).cmd_flags & OP_MASK == bindings::req_op_REQ_OP_FLUSH }
}

/// Whether a request that is not ended has `REQ_NOWAIT`.
pub(super) fn is_nowait(rq: *mut bindings::request) -> bool {
    // SAFETY: The callers have a request that is not ended.
    unsafe { (*rq).cmd_flags & REQ_NOWAIT != 0 }
}
