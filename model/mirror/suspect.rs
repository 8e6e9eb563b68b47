// SPDX-License-Identifier: GPL-2.0
//! Whether a component is *suspect*: it answers, but so late that reads should go to another side
//! (`DURABILITY.md` clause 13). A disk that is about to fail often repeats for seconds what a
//! healthy one does in milliseconds, and fails nothing; who reads should not have to wait for that.
//!
//! What is on its way to a suspect component stays there: its buffer is the caller's, and the disk
//! may still write into it. Writes go to all sides as before.
//!
//! Once per interval the caller looks what the device has done since ([`Sample`]), and asks
//! [`Watch::look`]. A component that is suspect and gets no requests is asked with a read of the
//! core's own, since else it would be suspect for ever.

/// An answer that takes so long on average, in microseconds, is late. A healthy disk is two orders
/// of magnitude below that with its queue full; one that retries a bad sector takes several
/// seconds.
pub const LATE_US: u64 = 2_000_000;

/// An answer that takes no longer is in time again. Between the two nothing changes.
pub const IN_TIME_US: u64 = LATE_US / 4;

/// A component is late only if it takes so many times as long as the fastest of the other sides: if
/// all are slow, the reason is not the disk, and another side would be no better.
pub const TIMES_SLOWER: u64 = 8;

/// So often in succession it has to be late, or in time, until that is believed.
pub const LOOKS: u32 = 2;

/// What the requests of a device have done so far, as the block layer counts them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Sample {
    /// How many have ended.
    pub ios: u64,
    /// How long these took, in nanoseconds, all together.
    pub nanoseconds: u64,
    /// How many are on their way.
    pub in_flight: u64,
}

/// How a component is watched.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Watch {
    before: Sample,
    /// For how long requests are on their way and none has ended, in microseconds.
    stuck_us: u64,
    /// How often in succession the answer was another one than `is_suspect` says.
    doubts: u32,
    is_suspect: bool,
}

/// What a look at a component has shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Verdict {
    /// Reads should go elsewhere.
    pub is_suspect: bool,
    /// That is new.
    pub is_news: bool,
    /// It is to be asked with a read of the core's own: nothing else tells how it is.
    pub wants_probe: bool,
}

impl Watch {
    /// How long answers took in the interval of `elapsed_us` microseconds that ends now, in
    /// microseconds; `None` if there was nothing to answer. Requests that are stuck count with how
    /// long they have been, from the first interval on in which none has ended.
    pub fn answer_us(&mut self, now: Sample, elapsed_us: u64) -> Option<u64> {
        let before = core::mem::replace(&mut self.before, now);
        let ios = now.ios.saturating_sub(before.ios);
        let nanoseconds = now.nanoseconds.saturating_sub(before.nanoseconds);
        if let Some(average_ns) = nanoseconds.checked_div(ios) {
            self.stuck_us = 0;
            return Some(average_ns / 1000);
        }
        if now.in_flight == 0 || before.in_flight == 0 {
            self.stuck_us = 0;
            return None;
        }
        self.stuck_us = self.stuck_us.saturating_add(elapsed_us);
        Some(self.stuck_us)
    }

    /// Judges a component that took `own_us` to answer, while the fastest of the other sides took
    /// `others_us`; `None` where there was nothing to answer.
    pub fn look(&mut self, own_us: Option<u64>, others_us: Option<u64>) -> Verdict {
        let is_doubted = own_us.is_some_and(|own_us| {
            if self.is_suspect {
                own_us <= IN_TIME_US
            } else {
                is_late(own_us, others_us)
            }
        });
        // An interval without an answer tells nothing.
        self.doubts = match own_us {
            Some(_) if is_doubted => self.doubts.saturating_add(1),
            Some(_) => 0,
            None => self.doubts,
        };
        let is_news = self.doubts >= LOOKS;
        if is_news {
            self.is_suspect = !self.is_suspect;
            self.doubts = 0;
        }
        Verdict {
            is_suspect: self.is_suspect,
            is_news,
            wants_probe: self.is_suspect && own_us.is_none(),
        }
    }
}

fn is_late(own_us: u64, others_us: Option<u64>) -> bool {
    let is_slower = |others_us: u64| own_us >= others_us.saturating_mul(TIMES_SLOWER);
    own_us >= LATE_US && others_us.is_none_or(is_slower)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Done so far: so many requests, each of which took so many milliseconds.
    fn sample(ios: u64, ms_each: u64, in_flight: u64) -> Sample {
        Sample {
            ios,
            nanoseconds: ios.saturating_mul(ms_each).saturating_mul(1_000_000),
            in_flight,
        }
    }

    /// Looks until nothing changes any more.
    fn settled(watch: &mut Watch, own_us: u64, others_us: Option<u64>) -> bool {
        (0..LOOKS).fold(false, |_, _| watch.look(Some(own_us), others_us).is_suspect)
    }

    #[test]
    fn an_answer_is_the_average_of_what_has_ended() {
        let mut watch = Watch::default();
        assert_eq!(watch.answer_us(sample(10, 4, 0), 1000), Some(4000));
        assert_eq!(watch.answer_us(sample(10, 4, 0), 1000), None);
        let later = Sample {
            ios: 12,
            nanoseconds: 10 * 4_000_000 + 2 * 9_000_000,
            in_flight: 3,
        };
        assert_eq!(watch.answer_us(later, 1000), Some(9000));
    }

    #[test]
    fn what_is_stuck_counts_with_how_long_it_is() {
        let mut watch = Watch::default();
        // Just sent: how long ago is not known.
        assert_eq!(watch.answer_us(sample(0, 0, 2), 500_000), None);
        assert_eq!(watch.answer_us(sample(0, 0, 2), 500_000), Some(500_000));
        assert_eq!(watch.answer_us(sample(0, 0, 1), 700_000), Some(1_200_000));
        assert_eq!(
            watch.answer_us(sample(1, 1300, 1), 100_000),
            Some(1_300_000)
        );
        assert_eq!(watch.answer_us(sample(1, 1300, 1), 100_000), Some(100_000));
    }

    /// `DURABILITY.md` clause 13.
    #[test]
    fn a_late_component_is_suspect_and_one_in_time_again_is_not() {
        let mut watch = Watch::default();
        assert!(!watch.look(Some(LATE_US), Some(3000)).is_suspect);
        let verdict = watch.look(Some(LATE_US), Some(3000));
        assert!(verdict.is_suspect && verdict.is_news && !verdict.wants_probe);
        assert!(watch.look(None, Some(3000)).wants_probe);
        assert!(settled(&mut watch, IN_TIME_US + 1, Some(3000)));
        assert!(watch.look(Some(IN_TIME_US), Some(3000)).is_suspect);
        assert!(watch.look(None, None).is_suspect);
        let verdict = watch.look(Some(IN_TIME_US), Some(3000));
        assert!(!verdict.is_suspect && verdict.is_news);
    }

    #[test]
    fn a_single_late_answer_is_not_believed() {
        let mut watch = Watch::default();
        for _ in 0..10 {
            assert!(!watch.look(Some(9 * LATE_US), None).is_suspect);
            assert!(!watch.look(Some(1000), None).is_suspect);
        }
    }

    /// If all sides are slow, another one is no better.
    #[test]
    fn where_all_are_late_none_is_suspect() {
        let others_us = Some(LATE_US / TIMES_SLOWER + 1);
        assert!(!settled(&mut Watch::default(), LATE_US, others_us));
        let others_us = Some(LATE_US / TIMES_SLOWER);
        assert!(settled(&mut Watch::default(), LATE_US, others_us));
        assert!(settled(&mut Watch::default(), LATE_US, None));
    }

    #[test]
    fn without_answers_nothing_is_probed_that_is_not_suspect() {
        let verdict = Watch::default().look(None, Some(1));
        assert!(!verdict.is_suspect && !verdict.is_news && !verdict.wants_probe);
    }
}
