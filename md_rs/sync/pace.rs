// SPDX-License-Identifier: GPL-2.0
//! How fast a mirror is resynced, or RAID5 made: it pauses between two chunks, as long as
//! [`md_model::mirror::throttle`] says.

use kernel::{
    sync::Mutex,
    time::{
        delay::fsleep,
        Delta,
        Instant,
        Monotonic, //
    }, //
};
use md_model::mirror::{
    suspect::Sample,
    throttle::{
        Foreground,
        Limits,
        Throttle,
        LOOK_S, //
    }, //
};

use super::upkeep::Kept;
use crate::kapi::errand::Errand;

/// How often it is looked how long the mirror's own requests take, in milliseconds.
const INTERVAL_MS: i64 = 250;

/// How long what was seen then is good for a comparison, in milliseconds.
const LOOK_MS: i64 = LOOK_S as i64 * 1000;

/// How long nobody notices that he is waited for, in microseconds.
const NAP_US: i64 = 50_000;

/// The pace.
pub(crate) struct Pace {
    throttle: Throttle,
    pause_us: u64,
    /// When it was last looked, and what had been done by then.
    looked: Option<(Instant<Monotonic>, Sample)>,
}

impl Pace {
    /// As fast as it goes.
    pub(crate) fn new() -> Self {
        Self {
            throttle: Throttle::new(),
            pause_us: 0,
            looked: None,
        }
    }

    /// The pause that is in force, in microseconds.
    fn pause(&mut self, limits: &Limits, done: impl FnOnce() -> Sample) -> u64 {
        // Another resync may have looked, long ago.
        let is_fresh = |at: &Instant<Monotonic>| at.elapsed().as_millis() < LOOK_MS;
        let Some((at, before)) = self.looked.filter(|(at, _)| is_fresh(at)) else {
            self.looked = Some((Instant::now(), done()));
            self.pause_us = self.throttle.first(limits);
            return self.pause_us;
        };
        if at.elapsed().as_millis() >= INTERVAL_MS {
            let now = done();
            let foreground = Foreground {
                ios: now.ios.saturating_sub(before.ios),
                nanoseconds: now.nanoseconds.saturating_sub(before.nanoseconds),
                in_flight: now.in_flight,
            };
            self.pause_us = self.throttle.next(foreground, limits);
            self.looked = Some((Instant::now(), now));
        }
        self.pause_us
    }
}

/// Pauses after a chunk that was begun at `since`.
pub(super) fn pause(kept: Kept<'_>, errand: &Errand<'_>, since: Instant<Monotonic>) {
    pause_part(kept, errand, since, 1);
}

/// The same for who is alone, and does in a chunk one of so many parts of what all errands of the
/// resync together do in one round.
pub(super) fn pause_part(
    kept: Kept<'_>,
    errand: &Errand<'_>,
    since: Instant<Monotonic>,
    parts: i64,
) {
    let limits = kept.unit.options().pace;
    rest(&kept.upkeep.pace, &limits, errand, since, parts);
}

/// The same, by anybody's pace and limits.
pub(crate) fn rest(
    pace: &Mutex<Pace>,
    limits: &Limits,
    errand: &Errand<'_>,
    since: Instant<Monotonic>,
    parts: i64,
) {
    let pause_us = pace.lock().pause(limits, || errand.disk_io());
    let pause_us = i64::try_from(pause_us).unwrap_or(i64::MAX);
    let pause_us = pause_us.checked_div(parts).unwrap_or(pause_us);
    while !errand.is_stopping() {
        let left = pause_us.saturating_sub(since.elapsed().as_micros_ceil());
        if left <= 0 {
            return;
        }
        fsleep(Delta::from_micros(left.min(NAP_US)));
    }
}
