// SPDX-License-Identifier: GPL-2.0
//! Making a metadevice: the request is checked, its devices are opened and claimed, its personality
//! lays it out, and its disk appears. Whatever fails on the way, everything is given back.

use kernel::{
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    }, //
};
use md_model::{
    events::kind::Kind,
    mirror::side::Event as SideEvent,
    name::UnitName, //
};

use super::{
    argument::{
        check_zero,
        unit_name, //
    },
    components::{
        check_count,
        open_components,
        read_components,
        read_rows,
        Sharing, //
    },
    options,
    pools,
    raid::plan_raid, //
};
use crate::{
    abi::{
        self,
        Refusal,
        UnitKind, //
    },
    body::{
        Body,
        Shape, //
    },
    component::Component,
    database::OnRecord,
    events::Event,
    metadevice::Plan,
    personality::UnitSpec,
    raid::begin_logs,
    sides::Sides,
    unit_table::UnitTable,
    Refused, //
};

/// Every flag of [`abi::Create`].
const FLAGS: u32 = abi::CREATE_CHECK_ONLY
    | abi::CREATE_IN_USE
    | abi::CREATE_ASSUME_CLEAN
    | abi::CREATE_SVM_ROTATION
    | abi::CREATE_UNLOGGED;

/// Those that only a RAID5 metadevice has.
const RAID_FLAGS: u32 = abi::CREATE_SVM_ROTATION | abi::CREATE_UNLOGGED;

/// Carries out [`abi::IOC_CREATE`].
pub(super) fn create(units: &Mutex<UnitTable>, request: &mut abi::Create) -> Result<(), Refused> {
    check_zero(&[request.size_sectors])?;
    check_zero(&[request.flags & !FLAGS])?;
    check_zero(&request.reserved)?;
    let name = unit_name(&request.name)?;
    let mut units = units.lock();
    units.database().check_unrecorded(name.number())?;
    let plan = if request.kind == UnitKind::Mirror as u32 {
        plan_mirror(&units, name, request)?
    } else if request.kind == UnitKind::Raid as u32 {
        plan_raid(&units, name, request)?
    } else if request.kind == UnitKind::SoftPartition as u32 {
        return Err(Refused::new(EINVAL, Refusal::NotAStripe));
    } else {
        plan_stripe(&units, name, request)?
    };
    if let Some(pool) = request.pool.checked_sub(1) {
        pools::check_users_pool(units.database(), pool, plan.body())?;
        plan.body().set_pool(Some(pool));
    }
    request.size_sectors = plan.sectors();
    if request.flags & abi::CREATE_CHECK_ONLY != 0 {
        return Ok(());
    }
    let (body, database) = (plan.body().clone(), units.database().clone());
    let labels = database.label_components(&body, body.shape(), 0..usize::MAX)?;
    show(&mut units, plan, &body, request.flags)?;
    labels.keep();
    let event = Event::of_unit(Kind::Create, name.number());
    body.events().record(&event);
    units.get(&name)?.ask_upkeep();
    Ok(())
}

/// Makes the disk of a new metadevice, and records it.
fn show(units: &mut UnitTable, plan: Plan, body: &Arc<Body>, flags: u32) -> Result<(), Refused> {
    if let Some(mirror) = body.shape().unit().mirrored() {
        if units.database().is_loaded() {
            mirror.map().track();
        }
    }
    if flags & abi::CREATE_ASSUME_CLEAN == 0 {
        follow_first(body.shape());
    }
    begin_logs(body)?;
    let metadevice = plan.carry_out()?;
    let place = UnitTable::place()?;
    // Nobody has it open before it is recorded: the disk is new, and its name not yet told.
    units.database().add_unit(body.number(), body)?;
    units.fill(place, metadevice);
    Ok(())
}

/// The sides of a new mirror are to become what the first one is.
fn follow_first(shape: &Shape) {
    let Some(mirror) = shape.unit().mirrored() else {
        return;
    };
    let sides = Sides::of(shape);
    for side in 1..sides.count() {
        mirror.map().step_side(side, SideEvent::Attached);
    }
    mirror.map().begin_resync();
    mirror.note_sides(&sides);
}

/// A stripe or concat, or a kind that there is not.
fn plan_stripe(units: &UnitTable, name: UnitName, request: &abi::Create) -> Result<Plan, Refused> {
    options::check_none(&request.mirror)?;
    check_zero(&[request.flags & (abi::CREATE_ASSUME_CLEAN | RAID_FLAGS)])?;
    check_count(request.row_count, abi::ROWS_MAX, Refusal::BadRowCount)?;
    let most = abi::COMPONENTS_MAX;
    check_count(request.component_count, most, Refusal::BadComponentCount)?;
    let rows = read_rows(request.rows, request.row_count)?;
    let asked = read_components(request.components, request.component_count)?;
    units.check_vacant(&name)?;
    let sharing = match request.flags & abi::CREATE_IN_USE {
        0 => Sharing::Refused,
        _ => Sharing::UntilStarted,
    };
    let (components, specs) = open_components(&asked, &name, units, sharing, OnRecord::Nothing)?;
    check_no_mirror(&components)?;
    let spec = UnitSpec::Stripe {
        rows: &rows,
        components: &specs,
    };
    Plan::new(name, request.kind, &spec, components, units.database())
}

/// A mirror only stands at the top, or below soft partitions that do: what is below another
/// metadevice has one place for each block.
pub(super) fn check_no_mirror(components: &[Arc<Component>]) -> Result<(), Refused> {
    for (index, component) in (0..).zip(components) {
        let child = component.child.as_ref().map(|child| child.body().shape());
        if child.is_some_and(Shape::is_raid) {
            return Err(Refused::new(EINVAL, Refusal::ComponentIsRaid).at(index));
        }
        let Some(shape) = child.filter(|shape| shape.is_mirrored()) else {
            continue;
        };
        let refusal = if shape.unit().soft().is_some() {
            Refusal::ComponentOnMirror
        } else {
            Refusal::ComponentIsMirror
        };
        return Err(Refused::new(EINVAL, refusal).at(index));
    }
    Ok(())
}

fn plan_mirror(units: &UnitTable, name: UnitName, request: &abi::Create) -> Result<Plan, Refused> {
    let options = options::parse_new(&request.mirror)?;
    check_zero(&[request.flags & RAID_FLAGS])?;
    if request.row_count != 0 {
        let found = request.row_count.into();
        return Err(Refused::new(EINVAL, Refusal::BadRowCount).with([found, 0]));
    }
    let most = abi::SUBMIRRORS_MAX;
    check_count(request.component_count, most, Refusal::BadComponentCount)?;
    let asked = read_components(request.components, request.component_count)?;
    units.check_vacant(&name)?;
    let (components, _) =
        open_components(&asked, &name, units, Sharing::Refused, OnRecord::Nothing)?;
    let sizes = sizes_of_sides(&components)?;
    let spec = UnitSpec::Mirror {
        sides: &sizes,
        options,
        region_shift: 0,
    };
    Plan::new(name, request.kind, &spec, components, units.database())
}

/// Sizes of the submirrors in sectors. A submirror is a stripe or concat (`svm.md` section 4.1), or
/// a soft partition that is not on a mirror.
pub(super) fn sizes_of_sides(components: &[Arc<Component>]) -> Result<KVec<u64>, Refused> {
    let mut sizes = KVec::with_capacity(components.len(), GFP_KERNEL)?;
    for (index, component) in (0..).zip(components) {
        let refused = |refusal| Refused::new(EINVAL, refusal).at(index);
        let child = component.child.as_ref().map(|child| child.body().shape());
        if child.is_some_and(Shape::is_raid) {
            return Err(refused(Refusal::ComponentIsRaid));
        }
        let stripe = child.and_then(|shape| shape.unit().striped());
        let stripe = stripe.ok_or(refused(Refusal::BadSubmirror))?;
        if child.is_some_and(Shape::is_mirrored) {
            return Err(refused(Refusal::ComponentOnMirror));
        }
        sizes.push(stripe.sectors(), GFP_KERNEL)?;
    }
    Ok(sizes)
}
