// SPDX-License-Identifier: GPL-2.0
//! What failfast knows of each disk, and what is done when access to one is lost.
//!
//! It is here and not in the multihost module, since most losses are found where a read or write
//! comes back that the disk has refused: in an interrupt, and at once. The rules are
//! [`md_model::failfast`]'s; `md_failfast` asks the disks and tells what they say.
//!
//! A fenced disk gets nothing any more: [`crate::kapi::clone`] and [`crate::kapi::bdev`] refuse to
//! send, and [`crate::engine`] refuses all requests to metadevices that stand on it. No component
//! is taken out of service for that, and none for a conflict on a disk that is watched: the disk is
//! fine, this host is not.

use kernel::prelude::*;
use md_model::failfast::{
    watch::{
        Cause,
        Watch, //
    },
    Action, //
};

use crate::{
    abi::DEVICE_LEN,
    body::Body,
    kapi::{
        alarm,
        bdev::BlockDevice,
        global::DISKS,
        machine_end,
        uevent::announce, //
    },
    refused::text,
    Refused, //
};

/// Most disks that are known at the same time.
pub const DISKS_MAX: usize = 128;

/// A disk that failfast knows.
struct Disk {
    /// Its number, as user space knows it.
    dev: u64,
    path: [u8; DEVICE_LEN],
    watch: Watch,
    action: Action,
    is_fenced: bool,
    /// Whether it is still to be told that it was fenced.
    is_untold: bool,
}

/// All of them.
pub(crate) struct Disks([Option<Disk>; DISKS_MAX]);

impl Disks {
    /// None.
    pub(crate) const NONE: Self = Self([const { None }; DISKS_MAX]);

    fn find(&mut self, dev: u64) -> Option<&mut Disk> {
        self.0.iter_mut().flatten().find(|disk| disk.dev == dev)
    }

    fn count_fenced(&self) {
        let fenced = self.0.iter().flatten().filter(|disk| disk.is_fenced);
        alarm::set(u32::try_from(fenced.count()).unwrap_or(u32::MAX));
    }
}

/// How a disk is, for who asks.
#[derive(Clone)]
pub struct State {
    /// What is known of access to it.
    pub watch: Watch,
    /// What is done when that is lost.
    pub action: Action,
    /// Whether it is fenced.
    pub is_fenced: bool,
}

/// A disk is to be known from now on. Does nothing if it is. `ENOSPC`: there are [`DISKS_MAX`].
pub fn add(dev: u64, path: &[u8], action: Action, watch: Watch) -> Result {
    DISKS.with(|disks| {
        if disks.find(dev).is_some() {
            return Ok(());
        }
        let free = disks.0.iter_mut().find(|disk| disk.is_none());
        let mut name = [0; DEVICE_LEN];
        let room = DEVICE_LEN.saturating_sub(1);
        for (to, from) in name.iter_mut().take(room).zip(path) {
            *to = *from;
        }
        *free.ok_or(ENOSPC)? = Some(Disk {
            dev,
            path: name,
            watch,
            action,
            is_fenced: false,
            is_untold: false,
        });
        Ok(())
    })
}

/// A disk is not to be known any more.
pub fn forget(dev: u64) {
    DISKS.with(|disks| {
        for disk in &mut disks.0 {
            if disk.as_ref().is_some_and(|disk| disk.dev == dev) {
                *disk = None;
            }
        }
        disks.count_fenced();
    });
}

/// Changes what is known of access to a disk. `None` if it is not known. In any context.
pub fn with<R>(dev: u64, change: impl FnOnce(&mut Watch) -> R) -> Option<R> {
    DISKS.with(|disks| disks.find(dev).map(|disk| change(&mut disk.watch)))
}

/// How a disk is. `None` if it is not known.
pub fn state(dev: u64) -> Option<State> {
    DISKS.with(|disks| {
        let disk = disks.find(dev)?;
        Some(State {
            watch: disk.watch.clone(),
            action: disk.action,
            is_fenced: disk.is_fenced,
        })
    })
}

/// What is to be done when access to a disk is lost.
pub fn set_action(dev: u64, action: Action) {
    DISKS.with(|disks| {
        if let Some(disk) = disks.find(dev) {
            disk.action = action;
        }
    });
}

/// A disk is ours again, or nobody cares any more: it gets what is sent to it.
pub fn lift(dev: u64) {
    let was_fenced = DISKS.with(|disks| {
        let was = disks
            .find(dev)
            .is_some_and(|disk| core::mem::take(&mut disk.is_fenced));
        disks.count_fenced();
        was
    });
    if was_fenced {
        tell_of(dev, c"unfenced");
    }
}

/// Access to a disk is lost, and it is time to act. In any context.
pub fn act(dev: u64, cause: Cause) {
    let Some((action, path)) = DISKS.with(|disks| {
        let disk = disks.find(dev)?;
        if disk.action == Action::Fence {
            disk.is_fenced = true;
            disk.is_untold = true;
        }
        let found = (disk.action, disk.path);
        disks.count_fenced();
        Some(found)
    }) else {
        return;
    };
    let path = CStr::from_bytes_until_nul(&path).unwrap_or(c"a disk");
    let how = match cause {
        Cause::Probe => c"found by a probe",
        Cause::Io => c"found by a read or write that was refused",
    };
    match action {
        Action::Panic => machine_end::panic(path, how),
        Action::Restart => {
            pr_emerg!("failfast: {path}: reservation lost ({how}): the machine is restarted\n");
            machine_end::restart();
        }
        Action::Fence => pr_err!(
            "failfast: {path}: reservation lost ({how}): it is fenced, and metadevices on it fail; \
             'mdctl mhd take {path}' takes it back, 'mdctl mhd status {path}' shows how it is\n"
        ),
        Action::Log => pr_err!(
            "failfast: {path}: reservation lost ({how}); nothing else is done, as 'mdctl mhd \
             action' says\n"
        ),
    }
}

/// Tells user space of disks that were fenced. In task context.
pub fn tell_fenced(dev: u64) {
    let is_untold = DISKS.with(|disks| {
        disks
            .find(dev)
            .is_some_and(|disk| core::mem::take(&mut disk.is_untold))
    });
    if is_untold {
        tell_of(dev, c"fenced");
    }
}

/// Whether it is still to be told that a disk was fenced. In any context.
pub fn is_untold(dev: u64) -> bool {
    DISKS.with(|disks| disks.find(dev).is_some_and(|disk| disk.is_untold))
}

/// A uevent of the module about a disk.
fn tell_of(dev: u64, event: &CStr) {
    let path = DISKS.with(|disks| disks.find(dev).map(|disk| disk.path));
    let send = || -> Result<(), Refused> {
        let path = path.unwrap_or([0; DEVICE_LEN]);
        let path = CStr::from_bytes_until_nul(&path).unwrap_or(c"");
        let mut variables = KVec::new();
        variables.push(text(fmt!("MD_EVENT={event}"))?, GFP_KERNEL)?;
        variables.push(text(fmt!("MD_DEVICE={path}"))?, GFP_KERNEL)?;
        // Nobody listens: that is no failure.
        let _ = announce(None, &variables);
        Ok(())
    };
    if send().is_err() {
        pr_warn!("no memory for a uevent about a fenced disk\n");
    }
}

/// A device has refused a read or write with a reservation conflict. Whether that is no fault of
/// the device: its disk is watched. In any context.
#[cold]
pub(crate) fn refused(device: &BlockDevice) -> bool {
    let dev = device.disk_dev();
    let found = DISKS.with(|disks| {
        let watch = &mut disks.find(dev)?.watch;
        let is_watched = watch.period_ms() > 0;
        Some((is_watched, watch.refused()))
    });
    match found {
        Some((is_watched, acts)) => {
            if acts {
                act(dev, Cause::Io);
            }
            is_watched
        }
        None => false,
    }
}

/// Whether access to the disk of a device was lost, so that what fails there says nothing about it.
/// In any context.
#[cold]
pub(crate) fn is_lost(device: &BlockDevice) -> bool {
    let dev = device.disk_dev();
    DISKS.with(|disks| {
        disks
            .find(dev)
            .is_some_and(|disk| disk.is_fenced || disk.watch.lost().is_some())
    })
}

/// Whether nothing may be sent to a device, since its disk is fenced. In any context.
#[inline]
pub(crate) fn is_fenced(device: &BlockDevice) -> bool {
    alarm::is_raised() && is_among_fenced(device)
}

#[cold]
fn is_among_fenced(device: &BlockDevice) -> bool {
    let dev = device.disk_dev();
    DISKS.with(|disks| disks.find(dev).is_some_and(|disk| disk.is_fenced))
}

/// Whether a metadevice stands on a disk that is fenced.
#[inline]
pub(crate) fn is_below(body: &Body) -> bool {
    alarm::is_raised() && is_among_leaves(body)
}

/// The recursion is as deep as metadevices stand on each other, which has a limit.
#[cold]
fn is_among_leaves(body: &Body) -> bool {
    let components = body.shape().components();
    components.iter().any(|component| match &component.child {
        Some(child) => is_among_leaves(child.body()),
        None => is_among_fenced(&component.device),
    })
}
