// SPDX-License-Identifier: GPL-2.0
//! `metadetach` (`svm.md` section 4.9).

use crate::env::TestEnvironment;
use insta::assert_snapshot;
use md_abi::admin::{
    ComponentState,
    ResyncState, //
};

#[test]
fn help_page() {
    assert_snapshot!(TestEnvironment::new().run("metadetach --help"), @r"
    $ metadetach --help
    Take a submirror out of its mirror.

    The submirror is a metadevice by itself then, with what is on it now. The last submirror t\
    hat
    holds some data is never detached. The mirror may be in use.

    Usage: metadetach [OPTIONS] <MIRROR> <SUBMIRROR>

    Arguments:
      <MIRROR>     The mirror, such as d10
      <SUBMIRROR>  The submirror, such as d12

    Options:
      -f          Also a submirror that needs maintenance or is being resynced
          --json  Answer in JSON, also errors; may stand anywhere on the line
      -h, --help  Print help
    ");
}

#[test]
fn a_submirror_that_is_detached_stands_by_itself() {
    let mut env = TestEnvironment::with_mirror();
    let lines = ["metadetach d10 d11", "metastat -c", "metaclear d11"];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metadetach d10 d11
    d10: submirror d11 is detached
    $ metastat -c
    d10              m   63MB d12
        d12          s   63MB /dev/sdb
    d11              s   63MB /dev/sda
    $ metaclear d11
    d11: Concat/Stripe is cleared
    ");
}

#[test]
fn json_shows_the_mirror_that_is_left() {
    let mut env = TestEnvironment::with_mirror();
    let document = env.run("metadetach --json d10 d12").json();
    let sides = document["metadevices"][0]["submirrors"].as_array().unwrap();
    assert_eq!(sides.len(), 1);
    assert_eq!(sides[0]["name"], "d11");
}

/// What changed stands in md.cf.
#[test]
fn the_configuration_file_follows() {
    let mut env = TestEnvironment::new();
    env.setup("metadb -a -f /dev/sdd");
    for line in [
        "metainit d11 1 1 sda",
        "metainit d12 1 1 sdb",
        "metainit d10 -m d11 d12 --assume-clean",
        "metadetach d10 d12",
    ] {
        env.setup(line);
    }
    let text = env.read("etc/md/md.cf").unwrap();
    assert!(text.contains("d10 -m d11 1\n"), "{text}");
}

#[test]
fn what_others_do_not_have_is_not_detached() {
    let mut env = TestEnvironment::with_mirror();
    env.setup("metadetach d10 d12");
    assert_snapshot!(env.run_all(&["metadetach d10 d11", "metadetach -f d10 d11"]), @r"
    $ metadetach d10 d11
    err| metadetach: d11: has, or may have, blocks that no other submirror of d10 in service h\
    as
    err| next: metastat d10
    [exit status 1]
    $ metadetach -f d10 d11
    err| metadetach: d11: has, or may have, blocks that no other submirror of d10 in service h\
    as
    err| next: metastat d10
    [exit status 1]
    ");
    let mut env = TestEnvironment::with_mirror();
    env.admin.component(11, 0).state = ComponentState::Maintenance as u32;
    let lines = [
        "metadetach d10 d12",
        "metadetach d10 d11",
        "metadetach -f d10 d11",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metadetach d10 d12
    err| metadetach: d12: has, or may have, blocks that no other submirror of d10 in service h\
    as
    err| next: metastat d10
    [exit status 1]
    $ metadetach d10 d11
    err| metadetach: d10: a submirror needs maintenance or is offline (see it, then use -f)
    err| next: metastat d10
    [exit status 1]
    $ metadetach -f d10 d11
    d10: submirror d11 is detached
    ");
}

#[test]
fn a_resync_comes_first_or_force_is_needed() {
    let mut env = TestEnvironment::with_mirror();
    env.admin.component(10, 1).state = ComponentState::Resyncing as u32;
    env.admin.set_resync(10, ResyncState::Running, 1, 2);
    let lines = ["metadetach d10 d12", "metadetach -f d10 d12", "metastat -c"];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metadetach d10 d12
    err| metadetach: d10: has to be resynced before, or is being resynced
    err| next: metasync -w d10
    [exit status 1]
    $ metadetach -f d10 d12
    d10: submirror d12 is detached
    $ metastat -c
    d10              m   63MB d11
        d11          s   63MB /dev/sda
    d12              s   63MB /dev/sdb
    ");
}

#[test]
fn what_is_no_submirror_of_a_mirror_is_refused() {
    let mut env = TestEnvironment::with_mirror();
    let lines = [
        "metadetach d10 d13",
        "metadetach d11 d12",
        "metadetach d99 d12",
        "metadetach d10 sda",
        "metadetach d10",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metadetach d10 d13
    err| metadetach: d13: is not a submirror of d10
    err| next: metastat d10
    [exit status 1]
    $ metadetach d11 d12
    err| metadetach: d11: is not a mirror
    err| next: metastat d11
    [exit status 1]
    $ metadetach d99 d12
    err| metadetach: d99: does not exist
    err| next: metastat -c
    [exit status 1]
    $ metadetach d10 sda
    err| metadetach: sda: is not the name of a metadevice: those are d0 to d8191
    err| next: metadetach --help
    [exit status 1]
    $ metadetach d10
    err| metadetach: the following required arguments were not provided: <SUBMIRROR>
    err| next: metadetach --help
    [exit status 1]
    ");
}
