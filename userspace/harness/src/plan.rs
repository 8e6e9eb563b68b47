// SPDX-License-Identifier: GPL-2.0
//! What `md-harness test` runs: the steps, in order, as a pure function of what was asked for.

use std::cmp::Reverse;

use crate::{
    sabotage::Patch,
    scenario::{
        Lane,
        Scenario, //
    }, //
};

/// The kernel series that everything runs on.
const KERNEL: &str = "7.3";
/// The one on which only a little is tried.
const SMOKE_KERNEL: &str = "7.2";
/// How many sabotage patches an ordinary run applies.
const DRAWN_PATCHES: usize = 3;
/// How many scenarios of [`Lane::Drawn`] an ordinary run takes.
const DRAWN_SCENARIOS: usize = 4;

/// Which of the runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Extent {
    /// `make test`: what fits into half an hour. Some scenarios and patches are drawn, so that
    /// all of them come up as commits go by.
    Ordinary,
    /// `scripts/test --every`: each scenario once.
    Every,
    /// `make test-long`: large counts and all sabotage patches as well.
    Long,
    /// `make test-debug`: only the guests, all on the debug kernel.
    Debug,
}

/// A kernel that guests boot.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kernel {
    pub(crate) series: &'static str,
    pub(crate) debug: bool,
}

impl Kernel {
    const STOCK: Self = Self {
        series: KERNEL,
        debug: false,
    };
    const SMOKE: Self = Self {
        series: SMOKE_KERNEL,
        debug: false,
    };
    const DEBUG: Self = Self {
        series: KERNEL,
        debug: true,
    };

    /// How steps on it are called.
    pub(crate) fn label(&self) -> String {
        format!("{}{}", self.series, if self.debug { "-debug" } else { "" })
    }
}

/// How to read what a check prints.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Output {
    /// Its exit status says everything.
    Status,
    /// cargo's test harness: each test counts.
    CargoTest,
    /// So does its exit status, and its last line tells in short what was done.
    Summary,
}

/// What a step does.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// A shell command in the source tree.
    Check {
        command: &'static str,
        output: Output,
    },
    /// Makes the kit of a kernel and the modules for it. What runs on it needs this.
    Build(Kernel),
    /// A scenario on a kernel.
    Scenario(Scenario, Kernel),
    /// A sabotage patch whose test must fail.
    Sabotage(Patch),
}

/// A step with the name under which it is reported and chosen.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) id: String,
    pub(crate) action: Action,
    /// $MD_LONG is set for it.
    pub(crate) long: bool,
}

/// The checks that need no guest. Scripts are found by their first line.
const CHECKS: [(&str, &str, Output); 7] = [
    ("check/rustfmt", "make -s fmt-check", Output::Status),
    ("check/clippy", "make -s clippy", Output::Status),
    (
        "check/shellcheck",
        r#"git ls-files -z --cached --others --exclude-standard |
           xargs -0 awk 'FNR == 1 && /^#!.*sh$/ { printf "%s%c", FILENAME, 0 } { nextfile }' |
           xargs -0 -n 24 -P "$(nproc)" shellcheck -x"#,
        Output::Status,
    ),
    // Apart, since it asks for more features of crates that the tool needs, too: these and the tool
    // would be built twice.
    (
        "check/tidy",
        "cargo test --manifest-path userspace/Cargo.toml --locked --release -p md-tidy",
        Output::CargoTest,
    ),
    (
        "check/cargo-test",
        "cargo test --manifest-path userspace/Cargo.toml --workspace --locked --release \
         --no-fail-fast --exclude md-dump --exclude md-dump-format --exclude md-extfs \
         --exclude md-tidy",
        Output::CargoTest,
    ),
    // Restores by programs of Debian, for which nothing else waits.
    (
        "check/backup",
        "cargo test --manifest-path userspace/Cargo.toml --locked --release --no-fail-fast \
         -p md-dump -p md-dump-format -p md-extfs",
        Output::CargoTest,
    ),
    // 100,000 schedules, in which every transition and every moment of a power cut comes up.
    (
        "check/simulator",
        r#"cargo run --manifest-path userspace/Cargo.toml --locked --release --quiet -p md-sim -- \
           --seed "$SEED" ${MD_LONG:+--schedules 1000000}"#,
        Output::Summary,
    ),
];

/// All steps of a run.
pub(crate) fn steps(
    extent: Extent,
    scenarios: &[Scenario],
    patches: &[Patch],
    seed: u64,
) -> Vec<Step> {
    let mut steps = Vec::new();
    if extent != Extent::Debug {
        for (id, command, output) in CHECKS {
            push(
                &mut steps,
                id.to_owned(),
                Action::Check { command, output },
                extent,
            );
        }
        let drawn = drawn_scenarios(extent, scenarios, seed);
        let in_stock = |s: &Scenario| {
            s.is_in(Lane::Stock)
                || drawn.contains(&s.name)
                || extent == Extent::Long && s.is_in(Lane::Long)
        };
        guests(&mut steps, &Kernel::STOCK, scenarios, extent, in_stock);
        let in_smoke = |s: &Scenario| s.is_in(Lane::Smoke);
        guests(&mut steps, &Kernel::SMOKE, scenarios, extent, in_smoke);
    }
    let in_debug = |s: &Scenario| match extent {
        Extent::Debug => {
            let lanes = [Lane::Stock, Lane::Drawn, Lane::Debug];
            !s.on_host && !s.is_in(Lane::NoDebug) && lanes.iter().any(|lane| s.is_in(*lane))
        }
        _ => s.is_in(Lane::Debug),
    };
    guests(&mut steps, &Kernel::DEBUG, scenarios, extent, in_debug);
    if extent != Extent::Debug {
        let count = if extent == Extent::Long {
            patches.len()
        } else {
            DRAWN_PATCHES
        };
        for patch in draw(patches, count, seed) {
            let id = format!("sabotage/{}", patch.name);
            push(&mut steps, id, Action::Sabotage(patch), extent);
        }
    }
    steps
}

/// The scenarios that run on a kernel, after the step that builds for it.
fn guests(
    steps: &mut Vec<Step>,
    kernel: &Kernel,
    scenarios: &[Scenario],
    extent: Extent,
    wanted: impl Fn(&Scenario) -> bool,
) {
    let label = kernel.label();
    push(
        steps,
        format!("build/{label}"),
        Action::Build(kernel.clone()),
        extent,
    );
    // What may take longest comes first, so that it is not what everything waits for at the end.
    let mut wanted: Vec<_> = scenarios.iter().filter(|one| wanted(one)).collect();
    wanted.sort_by_key(|scenario| Reverse(scenario.timeout));
    for scenario in wanted {
        let id = format!("{label}/{}", scenario.name);
        push(
            steps,
            id,
            Action::Scenario(scenario.clone(), kernel.clone()),
            extent,
        );
    }
}

fn push(steps: &mut Vec<Step>, id: String, action: Action, extent: Extent) {
    steps.push(Step {
        id,
        action,
        long: extent == Extent::Long,
    });
}

/// The names of those of [`Lane::Drawn`] that a run has.
fn drawn_scenarios(extent: Extent, scenarios: &[Scenario], seed: u64) -> Vec<String> {
    let all = scenarios.iter().filter(|one| one.is_in(Lane::Drawn));
    let names: Vec<String> = all.map(|one| one.name.clone()).collect();
    match extent {
        Extent::Ordinary => draw(&names, DRAWN_SCENARIOS, seed),
        _ => names,
    }
}

/// So many of a list, chosen by the seed, in their old order.
pub(crate) fn draw<T: Clone>(all: &[T], count: usize, seed: u64) -> Vec<T> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut chosen = random.choose_multiple(0..all.len(), count);
    chosen.sort_unstable();
    chosen
        .into_iter()
        .filter_map(|index| all.get(index).cloned())
        .collect()
}

/// Keeps the steps that a pattern chooses, and the builds that they need. A pattern that is a
/// step's whole name, or a scenario's, chooses nothing else.
pub(crate) fn select(steps: Vec<Step>, patterns: &[String]) -> Vec<Step> {
    if patterns.is_empty() {
        return steps;
    }
    let chosen: Vec<bool> = {
        let exact = |pattern: &String| steps.iter().any(|step| step.id == *pattern);
        let matches = |step: &Step| {
            patterns.iter().any(|pattern| {
                if exact(pattern) {
                    step.id == *pattern
                } else {
                    step.id.contains(pattern)
                }
            })
        };
        steps.iter().map(matches).collect()
    };
    let needed: Vec<Kernel> = steps
        .iter()
        .zip(&chosen)
        .filter_map(|(step, chosen)| match &step.action {
            Action::Scenario(_, kernel) if *chosen => Some(kernel.clone()),
            _ => None,
        })
        .collect();
    let is_needed =
        |step: &Step| matches!(&step.action, Action::Build(kernel) if needed.contains(kernel));
    let keep = steps.into_iter().zip(chosen);
    keep.filter_map(|(step, chosen)| (chosen || is_needed(&step)).then_some(step))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn scenario(name: &str, lanes: &[Lane], on_host: bool) -> Scenario {
        Scenario {
            name: name.to_owned(),
            path: "x".into(),
            intent: String::new(),
            clause: String::new(),
            lanes: lanes.to_vec(),
            vm: Vec::new(),
            on_host,
            timeout: Duration::from_secs(1),
        }
    }

    fn patches() -> Vec<Patch> {
        (0..9)
            .map(|n| Patch::named(&format!("p{n}"), "7.3/a/b"))
            .collect()
    }

    fn plan(extent: Extent) -> Vec<String> {
        let scenarios = [
            scenario("a/plain", &[Lane::Stock], false),
            scenario("a/both", &[Lane::Stock, Lane::Smoke, Lane::Debug], false),
            scenario("a/host", &[Lane::Stock], true),
            scenario("a/large", &[Lane::Long], false),
            scenario("a/drawn0", &[Lane::Drawn], false),
            scenario("a/icount", &[Lane::Stock, Lane::NoDebug], false),
        ];
        let steps = steps(extent, &scenarios, &patches(), 1);
        steps.into_iter().map(|step| step.id).collect()
    }

    #[test]
    fn a_run_of_everything_has_every_lane_but_the_long_one() {
        let ids = plan(Extent::Every);
        let guests: Vec<_> = ids.iter().filter(|id| id.contains("/a/")).collect();
        let expected = [
            "7.3/a/plain",
            "7.3/a/both",
            "7.3/a/host",
            "7.3/a/drawn0",
            "7.3/a/icount",
            "7.2/a/both",
            "7.3-debug/a/both",
        ];
        assert_eq!(guests, expected.iter().collect::<Vec<_>>());
        assert_eq!(
            ids.iter().filter(|id| id.starts_with("sabotage/")).count(),
            DRAWN_PATCHES
        );
        assert_eq!(ids[0], "check/rustfmt");
        assert!(ids.contains(&"check/simulator".to_owned()));
    }

    #[test]
    fn an_ordinary_run_draws_a_few_by_its_seed() {
        let mut scenarios = vec![scenario("a/always", &[Lane::Stock], false)];
        scenarios.extend((0..20).map(|n| scenario(&format!("a/{n}"), &[Lane::Drawn], false)));
        let guests = |seed| -> Vec<String> {
            let steps = steps(Extent::Ordinary, &scenarios, &[], seed);
            let ids = steps.into_iter().map(|step| step.id);
            ids.filter(|id| id.starts_with("7.3/")).collect()
        };
        for seed in 0..20 {
            let drawn = guests(seed);
            assert_eq!(drawn.len(), 1 + DRAWN_SCENARIOS);
            assert_eq!(drawn[0], "7.3/a/always");
        }
        assert_eq!(guests(3), guests(3));
        let comes_up = |id: String| (0..99).any(|seed| guests(seed).contains(&id));
        assert!((0..20).all(|n| comes_up(format!("7.3/a/{n}"))));
        assert!((0..20).any(|seed| guests(seed) != guests(3)));
    }

    #[test]
    fn what_may_take_longest_comes_first() {
        let mut long = scenario("a/z_long", &[Lane::Stock], false);
        long.timeout = Duration::from_secs(9);
        let scenarios = [scenario("a/short", &[Lane::Stock], false), long];
        let steps = steps(Extent::Ordinary, &scenarios, &[], 1);
        let ids = steps.into_iter().map(|step| step.id);
        let guests: Vec<String> = ids.filter(|id| id.contains("/a/")).collect();
        assert_eq!(guests, ["7.3/a/z_long", "7.3/a/short"]);
    }

    #[test]
    fn a_long_run_has_large_counts_and_all_patches() {
        let ids = plan(Extent::Long);
        assert!(ids.contains(&"7.3/a/large".to_owned()));
        assert_eq!(
            ids.iter().filter(|id| id.starts_with("sabotage/")).count(),
            9
        );
    }

    #[test]
    fn a_debug_run_has_all_guests_that_can_and_nothing_else() {
        let expected = [
            "build/7.3-debug",
            "7.3-debug/a/plain",
            "7.3-debug/a/both",
            "7.3-debug/a/drawn0",
        ];
        assert_eq!(plan(Extent::Debug), expected);
    }

    #[test]
    fn a_draw_depends_on_the_seed_alone() {
        let names = |seed| -> Vec<String> {
            draw(&patches(), 3, seed)
                .into_iter()
                .map(|patch| patch.name)
                .collect()
        };
        assert_eq!(names(5), names(5));
        assert!((0..20).any(|seed| names(seed) != names(5)));
        assert_eq!(draw(&patches(), 99, 1).len(), 9);
    }

    #[test]
    fn a_chosen_scenario_brings_its_build() {
        let scenarios = [
            scenario("a/one", &[Lane::Stock], false),
            scenario("a/one_more", &[Lane::Stock, Lane::Smoke], false),
        ];
        let all = steps(Extent::Ordinary, &scenarios, &patches(), 1);
        let chosen = |pattern: &str| -> Vec<String> {
            let steps = select(all.clone(), &[pattern.to_owned()]);
            steps.into_iter().map(|step| step.id).collect()
        };
        assert_eq!(chosen("7.3/a/one"), ["build/7.3", "7.3/a/one"]);
        assert_eq!(chosen("one_more").len(), 4);
        assert_eq!(chosen("rustfmt"), ["check/rustfmt"]);
        assert!(chosen("nothing like it").is_empty());
    }
}
