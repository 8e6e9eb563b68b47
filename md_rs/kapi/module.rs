// SPDX-License-Identifier: GPL-2.0
//! References to modules, loading them on demand, and the caller's rights.

use kernel::{
    bindings,
    prelude::*,
    ThisModule, //
};

use super::ffi;

/// A reference that keeps a module from being unloaded.
///
/// # Invariants
///
/// We hold one reference to the module.
pub(crate) struct ModuleRef(&'static ThisModule);

impl ModuleRef {
    /// Takes a reference. `None` if the module is on its way out.
    pub(crate) fn get(module: &'static ThisModule) -> Option<Self> {
        // SAFETY: A `ThisModule` that can be named belongs to a module that is still there.
        let got = unsafe { bindings::try_module_get(module.as_ptr()) };
        // INVARIANT: The reference was just taken.
        got.then_some(Self(module))
    }
}

impl Drop for ModuleRef {
    fn drop(&mut self) {
        // SAFETY: By the type invariant there is a reference to give back.
        unsafe { bindings::module_put(self.0.as_ptr()) };
    }
}

/// Loads the module with an alias, waiting until it is there. Sleeps, and runs `modprobe`.
pub(crate) fn request(alias: &CStr) -> Result {
    // SAFETY: The string is zero-terminated and outlives the call.
    kernel::error::to_result(unsafe { ffi::md_request_module(alias.as_char_ptr()) })
}

/// Whether the calling process has `CAP_SYS_ADMIN`.
pub(crate) fn caller_is_admin() -> bool {
    // SAFETY: May be called from any process context.
    unsafe { bindings::capable(bindings::CAP_SYS_ADMIN as c_int) }
}
