// SPDX-License-Identifier: GPL-2.0
//! Many schedules, on several threads. What comes out depends on the seed alone, and not on the
//! number of threads nor on which of them is faster.

use std::{
    sync::{
        atomic::{
            AtomicU64,
            AtomicUsize,
            Ordering, //
        },
        Mutex,
        PoisonError, //
    },
    thread, //
};

use crate::{
    coverage::Coverage,
    rules::Rules,
    violation::Violation,
    world::run, //
};

/// Which schedules.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// The seed of the first one; the others follow.
    pub seed: u64,
    /// How many.
    pub schedules: u64,
    /// After so many failures no other is begun.
    pub failures: usize,
}

/// A schedule that broke a promise.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its seed.
    pub seed: u64,
    /// The steps up to there.
    pub steps: u64,
    /// The promise.
    pub violation: Violation,
}

/// What the schedules were, together.
#[derive(Clone, Debug, Default)]
pub struct Total {
    /// How many were run.
    pub schedules: u64,
    /// Steps of all of them.
    pub steps: u64,
    /// What they have hit.
    pub coverage: Coverage,
    /// Those that failed, in the order of their seeds.
    pub failures: Vec<Failure>,
}

impl Total {
    /// Steps of a schedule on average.
    pub fn average(&self) -> u64 {
        self.steps.checked_div(self.schedules).unwrap_or(0)
    }

    /// Runs the schedule of a seed; whether it kept all promises.
    fn run(&mut self, seed: u64, rules: Rules) -> bool {
        let outcome = run(seed, rules);
        self.schedules += 1;
        self.steps += outcome.steps;
        self.coverage.add(&outcome.coverage);
        let steps = outcome.steps;
        let failure = outcome.violation.map(|violation| Failure {
            seed,
            steps,
            violation,
        });
        let is_kept = failure.is_none();
        self.failures.extend(failure);
        is_kept
    }

    fn add(&mut self, other: Self) {
        self.schedules += other.schedules;
        self.steps += other.steps;
        self.coverage.add(&other.coverage);
        self.failures.extend(other.failures);
    }
}

/// Runs schedules on so many threads. They are begun in order, and every one that is begun is
/// ended, so that the failures found are always the first ones of the span.
pub fn run_all(span: Span, rules: Rules, jobs: usize) -> Total {
    let (next, failed) = (AtomicU64::new(0), AtomicUsize::new(0));
    let total = Mutex::new(Total::default());
    let work = || {
        let mut own = Total::default();
        while failed.load(Ordering::SeqCst) < span.failures {
            let index = next.fetch_add(1, Ordering::SeqCst);
            if index >= span.schedules {
                break;
            }
            if !own.run(span.seed.wrapping_add(index), rules) {
                failed.fetch_add(1, Ordering::SeqCst);
            }
        }
        let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
        total.add(own);
    };
    thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(work);
        }
    });
    let mut total = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    total
        .failures
        .sort_by_key(|failure| failure.seed.wrapping_sub(span.seed));
    total.failures.truncate(span.failures);
    total
}
