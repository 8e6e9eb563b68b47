// SPDX-License-Identifier: GPL-2.0
//! `mdctl stop`: all metadevices go, or none.

use crate::env::TestEnvironment;
use insta::assert_snapshot;

#[test]
fn help_page() {
    assert_snapshot!(TestEnvironment::new().run("mdctl stop --help"), @r"
    $ mdctl stop --help
    Stop the set: its metadevices go, and their state stays in the state database.

    A set of which a metadevice is open is not stopped.

    Usage: mdctl stop [OPTIONS]

    Options:
          --json  Answer in JSON, also errors; may stand anywhere on the line
      -h, --help  Print help
    ");
}

#[test]
fn a_set_in_use_is_not_stopped() {
    let mut env = TestEnvironment::new();
    assert_snapshot!(env.run("mdctl stop"), @r"
    $ mdctl stop
    err| mdctl stop: /dev/md/admin: there is no state database
    err| next: metadb -a -f DEVICE
    [exit status 1]
    ");
    env.setup("metadb -a -f /dev/sda");
    env.setup("metainit d1 1 1 sda");
    env.admin.open_unit(1, 1);
    assert_snapshot!(env.run("mdctl stop"), @r"
    $ mdctl stop
    err| mdctl stop: /dev/md/admin: d1 is open
    err| next: lsblk /dev/md/dsk/d1
    [exit status 1]
    ");
    env.admin.open_unit(1, 0);
    assert_snapshot!(env.run_all(&["mdctl stop", "metastat"]), @r"
    $ mdctl stop
    1 metadevices stopped
    $ metastat
    ");
}
