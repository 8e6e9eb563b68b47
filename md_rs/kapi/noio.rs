// SPDX-License-Identifier: GPL-2.0
//! Looking for memory without I/O: who holds what requests have to wait for must not wait for
//! memory that only those requests would free.
//!
//! C header: [`include/linux/sched/mm.h`](srctree/include/linux/sched/mm.h)

use core::marker::PhantomData;

use kernel::prelude::*;

use super::ffi;

/// As long as it is there, the task that has made it looks for memory without waiting for I/O, as
/// with `memalloc_noio_save`. May be nested.
#[must_use]
pub(crate) struct NoIo {
    before: c_uint,
    /// It stays with its task.
    _stays: PhantomData<*mut ()>,
}

impl NoIo {
    /// From now on.
    pub(crate) fn begin() -> Self {
        Self {
            // SAFETY: May be called by any task; this one ends it.
            before: unsafe { ffi::md_noio_begin() },
            _stays: PhantomData,
        }
    }
}

impl Drop for NoIo {
    fn drop(&mut self) {
        // SAFETY: Begun by this task, since the object cannot be sent to another one.
        unsafe { ffi::md_noio_end(self.before) };
    }
}
