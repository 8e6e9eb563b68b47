// SPDX-License-Identifier: GPL-2.0
//! A lock for what interrupts use as well: clones come back in them. The kernel's own in Rust came
//! with 7.3.
//!
//! C header: [`include/linux/spinlock.h`](srctree/include/linux/spinlock.h)

use core::cell::UnsafeCell;

use kernel::{
    bindings,
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
        let flags = unsafe { ffi::md_irq_lock(self.lock.get()) };
        // SAFETY: With the lock held nobody else has a reference to the value.
        let answer = use_it(unsafe { &mut *self.value.get() });
        // SAFETY: Locked above.
        unsafe { ffi::md_irq_unlock(self.lock.get(), flags) };
        answer
    }
}
