// SPDX-License-Identifier: GPL-2.0
//! Properties of mirrors (`svm.md` section 4, `DURABILITY.md` clause 10), each against a slow and
//! obvious model.

mod seeded;

use md_model::{
    limits::UNIT_SECTORS_MAX,
    mirror::{
        exclusion::{
            claims,
            Claim,
            BUCKETS,
            RANGE_SECTORS_MAX, //
        },
        options::ReadPolicy,
        read::choose, //
    },
};
use proptest::{
    collection::vec,
    prelude::*,
    sample::select, //
};

use seeded::for_all;

/// Sectors in a block, and in the area of the mirror that fills the table once.
const BLOCK_SECTORS: u64 = 8;
const AREA_SECTORS: u64 = 256 * 2048;

/// The table of words, with the writes that were admitted and are not done yet.
struct Table {
    words: Vec<u64>,
    /// First and last block of each, and what it claimed.
    in_flight: Vec<(u64, u64, Vec<Claim>)>,
}

impl Table {
    fn new() -> Self {
        Self {
            words: vec![0; BUCKETS],
            in_flight: Vec::new(),
        }
    }

    /// Whether a write of `count` sectors, not zero, shares a block with one that is not done.
    fn overlaps(&self, sector: u64, count: u64) -> bool {
        let first = sector / BLOCK_SECTORS;
        let last = sector.saturating_add(count - 1) / BLOCK_SECTORS;
        self.in_flight
            .iter()
            .any(|other| other.0 <= last && first <= other.1)
    }

    /// Claims what the write needs, or nothing if it has to wait; whether it was admitted.
    fn admit(&mut self, sector: u64, count: u64) -> bool {
        let mut held = Vec::new();
        for claim in claims(sector, count) {
            let word = &mut self.words[claim.bucket];
            let Some(new) = claim.admit(*word) else {
                self.retract(&held);
                return false;
            };
            *word = new;
            held.push(claim);
        }
        let last = sector.saturating_add(count - 1) / BLOCK_SECTORS;
        self.in_flight.push((sector / BLOCK_SECTORS, last, held));
        true
    }

    /// The write that was admitted at this place among those that are not done is done.
    fn finish(&mut self, index: usize) {
        if !self.in_flight.is_empty() {
            let index = index % self.in_flight.len();
            let (_, _, held) = self.in_flight.swap_remove(index);
            self.retract(&held);
        }
    }

    fn retract(&mut self, held: &[Claim]) {
        for claim in held {
            self.words[claim.bucket] -= claim.retract();
        }
    }

    /// Whether no word says that a block is being written.
    fn is_idle(&self) -> bool {
        self.words.iter().all(|word| word & 0xffff == 0)
    }
}

/// A write: its place, its length, not zero, and how many others are done before it.
type Write = (u64, u64, usize);

/// Writes in the first `sectors` of something, small and large ones.
fn writes_within(sectors: u64) -> impl Strategy<Value = Vec<Write>> {
    let place = prop_oneof![
        0..1000_u64,
        0..sectors,
        (0..1000_u64).prop_map(move |back| sectors - 1 - back)
    ];
    let count = prop_oneof![4 => 1..64_u64, 1 => 1..4096_u64];
    let write = (place, count, 0..4_usize)
        .prop_map(move |(place, count, done)| (place, count.min(sectors - place), done));
    vec(write, 1..100)
}

/// Writes anywhere, many of them in the same few places.
fn writes_anywhere() -> impl Strategy<Value = Vec<Write>> {
    let near = prop_oneof![0..100_u64, 0..3000_u64];
    let base = prop_oneof![
        Just(0_u64),
        (0..40_u64).prop_map(|area| area * AREA_SECTORS),
        any::<u64>(),
        Just(UNIT_SECTORS_MAX),
        Just(u64::MAX - 1000),
    ];
    let place = (base, near).prop_map(|(base, near)| base.saturating_add(near));
    let count = prop_oneof![8 => 1..64_u64, 1 => 1..9000_u64];
    vec((place, count, 0..3_usize), 1..100)
}

/// Runs writes through a table; `exact` says that only an overlap is a reason to wait.
fn run_writes(base: u64, writes: &[Write], exact: bool) -> Result<(), TestCaseError> {
    let mut table = Table::new();
    for (place, count, done) in writes {
        for _ in 0..*done {
            table.finish(*place as usize);
        }
        let sector = base.saturating_add(*place);
        let overlaps = table.overlaps(sector, *count);
        let words = table.words.clone();
        let admitted = table.admit(sector, *count);
        prop_assert!(!(admitted && overlaps), "two writes share a block");
        prop_assert!(admitted || overlaps || !exact, "refused without reason");
        if !admitted {
            let held = |words: &[u64]| words.iter().map(|word| word & 0xffff).sum::<u64>();
            prop_assert_eq!(
                held(&table.words),
                held(&words),
                "a refusal holds something"
            );
        }
    }
    while !table.in_flight.is_empty() {
        table.finish(0);
    }
    prop_assert!(table.is_idle(), "blocks are held for ever");
    Ok(())
}

/// `DURABILITY.md` clause 10: writes that overlap are carried out one after the other.
#[test]
fn two_writes_under_way_never_share_a_block() {
    for_all(writes_anywhere(), |writes| run_writes(0, &writes, false));
}

#[test]
fn in_an_area_only_overlaps_wait() {
    let area = 0..UNIT_SECTORS_MAX / AREA_SECTORS;
    for_all((area, writes_within(AREA_SECTORS)), |(area, writes)| {
        run_writes(area * AREA_SECTORS, &writes, true)
    });
}

#[test]
fn in_a_near_neighbourhood_only_overlaps_wait_wherever_it_is() {
    let back = 0..RANGE_SECTORS_MAX;
    let inputs = (0..1_u64 << 35, back, writes_within(RANGE_SECTORS_MAX));
    for_all(inputs, |(area, back, writes)| {
        let base = (area * AREA_SECTORS).saturating_sub(back);
        run_writes(base, &writes, true)
    });
}

/// A range that may be claimed at once never waits for itself.
#[test]
fn the_longest_range_does_not_stand_in_its_own_way() {
    for_all(0..UNIT_SECTORS_MAX, |sector| {
        let mut table = Table::new();
        prop_assert!(table.admit(sector, RANGE_SECTORS_MAX));
        table.finish(0);
        prop_assert!(table.is_idle());
        Ok(())
    });
}

/// The claims of a write are its blocks, each once and in order.
#[test]
fn claims_are_the_blocks_of_the_range() {
    let place = prop_oneof![0..1000_u64, 0..UNIT_SECTORS_MAX];
    for_all((place, 0..3000_u64), |(sector, count)| {
        let mut claimed = Vec::new();
        for claim in claims(sector, count) {
            let granule = claim.word >> 16;
            let bits = (0..16).filter(|bit| claim.word & (1 << bit) != 0);
            claimed.extend(bits.map(|bit| granule * 16 + bit));
        }
        let mut blocks: Vec<u64> = (0..count).map(|step| (sector + step) / 8).collect();
        blocks.dedup();
        prop_assert_eq!(claimed, blocks);
        Ok(())
    });
}

/// `svm.md` 4.3, with lists in place of bits.
#[test]
fn reads_go_where_the_policy_says() {
    let policy = select(vec![
        ReadPolicy::RoundRobin,
        ReadPolicy::Geometric,
        ReadPolicy::First,
    ]);
    let size = prop_oneof![1..50_u64, 1..UNIT_SECTORS_MAX];
    let inputs = (policy, any::<u32>(), any::<u32>(), any::<u64>(), size);
    for_all(inputs, |(policy, candidates, turn, place, size)| {
        let sector = place % size;
        let sides: Vec<u32> = (0..4)
            .filter(|side| candidates & (1 << side) != 0)
            .collect();
        let found = choose(policy, candidates, turn, sector, size);
        if sides.is_empty() {
            prop_assert_eq!(found, None);
            return Ok(());
        }
        let count = sides.len() as u64;
        let position = match policy {
            ReadPolicy::RoundRobin => u64::from(turn) % count,
            ReadPolicy::Geometric => sector / size.div_ceil(count),
            ReadPolicy::First => 0,
        };
        prop_assert_eq!(found, Some(sides[position as usize]));
        Ok(())
    });
}
