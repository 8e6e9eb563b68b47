// SPDX-License-Identifier: GPL-2.0
//! Uevents: word to user space that something has changed, of a disk of ours or of the module.
//!
//! C header: [`include/linux/kobject.h`](srctree/include/linux/kobject.h)

use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    str::CString, //
};

use super::ffi;

/// A disk, for uevents.
///
/// # Invariants
///
/// The pointer is a device, to which this object owns a reference.
pub(crate) struct DiskRef(*mut bindings::device);

// SAFETY: References to devices may be given up, and uevents sent, by any thread.
unsafe impl Send for DiskRef {}
// SAFETY: As above.
unsafe impl Sync for DiskRef {}

impl DiskRef {
    /// A reference to the device of a disk.
    ///
    /// # Safety
    ///
    /// The disk is there.
    pub(super) unsafe fn of(disk: *mut bindings::gendisk) -> Self {
        // SAFETY: By the contract of this function.
        // INVARIANT: The call takes the reference.
        Self(unsafe { ffi::md_disk_device_get(disk) })
    }
}

impl Drop for DiskRef {
    fn drop(&mut self) {
        // SAFETY: By the type invariant the reference is ours.
        unsafe { ffi::md_device_put(self.0) };
    }
}

/// Says that a disk, or without one the module, has changed; each variable is `NAME=value`. Sleeps.
pub(crate) fn announce(disk: Option<&DiskRef>, variables: &[CString]) -> Result {
    let device = disk.map_or(core::ptr::null_mut(), |disk| disk.0);
    let mut pointers = KVec::with_capacity(variables.len().saturating_add(1), GFP_KERNEL)?;
    for variable in variables {
        pointers.push(variable.as_char_ptr().cast_mut(), GFP_KERNEL)?;
    }
    pointers.push(core::ptr::null_mut(), GFP_KERNEL)?;
    // SAFETY: The device is there by the type invariant, or null; the list ends with a null
    // pointer, and its texts, which are only read, outlive the call.
    to_result(unsafe { ffi::md_announce(device, pointers.as_mut_ptr()) })
}
