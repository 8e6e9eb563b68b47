// SPDX-License-Identifier: GPL-2.0
//! What surrounds the sending of clones: the caller's plug and bio list are put aside, and ours are
//! plugged where that is of use.
//!
//! A plug collects requests for the lower devices, so that those that follow each other are merged
//! and each device is handed its own at once. A single clone has nothing to gain from that and
//! goes straight to its device.
//!
//! C header: [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h)

use kernel::types::Opaque;

use super::{
    clone::BioSet,
    ffi, //
};

/// A submission under way, in the task that has begun it.
pub(crate) struct Submission<'a> {
    raw: &'a Opaque<ffi::MdSubmission>,
    bioset: &'a BioSet,
}

impl Submission<'_> {
    /// Runs `submit`, which submits bios, with the calling task's plug and bio list put aside;
    /// `md_submission_begin` in `shim.c` says why.
    #[inline]
    pub(super) fn apart(bioset: &BioSet, submit: impl FnOnce(&Submission<'_>)) {
        let raw = Opaque::uninit();
        // SAFETY: The object lives on this stack frame until it is ended below.
        unsafe { ffi::md_submission_begin(raw.get()) };
        submit(&Submission { raw: &raw, bioset });
        // SAFETY: Begun above, by this task.
        unsafe { ffi::md_submission_end(raw.get()) };
    }

    /// From now on, clones are plugged. `expected`: how many there will be at least; their requests
    /// are allocated together.
    #[inline]
    pub(super) fn plug(&self, expected: u16) {
        // SAFETY: `apart` has begun the submission; only its closure gets at this object, and so
        // only the same task.
        unsafe { ffi::md_submission_plug(self.raw.get(), expected) };
    }

    /// Where clones come from that do not fit into their request.
    #[inline]
    pub(super) fn bioset(&self) -> &BioSet {
        self.bioset
    }
}
