// SPDX-License-Identifier: GPL-2.0
//! Bases of soft partitions: what is on them, and their watermarks (`svm.md` section 6). The rules
//! are `md_model::soft`'s.
//!
//! Everything here is done with the lock of the unit table held, and reads and writes the base by
//! its own disk, as anybody would: of a mirror, all sides get the watermarks.

pub(crate) mod check;
pub(crate) mod marks;
pub(crate) mod moving;

use kernel::{
    prelude::*,
    sync::Arc, //
};
use md_model::{
    database::identity::Uuid,
    soft::{
        change::Layout,
        extents::total,
        taken::{
            sort,
            Taken, //
        },
        watermark::{
            Behind,
            Version, //
        },
        Base,
        Extent, //
    },
};

use self::marks::Marks;
use crate::{
    abi::Refusal,
    body::Body,
    kapi::bdev::BlockDevice,
    personality::Soft,
    Refused, //
};

/// A base that has soft partitions, and these.
pub(crate) struct Ground {
    /// The base.
    pub(crate) device: Arc<BlockDevice>,
    /// Identity of its watermarks.
    pub(crate) marks: Uuid,
    /// As large as it is now.
    pub(crate) base: Base,
    /// As its watermarks know it.
    pub(crate) known: Base,
    /// The soft partitions.
    pub(crate) bodies: KVec<Arc<Body>>,
}

/// What is taken of a base, in order.
pub(crate) type TakenList = KVVec<Taken>;

impl Ground {
    /// The base whose watermarks have an identity, of the soft partitions among these; `None` if
    /// there are none.
    pub(crate) fn of<'a>(
        bodies: impl Iterator<Item = &'a Arc<Body>>,
        marks: Uuid,
    ) -> Result<Option<Self>, Refused> {
        let mut found: KVec<Arc<Body>> = KVec::new();
        for body in bodies.filter(|body| soft(body).is_some_and(|soft| soft.head().base == marks)) {
            found.push(body.clone(), GFP_KERNEL)?;
        }
        let Some(component) = found
            .first()
            .and_then(|body| body.shape().components().first())
        else {
            return Ok(None);
        };
        let device = component.device.clone();
        let bases = || found.iter().filter_map(|body| Some(soft(body)?.base()));
        let start = bases().map(|base| base.start).min().unwrap_or(0);
        let end = bases().map(|base| base.end).max().unwrap_or(0);
        let recorded = Base { start, end };
        // A device that is not there has no size.
        let base = Base::of(start, device.sectors()).unwrap_or(recorded);
        let mut ground = Self {
            device,
            marks,
            base,
            known: recorded,
            bodies: found,
        };
        // It may have grown, and whoever was given a part of that may be gone.
        if !ground.device.is_absent() && ground.base != recorded {
            let mut marks = Marks::new(&ground.device, marks)?;
            let mark = marks.judged(ground.base.end)?;
            if mark.is_some_and(|mark| mark.behind == Behind::End) {
                ground.known = ground.base;
            }
        }
        Ok(Some(ground))
    }

    /// What is taken by all soft partitions, but with other extents for the one with number
    /// `instead`, if there is one.
    pub(crate) fn taken(&self, instead: Option<(u32, &[Extent])>) -> Result<TakenList, Refused> {
        let mut taken = KVVec::new();
        for body in &self.bodies {
            let number = body.number();
            if instead.is_some_and(|(other, _)| other == number) {
                continue;
            }
            let extents = soft(body).map(|soft| soft.extents()).unwrap_or_default();
            append(&mut taken, number, extents)?;
        }
        if let Some((number, extents)) = instead {
            append(&mut taken, number, extents)?;
        }
        sort(&mut taken);
        Ok(taken)
    }

    /// What is taken, and what extents that are being moved are to have: nobody else gets that.
    pub(crate) fn occupied(&self) -> Result<TakenList, Refused> {
        let mut occupied = self.taken(None)?;
        for body in &self.bodies {
            if let Some(moving) = body.shape().moving() {
                append(&mut occupied, body.number(), &[moving.to()])?;
            }
        }
        sort(&mut occupied);
        Ok(occupied)
    }

    /// Number of the next layout.
    pub(crate) fn next_generation(&self) -> Result<u64, Refused> {
        let generations = self.softs().map(|soft| soft.head().generation);
        let last = generations.max().unwrap_or(0);
        let next = last.checked_add(1);
        next.ok_or(Refused::new(EOVERFLOW, Refusal::TooLarge))
    }

    /// The soft partitions.
    pub(crate) fn softs(&self) -> impl Iterator<Item = &dyn Soft> {
        self.bodies.iter().filter_map(|body| soft(body))
    }

    /// Refuses a base on which something is still to be brought to its end.
    pub(crate) fn check_settled(&self) -> Result<(), Refused> {
        for body in &self.bodies {
            if soft(body).is_some_and(|soft| soft.is_pending()) {
                let values = [body.number().into(), 0];
                return Err(Refused::new(EBUSY, Refusal::SoftIsPending).with(values));
            }
        }
        Ok(())
    }
}

/// What a body is, if it is a soft partition.
pub(crate) fn soft(body: &Body) -> Option<&dyn Soft> {
    body.shape().unit().soft()
}

/// The layout of a soft partition, as its watermarks name it.
pub(crate) fn version(generation: u64, extents: &[Extent]) -> Version {
    Version {
        generation,
        extents: u32::try_from(extents.len()).unwrap_or(u32::MAX),
        total_sectors: total(extents),
    }
}

/// A base and what is taken of it.
pub(crate) fn layout(base: Base, taken: &[Taken]) -> Layout<'_> {
    Layout { base, taken }
}

fn append(taken: &mut TakenList, owner: u32, extents: &[Extent]) -> Result<(), Refused> {
    for (sequence, extent) in (0..).zip(extents) {
        let one = Taken {
            extent: *extent,
            owner,
            sequence,
        };
        taken.push(one, GFP_KERNEL)?;
    }
    Ok(())
}
