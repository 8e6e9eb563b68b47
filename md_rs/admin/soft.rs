// SPDX-License-Identifier: GPL-2.0
//! Making soft partitions (`svm.md` section 6.4); [`change`] has growing and shrinking, [`clear`]
//! what brings watermarks in line and takes them away, and [`report`] how they are.
//!
//! What is to be is recorded, then the watermarks are written, and then it is recorded that they
//! are. What is cut off between is brought to its end when the set is started, or when somebody
//! asks for it.

mod base;
mod change;
mod clear;
mod relocate;
mod report;

use kernel::{
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    }, //
};
use md_model::{
    database::{
        identity::Uuid,
        metadevice::soft::{
            SoftHead,
            SoftState, //
        }, //
    },
    events::kind::Kind as EventKind,
    limits::EXTENTS_MAX,
    name::UnitName,
    soft::{
        allocate::{
            allocate,
            Amount,
            NoRoom, //
        },
        change::{
            Change,
            Kind, //
        },
        extents::total,
        taken::{
            sort,
            verify,
            Taken, //
        },
        Base,
        Extent, //
    },
};

use self::base::{
    alignment_of,
    open_base,
    Opened, //
};
pub(super) use self::{
    base::share_component,
    change::change,
    clear::{
        clear,
        mend, //
    },
    relocate::relocate,
    report::status,
};
use super::{
    argument::{
        bad_address,
        check_zero,
        read_array,
        unit_name, //
    },
    components::Components, //
};
use crate::{
    abi::{
        self,
        Refusal,
        UnitKind, //
    },
    body::Body,
    component::Component,
    database::{
        Database,
        Labels, //
    },
    events::Event,
    kapi::random::new_uuid,
    metadevice::{
        Metadevice,
        Plan, //
    },
    personality::UnitSpec,
    soft::{
        layout,
        marks::Marks,
        soft as soft_of,
        version,
        Ground, //
    },
    unit_table::UnitTable,
    Refused, //
};

/// Every flag of [`abi::CreateSoft`].
const CREATE_FLAGS: u32 =
    abi::SOFT_CHECK_ONLY | abi::SOFT_ALL | abi::SOFT_FORCE | abi::SOFT_REBUILD;

/// What is asked of the allocator.
fn amount(flags: u32, size_sectors: u64) -> Result<Amount, Refused> {
    if flags & abi::SOFT_ALL == 0 {
        return Ok(Amount::Sectors(size_sectors));
    }
    check_zero(&[size_sectors])?;
    Ok(Amount::All)
}

/// Carries out [`abi::IOC_CREATE_SOFT`].
pub(super) fn create(
    units: &Mutex<UnitTable>,
    request: &mut abi::CreateSoft,
) -> Result<(), Refused> {
    check_zero(&[request.flags & !CREATE_FLAGS])?;
    let name = unit_name(&request.name)?;
    let asked = read_extents(request)?;
    let mut units = units.lock();
    units.check_vacant(&name)?;
    units.database().check_unrecorded(name.number())?;
    let is_rebuilt = request.flags & abi::SOFT_REBUILD != 0;
    let is_forced = is_rebuilt || request.flags & abi::SOFT_FORCE != 0;
    let opened = open_base(&units, &name, &request.component, is_forced)?;
    let plan = New::of(request, &name, &opened, &asked)?;
    request.size_sectors = total(&plan.extents);
    request.alignment_sectors = plan.head.alignment_sectors;
    if is_rebuilt {
        plan.check_watermarks(&opened)?;
    }
    if request.flags & abi::SOFT_CHECK_ONLY != 0 {
        return Ok(());
    }
    let place = UnitTable::place()?;
    let metadevice = plan.carry_out(&units, opened, is_rebuilt)?;
    units.fill(place, metadevice);
    let event = Event::of_unit(EventKind::Create, name.number());
    units.database().events().record(&event);
    Ok(())
}

/// The extents that somebody asks for.
fn read_extents(request: &abi::CreateSoft) -> Result<KVVec<Extent>, Refused> {
    if request.extent_count > EXTENTS_MAX {
        let values = [EXTENTS_MAX.into(), 0];
        return Err(Refused::new(EINVAL, Refusal::TooManyExtents).with(values));
    }
    let asked = read_array::<abi::Extent>(request.extents, request.extent_count);
    let asked = asked.map_err(bad_address)?;
    let mut extents = KVVec::with_capacity(asked.len(), GFP_KERNEL)?;
    for (index, extent) in (0..).zip(&asked) {
        let extent = Extent {
            sector: extent.sector,
            count: extent.count,
        };
        if !extent.is_sound() {
            let refused = Refused::new(EINVAL, Refusal::ExtentUnaligned).at(index);
            return Err(refused.with([extent.sector, extent.count]));
        }
        extents.push(extent, GFP_KERNEL)?;
    }
    Ok(extents)
}

/// A soft partition that is to be made.
struct New {
    name: UnitName,
    head: SoftHead,
    base: Base,
    extents: KVVec<Extent>,
}

impl New {
    fn of(
        request: &abi::CreateSoft,
        name: &UnitName,
        opened: &Opened,
        asked: &[Extent],
    ) -> Result<Self, Refused> {
        let alignment = alignment_of(&opened.component, request.alignment_sectors)?;
        let taken = opened.taken()?;
        let is_rebuilt = request.flags & abi::SOFT_REBUILD != 0;
        let extents = if asked.is_empty() {
            let amount = amount(request.flags, request.size_sectors)?;
            let mut out = KVVec::from_elem(Extent::UNFILLED, EXTENTS_MAX as usize, GFP_KERNEL)?;
            let share = allocate(&opened.base, &taken, &[], amount, alignment, &mut out);
            let share = share.map_err(no_room)?;
            out.truncate(share.added);
            out
        } else {
            check_zero(&[request.size_sectors])?;
            check_zero(&[request.flags & abi::SOFT_ALL])?;
            check_free(opened, name.number(), asked)?;
            let mut extents = KVVec::new();
            extents.extend_from_slice(asked, GFP_KERNEL)?;
            extents
        };
        let rebuilt = [request.soft, request.base];
        let head = if is_rebuilt {
            SoftHead {
                soft: Uuid::from_bytes(request.soft),
                base: opened.marks_or(Uuid::from_bytes(request.base))?,
                generation: request.generation,
                alignment_sectors: alignment.get(),
                state: SoftState::Creating,
            }
        } else {
            check_zero(&rebuilt)?;
            check_zero(&[request.generation])?;
            SoftHead {
                soft: new_uuid(),
                base: opened.marks(),
                generation: opened.next_generation()?,
                alignment_sectors: alignment.get(),
                state: SoftState::Creating,
            }
        };
        Ok(Self {
            name: *name,
            head,
            base: opened.base,
            extents,
        })
    }

    /// Refuses extents whose watermarks are not on the base.
    fn check_watermarks(&self, opened: &Opened) -> Result<(), Refused> {
        let mut marks = Marks::new(&opened.component.device, self.head.base)?;
        for (sequence, extent) in (0..).zip(&self.extents) {
            let found = marks.judged(extent.place())?;
            let own = found.and_then(|mark| mark.extent());
            let is_own = own.is_some_and(|(found, stamp)| {
                let is_same = stamp.soft == self.head.soft && stamp.sequence == sequence;
                is_same && found.sector == extent.sector && found.count >= extent.count
            });
            if !is_own {
                let values = [extent.place(), 0];
                return Err(Refused::new(EINVAL, Refusal::WatermarksDiffer).with(values));
            }
        }
        Ok(())
    }

    /// Lays it out, and makes it with a label on a base that is a device.
    fn carry_out(
        self,
        units: &UnitTable,
        opened: Opened,
        is_rebuilt: bool,
    ) -> Result<Metadevice, Refused> {
        let database = units.database();
        let spec = UnitSpec::Soft {
            head: self.head,
            base: self.base,
            extents: &self.extents,
        };
        let (component, ground) = (Arc::new(opened.component, GFP_KERNEL)?, opened.ground);
        let mut components: Components = KVec::with_capacity(1, GFP_KERNEL)?;
        components.push(component.clone(), GFP_KERNEL)?;
        let kind = UnitKind::SoftPartition as u32;
        let plan = Plan::new(self.name, kind, &spec, components, database)?;
        let body = plan.body().clone();
        let labels = match &ground {
            // The base has a label already.
            Some(_) => None,
            None => Some(database.label_components(&body, body.shape(), 0..usize::MAX)?),
        };
        let made = self.make(plan, &component, ground.as_ref(), is_rebuilt)?;
        labels.into_iter().for_each(Labels::keep);
        Ok(made)
    }

    /// Records it, writes its watermarks, and shows it.
    fn make(
        &self,
        plan: Plan,
        component: &Component,
        ground: Option<&Ground>,
        is_rebuilt: bool,
    ) -> Result<Metadevice, Refused> {
        let body = plan.body().clone();
        let database = body.database();
        let mut marks = Marks::new(&component.device, self.head.base)?;
        database.add_unit(body.number(), &body)?;
        let written = if is_rebuilt {
            Ok(())
        } else {
            self.write_watermarks(ground, &mut marks)
        };
        let made = written.and_then(|()| settle(database, &body, SoftState::Okay));
        let made = made.and_then(|()| plan.carry_out());
        if made.is_err() {
            let restored = match ground {
                // They were there before.
                _ if is_rebuilt => Ok(()),
                Some(ground) => marks.finish(ground).map(|_| ()),
                None => marks.begin_anew(&self.base),
            };
            give_up(database, &body, restored);
        }
        made
    }

    fn write_watermarks(
        &self,
        ground: Option<&Ground>,
        marks: &mut Marks<'_>,
    ) -> Result<(), Refused> {
        let (number, base) = (self.name.number(), &self.base);
        let old = match ground {
            Some(ground) => Some((ground.known, ground.taken(None)?)),
            None => None,
        };
        let new = match ground {
            Some(ground) => ground.taken(Some((number, &self.extents)))?,
            None => base::alone(number, &self.extents)?,
        };
        if old.is_none() {
            marks.begin_anew(base)?;
        }
        let after = version(self.head.generation, &self.extents);
        marks.carry_out(&Change {
            kind: Kind::Create,
            base: self.head.base,
            old: old.as_ref().map(|(known, taken)| layout(*known, taken)),
            new: layout(*base, &new),
            owner: number,
            soft: self.head.soft,
            name: self.name,
            before: after,
            after,
        })
    }
}

/// A soft partition could not be made: it is not known, and the watermarks are again what they
/// were, if that could be.
fn give_up(database: &Database, body: &Body, restored: Result<(), Refused>) {
    let number = body.number();
    if let Err(refused) = restored {
        pr_warn!("d{number}: its watermarks could not be taken back: {refused:?}\n");
    }
    if let Err(refused) = database.remove_unit(number) {
        pr_warn!("d{number}: its record could not be taken back: {refused:?}\n");
    }
}

/// The watermarks of a soft partition are as its record says: that is recorded.
fn settle(database: &Database, body: &Body, state: SoftState) -> Result<(), Refused> {
    let Some(soft) = soft_of(body) else {
        return Ok(());
    };
    let before = soft.head().state;
    soft.set_state(state);
    let recorded = database.record(core::iter::once(body.number()));
    if recorded.is_err() {
        soft.set_state(before);
    }
    recorded
}

/// Refuses extents that are not free.
fn check_free(opened: &Opened, number: u32, asked: &[Extent]) -> Result<(), Refused> {
    let mut taken = opened.taken()?;
    for (sequence, extent) in (0..).zip(asked) {
        let one = Taken {
            extent: *extent,
            owner: number,
            sequence,
        };
        taken.push(one, GFP_KERNEL)?;
    }
    sort(&mut taken);
    verify(&opened.base, &taken).map_err(|misfit| {
        let Extent { sector, count } = misfit.0.extent;
        let refused = Refused::new(EINVAL, Refusal::ExtentTaken).with([sector, count]);
        if misfit.0.owner == number {
            refused.at(misfit.0.sequence)
        } else {
            refused
        }
    })
}

fn no_room(why: NoRoom) -> Refused {
    match why {
        NoRoom::Full { needed, free } => {
            Refused::new(ENOSPC, Refusal::NoRoomOnBase).with([needed, free])
        }
        NoRoom::TooManyExtents { .. } => {
            let values = [EXTENTS_MAX.into(), 0];
            Refused::new(ENOSPC, Refusal::TooManyExtents).with(values)
        }
    }
}

/// The soft partition of a name, and what it is on.
fn find<'a>(units: &'a UnitTable, name: &UnitName) -> Result<(&'a Metadevice, Ground), Refused> {
    let metadevice = units.get(name)?;
    let refused = Refused::new(EINVAL, Refusal::NotASoftPartition);
    let soft = soft_of(metadevice.body()).ok_or(refused)?;
    let ground = ground_of(units, soft.head().base)?;
    Ok((metadevice, ground.ok_or(refused)?))
}

/// The base whose watermarks have an identity.
fn ground_of(units: &UnitTable, marks: Uuid) -> Result<Option<Ground>, Refused> {
    Ground::of(units.iter().map(|unit| unit.body()), marks)
}
