// SPDX-License-Identifier: GPL-2.0
//! Whether any disk is fenced, for who sends something to a disk: a load and a branch. Only when
//! there is one is it worth asking which ([`crate::fencing`]).

use kernel::sync::atomic::{
    ordering::{
        Full,
        Relaxed, //
    },
    Atomic, //
};

/// How many disks are fenced.
static FENCED: Atomic<u32> = Atomic::new(0);

/// Whether any disk is fenced.
#[inline]
pub(crate) fn is_raised() -> bool {
    // SAFETY: The number is always there. A load of the kernel's atomics would be a call.
    unsafe { FENCED.as_ptr().read_volatile() != 0 }
}

/// So many disks are fenced.
pub(crate) fn set(count: u32) {
    if FENCED.load(Relaxed) != count {
        FENCED.xchg(count, Full);
    }
}
