// SPDX-License-Identifier: GPL-2.0
//! A power cut, what the watermarks tell then, and the start that brings them in line with the
//! records, or makes records of them if there are none any more.

use std::collections::BTreeMap;

use md_model::{
    database::{
        identity::Uuid,
        metadevice::soft::SoftState, //
    },
    soft::{
        chain::{
            agrees,
            Walk, //
        },
        change::{
            all,
            uncommitted,
            Copies,
            Kind,
            Layout,
            Step, //
        },
        rebuild::{
            rebuild,
            Candidate,
            Found, //
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
        Extent, //
    },
};

use super::{
    disk,
    taken,
    Pending,
    Soft,
    Stop,
    World,
    BASE,
    EXTENTS,
    MARKS,
    RULE, //
};
use crate::{
    coverage::Point,
    violation::{
        demand,
        Violation, //
    },
};

/// The layouts that watermarks tell: number and extents, by identity.
type Layouts = BTreeMap<Uuid, (u64, Vec<Extent>)>;

fn layout_of(soft: &Soft) -> (Uuid, (u64, Vec<Extent>)) {
    (soft.uuid, (soft.generation, soft.extents.clone()))
}

impl World {
    /// The power goes. The watermarks tell what was, or what is to be.
    pub(super) fn cut_power(&mut self) -> Result<(), Violation> {
        self.note_cut();
        self.disk.cut(&mut self.random);
        let found = self.layouts()?;
        let mut before = Layouts::new();
        for (soft, state) in self.records.values() {
            if *state == SoftState::Okay {
                before.extend([layout_of(soft)]);
            }
        }
        let mut after = before.clone();
        if let Some(pending) = &self.pending {
            before.extend(pending.before.as_ref().map(layout_of));
            after.extend(pending.after.as_ref().map(layout_of));
        }
        demand(found == before || found == after, RULE, || {
            format!("{found:?} is neither {before:?} nor {after:?}")
        })?;
        if self.random.per_mille(300) {
            self.lose_records(found == after);
        }
        Ok(())
    }

    /// All replicas of the state database are lost: there is a record of what the watermarks tell.
    fn lose_records(&mut self, is_after: bool) {
        if let Some(Pending {
            number,
            mut before,
            after,
            ..
        }) = self.pending.take()
        {
            // What is to be cut off was given up when that was asked for.
            if let (Some(before), Some(after)) = (&mut before, &after) {
                before
                    .data
                    .retain(|grain, _| after.data.contains_key(grain));
            }
            let (soft, point) = if is_after {
                (after, Point::SoftRebuiltAfter)
            } else {
                (before, Point::SoftRebuiltBefore)
            };
            self.coverage.hit(point);
            match soft {
                Some(soft) => self.records.insert(number, (soft, SoftState::Okay)),
                None => self.records.remove(&number),
            };
        }
        self.coverage.hit(Point::SoftRebuilt);
        // What is on the chain and of no layout is free: it is to be written so.
        self.is_rebuilt = true;
    }

    /// The set is started: what is pending is brought to its end.
    pub(super) fn start(&mut self) -> Result<(), Stop> {
        let mut states = self.records.values().map(|(_, state)| *state);
        if !self.is_rebuilt && states.all(|state| state == SoftState::Okay) {
            // A move whose copy was not complete has not begun, as far as anybody knows.
            self.pending = None;
            return Ok(());
        }
        let names_before = self.named_before();
        let mut written = self.commit(SoftState::Shrinking)?;
        written |= self.commit(SoftState::Moving)?;
        for mark in self.wanted(&names_before) {
            written |= self.mend(&mark)?;
        }
        written |= self.commit(SoftState::Growing)?;
        self.coverage.hit(if written {
            Point::SoftFinished
        } else {
            Point::SoftWasDone
        });
        self.tick()?;
        self.has_chain = true;
        self.settle();
        let found = self.layouts()?;
        let records = self.records.values();
        let right: Layouts = records.map(|(soft, _)| layout_of(soft)).collect();
        demand(found == right, RULE, || {
            format!("after a start: {found:?} instead of {right:?}")
        })?;
        Ok(())
    }

    /// The layout that the first extent of each soft partition names that is to grow.
    fn named_before(&self) -> BTreeMap<u32, Version> {
        let growing = self.records.iter().filter_map(|(number, (soft, state))| {
            let (_, found) = self.first_extent(soft)?;
            (*state == SoftState::Growing && self.rules.finish_in_order)
                .then_some((*number, found.version))
        });
        growing.collect()
    }

    /// The watermark of the first extent of a soft partition, if it has one.
    fn first_extent(&self, soft: &Soft) -> Option<(Watermark, Stamp)> {
        let place = soft.extents.first()?.place();
        let copies = (
            &self.disk.read(place)[..],
            &self.disk.read(place + COPY_SECTORS)[..],
        );
        let mark = judge(copies, place, Some(MARKS)).ok()?;
        let (_, stamp) = mark.extent()?;
        (stamp.soft == soft.uuid && stamp.sequence == 0).then_some((mark, stamp))
    }

    /// Commits the layouts of the soft partitions in a state: their first extents, as long as they
    /// are, name them.
    fn commit(&mut self, wanted: SoftState) -> Result<bool, Stop> {
        let mut written = false;
        for (soft, state) in self.records.clone().into_values() {
            if state != wanted || !self.rules.finish_in_order {
                continue;
            }
            if let Some((mark, stamp)) = self.first_extent(&soft) {
                let behind = Behind::Extent(Stamp {
                    version: soft.version(),
                    ..stamp
                });
                written |= self.mend(&Watermark { behind, ..mark })?;
            }
        }
        Ok(written)
    }

    /// The watermarks as they should be, from the last one to the first.
    fn wanted(&self, before: &BTreeMap<u32, Version>) -> Vec<Watermark> {
        let taken = taken(&self.records);
        let layout = Layout {
            base: BASE,
            taken: &taken,
        };
        let stamp = |one: &Taken| {
            let (soft, _) = self.records.get(&one.owner)?;
            let after = soft.version();
            let before = before.get(&one.owner).copied().unwrap_or(after);
            Some(Stamp {
                soft: soft.uuid,
                name: soft.name,
                sequence: one.sequence,
                version: uncommitted(before, after, one.sequence),
            })
        };
        all(MARKS, layout, stamp).collect()
    }

    /// Writes the copies of a watermark that are not as they should be, one after the other. One
    /// that is right is left alone: it may be the only one. If the first one has to be written
    /// although it is whole, the second one says the same before.
    fn mend(&mut self, mark: &Watermark) -> Result<bool, Stop> {
        let mut written = false;
        let (first, second) = self.copies(mark.sector);
        if let Some(first) = first.filter(|first| second != Some(*first) && !agrees(mark, first)) {
            self.write_mark(&first, Copies::Second)?;
            self.tick()?;
            self.disk.flush();
        }
        for copies in [Copies::First, Copies::Second] {
            let is_right = disk::of(copies).all(|copy| {
                let found = Watermark::decode(self.disk.read(mark.sector + copy));
                found.is_ok_and(|found| agrees(mark, &found))
            });
            if !is_right || !self.rules.spare_right_copies {
                self.write_mark(mark, copies)?;
                self.tick()?;
                self.disk.flush();
                written = true;
            }
        }
        Ok(written)
    }

    /// The two copies of the watermark at a place, those that are whole and belong there.
    fn copies(&self, sector: u64) -> (Option<Watermark>, Option<Watermark>) {
        let copy = |number: u64| {
            let bytes = &self.disk.read(sector + number)[..];
            judge((bytes, &[]), sector, Some(MARKS)).ok()
        };
        (copy(0), copy(COPY_SECTORS))
    }

    /// What the chain tells. It is whole, if there is one.
    fn layouts(&self) -> Result<Layouts, Violation> {
        let mut walk = Walk::new(&BASE);
        let mut found = Vec::new();
        while let Some(place) = walk.place() {
            let copies = (
                &self.disk.read(place)[..],
                &self.disk.read(place + COPY_SECTORS)[..],
            );
            match walk.step(copies) {
                Ok(mark) => found.extend(mark.extent()),
                Err(broken) if self.has_chain => {
                    return demand(false, RULE, || format!("the chain is broken: {broken:?}"))
                        .map(|()| Layouts::new());
                }
                Err(_) => break,
            }
        }
        let found: Vec<_> = found
            .into_iter()
            .map(|(extent, stamp)| Found { extent, stamp })
            .collect();
        let mut layouts = Layouts::new();
        for one in &found {
            let soft = one.stamp.soft;
            let mut out = [Candidate::UNFILLED; EXTENTS];
            if let Some(rebuilt) = rebuild(&found, &soft, &mut out) {
                let own = out.iter().take(rebuilt.version.extents as usize);
                let extents = own.map(|one| one.extent).collect();
                layouts.insert(soft, (rebuilt.version.generation, extents));
            }
        }
        Ok(layouts)
    }

    fn note_cut(&mut self) {
        let point = match &self.pending {
            None => Point::CutSoftIdle,
            Some(Pending {
                kind: Kind::Double,
                round: None,
                ..
            }) => Point::CutSoftCopied,
            Some(Pending { round: None, .. }) => Point::CutSoftRecorded,
            Some(Pending {
                kind,
                round: Some(round),
                ..
            }) => match (kind, round.step, round.copies) {
                (_, Step::Commit, Copies::Second) => Point::CutSoftCommitAgain,
                (Kind::Shrink, Step::Commit, _) => Point::CutSoftCommitFirst,
                (Kind::Move, Step::Commit, _) => Point::CutSoftMoveCommit,
                (_, Step::Commit, _) => Point::CutSoftCommitLast,
                (_, Step::Common, Copies::Second) => Point::CutSoftCommonAgain,
                (Kind::Create, Step::New, _) => Point::CutSoftCreateNew,
                (Kind::Create, Step::Common, _) => Point::CutSoftCreateCommon,
                (Kind::Grow, Step::New, _) => Point::CutSoftGrowNew,
                (Kind::Grow, Step::Common, _) => Point::CutSoftGrowCommon,
                (Kind::Shrink, Step::New, _) => Point::CutSoftShrinkNew,
                (Kind::Shrink, Step::Common, _) => Point::CutSoftShrinkCommon,
                (Kind::Clear, Step::New, _) => Point::CutSoftClearNew,
                (Kind::Clear, Step::Common, _) => Point::CutSoftClearCommon,
                (Kind::Double, Step::New, _) => Point::CutSoftDoubleNew,
                (Kind::Double, Step::Common, _) => Point::CutSoftDoubleCommon,
                (Kind::Move, Step::New | Step::Common, _) => Point::CutSoftMoveFree,
            },
        };
        self.coverage.hit(point);
    }
}
