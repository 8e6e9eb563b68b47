// SPDX-License-Identifier: GPL-2.0
//! The volatile write cache, kept as an undo log.
//!
//! The image always holds the newest data, so reads and flushes cost nothing here. For every write
//! that is not yet durable the log keeps what its sectors held before. A flush forgets the log. A
//! power cut walks it backwards and undoes what it decides to lose: the oldest version that a
//! sector can fall back to is the one before its first unflushed write.
//!
//! Dropping an entry, or a part of one, is always within the fault model: it only removes one of
//! the versions that a sector may come back as.

use std::{
    collections::{
        BTreeMap,
        BTreeSet, //
    },
    ops::Range, //
};

use super::SECTOR;

/// What sectors held before a write.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Before {
    /// So many sectors of zeroes, which need no memory.
    Zeroes(u64),
    /// These bytes, whole sectors.
    Bytes(Vec<u8>),
}

impl Before {
    fn sectors(&self) -> u64 {
        match self {
            Self::Zeroes(sectors) => *sectors,
            Self::Bytes(bytes) => bytes.len() as u64 / SECTOR,
        }
    }

    /// The memory that it needs, roughly.
    fn weight(&self) -> usize {
        let entry = size_of::<Entry>();
        match self {
            Self::Zeroes(_) => entry,
            Self::Bytes(bytes) => entry + bytes.len(),
        }
    }

    /// A part, counted in sectors from the start of this.
    fn slice(&self, part: Range<u64>) -> Self {
        match self {
            Self::Zeroes(_) => Self::Zeroes(part.end - part.start),
            Self::Bytes(bytes) => {
                let bytes_of = |sector: u64| (sector * SECTOR) as usize;
                Self::Bytes(bytes[bytes_of(part.start)..bytes_of(part.end)].to_vec())
            }
        }
    }

    /// One sector of it.
    fn sector(&self, index: u64) -> [u8; SECTOR as usize] {
        let mut content = [0; SECTOR as usize];
        if let Self::Bytes(bytes) = self {
            let start = (index * SECTOR) as usize;
            content.copy_from_slice(&bytes[start..start + SECTOR as usize]);
        }
        content
    }
}

/// One write that may still be lost.
#[derive(Clone, Debug)]
struct Entry {
    start: u64,
    before: Before,
}

impl Entry {
    fn range(&self) -> Range<u64> {
        self.start..self.start + self.before.sectors()
    }

    /// What is left of it outside a range of sectors: nothing, one piece or two.
    fn outside(self, hole: &Range<u64>) -> Vec<Entry> {
        let own = self.range();
        if own.end <= hole.start || hole.end <= own.start {
            return vec![self];
        }
        let pieces = [
            own.start..hole.start.max(own.start),
            hole.end.min(own.end)..own.end,
        ];
        pieces
            .into_iter()
            .filter(|piece| piece.start < piece.end)
            .map(|piece| Entry {
                start: piece.start,
                before: self
                    .before
                    .slice(piece.start - own.start..piece.end - own.start),
            })
            .collect()
    }
}

/// What a power cut does to the image, and how much of what was at stake that is.
#[derive(Debug, Default)]
pub(crate) struct Loss {
    /// Sectors and what they fall back to.
    pub(crate) undone: BTreeMap<u64, [u8; SECTOR as usize]>,
    /// Writes that were not durable.
    pub(crate) writes: usize,
    /// Sectors that were not durable, each counted once.
    pub(crate) sectors: usize,
}

/// How a power cut treats one write.
enum Fate {
    Kept,
    Lost,
    Torn,
}

/// The undo log.
pub(crate) struct WriteCache {
    log: Vec<Entry>,
    weight: usize,
    limit: usize,
    random: fastrand::Rng,
}

impl WriteCache {
    /// An empty cache that settles writes by itself when it needs more than `limit` bytes.
    pub(crate) fn new(limit: usize, seed: u64) -> Self {
        Self {
            log: Vec::new(),
            weight: 0,
            limit,
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// A write to the sectors from `start` on was made; before it they held `before`.
    pub(crate) fn written(&mut self, start: u64, before: Before) {
        self.weight += before.weight();
        self.log.push(Entry { start, before });
        if self.weight > self.limit {
            let random = &mut self.random;
            self.log.retain(|_| random.bool());
            self.weigh();
        }
    }

    /// All writes so far are durable.
    pub(crate) fn flush(&mut self) {
        self.log.clear();
        self.weight = 0;
    }

    /// The sectors of a range are durable as they are now; others are not affected.
    pub(crate) fn settle(&mut self, range: &Range<u64>) {
        let touched = |entry: &Entry| entry.start < range.end && range.start < entry.range().end;
        if !self.log.iter().any(touched) {
            return;
        }
        let log = std::mem::take(&mut self.log);
        self.log = log
            .into_iter()
            .flat_map(|entry| entry.outside(range))
            .collect();
        self.weigh();
    }

    /// The power is gone: decides what is lost, and is empty afterwards.
    pub(crate) fn cut(&mut self, seed: u64) -> Loss {
        let mut random = fastrand::Rng::with_seed(seed);
        // Some disks lose nearly all, some nearly nothing.
        let keep = [0.1, 0.3, 0.5, 0.7, 0.9][random.usize(..5)];
        let mut loss = Loss {
            writes: self.log.len(),
            ..Loss::default()
        };
        let mut settled = BTreeSet::new();
        let mut at_stake = BTreeSet::new();
        for entry in std::mem::take(&mut self.log).into_iter().rev() {
            let fate = fate(&mut random, keep);
            for sector in entry.range() {
                at_stake.insert(sector);
                if settled.contains(&sector) {
                    continue;
                }
                let kept = match fate {
                    Fate::Kept => true,
                    Fate::Lost => false,
                    Fate::Torn => random.f64() < keep,
                };
                if kept {
                    settled.insert(sector);
                } else {
                    loss.undone
                        .insert(sector, entry.before.sector(sector - entry.start));
                }
            }
        }
        self.weight = 0;
        loss.sectors = at_stake.len();
        loss
    }

    fn weigh(&mut self) {
        self.weight = self.log.iter().map(|entry| entry.before.weight()).sum();
    }
}

/// Half of the writes are torn; the others survive whole or not at all.
fn fate(random: &mut fastrand::Rng, keep: f64) -> Fate {
    if random.bool() {
        Fate::Torn
    } else if random.f64() < keep {
        Fate::Kept
    } else {
        Fate::Lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed;
    use proptest::prelude::*;

    /// A disk of few sectors, each holding one number, with the cache under test beside the obvious
    /// model: for each sector the list of all versions that a cut may bring back, the newest last.
    struct Disk {
        now: Vec<u8>,
        versions: Vec<Vec<u8>>,
        cache: WriteCache,
    }

    const SECTORS: usize = 24;

    /// Things that can happen to a disk.
    #[derive(Clone, Debug)]
    enum Event {
        Write {
            start: usize,
            values: Vec<u8>,
            fua: bool,
        },
        Zero {
            start: usize,
            count: usize,
        },
        Flush,
    }

    impl Disk {
        fn new(limit: usize) -> Self {
            Self {
                now: vec![0; SECTORS],
                versions: vec![vec![0]; SECTORS],
                cache: WriteCache::new(limit, 1),
            }
        }

        fn before(&self, range: Range<usize>) -> Before {
            let old = &self.now[range];
            if old.iter().all(|value| *value == 0) {
                return Before::Zeroes(old.len() as u64);
            }
            Before::Bytes(
                old.iter()
                    .flat_map(|value| [*value; SECTOR as usize])
                    .collect(),
            )
        }

        fn apply(&mut self, event: &Event) {
            match event {
                Event::Write { start, values, fua } => self.write(*start, values, *fua),
                Event::Zero { start, count } => {
                    let count = (*count).min(SECTORS - start);
                    self.write(*start, &vec![0; count], false);
                }
                Event::Flush => {
                    self.cache.flush();
                    for (versions, now) in self.versions.iter_mut().zip(&self.now) {
                        *versions = vec![*now];
                    }
                }
            }
        }

        fn write(&mut self, start: usize, values: &[u8], fua: bool) {
            let end = (start + values.len()).min(SECTORS);
            if fua {
                self.cache.settle(&(start as u64..end as u64));
            } else {
                self.cache.written(start as u64, self.before(start..end));
            }
            for (sector, value) in (start..end).zip(values) {
                self.now[sector] = *value;
                if fua {
                    self.versions[sector].clear();
                }
                self.versions[sector].push(*value);
            }
        }

        /// What the sectors hold after a power cut.
        fn cut(mut self, seed: u64) -> Vec<u8> {
            let loss = self.cache.cut(seed);
            for (sector, content) in loss.undone {
                assert!(
                    content.iter().all(|byte| *byte == content[0]),
                    "half a sector"
                );
                self.now[sector as usize] = content[0];
            }
            self.now
        }
    }

    fn events() -> impl Strategy<Value = Vec<Event>> {
        let values = prop::collection::vec(any::<u8>(), 1..6);
        let event = prop_oneof![
            8 => (0..SECTORS, values, prop::bool::weighted(0.2))
                .prop_map(|(start, values, fua)| Event::Write { start, values, fua }),
            1 => (0..SECTORS, 1..9usize).prop_map(|(start, count)| Event::Zero { start, count }),
            1 => Just(Event::Flush),
        ];
        prop::collection::vec(event, 0..40)
    }

    /// DURABILITY 24: after any history and any cut, every sector holds one of the versions since
    /// it was last made durable, and a durable one holds exactly that.
    #[test]
    fn a_cut_brings_back_only_versions_since_the_last_flush() {
        let law = |(events, cut_seed, limit): (Vec<Event>, u64, usize)| {
            let mut disk = Disk::new(limit);
            for event in &events {
                disk.apply(event);
            }
            let allowed = disk.versions.clone();
            for (sector, value) in disk.cut(cut_seed).into_iter().enumerate() {
                prop_assert!(
                    allowed[sector].contains(&value),
                    "sector {sector} holds {value}, allowed {:?}",
                    allowed[sector]
                );
            }
            Ok(())
        };
        // With the small limit the cache settles writes by itself all the time.
        let limits = prop_oneof![Just(usize::MAX), Just(4096usize)];
        seed::check_property(&(events(), any::<u64>(), limits), law);
    }

    fn writes(disk: &mut Disk, rounds: u8) {
        for round in 1..=rounds {
            disk.apply(&Event::Write {
                start: 0,
                values: vec![round; SECTORS],
                fua: false,
            });
        }
    }

    #[test]
    fn every_version_comes_back_under_some_seed() {
        let mut seen = BTreeSet::new();
        for seed in 0..200 {
            let mut disk = Disk::new(usize::MAX);
            writes(&mut disk, 3);
            seen.insert(disk.cut(seed)[5]);
        }
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
    }

    #[test]
    fn a_later_write_can_survive_an_earlier_one() {
        let reordered = (0..100).any(|seed| {
            let mut disk = Disk::new(usize::MAX);
            disk.apply(&Event::Write {
                start: 1,
                values: vec![1],
                fua: false,
            });
            disk.apply(&Event::Write {
                start: 2,
                values: vec![2],
                fua: false,
            });
            disk.cut(seed)[1..3] == [0, 2]
        });
        assert!(reordered);
    }

    #[test]
    fn a_write_can_be_torn() {
        let torn = (0..100).any(|seed| {
            let mut disk = Disk::new(usize::MAX);
            writes(&mut disk, 1);
            let after = disk.cut(seed);
            after.contains(&0) && after.contains(&1)
        });
        assert!(torn);
    }

    #[test]
    fn the_same_seed_loses_the_same() {
        let run = || {
            let mut disk = Disk::new(usize::MAX);
            writes(&mut disk, 5);
            disk.cut(7)
        };
        assert_eq!(run(), run());
    }

    #[test]
    fn a_flush_leaves_nothing_to_lose() {
        for seed in 0..50 {
            let mut disk = Disk::new(usize::MAX);
            writes(&mut disk, 4);
            disk.apply(&Event::Flush);
            assert_eq!(disk.cut(seed), [4; SECTORS]);
        }
    }

    #[test]
    fn fua_makes_its_own_write_durable_and_no_other() {
        let mut lost_other = false;
        for seed in 0..50 {
            let mut disk = Disk::new(usize::MAX);
            writes(&mut disk, 2);
            disk.apply(&Event::Write {
                start: 4,
                values: vec![9, 9],
                fua: true,
            });
            let after = disk.cut(seed);
            assert_eq!(after[4..6], [9, 9]);
            lost_other |= after[3] != 2;
        }
        assert!(lost_other);
    }

    #[test]
    fn memory_stays_below_the_limit() {
        let mut cache = WriteCache::new(1 << 20, 3);
        for sector in 0..20_000 {
            cache.written(sector, Before::Bytes(vec![1; SECTOR as usize]));
            assert!(cache.weight <= 1 << 20);
        }
        assert!(!cache.log.is_empty());
    }

    #[test]
    fn a_cut_says_how_much_was_at_stake() {
        let mut cache = WriteCache::new(usize::MAX, 0);
        cache.written(0, Before::Zeroes(8));
        cache.written(4, Before::Zeroes(8));
        let loss = cache.cut(1);
        assert_eq!((loss.writes, loss.sectors), (2, 12));
        assert_eq!(cache.cut(1).sectors, 0, "the second cut finds nothing");
    }
}
