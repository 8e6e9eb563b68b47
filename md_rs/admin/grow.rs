// SPDX-License-Identifier: GPL-2.0
//! Growing a stripe or concat: rows are added behind those that it has, while it is in use
//! (`svm.md` section 3.6). Of a mirror's submirror, what is new is of no use before the mirror has
//! grown ([`super::grow_mirror`]).

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
        ComponentSpec,
        RowSpec, //
    },
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
        Components,
        Sharing, //
    },
    create::check_no_mirror,
    raid, //
};
use crate::{
    abi::{
        self,
        Refusal, //
    },
    body::{
        Body,
        Shape, //
    },
    component::Component,
    database::OnRecord,
    events::Event,
    metadevice::Metadevice,
    personality::{
        Striped,
        UnitSpec, //
    },
    unit_table::UnitTable,
    Refused, //
};

/// Carries out [`abi::IOC_GROW`].
pub(super) fn grow(units: &Mutex<UnitTable>, request: &mut abi::Grow) -> Result<(), Refused> {
    check_zero(&[request.flags & !abi::CREATE_CHECK_ONLY, request.reserved])?;
    check_zero(&[request.size_sectors])?;
    let name = unit_name(&request.name)?;
    check_count(request.row_count, abi::ROWS_MAX, Refusal::BadRowCount)?;
    let most = abi::COMPONENTS_MAX;
    check_count(request.component_count, most, Refusal::BadComponentCount)?;
    if units.lock().get(&name)?.body().raid().is_some() {
        return raid::attach(units, &name, request);
    }
    let new_rows = read_rows(request.rows, request.row_count)?;
    let asked = read_components(request.components, request.component_count)?;

    let units = units.lock();
    let body = units.get(&name)?.body().clone();
    let above = mirror_above(&units, &body)?;
    let not_a_stripe = Refused::new(EINVAL, Refusal::NotAStripe);
    let old = body.shape().unit().stripe().ok_or(not_a_stripe)?;
    let (added, new_specs) =
        open_components(&asked, &name, &units, Sharing::Refused, OnRecord::Nothing)?;
    check_no_mirror(&added)?;
    check_blocks(body.shape().components(), &added)?;
    let (rows, specs) = specs_of(old, body.shape().components())?;
    let spec = UnitSpec::Stripe {
        rows: &joined(rows, &new_rows)?,
        components: &joined(specs, &new_specs)?,
    };
    let assembled = body.personality().assemble(&spec);
    let unit = assembled.map_err(|why| why.behind(old.rows().len(), old.components().len()))?;
    let mut components: Components = KVec::with_capacity(asked.len(), GFP_KERNEL)?;
    for component in Iterator::chain(body.shape().components().iter(), &added) {
        components.push(component.clone(), GFP_KERNEL)?;
    }
    let shape = Shape::new(unit, components);
    shape.check()?;
    request.size_sectors = shape.unit().sectors();
    if request.flags & abi::CREATE_CHECK_ONLY != 0 {
        return Ok(());
    }
    let database = units.database().clone();
    let sizes = [body.shape().unit().sectors(), request.size_sectors];
    let new = body.shape().components().len()..usize::MAX;
    let labels = database.label_components(&body, &shape, new)?;
    // Requests to the mirror come this way without being asked by the side's own gate. And from the
    // plan on no component fails: the record has the states of this moment.
    let gate = above.map(Metadevice::close_gate);
    let growth = database.plan_growth(name.number(), &shape)?;
    database.grow_unit(growth, || units.get(&name)?.grow(shape))?;
    drop(gate);
    labels.keep();
    let event = Event::of_unit(Kind::Grow, name.number());
    body.events().record(&event.values(sizes));
    if let Some(above) = above {
        above.narrow()?;
        database.relabel_components(above.body());
    }
    units.narrow_above(&body)
}

/// The mirror that a metadevice is a submirror of, if it is part of something: of anything else it
/// cannot grow, which is laid out over the size that it has.
fn mirror_above<'a>(units: &'a UnitTable, body: &Body) -> Result<Option<&'a Metadevice>, Refused> {
    let Err(refused) = body.check_no_parent() else {
        return Ok(None);
    };
    if body.parent() == abi::SOFT_PARENTS {
        // They stay as they are, and have more room.
        return Ok(None);
    }
    let above = UnitName::from_number(body.parent()).map_err(|_| refused)?;
    let above = units.get(&above)?;
    above.body().shape().unit().mirrored().ok_or(refused)?;
    Ok(Some(above))
}

/// What one would ask for to get the layout that there is: its own sizes, whatever has become of
/// the devices since.
pub(super) fn specs_of(
    old: &dyn Striped,
    components: &[Arc<Component>],
) -> Result<(KVVec<RowSpec>, KVVec<ComponentSpec>), Refused> {
    let mut rows = KVVec::with_capacity(old.rows().len(), GFP_KERNEL)?;
    for row in old.rows() {
        let spec = RowSpec {
            interlace_sectors: row.interlace_sectors.get(),
            component_count: row.component_count.get(),
        };
        rows.push(spec, GFP_KERNEL)?;
    }
    let mut specs = KVVec::with_capacity(components.len(), GFP_KERNEL)?;
    for (place, component) in old.components().iter().zip(components) {
        let spec = ComponentSpec {
            capacity_sectors: place.start_sector.saturating_add(place.size_sectors),
            start_sectors: Some(place.start_sector),
            block_sectors: component.device.logical_block_bytes() >> 9,
        };
        specs.push(spec, GFP_KERNEL)?;
    }
    Ok((rows, specs))
}

/// Who uses the metadevice relies on its logical block size: no new component may have a larger
/// one.
pub(super) fn check_blocks(old: &[Arc<Component>], added: &Components) -> Result<(), Refused> {
    let block = |component: &Component| component.device.logical_block_bytes();
    let most = old
        .iter()
        .map(|component| block(component))
        .max()
        .unwrap_or(512);
    for (index, component) in (0..).zip(added) {
        let found = block(component);
        if found > most {
            let values = [found.into(), most.into()];
            return Err(Refused::new(EINVAL, Refusal::BlockTooLarge)
                .at(index)
                .with(values));
        }
    }
    Ok(())
}

/// One list behind the other.
fn joined<T: Copy>(mut first: KVVec<T>, second: &[T]) -> Result<KVVec<T>, Refused> {
    first.extend_from_slice(second, GFP_KERNEL)?;
    Ok(first)
}
