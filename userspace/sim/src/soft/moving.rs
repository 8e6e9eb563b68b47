// SPDX-License-Identifier: GPL-2.0
//! An extent of a soft partition is moved to another place of the base. What it holds is copied,
//! and nobody writes to it from then on: how the kernel sees to that is not shown here.

use md_model::{
    database::metadevice::soft::SoftState,
    limits::GRAIN_SECTORS,
    soft::{
        allocate::{
            allocate,
            Amount, //
        },
        change::{
            Copies,
            Kind, //
        },
        taken::sort,
        Extent,
        GRAIN, //
    },
};

use super::{
    disk,
    taken,
    Pending,
    Soft,
    Stop,
    World,
    BASE, //
};
use crate::coverage::Point;

impl World {
    /// Moves an extent to the first place where it fits.
    pub(super) fn relocate(&mut self) -> Result<(), Stop> {
        let Some((number, before)) = self.any() else {
            return Ok(());
        };
        let index = self.random.below(before.extents.len());
        let mut out = [Extent::UNFILLED; 1];
        let amount = Amount::Sectors(before.extents[index].count);
        if allocate(&BASE, &taken(&self.records), &[], amount, GRAIN, &mut out).is_err() {
            self.coverage.hit(Point::SoftNoRoom);
            return Ok(());
        }
        self.generation += 1;
        let mut after = Soft {
            generation: self.generation,
            ..before.clone()
        };
        after.extents[index] = out[0];
        if index == 0 {
            self.coverage.hit(Point::SoftMovedFirst);
        }
        self.carry_over(number, before, after)
    }

    /// First the data is at both places, then it is recorded that a move is under way, then the
    /// watermarks lead to both, then the new layout is recorded, and then the old place is free.
    fn carry_over(&mut self, number: u32, before: Soft, after: Soft) -> Result<(), Stop> {
        let old = taken(&self.records);
        self.pending = Some(Pending {
            kind: Kind::Double,
            number,
            before: Some(before.clone()),
            after: Some(after.clone()),
            round: None,
        });
        self.copy(&before, &after)?;
        self.tick()?;
        let at_last = (after.clone(), SoftState::Moving);
        let first = if self.rules.record_before_move {
            (before.clone(), SoftState::Moving)
        } else {
            at_last.clone()
        };
        self.records.insert(number, first);
        self.tick()?;
        self.records.insert(number, at_last.clone());
        let new = taken(&self.records);
        self.records.insert(number, (before, SoftState::Moving));
        let mut both = old.clone();
        both.extend(new.iter().filter(|one| !old.contains(one)));
        sort(&mut both);
        self.write_watermarks(Some(&old), &both)?;
        self.tick()?;
        self.records.insert(number, at_last);
        if let Some(pending) = &mut self.pending {
            (pending.kind, pending.round) = (Kind::Move, None);
        }
        self.tick()?;
        self.write_watermarks(Some(&both), &new)?;
        self.tick()?;
        self.coverage.hit(Point::SoftMoved);
        self.settle();
        Ok(())
    }

    fn copy(&mut self, before: &Soft, after: &Soft) -> Result<(), Stop> {
        let grains: u64 = before
            .extents
            .iter()
            .map(|one| one.count / GRAIN_SECTORS)
            .sum();
        for grain in 0..grains {
            let (from, to) = (before.place(grain), after.place(grain));
            if from == to {
                continue;
            }
            for copy in disk::of(Copies::Both) {
                let bytes = *self.disk.read(from + copy);
                self.disk.accept(to + copy, bytes);
            }
            self.tick()?;
        }
        self.disk.flush();
        Ok(())
    }
}
