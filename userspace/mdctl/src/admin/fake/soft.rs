// SPDX-License-Identifier: GPL-2.0
//! Soft partitions of the fake kernel. Their layouts are the model's; there are no watermarks.

use super::{
    FakeAdmin,
    FakeUnit,
    Refused, //
};
use md_abi::admin::{
    ChangeSoft,
    Component,
    ComponentState,
    CreateSoft,
    Extent,
    MendSoft,
    MoveSoft,
    Refusal,
    SoftState,
    SoftStatus,
    UnitKind,
    UnitSummary,
    NO_INDEX,
    NO_PARENT,
    SOFT_ALL,
    SOFT_BRIEF,
    SOFT_CHECK_ONLY,
    SOFT_FORCE,
    SOFT_PARENTS,
    SOFT_REBUILD,
    SOFT_SHRINK, //
};
use md_model::{
    limits::EXTENTS_MAX,
    soft::{
        self,
        align::default_alignment,
        allocate::{
            allocate,
            cut,
            Amount,
            NoRoom, //
        },
        taken::{
            free_sectors,
            sort,
            verify,
            Taken, //
        },
        Base, //
    },
};
use std::num::NonZeroU64;
use zerocopy::FromZeros;

/// What the fake kernel knows of a soft partition.
#[derive(Clone, Debug)]
pub struct FakeSoft {
    /// How it is.
    pub state: SoftState,
    /// Watermarks that are said to be wrong.
    pub wrong: u32,
    alignment: u64,
    generation: u64,
    identity: [[u8; 16]; 2],
    extents: Vec<soft::Extent>,
}

fn about((refusal, values): (Refusal, [u64; 2])) -> Refused {
    (refusal, NO_INDEX, values)
}

fn no_room(why: NoRoom) -> Refused {
    about(match why {
        NoRoom::Full { needed, free } => (Refusal::NoRoomOnBase, [needed, free]),
        NoRoom::TooManyExtents { .. } => (Refusal::TooManyExtents, [EXTENTS_MAX.into(), 0]),
    })
}

fn amount(flags: u32, size: u64) -> Amount {
    if flags & SOFT_ALL != 0 {
        assert_eq!(size, 0);
        return Amount::All;
    }
    Amount::Sectors(size)
}

impl FakeAdmin {
    /// A soft partition, of which the test may say anything.
    pub fn soft(&mut self, number: u32) -> &mut FakeSoft {
        self.softs.get_mut(&number).expect("the test has made it")
    }

    /// What is taken of a device, but for the soft partition with a number.
    fn taken_on(&self, dev: u64, but_for: Option<u32>) -> Vec<Taken> {
        let mut taken = Vec::new();
        for (number, soft) in &self.softs {
            let is_on = self.units[number].components[0].dev == dev;
            if !is_on || Some(*number) == but_for {
                continue;
            }
            taken.extend(
                soft.extents
                    .iter()
                    .zip(0..)
                    .map(|(extent, sequence)| Taken {
                        extent: *extent,
                        owner: *number,
                        sequence,
                    }),
            );
        }
        sort(&mut taken);
        taken
    }

    /// The size of a device, and where soft partitions may begin on it.
    fn base_at(&self, dev: u64) -> Result<Base, Refused> {
        let unit = self.unit_at(dev).map(|number| self.summary(number));
        let (start, sectors) = match unit {
            Some(unit) => (0, unit.size_sectors),
            None => {
                let missing = about((Refusal::ComponentNotFound, [6, 0]));
                (2048, *self.disks.get(&dev).ok_or(missing)?)
            }
        };
        let too_small = about((Refusal::ComponentTooSmall, [start + 64, sectors]));
        Base::of(start, sectors).ok_or(too_small)
    }

    fn check_base(&self, dev: u64) -> Result<(), Refused> {
        let unit = self.unit_at(dev).map(|number| self.summary(number));
        if unit.is_some_and(|unit| unit.kind == UnitKind::SoftPartition as u32) {
            return Err(about((Refusal::BaseIsSoft, [0; 2])));
        }
        let holder = self.holder(dev);
        if holder.is_some_and(|holder| !self.softs.contains_key(&holder)) {
            return Err((Refusal::ComponentBusy, 0, [0; 2]));
        }
        Ok(())
    }

    pub(super) fn make_soft(
        &mut self,
        number: u32,
        argument: &mut CreateSoft,
        extents: &[Extent],
    ) -> Result<(), Refused> {
        let known = SOFT_CHECK_ONLY | SOFT_ALL | SOFT_FORCE | SOFT_REBUILD;
        assert_eq!(argument.flags & !known, 0);
        let Component { dev, .. } = argument.component;
        self.check_base(dev)?;
        let base = self.base_at(dev)?;
        let taken = self.taken_on(dev, None);
        let alignment = match NonZeroU64::new(argument.alignment_sectors) {
            Some(alignment) if alignment.get() % 16 != 0 => {
                let values = [alignment.get(), 16];
                return Err(about((Refusal::BadAlignment, values)));
            }
            Some(alignment) => alignment,
            None => default_alignment([]).expect("the default"),
        };
        let own = if extents.is_empty() {
            let mut out = vec![soft::Extent::UNFILLED; EXTENTS_MAX as usize];
            let wanted = amount(argument.flags, argument.size_sectors);
            let share = allocate(&base, &taken, &[], wanted, alignment, &mut out);
            out.truncate(share.map_err(no_room)?.added);
            out
        } else {
            given(&base, taken, number, extents)?
        };
        argument.size_sectors = soft::extents::total(&own);
        argument.alignment_sectors = alignment.get();
        if argument.flags & SOFT_CHECK_ONLY == 0 {
            self.add_soft(number, argument, own);
        }
        Ok(())
    }

    fn add_soft(&mut self, number: u32, argument: &CreateSoft, extents: Vec<soft::Extent>) {
        let dev = argument.component.dev;
        let mut summary = UnitSummary::new_zeroed();
        summary.name = argument.name;
        summary.kind = UnitKind::SoftPartition as u32;
        summary.dev = Self::dev(number);
        summary.size_sectors = argument.size_sectors;
        summary.component_count = 1;
        summary.parent = NO_PARENT;
        let component = Component {
            state: ComponentState::Okay as u32,
            start_sectors: 0,
            ..argument.component
        };
        let unit = FakeUnit {
            summary,
            rows: Vec::new(),
            components: vec![component],
        };
        self.units.insert(number, unit);
        self.show(number);
        let soft = FakeSoft {
            state: SoftState::Okay,
            wrong: 0,
            alignment: argument.alignment_sectors,
            generation: argument.generation.max(self.softs.len() as u64 + 1),
            identity: [argument.soft, argument.base],
            extents,
        };
        self.softs.insert(number, soft);
        if let Some(below) = self.unit_at(dev) {
            self.unit_mut(below).summary.parent = SOFT_PARENTS;
        }
    }

    pub(super) fn resize_soft(
        &mut self,
        number: u32,
        argument: &mut ChangeSoft,
    ) -> Result<(), Refused> {
        let refused = about((Refusal::NotASoftPartition, [0; 2]));
        let soft = self.softs.get(&number).cloned().ok_or(refused)?;
        let dev = self.units[&number].components[0].dev;
        let mut own = soft.extents.clone();
        if argument.flags & SOFT_SHRINK != 0 {
            let values = [soft::extents::total(&own), argument.size_sectors];
            let (kept, last) =
                cut(&own, argument.size_sectors).ok_or(about((Refusal::NotSmaller, values)))?;
            own.truncate(kept);
            own[kept - 1].count = last;
        } else {
            let mut out = vec![soft::Extent::UNFILLED; EXTENTS_MAX as usize];
            let wanted = amount(argument.flags, argument.size_sectors);
            let asked = [argument.alignment_sectors, soft.alignment];
            let alignment = asked.into_iter().find_map(NonZeroU64::new).expect("one");
            let (base, taken) = (self.base_at(dev)?, self.taken_on(dev, None));
            let share = allocate(&base, &taken, &own, wanted, alignment, &mut out);
            let share = share.map_err(no_room)?;
            own.last_mut().expect("an extent").count += share.extended;
            own.extend_from_slice(&out[..share.added]);
        }
        argument.size_sectors = soft::extents::total(&own);
        if argument.flags & SOFT_CHECK_ONLY == 0 {
            self.hide(number);
            self.soft(number).extents = own;
            self.unit_mut(number).summary.size_sectors = argument.size_sectors;
            self.show(number);
        }
        Ok(())
    }

    pub(super) fn describe_soft(
        &mut self,
        number: u32,
        argument: &mut SoftStatus,
        extents: &mut [Extent],
    ) -> Result<(), Refused> {
        let refused = about((Refusal::NotASoftPartition, [0; 2]));
        let soft = self.softs.get(&number).ok_or(refused)?;
        let dev = self.units[&number].components[0].dev;
        for (to, extent) in extents.iter_mut().zip(&soft.extents) {
            (to.sector, to.count) = (extent.sector, extent.count);
        }
        let base = self.base_at(dev)?;
        argument.extent_count = soft.extents.len() as u32;
        argument.state = soft.state as u32;
        argument.wrong_count = soft.wrong;
        argument.alignment_sectors = soft.alignment;
        argument.generation = soft.generation;
        if argument.flags & SOFT_BRIEF == 0 {
            argument.free_sectors = free_sectors(&base, &self.taken_on(dev, None));
        }
        [argument.soft, argument.base] = soft.identity;
        Ok(())
    }

    pub(super) fn move_extent(
        &mut self,
        number: u32,
        argument: &mut MoveSoft,
    ) -> Result<(), Refused> {
        let refused = about((Refusal::NotASoftPartition, [0; 2]));
        let soft = self.softs.get(&number).cloned().ok_or(refused)?;
        let dev = self.units[&number].components[0].dev;
        let index = argument.index as usize;
        let values = [argument.index.into(), soft.extents.len() as u64];
        let missing = about((Refusal::NoSuchExtent, values));
        let from = *soft.extents.get(index).ok_or(missing)?;
        let (base, taken) = (self.base_at(dev)?, self.taken_on(dev, None));
        let to = if argument.sector == 0 {
            let mut out = [soft::Extent::UNFILLED; 1];
            let alignment = NonZeroU64::new(soft.alignment).expect("one");
            let wanted = Amount::Sectors(from.count);
            allocate(&base, &taken, &[], wanted, alignment, &mut out)
                .map_err(|_| about((Refusal::NoRunOnBase, [from.count, 0])))?;
            out[0]
        } else {
            let sector = argument.sector;
            let count = from.count;
            let asked = [Extent { sector, count }];
            let to = given(&base, taken, number, &asked);
            to.map_err(|(refusal, _, values)| about((refusal, values)))?[0]
        };
        argument.sector = to.sector;
        if argument.flags & SOFT_CHECK_ONLY == 0 {
            self.soft(number).extents[index] = to;
        }
        Ok(())
    }

    pub(super) fn mend_softs(&mut self, argument: &mut MendSoft) -> Result<(), Refused> {
        let units = &self.units;
        let mut found = 0;
        for (number, soft) in &mut self.softs {
            if units[number].components[0].dev != argument.dev {
                continue;
            }
            found += 1;
            argument.count += soft.extents.len() as u32;
            argument.wrong_count += soft.wrong;
            if argument.flags & SOFT_CHECK_ONLY == 0 {
                argument.finished_count += u32::from(soft.state != SoftState::Okay);
                (soft.state, soft.wrong) = (SoftState::Okay, 0);
            }
        }
        match found {
            0 => Err(about((Refusal::NoSoftPartitions, [0; 2]))),
            _ => Ok(()),
        }
    }

    /// A metadevice is gone: if it was the last soft partition on another one, that is nobody's.
    pub(super) fn forget_soft(&mut self, number: u32, dev: Option<u64>) {
        self.softs.remove(&number);
        let below = dev.and_then(|dev| self.unit_at(dev));
        if let (Some(dev), Some(below)) = (dev, below) {
            if self.holder(dev).is_none() {
                self.unit_mut(below).summary.parent = NO_PARENT;
            }
        }
    }
}

/// Extents that were given, if they are free.
fn given(
    base: &Base,
    mut taken: Vec<Taken>,
    number: u32,
    extents: &[Extent],
) -> Result<Vec<soft::Extent>, Refused> {
    let mut own = Vec::new();
    for (sequence, extent) in (0..).zip(extents) {
        let values = [extent.sector, extent.count];
        let extent = soft::Extent {
            sector: extent.sector,
            count: extent.count,
        };
        if !extent.is_sound() {
            return Err((Refusal::ExtentUnaligned, sequence, values));
        }
        taken.push(Taken {
            extent,
            owner: number,
            sequence,
        });
        own.push(extent);
    }
    sort(&mut taken);
    verify(base, &taken).map_err(|misfit| {
        let soft::Extent { sector, count } = misfit.0.extent;
        (Refusal::ExtentTaken, misfit.0.sequence, [sector, count])
    })?;
    Ok(own)
}
