// SPDX-License-Identifier: GPL-2.0
//! `mdctl start`: the kernel is given the devices that have something of a set.

use crate::env::TestEnvironment;
use insta::assert_snapshot;

#[test]
fn help_page() {
    assert_snapshot!(TestEnvironment::new().run("mdctl start --help"), @r"
    $ mdctl start --help
    Start the set whose replicas are on this machine's disks: its metadevices are there then.

    It starts for writing if more than half of the voting replicas are there, or exactly half \
    and a
    tie-breaker that agrees with them. Else what is there may be old: --read-only shows it, an\
    d
    --give-up-missing makes it the truth.

    Usage: mdctl start [OPTIONS] [SET]

    Arguments:
      [SET]  Uuid of the set, if there are several; 'mdctl scan' shows them

    Options:
          --read-only        Where it cannot be started for writing, start it to read
          --give-up-missing  Replicas that are not there are gone for ever: start for writing \
    without them, with what is there. Changes that only they knew of are lost. All of each mir\
    ror is copied from its first side that is not known to have failed, which may have failed \
    since: look at it with --read-only first
          --when-complete    Only if all of its replicas and components are there; if not, or \
    if there is nothing to start, that is no error. For udev, which calls this for every devic\
    e that appears
          --at-last          With what is there: for writing where that is enough, else to rea\
    d; if it is started already, or no replica is there, that is no error. For the boot, which\
     has waited long enough
          --json             Answer in JSON, also errors; may stand anywhere on the line
      -h, --help             Print help
    ");
}

/// A set that was stopped, with a replica on each of three disks.
fn stopped() -> TestEnvironment {
    TestEnvironment::with(&[
        "metadb -a -f /dev/sda /dev/sdb /dev/sdc",
        "metainit d1 1 1 sda",
        "mdctl stop",
    ])
}

#[test]
fn a_set_starts_from_the_disks_that_are_labelled() {
    let mut env = stopped();
    assert_snapshot!(env.run("mdctl start"), @r"
    $ mdctl start
    err| mdctl start: /dev/md/admin: no state database was found
    err| next: mdctl scan
    [exit status 1]
    ");
    env.label("/dev/sda", 1, 0x10, 1);
    assert_snapshot!(env.run("mdctl start"), @r"
    $ mdctl start
    err| mdctl start: /dev/md/admin: 1 of 3 voting replicas are there, and what the others hav\
    e may be newer
    err| next: mdctl start --read-only
    [exit status 1]
    ");
    env.label("/dev/sdc", 1, 0x20, 1);
    assert_snapshot!(env.run_all(&["mdctl start", "metastat -p", "mdctl start"]), @r"
    $ mdctl start
    set 5e5e5e5e-5e5e-5e5e-5e5e-5e5e5e5e5e5e: 1 metadevices started
    $ metastat -p
    d1 1 1 /dev/sda
    $ mdctl start
    err| mdctl start: /dev/md/admin: a state database is in use already
    err| next: metadb -i
    [exit status 1]
    ");
}

/// DURABILITY 2: without enough replicas nothing is written, unless the administrator says that
/// the others are gone for ever.
#[test]
fn what_is_missing_can_be_given_up() {
    let mut env = stopped();
    env.label("/dev/sda", 1, 0x10, 1);
    let lines = [
        "mdctl start --read-only",
        "metadb -i",
        "mdctl stop",
        "mdctl start --read-only --give-up-missing",
        "mdctl start --give-up-missing",
        "metadb",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ mdctl start --read-only
    set 5e5e5e5e-5e5e-5e5e-5e5e-5e5e5e5e5e5e: 1 metadevices started, READ-ONLY
    The set is read-only: too few of its voting replicas can be written, and what the others
    have may be newer. When the disks that are missing or broken are back, type
        mdctl stop && mdctl start
    If they are gone for ever, type this; changes that only they knew of are lost then:
        mdctl stop && mdctl start --give-up-missing
    $ metadb -i
    set local (5e5e5e5e-5e5e-5e5e-5e5e-5e5e5e5e5e5e), commit 2.7, READ-ONLY: too few replicas
            flags           first blk       block count
            au              256             1536            /dev/sda
                W           256             1536            missing 15151515-1515-1515-1515-15\
    1515151515
                W           256             1536            missing 15151515-1515-1515-1515-15\
    1515151515
     a - replica is active, commits are written to it
     u - replica is up to date
     t - replica is the tie-breaker
     b - replica is being written
     W - replica has device write errors, or is missing
     In SVM t and b mean something else; its m, l, o, p, c, r, R, S, F, D, M and B are not use\
    d: no
     replica is the master one, all are read at a start, and 'mdctl dump DEVICE' tells what is\
     damaged.
    The set is read-only: too few of its voting replicas can be written, and what the others
    have may be newer. When the disks that are missing or broken are back, type
        mdctl stop && mdctl start
    If they are gone for ever, type this; changes that only they knew of are lost then:
        mdctl stop && mdctl start --give-up-missing
    $ mdctl stop
    1 metadevices stopped
    $ mdctl start --read-only --give-up-missing
    err| mdctl start: the argument '--read-only' cannot be used with '--give-up-missing'
    err| next: mdctl start --help
    [exit status 1]
    $ mdctl start --give-up-missing
    set 5e5e5e5e-5e5e-5e5e-5e5e-5e5e5e5e5e5e: 1 metadevices started
    $ metadb
    set local (5e5e5e5e-5e5e-5e5e-5e5e-5e5e5e5e5e5e), commit 2.7
            flags           first blk       block count
            au              256             1536            /dev/sda
    ");
}

/// The boot has waited long enough: what is there is started, and a label that was left behind by a
/// set that is no more is no failure.
#[test]
fn at_last_a_set_is_started_with_what_is_there() {
    let mut env = stopped();
    let line = "mdctl start --at-last";
    let mut said = env.run(line).to_string();
    env.label("/dev/sda", 1, 0x10, 1);
    said += &env.run_all(&[line, line]);
    assert_snapshot!(said, @r"
    $ mdctl start --at-last
    no replica of a state database was found: nothing is started
    $ mdctl start --at-last
    set 5e5e5e5e-5e5e-5e5e-5e5e-5e5e5e5e5e5e: 1 metadevices started, READ-ONLY
    The set is read-only: too few of its voting replicas can be written, and what the others
    have may be newer. When the disks that are missing or broken are back, type
        mdctl stop && mdctl start
    If they are gone for ever, type this; changes that only they knew of are lost then:
        mdctl stop && mdctl start --give-up-missing
    $ mdctl start --at-last
    ");
}

/// For udev: whatever appears, nothing is an error as long as something is missing.
#[test]
fn a_set_is_started_when_it_is_complete() {
    let mut env = stopped();
    let line = "mdctl start --when-complete";
    let mut said = env.run(line).to_string();
    env.label("/dev/sda", 1, 0x10, 1);
    env.label("/dev/sdb", 1, 0x20, 1);
    said += &env.run(line).to_string();
    assert!(env.exists("run/md_rs/waiting"));
    env.label("/dev/sdc", 1, 0x30, 1);
    said += &env.run_all(&[line, line]);
    assert!(!env.exists("run/md_rs/waiting"));
    assert_snapshot!(said, @r"
    $ mdctl start --when-complete
    $ mdctl start --when-complete
    $ mdctl start --when-complete
    set 5e5e5e5e-5e5e-5e5e-5e5e-5e5e5e5e5e5e: 1 metadevices started
    $ mdctl start --when-complete
    ");
}

#[test]
fn a_set_is_named_by_its_uuid() {
    let mut env = stopped();
    env.label("/dev/sda", 1, 0x10, 1);
    env.label("/dev/sdb", 1, 0x20, 1);
    let lines = [
        "mdctl start local",
        "mdctl start 5e5e5e5e-5e5e-5e5e-5e5e-5e5e5e5e5e5e",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ mdctl start local
    err| mdctl start: local: is no uuid of a set
    err| next: mdctl start --help
    [exit status 1]
    $ mdctl start 5e5e5e5e-5e5e-5e5e-5e5e-5e5e5e5e5e5e
    set 5e5e5e5e-5e5e-5e5e-5e5e-5e5e5e5e5e5e: 1 metadevices started
    ");
}
