// SPDX-License-Identifier: GPL-2.0
//! What fio says of the jobs that it ran.

use anyhow::{
    ensure,
    Context,
    Result, //
};
use serde::Deserialize;

/// One job: its name and how many reads and writes it did.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Job {
    pub(super) name: String,
    pub(super) operations: u64,
}

#[derive(Deserialize)]
struct Output {
    jobs: Vec<JobOutput>,
}

#[derive(Deserialize)]
struct JobOutput {
    jobname: String,
    error: i32,
    read: Direction,
    write: Direction,
}

#[derive(Deserialize)]
struct Direction {
    total_ios: u64,
}

/// Reads fio's JSON, before which it may have printed remarks. A job with an error, or that did
/// nothing, is none to measure.
pub(super) fn parse(text: &str) -> Result<Vec<Job>> {
    let start = text.find("{\n").context("fio has printed no JSON")?;
    let output: Output = serde_json::from_str(&text[start..])?;
    output.jobs.into_iter().map(job).collect()
}

fn job(job: JobOutput) -> Result<Job> {
    let (name, error) = (job.jobname, job.error);
    ensure!(error == 0, "fio's job {name} failed with error {error}");
    let operations = job.read.total_ios + job.write.total_ios;
    ensure!(operations > 0, "fio's job {name} did nothing");
    Ok(Job { name, operations })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"a : Saving output of prerun in a.prerun.txt
{
  "fio version" : "fio-3.39",
  "jobs" : [
    {"jobname": "a", "error": 0, "read": {"total_ios": 7}, "write": {"total_ios": 3}},
    {"jobname": "b", "error": 0, "read": {"total_ios": 0}, "write": {"total_ios": 5}}
  ]
}
"#;

    #[test]
    fn jobs_are_read_behind_remarks() {
        let jobs = parse(TEXT).unwrap();
        let named = |name: &str, operations| Job {
            name: name.to_owned(),
            operations,
        };
        assert_eq!(jobs, [named("a", 10), named("b", 5)]);
    }

    #[test]
    fn a_job_that_failed_is_not_measured() {
        for (from, to) in [
            (r#""b", "error": 0"#, r#""b", "error": 5"#),
            (r#""total_ios": 5"#, r#""total_ios": 0"#),
        ] {
            let error = parse(&TEXT.replace(from, to)).unwrap_err();
            assert!(error.to_string().contains("job b"), "{error}");
        }
        assert!(parse("fio: no such file").is_err());
    }
}
