// SPDX-License-Identifier: GPL-2.0
//! A block device of ours: tag set, queue and gendisk, with one life.
//!
//! 1. [`Disk::new`] makes the tag set and the disk and shows it to the world. From then on
//!    requests, opens and closes arrive at [`Operations`].
//! 2. Dropping the [`Disk`] takes it out of the world (`del_gendisk`): when that returns there are
//!    no requests any more, and none will come. Somebody may still have it open.
//! 3. With the last close `free_disk` is called and gives up the gendisk's reference to [`Shared`].
//!
//! The module cannot be unloaded while a disk is open, since `fops.owner` is set.
//!
//! C headers: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h),
//! [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h)

use core::mem::offset_of;

use kernel::{
    bindings,
    error::{
        from_err_ptr,
        to_result, //
    },
    prelude::*,
    static_lock_class,
    sync::{
        atomic::ordering::{
            Full,
            Release, //
        },
        Arc, //
    },
    time::{
        delay::fsleep,
        Delta, //
    }, //
};

use md_model::units::SECTOR_BYTES;

use super::{
    bdev::BlockDevice,
    deferred::Deferred,
    disk_core::{
        exit_request,
        init_request,
        Core,
        CoreTable, //
    },
    errand::Errand,
    ffi,
    gate::Roster,
    limits::QueueLimits,
    noio::NoIo,
    request::Request,
    submission::Submission,
    uevent::DiskRef, //
};

/// What a disk does. All methods may be called at the same time from any CPU.
pub(crate) trait Operations: Send + Sync + 'static {
    /// Carries out a request. May sleep.
    fn queue(&self, request: Request, submission: &Submission<'_>);

    /// Carries out requests that were put aside, by the disk's worker, one after the other or
    /// together. May sleep. Never called twice at the same time.
    fn queue_deferred(
        &self,
        requests: &mut dyn Iterator<Item = Request>,
        submission: &Submission<'_>,
    ) {
        requests.for_each(|request| self.queue(request, submission));
    }

    /// A request that was [`Request::set_claiming`] has come back from the devices. Called in any
    /// context; what waits for this is woken after it.
    fn leave(&self, sector: u64, count: u64);

    /// How many clones a request has room for: what an ordinary one needs.
    fn own_clones(&self) -> u32;

    /// How many errands there are, see [`super::errand`].
    fn errand_count(&self) -> u32;

    /// Carries out an errand. In task context; may sleep. Not called for one errand twice at the
    /// same time.
    fn errand(&self, errand: &Errand<'_>);

    /// Somebody wants to open the disk, or a partition of it, to read or also to `write`.
    fn open(&self, write: bool) -> Result;

    /// Somebody has closed it.
    fn release(&self);
}

/// What a disk and its open files share.
#[pin_data]
#[repr(C)]
struct Shared<T: Operations> {
    // First: see `Core::of` and `Table::work`.
    #[pin]
    core: Core,
    operations: T,
    /// Dropped last: the core points to it.
    _carrier: Option<Carrier<T>>,
}

impl<T: Operations> Shared<T> {
    fn new<'a>(
        name: &'a CStr,
        operations: T,
        carrier: Option<Carrier<T>>,
    ) -> Result<impl PinInit<Self, Error> + use<'a, T>> {
        let below = carrier.as_ref().map(Carrier::core);
        let roster = Roster::new(below.map(|below| below.gate.roster().clone()));
        let roster = Arc::pin_init(roster, GFP_KERNEL)?;
        let below = below.map_or(core::ptr::null(), core::ptr::from_ref);
        let (table, own_clones) = (Table::<T>::CORE, operations.own_clones());
        let errand_count = operations.errand_count();
        Ok(try_pin_init!(Self {
            core <- Core::new(name, table, own_clones, errand_count, (roster, below)),
            operations,
            _carrier: carrier,
        }? Error))
    }

    /// Carries out requests of this disk, with the caller's plug and bio list put aside.
    /// `count` of them, if that is known; if it is more than one, their clones are plugged.
    fn queue(&self, count: u16, requests: impl Iterator<Item = Request>) {
        Submission::apart(&self.core.bioset, |submission| {
            if count != 1 {
                submission.plug(count);
            }
            for request in requests {
                if request.enter(&self.core) {
                    self.operations.queue(request, submission);
                } else {
                    request.wait(|| self.core.gate.is_open());
                }
            }
        });
    }
}

impl<T: Operations> Shared<T> {
    /// Carries out the requests that were put aside.
    fn queue_deferred(&self) {
        Submission::apart(&self.core.bioset, |submission| {
            submission.plug(0);
            let mut inside = self.core.deferred.take().filter_map(|request| {
                if request.enter(&self.core) {
                    return Some(request);
                }
                request.wait(|| self.core.gate.is_open());
                None
            });
            self.operations.queue_deferred(&mut inside, submission);
        });
    }
}

/// A disk that the world can see.
///
/// # Invariants
///
/// `gendisk` was added by `device_add_disk` and is not deleted; its `private_data` and its queue's
/// `queuedata` point to `shared`, and `private_data` owns one reference to it.
pub(crate) struct Disk<T: Operations> {
    gendisk: *mut bindings::gendisk,
    shared: Arc<Shared<T>>,
}

// SAFETY: Disks may be deleted by any thread.
unsafe impl<T: Operations> Send for Disk<T> {}
// SAFETY: The methods only read what does not change.
unsafe impl<T: Operations> Sync for Disk<T> {}

impl<T: Operations> Disk<T> {
    /// Makes a disk of a kernel name, for example `md!dsk!d10`: a `!` becomes a `/` below `/dev`.
    /// `carrier` is the one that its requests may be carried by.
    pub(crate) fn new(
        name: &CStr,
        sectors: u64,
        mut limits: QueueLimits,
        operations: T,
        carrier: Option<Carrier<T>>,
    ) -> Result<Self> {
        let shared = Arc::pin_init(Shared::new(name, operations, carrier)?, GFP_KERNEL)?;
        shared.core.errands.attach(&shared.core);
        let data = core::ptr::from_ref(&*shared).cast_mut();
        // SAFETY: The tag set is initialised and, as `data`, lives as long as the disk.
        let gendisk = from_err_ptr(unsafe {
            bindings::__blk_mq_alloc_disk(
                shared.core.tag_set.get(),
                limits.as_mut_ptr(),
                data.cast(),
                static_lock_class!().as_ptr(),
            )
        })?;
        // SAFETY: The disk is ours alone until it is added. `private_data` gets a reference of its
        // own, which `free_disk` gives back.
        let added = unsafe {
            (*gendisk).fops = &Table::<T>::DISK;
            (*gendisk).private_data = shared.clone().into_raw().cast_mut().cast();
            bindings::set_capacity(gendisk, sectors);
            if !limits.has_nowait() {
                ffi::md_disk_clear_nowait(gendisk);
            }
            ffi::md_disk_set_unthrottled(gendisk);
            ffi::md_disk_set_above(gendisk);
            shared.core.gendisk.store(gendisk, Release);
            copy_name(&mut (*gendisk).disk_name, name).and_then(|()| {
                let none = core::ptr::null_mut();
                to_result(bindings::device_add_disk(none, gendisk, none.cast()))
            })
        };
        if let Err(error) = added {
            // SAFETY: A disk that was never added is not given to `free_disk`, so both references,
            // the disk's own and the one in `private_data`, are given back here.
            unsafe {
                bindings::put_disk(gendisk);
                drop(Arc::from_raw(data.cast_const()));
            }
            return Err(error);
        }
        // INVARIANT: The disk was added just now, and points to `shared`.
        Ok(Self { gendisk, shared })
    }

    /// What the disk does.
    pub(crate) fn operations(&self) -> &T {
        &self.shared.operations
    }

    /// For requests of other disks that this one is to carry.
    pub(crate) fn carrier(&self) -> Carrier<T> {
        Carrier(self.shared.clone())
    }

    /// The device number that user space knows it by.
    pub(crate) fn user_dev(&self) -> u64 {
        // SAFETY: By the type invariant the disk is there.
        unsafe { ffi::md_disk_user_dev(self.gendisk) }
    }

    /// The disk, for uevents.
    pub(crate) fn device_ref(&self) -> DiskRef {
        // SAFETY: By the type invariant the disk is there.
        unsafe { DiskRef::of(self.gendisk) }
    }

    /// Sees to it that no request is under way on the disk, and no errand, and that none begins
    /// before the answer is dropped. Sleeps as long as those take that are.
    pub(crate) fn close_gate(&self) -> ClosedGate<'_> {
        let core = &self.shared.core;
        while core.is_closing.cmpxchg(0, 1, Full).is_err() {
            fsleep(Delta::from_millis(1));
        }
        let noio = NoIo::begin();
        // SAFETY: The gate is open, and nobody else closes it: this is the only place, and we are
        // the only one here. Requests that are inside do not wait for who holds it.
        unsafe { core.gate.close() };
        // Who has carried out a request that has ended since may still be on his way out.
        // SAFETY: The tag set is initialised, and we may sleep.
        unsafe { bindings::blk_mq_wait_quiesce_done(core.tag_set.get()) };
        core.deferred.flush();
        core.errands.stop();
        ClosedGate { core, _noio: noio }
    }

    /// Sees to it that writes can be copied ([`Request::copy_data`]), however little memory there
    /// is.
    pub(crate) fn prepare_copies(&self) -> Result {
        // SAFETY: By the type invariant the disk is there.
        let sectors = unsafe { (*(*self.gendisk).queue).limits.max_hw_sectors };
        let bytes = sectors.saturating_mul(SECTOR_BYTES as u32);
        Ok(self.shared.core.reserve.make(bytes)?)
    }

    /// Reads can be hedged from now on ([`Request::hedge`]).
    pub(crate) fn prepare_hedges(&self) -> Result {
        self.shared.core.hedges.make()
    }

    /// No errand is carried out any more.
    pub(crate) fn stop_errands(&self) {
        self.shared.core.errands.stop();
    }

    /// Undoes [`Self::stop_errands`].
    pub(crate) fn resume_errands(&self) {
        self.shared.core.errands.resume();
    }

    /// Has an errand carried out, if the disk has it.
    pub(crate) fn ask(&self, errand: u32) {
        self.shared.core.errands.ask(errand, 0);
    }

    /// Lets the disk have new limits, no wider than the old ones, and then a new size.
    pub(crate) fn resize(&self, sectors: u64, mut limits: QueueLimits) -> Result {
        // SAFETY: By the type invariant the disk is there.
        unsafe {
            to_result(ffi::md_queue_narrow_limits(
                self.gendisk,
                limits.as_mut_ptr(),
            ))?;
            bindings::set_capacity_and_notify(self.gendisk, sectors);
        }
        Ok(())
    }

    /// Nothing can be written to it any more.
    pub(crate) fn make_read_only(&self) {
        // SAFETY: By the type invariant the disk is there.
        unsafe { bindings::set_disk_ro(self.gendisk, true) };
    }

    /// Undoes [`Self::make_read_only`].
    pub(crate) fn make_writable(&self) {
        // SAFETY: By the type invariant the disk is there.
        unsafe { bindings::set_disk_ro(self.gendisk, false) };
    }

    /// Shows in sysfs that this disk holds a device (`holders/`, `slaves/`).
    pub(crate) fn link_holder(&self, device: &BlockDevice) -> Result {
        if device.is_absent() {
            return Ok(());
        }
        // SAFETY: Both are there, and we have claimed the device.
        to_result(unsafe { bindings::bd_link_disk_holder(device.as_ptr(), self.gendisk) })
    }

    /// Undoes [`Self::link_holder`].
    pub(crate) fn unlink_holder(&self, device: &BlockDevice) {
        if device.is_absent() {
            return;
        }
        // SAFETY: As in `link_holder`.
        unsafe { bindings::bd_unlink_disk_holder(device.as_ptr(), self.gendisk) };
    }
}

/// A disk that carries requests of others, see [`Request::carry`].
pub(crate) struct Carrier<T: Operations>(Arc<Shared<T>>);

impl<T: Operations> Carrier<T> {
    /// What the disk has.
    #[inline]
    pub(super) fn core(&self) -> &Core {
        &self.0.core
    }
}

impl<T: Operations> Clone for Carrier<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// A disk on which nothing is under way; see [`Disk::close_gate`].
pub(crate) struct ClosedGate<'a> {
    core: &'a Core,
    /// Who waits for memory must not wait for requests that wait here.
    _noio: NoIo,
}

impl Drop for ClosedGate<'_> {
    fn drop(&mut self) {
        self.core.errands.resume();
        // SAFETY: Closed by `Disk::close_gate`, and by nobody else since.
        unsafe { self.core.gate.reopen() };
        self.core.is_closing.store(0, Release);
        self.core.deferred.kick();
    }
}

impl<T: Operations> Drop for Disk<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant the disk was added and not deleted. The reference that is
        // put is the one of `__blk_mq_alloc_disk`.
        unsafe {
            bindings::del_gendisk(self.gendisk);
            // Not before: requests may have waited for what an errand does.
            self.shared.core.errands.stop();
            self.shared.core.hedges.wait();
            bindings::put_disk(self.gendisk);
        }
    }
}

/// The tables of functions for disks that do `T`.
struct Table<T>(core::marker::PhantomData<T>);

impl<T: Operations> Table<T> {
    const CORE: CoreTable = CoreTable {
        queue: &Self::QUEUE,
        worker: Self::work,
        errand: Self::errand,
        leave: Self::leave,
    };

    const QUEUE: bindings::blk_mq_ops = bindings::blk_mq_ops {
        queue_rq: Some(Self::queue_rq),
        queue_rqs: Some(Self::queue_rqs),
        init_hctx: Some(Self::init_hctx),
        init_request: Some(init_request),
        exit_request: Some(exit_request),
        ..pin_init::zeroed()
    };

    const DISK: bindings::block_device_operations = bindings::block_device_operations {
        owner: module(),
        open: Some(Self::open),
        release: Some(Self::release),
        free_disk: Some(Self::free_disk),
        ..pin_init::zeroed()
    };

    /// Called when a hardware queue is made.
    ///
    /// A lower device's flush ends under the lock of its flush queue, and ends ours, which takes
    /// the lock of our flush queue. Lockdep is told that these are different locks; it is always
    /// the lower device's that comes first.
    ///
    /// # Safety
    ///
    /// Called by blk-mq, with a hardware queue that is being made.
    unsafe extern "C" fn init_hctx(
        hctx: *mut bindings::blk_mq_hw_ctx,
        _data: *mut c_void,
        _index: c_uint,
    ) -> c_int {
        // SAFETY: By the contract of this function; the key is static.
        unsafe {
            bindings::blk_mq_hctx_set_fq_lock_class(hctx, static_lock_class!().as_ptr());
        }
        0
    }

    /// Carries out a request.
    ///
    /// # Safety
    ///
    /// Called by blk-mq for a queue whose `queuedata` is a [`Shared<T>`].
    unsafe extern "C" fn queue_rq(
        hctx: *mut bindings::blk_mq_hw_ctx,
        data: *const bindings::blk_mq_queue_data,
    ) -> bindings::blk_status_t {
        // SAFETY: By the contract of this function; the disk, and so `Shared`, lives as long as
        // there are requests.
        let (shared, started, by_kblockd) = unsafe {
            let shared: *const Shared<T> = (*(*hctx).queue).queuedata.cast();
            (&*shared, Request::start((*data).rq), is_by_kblockd(hctx))
        };
        // A flush is always dispatched by kblockd. It is small enough to be sent from there, if no
        // device makes it wait; a device that would says so, and then the worker has it.
        if by_kblockd && !started.may_try_without_waiting() {
            shared.core.deferred.push(started);
        } else {
            shared.queue(1, core::iter::once(started));
        }
        bindings::BLK_STS_OK as bindings::blk_status_t
    }

    /// Carries out a batch of requests, all of one queue. Never called by kblockd, which dispatches
    /// one by one.
    ///
    /// # Safety
    ///
    /// As for [`Self::queue_rq`].
    unsafe extern "C" fn queue_rqs(list: *mut bindings::rq_list) {
        // SAFETY: By the contract of this function the list and its requests are ours.
        unsafe {
            let Some(first) = (*list).head.as_ref() else {
                return;
            };
            let shared: *const Shared<T> = (*first.q).queuedata.cast();
            let count = u16::try_from(ffi::md_rq_list_count(list)).unwrap_or(u16::MAX);
            (*shared).queue(
                count,
                core::iter::from_fn(|| {
                    let rq = ffi::md_rq_list_pop(list);
                    (!rq.is_null()).then(|| Request::start(rq))
                }),
            );
        }
    }

    /// Carries out the requests that were deferred.
    ///
    /// # Safety
    ///
    /// Called by the workqueue, with the work item of a [`Shared<T>`].
    unsafe extern "C" fn work(work: *mut bindings::work_struct) {
        let offset = offset_of!(Shared<T>, core) + offset_of!(Core, deferred) + Deferred::WORK;
        // SAFETY: By the contract of this function. `Shared` is there although the requests may all
        // have been taken by an earlier run: dropping it waits for this one (`WorkQueue`).
        let shared: &Shared<T> = unsafe { &*work.wrapping_byte_sub(offset).cast() };
        shared.queue_deferred();
    }

    /// Carries out an errand.
    ///
    /// # Safety
    ///
    /// Called by the workqueue, with the work item of an errand of a [`Shared<T>`].
    unsafe extern "C" fn errand(work: *mut bindings::work_struct) {
        let _noio = NoIo::begin();
        // SAFETY: By the contract of this function; the core comes first in `Shared`.
        unsafe {
            let Some(errand) = Errand::of(work) else {
                return;
            };
            let shared: &Shared<T> = &*core::ptr::from_ref(errand.core()).cast();
            shared.operations.errand(&errand);
        }
    }

    /// Passes on that a request has come back.
    ///
    /// # Safety
    ///
    /// The core is that of a [`Shared<T>`].
    unsafe fn leave(core: &Core, sector: u64, count: u64) {
        // SAFETY: By the contract of this function; the core comes first in `Shared`.
        let shared: &Shared<T> = unsafe { &*core::ptr::from_ref(core).cast() };
        shared.operations.leave(sector, count);
    }

    /// Called when the disk or a partition of it is opened.
    ///
    /// # Safety
    ///
    /// Called by the block layer, with a disk made by [`Disk::new`].
    unsafe extern "C" fn open(disk: *mut bindings::gendisk, mode: bindings::blk_mode_t) -> c_int {
        // SAFETY: `private_data` holds a reference as long as the disk lives. The shim's constants
        // are never written.
        let (shared, write) = unsafe {
            let shared = &*(*disk).private_data.cast::<Shared<T>>();
            (shared, mode & ffi::md_open_write != 0)
        };
        match shared.operations.open(write) {
            Ok(()) => 0,
            Err(error) => error.to_errno(),
        }
    }

    /// Called when the disk or a partition of it is closed.
    ///
    /// # Safety
    ///
    /// As for [`Self::open`].
    unsafe extern "C" fn release(disk: *mut bindings::gendisk) {
        // SAFETY: As in `open`.
        let shared = unsafe { &*(*disk).private_data.cast::<Shared<T>>() };
        shared.operations.release();
    }

    /// Called when the last reference to a disk that was added is gone.
    ///
    /// # Safety
    ///
    /// As for [`Self::open`].
    unsafe extern "C" fn free_disk(disk: *mut bindings::gendisk) {
        // SAFETY: This is the reference that `Disk::new` put into `private_data`.
        drop(unsafe { Arc::from_raw((*disk).private_data.cast::<Shared<T>>().cast_const()) });
    }
}

/// This module, for `owner` fields.
pub(super) const fn module() -> *mut bindings::module {
    &raw mut bindings::__this_module
}

/// Whether kblockd is running a queue of ours, so that we must not sleep; see
/// [`super::deferred`].
///
/// # Safety
///
/// The hardware queue is there.
unsafe fn is_by_kblockd(hctx: *mut bindings::blk_mq_hw_ctx) -> bool {
    // SAFETY: By the contract of this function; the work items are only compared by address.
    unsafe {
        let work = bindings::current_work();
        work == &raw mut (*hctx).run_work.work
            || work == &raw mut (*(*hctx).queue).requeue_work.work
    }
}

/// Copies a name into a field that is zero, and stays so behind it.
fn copy_name(to: &mut [c_char], name: &CStr) -> Result {
    let name = name.to_bytes();
    if name.len() >= to.len() {
        return Err(EINVAL);
    }
    for (to, from) in to.iter_mut().zip(name) {
        *to = *from as c_char;
    }
    Ok(())
}
