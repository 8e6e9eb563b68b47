// SPDX-License-Identifier: GPL-2.0
//! Components that answer late, so that reads go to other sides while there are any. The rules are
//! [`md_model::mirror::suspect`]'s.
//!
//! What a device has done is counted by the block layer, for each device by itself, so requests
//! cost nothing more. A device whose queue does not count (`queue/iostats` is 0) is never suspect.

use kernel::{
    prelude::*,
    time::{
        Instant,
        Monotonic, //
    }, //
};
use md_model::{
    events::kind::{
        Kind,
        State, //
    },
    limits::SUBMIRRORS_MAX,
    mirror::{
        mend::BLOCK_SECTORS,
        suspect::{
            Sample,
            Watch, //
        }, //
    },
    units::SECTOR_BYTES, //
};

use super::upkeep::{
    Kept,
    PROBE,
    WATCH, //
};
use crate::{
    component::Component,
    events::Event,
    kapi::{
        bdev::Buffer,
        errand::Errand, //
    },
    sides::side_body, //
};

/// How often it is looked while the mirror is in use, in milliseconds.
const INTERVAL_MS: u32 = 1000;

/// The same while it is not, and nothing is suspect.
const IDLE_MS: u32 = 5000;

/// Probes go all over the device, so that its cache does not answer them.
const PROBE_STRIDE: u64 = 1_000_003;

/// What is known of the components of a mirror.
pub(crate) struct Watches {
    /// In the order in which the components are walked through, so that each is found at once.
    parts: KVec<Part>,
    /// How fast the fastest component of each side was at the last look.
    fastest_us: [Option<u64>; SUBMIRRORS_MAX as usize],
    looked: Option<Instant<Monotonic>>,
    probes: u64,
}

/// What is known of a component.
struct Part {
    /// Which it is: the number of its device.
    dev: u64,
    watch: Watch,
    /// What the last look has shown.
    answer_us: Option<u64>,
    /// Whether it is still there.
    is_there: bool,
}

impl Part {
    fn new(dev: u64) -> Self {
        Self {
            dev,
            watch: Watch::default(),
            answer_us: None,
            is_there: false,
        }
    }
}

impl Watches {
    /// Nothing is known.
    pub(super) fn new() -> Self {
        Self {
            parts: KVec::new(),
            fastest_us: [None; SUBMIRRORS_MAX as usize],
            looked: None,
            probes: 0,
        }
    }

    /// Sees what the components have done since the last call. `None` without memory.
    fn look(&mut self, kept: Kept<'_>) -> Option<()> {
        let elapsed = self
            .looked
            .map_or(0, |looked| looked.elapsed().as_micros_ceil());
        self.looked = Some(Instant::now());
        self.parts.iter_mut().for_each(|part| part.is_there = false);
        self.fastest_us = [None; SUBMIRRORS_MAX as usize];
        let elapsed = u64::try_from(elapsed).unwrap_or(0);
        for (index, (side, component)) in walk(kept).enumerate() {
            let part = self.part(index, component.dev)?;
            part.is_there = true;
            part.answer_us = part.watch.answer_us(sample(component), elapsed);
            let answer_us = part.answer_us;
            if let Some(fastest) = self.fastest_us.get_mut(side as usize) {
                *fastest = Iterator::chain(fastest.iter().copied(), answer_us).min();
            }
        }
        self.parts.retain(|part| part.is_there);
        Some(())
    }

    /// What is known of a device, which should be at an index.
    fn part(&mut self, index: usize, dev: u64) -> Option<&mut Part> {
        if self.parts.get(index).is_none_or(|part| part.dev != dev) {
            let found = match self.parts.iter().position(|part| part.dev == dev) {
                Some(found) => found,
                None => {
                    self.parts.push(Part::new(dev), GFP_KERNEL).ok()?;
                    self.parts.len().checked_sub(1)?
                }
            };
            // Components that have come or gone since the last look are no reason to grow.
            let index = index.min(found);
            self.parts.swap(index, found);
            return self.parts.get_mut(index);
        }
        self.parts.get_mut(index)
    }

    /// How fast the fastest component of another side was.
    fn others_us(&self, side: u32) -> Option<u64> {
        let sides = (0u32..).zip(&self.fastest_us);
        let others = sides.filter(|(other, _)| *other != side);
        others.filter_map(|(_, fastest)| *fastest).min()
    }

    /// Judges a component. If reads should go elsewhere, or not any more, which they did not
    /// before: how many milliseconds it takes to answer.
    fn judge(
        &mut self,
        index: usize,
        (side, component): (u32, &Component),
        errand: &Errand<'_>,
    ) -> Option<u64> {
        let others_us = self.others_us(side);
        let part = self.part(index, component.dev)?;
        let answer_us = part.answer_us;
        let verdict = part.watch.look(answer_us, others_us);
        if verdict.wants_probe {
            errand.ask(PROBE, 0);
        }
        if !verdict.is_news {
            return None;
        }
        component.condition.set_suspect(verdict.is_suspect);
        Some(answer_us.unwrap_or(0) / 1000)
    }
}

/// Carries out [`WATCH`].
pub(super) fn run(kept: Kept<'_>, errand: &Errand<'_>) {
    if kept.sides().count() < 2 {
        return;
    }
    let mut watches = kept.upkeep.watches.lock();
    if watches.look(kept).is_none() {
        return errand.ask(WATCH, IDLE_MS);
    }
    let (mut has_news, mut is_busy) = (false, false);
    for (index, (side, component)) in walk(kept).enumerate() {
        if let Some(ms) = watches.judge(index, (side, component), errand) {
            tell(kept, side, component, ms);
            has_news = true;
        }
        is_busy |= component.condition.is_suspect();
    }
    is_busy |= watches.parts.iter().any(|part| part.answer_us.is_some());
    drop(watches);
    if has_news {
        // Which sides are worth reading is found out there.
        kept.judge();
    }
    errand.ask(WATCH, if is_busy { INTERVAL_MS } else { IDLE_MS });
}

/// Carries out [`PROBE`]: reads a block of each component that is suspect, into memory that nobody
/// waits for. How long that takes is seen by the next look; an error is left to who needs the data.
pub(super) fn probe(kept: Kept<'_>, errand: &Errand<'_>) {
    let bytes = BLOCK_SECTORS.saturating_mul(SECTOR_BYTES) as usize;
    let Ok(mut buffer) = Buffer::new(bytes) else {
        return;
    };
    for (_, component) in walk(kept) {
        if component.condition.is_suspect() && !errand.is_stopping() {
            let probes = {
                let mut watches = kept.upkeep.watches.lock();
                watches.probes = watches.probes.wrapping_add(1);
                watches.probes
            };
            component.each_leaf(&mut |leaf| read_block(leaf, probes, &mut buffer));
        }
    }
}

/// The components of all sides, and of which side each is.
fn walk(kept: Kept<'_>) -> impl Iterator<Item = (u32, &Component)> {
    let sides = 0..kept.sides().count();
    sides.flat_map(move |side| {
        let components = kept.sides().components(side);
        components.map(move |component| (side, component))
    })
}

fn read_block(leaf: &Component, probes: u64, buffer: &mut Buffer) {
    let blocks = leaf.device.sectors() / BLOCK_SECTORS;
    let block = probes.wrapping_mul(PROBE_STRIDE).checked_rem(blocks);
    if let Some(block) = block {
        let sector = block.saturating_mul(BLOCK_SECTORS);
        let _ = leaf.device.peek(sector, BLOCK_SECTORS, buffer, 0);
    }
}

/// What the disks below a component have done, all together.
fn sample(component: &Component) -> Sample {
    let mut all = Sample::default();
    component.each_leaf(&mut |leaf| {
        let one = leaf.device.done();
        all.ios = all.ios.saturating_add(one.ios);
        all.nanoseconds = all.nanoseconds.saturating_add(one.nanoseconds);
        all.in_flight = all.in_flight.saturating_add(one.in_flight);
    });
    all
}

/// Tells that a component is slow, or is not any more.
fn tell(kept: Kept<'_>, side: u32, component: &Component, ms: u64) {
    let Some(body) = side_body(kept.shape, side) else {
        return;
    };
    let (kind, before, after) = if component.condition.is_suspect() {
        (Kind::Slow, State::Okay, State::Slow)
    } else {
        (Kind::InTime, State::Slow, State::Okay)
    };
    let path = component.device.health().path().to_bytes();
    let event = Event::of_unit(kind, body.number()).device(path);
    let event = event.states(before, after).values([ms, 0]);
    body.events().record(&event);
}
