// SPDX-License-Identifier: GPL-2.0
//! What the user reads: one line per step, more where one failed, and the closing line.

use std::{
    fmt,
    time::Duration, //
};

use crate::excerpt::Excerpt;

/// How a step ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    Passed,
    Failed,
    /// It could not be tried here, for this reason.
    Skipped(String),
    /// It should have been possible to try it, but was not: a guest that did not boot, a build that
    /// failed. Counted as a failure, but no proof of anything.
    Broken(String),
}

/// Counts of the closing line.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Totals {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
    /// Of the failed ones, those that are no proof.
    pub(crate) broken: usize,
}

impl Totals {
    /// Counts one more outcome.
    pub(crate) fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Skipped(_) => self.skipped += 1,
            Outcome::Broken(_) => {
                self.failed += 1;
                self.broken += 1;
            }
        }
    }

    /// Adds the counts of a step that consists of many tests.
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.broken += other.broken;
    }

    /// 0 if none failed, 1 if one did, 2 if one could not be tried.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self { broken: 1.., .. } => 2,
            Self { failed: 1.., .. } => 1,
            _ => 0,
        }
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            passed,
            failed,
            skipped,
            ..
        } = self;
        write!(out, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

/// The line of a step.
pub(crate) fn line(id: &str, outcome: &Outcome, took: Duration, note: &str) -> String {
    let (word, reason) = match outcome {
        Outcome::Passed => ("ok", ""),
        Outcome::Failed => ("FAILED", ""),
        Outcome::Skipped(reason) => ("skipped", reason.as_str()),
        Outcome::Broken(reason) => ("BROKEN", reason.as_str()),
    };
    let mut line = format!("{word:<8}{id:<44}{:>7.1} s", took.as_secs_f64());
    for more in [reason, note] {
        if !more.is_empty() {
            line.push_str("  ");
            line.push_str(more);
        }
    }
    line
}

/// What somebody needs to know who wants to mend it. The last line is a command to type.
pub(crate) struct Failure<'a> {
    pub(crate) id: &'a str,
    pub(crate) intent: &'a str,
    pub(crate) clause: &'a str,
    pub(crate) excerpt: Excerpt,
    pub(crate) log_path: &'a str,
    pub(crate) seed: u64,
    pub(crate) replay: &'a str,
}

impl fmt::Display for Failure<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "---- {} ----", self.id)?;
        for (key, value) in [("intent", self.intent), ("clause", self.clause)] {
            if !value.is_empty() {
                writeln!(out, "  {key}: {value}")?;
            }
        }
        writeln!(out, "  {} of {}:", self.excerpt.what, self.log_path)?;
        for line in &self.excerpt.lines {
            writeln!(out, "  | {line}")?;
        }
        writeln!(out, "  seed: {}", self.seed)?;
        writeln!(out, "  replay: {}", self.replay)
    }
}

/// The last line of a log that is not empty.
pub(crate) fn last_line(log: &str) -> String {
    let mut lines = log.lines().rev();
    let last = lines.find(|line| !line.trim().is_empty());
    last.unwrap_or_default().trim().to_owned()
}

/// Adds up what cargo's test harness prints, and names what was skipped, with the reason: what it
/// ignored, and lines by which a test tells of a part that could not be tried.
pub(crate) fn cargo_counts(log: &str) -> (Totals, Vec<(String, String)>) {
    let mut totals = Totals::default();
    let mut skipped = Vec::new();
    for line in log.lines() {
        if let Some(counts) = line.strip_prefix("test result: ") {
            totals.passed += number_before(counts, " passed");
            totals.failed += number_before(counts, " failed");
            totals.skipped += number_before(counts, " ignored");
        } else if let Some(test) = line.strip_prefix("test ") {
            if let Some((name, _)) = test.split_once(" ... ignored") {
                skipped.push((name.to_owned(), "marked #[ignore]".to_owned()));
            }
        } else if let Some(part) = line.strip_prefix("skipped: ") {
            totals.skipped += 1;
            let (name, reason) = part.split_once(": ").unwrap_or((part, ""));
            skipped.push((name.to_owned(), reason.to_owned()));
        }
    }
    (totals, skipped)
}

/// The number that ends just before a word.
fn number_before(text: &str, word: &str) -> usize {
    let before = text.split(word).next().unwrap_or_default();
    let digits = before.rsplit(|c: char| !c.is_ascii_digit()).next();
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::excerpt;

    #[test]
    fn the_closing_line_has_the_promised_form() {
        let mut totals = Totals::default();
        for outcome in [
            Outcome::Passed,
            Outcome::Passed,
            Outcome::Failed,
            Outcome::Broken("no boot".into()),
            Outcome::Skipped("no kernel".into()),
        ] {
            totals.count(&outcome);
        }
        assert_eq!(totals.to_string(), "2 passed, 2 failed, 1 skipped");
        assert_eq!(totals.status(), 2);
    }

    #[test]
    fn only_failures_make_a_status() {
        assert_eq!(
            Totals {
                passed: 1,
                skipped: 2,
                ..Totals::default()
            }
            .status(),
            0
        );
        assert_eq!(
            Totals {
                failed: 1,
                ..Totals::default()
            }
            .status(),
            1
        );
    }

    #[test]
    fn a_skip_says_why_and_a_failure_ends_with_the_command() {
        let skip = Outcome::Skipped("kernel 7.2 is unavailable".into());
        let text = line("7.2/smoke/x", &skip, Duration::ZERO, "");
        assert!(text.starts_with("skipped 7.2/smoke/x") && text.ends_with("unavailable"));
        let text = Failure {
            id: "7.3/a/b",
            intent: "shows it",
            clause: "DURABILITY 1",
            excerpt: excerpt::end("line 98\nline 99"),
            log_path: "build/test/x.log",
            seed: 7,
            replay: "scripts/test --seed 7 --only 7.3/a/b",
        }
        .to_string();
        assert!(text.contains("intent: shows it"));
        assert!(text.contains("  the end of build/test/x.log:\n  | line 98\n  | line 99\n"));
        assert!(text.ends_with("replay: scripts/test --seed 7 --only 7.3/a/b\n"));
    }

    #[test]
    fn the_last_line_is_the_last_that_says_something() {
        assert_eq!(
            last_line("a table\n5 schedules, 2 s\n\n"),
            "5 schedules, 2 s"
        );
        assert_eq!(last_line("\n"), "");
    }

    #[test]
    fn cargo_counts_are_added_up_and_what_was_skipped_is_named() {
        let log = "\
test a::b ... ok
skipped: restore 9: cannot be had here: no suite
test c::slow ... ignored, takes an hour
test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s
test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out
";
        let (totals, skipped) = cargo_counts(log);
        assert_eq!(
            totals,
            Totals {
                passed: 15,
                failed: 2,
                skipped: 2,
                broken: 0
            }
        );
        let told = [
            ("restore 9", "cannot be had here: no suite"),
            ("c::slow", "marked #[ignore]"),
        ];
        let told = told.map(|(name, reason)| (name.to_owned(), reason.to_owned()));
        assert_eq!(skipped, told);
    }
}
