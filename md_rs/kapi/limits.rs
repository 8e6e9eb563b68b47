// SPDX-License-Identifier: GPL-2.0
//! Queue limits: what a disk of ours can do, derived from what its components can do.
//!
//! C header: [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h)

use kernel::{
    bindings,
    prelude::*, //
};

use super::bdev::BlockDevice;

/// Limits of a disk that is yet to be made.
pub(crate) struct QueueLimits(bindings::queue_limits);

impl QueueLimits {
    /// The widest limits there are, to be narrowed by [`Self::stack`].
    pub(crate) fn new() -> Self {
        let mut limits = pin_init::zeroed();
        // SAFETY: The pointer is to a whole `queue_limits` of ours.
        unsafe { bindings::blk_set_stacking_limits(&mut limits) };
        Self(limits)
    }

    /// Narrows the limits to what a component can do whose data starts at `start` sectors.
    pub(crate) fn stack(&mut self, device: &BlockDevice, start: u64, name: &CStr) {
        // SAFETY: The device is open, and the limits and the name are ours for the call. The name
        // is used for a message about misalignment.
        unsafe {
            bindings::queue_limits_stack_bdev(
                &mut self.0,
                device.as_ptr(),
                start,
                name.as_char_ptr().cast_mut(),
            );
        }
    }

    /// Keeps requests from crossing multiples of `chunk` sectors, and tells file systems that
    /// `chunk` is the smallest and `width` the best size of a request, both in sectors.
    pub(crate) fn set_chunk(&mut self, chunk: u32, width: u64) {
        let bytes = |sectors: u64| u32::try_from(sectors.saturating_mul(512)).unwrap_or(0);
        self.0.chunk_sectors = chunk;
        self.0.io_min = bytes(chunk.into());
        self.0.io_opt = bytes(width);
    }

    /// Offers no operation but read, write and flush.
    pub(crate) fn only_read_and_write(&mut self) {
        self.0.max_hw_discard_sectors = 0;
        self.0.max_secure_erase_sectors = 0;
        self.0.max_write_zeroes_sectors = 0;
        self.0.max_hw_wzeroes_unmap_sectors = 0;
    }

    /// The limits, for [`super::disk`].
    pub(super) fn as_mut_ptr(&mut self) -> *mut bindings::queue_limits {
        &mut self.0
    }
}
