// SPDX-License-Identifier: GPL-2.0
//! `metadb`: replicas that are made, deleted and shown.

use crate::env::TestEnvironment;
use insta::assert_snapshot;

#[test]
fn help_page() {
    assert_snapshot!(TestEnvironment::new().run("metadb --help"), @r"
    $ metadb --help
    Make, delete and show replicas of the state database.

    The state database has the configuration and state of all metadevices. Without one they li\
    ve in
    memory. It is kept in replicas, which should be on as many disks as possible: a set starts\
     for
    writing with more than half of them. Two disks want a tie-breaker on a third device (-t): \
    then
    the set also starts with one of them.

    A device for replicas is a partition of its own, or a component of a metadevice, which has\
     room
    for one in its reserved head.

    A replica that has failed (W) counts until it is deleted. With only half of the voting rep\
    licas
    the set runs on, but a tie-breaker is neither made nor deleted, nor a replica that the set\
     would
    stop without: delete first those that have failed.

    Usage: metadb [OPTIONS] [DEVICE]...

    Arguments:
      [DEVICE]...  Devices, such as /dev/sda1; mddb00 to mddb99 for what md.tab has under this\
     name; with -d also uuids, as this command shows them of replicas that are missing

    Options:
      -a           Make replicas on the devices
      -d           Delete the replicas on the devices, or those with these uuids, which may be\
     missing
      -f           With -a: begin a new state database if there is none, and write over what i\
    s on the devices. With -d: also the last replica, so that there is no state database any m\
    ore
      -c <COUNT>   Replicas on each device [default: 1]
      -l <BLOCKS>  Length of each replica in blocks of 512 bytes (128 to 131072) [default: 0]
      -t           Make the tie-breaker, which has no vote and decides when exactly half of th\
    e voters are there
      -p           Write where the replicas are to /etc/md/mddb.cf
      -s <SET>     The set: the running one by name or uuid, or local
      -i           Also say what the flags mean
          --json   Answer in JSON, also errors; may stand anywhere on the line
      -h, --help   Print help

    md.tab may have lines of replicas, in place of the devices of which their name stands:
      mddb01 [-c COUNT] [-l BLOCKS] [-t] DEVICE...
      metadb -a -f mddb01

    mddb.cf has a line for each replica: device, first block, blocks, role, uuid, and by what \
    the disk
    is known. The set starts without it, since replicas are found by what is on the disks. It \
    is for
    people and scripts: to see from a rescue system which disks there should be, or to wait fo\
    r them.
    It is written by -p only, and as a whole.
    ");
}

#[test]
fn without_a_database_metadevices_live_in_memory() {
    let mut env = TestEnvironment::new();
    assert_snapshot!(env.run_all(&["metadb", "metadb -a /dev/sdb"]), @r"
    $ metadb
    There is no state database: metadevices live in memory until the next reboot. 'metadb -a -\
    f DEVICE...' makes one.
    $ metadb -a /dev/sdb
    err| metadb: /dev/sdb: there is no state database
    err| next: metadb -a -f /dev/sdb
    [exit status 1]
    ");
}

#[test]
fn replicas_are_made_shown_and_deleted() {
    let mut env = TestEnvironment::new();
    let lines = [
        "metadb -a -f -c 2 -l 128 /dev/sda",
        "metadb -a /dev/sdb",
        "metadb -a -t /dev/sdc",
        "metadb -i",
        "metadb -d /dev/sda",
        "metadb",
        "metadb --json",
    ];
    assert_snapshot!(env.run_all(&lines), @r#"
    $ metadb -a -f -c 2 -l 128 /dev/sda
    $ metadb -a /dev/sdb
    $ metadb -a -t /dev/sdc
    $ metadb -i
    set local (5e5e5e5e-5e5e-5e5e-5e5e-5e5e5e5e5e5e), commit 2.7
            flags           first blk       block count
            au              256             128             /dev/sda
            au              384             128             /dev/sda
            au              256             1536            /dev/sdb
            aut             256             1536            /dev/sdc
     a - replica is active, commits are written to it
     u - replica is up to date
     t - replica is the tie-breaker
     b - replica is being written
     W - replica has device write errors, or is missing
     In SVM t and b mean something else; its m, l, o, p, c, r, R, S, F, D, M and B are not use\
    d: no
     replica is the master one, all are read at a start, and 'mdctl dump DEVICE' tells what is\
     damaged.
    $ metadb -d /dev/sda
    $ metadb
    set local (5e5e5e5e-5e5e-5e5e-5e5e-5e5e5e5e5e5e), commit 2.7
            flags           first blk       block count
            au              256             1536            /dev/sdb
            aut             256             1536            /dev/sdc
    $ metadb --json
    {"version":1,"database":{"set":"5e5e5e5e-5e5e-5e5e-5e5e-5e5e5e5e5e5e","name":"local","writ\
    able":true,"commit":"2.7","commits":7,"replicas":[{"uuid":"00000000-0000-0000-0000-0000000\
    00000","device":"/dev/sdb","start":131072,"size":786432,"current":true,"failed":false,"tie\
    _breaker":false},{"uuid":"00000000-0000-0000-0000-000000000000","device":"/dev/sdc","start\
    ":131072,"size":786432,"current":true,"failed":false,"tie_breaker":true}]}}
    "#);
}

#[test]
fn what_is_refused_says_what_to_type() {
    let mut env = TestEnvironment::with(&["metadb -a -f /dev/sda"]);
    let lines = [
        "metadb -a",
        "metadb -a /dev/sda",
        "metadb -d /dev/sdb",
        "metadb -d /dev/sda",
        "metadb -a /dev/nothing",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metadb -a
    err| metadb: the devices of the replicas are missing
    err| next: metadb --help
    [exit status 1]
    $ metadb -a /dev/sda
    err| metadb: /dev/sda: has a replica of this kind already
    err| next: metadb -i
    [exit status 1]
    $ metadb -d /dev/sdb
    err| metadb: /dev/sdb: has no replica of the state database
    err| next: metadb -i
    [exit status 1]
    $ metadb -d /dev/sda
    err| metadb: /dev/sda: holds the last voting replica; add another one first (-f: go on wit\
    hout any)
    err| next: metadb -a DEVICE
    [exit status 1]
    $ metadb -a /dev/nothing
    err| metadb: /dev/nothing: there is no such device
    err| next: lsblk
    [exit status 1]
    ");
}

/// `svm.md` section 10.4: md.tab names replicas by the devices that they are on.
#[test]
fn md_tab_says_where_replicas_are() {
    let mut env = TestEnvironment::new();
    let text = "d10 1 1 sdd\nmddb01 -c 2 -l 4096 sda sdb\nmddb02 -t sdc\n";
    env.write("etc/mdctl/md.tab", text);
    let lines = [
        "metadb -a -f mddb01",
        "metadb -a mddb02",
        "metadb",
        "metainit -a",
        "metainit mddb01",
        "metadb -d mddb02",
        "metadb",
        "metadb -d -f mddb01",
        "metadb",
    ];
    assert_snapshot!(env.run_all(&lines), @r#"
    $ metadb -a -f mddb01
    $ metadb -a mddb02
    $ metadb
    set local (5e5e5e5e-5e5e-5e5e-5e5e-5e5e5e5e5e5e), commit 2.7
            flags           first blk       block count
            au              256             4096            /dev/sda
            au              4352            4096            /dev/sda
            au              256             4096            /dev/sdb
            au              4352            4096            /dev/sdb
            aut             256             1536            /dev/sdc
    $ metainit -a
    d10: Concat/Stripe is setup
    $ metainit mddb01
    err| metainit: /etc/mdctl/md.tab:2: mddb01: "mddb01" names replicas of the state database,\
     which metadb makes
    err|     mddb01 -c 2 -l 4096 sda sdb
    err|     ^^^^^^
    err| next: metainit --help
    [exit status 1]
    $ metadb -d mddb02
    $ metadb
    set local (5e5e5e5e-5e5e-5e5e-5e5e-5e5e5e5e5e5e), commit 2.7
            flags           first blk       block count
            au              256             4096            /dev/sda
            au              4352            4096            /dev/sda
            au              256             4096            /dev/sdb
            au              4352            4096            /dev/sdb
    $ metadb -d -f mddb01
    $ metadb
    There is no state database: metadevices live in memory until the next reboot. 'metadb -a -\
    f DEVICE...' makes one.
    "#);
}

#[test]
fn what_is_wrong_in_md_tab_is_pointed_at() {
    let mut env = TestEnvironment::with(&["metadb -a -f /dev/sda"]);
    let text = "mddb03 -c x sde\nmddb03 sde\nmddb04\nmddb05 -a sde\n";
    env.write("etc/mdctl/md.tab", text);
    let lines = [
        "metadb -a mddb03",
        "metadb -a mddb04",
        "metadb -a mddb05",
        "metadb -a /dev/sdb mddb06",
        "metadb",
    ];
    assert_snapshot!(env.run_all(&lines), @r#"
    $ metadb -a mddb03
    err| metadb: /etc/mdctl/md.tab:2: mddb03: "mddb03" stands in line 1 already
    err|     mddb03 sde
    err|     ^^^^^^
    err| next: metadb --help
    [exit status 1]
    $ metadb -a mddb04
    err| metadb: /etc/mdctl/md.tab:3: mddb04: the device of the replicas is missing
    err|     mddb04
    err|            ^
    err| next: metadb --help
    [exit status 1]
    $ metadb -a mddb05
    err| metadb: /etc/mdctl/md.tab:4: mddb05: "-a" is not a device: options are -c, -l and -t,\
     and stand before these
    err|     mddb05 -a sde
    err|            ^^
    err| next: metadb --help
    [exit status 1]
    $ metadb -a /dev/sdb mddb06
    err| metadb: mddb06: has no entry in /etc/mdctl/md.tab
    err| next: metadb --help
    [exit status 1]
    $ metadb
    set local (5e5e5e5e-5e5e-5e5e-5e5e-5e5e5e5e5e5e), commit 2.7
            flags           first blk       block count
            au              256             1536            /dev/sda
    "#);
}

/// SVM demands `-f` for the last replica (`svm.md` section 10.2).
#[test]
fn with_force_the_last_replica_goes_and_metadevices_live_in_memory() {
    let mut env = TestEnvironment::with(&["metadb -a -f /dev/sda", "metainit d1 1 1 sdb"]);
    assert_snapshot!(env.run_all(&["metadb -d -f /dev/sda", "metadb", "metastat -p"]), @r"
    $ metadb -d -f /dev/sda
    $ metadb
    There is no state database: metadevices live in memory until the next reboot. 'metadb -a -\
    f DEVICE...' makes one.
    $ metastat -p
    d1 1 1 /dev/sdb
    ");
}

/// A replica whose disk is gone is shown by its uuid, and deleted by it.
#[test]
fn a_missing_replica_is_deleted_by_its_uuid() {
    let mut env = TestEnvironment::with(&["metadb -a -f /dev/sda /dev/sdb /dev/sdc", "mdctl stop"]);
    env.label("/dev/sda", 1, 0x10, 1);
    env.label("/dev/sdb", 1, 0x20, 1);
    let lines = [
        "mdctl start",
        "metadb",
        "metadb -d 15151515-1515-1515-1515-151515151515",
        "metadb -d 15151515-1515-1515-1515-151515151515",
        "metadb",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ mdctl start
    set 5e5e5e5e-5e5e-5e5e-5e5e-5e5e5e5e5e5e: 0 metadevices started
    $ metadb
    set local (5e5e5e5e-5e5e-5e5e-5e5e-5e5e5e5e5e5e), commit 2.7
            flags           first blk       block count
            au              256             1536            /dev/sda
            au              256             1536            /dev/sdb
                W           256             1536            missing 15151515-1515-1515-1515-15\
    1515151515
    $ metadb -d 15151515-1515-1515-1515-151515151515
    $ metadb -d 15151515-1515-1515-1515-151515151515
    err| metadb: 15151515-1515-1515-1515-151515151515: has no replica of the state database
    err| next: metadb -i
    [exit status 1]
    $ metadb
    set local (5e5e5e5e-5e5e-5e5e-5e5e-5e5e5e5e5e5e), commit 2.7
            flags           first blk       block count
            au              256             1536            /dev/sda
            au              256             1536            /dev/sdb
    ");
}

/// `DURABILITY.md` clause 2: half of the voters are not enough for another tie-breaker.
#[test]
fn who_has_failed_is_deleted_first() {
    let mut env = TestEnvironment::with(&["metadb -a -f /dev/sda /dev/sdb /dev/sdc", "mdctl stop"]);
    env.label("/dev/sda", 1, 0x10, 1);
    env.label("/dev/sdb", 1, 0x20, 1);
    let lines = [
        "mdctl start",
        "metadb -d /dev/sdb",
        "metadb -a -t /dev/sdd",
        "metadb -d 15151515-1515-1515-1515-151515151515",
        "metadb -a -t /dev/sdd",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ mdctl start
    set 5e5e5e5e-5e5e-5e5e-5e5e-5e5e5e5e5e5e: 0 metadevices started
    $ metadb -d /dev/sdb
    $ metadb -a -t /dev/sdd
    err| metadb: /dev/sdd: 1 of 2 voting replicas do not answer: the set would stop; delete th\
    ose first (missing)
    err| next: metadb -d 15151515-1515-1515-1515-151515151515
    [exit status 1]
    $ metadb -d 15151515-1515-1515-1515-151515151515
    $ metadb -a -t /dev/sdd
    ");
}

#[test]
fn a_set_is_not_begun_below_metadevices_that_live_in_memory() {
    let mut env = TestEnvironment::with(&["metainit d1 1 1 sda"]);
    assert_snapshot!(env.run("metadb -a -f /dev/sdb"), @r"
    $ metadb -a -f /dev/sdb
    err| metadb: /dev/sdb: 1 metadevices live in memory; clear them first, and make them again\
     afterwards
    err| next: metastat -p
    [exit status 1]
    ");
}

/// With a database nothing is lost at reboot, and the components with replicas are marked.
#[test]
fn metastat_knows_of_the_replicas() {
    let mut env = TestEnvironment::with(&[
        "metadb -a -f /dev/sda",
        "metainit d11 1 1 sda",
        "metainit d12 1 1 sdb",
        "metainit -f d10 -m d11 d12",
    ]);
    assert_snapshot!(env.run("metastat"), @r"
    $ metastat
    d10: Mirror
        Submirror 0: d11
          State: Okay
        Submirror 1: d12
          State: Resyncing
        Resync in progress: 0 % done
        Pass: 1
        Read option: roundrobin (default)
        Write option: parallel (default)
        Size: 129024 blocks (63 MB)

    d11: Submirror of d10
        State: Okay
        Size: 129024 blocks (63 MB)
        Stripe 0:
    	Device     Start Block  Dbase        State
    	/dev/sda       2048    Yes            Okay

    d12: Submirror of d10
        State: Resyncing
        Size: 129024 blocks (63 MB)
        Stripe 0:
    	Device     Start Block  Dbase        State  Errors
    	/dev/sdb       2048     No            Okay  none
    ");
}

/// `svm.md` section 2.18, in a form of our own.
#[test]
fn where_the_replicas_are_is_written_on_demand() {
    let mut env = TestEnvironment::with(&[
        "metadb -a -f /dev/sda",
        "metadb -a -c 2 -l 128 /dev/sdb",
        "metadb -a -t /dev/sdc",
    ]);
    env.write("sys/devices/sdb/wwid", "t10.ATA     disk b\n");
    assert_eq!(env.read("etc/md/mddb.cf"), None);
    assert_snapshot!(env.run("metadb -p"), @r"
    $ metadb -p
    /etc/md/mddb.cf: 4 replicas are written
    ");
    let text = env.read("etc/md/mddb.cf").unwrap().replace('\t', " | ");
    assert_snapshot!(text, @r"
    # Replicas of the state database of set local (5e5e5e5e-5e5e-5e5e-5e5e-5e5e5e5e5e5e).
    # Do not edit: metadb -p writes this file.
    # device | first block | blocks | role | replica | partition | wwn
    /dev/sda | 256 | 1536 | vote | 00000000-0000-0000-0000-000000000000 | - | -
    /dev/sdb | 256 | 128 | vote | 00000000-0000-0000-0000-000000000000 | - | t10.ATA disk b
    /dev/sdb | 384 | 128 | vote | 00000000-0000-0000-0000-000000000000 | - | t10.ATA disk b
    /dev/sdc | 256 | 1536 | tie-breaker | 00000000-0000-0000-0000-000000000000 | - | -
    ");
    env.remove("etc/md");
    env.write("etc/md", "not a folder");
    assert_snapshot!(env.run("metadb -p"), @r"
    $ metadb -p
    err| metadb: /etc/md/mddb.cf: cannot be written: File exists (os error 17)
    err| next: ls -ld /etc/md
    [exit status 1]
    ");
}

#[test]
fn without_replicas_nothing_is_written() {
    let mut env = TestEnvironment::new();
    assert_snapshot!(env.run_all(&["metadb -p", "metadb -p -a /dev/sda"]), @r"
    $ metadb -p
    err| metadb: /etc/md/mddb.cf: is not written: there is no state database
    err| next: metadb -a -f DEVICE
    [exit status 1]
    $ metadb -p -a /dev/sda
    err| metadb: the argument '-p' cannot be used with '-a'
    err| next: metadb --help
    [exit status 1]
    ");
    assert_eq!(env.read("etc/md/mddb.cf"), None);
}

#[test]
fn a_set_is_named_by_its_name_or_uuid() {
    let mut env = TestEnvironment::new();
    assert_snapshot!(env.run("metadb -s blue -a -f /dev/sda"), @r"
    $ metadb -s blue -a -f /dev/sda
    err| metadb: blue: is not the set of this machine, which is local; none is running
    err| next: mdctl scan
    [exit status 1]
    ");
    env.setup("metadb -s local -a -f /dev/sda");
    let shown = env.run("metadb").stdout;
    assert_eq!(env.run("metadb -s local").stdout, shown);
    let uuid = "5E5E5E5E-5e5e-5e5e-5e5e-5e5e5e5e5e5e";
    assert_eq!(env.run(&format!("metadb -s {uuid}")).stdout, shown);
    let lines = [
        "metadb -s blue",
        "metadb -s blue -a /dev/sdb",
        "metadb -s blue -p",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metadb -s blue
    err| metadb: blue: is not the set that is running, which is local (5e5e5e5e-5e5e-5e5e-5e5e\
    -5e5e5e5e5e5e)
    err| next: mdctl scan
    [exit status 1]
    $ metadb -s blue -a /dev/sdb
    err| metadb: blue: is not the set that is running, which is local (5e5e5e5e-5e5e-5e5e-5e5e\
    -5e5e5e5e5e5e)
    err| next: mdctl scan
    [exit status 1]
    $ metadb -s blue -p
    err| metadb: blue: is not the set that is running, which is local (5e5e5e5e-5e5e-5e5e-5e5e\
    -5e5e5e5e5e5e)
    err| next: mdctl scan
    [exit status 1]
    ");
}
