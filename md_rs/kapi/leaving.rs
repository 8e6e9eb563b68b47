// SPDX-License-Identifier: GPL-2.0
//! Word before the system is left: a reboot, a power-off, a suspend or a hibernation.
//!
//! C headers: [`include/linux/reboot.h`](srctree/include/linux/reboot.h),
//! [`include/linux/suspend.h`](srctree/include/linux/suspend.h)

use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    types::Opaque,
    uaccess::UserPtr, //
};

use super::{
    chardev::Ioctl,
    ffi, //
};

/// Who wants to hear of it.
pub(crate) trait Leave: Send + Sync + 'static {
    /// The system is about to be left. May sleep.
    fn leave(&self, departure: Departure);
}

/// How the system is left.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Departure {
    /// It is rebooted, halted or powered off.
    ForGood,
    /// It is suspended or hibernated, and goes on later.
    ForAWhile,
}

/// Something that hears of it.
///
/// # Invariants
///
/// `reboot` and `sleep` are registered.
#[pin_data(PinnedDrop)]
pub(crate) struct Leaving<T: Leave> {
    #[pin]
    inner: T,
    #[pin]
    reboot: Opaque<bindings::notifier_block>,
    #[pin]
    sleep: Opaque<bindings::notifier_block>,
}

// SAFETY: Notifiers may be unregistered by any thread.
unsafe impl<T: Leave> Send for Leaving<T> {}
// SAFETY: The only shared access is to `inner`, which is `Sync`.
unsafe impl<T: Leave> Sync for Leaving<T> {}

impl<T: Leave> Leaving<T> {
    /// Has `inner` told.
    pub(crate) fn new<E>(inner: impl PinInit<T, E>) -> impl PinInit<Self, Error>
    where
        Error: From<E>,
    {
        try_pin_init!(Self {
            inner <- inner,
            reboot <- Opaque::try_ffi_init(|block: *mut bindings::notifier_block| {
                // SAFETY: `block` is valid for writing, pinned, and stays until it is unregistered
                // by `drop`, or by the next initialiser if that fails.
                unsafe {
                    block.write(notifier(Self::before_reboot));
                    to_result(ffi::md_register_reboot_notifier(block))
                }
            }),
            sleep <- Opaque::try_ffi_init(|block: *mut bindings::notifier_block| {
                // SAFETY: Likewise.
                unsafe {
                    block.write(notifier(Self::before_sleep));
                    to_result(ffi::md_register_pm_notifier(block))
                }
            }),
        }? Error)
    }

    /// Called for each way of leaving the system for good.
    ///
    /// # Safety
    ///
    /// `block` is the `reboot` of a `Leaving<T>`.
    unsafe extern "C" fn before_reboot(
        block: *mut bindings::notifier_block,
        _action: c_ulong,
        _data: *mut c_void,
    ) -> c_int {
        let block: *mut Opaque<bindings::notifier_block> = block.cast();
        // SAFETY: By this function's contract. It stays while it is registered.
        let leaving = unsafe { &*kernel::container_of!(block, Self, reboot) };
        leaving.inner.leave(Departure::ForGood);
        NOTIFY_DONE
    }

    /// Called before and after the system sleeps.
    ///
    /// # Safety
    ///
    /// `block` is the `sleep` of a `Leaving<T>`.
    unsafe extern "C" fn before_sleep(
        block: *mut bindings::notifier_block,
        action: c_ulong,
        _data: *mut c_void,
    ) -> c_int {
        if action == BEFORE_HIBERNATION || action == BEFORE_SUSPEND {
            let block: *mut Opaque<bindings::notifier_block> = block.cast();
            // SAFETY: By this function's contract. It stays while it is registered.
            let leaving = unsafe { &*kernel::container_of!(block, Self, sleep) };
            leaving.inner.leave(Departure::ForAWhile);
        }
        NOTIFY_DONE
    }
}

/// What a notifier answers that has no objection.
const NOTIFY_DONE: c_int = bindings::NOTIFY_DONE as c_int;

/// The two moments at which everything can still be written.
const BEFORE_HIBERNATION: c_ulong = bindings::PM_HIBERNATION_PREPARE as c_ulong;
const BEFORE_SUSPEND: c_ulong = bindings::PM_SUSPEND_PREPARE as c_ulong;

/// What the kernel calls.
type Function = unsafe extern "C" fn(*mut bindings::notifier_block, c_ulong, *mut c_void) -> c_int;

fn notifier(function: Function) -> bindings::notifier_block {
    bindings::notifier_block {
        notifier_call: Some(function),
        ..pin_init::zeroed()
    }
}

impl<T: Leave + Ioctl> Ioctl for Leaving<T> {
    fn ioctl(&self, command: u32, argument: UserPtr) -> Result {
        self.inner.ioctl(command, argument)
    }
}

#[pinned_drop]
impl<T: Leave> PinnedDrop for Leaving<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariant both are registered.
        unsafe {
            ffi::md_unregister_pm_notifier(self.sleep.get());
            ffi::md_unregister_reboot_notifier(self.reboot.get());
        }
    }
}
