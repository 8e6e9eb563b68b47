// SPDX-License-Identifier: GPL-2.0
//! A hot spare takes the place of a component that has failed, and goes back when that was replaced
//! (`svm.md` sections 4.7, 5.10 and 7). The kernel does it by itself, in a worker of its own: error
//! work never waits for it, and it waits for no daemon (`DURABILITY.md` clause 22).
//!
//! It is asked to look whenever a state has changed, a resync has ended, or a pool was changed. It
//! looks at everything, since none of that happens often. What it does with a component is what
//! `metareplace` does: what the component lacks is recorded, then the side with the spare, and only
//! then the spare is written to (`DURABILITY.md` clause 5). Until then writes go on without it.

mod place;

use kernel::{
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    }, //
};
use md_model::{
    events::kind::Kind,
    mirror::component::State as Condition,
    name::UnitName,
    spare::{
        choose::{
            choose,
            Need,
            START_SECTOR, //
        },
        state::{
            Event,
            State, //
        }, //
    }, //
};

use self::place::Place;
use super::{
    pools::block_bytes,
    replace::resyncing,
    sides::Target,
    sync::give_turns, //
};
use crate::{
    abi::Refusal,
    body::Body,
    component::Component,
    database::Database,
    events::Event as Told,
    kapi::worker::Run,
    refused::text,
    spare::{
        Original,
        Spare,
        Spared, //
    },
    unit_table::UnitTable,
    Refused, //
};

/// Who looks after spares.
pub(crate) struct Takeover {
    units: Arc<Mutex<UnitTable>>,
}

impl Takeover {
    /// Of these metadevices.
    pub(super) fn new(units: Arc<Mutex<UnitTable>>) -> Self {
        Self { units }
    }
}

impl Run for Takeover {
    /// The lock of the unit table.
    const IS_OUTERMOST: bool = true;

    fn run(&self) {
        let units = self.units.lock();
        give_turns(&units);
        if !units.database().is_loaded() {
            return;
        }
        let mut done = KVec::new();
        while let Some(spot) = next_return(&units, &done) {
            give_back(&units, &spot);
            if done.push(spot, GFP_KERNEL).is_err() {
                return;
            }
        }
        done.clear();
        while let Some(spot) = next_need(&units, &done) {
            if let Err(refused) = serve(&units, &spot) {
                let name = spot.side.as_str();
                pr_warn!("{name}: no hot spare could take over: {refused:?}\n");
            }
            if done.push(spot, GFP_KERNEL).is_err() {
                return;
            }
        }
    }
}

/// A component. Only names and numbers: what one looked at is another one when its side has
/// changed.
#[derive(Clone, Copy, PartialEq)]
struct Spot {
    /// The mirror; of a stripe that is not a side, the stripe, and of RAID5 that.
    mirror: UnitName,
    side: UnitName,
    index: u32,
}

/// A component whose spare is to go back, but for those that are done.
fn next_return(units: &UnitTable, done: &[Spot]) -> Option<Spot> {
    units.iter().find_map(|unit| {
        let components = (0..).zip(unit.body().shape().components());
        let mut returning = components.filter(|(_, component)| {
            let returns = matches!(component.spared, Some(Spared::Returns(..)));
            let is_synced = component.condition.state() != Condition::Resyncing;
            returns && component.spare().is_some() && is_synced
        });
        returning.find_map(|(index, _)| {
            let spot = Spot {
                mirror: *unit.name(),
                side: *unit.name(),
                index,
            };
            (!done.contains(&spot)).then_some(spot)
        })
    })
}

/// A spare goes back to its pools: first it is recorded that nothing has it any more.
fn give_back(units: &UnitTable, spot: &Spot) {
    let Ok(unit) = units.get(&spot.side) else {
        return;
    };
    let (database, body) = (units.database(), unit.body());
    let Some(component) = body.shape().components().get(spot.index as usize) else {
        return;
    };
    let (Some(spared), Some(spare)) = (&component.spared, component.spare().cloned()) else {
        return;
    };
    spared.set_over(true);
    if database.record(core::iter::once(body.number())).is_err() {
        spared.set_over(false);
        return;
    }
    let _ = spare.step(Event::Released);
    settle_returned(database, &spare);
    tell_freed(body, &spare);
}

/// Tells that a spare is available again, unless it is broken.
fn tell_freed(body: &Body, spare: &Spare) {
    if spare.state() == State::Available {
        let path = spare.device.health().path().to_bytes();
        let event = Told::of_unit(Kind::HotspareFreed, body.number()).device(path);
        let event = event.states(State::InUse, State::Available);
        body.events().record(&event);
    }
}

/// A spare is a component of nothing any more, and its label says so.
fn settle_returned(database: &Database, spare: &Spare) {
    if spare.device.health().is_gone() {
        return;
    }
    if let Ok(unit) = text(fmt!("hot spare")) {
        let _ = spare.device.health().adopt(unit);
    }
    if database.label_spare(spare).is_err() {
        let path = spare.device.health().path();
        pr_warn!("{path}: the label of the hot spare is not up to date\n");
    }
}

/// A metadevice is gone: its spares are available again.
pub(super) fn release_all(body: &Body) {
    for component in body.shape().components() {
        if let Some(spare) = component.spare() {
            let _ = spare.step(Event::Released);
            tell_freed(body, spare);
        }
    }
}

/// A component that needs a spare, and whose side or RAID5 metadevice has a pool; but for those
/// that are done.
fn next_need(units: &UnitTable, done: &[Spot]) -> Option<Spot> {
    units.iter().find_map(|unit| {
        let spot = |side: &Body, index| {
            let spot = Spot {
                mirror: *unit.name(),
                side: UnitName::from_number(side.number()).ok()?,
                index,
            };
            (!done.contains(&spot)).then_some(spot)
        };
        if unit.body().raid().is_some() {
            return erred(unit.body()).find_map(|index| spot(unit.body(), index));
        }
        let target = Target::find(units, unit.name()).ok()?;
        let sides = target.kept.shape.components().iter();
        let mut bodies = sides.filter_map(|side| Some(side.child.as_ref()?.body()));
        bodies.find_map(|body| erred(body).find_map(|index| spot(body, index)))
    })
}

/// The components of a metadevice with a pool that are out of service.
fn erred(body: &Body) -> impl Iterator<Item = u32> + '_ {
    let components = (0..).zip(body.shape().components());
    let has_pool = body.pool().is_some();
    let erred = components.filter(move |(_, component)| {
        has_pool && component.condition.state() == Condition::Erred && component.child.is_none()
    });
    erred.map(|(index, _)| index)
}

/// Gives a component the first spare of its pool that fits and works, if there is one.
fn serve(units: &UnitTable, spot: &Spot) -> Result<(), Refused> {
    let database = units.database().clone();
    let place = Place::find(units, spot)?;
    if !place.may_be_served() {
        return Ok(());
    }
    // A spare that has failed itself is broken, also if there is no other one.
    if let Some((_, spare)) = place.old().stand_in() {
        break_spare(&database, spare)?;
    }
    let pool = place.body().pool();
    let Some(pool) = pool.and_then(|pool| database.pool(pool)) else {
        return Ok(());
    };
    loop {
        let place = Place::find(units, spot)?;
        let need = Need {
            size_sectors: place.size_sectors()?,
            block_bytes: block_bytes(place.body().shape()),
        };
        let chosen = choose(&need, pool.spares.iter().map(|spare| spare.offer()));
        let Some(spare) = chosen.and_then(|index| pool.spares.get(index)) else {
            return Ok(());
        };
        if !spare.step(Event::Taken) {
            return Ok(());
        }
        if works(&database, spare) {
            let taken = take_over(units, spot, place, spare);
            // It may have it although something failed afterwards.
            if taken.is_err() && !has(units, spot, spare) {
                let _ = spare.step(Event::Released);
            }
            return taken;
        }
        break_spare(&database, spare)?;
    }
}

/// Whether a component has a spare now.
fn has(units: &UnitTable, spot: &Spot, spare: &Arc<Spare>) -> bool {
    let unit = units.get(&spot.side).ok();
    let components = unit.map(|unit| unit.body().shape().components());
    let component = components.and_then(|components| components.get(spot.index as usize));
    let own = component.and_then(|component| component.spare());
    own.is_some_and(|own| Arc::ptr_eq(own, spare))
}

/// Whether a spare does what a disk does: its label is written, and its first block of data read.
fn works(database: &Database, spare: &Spare) -> bool {
    let is_written = database.label_spare(spare).is_ok();
    is_written && spare.device.probe(START_SECTOR).is_ok()
}

/// A spare has failed: it is not given out any more.
fn break_spare(database: &Database, spare: &Arc<Spare>) -> Result<(), Refused> {
    if spare.state() == State::Broken {
        return Ok(());
    }
    let before = spare.state();
    let _ = spare.step(Event::Failed);
    let path = spare.device.health().path().to_bytes();
    let event = Told::of_set(Kind::HotspareChanged).device(path);
    let event = event.states(before, State::Broken);
    database.events().record(&event);
    database.record_spare(spare)
}

/// The spare takes the component's place.
fn take_over(
    units: &UnitTable,
    spot: &Spot,
    place: Place<'_>,
    spare: &Arc<Spare>,
) -> Result<(), Refused> {
    // What the place refers to is gone when its side has changed.
    let old: Arc<Component> = place.old().clone();
    let original = match old.stand_in() {
        Some((original, _)) => original,
        None => Original {
            identity: old.identity,
            start_sector: place.start_sector()?,
        },
    };
    let unit = text(fmt!("{}", spot.side.as_str()))?;
    let adopted = spare.device.health().adopt(unit);
    adopted.map_err(|error| Refused::new(error, Refusal::NoMemory))?;
    let new = Component {
        child: None,
        device: spare.device.clone(),
        identity: spare.identity,
        condition: resyncing(),
        spared: Some(Spared::StandsFor(original, spare.clone())),
        dev: spare.dev,
        path: old.path,
    };
    let new = Arc::new(new, GFP_KERNEL)?;
    place.carry_out(units, &spot.mirror, new)?;
    let event = Told::of_unit(Kind::Hotspared, spot.side.number())
        .device(old.device.health().path().to_bytes())
        .new_device(spare.device.health().path().to_bytes())
        .states(old.condition.state(), Condition::Resyncing);
    units.database().events().record(&event);
    // The one that it replaces, if it was a spare itself, or had taken the place of one.
    if let Some(before) = old.spare() {
        let _ = before.step(Event::Released);
        settle_returned(units.database(), before);
    }
    Ok(())
}
