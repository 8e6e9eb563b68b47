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

mod teller;

use kernel::prelude::*;
use md_model::failfast::{
    watch::{
        Cause,
        Watch, //
    },
    Action, //
};

pub(crate) use self::teller::Telling;
use self::teller::{
    tell_now,
    News,
    TellerWorker,
    Untold, //
};
use crate::{
    abi::DEVICE_LEN,
    body::Body,
    kapi::{
        alarm,
        bdev::BlockDevice,
        global::DISKS,
        machine_end, //
    }, //
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
    /// Whether its loss was told of.
    is_lost: bool,
    untold: Untold,
}

/// All of them.
pub(crate) struct Disks {
    disks: [Option<Disk>; DISKS_MAX],
    teller: Option<TellerWorker>,
}

impl Disks {
    /// None.
    pub(crate) const NONE: Self = Self {
        disks: [const { None }; DISKS_MAX],
        teller: None,
    };

    fn find(&mut self, dev: u64) -> Option<&mut Disk> {
        self.disks.iter_mut().flatten().find(|disk| disk.dev == dev)
    }

    fn count_fenced(&self) {
        let fenced = self.disks.iter().flatten().filter(|disk| disk.is_fenced);
        alarm::set(u32::try_from(fenced.count()).unwrap_or(u32::MAX));
    }

    /// Has somebody tell.
    fn wake_teller(&self) {
        if let Some(teller) = &self.teller {
            teller.kick();
        }
    }

    /// What is to be told next, and of which path.
    fn take_news(&mut self) -> Option<([u8; DEVICE_LEN], News)> {
        let mut disks = self.disks.iter_mut().flatten();
        disks.find_map(|disk| Some((disk.path, disk.untold.take()?)))
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
        let free = disks.disks.iter_mut().find(|disk| disk.is_none());
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
            is_lost: false,
            untold: Untold::default(),
        });
        Ok(())
    })
}

/// A disk is not to be known any more. In task context.
pub fn forget(dev: u64) {
    tell_now();
    DISKS.with(|disks| {
        for disk in &mut disks.disks {
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

/// A disk is ours again, or nobody cares any more: it gets what is sent to it. In task context.
pub fn lift(dev: u64) {
    DISKS.with(|disks| {
        if let Some(disk) = disks.find(dev).filter(|disk| disk.is_lost) {
            (disk.is_lost, disk.is_fenced) = (false, false);
            disk.untold.push(News::Back);
        }
        disks.count_fenced();
    });
    tell_now();
}

/// Access to a disk is lost, and failfast is off: it is told, and nothing else is done. In any
/// context.
pub fn note_lost(dev: u64, cause: Cause) {
    DISKS.with(|disks| {
        if let Some(disk) = disks.find(dev) {
            disk.is_lost = true;
            disk.untold.push(News::Lost(cause));
        }
        disks.wake_teller();
    });
}

/// Access to a disk is lost, and it is time to act. In any context.
pub fn act(dev: u64, cause: Cause) {
    let Some((action, path)) = DISKS.with(|disks| {
        let disk = disks.find(dev)?;
        disk.is_lost = true;
        disk.untold.push(News::Lost(cause));
        if disk.action == Action::Fence {
            disk.is_fenced = true;
            disk.untold.push(News::Fenced);
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
    // A machine that ends does not need to be told of.
    DISKS.with(|disks| disks.wake_teller());
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

/// Whether a metadevice stands on a disk that is fenced. For requests that another disk is to carry
/// that is asked when it does: before, they are not inside its gate, and it may be changed.
#[inline]
pub(crate) fn is_below(body: &Body) -> bool {
    alarm::is_raised() && is_below_here(body)
}

#[cold]
fn is_below_here(body: &Body) -> bool {
    body.shape().carrier_below().is_none() && is_among_leaves(body)
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
