// SPDX-License-Identifier: GPL-2.0
//! Watermarks are looked at when a set has been started, in the background: opening a soft
//! partition does not wait for that (`svm.md` section 6.5).

use kernel::{
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    }, //
};
use md_model::{
    database::identity::Uuid,
    soft::watermark::{
        Behind,
        Watermark, //
    },
};

use super::{
    marks::{
        kept,
        wanted,
        Marks, //
    },
    soft,
    Ground, //
};
use crate::{
    body::Body,
    kapi::worker::Run,
    unit_table::UnitTable,
    Refused, //
};

/// How many watermarks are looked at before others may have the lock of the unit table.
const AT_ONCE: usize = 64;

/// Who looks.
pub(crate) struct Checker {
    units: Arc<Mutex<UnitTable>>,
}

/// How far a base is looked at.
struct Progress {
    marks: Uuid,
    /// Its layouts, by their numbers together: what was found of others counts for nothing.
    layouts: u64,
    done: usize,
    wrong: KVec<(u32, u32)>,
}

impl Checker {
    /// At these metadevices.
    pub(crate) fn new(units: Arc<Mutex<UnitTable>>) -> Self {
        Self { units }
    }

    fn check(&self) -> Result<(), Refused> {
        let mut last = None;
        loop {
            let next = {
                let units = self.units.lock();
                let all = units.iter().filter_map(|unit| {
                    let base = soft(unit.body())?.head().base;
                    Some(base).filter(|base| last.is_none_or(|last| *base > last))
                });
                all.min()
            };
            let Some(marks) = next else { return Ok(()) };
            last = next;
            self.check_base(marks)?;
        }
    }

    fn check_base(&self, marks: Uuid) -> Result<(), Refused> {
        let mut progress = Progress {
            marks,
            layouts: 0,
            done: 0,
            wrong: KVec::new(),
        };
        loop {
            let units = self.units.lock();
            let bodies = units.iter().map(|unit| unit.body());
            let Some(ground) = Ground::of(bodies, marks)? else {
                return Ok(());
            };
            if ground.check_settled().is_err() || ground.device.is_absent() {
                return Ok(());
            }
            if progress.go_on(&ground)? {
                progress.tell(&ground);
                return Ok(());
            }
        }
    }
}

impl Run for Checker {
    /// The lock of the unit table.
    const IS_OUTERMOST: bool = true;

    fn run(&self) {
        if let Err(refused) = self.check() {
            pr_warn!("watermarks of soft partitions could not be looked at: {refused:?}\n");
        }
    }
}

impl Progress {
    /// Looks at some more; whether that was all.
    fn go_on(&mut self, ground: &Ground) -> Result<bool, Refused> {
        let generations = ground.softs().map(|soft| soft.head().generation);
        let layouts = generations.fold(0, u64::wrapping_add);
        if layouts != self.layouts {
            (self.layouts, self.done) = (layouts, 0);
            self.wrong.clear();
        }
        let mut marks = Marks::new(&ground.device, self.marks)?;
        let taken = kept(ground)?;
        let mut looked = 0_usize;
        for mark in wanted(ground, &taken, &[]).skip(self.done).take(AT_ONCE) {
            looked = looked.saturating_add(1);
            if !marks.is_right(&mark)? {
                self.note(ground, &mark)?;
            }
        }
        self.done = self.done.saturating_add(looked);
        Ok(looked < AT_ONCE)
    }

    /// One is not as it should be: that of free space is everybody's.
    fn note(&mut self, ground: &Ground, mark: &Watermark) -> Result<(), Refused> {
        for body in &ground.bodies {
            let is_own = match mark.behind {
                Behind::Extent(stamp) => stamp.name.number() == body.number(),
                Behind::Free | Behind::End => true,
            };
            if !is_own {
                continue;
            }
            let number = body.number();
            match self.wrong.iter_mut().find(|(other, _)| *other == number) {
                Some((_, count)) => *count = count.saturating_add(1),
                None => self.wrong.push((number, 1), GFP_KERNEL)?,
            }
        }
        Ok(())
    }

    fn tell(&self, ground: &Ground) {
        for body in &ground.bodies {
            let found = self
                .wrong
                .iter()
                .find(|(number, _)| *number == body.number());
            let wrong = found.map_or(0, |(_, count)| *count);
            note_wrong(body, wrong);
            if wrong > 0 {
                let (number, path) = (body.number(), ground.device.health().path());
                pr_err!(
                    "d{number}: {wrong} watermarks are not as they should be: \
                     'metarecover {path} -p -m' writes them anew\n"
                );
            }
        }
    }
}

/// Writes down how many watermarks of a soft partition were not as they should be.
pub(crate) fn note_wrong(body: &Body, wrong: u32) {
    if let Some(soft) = soft(body) {
        soft.set_wrong(wrong);
    }
}
