// SPDX-License-Identifier: GPL-2.0
//! Taking a disk, forcefully if need be, and seeing that it stays ours (mhd(7I), MHIOCTKOWN;
//! `multihost.md` 1.1).
//!
//! Whoever loses the disk finds that out by its failfast, and must have done so before the taker
//! uses it. So the taker tries again and again to reserve it, which succeeds as long as it is ours,
//! and is done when that went well for [`Timing::min_ms`] without a disturbance. If it does not
//! come to that within [`Timing::max_ms`], somebody else wants the disk as well, and has it.

use super::verdict::Verdict;

/// How long things take, in milliseconds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Timing {
    /// From a reset, until a reservation that it has dropped is put back.
    pub reinstate_ms: u32,
    /// How long ownership must have been stable.
    pub min_ms: u32,
    /// After which it is given up.
    pub max_ms: u32,
}

impl Timing {
    /// What is used where nothing is asked for (`multihost.md` 1.1).
    pub const DEFAULT: Self = Self {
        reinstate_ms: 6_000,
        min_ms: 6_000,
        max_ms: 30_000,
    };

    /// What a caller asks for: zero stands for the default. `None` if it makes no sense: a time
    /// that is negative, or success that would come after giving up.
    pub fn asked(reinstate: i32, min: i32, max: i32) -> Option<Self> {
        let or = |asked: i32, default| match asked {
            0 => Some(default),
            asked => u32::try_from(asked).ok(),
        };
        let timing = Self {
            reinstate_ms: or(reinstate, Self::DEFAULT.reinstate_ms)?,
            min_ms: or(min, Self::DEFAULT.min_ms)?,
            max_ms: or(max, Self::DEFAULT.max_ms)?,
        };
        (timing.min_ms <= timing.max_ms).then_some(timing)
    }
}

/// Time between two tries, in milliseconds.
pub const PAUSE_MS: u32 = 500;

/// Tries in a row that must have gone well, however short the time.
const GOOD_MIN: u32 = 4;

/// So many events may the disk have to tell before it carries a command out.
const ATTENTIONS_MAX: u32 = 4;

/// What is to be done next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// Reserve the disk, and come back with the verdict.
    Reserve,
    /// Break the reservation of the one who has it, and come back with the verdict.
    Break,
    /// Come back after [`PAUSE_MS`].
    Pause,
    /// The disk is ours.
    Done,
    /// Another host has it.
    Denied,
    /// The disk has no such command.
    Unsupported,
    /// Something else is wrong.
    Failed,
}

/// Where a takeover stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    /// The first try.
    First,
    /// The reservation is being broken.
    Breaking,
    /// The first try after that.
    Broken,
    /// Between two tries.
    Pausing,
    /// One of the tries; `is_second`: the one right after another that has failed.
    Holding { is_second: bool },
}

/// A takeover.
#[derive(Clone, Debug)]
pub struct Takeover {
    timing: Timing,
    phase: Phase,
    began: u64,
    stable_since: u64,
    good: u32,
    attentions: u32,
    has_conflict: bool,
}

impl Takeover {
    /// Begins at a moment, in milliseconds. The first step is [`Step::Reserve`].
    pub fn new(now: u64, timing: Timing) -> Self {
        Self {
            timing,
            phase: Phase::First,
            began: now,
            stable_since: now,
            good: 0,
            attentions: 0,
            has_conflict: false,
        }
    }

    /// The step before is done, with this verdict; that of a pause is of no account.
    pub fn step(&mut self, now: u64, verdict: Verdict) -> Step {
        match self.phase {
            Phase::Pausing => self.try_again(false),
            Phase::Breaking => match verdict {
                Verdict::Good | Verdict::Reset | Verdict::Attention => {
                    self.phase = Phase::Broken;
                    Step::Reserve
                }
                Verdict::Conflict => Step::Denied,
                _ => Step::Failed,
            },
            Phase::First | Phase::Broken => self.first(now, verdict),
            Phase::Holding { is_second } => self.hold(now, verdict, is_second),
        }
    }

    fn first(&mut self, now: u64, verdict: Verdict) -> Step {
        match verdict {
            Verdict::Good => self.pause(now, true),
            Verdict::Reset | Verdict::Attention if self.may_repeat() => Step::Reserve,
            Verdict::Conflict if self.phase == Phase::First => {
                self.phase = Phase::Breaking;
                self.attentions = 0;
                Step::Break
            }
            Verdict::Conflict => Step::Denied,
            Verdict::Unsupported => Step::Unsupported,
            _ => Step::Failed,
        }
    }

    fn hold(&mut self, now: u64, verdict: Verdict, is_second: bool) -> Step {
        self.has_conflict |= verdict == Verdict::Conflict;
        match (verdict, is_second) {
            (Verdict::Good, false) => {
                self.good = self.good.saturating_add(1);
                let stable = now.saturating_sub(self.stable_since);
                if self.good >= GOOD_MIN && stable >= self.timing.min_ms.into() {
                    return Step::Done;
                }
                self.pause(now, false)
            }
            // Ours again, but somebody has disturbed us: it all begins anew.
            (Verdict::Good, true) => self.pause(now, true),
            (_, false) => self.try_again(true),
            (Verdict::Reset | Verdict::Attention, true) if self.may_repeat() => Step::Reserve,
            (_, true) if self.has_conflict => Step::Denied,
            (_, true) => Step::Failed,
        }
    }

    fn may_repeat(&mut self) -> bool {
        self.attentions = self.attentions.saturating_add(1);
        self.attentions <= ATTENTIONS_MAX
    }

    fn try_again(&mut self, is_second: bool) -> Step {
        self.attentions = 0;
        self.phase = Phase::Holding { is_second };
        Step::Reserve
    }

    fn pause(&mut self, now: u64, is_disturbed: bool) -> Step {
        if is_disturbed {
            self.stable_since = now;
            self.good = 0;
        }
        if now.saturating_sub(self.began) >= self.timing.max_ms.into() {
            return Step::Denied;
        }
        self.has_conflict = false;
        self.phase = Phase::Pausing;
        Step::Pause
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    const TIMING: Timing = Timing {
        reinstate_ms: 1000,
        min_ms: 2000,
        max_ms: 6000,
    };

    /// Runs a takeover on a disk that answers as `disk` says; how it ends and when, and how often a
    /// reservation was broken.
    fn run(mut disk: impl FnMut(Step, u64) -> Verdict) -> (Step, u64, u32) {
        let (mut now, mut breaks) = (0_u64, 0_u32);
        let mut takeover = Takeover::new(now, TIMING);
        let mut step = Step::Reserve;
        loop {
            let verdict = match step {
                Step::Reserve => disk(step, now),
                Step::Break => {
                    breaks = breaks.saturating_add(1);
                    disk(step, now)
                }
                Step::Pause => {
                    now = now.saturating_add(PAUSE_MS.into());
                    Verdict::Good
                }
                end => return (end, now, breaks),
            };
            step = takeover.step(now, verdict);
        }
    }

    #[test]
    fn a_free_disk_is_ours_when_it_was_so_for_long_enough() {
        assert_eq!(run(|_, _| Verdict::Good), (Step::Done, 2000, 0));
    }

    /// mhd(7I): regardless of whether another host has it.
    #[test]
    fn the_reservation_of_another_host_is_broken_once() {
        let mut held = true;
        let end = run(|step, _| match step {
            Step::Break => {
                held = false;
                Verdict::Good
            }
            _ if held => Verdict::Conflict,
            _ => Verdict::Good,
        });
        assert_eq!(end, (Step::Done, 2000, 1));
        assert_eq!(
            run(|step, _| match step {
                Step::Break => Verdict::Good,
                _ => Verdict::Conflict,
            }),
            (Step::Denied, 0, 1)
        );
    }

    /// `multihost.md` 1.3: after a reset the taker is told of it first.
    #[test]
    fn what_the_disk_has_to_tell_is_heard_out() {
        let mut answers = Vec::from([Verdict::Good, Verdict::Attention, Verdict::Reset]);
        let end = run(|_, _| answers.pop().unwrap_or(Verdict::Good));
        assert_eq!(end.0, Step::Done);
        assert_eq!(run(|_, _| Verdict::Reset).0, Step::Failed);
    }

    #[test]
    fn two_that_want_a_disk_do_not_both_have_it() {
        // The other one breaks our reservation, and has it for good.
        let end = run(|_, now| match now {
            0..1000 => Verdict::Good,
            _ => Verdict::Conflict,
        });
        assert_eq!(end, (Step::Denied, 1000, 0));
    }

    #[test]
    fn who_is_disturbed_begins_anew_and_gives_up_in_the_end() {
        let mut is_disturbed = false;
        let end = run(|_, now| {
            if now == 1500 && !core::mem::replace(&mut is_disturbed, true) {
                Verdict::Reset
            } else {
                Verdict::Good
            }
        });
        assert_eq!(end, (Step::Done, 3500, 0));
        let mut count = 0;
        let end = run(|_, _| {
            count += 1;
            if count % 5 == 0 {
                Verdict::Reset
            } else {
                Verdict::Good
            }
        });
        assert_eq!((end.0, end.2), (Step::Denied, 0));
        assert!((6000..7000).contains(&end.1), "{end:?}");
    }

    #[test]
    fn other_ends() {
        assert_eq!(run(|_, _| Verdict::Unsupported).0, Step::Unsupported);
        for verdict in [Verdict::Gone, Verdict::Unknown] {
            assert_eq!(run(|_, _| verdict).0, Step::Failed);
        }
        let end = run(|_, now| match now {
            0..1000 => Verdict::Good,
            _ => Verdict::Unknown,
        });
        assert_eq!(end.0, Step::Failed);
    }

    #[test]
    fn times_that_are_asked_for() {
        assert_eq!(Timing::asked(0, 0, 0), Some(Timing::DEFAULT));
        let some = Timing::asked(1000, 2000, 6000);
        assert_eq!(some, Some(TIMING));
        assert_eq!(Timing::asked(-1, 0, 0), None);
        assert_eq!(Timing::asked(0, 40_000, 0), None);
    }
}
