// SPDX-License-Identifier: GPL-2.0
//! Reads and writes of atomics that are no calls. Debian's kernels are built with GCC, without
//! `CONFIG_RUST_INLINE_HELPERS`, so that [`Atomic::load`] and [`Atomic::store`] are calls of C, of
//! five instructions each, and whoever makes one has to save registers. Where every request comes
//! by, this is what the C macros are made of.
//!
//! C header: [`arch/x86/include/asm/barrier.h`](srctree/arch/x86/include/asm/barrier.h)

use kernel::sync::atomic::{
    Atomic,
    AtomicType, //
};

/// What an [`Atomic`] can do without a call.
pub(crate) trait Inlined<T> {
    /// As `READ_ONCE`: a relaxed load.
    fn read(&self) -> T;

    /// As `WRITE_ONCE`: a relaxed store.
    fn write(&self, value: T);

    /// As `smp_load_acquire`.
    fn read_acquire(&self) -> T;

    /// As `smp_store_release`.
    fn write_release(&self, value: T);
}

impl<T: AtomicType> Inlined<T> for Atomic<T> {
    #[inline(always)]
    fn read(&self) -> T {
        // SAFETY: The pointer is valid. The value has the size of a register at most, and is read
        // as a whole.
        unsafe { self.as_ptr().read_volatile() }
    }

    #[inline(always)]
    fn write(&self, value: T) {
        // SAFETY: As above, for writing.
        unsafe { self.as_ptr().write_volatile(value) };
    }

    #[inline(always)]
    fn read_acquire(&self) -> T {
        let value = self.read();
        follow();
        value
    }

    #[inline(always)]
    fn write_release(&self, value: T) {
        follow();
        self.write(value);
    }
}

/// What comes after it is not done before what comes before it, but for writes before reads. The
/// processor does not do that; the compiler must not either.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn follow() {
    core::sync::atomic::compiler_fence(core::sync::atomic::Ordering::SeqCst);
}

/// The same, on a processor that may.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn follow() {
    kernel::sync::barrier::smp_mb();
}
