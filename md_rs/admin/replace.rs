// SPDX-License-Identifier: GPL-2.0
//! Replacing a component of a side of a mirror, or taking it back into service (`svm.md` section
//! 4.9). The mirror may be in use; the component is then resynced.

use kernel::{
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    }, //
};
use md_model::{
    events::kind::Kind,
    geometry::stripe::{
        row_of_component,
        Component as Place, //
    },
    limits::RESERVED_HEAD_SECTORS,
    mirror::{
        component::State,
        side::SideState, //
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
    create::check_no_mirror,
    grow::{
        check_blocks,
        specs_of, //
    },
    returning::{
        check_return,
        take_back, //
    },
    sides::Target, //
};
use crate::{
    abi::{
        self,
        ComponentState,
        Refusal, //
    },
    body::Shape,
    component::Component,
    condition::Condition,
    database::OnRecord,
    events::Event,
    metadevice::Metadevice,
    personality::UnitSpec,
    spare::Spared,
    unit_table::UnitTable,
    Refused, //
};

/// Every flag of [`abi::Replace`].
const FLAGS: u32 =
    abi::REPLACE_ENABLE | abi::REPLACE_CHECK_ONLY | abi::REPLACE_FORCE | abi::REPLACE_RETURN;

/// A component that is to be replaced.
pub(super) struct Case<'a> {
    pub(super) target: Target<'a>,
    pub(super) side: u32,
    /// The side.
    pub(super) stripe: &'a Metadevice,
    pub(super) index: u32,
    pub(super) old: &'a Arc<Component>,
}

/// Carries out [`abi::IOC_REPLACE`].
pub(super) fn replace(units: &Mutex<UnitTable>, request: &mut abi::Replace) -> Result<(), Refused> {
    check_zero(&[request.flags & !FLAGS])?;
    let name = unit_name(&request.name)?;
    let submirror = unit_name(&request.submirror)?;
    let units = units.lock();
    if request.flags & abi::REPLACE_RETURN != 0 {
        return take_back(&units, &name, &submirror, request);
    }
    if units.get(&name)?.body().raid().is_some() {
        return super::raid::replace(&units, &name, request);
    }
    let case = find(&units, &name, &submirror, request)?;
    case.check(request.flags)?;
    let new = case.open(&units, &submirror, request)?;
    let start_sector = case.start_sector()?;
    let shape = case.shape_with(&new, start_sector)?;
    if request.flags & abi::REPLACE_CHECK_ONLY != 0 {
        return Ok(());
    }
    let (side, old) = (case.stripe.body().number(), case.old.clone());
    let taken = new.clone();
    case.carry_out(&units, &name, new, shape, Lacks::Everything)?;
    let event = Event::of_unit(Kind::Replace, side)
        .device(&old.path)
        .new_device(&taken.path)
        .states(old.condition.state(), State::Resyncing);
    units.database().events().record(&event);
    Ok(())
}

/// What a component lacks that takes a place.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Lacks {
    /// Everything: nobody knows what is on it.
    Everything,
    /// What may have been in its cache when it went.
    WhatIsDirty,
}

/// The condition of what takes a place.
pub(super) fn resyncing() -> Condition {
    let condition = Condition::new();
    condition.decide(State::Resyncing);
    condition.take_effect();
    condition
}

pub(super) fn find<'a>(
    units: &'a UnitTable,
    name: &UnitName,
    submirror: &UnitName,
    request: &abi::Replace,
) -> Result<Case<'a>, Refused> {
    let target = Target::find(units, name)?;
    let side = target.side(submirror)?;
    let stripe = units.get(submirror)?;
    let components = stripe.body().shape().components();
    let old = components.get(request.index as usize);
    let old = old.filter(|component| component.path == request.old);
    Ok(Case {
        target,
        side,
        stripe,
        index: request.index,
        old: old.ok_or(Refused::new(ENXIO, Refusal::NoSuchComponent))?,
    })
}

impl Case<'_> {
    /// Whether it may be replaced now.
    fn check(&self, flags: u32) -> Result<(), Refused> {
        let (kept, side) = (self.target.kept, self.side);
        if self.target.map().side_state(side) == SideState::Offline {
            return Err(Refused::new(EBUSY, Refusal::SideOffline).at(side));
        }
        let state = self.old.condition.state();
        let is_fine = state == State::Okay && !self.old.is_gone() && self.old.stand_in().is_none();
        if flags & abi::REPLACE_ENABLE != 0 && is_fine {
            return Err(Refused::new(EBUSY, Refusal::ComponentInService).at(side));
        }
        if state == State::LastErred {
            let mut others = (0..kept.sides().count()).filter(|other| *other != side);
            let is_erred = |other: &u32| self.target.state_of(*other);
            let erred = others.find(|o| is_erred(o) == Some(ComponentState::Maintenance));
            if let Some(other) = erred.filter(|_| flags & abi::REPLACE_FORCE == 0) {
                return Err(Refused::new(EBUSY, Refusal::ReplaceOthersFirst).at(other));
            }
        }
        self.check_source()?;
        let is_uncertain = self.target.map().has_uncertain();
        if is_uncertain && flags & abi::REPLACE_FORCE == 0 {
            return Err(Refused::new(EBUSY, Refusal::ResyncNeeded).at(side));
        }
        Ok(())
    }

    /// Refused if what nobody else has would be lost. One that is out of service has nothing to
    /// lose: it gets what there is, also from a last copy (`svm.md` section 4.7).
    fn check_source(&self) -> Result<(), Refused> {
        let kept = self.target.kept;
        let has_source = kept.unit.has_source(&kept.sides(), self.side, self.index);
        if has_source || self.old.condition.state() == State::Erred {
            Ok(())
        } else {
            Err(Refused::new(EBUSY, Refusal::NoOtherSource).at(self.side))
        }
    }

    /// The component that takes its place. The device that it has is used as it is, if it is still
    /// there.
    pub(super) fn open(
        &self,
        units: &UnitTable,
        submirror: &UnitName,
        request: &abi::Replace,
    ) -> Result<Arc<Component>, Refused> {
        let is_same = request.flags & abi::REPLACE_ENABLE != 0
            && self.old.child.is_none()
            && !self.old.is_gone()
            && self.old.stand_in().is_none()
            && self.old.device.user_dev() == request.new.dev;
        let spared = self.old.spare().cloned().map(Spared::returns);
        let component = if is_same {
            Component {
                child: None,
                device: self.old.device.clone(),
                identity: self.old.identity,
                condition: resyncing(),
                spared,
                dev: self.old.dev,
                path: self.old.path,
            }
        } else {
            let mut asked = request.new;
            // Where the data begins with the device, there is no room for a label in front of it.
            let start_sector = self.start_sector()?;
            if asked.start_sectors == abi::START_DEFAULT && start_sector < RESERVED_HEAD_SECTORS {
                asked.start_sectors = start_sector;
            }
            let asked = core::slice::from_ref(&asked);
            let place = OnRecord::Component(submirror.number(), self.index);
            let (mut opened, _) =
                open_components(asked, submirror, units, Sharing::Refused, place)?;
            check_no_mirror(&opened)?;
            check_blocks(self.stripe.body().shape().components(), &opened)?;
            let last = opened
                .pop()
                .ok_or(Refused::new(EINVAL, Refusal::NoSuchComponent))?;
            let mut opened = Arc::into_unique_or_drop(last)
                .ok_or(Refused::new(EINVAL, Refusal::NoSuchComponent))?;
            let new = opened.as_mut().get_mut();
            (new.condition, new.spared) = (resyncing(), spared);
            return Ok(opened.into());
        };
        Ok(Arc::new(component, GFP_KERNEL)?)
    }

    /// Where the data begins on the component, or on the one that it stands for as a hot spare.
    pub(super) fn start_sector(&self) -> Result<u64, Refused> {
        match self.old.stand_in() {
            Some((original, _)) => Ok(original.start_sector),
            None => Ok(self.place()?.start_sector),
        }
    }

    /// Where the component lies.
    pub(super) fn place(&self) -> Result<Place, Refused> {
        let stripe = self.stripe.body().shape().unit().striped();
        let stripe = stripe.ok_or(Refused::new(EINVAL, Refusal::NotAStripe))?;
        let place = stripe.components().get(self.index as usize).copied();
        place.ok_or(Refused::new(ENXIO, Refusal::NoSuchComponent))
    }

    /// The side with another component, on which the data begins at a sector. It is laid out as
    /// before.
    pub(super) fn shape_with(
        &self,
        new: &Arc<Component>,
        start_sector: u64,
    ) -> Result<Shape, Refused> {
        let size_sectors = self.place()?.size_sectors;
        let body = self.stripe.body();
        let not_a_stripe = Refused::new(EINVAL, Refusal::NotAStripe);
        let old = body.shape().unit().stripe().ok_or(not_a_stripe)?;
        let (rows, mut specs) = specs_of(old, body.shape().components())?;
        let needed = specs.get_mut(self.index as usize);
        let needed = needed.ok_or(Refused::new(ENXIO, Refusal::NoSuchComponent))?;
        needed.start_sectors = Some(start_sector);
        needed.capacity_sectors = start_sector.saturating_add(size_sectors);
        if new.device.sectors() < needed.capacity_sectors {
            let values = [needed.capacity_sectors, new.device.sectors()];
            return Err(Refused::new(ENOSPC, Refusal::ComponentTooSmall).with(values));
        }
        needed.block_sectors = new.device.logical_block_bytes() >> 9;
        let spec = UnitSpec::Stripe {
            rows: &rows,
            components: &specs,
        };
        let unit = body.personality().assemble(&spec)?;
        let mut components: Components = KVec::new();
        for (index, component) in (0..).zip(body.shape().components()) {
            let component = if index == self.index { new } else { component };
            components.push(component.clone(), GFP_KERNEL)?;
        }
        Ok(Shape::new(unit, components))
    }

    /// Where the mirror lies on the component: its row, as far as the mirror goes.
    fn range(&self) -> (u64, u64) {
        let all = (0, self.target.kept.unit.sectors());
        let stripe = self.stripe.body().shape().unit().striped();
        let row = stripe.and_then(|stripe| row_of_component(stripe.rows(), self.index));
        let Some(row) = row else { return all };
        let left = all.1.saturating_sub(row.start_sector);
        (row.start_sector, row.size_sectors.min(left))
    }

    /// Notes what the new component lacks. No request is under way; but one may have missed the old
    /// one's device just before.
    fn note_lacks(&self, new: &Component, lacks: Lacks) {
        let map = self.target.map();
        if lacks == Lacks::Everything || !self.old.condition.is_okay() {
            let (sector, count) = self.range();
            map.set_behind(self.side, sector, count);
        } else if map.is_all_durable() {
            new.condition.decide(State::Okay);
            new.condition.take_effect();
        } else {
            map.set_dirty_behind(self.side);
        }
    }

    /// Records the side with the new component, and puts it in force (`DURABILITY.md` clause 5).
    /// What the case refers to is gone then.
    pub(super) fn carry_out(
        self,
        units: &UnitTable,
        name: &UnitName,
        new: Arc<Component>,
        shape: Shape,
        lacks: Lacks,
    ) -> Result<(), Refused> {
        let database = units.database().clone();
        let (target, stripe) = (self.target, self.stripe);
        let number = stripe.body().number();
        // Others may have failed as well.
        let index = self.index as usize;
        let indexes = index..index.saturating_add(1);
        let labels = database.label_components(stripe.body(), &shape, indexes)?;
        let mut added: Components = KVec::with_capacity(1, GFP_KERNEL)?;
        added.push(new.clone(), GFP_KERNEL)?;
        let mut removed: Components = KVec::with_capacity(1, GFP_KERNEL)?;
        removed.push(self.old.clone(), GFP_KERNEL)?;
        stripe.link_instead(&removed, &added)?;
        let gate = target.metadevice.close_gate();
        let own_gate = stripe.close_gate();
        // Somebody may have written in the meantime, and missed it, or what others have.
        let checked = match lacks {
            Lacks::WhatIsDirty => check_return(&self),
            Lacks::Everything => self.check_source(),
        };
        if let Err(refused) = checked {
            stripe.link_instead(&added, &removed)?;
            return Err(refused);
        }
        // First that it lacks everything, and then that it is written again.
        self.note_lacks(&new, lacks);
        let mirror = core::iter::once(target.metadevice.body().number());
        let planned = database.record(mirror).and_then(|()| {
            let growth = database.plan_growth(number, &shape)?;
            database.grow_unit(growth, || stripe.swap(shape, &own_gate))
        });
        if let Err(refused) = planned {
            stripe.link_instead(&added, &removed)?;
            return Err(refused);
        }
        labels.keep();
        let target = Target::find(units, name)?;
        target.begin_anew();
        drop(own_gate);
        drop(gate);
        // Not before: devices may take their time, and limits wait for requests.
        let is_spare = |component: &Arc<Component>| component.stand_in().is_some();
        if !Iterator::chain(removed.iter(), &added).any(is_spare) {
            if let Some(old) = removed.pop() {
                database.unlabel_replaced(&old, &added);
            }
        }
        database.relabel_components(target.metadevice.body());
        stripe.narrow()?;
        target.metadevice.narrow()?;
        units.narrow_above(target.metadevice.body())
    }
}
