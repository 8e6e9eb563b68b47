// SPDX-License-Identifier: GPL-2.0
//! One request of ours, and its clones to lower devices.
//!
//! A request is in one of three hands:
//!
//! 1. The driver's, as [`Request`]: started, and to be ended exactly once, by
//!    [`Request::forward`], [`Request::fan_out`] or [`Request::end`].
//! 2. Its clones', while there are any in flight.
//! 3. The block layer's again, once it was ended; its memory may then serve another request.
//!
//! The request's private data ([`Private`]) has room for one clone, so the ordinary request, which
//! becomes a single clone, allocates nothing and counts nothing. A request that needs several
//! takes the others from the disk's bioset and counts them.
//!
//! C headers: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h),
//! [`include/linux/bio.h`](srctree/include/linux/bio.h)

use core::cell::Cell;

use kernel::{
    bindings,
    error::to_result,
    prelude::*,
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
    bdev::BlockDevice,
    ffi, //
};

/// Flags of the caller's bio that a clone does not get. `PREFLUSH`: the block layer took it off the
/// request and sends the flush by itself. `FUA`: likewise, unless the request still has it.
/// `NOWAIT`: the caller's tag has been granted, and we may wait for the lower device's. `POLLED`:
/// nobody polls the lower queue. `ALLOC_CACHE`: `bio_put` would hand memory that belongs to a
/// request to the per-CPU bio cache.
const NOT_CLONED: u32 = 1 << bindings::req_flag_bits___REQ_PREFLUSH
    | REQ_FUA
    | 1 << bindings::req_flag_bits___REQ_NOWAIT
    | 1 << bindings::req_flag_bits___REQ_POLLED
    | 1 << bindings::req_flag_bits___REQ_ALLOC_CACHE;

const REQ_FUA: u32 = 1 << bindings::req_flag_bits___REQ_FUA;

/// A flush, as a bio: an empty write with `PREFLUSH`. `submit_bio` refuses `REQ_OP_FLUSH`.
const FLUSH_CLONE: u32 =
    bindings::req_op_REQ_OP_WRITE | 1 << bindings::req_flag_bits___REQ_PREFLUSH;

/// Bits of `cmd_flags` that hold the operation (`REQ_OP_MASK`).
const OP_MASK: u32 = (1 << bindings::REQ_OP_BITS) - 1;

/// What a request asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Operation {
    /// Read sectors.
    Read,
    /// Write sectors.
    Write,
    /// Make everything written before durable.
    Flush,
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
}

impl Failure {
    fn status(self) -> bindings::blk_status_t {
        // SAFETY: The shim's constants are never written.
        unsafe {
            match self {
                Self::Io => ffi::md_sts_ioerr,
                Self::NotSupported => ffi::md_sts_notsupp,
                Self::Resource => ffi::md_sts_resource,
            }
        }
    }
}

/// What we keep in each request (`blk_mq_tag_set::cmd_size` bytes behind `struct request`).
///
/// The memory belongs to the tag; it is zeroed when the tag is made, and what one request left in
/// it is overwritten by the next before it is read.
#[repr(C)]
pub(super) struct Private {
    /// Clones in flight, and one more while the driver still makes clones.
    remaining: Atomic<i32>,
    /// First error of a clone; 0 for none.
    status: Atomic<u32>,
    /// The first clone.
    clone: Opaque<bindings::bio>,
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
        unsafe { bindings::blk_mq_start_request(rq) };
        // INVARIANT: The request was just started, and `queue_rq` gave it to us.
        Self { rq }
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
        unsafe { bindings::blk_mq_end_request(self.rq, status) };
    }

    /// Sends the whole request, which must be a single bio, to `sector` of a device. It ends with
    /// the device's answer.
    pub(crate) fn forward(self, device: &BlockDevice, sector: u64) {
        let source = self.raw().bio;
        let private = private(self.rq);
        if !self.is_single() {
            return self.end(Failure::Io);
        }
        // SAFETY: `is_single` has seen that there is a bio; the request keeps it alive until it is
        // ended, which the clone does last. The clone's memory is the request's own and unused.
        unsafe {
            let clone = (*private).clone.get();
            if bindings::bio_init_clone(device.as_ptr(), clone, source, ffi::md_gfp_noio) != 0 {
                return self.end(Failure::Resource);
            }
            aim(clone, self.rq, sector, forward_done);
            bindings::submit_bio_noacct(clone);
        }
    }

    /// Sends pieces of the request to several places; see [`FanOut`].
    pub(crate) fn fan_out(self, bioset: &BioSet) -> FanOut<'_> {
        let private = private(self.rq);
        // SAFETY: The private data belongs to this request, which has no clone in flight yet.
        let private = unsafe { &*private };
        private.remaining.store(1, Relaxed);
        private.status.store(0, Relaxed);
        FanOut {
            rq: self.rq,
            bioset,
            own_clone_used: Cell::new(false),
        }
    }
}

/// A request on its way to several places. It ends, with the first error there was, when this
/// object is gone and all clones have come back.
pub(crate) struct FanOut<'a> {
    rq: *mut bindings::request,
    bioset: &'a BioSet,
    own_clone_used: Cell<bool>,
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

    /// Sends a flush to a device.
    pub(crate) fn send_flush(&self, device: &BlockDevice) {
        let clone = match self.own_clone() {
            // SAFETY: The request's own clone is unused; it becomes a bio without data.
            Some(clone) => unsafe {
                let none = core::ptr::null_mut();
                bindings::bio_init(clone, device.as_ptr(), none, 0, FLUSH_CLONE);
                clone
            },
            None => self.bioset.alloc_flush(device),
        };
        if clone.is_null() {
            return self.fail(Failure::Resource);
        }
        // SAFETY: The clone was just made.
        unsafe { aim(clone, self.rq, 0, fan_out_done) };
        self.submit(clone);
    }

    /// Notes an error, without sending anything.
    pub(crate) fn fail(&self, failure: Failure) {
        note_status(self.rq, failure.status());
    }

    /// The memory of the request's own clone, once.
    fn own_clone(&self) -> Option<*mut bindings::bio> {
        if self.own_clone_used.replace(true) {
            return None;
        }
        // SAFETY: The private data is there as long as the request.
        Some(unsafe { (*private(self.rq)).clone.get() })
    }

    /// A clone of a bio of this request; null without memory.
    fn clone_of(&self, source: *mut bindings::bio, device: &BlockDevice) -> *mut bindings::bio {
        let Some(clone) = self.own_clone() else {
            return self.bioset.alloc_clone(source, device);
        };
        // SAFETY: The request's own clone is unused, and the source outlives it.
        unsafe {
            match bindings::bio_init_clone(device.as_ptr(), clone, source, ffi::md_gfp_noio) {
                0 => clone,
                _ => core::ptr::null_mut(),
            }
        }
    }

    fn submit(&self, clone: *mut bindings::bio) {
        // SAFETY: The request is not ended before this object is gone.
        let private = unsafe { &*private(self.rq) };
        private.remaining.add(1, Relaxed);
        // SAFETY: `aim` has made the clone ready; from here on it belongs to the block layer.
        unsafe { bindings::submit_bio_noacct(clone) };
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

    /// Sends `count` sectors, from number `skip` on, to `sector` of a device.
    pub(crate) fn send(&self, skip: u64, count: u64, device: &BlockDevice, sector: u64) {
        if skip.checked_add(count).is_none_or(|end| end > self.sectors) {
            return self.out.fail(Failure::Io);
        }
        // A bio has less than 4 GiB, so neither conversion loses anything.
        let (skip, count) = ((skip << 9) as u32, (count << 9) as u32);
        let clone = self.out.clone_of(self.bio, device);
        if clone.is_null() {
            return self.out.fail(Failure::Resource);
        }
        // SAFETY: The clone was just made, of a bio that has `skip + count` bytes.
        unsafe {
            if skip > 0 {
                ffi::md_bio_advance(clone, skip);
            }
            ffi::md_bio_set_bytes(clone, count);
            aim(clone, self.out.rq, sector, fan_out_done);
        }
        self.out.submit(clone);
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

/// Bios for the requests that need more clones than their own.
///
/// An allocation may wait for clones that were submitted before it to come back. They do: they do
/// not wait on `current->bio_list` ([`apart`]), and a plug is flushed when its task sleeps. So the
/// set needs no rescuer.
#[pin_data(PinnedDrop)]
pub(crate) struct BioSet {
    #[pin]
    set: Opaque<bindings::bio_set>,
}

// SAFETY: A bio set may be used from any thread.
unsafe impl Send for BioSet {}
// SAFETY: A bio set has locks of its own.
unsafe impl Sync for BioSet {}

impl BioSet {
    /// Bios that can be had however little memory there is. Enough for the progress of a few
    /// requests at a time.
    const RESERVE: u32 = 64;

    /// Makes a set.
    pub(super) fn new() -> impl PinInit<Self, Error> {
        let flags = bindings::BIOSET_PERCPU_CACHE;
        try_pin_init!(Self {
            set <- Opaque::try_ffi_init(move |set: *mut bindings::bio_set| {
                // SAFETY: `set` is valid for writing a `bio_set`; zero is what `bioset_init`
                // expects.
                unsafe {
                    set.write_bytes(0, 1);
                    to_result(bindings::bioset_init(set, Self::RESERVE, 0, flags as c_int))
                }
            }),
        }? Error)
    }

    fn alloc_clone(&self, source: *mut bindings::bio, device: &BlockDevice) -> *mut bindings::bio {
        // SAFETY: The set is initialised, and the source belongs to a request that outlives the
        // clone.
        unsafe {
            let set = self.set.get();
            bindings::bio_alloc_clone(device.as_ptr(), source, ffi::md_gfp_noio, set)
        }
    }

    fn alloc_flush(&self, device: &BlockDevice) -> *mut bindings::bio {
        // SAFETY: The set is initialised.
        unsafe {
            let set = self.set.get();
            bindings::bio_alloc_bioset(device.as_ptr(), 0, FLUSH_CLONE, ffi::md_gfp_noio, set)
        }
    }
}

#[pinned_drop]
impl PinnedDrop for BioSet {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: The set is initialised, and all its bios are back: requests hold the disk.
        unsafe { bindings::bioset_exit(self.set.get()) };
    }
}

/// Our data in a request.
fn private(rq: *mut bindings::request) -> *mut Private {
    // The tag set's `cmd_size` bytes follow the request (`blk_mq_rq_to_pdu`).
    rq.wrapping_add(1).cast()
}

/// Makes a clone ready to be submitted: where it goes, and what happens when it comes back.
///
/// # Safety
///
/// `clone` is a bio that we made and have not submitted; `rq` is our request.
unsafe fn aim(
    clone: *mut bindings::bio,
    rq: *mut bindings::request,
    sector: u64,
    done: unsafe extern "C" fn(*mut bindings::bio),
) {
    // SAFETY: By the contract of this function.
    unsafe {
        let clone = &mut *clone;
        if (*rq).bio.is_null() {
            // A flush: its flags are its own.
        } else {
            clone.bi_opf = clone.bi_opf & !NOT_CLONED | (*rq).cmd_flags & REQ_FUA;
        }
        clone.bi_iter.bi_sector = sector;
        clone.bi_private = rq.cast();
        clone.bi_end_io = Some(done);
    }
}

/// End of the clone of [`Request::forward`]. Called in any context.
///
/// # Safety
///
/// Called by the block layer, with a bio that [`aim`] has made ready.
unsafe extern "C" fn forward_done(clone: *mut bindings::bio) {
    // SAFETY: `aim` left the request there. The clone is the request's own: it has to be taken down
    // before the request is ended, since its memory then serves the tag's next request.
    unsafe {
        let rq = (*clone).bi_private.cast();
        let status = (*clone).bi_status;
        bindings::bio_uninit(clone);
        bindings::blk_mq_end_request(rq, status);
    }
}

/// End of a clone of [`FanOut`]. Called in any context.
///
/// # Safety
///
/// Called by the block layer, with a bio that [`aim`] has made ready.
unsafe extern "C" fn fan_out_done(clone: *mut bindings::bio) {
    // SAFETY: `aim` left the request there, and the clone still counts in its `remaining`. The
    // request's own clone must not be put, since its memory is not the bioset's.
    unsafe {
        let rq: *mut bindings::request = (*clone).bi_private.cast();
        let status = (*clone).bi_status;
        if clone == (*private(rq)).clone.get() {
            bindings::bio_uninit(clone);
        } else {
            bindings::bio_put(clone);
        }
        if status != 0 {
            note_status(rq, status);
        }
        put_remaining(rq);
    }
}

/// Keeps the first error of a request.
fn note_status(rq: *mut bindings::request, status: bindings::blk_status_t) {
    // SAFETY: The caller holds a count of the request, so it is not ended.
    let private = unsafe { &*private(rq) };
    let _ = private.status.cmpxchg(0, status.into(), Relaxed);
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
        if private.remaining.fetch_sub(1, Full) == 1 {
            let status = private.status.load(Relaxed);
            bindings::blk_mq_end_request(rq, status as bindings::blk_status_t);
        }
    }
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
