// SPDX-License-Identifier: GPL-2.0
//! RAID5 metadevices: making one, and giving a column another device or its own one back (`svm.md`
//! section 5.8).

mod attach;
mod lost;
mod upkeep;

use kernel::{
    prelude::*,
    sync::Arc, //
};
use md_model::{
    database::metadevice::raid::Raid,
    events::kind::Kind,
    geometry::stripe::{
        ComponentSpec,
        RowSpec, //
    },
    limits::RESERVED_HEAD_SECTORS,
    mirror::{
        component::State,
        scrub::history::History, //
    },
    name::UnitName,
    raid5::{
        column::is_redundant,
        layout::Rotation,
        progress::{
            Activity,
            Progress, //
        },
        COLUMNS_MAX,
        LOG_SECTORS, //
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
    grow::check_blocks,
    options,
    replace::resyncing, //
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
    kapi::random::new_uuid,
    metadevice::{
        Metadevice,
        Plan, //
    },
    personality::{
        Ledger,
        UnitSpec, //
    },
    raid::{
        checkpoint,
        checkpoint_changed,
        first_progress,
        follow,
        Target, //
    },
    spare::Spared,
    unit_table::UnitTable,
    Refused, //
};

pub(super) use self::{
    attach::attach,
    lost::list_lost,
    upkeep::{
        check,
        sync, //
    }, //
};

/// A new RAID5 metadevice. Without a state database nobody would remember after a crash whose logs
/// are to be carried out, and which column is not to be read.
pub(super) fn plan_raid(
    units: &UnitTable,
    name: UnitName,
    request: &abi::Create,
) -> Result<Plan, Refused> {
    let pace = options::parse_new_pace(&request.mirror)?;
    if request.flags & abi::CREATE_IN_USE != 0 {
        return Err(Refused::new(EINVAL, Refusal::ReservedNotZero));
    }
    check_count(request.row_count, 2, Refusal::BadRowCount)?;
    check_count(
        request.component_count,
        COLUMNS_MAX,
        Refusal::BadColumnCount,
    )?;
    let rows = read_rows(request.rows, request.row_count)?;
    let asked = read_components(request.components, request.component_count)?;
    let attached = check_rows(&rows, request.component_count)?;
    let bad_rows = Refused::new(EINVAL, Refusal::BadRowCount);
    let row = rows.first().ok_or(bad_rows)?;
    if !units.database().is_loaded() {
        return Err(Refused::new(ENODEV, Refusal::NoDatabase));
    }
    units.check_vacant(&name)?;
    let (components, specs) =
        open_components(&asked, &name, units, Sharing::Refused, OnRecord::Nothing)?;
    check_no_metadevice(&components)?;
    let is_clean = request.flags & abi::CREATE_ASSUME_CLEAN != 0;
    let rotation = match request.flags & abi::CREATE_SVM_ROTATION {
        0 => Rotation::LeftSymmetric,
        _ => Rotation::Svm,
    };
    let raid = Raid {
        log: new_uuid(),
        rotation,
        progress: first_progress(is_clean),
        is_cancelled: false,
        is_unlogged: request.flags & abi::CREATE_UNLOGGED != 0,
        pace,
    };
    let ledger = Ledger::new(&raid, History::NONE);
    let spec = UnitSpec::Raid {
        interlace_sectors: row.interlace_sectors,
        columns: &specs,
        attached,
        raid,
        ledger: &ledger.map_err(|error| Refused::new(error, Refusal::NoMemory))?,
    };
    let kind = UnitKind::Raid as u32;
    Plan::new(name, kind, &spec, components, units.database())
}

/// The columns that were attached, of those that the rows are of: the second row, which has the
/// interlace of the first one.
fn check_rows(rows: &[RowSpec], columns: u32) -> Result<u32, Refused> {
    let count = |row: &RowSpec| row.component_count;
    let attached = rows.get(1).map_or(0, count);
    let all = rows.first().map_or(0, count).saturating_add(attached);
    if all != columns {
        let values = [all.into(), columns.into()];
        return Err(Refused::new(EINVAL, Refusal::BadRowCount).with(values));
    }
    let interlace = |row: Option<&RowSpec>| row.map(|row| row.interlace_sectors);
    let (first, second) = (interlace(rows.first()), interlace(rows.get(1)));
    if let Some(second) = second.filter(|own| Some(*own) != first) {
        let values = [second, first.unwrap_or(0)];
        return Err(Refused::new(EINVAL, Refusal::BadInterlace)
            .with(values)
            .at(1));
    }
    Ok(attached)
}

fn check_no_metadevice(components: &[Arc<Component>]) -> Result<(), Refused> {
    let mut all = (0..).zip(components);
    match all.find(|(_, component)| component.child.is_some()) {
        Some((index, _)) => Err(Refused::new(EINVAL, Refusal::ColumnIsMetadevice).at(index)),
        None => Ok(()),
    }
}

/// A column that is to be replaced.
pub(super) struct Case<'a> {
    metadevice: &'a Metadevice,
    target: Target<'a>,
    index: u32,
    pub(super) old: &'a Arc<Component>,
}

/// Carries out [`abi::IOC_REPLACE`] for a RAID5 metadevice, whose flags are known to be legal.
pub(super) fn replace(
    units: &UnitTable,
    name: &UnitName,
    request: &abi::Replace,
) -> Result<(), Refused> {
    let case = Case::at(units, name, request.index)?;
    if case.old.path != request.old {
        return Err(Refused::new(ENXIO, Refusal::NoSuchComponent));
    }
    case.check(request.flags)?;
    let new = case.open(units, name, request)?;
    let shape = case.shape_with(&new, case.start_on(&new, request))?;
    if request.flags & abi::REPLACE_CHECK_ONLY != 0 {
        return Ok(());
    }
    let (old, before) = (case.old.clone(), case.old.condition.state());
    case.carry_out(units, new.clone(), shape)?;
    let event = Event::of_unit(Kind::Replace, name.number())
        .device(&old.path)
        .new_device(&new.path)
        .states(before, State::Resyncing);
    units.database().events().record(&event);
    Ok(())
}

impl<'a> Case<'a> {
    /// A column of the metadevice with a name.
    pub(super) fn at(units: &'a UnitTable, name: &UnitName, index: u32) -> Result<Self, Refused> {
        let metadevice = units.get(name)?;
        let not_a_raid = Refused::new(EINVAL, Refusal::NotARaid);
        let target = Target::of(metadevice.body()).ok_or(not_a_raid)?;
        let old = target.shape.components().get(index as usize);
        Ok(Self {
            metadevice,
            target,
            index,
            old: old.ok_or(Refused::new(ENXIO, Refusal::NoSuchComponent))?,
        })
    }

    /// The metadevice.
    pub(super) fn body(&self) -> &'a Body {
        self.metadevice.body()
    }

    /// Sectors of log and data on each column.
    pub(super) fn used_sectors(&self) -> u64 {
        self.target.unit.layout().used_sectors()
    }

    /// Whether a hot spare may take its place: it alone is out of service, and nothing is being
    /// made (`svm.md` section 5.10).
    pub(super) fn may_be_served(&self) -> bool {
        let is_erred = |part: &&Arc<Component>| part.condition.state() == State::Erred;
        let erred = self.target.shape.components().iter().filter(is_erred);
        let is_blocked = self.body().raid().is_none_or(|raid| raid.is_blocked());
        is_erred(&self.old)
            && erred.count() == 1
            && self.target.unit.progress().activity == Activity::Nothing
            && !self.target.unit.is_unrecorded()
            && !is_blocked
    }

    /// Whether it may be replaced now: the others have all of its data.
    fn check(&self, flags: u32) -> Result<(), Refused> {
        let state = self.old.condition.state();
        let is_fine = state == State::Okay && !self.old.is_gone() && self.old.stand_in().is_none();
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

    /// Where log and data begin on the column, or on the one that it stands for as a hot spare.
    pub(super) fn start_sector(&self) -> u64 {
        let place = self.target.unit.columns().get(self.index as usize);
        match self.old.stand_in() {
            Some((original, _)) => original.start_sector,
            None => place.map_or(RESERVED_HEAD_SECTORS, |place| place.start_sector),
        }
    }

    /// Where they are to begin on the one that takes its place.
    fn start_on(&self, new: &Component, request: &abi::Replace) -> u64 {
        let is_same = Arc::ptr_eq(&new.device, &self.old.device);
        match request.new.start_sectors {
            abi::START_DEFAULT => self.start_sector(),
            asked if !is_same => asked,
            _ => self.start_sector(),
        }
    }

    /// The component that takes its place. The device that it has is used as it is, if it is still
    /// there and its own.
    fn open(
        &self,
        units: &UnitTable,
        name: &UnitName,
        request: &abi::Replace,
    ) -> Result<Arc<Component>, Refused> {
        let old = self.old;
        let spared = old.spare().cloned().map(Spared::returns);
        let is_same = request.flags & abi::REPLACE_ENABLE != 0
            && !old.is_gone()
            && old.stand_in().is_none()
            && old.device.user_dev() == request.new.dev;
        if is_same {
            let component = Component {
                child: None,
                device: old.device.clone(),
                identity: old.identity,
                condition: resyncing(),
                spared,
                dev: old.dev,
                path: old.path,
            };
            return Ok(Arc::new(component, GFP_KERNEL)?);
        }
        let asked = core::slice::from_ref(&request.new);
        let place = OnRecord::Component(name.number(), self.index);
        let (mut opened, _) = open_components(asked, name, units, Sharing::Refused, place)?;
        check_no_metadevice(&opened)?;
        check_blocks(self.target.shape.components(), &opened)?;
        let refused = Refused::new(EINVAL, Refusal::NoSuchComponent);
        let last = opened.pop().ok_or(refused)?;
        let mut opened = Arc::into_unique_or_drop(last).ok_or(refused)?;
        let new = opened.as_mut().get_mut();
        (new.condition, new.spared) = (resyncing(), spared);
        Ok(opened.into())
    }

    /// The metadevice with another column, which is to be made, and on which log and data begin at
    /// a sector. It is laid out as before.
    pub(super) fn shape_with(
        &self,
        new: &Arc<Component>,
        start_sector: u64,
    ) -> Result<Shape, Refused> {
        let unit = self.target.unit;
        let layout = unit.layout();
        let mut specs = KVec::with_capacity(unit.columns().len(), GFP_KERNEL)?;
        let mut components: Components = KVec::new();
        let own = self.target.shape.components();
        for (index, (place, part)) in (0..).zip(unit.columns().iter().zip(own)) {
            let is_new = index == self.index;
            let part = if is_new { new } else { part };
            let start = if is_new {
                start_sector
            } else {
                place.start_sector
            };
            let needed = start.saturating_add(layout.used_sectors());
            if is_new && new.device.sectors() < needed {
                let values = [needed, new.device.sectors()];
                return Err(Refused::new(ENOSPC, Refusal::ComponentTooSmall).with(values));
            }
            specs.push(spec_of(part, start, needed), GFP_KERNEL)?;
            components.push(part.clone(), GFP_KERNEL)?;
        }
        let progress = Progress::begin(Activity::Column(self.index));
        let spec = spec_like(self.target, &specs, layout.attached(), progress);
        let unit = self.body().personality().assemble(&spec)?;
        Ok(Shape::new(unit, components))
    }

    /// What the new column is copied from: one that was in service, and lacks nothing.
    fn source(&self, new: &Component) -> Option<(Arc<Component>, u64)> {
        let place = self.target.unit.columns().get(self.index as usize)?;
        let is_whole = self.old.condition.state() == State::Okay && !self.old.is_gone();
        let is_other = !Arc::ptr_eq(&self.old.device, &new.device);
        let data_sector = place.start_sector.checked_add(LOG_SECTORS)?;
        (is_whole && is_other).then(|| (self.old.clone(), data_sector))
    }

    /// Records the metadevice with the new column, and puts it in force (`DURABILITY.md` clause 5).
    /// What the case refers to is gone then.
    pub(super) fn carry_out(
        self,
        units: &UnitTable,
        new: Arc<Component>,
        shape: Shape,
    ) -> Result<(), Refused> {
        let (database, metadevice) = (units.database().clone(), self.metadevice);
        let (body, number) = (metadevice.body(), metadevice.body().number());
        let (old, column, source) = (self.old.clone(), self.index, self.source(&new));
        let index = column as usize;
        let indexes = index..index.saturating_add(1);
        let labels = database.label_components(body, &shape, indexes)?;
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
            // Another column may have failed at that: then this one is needed.
            self.check(0)?;
            let growth = database.plan_growth(number, &shape)?;
            database.grow_unit(growth, || metadevice.swap(shape, &gate))
        });
        if let Err(refused) = recorded {
            metadevice.link_instead(&added, &removed)?;
            return Err(refused);
        }
        labels.keep();
        follow(body, column, source);
        if checkpoint_changed(body).is_err() {
            pr_err!("d{number}: its logs could not be written after a column was replaced\n");
        }
        drop(gate);
        let is_spare = |part: &Component| part.stand_in().is_some();
        if !is_spare(&old) && !is_spare(&new) {
            database.unlabel_replaced(&old, &added);
        }
        metadevice.narrow()?;
        units.narrow_above(body)?;
        metadevice.ask_upkeep();
        Ok(())
    }
}

/// A column as it is laid out.
fn spec_of(part: &Component, start: u64, end: u64) -> ComponentSpec {
    ComponentSpec {
        capacity_sectors: end,
        start_sectors: Some(start),
        block_sectors: part.device.logical_block_bytes() >> 9,
    }
}

/// A metadevice like another one, over these columns.
fn spec_like<'a>(
    target: Target<'a>,
    columns: &'a [ComponentSpec],
    attached: u32,
    progress: Progress,
) -> UnitSpec<'a> {
    let (unit, layout) = (target.unit, target.unit.layout());
    // What was cancelled is not what begins now.
    UnitSpec::Raid {
        interlace_sectors: layout.interlace_sectors(),
        columns,
        attached,
        raid: Raid {
            log: unit.log(),
            rotation: layout.rotation(),
            progress,
            is_cancelled: false,
            is_unlogged: unit.is_unlogged(),
            pace: unit.ledger().pace(),
        },
        ledger: unit.ledger(),
    }
}
