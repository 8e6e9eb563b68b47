// SPDX-License-Identifier: GPL-2.0
//! A mirror becomes as large as its smallest submirror, while it is in use (`svm.md` section 4.9).
//! Its submirrors have grown before, one by one.
//!
//! What is new is not the same on all of them. The first one that has all of it in service is what
//! the others are made equal to: their components there are resynced, while those that have only
//! what the mirror had before stay what they are, so that the mirror is as safe as it was.
//!
//! First is recorded which components are to be resynced, which means nothing as long as nothing is
//! to be copied to them; then, in one commit, the size of the mirror and where its sides are
//! behind; and then it is shown.

use core::ops::Range;

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
    components::Components,
    create::sizes_of_sides,
    sides::Target, //
};
use crate::{
    abi::{
        self,
        Refusal, //
    },
    body::Shape,
    component::Component,
    events::Event,
    personality::{
        Mirrored,
        Sides,
        Unit,
        UnitSpec, //
    },
    unit_table::UnitTable,
    Refused, //
};

/// Every flag of [`abi::GrowMirror`].
const FLAGS: u32 = abi::CREATE_CHECK_ONLY | abi::CREATE_ASSUME_CLEAN;

/// Carries out [`abi::IOC_GROW_MIRROR`].
pub(super) fn grow_mirror(
    units: &Mutex<UnitTable>,
    request: &mut abi::GrowMirror,
) -> Result<(), Refused> {
    check_zero(&[request.flags & !FLAGS, request.reserved])?;
    check_zero(&[request.size_sectors])?;
    let name = unit_name(&request.name)?;
    let units = units.lock();
    let target = Target::find(&units, &name)?;
    let growth = Growth::of(target)?;
    request.size_sectors = growth.new.end;
    if request.flags & abi::CREATE_CHECK_ONLY != 0 {
        return Ok(());
    }
    growth.carry_out(&units, &name, request.flags & abi::CREATE_ASSUME_CLEAN != 0)
}

/// A mirror that can grow.
struct Growth<'a> {
    target: Target<'a>,
    /// Sizes of its submirrors, in sectors.
    sizes: KVec<u64>,
    /// Sectors that it does not have yet.
    new: Range<u64>,
    /// The side from which the others get what is new.
    source: u32,
}

impl<'a> Growth<'a> {
    /// Refused unless every submirror is larger than the mirror, and nothing has to be resynced.
    fn of(target: Target<'a>) -> Result<Self, Refused> {
        let kept = target.kept;
        let sizes = sizes_of_sides(kept.shape.components())?;
        let old = kept.unit.sectors();
        let smallest = (0..).zip(&sizes).min_by_key(|(_, size)| **size);
        let (side, size) = smallest.ok_or(Refused::new(EINVAL, Refusal::NotAMirror))?;
        if *size <= old {
            let refused = Refused::new(EINVAL, Refusal::NotLarger);
            return Err(refused.at(side).with([old, *size]));
        }
        check_settled(target)?;
        // A region in which the others are behind is read from the source, also what was there
        // before.
        let regions = kept.map().regions().grown(*size);
        let from_source = regions.start_of(regions.region_of(old))..*size;
        let source = source(&kept.sides(), &from_source);
        Ok(Self {
            target,
            new: old..*size,
            source: source.ok_or(Refused::new(EBUSY, Refusal::SubmirrorErred))?,
            sizes,
        })
    }

    /// The mirror as it is to be, which remembers nothing yet.
    fn larger(&self) -> Result<Arc<dyn Mirrored>, Refused> {
        let kept = self.target.kept;
        let spec = UnitSpec::Mirror {
            sides: &self.sizes,
            options: kept.unit.options(),
            region_shift: kept.map().regions().grown(self.new.end).shift(),
        };
        match kept.body.personality().assemble(&spec)? {
            Unit::Mirrored(larger) => Ok(larger),
            Unit::Striped(_) | Unit::Soft(_) | Unit::Raid(_) => {
                Err(Refused::new(EINVAL, Refusal::NotAMirror))
            }
        }
    }

    fn carry_out(self, units: &UnitTable, name: &UnitName, is_equal: bool) -> Result<(), Refused> {
        let (target, database) = (self.target, units.database().clone());
        let (shape, sides) = (target.kept.shape, target.kept.sides());
        let larger = self.larger()?;
        let mut components: Components = KVec::new();
        for side in shape.components() {
            components.push(side.clone(), GFP_KERNEL)?;
        }
        let new_shape = Shape::new(Unit::Mirrored(larger.clone()), components);
        let gate = target.metadevice.close_gate();
        // The source may have failed while requests ended.
        let this = Self::of(target)?;
        larger.go_on_from(target.kept.unit);
        let resynced = this.others(&sides, is_equal);
        resynced.for_each(|(_, component)| decide(component, State::Okay, State::Resyncing));
        for (side, _) in this.others(&sides, is_equal) {
            larger.map().set_behind(side, this.new.start, this.length());
        }
        let grown = record(&sides).and_then(|()| {
            let growth = database.plan_growth(name.number(), &new_shape)?;
            database.grow_unit(growth, || {
                sides.take_effect();
                target.metadevice.swap(new_shape, &gate)
            })
        });
        if let Err(refused) = grown {
            let resynced = this.others(&sides, is_equal);
            resynced.for_each(|(_, component)| decide(component, State::Resyncing, State::Okay));
            sides.take_effect();
            // What stays in the record has nothing to be copied to it.
            let _ = record(&sides);
            return Err(refused);
        }
        let target = Target::find(units, name)?;
        let event = Event::of_unit(Kind::Grow, name.number());
        let event = event.values([this.new.start, this.new.end]);
        database.events().record(&event);
        target.begin_anew();
        // Not before: it waits for requests that wait for the gate.
        drop(gate);
        // From here on everybody sees the new size.
        target.metadevice.narrow()?;
        database.relabel_components(target.metadevice.body());
        units.narrow_above(target.metadevice.body())
    }

    /// Components that are to be made equal to the source, with their sides; none if they are.
    fn others<'s>(
        &self,
        sides: &'s Sides<'s>,
        is_equal: bool,
    ) -> impl Iterator<Item = (u32, &'s Component)> {
        let (source, new) = (self.source, self.new.clone());
        let others = (0..sides.count()).filter(move |side| !is_equal && *side != source);
        others.flat_map(move |side| {
            let components = sides.components_within(side, new.clone());
            components.map(move |component| (side, component))
        })
    }

    fn length(&self) -> u64 {
        self.new.end.saturating_sub(self.new.start)
    }
}

/// Refuses a mirror that has to be resynced, or may have to be.
fn check_settled(target: Target<'_>) -> Result<(), Refused> {
    let map = target.map();
    if map.is_frozen() {
        return Err(Refused::new(EROFS, Refusal::SetIsStopped));
    }
    for side in 0..target.kept.sides().count() {
        if map.side_state(side) == SideState::Offline {
            return Err(Refused::new(EBUSY, Refusal::SideOffline).at(side));
        }
    }
    if map.remaining() > 0 || map.is_unfinished() {
        return Err(Refused::new(EBUSY, Refusal::ResyncNeeded));
    }
    Ok(())
}

/// The first side all of which is in service where the others will be behind. `None` also if a
/// component there has the last copy of something: it is read, and so cannot be behind.
fn source(sides: &Sides<'_>, sectors: &Range<u64>) -> Option<u32> {
    let mut found = None;
    for side in 0..sides.count() {
        let mut is_whole = true;
        for component in sides.components_within(side, sectors.clone()) {
            match component.condition.state() {
                State::LastErred => return None,
                State::Okay => is_whole &= !component.is_gone(),
                State::Erred | State::Resyncing => is_whole = false,
            }
        }
        if is_whole && found.is_none() {
            found = Some(side);
        }
    }
    found
}

/// A component that is in one state is to be in another one.
fn decide(component: &Component, from: State, to: State) {
    if component.condition.decided() == from {
        component.condition.decide(to);
    }
}

/// Has the decided states of all components recorded.
fn record(sides: &Sides<'_>) -> Result<(), Refused> {
    if sides.record() {
        return Ok(());
    }
    Err(Refused::new(EROFS, Refusal::SetIsStopped))
}
