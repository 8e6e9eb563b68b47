// SPDX-License-Identifier: GPL-2.0
//! One number decides every random choice of a run (DURABILITY 26).

use std::{
    env,
    hash::{
        DefaultHasher,
        Hash,
        Hasher, //
    }, //
};

/// The seed of one part of a run, from that of the whole and the part's name. It is small enough
/// for arithmetic in shell scripts and JSON.
pub(crate) fn derive(seed: u64, name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (seed, name).hash(&mut hasher);
    hasher.finish() >> 16
}

/// The seed of a run that was not given one: $MD_COMMIT, so that every commit tries something else
/// and trying it again is the same.
pub(crate) fn of_commit() -> u64 {
    derive(0, &env::var("MD_COMMIT").unwrap_or_default())
}

/// Checks a property on many values drawn under the seed, and prints how to see a failure again.
#[cfg(test)]
pub(crate) fn check_property<S: proptest::strategy::Strategy>(
    strategy: &S,
    law: impl Fn(S::Value) -> Result<(), proptest::test_runner::TestCaseError>,
) {
    use proptest::test_runner::{
        Config,
        RngAlgorithm,
        TestRng,
        TestRunner, //
    };

    let seed: u64 = env::var("SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    println!("seed {seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let config = Config {
        cases: 1000,
        failure_persistence: None,
        ..Config::default()
    };
    if let Err(error) = TestRunner::new_with_rng(config, random).run(strategy, law) {
        let name = std::thread::current().name().unwrap_or("?").to_owned();
        panic!("{error}\nreplay: SEED={seed} scripts/in-root cargo test -p md-harness {name}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_run_have_seeds_of_their_own() {
        assert_eq!(derive(1, "a"), derive(1, "a"));
        assert_ne!(derive(1, "a"), derive(1, "b"));
        assert_ne!(derive(1, "a"), derive(2, "a"));
        assert!(derive(u64::MAX, "x") < 1 << 48);
    }
}
