// SPDX-License-Identifier: GPL-2.0
//! `mdctl probe`: what udev and people are told of a device.

use crate::env::TestEnvironment;
use insta::assert_snapshot;

#[test]
fn help_page() {
    assert_snapshot!(TestEnvironment::new().run("mdctl probe --help"), @r"
    $ mdctl probe --help
    Say what a device has of a set.

    Usage: mdctl probe [OPTIONS] <DEVICE>

    Arguments:
      <DEVICE>  The device

    Options:
          --udev  As properties for udev; nothing if it has nothing
          --json  Answer in JSON, also errors; may stand anywhere on the line
      -h, --help  Print help
    ");
}

#[test]
fn a_member_is_described() {
    let mut env = TestEnvironment::new();
    env.label("/dev/sda", 1, 0x10, 2);
    let lines = [
        "mdctl probe /dev/sda",
        "mdctl probe --udev /dev/sda",
        "mdctl probe --json /dev/sda",
    ];
    assert_snapshot!(env.run_all(&lines), @r#"
    $ mdctl probe /dev/sda
    /dev/sda: set local 01010101-0101-0101-0101-010101010101, component 10101010-1010-1010-101\
    0-101010101010, 2 replicas
    $ mdctl probe --udev /dev/sda
    MD_RS_SET=01010101-0101-0101-0101-010101010101
    ID_FS_TYPE=md_rs_member
    ID_FS_USAGE=raid
    ID_FS_VERSION=1
    ID_FS_UUID=01010101-0101-0101-0101-010101010101
    ID_FS_UUID_ENC=01010101-0101-0101-0101-010101010101
    ID_FS_UUID_SUB=10101010-1010-1010-1010-101010101010
    ID_FS_LABEL=local
    ID_FS_LABEL_ENC=local
    $ mdctl probe --json /dev/sda
    {"version":1,"members":[{"device":"/dev/sda","set":"01010101-0101-0101-0101-010101010101",\
    "name":"local","component":"10101010-1010-1010-1010-101010101010","replicas":2}]}
    "#);
}

#[test]
fn others_are_not() {
    let mut env = TestEnvironment::new();
    let lines = [
        "mdctl probe /dev/sdb",
        "mdctl probe --udev /dev/sdb",
        "mdctl probe /dev/nothing",
        "mdctl probe --udev /dev/nothing",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ mdctl probe /dev/sdb
    err| mdctl probe: /dev/sdb: has nothing of a set
    err| next: mdctl scan
    [exit status 1]
    $ mdctl probe --udev /dev/sdb
    $ mdctl probe /dev/nothing
    err| mdctl probe: /dev/nothing: there is no such device
    err| next: lsblk
    [exit status 1]
    $ mdctl probe --udev /dev/nothing
    ");
}
