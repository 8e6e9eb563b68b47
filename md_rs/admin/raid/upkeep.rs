// SPDX-License-Identifier: GPL-2.0
//! What is made of a RAID5 metadevice by itself: having that stand still and go on, and checks.

use kernel::prelude::*;
use md_model::{
    events::kind::{
        Kind,
        State, //
    },
    mirror::{
        component::State as ColumnState,
        scrub::compare::Mode, //
    },
    raid5::progress::Activity,
};

use super::super::scrub::not_now;
use crate::{
    abi::{
        self,
        Refusal, //
    },
    events::Event,
    metadevice::Metadevice,
    raid::{
        check::can_begin,
        Raid,
        Target, //
    },
    Refused, //
};

/// The metadevice, if it is RAID5.
fn find(metadevice: &Metadevice) -> Result<(Target<'_>, &Raid), Refused> {
    let body = metadevice.body();
    let found = Target::of(body).zip(body.raid());
    found.ok_or(Refused::new(EINVAL, Refusal::NotARaid))
}

/// Carries out [`abi::IOC_SYNC`], whose action is known to be legal.
pub(in crate::admin) fn sync(metadevice: &Metadevice, action: u32) -> Result<(), Refused> {
    let (target, _) = find(metadevice)?;
    let (unit, ledger) = (target.unit, target.unit.ledger());
    let is_resyncing = |state: ColumnState| state == ColumnState::Resyncing;
    let mut columns = target.shape.components().iter();
    let is_unfinished = columns.any(|part| is_resyncing(part.condition.state()));
    if unit.progress().activity == Activity::Nothing && !is_unfinished {
        return Err(Refused::new(EINVAL, Refusal::NothingToResync));
    }
    if unit.is_unrecorded() {
        return Err(Refused::new(EROFS, Refusal::SetIsStopped));
    }
    match action {
        abi::SYNC_START => {
            record(target, false)?;
            ledger.set_paused(false);
            unit.set_stuck(false);
            metadevice.ask_upkeep();
        }
        abi::SYNC_CANCEL => {
            record(target, true)?;
            tell(target, State::Cancelled);
        }
        abi::SYNC_PAUSE => {
            ledger.set_paused(true);
            tell(target, State::Paused);
        }
        _ if !ledger.is_paused() => {
            return Err(Refused::new(EINVAL, Refusal::ResyncNotPaused));
        }
        _ => {
            ledger.set_paused(false);
            metadevice.ask_upkeep();
        }
    }
    Ok(())
}

/// Has it recorded whether what is being made is cancelled.
fn record(target: Target<'_>, is_cancelled: bool) -> Result<(), Refused> {
    let ledger = target.unit.ledger();
    let before = ledger.is_cancelled();
    ledger.set_cancelled(is_cancelled);
    let number = core::iter::once(target.body.number());
    let recorded = target.body.database().record(number);
    if recorded.is_err() {
        ledger.set_cancelled(before);
    }
    recorded
}

/// Tells that the administrator has it stand still.
fn tell(target: Target<'_>, state: State) {
    let event = Event::of_unit(Kind::ResyncCancel, target.body.number());
    target.body.events().record(&event.state(state));
}

/// Carries out [`abi::IOC_SCRUB`].
pub(in crate::admin) fn check(metadevice: &Metadevice, action: u32) -> Result<(), Refused> {
    let (target, raid) = find(metadevice)?;
    let mode = match action {
        abi::SCRUB_CHECK => Mode::Check,
        abi::SCRUB_REPAIR => Mode::Majority,
        abi::SCRUB_CANCEL => {
            raid.check.lock().cancel().map_err(not_now)?;
            metadevice.ask_scrub();
            return Ok(());
        }
        abi::SCRUB_REPAIR_FROM => return Err(Refused::new(EINVAL, Refusal::NotAMirror)),
        _ => return Err(Refused::new(EINVAL, Refusal::ReservedNotZero)),
    };
    if target.unit.is_unrecorded() {
        return Err(Refused::new(EROFS, Refusal::SetIsStopped));
    }
    if raid.is_blocked() || !can_begin(target) {
        return Err(Refused::new(EINVAL, Refusal::NothingToCompare));
    }
    raid.check.lock().start(mode).map_err(not_now)?;
    metadevice.ask_scrub();
    Ok(())
}
