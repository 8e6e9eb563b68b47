// SPDX-License-Identifier: GPL-2.0
//! `metainit` and `metaclear` for mirrors (`svm.md` sections 4.2 and 10).

use crate::env::TestEnvironment;
use insta::assert_snapshot;
use md_abi::admin::ComponentState;

/// A machine with `d11`, `d12`, `d13` and `d14`, one to a disk.
fn with_sides() -> TestEnvironment {
    TestEnvironment::with(&[
        "metainit d11 1 1 sda",
        "metainit d12 1 1 sdb",
        "metainit d13 1 1 sdc",
        "metainit d14 1 1 sdd",
    ])
}

#[test]
fn a_mirror_is_made_of_one_submirror_without_a_warning() {
    let mut env = with_sides();
    let lines = [
        "metainit -n d10 -m d11",
        "metainit d10 -m d11",
        "metainit d20 -m /dev/md/dsk/d12 -r -S 0",
        "metainit d30 -m md/dsk/d13 -g",
        "metastat -p",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metainit -n d10 -m d11
    d10: Mirror would be setup
    $ metainit d10 -m d11
    d10: Mirror is setup
    $ metainit d20 -m /dev/md/dsk/d12 -r -S 0
    d20: Mirror is setup
    $ metainit d30 -m md/dsk/d13 -g
    d30: Mirror is setup
    $ metastat -p
    d10 -m d11 1
    d11 1 1 /dev/sda
    d20 -m d12 -r -S 0
    d12 1 1 /dev/sdb
    d30 -m d13 -g 1
    d13 1 1 /dev/sdc
    d14 1 1 /dev/sdd
    ");
}

#[test]
fn several_submirrors_are_made_equal_to_the_first_one() {
    let mut env = with_sides();
    let lines = [
        "metainit -n d10 -m d11 d12",
        "metainit d10 -m d11 d12 d13 d14 2",
        "metastat -c",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metainit -n d10 -m d11 d12
    d10: Mirror would be setup
    d10: d12 would be made equal to d11
    $ metainit d10 -m d11 d12 d13 d14 2
    d10: Mirror is setup
    d10: d12, d13, d14 are being made equal to d11
    $ metastat -c
    d10              m   63MB d11 d12 (resync-0%) d13 (resync-0%) d14 (resync-0%)
        d11          s   63MB /dev/sda
        d12          s   63MB /dev/sdb
        d13          s   63MB /dev/sdc
        d14          s   63MB /dev/sdd
    ");
    let mut env = with_sides();
    let document = env.run("metainit --json d10 -m d11 d12").json();
    assert!(document.get("warnings").is_none());
    let mirror = &document["metadevices"][0];
    assert_eq!(mirror["resync"]["state"], "running");
    assert_eq!(mirror["submirrors"][0]["state"], "Okay");
    assert_eq!(mirror["submirrors"][1]["state"], "Resyncing");
}

/// What the administrator knows to be equal is not copied.
#[test]
fn nothing_is_resynced_if_the_administrator_says_so() {
    let mut env = with_sides();
    let lines = [
        "metainit d10 -m d11 d12 --assume-clean",
        "metainit --assume-clean d20 -m d13 d14 -r 2",
        "metastat -c",
        "metainit --assume-clean d1 1 1 sda",
        "metainit d10 -m d11 --assume-clean d12",
    ];
    assert_snapshot!(env.run_all(&lines), @r#"
    $ metainit d10 -m d11 d12 --assume-clean
    d10: Mirror is setup
    $ metainit --assume-clean d20 -m d13 d14 -r 2
    d20: Mirror is setup
    $ metastat -c
    d10              m   63MB d11 d12
        d11          s   63MB /dev/sda
        d12          s   63MB /dev/sdb
    d20              m   63MB d13 d14
        d13          s   63MB /dev/sdc
        d14          s   63MB /dev/sdd
    $ metainit --assume-clean d1 1 1 sda
    err| metainit: --assume-clean is for a mirror
    err| next: metainit --help
    [exit status 1]
    $ metainit d10 -m d11 --assume-clean d12
    err| metainit: d10: "--assume-clean" is not an option of a mirror, which has -g, -r, -H, -\
    S, -C and a pass
    err|     d10 -m d11 --assume-clean d12
    err|                ^^^^^^^^^^^^^^
    err| next: metainit --help
    [exit status 1]
    "#);
    env.setup("metaclear d10");
    env.setup("metaclear d20");
    env.write("etc/mdctl/md.tab", "d10 -m d11 d12\nd20 -m d13 d14\n");
    let lines = [
        "metainit --assume-clean d10",
        "metainit --assume-clean -a",
        "metastat -c",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metainit --assume-clean d10
    d10: Mirror is setup
    $ metainit --assume-clean -a
    d20: Mirror is setup
    $ metastat -c
    d10              m   63MB d11 d12
        d11          s   63MB /dev/sda
        d12          s   63MB /dev/sdb
    d20              m   63MB d13 d14
        d13          s   63MB /dev/sdc
        d14          s   63MB /dev/sdd
    ");
}

#[test]
fn words_that_are_wrong_are_pointed_at() {
    let mut env = with_sides();
    let lines = [
        "metainit d10 -m",
        "metainit d10 -m sda",
        "metainit d10 -m d11 d12 d13 d14 d15",
        "metainit d10 -m d11 -g -r",
        "metainit d10 -m d11 10",
    ];
    assert_snapshot!(env.run_all(&lines), @r#"
    $ metainit d10 -m
    err| metainit: d10: the first submirror is missing
    err|     d10 -m
    err|            ^
    err| next: metainit --help
    [exit status 1]
    $ metainit d10 -m sda
    err| metainit: d10: "sda" is not the name of a metadevice: those are d0 to d8191, and a su\
    bmirror is one
    err|     d10 -m sda
    err|            ^^^
    err| next: metainit --help
    [exit status 1]
    $ metainit d10 -m d11 d12 d13 d14 d15
    err| metainit: d10: "d15" is one too many: a mirror has at most 4 submirrors
    err|     d10 -m d11 d12 d13 d14 d15
    err|                            ^^^
    err| next: metainit --help
    [exit status 1]
    $ metainit d10 -m d11 -g -r
    err| metainit: d10: "-r" is one read option too many: -g, -r or -H, one of them
    err|     d10 -m d11 -g -r
    err|                   ^^
    err| next: metainit --help
    [exit status 1]
    $ metainit d10 -m d11 10
    err| metainit: d10: "10" is not a pass number: those are 0 to 9
    err|     d10 -m d11 10
    err|                ^^
    err| next: metainit --help
    [exit status 1]
    "#);
    assert_eq!(env.admin.unit_count(), 4);
}

#[test]
fn a_submirror_is_a_stripe_or_concat_that_nobody_uses() {
    let mut env = with_sides();
    env.setup("metainit d10 -m d11");
    env.admin.open_unit(13, 1);
    let lines = [
        "metainit d20 -m d10",
        "metainit d20 -m d11",
        "metainit d20 -m d12 d12",
        "metainit d20 -m d12 d13",
        "metainit d20 -m d99",
        "metainit d20 1 1 d10",
        "metainit d10 -m d12",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metainit d20 -m d10
    err| metainit: /dev/md/dsk/d10: is not a concat or stripe metadevice, and a submirror is o\
    ne
    err| next: metastat -c
    [exit status 1]
    $ metainit d20 -m d11
    err| metainit: /dev/md/dsk/d11: is part of the metadevice d10
    err| next: metaclear d10
    [exit status 1]
    $ metainit d20 -m d12 d12
    err| metainit: /dev/md/dsk/d12: is given twice, and a component has one place
    err| next: lsblk
    [exit status 1]
    $ metainit d20 -m d12 d13
    err| metainit: /dev/md/dsk/d13: is in use
    err| next: lsblk /dev/md/dsk/d13
    [exit status 1]
    $ metainit d20 -m d99
    err| metainit: /dev/md/dsk/d99: there is no such metadevice
    err| next: metastat -c
    [exit status 1]
    $ metainit d20 1 1 d10
    err| metainit: /dev/md/dsk/d10: is a mirror, and nothing is made of mirrors
    err| next: metastat -c
    [exit status 1]
    $ metainit d10 -m d12
    err| metainit: d10: exists already
    err| next: metastat d10
    [exit status 1]
    ");
}

/// What is on the first submirror stays; what is on the others is overwritten.
#[test]
fn data_beside_other_data_needs_force() {
    let mut env = with_sides();
    env.mkfs("/dev/md/dsk/d12");
    env.setup("metainit d20 -m d12 -r");
    env.setup("metaclear d20");
    let lines = [
        "metainit d10 -m d11 d12 -r",
        "metainit -n d10 -m d11 d12",
        "metainit d10 -m d11 d12 --assume-clean",
        "metainit -f d10 -m d11 d12",
        "metaclear d10",
        "metainit d10 -m d12 d11",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metainit d10 -m d11 d12 -r
    err| metainit: /dev/md/dsk/d12: carries an ext4 file system (label web), which the resync \
    would overwrite
    err| next: metainit -f d10 -m d11 d12 -r
    [exit status 1]
    $ metainit -n d10 -m d11 d12
    err| metainit: /dev/md/dsk/d12: carries an ext4 file system (label web), which the resync \
    would overwrite
    err| next: metainit -f -n d10 -m d11 d12
    [exit status 1]
    $ metainit d10 -m d11 d12 --assume-clean
    err| metainit: /dev/md/dsk/d12: carries an ext4 file system (label web), and no resync mak\
    es the other submirrors equal to it (-f if they are)
    err| next: metainit d10 -m d12 1
    [exit status 1]
    $ metainit -f d10 -m d11 d12
    d10: Mirror is setup
    d10: d12 is being made equal to d11
    $ metaclear d10
    d10: Mirror is cleared
    $ metainit d10 -m d12 d11
    d10: Mirror is setup
    d10: d11 is being made equal to d12
    ");
}

/// A side of a mirror that was cleared carries what the first side carries.
#[test]
fn a_mirror_from_md_tab_overwrites_only_what_is_its_own() {
    let mut env = with_sides();
    env.write("etc/mdctl/md.tab", "d10 -m d11 d12\nd20 -m d13 d14\n");
    env.mkfs("/dev/md/dsk/d11");
    env.mkfs("/dev/md/dsk/d12");
    env.mkfs("/dev/md/dsk/d14");
    let lines = ["metainit -a", "metainit --assume-clean -a"];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metainit -a
    d10: Mirror is setup
    d10: d12 is being made equal to d11
    err| metainit: /etc/mdctl/md.tab:2: d20: /dev/md/dsk/d14: carries an ext4 file system (lab\
    el web), which the resync would overwrite
    err| next: metainit -f d20
    err| metainit: /etc/mdctl/md.tab: 1 of its metadevices could not be made
    err| next: metainit -a
    [exit status 1]
    $ metainit --assume-clean -a
    d20: Mirror is setup
    ");
}

#[test]
fn submirrors_stand_anywhere_in_md_tab() {
    let mut env = TestEnvironment::new();
    env.write(
        "etc/mdctl/md.tab",
        "d10 -m d11 \\\n  d12 1\nd11 1 1 sda\nd12 1 1 d1\nd1 1 1 sdb\nd20 -m d21 d99\n",
    );
    env.mkfs("/dev/md/dsk/d11");
    assert_snapshot!(env.run("metainit -a"), @r"
    $ metainit -a
    d11: Concat/Stripe is setup
    d1: Concat/Stripe is setup
    d12: Concat/Stripe is setup
    d10: Mirror is setup
    d10: d12 is being made equal to d11
    err| metainit: /etc/mdctl/md.tab:6: d20: /dev/md/dsk/d21: there is no such metadevice
    err| next: metastat -c
    err| metainit: /etc/mdctl/md.tab: 1 of its metadevices could not be made
    err| next: metainit -a
    [exit status 1]
    ");
    assert_snapshot!(env.run_all(&["metastat -p", "metaclear -r d10", "metainit d11"]), @r"
    $ metastat -p
    d10 -m d11 d12 1
    d11 1 1 /dev/sda
    d12 1 1 d1
    d1 1 1 /dev/sdb
    $ metaclear -r d10
    d10: Mirror is cleared
    d11: Concat/Stripe is cleared
    d12: Concat/Stripe is cleared
    d1: Concat/Stripe is cleared
    $ metainit d11
    d11: Concat/Stripe is setup
    ");
}

/// What `-p` prints makes the same mirrors again.
#[test]
fn what_metastat_prints_brings_mirrors_back() {
    let mut env = with_sides();
    env.setup("metainit d20 -m d12 d11 -g -S 9");
    env.setup("metainit d5 -m d13");
    let before = env.run("metastat --json").json();
    let md_tab = env.run("metastat -p").stdout;
    env.write("etc/mdctl/md.tab", &md_tab);
    env.setup("metaclear -a");
    assert_eq!(env.admin.unit_count(), 0);
    env.setup("metainit -a");
    assert_eq!(env.run("metastat --json").json(), before);
}

#[test]
fn a_mirror_is_cleared_before_its_submirrors() {
    let mut env = with_sides();
    env.setup("metainit d10 -m d11 d12 --assume-clean");
    let lines = ["metaclear d11", "metaclear -r d10", "metastat -c"];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metaclear d11
    err| metaclear: d11: is part of the metadevice d10
    err| next: metaclear d10
    [exit status 1]
    $ metaclear -r d10
    d10: Mirror is cleared
    d11: Concat/Stripe is cleared
    d12: Concat/Stripe is cleared
    $ metastat -c
    d13              s   63MB /dev/sdc
    d14              s   63MB /dev/sdd
    ");
    env.setup("metainit d2 -m d13 d14");
    assert_snapshot!(env.run_all(&["metaclear -a", "metastat"]), @r"
    $ metaclear -a
    d2: Mirror is cleared
    d13: Concat/Stripe is cleared
    d14: Concat/Stripe is cleared
    $ metastat
    ");
}

/// `svm.md` section 4.9.
#[test]
fn a_mirror_with_an_erred_side_is_cleared_by_force() {
    let mut env = with_sides();
    env.setup("metainit d10 -m d11 d12 --assume-clean");
    env.admin.component(12, 0).state = ComponentState::Maintenance as u32;
    let lines = [
        "metaclear d10",
        "metaclear -r d10",
        "metaclear -a",
        "metaclear -f -r d10",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metaclear d10
    err| metaclear: d10: a submirror needs maintenance or is offline (see it, then use -f)
    err| next: metastat d10
    [exit status 1]
    $ metaclear -r d10
    err| metaclear: d10: a submirror needs maintenance or is offline (see it, then use -f)
    err| next: metastat d10
    [exit status 1]
    $ metaclear -a
    err| metaclear: d10: a submirror needs maintenance or is offline (see it, then use -f)
    err| next: metastat d10
    [exit status 1]
    $ metaclear -f -r d10
    d10: Mirror is cleared
    d11: Concat/Stripe is cleared
    d12: Concat/Stripe is cleared
    ");
}

#[test]
fn an_open_mirror_is_not_cleared_even_by_force() {
    let mut env = with_sides();
    env.setup("metainit d10 -m d11");
    env.admin.open_unit(10, 1);
    assert_snapshot!(env.run("metaclear -f d10"), @r"
    $ metaclear -f d10
    err| metaclear: d10: is open (open count 1)
    err| next: lsblk /dev/md/dsk/d10
    [exit status 1]
    ");
}
