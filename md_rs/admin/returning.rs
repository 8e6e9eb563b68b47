// SPDX-License-Identifier: GPL-2.0
//! A component whose device was away and is back, with what it had (`svm.md` sections 4.7 and 13.3,
//! case 22). If the component is still in service, it has missed nothing: who writes to a mirror
//! finds the device gone, and then it is out of service before the write is acknowledged
//! (`DURABILITY.md` clause 5).
//!
//! What may be lost is what was in the device's cache when it went. That is in regions that are
//! dirty, since a region becomes clean only after a flush of all sides (clause 7): there, and only
//! there, the component is behind.

use kernel::prelude::*;
use md_model::{
    database::claimants::Identity,
    events::kind::Kind,
    mirror::{
        component::State,
        side::SideState, //
    },
    name::UnitName, //
};

use super::{
    argument::check_zero,
    replace::{
        find,
        Case,
        Lacks, //
    }, //
};
use crate::{
    abi::{
        self,
        Refusal, //
    },
    component::Component,
    events::Event,
    unit_table::UnitTable,
    Refused, //
};

/// Carries out [`abi::IOC_REPLACE`] with [`abi::REPLACE_RETURN`].
pub(super) fn take_back(
    units: &UnitTable,
    name: &UnitName,
    submirror: &UnitName,
    request: &abi::Replace,
) -> Result<(), Refused> {
    check_zero(&[request.flags & !abi::REPLACE_RETURN])?;
    let case = find(units, name, submirror, request)?;
    check_return(&case)?;
    let new = case.open(units, submirror, request)?;
    if !is_same(&new.identity, &case.old.identity) {
        return Err(Refused::new(ENXIO, Refusal::NoSuchComponent));
    }
    let start_sector = case.start_sector()?;
    let shape = case.shape_with(&new, start_sector)?;
    let (side, old) = (case.stripe.body().number(), case.old.clone());
    let taken = new.clone();
    case.carry_out(units, name, new, shape, Lacks::WhatIsDirty)?;
    let after = taken.condition.state();
    let event = match after {
        State::Okay => Event::of_unit(Kind::Ok, side).device(&taken.path),
        _ => Event::of_unit(Kind::Replace, side)
            .device(&old.path)
            .new_device(&taken.path),
    };
    let event = event.states(State::Okay, after);
    units.database().events().record(&event);
    Ok(())
}

/// Whether the component has missed nothing but what is known, and may have its device back now.
pub(super) fn check_return(case: &Case<'_>) -> Result<(), Refused> {
    let (map, side) = (case.target.map(), case.side);
    match map.side_state(side) {
        SideState::Okay => {}
        SideState::Offline => return Err(Refused::new(EBUSY, Refusal::SideOffline).at(side)),
        // What was copied to it may have been in its cache, too.
        SideState::NeedsResync => return Err(Refused::new(EBUSY, Refusal::ResyncNeeded).at(side)),
    }
    if !waits(case.old) {
        return Err(Refused::new(EBUSY, Refusal::ComponentInService).at(side));
    }
    // Nobody knows what was written, or that could not be recorded.
    if !map.is_tracking() || map.is_frozen() {
        return Err(Refused::new(EROFS, Refusal::NoDatabase));
    }
    let kept = case.target.kept;
    let has_source = kept.unit.has_source(&kept.sides(), side, case.index);
    if !map.is_all_durable() && !has_source {
        return Err(Refused::new(EBUSY, Refusal::NoOtherSource).at(side));
    }
    Ok(())
}

/// Whether a device is the one that a component had: it has its label, and is no copy of it on
/// another disk (`DURABILITY.md` clause 18).
fn is_same(new: &Identity, old: &Identity) -> bool {
    let is_known = |wwn: &[u8; 32]| *wwn != [0; 32];
    let is_copy = is_known(&new.wwn) && is_known(&old.wwn) && new.wwn != old.wwn;
    new.uuid == old.uuid && !is_copy
}

/// Whether a component is in service, and just lacks its device. A hot spare has its device from
/// its pool; what has no label is not known again for sure.
fn waits(component: &Component) -> bool {
    let is_plain = component.child.is_none() && component.spare().is_none();
    component.condition.is_okay()
        && is_plain
        && component.is_gone()
        && !component.identity.uuid.is_nil()
}
