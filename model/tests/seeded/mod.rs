// SPDX-License-Identifier: GPL-2.0
//! Runs a property on random inputs that one seed decides (`DURABILITY.md` clause 26).
//!
//! `SEED` is the seed, `PROPTEST_CASES` the number of inputs. Inputs that once failed are kept in
//! `regressions.txt` beside this file and run first.

use std::{
    collections::hash_map::RandomState,
    env,
    hash::BuildHasher,
    thread, //
};

use proptest::{
    prelude::{
        any,
        prop_assert_eq, //
    },
    strategy::Strategy,
    test_runner::{
        Config,
        FileFailurePersistence,
        RngSeed,
        TestCaseResult,
        TestRunner, //
    },
};

/// Inputs that failed once, as proptest writes them.
const REGRESSIONS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../model/tests/seeded/regressions.txt"
);

/// Runs `property` on inputs drawn from `inputs`.
#[track_caller]
pub(crate) fn for_all<S: Strategy>(inputs: S, property: impl Fn(S::Value) -> TestCaseResult) {
    let seed = match env::var("SEED") {
        Ok(text) => text.parse().expect("SEED is a decimal number of 64 bits"),
        Err(_) => RandomState::new().hash_one("seed"),
    };
    let config = Config {
        source_file: Some(file!()),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(REGRESSIONS))),
        ..Config::default()
    };
    if let Err(report) = check(seed, config, inputs, property) {
        panic!("{report}");
    }
}

/// Runs a property; the report of a failure ends with the command that replays it.
fn check<S: Strategy>(
    seed: u64,
    mut config: Config,
    inputs: S,
    property: impl Fn(S::Value) -> TestCaseResult,
) -> Result<(), String> {
    let cases = config.cases;
    println!("seed {seed}, {cases} cases");
    config.rng_seed = RngSeed::Fixed(seed);
    TestRunner::new(config)
        .run(&inputs, property)
        .map_err(|failure| {
            // The thread is named after the test, unless tests run one by one.
            let thread = thread::current();
            let test = thread.name().filter(|name| *name != "main").unwrap_or("");
            format!(
                "{failure}\nreplay: SEED={seed} PROPTEST_CASES={cases} scripts/in-root cargo test \
             --manifest-path userspace/Cargo.toml -p md-model {test}"
            )
        })
}

/// The alarm works: a property that is wrong fails, at the same input each time for one seed.
#[test]
fn a_wrong_property_fails_and_its_seed_replays_it() {
    let run = |seed| {
        let config = Config {
            failure_persistence: None,
            max_shrink_iters: 0,
            ..Config::default()
        };
        check(seed, config, any::<u64>(), |number| {
            prop_assert_eq!(number % 3, 0);
            Ok(())
        })
    };
    let report = run(7).expect_err("two of three numbers are not divisible by 3");
    assert!(report.contains("\nreplay: SEED=7 "), "{report}");
    assert_eq!(run(7), Err(report));
}
