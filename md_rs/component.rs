// SPDX-License-Identifier: GPL-2.0
//! A component: a device that is open and claimed, or a metadevice, and what we know of it.

use kernel::{
    prelude::*,
    sync::Arc, //
};
use md_model::{
    database::claimants::Identity,
    mirror::component::State, //
};

use crate::{
    abi::{
        ComponentState,
        DEVICE_LEN, //
    },
    body::Child,
    condition::Condition,
    fencing,
    kapi::bdev::BlockDevice,
    spare::{
        Original,
        Spare,
        Spared, //
    }, //
};

/// A component of a stripe, or a submirror of a mirror.
pub(crate) struct Component {
    // Dropped before the device: with the claim given up, it may get another parent.
    /// The metadevice that it is, if it is one.
    pub(crate) child: Option<Child>,
    /// The device. That of a metadevice is claimed, so that nobody else can, but not written to.
    /// There may be a replica of the state database on it as well.
    pub(crate) device: Arc<BlockDevice>,
    /// By what it is known.
    pub(crate) identity: Identity,
    /// Whether it is in service.
    pub(crate) condition: Condition,
    /// What it has to do with a hot spare.
    pub(crate) spared: Option<Spared>,
    /// Its number as user space knows it.
    pub(crate) dev: u64,
    /// Its path, padded with zeros, as the administrator knows it; if it is a hot spare, that of
    /// the component that it stands for.
    pub(crate) path: [u8; DEVICE_LEN],
}

impl Component {
    /// How it is: out of service, or `Unavailable` if its device is gone, or as bad as what it is
    /// made of.
    pub(crate) fn state(&self) -> ComponentState {
        match self.condition.state() {
            State::Erred => return ComponentState::Maintenance,
            State::LastErred => return ComponentState::LastErred,
            State::Resyncing => return ComponentState::Resyncing,
            State::Okay => {}
        }
        match &self.child {
            _ if self.is_gone() => ComponentState::Unavailable,
            Some(child) => child.body().shape().state(),
            None => ComponentState::Okay,
        }
    }

    /// Calls `each` for what is a device of those below it, or for itself. The recursion is as deep
    /// as metadevices are nested.
    pub(crate) fn each_leaf(&self, each: &mut dyn FnMut(&Component)) {
        match &self.child {
            None => each(self),
            Some(child) => {
                for below in child.body().shape().components() {
                    below.each_leaf(each);
                }
            }
        }
    }

    /// How good a source of data it is: the highest is read; `None` must not be. What is gone comes
    /// last: what nobody else has is asked for there, and fails.
    pub(crate) fn rank(&self) -> Option<(bool, u64)> {
        let rank = self.condition.rank();
        (rank != 0).then_some((!self.is_gone(), rank))
    }

    /// Makes durable what was written to it: flushes every leaf, also if one of them fails.
    pub(crate) fn flush(&self) -> Result {
        let mut done = Ok(());
        self.each_leaf(&mut |leaf| done = done.and(leaf.device.flush()));
        done
    }

    /// The hot spare that it is, and which component that stands for.
    pub(crate) fn stand_in(&self) -> Option<(Original, &Arc<Spare>)> {
        match &self.spared {
            Some(Spared::StandsFor(original, spare)) => Some((*original, spare)),
            _ => None,
        }
    }

    /// The hot spare that it is, or has taken the place of and not given back yet.
    pub(crate) fn spare(&self) -> Option<&Arc<Spare>> {
        self.spared.as_ref().and_then(Spared::spare)
    }

    /// A write has failed. Nobody's fault if the disk is another host's now.
    pub(crate) fn note_write_failed(&self) {
        if !fencing::is_lost(&self.device) {
            self.condition.note_write_failed();
        }
    }

    /// The same, of a read.
    pub(crate) fn note_read_failed(&self) {
        if !fencing::is_lost(&self.device) {
            self.condition.note_read_failed();
        }
    }

    /// Whether its device was removed from the machine.
    pub(crate) fn is_gone(&self) -> bool {
        self.device.health().is_gone()
    }
}
