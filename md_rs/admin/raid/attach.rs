// SPDX-License-Identifier: GPL-2.0
//! Attaching columns to a RAID5 metadevice while it is in use (`svm.md` section 5.1). They have
//! data only, and the parity of each row is the sum of them as well: so they are filled with zeroes
//! first, and no parity changes.
//!
//! That takes long, and so it is done without the lock of the unit table; whoever asks for it
//! waits, and can be interrupted. Up to the last moment nothing is recorded, so that nothing is to
//! be undone after a crash.

use kernel::{
    current,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    }, //
};
use md_model::{
    events::kind::Kind,
    mirror::component::State,
    name::UnitName,
    raid5::progress::{
        Activity,
        Progress, //
    }, //
};

use super::{
    super::{
        components::{
            check_count,
            open_components,
            read_components,
            read_rows,
            Components,
            Sharing, //
        },
        grow::check_blocks, //
    },
    check_no_metadevice,
    spec_like,
    spec_of, //
};
use crate::{
    abi::{
        self,
        Refusal,
        NO_PARENT,
        SOFT_PARENTS, //
    },
    body::{
        Body,
        Shape, //
    },
    component::Component,
    database::OnRecord,
    events::Event,
    metadevice::Metadevice,
    raid::{
        checkpoint,
        checkpoint_changed,
        larger_room,
        use_room,
        Target, //
    },
    unit_table::UnitTable,
    Refused, //
};

/// Sectors that are filled with zeroes at once: 64 MiB.
const ZEROED_SECTORS: u64 = 1 << 17;

/// Carries out [`abi::IOC_GROW`] for a RAID5 metadevice.
pub(in crate::admin) fn attach(
    table: &Mutex<UnitTable>,
    name: &UnitName,
    request: &mut abi::Grow,
) -> Result<(), Refused> {
    let (body, added) = {
        let units = table.lock();
        let metadevice = units.get(name)?;
        let growth = Growth::of(metadevice)?;
        let added = growth.open(&units, name, request)?;
        request.size_sectors = growth.shape_with(&added)?.unit().sectors();
        if request.flags & abi::CREATE_CHECK_ONLY != 0 {
            return Ok(());
        }
        // It counts as open, so that it is not cleared.
        metadevice.body().hold()?;
        (metadevice.body().clone(), added)
    };
    let done = fill(&body, &added).and_then(|()| {
        let units = table.lock();
        let metadevice = units.get(name)?;
        Growth::of(metadevice)?.carry_out(&units, &added)
    });
    body.let_go();
    done
}

/// A metadevice that is to get more columns.
struct Growth<'a> {
    metadevice: &'a Metadevice,
    target: Target<'a>,
}

impl<'a> Growth<'a> {
    /// Refused while something is wrong with it, or being made (`svm.md` section 5.8).
    fn of(metadevice: &'a Metadevice) -> Result<Self, Refused> {
        let body = metadevice.body();
        let not_a_raid = Refused::new(EINVAL, Refusal::NotARaid);
        let target = Target::of(body).ok_or(not_a_raid)?;
        if ![NO_PARENT, SOFT_PARENTS].contains(&body.parent()) {
            let values = [body.parent().into(), 0];
            return Err(Refused::new(EBUSY, Refusal::UnitHasParent).with(values));
        }
        if target.unit.is_unrecorded() {
            return Err(Refused::new(EROFS, Refusal::SetIsStopped));
        }
        if target.unit.progress().activity != Activity::Nothing {
            return Err(Refused::new(EBUSY, Refusal::RaidIsMade));
        }
        let mut columns = (0..).zip(target.shape.components());
        let is_fine = |part: &Component| part.condition.state() == State::Okay && !part.is_gone();
        match columns.find(|(_, part)| !is_fine(part)) {
            Some((column, _)) => Err(Refused::new(EBUSY, Refusal::ReplaceErredFirst).at(column)),
            None => Ok(Self { metadevice, target }),
        }
    }

    /// Opens and claims the columns that are asked for.
    fn open(
        &self,
        units: &UnitTable,
        name: &UnitName,
        request: &abi::Grow,
    ) -> Result<Components, Refused> {
        check_count(request.row_count, 1, Refusal::BadRowCount)?;
        let most = abi::COMPONENTS_MAX;
        check_count(request.component_count, most, Refusal::BadComponentCount)?;
        let rows = read_rows(request.rows, request.row_count)?;
        let asked = read_components(request.components, request.component_count)?;
        let own = self.target.unit.layout().interlace_sectors();
        for row in &rows {
            if row.component_count != request.component_count {
                let values = [row.component_count.into(), request.component_count.into()];
                return Err(Refused::new(EINVAL, Refusal::BadRowCount).with(values));
            }
            if row.interlace_sectors != own {
                let values = [row.interlace_sectors, own];
                return Err(Refused::new(EINVAL, Refusal::BadInterlace).with(values));
            }
        }
        let (added, specs) =
            open_components(&asked, name, units, Sharing::Refused, OnRecord::Nothing)?;
        check_no_metadevice(&added)?;
        if specs.iter().any(|spec| spec.start_sectors.is_some()) {
            return Err(Refused::new(EINVAL, Refusal::ReservedNotZero));
        }
        check_blocks(self.target.shape.components(), &added)?;
        Ok(added)
    }

    /// The metadevice with these columns as well.
    fn shape_with(&self, added: &Components) -> Result<Shape, Refused> {
        let (unit, own) = (self.target.unit, self.target.shape.components());
        let layout = unit.layout();
        let mut specs = KVec::new();
        let mut components: Components = KVec::new();
        for (place, part) in unit.columns().iter().zip(own) {
            let end = place.start_sector.saturating_add(layout.used_sectors());
            specs.push(spec_of(part, place.start_sector, end), GFP_KERNEL)?;
            components.push(part.clone(), GFP_KERNEL)?;
        }
        for (index, part) in (0..).zip(added) {
            let end = FIRST_SECTOR.saturating_add(layout.used_sectors());
            if part.device.sectors() < end {
                let values = [end, part.device.sectors()];
                let refused = Refused::new(ENOSPC, Refusal::ComponentTooSmall);
                return Err(refused.with(values).at(index));
            }
            specs.push(spec_of(part, FIRST_SECTOR, end), GFP_KERNEL)?;
            components.push(part.clone(), GFP_KERNEL)?;
        }
        let more = u32::try_from(added.len()).unwrap_or(u32::MAX);
        let attached = layout.attached().saturating_add(more);
        let spec = spec_like(self.target, &specs, attached, Progress::DONE);
        let unit = self.metadevice.body().personality().assemble(&spec)?;
        Ok(Shape::new(unit, components))
    }

    /// Records the metadevice with the columns, which are all zeroes, and puts it in force.
    fn carry_out(self, units: &UnitTable, added: &Components) -> Result<(), Refused> {
        let (database, metadevice) = (units.database().clone(), self.metadevice);
        let (body, number) = (metadevice.body().clone(), metadevice.body().number());
        let shape = self.shape_with(added)?;
        let sizes = [body.shape().unit().sectors(), shape.unit().sectors()];
        let not_a_raid = Refused::new(EINVAL, Refusal::NotARaid);
        let layout = *shape.unit().raid().ok_or(not_a_raid)?.layout();
        let new = self.target.shape.components().len()..usize::MAX;
        let labels = database.label_components(&body, &shape, new)?;
        let room = larger_room(&body, &layout);
        let room = room.map_err(|error| Refused::new(error, Refusal::NoMemory))?;
        metadevice.link(added)?;
        let gate = metadevice.close_gate();
        // As when a column is replaced: what the logs tell of is about the others.
        let failed = |error| Refused::with_errno(error, Refusal::DiskFailed);
        let recorded = checkpoint(&body).map_err(failed).and_then(|()| {
            let growth = database.plan_growth(number, &shape)?;
            database.grow_unit(growth, || {
                metadevice.swap(shape, &gate)?;
                use_room(&body, room);
                Ok(())
            })
        });
        if let Err(refused) = recorded {
            metadevice.unlink(added);
            return Err(refused);
        }
        labels.keep();
        if checkpoint_changed(&body).is_err() {
            pr_err!("d{number}: its logs could not be written after columns were attached\n");
        }
        drop(gate);
        // That shows the new size as well.
        metadevice.narrow()?;
        units.narrow_above(&body)?;
        let event = Event::of_unit(Kind::Grow, number);
        body.events().record(&event.values(sizes));
        Ok(())
    }
}

/// First sector of the log of a column that is attached.
const FIRST_SECTOR: u64 = md_model::limits::RESERVED_HEAD_SECTORS;

/// Fills new columns with zeroes, logs and data.
fn fill(body: &Body, added: &Components) -> Result<(), Refused> {
    let target = Target::of(body).ok_or(Refused::new(EINVAL, Refusal::NotARaid))?;
    let sectors = target.unit.layout().used_sectors();
    for (index, part) in (0..).zip(added) {
        fill_one(part, sectors).map_err(|refused| refused.at(index))?;
    }
    Ok(())
}

fn fill_one(part: &Arc<Component>, sectors: u64) -> Result<(), Refused> {
    let failed = |error: Error| {
        let number = u64::from(error.to_errno().unsigned_abs());
        Refused::new(error, Refusal::ZeroingFailed).with([number, 0])
    };
    let mut done = 0u64;
    while let Some(left) = sectors.checked_sub(done).filter(|left| *left > 0) {
        if current!().signal_pending() {
            return Err(Refused::new(EINTR, Refusal::AttachInterrupted));
        }
        let count = left.min(ZEROED_SECTORS);
        let sector = FIRST_SECTOR.saturating_add(done);
        part.device.write_zeros(sector, count).map_err(failed)?;
        done = done.saturating_add(count);
    }
    part.device.flush().map_err(failed)
}
