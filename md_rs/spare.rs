// SPDX-License-Identifier: GPL-2.0
//! Hot spares and their pools, and what a component has to do with them (`svm.md` section 7). The
//! rules are `md_model::spare`'s.
//!
//! Spares are open and claimed from when they are added, or the set is started, so that a takeover
//! looks nothing up (`DURABILITY.md` clause 22). A pool does not change: who changes one puts
//! another one in its place. All of it changes only under the lock of the unit table; who records
//! it may look at any time.

use kernel::{
    prelude::*,
    sync::{
        atomic::{
            ordering::{
                Full,
                Relaxed, //
            },
            Atomic, //
        },
        Arc, //
    }, //
};
use md_model::{
    database::{
        claimants::Identity,
        metadevice::{
            Spared as StoredSpared,
            SparedRole, //
        },
        pool::Spare as StoredSpare, //
    },
    spare::{
        choose::{
            Offer,
            START_SECTOR, //
        },
        state::{
            step,
            Event,
            State, //
        }, //
    }, //
};

use crate::{
    abi::DEVICE_LEN,
    kapi::bdev::BlockDevice, //
};

/// A hot spare. Several pools may have it.
pub(crate) struct Spare {
    /// The device. Whoever has the spare as a component shares it.
    pub(crate) device: Arc<BlockDevice>,
    /// By what it is known; it has a label.
    pub(crate) identity: Identity,
    /// Its number as user space knows it.
    pub(crate) dev: u64,
    /// Its path, padded with zeros.
    pub(crate) path: [u8; DEVICE_LEN],
    state: Atomic<u32>,
    changed_at: Atomic<u64>,
}

impl Spare {
    /// A spare that is available.
    pub(crate) fn new(
        device: Arc<BlockDevice>,
        identity: Identity,
        path: [u8; DEVICE_LEN],
    ) -> Self {
        Self {
            dev: device.user_dev(),
            device,
            identity,
            path,
            state: Atomic::new(encode(State::Available)),
            changed_at: Atomic::new(0),
        }
    }

    /// Takes over what is recorded of it.
    pub(crate) fn load(&self, stored: &StoredSpare) {
        self.changed_at.store(stored.changed_at, Relaxed);
        if stored.is_broken {
            self.state.store(encode(State::Broken), Relaxed);
        }
    }

    /// The state.
    pub(crate) fn state(&self) -> State {
        decode(self.state.load(Relaxed))
    }

    /// Something happens to it. Whether that can be; if not, nothing is changed.
    pub(crate) fn step(&self, event: Event) -> bool {
        let Some(state) = step(self.state(), event) else {
            return false;
        };
        if matches!(event, Event::Failed | Event::Enabled) {
            self.device.health().note_time();
            let now = self.device.health().event_seconds();
            self.changed_at.store(now, Relaxed);
        }
        let _ = self.state.xchg(encode(state), Full);
        true
    }

    /// When it broke or was enabled, in seconds since 1970; 0 for never.
    pub(crate) fn changed_at(&self) -> u64 {
        self.changed_at.load(Relaxed)
    }

    /// What it is to a component that looks for one.
    pub(crate) fn offer(&self) -> Offer {
        Offer {
            state: self.state(),
            is_there: !self.device.health().is_gone(),
            capacity_sectors: self.device.sectors(),
            block_bytes: self.device.logical_block_bytes(),
        }
    }

    /// As it is recorded.
    pub(crate) fn stored(&self) -> StoredSpare {
        StoredSpare {
            uuid: self.identity.uuid,
            partition: self.identity.partition,
            wwn: self.identity.wwn,
            changed_at: self.changed_at(),
            is_broken: self.state() == State::Broken,
        }
    }

    /// Whether it is the one with a number or, if its device is not the one that it was, a path.
    pub(crate) fn is_called(&self, dev: u64, path: &[u8; DEVICE_LEN]) -> bool {
        dev != 0 && self.dev == dev || self.path == *path
    }
}

/// A hot spare pool.
pub(crate) struct Pool {
    /// Its number: 1 for hsp001.
    pub(crate) number: u32,
    /// Its spares, in the order in which they are tried.
    pub(crate) spares: KVec<Arc<Spare>>,
}

impl Pool {
    /// Whether a spare is in it.
    pub(crate) fn has(&self, spare: &Arc<Spare>) -> bool {
        self.spares.iter().any(|own| Arc::ptr_eq(own, spare))
    }

    /// The largest logical block of its spares, in bytes.
    pub(crate) fn block_bytes(&self) -> u32 {
        let blocks = self.spares.iter();
        let blocks = blocks.map(|spare| spare.device.logical_block_bytes());
        blocks.max().unwrap_or(0)
    }
}

/// A component that a hot spare stands for.
#[derive(Clone, Copy)]
pub(crate) struct Original {
    /// By what it is known.
    pub(crate) identity: Identity,
    /// First sector of the data on it.
    pub(crate) start_sector: u64,
}

/// What a component has to do with a hot spare.
pub(crate) enum Spared {
    /// It is the spare, and stands for this one, whose path it has.
    StandsFor(Original, Arc<Spare>),
    /// It has taken the place of the spare, which goes back when it has everything.
    Returns(Arc<Spare>, Atomic<u32>),
}

impl Spared {
    /// The spare goes back.
    pub(crate) fn returns(spare: Arc<Spare>) -> Self {
        Self::Returns(spare, Atomic::new(0))
    }

    /// The spare, unless it has gone back.
    pub(crate) fn spare(&self) -> Option<&Arc<Spare>> {
        match self {
            Self::StandsFor(_, spare) => Some(spare),
            Self::Returns(spare, is_over) => (is_over.load(Relaxed) == 0).then_some(spare),
        }
    }

    /// It has gone back, or has not after all.
    pub(crate) fn set_over(&self, over: bool) {
        if let Self::Returns(_, is_over) = self {
            let _ = is_over.xchg(over.into(), Full);
        }
    }

    /// As it is recorded of the component with an index, if there is anything to record.
    pub(crate) fn stored(&self, component: u32) -> Option<StoredSpared> {
        let spare = self.spare()?;
        let (role, identity, start_sector) = match self {
            Self::StandsFor(original, _) => (
                SparedRole::StandsFor,
                original.identity,
                original.start_sector,
            ),
            Self::Returns(..) => (SparedRole::Returns, spare.identity, START_SECTOR),
        };
        Some(StoredSpared {
            component,
            role,
            uuid: identity.uuid,
            partition: identity.partition,
            wwn: identity.wwn,
            start_sector,
        })
    }
}

fn encode(state: State) -> u32 {
    match state {
        State::Available => 1,
        State::InUse => 2,
        State::Broken => 3,
    }
}

fn decode(number: u32) -> State {
    match number {
        1 => State::Available,
        2 => State::InUse,
        _ => State::Broken,
    }
}
