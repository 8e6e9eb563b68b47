// SPDX-License-Identifier: GPL-2.0
//! A soft partition grows, or shrinks from its end, while it is in use.

use kernel::{
    prelude::*,
    sync::Mutex, //
};
use md_model::{
    database::metadevice::soft::{
        SoftHead,
        SoftState, //
    },
    events::kind::Kind as EventKind,
    limits::EXTENTS_MAX,
    soft::{
        allocate::{
            allocate,
            cut, //
        },
        change::{
            Change,
            Kind, //
        },
        extents::total,
        Extent, //
    },
};

use super::{
    super::{
        argument::{
            check_zero,
            unit_name, //
        },
        components::Components, //
    },
    amount,
    base::alignment_of,
    find,
    no_room, //
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
    database::Database,
    events::Event,
    metadevice::Metadevice,
    personality::{
        Soft,
        UnitSpec, //
    },
    soft::{
        layout,
        marks::Marks,
        soft as soft_of,
        version,
        Ground,
        TakenList, //
    },
    unit_table::UnitTable,
    Refused, //
};

/// Every flag of [`abi::ChangeSoft`].
const CHANGE_FLAGS: u32 = abi::SOFT_CHECK_ONLY | abi::SOFT_ALL | abi::SOFT_SHRINK;

/// Carries out [`abi::IOC_CHANGE_SOFT`].
pub(in crate::admin) fn change(
    units: &Mutex<UnitTable>,
    request: &mut abi::ChangeSoft,
) -> Result<(), Refused> {
    check_zero(&[request.flags & !CHANGE_FLAGS, request.reserved])?;
    let name = unit_name(&request.name)?;
    let units = units.lock();
    let (metadevice, ground) = find(&units, &name)?;
    ground.check_settled()?;
    let body = metadevice.body().clone();
    body.check_no_parent()?;
    body.check_not_moving()?;
    let soft = soft_of(&body).ok_or(Refused::new(EINVAL, Refusal::NotASoftPartition))?;
    let is_smaller = request.flags & abi::SOFT_SHRINK != 0;
    let extents = if is_smaller {
        shrunk(soft, request)?
    } else {
        grown(soft, &body, &ground, request)?
    };
    request.size_sectors = total(&extents);
    if request.flags & abi::SOFT_CHECK_ONLY != 0 {
        return Ok(());
    }
    let next = Next {
        kind: if is_smaller { Kind::Shrink } else { Kind::Grow },
        head: SoftHead {
            generation: ground.next_generation()?,
            state: if is_smaller {
                SoftState::Shrinking
            } else {
                SoftState::Growing
            },
            ..soft.head()
        },
        extents,
    };
    let sizes = [total(soft.extents()), total(&next.extents)];
    next.carry_out(units.database(), metadevice, soft, &ground)?;
    if !is_smaller {
        let event = Event::of_unit(EventKind::Grow, name.number()).values(sizes);
        body.events().record(&event);
    }
    Ok(())
}

/// The extents that a soft partition has when it has grown.
fn grown(
    soft: &dyn Soft,
    body: &Body,
    ground: &Ground,
    request: &abi::ChangeSoft,
) -> Result<KVVec<Extent>, Refused> {
    let component = body.shape().components().first();
    let component = component.ok_or(Refused::new(EINVAL, Refusal::NotASoftPartition))?;
    let asked = match request.alignment_sectors {
        0 => soft.head().alignment_sectors,
        asked => asked,
    };
    let alignment = alignment_of(component, asked)?;
    let amount = amount(request.flags, request.size_sectors)?;
    let own = soft.extents();
    let mut extents = KVVec::with_capacity(EXTENTS_MAX as usize, GFP_KERNEL)?;
    extents.extend_from_slice(own, GFP_KERNEL)?;
    extents.resize(EXTENTS_MAX as usize, Extent::UNFILLED, GFP_KERNEL)?;
    let taken = ground.occupied()?;
    let room = extents.get_mut(own.len()..).unwrap_or(&mut []);
    let share = allocate(&ground.base, &taken, own, amount, alignment, room).map_err(no_room)?;
    extents.truncate(own.len().saturating_add(share.added));
    if let Some(last) = extents.get_mut(own.len().saturating_sub(1)) {
        last.count = last.count.saturating_add(share.extended);
    }
    Ok(extents)
}

/// The extents that it has when it has shrunk.
fn shrunk(soft: &dyn Soft, request: &abi::ChangeSoft) -> Result<KVVec<Extent>, Refused> {
    check_zero(&[request.alignment_sectors])?;
    let own = soft.extents();
    let values = [total(own), request.size_sectors];
    let refused = Refused::new(EINVAL, Refusal::NotSmaller).with(values);
    let (kept, last) = cut(own, request.size_sectors).ok_or(refused)?;
    let mut extents = KVVec::with_capacity(kept, GFP_KERNEL)?;
    extents.extend_from_slice(own.get(..kept).unwrap_or(&[]), GFP_KERNEL)?;
    if let Some(extent) = extents.last_mut() {
        extent.count = last;
    }
    Ok(extents)
}

/// What a soft partition is to become.
struct Next {
    kind: Kind,
    head: SoftHead,
    extents: KVVec<Extent>,
}

/// A soft partition that there is, with another layout.
pub(super) fn reshaped(
    body: &Body,
    ground: &Ground,
    head: SoftHead,
    extents: &[Extent],
) -> Result<Shape, Refused> {
    let spec = UnitSpec::Soft {
        head,
        base: ground.base,
        extents,
    };
    let unit = body.personality().assemble(&spec)?;
    let mut components: Components = KVec::new();
    for component in body.shape().components() {
        components.push(component.clone(), GFP_KERNEL)?;
    }
    Ok(Shape::new(unit, components))
}

impl Next {
    /// Records it, writes the watermarks, puts it in force, and records that it is. Whoever reads
    /// the record meanwhile finds what is to be.
    fn carry_out(
        self,
        database: &Database,
        metadevice: &Metadevice,
        old: &dyn Soft,
        ground: &Ground,
    ) -> Result<(), Refused> {
        let body = metadevice.body().clone();
        let number = body.number();
        let pending = reshaped(&body, ground, self.head, &self.extents)?;
        let settled = SoftHead {
            state: SoftState::Okay,
            ..self.head
        };
        let shape = reshaped(&body, ground, settled, &self.extents)?;
        let (before, after) = (ground.taken(None)?, self.taken(ground, number)?);
        let change = Change {
            kind: self.kind,
            base: ground.marks,
            old: Some(layout(ground.known, &before)),
            new: layout(ground.base, &after),
            owner: number,
            soft: self.head.soft,
            name: *metadevice.name(),
            before: version(old.head().generation, old.extents()),
            after: version(self.head.generation, &self.extents),
        };
        let mut marks = Marks::new(&ground.device, ground.marks)?;
        let growth = database.plan_growth(number, &pending)?;
        let done = database.grow_unit(growth, || {
            let written = marks.carry_out(&change);
            written.and_then(|()| metadevice.change(shape))
        });
        if let Err(refused) = done {
            // The record is again what it was; so are the watermarks, if they can be written.
            if let Err(refused) = marks.finish(ground) {
                pr_err!("d{number}: its watermarks could not be taken back: {refused:?}\n");
            }
            return Err(refused);
        }
        let recorded = database.record(core::iter::once(number));
        if let Err(refused) = recorded {
            // It is brought to its end once more when the set is started.
            pr_warn!("d{number}: its new size is still to be settled: {refused:?}\n");
        }
        Ok(())
    }

    fn taken(&self, ground: &Ground, number: u32) -> Result<TakenList, Refused> {
        ground.taken(Some((number, &self.extents)))
    }
}
