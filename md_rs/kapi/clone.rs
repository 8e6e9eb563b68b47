// SPDX-License-Identifier: GPL-2.0
//! Clones: the bios that a request of ours sends to lower devices.
//!
//! A clone's memory is the request's own for the first one, and a [`BioSet`]'s for the others. In
//! front of the bio lies what we have to know when it comes back ([`BioClone`]).
//!
//! C header: [`include/linux/bio.h`](srctree/include/linux/bio.h)

use core::mem::offset_of;

use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    types::Opaque, //
};

use md_model::mirror::side_bit;

use super::{
    bdev::BlockDevice,
    ffi, //
};
use crate::{
    condition::Condition,
    fencing, //
};

/// Flags of the caller's bio that a clone does not get. `PREFLUSH`: the block layer took it off the
/// request and sends the flush by itself. `FUA` and `NOWAIT`: unless the request still has them.
/// `POLLED`: nobody polls the lower queue. `ALLOC_CACHE`: `bio_put` would hand memory that belongs
/// to a request to the per-CPU bio cache.
const NOT_CLONED: u32 = FROM_REQUEST
    | 1 << bindings::req_flag_bits___REQ_PREFLUSH
    | 1 << bindings::req_flag_bits___REQ_POLLED
    | 1 << bindings::req_flag_bits___REQ_ALLOC_CACHE;

/// Flags that a clone has if its request has them: the block layer takes FUA off the request where
/// it sends a flush instead, and we take NOWAIT off the request that we let wait.
const FROM_REQUEST: u32 = 1 << bindings::req_flag_bits___REQ_FUA | super::request::REQ_NOWAIT;

/// A flush, as a bio: an empty write with `PREFLUSH`. `submit_bio` refuses `REQ_OP_FLUSH`.
const FLUSH_CLONE: u32 =
    bindings::req_op_REQ_OP_WRITE | 1 << bindings::req_flag_bits___REQ_PREFLUSH;

/// Where a clone goes.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    /// The device.
    pub(crate) device: &'a BlockDevice,
    /// First sector there.
    pub(crate) sector: u64,
    /// The side of a mirror that it belongs to.
    pub(crate) side: Option<Side<'a>>,
}

/// A side of a mirror, and the component of it that answers for a clone.
#[derive(Clone, Copy)]
pub(crate) struct Side<'a> {
    /// Which side, counted from 0.
    pub(crate) index: u32,
    /// The component.
    pub(crate) condition: &'a Condition,
}

/// What a clone is made of.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    /// The bio of the request that it stands for; null for a flush.
    pub(super) source: *mut bindings::bio,
    /// The bio whose data it has: that, or a copy.
    pub(super) data: *mut bindings::bio,
}

impl Origin {
    /// A bio, and its own data.
    #[inline]
    pub(super) fn of(source: *mut bindings::bio) -> Self {
        Self {
            source,
            data: source,
        }
    }
}

/// A clone, and where it comes from.
#[repr(C)]
pub(super) struct BioClone {
    /// The bio that it is made of; null for a flush.
    source: *mut bindings::bio,
    /// Where it goes.
    device: *const BlockDevice,
    /// The component of a mirror's side that answers for it; null for none.
    condition: *const Condition,
    /// Which side that is.
    side: u32,
    /// Whether the memory is the request's, not the bioset's.
    is_own: bool,
    bio: Opaque<bindings::bio>,
}

/// Whether a status means that a device does not do what it was asked for: `EOPNOTSUPP`, or the
/// `EREMOTEIO` of a disk that does not know the command.
pub(super) fn is_unsupported(status: bindings::blk_status_t) -> bool {
    // SAFETY: The shim's constants are never written.
    unsafe { status == ffi::md_sts_notsupp || status == ffi::md_sts_target }
}

/// Whether a status means that the device has lost the data.
pub(super) fn is_medium(status: bindings::blk_status_t) -> bool {
    // SAFETY: The shim's constants are never written.
    unsafe { status == ffi::md_sts_medium }
}

/// Whether a status means that what must not wait would have had to; or that a device does not know
/// any more what that is, as one of device-mapper's whose table was replaced.
pub(super) fn is_again(status: bindings::blk_status_t) -> bool {
    // SAFETY: The shim's constants are never written.
    unsafe { status == ffi::md_sts_again || status == ffi::md_sts_notsupp }
}

/// Whether something has failed with `status` because this host has lost the disk: the disk itself
/// is fine then.
fn is_taken_away(device: &BlockDevice, status: bindings::blk_status_t) -> bool {
    is_conflict(status) && fencing::refused(device) || fencing::is_fenced(device)
}

/// Whether a status means that another host has reserved the device.
fn is_conflict(status: bindings::blk_status_t) -> bool {
    // SAFETY: The shim's constants are never written.
    unsafe { status == ffi::md_sts_conflict }
}

/// What happens when a clone comes back.
pub(super) type Done = unsafe extern "C" fn(*mut bindings::bio);

impl BioClone {
    /// Makes a clone of a bio, or without one a flush, in memory that is the request's own.
    /// `false` without memory for what hangs on a bio.
    ///
    /// # Safety
    ///
    /// The memory is unused, and lives, like `origin` and `target`, until the clone has ended.
    #[inline]
    pub(super) unsafe fn init(this: *mut Self, origin: Origin, target: &Target<'_>) -> bool {
        let Origin { source, data } = origin;
        let bdev = target.device.as_ptr();
        // SAFETY: By the contract of this function.
        unsafe {
            Self::note_origin(this, source, target, true);
            let bio = (*this).bio.get();
            if source.is_null() {
                bindings::bio_init(bio, bdev, core::ptr::null_mut(), 0, FLUSH_CLONE);
                return true;
            }
            let none = core::ptr::null_mut();
            let made = bindings::bio_init_clone(none, bio, data, ffi::md_gfp_noio) == 0;
            if made {
                ffi::md_bio_set_dev(bio, source, bdev);
            }
            made
        }
    }

    /// Writes down where a clone comes from, and where it goes.
    ///
    /// # Safety
    ///
    /// As for [`Self::init`].
    #[inline]
    unsafe fn note_origin(
        this: *mut Self,
        source: *mut bindings::bio,
        target: &Target<'_>,
        is_own: bool,
    ) {
        // SAFETY: By the contract of this function.
        unsafe {
            (*this).source = source;
            (*this).device = target.device;
            (*this).is_own = is_own;
            match target.side {
                Some(side) => {
                    (*this).condition = side.condition;
                    (*this).side = side.index;
                }
                None => (*this).condition = core::ptr::null(),
            }
        }
    }

    /// Sends the clone to `sector` of its device.
    ///
    /// # Safety
    ///
    /// The clone was just made, for a bio or the flush of the request `rq`, which is not ended
    /// before `done` was called.
    pub(super) unsafe fn submit(
        this: *mut Self,
        rq: *mut bindings::request,
        sector: u64,
        done: Done,
    ) {
        // SAFETY: By the contract of this function. From `submit_bio_noacct` on the clone belongs
        // to the block layer.
        unsafe {
            let bio = (*this).bio.get();
            if (*this).source.is_null() {
                (*bio).bi_opf |= (*rq).cmd_flags & super::request::REQ_NOWAIT;
            } else {
                (*bio).bi_opf = (*bio).bi_opf & !NOT_CLONED | (*rq).cmd_flags & FROM_REQUEST;
            }
            (*bio).bi_iter.bi_sector = sector;
            (*bio).bi_private = rq.cast();
            (*bio).bi_end_io = Some(done);
            if (*bio).bi_bdev.is_null() || fencing::is_fenced(&*(*this).device) {
                // The device was not found, or its disk is another host's.
                (*bio).bi_status = ffi::md_sts_ioerr;
                return bindings::bio_endio(bio);
            }
            bindings::submit_bio_noacct(bio);
        }
    }

    /// A place for [`Self::submit_alone`].
    pub(super) fn unmade() -> Self {
        Self {
            source: core::ptr::null_mut(),
            device: core::ptr::null(),
            condition: core::ptr::null(),
            side: 0,
            is_own: true,
            bio: Opaque::uninit(),
        }
    }

    /// Makes a read into the memory of the bio `data`, and sends it. It belongs to no request:
    /// whoever is called when it is `done` knows what it is for.
    ///
    /// # Safety
    ///
    /// The memory is unused, and lives, like `data` and what `target` leads to, until the read has
    /// ended.
    pub(super) unsafe fn submit_alone(
        this: *mut Self,
        data: *mut bindings::bio,
        target: &Target<'_>,
        nowait: bool,
        done: Done,
    ) {
        let nowait = if nowait {
            super::request::REQ_NOWAIT
        } else {
            0
        };
        // SAFETY: By the contract of this function. From `submit_bio_noacct` on the bio belongs to
        // the block layer.
        unsafe {
            Self::note_origin(this, core::ptr::null_mut(), target, true);
            let (bio, bdev) = ((*this).bio.get(), target.device.as_ptr());
            let (table, count) = ((*data).bi_io_vec, (*data).bi_vcnt);
            bindings::bio_init(
                bio,
                bdev,
                table,
                count,
                bindings::req_op_REQ_OP_READ | nowait,
            );
            (*bio).bi_vcnt = count;
            (*bio).bi_iter = (*data).bi_iter;
            (*bio).bi_iter.bi_sector = target.sector;
            (*bio).bi_end_io = Some(done);
            if bdev.is_null() || fencing::is_fenced(target.device) {
                (*bio).bi_status = ffi::md_sts_ioerr;
                return bindings::bio_endio(bio);
            }
            bindings::submit_bio_noacct(bio);
        }
    }

    /// Cuts a clone down to `bytes` of its data, `skip` bytes from the start.
    ///
    /// # Safety
    ///
    /// The clone was just made, of a bio that has `skip + bytes` bytes, or that has no data.
    pub(super) unsafe fn cut(this: *mut Self, skip: u32, bytes: u32) {
        // SAFETY: By the contract of this function.
        unsafe {
            let bio = (*this).bio.get();
            if skip > 0 {
                ffi::md_bio_advance(bio, skip);
            }
            ffi::md_bio_set_bytes(bio, bytes);
        }
    }

    /// Turns a clone of a discard into a write of zeroes, which may unmap.
    ///
    /// # Safety
    ///
    /// The clone was just made, of a discard.
    pub(super) unsafe fn make_write_zeroes(this: *mut Self) {
        const WRITE_ZEROES: u32 = bindings::req_op_REQ_OP_WRITE_ZEROES;
        // SAFETY: By the contract of this function.
        unsafe {
            let bio = (*this).bio.get();
            (*bio).bi_opf = (*bio).bi_opf & !super::request::OP_MASK | WRITE_ZEROES;
        }
    }

    /// Gives back a clone that has come back.
    ///
    /// # Safety
    ///
    /// The clone's request is not ended yet, and nobody uses the clone any more.
    #[inline]
    pub(super) unsafe fn put(bio: *mut bindings::bio) {
        // SAFETY: By the contract of this function. The request's own clone must not be put, since
        // its memory is not the bioset's, and has to be taken down while it is the request's.
        unsafe {
            if (*Self::of(bio)).is_own {
                bindings::bio_uninit(bio);
            } else {
                bindings::bio_put(bio);
            }
        }
    }

    /// Whether it came back only because it would have had to wait, and must not.
    ///
    /// # Safety
    ///
    /// It was sent, and has come back with `status`.
    pub(super) unsafe fn is_to_wait(&self, status: bindings::blk_status_t) -> bool {
        // SAFETY: By the contract of this function nobody changes the bio.
        let flags = unsafe { (*self.bio.get()).bi_opf };
        is_again(status) && flags & super::request::REQ_NOWAIT != 0
    }

    /// The clone that a bio belongs to.
    pub(super) fn of(bio: *mut bindings::bio) -> *mut Self {
        bio.wrapping_byte_sub(offset_of!(Self, bio)).cast()
    }

    /// Notes an error of a clone that has come back: with its device, with the component that
    /// answers for it, and with the bio that it was made of. Called in any context. Which side has
    /// failed, as a bit; zero without sides, or if it is nobody's fault.
    ///
    /// # Safety
    ///
    /// The clone has come back for the request `rq`, which is not ended.
    #[cold]
    pub(super) unsafe fn note_failure(
        this: *mut Self,
        rq: *mut bindings::request,
        status: bindings::blk_status_t,
    ) -> u32 {
        // SAFETY: By the contract of this function; device and component outlive all requests.
        unsafe {
            let (device, source) = (&*(*this).device, (*this).source);
            if !source.is_null() {
                // Several clones of one bio may get here at once: any of their errors will do.
                (&raw mut (*source).bi_status).write_volatile(status);
            }
            let operation = (*rq).cmd_flags & super::request::OP_MASK;
            if operation == bindings::req_op_REQ_OP_READ {
                return (*this).note_read_failure(status);
            }
            if is_taken_away(device, status) {
                return 0;
            }
            let unsupported = is_unsupported(status);
            match operation {
                bindings::req_op_REQ_OP_DISCARD | bindings::req_op_REQ_OP_WRITE_ZEROES
                    if unsupported =>
                {
                    // A mirror discards by writing zeroes.
                    let instead = !(*this).condition.is_null();
                    ffi::md_queue_follow_offers((*rq).q, device.as_ptr(), instead);
                    return 0;
                }
                _ => device.health().note_write_error(),
            }
            let Some(condition) = (*this).blamed(status) else {
                return 0;
            };
            condition.note_write_failed();
            side_bit((*this).side)
        }
    }

    /// Notes an error of a read that has come back, of a request or sent by [`Self::submit_alone`]:
    /// with its device, and with the component that answers for it. Called in any context. Which
    /// side has failed, as a bit; zero without sides, or if it is nobody's fault.
    ///
    /// # Safety
    ///
    /// The device and the component are still there.
    #[cold]
    pub(super) unsafe fn note_read_failure(&self, status: bindings::blk_status_t) -> u32 {
        // SAFETY: By the contract of this function.
        unsafe {
            let device = &*self.device;
            if is_taken_away(device, status) {
                return 0;
            }
            device.health().note_read_error();
            let Some(condition) = self.blamed(status) else {
                return 0;
            };
            condition.note_read_failed();
        }
        side_bit(self.side)
    }

    /// The component that answers for an error.
    ///
    /// # Safety
    ///
    /// It is still there, if there is one.
    unsafe fn blamed(&self, status: bindings::blk_status_t) -> Option<&Condition> {
        // SAFETY: By the contract of this function; the shim's constants are never written. A
        // request that is malformed is so on every side.
        unsafe {
            let condition = self.condition.as_ref();
            condition.filter(|_| status != ffi::md_sts_inval)
        }
    }
}

/// Bios for the requests that need more clones than their own.
///
/// An allocation may wait for clones that were submitted before it to come back. They do: they do
/// not wait on `current->bio_list` ([`super::submission`]), and a plug is flushed when its task
/// sleeps. So the set needs no rescuer.
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
        let flags = bindings::BIOSET_PERCPU_CACHE as c_int;
        let front = offset_of!(BioClone, bio) as c_uint;
        try_pin_init!(Self {
            set <- Opaque::try_ffi_init(move |set: *mut bindings::bio_set| {
                // SAFETY: `set` is valid for writing a `bio_set`; zero is what `bioset_init`
                // expects.
                unsafe {
                    set.write_bytes(0, 1);
                    to_result(bindings::bioset_init(set, Self::RESERVE, front, flags))
                }
            }),
        }? Error)
    }

    /// A clone of a bio, or without one a flush. Null without memory; waits for memory if it may
    /// `wait`.
    ///
    /// # Safety
    ///
    /// `origin` and `target` live until the clone has ended.
    pub(super) unsafe fn alloc(
        &self,
        origin: Origin,
        target: &Target<'_>,
        wait: bool,
    ) -> *mut BioClone {
        let (set, bdev) = (self.set.get(), target.device.as_ptr());
        let Origin { source, data } = origin;
        // SAFETY: The set is initialised. The bio lies in a `BioClone`: the set was made with the
        // room in front of it.
        unsafe {
            let gfp = if wait {
                ffi::md_gfp_noio
            } else {
                ffi::md_gfp_nowait
            };
            let bio = if source.is_null() {
                bindings::bio_alloc_bioset(bdev, 0, FLUSH_CLONE, gfp, set)
            } else {
                bindings::bio_alloc_clone(core::ptr::null_mut(), data, gfp, set)
            };
            if bio.is_null() {
                return core::ptr::null_mut();
            }
            if !source.is_null() {
                ffi::md_bio_set_dev(bio, source, bdev);
            }
            let clone = BioClone::of(bio);
            BioClone::note_origin(clone, source, target, false);
            clone
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
