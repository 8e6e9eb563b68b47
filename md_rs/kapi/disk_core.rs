// SPDX-License-Identifier: GPL-2.0
//! What every disk of ours has, whatever it does: the tag set with its requests, the gate, and what
//! requests are put aside, copied and asked for with.
//!
//! C header: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h)

use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    sync::{
        atomic::{
            ordering::{
                Acquire,
                Relaxed, //
            },
            Atomic, //
        },
        Arc, //
    },
    types::Opaque, //
};

use md_model::mirror::{
    suspect::Sample,
    throttle::LOOK_S, //
};

use super::{
    clone::BioSet,
    copied::{
        Copied,
        Reserve, //
    },
    deferred::Deferred,
    errand::Errands,
    ffi,
    gate::{
        Gate,
        Roster, //
    },
    hedged::Hedges,
    inlined::Inlined,
    request::{
        private,
        Private, //
    },
    workqueue::Function, //
};

/// Requests in flight on one disk, over all CPUs. Each costs about half a KiB, and a quarter for
/// each clone after the first.
const QUEUE_DEPTH: u32 = 256;

/// What every disk has, whatever it does.
#[pin_data(PinnedDrop)]
pub(super) struct Core {
    /// Before the tag set: its bios belong to requests.
    #[pin]
    pub(super) bioset: BioSet,
    #[pin]
    pub(super) deferred: Deferred,
    /// Dropped after the tag set was freed, whose requests are on its roster.
    #[pin]
    pub(super) gate: Gate,
    /// What carries the requests of the disk; null if they are not carried. It is there as long as
    /// this.
    carrier: *const Core,
    /// Whether somebody closes the gate, or has closed it. No mutex, since lockdep would not tell
    /// one disk's from that of another which stands above it.
    pub(super) is_closing: Atomic<u32>,
    pub(super) errands: Errands,
    /// The disk; null before there is one.
    pub(super) gendisk: Atomic<*mut bindings::gendisk>,
    /// Until when, in jiffies, requests that it has carried are counted.
    looked_until: Atomic<c_ulong>,
    own_clones: u32,
    leave: Leave,
    pub(super) reserve: Reserve,
    pub(super) hedges: Hedges,
    #[pin]
    pub(super) tag_set: Opaque<bindings::blk_mq_tag_set>,
}

// SAFETY: The tag set is only touched when it is made and unmade; the carrier is another one of
// these.
unsafe impl Send for Core {}
// SAFETY: As above.
unsafe impl Sync for Core {}

impl Core {
    pub(super) fn new<'a>(
        name: &'a CStr,
        table: CoreTable,
        own_clones: u32,
        errand_count: u32,
        (roster, carrier): (Arc<Roster>, *const Core),
    ) -> impl PinInit<Self, Error> + use<'a> {
        let listed = Arc::as_ptr(&roster).cast_mut();
        let private_size = Private::size(own_clones);
        try_pin_init!(Self {
            bioset <- BioSet::new(),
            deferred <- Deferred::new(name, table.worker),
            gate <- Gate::new(roster),
            carrier,
            is_closing: Atomic::new(0),
            errands: Errands::new(name, errand_count, table.errand)?,
            gendisk: Atomic::new(core::ptr::null_mut()),
            // SAFETY: May be called anywhere.
            looked_until: Atomic::new(unsafe { ffi::md_jiffies_in(0) }),
            own_clones,
            leave: table.leave,
            reserve: Reserve::new(),
            hedges: Hedges::new(),
            tag_set <- Opaque::try_ffi_init(move |set: *mut bindings::blk_mq_tag_set| {
                // SAFETY: `set` is valid for writing a `blk_mq_tag_set`, which starts out as zero.
                unsafe {
                    set.write_bytes(0, 1);
                    (*set).ops = table.queue;
                    (*set).nr_hw_queues = bindings::nr_cpu_ids;
                    (*set).nr_maps = 1;
                    (*set).queue_depth = QUEUE_DEPTH;
                    (*set).numa_node = bindings::NUMA_NO_NODE;
                    (*set).cmd_size = private_size;
                    (*set).driver_data = listed.cast();
                    // BLOCKING: we submit bios, which may sleep. STACKING: our requests end only
                    // when the lower device's do, so CPU hotplug must not wait for them in vain.
                    // TAG_HCTX_SHARED: one set of tags for all CPUs instead of one for each.
                    (*set).flags = bindings::BLK_MQ_F_BLOCKING
                        | bindings::BLK_MQ_F_STACKING
                        | bindings::BLK_MQ_F_NO_SCHED_BY_DEFAULT
                        | bindings::BLK_MQ_F_TAG_HCTX_SHARED;
                    to_result(bindings::blk_mq_alloc_tag_set(set))
                }
            }),
        }? Error)
    }

    /// What the disk of a request has.
    ///
    /// # Safety
    ///
    /// The request is one of a disk made by [`super::disk::Disk::new`], and not ended as long as
    /// the answer is used.
    pub(super) unsafe fn of<'a>(rq: *mut bindings::request) -> &'a Self {
        // SAFETY: By the contract of this function. `queuedata` is a `Shared`, which begins with
        // its core.
        unsafe { &*(*(*rq).q).queuedata.cast() }
    }

    /// The requests that wait for the disk's worker.
    pub(super) fn deferred(&self) -> &Deferred {
        &self.deferred
    }

    /// What every request of the disk is inside of.
    #[inline]
    pub(super) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// What carries the requests of the disk, if that is so.
    #[inline]
    pub(super) fn carrier(&self) -> Option<&Core> {
        // SAFETY: `Shared::new` sees to it that it is there.
        unsafe { self.carrier.as_ref() }
    }

    /// What the requests of the disk have done so far. Those that it has carried count from the
    /// first look on, when they have ended.
    pub(super) fn disk_io(&self) -> Sample {
        let gendisk = self.gendisk.load(Acquire);
        let mut done = Sample::default();
        if !gendisk.is_null() {
            // SAFETY: Called by errands, which are stopped before the disk is given up.
            unsafe {
                self.looked_until.store(ffi::md_jiffies_in(LOOK_S), Relaxed);
                ffi::md_disk_io(
                    gendisk,
                    &mut done.ios,
                    &mut done.nanoseconds,
                    &mut done.in_flight,
                );
            }
        }
        done
    }

    /// Counts a request of another disk, which this one has carried, among its own, if somebody
    /// looks at them: a resync gives way to both.
    ///
    /// # Safety
    ///
    /// The request is about to be ended, and inside the disk's gate.
    #[inline]
    pub(super) unsafe fn account_carried(&self, rq: *mut bindings::request) {
        // SAFETY: The kernel changes it at any time, and as a whole.
        let now = unsafe { (&raw const bindings::jiffies).read_volatile() };
        let since = now.wrapping_sub(self.looked_until.read());
        // As `time_before`.
        if (since as c_long) < 0 {
            // SAFETY: By the contract of this function.
            unsafe { self.account_looked_at(rq) };
        }
    }

    /// # Safety
    ///
    /// As for [`Self::account_carried`].
    #[cold]
    unsafe fn account_looked_at(&self, rq: *mut bindings::request) {
        let gendisk = self.gendisk.load(Acquire);
        if !gendisk.is_null() {
            // SAFETY: By the contract of this function; the disk is not given up while somebody
            // is inside its gate, and was there before that.
            unsafe { ffi::md_disk_account_carried(gendisk, rq) };
        }
    }

    /// What the disk does besides its requests.
    pub(super) fn errands(&self) -> &Errands {
        &self.errands
    }

    /// How many clones a request has room for.
    #[inline]
    pub(super) fn own_clones(&self) -> u32 {
        self.own_clones
    }

    /// Memory for a copy of what a write writes.
    pub(super) fn reserve(&self) -> &Reserve {
        &self.reserve
    }

    /// Reads that several devices may be asked for.
    pub(super) fn hedges(&self) -> &Hedges {
        &self.hedges
    }

    /// A request is done with such a copy.
    pub(super) fn take_back(&self, copied: KBox<Copied>) {
        if self.reserve.give_back(copied) {
            self.deferred.wake();
        }
    }

    /// See [`super::disk::Operations::leave`].
    #[inline]
    pub(super) fn leave(&self, sector: u64, count: u64) {
        // SAFETY: A `Core` is part of a `Shared` of the type that the function was made for.
        unsafe { (self.leave)(self, sector, count) };
        self.deferred.wake();
    }
}

/// How a disk is told that a request that was claiming is over.
pub(super) type Leave = unsafe fn(&Core, u64, u64);

/// What a [`Core`] needs to know of the type of its disk.
#[derive(Clone, Copy)]
pub(super) struct CoreTable {
    pub(super) queue: &'static bindings::blk_mq_ops,
    pub(super) worker: Function,
    pub(super) errand: Function,
    pub(super) leave: Leave,
}

#[pinned_drop]
impl PinnedDrop for Core {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: The tag set was made by `new`. The queue that used it is gone: the disk has been
        // deleted before its `Disk` and the gendisk gave up their references.
        unsafe { bindings::blk_mq_free_tag_set(self.tag_set.get()) };
    }
}

/// Called when a request is made.
///
/// # Safety
///
/// Called by blk-mq, with the tag set of a [`Core`] and a request whose private data are zero.
/// `Node`: an integer, of which the sign is not the same in all kernels.
pub(super) unsafe extern "C" fn init_request<Node>(
    set: *mut bindings::blk_mq_tag_set,
    rq: *mut bindings::request,
    _index: c_uint,
    _node: Node,
) -> c_int {
    // SAFETY: By the contract of this function. The core's gate has the roster, and is there as
    // long as the tag set.
    unsafe { (*(*set).driver_data.cast::<Roster>()).add(&(*private(rq)).entry) };
    0
}

/// Called before a request is given up.
///
/// # Safety
///
/// Called by blk-mq, after [`init_request`].
pub(super) unsafe extern "C" fn exit_request(
    set: *mut bindings::blk_mq_tag_set,
    rq: *mut bindings::request,
    _index: c_uint,
) {
    // SAFETY: By the contract of this function; the request was added to this roster.
    unsafe { (*(*set).driver_data.cast::<Roster>()).remove(&(*private(rq)).entry) };
}
