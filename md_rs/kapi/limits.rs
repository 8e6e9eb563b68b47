// SPDX-License-Identifier: GPL-2.0
//! Queue limits: what a disk of ours can do, derived from what its components can do.
//!
//! C header: [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h)

use kernel::{
    bindings,
    prelude::*, //
};

use super::{
    bdev::BlockDevice,
    ffi, //
};

/// Limits of a disk that is yet to be made.
pub(crate) struct QueueLimits {
    raw: bindings::queue_limits,
    /// Whether all components take discards.
    discard: bool,
    /// Whether all components can be asked not to wait.
    nowait: bool,
}

impl QueueLimits {
    /// The widest limits there are, to be narrowed by [`Self::stack`].
    pub(crate) fn new() -> Self {
        let mut limits = pin_init::zeroed();
        // SAFETY: The pointer is to a whole `queue_limits` of ours.
        unsafe { bindings::blk_set_stacking_limits(&mut limits) };
        Self {
            raw: limits,
            discard: true,
            nowait: true,
        }
    }

    /// Narrows the limits to what a component can do whose data starts at `start` sectors; but not
    /// to the requests that it can take. It splits what is too large for it, or has too many
    /// segments, in any case; with its limits our queue would do the same work once more, for each
    /// bio, and make several requests of ours where one will do.
    pub(crate) fn stack(&mut self, device: &BlockDevice, start: u64, name: &CStr) {
        if device.is_absent() {
            return;
        }
        let before = self.raw;
        // SAFETY: The device is open, and the limits and the name are ours for the call. The name
        // is used for a message about misalignment.
        unsafe {
            bindings::queue_limits_stack_bdev(
                &mut self.raw,
                device.as_ptr(),
                start,
                name.as_char_ptr().cast_mut(),
            );
        }
        self.raw.max_sectors = before.max_sectors;
        self.raw.max_hw_sectors = before.max_hw_sectors;
        self.raw.max_dev_sectors = before.max_dev_sectors;
        self.raw.max_segments = before.max_segments;
        self.raw.max_segment_size = before.max_segment_size;
        self.raw.seg_boundary_mask = before.seg_boundary_mask;
        self.raw.virt_boundary_mask = before.virt_boundary_mask;
        // A device that has withdrawn the one may still show the other, which is refused above it.
        if self.raw.max_hw_wzeroes_unmap_sectors != self.raw.max_write_zeroes_sectors {
            self.raw.max_hw_wzeroes_unmap_sectors = 0;
        }
        self.discard &= device.has_discard();
        self.nowait &= device.has_nowait();
    }

    /// Tells file systems that `chunk` is the smallest and `width` the best size of a request, both
    /// in sectors. Larger requests are split by us: with `chunk_sectors` the block layer would do
    /// it, and refuse that for bios that must not wait, which io_uring then gives to a worker.
    pub(crate) fn prefer_sizes(&mut self, chunk: u32, width: u64) {
        let bytes = |sectors: u64| u32::try_from(sectors.saturating_mul(512)).unwrap_or(0);
        self.raw.io_min = bytes(chunk.into());
        self.raw.io_opt = bytes(width);
    }

    /// Discards are carried out as writes of zeroes, so they are offered only where those are.
    pub(crate) fn discard_is_write_zeroes(&mut self) {
        self.discard &= self.raw.max_write_zeroes_sectors > 0;
    }

    /// Has pages of the page cache stay as they are while they are being written: where a page is
    /// sent to several devices, all have to get the same (`DURABILITY.md` clause 14).
    pub(crate) fn keep_pages_stable(&mut self) {
        // SAFETY: The shim's constants are never written.
        self.raw.features |= unsafe { ffi::md_feat_stable_writes };
    }

    /// Nothing is offered but reads, writes and flushes.
    pub(crate) fn offer_only_data(&mut self) {
        self.discard = false;
        self.raw.max_write_zeroes_sectors = 0;
        self.raw.max_hw_wzeroes_unmap_sectors = 0;
    }

    /// Keeps requests that change something to so many sectors.
    pub(crate) fn set_largest_change(&mut self, sectors: u32) {
        let narrow = |limit: &mut u32| *limit = sectors.min(*limit);
        narrow(&mut self.raw.max_hw_sectors);
        narrow(&mut self.raw.max_hw_discard_sectors);
        narrow(&mut self.raw.max_write_zeroes_sectors);
        narrow(&mut self.raw.max_hw_wzeroes_unmap_sectors);
    }

    /// Settles which operations besides read, write and flush the disk offers, after the last
    /// [`Self::stack`]: write-zeroes where all components do (that is how limits stack), discard
    /// likewise, and no secure erase, which would promise that no copy is left anywhere.
    pub(crate) fn settle_offers(&mut self) {
        if !self.discard {
            self.raw.max_hw_discard_sectors = 0;
        }
        // Else blk-mq merges discards that do not follow each other.
        self.raw.max_discard_segments = 1;
        self.raw.max_secure_erase_sectors = 0;
    }

    /// Whether requests with `REQ_NOWAIT` can be taken.
    pub(super) fn has_nowait(&self) -> bool {
        self.nowait
    }

    /// The limits, for [`super::disk`].
    pub(super) fn as_mut_ptr(&mut self) -> *mut bindings::queue_limits {
        &mut self.raw
    }
}
