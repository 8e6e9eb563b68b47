// SPDX-License-Identifier: GPL-2.0
//! What the report of a failure shows of a log: of cargo's tests those that failed, since such a
//! log ends with programs in which nothing did; of everything else the end.

/// How many lines of an ordinary log are shown.
const LOG_TAIL: usize = 50;
/// How many lines of what failed are shown, of which half are kept for what tests said.
const FAILURES_LIMIT: usize = 60;
/// How many lines a test has at least, however many failed.
const LEAST_SHARE: usize = 6;

/// Lines of a log, and what of it they are.
#[derive(Debug, PartialEq)]
pub(crate) struct Excerpt {
    pub(crate) what: &'static str,
    pub(crate) lines: Vec<String>,
}

/// The end of a log.
pub(crate) fn end(log: &str) -> Excerpt {
    let lines: Vec<&str> = log.lines().collect();
    let hidden = lines.len().saturating_sub(LOG_TAIL);
    Excerpt {
        what: "the end",
        lines: lines[hidden..].iter().map(|&line| line.into()).collect(),
    }
}

/// What cargo's tests that failed have said, without backtraces, then their names, each followed
/// by the program that has it; the end of the log, if there is no such thing in it.
pub(crate) fn failures(log: &str) -> Excerpt {
    let (tests, mut names) = find(log);
    if tests.is_empty() && names.is_empty() {
        return end(log);
    }
    cut(&mut names, FAILURES_LIMIT / 2);
    let left = FAILURES_LIMIT - names.len();
    let share = left.checked_div(tests.len()).unwrap_or(left);
    let said = tests
        .iter()
        .map(|test| shorten(test, share.max(LEAST_SHARE)));
    let mut lines: Vec<String> = said.flatten().collect();
    cut(&mut lines, left);
    lines.append(&mut names);
    Excerpt {
        what: "what failed",
        lines,
    }
}

/// Which part of the log of cargo's tests a line belongs to.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    /// Tests that ran, and what goes on around them.
    Other,
    /// What a test said that failed.
    Said,
    /// The functions that led to a panic.
    Backtrace,
    /// The names of those that failed.
    Names,
    /// That a program failed, and how it ended if its tests did not come to their end.
    Program,
}

/// The part of a line, by the part of the one before.
fn part_of(line: &str, before: Part) -> Part {
    match before {
        _ if is_heading(line) => Part::Said,
        // Printed twice: before what the tests said, and before their names.
        _ if line == "failures:" => Part::Names,
        _ if line.starts_with("error: test failed") => Part::Program,
        _ if line.starts_with("test result: ") || line.starts_with("     Running ") => Part::Other,
        Part::Said if line == "stack backtrace:" || is_hint(line) => Part::Backtrace,
        Part::Backtrace if !line.starts_with(' ') && !is_hint(line) => Part::Said,
        same => same,
    }
}

/// Line by line what each test said that failed; and the names and the programs.
fn find(log: &str) -> (Vec<Vec<String>>, Vec<String>) {
    let (mut tests, mut names): (Vec<Vec<String>>, Vec<String>) = Default::default();
    let mut part = Part::Other;
    for line in log.lines() {
        part = part_of(line, part);
        match part {
            _ if line.trim().is_empty() || line == "failures:" => {}
            Part::Said if is_heading(line) => tests.push(vec![line.to_owned()]),
            Part::Said => tests
                .last_mut()
                .into_iter()
                .for_each(|test| test.push(line.to_owned())),
            Part::Names | Part::Program => names.push(line.to_owned()),
            // What overflows its stack is not among the failures, since the program ends with it.
            Part::Other if line.starts_with("thread '") => names.push(line.to_owned()),
            Part::Other | Part::Backtrace => {}
        }
    }
    (tests, names)
}

fn is_heading(line: &str) -> bool {
    line.starts_with("---- ") && line.ends_with(" ----")
}

/// Whether it tells how to get more of a backtrace.
fn is_hint(line: &str) -> bool {
    line.starts_with("note: ") && line.contains("RUST_BACKTRACE=")
}

/// The heading and as many lines from the panic on as fit, if these are too many.
fn shorten(test: &[String], limit: usize) -> Vec<String> {
    let mut lines = test.to_vec();
    if lines.len() > limit {
        let panic = lines
            .iter()
            .position(|line| line.contains("' panicked at "));
        lines.drain(1..panic.unwrap_or(1));
    }
    cut(&mut lines, limit);
    lines
}

/// Keeps the first lines and says how many more there were.
fn cut(lines: &mut Vec<String>, limit: usize) {
    if lines.len() > limit {
        let kept = limit.saturating_sub(1);
        let more = format!("[{} more lines]", lines.len() - kept);
        lines.truncate(kept);
        lines.push(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
     Running tests/raid5.rs (build/cargo/release/deps/raid5-1)

running 2 tests
test each_rule_is_needed ... ok
test no_sector_changes ... FAILED

failures:

---- no_sector_changes stdout ----
SEED=160

thread 'no_sector_changes' panicked at sim/tests/raid5.rs:38:81:
seed 569, life 7, cut after 23 steps: sector 352 is an error for no reason
stack backtrace:
   0: rust_begin_unwind
             at ./library/std/src/panicking.rs:1
   1: core::panicking::panic_fmt
note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace.
The minimal input is 7.


failures:
    no_sector_changes

test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out

error: test failed, to rerun pass `-p md-sim --test raid5`
     Running tests/schedules.rs (build/cargo/release/deps/schedules-2)

running 1 test

thread 'deep' (7) has overflowed its stack
fatal runtime error: stack overflow, aborting
error: test failed, to rerun pass `-p md-sim --test schedules`

Caused by:
  process didn't exit successfully: `schedules-2` (signal: 6, SIGABRT: process abort signal)
     Running tests/other.rs (build/cargo/release/deps/other-3)

running 0 tests

test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out

error: 2 targets failed:
    `-p md-sim --test raid5`
    `-p md-sim --test schedules`
";

    #[test]
    fn of_cargos_tests_what_failed_is_shown() {
        let expected = "\
---- no_sector_changes stdout ----
SEED=160
thread 'no_sector_changes' panicked at sim/tests/raid5.rs:38:81:
seed 569, life 7, cut after 23 steps: sector 352 is an error for no reason
The minimal input is 7.
    no_sector_changes
error: test failed, to rerun pass `-p md-sim --test raid5`
thread 'deep' (7) has overflowed its stack
error: test failed, to rerun pass `-p md-sim --test schedules`
Caused by:
  process didn't exit successfully: `schedules-2` (signal: 6, SIGABRT: process abort signal)";
        let found = failures(LOG);
        assert_eq!(found.lines.join("\n"), expected);
        assert_eq!(found.what, "what failed");
    }

    /// The log of a program with so many tests that failed, each of which printed so many lines
    /// before its panic and after it.
    fn log_of(tests: usize, lines: usize) -> String {
        let mut log = "failures:\n\n".to_owned();
        for test in 0..tests {
            log += &format!("---- t{test} stdout ----\n{}", "before\n".repeat(lines));
            log += &format!(
                "thread 't{test}' panicked at x.rs:1:1:\n{}\n",
                "after\n".repeat(lines)
            );
        }
        log += "failures:\n";
        log.extend((0..tests).map(|test| format!("    t{test}\n")));
        log
    }

    #[test]
    fn what_is_too_long_is_cut_and_the_panics_are_kept() {
        let found = failures(&log_of(5, 100)).lines;
        assert!(found.len() <= FAILURES_LIMIT);
        for test in 0..5 {
            let panic = format!("thread 't{test}' panicked at x.rs:1:1:");
            assert!(found.contains(&panic) && found.contains(&format!("    t{test}")));
        }
        assert!(found.contains(&"after".to_owned()) && !found.contains(&"before".to_owned()));
        assert!(found.iter().any(|line| line.ends_with(" more lines]")));
    }

    #[test]
    fn many_failures_are_cut_too() {
        let found = failures(&log_of(300, 3)).lines;
        assert!(found.len() <= FAILURES_LIMIT);
        assert!(found.contains(&"thread 't0' panicked at x.rs:1:1:".to_owned()));
        assert_eq!(found[FAILURES_LIMIT - 1], "[271 more lines]");
    }

    #[test]
    fn of_other_logs_the_end_is_shown() {
        let lines: Vec<String> = (0..100).map(|n| format!("error {n}")).collect();
        let log = lines.join("\n");
        assert_eq!(end(&log).lines, lines[100 - LOG_TAIL..]);
        assert_eq!(failures(&log), end(&log));
        assert_eq!(end("one").lines, ["one"]);
    }
}
