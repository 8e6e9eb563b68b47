// SPDX-License-Identifier: GPL-2.0
//! RAID5 metadevices: making one, and giving a column another device or its own one back (`svm.md`
//! section 5.8).

use kernel::{
    prelude::*,
    sync::Arc, //
};
use md_model::{
    database::metadevice::raid::Raid,
    events::kind::Kind,
    geometry::stripe::ComponentSpec,
    mirror::component::State,
    name::UnitName,
    raid5::{
        column::is_redundant,
        layout::Rotation,
        progress::{
            Activity,
            Progress, //
        },
        COLUMNS_MAX, //
    },
};

use super::{
    components::{
        check_count,
        open_components,
        read_components,
        read_rows,
        Components,
        Sharing, //
    },
    options,
    replace::resyncing, //
};
use crate::{
    abi::{
        self,
        Refusal,
        UnitKind, //
    },
    body::Shape,
    component::Component,
    events::Event,
    kapi::random::new_uuid,
    metadevice::{
        Metadevice,
        Plan, //
    },
    personality::UnitSpec,
    raid::{
        checkpoint,
        first_progress,
        Target, //
    },
    unit_table::UnitTable,
    Refused, //
};

/// A new RAID5 metadevice. Without a state database nobody would remember after a crash whose logs
/// are to be carried out, and which column is not to be read.
pub(super) fn plan_raid(
    units: &UnitTable,
    name: UnitName,
    request: &abi::Create,
) -> Result<Plan, Refused> {
    options::check_none(&request.mirror)?;
    if request.flags & abi::CREATE_IN_USE != 0 {
        return Err(Refused::new(EINVAL, Refusal::ReservedNotZero));
    }
    if request.pool != 0 {
        return Err(Refused::new(EINVAL, Refusal::PoolIsForStripes));
    }
    check_count(request.row_count, 1, Refusal::BadRowCount)?;
    check_count(
        request.component_count,
        COLUMNS_MAX,
        Refusal::BadColumnCount,
    )?;
    let rows = read_rows(request.rows, request.row_count)?;
    let asked = read_components(request.components, request.component_count)?;
    let bad_rows = Refused::new(EINVAL, Refusal::BadRowCount);
    let row = rows.first().ok_or(bad_rows)?;
    if row.component_count != request.component_count {
        return Err(bad_rows.with([row.component_count.into(), request.component_count.into()]));
    }
    if !units.database().is_loaded() {
        return Err(Refused::new(ENODEV, Refusal::NoDatabase));
    }
    units.check_vacant(&name)?;
    let (components, specs) = open_components(&asked, &name, units, Sharing::Refused)?;
    check_no_metadevice(&components)?;
    let is_clean = request.flags & abi::CREATE_ASSUME_CLEAN != 0;
    let spec = UnitSpec::Raid {
        interlace_sectors: row.interlace_sectors,
        columns: &specs,
        raid: Raid {
            log: new_uuid(),
            rotation: Rotation::LeftSymmetric,
            progress: first_progress(is_clean),
        },
    };
    let kind = UnitKind::Raid as u32;
    Plan::new(name, kind, &spec, components, units.database())
}

fn check_no_metadevice(components: &[Arc<Component>]) -> Result<(), Refused> {
    let mut all = (0..).zip(components);
    match all.find(|(_, component)| component.child.is_some()) {
        Some((index, _)) => Err(Refused::new(EINVAL, Refusal::ColumnIsMetadevice).at(index)),
        None => Ok(()),
    }
}

/// A column that is to be replaced.
struct Case<'a> {
    metadevice: &'a Metadevice,
    target: Target<'a>,
    index: u32,
    old: &'a Arc<Component>,
}

/// Carries out [`abi::IOC_REPLACE`] for a RAID5 metadevice, whose flags are known to be legal.
pub(super) fn replace(
    units: &UnitTable,
    name: &UnitName,
    request: &abi::Replace,
) -> Result<(), Refused> {
    let metadevice = units.get(name)?;
    let not_a_raid = Refused::new(EINVAL, Refusal::NotARaid);
    let target = Target::of(metadevice.body()).ok_or(not_a_raid)?;
    let old = target.shape.components().get(request.index as usize);
    let old = old.filter(|component| component.path == request.old);
    let case = Case {
        metadevice,
        target,
        index: request.index,
        old: old.ok_or(Refused::new(ENXIO, Refusal::NoSuchComponent))?,
    };
    case.check(request.flags)?;
    let new = case.open(units, name, request)?;
    let shape = case.shape_with(&new, request)?;
    if request.flags & abi::REPLACE_CHECK_ONLY != 0 {
        return Ok(());
    }
    case.carry_out(units, new, shape)
}

impl Case<'_> {
    /// Whether it may be replaced now: the others have all of its data.
    fn check(&self, flags: u32) -> Result<(), Refused> {
        let state = self.old.condition.state();
        let is_fine = state == State::Okay && !self.old.is_gone();
        if flags & abi::REPLACE_ENABLE != 0 && is_fine {
            return Err(Refused::new(EBUSY, Refusal::ComponentInService));
        }
        let activity = self.target.unit.progress().activity;
        if activity != Activity::Nothing && activity != Activity::Column(self.index) {
            return Err(Refused::new(EBUSY, Refusal::RaidIsMade));
        }
        if self.target.unit.is_unrecorded() {
            return Err(Refused::new(EROFS, Refusal::SetIsStopped));
        }
        let others = || {
            (0..)
                .zip(self.target.shape.components())
                .filter(|(c, _)| *c != self.index)
        };
        let is_erred = |part: &Component| part.condition.state() == State::Erred;
        if let Some((other, _)) = others().find(|(_, part)| is_erred(part)) {
            return Err(Refused::new(EBUSY, Refusal::ReplaceErredFirst).at(other));
        }
        // One that is out of service has nothing to lose: it gets what there is, also from columns
        // that fail.
        let states = others().map(|(_, part)| (!part.is_gone(), part.condition.state()));
        if state != State::Erred && !is_redundant(&Progress::DONE, states) {
            return Err(Refused::new(EBUSY, Refusal::NotRedundant));
        }
        Ok(())
    }

    /// The component that takes its place. The device that it has is used as it is, if it is still
    /// there.
    fn open(
        &self,
        units: &UnitTable,
        name: &UnitName,
        request: &abi::Replace,
    ) -> Result<Arc<Component>, Refused> {
        let old = self.old;
        let is_same = request.flags & abi::REPLACE_ENABLE != 0
            && !old.is_gone()
            && old.device.user_dev() == request.new.dev;
        if is_same {
            let component = Component {
                child: None,
                device: old.device.clone(),
                identity: old.identity,
                condition: resyncing(),
                spared: None,
                dev: old.dev,
                path: old.path,
            };
            return Ok(Arc::new(component, GFP_KERNEL)?);
        }
        let asked = core::slice::from_ref(&request.new);
        let (mut opened, _) = open_components(asked, name, units, Sharing::Refused)?;
        check_no_metadevice(&opened)?;
        let refused = Refused::new(EINVAL, Refusal::NoSuchComponent);
        let last = opened.pop().ok_or(refused)?;
        let mut opened = Arc::into_unique_or_drop(last).ok_or(refused)?;
        opened.as_mut().get_mut().condition = resyncing();
        Ok(opened.into())
    }

    /// The metadevice with another column, which is to be made. It is laid out as before.
    fn shape_with(&self, new: &Arc<Component>, request: &abi::Replace) -> Result<Shape, Refused> {
        let (unit, old) = (self.target.unit, self.old);
        let layout = unit.layout();
        let mut specs = KVec::with_capacity(unit.columns().len(), GFP_KERNEL)?;
        let mut components: Components = KVec::new();
        let own = self.target.shape.components();
        for (index, (place, part)) in (0..).zip(unit.columns().iter().zip(own)) {
            let is_new = index == self.index;
            let part = if is_new { new } else { part };
            let start = match request.new.start_sectors {
                abi::START_DEFAULT => place.start_sector,
                asked if is_new && !Arc::ptr_eq(&new.device, &old.device) => asked,
                _ => place.start_sector,
            };
            let needed = start.saturating_add(layout.used_sectors());
            if is_new && new.device.sectors() < needed {
                let values = [needed, new.device.sectors()];
                return Err(Refused::new(ENOSPC, Refusal::ComponentTooSmall).with(values));
            }
            let spec = ComponentSpec {
                capacity_sectors: needed,
                start_sectors: Some(start),
                block_sectors: part.device.logical_block_bytes() >> 9,
            };
            specs.push(spec, GFP_KERNEL)?;
            components.push(part.clone(), GFP_KERNEL)?;
        }
        let spec = UnitSpec::Raid {
            interlace_sectors: layout.interlace_sectors(),
            columns: &specs,
            raid: Raid {
                log: unit.log(),
                rotation: layout.rotation(),
                progress: Progress::begin(Activity::Column(self.index)),
            },
        };
        let unit = self.metadevice.body().personality().assemble(&spec)?;
        Ok(Shape::new(unit, components))
    }

    /// Records the metadevice with the new column, and puts it in force (`DURABILITY.md` clause 5).
    fn carry_out(
        self,
        units: &UnitTable,
        new: Arc<Component>,
        shape: Shape,
    ) -> Result<(), Refused> {
        let (database, metadevice) = (units.database().clone(), self.metadevice);
        let (body, number) = (metadevice.body(), metadevice.body().number());
        let (old, index) = (self.old.clone(), self.index as usize);
        let before = old.condition.state();
        database.label_components(number, &shape, index..index.saturating_add(1))?;
        let mut added: Components = KVec::with_capacity(1, GFP_KERNEL)?;
        added.push(new.clone(), GFP_KERNEL)?;
        let mut removed: Components = KVec::with_capacity(1, GFP_KERNEL)?;
        removed.push(old.clone(), GFP_KERNEL)?;
        metadevice.link_instead(&removed, &added)?;
        let gate = metadevice.close_gate();
        // The new column does not have its part of batches that the logs of the others tell of:
        // they would count as torn, and those before them would be carried out. So all of them
        // must not count any more before the new column does.
        let failed = |error| Refused::with_errno(error, Refusal::DiskFailed);
        let recorded = checkpoint(body).map_err(failed).and_then(|()| {
            let growth = database.plan_growth(number, &shape)?;
            database.grow_unit(growth, || metadevice.swap(shape, &gate))
        });
        if let Err(refused) = recorded {
            metadevice.link_instead(&added, &removed)?;
            return Err(refused);
        }
        if checkpoint(body).is_err() {
            pr_err!("d{number}: its logs could not be written after a column was replaced\n");
        }
        drop(gate);
        database.unlabel_replaced(&old, &added);
        metadevice.narrow()?;
        units.narrow_above(body)?;
        let event = Event::of_unit(Kind::Replace, number)
            .device(&old.path)
            .new_device(&new.path)
            .states(before, State::Resyncing);
        database.events().record(&event);
        metadevice.ask_upkeep();
        Ok(())
    }
}
