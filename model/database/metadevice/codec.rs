// SPDX-License-Identifier: GPL-2.0
//! The structures of a metadevice's record, one by one, between bytes and values.

use super::{
    super::{
        field::Field,
        page::{
            bad,
            bad_field,
            zero,
            Damage, //
        }, //
    },
    fields::*,
    Component,
    Head,
    Kind,
    Row,
    Side,
    Spared,
    SparedRole,
    Sync, //
};
use crate::{
    limits::{
        COMPONENTS_MAX,
        POOLS_MAX,
        UNITS_MAX, //
    },
    mirror::{
        component::State,
        options::{
            Options,
            ReadPolicy,
            WritePolicy, //
        },
        regions::Regions,
        side::SideState,
        throttle::Limits, //
    },
};

pub(super) fn list_bytes(
    field: Field,
    head: &[u8],
    most: u32,
    each: usize,
) -> Result<usize, Damage> {
    let count = field.number(head);
    if count > most.into() {
        return Err(bad(field.name, count));
    }
    Ok((count as usize).saturating_mul(each))
}

pub(super) fn encode_head(head: &Head, to: &mut [u8]) {
    NUMBER.put(to, head.number.into());
    SIZE.put(to, head.size_sectors);
    REGION_SHIFT.put(to, head.sync.region_shift.into());
    SYNC.put(to, head.sync.is_cancelled.into());
    match head.kind {
        Kind::Stripe => {
            KIND.put(to, 1);
            encode_pool(head, to);
        }
        Kind::Mirror(options) => {
            KIND.put(to, 2);
            PASS.put(to, options.pass.into());
            READ.put(to, options.read.number().into());
            WRITE.put(to, options.write.number().into());
        }
        Kind::Soft => KIND.put(to, SOFT_KIND),
        Kind::Raid => {
            KIND.put(to, RAID_KIND);
            encode_pool(head, to);
        }
    }
}

fn encode_pool(head: &Head, to: &mut [u8]) {
    let pool = head.pool.map_or(0, |pool| pool.saturating_add(1));
    POOL.put(to, pool.into());
}

pub(super) fn decode_head(from: &[u8]) -> Result<Head, Damage> {
    let number = unit_number(NUMBER, from)?;
    let options = Options {
        read: ReadPolicy::from_number(READ.number32(from)).ok_or(bad_field(READ, from))?,
        write: WritePolicy::from_number(WRITE.number32(from)).ok_or(bad_field(WRITE, from))?,
        pass: Options::pass_from_number(PASS.number32(from)).ok_or(bad_field(PASS, from))?,
        // It is at the end of the record, if it is another one.
        pace: Limits::DEFAULT,
    };
    let is_plain = [PASS, READ, WRITE].iter().all(|field| field.is_zero(from));
    let kind = match KIND.number(from) {
        1 if is_plain => Kind::Stripe,
        2 => Kind::Mirror(options),
        SOFT_KIND if is_plain => Kind::Soft,
        RAID_KIND if is_plain => Kind::Raid,
        found => return Err(bad(KIND.name, found)),
    };
    let pool = POOL.number32(from);
    let may_be_spared = matches!(kind, Kind::Stripe | Kind::Raid);
    if pool > POOLS_MAX || pool != 0 && !may_be_spared {
        return Err(bad(POOL.name, pool.into()));
    }
    if !may_be_spared {
        zero(SPARED, from)?;
    }
    let size_sectors = SIZE.number(from);
    Ok(Head {
        number,
        kind,
        size_sectors,
        sync: decode_sync(from, kind, size_sectors)?,
        pool: pool.checked_sub(1),
    })
}

/// What a mirror remembers of its regions. There are as many words as its size asks for.
fn decode_sync(from: &[u8], kind: Kind, size_sectors: u64) -> Result<Sync, Damage> {
    let sync = Sync {
        region_shift: REGION_SHIFT.number32(from),
        is_cancelled: match SYNC.number(from) {
            0 => false,
            1 => true,
            found => return Err(bad(SYNC.name, found)),
        },
    };
    let words = REGION_WORDS.number(from);
    let is_plain = sync == Sync::UNKNOWN && words == 0;
    let expected = match (kind, sync.region_shift) {
        (Kind::Stripe | Kind::Soft | Kind::Raid, _) | (_, 0) if is_plain => return Ok(sync),
        (Kind::Mirror(_), shift) => Regions::with_shift(size_sectors, shift),
        (Kind::Stripe | Kind::Soft | Kind::Raid, _) => None,
    };
    match expected {
        Some(regions) if regions.words() as u64 == words => Ok(sync),
        Some(_) => Err(bad(REGION_WORDS.name, words)),
        None => Err(bad(REGION_SHIFT.name, sync.region_shift.into())),
    }
}

pub(super) fn encode_row(row: &Row, to: &mut [u8]) {
    ROW_INTERLACE.put(to, row.interlace_sectors);
    ROW_SIZE.put(to, row.size_sectors);
    ROW_COMPONENTS.put(to, row.component_count.into());
}

pub(super) fn decode_row(from: &[u8]) -> Result<Row, Damage> {
    zero(ROW_REST, from)?;
    let count = ROW_COMPONENTS.number32(from);
    if count == 0 || count > COMPONENTS_MAX {
        return Err(bad(ROW_COMPONENTS.name, count.into()));
    }
    Ok(Row {
        interlace_sectors: ROW_INTERLACE.number(from),
        size_sectors: ROW_SIZE.number(from),
        component_count: count,
    })
}

pub(super) fn encode_component(component: &Component, to: &mut [u8]) {
    COMPONENT.put_uuid(to, component.uuid);
    PARTITION.put_uuid(to, component.partition);
    WWN.put_bytes(to, &component.wwn);
    START.put(to, component.start_sector);
    COMPONENT_SIZE.put(to, component.size_sectors);
    ERRED_AT.put(to, component.erred_at);
    let unit = component.unit.map_or(0, |unit| unit.saturating_add(1));
    UNIT.put(to, unit.into());
    let state = match component.state {
        State::Okay => 0,
        State::Erred => 1,
        State::LastErred => 2,
        State::Resyncing => 3,
    };
    STATE.put(to, state);
}

pub(super) fn decode_component(from: &[u8]) -> Result<Component, Damage> {
    zero(COMPONENT_REST, from)?;
    let state = match STATE.number(from) {
        0 => State::Okay,
        1 => State::Erred,
        2 => State::LastErred,
        3 => State::Resyncing,
        found => return Err(bad(STATE.name, found)),
    };
    let unit = UNIT.number32(from);
    if unit > UNITS_MAX {
        return Err(bad(UNIT.name, unit.into()));
    }
    Ok(Component {
        uuid: COMPONENT.uuid(from),
        partition: PARTITION.uuid(from),
        wwn: WWN.of(from).try_into().unwrap_or([0; 32]),
        start_sector: START.number(from),
        size_sectors: COMPONENT_SIZE.number(from),
        erred_at: ERRED_AT.number(from),
        unit: unit.checked_sub(1),
        state,
    })
}

pub(super) fn encode_side(side: &Side, to: &mut [u8]) {
    SIDE.put(to, side.number.into());
    let state = match side.state {
        SideState::Okay => 0,
        SideState::NeedsResync => 1,
        SideState::Offline => 2,
    };
    SIDE_STATE.put(to, state);
}

pub(super) fn decode_side(from: &[u8]) -> Result<Side, Damage> {
    zero(SIDE_REST, from)?;
    let state = match SIDE_STATE.number(from) {
        0 => SideState::Okay,
        1 => SideState::NeedsResync,
        2 => SideState::Offline,
        found => return Err(bad(SIDE_STATE.name, found)),
    };
    Ok(Side {
        number: unit_number(SIDE, from)?,
        state,
    })
}

pub(super) fn encode_spared(spared: &Spared, to: &mut [u8]) {
    SPARED_COMPONENT.put(to, spared.component.into());
    let role = match spared.role {
        SparedRole::StandsFor => 1,
        SparedRole::Returns => 2,
    };
    SPARED_ROLE.put(to, role);
    SPARED_UUID.put_uuid(to, spared.uuid);
    SPARED_PARTITION.put_uuid(to, spared.partition);
    SPARED_WWN.put_bytes(to, &spared.wwn);
    SPARED_START.put(to, spared.start_sector);
}

pub(super) fn decode_spared(from: &[u8]) -> Result<Spared, Damage> {
    zero(SPARED_REST, from)?;
    let role = match SPARED_ROLE.number(from) {
        1 => SparedRole::StandsFor,
        2 => SparedRole::Returns,
        found => return Err(bad(SPARED_ROLE.name, found)),
    };
    Ok(Spared {
        component: SPARED_COMPONENT.number32(from),
        role,
        uuid: SPARED_UUID.uuid(from),
        partition: SPARED_PARTITION.uuid(from),
        wwn: SPARED_WWN.of(from).try_into().unwrap_or([0; 32]),
        start_sector: SPARED_START.number(from),
    })
}

fn unit_number(field: Field, from: &[u8]) -> Result<u32, Damage> {
    let number = field.number32(from);
    if number < UNITS_MAX {
        Ok(number)
    } else {
        Err(bad(field.name, number.into()))
    }
}
