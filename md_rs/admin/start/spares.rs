// SPDX-License-Identifier: GPL-2.0
//! Hot spares when a set is started: the pools are made from their records, and what components
//! have to do with spares is found again.

use kernel::{
    prelude::*,
    sync::Arc, //
};
use md_model::{
    database::{
        claimants::{
            Found,
            Identity, //
        },
        metadevice::{
            Spared as StoredSpared,
            SparedRole, //
        },
        pool::{
            pool_of,
            Pool as PoolRecord,
            Spare as StoredSpare, //
        }, //
    },
    spare::state::Event, //
};

use super::{
    absent,
    called,
    Maker,
    NotMade, //
};
use crate::{
    abi::{
        Refusal,
        DEVICE_LEN, //
    },
    admin::pools::pool_name,
    database::{
        path_field,
        spare_identity, //
    },
    refused::text,
    spare::{
        Original,
        Pool,
        Spare,
        Spared, //
    },
    unit_table::UnitTable,
    Refused, //
};

impl Maker<'_> {
    /// Makes the hot spare pools, before the metadevices that have some of their spares.
    pub(super) fn make_pools(&self, units: &UnitTable) -> Result<(), Refused> {
        let database = units.database().clone();
        database.for_records(|number, bytes| {
            if pool_of(number).is_none() {
                return Ok(());
            }
            let record = PoolRecord::decode(bytes?).map_err(|damage| {
                pr_err!("record {number}: a hot spare pool is damaged: {damage:?}\n");
                Refused::new(EIO, Refusal::DatabaseDamaged)
            })?;
            let mut spares = KVec::new();
            for stored in record.spares() {
                let known = database.spare_with_uuid(stored.uuid);
                let spare = match known {
                    Some(spare) => spare,
                    None => Arc::new(self.spare(record.number, &stored)?, GFP_KERNEL)?,
                };
                spares.push(spare, GFP_KERNEL)?;
            }
            let number = record.number;
            let pool = Arc::new(Pool { number, spares }, GFP_KERNEL)?;
            database.insert_loaded_pool(pool)
        })
    }

    /// The spare of which there is a record. One that is not there is broken.
    fn spare(&self, pool: u32, stored: &StoredSpare) -> Result<Spare, Refused> {
        let name = pool_name(pool)?;
        let identity = spare_identity(stored);
        let found = self.device(&name, &identity);
        let found = found.map_err(|why| match why {
            NotMade::Refused(refused) => refused,
            NotMade::Waits => Refused::new(EIO, Refusal::DatabaseDamaged),
        })?;
        let device = match found {
            Some(device) => device,
            None => absent(&name, &identity)?,
        };
        let path = path_field(device.health().path());
        let spare = Spare::new(device, identity, path);
        spare.load(stored);
        if spare.device.is_absent() {
            let _ = spare.step(Event::Failed);
        }
        Ok(spare)
    }

    /// What a component has to do with a hot spare, and the path of the other device. Nothing, if
    /// no pool has the spare: then the component is what its own identity says.
    pub(super) fn spared(
        &self,
        units: &UnitTable,
        own: &Identity,
        stored: &StoredSpared,
    ) -> Result<Option<(Spared, [u8; DEVICE_LEN])>, NotMade> {
        let other = Identity {
            uuid: stored.uuid,
            partition: stored.partition,
            wwn: stored.wwn,
        };
        let uuid = match stored.role {
            SparedRole::StandsFor => own.uuid,
            SparedRole::Returns => other.uuid,
        };
        let Some(spare) = units.database().spare_with_uuid(uuid) else {
            let called = called(&other)?;
            pr_err!(
                "a hot spare is in no pool; it has to do with component {}\n",
                &*called
            );
            return Ok(None);
        };
        // It may have broken while it was in use.
        let _ = spare.step(Event::Taken);
        let path = self.path_of(&other)?;
        let original = Original {
            identity: other,
            start_sector: stored.start_sector,
        };
        let spared = match stored.role {
            SparedRole::StandsFor => Spared::StandsFor(original, spare),
            SparedRole::Returns => Spared::returns(spare),
        };
        Ok(Some((spared, path)))
    }

    /// The path of a device that is not used, or by what it is known.
    fn path_of(&self, identity: &Identity) -> Result<[u8; DEVICE_LEN], NotMade> {
        if let Found::Device(index) = self.devices.candidate(self.loaded.set, identity) {
            if let Some(candidate) = self.devices.candidates.get(index) {
                return Ok(path_field(candidate.device.health().path()));
            }
        }
        let called = called(identity)?;
        Ok(path_field(&text(fmt!("missing {}", &*called))?))
    }
}
