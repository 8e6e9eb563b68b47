// SPDX-License-Identifier: GPL-2.0
//! What metadevices there are, and what they are made of.

use kernel::{
    prelude::*,
    sync::Mutex, //
};
use md_model::{
    geometry::stripe::Component as Place,
    mirror::{
        component::State,
        passes::Hold, //
    },
    raid5::{
        layout::{
            Layout,
            Rotation, //
        },
        progress::Activity, //
    }, //
};

use super::argument::{
    bad_address,
    check_capacity,
    check_zero,
    count,
    unit_name,
    write_array, //
};
use super::options;
use crate::{
    abi::{
        self,
        ResyncState, //
    },
    body::{
        Body,
        Shape, //
    },
    component::Component,
    metadevice::Metadevice,
    personality::{
        Raided,
        SyncMap, //
    },
    raid::Raid,
    unit_table::UnitTable,
    Refused, //
};

/// Carries out [`abi::IOC_LIST`].
pub(super) fn list(units: &Mutex<UnitTable>, list: &mut abi::List) -> Result<(), Refused> {
    check_zero(&[list.unit_count])?;
    let units = units.lock();
    check_capacity(list.unit_capacity, units.count() as usize)?;
    let mut summaries = KVVec::with_capacity(units.count() as usize, GFP_KERNEL)?;
    for unit in units.iter() {
        summaries.push(summary(unit), GFP_KERNEL)?;
    }
    write_array(list.units, summaries.iter().copied()).map_err(bad_address)?;
    list.unit_count = units.count();
    Ok(())
}

/// Carries out [`abi::IOC_STATUS`].
pub(super) fn status(units: &Mutex<UnitTable>, status: &mut abi::Status) -> Result<(), Refused> {
    let name = unit_name(&status.unit.name)?;
    check_zero(&[
        status.unit.size_sectors,
        status.unit.dev,
        status.unit.kind.into(),
        status.unit.open_count.into(),
        status.unit.row_count.into(),
        status.unit.component_count.into(),
        status.unit.state.into(),
        status.unit.parent.into(),
    ])?;
    check_zero(&[status.unit.flags, status.unit.resync])?;
    check_zero(&[status.unit.resynced_sectors, status.unit.resync_sectors])?;
    check_zero(&[status.unit.pool, status.unit.lost_blocks])?;
    options::check_none(&status.unit.mirror)?;
    let units = units.lock();
    let metadevice = units.get(&name)?;
    let shape = metadevice.body().shape();
    let stripe = shape.unit().striped();
    let rows = stripe.map(|stripe| stripe.rows()).unwrap_or_default();
    check_capacity(status.row_capacity, rows.len())?;
    check_capacity(status.component_capacity, shape.components().len())?;

    match shape.unit().raid() {
        Some(raid) => {
            check_capacity(status.row_capacity, raid_rows(raid.layout()).count())?;
            write_array(status.rows, raid_rows(raid.layout())).map_err(bad_address)?;
        }
        None => {
            let rows = rows.iter().map(|row| abi::Row {
                interlace_sectors: row.interlace_sectors.get(),
                component_count: row.component_count.get(),
                reserved: 0,
            });
            write_array(status.rows, rows).map_err(bad_address)?;
        }
    }

    let laid_out = shape.unit().places();
    let mut components = KVVec::with_capacity(shape.components().len(), GFP_KERNEL)?;
    for (index, component) in shape.components().iter().enumerate() {
        let number = u32::try_from(index).unwrap_or(u32::MAX);
        let described = abi::Component {
            state: shape.state_of(number, component) as u32,
            ..describe(component, laid_out.get(index))
        };
        components.push(described, GFP_KERNEL)?;
    }
    write_array(status.components, components.iter().copied()).map_err(bad_address)?;
    status.unit = summary(metadevice);
    Ok(())
}

/// The row of a RAID5 metadevice, and that of the columns that were attached, if there are some.
fn raid_rows(layout: &Layout) -> impl ExactSizeIterator<Item = abi::Row> + '_ {
    let rows = 1_u32.saturating_add(u32::from(layout.attached() > 0));
    (0..rows).map(|row| abi::Row {
        interlace_sectors: layout.interlace_sectors(),
        component_count: match row {
            0 => layout.original(),
            _ => layout.attached(),
        },
        reserved: 0,
    })
}

/// A component, and where it lies; a submirror is all of its metadevice.
fn describe(component: &Component, place: Option<&Place>) -> abi::Component {
    let health = component.device.health();
    let whole = || (0, component.device.sectors());
    let (mut start_sectors, size_sectors) =
        place.map_or_else(whole, |place| (place.start_sector, place.size_sectors));
    if let Some((original, _)) = component.stand_in() {
        start_sectors = original.start_sector;
    }
    abi::Component {
        dev: component.dev,
        start_sectors,
        size_sectors,
        state: component.state() as u32,
        flags: flags_of(component),
        healed_errors: health.healed().into(),
        read_errors: health.read_errors(),
        write_errors: health.write_errors(),
        event_seconds: health.event_seconds(),
        device: component.path,
        hints: abi::Hints {
            partition: component.identity.partition.to_bytes(),
            wwn: component.identity.wwn,
        },
    }
}

fn flags_of(component: &Component) -> u32 {
    let mut flags = 0;
    if component.stand_in().is_some() {
        flags |= abi::COMPONENT_SPARE;
    }
    if component.condition.is_suspect() {
        flags |= abi::COMPONENT_SLOW;
    }
    flags
}

fn summary(metadevice: &Metadevice) -> abi::UnitSummary {
    let body = metadevice.body();
    let shape = body.shape();
    let stripe = shape.unit().striped();
    let mirror = shape.unit().mirrored();
    let raid = shape.unit().raid();
    let of_raid = raid.map_or(Resync::NONE, |raid| Resync::of_raid(raid, shape));
    let resync = mirror.map_or(of_raid, |mirror| Resync::of(mirror.map()));
    abi::UnitSummary {
        name: metadevice.name().to_padded(),
        kind: metadevice.kind(),
        open_count: body.open_count(),
        size_sectors: shape.unit().sectors(),
        dev: metadevice.user_dev(),
        row_count: match raid {
            Some(raid) => u32::try_from(raid_rows(raid.layout()).count()).unwrap_or(0),
            None => stripe.map_or(0, |stripe| count(stripe.rows())),
        },
        component_count: count(shape.components()),
        state: shape.state() as u32,
        parent: body.parent(),
        mirror: match (mirror, raid) {
            (Some(mirror), _) => options::describe(mirror.options()),
            (None, Some(raid)) => options::describe_pace(raid.ledger().pace()),
            (None, None) => Default::default(),
        },
        flags: flags_of_unit(body),
        resync: resync.state as u32,
        resynced_sectors: resync.done,
        resync_sectors: resync.total,
        pool: body.pool().map_or(0, |pool| pool.saturating_add(1)),
        lost_blocks: body.raid().map_or(0, Raid::lost_blocks),
    }
}

fn flags_of_unit(body: &Body) -> u32 {
    if body.is_pending() {
        return abi::UNIT_PENDING;
    }
    let Some(raid) = body.shape().unit().raid() else {
        return 0;
    };
    let is_blocked = body.raid().is_some_and(Raid::is_blocked);
    let flags = [
        (
            raid.layout().rotation() == Rotation::Svm,
            abi::UNIT_SVM_ROTATION,
        ),
        (raid.is_unlogged(), abi::UNIT_UNLOGGED),
        (
            raid.progress().activity == Activity::Build,
            abi::UNIT_INITIALIZING,
        ),
        (is_blocked, abi::UNIT_BLOCKED),
    ];
    let set = flags.into_iter().filter(|(is_set, _)| *is_set);
    set.fold(0, |all, (_, flag)| all | flag)
}

/// How the resync of a mirror is.
struct Resync {
    state: ResyncState,
    done: u64,
    total: u64,
}

impl Resync {
    const NONE: Self = Self {
        state: ResyncState::Idle,
        done: 0,
        total: 0,
    };

    /// How far the parity of a RAID5 metadevice, or a column, is made.
    fn of_raid(raid: &dyn Raided, shape: &Shape) -> Self {
        let (progress, total) = (raid.progress(), raid.layout().column_sectors());
        let is_resyncing = |part: &Component| part.condition.state() == State::Resyncing;
        let mut columns = shape.components().iter();
        let done = match progress.activity {
            // Until its end is recorded it is not over.
            Activity::Nothing if columns.any(|part| is_resyncing(part)) => total,
            Activity::Nothing => return Self::NONE,
            _ => progress.cursor,
        };
        let ledger = raid.ledger();
        let state = if ledger.is_cancelled() {
            ResyncState::Cancelled
        } else if raid.is_stuck() || raid.is_unrecorded() {
            ResyncState::Stuck
        } else if ledger.is_paused() {
            ResyncState::Paused
        } else {
            ResyncState::Running
        };
        Self { state, done, total }
    }

    fn of(map: &SyncMap) -> Self {
        let remaining = map.remaining();
        // Until its end is recorded it is not over, and its side no source.
        if remaining == 0 && !map.is_unfinished() {
            return Self::NONE;
        }
        let shift = map.regions().shift();
        let to_do = map.to_do();
        let sectors = |regions: u32| u64::from(regions).checked_shl(shift).unwrap_or(0);
        Self {
            state: state_of(map),
            done: sectors(to_do.saturating_sub(remaining)),
            total: sectors(to_do),
        }
    }
}

/// How a resync is that is not done.
fn state_of(map: &SyncMap) -> ResyncState {
    match map.hold() {
        _ if map.is_cancelled() => ResyncState::Cancelled,
        _ if map.is_frozen() || map.has_failed() => ResyncState::Stuck,
        Hold::Paused => ResyncState::Paused,
        Hold::Waits => ResyncState::Waiting,
        Hold::LeftOut => ResyncState::LeftOut,
        Hold::None => ResyncState::Running,
    }
}
