// SPDX-License-Identifier: GPL-2.0
//! Which piece of a mirror is copied next (`svm.md` section 4.6).
//!
//! What has to be copied is known by region ([`regions`](super::regions)): a region is needed if
//! the sides may differ there, or one is behind. Regions are copied in ascending order, in chunks,
//! of which several are under way at once; when the last chunk of a region is done, the region is.
//! So what a resync has achieved is in the very bits that say what is to do, and a resync that was
//! interrupted needs no other cursor.

use super::regions::Regions;

/// Sectors in a chunk: 512 KiB, as SVM's buffer.
pub const CHUNK_SECTORS: u64 = 1024;

/// Regions that are being copied at the same time.
pub const SLOTS: usize = 4;

/// A piece that is to be copied.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Chunk {
    slot: usize,
    /// Its region.
    pub region: u32,
    /// First sector.
    pub sector: u64,
    /// How many.
    pub count: u64,
}

/// A region all of whose chunks are done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Finished {
    /// Which.
    pub region: u32,
    /// Whether all of it was copied.
    pub is_copied: bool,
}

/// A region that is being copied.
#[derive(Clone, Copy, Debug)]
struct Slot {
    region: u32,
    /// First sector that nobody has begun to copy.
    next: u64,
    /// The sector behind the region's last one.
    end: u64,
    in_flight: u32,
    is_copied: bool,
}

/// What is being copied.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    slots: [Option<Slot>; SLOTS],
    /// Where to look for the next region.
    cursor: u32,
}

impl Plan {
    /// Nothing is being copied.
    pub const fn new() -> Self {
        Self {
            slots: [None; SLOTS],
            cursor: 0,
        }
    }

    /// Whether nothing is being copied.
    pub fn is_idle(&self) -> bool {
        self.slots.iter().all(Option::is_none)
    }

    /// The next chunk of a mirror with so many sectors, if there is one. `is_needed` says of a
    /// region whether it has to be copied; of those that are being copied it is not asked.
    pub fn next(
        &mut self,
        regions: &Regions,
        sectors: u64,
        is_needed: impl Fn(u32) -> bool,
    ) -> Option<Chunk> {
        self.continued()
            .or_else(|| self.begun(regions, sectors, is_needed))
    }

    /// The next chunk of a region that was begun.
    fn continued(&mut self) -> Option<Chunk> {
        let mut slots = self.slots.iter_mut().enumerate();
        slots.find_map(|(index, slot)| take_chunk(index, slot.as_mut()?))
    }

    fn begun(
        &mut self,
        regions: &Regions,
        sectors: u64,
        is_needed: impl Fn(u32) -> bool,
    ) -> Option<Chunk> {
        let index = self.slots.iter().position(Option::is_none)?;
        let region = self.needed(regions, is_needed)?;
        self.cursor = region.saturating_add(1);
        let next = regions.start_of(region);
        let end = next.saturating_add(regions.left_in_region(next));
        let slot = self.slots.get_mut(index)?;
        let slot = slot.insert(Slot {
            region,
            next,
            end: end.min(sectors),
            in_flight: 0,
            is_copied: true,
        });
        take_chunk(index, slot)
    }

    /// The first region that is needed, from the cursor on and then from the beginning.
    fn needed(&self, regions: &Regions, is_needed: impl Fn(u32) -> bool) -> Option<u32> {
        let mut all = Iterator::chain(self.cursor..regions.count(), 0..self.cursor);
        all.find(|region| {
            let mut slots = self.slots.iter().flatten();
            *region < regions.count()
                && !slots.any(|slot| slot.region == *region)
                && is_needed(*region)
        })
    }

    /// A chunk is done; whether its region is.
    pub fn done(&mut self, chunk: &Chunk, is_copied: bool) -> Option<Finished> {
        let place = self.slots.get_mut(chunk.slot)?;
        let slot = place.as_mut()?;
        slot.in_flight = slot.in_flight.saturating_sub(1);
        slot.is_copied &= is_copied;
        if !is_copied {
            // The rest of the region is not worth the time before the cause is mended.
            slot.next = slot.end;
        }
        if slot.in_flight > 0 || slot.next < slot.end {
            return None;
        }
        place.take().map(|slot| Finished {
            region: slot.region,
            is_copied: slot.is_copied,
        })
    }

    /// Begins nothing more: regions that are being copied count as not copied.
    pub fn abandon(&mut self) {
        for place in &mut self.slots {
            let Some(slot) = place else { continue };
            slot.is_copied = false;
            slot.next = slot.end;
            if slot.in_flight == 0 {
                *place = None;
            }
        }
    }
}

/// Takes the next chunk of a region.
fn take_chunk(index: usize, slot: &mut Slot) -> Option<Chunk> {
    let left = slot.end.checked_sub(slot.next).filter(|left| *left > 0)?;
    let chunk = Chunk {
        slot: index,
        region: slot.region,
        sector: slot.next,
        count: left.min(CHUNK_SECTORS),
    };
    slot.next = slot.next.saturating_add(chunk.count);
    slot.in_flight = slot.in_flight.saturating_add(1);
    Some(chunk)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::{
        collections::BTreeSet,
        vec::Vec, //
    };

    use super::*;

    const SECTORS: u64 = 10 * 2048 + 512;

    /// Copies everything that is needed, some chunks at once; the chunks in the order in which they
    /// were taken, and the regions in the order in which they were finished.
    fn run(needed: &[u32], at_once: usize) -> (Vec<Chunk>, Vec<u32>) {
        let regions = Regions::of(SECTORS);
        let (mut plan, mut left) = (Plan::new(), needed.iter().copied().collect::<BTreeSet<_>>());
        let (mut chunks, mut under_way, mut finished) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            while under_way.len() < at_once {
                let next = plan.next(&regions, SECTORS, |region| left.contains(&region));
                let Some(chunk) = next else { break };
                chunks.push(chunk);
                under_way.push(chunk);
            }
            if under_way.is_empty() {
                assert!(plan.is_idle());
                return (chunks, finished);
            }
            if let Some(done) = plan.done(&under_way.remove(0), true) {
                assert!(done.is_copied);
                left.remove(&done.region);
                finished.push(done.region);
            }
        }
    }

    #[test]
    fn each_sector_that_is_needed_is_copied_once() {
        for at_once in 1..9 {
            let (chunks, finished) = run(&[0, 3, 4, 10], at_once);
            let copied: Vec<_> = chunks
                .iter()
                .flat_map(|c| c.sector..c.sector + c.count)
                .collect();
            let wanted = [0..2048, 3 * 2048..5 * 2048, 10 * 2048..SECTORS];
            assert_eq!(copied, wanted.into_iter().flatten().collect::<Vec<_>>());
            assert_eq!(finished, [0, 3, 4, 10]);
        }
    }

    #[test]
    fn what_becomes_needed_behind_the_cursor_is_not_forgotten() {
        let regions = Regions::of(SECTORS);
        let mut plan = Plan::new();
        let chunk = plan
            .next(&regions, SECTORS, |region| region == 10)
            .expect("the last one");
        assert!(plan.done(&chunk, true).is_some());
        let chunk = plan
            .next(&regions, SECTORS, |region| region == 2)
            .expect("an earlier one");
        assert_eq!(chunk.region, 2);
    }

    #[test]
    fn a_region_is_not_copied_if_a_chunk_of_it_is_not() {
        let regions = Regions::of(SECTORS);
        for failed in 0..2 {
            let mut plan = Plan::new();
            let mut next = || {
                plan.next(&regions, SECTORS, |region| region == 1)
                    .expect("a chunk")
            };
            let chunks = [next(), next()];
            assert_eq!(plan.done(&chunks[0], failed != 0), None);
            let finished = plan
                .done(&chunks[1], failed != 1)
                .expect("the end of the region");
            assert_eq!(
                finished,
                Finished {
                    region: 1,
                    is_copied: false
                }
            );
        }
    }

    #[test]
    fn after_a_failure_the_rest_of_the_region_waits() {
        let regions = Regions::of(SECTORS);
        let mut plan = Plan::new();
        let chunk = plan
            .next(&regions, SECTORS, |region| region == 1)
            .expect("a chunk");
        assert!(
            plan.done(&chunk, false).is_some(),
            "there was another chunk"
        );
        assert!(plan.is_idle());
    }

    /// Who changes what the mirror is made of waits for what is under way, and no more.
    #[test]
    fn what_is_abandoned_ends_with_what_is_under_way() {
        let regions = Regions::of(SECTORS);
        let mut plan = Plan::new();
        let chunk = plan
            .next(&regions, SECTORS, |region| region == 1)
            .expect("a chunk");
        plan.abandon();
        assert!(!plan.is_idle());
        let finished = plan.done(&chunk, true).expect("nothing more of the region");
        assert!(!finished.is_copied && plan.is_idle());
    }
}
