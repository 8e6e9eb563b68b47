// SPDX-License-Identifier: GPL-2.0
//! RAID5 metadevices: made, shown, and told what to do about.

use crate::env::TestEnvironment;
use insta::assert_snapshot;
use md_abi::admin::{
    ComponentState,
    LostRange,
    ResyncState,
    ScrubRange,
    UNIT_BLOCKED, //
};

/// Four disks, and a RAID5 metadevice over three of them.
fn with_raid() -> TestEnvironment {
    let mut env = TestEnvironment::new();
    let _ = env.run("metainit d20 -r sdb sdc sdd -i 64k");
    env
}

#[test]
fn one_is_made_and_shown() {
    let mut env = TestEnvironment::new();
    let lines = [
        "metainit -n d20 -r sdb sdc sdd",
        "metainit d20 -r sdb sdc sdd -i 64k",
        "metastat d20",
        "metastat -c",
        "metastat -p",
    ];
    assert_snapshot!(env.run_all(&lines));
}

#[test]
fn one_that_is_kept_has_its_parity() {
    let mut env = TestEnvironment::new();
    let lines = ["metainit d20 -r sdb sdc sdd -k", "metastat --json d20"];
    assert_snapshot!(env.run_all(&lines));
}

#[test]
fn what_cannot_be_is_refused() {
    let mut env = TestEnvironment::new();
    let lines = [
        "metainit d20 -r sdb sdc",
        "metainit d20 -r sdb sdc sdd -h hsp001",
        "metainit d20 -r sdb sdc sdd -o 2",
        "metainit d20 -r sdb sdc sdd -i 6k",
    ];
    assert_snapshot!(env.run_all(&lines));
}

/// The parity is made.
fn make(env: &mut TestEnvironment) {
    let unit = env.admin.summary_mut(20);
    (unit.flags, unit.resync) = (0, ResyncState::Idle as u32);
}

#[test]
fn one_has_a_pool_and_a_pace() {
    let mut env = with_raid();
    let lines = [
        "metadb -a -f /dev/sda",
        "metainit hsp001",
        "metaparam -h hsp001 d20",
        "metaparam --resync-floor 2000 --resync-latency 5ms d20",
        "metaparam -r first d20",
        "metaparam d20",
        "metastat d20",
        "metastat -p",
        "metaclear d20",
        "metainit d20 -r sdb sdc sdd -h hsp001 --resync-ceiling none --svm-rotation -k",
        "metastat d20",
        "metastat -p d20",
    ];
    assert_snapshot!(env.run_all(&lines));
}

#[test]
fn one_without_a_log_says_what_it_gives_up() {
    let mut env = TestEnvironment::new();
    let lines = [
        "metainit d20 -r sdb sdc sdd -k --no-log",
        "metastat d20",
        "metastat -p d20",
        "metastat --json d20",
    ];
    let mut text = env.run_all(&lines);
    env.admin.summary_mut(20).flags |= UNIT_BLOCKED;
    text += &env.run_all(&["metastat d20", "metastat --json d20"]);
    assert_snapshot!(text);
}

#[test]
fn what_is_made_pauses_and_goes_on() {
    let mut env = with_raid();
    let lines = [
        "metasync --pause d20",
        "metastat d20",
        "metasync d20",
        "metasync --resume d20",
        "metasync -c d20",
        "metastat d20",
        "metasync d20",
    ];
    assert_snapshot!(env.run_all(&lines));
}

#[test]
fn columns_are_attached() {
    let mut env = with_raid();
    let lines = ["metattach d20 sda"];
    assert_snapshot!(env.run_all(&lines));
    make(&mut env);
    let lines = [
        "metattach -i 64k d20 sda",
        "metattach -n d20 sda",
        "metattach d20 sda",
        "metastat d20",
        "metastat -p",
        "metastat --json d20",
    ];
    assert_snapshot!(env.run_all(&lines));
}

#[test]
fn rows_that_do_not_fit_are_named_and_repaired() {
    let mut env = with_raid();
    assert_snapshot!(env.run("metasync --check d20"));
    make(&mut env);
    for (sector, sectors) in [(130, 2), (250, 20)] {
        env.admin.plant(
            20,
            ScrubRange {
                sector,
                sectors,
                ..ScrubRange::default()
            },
        );
    }
    env.admin.scrub_step = u64::MAX / 2;
    let lines = [
        "metasync --check -w d20",
        "metastat d20",
        "metastat --json d20",
        "metasync --repair=d11 d20",
        "metasync --repair -w d20",
        "metasync --check -a -w",
        "metastat d20",
    ];
    assert_snapshot!(env.run_all(&lines));
}

#[test]
fn columns_out_of_service_say_what_to_type() {
    let mut env = with_raid();
    env.admin.component(20, 1).state = ComponentState::Maintenance as u32;
    env.admin.component(20, 2).state = ComponentState::LastErred as u32;
    let stuck = env.admin.summary_mut(20);
    (stuck.flags, stuck.resync) = (0, ResyncState::Idle as u32);
    assert_snapshot!(env.run("metastat d20"));
    env.admin.component(20, 1).state = ComponentState::Okay as u32;
    assert_snapshot!(env.run("metastat d20"));
    assert_snapshot!(env.run("metaparam d20"));
}

/// `DURABILITY.md` clause 16: what reads as an error is listed until it is rewritten.
#[test]
fn blocks_that_are_lost_are_listed() {
    let mut env = with_raid();
    let text = env.run("metastat d20").stdout;
    assert!(!text.contains("Lost"), "{text}");
    env.admin.summary_mut(20).lost_blocks = 3;
    let at = |sector, sectors| LostRange { sector, sectors };
    env.admin.lost = vec![at(64, 8), at(16, 8), at(24, 8)];
    let text = env.run("metastat d20").stdout;
    assert!(
        text.contains("Lost: 3 blocks of 4 KiB read as errors"),
        "{text}"
    );
    let ranges = "          blocks 16 to 31\n          blocks 64 to 71\n";
    assert!(text.contains(ranges), "{text}");
    let document = env.run("metastat --json d20").stdout;
    assert!(document.contains("\"lost_blocks\":3"), "{document}");
    let ranges = r#""lost":[{"start":8192,"size":8192},{"start":32768,"size":4096}]"#;
    assert!(document.contains(ranges), "{document}");
    env.admin.lost = (0..20).map(|number| at(number * 16, 8)).collect();
    let text = env.run("metastat d20").stdout;
    assert!(text.contains("and 4 more ranges"), "{text}");
}
