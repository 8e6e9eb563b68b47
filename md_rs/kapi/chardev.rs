// SPDX-License-Identifier: GPL-2.0
//! The admin device: a misc character device with ioctls and nothing else.
//!
//! The kernel's own `MiscDevice` is not used because in 7.2 it does not set `fops.owner`, so that
//! the module could be unloaded while the device is open.
//!
//! C header: [`include/linux/miscdevice.h`](srctree/include/linux/miscdevice.h)

use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    types::Opaque,
    uaccess::UserPtr, //
};

use super::disk::module;

/// What the device does.
pub(crate) trait Ioctl: Send + Sync + 'static {
    /// Carries out an ioctl whose argument lies at `argument` in the caller's memory.
    fn ioctl(&self, command: u32, argument: UserPtr) -> Result;
}

/// A registered character device.
///
/// # Invariants
///
/// `misc` is registered.
#[pin_data(PinnedDrop)]
pub(crate) struct CharDevice<T: Ioctl> {
    #[pin]
    misc: Opaque<bindings::miscdevice>,
    #[pin]
    operations: T,
}

// SAFETY: Misc devices may be deregistered by any thread.
unsafe impl<T: Ioctl> Send for CharDevice<T> {}
// SAFETY: The only shared access is to `operations`, which is `Sync`.
unsafe impl<T: Ioctl> Sync for CharDevice<T> {}

impl<T: Ioctl> CharDevice<T> {
    const TABLE: bindings::file_operations = bindings::file_operations {
        owner: module(),
        unlocked_ioctl: Some(Self::ioctl),
        compat_ioctl: bindings::compat_ptr_ioctl,
        llseek: Some(bindings::noop_llseek),
        ..pin_init::zeroed()
    };

    /// Makes the device. A `/` in the name makes a directory below `/dev`.
    pub(crate) fn new<E>(
        name: &'static CStr,
        operations: impl PinInit<T, E>,
    ) -> impl PinInit<Self, Error>
    where
        Error: From<E>,
    {
        // The fields are initialised in this order, so that nobody finds the device before what it
        // does is there.
        try_pin_init!(Self {
            operations <- operations,
            misc <- Opaque::try_ffi_init(move |misc: *mut bindings::miscdevice| {
                // SAFETY: `misc` is valid for writing a `miscdevice`, pinned, and stays until it is
                // deregistered by `drop`.
                unsafe {
                    misc.write_bytes(0, 1);
                    (*misc).minor = bindings::MISC_DYNAMIC_MINOR as c_int;
                    (*misc).name = name.as_char_ptr();
                    (*misc).fops = &Self::TABLE;
                    to_result(bindings::misc_register(misc))
                }
            }),
        }? Error)
    }

    /// Called for each ioctl.
    ///
    /// # Safety
    ///
    /// Called by the VFS, with a file of which the misc driver has set `private_data`.
    unsafe extern "C" fn ioctl(file: *mut bindings::file, command: c_uint, arg: c_ulong) -> c_long {
        // SAFETY: `private_data` is the `miscdevice` inside a `CharDevice<T>`, which stays
        // registered while a file of it is open, since that pins the module.
        let device = unsafe {
            let misc: *mut Opaque<bindings::miscdevice> = (*file).private_data.cast();
            &*kernel::container_of!(misc, Self, misc)
        };
        match device.operations.ioctl(command, UserPtr::from_addr(arg)) {
            Ok(()) => 0,
            Err(error) => error.to_errno() as c_long,
        }
    }
}

#[pinned_drop]
impl<T: Ioctl> PinnedDrop for CharDevice<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariant the device is registered.
        unsafe { bindings::misc_deregister(self.misc.get()) };
    }
}
