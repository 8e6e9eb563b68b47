// SPDX-License-Identifier: GPL-2.0
//! Checks and repairs of mirrors: `metasync --check` and `--repair` (issue 7).

use crate::env::TestEnvironment;
use insta::assert_snapshot;
use md_abi::admin::{
    ComponentState,
    ScrubRange, //
};

/// Seconds since 1970: 2026-03-01T12:00:00Z.
const NOW: u64 = 1_772_366_400;

/// A machine with the mirror `d10` over `d11`, `d12` and `d13`, where a check takes four questions.
fn three_sides() -> TestEnvironment {
    let mut env = TestEnvironment::with(&[
        "metainit d11 1 1 sda",
        "metainit d12 1 1 sdb",
        "metainit d13 1 1 sdc",
        "metainit --assume-clean d10 -m d11 d12 d13",
    ]);
    env.admin.clock = NOW;
    env.admin.scrub_step = 40_000;
    env
}

fn range(sector: u64, sectors: u64, outvoted: u32, zeroed: u32) -> ScrubRange {
    ScrubRange {
        sector,
        sectors,
        compared: 0b111,
        outvoted,
        zeroed,
        reserved: 0,
    }
}

#[test]
fn sides_that_are_equal() {
    let mut env = three_sides();
    let lines = ["metasync --check -w d10", "metastat d10", "metastat -c d10"];
    assert_snapshot!(env.run_all(&lines), @"");
}

#[test]
fn a_check_is_shown_while_it_goes_on_and_can_be_cancelled() {
    let mut env = three_sides();
    env.admin.plant(10, range(100, 8, 0b10, 0));
    let lines = [
        "metasync --check d10",
        "metastat d10",
        "metasync --check d10",
        "metasync -c d10",
        "metasync -c --check d10",
        "metasync -c d10",
        "metastat d10",
    ];
    assert_snapshot!(env.run_all(&lines), @"");
}

#[test]
fn a_side_that_disagrees_is_named_and_repaired() {
    let mut env = three_sides();
    env.admin.plant(10, range(100, 8, 0b10, 0));
    env.admin.plant(10, range(5000, 16, 0b100, 0b100));
    let lines = [
        "metasync --check -w d10",
        "metastat d10",
        "metasync --repair -w d10",
        "metasync --check -w d10",
        "metastat d10",
    ];
    assert_snapshot!(env.run_all(&lines), @"");
}

/// Nobody knows which one is right: the administrator has to.
#[test]
fn without_a_majority_a_side_has_to_be_named() {
    let mut env = three_sides();
    for number in 0..12 {
        env.admin.plant(10, range(number * 1000, 1, 0, 0));
    }
    let lines = [
        "metasync --check -w d10",
        "metasync --repair -w d10",
        "metastat d10",
        "metasync --repair=d12 -w d10",
        "metasync --check -w d10",
    ];
    assert_snapshot!(env.run_all(&lines), @"");
}

#[test]
fn json_has_the_ranges_and_the_history() {
    let mut env = three_sides();
    env.admin.plant(10, range(100, 8, 0b10, 0b10));
    let document = env.run("metasync --json --check -w d10").json();
    let check = &document["metadevices"][0]["check"];
    let expected = serde_json::json!({
        "running": null,
        "ranges": [{"start": 51_200, "size": 4096, "outvoted": "d12", "zeroed": ["d12"]}],
        "history": [{
            "began": "2026-03-01T12:00:00Z",
            "seconds": 60,
            "repair": null,
            "end": "done",
            "compared": 63 << 20,
            "skipped": 0,
            "differing": 4096,
            "zeroed": 4096,
            "repaired": 0,
            "ranges": 1,
            "outvoted": ["d12"],
        }],
    });
    assert_eq!(*check, expected);
    assert_eq!(document["error"]["next"], "metasync --repair -w d10");
    let document = env.run("metasync --json --repair=d11 d10").json();
    let running = &document["metadevices"][0]["check"]["running"];
    let expected =
        serde_json::json!({"repair": "d11", "done": 20_480_000, "total": 63 << 20, "ranges": 1});
    assert_eq!(*running, expected);
}

/// The monthly timer does this.
#[test]
fn all_mirrors_are_checked_one_after_the_other() {
    let mut env = TestEnvironment::with(&[
        "metainit d11 1 1 sda",
        "metainit d12 1 1 sdb",
        "metainit --assume-clean d10 -m d11 d12",
        "metainit d31 1 1 sdc",
        "metainit d32 1 1 sdd",
        "metainit --assume-clean d30 -m d31 d32",
    ]);
    env.admin.clock = NOW;
    env.admin.scrub_step = 40_000;
    env.admin.plant(10, range(100, 8, 0, 0));
    let lines = [
        "metasync --check -a -w",
        "metasync --repair=d11 -w d10",
        "metasync --check -a -w",
        "metasync --check -a",
    ];
    assert_snapshot!(env.run_all(&lines), @"");
}

#[test]
fn what_cannot_be_checked_or_repaired_is_refused() {
    let mut env = three_sides();
    env.setup("metainit d21 1 1 sdd");
    env.setup("metainit d20 -m d21");
    env.admin.component(10, 2).state = ComponentState::Offline as u32;
    let lines = [
        "metasync --check d20",
        "metasync --check d11",
        "metasync --check d99",
        "metasync --check",
        "metasync --repair",
        "metasync --repair=d13 d10",
        "metasync --repair=d21 d10",
        "metasync --repair=sda d10",
        "metasync --check --repair d10",
        "metasync --check -r",
        "metasync --check -a d10",
        "metasync -a",
        "metasync -c --repair d10",
    ];
    assert_snapshot!(env.run_all(&lines), @"");
}
