// SPDX-License-Identifier: GPL-2.0
//! `mdctl import`: what a description says is made, or nothing of it.

use crate::{
    env::TestEnvironment,
    test_export::mirrored, //
};
use insta::assert_snapshot;

/// A machine with a description.
fn with_file(text: &str) -> TestEnvironment {
    let env = TestEnvironment::new();
    env.write("srv/set.md", text);
    env
}

#[test]
fn help_page() {
    assert_snapshot!(TestEnvironment::new().run("mdctl import --help"), @r"
    $ mdctl import --help
    Make the metadevices of a description, as 'mdctl export' prints it.

    They are made in the way of metainit, those first that are parts of others. If a line cann\
    ot be
    read, or a metadevice exists already, none is made. Components that carry a file system or\
     the
    like are refused, as metainit refuses them. Replicas of the state database are made by met\
    adb.

    Usage: mdctl import [OPTIONS] <FILE>

    Arguments:
      <FILE>  The description

    Options:
      -f                  Also over components that carry a file system or the like, but not o\
    ver one in use
      -n                  Check only, make nothing
          --assume-clean  The submirrors of mirrors are equal already, as they are on the disk\
    s of the set that was exported: no resync. Else they are made equal to the first one
          --json          Answer in JSON, also errors; may stand anywhere on the line
      -h, --help          Print help

    Examples:
      mdctl import -n set.md              See whether it could be made
      mdctl import set.md
      ssh host mdctl export | mdctl import /dev/stdin
    ");
}

#[test]
fn what_is_exported_is_imported_and_exported_again() {
    let mut env = mirrored();
    let description = env.run("mdctl export").stdout;
    let before = env.run("metastat --json").json();
    env.write("srv/set.md", &description);
    env.setup("metaclear -a");
    assert_snapshot!(env.run_all(&["mdctl import -n /srv/set.md", "metastat -p"]), @r"
    $ mdctl import -n /srv/set.md
    d11: Concat/Stripe would be setup
    d12: Concat/Stripe would be setup
    d10: Mirror would be setup
    $ metastat -p
    ");
    assert_eq!(env.admin.unit_count(), 0);
    assert_snapshot!(env.run("mdctl import /srv/set.md"), @r"
    $ mdctl import /srv/set.md
    d11: Concat/Stripe is setup
    d12: Concat/Stripe is setup
    d10: Mirror is setup
    d10: d12 is being made equal to d11
    ");
    assert_eq!(env.run("mdctl export").stdout, description);
    assert_eq!(env.run("metastat --json").json(), before);
}

#[test]
fn what_exists_is_refused_and_nothing_is_made() {
    let mut env = with_file("d1 1 1 sda\nd2 1 1 sdb\n");
    env.setup("metainit d2 1 1 sdc");
    assert_snapshot!(env.run_all(&["mdctl import /srv/set.md", "metastat -p"]), @r"
    $ mdctl import /srv/set.md
    err| mdctl import: /srv/set.md:2: d2: exists already
    err| next: metastat d2
    err| mdctl import: /srv/set.md: 1 of its lines cannot be carried out, so that none was
    err| next: metastat -p
    [exit status 1]
    $ metastat -p
    d2 1 1 /dev/sdc
    ");
}

#[test]
fn lines_that_cannot_be_carried_out_are_all_told() {
    let mut env = with_file(
        "d1 1 1 sda\nd2 1 2 sdb\nd3 1 1 sda\nd4 1 1 d5\nd5 1 1 d4\nd1 1 1 sdd\nmddb01 sdc\n",
    );
    let lines = [
        "mdctl import /srv/set.md",
        "mdctl import --json /srv/set.md",
    ];
    assert_snapshot!(env.run_all(&lines), @r#"
    $ mdctl import /srv/set.md
    err| mdctl import: /srv/set.md:2: d2: row 0 has width 2, but only 1 components
    err|     d2 1 2 sdb
    err|                ^
    err| next: mdctl import --help
    err| mdctl import: /srv/set.md:6: d1: "d1" stands in line 1 already
    err|     d1 1 1 sdd
    err|     ^^
    err| next: mdctl import --help
    err| mdctl import: /srv/set.md:7: mddb01: "mddb01" names replicas of the state database, w\
    hich metadb makes
    err|     mddb01 sdc
    err|     ^^^^^^
    err| next: mdctl import --help
    err| mdctl import: /srv/set.md:3: d3: /dev/sda: is a component in line 1 already
    err| next: mdctl import --help
    err| mdctl import: /srv/set.md:4: d4: would be a part of itself
    err| next: mdctl import --help
    err| mdctl import: /srv/set.md: 5 of its lines cannot be carried out, so that none was
    err| next: metastat -p
    [exit status 1]
    $ mdctl import --json /srv/set.md
    {"version":1,"failed":[{"command":"mdctl import","device":"d2","reason":"row 0 has width 2\
    , but only 1 components","next":"mdctl import --help","entry":{"file":"/srv/set.md","line"\
    :2,"name":"d2"}},{"command":"mdctl import","device":null,"reason":"\"d1\" stands in line 1\
     already","next":"mdctl import --help","entry":{"file":"/srv/set.md","line":6,"name":"d1"}\
    },{"command":"mdctl import","device":null,"reason":"\"mddb01\" names replicas of the state\
     database, which metadb makes","next":"mdctl import --help","entry":{"file":"/srv/set.md",\
    "line":7,"name":"mddb01"}},{"command":"mdctl import","device":"/dev/sda","reason":"is a co\
    mponent in line 1 already","next":"mdctl import --help","entry":{"file":"/srv/set.md","lin\
    e":3,"name":"d3"}},{"command":"mdctl import","device":"d4","reason":"would be a part of it\
    self","next":"mdctl import --help","entry":{"file":"/srv/set.md","line":4,"name":"d4"}}],"\
    error":{"command":"mdctl import","device":"/srv/set.md","reason":"5 of its lines cannot be\
     carried out, so that none was","next":"metastat -p"}}
    [exit status 1]
    "#);
    assert_eq!(env.admin.unit_count(), 0);
}

/// What `metainit` would not overwrite is not overwritten here either.
#[test]
fn data_is_refused_as_metainit_refuses_it() {
    let mut env = with_file("d0 1 1 d1\nd1 1 1 sda\nd2 1 1 sdb\n");
    env.mkfs("/dev/sda");
    let lines = [
        "mdctl import -n /srv/set.md",
        "mdctl import /srv/set.md",
        "mdctl import -f -n /srv/set.md",
        "mdctl import -f /srv/set.md",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ mdctl import -n /srv/set.md
    err| mdctl import: /srv/set.md:2: d1: /dev/sda: carries an ext4 file system (label web), w\
    hich would be lost (--keep-data would keep it)
    err| next: mdctl import -f -n /srv/set.md
    err| mdctl import: /srv/set.md: not all of its metadevices could be made
    err| next: metainit -n -a -T /srv/set.md
    [exit status 1]
    $ mdctl import /srv/set.md
    err| mdctl import: /srv/set.md:2: d1: /dev/sda: carries an ext4 file system (label web), w\
    hich would be lost (--keep-data would keep it)
    err| next: mdctl import -f /srv/set.md
    err| mdctl import: /srv/set.md: 3 of its metadevices are not made
    err| next: metainit -a -T /srv/set.md
    [exit status 1]
    $ mdctl import -f -n /srv/set.md
    d1: Concat/Stripe would be setup
    d0: Concat/Stripe would be setup
    d2: Concat/Stripe would be setup
    $ mdctl import -f /srv/set.md
    d1: Concat/Stripe is setup
    d0: Concat/Stripe is setup
    d2: Concat/Stripe is setup
    ");
}

#[test]
fn the_first_failure_ends_it() {
    let mut env = with_file("d1 1 1 sda\nd2 1 1 sdx\nd3 1 1 sdc\n");
    assert_snapshot!(env.run_all(&["mdctl import /srv/set.md", "metastat -p"]), @r"
    $ mdctl import /srv/set.md
    d1: Concat/Stripe is setup
    err| mdctl import: /srv/set.md:2: d2: /dev/sdx: there is no such device
    err| next: lsblk
    err| mdctl import: /srv/set.md: 2 of its metadevices are not made
    err| next: metainit -a -T /srv/set.md
    [exit status 1]
    $ metastat -p
    d1 1 1 /dev/sda
    ");
}

/// A check cannot ask the kernel about a metadevice over others that are not made yet; devices are
/// looked at all the same.
#[test]
fn a_check_looks_at_the_devices_of_parents() {
    let mut env = with_file("d1 2 1 d2 1 sdb\nd2 1 1 sda\n");
    env.mkfs("/dev/sdb");
    assert_snapshot!(env.run("mdctl import -n /srv/set.md"), @r"
    $ mdctl import -n /srv/set.md
    d2: Concat/Stripe would be setup
    err| mdctl import: /srv/set.md:1: d1: /dev/sdb: carries an ext4 file system (label web), w\
    hich would be lost
    err| next: mdctl import -f -n /srv/set.md
    err| mdctl import: /srv/set.md: not all of its metadevices could be made
    err| next: metainit -n -a -T /srv/set.md
    [exit status 1]
    ");
    let mut env = with_file("d1 2 1 d2 1 sdx\nd2 1 1 sda\n");
    assert_snapshot!(env.run("mdctl import -n /srv/set.md"), @r"
    $ mdctl import -n /srv/set.md
    d2: Concat/Stripe would be setup
    err| mdctl import: /srv/set.md:1: d1: /dev/sdx: there is no such device
    err| next: lsblk
    err| mdctl import: /srv/set.md: not all of its metadevices could be made
    err| next: metainit -n -a -T /srv/set.md
    [exit status 1]
    ");
    let document = env.run("mdctl import -n --json /srv/set.md").json();
    assert_eq!(document["checked"], serde_json::json!(["d2"]));
}

#[test]
fn a_file_that_is_not_there_is_an_error() {
    assert_snapshot!(TestEnvironment::new().run("mdctl import /srv/set.md"), @r"
    $ mdctl import /srv/set.md
    err| mdctl import: /srv/set.md: there is no such file
    err| next: mdctl import --help
    [exit status 1]
    ");
}
