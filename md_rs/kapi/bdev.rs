// SPDX-License-Identifier: GPL-2.0
//! Lower block devices, opened and claimed.
//!
//! C header: [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h)

use kernel::{
    bindings,
    error::{
        from_err_ptr,
        to_result, //
    },
    prelude::*,
    str::CString, //
};

use super::{
    ffi,
    health::Health, //
};

/// A block device that we have open for reading and writing, and that nobody else can claim.
///
/// # Invariants
///
/// `file` is an open block device file that this object owns, and `bdev` is its device. The claim's
/// holder is the address of `health`.
pub(crate) struct BlockDevice {
    file: *mut bindings::file,
    bdev: *mut bindings::block_device,
    // Dropped after the claim was given up, by `drop`.
    health: KBox<Health>,
}

// SAFETY: The block layer's functions on an open device may be called from any thread.
unsafe impl Send for BlockDevice {}
// SAFETY: As above; none of the methods changes the object itself.
unsafe impl Sync for BlockDevice {}

impl BlockDevice {
    /// What the block layer tells the holder of a claim. A file system above us may want to know of
    /// a lost device too, but one lost component is not the loss of the metadevice.
    const HOLDER: bindings::blk_holder_ops = bindings::blk_holder_ops {
        mark_dead: Some(Self::mark_dead),
        ..pin_init::zeroed()
    };

    /// Opens and claims the device with the number that user space knows it by (`st_rdev`), for the
    /// metadevice `unit`. The path is for messages.
    ///
    /// `ENXIO`, `ENODEV`: no such device. `EBUSY`: claimed by someone else, for example mounted.
    /// `EROFS`, `EACCES`: it cannot be written.
    pub(crate) fn open(dev: u64, unit: CString, path: CString) -> Result<Self> {
        let health = KBox::new(Health::new(unit, path), GFP_KERNEL)?;
        // SAFETY: The shim's constants are never written.
        let mode = unsafe { ffi::md_open_read | ffi::md_open_write };
        // SAFETY: Any number may be asked for. The holder outlives the claim: the claim is given up
        // when this object is dropped, and the holder's memory after that.
        let file = from_err_ptr(unsafe {
            bindings::bdev_file_open_by_dev(
                ffi::md_dev_from_user(dev),
                mode,
                core::ptr::from_ref(&*health).cast_mut().cast(),
                &Self::HOLDER,
            )
        })?;
        // SAFETY: `file` is an open block device file.
        let bdev = unsafe { bindings::file_bdev(file) };
        // INVARIANT: The open just succeeded, and the file is now ours.
        Ok(Self { file, bdev, health })
    }

    /// The device was removed from the machine.
    ///
    /// # Safety
    ///
    /// Called by the block layer for a device that we have claimed, with `bd_holder_lock` held,
    /// which the callee gives back (`bdev_mark_dead`).
    unsafe extern "C" fn mark_dead(bdev: *mut bindings::block_device, _surprise: bool) {
        // SAFETY: By the type invariant the holder is a `Health`. It is there as long as the lock
        // is held, since the lock is taken when a claim is given up.
        unsafe {
            (*(*bdev).bd_holder.cast::<Health>()).note_gone();
            bindings::mutex_unlock(&raw mut (*bdev).bd_holder_lock);
        }
    }

    /// How the device is, and how it is called.
    pub(crate) fn health(&self) -> &Health {
        &self.health
    }

    /// The number that user space knows the device by. Each device has just one, while
    /// [`Self::open`] takes any that means it.
    pub(crate) fn user_dev(&self) -> u64 {
        // SAFETY: By the type invariant the device is open.
        unsafe { ffi::md_bdev_user_dev(self.bdev) }
    }

    /// Size in sectors.
    pub(crate) fn sectors(&self) -> u64 {
        // SAFETY: By the type invariant the device is open.
        unsafe { ffi::md_bdev_nr_sectors(self.bdev) }
    }

    /// Logical block size in bytes.
    pub(crate) fn logical_block_bytes(&self) -> u32 {
        // SAFETY: By the type invariant the device is open.
        unsafe { ffi::md_bdev_logical_block_size(self.bdev) }
    }

    /// Whether the device is write-protected.
    pub(crate) fn read_only(&self) -> bool {
        // SAFETY: By the type invariant the device is open.
        unsafe { ffi::md_bdev_read_only(self.bdev) }
    }

    /// Whether the device is zoned.
    pub(crate) fn is_zoned(&self) -> bool {
        // SAFETY: By the type invariant the device is open.
        unsafe { ffi::md_bdev_is_zoned(self.bdev) }
    }

    /// Whether the device would rather fail a request (`BLK_STS_AGAIN`) than let its caller wait,
    /// if asked to.
    pub(crate) fn has_nowait(&self) -> bool {
        // SAFETY: By the type invariant the device is open.
        unsafe { ffi::md_bdev_nowait(self.bdev) }
    }

    /// Whether the device takes discards.
    pub(crate) fn has_discard(&self) -> bool {
        // SAFETY: By the type invariant the device is open.
        unsafe { ffi::md_bdev_max_discard_sectors(self.bdev) > 0 }
    }

    /// Reads the logical block at `sector`, to see whether the device answers. Sleeps. An error is
    /// noted in [`Self::health`].
    pub(crate) fn probe(&self, sector: u64) -> Result {
        let length = self.logical_block_bytes();
        let mut block = KVec::from_elem(0u8, length as usize, GFP_KERNEL)?;
        // SAFETY: By the type invariant the device is open; the memory has `length` bytes, is
        // physically contiguous, and ours until the call comes back.
        let answer = to_result(unsafe {
            bindings::bdev_rw_virt(
                self.bdev,
                sector,
                block.as_mut_ptr().cast(),
                length as usize,
                bindings::req_op_REQ_OP_READ,
            )
        });
        if answer.is_err() {
            self.health.note_read_error();
        }
        answer
    }

    /// Writes zeros to `count` sectors from `sector` on: with a command of the device, or as data.
    /// Not by unmapping: the device may just have failed at that, and gone on offering it.
    /// Sleeps. An error is noted in [`Self::health`].
    pub(crate) fn write_zeros(&self, sector: u64, count: u64) -> Result {
        // SAFETY: By the type invariant the device is open. The shim's constants are never written.
        let answer = to_result(unsafe {
            bindings::blkdev_issue_zeroout(
                self.bdev,
                sector,
                count,
                ffi::md_gfp_noio,
                bindings::BLKDEV_ZERO_NOUNMAP,
            )
        });
        if answer.is_err() {
            self.health.note_write_error();
        }
        answer
    }

    /// The device, for the rest of `kapi`. Valid as long as `self`.
    pub(super) fn as_ptr(&self) -> *mut bindings::block_device {
        self.bdev
    }
}

impl Drop for BlockDevice {
    fn drop(&mut self) {
        // SAFETY: By the type invariant the file is open and ours. This gives up the claim at once.
        unsafe { bindings::bdev_fput(self.file) };
    }
}
