// SPDX-License-Identifier: GPL-2.0
//! Sabotage: patches that break a promise on purpose, and the test that must notice (DURABILITY
//! 25).
//!
//! A patch is `scripts/sabotage/NAME.patch`. Its head, before the diff, says in words what it
//! breaks and has the lines `Clause: ...` and `Fails: STEP`, where STEP is a scenario such as
//! `stripe/mapping` or a step such as `check/cargo-test`.
//!
//! The patch is applied to an overlay over the source tree, in a mount namespace of its own: the
//! tree is never touched, and only what the patch changes is built again.

use std::{
    fs,
    path::Path,
    process::Command, //
};

use anyhow::{
    ensure,
    Context,
    Result, //
};
use clap::Args;

use crate::{
    excerpt,
    plan,
    report::{
        self,
        Outcome,
        Totals, //
    },
    runner::{
        Runner,
        TestOptions, //
    }, //
};

/// Status of the shell below if the patch could not be applied.
const STATUS_NO_OVERLAY: i32 = 40;
const STATUS_NO_APPLY: i32 = 41;

/// Runs in a mount namespace: $1 scratch, $2 patch, $3 harness, then its arguments.
const INSIDE: &str = r#"
    mkdir "$1/upper" "$1/work"
    mount -t overlay -o "lowerdir=$PWD,upperdir=$1/upper,workdir=$1/work" md-sabotage "$PWD" ||
        exit 40
    cd "$PWD"
    git apply --whitespace=nowarn "$2" || exit 41
    shift 2
    exec "$@"
"#;

/// A promise broken on purpose.
#[derive(Clone, Debug)]
pub(crate) struct Patch {
    pub(crate) name: String,
    /// The first line of the head.
    pub(crate) intent: String,
    pub(crate) clause: String,
    /// The step that must fail.
    pub(crate) fails: String,
}

impl Patch {
    fn parse(name: &str, text: &str) -> Result<Self> {
        let head = text
            .lines()
            .take_while(|line| !line.starts_with("diff ") && !line.starts_with("--- "));
        let head: Vec<&str> = head.collect();
        let field = |key: &str| {
            let found = head
                .iter()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
            found.with_context(|| format!("{name}.patch: '{key}:' is missing before the diff"))
        };
        Ok(Self {
            name: name.to_owned(),
            intent: head.first().copied().unwrap_or_default().to_owned(),
            clause: field("Clause")?.to_owned(),
            fails: field("Fails")?.trim().to_owned(),
        })
    }

    /// The step that must fail. A scenario is meant on the default kernel.
    fn step(&self) -> String {
        let is_step = ["check/", "7."]
            .iter()
            .any(|start| self.fails.starts_with(start));
        if is_step {
            self.fails.clone()
        } else {
            format!("7.3/{}", self.fails)
        }
    }

    /// A patch for the tests of other modules.
    #[cfg(test)]
    pub(crate) fn named(name: &str, fails: &str) -> Self {
        Self {
            name: name.to_owned(),
            intent: String::new(),
            clause: String::new(),
            fails: fails.to_owned(),
        }
    }
}

/// All patches, by name.
pub(crate) fn all(top: &Path) -> Result<Vec<Patch>> {
    let mut patches = Vec::new();
    for entry in fs::read_dir(top.join("scripts/sabotage"))? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "patch")
        {
            let name = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            patches.push(Patch::parse(&name, &fs::read_to_string(&path)?)?);
        }
    }
    patches.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(patches)
}

/// Applies sabotage patches, one at a time, and demands that the test each one names fails.
#[derive(Args)]
#[command(name = "scripts/sabotage-test")]
pub(crate) struct SabotageOptions {
    /// Patches of scripts/sabotage, without .patch.
    #[arg(required_unless_present_any = ["all", "draw"])]
    names: Vec<String>,
    /// All of them.
    #[arg(long, conflicts_with_all = ["names", "draw"])]
    all: bool,
    /// So many, drawn by the seed.
    #[arg(long, value_name = "N", conflicts_with = "names")]
    draw: Option<usize>,
    /// Decides the draw and the tests [default: from the commit].
    #[arg(long, value_name = "N", value_parser = crate::options::parse_seed)]
    seed: Option<u64>,
}

/// Runs the command; 0 if every patch was noticed.
pub(crate) fn run(options: &SabotageOptions) -> Result<u8> {
    let test_options = TestOptions {
        seed: options.seed,
        ..TestOptions::default()
    };
    let runner = Runner::new(test_options)?;
    let patches = all(runner.top())?;
    let chosen = match (options.all, options.draw) {
        (true, _) => patches,
        (_, Some(count)) => plan::draw(&patches, count, runner.seed()),
        _ => {
            for name in &options.names {
                let known = patches.iter().any(|patch| patch.name == *name);
                ensure!(
                    known,
                    "no scripts/sabotage/{name}.patch: 'ls scripts/sabotage' has all"
                );
            }
            patches
                .into_iter()
                .filter(|patch| options.names.contains(&patch.name))
                .collect()
        }
    };
    let mut totals = Totals::default();
    for patch in chosen {
        totals.count(&runner.run_sabotage(&patch));
    }
    println!("{totals}");
    Ok(totals.status())
}

/// Tries one patch; the log gets everything that is said.
pub(crate) fn attempt(runner: &Runner, patch: &Patch, log: &Path) -> Result<Outcome> {
    let scratch = tempfile::Builder::new().prefix("md-sabotage-").tempdir()?;
    let mut command = Command::new("unshare");
    command
        .args([
            "--mount",
            "--propagation",
            "unchanged",
            "bash",
            "-euc",
            INSIDE,
            "sabotage",
        ])
        .arg(scratch.path())
        .arg(format!("scripts/sabotage/{}.patch", patch.name))
        .arg(runner.harness())
        .args([
            "test",
            "--seed",
            &runner.seed().to_string(),
            "--only",
            &patch.step(),
        ])
        .current_dir(runner.top());
    let status = runner.execute(&command, log)?;
    let text = fs::read_to_string(log)?;
    let ran = text
        .lines()
        .any(|line| line.ends_with(" skipped") && line.contains(" failed, "));
    Ok(judge(status, ran, &patch.step()))
}

/// What the run with the patch says about the test.
fn judge(status: i32, ran: bool, step: &str) -> Outcome {
    match status {
        1 if ran => Outcome::Passed,
        0 => Outcome::Failed,
        STATUS_NO_OVERLAY => Outcome::Broken("cannot mount an overlay here".to_owned()),
        STATUS_NO_APPLY => Outcome::Broken("the patch does not apply: bring it up to date".into()),
        _ => Outcome::Broken(format!("{step} could not be tried with the patch")),
    }
}

/// One line for the report: which test had to notice.
pub(crate) fn note(patch: &Patch, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Passed => format!("noticed by {}", patch.fails),
        Outcome::Failed => format!("NOT noticed by {}", patch.fails),
        _ => String::new(),
    }
}

/// For the report of a failure.
pub(crate) fn failure<'a>(
    patch: &'a Patch,
    id: &'a str,
    log: &'a str,
    log_path: &'a str,
    seed: u64,
    replay: &'a str,
) -> report::Failure<'a> {
    let (intent, clause) = (&patch.intent, &patch.clause);
    report::Failure {
        id,
        intent,
        clause,
        excerpt: excerpt::end(log),
        log_path,
        seed,
        replay,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "The second half of a flush is forgotten.

Clause: DURABILITY 7
Fails: power/stripe_flush

diff --git a/x b/x
Clause: not this one
";

    #[test]
    fn a_head_is_read() {
        let patch = Patch::parse("half_flush", PATCH).unwrap();
        assert_eq!(patch.intent, "The second half of a flush is forgotten.");
        assert_eq!(patch.clause, "DURABILITY 7");
        assert_eq!(patch.step(), "7.3/power/stripe_flush");
    }

    #[test]
    fn a_head_without_a_test_is_refused() {
        let text = PATCH.replace("Fails: power/stripe_flush\n", "");
        let error = Patch::parse("x", &text).unwrap_err().to_string();
        assert!(
            error.contains("x.patch") && error.contains("Fails"),
            "{error}"
        );
    }

    #[test]
    fn only_a_test_that_ran_and_failed_is_a_proof() {
        assert_eq!(judge(1, true, "s"), Outcome::Passed);
        assert_eq!(judge(0, true, "s"), Outcome::Failed);
        for (status, ran) in [(1, false), (2, true), (40, false), (41, false), (-1, true)] {
            assert!(
                matches!(judge(status, ran, "s"), Outcome::Broken(_)),
                "{status}"
            );
        }
    }

    #[test]
    fn a_step_that_is_no_scenario_is_named_in_full() {
        let step = |fails: &str| Patch::named("x", fails).step();
        assert_eq!(step("check/cargo-test"), "check/cargo-test");
        assert_eq!(step("7.3-debug/a/b"), "7.3-debug/a/b");
    }
}
