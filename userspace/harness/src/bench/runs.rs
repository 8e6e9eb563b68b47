// SPDX-License-Identifier: GPL-2.0
//! What `scripts/bench.guest` has left: one run of jobs for each pass and target.

use std::{
    fs,
    path::Path, //
};

use anyhow::{
    ensure,
    Context,
    Result, //
};

use super::{
    fio::{
        self,
        Job, //
    },
    stamps::{
        self,
        Counts,
        Interval, //
    },
};

/// The target that is the bare disk.
pub(super) const RAW: &str = "raw";
/// The target that is our metadevice.
pub(super) const OURS: &str = "ours";
/// The job that does as good as nothing.
const CALIBRATION: &str = "calibration";
/// Jobs that are no measurements.
const NOT_REPORTED: [&str; 2] = ["warm-up", CALIBRATION];

/// Everything that was measured.
#[derive(Debug, Default)]
pub(super) struct Runs {
    /// The guest's kernel release.
    pub(super) kernel: String,
    /// Targets that could not be made: `KIND TARGET: reason`.
    pub(super) absent: Vec<String>,
    pub(super) measured: Vec<Measured>,
}

/// One job on one target in one pass.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Measured {
    pub(super) kind: String,
    pub(super) target: String,
    pub(super) job: String,
    /// Instructions per operation; none in the pass that is for counting.
    pub(super) cost: Option<f64>,
    /// Nanoseconds per operation in which nothing could be done but wait.
    pub(super) idle: f64,
    pub(super) operations: u64,
    pub(super) counts: Counts,
}

/// Reads the guest's folder.
pub(super) fn load(folder: &Path) -> Result<Runs> {
    let read = |name: &str| {
        let path = folder.join(name);
        fs::read_to_string(&path).with_context(|| path.display().to_string())
    };
    let mut runs = Runs {
        kernel: read("kernel")?.trim().to_owned(),
        absent: read("absent")?.lines().map(str::to_owned).collect(),
        measured: Vec::new(),
    };
    // A target that cannot be made cannot be made in each pass.
    runs.absent.dedup();
    let mut names: Vec<String> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.extend(name.strip_suffix(".json").map(str::to_owned));
    }
    names.sort();
    for name in names {
        let (output, stamps) = (format!("{name}.json"), format!("{name}.stamps"));
        let run = Run::parse(&name, &read(&output)?, &read(&stamps)?);
        runs.measured.extend(run.context(name)?.measured());
    }
    ensure!(!runs.measured.is_empty(), "the guest has measured nothing");
    Ok(runs)
}

/// The jobs of one target in one pass.
struct Run {
    timed: bool,
    kind: String,
    target: String,
    jobs: Vec<(Job, Interval)>,
}

impl Run {
    /// From its name, PASS.DISKS.KIND.TARGET, and its two files.
    fn parse(name: &str, output: &str, stamps: &str) -> Result<Self> {
        let words: Vec<&str> = name.split('.').collect();
        let [pass, disks, kind, target] = words[..] else {
            anyhow::bail!("not named PASS.DISKS.KIND.TARGET");
        };
        let (jobs, intervals) = (fio::parse(output)?, stamps::parse(stamps, disks)?);
        let (names, count) = (jobs.len(), intervals.len());
        ensure!(names == count, "{names} jobs, but the times of {count}");
        Ok(Self {
            timed: pass != "count",
            kind: kind.to_owned(),
            target: target.to_owned(),
            jobs: jobs.into_iter().zip(intervals).collect(),
        })
    }

    fn measured(self) -> Vec<Measured> {
        let calibration = self.jobs.iter().find(|(job, _)| job.name == CALIBRATION);
        let fixed = calibration.map_or(0, |(_, interval)| interval.busy);
        let reported = |job: &Job| !NOT_REPORTED.contains(&job.name.as_str());
        let jobs = self.jobs.iter().filter(|(job, _)| reported(job));
        jobs.map(|(job, interval)| Measured {
            kind: self.kind.clone(),
            target: self.target.clone(),
            job: job.name.clone(),
            cost: self
                .timed
                .then(|| per(interval.busy.saturating_sub(fixed), job)),
            idle: per(interval.idle, job),
            operations: job.operations,
            counts: interval.counts,
        })
        .collect()
    }
}

fn per(nanoseconds: u64, job: &Job) -> f64 {
    nanoseconds as f64 / job.operations as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(name: &str, operations: u64) -> String {
        format!(
            r#"{{"jobname": "{name}", "error": 0, "read": {{"total_ios": {operations}}},
                "write": {{"total_ios": 0}}}}"#
        )
    }

    fn output(jobs: &[String]) -> String {
        format!("{{\n\"jobs\": [{}]}}", jobs.join(","))
    }

    fn stamp(from: u64, to: u64) -> String {
        let moment = |at| format!("now at {at} nsecs\ncpu0 0 0 0 0 0 0 {at} 0 0\n");
        format!("before\n{}after\n{}", moment(from), moment(to))
    }

    #[test]
    fn what_every_job_costs_is_taken_off() {
        let output = output(&[job("warm-up", 9), job("calibration", 1), job("a", 100)]);
        let stamps = [stamp(1, 9), stamp(10, 1010), stamp(2000, 8000)].concat();
        let run = Run::parse("2.plain.stripe.ours", &output, &stamps).unwrap();
        let measured = run.measured();
        assert_eq!(measured.len(), 1);
        assert_eq!(measured[0].cost, Some(50.0));
        assert_eq!((&*measured[0].kind, &*measured[0].target), ("stripe", OURS));
    }

    #[test]
    fn a_pass_for_counting_has_no_times() {
        let run = Run::parse(
            "count.cached.raw.raw",
            &output(&[job("a", 1)]),
            &stamp(1, 2),
        );
        assert_eq!(run.unwrap().measured()[0].cost, None);
    }

    #[test]
    fn jobs_and_times_must_agree() {
        let one = output(&[job("a", 1)]);
        let two = [stamp(1, 2), stamp(3, 4)].concat();
        assert!(Run::parse("1.plain.raw.raw", &one, &two).is_err());
        assert!(Run::parse("1.plain.raw", &one, &stamp(1, 2)).is_err());
    }
}
