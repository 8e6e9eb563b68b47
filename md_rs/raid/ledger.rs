// SPDX-License-Identifier: GPL-2.0
//! What is remembered of a RAID5 metadevice whatever its shape: its checks, and how fast it is made
//! and whether that is to go on. All but a pause is in its record.

use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            ordering::Relaxed,
            Atomic, //
        },
        Arc,
        Mutex, //
    }, //
};
use md_model::{
    database::metadevice::raid::Raid,
    mirror::{
        scrub::history::History,
        throttle::Limits, //
    },
};

/// What is remembered.
pub struct Ledger {
    /// Checks that have ended. Locked for moments only, as is the pace.
    history: Pin<KBox<Mutex<History>>>,
    pace: Pin<KBox<Mutex<Limits>>>,
    is_cancelled: Atomic<u32>,
    is_paused: Atomic<u32>,
}

impl Ledger {
    /// What a record has.
    pub(crate) fn new(raid: &Raid, history: History) -> Result<Arc<Self>> {
        let ledger = Self {
            history: KBox::pin_init(new_mutex!(history, "md_raid_history"), GFP_KERNEL)?,
            pace: KBox::pin_init(new_mutex!(raid.pace, "md_raid_pace"), GFP_KERNEL)?,
            is_cancelled: Atomic::new(raid.is_cancelled.into()),
            is_paused: Atomic::new(0),
        };
        Ok(Arc::new(ledger, GFP_KERNEL)?)
    }

    /// The checks that have ended.
    pub(crate) fn history(&self) -> History {
        *self.history.lock()
    }

    /// Something else is to be remembered of them.
    pub(crate) fn change_history(&self, change: impl FnOnce(&mut History)) {
        change(&mut self.history.lock());
    }

    /// How fast it is made.
    pub(crate) fn pace(&self) -> Limits {
        *self.pace.lock()
    }

    /// Changes that.
    pub(crate) fn set_pace(&self, pace: Limits) {
        *self.pace.lock() = pace;
    }

    /// Whether the administrator has cancelled what is being made.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Relaxed) != 0
    }

    /// Writes that down.
    pub(crate) fn set_cancelled(&self, is_cancelled: bool) {
        self.is_cancelled.store(is_cancelled.into(), Relaxed);
    }

    /// Whether it pauses, until the administrator lets it go on or the set is started again.
    pub(crate) fn is_paused(&self) -> bool {
        self.is_paused.load(Relaxed) != 0
    }

    /// Writes that down.
    pub(crate) fn set_paused(&self, is_paused: bool) {
        self.is_paused.store(is_paused.into(), Relaxed);
    }

    /// Whether the administrator lets it go on.
    pub(crate) fn may_go_on(&self) -> bool {
        !self.is_cancelled() && !self.is_paused()
    }

    /// Something else is being made from now on, or nothing any more.
    pub(crate) fn begin_anew(&self) {
        self.set_cancelled(false);
        self.set_paused(false);
    }
}
