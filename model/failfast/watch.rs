// SPDX-License-Identifier: GPL-2.0
//! The prober's state machine: when a disk is asked whether it is still ours, and when access
//! counts as lost.
//!
//! Whoever drives it holds a lock around each call, and does what the answer says after that. The
//! clock is an argument, in milliseconds since any moment; it does not count while the machine
//! sleeps, and it may jump when a CPU or the whole machine was stopped.
//!
//! Loss is found by a probe or by a read or write that is refused, whichever comes first; only the
//! first one makes the machine act ([`Watch::lost`] stays), so that both at once act once.

use super::verdict::Verdict;

/// How long a command of the prober may take, in milliseconds. Long: the kernel's error handling
/// begins when it is over, and may reset the disk, which would drop the reservation.
pub const TIMEOUT_MS: u64 = 30_000;

/// How often a command is sent until it is carried out. Each event of the disk's is told once, and
/// a loss comes with at most three.
pub const TRIES_MAX: u32 = 4;

/// Shortest period of probes, in milliseconds.
pub const PERIOD_MS_MIN: u32 = 10;

/// A probe that was not answered is a stall after so many milliseconds, and so many periods.
pub const STALL_MS_MIN: u64 = 5_000;
const STALL_PERIODS: u32 = 3;

/// So many probes in a row for which there is no device, and the disk is gone.
const GONE_MAX: u32 = 2;

/// Longest time from the loss of access to its discovery by probes, in milliseconds, if each
/// command takes at most `answer_ms`: the answer to a probe from before the loss, a period, and as
/// many tries as it may take.
pub const fn detection_ms(period_ms: u32, answer_ms: u64) -> u64 {
    let tries = answer_ms.saturating_mul(TRIES_MAX as u64);
    answer_ms
        .saturating_add(period_ms as u64)
        .saturating_add(tries)
}

/// Longest time from the loss of access to the last write that this host sends, in milliseconds,
/// however late the disk answers: a command is given up after [`TIMEOUT_MS`]. The disk has refused
/// whatever came since the loss, so that this is when it is over, not how long it harms.
pub const fn last_write_ms(period_ms: u32) -> u64 {
    detection_ms(period_ms, TIMEOUT_MS)
}

/// What we hold.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Hold {
    /// Nothing.
    #[default]
    Nothing,
    /// A reservation that a reset of the disk drops. It is put back after `reinstate_ms`.
    Reservation {
        /// How long others have to take it, in milliseconds.
        reinstate_ms: u32,
    },
    /// A reservation that a reset drops, and that nobody looks after.
    Quick,
    /// A key that is registered with the disk, and perhaps a persistent reservation. A reset leaves
    /// both.
    Key,
}

/// How a loss was found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cause {
    /// The disk has answered so to a probe.
    Probe,
    /// The disk has refused a read or write.
    Io,
}

impl Cause {
    /// In words.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Probe => "found by a probe",
            Self::Io => "found by a read or write that was refused",
        }
    }
}

/// A command that the prober is to send.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Job {
    /// Ask whether we have access.
    Ask,
    /// Put a reservation back that a reset has dropped.
    Reserve,
}

/// What a tick of the clock leads to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tick {
    /// The prober is to begin this.
    pub job: Option<Job>,
    /// From now on the disk counts as stalled.
    pub has_stalled: bool,
}

/// What an answer leads to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Reaction {
    /// The same command is to be sent once more, at once.
    pub again: bool,
    /// Access was lost, and it is time to act.
    pub acts: bool,
    /// Access was lost, and nobody has asked for more than to know.
    pub is_lost: bool,
    /// A disk that had stalled answers again.
    pub is_back: bool,
    /// The disk counts as gone from now on.
    pub is_gone: bool,
    /// A reservation was put back.
    pub is_reinstated: bool,
}

/// A command that is on its way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Flight {
    job: Job,
    since: u64,
    periods: u32,
    tries: u32,
    /// Something was changed meanwhile, so that its answer says nothing.
    is_void: bool,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Probes that were begun.
    pub probes: u64,
    /// Probes that said nothing about access.
    pub silent: u64,
    /// Conflicts, also those that nobody expected anything else of.
    pub conflicts: u64,
    /// Resets that were noticed.
    pub resets: u64,
}

/// What is known of a disk that is watched.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Watch {
    /// Milliseconds between probes; 0 while failfast is off.
    period_ms: u32,
    hold: Hold,
    is_strict: bool,
    is_expected: bool,
    flight: Option<Flight>,
    reserve_at: Option<u64>,
    lost: Option<Cause>,
    is_stalled: bool,
    is_asleep: bool,
    gone_count: u32,
    last_good: Option<u64>,
    counts: Counts,
}

impl Watch {
    /// A disk that is not watched. `is_strict`: a conflict counts even if there never was access
    /// (as Solaris did it).
    pub fn new(is_strict: bool) -> Self {
        Self {
            is_strict,
            ..Self::default()
        }
    }

    /// Failfast is on, with so many milliseconds between probes, or off with 0. Access counts as
    /// expected when something is held, or once a probe has found it.
    pub fn set_failfast(&mut self, period_ms: u32) {
        self.period_ms = match period_ms {
            0 => 0,
            period => period.max(PERIOD_MS_MIN),
        };
        self.is_expected = self.hold != Hold::Nothing;
        self.begin_anew();
    }

    /// Something else is held from now on, or nothing.
    pub fn set_hold(&mut self, hold: Hold) {
        self.hold = hold;
        self.is_expected = hold != Hold::Nothing;
        self.reserve_at = None;
        self.begin_anew();
    }

    /// What was known is of no account any more, a command on its way included.
    fn begin_anew(&mut self) {
        self.lost = None;
        self.gone_count = 0;
        self.void_flight();
    }

    fn void_flight(&mut self) {
        if let Some(flight) = &mut self.flight {
            flight.is_void = true;
        }
    }

    /// The machine is about to sleep: nothing is asked.
    pub fn sleep(&mut self) {
        self.is_asleep = true;
        self.void_flight();
    }

    /// The machine goes on. The next tick asks, if the command from before has come back.
    pub fn wake(&mut self) {
        self.is_asleep = false;
    }

    /// Milliseconds between ticks; `None` if there is nothing to watch.
    pub fn tick_ms(&self) -> Option<u32> {
        match (self.period_ms, self.hold) {
            (0, Hold::Reservation { reinstate_ms }) => Some(reinstate_ms.max(PERIOD_MS_MIN)),
            (0, _) => None,
            (period, _) => Some(period),
        }
    }

    /// A period is over.
    pub fn tick(&mut self, now: u64) -> Tick {
        if let Some(flight) = &mut self.flight {
            flight.periods = flight.periods.saturating_add(1);
            let is_late = now.saturating_sub(flight.since) >= STALL_MS_MIN;
            // Periods are counted as well: after a stop of the whole machine the clock alone would
            // blame the disk.
            let has_stalled = is_late && flight.periods >= STALL_PERIODS && !self.is_stalled;
            self.is_stalled |= has_stalled;
            return Tick {
                job: None,
                has_stalled,
            };
        }
        if self.tick_ms().is_none() || self.is_asleep || self.lost.is_some() || self.is_gone() {
            return Tick::default();
        }
        let is_due = self.reserve_at.is_some_and(|at| at <= now);
        let job = if is_due { Job::Reserve } else { Job::Ask };
        self.flight = Some(Flight {
            job,
            since: now,
            periods: 0,
            tries: 1,
            is_void: false,
        });
        self.counts.probes = self.counts.probes.saturating_add(1);
        Tick {
            job: Some(job),
            has_stalled: false,
        }
    }

    /// The command that the prober has sent has come back.
    pub fn answered(&mut self, now: u64, verdict: Verdict) -> Reaction {
        let Some(flight) = self.flight.take() else {
            return Reaction::default();
        };
        let mut reaction = Reaction::default();
        if verdict != Verdict::Unknown {
            reaction.is_back = core::mem::take(&mut self.is_stalled);
        }
        if verdict == Verdict::Reset {
            self.reset(now);
        }
        if flight.is_void {
            return reaction;
        }
        self.gone_count = match verdict {
            Verdict::Gone => self.gone_count.saturating_add(1),
            _ => 0,
        };
        match verdict {
            Verdict::Good => {
                self.last_good = Some(now);
                self.is_expected = true;
                if flight.job == Job::Reserve && self.reserve_at.is_some_and(|at| at <= now) {
                    self.reserve_at = None;
                    reaction.is_reinstated = true;
                }
            }
            Verdict::Conflict => return self.conflict(reaction),
            Verdict::Reset | Verdict::Attention if flight.tries < TRIES_MAX => {
                self.flight = Some(Flight {
                    tries: flight.tries.saturating_add(1),
                    ..flight
                });
                reaction.again = true;
            }
            Verdict::Gone => reaction.is_gone = self.gone_count == GONE_MAX,
            Verdict::Reset | Verdict::Attention | Verdict::Unsupported | Verdict::Unknown => {
                self.counts.silent = self.counts.silent.saturating_add(1);
            }
        }
        reaction
    }

    /// A probe has found a conflict.
    fn conflict(&mut self, mut reaction: Reaction) -> Reaction {
        self.counts.conflicts = self.counts.conflicts.saturating_add(1);
        if self.lost.is_some() || !(self.is_expected || self.is_strict) {
            return reaction;
        }
        self.lost = Some(Cause::Probe);
        reaction.acts = self.period_ms > 0;
        reaction.is_lost = !reaction.acts;
        reaction
    }

    /// The disk has refused a read or write through a metadevice. Whether it is time to act.
    pub fn refused(&mut self) -> bool {
        self.counts.conflicts = self.counts.conflicts.saturating_add(1);
        if self.period_ms == 0 || self.lost.is_some() {
            return false;
        }
        self.lost = Some(Cause::Io);
        true
    }

    /// The disk was reset, whoever has noticed it.
    pub fn reset(&mut self, now: u64) {
        self.counts.resets = self.counts.resets.saturating_add(1);
        if let Hold::Reservation { reinstate_ms } = self.hold {
            self.reserve_at = Some(now.saturating_add(reinstate_ms.into()));
        }
    }

    /// The disk was removed from the machine.
    pub fn removed(&mut self) {
        self.gone_count = GONE_MAX;
    }

    /// Whether a command is on its way, or about to be.
    pub fn is_asking(&self) -> bool {
        self.flight.is_some()
    }

    /// Milliseconds between probes; 0 while failfast is off.
    pub fn period_ms(&self) -> u32 {
        self.period_ms
    }

    /// What is held.
    pub fn hold(&self) -> Hold {
        self.hold
    }

    /// How access was lost, if it was.
    pub fn lost(&self) -> Option<Cause> {
        self.lost
    }

    /// Whether access counts as expected.
    pub fn is_expected(&self) -> bool {
        self.is_expected
    }

    /// Whether a probe has not been answered for long.
    pub fn is_stalled(&self) -> bool {
        self.is_stalled
    }

    /// Whether the disk is gone.
    pub fn is_gone(&self) -> bool {
        self.gone_count >= GONE_MAX
    }

    /// Whether a reservation that a reset has dropped is still to be put back.
    pub fn is_to_reserve(&self) -> bool {
        self.reserve_at.is_some()
    }

    /// When a probe has last found access.
    pub fn last_good(&self) -> Option<u64> {
        self.last_good
    }

    /// What was counted.
    pub fn counts(&self) -> Counts {
        self.counts
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    const HELD: Hold = Hold::Reservation { reinstate_ms: 6000 };

    /// A disk that we hold, with failfast on.
    fn armed() -> Watch {
        let mut watch = Watch::new(false);
        watch.set_hold(HELD);
        watch.set_failfast(1000);
        watch
    }

    /// A probe that begins at a moment, and what its answer leads to.
    fn probe(watch: &mut Watch, now: u64, verdict: Verdict) -> Reaction {
        assert!(watch.tick(now).job.is_some(), "nothing is asked at {now}");
        watch.answered(now, verdict)
    }

    /// mhd(7I): no access, and access was expected.
    #[test]
    fn a_conflict_on_a_disk_that_we_hold_acts_once() {
        let mut watch = armed();
        assert!(probe(&mut watch, 0, Verdict::Conflict).acts);
        assert_eq!(watch.lost(), Some(Cause::Probe));
        assert_eq!(watch.tick(1000), Tick::default(), "the verdict is spoken");
        assert!(!watch.refused());
    }

    #[test]
    fn a_disk_that_never_was_ours_is_waited_for() {
        let mut watch = Watch::new(false);
        watch.set_failfast(1000);
        assert_eq!(probe(&mut watch, 0, Verdict::Conflict), Reaction::default());
        assert_eq!(probe(&mut watch, 1000, Verdict::Good), Reaction::default());
        assert!(probe(&mut watch, 2000, Verdict::Conflict).acts);
    }

    #[test]
    fn strictly_it_is_not() {
        let mut watch = Watch::new(true);
        watch.set_failfast(1000);
        assert!(probe(&mut watch, 0, Verdict::Conflict).acts);
    }

    /// mhd(7I): also if it is discovered by a read or write.
    #[test]
    fn a_refused_write_acts_before_the_next_probe() {
        let mut watch = armed();
        assert!(watch.refused());
        assert!(!watch.refused(), "once");
        assert_eq!(watch.lost(), Some(Cause::Io));
    }

    #[test]
    fn loss_found_by_probe_and_write_at_once_acts_once() {
        let mut watch = armed();
        assert!(watch.tick(0).job.is_some());
        assert!(watch.refused());
        assert!(!watch.answered(5, Verdict::Conflict).acts);
    }

    #[test]
    fn without_failfast_a_conflict_is_the_callers() {
        let mut watch = Watch::new(false);
        assert!(!watch.refused());
        watch.set_hold(HELD);
        assert!(!watch.refused());
        let reaction = probe(&mut watch, 0, Verdict::Conflict);
        assert!(!reaction.acts && reaction.is_lost);
    }

    /// A disk that is slow or gone has not said that it is another's.
    #[test]
    fn silence_never_acts() {
        let mut watch = armed();
        assert!(watch.tick(0).job.is_some());
        let told: std::vec::Vec<_> = (1..100)
            .filter(|n| watch.tick(n * 1000).has_stalled)
            .collect();
        assert_eq!(told, [5], "told once, when it is late by the clock");
        assert!(watch.is_stalled() && watch.lost().is_none());
        let reaction = watch.answered(100_000, Verdict::Good);
        assert!(reaction.is_back && !reaction.acts);
        for verdict in [Verdict::Unknown, Verdict::Unsupported, Verdict::Gone] {
            assert!(!probe(&mut watch, 200_000, verdict).acts);
        }
        assert_eq!(watch.lost(), None);
    }

    #[test]
    fn a_machine_that_stood_still_blames_nobody() {
        let mut watch = armed();
        assert!(watch.tick(0).job.is_some());
        assert!(!watch.tick(3_600_000).has_stalled);
        assert!(!watch.answered(3_600_001, Verdict::Good).acts);
        assert!(!watch.is_stalled());
    }

    #[test]
    fn a_disk_that_is_gone_is_left_alone() {
        let mut watch = armed();
        assert!(!probe(&mut watch, 0, Verdict::Gone).is_gone);
        assert!(probe(&mut watch, 1000, Verdict::Gone).is_gone);
        assert_eq!(watch.tick(2000), Tick::default());
        let mut pulled = armed();
        pulled.removed();
        assert_eq!(pulled.tick(0), Tick::default());
    }

    /// `multihost.md` 1.3: the victim is told of the reset first.
    #[test]
    fn what_the_disk_has_to_tell_is_heard_out_at_once() {
        let mut watch = armed();
        let reaction = probe(&mut watch, 0, Verdict::Reset);
        assert!(reaction.again);
        assert!(watch.answered(1, Verdict::Attention).again);
        assert!(watch.answered(2, Verdict::Conflict).acts);
        let mut patient = armed();
        assert!(probe(&mut patient, 0, Verdict::Attention).again);
        assert!(patient.answered(1, Verdict::Attention).again);
        assert!(patient.answered(2, Verdict::Attention).again);
        assert!(!patient.answered(3, Verdict::Attention).again);
        assert!(patient.tick(1000).job.is_some());
    }

    /// mhd(7I): a reservation broken by a reset is put back, after the delay.
    #[test]
    fn a_reservation_that_a_reset_has_dropped_is_put_back() {
        let mut watch = armed();
        assert!(probe(&mut watch, 1000, Verdict::Reset).again);
        assert!(!watch.answered(1001, Verdict::Good).acts);
        assert_eq!(watch.tick(6999).job, Some(Job::Ask));
        assert_eq!(watch.answered(6999, Verdict::Good), Reaction::default());
        assert_eq!(watch.tick(7000).job, Some(Job::Reserve));
        assert!(watch.answered(7001, Verdict::Good).is_reinstated);
        assert!(!watch.is_to_reserve());
        assert_eq!(watch.tick(8000).job, Some(Job::Ask));
    }

    #[test]
    fn another_reset_meanwhile_begins_the_delay_anew() {
        let mut watch = armed();
        watch.reset(0);
        assert_eq!(watch.tick(6000).job, Some(Job::Reserve));
        watch.reset(6001);
        assert!(!watch.answered(6002, Verdict::Good).is_reinstated);
        assert!(watch.is_to_reserve());
        assert_eq!(watch.tick(7000).job, Some(Job::Ask));
    }

    #[test]
    fn who_was_faster_after_a_reset_has_the_disk() {
        let mut watch = armed();
        watch.reset(0);
        assert_eq!(watch.tick(6000).job, Some(Job::Reserve));
        assert!(watch.answered(6001, Verdict::Conflict).acts);
    }

    #[test]
    fn keys_survive_a_reset() {
        let mut watch = Watch::new(false);
        watch.set_hold(Hold::Key);
        watch.set_failfast(1000);
        watch.reset(0);
        assert!(!watch.is_to_reserve());
    }

    #[test]
    fn disabling_while_a_probe_is_on_its_way_makes_it_void() {
        let mut watch = armed();
        assert!(watch.tick(0).job.is_some());
        watch.set_failfast(0);
        assert_eq!(watch.answered(5, Verdict::Conflict), Reaction::default());
        assert!(
            watch.tick(5).job.is_some(),
            "the reservation is looked after"
        );
        watch.set_hold(Hold::Nothing);
        watch.answered(6, Verdict::Good);
        assert_eq!((watch.tick(7), watch.tick_ms()), (Tick::default(), None));
    }

    #[test]
    fn one_probe_is_on_its_way_at_a_time() {
        let mut watch = armed();
        assert!(watch.tick(0).job.is_some());
        watch.set_failfast(0);
        watch.set_failfast(10);
        assert_eq!(watch.tick(10).job, None, "the first has not come back");
        watch.answered(11, Verdict::Good);
        assert!(watch.tick(20).job.is_some());
    }

    #[test]
    fn nothing_is_asked_while_the_machine_sleeps() {
        let mut watch = armed();
        assert!(watch.tick(0).job.is_some());
        watch.sleep();
        assert_eq!(watch.answered(1, Verdict::Conflict), Reaction::default());
        assert_eq!(watch.tick(1000).job, None);
        watch.wake();
        assert!(probe(&mut watch, 1001, Verdict::Conflict).acts);
    }

    #[test]
    fn periods_are_no_shorter_than_can_be_kept() {
        let mut watch = Watch::new(false);
        assert_eq!(watch.tick_ms(), None);
        watch.set_failfast(1);
        assert_eq!(watch.tick_ms(), Some(PERIOD_MS_MIN));
        watch.set_failfast(0);
        watch.set_hold(HELD);
        assert_eq!(watch.tick_ms(), Some(6000));
        watch.set_hold(Hold::Key);
        assert_eq!(watch.tick_ms(), None);
    }
}
