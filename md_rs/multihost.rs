// SPDX-License-Identifier: GPL-2.0
//! The multihost module, `md_failfast`, as the core knows it: it registers here, and gets the
//! requests about disks that several hosts can reach. It is a module of its own since it needs the
//! kernel's SCSI.

use kernel::{
    prelude::*,
    ThisModule, //
};

use crate::{
    abi::{
        self,
        Refusal, //
    },
    kapi::{
        errno::eproto,
        global::MULTIHOST,
        module::{
            self,
            ModuleRef, //
        }, //
    },
    personality::CORE_ID,
    Refused, //
};

/// What the module does.
pub trait Multihost: Send + Sync + 'static {
    /// Carries out [`abi::IOC_MULTIHOST`].
    fn carry_out(&self, request: &mut abi::Multihost) -> Result<(), Refused>;
}

/// The module, once it has registered.
#[derive(Clone, Copy)]
pub(crate) struct Handler {
    multihost: &'static dyn Multihost,
    module: &'static ThisModule,
}

/// Keeps the module registered. It owns this from init to exit.
pub struct Registration(());

impl Registration {
    /// Registers the module. The caller passes [`CORE_ID`], as personalities do.
    ///
    /// `EPROTO`: the caller was compiled against another core. `EEXIST`: there is one.
    pub fn new(
        core_id: &'static str,
        multihost: &'static dyn Multihost,
        module: &'static ThisModule,
    ) -> Result<Self> {
        if core_id != CORE_ID {
            pr_err!(
                "md_failfast was built for core {core_id}, this is core {CORE_ID}: build all md \
                 modules together ('make') and load those\n"
            );
            return Err(eproto());
        }
        let mut handler = MULTIHOST.lock();
        if handler.is_some() {
            return Err(EEXIST);
        }
        *handler = Some(Handler { multihost, module });
        Ok(Self(()))
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        *MULTIHOST.lock() = None;
    }
}

/// Has the module carry out a request; loads it if need be.
pub(crate) fn carry_out(request: &mut abi::Multihost) -> Result<(), Refused> {
    let (handler, _module) = match registered() {
        Some(found) => found,
        None => {
            // Whether the module came is seen below; modprobe's own status says less.
            let _ = module::request(c"md_rs-multihost");
            registered().ok_or(Refused::new(ENODEV, Refusal::NoMultihost))?
        }
    };
    handler.carry_out(request)
}

fn registered() -> Option<(&'static dyn Multihost, ModuleRef)> {
    // The lock keeps the module from going away before we hold a reference to it: its exit takes
    // the lock as well.
    let handler = (*MULTIHOST.lock())?;
    Some((handler.multihost, ModuleRef::get(handler.module)?))
}
