// SPDX-License-Identifier: GPL-2.0
//! Transfers that are sent together and waited for together, between devices and memory of our own.
//!
//! All memory is there before it is needed, and belongs to the [`Volley`], so that no transfer can
//! outlive its buffer: [`Volley::fire`] comes back when all of them have.
//!
//! C side: `volley.c`.

use core::{
    ops::Range,
    ptr::NonNull, //
};

use kernel::{
    bindings,
    prelude::*, //
};

use super::{
    bdev::{
        BlockDevice,
        Buffer, //
    },
    clone::is_medium,
    ffi, //
};

/// Some bytes of one of the buffers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// Which buffer.
    pub(crate) buffer: usize,
    /// First byte.
    pub(crate) from: usize,
    /// How many.
    pub(crate) bytes: usize,
}

/// What became of a transfer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// It is done.
    Done,
    /// The device has lost the data.
    Medium,
    /// It has failed in another way.
    Failed,
}

/// Transfers, and the memory for them.
///
/// # Invariants
///
/// `raw` was made by `md_volley_new`, and belongs to this object. None of its transfers is under
/// way, except within [`Volley::fire`].
pub(crate) struct Volley {
    raw: NonNull<ffi::MdVolley>,
    loaded: u32,
    buffers: KVec<Option<Buffer>>,
}

// SAFETY: The memory belongs to the object, and is used by who has that.
unsafe impl Send for Volley {}

/// How many buffers are combined at a time.
const SOURCES: usize = 8;

/// What a transfer that is waited for is sent with.
const SYNC: u32 = 1 << bindings::req_flag_bits___REQ_SYNC;

impl Volley {
    /// Room for so many transfers, and buffers of the sizes that are given.
    pub(crate) fn new(shots: u32, sizes: impl Iterator<Item = usize>) -> Result<Self> {
        // SAFETY: Any number may be asked for.
        let raw = unsafe { ffi::md_volley_new(shots) };
        // INVARIANT: It was made just now.
        let mut volley = Self {
            raw: NonNull::new(raw).ok_or(ENOMEM)?,
            loaded: 0,
            buffers: KVec::new(),
        };
        for size in sizes {
            let buffer = Buffer::new(size)?;
            volley.buffers.push(Some(buffer), GFP_KERNEL)?;
        }
        Ok(volley)
    }

    /// Nothing is to be sent yet.
    pub(crate) fn clear(&mut self) {
        self.loaded = 0;
    }

    /// Adds a read of one extent, from `sector` of a device on. The number of the transfer; `None`
    /// without room.
    pub(crate) fn read(
        &mut self,
        device: &BlockDevice,
        sector: u64,
        extent: Extent,
    ) -> Option<u32> {
        let shot = self.load(device, sector, bindings::req_op_REQ_OP_READ | SYNC)?;
        self.add(shot, extent)?;
        Some(shot)
    }

    /// Adds a write, to which [`Self::add`] adds what is written. `is_durable`: it is beyond the
    /// device's cache when it is done.
    pub(crate) fn write(
        &mut self,
        device: &BlockDevice,
        sector: u64,
        is_durable: bool,
    ) -> Option<u32> {
        const FUA: u32 = 1 << bindings::req_flag_bits___REQ_FUA;
        let fua = if is_durable { FUA } else { 0 };
        self.load(device, sector, bindings::req_op_REQ_OP_WRITE | SYNC | fua)
    }

    /// Adds a flush.
    pub(crate) fn flush(&mut self, device: &BlockDevice) -> Option<u32> {
        const FLUSH: u32 = 1 << bindings::req_flag_bits___REQ_PREFLUSH;
        self.load(device, 0, bindings::req_op_REQ_OP_WRITE | SYNC | FLUSH)
    }

    fn load(&mut self, device: &BlockDevice, sector: u64, operation: u32) -> Option<u32> {
        let shot = self.loaded;
        // SAFETY: By the type invariant; the transfer is not under way. The device is there until
        // `fire` is over: see there.
        let is_loaded = unsafe {
            ffi::md_volley_load(self.raw.as_ptr(), shot, device.as_ptr(), sector, operation)
        };
        if !is_loaded {
            return None;
        }
        self.loaded = shot.checked_add(1)?;
        Some(shot)
    }

    /// Adds an extent to a transfer that was added.
    pub(crate) fn add(&mut self, shot: u32, extent: Extent) -> Option<()> {
        if shot >= self.loaded {
            return None;
        }
        let raw = self.raw.as_ptr();
        let data = self.bytes_mut(extent)?;
        let bytes = u32::try_from(data.len()).ok()?;
        // SAFETY: By the type invariant; the transfer is one that was loaded. The memory is
        // physically contiguous and belongs to this object, as the transfer does.
        unsafe { ffi::md_volley_add(raw, shot, data.as_mut_ptr().cast(), bytes) }.then_some(())
    }

    /// Sends what was added, and waits for it. Sleeps. The devices that were named are still there:
    /// who calls this keeps the shape that they are part of.
    pub(crate) fn fire(&mut self) {
        if self.loaded > 0 {
            // SAFETY: By the type invariant; the memory is borrowed by this call alone.
            unsafe { ffi::md_volley_fire(self.raw.as_ptr(), self.loaded) };
        }
    }

    /// What became of a transfer.
    pub(crate) fn outcome(&self, shot: u32) -> Outcome {
        // SAFETY: By the type invariant.
        let status = unsafe { ffi::md_volley_status(self.raw.as_ptr(), shot) };
        match status {
            0 => Outcome::Done,
            status if is_medium(status) => Outcome::Medium,
            _ => Outcome::Failed,
        }
    }

    /// Some bytes.
    pub(crate) fn bytes(&self, extent: Extent) -> Option<&[u8]> {
        let buffer = self.buffers.get(extent.buffer)?.as_ref()?;
        buffer.get(extent.from..extent.from.checked_add(extent.bytes)?)
    }

    /// The same, to be changed.
    pub(crate) fn bytes_mut(&mut self, extent: Extent) -> Option<&mut [u8]> {
        part(self.buffers.get_mut(extent.buffer)?, extent)
    }

    /// Some bytes of each of two buffers, to be changed.
    pub(crate) fn pair_mut(
        &mut self,
        first: Extent,
        second: Extent,
    ) -> Option<(&mut [u8], &mut [u8])> {
        let later = first.buffer.max(second.buffer);
        let (low, high) = self.buffers.split_at_mut_checked(later)?;
        let high = high.first_mut()?;
        let (first_buffer, second_buffer) = if first.buffer < second.buffer {
            (low.get_mut(first.buffer)?, high)
        } else {
            (high, low.get_mut(second.buffer)?)
        };
        Some((part(first_buffer, first)?, part(second_buffer, second)?))
    }

    /// Calls `combine` with bytes that are to be changed and as many others, at the same place of
    /// each of some other buffers; with a few of these at a time.
    pub(crate) fn combine(
        &mut self,
        to: Extent,
        from: impl Iterator<Item = usize>,
        mut combine: impl FnMut(&mut [u8], &[&[u8]]),
    ) -> Option<()> {
        let range = to.from..to.from.checked_add(to.bytes)?;
        let mut taken = self.buffers.get_mut(to.buffer)?.take()?;
        let bytes = taken.get_mut(range.clone());
        let done =
            bytes.and_then(|bytes| self.for_sources(range, from, |from| combine(bytes, from)));
        *self.buffers.get_mut(to.buffer)? = Some(taken);
        done
    }

    /// Calls `each` with the bytes of some buffers, of a few at a time.
    fn for_sources(
        &self,
        range: Range<usize>,
        mut from: impl Iterator<Item = usize>,
        mut each: impl FnMut(&[&[u8]]),
    ) -> Option<()> {
        loop {
            let mut sources: [&[u8]; SOURCES] = [&[]; SOURCES];
            let mut count = 0_usize;
            for (place, buffer) in sources.iter_mut().zip(from.by_ref()) {
                *place = self.buffers.get(buffer)?.as_ref()?.get(range.clone())?;
                count = count.checked_add(1)?;
            }
            if count == 0 {
                return Some(());
            }
            each(sources.get(..count)?);
        }
    }

    /// Copies to an extent what is at the same place of another buffer.
    pub(crate) fn copy(&mut self, to: Extent, from: usize) -> Option<()> {
        self.combine(to, core::iter::once(from), |to, sources| {
            for source in sources {
                copy(to, source);
            }
        })
    }
}

/// Some bytes of a buffer, to be changed.
fn part(buffer: &mut Option<Buffer>, extent: Extent) -> Option<&mut [u8]> {
    let end = extent.from.checked_add(extent.bytes)?;
    buffer.as_mut()?.get_mut(extent.from..end)
}

/// Copies as much as both have.
fn copy(to: &mut [u8], from: &[u8]) {
    let bytes = u32::try_from(to.len().min(from.len())).unwrap_or(0);
    // SAFETY: Both are so long, and do not overlap, since one of them is borrowed to be changed.
    unsafe { ffi::md_copy(to.as_mut_ptr().cast(), from.as_ptr().cast(), bytes) };
}

impl Drop for Volley {
    fn drop(&mut self) {
        // SAFETY: By the type invariant, and nothing is under way.
        unsafe { ffi::md_volley_free(self.raw.as_ptr()) };
    }
}
