// SPDX-License-Identifier: GPL-2.0
//! The speed of a resync: whatever the mirror's own requests do, it is not below its floor, slower
//! requests do not make it faster, and it recovers when they end.

use md_model::mirror::{
    resync::{
        CHUNK_SECTORS,
        SLOTS, //
    },
    throttle::{
        Foreground,
        Limits,
        Throttle, //
    },
};
use proptest::{
    collection::vec,
    prelude::*, //
};

use crate::seeded::for_all;

fn limits() -> impl Strategy<Value = Limits> {
    let speed = prop_oneof![1 => Just(0_u64), 6 => 1..1_000_000_u64, 1 => any::<u64>()];
    let target = prop_oneof![6 => 0..200_000_u64, 1 => any::<u64>()];
    (target, speed.clone(), speed).prop_map(|(target_us, floor_kib_s, ceiling_kib_s)| Limits {
        target_us,
        floor_kib_s,
        ceiling_kib_s,
    })
}

fn intervals() -> impl Strategy<Value = Vec<Foreground>> {
    let nanoseconds = prop_oneof![6 => 0..10_000_000_000_u64, 1 => any::<u64>()];
    let ios = prop_oneof![2 => Just(0_u64), 6 => 1..1000_u64, 1 => any::<u64>()];
    let foreground = (ios, nanoseconds, 0..3_u64);
    vec(
        foreground.prop_map(|(ios, nanoseconds, in_flight)| Foreground {
            ios,
            nanoseconds,
            in_flight,
        }),
        1..60,
    )
}

/// KiB per second of all workers, if a chunk takes no time.
fn speed(pause_us: u64) -> f64 {
    let round_kib = CHUNK_SECTORS / 2 * SLOTS as u64;
    round_kib as f64 * 1e6 / pause_us as f64
}

#[test]
fn the_resync_is_never_below_its_floor() {
    for_all((limits(), intervals()), |(limits, intervals)| {
        let mut throttle = Throttle::new();
        for foreground in intervals {
            let pause_us = throttle.next(foreground, &limits);
            prop_assert!(speed(pause_us) >= limits.floor_kib_s as f64 * 0.999_999);
            prop_assert!(pause_us <= 60_000_000, "it looks up once a minute");
            let is_used = foreground.ios > 0 || foreground.in_flight > 0;
            let is_capped = limits.ceiling_kib_s > limits.floor_kib_s && is_used;
            if is_capped && pause_us > 1000 && pause_us < 60_000_000 {
                prop_assert!(speed(pause_us + 1) <= limits.ceiling_kib_s as f64 * 1.000_001);
            }
        }
        Ok(())
    });
}

#[test]
fn slower_requests_never_make_it_faster() {
    let inputs = (limits(), intervals(), any::<u64>());
    for_all(inputs, |(limits, intervals, slower)| {
        let mut throttle = Throttle::new();
        for foreground in intervals {
            let slower = Foreground {
                nanoseconds: foreground.nanoseconds.saturating_add(slower),
                ..foreground
            };
            let (mut alone, mut disturbed) = (throttle, throttle);
            let unused = alone.next(Foreground::default(), &limits);
            let slower = disturbed.next(slower, &limits);
            let pause_us = throttle.next(foreground, &limits);
            prop_assert!(unused <= pause_us && pause_us <= slower);
        }
        Ok(())
    });
}

#[test]
fn it_recovers_when_it_is_alone() {
    for_all((limits(), intervals()), |(limits, intervals)| {
        let mut throttle = Throttle::new();
        for foreground in intervals {
            throttle.next(foreground, &limits);
        }
        for _ in 0..4 {
            throttle.next(Foreground::default(), &limits);
        }
        prop_assert_eq!(throttle, Throttle::new());
        Ok(())
    });
}
