// SPDX-License-Identifier: GPL-2.0
//! Replicas of the state database, and stopping a set.

use kernel::{
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    }, //
};
use md_model::{
    database::{
        identity::Uuid,
        members::Role, //
    },
    events::kind::{
        Kind,
        State, //
    },
    limits::RESERVED_HEAD_SECTORS,
    name::UnitName, //
};

use super::{
    argument::{
        bad_address,
        check_capacity,
        check_zero,
        count,
        write_array, //
    },
    components::{
        open_failed,
        path_text, //
    }, //
};
use crate::{
    abi::{
        self,
        Refusal, //
    },
    database::Addition,
    events::Event,
    kapi::bdev::BlockDevice,
    multihost,
    refused::text,
    unit_table::UnitTable,
    Refused, //
};

/// Every flag of [`abi::AddReplicas`].
const ADD_FLAGS: u32 = abi::ADD_NEW_SET | abi::ADD_TIE_BREAKER;

/// Carries out [`abi::IOC_ADD_REPLICAS`].
pub(super) fn add(units: &Mutex<UnitTable>, request: &mut abi::AddReplicas) -> Result<(), Refused> {
    check_zero(&[request.flags & !ADD_FLAGS])?;
    check_zero(&[request.device.flags, request.device.reserved])?;
    let is_new = request.flags & abi::ADD_NEW_SET != 0;
    if !is_new {
        check_zero(&request.set_name)?;
    }
    let units = units.lock();
    let database = units.database().clone();
    if is_new {
        check_empty(&units, EEXIST)?;
    }
    let (device, is_in_head) = device_for(&units, &request.device)?;
    let addition = Addition {
        device,
        size_sectors: request.size_sectors,
        count: request.count,
        role: if request.flags & abi::ADD_TIE_BREAKER != 0 {
            Role::TieBreaker
        } else {
            Role::Voter
        },
        is_in_head,
    };
    if is_new {
        database.make_set(request.set_name, &addition)
    } else {
        database.add_replicas(&addition)
    }
}

/// Refuses to begin or load a set where there is one, or metadevices that it would not know.
pub(super) fn check_empty(units: &UnitTable, loaded: Error) -> Result<(), Refused> {
    if units.database().is_loaded() {
        return Err(Refused::new(loaded, Refusal::SetIsLoaded));
    }
    if units.count() > 0 {
        let values = [units.count().into(), 0];
        return Err(Refused::new(EBUSY, Refusal::UnitsInMemory).with(values));
    }
    Ok(())
}

/// The device for a replica, and whether it belongs to a component: then it is shared, and there is
/// room only in its reserved head.
fn device_for(units: &UnitTable, asked: &abi::Device) -> Result<(Arc<BlockDevice>, bool), Refused> {
    let path = path_text(&asked.device)?;
    if let Some((_, component)) = units.with_component(|part| part.dev == asked.dev) {
        let is_reserved = component.child.is_none() && !component.identity.uuid.is_nil();
        return if is_reserved {
            Ok((component.device.clone(), true))
        } else {
            Err(Refused::new(EBUSY, Refusal::NoReservedHead))
        };
    }
    if let Some((_, spare)) = units.database().spare_with_dev(asked.dev) {
        return Ok((spare.device.clone(), true));
    }
    if let Some((device, _)) = units.database().device(asked.dev) {
        return Ok((device, false));
    }
    if units.with_dev(asked.dev).is_some() {
        return Err(Refused::new(EINVAL, Refusal::NoReservedHead));
    }
    let unit = text(fmt!("state database"))?;
    let device = BlockDevice::open(asked.dev, unit, path).map_err(open_failed)?;
    if device.read_only() {
        return Err(Refused::new(EROFS, Refusal::ComponentReadOnly));
    }
    if device.sectors() < RESERVED_HEAD_SECTORS {
        let values = [RESERVED_HEAD_SECTORS, device.sectors()];
        return Err(Refused::new(ENOSPC, Refusal::ComponentTooSmall).with(values));
    }
    units.database().check_no_twin(&device, units)?;
    Ok((Arc::new(device, GFP_KERNEL)?, false))
}

/// Carries out [`abi::IOC_DELETE_REPLICAS`].
pub(super) fn delete(
    units: &Mutex<UnitTable>,
    request: &mut abi::DeleteReplicas,
) -> Result<(), Refused> {
    check_zero(&[request.flags & !abi::DELETE_LAST, request.count])?;
    let replica = Uuid::from_bytes(request.replica);
    if (request.dev == 0) == replica.is_nil() {
        return Err(Refused::new(EINVAL, Refusal::ReservedNotZero));
    }
    let units = units.lock();
    let database = units.database();
    let mut deleted = database.delete_replicas(request.dev, replica);
    if request.flags & abi::DELETE_LAST != 0 && is_about_last(&deleted) {
        if let Some(pool) = database.pools().next() {
            let values = [pool.number.into(), 0];
            return Err(Refused::new(EBUSY, Refusal::PoolsExist).with(values));
        }
        let mut all = units.iter().map(|unit| unit.body());
        if let Some(body) = all.find(|body| body.raid().is_some()) {
            let values = [body.number().into(), 0];
            return Err(Refused::new(EBUSY, Refusal::RaidNeedsDatabase).with(values));
        }
        let bodies = units.iter().map(|unit| unit.body());
        deleted = database.delete_set(bodies);
    }
    request.count = deleted?;
    Ok(())
}

/// Whether a deletion was refused since no voting replica would be left.
fn is_about_last(deleted: &Result<u32, Refused>) -> bool {
    matches!(deleted, Err(refused) if refused.refusal() == Refusal::LastReplica)
}

/// Carries out [`abi::IOC_LIST_REPLICAS`].
pub(super) fn list(
    units: &Mutex<UnitTable>,
    request: &mut abi::ListReplicas,
) -> Result<(), Refused> {
    check_zero(&request.set)?;
    check_zero(&request.set_name)?;
    check_zero(&[request.epoch, request.sequence, request.commits])?;
    check_zero(&[request.replica_count, request.state, request.reserved])?;
    let units = units.lock();
    let described = units.database().describe(request)?;
    check_capacity(request.replica_capacity, described.len())?;
    write_array(request.replicas, described.iter().copied()).map_err(bad_address)?;
    request.replica_count = count(&described);
    Ok(())
}

/// Carries out [`abi::IOC_STOP_SET`].
pub(super) fn stop(units: &Mutex<UnitTable>, request: &mut abi::StopSet) -> Result<(), Refused> {
    check_zero(&[request.flags, request.unit_count])?;
    let mut units = units.lock();
    let database = units.database().clone();
    if !database.is_loaded() {
        return Err(Refused::new(ENODEV, Refusal::NoDatabase));
    }
    let watched = database.watched_disks()?;
    close_all(&units)?;
    request.unit_count = units.count();
    units.iter().for_each(|unit| unit.end_upkeep());
    // Who has a parent goes after it.
    while let Some(name) = top_of(&units) {
        database.let_go(name.number());
        drop(units.take(&name)?);
    }
    database.settle();
    database.unload();
    // All that was written is there: another host may have the disks from now on.
    for disk in &watched {
        multihost::unwatch(*disk);
    }
    let event = Event::of_set(Kind::Stop).state(State::Stopped);
    database.events().record(&event);
    Ok(())
}

/// Sees to it that nobody can open a metadevice any more, or that nothing has changed.
fn close_all(units: &UnitTable) -> Result<(), Refused> {
    for (done, unit) in units.iter().enumerate() {
        if let Err(refused) = unit.body().close_with_parent() {
            let closed = units.iter().take(done);
            closed.for_each(|unit| unit.body().reopen());
            return Err(refused);
        }
    }
    Ok(())
}

/// A metadevice that none of the table stands on. One that is taken may have its components a
/// little longer: the kernel closes their devices when the task that we are in leaves it.
fn top_of(units: &UnitTable) -> Option<UnitName> {
    let mut all = units.iter();
    let top = all.find(|unit| units.above(unit.body()).next().is_none());
    top.map(|unit| *unit.name())
}
