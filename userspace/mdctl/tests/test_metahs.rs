// SPDX-License-Identifier: GPL-2.0
//! `metahs`, and what other commands do with hot spare pools (`svm.md` sections 7 and 10).

use crate::env::TestEnvironment;
use insta::assert_snapshot;
use md_abi::admin::{
    ComponentState,
    SpareState, //
};

/// A machine with a state database on `/dev/sdc`, and the pool hsp001 with `/dev/sdd`.
fn with_pool() -> TestEnvironment {
    let mut env = TestEnvironment::new();
    env.setup("metadb -a -f /dev/sdc");
    env.setup("metainit hsp001 sdd");
    env
}

#[test]
fn help_page() {
    assert_snapshot!(TestEnvironment::new().run("metahs --help"), @r"
    $ metahs --help
    Change hot spare pools, or show them.

    A hot spare takes the place of a component of a submirror that fails: the first one of the\
     pool
    that is large enough, whole, so that small ones come first. It goes back when metareplace \
    has
    given the component a device of its own again, after the resync. A stripe gets a pool by
    metainit or metaparam -h; several may share one, and a device may be in several pools.

    Usage: metahs -a [-f] POOL|all COMPONENT...
           metahs -d POOL [COMPONENT...]
           metahs -d all COMPONENT...
           metahs -e COMPONENT
           metahs -r [-f] POOL|all OLD NEW
           metahs -i [POOL...]

    Options:
      -a          Add hot spares to a pool, or to all
      -d          Take hot spares that nobody uses out of a pool, or out of all; without COMPO\
    NENT delete the pool, which has to be empty
      -e          A hot spare that is broken works again
      -r          Put another device in the place of a hot spare that nobody uses
      -i          Show the pools that are named, or all
      -f          Also a device that carries a file system or the like, but not one in use
          --json  Answer in JSON, also errors; may stand anywhere on the line
      -h, --help  Print help

    Examples:
      metainit hsp001 sdd sde      A pool with two hot spares
      metaparam -h hsp001 d11      Submirror d11 may have them
      metahs -a hsp001 sdf         One more
      metahs -e sde                It was broken, and works again
    ");
}

#[test]
fn pools_are_made_and_shown() {
    let mut env = TestEnvironment::new();
    let lines = [
        "metadb -a -f /dev/sdc",
        "metahs -i",
        "metainit -n hsp001 sdd",
        "metainit hsp001 sdd",
        "metainit hsp002",
        "metahs -a all sda",
        "metahs -a hsp002 sdb",
        "metahs -i",
        "metastat hsp002",
        "metastat -c",
        "metastat -p",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metadb -a -f /dev/sdc
    $ metahs -i
    $ metainit -n hsp001 sdd
    hsp001: Hotspare pool would be setup
    $ metainit hsp001 sdd
    hsp001: Hotspare pool is setup
    $ metainit hsp002
    hsp002: Hotspare pool is setup
    $ metahs -a all sda
    hsp001: Hotspare is added
    hsp002: Hotspare is added
    $ metahs -a hsp002 sdb
    hsp002: Hotspare is added
    $ metahs -i
    hsp001: 2 hot spares
    	Device     Status       Length
    	/dev/sdd   Available    129024 blocks
    	/dev/sda   Available    129024 blocks

    hsp002: 2 hot spares
    	Device     Status       Length
    	/dev/sda   Available    129024 blocks
    	/dev/sdb   Available    129024 blocks
    $ metastat hsp002
    hsp002: 2 hot spares
    	Device     Status       Length
    	/dev/sda   Available    129024 blocks
    	/dev/sdb   Available    129024 blocks
    $ metastat -c
    hsp001           h      - /dev/sdd /dev/sda
    hsp002           h      - /dev/sda /dev/sdb
    $ metastat -p
    hsp001 /dev/sdd /dev/sda
    hsp002 /dev/sda /dev/sdb
    ");
}

#[test]
fn pools_are_changed_and_deleted() {
    let mut env = with_pool();
    env.setup("metainit hsp002 sda sdb");
    env.setup("metahs -a hsp001 sda");
    let lines = [
        "metahs -d all sda",
        "metahs -r hsp002 sdb sda",
        "metahs -d hsp001 sdd",
        "metahs",
        "metahs -d hsp001",
        "metahs -d hsp002 sda",
        "metaclear hsp002",
        "metahs -i",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metahs -d all sda
    hsp001: Hotspare is deleted
    hsp002: Hotspare is deleted
    $ metahs -r hsp002 sdb sda
    hsp002: Hotspare sdb is replaced with sda
    $ metahs -d hsp001 sdd
    hsp001: Hotspare is deleted
    $ metahs
    hsp001: is empty

    hsp002: 1 hot spare
    	Device     Status       Length
    	/dev/sda   Available    129024 blocks
    $ metahs -d hsp001
    hsp001: Hotspare pool is cleared
    $ metahs -d hsp002 sda
    hsp002: Hotspare is deleted
    $ metaclear hsp002
    hsp002: Hotspare pool is cleared
    $ metahs -i
    ");
}

#[test]
fn a_spare_that_stands_for_a_component_is_shown_beside_it() {
    let mut env = with_pool();
    env.setup("metainit d11 1 1 sda -h hsp001");
    env.setup("metainit d12 1 1 sdb");
    env.setup("metainit d10 -m d11 d12 --assume-clean");
    let before = env.run_all(&["metaparam d12", "metaparam -h hsp001 d12", "metaparam d12"]);
    env.admin.spare_takes_over(1, 0, 12, 0);
    let lines = [
        "metastat d12",
        "metastat -c d12 hsp001",
        "metastat -p d12",
        "metahs -i",
        "metahs -d hsp001 sdd",
        "metaparam -h none d12",
    ];
    assert_snapshot!(before + &env.run_all(&lines), @r"
    $ metaparam d12
    d12: Concat/Stripe current parameters are:
        Hot spare pool: none
    $ metaparam -h hsp001 d12
    $ metaparam d12
    d12: Concat/Stripe current parameters are:
        Hot spare pool: hsp001
    $ metastat d12
    d12: Submirror of d10
        State: Okay
        Hot spare pool: hsp001
        Size: 129024 blocks (63 MB)
        Stripe 0:
    	Device     Start Block  Dbase        State  Hot Spare
    	/dev/sdb       2048     No            Okay  /dev/sdd
    $ metastat -c d12 hsp001
    d12              s   63MB /dev/sdb (spared-/dev/sdd)
    hsp001           h      - /dev/sdd (in-use)
    $ metastat -p d12
    d12 1 1 /dev/sdb -h hsp001
    $ metahs -i
    hsp001: 1 hot spare
    	Device     Status       Length
    	/dev/sdd   In use       129024 blocks
    $ metahs -d hsp001 sdd
    err| metahs: /dev/sdd: is in use: it stands for component 0 of d12, or is about to go back
    err| next: metastat d12
    [exit status 1]
    $ metaparam -h none d12
    ");
    env.admin.component(12, 0).state = ComponentState::Resyncing as u32;
    assert_snapshot!(env.run("metastat -c d12"), @r"
    $ metastat -c d12
    d12              s   63MB /dev/sdb (resyncing-/dev/sdd)
    ");
}

#[test]
fn scripts_see_pools_and_spares() {
    let mut env = with_pool();
    env.setup("metainit d11 1 1 sda -h hsp001");
    env.admin.spare_takes_over(1, 0, 11, 0);
    let document = env.run("metastat --json").json();
    assert_eq!(document["hot_spare_pools"][0]["name"], "hsp001");
    assert_eq!(document["hot_spare_pools"][0]["users"], 1);
    let spare = &document["hot_spare_pools"][0]["spares"][0];
    assert_eq!(spare["device"], "/dev/sdd");
    assert_eq!(spare["status"], "In use");
    assert_eq!(spare["metadevice"], "d11");
    let unit = &document["metadevices"][0];
    assert_eq!(unit["hot_spare_pool"], "hsp001");
    let component = &unit["rows"][0]["components"][0];
    assert_eq!(component["device"], "/dev/sda");
    assert_eq!(component["hot_spare"], "/dev/sdd");
}

#[test]
fn only_a_broken_spare_is_enabled() {
    let mut env = with_pool();
    let before = env.run_all(&["metahs -e sdd", "metahs -e sda"]);
    env.admin.set_spare_state(1, 0, SpareState::Broken);
    let lines = ["metahs -i", "metahs -e sdd", "metahs -i"];
    assert_snapshot!(before + &env.run_all(&lines), @r"
    $ metahs -e sdd
    err| metahs: /dev/sdd: is not broken: there is nothing to be enabled
    err| next: metahs -i
    [exit status 1]
    $ metahs -e sda
    err| metahs: /dev/sda: is no hot spare
    err| next: metahs -i
    [exit status 1]
    $ metahs -i
    hsp001: 1 hot spare
    	Device     Status       Length
    	/dev/sdd   Broken       129024 blocks
    $ metahs -e sdd
    hsp001: Hotspare is enabled
    $ metahs -i
    hsp001: 1 hot spare
    	Device     Status       Length
    	/dev/sdd   Available    129024 blocks
    ");
}

/// One that is not there is called by what it is known, as metastat shows it.
#[test]
fn a_spare_that_is_missing_can_be_taken_out() {
    let mut env = with_pool();
    let uuid = "15151515-1515-1515-1515-151515151515";
    env.admin.lose_spare(1, 0, uuid);
    assert!(env
        .run("metahs -i")
        .stdout
        .contains(&format!("missing {uuid}")));
    let line = format!("metahs -d hsp001 {uuid}");
    assert_eq!(env.run(&line).stdout, "hsp001: Hotspare is deleted\n");
    assert_eq!(env.run("metahs -i").stdout, "hsp001: is empty\n");
}

#[test]
fn what_cannot_be_added_is_refused() {
    let mut env = with_pool();
    env.setup("metainit d11 1 1 sda -h hsp001");
    env.mkfs("/dev/sdb");
    let lines = [
        "metainit hsp001 sdb",
        "metainit hsp01 sdb",
        "metahs -a hsp001 sdb",
        "metahs -a hsp002 sdc",
        "metahs -a hsp001 sdd",
        "metahs -a hsp001 d11",
        "metahs -a hsp001 sda",
        "metahs -a hsp001",
        "metahs -a d11 sdb",
    ];
    assert_snapshot!(env.run_all(&lines), @r#"
    $ metainit hsp001 sdb
    err| metainit: hsp001: exists already
    err| next: metahs -i hsp001
    [exit status 1]
    $ metainit hsp01 sdb
    err| metainit: "hsp01" is not the name of a hot spare pool: those are hsp000 to hsp999
    err|     hsp01 sdb
    err|     ^^^^^
    err| next: metainit --help
    [exit status 1]
    $ metahs -a hsp001 sdb
    err| metahs: /dev/sdb: carries an ext4 file system (label web), which would be lost
    err| next: metahs -f -a hsp001 sdb
    [exit status 1]
    $ metahs -a hsp002 sdc
    err| metahs: hsp002: there is no such hot spare pool
    err| next: metainit hsp002 <device>
    [exit status 1]
    $ metahs -a hsp001 sdd
    err| metahs: /dev/sdd: is a hot spare of hsp001
    err| next: metahs -d hsp001 /dev/sdd
    [exit status 1]
    $ metahs -a hsp001 d11
    err| metahs: /dev/md/dsk/d11: is a metadevice, and a hot spare is a disk or partition
    err| next: lsblk
    [exit status 1]
    $ metahs -a hsp001 sda
    err| metahs: /dev/sda: is part of the metadevice d11
    err| next: metaclear d11
    [exit status 1]
    $ metahs -a hsp001
    err| metahs: says too little, or too much
    err| next: metahs --help
    [exit status 1]
    $ metahs -a d11 sdb
    err| metahs: d11: is not the name of a hot spare pool: those are hsp000 to hsp999
    err| next: metahs --help
    [exit status 1]
    "#);
}

#[test]
fn what_cannot_be_changed_is_refused() {
    let mut env = with_pool();
    env.setup("metainit d11 1 1 sda -h hsp001");
    env.mkfs("/dev/sdb");
    let lines = [
        "metahs -d all sdb",
        "metahs -d hsp001",
        "metahs -r hsp001 sdb sdc",
        "metahs -i hsp007",
        "metaclear hsp001",
        "metainit d12 1 1 sdd",
        "metaparam -h hsp003 d11",
        "metaparam -h x d11",
    ];
    assert_snapshot!(env.run_all(&lines), @r#"
    $ metahs -d all sdb
    err| metahs: /dev/sdb: is no hot spare
    err| next: metahs -i
    [exit status 1]
    $ metahs -d hsp001
    err| metahs: hsp001: has 1 hot spare, which come out first
    err| next: metahs -i hsp001
    [exit status 1]
    $ metahs -r hsp001 sdb sdc
    err| metahs: /dev/sdb: is no hot spare of hsp001
    err| next: metahs -i hsp001
    [exit status 1]
    $ metahs -i hsp007
    err| metahs: hsp007: there is no such hot spare pool
    err| next: metainit hsp007 <device>
    [exit status 1]
    $ metaclear hsp001
    err| metaclear: hsp001: has 1 hot spare, which come out first
    err| next: metahs -i hsp001
    [exit status 1]
    $ metainit d12 1 1 sdd
    err| metainit: /dev/sdd: is a hot spare of hsp001
    err| next: metahs -d hsp001 /dev/sdd
    [exit status 1]
    $ metaparam -h hsp003 d11
    err| metaparam: hsp003: there is no such hot spare pool
    err| next: metainit hsp003 <device>
    [exit status 1]
    $ metaparam -h x d11
    err| metaparam: invalid value 'x' for '-h <POOL>': is not the name of a hot spare pool: th\
    ose are hsp000 to hsp999
    err| next: metaparam --help
    [exit status 1]
    "#);
}

#[test]
fn without_a_state_database_there_are_no_pools() {
    let mut without = TestEnvironment::new();
    let lines = [
        "metainit hsp001 sdb",
        "metahs -a all sdb",
        "metainit d11 1 1 sda",
    ];
    assert_snapshot!(without.run_all(&lines), @r"
    $ metainit hsp001 sdb
    err| metainit: hsp001: hot spare pools need a state database, and there is none
    err| next: metadb -a -f DEVICE
    [exit status 1]
    $ metahs -a all sdb
    err| metahs: all: there are no hot spare pools
    err| next: metainit hsp001 <device>
    [exit status 1]
    $ metainit d11 1 1 sda
    d11: Concat/Stripe is setup
    ");
    assert_snapshot!(without.run("metaparam -h hsp001 d11"), @r"
    $ metaparam -h hsp001 d11
    err| metaparam: d11: hot spare pools need a state database, and there is none
    err| next: metadb -a -f DEVICE
    [exit status 1]
    ");
}

/// What `metastat -p` and `mdctl export` print makes the same pools and metadevices again
/// (`svm.md` 13.5, 41).
#[test]
fn a_description_with_pools_is_read_back() {
    let mut env = with_pool();
    env.setup("metainit d11 1 1 sda -h hsp001");
    let lines = env.run("metastat -p").stdout;
    let exported = env.run("mdctl export").stdout;
    let mut other = TestEnvironment::new();
    other.setup("metadb -a -f /dev/sdc");
    other.write("etc/mdctl/md.tab", &lines);
    other.write("set.md", &exported);
    other.setup("mdctl import -n /set.md");
    other.setup("metainit -a");
    assert_eq!(other.run("metastat -p").stdout, lines);
    other.setup("metaclear -a");
    other.setup("metahs -d hsp001 sdd");
    other.setup("metaclear hsp001");
    other.setup("mdctl import /set.md");
    assert_eq!(other.run("metastat -p").stdout, lines);
}
