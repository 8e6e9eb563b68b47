// SPDX-License-Identifier: GPL-2.0
//! A component: a device that is open and claimed, or a metadevice, and what we know of it.

use kernel::sync::Arc;
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
    kapi::bdev::BlockDevice, //
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
    /// Its number as user space knows it.
    pub(crate) dev: u64,
    /// Its path, padded with zeros, as the administrator knows it.
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

    /// Whether its device was removed from the machine.
    pub(crate) fn is_gone(&self) -> bool {
        self.device.health().is_gone()
    }
}
