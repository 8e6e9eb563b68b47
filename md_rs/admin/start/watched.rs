// SPDX-License-Identifier: GPL-2.0
//! Failfast when a set is started: what was chosen for its disks is done again.

use kernel::prelude::*;
use md_model::database::{
    claimants::Found,
    watched::{
        Record,
        Watched,
        RECORD, //
    }, //
};

use super::Maker;
use crate::{
    abi::{
        Refusal,
        DEVICE_LEN, //
    },
    database::{
        path_field,
        Database, //
    },
    kapi::bdev::BlockDevice,
    multihost,
    unit_table::UnitTable,
    Refused, //
};

/// A device, by its number and path.
type Place = (u64, [u8; DEVICE_LEN]);

impl Maker<'_> {
    /// Has the disks watched for which that was chosen. Touches none of them. One that cannot be
    /// watched is told of, and used all the same.
    pub(super) fn watch_disks(&self, units: &UnitTable) -> Result<(), Refused> {
        let database = units.database();
        let mut devices = KVVec::new();
        database.for_records(|number, bytes| {
            if number != RECORD {
                return Ok(());
            }
            let record = Record::decode(bytes?).map_err(|damage| {
                pr_err!("record {number}: what failfast does is damaged: {damage:?}\n");
                Refused::new(EIO, Refusal::DatabaseDamaged)
            })?;
            for watched in record.devices() {
                devices.push(watched, GFP_KERNEL)?;
            }
            Ok(())
        })?;
        for watched in &devices {
            let Some((dev, path)) = self.place_of(database, watched) else {
                // Whatever it is part of tells of it.
                continue;
            };
            if let Err(refused) = multihost::watch(dev, &path, watched.choice) {
                let path = CStr::from_bytes_until_nul(&path).unwrap_or(c"a disk");
                pr_err!(
                    "failfast: {path}: is not watched, as the state database has it: {refused:?}; \
                     'mdctl mhd failfast {path} {}' tries again\n",
                    watched.choice.period_ms
                );
            }
        }
        database.load_watched(devices)
    }

    /// Where a device is that was recorded.
    fn place_of(&self, database: &Database, watched: &Watched) -> Option<Place> {
        let place = |device: &BlockDevice| (device.user_dev(), path_field(device.health().path()));
        let Watched { identity, .. } = watched;
        match self.devices.candidate(self.loaded.set, identity) {
            Found::Device(index) => {
                let candidate = self.devices.candidates.get(index)?;
                Some(place(&candidate.device))
            }
            Found::Ambiguous(..) => None,
            Found::Nobody if identity.uuid.is_nil() => {
                let found = self.devices.bystander(identity)?;
                Some((found.dev, found.device))
            }
            Found::Nobody => {
                let device = database.device_of_replica(identity.uuid)?;
                Some(place(&device))
            }
        }
    }
}
