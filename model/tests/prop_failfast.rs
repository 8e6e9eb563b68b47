// SPDX-License-Identifier: GPL-2.0
//! The prober on a disk that is slow, reset, silent, pulled or taken by another host, on a machine
//! that stands still now and then: it acts within the bound that is stated if the disk was taken,
//! once, and never if it was not.

use std::collections::BTreeSet;

use md_model::failfast::{
    verdict::Verdict,
    watch::{
        detection_ms,
        last_write_ms,
        Hold,
        Job,
        Watch,
        TIMEOUT_MS, //
    },
};
use proptest::{
    collection::vec,
    prelude::*, //
};

use crate::seeded::for_all;

/// What a run is made of. Times are in milliseconds.
#[derive(Clone, Debug)]
struct Plan {
    period: u32,
    holds_key: bool,
    /// How long the commands take, in turn.
    answers: Vec<u64>,
    /// When another host takes the disk, if one does, and how many events it leaves to be told.
    taken: Option<(u64, u32)>,
    /// When the disk is reset without being taken.
    resets: Vec<u64>,
    /// When a command is not answered at all for so long.
    silence: Option<(u64, u64)>,
    /// When the machine stands still, and for how long.
    stop: Option<(u64, u64)>,
    /// When the machine sleeps, and for how long.
    sleep: Option<(u64, u64)>,
    /// When somebody writes through a metadevice.
    writes: BTreeSet<u64>,
    /// When failfast is switched off.
    disabled: Option<u64>,
    /// When the disk is pulled.
    pulled: Option<u64>,
}

/// Longest time that a command takes here.
const ANSWER_MAX: u64 = 2_000;

/// Length of a run.
const END: u64 = 120_000;

fn plan() -> impl Strategy<Value = Plan> {
    let moment = 0..END / 2;
    let span = (moment.clone(), 1..30_000_u64);
    let maybe_span = proptest::option::weighted(0.3, span);
    let first = (
        prop_oneof![10..3_000_u32, Just(1_000)],
        any::<bool>(),
        vec(0..=ANSWER_MAX, 1..6),
        proptest::option::weighted(0.6, (moment.clone(), 0..4_u32)),
        vec(moment.clone(), 0..3),
    );
    let second = (
        maybe_span.clone(),
        maybe_span.clone(),
        maybe_span,
        vec(0..END, 0..5),
        proptest::option::weighted(0.2, moment.clone()),
        proptest::option::weighted(0.2, moment),
    );
    (first, second).prop_map(|(first, second)| Plan {
        period: first.0,
        holds_key: first.1,
        answers: first.2,
        taken: first.3,
        resets: first.4,
        silence: second.0,
        stop: second.1,
        sleep: second.2,
        writes: second.3.into_iter().collect(),
        disabled: second.4,
        pulled: second.5,
    })
}

/// Whether a moment lies in a span.
fn is_in(span: Option<(u64, u64)>, now: u64) -> bool {
    span.is_some_and(|(from, length)| (from..from + length).contains(&now))
}

/// A command on its way: when it is back, and what it will say.
struct Sent {
    back: u64,
    verdict: Verdict,
}

struct World<'a> {
    plan: &'a Plan,
    watch: Watch,
    sent: Option<Sent>,
    turn: usize,
    /// Events that the disk has to tell.
    events: Vec<Verdict>,
    next_tick: u64,
    acted: Vec<u64>,
    stalled: u32,
}

impl<'a> World<'a> {
    fn new(plan: &'a Plan) -> Self {
        let mut watch = Watch::new(false);
        watch.set_hold(if plan.holds_key {
            Hold::Key
        } else {
            Hold::Reservation { reinstate_ms: 6000 }
        });
        watch.set_failfast(plan.period);
        World {
            plan,
            watch,
            sent: None,
            turn: 0,
            events: Vec::new(),
            next_tick: 0,
            acted: Vec::new(),
            stalled: 0,
        }
    }

    fn is_taken(&self, now: u64) -> bool {
        self.plan.taken.is_some_and(|(at, _)| at <= now)
    }

    /// Sends a command at a moment. What it says is decided at once: an answer may say what was so
    /// when the command got there, however late it is back.
    fn send(&mut self, now: u64) {
        let delay = self.plan.answers[self.turn % self.plan.answers.len()];
        self.turn += 1;
        let verdict = if self.plan.pulled.is_some_and(|at| at <= now) {
            Verdict::Gone
        } else if is_in(self.plan.silence, now) {
            Verdict::Unknown
        } else if let Some(event) = self.events.pop() {
            event
        } else if self.is_taken(now) {
            Verdict::Conflict
        } else {
            Verdict::Good
        };
        let back = match self.plan.silence {
            Some((from, length)) if is_in(self.plan.silence, now) => from + length,
            _ => now + delay,
        };
        self.sent = Some(Sent { back, verdict });
    }

    /// What happens to the disk at a moment.
    fn happens(&mut self, now: u64) {
        if let Some((at, events)) = self.plan.taken {
            if at == now {
                self.events
                    .extend(vec![Verdict::Attention; events as usize]);
            }
        }
        // A disk that was taken has told more than enough.
        if !self.is_taken(now) && self.plan.resets.contains(&now) {
            self.events.push(Verdict::Reset);
        }
        if self.plan.disabled == Some(now) {
            self.watch.set_failfast(0);
        }
        if self.plan.sleep.is_some_and(|(at, _)| at == now) {
            self.watch.sleep();
        }
        if self
            .plan
            .sleep
            .is_some_and(|(at, length)| at + length == now)
        {
            self.watch.wake();
        }
    }

    /// What the machine does at a moment, unless it stands still.
    fn step(&mut self, now: u64) {
        if self.sent.as_ref().is_some_and(|sent| sent.back <= now) {
            let sent = self.sent.take().unwrap();
            let reaction = self.watch.answered(now, sent.verdict);
            if reaction.acts {
                self.acted.push(now);
            }
            if reaction.again {
                self.send(now);
            }
        }
        let is_gone = self.plan.pulled.is_some_and(|at| at <= now);
        let writes = self.plan.writes.contains(&now) && !is_gone;
        if writes && self.is_taken(now) && self.watch.refused() {
            self.acted.push(now);
        }
        if self.next_tick <= now {
            let tick = self.watch.tick(now);
            self.stalled += u32::from(tick.has_stalled);
            if let Some(job) = tick.job {
                assert!(self.sent.is_none(), "two commands on their way");
                assert!(job == Job::Ask || !self.plan.holds_key);
                self.send(now);
            }
            self.next_tick = now + u64::from(self.watch.tick_ms().unwrap_or(1000));
        }
    }

    fn run(mut self) -> Self {
        for now in 0..END {
            self.happens(now);
            if !is_in(self.plan.stop, now) {
                self.step(now);
            }
        }
        self
    }
}

/// The moment by which a disk that was taken must have led to action, if any: nothing else stands
/// in the way.
fn due(plan: &Plan) -> Option<u64> {
    let (taken, _) = plan.taken?;
    let resets = plan.resets.iter().filter(|at| **at <= taken).count() as u32;
    if plan.disabled.is_some() || plan.pulled.is_some() || resets + plan.taken?.1 > 3 {
        return None;
    }
    let waits: u64 = [plan.silence, plan.stop, plan.sleep]
        .into_iter()
        .flatten()
        .filter(|(from, length)| from + length + detection_ms(plan.period, ANSWER_MAX) > taken)
        .map(|(_, length)| length + detection_ms(plan.period, ANSWER_MAX))
        .sum();
    Some(taken + detection_ms(plan.period, ANSWER_MAX) + waits)
}

#[test]
fn a_loss_is_acted_on_in_time_and_once_and_nothing_else_is() {
    for_all(plan(), |plan| {
        let world = World::new(&plan).run();
        prop_assert!(world.acted.len() <= 1, "{:?}", world.acted);
        match world.acted.first() {
            Some(at) => {
                prop_assert!(
                    world.is_taken(*at),
                    "acted at {at}, and nobody has taken it"
                );
                prop_assert!(plan.disabled.is_none_or(|off| *at < off));
            }
            None => prop_assert!(due(&plan).is_none_or(|due| due >= END), "never acted"),
        }
        if let (Some(at), Some(due)) = (world.acted.first(), due(&plan)) {
            prop_assert!(*at <= due, "acted at {at}, which was due at {due}");
        }
        Ok(())
    });
}

/// The bound itself, with nothing else in the way: an answer from before the loss, a period, and
/// the tries that the events take.
#[test]
fn the_bound_is_kept_and_cannot_be_much_better() {
    let mut latest = 0;
    for events in 0..4 {
        for taken in (0..8_000).step_by(7) {
            let plan = Plan {
                period: 1_000,
                holds_key: false,
                answers: vec![ANSWER_MAX],
                taken: Some((taken, events)),
                resets: Vec::new(),
                silence: None,
                stop: None,
                sleep: None,
                writes: BTreeSet::new(),
                disabled: None,
                pulled: None,
            };
            let mut world = World::new(&plan);
            let end = taken + detection_ms(1_000, ANSWER_MAX);
            for now in 0..=end {
                world.happens(now);
                world.step(now);
            }
            assert_eq!(world.acted.len(), 1, "{events} events, taken at {taken}");
            latest = latest.max(world.acted[0] - taken);
        }
    }
    let bound = detection_ms(1_000, ANSWER_MAX);
    assert!(latest > bound - 1_500, "{latest} of {bound}");
}

/// A write that is refused is found before any probe.
#[test]
fn with_writes_it_takes_no_longer_than_the_next_one() {
    for_all((0..50_000_u64, 1..500_u64), |(taken, gap)| {
        let plan = Plan {
            period: 3_000,
            holds_key: true,
            answers: vec![ANSWER_MAX],
            taken: Some((taken, 3)),
            resets: Vec::new(),
            silence: None,
            stop: None,
            sleep: None,
            writes: (0..END).step_by(gap as usize).collect(),
            disabled: None,
            pulled: None,
        };
        let mut world = World::new(&plan);
        for now in 0..=taken + gap {
            world.happens(now);
            world.step(now);
        }
        prop_assert_eq!(world.acted.len(), 1);
        Ok(())
    });
}

/// Commands that are given up only when their time is over, and somebody who writes all the time: a
/// write that the disk refuses ends it, and without one the last is sent within the bound. What was
/// sent before the loss and comes later, the disk refuses as well.
#[test]
fn the_last_write_is_sent_within_period_and_time_outs() {
    let plan = (
        10..3_000_u32,
        any::<bool>(),
        vec(
            prop_oneof![0..50_u64, 0..=TIMEOUT_MS, Just(TIMEOUT_MS)],
            1..6,
        ),
        (0..40_000_u64, 0..4_u32),
        // How long a write takes to the disk, and whether anybody waits for what becomes of it.
        (0..TIMEOUT_MS, any::<bool>()),
    );
    for_all(
        plan,
        |(period, holds_key, answers, taken, (way, is_heard))| {
            let plan = Plan {
                period,
                holds_key,
                answers,
                taken: Some(taken),
                resets: Vec::new(),
                silence: None,
                stop: None,
                sleep: None,
                writes: BTreeSet::new(),
                disabled: None,
                pulled: None,
            };
            let (taken, bound) = (taken.0, last_write_ms(period));
            let mut world = World::new(&plan);
            let (mut last_sent, mut last_done) = (0, None);
            for now in 0..=taken + bound + 1_000 {
                world.happens(now);
                world.step(now);
                if !world.acted.is_empty() {
                    break;
                }
                // One is sent in each millisecond; the one that gets there now was sent before.
                last_sent = now;
                let gets_there = now.checked_sub(way).is_some();
                if gets_there && !world.is_taken(now) {
                    last_done = Some(now);
                }
                if gets_there && world.is_taken(now) && is_heard && world.watch.refused() {
                    world.acted.push(now);
                }
            }
            prop_assert_eq!(world.acted.len(), 1);
            prop_assert!(last_sent <= taken + bound, "sent at {}", last_sent);
            prop_assert!(last_done.is_none_or(|done| done < taken));
            if is_heard {
                prop_assert!(
                    last_sent <= taken.max(way),
                    "refused, and sent at {}",
                    last_sent
                );
            }
            Ok(())
        },
    );
}
