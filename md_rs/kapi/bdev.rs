// SPDX-License-Identifier: GPL-2.0
//! Lower block devices, opened and claimed.
//!
//! C header: [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h)

use kernel::{
    alloc::AllocError,
    bindings,
    error::{
        from_err_ptr,
        to_result, //
    },
    prelude::*,
    str::CString, //
};

use md_model::{
    mirror::suspect::Sample,
    units::SECTOR_BYTES, //
};

use super::{
    ffi,
    health::Health, //
};
use crate::fencing;

/// A block device that we have open for reading and writing, and that nobody else can claim; or one
/// that somebody else has, which is only read; or one that should be there and was not found: then
/// all I/O to it fails.
///
/// # Invariants
///
/// Either `file` and `bdev` are null, or `file` is an open block device file that this object owns,
/// and `bdev` is its device. The claim's holder is the address of `health`; there is no claim if
/// the device is shared.
pub(crate) struct BlockDevice {
    file: *mut bindings::file,
    bdev: *mut bindings::block_device,
    is_shared: bool,
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
        // SAFETY: The shim's constants are never written.
        let mode = unsafe { ffi::md_open_read | ffi::md_open_write };
        Self::open_as(dev, unit, path, mode)
    }

    /// The same, of a metadevice that is a component already, which nobody may open to write:
    /// nothing is written to it this way.
    pub(crate) fn open_held(dev: u64, unit: CString, path: CString) -> Result<Self> {
        // SAFETY: The shim's constants are never written.
        let mode = unsafe { ffi::md_open_read };
        Self::open_as(dev, unit, path, mode)
    }

    fn open_as(dev: u64, unit: CString, path: CString, mode: u32) -> Result<Self> {
        let health = KBox::new(Health::new(unit, path)?, GFP_KERNEL)?;
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
        Ok(Self {
            file,
            bdev,
            is_shared: false,
            health,
        })
    }

    /// Opens a device to read that somebody else has claimed. Errors as in [`Self::open`].
    pub(crate) fn open_shared(dev: u64, unit: CString, path: CString) -> Result<Self> {
        let health = KBox::new(Health::new(unit, path)?, GFP_KERNEL)?;
        // SAFETY: The shim's constants are never written.
        let mode = unsafe { ffi::md_open_read };
        // SAFETY: Any number may be asked for. Without a holder nothing is claimed.
        let file = from_err_ptr(unsafe {
            bindings::bdev_file_open_by_dev(
                ffi::md_dev_from_user(dev),
                mode,
                core::ptr::null_mut(),
                core::ptr::null(),
            )
        })?;
        // SAFETY: `file` is an open block device file.
        let bdev = unsafe { bindings::file_bdev(file) };
        // INVARIANT: The open just succeeded, and the file is now ours. Nothing is claimed.
        Ok(Self {
            file,
            bdev,
            is_shared: true,
            health,
        })
    }

    /// Whether somebody else has claimed the device, so that it is only read.
    pub(crate) fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Stands for a device that was not found.
    pub(crate) fn absent(unit: CString, path: CString) -> Result<Self> {
        let health = KBox::new(Health::new(unit, path)?, GFP_KERNEL)?;
        health.note_missing();
        let (file, bdev) = (core::ptr::null_mut(), core::ptr::null_mut());
        // INVARIANT: Both are null.
        Ok(Self {
            file,
            bdev,
            is_shared: false,
            health,
        })
    }

    /// Drops from the page cache what was read of the device: it has changed since, in another way.
    pub(crate) fn forget_what_was_read(&self) {
        if !self.is_absent() {
            // SAFETY: By the type invariant the device is open.
            unsafe { bindings::invalidate_bdev(self.bdev) };
        }
    }

    /// Whether the device was not found.
    pub(crate) fn is_absent(&self) -> bool {
        self.bdev.is_null()
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
        if self.is_absent() {
            return 0;
        }
        // SAFETY: By the type invariant the device is open.
        unsafe { ffi::md_bdev_user_dev(self.bdev) }
    }

    /// The number of the disk that it is, or is a partition of; 0 if it was not found.
    pub(crate) fn disk_dev(&self) -> u64 {
        if self.is_absent() {
            return 0;
        }
        // SAFETY: By the type invariant the device is open.
        unsafe { ffi::md_bdev_disk_dev(self.bdev) }
    }

    /// Whether nothing can be sent to it: it was not found, or its disk is another host's.
    fn is_out_of_reach(&self) -> bool {
        self.is_absent() || fencing::is_fenced(self)
    }

    /// What came of something that was sent to it.
    fn judged(&self, answer: c_int) -> Result {
        if answer == -(bindings::EBADE as c_int) {
            fencing::refused(self);
        }
        to_result(answer)
    }

    /// Size in sectors.
    pub(crate) fn sectors(&self) -> u64 {
        if self.is_absent() {
            return 0;
        }
        // SAFETY: By the type invariant the device is open.
        unsafe { ffi::md_bdev_nr_sectors(self.bdev) }
    }

    /// Logical block size in bytes.
    pub(crate) fn logical_block_bytes(&self) -> u32 {
        if self.is_absent() {
            return 512;
        }
        // SAFETY: By the type invariant the device is open.
        unsafe { ffi::md_bdev_logical_block_size(self.bdev) }
    }

    /// Physical block size in bytes.
    pub(crate) fn physical_block_bytes(&self) -> u32 {
        if self.is_absent() {
            return 512;
        }
        // SAFETY: By the type invariant the device is open.
        unsafe { ffi::md_bdev_physical_block_size(self.bdev) }
    }

    /// Whether the device is write-protected.
    pub(crate) fn read_only(&self) -> bool {
        if self.is_absent() {
            return false;
        }
        // SAFETY: By the type invariant the device is open.
        unsafe { ffi::md_bdev_read_only(self.bdev) }
    }

    /// Whether the device is zoned.
    pub(crate) fn is_zoned(&self) -> bool {
        if self.is_absent() {
            return false;
        }
        // SAFETY: By the type invariant the device is open.
        unsafe { ffi::md_bdev_is_zoned(self.bdev) }
    }

    /// Whether the device would rather fail a request (`BLK_STS_AGAIN`) than let its caller wait,
    /// if asked to.
    pub(crate) fn has_nowait(&self) -> bool {
        if self.is_absent() {
            return true;
        }
        // SAFETY: By the type invariant the device is open.
        unsafe { ffi::md_bdev_nowait(self.bdev) }
    }

    /// Whether the device takes discards.
    pub(crate) fn has_discard(&self) -> bool {
        if self.is_absent() {
            return true;
        }
        // SAFETY: By the type invariant the device is open.
        unsafe { ffi::md_bdev_max_discard_sectors(self.bdev) > 0 }
    }

    /// Reads the logical block at `sector`, to see whether the device answers. Sleeps. An error is
    /// noted in [`Self::health`].
    pub(crate) fn probe(&self, sector: u64) -> Result {
        let mut block = Buffer::new(self.logical_block_bytes() as usize)?;
        self.read(sector, &mut block)
    }

    /// The same, of its last logical block.
    pub(crate) fn probe_end(&self) -> Result {
        let block = u64::from(self.logical_block_bytes() >> 9);
        self.probe(self.sectors().saturating_sub(block))
    }

    /// Reads a whole buffer from `sector` on. Sleeps. An error is noted in [`Self::health`].
    pub(crate) fn read(&self, sector: u64, buffer: &mut Buffer) -> Result {
        let bytes = buffer.len();
        // SAFETY: The memory is ours until the call comes back.
        let answer = unsafe { self.transfer(sector, buffer, bytes, bindings::req_op_REQ_OP_READ) };
        if answer.is_err() {
            self.health.note_read_error();
        }
        answer
    }

    /// What its requests have done so far, whoever sent them.
    pub(crate) fn done(&self) -> Sample {
        let mut done = Sample::default();
        if !self.is_absent() {
            // SAFETY: By the type invariant the device is open.
            unsafe {
                ffi::md_bdev_io(
                    self.bdev,
                    &mut done.ios,
                    &mut done.nanoseconds,
                    &mut done.in_flight,
                );
            }
        }
        done
    }

    /// Reads `count` sectors, from `sector` on, to the beginning of a buffer, as part of a copy.
    /// Sleeps. An error is noted in [`Self::health`].
    pub(crate) fn read_copy(&self, sector: u64, count: u64, buffer: &mut Buffer) -> Result {
        let bytes = bytes_of(count)?;
        // SAFETY: The memory is ours until the call comes back.
        let answer = unsafe { self.transfer(sector, buffer, bytes, bindings::req_op_REQ_OP_READ) };
        if answer.is_err() {
            self.health.note_read_error();
        }
        answer
    }

    /// Reads `count` sectors, from `sector` on, to a place in a buffer, which is sector number
    /// `skip` there. Sleeps. An error is noted nowhere; `ENODATA`: the device has lost the data. It
    /// is not read in one go with what others read: if it is lost, that would seem to be lost, too.
    pub(crate) fn peek(&self, sector: u64, count: u64, buffer: &mut Buffer, skip: u64) -> Result {
        let (bytes, skip) = (bytes_of(count)?, bytes_of(skip)?);
        let end = skip.checked_add(bytes).ok_or(EINVAL)?;
        let part = buffer.get_mut(skip..end).ok_or(EINVAL)?;
        if self.is_out_of_reach() {
            return Err(EIO);
        }
        // SAFETY: By the type invariant the device is open. The memory is physically contiguous,
        // and ours until the call comes back.
        self.judged(unsafe {
            bindings::bdev_rw_virt(
                self.bdev,
                sector,
                part.as_mut_ptr().cast(),
                bytes,
                bindings::req_op_REQ_OP_READ | NOMERGE,
            )
        })
    }

    /// The same; an error is noted in [`Self::health`].
    pub(crate) fn read_part(
        &self,
        sector: u64,
        count: u64,
        buffer: &mut Buffer,
        skip: u64,
    ) -> Result {
        let answer = self.peek(sector, count, buffer, skip);
        if answer.is_err() {
            self.health.note_read_error();
        }
        answer
    }

    /// Writes `count` sectors that lie from number `skip` on in a buffer. Sleeps. An error is noted
    /// in [`Self::health`]. `is_durable`: when the call comes back they are beyond the device's
    /// cache.
    pub(crate) fn write_copy(
        &self,
        sector: u64,
        count: u64,
        buffer: &Buffer,
        skip: u64,
        is_durable: bool,
    ) -> Result {
        let fua = if is_durable { FUA } else { 0 };
        let (bytes, skip) = (bytes_of(count)?, bytes_of(skip)?);
        let end = skip.checked_add(bytes).ok_or(EINVAL)?;
        let part = buffer.get(skip..end).ok_or(EINVAL)?;
        let answer = if self.is_out_of_reach() {
            Err(EIO)
        } else {
            // SAFETY: By the type invariant the device is open. The memory is physically
            // contiguous, a write only reads it, and it stays until the call comes back.
            self.judged(unsafe {
                bindings::bdev_rw_virt(
                    self.bdev,
                    sector,
                    part.as_ptr().cast_mut().cast(),
                    bytes,
                    bindings::req_op_REQ_OP_WRITE | fua,
                )
            })
        };
        if answer.is_err() {
            self.health.note_write_error();
        }
        answer
    }

    /// Writes a whole buffer from `sector` on. Sleeps. `is_durable`: when the call comes back it is
    /// beyond the device's cache. An error is noted in [`Self::health`].
    pub(crate) fn write(&self, sector: u64, buffer: &Buffer, is_durable: bool) -> Result {
        let flags = bindings::req_op_REQ_OP_WRITE | WRITE_FLAGS;
        let fua = if is_durable { FUA } else { 0 };
        // SAFETY: A write only reads the memory, which stays until the call comes back.
        let answer = unsafe { self.transfer(sector, buffer, buffer.len(), flags | fua) };
        if answer.is_err() {
            self.health.note_write_error();
        }
        answer
    }

    /// A transfer that was sent by other means ([`super::volley`]) has failed.
    pub(crate) fn note_failed(&self, is_read: bool) {
        if is_read {
            self.health.note_read_error();
        } else {
            self.health.note_write_error();
        }
    }

    /// Makes durable what was written before. Sleeps. An error is noted in [`Self::health`].
    pub(crate) fn flush(&self) -> Result {
        let answer = if self.is_out_of_reach() {
            Err(EIO)
        } else {
            // SAFETY: By the type invariant the device is open.
            self.judged(unsafe { bindings::blkdev_issue_flush(self.bdev) })
        };
        if answer.is_err() {
            self.health.note_write_error();
        }
        answer
    }

    /// Reads or writes the first bytes of a buffer.
    ///
    /// # Safety
    ///
    /// If it is a read, nobody else uses the memory meanwhile.
    unsafe fn transfer(
        &self,
        sector: u64,
        buffer: &Buffer,
        bytes: usize,
        operation: u32,
    ) -> Result {
        if self.is_out_of_reach() {
            return Err(EIO);
        }
        if bytes > buffer.len() {
            return Err(EINVAL);
        }
        // SAFETY: By the type invariant the device is open; the memory is physically contiguous,
        // and by the contract of this function ours.
        self.judged(unsafe {
            bindings::bdev_rw_virt(
                self.bdev,
                sector,
                buffer.0.as_ptr().cast_mut().cast(),
                bytes,
                operation,
            )
        })
    }

    /// Writes zeros to `count` sectors from `sector` on: with a command of the device, or as data.
    /// Not by unmapping: the device may just have failed at that, and gone on offering it.
    /// Sleeps. An error is noted in [`Self::health`].
    pub(crate) fn write_zeros(&self, sector: u64, count: u64) -> Result {
        if self.is_out_of_reach() {
            return Err(EIO);
        }
        // SAFETY: By the type invariant the device is open. The shim's constants are never written.
        let answer = self.judged(unsafe {
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

    /// The device, for the rest of `kapi`. Valid as long as `self`; null if it was not found.
    pub(super) fn as_ptr(&self) -> *mut bindings::block_device {
        self.bdev
    }
}

impl Drop for BlockDevice {
    fn drop(&mut self) {
        if self.file.is_null() {
            return;
        }
        // SAFETY: By the type invariant the file is open and ours. This gives up the claim at once.
        unsafe { bindings::bdev_fput(self.file) };
    }
}

/// Sectors in bytes.
fn bytes_of(sectors: u64) -> Result<usize> {
    let bytes = sectors.checked_mul(SECTOR_BYTES).ok_or(EINVAL)?;
    usize::try_from(bytes).map_err(|_| EINVAL)
}

/// Is made one request with nothing else.
const NOMERGE: u32 = 1 << bindings::req_flag_bits___REQ_NOMERGE;

/// Forced unit access: a write that is durable when it is done.
const FUA: u32 = 1 << bindings::req_flag_bits___REQ_FUA;

/// What is written by itself is waited for, and is no data of a caller that could wait its turn.
const WRITE_FLAGS: u32 =
    1 << bindings::req_flag_bits___REQ_SYNC | 1 << bindings::req_flag_bits___REQ_META;

/// Memory for reading from devices and writing to them: physically contiguous, as large as whole
/// logical blocks.
pub(crate) struct Buffer(KVec<u8>);

impl Buffer {
    /// So many bytes, all zero.
    pub(crate) fn new(bytes: usize) -> Result<Self, AllocError> {
        Ok(Self(KVec::from_elem(0u8, bytes, GFP_KERNEL)?))
    }

    /// The same, if there is memory for it at once.
    pub(crate) fn at_once(bytes: usize) -> Result<Self, AllocError> {
        Ok(Self(KVec::from_elem(0u8, bytes, GFP_NOWAIT)?))
    }
}

impl core::ops::Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl core::ops::DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}
