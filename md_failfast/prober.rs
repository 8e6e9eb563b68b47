// SPDX-License-Identifier: GPL-2.0
//! What a disk is asked, and what its answers lead to. When it is asked is decided by
//! `md_model::failfast::watch`.

use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            ordering::Relaxed,
            Atomic, //
        },
        Mutex, //
    }, //
};
use md::fencing;
use md_model::failfast::{
    persist::Key,
    verdict::Verdict,
    watch::{
        Cause,
        Hold,
        Job, //
    },
    wire::{
        RESERVE,
        TEST_UNIT_READY, //
    }, //
};

use crate::{
    kapi::{
        now_ms,
        Buffer,
        Device,
        Probe, //
    },
    persistent::{
        keys,
        reservation, //
    }, //
};

/// Bytes of a buffer: room for 511 keys.
pub(crate) const BUFFER_BYTES: usize = 4096;

/// A disk, as its prober knows it.
#[pin_data]
pub(crate) struct Asked {
    pub(crate) device: Device,
    pub(crate) dev: u64,
    /// The key that has to be registered, while one is held.
    pub(crate) key: Atomic<u64>,
    /// The job of the next run.
    reserves: Atomic<u32>,
    /// Resets that were noticed.
    resets: Atomic<u32>,
    /// Made beforehand, so that a probe needs no memory.
    #[pin]
    buffer: Mutex<Buffer>,
}

impl Asked {
    /// A disk that nobody asks yet.
    pub(crate) fn new(device: Device, dev: u64) -> impl PinInit<Self, Error> {
        let resets = device.resets();
        try_pin_init!(Self {
            device,
            dev,
            key: Atomic::new(0),
            reserves: Atomic::new(0),
            resets: Atomic::new(resets),
            buffer <- new_mutex!(Buffer::new(BUFFER_BYTES)?, "md_failfast_buffer"),
        }? Error)
    }

    /// Asks whether we have access, for what is held.
    pub(crate) fn ask(&self, hold: Hold, buffer: &mut Buffer, is_probe: bool) -> Verdict {
        match hold {
            Hold::Key => self.ask_for_key(buffer),
            _ if self.device.is_scsi() => self.device.send(&TEST_UNIT_READY, buffer, 0, is_probe),
            _ => self.ask_for_reservation(buffer),
        }
    }

    /// Whether our key is registered. After a preemption everything else is answered as if nothing
    /// had happened, until the first write (`multihost.md` 1.3).
    fn ask_for_key(&self, buffer: &mut Buffer) -> Verdict {
        let wanted = self.key.load(Relaxed);
        match keys(&self.device, buffer) {
            Err(verdict) => verdict,
            Ok(found) if found.keys().any(|key| key == wanted) => Verdict::Good,
            // There are more than there was room for.
            Ok(found) if found.keys().count() < found.count as usize => Verdict::Unknown,
            Ok(_) => Verdict::Conflict,
        }
    }

    /// Whether somebody has reserved a disk that is not asked by SCSI's commands.
    fn ask_for_reservation(&self, buffer: &mut Buffer) -> Verdict {
        let ours = self.key.load(Relaxed);
        match reservation(&self.device, buffer) {
            Err(verdict) => verdict,
            Ok((_, None)) => Verdict::Good,
            Ok((_, Some(held))) if ours != 0 && held.key == ours => Verdict::Good,
            Ok((_, Some(_))) => Verdict::Conflict,
        }
    }

    /// Resets until now are of no account: what is held is held after them.
    pub(crate) fn forget_resets(&self) {
        self.resets.store(self.device.resets(), Relaxed);
    }

    /// Notes resets that somebody has been told of, be it by an ordinary read or write.
    fn note_resets(&self) {
        let resets = self.device.resets();
        if self.resets.xchg(resets, Relaxed) != resets {
            fencing::with(self.dev, |watch| watch.reset(now_ms()));
        }
    }

    /// What an answer of the disk leads to. Whether the command is to be sent once more.
    fn react(&self, verdict: Verdict) -> bool {
        let dev = self.dev;
        let Some(reaction) = fencing::with(dev, |watch| watch.answered(now_ms(), verdict)) else {
            return false;
        };
        let (major, minor) = numbers(dev);
        if reaction.acts {
            fencing::act(dev, Cause::Probe);
        }
        if reaction.is_lost {
            fencing::note_lost(dev, Cause::Probe);
            pr_err!("failfast: {major}:{minor}: reservation lost, and failfast is off\n");
        }
        if reaction.is_back {
            pr_info!("failfast: {major}:{minor}: the disk answers again\n");
        }
        if reaction.is_gone {
            pr_warn!("failfast: {major}:{minor}: the disk is gone, and is not asked any more\n");
        }
        if reaction.is_reinstated {
            pr_info!("failfast: {major}:{minor}: the reservation is back after a reset\n");
        }
        reaction.again
    }
}

/// A device number, as it is written.
fn numbers(dev: u64) -> (u64, u64) {
    (dev >> 8 & 0xfff, dev & 0xff | dev >> 12 & 0xf_ff00)
}

impl Probe for Asked {
    fn tick(&self) -> bool {
        let now = now_ms();
        let Some(tick) = fencing::with(self.dev, |watch| watch.tick(now)) else {
            return false;
        };
        if tick.has_stalled {
            let (major, minor) = numbers(self.dev);
            pr_warn!(
                "failfast: {major}:{minor}: no answer to a probe for long: nothing is done, since \
                 that does not say whose the disk is\n"
            );
        }
        if let Some(job) = tick.job {
            self.reserves.store((job == Job::Reserve).into(), Relaxed);
        }
        tick.job.is_some()
    }

    fn run(&self) {
        let Some(state) = fencing::state(self.dev).filter(|state| state.watch.is_asking()) else {
            return;
        };
        let mut buffer = self.buffer.lock();
        loop {
            let verdict = if self.reserves.load(Relaxed) != 0 {
                self.device.send(&RESERVE, &mut buffer, 0, true)
            } else {
                self.ask(state.watch.hold(), &mut buffer, true)
            };
            self.note_resets();
            if !self.react(verdict) {
                break;
            }
        }
    }
}

/// The key that a hold is about.
pub(crate) fn set_key(asked: &Asked, key: Key) {
    asked.key.store(key, Relaxed);
}
