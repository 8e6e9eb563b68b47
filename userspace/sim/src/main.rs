// SPDX-License-Identifier: GPL-2.0
//! `md-sim [--schedules N] [--seed S] [--jobs J] [--without RULE] [--failures N]`: runs so many
//! schedules from a seed on, on all processors, and ends after so many failures.
//!
//! The first line has the seed, which alone decides what happens and what is printed, times apart.
//! The last line is a summary, or after a failure the command that replays it. A run of 100,000
//! schedules or more fails as well if something was hit too rarely to be tested, or if schedules
//! are too short.

use std::{
    env,
    process::ExitCode,
    thread,
    time::Instant, //
};

use md_sim::{
    describe,
    run_all,
    Failure,
    Rules,
    Span,
    Total,
    HITS_MIN, //
};

/// Schedules of a full run.
const FULL: u64 = 100_000;

/// Steps that a schedule of a full run has on average, at least.
const STEPS_MIN: u64 = 200;

const USAGE: &str = "md-sim [--schedules N] [--seed S] [--jobs J] [--without RULE] [--failures N]";

/// How it is run from the top of the tree.
const COMMAND: &str = "scripts/in-root cargo run --quiet --release --locked \
                       --manifest-path userspace/Cargo.toml -p md-sim --";

/// What was asked for.
struct Options {
    schedules: u64,
    seed: u64,
    jobs: usize,
    rule: Option<String>,
    rules: Rules,
    /// After so many failures it ends.
    failures: usize,
}

impl Options {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            schedules: FULL,
            seed: 1,
            jobs: thread::available_parallelism().map_or(1, usize::from),
            rule: None,
            rules: Rules::ALL,
            failures: 1,
        };
        while let Some(word) = words.next() {
            let value = words.next().ok_or(format!("{word} needs a value"))?;
            let number = || value.parse().map_err(|_| format!("{value} is no number"));
            match word.as_str() {
                "--schedules" => options.schedules = number()?,
                "--failures" => options.failures = number()? as usize,
                "--jobs" => options.jobs = number()? as usize,
                "--seed" => options.seed = number()?,
                "--without" => {
                    let rules = Rules::without(&value);
                    options.rules = rules.ok_or(format!("{value} is no rule"))?;
                    options.rule = Some(value);
                }
                _ => return Err(format!("{word} is no option")),
            }
        }
        Ok(options)
    }

    /// The command for so many schedules from a seed on.
    fn replay(&self, schedules: u64, seed: u64) -> String {
        let rule = self.rule.as_ref();
        let rule = rule.map_or(String::new(), |rule| format!(" --without {rule}"));
        format!("replay: {COMMAND} --schedules {schedules} --seed {seed}{rule}")
    }
}

fn main() -> ExitCode {
    match Options::parse(env::args().skip(1)) {
        Ok(options) => simulate(&options),
        Err(reason) => {
            eprintln!("md-sim: {reason}: {USAGE}");
            ExitCode::from(1)
        }
    }
}

fn simulate(options: &Options) -> ExitCode {
    let Options {
        schedules, seed, ..
    } = *options;
    println!("seed {seed}, {schedules} schedules");
    let begin = Instant::now();
    let span = Span {
        seed,
        schedules,
        failures: options.failures,
    };
    let total = run_all(span, options.rules, options.jobs);
    print!("{}", total.coverage);
    if let Some(last) = total.failures.last() {
        for failure in &total.failures {
            tell(failure);
        }
        println!("{}", options.replay(1, last.seed));
        return ExitCode::from(1);
    }
    let shortfalls = shortfalls(&total);
    if schedules >= FULL && !shortfalls.is_empty() {
        println!("{}", shortfalls.join("\n"));
        println!("{}", options.replay(schedules, seed));
        return ExitCode::from(1);
    }
    println!("{}, {} s", summary(&total), begin.elapsed().as_secs());
    ExitCode::SUCCESS
}

fn tell(failure: &Failure) {
    let Failure {
        seed,
        steps,
        violation,
    } = failure;
    println!("schedule {seed}, step {steps}: {}", describe(*seed));
    println!("{violation}");
}

/// What a full run lacks.
fn shortfalls(total: &Total) -> Vec<String> {
    let mut lines: Vec<_> = total
        .coverage
        .rare()
        .into_iter()
        .map(|(text, hits)| format!("hit {hits} times, fewer than {HITS_MIN}: {text}"))
        .collect();
    if total.average() < STEPS_MIN {
        let average = total.average();
        lines.push(format!(
            "{average} steps on average, fewer than {STEPS_MIN}"
        ));
    }
    lines
}

fn summary(total: &Total) -> String {
    let (text, hits) = total.coverage.rarest();
    format!(
        "{} schedules, {} steps on average, {} points, the rarest {hits} times ({text})",
        total.schedules,
        total.average(),
        total.coverage.points(),
    )
}
