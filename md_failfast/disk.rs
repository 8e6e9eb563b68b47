// SPDX-License-Identifier: GPL-2.0
//! A disk that several hosts can reach. What is known of it belongs to the disk, not to who has
//! opened it (mhd(7I)): it is known as long as somebody has it bound, or something is held or
//! watched.

use core::borrow::Borrow;

use kernel::{
    new_mutex,
    prelude::*,
    str::CString,
    sync::{
        Arc,
        Mutex, //
    }, //
};
use md::{
    abi::DEVICE_LEN,
    fencing, //
};
use md_model::failfast::{
    persist::Key,
    watch::{
        Hold,
        Watch, //
    },
    Action, //
};

use crate::{
    kapi::{
        self,
        Device,
        Prober,
        Stay,
        TABLE, //
    },
    module_parameters,
    prober::Asked, //
};

/// How a disk is reserved for one host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Way {
    /// Not known yet.
    Unknown,
    /// RESERVE and RELEASE.
    Reserve,
    /// Persistent reservations.
    Persistent,
}

/// What we hold.
pub(crate) struct Owned {
    pub(crate) way: Way,
    /// By MHIOCTKOWN or MHIOCQRESERVE.
    pub(crate) is_owned: bool,
    /// The key that was registered by MHIOCGRP_REGISTER and its like.
    pub(crate) registered: Option<Key>,
}

/// A parameter of the module, which 7.2 gives by reference.
fn parameter(value: impl Borrow<u32>) -> u32 {
    *value.borrow()
}

/// What is done when a disk is lost of which nothing else was said.
pub(crate) fn usual_action() -> Action {
    Action::from_number(parameter(module_parameters::action.value())).unwrap_or_default()
}

/// A disk.
#[pin_data]
pub(crate) struct Disk {
    // Dropped first: it waits for the command that is on its way.
    prober: Pin<KBox<Prober<Asked>>>,
    pub(crate) asked: Arc<Asked>,
    /// The key by which this host owns disks, if it needs one.
    pub(crate) own_key: Key,
    /// Held while an operation is carried out.
    #[pin]
    pub(crate) owned: Mutex<Owned>,
}

impl Disk {
    fn new(device: Device, path: &[u8], own_key: Key) -> Result<Arc<Self>> {
        let dev = device.disk_dev();
        let strict = parameter(module_parameters::failfast_strict.value()) != 0;
        let action = usual_action();
        let asked = Arc::pin_init(Asked::new(device, dev), GFP_KERNEL)?;
        let name = CString::try_from_fmt(fmt!("md_ff_{}:{}", dev >> 8 & 0xfff, dev & 0xff))?;
        let prober = KBox::pin_init(Prober::new(&name, asked.clone()), GFP_KERNEL)?;
        let disk = Arc::pin_init(
            try_pin_init!(Self {
                prober,
                asked,
                own_key,
                owned <- new_mutex!(
                    Owned {
                        way: Way::Unknown,
                        is_owned: false,
                        registered: None,
                    },
                    "md_failfast_disk"
                ),
            }? Error),
            GFP_KERNEL,
        )?;
        fencing::add(dev, path, action, Watch::new(strict))?;
        Ok(disk)
    }

    /// The disk's number.
    pub(crate) fn dev(&self) -> u64 {
        self.asked.dev
    }

    /// The disk itself.
    pub(crate) fn device(&self) -> &Device {
        &self.asked.device
    }

    /// Changes what is known of access to it, and the clock with it.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Watch)) {
        let ticks = fencing::with(self.dev(), |watch| {
            change(watch);
            watch.tick_ms()
        });
        self.prober.set_period(ticks.flatten());
    }

    /// Something is held from now on, or nothing, because the disk said so: if it was fenced, it is
    /// not any more.
    pub(crate) fn hold(&self, hold: Hold) {
        self.change(|watch| watch.set_hold(hold));
        fencing::lift(self.dev());
    }

    /// What is held as far as anybody knows.
    pub(crate) fn held(&self) -> Hold {
        fencing::with(self.dev(), |watch| watch.hold()).unwrap_or_default()
    }

    /// Switches failfast on, or off with 0.
    pub(crate) fn set_failfast(&self, period_ms: u32) {
        self.change(|watch| watch.set_failfast(period_ms));
    }

    /// Whether it has to be known although nobody has it bound.
    fn is_in_use(&self) -> bool {
        fencing::state(self.dev()).is_some_and(|state| {
            state.watch.hold() != Hold::Nothing
                || state.watch.period_ms() > 0
                || state.is_fenced
                || state.action != usual_action()
        })
    }
}

/// Disks that are known.
pub(crate) struct Table {
    disks: KVec<Entry>,
    own_key: Key,
}

struct Entry {
    disk: Arc<Disk>,
    /// How many have it bound.
    users: usize,
    /// That the module stays while the disk is in use.
    stay: Option<Stay>,
}

impl Table {
    /// No disks.
    pub(crate) const fn new() -> Self {
        Self {
            disks: KVec::new(),
            own_key: 0,
        }
    }

    /// The disk with a number. One that is not there any more is not known any more.
    fn known(&mut self, dev: u64) -> Option<&mut Entry> {
        let place = self
            .disks
            .iter()
            .position(|entry| entry.disk.dev() == dev)?;
        if self.disks.get(place)?.disk.device().is_live() {
            return self.disks.get_mut(place);
        }
        fencing::forget(dev);
        // Nobody asks it any more, so that there is nothing to wait for.
        drop(self.disks.remove(place));
        None
    }

    /// The machine goes to sleep, or goes on.
    pub(crate) fn sleep(begins: bool) {
        for entry in &TABLE.lock().disks {
            entry.disk.change(|watch| {
                if begins {
                    watch.sleep();
                } else {
                    watch.wake();
                }
            });
        }
    }
}

/// A disk that somebody has bound.
pub(crate) struct Bound(Arc<Disk>);

impl Bound {
    /// Binds the disk of a device. Does not touch it. The path is for messages.
    pub(crate) fn new(dev: u64, path: &[u8]) -> Result<Self> {
        let device = Device::open(dev)?;
        let disk_dev = device.disk_dev();
        let mut table = TABLE.lock();
        if let Some(entry) = table.known(disk_dev) {
            entry.users = entry.users.saturating_add(1);
            return Ok(Self(entry.disk.clone()));
        }
        while table.own_key == 0 {
            table.own_key = kapi::random();
        }
        let path = path.get(..DEVICE_LEN).unwrap_or(path);
        let disk = Disk::new(device, path, table.own_key)?;
        let entry = Entry {
            disk: disk.clone(),
            users: 1,
            stay: None,
        };
        if let Err(error) = table.disks.push(entry, GFP_KERNEL) {
            fencing::forget(disk_dev);
            return Err(error.into());
        }
        Ok(Self(disk))
    }

    /// The disk.
    pub(crate) fn disk(&self) -> &Disk {
        &self.0
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        let mut table = TABLE.lock();
        let place = table
            .disks
            .iter()
            .position(|entry| Arc::ptr_eq(&entry.disk, &self.0));
        let Some(place) = place else {
            // Another disk has its number now.
            return;
        };
        let is_in_use = self.0.is_in_use();
        let Some(entry) = table.disks.get_mut(place) else {
            return;
        };
        entry.users = entry.users.saturating_sub(1);
        if is_in_use {
            if entry.stay.is_none() {
                entry.stay = Stay::new();
            }
            return;
        }
        entry.stay = None;
        if entry.users == 0 {
            fencing::forget(self.0.dev());
            let gone = table.disks.remove(place);
            drop(table);
            // Waits for a command that is on its way.
            drop(gone);
        }
    }
}
