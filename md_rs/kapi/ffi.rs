// SPDX-License-Identifier: GPL-2.0
//! The functions and constants of `shim.h`, as Rust sees them. `shim.c` says what they are for.

use kernel::{
    bindings,
    prelude::*, //
};

/// What the calling task was submitting, put aside. Same layout as `struct md_submission`.
#[repr(C)]
pub(super) struct MdSubmission {
    plug: bindings::blk_plug,
    saved_plug: *mut bindings::blk_plug,
    saved_bio_list: *mut c_void,
}

/// A gate. Same layout as `struct md_gate`.
#[repr(C)]
pub(super) struct MdGate {
    pub(super) inside: bindings::percpu_ref,
    empty: bindings::completion,
}

/// Transfers that are sent together: `struct md_volley`, of which only C knows the layout.
#[repr(C)]
pub(super) struct MdVolley {
    _private: [u8; 0],
}

// Lockdep's structures are empty in most kernels, which rustc takes for a mistake in the signature.
#[allow(improper_ctypes)]
extern "C" {
    pub(super) static md_gfp_noio: c_uint;
    pub(super) static md_gfp_nowait: c_uint;
    pub(super) static md_open_read: c_uint;
    pub(super) static md_open_write: c_uint;
    pub(super) static md_sts_ioerr: bindings::blk_status_t;
    pub(super) static md_sts_notsupp: bindings::blk_status_t;
    pub(super) static md_sts_resource: bindings::blk_status_t;
    pub(super) static md_sts_target: bindings::blk_status_t;
    pub(super) static md_sts_again: bindings::blk_status_t;
    pub(super) static md_sts_inval: bindings::blk_status_t;
    pub(super) static md_sts_medium: bindings::blk_status_t;
    pub(super) static md_sts_conflict: bindings::blk_status_t;
    pub(super) static md_feat_stable_writes: c_uint;

    pub(super) fn md_disk_device_get(disk: *mut bindings::gendisk) -> *mut bindings::device;
    pub(super) fn md_device_put(device: *mut bindings::device);
    pub(super) fn md_announce(device: *mut bindings::device, variables: *mut *mut c_char) -> c_int;

    pub(super) fn md_register_reboot_notifier(block: *mut bindings::notifier_block) -> c_int;
    pub(super) fn md_unregister_reboot_notifier(block: *mut bindings::notifier_block);
    pub(super) fn md_register_pm_notifier(block: *mut bindings::notifier_block) -> c_int;
    pub(super) fn md_unregister_pm_notifier(block: *mut bindings::notifier_block);

    pub(super) fn md_gate_init(gate: *mut MdGate) -> c_int;
    pub(super) fn md_gate_enter_again(gate: *mut MdGate);
    pub(super) fn md_gate_try_enter_while_used(gate: *mut MdGate) -> bool;
    pub(super) fn md_gate_exit(gate: *mut MdGate);
    pub(super) fn md_gate_close(gate: *mut MdGate);
    pub(super) fn md_noio_begin() -> c_uint;
    pub(super) fn md_noio_end(before: c_uint);

    pub(super) fn md_submission_begin(submission: *mut MdSubmission);
    pub(super) fn md_submission_plug(submission: *mut MdSubmission, expected: c_ushort);
    pub(super) fn md_submission_end(submission: *mut MdSubmission);

    pub(super) fn md_bdev_nr_sectors(bdev: *mut bindings::block_device) -> bindings::sector_t;
    pub(super) fn md_bdev_logical_block_size(bdev: *mut bindings::block_device) -> c_uint;
    pub(super) fn md_bdev_physical_block_size(bdev: *mut bindings::block_device) -> c_uint;
    pub(super) fn md_bdev_read_only(bdev: *mut bindings::block_device) -> bool;
    pub(super) fn md_bdev_is_zoned(bdev: *mut bindings::block_device) -> bool;
    pub(super) fn md_bdev_nowait(bdev: *mut bindings::block_device) -> bool;
    pub(super) fn md_bdev_max_discard_sectors(bdev: *mut bindings::block_device) -> c_uint;
    pub(super) fn md_queue_narrow_limits(
        disk: *mut bindings::gendisk,
        limits: *mut bindings::queue_limits,
    ) -> c_int;
    pub(super) fn md_disk_clear_nowait(disk: *mut bindings::gendisk);
    pub(super) fn md_disk_set_unthrottled(disk: *mut bindings::gendisk);
    pub(super) fn md_disk_set_above(disk: *mut bindings::gendisk);
    pub(super) fn md_disk_account_carried(disk: *mut bindings::gendisk, rq: *mut bindings::request);
    pub(super) fn md_jiffies_in(seconds: c_uint) -> c_ulong;
    pub(super) fn md_disk_io(
        disk: *mut bindings::gendisk,
        ios: *mut u64,
        ns: *mut u64,
        in_flight: *mut u64,
    );
    pub(super) fn md_bdev_io(
        bdev: *mut bindings::block_device,
        ios: *mut u64,
        ns: *mut u64,
        in_flight: *mut u64,
    );
    pub(super) fn md_queue_follow_offers(
        queue: *mut bindings::request_queue,
        bdev: *mut bindings::block_device,
        instead: bool,
    );
    pub(super) fn md_dev_from_user(dev: u64) -> bindings::dev_t;
    pub(super) fn md_bdev_user_dev(bdev: *mut bindings::block_device) -> u64;
    pub(super) fn md_bdev_disk_dev(bdev: *mut bindings::block_device) -> u64;
    pub(super) fn md_disk_user_dev(disk: *mut bindings::gendisk) -> u64;

    pub(super) fn md_rq_list_pop(list: *mut bindings::rq_list) -> *mut bindings::request;
    pub(super) fn md_rq_list_count(list: *const bindings::rq_list) -> c_uint;
    pub(super) fn md_bio_set_dev(
        clone: *mut bindings::bio,
        source: *mut bindings::bio,
        bdev: *mut bindings::block_device,
    );
    pub(super) fn md_bio_advance(bio: *mut bindings::bio, bytes: c_uint);
    pub(super) fn md_bio_fill(
        bio: *mut bindings::bio,
        skip: c_uint,
        from: *const c_void,
        bytes: c_uint,
    );
    pub(super) fn md_bio_take(bio: *mut bindings::bio, rq: *mut bindings::request);
    pub(super) fn md_bio_give(bio: *mut bindings::bio, rq: *mut bindings::request);
    pub(super) fn md_bio_set_bytes(bio: *mut bindings::bio, bytes: c_uint);

    pub(super) fn md_alloc_workqueue(
        name: *const c_char,
        at_once: c_int,
    ) -> *mut bindings::workqueue_struct;
    pub(super) fn md_init_work(
        work: *mut bindings::work_struct,
        function: unsafe extern "C" fn(*mut bindings::work_struct),
        is_outermost: bool,
    );
    pub(super) fn md_init_delayed_work(
        work: *mut bindings::delayed_work,
        function: unsafe extern "C" fn(*mut bindings::work_struct),
    );
    pub(super) fn md_queue_delayed(
        queue: *mut bindings::workqueue_struct,
        work: *mut bindings::delayed_work,
        ms: c_uint,
    );

    pub(super) fn md_irq_lock_init(lock: *mut bindings::spinlock_t);
    pub(super) fn md_irq_lock(lock: *mut bindings::spinlock_t) -> c_ulong;
    pub(super) fn md_irq_unlock(lock: *mut bindings::spinlock_t, flags: c_ulong);
    pub(super) fn md_panic(disk: *const c_char, how: *const c_char);
    pub(super) fn md_restart();

    pub(super) fn md_request_module(alias: *const c_char) -> c_int;

    pub(super) fn md_volley_new(count: c_uint) -> *mut MdVolley;
    pub(super) fn md_volley_free(volley: *mut MdVolley);
    pub(super) fn md_volley_load(
        volley: *mut MdVolley,
        index: c_uint,
        bdev: *mut bindings::block_device,
        sector: bindings::sector_t,
        opf: c_uint,
    ) -> bool;
    pub(super) fn md_volley_add(
        volley: *mut MdVolley,
        index: c_uint,
        data: *mut c_void,
        bytes: c_uint,
    ) -> bool;
    pub(super) fn md_volley_fire(volley: *mut MdVolley, count: c_uint);
    pub(super) fn md_volley_status(
        volley: *const MdVolley,
        index: c_uint,
    ) -> bindings::blk_status_t;
    pub(super) fn md_copy(to: *mut c_void, from: *const c_void, bytes: c_uint);
    pub(super) fn md_rq_copy(
        rq: *mut bindings::request,
        skip: c_uint,
        with: *mut c_void,
        also: *mut c_void,
        bytes: c_uint,
        to_rq: bool,
    );
}
