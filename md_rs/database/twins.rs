// SPDX-License-Identifier: GPL-2.0
//! Devices that the set uses already under another number: another path to one of its disks, or a
//! copy of one (`DURABILITY.md` clause 18). Whoever took one for a free device would write over
//! what is in use.

use kernel::prelude::*;
use md_model::{
    database::{
        header::{
            End,
            Header, //
        },
        identity::Uuid,
        layout::{
            PAGE_SECTORS,
            REPLICA_PAGE, //
        },
        page::PAGE_BYTES, //
    }, //
};

use super::{
    label,
    Database, //
};
use crate::{
    abi::Refusal,
    kapi::bdev::{
        BlockDevice,
        Buffer, //
    },
    unit_table::UnitTable,
    Refused, //
};

impl Database {
    /// Sees that a device which somebody names is not shown twice. A device that is gone is no
    /// other path: its disk may have come back. What cannot be read says nothing. Sleeps.
    pub(crate) fn check_no_twin(
        &self,
        device: &BlockDevice,
        units: &UnitTable,
    ) -> Result<(), Refused> {
        let Some(owner) = self.owner() else {
            return Ok(());
        };
        let label = label::read(device).ok().flatten();
        let own = label.filter(|label| label.set == owner.set);
        let component = own.and_then(|label| {
            let spare = self.spare_with_uuid(label.component);
            let spare = spare.filter(|spare| !spare.device.health().is_gone());
            let part = units.with_component(|part| part.identity.uuid == label.component);
            let part = part.filter(|(_, part)| !part.is_gone());
            part.map(|(_, part)| part.dev)
                .or(spare.map(|spare| spare.dev))
        });
        let other = component.or(self.replica_of(owner.set, device));
        match other.filter(|other| *other != device.user_dev()) {
            Some(other) => Err(Refused::new(EBUSY, Refusal::ShownTwice).with([other, 0])),
            None => Ok(()),
        }
    }

    /// The device that has the replica which lies first on this one.
    fn replica_of(&self, set: Uuid, device: &BlockDevice) -> Option<u64> {
        let sector = u64::from(REPLICA_PAGE).checked_mul(PAGE_SECTORS)?;
        let mut buffer = Buffer::new(PAGE_BYTES).ok()?;
        device.read(sector, &mut buffer).ok()?;
        let header = Header::decode(End::Head, &buffer, sector).ok()?;
        let guard = self.set.lock();
        let loaded = guard.as_ref().filter(|_| header.set == set)?;
        let mut targets = loaded.replicas.iter().map(|writer| writer.target());
        let found = targets.find(|target| target.header.replica == header.replica)?;
        let is_there = !found.device.health().is_gone();
        is_there.then(|| found.device.user_dev())
    }
}
