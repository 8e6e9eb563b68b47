// SPDX-License-Identifier: GPL-2.0
//! A request whose pieces go to several places: a clone for each.

use core::cell::Cell;

use kernel::{
    bindings,
    sync::atomic::ordering::Relaxed, //
};
use md_model::units::SECTOR_BYTES;

use super::{
    bdev::Buffer,
    clone::{
        BioClone,
        Origin,
        Target, //
    },
    completion::{
        fan_out_done,
        note_status,
        put_remaining, //
    },
    ffi,
    request::{
        is_nowait,
        own_clone,
        private,
        Failure, //
    },
    submission::Submission, //
};

/// A request on its way to several places. It ends, with the first error there was, when this
/// object is gone and all clones have come back.
pub(crate) struct FanOut<'a> {
    pub(super) rq: *mut bindings::request,
    /// A copy of what it writes; null if its clones have the data of its bios.
    pub(super) copy: *mut bindings::bio,
    pub(super) submission: &'a Submission<'a>,
    /// Clones in the request's own memory that are not used yet; the last ones first.
    pub(super) own_clones: Cell<u32>,
}

impl FanOut<'_> {
    /// The bios of the request.
    pub(crate) fn parts(&self) -> Parts<'_> {
        Parts {
            out: self,
            // SAFETY: While this object exists the request is not ended, and its bios stay.
            next: unsafe { (*self.rq).bio },
            start: 0,
        }
    }

    /// Sends a flush to a device; the sector is of no account. To a device that cannot say "try
    /// again", only a request that may wait does.
    pub(crate) fn send_flush(&self, target: &Target<'_>) {
        if is_nowait(self.rq) && !target.device.has_nowait() {
            return note_status(self.rq, Failure::Again.status());
        }
        let clone = self.clone_of(core::ptr::null_mut(), target);
        if clone.is_null() {
            return note_status(self.rq, self.no_memory().status());
        }
        self.submit(clone, 0);
    }

    /// Lets the request end with an error, whatever comes of what was sent.
    pub(crate) fn fail(&self, failure: Failure) {
        note_status(self.rq, failure.status());
    }

    /// A clone of a bio of this request, or without one a flush; null without memory.
    fn clone_of(&self, source: *mut bindings::bio, target: &Target<'_>) -> *mut BioClone {
        let data = if source.is_null() || self.copy.is_null() {
            source
        } else {
            self.copy
        };
        let origin = Origin { source, data };
        // SAFETY: The source and its copy are the request's, and like the target outlive it. Each
        // of the request's own clones is used once.
        unsafe {
            let Some(number) = self.own_clones.get().checked_sub(1) else {
                return self
                    .submission
                    .bioset()
                    .alloc(origin, target, !is_nowait(self.rq));
            };
            self.own_clones.set(number);
            let clone = own_clone(self.rq, number);
            if BioClone::init(clone, origin, target) {
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
    /// Where it begins in the request, in bytes.
    start: u32,
}

impl Part<'_> {
    /// First sector, counted in the disk that carries the request.
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
        if count < self.sectors {
            // Others of its pieces may follow this one on its device.
            self.out.submission.plug(1);
        }
        // A bio has less than 4 GiB, so neither conversion loses anything.
        let (mut skip, count) = ((skip << 9) as u32, (count << 9) as u32);
        if !self.out.copy.is_null() {
            skip = skip.wrapping_add(self.start);
        }
        let clone = self.out.clone_of(self.bio, target);
        if clone.is_null() {
            return self.fail(self.out.no_memory());
        }
        // SAFETY: The clone was just made, of a bio that has `skip + count` bytes, or of a copy of
        // all bios of the request, of which this one begins at `start`.
        unsafe {
            BioClone::cut(clone, skip, count);
            if zeroing {
                BioClone::make_write_zeroes(clone);
            }
        }
        self.out.submit(clone, target.sector);
    }

    /// Answers a read without a clone: puts the beginning of a buffer into `count` sectors of the
    /// bio, from number `skip` on.
    pub(crate) fn fill(&self, skip: u64, count: u64, buffer: &Buffer) {
        let end = skip.checked_add(count);
        let bytes = usize::try_from(count.saturating_mul(SECTOR_BYTES)).ok();
        let data = bytes.and_then(|bytes| buffer.get(..bytes));
        let Some(data) = data.filter(|_| end.is_some_and(|end| end <= self.sectors)) else {
            return self.fail(Failure::Io);
        };
        // SAFETY: The bio has `skip + count` sectors, which is less than 4 GiB, is there as long as
        // the request, and no clone of it is in flight that would write to its memory.
        unsafe {
            let data = (data.as_ptr().cast(), data.len() as u32);
            ffi::md_bio_fill(self.bio, (skip << 9) as u32, data.0, data.1);
        }
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
    /// Where that begins in the request, in bytes.
    start: u32,
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
        let start = self.start;
        self.start = start.wrapping_add(iter.bi_size);
        // SAFETY: The request is not ended before `out` is gone.
        let offset = unsafe { (*private(self.out.rq)).offset.get() };
        Some(Part {
            out: self.out,
            bio,
            sector: iter.bi_sector.wrapping_add(offset),
            sectors: u64::from(iter.bi_size >> 9),
            start,
        })
    }
}

impl Drop for FanOut<'_> {
    fn drop(&mut self) {
        // SAFETY: The count that is given back here is the one taken by `Request::fan_out`.
        unsafe { put_remaining(self.rq) };
    }
}
