// SPDX-License-Identifier: GPL-2.0
//! Properties of mirrors (`svm.md` section 4, `DURABILITY.md` clause 10), each against a slow and
//! obvious model.

use std::num::{
    NonZeroU32,
    NonZeroU64, //
};

use md_model::{
    geometry::stripe::Row,
    limits::UNIT_SECTORS_MAX,
    mirror::{
        component::{
            is_read,
            step,
            Event,
            State, //
        },
        exclusion::{
            claims,
            Claim,
            BUCKETS,
            RANGE_SECTORS_MAX, //
        },
        hedge::{
            Answer,
            Hedge,
            Outcome, //
        },
        options::ReadPolicy,
        read::choose,
        side_bit,
        source::{
            has_other_source,
            Side, //
        },
    },
};
use proptest::{
    collection::vec,
    prelude::*,
    sample::select, //
};

use crate::seeded::for_all;

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
        ReadPolicy::Hedged,
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
            ReadPolicy::RoundRobin | ReadPolicy::Hedged => u64::from(turn) % count,
            ReadPolicy::Geometric => sector / size.div_ceil(count),
            ReadPolicy::First => 0,
        };
        prop_assert_eq!(found, Some(sides[position as usize]));
        Ok(())
    });
}

/// As long as failures are told truthfully whether there is another source, the last one stays,
/// and what is read has had no failure as long as there is such a one.
#[test]
fn failures_never_take_the_last_source_out_of_service() {
    let event = select(vec![
        Event::WriteFailed,
        Event::ReadFailed,
        Event::DeviceGone,
    ]);
    let inputs = (1..5_usize, vec((0..4_usize, event), 0..20));
    for_all(inputs, |(sides, events)| {
        let mut states = vec![State::Okay; sides];
        for (side, event) in events {
            let side = side % sides;
            let okay = |(other, state): (usize, &State)| other != side && *state == State::Okay;
            let other_source = states.iter().enumerate().any(okay);
            states[side] = step(states[side], event, other_source);
            let read = states.iter().filter(|state| is_read(**state));
            prop_assert!(read.clone().count() > 0, "nothing to read from");
            let last = read.clone().any(|state| *state == State::LastErred);
            prop_assert!(!last || read.count() == 1, "the last one is not the last");
        }
        Ok(())
    });
}

/// A submirror: its rows, and which of its components are sources.
#[derive(Clone, Debug)]
struct Submirror {
    rows: Vec<Row>,
    sources: Vec<bool>,
}

impl Submirror {
    /// The slow model: the component of each sector.
    fn deal(&self) -> Vec<u32> {
        let mut dealt = Vec::new();
        for row in &self.rows {
            let end = row.start_sector + row.size_sectors;
            while (dealt.len() as u64) < end {
                for index in 0..row.component_count.get() {
                    let turn = row.interlace_sectors.get() as usize;
                    dealt.extend(std::iter::repeat_n(row.first_component + index, turn));
                }
            }
            dealt.truncate(end as usize);
        }
        dealt
    }
}

/// What a row is made from: components, interlace, and how often each has its turn.
type Shape = (u32, u64, u64);

/// Rows of these shapes, one behind the other.
fn rows_of(shapes: &[Shape]) -> Vec<Row> {
    let (mut first_component, mut start_sector) = (0, 0);
    let mut rows = Vec::new();
    for (count, interlace, rounds) in shapes {
        let size_sectors = u64::from(*count) * interlace * rounds;
        rows.push(Row {
            first_component,
            component_count: NonZeroU32::new(*count).expect("drawn from 1 on"),
            interlace_sectors: NonZeroU64::new(*interlace).expect("drawn from 1 on"),
            start_sector,
            size_sectors,
        });
        first_component += count;
        start_sector += size_sectors;
    }
    rows
}

/// Submirrors so small that every sector can be looked at. Half of them are like the first one.
fn submirrors() -> impl Strategy<Value = Vec<Submirror>> {
    let shapes = || vec((1..5_u32, 1..7_u64, 1..8_u64), 1..4);
    let sources = || vec(prop::bool::weighted(0.7), 12);
    let other = (prop::bool::ANY, shapes(), sources());
    (shapes(), vec(other, 0..4)).prop_map(|(shapes, others)| {
        let mut submirrors = vec![Submirror {
            rows: rows_of(&shapes),
            sources: Vec::new(),
        }];
        for (alike, own_shapes, sources) in others {
            let shapes = if alike { &shapes } else { &own_shapes };
            submirrors.push(Submirror {
                rows: rows_of(shapes),
                sources,
            });
        }
        submirrors
    })
}

/// `svm.md` 4.7: another source for every block of the component.
#[test]
fn a_component_has_another_source_if_each_of_its_sectors_has_one() {
    for_all((submirrors(), 0..400_u64), |(submirrors, sectors)| {
        let (own, others) = submirrors.split_first().expect("at least one");
        let dealt: Vec<Vec<u32>> = others.iter().map(Submirror::deal).collect();
        let covered = |sector: usize| {
            let mut sides = others.iter().zip(&dealt);
            sides.any(|(side, dealt)| {
                let component = dealt.get(sector);
                component.is_some_and(|component| side.sources[*component as usize])
            })
        };
        let own_dealt = own.deal();
        for component in 0..=own_dealt.iter().copied().max().unwrap_or(0) {
            let mut of_component = (0..own_dealt.len().min(sectors as usize))
                .filter(|sector| own_dealt[*sector] == component);
            let expected = of_component.all(covered);
            let questions: Vec<_> = others
                .iter()
                .map(|side| |index: u32| side.sources[index as usize])
                .collect();
            let sides = others.iter().zip(&questions).map(|(side, question)| Side {
                rows: &side.rows,
                is_source: question,
            });
            let found = has_other_source(&own.rows, component, sectors, sides);
            prop_assert_eq!(found, expected, "component {}", component);
        }
        Ok(())
    });
}

/// Tables that no layout made: no overflow, and no walk without an end.
#[test]
fn corrupt_rows_are_no_danger() {
    let number = || {
        prop_oneof![
            0..100_u64,
            any::<u64>(),
            (0..100_u64).prop_map(|n| u64::MAX - n)
        ]
    };
    let row = (any::<u32>(), any::<u32>(), number(), number(), number()).prop_map(
        |(first, count, interlace, start_sector, size_sectors)| Row {
            first_component: first >> (first % 32),
            component_count: NonZeroU32::new(count >> (count % 32)).unwrap_or(NonZeroU32::MIN),
            interlace_sectors: NonZeroU64::new(interlace).unwrap_or(NonZeroU64::MIN),
            start_sector,
            size_sectors,
        },
    );
    let rows = vec(row, 0..4);
    let inputs = (vec(rows, 1..4), 0..5_u32, number(), any::<u32>());
    for_all(inputs, |(tables, component, sectors, sources)| {
        let is_source = |index: u32| sources & (1 << (index % 32)) != 0;
        let sides = tables.iter().skip(1).map(|rows| Side {
            rows,
            is_source: &is_source,
        });
        has_other_source(&tables[0], component, sectors, sides);
        Ok(())
    });
}

/// `DURABILITY.md` clause 13: whatever the order in which sides are asked and answer, a read has
/// one answer, the first good one; it fails when nobody is left who was asked; and it is over when
/// all have answered that were asked, and what any of them has lost is taken care of.
#[test]
fn a_hedged_read_has_one_answer() {
    let how = select(vec![
        Outcome::Good,
        Outcome::Excused,
        Outcome::Failed,
        Outcome::Lost,
    ]);
    let asks = (0..5_u32, any::<bool>(), how, any::<bool>());
    for_all((0..4_u32, vec(asks, 0..24)), |(first, steps)| {
        let mut hedge = Hedge::of(first);
        let (mut in_flight, mut asked) = (vec![first], vec![first]);
        let (mut failed, mut lost) = (0, 0);
        let mut answer = None;
        for (side, asks, how, takes) in steps {
            if takes {
                prop_assert_eq!(hedge.take_lost(), std::mem::take(&mut lost));
            }
            if asks {
                let may =
                    side < 4 && answer.is_none() && !in_flight.is_empty() && !asked.contains(&side);
                prop_assert_eq!(hedge.ask(side), may);
                if may {
                    in_flight.push(side);
                    asked.push(side);
                }
                continue;
            }
            let was_asked = in_flight.contains(&side);
            in_flight.retain(|other| *other != side);
            if was_asked && how == Outcome::Lost {
                lost |= side_bit(side);
            }
            let is_its_fault = matches!(how, Outcome::Failed | Outcome::Lost);
            if was_asked && is_its_fault && answer.is_none() {
                failed |= side_bit(side);
            }
            let expected = match answer {
                None if was_asked && how == Outcome::Good => Answer::Deliver,
                None if was_asked && in_flight.is_empty() => Answer::Fail(failed),
                _ => Answer::Drop,
            };
            if expected != Answer::Drop {
                answer = Some(expected);
            }
            if how == Outcome::Lost && matches!(expected, Answer::Fail(_)) {
                // Whoever goes on with this error has all of them mended.
                lost = 0;
            }
            prop_assert_eq!(hedge.answer(side, how), expected);
            prop_assert_eq!(hedge.is_over(), in_flight.is_empty() && lost == 0);
        }
        prop_assert!(answer.is_some() || !in_flight.is_empty());
        Ok(())
    });
}
