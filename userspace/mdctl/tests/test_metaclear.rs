// SPDX-License-Identifier: GPL-2.0
//! `metaclear`

use crate::env::TestEnvironment;
use insta::assert_snapshot;

/// A machine with `d1`, `d2` and `d3`.
fn with_metadevices() -> TestEnvironment {
    let mut env = TestEnvironment::new();
    for (name, disk) in [("d1", "sda"), ("d2", "sdb"), ("d3", "sdc")] {
        env.setup(&format!("metainit {name} 1 1 {disk}"));
    }
    env
}

#[test]
fn help_page() {
    assert_snapshot!(TestEnvironment::new().run("metaclear --help"), @r"
    $ metaclear --help
    Clear metadevices and hot spare pools.

    A metadevice that is open, for instance mounted, is not cleared, nor is one that is a comp\
    onent
    of another. The first one that cannot be cleared ends the command; those before it are gon\
    e
    then. What is on the components stays there, so that the same metainit brings it back. But\
     with
    a mirror goes the knowledge which of its submirrors are whole, so that one that needs
    maintenance is cleared by force only; and with a soft partition go its watermarks, so that\
     its
    place is free.

    Usage: metaclear [OPTIONS] [NAME]...

    Arguments:
      [NAME]...  Metadevices to clear, such as d10, and hot spare pools that are empty, such a\
    s hsp001

    Options:
      -a          All metadevices
      -r          After each metadevice also those that were its components, and so on
      -f          Also mirrors of which a submirror needs maintenance, and soft partitions who\
    se watermarks cannot be written; one that is open is never cleared
      -p <BASE>   All soft partitions on this device or metadevice
          --json  Answer in JSON, also errors; may stand anywhere on the line
      -h, --help  Print help
    ");
}

#[test]
fn the_named_ones_are_cleared() {
    let mut env = with_metadevices();
    let transcript = env.run_all(&["metaclear d1 d3", "metaclear --json d2", "metastat"]);
    assert_snapshot!(transcript, @r#"
    $ metaclear d1 d3
    d1: Concat/Stripe is cleared
    d3: Concat/Stripe is cleared
    $ metaclear --json d2
    {"version":1,"cleared":["d2"]}
    $ metastat
    "#);
}

#[test]
fn all_are_cleared() {
    let mut env = with_metadevices();
    assert_snapshot!(env.run_all(&["metaclear -a", "metaclear -a", "metaclear -a --json"]), @r#"
    $ metaclear -a
    d1: Concat/Stripe is cleared
    d2: Concat/Stripe is cleared
    d3: Concat/Stripe is cleared
    $ metaclear -a
    $ metaclear -a --json
    {"version":1,"cleared":[]}
    "#);
    assert_eq!(env.admin.unit_count(), 0);
}

#[test]
fn names_or_all_but_not_both_or_none() {
    let mut env = with_metadevices();
    let lines = [
        "metaclear",
        "metaclear -a d1",
        "metaclear -a -r",
        "metaclear -r",
        "metaclear sda",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metaclear
    err| metaclear: the following required arguments were not provided: <NAME>...
    err| next: metaclear --help
    [exit status 1]
    $ metaclear -a d1
    err| metaclear: the argument '-a' cannot be used with '[NAME]...'
    err| next: metaclear --help
    [exit status 1]
    $ metaclear -a -r
    err| metaclear: the argument '-a' cannot be used with '-r'
    err| next: metaclear --help
    [exit status 1]
    $ metaclear -r
    err| metaclear: the following required arguments were not provided: <NAME>...
    err| next: metaclear --help
    [exit status 1]
    $ metaclear sda
    err| metaclear: sda: is not the name of a metadevice: those are d0 to d8191
    err| next: metaclear --help
    [exit status 1]
    ");
    assert_eq!(env.admin.unit_count(), 3);
}

#[test]
fn an_error_tells_what_was_cleared_before_it() {
    let mut env = with_metadevices();
    assert_snapshot!(env.run("metaclear d1 d4 d2"), @r"
    $ metaclear d1 d4 d2
    d1: Concat/Stripe is cleared
    err| metaclear: d4: does not exist
    err| next: metastat -c
    [exit status 1]
    ");
    assert_snapshot!(env.run("metaclear --json d2 d4 d3"), @r#"
    $ metaclear --json d2 d4 d3
    {"version":1,"cleared":["d2"],"error":{"command":"metaclear","device":"d4","reason":"does \
    not exist","next":"metastat -c"}}
    [exit status 1]
    "#);
    assert_eq!(env.admin.unit_count(), 1);
}

#[test]
fn a_metadevice_that_is_mounted_is_named_with_its_place() {
    let mut env = with_metadevices();
    env.admin.open_unit(2, 1);
    env.append(
        "proc/self/mountinfo",
        "30 1 252:2 / /srv rw - ext4 /dev/md/dsk/d2 rw",
    );
    assert_snapshot!(env.run("metaclear -a"), @r"
    $ metaclear -a
    d1: Concat/Stripe is cleared
    err| metaclear: d2: is mounted on /srv
    err| next: umount /srv
    [exit status 1]
    ");
    assert_eq!(env.admin.unit_count(), 2);
}

#[test]
fn a_metadevice_that_is_open_for_unknown_reasons_is_refused_too() {
    let mut env = with_metadevices();
    env.admin.open_unit(2, 3);
    assert_snapshot!(env.run("metaclear d2"), @r"
    $ metaclear d2
    err| metaclear: d2: is open (open count 3)
    err| next: lsblk /dev/md/dsk/d2
    [exit status 1]
    ");
    env.remove("proc");
    assert_snapshot!(env.run("metaclear d2"), @r"
    $ metaclear d2
    err| metaclear: d2: is open (open count 3)
    err| next: lsblk /dev/md/dsk/d2
    [exit status 1]
    ");
}

/// A machine with `d1` and `d2`, `d10` made of these, `d20` made of that, and `d3`.
fn with_components() -> TestEnvironment {
    let mut env = with_metadevices();
    env.setup("metainit d10 1 2 d1 d2");
    env.setup("metainit d20 1 1 d10");
    env
}

#[test]
fn a_part_of_another_metadevice_is_refused() {
    let mut env = with_components();
    let transcript = env.run_all(&[
        "metaclear d1",
        "metaclear -f d10",
        "metaclear -r d10",
        "metaclear --json d3 d1",
    ]);
    assert_snapshot!(transcript, @r#"
    $ metaclear d1
    err| metaclear: d1: is part of the metadevice d10
    err| next: metaclear d10
    [exit status 1]
    $ metaclear -f d10
    err| metaclear: d10: is part of the metadevice d20
    err| next: metaclear d20
    [exit status 1]
    $ metaclear -r d10
    err| metaclear: d10: is part of the metadevice d20
    err| next: metaclear d20
    [exit status 1]
    $ metaclear --json d3 d1
    {"version":1,"cleared":["d3"],"error":{"command":"metaclear","device":"d1","reason":"is pa\
    rt of the metadevice d10","next":"metaclear d10"}}
    [exit status 1]
    "#);
    assert_eq!(env.admin.unit_count(), 4);
}

#[test]
fn all_are_cleared_parents_first() {
    let mut env = with_components();
    assert_snapshot!(env.run("metaclear -a"), @r"
    $ metaclear -a
    d3: Concat/Stripe is cleared
    d20: Concat/Stripe is cleared
    d10: Concat/Stripe is cleared
    d1: Concat/Stripe is cleared
    d2: Concat/Stripe is cleared
    ");
    assert_eq!(env.admin.unit_count(), 0);
}

#[test]
fn components_are_cleared_on_demand() {
    let mut env = with_components();
    assert_snapshot!(env.run_all(&["metaclear -r d20 d3", "metastat"]), @r"
    $ metaclear -r d20 d3
    d20: Concat/Stripe is cleared
    d10: Concat/Stripe is cleared
    d1: Concat/Stripe is cleared
    d2: Concat/Stripe is cleared
    d3: Concat/Stripe is cleared
    $ metastat
    ");
    let mut env = with_components();
    assert_snapshot!(env.run("metaclear d20"), @r"
    $ metaclear d20
    d20: Concat/Stripe is cleared
    ");
    assert_snapshot!(env.run("metaclear --json -r d10 d1"), @r#"
    $ metaclear --json -r d10 d1
    {"version":1,"cleared":["d10","d1","d2"]}
    "#);
}

/// What is open stops the rest, and what was cleared before stays so.
#[test]
fn recursion_ends_at_what_is_open() {
    let mut env = with_components();
    env.admin.open_unit(1, 1);
    assert_snapshot!(env.run("metaclear -r d20"), @r"
    $ metaclear -r d20
    d20: Concat/Stripe is cleared
    d10: Concat/Stripe is cleared
    err| metaclear: d1: is open (open count 1)
    err| next: lsblk /dev/md/dsk/d1
    [exit status 1]
    ");
}

/// In SVM it is for metadevices with components in error, which a stripe does not have.
#[test]
fn force_changes_nothing_for_stripes() {
    let mut env = with_metadevices();
    env.admin.open_unit(2, 1);
    assert_snapshot!(env.run_all(&["metaclear -f d1", "metaclear -f d2", "metaclear -a -f"]), @r"
    $ metaclear -f d1
    d1: Concat/Stripe is cleared
    $ metaclear -f d2
    err| metaclear: d2: is open (open count 1)
    err| next: lsblk /dev/md/dsk/d2
    [exit status 1]
    $ metaclear -a -f
    err| metaclear: d2: is open (open count 1)
    err| next: lsblk /dev/md/dsk/d2
    [exit status 1]
    ");
}
