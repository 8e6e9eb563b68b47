// SPDX-License-Identifier: GPL-2.0
//! The ring of events against a list that forgets nothing: every reader, however slow, gets each
//! event once and in order, or is told that he has missed it. And the limiter of the log.

use md_model::events::{
    log::{
        Limiter,
        BURST,
        LINE_MS, //
    },
    ring::{
        NotYet,
        Ring, //
    }, //
};
use proptest::{
    collection::vec,
    prelude::*, //
};

use crate::seeded::for_all;

/// What is done to a ring.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// So many events happen.
    Happen(u64),
    /// A reader takes up to so many.
    Read { reader: usize, most: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let happen = (0..20_u64).prop_map(Step::Happen);
    let read = (0..3_usize, 0..12_u64).prop_map(|(reader, most)| Step::Read { reader, most });
    vec(prop_oneof![happen, read], 0..80)
}

#[test]
fn every_reader_gets_each_event_or_is_told_that_it_is_lost() {
    for_all((1..9_usize, steps()), |(kept, steps)| {
        let (mut ring, mut slots) = (Ring::new(), vec![0_u64; kept]);
        // Up to which number each has seen, or been told that it is lost.
        let mut seen = [0_u64; 3];
        let mut happened = 0;
        for step in steps {
            match step {
                Step::Happen(count) => {
                    for _ in 0..count {
                        happened += 1;
                        prop_assert_eq!(ring.push(&mut slots, |number| number * 3), happened);
                    }
                }
                Step::Read { reader, most } => {
                    let next = ring.next(kept, seen[reader], most).unwrap();
                    let oldest = happened.saturating_sub(kept as u64) + 1;
                    prop_assert_eq!(next.lost, oldest.saturating_sub(seen[reader] + 1));
                    prop_assert_eq!(next.first, seen[reader] + next.lost + 1);
                    let there = happened + 1 - next.first;
                    prop_assert_eq!(next.count, there.min(most));
                    for number in next.first..next.first + next.count {
                        prop_assert_eq!(ring.get(&slots, number).copied(), Some(number * 3));
                    }
                    seen[reader] = next.first + next.count - 1;
                }
            }
            prop_assert_eq!(ring.newest(), happened);
        }
        Ok(())
    });
}

#[test]
fn nobody_has_seen_what_has_not_happened() {
    for_all(
        (0..40_u64, any::<u64>(), any::<u64>()),
        |(count, after, most)| {
            let (mut ring, mut slots) = (Ring::new(), [0_u64; 5]);
            for _ in 0..count {
                ring.push(&mut slots, |number| number);
            }
            match ring.next(slots.len(), after, most) {
                Ok(next) => prop_assert!(after <= count && next.lost + next.count <= count - after),
                Err(NotYet) => prop_assert!(after > count),
            }
            Ok(())
        },
    );
}

/// In any stretch of time there are no more lines than a burst, and one for each interval; and all
/// that are left out are told of.
#[test]
fn the_log_is_not_flooded_and_nothing_is_left_out_in_silence() {
    let long = any::<u32>().prop_map(u64::from);
    let gap = prop_oneof![4 => 0..40_u64, 2 => 0..2_000_u64, 1 => long];
    let gaps = vec(gap, 1..300);
    for_all(gaps, |gaps| {
        let mut limiter = Limiter::new();
        let (mut now, mut told, mut missing) = (0_u64, Vec::new(), 0_u32);
        for gap in gaps {
            now += gap;
            match limiter.admit(now) {
                Some(left_out) => {
                    prop_assert_eq!(left_out, missing);
                    missing = 0;
                    told.push(now);
                }
                None => missing += 1,
            }
        }
        for (first, from) in told.iter().enumerate() {
            for (last, to) in told.iter().enumerate().skip(first) {
                let most = u64::from(BURST) + (to - from).div_ceil(LINE_MS);
                prop_assert!((last - first + 1) as u64 <= most);
            }
        }
        Ok(())
    });
}
