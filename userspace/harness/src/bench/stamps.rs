// SPDX-License-Identifier: GPL-2.0
//! What the guest noted before and after each job: the clock, and the disks' counters.
//!
//! A stamp is the word `before` or `after`, and then in any order lines of `/proc/timer_list` (the
//! clock), of `/proc/schedstat` (the time that tasks had), of `/proc/diskstats`, and of a histogram
//! of the event `block_rq_issue` by disk and `rwbs`. Everything counts from boot, so that only
//! differences mean something.

use std::collections::HashMap;

use anyhow::{
    ensure,
    Context,
    Result, //
};

/// The time that tasks had is counted at timer ticks of 4 ms, so that less than two of them idle
/// are none.
const COARSE: u64 = 8_000_000;

/// What happened while a job ran.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Interval {
    /// Nanoseconds that the processor was not idle, which are instructions under `--icount`.
    pub(super) busy: u64,
    /// Nanoseconds that it was.
    pub(super) idle: u64,
    /// What the disks below did.
    pub(super) counts: Counts,
}

/// Requests to disks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Counts {
    /// Reads and writes.
    pub(super) transfers: u64,
    pub(super) flushes: u64,
    /// Writes with FUA; 0 also if nobody traced them.
    pub(super) fuas: u64,
}

impl Counts {
    fn since(self, before: Self) -> Result<Self> {
        let less = |after: u64, before| after.checked_sub(before).context("a counter went back");
        Ok(Self {
            transfers: less(self.transfers, before.transfers)?,
            flushes: less(self.flushes, before.flushes)?,
            fuas: less(self.fuas, before.fuas)?,
        })
    }
}

/// The intervals between `before` and `after`, in order. `disks` is what the names of the disks
/// that count start with.
pub(super) fn parse(text: &str, disks: &str) -> Result<Vec<Interval>> {
    let mut intervals = Vec::new();
    let mut before = None;
    for (word, lines) in split(text)? {
        let stamp = Stamp::parse(&lines, disks)?;
        match (word, before.take()) {
            ("before", None) => before = Some(stamp),
            ("after", Some(before)) => intervals.push(stamp.since(&before)?),
            _ => anyhow::bail!("'{word}' comes at the wrong place: did a job fail?"),
        }
    }
    ensure!(before.is_none(), "the last job has not ended");
    Ok(intervals)
}

/// The stamps: the word, and the lines that follow.
fn split(text: &str) -> Result<Vec<(&str, Vec<&str>)>> {
    let mut stamps: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in text.lines() {
        if line == "before" || line == "after" {
            stamps.push((line, Vec::new()));
        } else {
            let (_, lines) = stamps.last_mut().context("stamps begin with 'before'")?;
            lines.push(line);
        }
    }
    Ok(stamps)
}

/// The state of the machine at one moment.
#[derive(Debug, Default)]
struct Stamp {
    /// The clock, in nanoseconds.
    now: u64,
    /// The time that tasks had of the only processor, in nanoseconds.
    tasks: u64,
    counts: Counts,
}

impl Stamp {
    fn parse(lines: &[&str], disks: &str) -> Result<Self> {
        let mut stamp = Self::default();
        let mut numbers: HashMap<u64, &str> = HashMap::new();
        for line in lines {
            let words: Vec<&str> = line.split_whitespace().collect();
            let bad = || format!("cannot read '{line}'");
            match words[..] {
                ["now", "at", now, "nsecs"] => stamp.now = now.parse().with_context(bad)?,
                ["cpu0", _, _, _, _, _, _, tasks, _, _] => {
                    stamp.tasks = tasks.parse().with_context(bad)?;
                }
                [major, minor, name, ref rest @ ..] if name.starts_with(disks) => {
                    stamp.counts.add_disk(rest).with_context(bad)?;
                    let (major, minor): (u64, u64) = (major.parse()?, minor.parse()?);
                    numbers.insert((major << 20) | minor, name);
                }
                _ => {}
            }
        }
        for line in lines.iter().filter(|line| line.starts_with("{ dev:")) {
            let (disk, rwbs, hits) = event(line).with_context(|| format!("read '{line}'"))?;
            if numbers.contains_key(&disk) && is_fua(rwbs) {
                stamp.counts.fuas += hits;
            }
        }
        ensure!(stamp.now > 0 && stamp.tasks > 0, "a stamp without times");
        Ok(stamp)
    }

    fn since(&self, before: &Self) -> Result<Interval> {
        let passed = self.now.checked_sub(before.now);
        let tasks = self.tasks.checked_sub(before.tasks);
        let (passed, tasks) = passed.zip(tasks).context("the clock went back")?;
        let idle = Some(passed.saturating_sub(tasks)).filter(|idle| *idle > COARSE);
        let busy = passed.saturating_sub(idle.unwrap_or(0));
        Ok(Interval {
            busy,
            idle: passed - busy,
            counts: self.counts.since(before.counts)?,
        })
    }
}

impl Counts {
    /// Adds a line of `/proc/diskstats` behind the name (Documentation/admin-guide/iostats.rst).
    fn add_disk(&mut self, fields: &[&str]) -> Result<()> {
        let field = |index: usize| -> Result<u64> {
            Ok(fields.get(index).context("a field is missing")?.parse()?)
        };
        self.transfers += field(0)? + field(4)?;
        self.flushes += field(15)?;
        Ok(())
    }
}

/// The disk's number, the kind of request and the count of a line of the histogram, such as
/// `{ dev:  265289728, rwbs: WFS } hitcount:         12`.
fn event(line: &str) -> Option<(u64, &str, u64)> {
    let after = |key: &str| -> Option<&str> {
        let (_, rest) = line.split_once(key)?;
        rest.split_whitespace().next()
    };
    let disk = after("dev:")?.trim_end_matches(',').parse().ok()?;
    let rwbs = after("rwbs:")?.trim_end_matches(',');
    Some((disk, rwbs, after("hitcount:")?.parse().ok()?))
}

/// Whether `rwbs` has FUA: an F behind the letter of the operation. One before it is PREFLUSH, and
/// the operation F is a flush (`blk_fill_rwbs`).
fn is_fua(rwbs: &str) -> bool {
    let operation = rwbs.strip_prefix('F').unwrap_or(rwbs);
    operation.chars().nth(1) == Some('F')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"before
# trigger info: hist:keys=dev,rwbs:vals=hitcount:sort=hitcount:size=2048 if rwbs ~ "*F*" [active]
 253       0 plain0 10 0 80 0 5 1 40 0 0 0 0 0 0 0 0 1 0
 253       1 other0 1000 0 80 0 5 1 40 0 0 0 0 0 0 0 0 1 0
{ dev:  265289728, rwbs: WFS } hitcount:          2
now at 1000000 nsecs
cpu0 0 0 9 9 9 9 100000 7 9
after
now at 31000000 nsecs
cpu0 0 0 9 9 9 9 20100000 8 9
 253       0 plain0 14 0 80 0 8 1 40 0 0 0 0 0 0 0 0 3 0
 253       1 other0 9000 0 80 0 5 1 40 0 0 0 0 0 0 0 0 9 0
{ dev:  265289728, rwbs: FF } hitcount:          9
{ dev:  265289728, rwbs: WFS } hitcount:          7
{ dev:  265289729, rwbs: WFS } hitcount:        100
Totals:
"#;

    #[test]
    fn an_interval_is_the_difference_without_idle_time() {
        let intervals = parse(TEXT, "plain").unwrap();
        let counts = Counts {
            transfers: 7,
            flushes: 2,
            fuas: 5,
        };
        let expected = Interval {
            busy: 20_000_000,
            idle: 10_000_000,
            counts,
        };
        assert_eq!(intervals, [expected]);
    }

    #[test]
    fn idle_time_of_less_than_two_ticks_is_not_believed() {
        for tasks in ["30900000", "22200001"] {
            let text = TEXT.replace("20100000", tasks);
            let interval = parse(&text, "plain").unwrap()[0];
            assert_eq!((interval.busy, interval.idle), (30_000_000, 0));
        }
    }

    #[test]
    fn disks_that_do_not_count_are_left_out() {
        assert_eq!(parse(TEXT, "none").unwrap()[0].counts, Counts::default());
    }

    #[test]
    fn a_job_that_did_not_end_is_an_error() {
        let half = TEXT.split("after").next().unwrap();
        assert!(parse(half, "plain").is_err());
        assert!(parse(&TEXT.replace("before", "after"), "plain").is_err());
        assert!(parse("now at 1 nsecs\n", "plain").is_err());
        assert!(parse(&TEXT.replace("cpu0", "cpu1"), "plain").is_err());
        assert!(parse("before\nafter\n", "plain").is_err(), "no time");
    }

    #[test]
    fn time_that_goes_back_is_an_error() {
        assert!(parse(&TEXT.replace("at 31000000", "at 500"), "plain").is_err());
        assert!(parse(&TEXT.replace("plain0 14", "plain0 2"), "plain").is_err());
    }

    #[test]
    fn fua_is_told_from_preflush_and_flush() {
        for fua in ["WF", "WFS", "WFSM", "FWF", "FWFS"] {
            assert!(is_fua(fua), "{fua}");
        }
        for other in ["W", "WS", "FW", "FWS", "F", "FF", "FFS", "R", ""] {
            assert!(!is_fua(other), "{other}");
        }
    }
}
