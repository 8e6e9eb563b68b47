// SPDX-License-Identifier: GPL-2.0
//! `metarename` (`svm.md` sections 10 and 13.5, test 42).

use crate::env::TestEnvironment;
use insta::assert_snapshot;
use md_abi::admin::ComponentState;

#[test]
fn help_page() {
    assert_snapshot!(TestEnvironment::new().run("metarename --help"), @r"
    $ metarename --help
    Give a metadevice another name.

    Nobody has it open, and it is part of no other metadevice. With -x a mirror and one of its
    submirrors exchange their names: then what is mounted by its name can be mirrored, and a m\
    irror
    be given up, without a change of that name. Nothing of the mirror may be erred or have to \
    be
    resynced, and no hot spare in use.

    Usage: metarename NAME NEW
           metarename [-f] -x NAME NAME

    Arguments:
      <NAME>  The metadevice, such as d10
      <NEW>   Its new name, or the other metadevice

    Options:
      -x          Exchange the names of a mirror and a submirror
      -f          Of no effect: there is nothing to be forced
          --json  Answer in JSON, also errors; may stand anywhere on the line
      -h, --help  Print help
    ");
}

#[test]
fn a_metadevice_has_another_name() {
    let mut env = TestEnvironment::with_mirror();
    let lines = [
        "metarename d10 d20",
        "metastat -c",
        "metainit d10 1 1 sdc",
        "metarename d10 d8191",
        "metastat -p",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metarename d10 d20
    d10: has been renamed to d20
    $ metastat -c
    d20              m   63MB d11 d12
        d11          s   63MB /dev/sda
        d12          s   63MB /dev/sdb
    $ metainit d10 1 1 sdc
    d10: Concat/Stripe is setup
    $ metarename d10 d8191
    d10: has been renamed to d8191
    $ metastat -p
    d20 -m d11 d12 1
    d11 1 1 /dev/sda
    d12 1 1 /dev/sdb
    d8191 1 1 /dev/sdc
    ");
}

#[test]
fn a_mirror_and_a_submirror_exchange_their_names() {
    let mut env = TestEnvironment::with_mirror();
    let lines = [
        "metarename -x d10 d11",
        "metastat -c",
        "metarename -f -x d10 d11",
        "metastat -c",
        "metarename --json -x d12 d10",
        "metastat -p",
    ];
    assert_snapshot!(env.run_all(&lines), @r#"
    $ metarename -x d10 d11
    d10 and d11 have exchanged identities
    $ metastat -c
    d11              m   63MB d10 d12
        d10          s   63MB /dev/sda
        d12          s   63MB /dev/sdb
    $ metarename -f -x d10 d11
    d10 and d11 have exchanged identities
    $ metastat -c
    d10              m   63MB d11 d12
        d11          s   63MB /dev/sda
        d12          s   63MB /dev/sdb
    $ metarename --json -x d12 d10
    {"version":1,"metadevices":[{"name":"d12","type":"mirror","size":66060288,"state":"Okay","\
    submirrors":[{"name":"d11","state":"Okay"},{"name":"d10","state":"Okay"}],"read_policy":"r\
    oundrobin","write_policy":"parallel","pass":1},{"name":"d10","type":"concat","size":660602\
    88,"state":"Okay","parent":"d12","rows":[{"interlace":524288,"components":[{"device":"/dev\
    /sdb","start":1048576,"size":66060288,"state":"Okay","read_errors":0,"write_errors":0,"eve\
    nt":null}]}]}]}
    $ metastat -p
    d12 -m d11 d10 1
    d10 1 1 /dev/sdb
    d11 1 1 /dev/sda
    "#);
}

#[test]
fn what_is_in_use_or_not_there_is_refused() {
    let mut env = TestEnvironment::with_mirror();
    env.setup("metainit d30 1 1 sdc");
    env.admin.open_unit(30, 2);
    let lines = [
        "metarename d11 d21",
        "metarename d30 d31",
        "metarename d10 d30",
        "metarename d10 d10",
        "metarename d99 d98",
        "metarename d10 d8192",
        "metarename x d20",
        "metarename d10",
        "metarename -x d10 d30",
        "metarename -x d10 d99",
        "metarename -f d10 d20",
        "metarename --json d11 d21",
    ];
    assert_snapshot!(env.run_all(&lines), @r#"
    $ metarename d11 d21
    err| metarename: d11: is part of the metadevice d10
    err| next: metaclear d10
    [exit status 1]
    $ metarename d30 d31
    err| metarename: d30: is open (open count 2)
    err| next: lsblk /dev/md/dsk/d30
    [exit status 1]
    $ metarename d10 d30
    err| metarename: d30: exists already
    err| next: metastat d30
    [exit status 1]
    $ metarename d10 d10
    err| metarename: d10: exists already
    err| next: metastat d10
    [exit status 1]
    $ metarename d99 d98
    err| metarename: d99: does not exist
    err| next: metastat -c
    [exit status 1]
    $ metarename d10 d8192
    err| metarename: d8192: is not the name of a metadevice: those are d0 to d8191
    err| next: metarename --help
    [exit status 1]
    $ metarename x d20
    err| metarename: x: is not the name of a metadevice: those are d0 to d8191
    err| next: metarename --help
    [exit status 1]
    $ metarename d10
    err| metarename: the following required arguments were not provided: <NEW>
    err| next: metarename --help
    [exit status 1]
    $ metarename -x d10 d30
    err| metarename: d10: only a mirror and a submirror of it exchange their names
    err| next: metastat -c
    [exit status 1]
    $ metarename -x d10 d99
    err| metarename: d99: does not exist
    err| next: metastat -c
    [exit status 1]
    $ metarename -f d10 d20
    err| metarename: the following required arguments were not provided: -x
    err| next: metarename --help
    [exit status 1]
    $ metarename --json d11 d21
    {"version":1,"error":{"command":"metarename","device":"d11","reason":"is part of the metad\
    evice d10","next":"metaclear d10"}}
    [exit status 1]
    "#);
}

/// `svm.md` section 13.5, test 42: with an erred component it is refused.
#[test]
fn names_are_not_exchanged_while_something_is_wrong() {
    let mut env = TestEnvironment::with_mirror();
    env.admin.component(12, 0).state = ComponentState::Maintenance as u32;
    assert_snapshot!(env.run("metarename -x d10 d11"), @r"
    $ metarename -x d10 d11
    err| metarename: d10: a submirror needs maintenance or is offline (see it, then use -f)
    err| next: metastat d10
    [exit status 1]
    ");
    let mut env = TestEnvironment::with_mirror();
    env.admin.open_unit(10, 1);
    assert_snapshot!(env.run("metarename -x d10 d11"), @r"
    $ metarename -x d10 d11
    err| metarename: d10: is open (open count 1)
    err| next: lsblk /dev/md/dsk/d10
    [exit status 1]
    ");
    let mut env = TestEnvironment::with(&["metainit d11 1 1 sda", "metainit d12 1 1 sdb"]);
    env.setup("metainit d10 -m d11 d12");
    assert_snapshot!(env.run("metarename -x d11 d10"), @r"
    $ metarename -x d11 d10
    err| metarename: d10: has to be resynced before, or is being resynced
    err| next: metasync -w d10
    [exit status 1]
    ");
}

/// The watermarks of a soft partition have its name.
#[test]
fn soft_partitions_and_what_they_are_on_keep_their_names() {
    let mut env = TestEnvironment::with_mirror();
    env.setup("metainit d20 -p d10 10m");
    let lines = [
        "metarename d20 d21",
        "metarename d10 d30",
        "metarename -x d10 d11",
        "metastat -p",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metarename d20 d21
    err| metarename: d20: is a soft partition or changes places with one, and those keep their\
     names
    err| next: metastat d20
    [exit status 1]
    $ metarename d10 d30
    err| metarename: d10: there are soft partitions on it, so it keeps its name
    err| next: metastat -c
    [exit status 1]
    $ metarename -x d10 d11
    err| metarename: d10: there are soft partitions on it, so it keeps its name
    err| next: metastat -c
    [exit status 1]
    $ metastat -p
    d20 -p d10 -o 2048 -b 20480
    d10 -m d11 d12 1
    d11 1 1 /dev/sda
    d12 1 1 /dev/sdb
    ");
}
