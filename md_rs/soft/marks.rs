// SPDX-License-Identifier: GPL-2.0
//! Reading and writing the watermarks of a base, in the order of `md_model::soft::change`.

use kernel::prelude::*;
use md_model::{
    database::{
        identity::Uuid,
        metadevice::soft::SoftState,
        page::PAGE_BYTES, //
    },
    name::UnitName,
    soft::{
        chain::{
            agrees,
            Walk, //
        },
        change::{
            all,
            uncommitted,
            Change,
            Copies, //
        },
        taken::Taken,
        watermark::{
            judge,
            Behind,
            Stamp,
            Version,
            Watermark,
            COPY_SECTORS, //
        },
        Base, //
    },
};

use super::{
    layout,
    soft,
    version,
    Ground, //
};
use crate::{
    abi::Refusal,
    body::Body,
    kapi::bdev::{
        BlockDevice,
        Buffer, //
    },
    Refused, //
};

/// Most steps of a walk over watermarks that nobody knows. One that is longer is none of ours.
const STEPS_MAX: u32 = 1 << 16;

/// The watermarks of a base.
pub(crate) struct Marks<'a> {
    device: &'a BlockDevice,
    base: Uuid,
    first: Buffer,
    second: Buffer,
}

/// What became of [`Marks::finish`].
#[derive(Clone, Copy, Default)]
pub(crate) struct Finished {
    /// How many watermarks the base should have.
    pub(crate) count: u32,
    /// How many were not as they should be.
    pub(crate) wrong: u32,
}

impl<'a> Marks<'a> {
    /// Those of a device, which have this identity.
    pub(crate) fn new(device: &'a BlockDevice, base: Uuid) -> Result<Self, Refused> {
        Ok(Self {
            device,
            base,
            first: Buffer::new(PAGE_BYTES)?,
            second: Buffer::new(PAGE_BYTES)?,
        })
    }

    /// Reads both copies of a watermark. One that cannot be read is empty.
    fn read(&mut self, sector: u64) -> Result<(), Refused> {
        let again = sector.saturating_add(COPY_SECTORS);
        let first = self.device.read(sector, &mut self.first);
        let second = self.device.read(again, &mut self.second);
        if first.is_err() {
            self.first.fill(0);
        }
        if second.is_err() {
            self.second.fill(0);
        }
        match (first, second) {
            (Err(error), Err(_)) => Err(failed(error, sector)),
            _ => Ok(()),
        }
    }

    /// The watermark at a place, if there is one.
    pub(crate) fn judged(&mut self, sector: u64) -> Result<Option<Watermark>, Refused> {
        self.read(sector)?;
        Ok(judge((&self.first, &self.second), sector, Some(self.base)).ok())
    }

    /// The watermark of the first extent of a soft partition, if it has one.
    fn first_extent(&mut self, body: &Body) -> Result<Option<(Watermark, Stamp)>, Refused> {
        let Some((head, first)) = soft(body).and_then(|soft| {
            let first = soft.extents().first()?;
            Some((soft.head(), *first))
        }) else {
            return Ok(None);
        };
        let mark = self.judged(first.place())?;
        let found = mark.and_then(|mark| Some((mark, mark.extent()?.1)));
        Ok(found.filter(|(_, stamp)| stamp.soft == head.soft && stamp.sequence == 0))
    }

    fn write(&mut self, mark: &Watermark, copy: u64) -> Result<(), Refused> {
        let sector = mark.sector.saturating_add(copy);
        if !mark.encode(&mut self.first) {
            return Err(failed(EINVAL, sector));
        }
        let written = self.device.write(sector, &self.first, false);
        written.map_err(|error| failed(error, sector))
    }

    fn flush(&self) -> Result<(), Refused> {
        self.device.flush().map_err(|error| failed(error, 0))
    }

    /// Forgets what was at the first place of a base that has no soft partitions: not even an old
    /// copy leads anywhere.
    pub(crate) fn begin_anew(&mut self, base: &Base) -> Result<(), Refused> {
        self.first.fill(0);
        for copy in [0, COPY_SECTORS] {
            let sector = base.start.saturating_add(copy);
            let written = self.device.write(sector, &self.first, false);
            written.map_err(|error| failed(error, sector))?;
        }
        self.flush()
    }

    /// Writes the watermarks of a change, round by round.
    pub(crate) fn carry_out(&mut self, change: &Change<'_>) -> Result<(), Refused> {
        for round in change.rounds() {
            for mark in change.writes(round.step) {
                if round.copies != Copies::Second {
                    self.write(&mark, 0)?;
                }
                if round.copies != Copies::First {
                    self.write(&mark, COPY_SECTORS)?;
                }
            }
            self.flush()?;
        }
        Ok(())
    }

    /// Writes the copies of a watermark that are not as they should be, one after the other;
    /// whether there were any. One that is right is left alone: it may be the only one. If the
    /// first one has to be written although it is whole, the second one says the same before.
    fn mend(&mut self, mark: &Watermark) -> Result<bool, Refused> {
        self.read(mark.sector)?;
        let whole = |bytes: &[u8]| judge((bytes, &[]), mark.sector, Some(self.base)).ok();
        let (first, second) = (whole(&self.first), whole(&self.second));
        let is_right = |found: Option<Watermark>| found.is_some_and(|found| agrees(mark, &found));
        if let Some(first) = first.filter(|first| second != Some(*first) && !agrees(mark, first)) {
            self.write(&first, COPY_SECTORS)?;
            self.flush()?;
        }
        for (found, copy) in [(first, 0), (second, COPY_SECTORS)] {
            if !is_right(found) {
                self.write(mark, copy)?;
                self.flush()?;
            }
        }
        Ok(!is_right(first) || !is_right(second))
    }

    /// Whether both copies of a watermark are as they should be.
    pub(crate) fn is_right(&mut self, mark: &Watermark) -> Result<bool, Refused> {
        self.read(mark.sector)?;
        let is_right = |bytes: &[u8]| {
            let found = judge((bytes, &[]), mark.sector, Some(self.base));
            found.is_ok_and(|found| agrees(mark, &found))
        };
        Ok(is_right(&self.first) && is_right(&self.second))
    }

    /// Brings the watermarks in line with the records, whatever has become of them: changes that
    /// were cut off come to their end, and what is damaged is written anew. Nothing but watermarks
    /// is written. The soft partitions stay in their states.
    pub(crate) fn finish(&mut self, ground: &Ground) -> Result<Finished, Refused> {
        let mut before: KVec<(u32, Version)> = KVec::new();
        for body in in_state(ground, SoftState::Growing) {
            if let Some((_, stamp)) = self.first_extent(body)? {
                before.push((body.number(), stamp.version), GFP_KERNEL)?;
            }
        }
        self.commit(ground, SoftState::Shrinking)?;
        self.commit(ground, SoftState::Moving)?;
        let mut finished = Finished::default();
        let taken = kept(ground)?;
        for mark in wanted(ground, &taken, &before) {
            finished.count = finished.count.saturating_add(1);
            if self.mend(&mark)? {
                finished.wrong = finished.wrong.saturating_add(1);
            }
        }
        self.commit(ground, SoftState::Growing)?;
        Ok(finished)
    }

    /// Compares the watermarks with the records.
    pub(crate) fn compare(&mut self, ground: &Ground) -> Result<Finished, Refused> {
        let mut finished = Finished::default();
        let taken = kept(ground)?;
        for mark in wanted(ground, &taken, &[]) {
            finished.count = finished.count.saturating_add(1);
            if !self.is_right(&mark)? {
                finished.wrong = finished.wrong.saturating_add(1);
            }
        }
        Ok(finished)
    }

    /// Commits the layouts of the soft partitions in a state: their first extents, as long as they
    /// are, name them.
    fn commit(&mut self, ground: &Ground, wanted: SoftState) -> Result<(), Refused> {
        for body in in_state(ground, wanted) {
            let Some((mark, stamp)) = self.first_extent(body)? else {
                continue;
            };
            let Some(own) = soft(body) else { continue };
            let version = version(own.head().generation, own.extents());
            let behind = Behind::Extent(Stamp { version, ..stamp });
            self.mend(&Watermark { behind, ..mark })?;
        }
        Ok(())
    }

    /// A soft partition that watermarks of any identity tell of, from the start of a base on.
    pub(crate) fn find_unknown(&mut self, base: &Base) -> Result<Option<UnitName>, Refused> {
        let mut walk = Walk::new(base);
        for _ in 0..STEPS_MAX {
            let Some(place) = walk.place() else {
                return Ok(None);
            };
            self.read(place)?;
            match walk.step((&self.first, &self.second)) {
                Ok(mark) => {
                    if let Some((_, stamp)) = mark.extent() {
                        return Ok(Some(stamp.name));
                    }
                }
                Err(_) => return Ok(None),
            }
        }
        Ok(None)
    }
}

/// The soft partitions of a base that are in a state.
fn in_state(ground: &Ground, state: SoftState) -> impl Iterator<Item = &Body> {
    let bodies = ground.bodies.iter().map(|body| &**body);
    bodies.filter(move |body| soft(body).is_some_and(|soft| soft.head().state == state))
}

/// What is taken by soft partitions that are not about to go.
pub(crate) fn kept(ground: &Ground) -> Result<super::TakenList, Refused> {
    let mut taken = KVVec::new();
    for body in &ground.bodies {
        let own = soft(body).filter(|soft| soft.head().state != SoftState::Clearing);
        let extents = own.map(|soft| soft.extents()).unwrap_or_default();
        super::append(&mut taken, body.number(), extents)?;
    }
    md_model::soft::taken::sort(&mut taken);
    Ok(taken)
}

/// The watermarks that a base should have, from the last one to the first. `before`: layouts of
/// soft partitions whose growth is not committed yet.
pub(crate) fn wanted<'a>(
    ground: &'a Ground,
    taken: &'a [Taken],
    before: &'a [(u32, Version)],
) -> impl Iterator<Item = Watermark> + 'a {
    let stamp = move |one: &Taken| {
        let mut bodies = ground.bodies.iter();
        let body = bodies.find(|body| body.number() == one.owner)?;
        let own = soft(body)?;
        let head = own.head();
        let after = version(head.generation, own.extents());
        let mut before = before.iter();
        let before = before.find(|(number, _)| *number == one.owner);
        let before = before.map_or(after, |(_, version)| *version);
        Some(Stamp {
            soft: head.soft,
            name: UnitName::from_number(one.owner).ok()?,
            sequence: one.sequence,
            version: uncommitted(before, after, one.sequence),
        })
    };
    all(ground.marks, layout(ground.base, taken), stamp)
}

fn failed(error: Error, sector: u64) -> Refused {
    let number = u64::from(error.to_errno().unsigned_abs());
    Refused::new(error, Refusal::WatermarkFailed).with([number, sector])
}
