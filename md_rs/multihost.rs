// SPDX-License-Identifier: GPL-2.0
//! The multihost module, `md_failfast`, as the core knows it: it registers here, and gets the
//! requests about disks that several hosts can reach. It is a module of its own since it needs the
//! kernel's SCSI.

use kernel::{
    prelude::*,
    sync::Mutex,
    ThisModule, //
};
use md_model::failfast::{
    Action,
    Choice, //
};

use crate::{
    abi::{
        self,
        Refusal, //
    },
    database::Database,
    fencing,
    kapi::{
        errno::eproto,
        global::MULTIHOST,
        module::{
            self,
            ModuleRef, //
        }, //
    },
    personality::CORE_ID,
    unit_table::UnitTable,
    Refused, //
};

/// What the module does.
pub trait Multihost: Send + Sync + 'static {
    /// Carries out [`abi::IOC_MULTIHOST`].
    fn carry_out(&self, request: &mut abi::Multihost) -> Result<(), Refused>;

    /// From now on failfast does what was chosen with the disk that has a number, or of which that
    /// is a partition. Does not touch it. The path is for messages.
    fn watch(&self, dev: u64, path: &[u8], choice: Choice) -> Result<(), Refused>;
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

/// Has the module carry out a request; loads it if need be. What is chosen for a disk of the set is
/// recorded, if it can be: it is in force in any case.
pub(crate) fn carry_out(
    (database, units): (&Database, &Mutex<UnitTable>),
    request: &mut abi::Multihost,
) -> Result<(), Refused> {
    let (handler, _module) = loaded()?;
    handler.carry_out(request)?;
    let is_chosen = matches!(
        request.operation,
        abi::MULTIHOST_FAILFAST | abi::MULTIHOST_ACTION
    );
    if is_chosen && database.is_loaded() {
        // Who changes records takes turns. The disk has answered by now.
        let _units = units.lock();
        if let Err(refused) = database.choose(request.dev, |choice| note(request, choice)) {
            pr_warn!(
                "failfast: what was chosen for a disk of the set is not recorded: {refused:?}\n"
            );
            request.state |= abi::MULTIHOST_UNRECORDED;
        }
    }
    if database.choice_on(request.dev) != Choice::NONE {
        request.state |= abi::MULTIHOST_RECORDED;
    }
    Ok(())
}

/// What a request that was carried out has chosen.
fn note(request: &abi::Multihost, choice: &mut Choice) {
    if request.operation == abi::MULTIHOST_FAILFAST {
        choice.period_ms = request.failfast_ms;
    } else {
        choice.action = Action::from_number(request.action);
    }
}

/// Has the module do with a disk what was chosen; loads it if need be.
pub(crate) fn watch(dev: u64, path: &[u8], choice: Choice) -> Result<(), Refused> {
    let (handler, _module) = loaded()?;
    handler.watch(dev, path, choice)
}

/// A disk is not watched any more. One that is fenced stays as it is, until somebody takes it.
pub(crate) fn unwatch(disk: u64) {
    let is_watched = fencing::state(disk).is_some_and(|state| !state.is_fenced);
    if let Some((handler, _module)) = registered().filter(|_| is_watched) {
        if let Err(refused) = handler.watch(disk, &[], Choice::NONE) {
            pr_warn!("failfast: stays on for a disk of the set that is stopped: {refused:?}\n");
        }
    }
}

fn loaded() -> Result<(&'static dyn Multihost, ModuleRef), Refused> {
    match registered() {
        Some(found) => Ok(found),
        None => {
            // Whether the module came is seen below; modprobe's own status says less.
            let _ = module::request(c"md_rs-multihost");
            registered().ok_or(Refused::new(ENODEV, Refusal::NoMultihost))
        }
    }
}

fn registered() -> Option<(&'static dyn Multihost, ModuleRef)> {
    // The lock keeps the module from going away before we hold a reference to it: its exit takes
    // the lock as well.
    let handler = (*MULTIHOST.lock())?;
    Some((handler.multihost, ModuleRef::get(handler.module)?))
}
