// SPDX-License-Identifier: GPL-2.0
//! Lower block devices, opened and claimed.
//!
//! C header: [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h)

use kernel::{
    bindings,
    error::from_err_ptr,
    prelude::*, //
};

use super::{
    disk,
    ffi, //
};

/// Who claims block devices. The block layer tells claims apart by the address.
pub(crate) struct Holder(KBox<u64>);

impl Holder {
    /// A holder that is not equal to any other.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(KBox::new(0, GFP_KERNEL)?))
    }

    fn as_ptr(&self) -> *mut c_void {
        core::ptr::from_ref(&*self.0).cast_mut().cast()
    }
}

/// A block device that we have open for reading and writing, and that nobody else can claim.
///
/// # Invariants
///
/// `file` is an open block device file that this object owns, and `bdev` is its device.
pub(crate) struct BlockDevice {
    file: *mut bindings::file,
    bdev: *mut bindings::block_device,
}

// SAFETY: The block layer's functions on an open device may be called from any thread.
unsafe impl Send for BlockDevice {}
// SAFETY: As above; none of the methods changes the object itself.
unsafe impl Sync for BlockDevice {}

impl BlockDevice {
    /// Opens and claims the device with the number that user space knows it by (`st_rdev`).
    ///
    /// `ENXIO`, `ENODEV`: no such device. `EBUSY`: claimed by someone else, for example mounted.
    /// `EROFS`, `EACCES`: it cannot be written.
    pub(crate) fn open(dev: u64, holder: &Holder) -> Result<Self> {
        // SAFETY: The shim's constants are never written.
        let mode = unsafe { ffi::md_open_read | ffi::md_open_write };
        // SAFETY: Any number may be asked for. The holder outlives the claim: the metadevice that
        // owns this object drops its devices before its holder. No holder operations are given.
        let file = from_err_ptr(unsafe {
            bindings::bdev_file_open_by_dev(
                ffi::md_dev_from_user(dev),
                mode,
                holder.as_ptr(),
                core::ptr::null(),
            )
        })?;
        // SAFETY: `file` is an open block device file.
        let bdev = unsafe { bindings::file_bdev(file) };
        // INVARIANT: The open just succeeded, and the file is now ours.
        Ok(Self { file, bdev })
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

    /// Whether the device is one of our own metadevices.
    pub(crate) fn is_metadevice(&self) -> bool {
        // SAFETY: By the type invariant the device is open.
        disk::is_ours(unsafe { ffi::md_bdev_operations(self.bdev) })
    }

    /// Whether this is the same device as another.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.bdev == other.bdev
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
