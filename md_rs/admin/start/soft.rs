// SPDX-License-Identifier: GPL-2.0
//! Soft partitions of a set that is started. Those on one base share it. A change that was cut off
//! is brought to its end before anybody uses what it is about (`svm.md` section 6.4).

use kernel::{
    prelude::*,
    sync::Arc, //
};
use md_model::{
    database::{
        identity::Uuid,
        metadevice::{
            soft::SoftState,
            Record, //
        },
    },
    name::UnitName,
    soft::Base, //
};

use super::{
    child,
    Maker,
    NotMade, //
};
use crate::{
    abi::{
        Refusal,
        UnitKind,
        SOFT_PARENTS, //
    },
    admin::{
        components::Components,
        soft::share_component, //
    },
    body::Body,
    component::Component,
    metadevice::Plan,
    personality::UnitSpec,
    soft::{
        marks::Marks,
        soft,
        Ground, //
    },
    unit_table::UnitTable,
    Refused, //
};

/// Whether something is still to be brought to its end.
pub(super) fn is_pending(body: &Body) -> bool {
    soft(body).is_some_and(|soft| soft.is_pending())
}

impl Maker<'_> {
    /// A soft partition, on the base that others have already or on one that is opened.
    pub(super) fn plan_soft(
        &self,
        units: &UnitTable,
        unfinished: &[Plan],
        name: UnitName,
        record: &Record<'_>,
    ) -> Result<Plan, NotMade> {
        let damaged = Refused::new(EIO, Refusal::DatabaseDamaged);
        let head = record.soft().ok_or(damaged)?;
        let stored = record.components().next().ok_or(damaged)?;
        let made = units.iter().map(|unit| unit.body());
        let mut others = Iterator::chain(made, unfinished.iter().map(Plan::body));
        let sibling =
            others.find(|body| soft(body).is_some_and(|own| own.head().base == head.base));
        let shared = sibling.and_then(|body| body.shape().components().first());
        let component = match (shared, stored.unit) {
            (Some(base), _) => share_component(base, base.path),
            (None, Some(number)) => child(units, &name, number, SOFT_PARENTS)?,
            (None, None) => self.component(units, &name, &stored, None)?,
        };
        component.condition.decide(stored.state);
        component.condition.take_effect();
        if component.device.is_absent() {
            component.condition.note_write_failed();
        }
        let mut extents = KVVec::new();
        for extent in record.extents() {
            extents.push(extent, GFP_KERNEL)?;
        }
        let spec = UnitSpec::Soft {
            head,
            base: Base {
                start: stored.start_sector,
                end: stored.start_sector.saturating_add(stored.size_sectors),
            },
            extents: &extents,
        };
        let kind = UnitKind::SoftPartition as u32;
        let components = only(component)?;
        Ok(Plan::new(name, kind, &spec, components, units.database())?)
    }
}

fn only(component: Component) -> Result<Components, NotMade> {
    let mut components: Components = KVec::with_capacity(1, GFP_KERNEL)?;
    components.push(Arc::new(component, GFP_KERNEL)?, GFP_KERNEL)?;
    Ok(components)
}

/// Brings the changes of these to their end, and makes them. One whose watermarks cannot be written
/// is made, and cannot be opened.
pub(super) fn finish(units: &mut UnitTable, plans: KVec<Plan>) -> Result<(), Refused> {
    let database = units.database().clone();
    let mut done: KVec<Uuid> = KVec::new();
    for plan in &plans {
        let Some(marks) = soft(plan.body()).map(|soft| soft.head().base) else {
            continue;
        };
        if done.contains(&marks) {
            continue;
        }
        done.push(marks, GFP_KERNEL)?;
        let finished = finish_base(units, &plans, marks);
        if let Err(refused) = finished {
            let name = plan.name().as_str();
            pr_err!(
                "{name}: a change that was cut off cannot be brought to its end: {refused:?}: \
                 'metarecover -m' tries again\n"
            );
        }
    }
    let mut settled: KVec<u32> = KVec::new();
    for plan in plans {
        let (number, state) = (plan.body().number(), state_of(plan.body()));
        if state == Some(SoftState::Clearing) && soft(plan.body()).is_some_and(|s| s.wrong() == 0) {
            database.remove_unit(number)?;
            continue;
        }
        if state == Some(SoftState::Okay) {
            settled.push(number, GFP_KERNEL)?;
        }
        let metadevice = plan.carry_out()?;
        units.add(metadevice)?;
    }
    if settled.is_empty() {
        return Ok(());
    }
    database.record(settled.iter().copied())
}

fn state_of(body: &Body) -> Option<SoftState> {
    Some(soft(body)?.head().state)
}

/// Brings the watermarks of a base in line with the records.
fn finish_base(units: &UnitTable, plans: &[Plan], marks: Uuid) -> Result<(), Refused> {
    let made = units.iter().map(|unit| unit.body());
    let bodies = Iterator::chain(made, plans.iter().map(Plan::body));
    let Some(ground) = Ground::of(bodies, marks)? else {
        return Ok(());
    };
    // Until then they are not what they should be.
    ground.softs().for_each(|soft| soft.set_wrong(1));
    if ground.device.is_absent() {
        return Err(Refused::new(ENODEV, Refusal::ComponentNotFound));
    }
    Marks::new(&ground.device, marks)?.finish(&ground)?;
    for soft in ground.softs() {
        soft.set_wrong(0);
        if soft.head().state != SoftState::Clearing {
            soft.set_state(SoftState::Okay);
        }
    }
    Ok(())
}
