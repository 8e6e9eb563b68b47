// SPDX-License-Identifier: GPL-2.0
//! How fast a mirror is resynced while it is used.
//!
//! A resync takes what the disks have left over. How much that is shows in how long the mirror's
//! own requests take: while there are none, nothing holds the resync back; while they take longer
//! than they should, it pauses longer and longer between two chunks; and it dares a little more
//! whenever they do not. It never becomes slower than a floor, so that it ends some day, also on a
//! mirror that is never left alone; nor faster than a ceiling while the mirror is in use.
//!
//! Once per interval, of which a second has a few, the caller counts what has completed, and asks
//! for the pause of the next one.

use super::resync::{
    CHUNK_SECTORS,
    SLOTS, //
};

/// Microseconds of a second.
const SECOND_US: u64 = 1_000_000;

/// KiB that all workers together copy between two pauses.
const ROUND_KIB: u64 = CHUNK_SECTORS / 2 * SLOTS as u64;

/// Shortest pause that is not none: doubling begins there.
const PAUSE_US_MIN: u64 = 1000;

/// Longest time that a request may take before the resync gives way, whoever asks for it: a minute.
pub const TARGET_US_MAX: u32 = 60_000_000;

/// Longest pause, whatever the floor: a worker looks up at least once a minute.
const PAUSE_US_MAX: u64 = 60 * SECOND_US;

/// How long what was seen of the mirror's own requests is good for a comparison with what is seen
/// next, in seconds: a resync looks after every pause.
pub const LOOK_S: u32 = (2 * PAUSE_US_MAX / SECOND_US) as u32;

/// What the mirror's own requests, those of the resync apart, did in the last interval.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Foreground {
    /// How many completed.
    pub ios: u64,
    /// How long they took, in nanoseconds, all together.
    pub nanoseconds: u64,
    /// How many are on their way at its end.
    pub in_flight: u64,
}

/// Within what the resync stays.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// How long a request may take on average, in microseconds, before the resync gives way.
    pub target_us: u64,
    /// KiB per second that the resync is never made to fall below; 0 is no floor.
    pub floor_kib_s: u64,
    /// KiB per second that it does not exceed while the mirror is in use; 0 is no ceiling.
    pub ceiling_kib_s: u64,
}

impl Limits {
    /// What fits most disks.
    ///
    /// - 20 ms: one request on a hard disk takes about 8 ms by itself, and up to twice that where
    ///   one of the resync is before it: so the resync gives way there when its requests begin to
    ///   queue. A request on a solid-state disk takes a fraction of a millisecond and does not come
    ///   near it before its queue is full; there the ceiling is what leaves room.
    /// - 1000 KiB/s: what Linux md guarantees as well: a terabyte in twelve days.
    /// - 200,000 KiB/s: what a hard disk does when it is left alone, and a fraction of a
    ///   solid-state one. It does not hold while nobody uses the mirror: nobody is spared by it.
    pub const DEFAULT: Self = Self {
        target_us: 20_000,
        floor_kib_s: 1000,
        ceiling_kib_s: 200_000,
    };

    /// Limits that somebody chooses; `None` if requests are to be spared that take no time, or
    /// longer than [`TARGET_US_MAX`].
    pub fn new(target_us: u32, floor_kib_s: u32, ceiling_kib_s: u32) -> Option<Self> {
        (1..=TARGET_US_MAX).contains(&target_us).then_some(Self {
            target_us: target_us.into(),
            floor_kib_s: floor_kib_s.into(),
            ceiling_kib_s: ceiling_kib_s.into(),
        })
    }

    /// The longest pause: with it, chunks that take no time are copied at the floor.
    fn longest_us(&self) -> u64 {
        pause_of(self.floor_kib_s)
            .unwrap_or(PAUSE_US_MAX)
            .min(PAUSE_US_MAX)
    }

    /// The shortest pause while the mirror is in use. The floor is the stronger one.
    fn shortest_us(&self) -> u64 {
        pause_of(self.ceiling_kib_s)
            .unwrap_or(0)
            .min(self.longest_us())
    }
}

/// The pause with which all workers together copy so much in a second if that takes them no time;
/// `None` for 0.
fn pause_of(kib_s: u64) -> Option<u64> {
    ROUND_KIB.saturating_mul(SECOND_US).checked_div(kib_s)
}

/// The pause that is in force.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Throttle {
    pause_us: u64,
}

impl Throttle {
    /// Without a pause.
    pub const fn new() -> Self {
        Self { pause_us: 0 }
    }

    /// The pause before anything is known: as if somebody used the mirror and was not late.
    pub fn first(&mut self, limits: &Limits) -> u64 {
        self.pause_us = limits.shortest_us();
        self.pause_us
    }

    /// How many microseconds each of [`SLOTS`] workers pauses after each of its chunks of
    /// [`CHUNK_SECTORS`] in the next interval. Limits are exact for who counts the pause from the
    /// beginning of the chunk; counted from its end, a round takes longer by what a chunk takes.
    ///
    /// - If nobody used the mirror, a sixteenth of what it was, and soon none at all.
    /// - If nothing has completed of what is on its way, what it was: how long that takes is not
    ///   known yet.
    /// - If requests took longer than they should, twice as long, up to what the floor allows.
    /// - Else three quarters, down to what the ceiling allows.
    pub fn next(&mut self, foreground: Foreground, limits: &Limits) -> u64 {
        self.pause_us = match foreground.nanoseconds.checked_div(foreground.ios) {
            None if foreground.in_flight > 0 => self
                .pause_us
                .clamp(limits.shortest_us(), limits.longest_us()),
            None => self.idle().min(limits.longest_us()),
            Some(average_ns) => {
                let is_late = average_ns / 1000 > limits.target_us;
                let pause_us = if is_late {
                    self.longer()
                } else {
                    self.shorter()
                };
                pause_us.clamp(limits.shortest_us(), limits.longest_us())
            }
        };
        self.pause_us
    }

    fn idle(&self) -> u64 {
        above_least(self.pause_us / 16)
    }

    fn longer(&self) -> u64 {
        self.pause_us.saturating_mul(2).max(PAUSE_US_MIN)
    }

    fn shorter(&self) -> u64 {
        above_least(self.pause_us.saturating_sub(self.pause_us.div_ceil(4)))
    }
}

/// A pause that is worth it, or none.
fn above_least(pause_us: u64) -> u64 {
    if pause_us < PAUSE_US_MIN {
        0
    } else {
        pause_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits::DEFAULT;

    /// Requests that took so many microseconds on average.
    fn used(average_us: u64) -> Foreground {
        Foreground {
            ios: 7,
            nanoseconds: average_us.saturating_mul(7000),
            in_flight: 0,
        }
    }

    /// What the pause comes to after so many intervals like this one.
    fn after(throttle: &mut Throttle, intervals: u32, foreground: Foreground) -> u64 {
        let pauses = (0..intervals).map(|_| throttle.next(foreground, &LIMITS));
        pauses.last().expect("an interval")
    }

    #[test]
    fn nobody_is_spared_on_a_mirror_that_nobody_uses() {
        let mut throttle = Throttle::new();
        assert_eq!(throttle.next(Foreground::default(), &LIMITS), 0);
        after(&mut throttle, 30, used(90_000));
        assert_eq!(after(&mut throttle, 3, Foreground::default()), 0);
    }

    /// One at a time, each of which takes longer than an interval: nothing completes in every
    /// second one, and still it gives way. When they are in time again it comes back.
    #[test]
    fn what_is_on_its_way_does_not_pass_for_nothing() {
        let waits = Foreground {
            in_flight: 1,
            ..Foreground::default()
        };
        let mut throttle = Throttle::new();
        assert_eq!(throttle.next(waits, &LIMITS), 10_240, "the ceiling holds");
        for _ in 0..10 {
            let pause_us = throttle.next(used(300_000), &LIMITS);
            assert_eq!(throttle.next(waits, &LIMITS), pause_us);
        }
        assert_eq!(throttle.pause_us, 2_048_000);
        assert_eq!(after(&mut throttle, 30, used(1)), 10_240);
    }

    /// It may be used, so that the ceiling holds from the first chunk on.
    #[test]
    fn the_first_pause_is_that_of_a_mirror_in_use() {
        let mut throttle = Throttle::new();
        assert_eq!(throttle.first(&LIMITS), 10_240);
        assert_eq!(after(&mut throttle, 1, Foreground::default()), 0);
    }

    /// 2048 KiB in 2.048 s are 1000 KiB/s, the floor; in 10.24 ms they are the ceiling.
    #[test]
    fn the_pause_stays_within_its_limits() {
        let mut throttle = Throttle::new();
        assert_eq!(throttle.next(used(1), &LIMITS), 10_240);
        assert_eq!(throttle.next(used(20_001), &LIMITS), 20_480);
        assert_eq!(throttle.next(used(20_001), &LIMITS), 40_960);
        assert_eq!(after(&mut throttle, 30, used(20_001)), 2_048_000);
        assert_eq!(throttle.next(used(20_000), &LIMITS), 1_536_000);
        assert_eq!(after(&mut throttle, 30, used(20_000)), 10_240);
    }

    #[test]
    fn without_limits_the_pause_is_none_to_a_minute() {
        let limits = Limits {
            floor_kib_s: 0,
            ceiling_kib_s: 0,
            ..LIMITS
        };
        let mut throttle = Throttle::new();
        assert_eq!(throttle.next(used(1), &limits), 0);
        assert_eq!(throttle.next(used(30_000), &limits), PAUSE_US_MIN);
        for _ in 0..30 {
            throttle.next(used(30_000), &limits);
        }
        assert_eq!(throttle.pause_us, PAUSE_US_MAX);
        for _ in 0..50 {
            throttle.next(used(1), &limits);
        }
        assert_eq!(throttle.pause_us, 0);
    }

    #[test]
    fn what_somebody_chooses_is_in_range() {
        let chosen = |target_us| Limits::new(target_us, 5, 7);
        assert_eq!(chosen(0), None);
        assert_eq!(chosen(TARGET_US_MAX + 1), None);
        assert_eq!(chosen(u32::MAX), None);
        for target_us in [1, 20_000, TARGET_US_MAX] {
            let limits = chosen(target_us).expect("in range");
            assert_eq!(limits.target_us, target_us.into());
            assert_eq!((limits.floor_kib_s, limits.ceiling_kib_s), (5, 7));
        }
        assert_eq!(Limits::new(20_000, 1000, 200_000), Some(Limits::DEFAULT));
    }

    /// Who asks for more than he allows gets what he asks for.
    #[test]
    fn a_floor_is_stronger_than_a_ceiling() {
        let limits = Limits {
            floor_kib_s: 4096,
            ceiling_kib_s: 1024,
            ..LIMITS
        };
        assert_eq!(Throttle::new().next(used(1), &limits), 500_000);
        let mut throttle = Throttle { pause_us: u64::MAX };
        let idle = throttle.next(Foreground::default(), &limits);
        assert_eq!(idle, 500_000, "the floor holds at once");
    }
}
