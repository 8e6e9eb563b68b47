// SPDX-License-Identifier: GPL-2.0
//! `metareplace`, which says what can be done until there is a resync.

use crate::env::TestEnvironment;
use insta::assert_snapshot;
use md_abi::admin::ComponentState;

/// A machine with the mirror `d10` over `d11`, `d12` and `d13`, with a file system on it.
fn with_mirror() -> TestEnvironment {
    let mut env = TestEnvironment::with(&[
        "metainit d11 1 1 sda",
        "metainit d12 1 1 sdb",
        "metainit d13 1 1 sdc",
        "metainit d10 -m d11 d12 d13 -r",
    ]);
    for path in ["/dev/md/dsk/d11", "/dev/md/dsk/d12", "/dev/md/dsk/d13"] {
        env.mkfs(path);
    }
    env
}

#[test]
fn help_page() {
    assert_snapshot!(TestEnvironment::new().run("metareplace --help"), @r"
    $ metareplace --help
    Replace a component of a mirror: not possible yet.

    That comes with resync. Until then this says what can be done for a mirror of which a comp\
    onent
    is out of service.

    Usage: metareplace [OPTIONS] <MIRROR> [COMPONENT]...

    Arguments:
      <MIRROR>        The mirror, such as d10
      [COMPONENT]...  The component; without -e also the new one

    Options:
      -e          Use the component again that is there
      -f          Also the last one that holds some data
          --json  Answer in JSON, also errors; may stand anywhere on the line
      -h, --help  Print help
    ");
}

#[test]
fn what_can_be_done_today_depends_on_the_submirrors() {
    let mut env = with_mirror();
    assert_snapshot!(env.run("metareplace -e d10 sda"), @r"
    $ metareplace -e d10 sda
    err| metareplace: d10: components cannot be replaced yet: that comes with resync. Nothing \
    of it needs that
    err| next: metastat d10
    [exit status 1]
    ");
    env.admin.component(11, 0).state = ComponentState::Maintenance as u32;
    assert_snapshot!(env.run("metareplace d10 /dev/sda /dev/sdd"), @r"
    $ metareplace d10 /dev/sda /dev/sdd
    err| metareplace: d10: components cannot be replaced yet: that comes with resync. Copy the\
     data away, or make the mirror again without the side that needs it
    err| next: metaclear -f d10 && metainit -f d10 -m d12 d13 -r 1
    [exit status 1]
    ");
    env.admin.component(12, 0).state = ComponentState::Maintenance as u32;
    assert_snapshot!(env.run("metareplace --json d10 sdb sdd"), @r#"
    $ metareplace --json d10 sdb sdd
    {"version":1,"error":{"command":"metareplace","device":"d10","reason":"components cannot b\
    e replaced yet: that comes with resync. Copy the data away, or make the mirror again witho\
    ut the side that needs it","next":"metaclear -f d10 && metainit d10 -m d13 -r 1"}}
    [exit status 1]
    "#);
    env.admin.component(13, 0).state = ComponentState::LastErred as u32;
    assert_snapshot!(env.run("metareplace d10 sdb sdd"), @r"
    $ metareplace d10 sdb sdd
    err| metareplace: d10: components cannot be replaced yet: that comes with resync. No submi\
    rror is whole: copy away what can still be read
    err| next: metastat d10
    [exit status 1]
    ");
}

/// The next command of the error does what it says.
#[test]
fn what_is_to_be_typed_makes_the_mirror_of_the_whole_sides() {
    let mut env = with_mirror();
    env.admin.component(11, 0).state = ComponentState::Maintenance as u32;
    let next = env.run("metareplace --json d10 sda sdd").json()["error"]["next"].clone();
    for command in next.as_str().unwrap().split(" && ") {
        env.setup(command);
    }
    assert_snapshot!(env.run("metastat -c"), @r"
    $ metastat -c
    d10              m   63MB d12 d13
        d12          s   63MB /dev/sdb
        d13          s   63MB /dev/sdc
    d11              s   63MB /dev/sda (maint)
    ");
}

#[test]
fn only_a_mirror_has_something_to_replace() {
    let mut env = with_mirror();
    let lines = [
        "metareplace d11 sda sdd",
        "metareplace d99 sda sdd",
        "metareplace",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metareplace d11 sda sdd
    err| metareplace: d11: is a concat or stripe, and has no copy of its data
    err| next: metastat d11
    [exit status 1]
    $ metareplace d99 sda sdd
    err| metareplace: d99: does not exist
    err| next: metastat -c
    [exit status 1]
    $ metareplace
    err| metareplace: the following required arguments were not provided: <MIRROR>
    err| next: metareplace --help
    [exit status 1]
    ");
}
