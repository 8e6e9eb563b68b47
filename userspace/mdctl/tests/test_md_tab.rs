// SPDX-License-Identifier: GPL-2.0
//! `metainit` with md.tab: all entries, or one by its name.

use crate::env::TestEnvironment;
use insta::assert_snapshot;
use md_abi::admin::Refusal;
use mdctl::admin::CallError;
use rustix::io::Errno;
use serde_json::json;

/// A machine with an md.tab.
fn with_md_tab(text: &str) -> TestEnvironment {
    let env = TestEnvironment::new();
    env.write("etc/mdctl/md.tab", text);
    env
}

#[test]
fn all_are_made_in_whatever_order_they_stand() {
    let mut env = with_md_tab(
        "# The top comes first.\n\
         d30 1 1 d20\n\
         d20 2 1 d10 \\\n    1 d11   # two disks\n\n\
         d10 1 1 sda -i 8k\n\
         d11 1 1 sdb\n",
    );
    assert_snapshot!(env.run_all(&["metainit -a", "metastat -c", "metainit -a"]), @r"
    $ metainit -a
    d10: Concat/Stripe is setup
    d11: Concat/Stripe is setup
    d20: Concat/Stripe is setup
    d30: Concat/Stripe is setup
    $ metastat -c
    d30              s  126MB d20
        d20          s  126MB d10 d11
            d10      s   63MB /dev/sda
            d11      s   63MB /dev/sdb
    $ metainit -a
    ");
}

#[test]
fn what_exists_is_left_alone() {
    let mut env = with_md_tab("d10 1 1 sda\nd11 1 1 sdb\n");
    env.setup("metainit d10 1 2 sdc sdd");
    assert_snapshot!(env.run_all(&["metainit -a", "metastat -p"]), @r"
    $ metainit -a
    d11: Concat/Stripe is setup
    $ metastat -p
    d10 1 2 /dev/sdc /dev/sdd -i 1024b
    d11 1 1 /dev/sdb
    ");
    env.setup("metaclear -a");
    let document = env.run("metainit -a --json").json();
    let made: Vec<_> = document["metadevices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|unit| &unit["name"])
        .collect();
    assert_eq!(made, [&json!("d10"), &json!("d11")]);
    let nothing = json!({"version": 1, "metadevices": []});
    assert_eq!(env.run("metainit -a --json").json(), nothing);
}

#[test]
fn a_failure_does_not_stop_the_others() {
    let mut env = with_md_tab("d10 1 1 sda\nd11 1 1 sdx\nd12 1 1 sdc\n");
    assert_snapshot!(env.run("metainit -a"), @r"
    $ metainit -a
    d10: Concat/Stripe is setup
    d12: Concat/Stripe is setup
    err| metainit: /etc/mdctl/md.tab:2: d11: /dev/sdx: there is no such device
    err| next: lsblk
    err| metainit: /etc/mdctl/md.tab: 1 of its metadevices could not be made
    err| next: metainit -a
    [exit status 1]
    ");
    assert_snapshot!(env.run("metainit -a --json"), @r#"
    $ metainit -a --json
    {"version":1,"metadevices":[],"failed":[{"command":"metainit","device":"/dev/sdx","reason"\
    :"there is no such device","next":"lsblk","entry":{"file":"/etc/mdctl/md.tab","line":2,"na\
    me":"d11"}}],"error":{"command":"metainit","device":"/etc/mdctl/md.tab","reason":"1 of its\
     metadevices could not be made","next":"metainit -a --json"}}
    [exit status 1]
    "#);
}

#[test]
fn each_failure_has_its_line_name_reason_and_next_command() {
    let mut env = with_md_tab(
        "d10 1 2 sda \\\n\tsdb -i 4k\n\
         x11 1 1 sdb\n\
         d12 1 1 d10\n\
         d13 -m d10 d12 1\n\
         d14 1 2 sdb sdc\n\
         hsp001 sdd\n\
         mddb01 -c 2 sdd\n\
         d15 1 1 sdd\n\
         d15 1 1 sda\n",
    );
    env.mkfs("/dev/sdc");
    assert_snapshot!(env.run("metainit -a"), @r#"
    $ metainit -a
    d15: Concat/Stripe is setup
    err| metainit: /etc/mdctl/md.tab:1: d10: "4k" is out of range: an interlace is 8k to 100m
    err|     d10 1 2 sda sdb -i 4k
    err|                        ^^
    err| next: metainit --help
    err| metainit: /etc/mdctl/md.tab:3: x11: "x11" is not the name of a metadevice: those are \
    d0 to d8191
    err|     x11 1 1 sdb
    err|     ^^^
    err| next: metainit --help
    err| metainit: /etc/mdctl/md.tab:4: d12: /dev/md/dsk/d10: there is no such metadevice
    err| next: metastat -c
    err| metainit: /etc/mdctl/md.tab:5: d13: /dev/md/dsk/d10: there is no such metadevice
    err| next: metastat -c
    err| metainit: /etc/mdctl/md.tab:6: d14: /dev/sdc: carries an ext4 file system (label web)\
    , which would be lost
    err| next: metainit -f d14
    err| metainit: /etc/mdctl/md.tab:7: hsp001: /dev/sdd: is part of the metadevice d15
    err| next: metaclear d15
    err| metainit: /etc/mdctl/md.tab:10: d15: "d15" stands in line 9 already
    err|     d15 1 1 sda
    err|     ^^^
    err| next: metainit --help
    err| metainit: /etc/mdctl/md.tab: 7 of its metadevices could not be made
    err| next: metainit -a
    [exit status 1]
    "#);
    assert_eq!(env.admin.unit_count(), 1);
    env.setup("metainit -f d14");
}

#[test]
fn check_only_makes_nothing_of_it() {
    let mut env = with_md_tab("d10 1 1 sda\nd20 1 1 d10\n");
    env.mkfs("/dev/sda");
    assert_snapshot!(env.run("metainit -n -a"), @r"
    $ metainit -n -a
    err| metainit: /etc/mdctl/md.tab:1: d10: /dev/sda: carries an ext4 file system (label web)\
    , which would be lost (--keep-data would keep it)
    err| next: metainit -f -n d10
    err| metainit: /etc/mdctl/md.tab:2: d20: /dev/md/dsk/d10: there is no such metadevice
    err| next: metastat -c
    err| metainit: /etc/mdctl/md.tab: 2 of its metadevices could not be made
    err| next: metainit -n -a
    [exit status 1]
    ");
    assert_snapshot!(env.run("metainit -n -f -a --json"), @r#"
    $ metainit -n -f -a --json
    {"version":1,"checked":["d10"],"failed":[{"command":"metainit","device":"/dev/md/dsk/d10",\
    "reason":"there is no such metadevice","next":"metastat -c","entry":{"file":"/etc/mdctl/md\
    .tab","line":2,"name":"d20"}}],"error":{"command":"metainit","device":"/etc/mdctl/md.tab",\
    "reason":"1 of its metadevices could not be made","next":"metainit -n -f -a --json"}}
    [exit status 1]
    "#);
    assert_eq!(env.admin.unit_count(), 0);
}

#[test]
fn a_name_alone_stands_for_its_entry() {
    let mut env = with_md_tab("d10 1 2 sda sdb -i 64k\nhsp001 sdd\nd11 1 1\nd12 -p sda 1g\n");
    let transcript = env.run_all(&[
        "metainit d10",
        "metainit -n /dev/md/dsk/d10",
        "metastat -p",
        "metainit d11",
        "metainit d12",
        "metainit hsp001",
        "metainit d13",
        "metainit 13",
        "metainit d11 --json",
    ]);
    assert_snapshot!(transcript, @r#"
    $ metainit d10
    d10: Concat/Stripe is setup
    $ metainit -n /dev/md/dsk/d10
    err| metainit: /etc/mdctl/md.tab:1: d10: exists already
    err| next: metastat d10
    [exit status 1]
    $ metastat -p
    d10 1 2 /dev/sda /dev/sdb -i 128b
    $ metainit d11
    err| metainit: /etc/mdctl/md.tab:3: d11: row 0 has width 1, but only 0 components
    err|     d11 1 1
    err|             ^
    err| next: metainit --help
    [exit status 1]
    $ metainit d12
    err| metainit: /etc/mdctl/md.tab:4: d12: /dev/sda: is part of the metadevice d10
    err| next: metaclear d10
    [exit status 1]
    $ metainit hsp001
    err| metainit: /etc/mdctl/md.tab:2: hsp001: hot spare pools need a state database, and the\
    re is none
    err| next: metadb -a -f DEVICE
    [exit status 1]
    $ metainit d13
    err| metainit: d13: has no entry in /etc/mdctl/md.tab
    err| next: metainit --help
    [exit status 1]
    $ metainit 13
    err| metainit: 13: is not the name of a metadevice: those are d0 to d8191
    err| next: metainit --help
    [exit status 1]
    $ metainit d11 --json
    {"version":1,"error":{"command":"metainit","device":"d11","reason":"row 0 has width 1, but\
     only 0 components","next":"metainit --help","entry":{"file":"/etc/mdctl/md.tab","line":3,\
    "name":"d11"}}}
    [exit status 1]
    "#);
}

#[test]
fn a_name_that_stands_there_twice_is_made_by_none() {
    let mut env = with_md_tab("d10 1 1 sda\n\n/dev/md/dsk/d10 1 1 sdb\n");
    assert_snapshot!(env.run("metainit d10"), @r#"
    $ metainit d10
    err| metainit: /etc/mdctl/md.tab:3: /dev/md/dsk/d10: "/dev/md/dsk/d10" stands in line 1 al\
    ready
    err|     /dev/md/dsk/d10 1 1 sdb
    err|     ^^^^^^^^^^^^^^^
    err| next: metainit --help
    [exit status 1]
    "#);
    assert_eq!(env.admin.unit_count(), 0);
}

#[test]
fn another_file_may_be_named() {
    let mut env = TestEnvironment::new();
    env.write("srv/my.tab", "d10 1 1 sda\nd11 1 1 sdb\n");
    env.mkfs("/dev/sdb");
    let transcript = env.run_all(&[
        "metainit -T /srv/my.tab d10",
        "metainit --md-tab /srv/my.tab -n -a",
        "metainit -T /srv/other.tab -a",
        "metainit -a",
        "metainit d10",
    ]);
    assert_snapshot!(transcript, @r"
    $ metainit -T /srv/my.tab d10
    d10: Concat/Stripe is setup
    $ metainit --md-tab /srv/my.tab -n -a
    err| metainit: /srv/my.tab:2: d11: /dev/sdb: carries an ext4 file system (label web), whic\
    h would be lost (--keep-data would keep it)
    err| next: metainit -f -n -T /srv/my.tab d11
    err| metainit: /srv/my.tab: 1 of its metadevices could not be made
    err| next: metainit --md-tab /srv/my.tab -n -a
    [exit status 1]
    $ metainit -T /srv/other.tab -a
    err| metainit: /srv/other.tab: there is no such file
    err| next: metainit --help
    [exit status 1]
    $ metainit -a
    err| metainit: /etc/mdctl/md.tab: there is no such file
    err| next: metainit --help
    [exit status 1]
    $ metainit d10
    err| metainit: /etc/mdctl/md.tab: there is no such file
    err| next: metainit --help
    [exit status 1]
    ");
}

#[test]
fn a_file_that_cannot_be_read_is_an_error() {
    let mut env = TestEnvironment::new();
    env.write("srv/folder/file", "");
    assert_snapshot!(env.run("metainit -T /srv/folder -a"), @r"
    $ metainit -T /srv/folder -a
    err| metainit: /srv/folder: cannot be read: Is a directory (os error 21)
    err| next: metainit --help
    [exit status 1]
    ");
}

#[test]
fn options_that_do_not_go_together() {
    let mut env = with_md_tab("d10 1 1 sda\n");
    let transcript = env.run_all(&[
        "metainit -a d10",
        "metainit -a d10 1 1 sda",
        "metainit -T /srv/my.tab d10 1 1 sda",
    ]);
    assert_snapshot!(transcript, @r"
    $ metainit -a d10
    err| metainit: the argument '-a' cannot be used with '[NAME]'
    err| next: metainit --help
    [exit status 1]
    $ metainit -a d10 1 1 sda
    err| metainit: the argument '-a' cannot be used with: [NAME] [ROW]...
    err| next: metainit --help
    [exit status 1]
    $ metainit -T /srv/my.tab d10 1 1 sda
    err| metainit: the argument '--md-tab <FILE>' cannot be used with '[ROW]...'
    err| next: metainit --help
    [exit status 1]
    ");
    assert_eq!(env.admin.unit_count(), 0);
}

/// What `metastat -p` prints brings everything back, with the file systems that are on it.
#[test]
fn what_metastat_prints_brings_all_back() {
    let mut env = TestEnvironment::new();
    env.device("sde", "", 8, 64);
    env.admin.disks.insert(rustix::fs::makedev(8, 64), 300_000);
    env.mkfs("/dev/sde");
    for line in [
        "metainit d3 1 1 sda",
        "metainit d2 2 1 sdb 1 sdc -i 8k",
        "metainit d1 1 2 d2 d3 -i 128k",
        "metainit d0 1 1 d1",
        "metainit d7 1 1 sde --keep-data",
    ] {
        env.setup(line);
    }
    env.mkfs("/dev/md/dsk/d0");
    env.mkfs("/dev/md/dsk/d1");
    env.mkfs("/dev/md/dsk/d2");
    let before = env.run("metastat --json").json();
    let md_tab = env.run("metastat -p").stdout;
    assert_snapshot!(md_tab, @r"
    d0 1 1 d1
    d1 1 2 d2 d3 -i 256b
    d2 2 1 /dev/sdb 1 /dev/sdc -i 16b
    d3 1 1 /dev/sda
    d7 1 1 /dev/sde --keep-data
    ");
    env.write("etc/mdctl/md.tab", &md_tab);
    env.setup("metaclear -a");
    assert_eq!(env.admin.unit_count(), 0);
    env.setup("metainit -a");
    assert_eq!(env.run("metastat --json").json(), before);
}

#[test]
fn without_the_module_nothing_is_tried() {
    let mut env = with_md_tab("d10 1 1 sda\nd11 1 1 sdb\n");
    env.admin.answers.fail_next(CallError::Open(Errno::ACCESS));
    assert_snapshot!(env.run("metainit -a"), @r"
    $ metainit -a
    err| metainit: /dev/md/admin: only root may use it (CAP_SYS_ADMIN)
    err| next: sudo metainit -a
    [exit status 1]
    ");
    env.admin
        .answers
        .refuse_next(Refusal::NoMemory, u32::MAX, [0; 2]);
    assert_snapshot!(env.run("metainit -a --json"), @r#"
    $ metainit -a --json
    {"version":1,"error":{"command":"metainit","device":"/dev/md/admin","reason":"the kernel i\
    s out of memory","next":"free -m"}}
    [exit status 1]
    "#);
}
