// SPDX-License-Identifier: GPL-2.0
//! The statics of the core. There is one: personalities register from modules of their own, which
//! have no other way to find us.

use kernel::{
    prelude::*,
    sync::global_lock, //
};

use crate::personality::Registry;

global_lock! {
    // SAFETY: [`init`] runs first of all in the module's init, before anyone can register.
    pub(crate) unsafe(uninit) static REGISTRY: Mutex<Registry> = Registry::new();
}

/// Makes the statics usable. Called once, when the module is loaded.
pub(crate) fn init() {
    // SAFETY: Called exactly once, from the module's init.
    unsafe { REGISTRY.init() };
}
