// SPDX-License-Identifier: GPL-2.0
//! `mdctl scan`: what is written on the devices of the machine.

use crate::env::TestEnvironment;
use insta::assert_snapshot;

#[test]
fn help_page() {
    assert_snapshot!(TestEnvironment::new().run("mdctl scan --help"), @r"
    $ mdctl scan --help
    Show the devices on which sets have replicas and components.

    Usage: mdctl scan [OPTIONS]

    Options:
          --json  Answer in JSON, also errors; may stand anywhere on the line
      -h, --help  Print help
    ");
}

#[test]
fn members_of_sets_are_found_by_what_is_on_them() {
    let mut env = TestEnvironment::new();
    env.label("/dev/sda", 1, 0x10, 1);
    env.label("/dev/sdb", 1, 0x20, 0);
    env.label("/dev/sdd", 2, 0x30, 3);
    assert_snapshot!(env.run_all(&["mdctl scan", "mdctl scan --json"]), @r#"
    $ mdctl scan
    /dev/sda: set local 01010101-0101-0101-0101-010101010101, component 10101010-1010-1010-101\
    0-101010101010, 1 replica
    /dev/sdb: set local 01010101-0101-0101-0101-010101010101, component 20202020-2020-2020-202\
    0-202020202020
    /dev/sdd: set local 02020202-0202-0202-0202-020202020202, component 30303030-3030-3030-303\
    0-303030303030, 3 replicas
    $ mdctl scan --json
    {"version":1,"members":[{"device":"/dev/sda","set":"01010101-0101-0101-0101-010101010101",\
    "name":"local","component":"10101010-1010-1010-1010-101010101010","replicas":1},{"device":\
    "/dev/sdb","set":"01010101-0101-0101-0101-010101010101","name":"local","component":"202020\
    20-2020-2020-2020-202020202020","replicas":0},{"device":"/dev/sdd","set":"02020202-0202-02\
    02-0202-020202020202","name":"local","component":"30303030-3030-3030-3030-303030303030","r\
    eplicas":3}]}
    "#);
}
