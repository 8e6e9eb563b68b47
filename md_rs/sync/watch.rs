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
    parts: KVec<Part>,
    looked: Option<Instant<Monotonic>>,
    probes: u64,
}

/// What is known of a component.
struct Part {
    /// Which it is: the number of its device.
    dev: u64,
    side: u32,
    watch: Watch,
    /// What the last look has shown.
    answer_us: Option<u64>,
    /// Whether it is still there.
    is_there: bool,
}

impl Watches {
    /// Nothing is known.
    pub(super) fn new() -> Self {
        Self {
            parts: KVec::new(),
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
        for side in 0..kept.sides().count() {
            for component in kept.sides().components(side) {
                let part = self.part(component.dev)?;
                part.side = side;
                part.is_there = true;
                let elapsed = u64::try_from(elapsed).unwrap_or(0);
                part.answer_us = part.watch.answer_us(sample(component), elapsed);
            }
        }
        self.parts.retain(|part| part.is_there);
        Some(())
    }

    /// What is known of a device.
    fn part(&mut self, dev: u64) -> Option<&mut Part> {
        let index = match self.parts.iter().position(|part| part.dev == dev) {
            Some(index) => index,
            None => {
                let part = Part {
                    dev,
                    side: 0,
                    watch: Watch::default(),
                    answer_us: None,
                    is_there: false,
                };
                self.parts.push(part, GFP_KERNEL).ok()?;
                self.parts.len().checked_sub(1)?
            }
        };
        self.parts.get_mut(index)
    }

    /// How fast the fastest component of another side was.
    fn others_us(&self, side: u32) -> Option<u64> {
        let others = self.parts.iter().filter(|part| part.side != side);
        others.filter_map(|part| part.answer_us).min()
    }

    /// Judges a component. If reads should go elsewhere, or not any more, which they did not
    /// before: how many milliseconds it takes to answer.
    fn judge(&mut self, side: u32, component: &Component, errand: &Errand<'_>) -> Option<u64> {
        let others_us = self.others_us(side);
        let part = self
            .parts
            .iter_mut()
            .find(|part| part.dev == component.dev)?;
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
    for side in 0..kept.sides().count() {
        for component in kept.sides().components(side) {
            if let Some(ms) = watches.judge(side, component, errand) {
                tell(kept, side, component, ms);
                has_news = true;
            }
            is_busy |= component.condition.is_suspect();
        }
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
    for side in 0..kept.sides().count() {
        for component in kept.sides().components(side) {
            if component.condition.is_suspect() && !errand.is_stopping() {
                let probes = {
                    let mut watches = kept.upkeep.watches.lock();
                    watches.probes = watches.probes.wrapping_add(1);
                    watches.probes
                };
                each_leaf(component, &mut |leaf| read_block(leaf, probes, &mut buffer));
            }
        }
    }
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
    each_leaf(component, &mut |leaf| {
        let one = leaf.device.done();
        all.ios = all.ios.saturating_add(one.ios);
        all.nanoseconds = all.nanoseconds.saturating_add(one.nanoseconds);
        all.in_flight = all.in_flight.saturating_add(one.in_flight);
    });
    all
}

/// Calls `each` for what is a device below a component. The recursion is as deep as metadevices are
/// nested.
fn each_leaf(component: &Component, each: &mut dyn FnMut(&Component)) {
    match &component.child {
        None => each(component),
        Some(child) => {
            for below in child.body().shape().components() {
                each_leaf(below, each);
            }
        }
    }
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
