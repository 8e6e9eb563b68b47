// SPDX-License-Identifier: GPL-2.0
//! An extent of a soft partition is moved to another place of its base, while it is in use.
//!
//! Copying takes long, so it is done without the lock of the unit table; whoever asks for it waits,
//! and can be interrupted. Up to the last moment nothing is recorded, so that nothing is to be
//! undone after a crash. Then, with the gate closed: a record says that a move is under way, the
//! watermarks lead to both places, the record has the new layout, and the old place is given up
//! ([`md_model::soft::change`]). A start brings what was cut off to its end.

use kernel::{
    current,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
    time::{
        delay::fsleep,
        Delta,
        Instant,
        Monotonic, //
    },
};
use md_model::{
    database::metadevice::soft::{
        SoftHead,
        SoftState, //
    },
    mirror::resync::CHUNK_SECTORS,
    name::UnitName,
    soft::{
        allocate::{
            allocate,
            Amount, //
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
        Extent, //
    },
    units::SECTOR_BYTES,
};

use super::{
    super::argument::{
        check_zero,
        unit_name, //
    },
    base::alignment_of,
    change::reshaped,
    find, //
};
use crate::{
    abi::{
        self,
        Refusal,
        NO_PARENT, //
    },
    body::Body,
    database::Database,
    kapi::{
        bdev::{
            BlockDevice,
            Buffer, //
        },
        disk::ClosedGate,
    },
    metadevice::Metadevice,
    personality::Soft,
    soft::{
        layout,
        marks::Marks,
        moving::{
            Moving,
            Round, //
        },
        soft as soft_of,
        version,
        Ground, //
    },
    unit_table::UnitTable,
    Refused, //
};

/// Rounds after which what is left is copied with the gate closed, however much that is.
const ROUNDS_MAX: u32 = 8;

/// Regions that are so few that they are.
const FEW_REGIONS: u32 = 2;

/// Carries out [`abi::IOC_MOVE_SOFT`].
pub(in crate::admin) fn relocate(
    units: &Mutex<UnitTable>,
    request: &mut abi::MoveSoft,
) -> Result<(), Refused> {
    check_zero(&[request.flags & !abi::SOFT_CHECK_ONLY])?;
    let name = unit_name(&request.name)?;
    let Some(job) = Job::begin(units, name, request)? else {
        return Ok(());
    };
    let done = job.copy(units).and_then(|()| job.finish(units));
    if done.is_err() {
        job.give_up(units);
    }
    job.body.let_go();
    done
}

/// A move that has begun. The soft partition counts as open, so that it is not cleared.
struct Job {
    name: UnitName,
    body: Arc<Body>,
    device: Arc<BlockDevice>,
    moving: Arc<Moving>,
    index: usize,
}

impl Job {
    /// Finds the place, and has writes noted from now on. `None` if that was only to be checked.
    fn begin(
        units: &Mutex<UnitTable>,
        name: UnitName,
        request: &mut abi::MoveSoft,
    ) -> Result<Option<Self>, Refused> {
        let units = units.lock();
        let (metadevice, ground) = find(&units, &name)?;
        ground.check_settled()?;
        let body = metadevice.body().clone();
        body.check_no_parent()?;
        body.check_not_moving()?;
        let soft = soft_of(&body).ok_or(Refused::new(EINVAL, Refusal::NotASoftPartition))?;
        let index = request.index as usize;
        let missing = Refused::new(EINVAL, Refusal::NoSuchExtent);
        let missing = missing.with([request.index.into(), soft.extents().len() as u64]);
        let from = *soft.extents().get(index).ok_or(missing)?;
        let to = place_for(&body, &ground, soft, &from, request.sector)?;
        request.sector = to.sector;
        if request.flags & abi::SOFT_CHECK_ONLY != 0 {
            return Ok(None);
        }
        let start = total(soft.extents().get(..index).unwrap_or(&[]));
        let moving = Arc::new(Moving::new(start, from, to)?, GFP_KERNEL)?;
        body.hold()?;
        let shape = reshaped(&body, &ground, soft.head(), soft.extents());
        let begun = shape.and_then(|shape| metadevice.change(shape.with_moving(moving.clone())));
        if let Err(refused) = begun {
            body.let_go();
            return Err(refused);
        }
        Ok(Some(Self {
            name,
            device: ground.device,
            body,
            moving,
            index,
        }))
    }

    /// Copies round by round, until little is left.
    fn copy(&self, units: &Mutex<UnitTable>) -> Result<(), Refused> {
        let mut buffer = chunk_buffer()?;
        for _ in 0..ROUNDS_MAX {
            let round = {
                let units = units.lock();
                let metadevice = self.find(&units)?;
                let gate = metadevice.close_gate();
                self.moving.begin_round(&gate)
            };
            self.copy_round(round, &mut buffer)?;
            if self.moving.changed() <= FEW_REGIONS {
                break;
            }
        }
        Ok(())
    }

    /// As long as a chunk takes, it waits before the next one: others are to have half of the
    /// device.
    fn copy_round(&self, round: Round, buffer: &mut Buffer) -> Result<(), Refused> {
        let since: core::cell::Cell<Instant<Monotonic>> = core::cell::Cell::new(Instant::now());
        let may_go_on = || {
            let taken = since.get().elapsed().as_micros_ceil();
            fsleep(Delta::from_micros(taken.clamp(1, 100_000)));
            since.set(Instant::now());
            !current!().signal_pending()
        };
        let copied = self.moving.copy(&self.device, round, buffer, &may_go_on);
        match copied.map_err(failed)? {
            true => Ok(()),
            false => Err(Refused::new(EINTR, Refusal::MoveInterrupted)),
        }
    }

    /// The metadevice. Nobody has made it part of another one: that is refused meanwhile.
    fn find<'a>(&self, units: &'a UnitTable) -> Result<&'a Metadevice, Refused> {
        let metadevice = units.get(&self.name)?;
        let is_same = Arc::ptr_eq(metadevice.body(), &self.body);
        if !is_same || self.body.parent() != NO_PARENT {
            return Err(
                Refused::new(EBUSY, Refusal::UnitHasParent).with([self.body.parent().into(), 0])
            );
        }
        Ok(metadevice)
    }

    /// Copies what is left, records the new layout, and has everybody use it.
    fn finish(&self, units: &Mutex<UnitTable>) -> Result<(), Refused> {
        let mut buffer = chunk_buffer()?;
        let units = units.lock();
        let metadevice = self.find(&units)?;
        let (_, ground) = find(&units, &self.name)?;
        ground.check_settled()?;
        let gate = metadevice.close_gate();
        for _ in 0..2 {
            let round = self.moving.begin_round(&gate);
            let copied = self.moving.copy(&self.device, round, &mut buffer, &|| true);
            copied.map_err(failed)?;
        }
        self.device.flush().map_err(failed)?;
        let next = Next::of(self, &ground)?;
        next.carry_out(units.database(), metadevice, &ground, &gate)
    }

    /// It stays where it was, and nothing is noted any more.
    fn give_up(&self, units: &Mutex<UnitTable>) {
        let units = units.lock();
        let given_up = (|| {
            let (metadevice, ground) = find(&units, &self.name)?;
            let refused = Refused::new(EINVAL, Refusal::NotASoftPartition);
            let soft = soft_of(&self.body).ok_or(refused)?;
            if self.body.shape().moving().is_none() {
                return Ok(());
            }
            metadevice.change(reshaped(&self.body, &ground, soft.head(), soft.extents())?)
        })();
        if let Err(refused) = given_up {
            let name = self.name.as_str();
            pr_err!("{name}: a move of it could not be given up: {refused:?}\n");
        }
    }
}

/// Where an extent goes: to the sector that was asked for, or with 0 to the first place where all
/// of it fits.
fn place_for(
    body: &Body,
    ground: &Ground,
    soft: &dyn Soft,
    from: &Extent,
    sector: u64,
) -> Result<Extent, Refused> {
    let mut occupied = ground.occupied()?;
    let component = body.shape().components().first();
    let component = component.ok_or(Refused::new(EINVAL, Refusal::NotASoftPartition))?;
    if sector == 0 {
        let alignment = alignment_of(component, soft.head().alignment_sectors)?;
        let mut out = [Extent::UNFILLED; 1];
        let amount = Amount::Sectors(from.count);
        let found = allocate(&ground.base, &occupied, &[], amount, alignment, &mut out);
        let [to] = out;
        let refused = Refused::new(ENOSPC, Refusal::NoRunOnBase).with([from.count, 0]);
        return found.map(|_| to).map_err(|_| refused);
    }
    let to = Extent {
        sector,
        count: from.count,
    };
    let values = [to.sector, to.count];
    if !to.is_sound() {
        return Err(Refused::new(EINVAL, Refusal::ExtentUnaligned).with(values));
    }
    let one = Taken {
        extent: to,
        owner: body.number(),
        sequence: 0,
    };
    occupied.push(one, GFP_KERNEL)?;
    sort(&mut occupied);
    let taken = |_| Refused::new(EINVAL, Refusal::ExtentTaken).with(values);
    verify(&ground.base, &occupied).map_err(taken)?;
    Ok(to)
}

/// What the soft partition is to become.
struct Next<'a> {
    job: &'a Job,
    head: SoftHead,
    before: KVVec<Extent>,
    after: KVVec<Extent>,
}

impl<'a> Next<'a> {
    fn of(job: &'a Job, ground: &Ground) -> Result<Self, Refused> {
        let refused = Refused::new(EINVAL, Refusal::NotASoftPartition);
        let soft = soft_of(&job.body).ok_or(refused)?;
        let (mut before, mut after) = (KVVec::new(), KVVec::new());
        before.extend_from_slice(soft.extents(), GFP_KERNEL)?;
        after.extend_from_slice(soft.extents(), GFP_KERNEL)?;
        *after.get_mut(job.index).ok_or(refused)? = job.moving.to();
        Ok(Self {
            job,
            head: SoftHead {
                generation: ground.next_generation()?,
                state: SoftState::Okay,
                ..soft.head()
            },
            before,
            after,
        })
    }

    /// Two records, each followed by the watermarks that it allows.
    fn carry_out(
        &self,
        database: &Database,
        metadevice: &Metadevice,
        ground: &Ground,
        gate: &ClosedGate<'_>,
    ) -> Result<(), Refused> {
        let body = &self.job.body;
        let number = body.number();
        let old = soft_of(body).map_or(self.head, |soft| soft.head());
        let pending = |head| SoftHead {
            state: SoftState::Moving,
            ..head
        };
        let (taken, new) = (
            ground.taken(None)?,
            ground.taken(Some((number, &self.after)))?,
        );
        let mut both = ground.taken(None)?;
        let one = Taken {
            extent: self.job.moving.to(),
            owner: number,
            sequence: u32::try_from(self.job.index).unwrap_or(u32::MAX),
        };
        both.push(one, GFP_KERNEL)?;
        sort(&mut both);
        let change = |kind, old, new| Change {
            kind,
            base: ground.marks,
            old: Some(layout(ground.known, old)),
            new: layout(ground.base, new),
            owner: number,
            soft: self.head.soft,
            name: *metadevice.name(),
            before: version(0, &self.before),
            after: version(self.head.generation, &self.after),
        };
        let mut marks = Marks::new(&ground.device, ground.marks)?;
        let first = reshaped(body, ground, pending(old), &self.before)?;
        let doubled = database.plan_growth(number, &first).and_then(|growth| {
            let double = change(Kind::Double, &taken, &both);
            database.grow_unit(growth, || marks.carry_out(&double))
        });
        let second = reshaped(body, ground, pending(self.head), &self.after)?;
        let shape = reshaped(body, ground, self.head, &self.after)?;
        let moved = doubled.and_then(|()| {
            let growth = database.plan_growth(number, &second)?;
            database.grow_unit(growth, || metadevice.swap(shape, gate))
        });
        if let Err(refused) = moved {
            // The record is again what it was; so are the watermarks, if they can be written.
            if let Err(refused) = marks.finish(ground) {
                pr_err!("d{number}: its watermarks could not be taken back: {refused:?}\n");
            }
            return Err(refused);
        }
        // From here on it is there. What is not written is written when the set is started.
        let settled = marks
            .carry_out(&Change {
                old: Some(layout(ground.base, &both)),
                ..change(Kind::Move, &both, &new)
            })
            .and_then(|()| database.record(core::iter::once(number)));
        if let Err(refused) = settled {
            pr_warn!("d{number}: its new place is still to be settled: {refused:?}\n");
        }
        Ok(())
    }
}

fn chunk_buffer() -> Result<Buffer, Refused> {
    let bytes = CHUNK_SECTORS.saturating_mul(SECTOR_BYTES);
    let bytes = usize::try_from(bytes).unwrap_or(0);
    Ok(Buffer::new(bytes)?)
}

fn failed(error: Error) -> Refused {
    let number = u64::from(error.to_errno().unsigned_abs());
    Refused::new(error, Refusal::MoveFailed).with([number, 0])
}
