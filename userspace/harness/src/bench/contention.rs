// SPDX-License-Identifier: GPL-2.0
//! What two jobs on two CPUs get done, beside one: the second lane of `make bench`.
//!
//! A device that shares nothing between CPUs gets twice as much done with two jobs. The bare disk
//! does not quite, and neither does the machine; so each target's *scaling* (two jobs over one) is
//! compared with that of its peers, which were measured in the same minutes. The figures are times:
//! each is the median of several rounds, and its spread stands beside it.

use std::{
    collections::BTreeMap,
    fmt,
    fs,
    path::PathBuf, //
};

use anyhow::{
    ensure,
    Context,
    Result, //
};
use clap::Args;
use serde::Serialize;

use super::runs::{
    OURS,
    RAW, //
};

/// Compares what scripts/bench-contention has measured (called by it).
#[derive(Args)]
#[command(name = "scripts/bench-contention")]
pub(crate) struct ContentionOptions {
    /// The folder that the guest has written.
    #[arg(long, value_name = "DIR")]
    raw: PathBuf,
    /// The comparison, for programs.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Runs the command and returns its status.
pub(crate) fn run(options: &ContentionOptions) -> Result<u8> {
    let read = |name: &str| {
        let path = options.raw.join(name);
        fs::read_to_string(&path).with_context(|| path.display().to_string())
    };
    let targets = parse(&read("measured")?)?;
    let report = Report {
        version: 1,
        kernel: read("kernel")?.trim().to_owned(),
        targets,
    };
    print!("{report}");
    super::write(
        &options.out,
        &format!("{}\n", serde_json::to_string_pretty(&report)?),
    )?;
    Ok(0)
}

#[derive(Serialize)]
struct Report {
    version: u32,
    kernel: String,
    targets: Vec<Target>,
}

/// One target in one direction. Speeds are operations per second, medians over the rounds.
#[derive(Debug, PartialEq, Serialize)]
struct Target {
    kind: String,
    target: String,
    direction: String,
    one_job: f64,
    two_jobs: f64,
    /// Median of the rounds' ratios of the two.
    scaling: f64,
    /// How far the ratios of the rounds lie apart, without the lowest and highest quarter.
    spread: f64,
}

/// What a target did in each round, with one job and with two.
#[derive(Default)]
struct Rounds {
    one: BTreeMap<u32, f64>,
    two: BTreeMap<u32, f64>,
}

/// Reads lines `ROUND KIND TARGET DIRECTION JOBS SPEED`.
fn parse(text: &str) -> Result<Vec<Target>> {
    let mut found: BTreeMap<[&str; 3], Rounds> = BTreeMap::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [round, kind, target, direction, jobs, speed] = words[..] else {
            anyhow::bail!("'{line}' is not ROUND KIND TARGET DIRECTION JOBS SPEED");
        };
        let speed: f64 = speed.parse().with_context(|| line.to_owned())?;
        ensure!(speed > 0.0, "'{line}': nothing was done");
        let rounds = found.entry([kind, target, direction]).or_default();
        let jobs = match jobs {
            "1" => &mut rounds.one,
            "2" => &mut rounds.two,
            _ => anyhow::bail!("'{line}': one job or two"),
        };
        jobs.insert(round.parse().with_context(|| line.to_owned())?, speed);
    }
    ensure!(!found.is_empty(), "nothing was measured");
    found
        .into_iter()
        .map(|(name, rounds)| target(name, &rounds))
        .collect()
}

fn target([kind, target, direction]: [&str; 3], rounds: &Rounds) -> Result<Target> {
    let ratios: Vec<f64> = rounds
        .one
        .iter()
        .filter_map(|(round, one)| Some(rounds.two.get(round)? / one))
        .collect();
    ensure!(
        !ratios.is_empty(),
        "{kind} {target} {direction} has no round with one job and with two"
    );
    let all = |speeds: &BTreeMap<u32, f64>| speeds.values().copied().collect::<Vec<_>>();
    Ok(Target {
        kind: kind.to_owned(),
        target: target.to_owned(),
        direction: direction.to_owned(),
        one_job: quantile(&all(&rounds.one), 0.5),
        two_jobs: quantile(&all(&rounds.two), 0.5),
        scaling: quantile(&ratios, 0.5),
        spread: quantile(&ratios, 0.75) - quantile(&ratios, 0.25),
    })
}

/// The value below which a part of the values lies, of at least one.
fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * part).round() as usize]
}

impl Report {
    fn of_kind<'a>(&'a self, like: &'a Target) -> impl Iterator<Item = &'a Target> {
        let same =
            move |other: &&Target| other.kind == like.kind && other.direction == like.direction;
        self.targets.iter().filter(same)
    }

    /// A figure of ours over the best peer's.
    fn ratio(&self, ours: &Target, figure: impl Fn(&Target) -> f64) -> Option<f64> {
        let peers = self.of_kind(ours).filter(|target| target.target != OURS);
        let best = peers.map(&figure).max_by(f64::total_cmp)?;
        Some(figure(ours) / best)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "thousands of operations per second on {}, and two jobs over one",
            self.kernel
        )?;
        writeln!(
            out,
            "{:8} {:10} {:10} {:>8} {:>8} {:>8} {:>8}  two jobs, scaling: over the best peer's",
            "kind", "target", "direction", "one job", "two", "scaling", "spread"
        )?;
        for target in &self.targets {
            write!(
                out,
                "{:8} {:10} {:10} {:8.1} {:8.1} {:8.2} {:8.2}",
                target.kind,
                target.target,
                target.direction,
                target.one_job / 1e3,
                target.two_jobs / 1e3,
                target.scaling,
                target.spread
            )?;
            let two_jobs = self.ratio(target, |target| target.two_jobs);
            let scaling = self.ratio(target, |target| target.scaling);
            match (two_jobs, scaling) {
                (Some(two_jobs), Some(scaling)) if target.target == OURS => {
                    writeln!(out, "  {two_jobs:.2} {scaling:.2}")?;
                }
                _ => writeln!(out)?,
            }
        }
        let raw = self.targets.iter().find(|target| target.kind == RAW);
        writeln!(
            out,
            "the bare disk itself: {:.2}",
            raw.map_or(f64::NAN, |raw| raw.scaling)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
        1 mirror ours randread 1 1000\n1 mirror ours randread 2 1900\n\
        1 mirror md-raid1 randread 1 500\n1 mirror md-raid1 randread 2 500\n\
        2 mirror ours randread 1 1000\n2 mirror ours randread 2 1700\n\
        3 mirror ours randread 1 2000\n3 mirror ours randread 2 3600\n";

    #[test]
    fn scaling_is_the_median_of_the_rounds() {
        let targets = parse(TEXT).unwrap();
        let ours = &targets[1];
        assert_eq!((&*ours.target, ours.one_job), (OURS, 1000.0));
        assert_eq!((ours.two_jobs, ours.scaling), (1900.0, 1.8));
        let report = Report {
            version: 1,
            kernel: "k".to_owned(),
            targets,
        };
        let ours = &report.targets[1];
        assert_eq!(report.ratio(ours, |target| target.scaling), Some(1.8));
        assert!(
            report.to_string().contains("1.80     0.10  3.80 1.80"),
            "{report}"
        );
    }

    #[test]
    fn what_was_not_measured_is_an_error() {
        assert!(parse("").is_err());
        assert!(parse("1 mirror ours randread 1 0\n").is_err());
        assert!(parse("1 mirror ours randread 3 5\n").is_err());
        assert!(parse("1 mirror ours randread 5\n").is_err());
        let never_both = "1 mirror ours randread 1 5\n2 mirror ours randread 2 5\n";
        assert!(parse(never_both)
            .unwrap_err()
            .to_string()
            .contains("mirror"));
    }
}
