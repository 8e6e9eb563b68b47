// SPDX-License-Identifier: GPL-2.0
//! The end of a machine that must not write any more. Both may be called in any context.

use kernel::prelude::*;

use super::ffi;

/// The machine panics, since it has lost a disk; `how` says how that was found.
pub(crate) fn panic(disk: &CStr, how: &CStr) {
    // SAFETY: Both texts are zero-terminated.
    unsafe { ffi::md_panic(disk.as_char_ptr(), how.as_char_ptr()) };
}

/// The machine is restarted at once; nothing is written before.
pub(crate) fn restart() {
    // SAFETY: May be called in any context.
    unsafe { ffi::md_restart() };
}
