// SPDX-License-Identifier: GPL-2.0
//! Starting and cancelling the resync of a mirror.

use kernel::{
    prelude::*,
    sync::Mutex, //
};
use md_model::events::kind::{
    Kind,
    State, //
};

use super::{
    argument::{
        check_zero,
        unit_name, //
    },
    sides::Target, //
};
use crate::{
    abi::{
        self,
        Refusal, //
    },
    events::Event,
    unit_table::UnitTable,
    Refused, //
};

/// Carries out [`abi::IOC_SYNC`].
pub(super) fn sync(units: &Mutex<UnitTable>, request: &mut abi::Sync) -> Result<(), Refused> {
    check_zero(&[request.reserved])?;
    let name = unit_name(&request.name)?;
    let is_cancelled = match request.action {
        abi::SYNC_START => false,
        abi::SYNC_CANCEL => true,
        _ => return Err(Refused::new(EINVAL, Refusal::ReservedNotZero)),
    };
    let units = units.lock();
    let target = Target::find(&units, &name)?;
    let (map, body) = (target.map(), target.metadevice.body());
    if map.remaining() == 0 && !map.is_unfinished() {
        return Err(Refused::new(EINVAL, Refusal::NothingToResync));
    }
    if map.is_frozen() {
        return Err(Refused::new(EROFS, Refusal::SetIsStopped));
    }
    let _gate = target.metadevice.close_gate();
    let before = map.is_cancelled();
    map.set_cancelled(is_cancelled);
    if let Err(refused) = body.database().record(core::iter::once(body.number())) {
        map.set_cancelled(before);
        return Err(refused);
    }
    if is_cancelled {
        map.end_begun();
        let event = Event::of_unit(Kind::ResyncCancel, name.number());
        body.events().record(&event.state(State::Cancelled));
    } else {
        target.begin_anew();
    }
    Ok(())
}
