// SPDX-License-Identifier: GPL-2.0
//! Another name for a metadevice, or the names of two exchanged (`svm.md` section 10).
//!
//! A disk has its name for life, so a metadevice with another name has another disk, over the same
//! body. The name is what its record is found by: that there is a record with the new number, and
//! none with the old one, is one commit.

use kernel::{
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    }, //
};
use md_model::{
    events::kind::Kind,
    mirror::{
        scrub::run::State as ScrubState,
        side::SideState, //
    },
    name::UnitName, //
};

use super::{
    argument::{
        check_zero,
        unit_name, //
    },
    lend::{
        renamed,
        with_side, //
    },
    sides::Target, //
};
use crate::{
    abi::{
        self,
        ComponentState,
        Refusal, //
    },
    body::Body,
    database::Database,
    events::Event,
    metadevice::Plan,
    refused::text,
    unit_table::UnitTable,
    Refused, //
};

/// Carries out [`abi::IOC_RENAME`].
pub(super) fn rename(units: &Mutex<UnitTable>, request: &mut abi::Rename) -> Result<(), Refused> {
    check_zero(&[request.flags & !abi::RENAME_EXCHANGE, request.reserved])?;
    let (name, new) = (unit_name(&request.name)?, unit_name(&request.new_name)?);
    let mut units = units.lock();
    let database = units.database().clone();
    let kind = if request.flags & abi::RENAME_EXCHANGE == 0 {
        give_name(&mut units, name, new)?;
        Kind::Rename
    } else {
        exchange(&mut units, name, new)?;
        Kind::Exchange
    };
    let event = Event::of_unit(kind, new.number()).device(name.as_str().as_bytes());
    database.events().record(&event);
    Ok(())
}

/// Refuses a soft partition: its watermarks have its name.
fn check_not_soft(body: &Body) -> Result<(), Refused> {
    match body.shape().unit().soft() {
        Some(_) => Err(Refused::new(EINVAL, Refusal::SoftKeepsName)),
        None => Ok(()),
    }
}

fn give_name(units: &mut UnitTable, name: UnitName, new: UnitName) -> Result<(), Refused> {
    let unit = units.get(&name)?;
    check_not_soft(unit.body())?;
    let (kind, body, database) = (unit.kind(), unit.body().clone(), units.database().clone());
    if units.get(&new).is_ok() {
        let values = [new.number().into(), 0];
        return Err(Refused::new(EEXIST, Refusal::NewNameInUse).with(values));
    }
    database.check_unrecorded(new.number())?;
    check_no_scrub(&body)?;
    check_not_lent(&body)?;
    body.close()?;
    unit.end_upkeep();
    // Both disks are there, and nobody can open them.
    let renamed = again(units, new, kind, &body).and_then(|()| {
        let renamed = database.renumber(&[(&body, new.number())]);
        if renamed.is_err() {
            units.take(&new)?.retire();
        }
        renamed
    });
    if let Err(refused) = renamed {
        units.get(&name)?.resume_upkeep();
        body.reopen();
        return Err(refused);
    }
    units.take(&name)?.retire();
    settle(&database, &body, &new);
    body.reopen();
    units.get(&new)?.ask_upkeep();
    Ok(())
}

/// Adds a metadevice under a name that it did not have.
fn again(
    units: &mut UnitTable,
    name: UnitName,
    kind: u32,
    body: &Arc<Body>,
) -> Result<(), Refused> {
    units.add(Plan::again(name, kind, body.clone())?.carry_out()?)
}

/// Refuses a mirror that is being checked: the check would end.
fn check_no_scrub(body: &Body) -> Result<(), Refused> {
    match body.upkeep() {
        Some(upkeep) if upkeep.scrub.lock().state() != ScrubState::Idle => {
            Err(Refused::new(EBUSY, Refusal::ScrubRunning))
        }
        _ => Ok(()),
    }
}

/// Refuses a mirror with a side that is offline: that may be in use by others.
fn check_not_lent(body: &Body) -> Result<(), Refused> {
    let shape = body.shape();
    let Some(map) = shape.unit().mirrored().map(|mirror| mirror.map()) else {
        return Ok(());
    };
    let mut sides = 0..map.side_count();
    match sides.find(|side| map.side_state(*side) == SideState::Offline) {
        Some(side) => Err(Refused::new(EBUSY, Refusal::SideOffline).at(side)),
        None => Ok(()),
    }
}

/// What a metadevice is made of knows its new name, in memory and in labels. A label that cannot be
/// written is only for who has lost all replicas.
fn settle(database: &Database, body: &Body, name: &UnitName) {
    for component in body.shape().components() {
        if let Some(child) = &component.child {
            child.set_parent(name.number());
        }
        if let Ok(unit) = text(fmt!("{}", name.as_str())) {
            let _ = component.device.health().adopt(unit);
        }
    }
    database.relabel_components(body);
}

/// A mirror and one of its submirrors exchange their names.
struct Pair {
    mirror: UnitName,
    submirror: UnitName,
    side: u32,
}

impl Pair {
    /// Which of two metadevices is the mirror.
    fn find(units: &UnitTable, first: UnitName, second: UnitName) -> Result<Self, Refused> {
        units.get(&first)?;
        units.get(&second)?;
        let side_of = |mirror: UnitName, submirror: UnitName| {
            let side = Target::find(units, &mirror).ok()?.side(&submirror).ok()?;
            Some(Self {
                mirror,
                submirror,
                side,
            })
        };
        let found = side_of(first, second).or_else(|| side_of(second, first));
        found.ok_or(Refused::new(EINVAL, Refusal::NotRelated))
    }

    /// Refused while something is wrong with the mirror, or has to be copied, or a spare stands for
    /// something: whoever looks after that goes by names.
    fn check(&self, target: Target<'_>) -> Result<(), Refused> {
        let (kept, map) = (target.kept, target.map());
        check_no_scrub(kept.body)?;
        check_not_lent(kept.body)?;
        for side in 0..kept.sides().count() {
            for (index, component) in (0u32..).zip(kept.sides().components(side)) {
                if component.spare().is_some() {
                    let number = kept
                        .shape
                        .component(side)
                        .and_then(|side| side.child.as_ref());
                    let number = number.map_or(0, |child| child.body().number());
                    let values = [number.into(), index.into()];
                    return Err(Refused::new(EBUSY, Refusal::SpareStandsIn).with(values));
                }
            }
        }
        if map.remaining() > 0 || map.is_unfinished() {
            return Err(Refused::new(EBUSY, Refusal::ResyncNeeded));
        }
        for side in 0..kept.sides().count() {
            if target.state_of(side) != Some(ComponentState::Okay) {
                return Err(Refused::new(EBUSY, Refusal::SubmirrorErred).at(side));
            }
        }
        Ok(())
    }
}

fn exchange(units: &mut UnitTable, first: UnitName, second: UnitName) -> Result<(), Refused> {
    let pair = Pair::find(units, first, second)?;
    let target = Target::find(units, &pair.mirror)?;
    pair.check(target)?;
    let database = units.database().clone();
    let (mirror, submirror) = (target.metadevice.body(), units.get(&pair.submirror)?.body());
    let (mirror, submirror) = (mirror.clone(), submirror.clone());
    check_not_soft(&submirror)?;
    mirror.close()?;
    if submirror.close_with_parent().is_err() {
        mirror.reopen();
        let values = [submirror.open_count().saturating_sub(1).into(), 0];
        return Err(Refused::new(EBUSY, Refusal::UnitOpen).with(values));
    }
    target.metadevice.end_upkeep();
    let (new, other) = (pair.submirror.number(), pair.mirror.number());
    if let Err(refused) = database.renumber(&[(&mirror, new), (&submirror, other)]) {
        target.metadevice.resume_upkeep();
        submirror.reopen();
        mirror.reopen();
        return Err(refused);
    }
    let made = make_again(units, &pair, &mirror, &submirror);
    if made.is_err() {
        let name = pair.mirror.as_str();
        pr_err!("{name}: the names are exchanged; 'mdctl stop' and 'mdctl start' show it\n");
    }
    made
}

/// The disks go, and come back with each other's names.
fn make_again(
    units: &mut UnitTable,
    pair: &Pair,
    mirror: &Arc<Body>,
    submirror: &Arc<Body>,
) -> Result<(), Refused> {
    let database = units.database().clone();
    let (upper, lower) = (units.take(&pair.mirror)?, units.take(&pair.submirror)?);
    let kinds = (upper.kind(), lower.kind());
    if let Some(side) = mirror.shape().component(pair.side) {
        side.device.health().expect_gone();
    }
    upper.retire();
    lower.retire();
    submirror.reopen();
    again(units, pair.mirror, kinds.1, submirror)?;
    let name = text(fmt!("{}", pair.submirror.as_str()))?;
    let component = renamed(mirror.shape(), pair.side, units, &pair.mirror, name)?;
    let shape = with_side(mirror.shape(), pair.side, &component)?;
    // No disk leads here.
    database.while_nothing_is_drafted(|_| mirror.reshape(shape))?;
    mirror.reopen();
    again(units, pair.submirror, kinds.0, mirror)?;
    settle(&database, mirror, &pair.submirror);
    settle(&database, submirror, &pair.mirror);
    let metadevice = units.get(&pair.submirror)?;
    let gate = metadevice.close_gate();
    database.while_nothing_is_drafted(|alone| mirror.forget_shapes(&gate, alone));
    drop(gate);
    metadevice.ask_upkeep();
    Ok(())
}
