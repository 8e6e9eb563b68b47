// SPDX-License-Identifier: GPL-2.0
//! The statics of the core. Personalities and the multihost module register from modules of their
//! own, which have no other way to find us; a clone that comes back in an interrupt has no other
//! way to find what is known of its disk.

use kernel::{
    prelude::*,
    sync::global_lock, //
};

use super::irq_lock::IrqLock;
use crate::{
    fencing::Disks,
    multihost::Handler,
    personality::Registry, //
};

global_lock! {
    // SAFETY: [`init`] runs first of all in the module's init, before anyone can register.
    pub(crate) unsafe(uninit) static REGISTRY: Mutex<Registry> = Registry::new();
}

global_lock! {
    // SAFETY: Likewise.
    pub(crate) unsafe(uninit) static MULTIHOST: Mutex<Option<Handler>> = None;
}

/// The disks that failfast knows.
// SAFETY: [`init`] runs first of all in the module's init, before anyone can watch a disk.
pub(crate) static DISKS: IrqLock<Disks> = unsafe { IrqLock::uninit(Disks::NONE) };

/// Makes the statics usable. Called once, when the module is loaded.
pub(crate) fn init() {
    // SAFETY: Called exactly once, from the module's init.
    unsafe {
        REGISTRY.init();
        MULTIHOST.init();
        DISKS.init();
    }
}
