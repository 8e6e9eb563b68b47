// SPDX-License-Identifier: GPL-2.0
//! Sides of a mirror that come and go, or are taken out of service for a while (`svm.md` section
//! 4.9). The mirror may be in use.

use kernel::{
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    }, //
};
use md_model::{
    events::kind::{
        Kind,
        State, //
    },
    mirror::side::{
        step,
        Event as SideEvent,
        SideState, //
    },
    name::UnitName, //
};

use super::{
    argument::{
        check_zero,
        unit_name, //
    },
    components::{
        open_components,
        Components,
        Sharing, //
    },
    create::sizes_of_sides,
    grow::check_blocks,
    lend::{
        claimed,
        put_side,
        unclaimed, //
    }, //
};
use crate::{
    abi::{
        self,
        ComponentState,
        Refusal, //
    },
    body::{
        Body,
        Shape, //
    },
    component::Component,
    database::{
        Database,
        OnRecord, //
    },
    events::Event,
    kapi::{
        bdev::BlockDevice,
        disk::ClosedGate, //
    },
    metadevice::Metadevice,
    personality::{
        Sides,
        SyncMap,
        Unit, //
    },
    sides::side_body,
    sync::upkeep::Kept,
    unit_table::UnitTable,
    Refused, //
};

/// A mirror that is to be changed.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) metadevice: &'a Metadevice,
    pub(super) kept: Kept<'a>,
}

impl<'a> Target<'a> {
    /// The mirror of a name.
    pub(super) fn find(units: &'a UnitTable, name: &UnitName) -> Result<Self, Refused> {
        let metadevice = units.get(name)?;
        let kept = Kept::of(metadevice.body());
        Ok(Self {
            metadevice,
            kept: kept.ok_or(Refused::new(EINVAL, Refusal::NotAMirror))?,
        })
    }

    /// Which of its sides a metadevice is.
    pub(super) fn side(self, name: &UnitName) -> Result<u32, Refused> {
        let sides = (0..).zip(self.kept.shape.components());
        let mut sides = sides.filter_map(|(index, side)| Some((index, side.child.as_ref()?)));
        let found = sides.find(|(_, child)| child.body().number() == name.number());
        let found = found.map(|(index, _)| index);
        found.ok_or(Refused::new(EINVAL, Refusal::NotASubmirror))
    }

    pub(super) fn map(self) -> &'a SyncMap {
        self.kept.map()
    }

    /// How a side is.
    pub(super) fn state_of(self, side: u32) -> Option<ComponentState> {
        let component = self.kept.shape.component(side)?;
        Some(self.kept.shape.state_of(side, component))
    }

    /// Refuses to do without a side that has something that no other one in service has.
    fn check_other(self, side: u32) -> Result<(), Refused> {
        let mut others = (0..self.kept.sides().count()).filter(|other| *other != side);
        if others.any(|other| self.state_of(other) == Some(ComponentState::Okay)) {
            return Ok(());
        }
        Err(Refused::new(EBUSY, Refusal::NoOtherSource).at(side))
    }

    /// Refuses to take a side out of which nobody knows whether it is the better one.
    fn check_settled(self, side: u32, flags: u32) -> Result<(), Refused> {
        self.check_other(side)?;
        if flags & abi::SIDE_FORCE != 0 {
            return Ok(());
        }
        if self.map().remaining() > 0 {
            return Err(Refused::new(EBUSY, Refusal::ResyncNeeded).at(side));
        }
        match self.state_of(side) {
            Some(ComponentState::Maintenance) => {
                Err(Refused::new(EBUSY, Refusal::SubmirrorErred).at(side))
            }
            _ => Ok(()),
        }
    }

    /// The sides are not what they were: what there is to copy is looked for from the beginning. No
    /// errand is under way.
    pub(super) fn begin_anew(self) {
        let body = self.metadevice.body();
        if let Some(mirror) = body.shape().unit().mirrored() {
            mirror.note_sides(&Sides::of(body.shape()));
        }
        self.kept.upkeep.begin_resync(self.map());
        self.kept.upkeep.places.lock().forget();
    }

    /// What the metadevice is called that a side is.
    fn name_of(self, side: u32) -> Result<UnitName, Refused> {
        let number = side_body(self.kept.shape, side).map(Body::number);
        let name = number.and_then(|number| UnitName::from_number(number).ok());
        name.ok_or(Refused::new(EINVAL, Refusal::NotASubmirror))
    }

    /// Tells what has become of a side.
    fn tell(self, kind: Kind, database: &Database, side: u32) {
        if let Some(component) = self.kept.shape.component(side) {
            tell(kind, database, self.metadevice.name(), component);
        }
    }

    /// Has the state of a side recorded, which is in force already; if that is refused the side is
    /// again as it was.
    fn record_state(self, side: u32, before: SideState) -> Result<(), Refused> {
        let body = self.metadevice.body();
        let recorded = body.database().record(core::iter::once(body.number()));
        if recorded.is_err() {
            self.map().set_side_state(side, before);
        }
        recorded
    }
}

/// Carries out [`abi::IOC_ATTACH`].
pub(super) fn attach(units: &Mutex<UnitTable>, request: &mut abi::Attach) -> Result<(), Refused> {
    check_zero(&[request.flags & !abi::CREATE_CHECK_ONLY, request.reserved])?;
    let name = unit_name(&request.name)?;
    let units = units.lock();
    let target = Target::find(&units, &name)?;
    let (shape, kept) = (target.kept.shape, target.kept);
    if kept.sides().count() >= abi::SUBMIRRORS_MAX {
        let values = [abi::SUBMIRRORS_MAX.into(), 0];
        return Err(Refused::new(ENOSPC, Refusal::TooManySubmirrors).with(values));
    }
    let asked = core::slice::from_ref(&request.submirror);
    let (added, _) = open_components(asked, &name, &units, Sharing::Refused, OnRecord::Nothing)?;
    check_fits(shape, &added)?;
    if request.flags & abi::CREATE_CHECK_ONLY != 0 {
        return Ok(());
    }
    let all = Iterator::chain(shape.components().iter(), &added);
    let new = shape_of(shape, all)?;
    let database = units.database().clone();
    let attached = shape.components().len()..usize::MAX;
    let labels = database.label_components(target.metadevice.body(), &new, attached)?;
    target.metadevice.link(&added)?;
    let gate = target.metadevice.close_gate();
    target.map().add_side();
    let growth = database.plan_growth(name.number(), &new);
    let done =
        growth.and_then(|growth| database.grow_unit(growth, || target.metadevice.swap(new, &gate)));
    if let Err(refused) = done {
        target
            .map()
            .remove_side(kept_count(target).saturating_sub(1));
        target.metadevice.unlink(&added);
        return Err(refused);
    }
    labels.keep();
    finish(&units, &name, gate)?;
    for side in &added {
        tell(Kind::Attach, &database, &name, side);
    }
    Ok(())
}

/// Tells what has become of a side of a mirror.
fn tell(kind: Kind, database: &Database, mirror: &UnitName, side: &Component) {
    let side = side.child.as_ref().map(|child| child.body().number());
    let side = side.and_then(|side| UnitName::from_number(side).ok());
    let side = side.as_ref().map_or("", UnitName::as_str);
    let event = Event::of_unit(kind, mirror.number()).device(side.as_bytes());
    database.events().record(&match kind {
        Kind::Offline => event.states(State::Okay, State::Offline),
        Kind::Online => event.states(State::Offline, State::Resyncing),
        Kind::Attach => event.state(State::Resyncing),
        _ => event,
    });
}

/// How many sides the map knows.
fn kept_count(target: Target<'_>) -> u32 {
    target.map().side_count()
}

/// What is left to do once a mirror has other sides; then requests go on.
fn finish(units: &UnitTable, name: &UnitName, gate: ClosedGate<'_>) -> Result<(), Refused> {
    let target = Target::find(units, name)?;
    target.begin_anew();
    // Not before: it waits for requests that wait for the gate.
    drop(gate);
    target.metadevice.narrow()?;
    units.narrow_above(target.metadevice.body())
}

/// Whether a submirror may be one of the mirror: large enough, and with no larger logical block
/// than who uses the mirror relies on.
fn check_fits(shape: &Shape, added: &Components) -> Result<(), Refused> {
    let sizes = sizes_of_sides(added)?;
    let needed = shape.unit().sectors();
    for (index, size) in (0..).zip(&sizes) {
        if *size < needed {
            let values = [needed, *size];
            return Err(Refused::new(ENOSPC, Refusal::ComponentTooSmall)
                .at(index)
                .with(values));
        }
    }
    check_blocks(shape.components(), added)
}

/// The mirror with these sides.
pub(super) fn shape_of<'a>(
    before: &Shape,
    sides: impl Iterator<Item = &'a Arc<Component>>,
) -> Result<Shape, Refused> {
    let Unit::Mirrored(unit) = before.unit() else {
        return Err(Refused::new(EINVAL, Refusal::NotAMirror));
    };
    let mut components: Components = KVec::new();
    for side in sides {
        components.push(side.clone(), GFP_KERNEL)?;
    }
    let shape = Shape::new(Unit::Mirrored(unit.clone()), components);
    shape.check()?;
    Ok(shape)
}

/// Carries out [`abi::IOC_CHANGE_SIDE`].
pub(super) fn change(
    units: &Mutex<UnitTable>,
    request: &mut abi::ChangeSide,
) -> Result<(), Refused> {
    let known = if request.action == abi::SIDE_ONLINE {
        0
    } else {
        abi::SIDE_FORCE
    };
    check_zero(&[request.flags & !known])?;
    let name = unit_name(&request.name)?;
    let submirror = unit_name(&request.submirror)?;
    let units = units.lock();
    let target = Target::find(&units, &name)?;
    let side = target.side(&submirror)?;
    match request.action {
        abi::SIDE_DETACH => detach(&units, target, side, request.flags),
        abi::SIDE_OFFLINE => offline(&units, target, side, request.flags),
        abi::SIDE_ONLINE => online(&units, target, side),
        _ => Err(Refused::new(EINVAL, Refusal::ReservedNotZero)),
    }
}

/// The side is a consistent image of this moment: no request is under way.
fn detach(units: &UnitTable, target: Target<'_>, side: u32, flags: u32) -> Result<(), Refused> {
    target.check_settled(side, flags)?;
    let (shape, name) = (target.kept.shape, *target.metadevice.name());
    let is_other = |(index, _): &(u32, &Arc<Component>)| *index != side;
    let others = (0..).zip(shape.components()).filter(is_other);
    let new = shape_of(shape, others.map(|(_, component)| component))?;
    let mut gone: Components = KVec::new();
    if let Some(component) = shape.components().get(side as usize) {
        gone.push(component.clone(), GFP_KERNEL)?;
    }
    let database = units.database().clone();
    let gate = target.metadevice.close_gate();
    // Another side may have failed while requests ended.
    target.check_settled(side, flags)?;
    let growth = database.plan_loss(name.number(), &new, Some(side))?;
    database.grow_unit(growth, || {
        target.metadevice.swap(new, &gate)?;
        target.map().remove_side(side);
        target.kept.upkeep.scrub.lock().remove_side(side);
        Ok(())
    })?;
    let target = Target::find(units, &name)?;
    target.begin_anew();
    drop(gate);
    target.metadevice.unlink(&gone);
    release(units, &gone);
    for side in &gone {
        tell(Kind::Detach, &database, &name, side);
    }
    Ok(())
}

/// Sides that were detached are metadevices by themselves: their components are as good as they
/// are (`svm.md` section 4.9).
fn release(units: &UnitTable, gone: &Components) {
    for component in gone {
        let Some(child) = &component.child else {
            continue;
        };
        let body = child.body();
        for part in body.shape().components() {
            part.condition.forget();
        }
        let number = core::iter::once(body.number());
        if let Err(refused) = units.database().record(number) {
            pr_warn!("d{}: {refused:?}\n", body.number());
        }
        if component.device.is_shared() {
            // It was offline.
            let name = UnitName::from_number(body.number()).ok();
            if let Some(metadevice) = name.and_then(|name| units.get(&name).ok()) {
                metadevice.make_writable();
            }
        }
        units.database().relabel_components(body);
    }
}

/// The side may be used by others from now on, to read. It is a consistent image of this moment.
fn offline(units: &UnitTable, target: Target<'_>, side: u32, flags: u32) -> Result<(), Refused> {
    let before = target.map().side_state(side);
    let already = Refused::new(EBUSY, Refusal::SideOffline).at(side);
    step(before, SideEvent::Offlined).ok_or(already)?;
    target.check_settled(side, flags)?;
    let (name, disk) = (*target.metadevice.name(), unclaimed(target, side)?);
    let gate = target.metadevice.close_gate();
    if target.kept.flush_sides() != 0 {
        return Err(Refused::new(EIO, Refusal::SubmirrorErred).at(side));
    }
    // Another side may have failed while requests ended.
    target.check_settled(side, flags)?;
    let before = target.map().side_state(side);
    target.map().track();
    target.map().step_side(side, SideEvent::Offlined);
    target.record_state(side, before)?;
    let lent = lend(units, target, side, disk, &gate);
    // The side is another component now.
    let target = Target::find(units, &name)?;
    target.begin_anew();
    target.tell(Kind::Offline, units.database(), side);
    drop(gate);
    if let Err(refused) = lent {
        let name = name.as_str();
        pr_warn!("{name}: the submirror is offline, but nobody else can use it: {refused:?}\n");
    }
    Ok(())
}

/// Gives up the claim on a side that is offline. What was read of its disk before may be old:
/// writes to the mirror have not come that way.
fn lend(
    units: &UnitTable,
    target: Target<'_>,
    side: u32,
    disk: BlockDevice,
    gate: &ClosedGate<'_>,
) -> Result<(), Refused> {
    let name = target.name_of(side)?;
    let metadevice = units.get(&name)?;
    metadevice.make_read_only();
    disk.forget_what_was_read();
    put_side(target, side, disk, gate)
}

fn online(units: &UnitTable, target: Target<'_>, side: u32) -> Result<(), Refused> {
    let before = target.map().side_state(side);
    let not_away = Refused::new(EBUSY, Refusal::SideNotOffline).at(side);
    step(before, SideEvent::Onlined).ok_or(not_away)?;
    let (name, own) = (*target.metadevice.name(), target.name_of(side)?);
    let disk = claimed(target, side)?;
    let gate = target.metadevice.close_gate();
    put_side(target, side, disk, &gate)?;
    let target = Target::find(units, &name)?;
    target.map().step_side(side, SideEvent::Onlined);
    if let Err(refused) = target.record_state(side, before) {
        put_side(target, side, unclaimed(target, side)?, &gate)?;
        return Err(refused);
    }
    units.get(&own)?.make_writable();
    target.begin_anew();
    target.tell(Kind::Online, units.database(), side);
    drop(gate);
    Ok(())
}

/// The submirrors of a mirror that goes: those that are offline can be written again.
pub(super) fn offline_sides(body: &Body) -> KVec<UnitName> {
    let mut names = KVec::new();
    let Some(kept) = Kept::of(body) else {
        return names;
    };
    for side in 0..kept.sides().count() {
        let name = side_body(kept.shape, side).map(Body::number);
        let name = name.and_then(|number| UnitName::from_number(number).ok());
        let is_offline = kept.map().side_state(side) == SideState::Offline;
        if let Some(name) = name.filter(|_| is_offline) {
            // Without memory it stays read-only until the set is started again.
            let _ = names.push(name, GFP_KERNEL);
        }
    }
    names
}
