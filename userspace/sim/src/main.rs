// SPDX-License-Identifier: GPL-2.0
//! `md-sim [--schedules N] [--seed S] [--without RULE] [--failures N]`: runs so many schedules from
//! a seed on, and ends after so many failures.
//!
//! The first line has the seed. A failure ends with the command that replays the schedule. A run
//! of 100,000 schedules or more fails as well if something was hit too rarely to be tested.

use std::{
    env,
    process::ExitCode,
    time::Instant, //
};

use md_sim::{
    describe,
    run,
    Coverage,
    Rules,
    HITS_MIN, //
};

/// Schedules of a full run.
const FULL: u64 = 100_000;

const USAGE: &str = "md-sim [--schedules N] [--seed S] [--without RULE] [--failures N]";

/// What was asked for.
struct Options {
    schedules: u64,
    seed: u64,
    rules: Rules,
    /// After so many failures it ends.
    failures: u64,
}

impl Options {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            schedules: FULL,
            seed: 1,
            rules: Rules::ALL,
            failures: 1,
        };
        while let Some(word) = words.next() {
            let value = words.next().ok_or(format!("{word} needs a value"))?;
            let number = || value.parse().map_err(|_| format!("{value} is no number"));
            match word.as_str() {
                "--schedules" => options.schedules = number()?,
                "--failures" => options.failures = number()?,
                "--seed" => options.seed = number()?,
                "--without" => {
                    let rules = Rules::without(&value);
                    options.rules = rules.ok_or(format!("{value} is no rule"))?;
                }
                _ => return Err(format!("{word} is no option")),
            }
        }
        Ok(options)
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
    let (mut coverage, mut steps, mut failures) = (Coverage::default(), 0, 0);
    for index in 0..schedules {
        let own = seed.wrapping_add(index);
        let outcome = run(own, options.rules);
        if let Some(violation) = outcome.violation {
            println!("schedule {own}, step {}: {}", outcome.steps, describe(own));
            println!("{violation}");
            println!("replay: md-sim --schedules 1 --seed {own}");
            failures += 1;
            if failures == options.failures {
                return ExitCode::from(1);
            }
        }
        coverage.add(&outcome.coverage);
        steps += outcome.steps;
    }
    print!("{coverage}");
    let average = steps.checked_div(schedules).unwrap_or(0);
    let seconds = begin.elapsed().as_secs();
    println!("{schedules} schedules, {average} steps on average, {seconds} s");
    let rare = coverage.rare();
    if schedules >= FULL && !rare.is_empty() {
        println!("hit fewer than {HITS_MIN} times: {}", rare.join("; "));
        println!("replay: md-sim --schedules {schedules} --seed {seed}");
        return ExitCode::from(1);
    }
    if failures == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    }
}
