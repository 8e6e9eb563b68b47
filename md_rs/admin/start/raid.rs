// SPDX-License-Identifier: GPL-2.0
//! RAID5 metadevices of a set that is started. Their logs are carried out before anybody uses them.

use kernel::{
    prelude::*,
    sync::Arc, //
};
use md_model::{
    database::metadevice::Record,
    geometry::stripe::ComponentSpec,
    mirror::scrub::history::History,
    name::UnitName, //
};

use super::{
    no_memory,
    Maker,
    NotMade, //
};
use crate::{
    abi::{
        Refusal,
        UnitKind, //
    },
    admin::components::Components,
    body::Body,
    database::Loaded,
    metadevice::Plan,
    personality::{
        Ledger,
        UnitSpec, //
    },
    raid,
    unit_table::UnitTable,
    Refused, //
};

impl Maker<'_> {
    /// A RAID5 metadevice.
    pub(super) fn plan_raid(
        &self,
        units: &UnitTable,
        name: UnitName,
        record: &Record<'_>,
    ) -> Result<Plan, NotMade> {
        let damaged = Refused::new(EIO, Refusal::DatabaseDamaged);
        let mut rows = record.rows();
        let row = rows.next().ok_or(damaged)?;
        let attached = rows.next().map_or(0, |row| row.component_count);
        let raid = record.raid().ok_or(damaged)?;
        let (mut components, mut specs): (Components, KVec<_>) = (KVec::new(), KVec::new());
        for (index, stored) in (0..).zip(record.components()) {
            let mut spared = record.spared();
            let spared = spared.find(|spared| spared.component == index);
            let component = self.component(units, &name, &stored, spared)?;
            if component.device.is_absent() {
                component.condition.note_write_failed();
            }
            let spec = ComponentSpec {
                capacity_sectors: stored.start_sector.saturating_add(stored.size_sectors),
                start_sectors: Some(stored.start_sector),
                block_sectors: component.device.logical_block_bytes() >> 9,
            };
            specs.push(spec, GFP_KERNEL)?;
            components.push(Arc::new(component, GFP_KERNEL)?, GFP_KERNEL)?;
        }
        let history = record.history().unwrap_or(History::NONE);
        let ledger = Ledger::new(&raid, history).map_err(no_memory)?;
        let spec = UnitSpec::Raid {
            interlace_sectors: row.interlace_sectors,
            columns: &specs,
            attached,
            raid,
            ledger: &ledger,
        };
        let kind = UnitKind::Raid as u32;
        Ok(Plan::new(name, kind, &spec, components, units.database())?)
    }
}

/// Judges what is missing, and carries the logs out. Whether it may be written then. What is
/// recorded may be older than the columns.
pub(super) fn settle(body: &Body, loaded: &Loaded) -> bool {
    let is_recorded = raid::judge::settle(body, loaded);
    raid::replay_logs(body, is_recorded);
    let is_unrecorded = |target: raid::Target<'_>| target.unit.is_unrecorded();
    is_recorded && !raid::Target::of(body).is_some_and(is_unrecorded)
}
