// SPDX-License-Identifier: GPL-2.0
//! A lock for what interrupts use as well: clones come back in them. The kernel's own in Rust came
//! with 7.3.
//!
//! C header: [`include/linux/spinlock.h`](srctree/include/linux/spinlock.h)

use core::cell::UnsafeCell;

use kernel::{
    bindings,
    prelude::*,
    types::Opaque, //
};

use super::ffi;

/// Something that one CPU at a time uses, with interrupts off.
pub(crate) struct IrqLock<T> {
    lock: Opaque<bindings::spinlock_t>,
    value: UnsafeCell<T>,
}

// SAFETY: The lock sees to it that one CPU at a time uses the value.
unsafe impl<T: Send> Sync for IrqLock<T> {}

impl<T> IrqLock<T> {
    /// A lock that is not usable yet.
    ///
    /// # Safety
    ///
    /// The lock stays where it is, and [`Self::init`] is called before anything else.
    pub(super) const unsafe fn uninit(value: T) -> Self {
        Self {
            lock: Opaque::uninit(),
            value: UnsafeCell::new(value),
        }
    }

    /// Makes the lock usable.
    ///
    /// # Safety
    ///
    /// Called once, while nobody uses it.
    pub(super) unsafe fn init(&self) {
        // SAFETY: By the contract of this function; the memory is a `spinlock_t`'s.
        unsafe { ffi::md_irq_lock_init(self.lock.get()) };
    }

    /// Uses the value. In any context; `use_it` does not sleep and takes no other such lock.
    pub(crate) fn with<R>(&self, use_it: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: The lock is initialised, by the contract of `uninit`.
        let flags = unsafe { acquire(&self.lock) };
        // SAFETY: With the lock held nobody else has a reference to the value.
        let answer = use_it(unsafe { &mut *self.value.get() });
        // SAFETY: Locked above.
        unsafe { give_back(&self.lock, flags) };
        answer
    }
}

/// Takes a lock. Not inlined: other modules have no shim of ours.
///
/// # Safety
///
/// The lock is initialised.
#[inline(never)]
unsafe fn acquire(lock: &Opaque<bindings::spinlock_t>) -> c_ulong {
    // SAFETY: By the contract of this function.
    unsafe { ffi::md_irq_lock(lock.get()) }
}

/// Gives it back.
///
/// # Safety
///
/// The caller has taken the lock, and got `flags` for it.
#[inline(never)]
unsafe fn give_back(lock: &Opaque<bindings::spinlock_t>, flags: c_ulong) {
    // SAFETY: By the contract of this function.
    unsafe { ffi::md_irq_unlock(lock.get(), flags) };
}
