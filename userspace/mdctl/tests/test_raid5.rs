// SPDX-License-Identifier: GPL-2.0
//! RAID5 metadevices: made, shown, and told what to do about.

use crate::env::TestEnvironment;
use insta::assert_snapshot;
use md_abi::admin::{
    ComponentState,
    ResyncState, //
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
fn what_is_not_there_yet_is_refused() {
    let mut env = TestEnvironment::new();
    let lines = [
        "metainit d20 -r sdb sdc",
        "metainit d20 -r sdb sdc sdd -h hsp001",
        "metainit d20 -r sdb sdc sdd -o 2",
        "metainit d20 -r sdb sdc sdd -i 6k",
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
