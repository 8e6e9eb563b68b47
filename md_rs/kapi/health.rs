// SPDX-License-Identifier: GPL-2.0
//! How a component's device is doing: whether it is there, and how often it failed.

use kernel::{
    bindings,
    prelude::*,
    str::CString,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    }, //
};

use super::published::Published;

/// The time, in seconds since 1970.
fn now_seconds() -> i64 {
    // SAFETY: May be called from any context.
    unsafe { bindings::ktime_get_real_seconds() }
}

/// The same, for who keeps it.
pub(crate) fn seconds_since_1970() -> u64 {
    u64::try_from(now_seconds()).unwrap_or(0)
}

/// How a device is doing, as far as we have seen.
///
/// Errors are noted where clones end, in any context, so this is atomics and no lock. Each figure
/// stands for itself: a reader may see a count without the time that goes with it.
pub(crate) struct Health {
    unit: Published<CString>,
    path: CString,
    read_errors: Atomic<u64>,
    write_errors: Atomic<u64>,
    /// Blocks that were good again when they had been rewritten.
    healed: Atomic<u32>,
    gone: Atomic<u32>,
    /// Whether it is no surprise that it goes.
    is_going: Atomic<u32>,
    event_seconds: Atomic<i64>,
}

impl Health {
    /// A device that is fine; the names of its metadevice and of itself are for messages.
    pub(super) fn new(unit: CString, path: CString) -> Result<Self> {
        Ok(Self {
            unit: Published::new(unit)?,
            path,
            read_errors: Atomic::new(0),
            write_errors: Atomic::new(0),
            healed: Atomic::new(0),
            gone: Atomic::new(0),
            is_going: Atomic::new(0),
            event_seconds: Atomic::new(0),
        })
    }

    /// From now on the device is a component of another metadevice.
    pub(crate) fn adopt(&self, unit: CString) -> Result {
        self.unit.replace(unit)
    }

    /// A read has failed.
    pub(super) fn note_read_error(&self) {
        self.note("read", &self.read_errors);
    }

    /// A write, flush or the like has failed.
    pub(super) fn note_write_error(&self) {
        self.note("write", &self.write_errors);
    }

    /// A block could not be read, and is good again since it was rewritten.
    pub(crate) fn note_healed(&self) {
        let count = self.healed.fetch_add(1, Relaxed).wrapping_add(1);
        self.note_time();
        if count.is_power_of_two() {
            let (unit, path) = (self.unit(), self.path());
            pr_info!(
                "{unit}: a bad block on {path} was rewritten from another side, and is good \
                      again ({count} so far)\n"
            );
        }
    }

    /// Blocks that were good again when they had been rewritten.
    pub(crate) fn healed(&self) -> u32 {
        self.healed.load(Relaxed)
    }

    /// Counts an error. The 1st, 2nd, 4th, 8th, ... are reported: a dying disk has thousands.
    fn note(&self, what: &str, count: &Atomic<u64>) {
        let count = count.fetch_add(1, Relaxed).wrapping_add(1);
        self.note_time();
        if count.is_power_of_two() {
            let (unit, path) = (self.unit(), self.path());
            pr_warn!("{unit}: {what} error on {path} ({count} so far)\n");
        }
    }

    /// The device was removed from the machine.
    pub(super) fn note_gone(&self) {
        if self.is_going.load(Relaxed) != 0 {
            return;
        }
        self.gone.store(1, Relaxed);
        self.note_time();
        let (unit, path) = (self.unit(), self.path());
        pr_err!("{unit}: component {path} is gone: what lies there fails until it is back\n");
    }

    /// The device is a disk of ours that is about to go, and to come back as another one.
    pub(crate) fn expect_gone(&self) {
        self.is_going.store(1, Relaxed);
    }

    /// The device was not found.
    pub(super) fn note_missing(&self) {
        self.gone.store(1, Relaxed);
        self.note_time();
    }

    /// Something about the device has changed now.
    pub(crate) fn note_time(&self) {
        self.event_seconds.store(now_seconds(), Relaxed);
    }

    /// The metadevice that the device is a component of.
    pub(crate) fn unit(&self) -> &CStr {
        self.unit.get()
    }

    /// What the administrator calls it.
    pub(crate) fn path(&self) -> &CStr {
        &self.path
    }

    /// Reads that failed.
    pub(crate) fn read_errors(&self) -> u64 {
        self.read_errors.load(Relaxed)
    }

    /// Writes, flushes and the like that failed.
    pub(crate) fn write_errors(&self) -> u64 {
        self.write_errors.load(Relaxed)
    }

    /// Whether the device was removed from the machine.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Relaxed) != 0
    }

    /// When any of this last changed, in seconds since 1970; 0 if it never did.
    pub(crate) fn event_seconds(&self) -> u64 {
        u64::try_from(self.event_seconds.load(Relaxed)).unwrap_or(0)
    }
}
