// SPDX-License-Identifier: GPL-2.0
//! Starting, cancelling and pausing the resync of a mirror, and whose turn it is; and the same for
//! what is made of RAID5, which waits for nobody.

use kernel::{
    prelude::*,
    sync::Mutex, //
};
use md_model::{
    events::kind::{
        Kind,
        State, //
    },
    mirror::passes::{
        first_pass,
        is_turn,
        Event as Turn,
        Hold,
        Mirror, //
    },
};

use super::{
    argument::{
        check_zero,
        unit_name, //
    },
    raid,
    sides::Target, //
};
use crate::{
    abi::{
        self,
        Refusal, //
    },
    events::Event,
    metadevice::Metadevice,
    unit_table::UnitTable,
    Refused, //
};

/// Carries out [`abi::IOC_SYNC`].
pub(super) fn sync(units: &Mutex<UnitTable>, request: &mut abi::Sync) -> Result<(), Refused> {
    check_zero(&[request.reserved])?;
    if !(abi::SYNC_START..=abi::SYNC_RESUME).contains(&request.action) {
        return Err(Refused::new(EINVAL, Refusal::ReservedNotZero));
    }
    let name = unit_name(&request.name)?;
    let units = units.lock();
    if units.get(&name)?.body().raid().is_some() {
        return raid::sync(units.get(&name)?, request.action);
    }
    let target = Target::find(&units, &name)?;
    let map = target.map();
    if map.remaining() == 0 && !map.is_unfinished() {
        return Err(Refused::new(EINVAL, Refusal::NothingToResync));
    }
    if map.is_frozen() {
        return Err(Refused::new(EROFS, Refusal::SetIsStopped));
    }
    match request.action {
        abi::SYNC_START => start(target)?,
        abi::SYNC_CANCEL => cancel(target)?,
        abi::SYNC_PAUSE => pause(target),
        _ => resume(target)?,
    }
    // Others may wait for this one.
    units.database().ask_spares();
    Ok(())
}

/// It is not cancelled, does not pause, does not wait for its turn, and tries again what has
/// failed.
fn start(target: Target<'_>) -> Result<(), Refused> {
    let _gate = target.metadevice.close_gate();
    record(target, false)?;
    target.map().step_hold(Turn::Resume);
    target.begin_anew();
    Ok(())
}

fn cancel(target: Target<'_>) -> Result<(), Refused> {
    let _gate = target.metadevice.close_gate();
    record(target, true)?;
    target.map().end_begun();
    tell(target);
    Ok(())
}

/// Errands that copy see that by themselves.
fn pause(target: Target<'_>) {
    let _gate = target.metadevice.close_gate();
    target.map().step_hold(Turn::Pause);
    target.map().end_begun();
    tell(target);
}

fn resume(target: Target<'_>) -> Result<(), Refused> {
    if target.map().hold() != Hold::Paused {
        return Err(Refused::new(EINVAL, Refusal::ResyncNotPaused));
    }
    target.map().step_hold(Turn::Resume);
    target.metadevice.ask_upkeep();
    Ok(())
}

/// Tells that the administrator has the resync stand still.
fn tell(target: Target<'_>) {
    let body = target.metadevice.body();
    let event = Event::of_unit(Kind::ResyncCancel, body.number());
    let state = match target.map().hold() {
        Hold::Paused => State::Paused,
        _ => State::Cancelled,
    };
    body.events().record(&event.state(state));
}

/// Has it recorded whether the resync is cancelled.
fn record(target: Target<'_>, is_cancelled: bool) -> Result<(), Refused> {
    let (map, body) = (target.map(), target.metadevice.body());
    let before = map.is_cancelled();
    map.set_cancelled(is_cancelled);
    let recorded = body.database().record(core::iter::once(body.number()));
    if recorded.is_err() {
        map.set_cancelled(before);
    }
    recorded
}

/// Lets mirrors go on that have waited for those with a lower pass, and whose turn it is now.
pub(super) fn give_turns(units: &UnitTable) {
    let waits = |unit: &&Metadevice| {
        let mirror = unit.body().shape().unit().mirrored();
        mirror.is_some_and(|mirror| mirror.map().hold() == Hold::Waits)
    };
    if !units.iter().any(|unit| waits(&unit)) {
        return;
    }
    let first = first_pass(units.iter().filter_map(seen));
    for unit in units.iter().filter(waits) {
        let Some(mirror) = unit.body().shape().unit().mirrored() else {
            continue;
        };
        if is_turn(mirror.map().hold(), mirror.options().pass, first) {
            mirror.map().step_hold(Turn::Turn);
            unit.ask_upkeep();
        }
    }
}

/// A mirror as those see it that wait for it.
fn seen(unit: &Metadevice) -> Option<Mirror> {
    let mirror = unit.body().shape().unit().mirrored()?;
    let map = mirror.map();
    let has_work = map.remaining() > 0 || map.is_unfinished();
    let is_stuck = map.is_cancelled() || map.is_frozen() || map.has_failed();
    Some(Mirror {
        pass: mirror.options().pass,
        hold: map.hold(),
        is_busy: has_work && !is_stuck,
    })
}
