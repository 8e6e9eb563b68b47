// SPDX-License-Identifier: GPL-2.0
//! `mdctl mhd`: disks that several hosts can reach.

use crate::env::TestEnvironment;
use insta::assert_snapshot;
use md_abi::admin as abi;
use rustix::fs::makedev;

/// Number of `/dev/sda`.
const SDA: (u32, u32) = (8, 0);

/// A machine, and the number of its first disk.
fn machine() -> (TestEnvironment, u64) {
    (TestEnvironment::new(), makedev(SDA.0, SDA.1))
}

#[test]
fn help_page() {
    assert_snapshot!(TestEnvironment::new().run("mdctl mhd --help"), @r"");
}

#[test]
fn a_disk_is_taken_watched_and_given_up() {
    let (mut env, sda) = machine();
    env.admin.multihost_disk(sda).is_taken = true;
    assert_snapshot!(env.run_all(&[
        "mdctl mhd status /dev/sda",
        "mdctl mhd quick-reserve /dev/sda",
        "mdctl mhd take /dev/sda",
        "mdctl mhd failfast /dev/sda 1000",
        "mdctl mhd action /dev/sda fence",
        "mdctl mhd status /dev/sda",
        "mdctl mhd failfast /dev/sda off",
        "mdctl mhd release /dev/sda",
        "mdctl mhd status /dev/sda",
    ]), @r"");
}

#[test]
fn keys_and_persistent_reservations() {
    let mut env = TestEnvironment::new();
    assert_snapshot!(env.run_all(&[
        "mdctl mhd keys /dev/sda",
        "mdctl mhd register /dev/sda --new-key a1",
        "mdctl mhd register /dev/sda --new-key 0xb2 --ignore --aptpl",
        "mdctl mhd keys /dev/sda",
        "mdctl mhd reserve /dev/sda --key a1 --type 5",
        "mdctl mhd reservation /dev/sda",
        "mdctl mhd preempt /dev/sda --key b2 --victim a1 --type exclusive-access --abort",
        "mdctl mhd reservation /dev/sda",
        "mdctl mhd register /dev/sda --key a1 --new-key 0",
        "mdctl mhd clear /dev/sda --key b2",
        "mdctl mhd reservation /dev/sda",
    ]), @r"");
}

#[test]
fn scripts_get_everything() {
    let (mut env, sda) = machine();
    env.setup("mdctl mhd take /dev/sda");
    env.setup("mdctl mhd failfast /dev/sda 500");
    env.admin.multihost_disk(sda).state = abi::MULTIHOST_LOST | abi::MULTIHOST_FENCED;
    assert_snapshot!(env.run_all(&[
        "mdctl mhd status /dev/sda --json",
        "mdctl mhd keys /dev/sdb --json",
    ]), @r#""#);
}

#[test]
fn what_is_so_is_shown() {
    let (mut env, sda) = machine();
    for state in [
        abi::MULTIHOST_LOST | abi::MULTIHOST_LOST_BY_IO | abi::MULTIHOST_FENCED,
        abi::MULTIHOST_STALLED | abi::MULTIHOST_REINSTATING,
        abi::MULTIHOST_GONE | abi::MULTIHOST_REGISTERED,
    ] {
        env.admin.multihost_disk(sda).state = state;
        let shown = env.run("mdctl mhd status /dev/sda").stdout;
        assert!(shown.contains("State: "), "{shown}");
    }
    assert_snapshot!(env.run("mdctl mhd status /dev/sda"), @r"");
}

#[test]
fn refusals_say_what_to_type_next() {
    let (mut env, sda) = machine();
    env.admin.multihost_disk(sda).is_plain = true;
    env.setup("mdctl mhd take /dev/sdb");
    assert_snapshot!(env.run_all(&[
        "mdctl mhd take /dev/sda",
        "mdctl mhd status /dev/sda",
        "mdctl mhd register /dev/sdb --new-key 1",
        "mdctl mhd take /dev/nothing",
        "mdctl mhd failfast /dev/sda soon",
        "mdctl mhd register /dev/sda --new-key hello",
        "mdctl mhd reserve /dev/sda --key 1 --type 2",
        "mdctl mhd",
    ]), @r"");
}
