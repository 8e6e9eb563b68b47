// SPDX-License-Identifier: GPL-2.0
//! Copies of what writes write, in memory of our own, for clones that must all have the same data
//! however the caller's memory changes on the way (`DURABILITY.md` clause 14); and memory for reads
//! that must not be done into the caller's ([`super::hedged`]).
//!
//! Memory is taken as it comes, without waiting. If there is none, one write at a time has the
//! disk's [`Reserve`] and the others wait for it, so that writes go on however little memory there
//! is. Only a write that is larger than the reserve waits for memory.
//!
//! C header: [`include/linux/bio.h`](srctree/include/linux/bio.h)

use kernel::{
    alloc::{
        flags::__GFP_NOWARN,
        AllocError,
        Flags, //
    },
    bindings,
    page::{
        Page,
        PAGE_SIZE, //
    },
    prelude::*,
    sync::atomic::{
        ordering::{
            Full,
            Relaxed, //
        },
        Atomic, //
    },
    types::Opaque, //
};

use super::{
    ffi,
    noio::NoIo, //
};

/// What a reserve has room for at most, in bytes: more than most devices take at once.
const RESERVE_MAX: u32 = 2 << 20;

/// A copy.
pub(super) struct Copied {
    /// A bio that clones are made of. It is never submitted.
    bio: Opaque<bindings::bio>,
    /// Its table, which says where the pages are.
    _pieces: KVec<bindings::bio_vec>,
    _pages: KVec<Page>,
    is_reserve: bool,
}

impl Copied {
    /// Room for so many bytes.
    fn new(bytes: u32, flags: Flags, is_reserve: bool) -> Result<KBox<Self>, AllocError> {
        let count = (bytes as usize).div_ceil(PAGE_SIZE);
        let table_size = u16::try_from(count).map_err(|_| AllocError)?;
        let mut pages = KVec::with_capacity(count, flags)?;
        let mut pieces = KVec::with_capacity(count, flags)?;
        for _ in 0..count {
            let page = Page::alloc_page(flags)?;
            let piece = bindings::bio_vec {
                bv_page: page.as_ptr(),
                bv_len: PAGE_SIZE as u32,
                bv_offset: 0,
            };
            pieces.push(piece, flags)?;
            pages.push(page, flags)?;
        }
        let table = pieces.as_mut_ptr();
        let this = Self {
            bio: Opaque::uninit(),
            _pieces: pieces,
            _pages: pages,
            is_reserve,
        };
        let this = KBox::new(this, flags)?;
        // SAFETY: The bio is ours alone and stays where it is, as does its table.
        unsafe {
            let none = core::ptr::null_mut();
            bindings::bio_init(
                this.bio.get(),
                none,
                table,
                table_size,
                bindings::req_op_REQ_OP_WRITE,
            );
            (*this.bio.get()).bi_vcnt = table_size;
        }
        Ok(this)
    }

    /// Room for what a read of so many bytes brings.
    pub(super) fn for_read(bytes: u32, flags: Flags) -> Result<KBox<Self>, AllocError> {
        let this = Self::new(bytes, flags, false)?;
        // SAFETY: The bio is ours alone, and has room for as much.
        unsafe { ffi::md_bio_set_bytes(this.bio.get(), bytes) };
        Ok(this)
    }

    /// Gives a read what was brought here.
    ///
    /// # Safety
    ///
    /// The request is not ended, and a read of no more bytes than there are. Nobody else writes to
    /// its memory, or to this one.
    pub(super) unsafe fn give(&self, rq: *mut bindings::request) {
        // SAFETY: By the contract of this function.
        unsafe { ffi::md_bio_give(self.bio.get(), rq) };
    }

    /// Copies what a request writes.
    ///
    /// # Safety
    ///
    /// The request is not ended, and a write of no more bytes than there is room for. No clone of
    /// this copy is in flight.
    unsafe fn take(&self, rq: *mut bindings::request) {
        // SAFETY: By the contract of this function.
        unsafe { ffi::md_bio_take(self.bio.get(), rq) };
    }

    /// The bio, of which the first bytes are those of the request, one of its bios after the other.
    pub(super) fn bio(&self) -> *mut bindings::bio {
        self.bio.get()
    }
}

/// What became of the wish for a copy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Copying {
    /// There is one.
    Done,
    /// The reserve will be free some time.
    Later,
    /// There is no memory, and the request may not wait for it.
    MayNotWait,
}

/// Memory for one copy, for when there is no other.
pub(super) struct Reserve {
    /// Null while a request has it, and if there is none.
    free: Atomic<*mut Copied>,
    /// For how many bytes there is one; 0 if there is none.
    bytes: Atomic<u32>,
}

impl Reserve {
    /// None.
    pub(super) fn new() -> Self {
        Self {
            free: Atomic::new(core::ptr::null_mut()),
            bytes: Atomic::new(0),
        }
    }

    /// Makes one for requests of up to `bytes`, if there is none. It stays as long as the disk.
    pub(super) fn make(&self, bytes: u32) -> Result<(), AllocError> {
        if self.bytes.load(Relaxed) != 0 {
            return Ok(());
        }
        let bytes = bytes.min(RESERVE_MAX);
        let copied = Copied::new(bytes, GFP_KERNEL, true)?;
        if self.bytes.cmpxchg(0, bytes, Full).is_ok() {
            self.put(copied);
        }
        Ok(())
    }

    /// Whether somebody who waits for it may try again.
    pub(super) fn is_free(&self) -> bool {
        !self.free.load(Relaxed).is_null()
    }

    fn take(&self) -> Option<KBox<Copied>> {
        let copied = self.free.xchg(core::ptr::null_mut(), Full);
        if copied.is_null() {
            return None;
        }
        // SAFETY: It was given up by `put`, and has been taken out just now.
        Some(unsafe { KBox::from_raw(copied) })
    }

    fn put(&self, copied: KBox<Copied>) {
        let _ = self.free.xchg(KBox::into_raw(copied), Full);
    }

    /// Gives back a copy. Whether others may have waited for it.
    pub(super) fn give_back(&self, copied: KBox<Copied>) -> bool {
        if !copied.is_reserve {
            return false;
        }
        self.put(copied);
        true
    }

    /// Room for so many bytes, when there is memory for it.
    fn copy_patiently(bytes: u32) -> Result<KBox<Copied>, Copying> {
        let _noio = NoIo::begin();
        let copied = Copied::new(bytes, GFP_KERNEL, false);
        copied.map_err(|_| Copying::MayNotWait)
    }

    /// A copy of what a request writes.
    ///
    /// # Safety
    ///
    /// The request is not ended, and a write. The caller may sleep if it `may_wait`.
    pub(super) unsafe fn copy(
        &self,
        rq: *mut bindings::request,
        may_wait: bool,
    ) -> Result<KBox<Copied>, Copying> {
        // SAFETY: By the contract of this function.
        let bytes = unsafe { (*rq).__data_len };
        let is_covered = bytes <= self.bytes.load(Relaxed);
        let at_once = Copied::new(bytes, GFP_NOWAIT | __GFP_NOWARN, false).ok();
        let reserve = || if is_covered { self.take() } else { None };
        let copied = match at_once.or_else(reserve) {
            Some(copied) => copied,
            None if is_covered => return Err(Copying::Later),
            None if may_wait => Self::copy_patiently(bytes)?,
            None => return Err(Copying::MayNotWait),
        };
        // SAFETY: By the contract of this function; it has room for the request, and was just made
        // or taken.
        unsafe { copied.take(rq) };
        Ok(copied)
    }
}

impl Drop for Reserve {
    fn drop(&mut self) {
        drop(self.take());
    }
}
