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

/// What command lines say, without the paragraphs of the submirrors.
fn shown(env: &mut TestEnvironment, lines: &[&str]) -> String {
    let text = env.run_all(lines);
    let mut is_left_out = false;
    let kept = text.lines().filter(|line| {
        if line.starts_with("$ ") {
            is_left_out = false;
        }
        is_left_out |= line.is_empty();
        !is_left_out
    });
    kept.flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn sides_that_are_equal() {
    let mut env = three_sides();
    let lines = ["metasync --check -w d10", "metastat d10", "metastat -c d10"];
    assert_snapshot!(shown(&mut env, &lines), @r"
    $ metasync --check -w d10
    d10: check is started
    d10: 63 MB compared, no difference
    $ metastat d10
    d10: Mirror
        Submirror 0: d11
          State: Okay
        Submirror 1: d12
          State: Okay
        Submirror 2: d13
          State: Okay
        Check 2026-03-01T12:00:00Z: 63 MB compared, no difference
        Pass: 1
        Read option: roundrobin (default)
        Write option: parallel (default)
        State is kept: in memory only, lost at reboot
        Size: 129024 blocks (63 MB)
    $ metastat -c d10
    d10              m   63MB d11 d12 d13
        d11          s   63MB /dev/sda
        d12          s   63MB /dev/sdb
        d13          s   63MB /dev/sdc
    ");
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
    assert_snapshot!(shown(&mut env, &lines), @r"
    $ metasync --check d10
    d10: check is started
    $ metastat d10
    d10: Mirror
        Submirror 0: d11
          State: Okay
        Submirror 1: d12
          State: Okay
        Submirror 2: d13
          State: Okay
        Check in progress: 62 % done, 1 range differs so far
          Blocks 100 to 107: d12 disagrees
        Pass: 1
        Read option: roundrobin (default)
        Write option: parallel (default)
        State is kept: in memory only, lost at reboot
        Size: 129024 blocks (63 MB)
    $ metasync --check d10
    err| metasync: d10: is being checked already
    err| next: metasync -c --check d10
    [exit status 1]
    $ metasync -c d10
    d10: check is cancelled
    $ metasync -c --check d10
    err| metasync: d10: is not being checked
    err| next: metasync --check d10
    [exit status 1]
    $ metasync -c d10
    err| metasync: d10: has nothing that has to be resynced
    err| next: metastat d10
    [exit status 1]
    $ metastat d10
    d10: Mirror
        Submirror 0: d11
          State: Okay
        Submirror 1: d12
          State: Okay
        Submirror 2: d13
          State: Okay
        Check 2026-03-01T12:00:00Z (cancelled): 39 MB compared, 1 range differs (8 blocks), d1\
    2 disagrees
          Blocks 100 to 107: d12 disagrees
        Invoke: metasync --repair -w d10
        Writes: not copied; metaparam -w copy d10 rules out differences by programs
          that change what they write with O_DIRECT
        Pass: 1
        Read option: roundrobin (default)
        Write option: parallel (default)
        State is kept: in memory only, lost at reboot
        Size: 129024 blocks (63 MB)
    ");
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
    assert_snapshot!(shown(&mut env, &lines), @r"
    $ metasync --check -w d10
    d10: check is started
    err| metasync: d10: 2 ranges differ: blocks 100 to 107 (d12 disagrees), blocks 5000 to 501\
    5 (d13 disagrees, zeroes on d13)
    err| next: metasync --repair -w d10
    [exit status 1]
    $ metastat d10
    d10: Mirror
        Submirror 0: d11
          State: Okay
        Submirror 1: d12
          State: Okay
        Submirror 2: d13
          State: Okay
        Check 2026-03-01T12:00:00Z: 63 MB compared, 2 ranges differ (24 blocks), d12 and d13 d\
    isagree, 16 of them zeroes on one side
          Blocks 100 to 107: d12 disagrees
          Blocks 5000 to 5015: d13 disagrees, zeroes on d13
        Invoke: metasync --repair -w d10
        Writes: not copied; metaparam -w copy d10 rules out differences by programs
          that change what they write with O_DIRECT
        Pass: 1
        Read option: roundrobin (default)
        Write option: parallel (default)
        State is kept: in memory only, lost at reboot
        Size: 129024 blocks (63 MB)
    $ metasync --repair -w d10
    d10: repair is started
    d10: 63 MB compared, 2 ranges differ (24 blocks), d12 and d13 disagree, 16 of them zeroes \
    on one side, repaired
    $ metasync --check -w d10
    d10: check is started
    d10: 63 MB compared, no difference
    $ metastat d10
    d10: Mirror
        Submirror 0: d11
          State: Okay
        Submirror 1: d12
          State: Okay
        Submirror 2: d13
          State: Okay
        Check 2026-03-01T12:00:00Z: 63 MB compared, no difference
        Repair 2026-03-01T12:00:00Z: 63 MB compared, 2 ranges differ (24 blocks), d12 and d13 \
    disagree, 16 of them zeroes on one side, repaired
        Check 2026-03-01T12:00:00Z: 63 MB compared, 2 ranges differ (24 blocks), d12 and d13 d\
    isagree, 16 of them zeroes on one side
        Pass: 1
        Read option: roundrobin (default)
        Write option: parallel (default)
        State is kept: in memory only, lost at reboot
        Size: 129024 blocks (63 MB)
    ");
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
    assert_snapshot!(shown(&mut env, &lines), @r"
    $ metasync --check -w d10
    d10: check is started
    err| metasync: d10: 12 ranges differ: blocks 0 to 0 (no majority), blocks 1000 to 1000 (no\
     majority), blocks 2000 to 2000 (no majority), blocks 3000 to 3000 (no majority), and 8 mo\
    re
    err| next: metasync --repair=<submirror> -w d10
    [exit status 1]
    $ metasync --repair -w d10
    d10: repair is started
    err| metasync: d10: 12 ranges differ: blocks 0 to 0 (no majority), blocks 1000 to 1000 (no\
     majority), blocks 2000 to 2000 (no majority), blocks 3000 to 3000 (no majority), and 8 mo\
    re
    err| next: metasync --repair=<submirror> -w d10
    [exit status 1]
    $ metastat d10
    d10: Mirror
        Submirror 0: d11
          State: Okay
        Submirror 1: d12
          State: Okay
        Submirror 2: d13
          State: Okay
        Repair 2026-03-01T12:00:00Z: 63 MB compared, 12 ranges differ (12 blocks), 0 repaired
          Blocks 0 to 0: no majority
          Blocks 1000 to 1000: no majority
          Blocks 2000 to 2000: no majority
          Blocks 3000 to 3000: no majority
          Blocks 4000 to 4000: no majority
          Blocks 5000 to 5000: no majority
          Blocks 6000 to 6000: no majority
          Blocks 7000 to 7000: no majority
          and 4 more
        Invoke: metasync --repair=<submirror> -w d10
        Writes: not copied; metaparam -w copy d10 rules out differences by programs
          that change what they write with O_DIRECT
        Check 2026-03-01T12:00:00Z: 63 MB compared, 12 ranges differ (12 blocks)
        Pass: 1
        Read option: roundrobin (default)
        Write option: parallel (default)
        State is kept: in memory only, lost at reboot
        Size: 129024 blocks (63 MB)
    $ metasync --repair=d12 -w d10
    d10: repair is started
    d10: 63 MB compared, 12 ranges differ (12 blocks), repaired
    $ metasync --check -w d10
    d10: check is started
    d10: 63 MB compared, no difference
    ");
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
    assert_snapshot!(shown(&mut env, &lines), @r"
    $ metasync --check -a -w
    d10: check is started
    d30: check is started
    d30: 63 MB compared, no difference
    err| metasync: d10: 1 range differs: blocks 100 to 107 (no majority)
    err| next: metasync --repair=<submirror> -w d10
    [exit status 1]
    $ metasync --repair=d11 -w d10
    d10: repair is started
    d10: 63 MB compared, 1 range differs (8 blocks), repaired
    $ metasync --check -a -w
    d10: check is started
    d10: 63 MB compared, no difference
    d30: check is started
    d30: 63 MB compared, no difference
    $ metasync --check -a
    d10: check is started
    d30: check is started
    ");
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
    ];
    assert_snapshot!(shown(&mut env, &lines), @r"
    $ metasync --check d20
    err| metasync: d20: has nothing to compare: two submirrors have to be in service, or all o\
    f RAID5
    err| next: metastat d20
    [exit status 1]
    $ metasync --check d11
    err| metasync: d11: is not a mirror
    err| next: metastat d11
    [exit status 1]
    $ metasync --check d99
    err| metasync: d99: does not exist
    err| next: metastat -c
    [exit status 1]
    $ metasync --check
    err| metasync: the following required arguments were not provided: <MIRROR>
    err| next: metasync --help
    [exit status 1]
    $ metasync --repair
    err| metasync: the following required arguments were not provided: <MIRROR>
    err| next: metasync --help
    [exit status 1]
    $ metasync --repair=d13 d10
    err| metasync: d13: is not in service, so that nothing of d10 can be repaired from it
    err| next: metastat d10
    [exit status 1]
    $ metasync --repair=d21 d10
    err| metasync: d21: is not a submirror of d10
    err| next: metastat d10
    [exit status 1]
    $ metasync --repair=sda d10
    err| metasync: sda: is not the name of a metadevice: those are d0 to d8191
    err| next: metasync --help
    [exit status 1]
    ");
}

#[test]
fn options_that_do_not_go_together_are_refused() {
    let mut env = three_sides();
    let lines = [
        "metasync --check --repair d10",
        "metasync --check -r",
        "metasync --check -a d10",
        "metasync -a",
        "metasync -c --repair d10",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metasync --check --repair d10
    err| metasync: the argument '--check' cannot be used with '--repair[=<SUBMIRROR>]'
    err| next: metasync --help
    [exit status 1]
    $ metasync --check -r
    err| metasync: the argument '--check' cannot be used with '-r'
    err| next: metasync --help
    [exit status 1]
    $ metasync --check -a d10
    err| metasync: the argument '-a' cannot be used with '[MIRROR]'
    err| next: metasync --help
    [exit status 1]
    $ metasync -a
    err| metasync: the following required arguments were not provided: --check
    err| next: metasync --help
    [exit status 1]
    $ metasync -c --repair d10
    err| metasync: the argument '-c' cannot be used with '--repair[=<SUBMIRROR>]'
    err| next: metasync --help
    [exit status 1]
    ");
}
