// SPDX-License-Identifier: GPL-2.0
//! The hardware of a running guest, to which things can be done from outside: disks are pulled and
//! put back, and the power can be cut.

use std::sync::{
    Arc,
    Mutex,
    PoisonError, //
};

use anyhow::{
    Context,
    Result, //
};

use crate::{
    nbd::{
        Disk,
        PowerLoss, //
    },
    options::VmOptions,
    qemu,
    qmp::Qmp,
    seed, //
};

/// A running machine.
pub(crate) struct Machine {
    options: VmOptions,
    disks: Vec<Arc<Disk>>,
    monitor: Mutex<Qmp>,
    seed: u64,
}

impl Machine {
    /// Takes charge of a QEMU that has just been started.
    pub(crate) fn new(options: VmOptions, disks: Vec<Arc<Disk>>, monitor: Qmp, seed: u64) -> Self {
        Self {
            options,
            disks,
            monitor: Mutex::new(monitor),
            seed,
        }
    }

    /// Pulls a disk. It loses its power, and so a part of its volatile cache.
    pub(crate) fn unplug(&self, name: &str) -> Result<PowerLoss> {
        let (_, disk) = self.disk(name)?;
        self.monitor()
            .remove_device(name)
            .with_context(|| format!("cannot unplug {name}"))?;
        disk.switch_off();
        Ok(disk.lose_cache(seed::derive(self.seed, name))?)
    }

    /// Puts a disk back in its old place.
    pub(crate) fn plug(&self, name: &str) -> Result<()> {
        let (number, disk) = self.disk(name)?;
        disk.switch_on();
        let device = qemu::disk_device(&self.options, number);
        self.monitor().execute("device_add", device)?;
        Ok(())
    }

    /// All disks stop at once, as when the plug is pulled.
    pub(crate) fn switch_off(&self) {
        for disk in &self.disks {
            disk.switch_off();
        }
    }

    /// After `switch_off`, and when QEMU is gone: each disk loses a part of its cache.
    pub(crate) fn lose_caches(&self) -> Result<Vec<PowerLoss>> {
        let lose = |disk: &Arc<Disk>| Ok(disk.lose_cache(seed::derive(self.seed, &disk.name))?);
        self.disks.iter().map(lose).collect()
    }

    fn disk(&self, name: &str) -> Result<(usize, &Arc<Disk>)> {
        let found = self
            .disks
            .iter()
            .enumerate()
            .find(|(_, disk)| disk.name == name);
        found.with_context(|| format!("there is no disk '{name}': the disks are disk0, disk1, ..."))
    }

    fn monitor(&self) -> std::sync::MutexGuard<'_, Qmp> {
        self.monitor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
