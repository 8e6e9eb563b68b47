// SPDX-License-Identifier: GPL-2.0
//! `metaoffline` (`svm.md` section 4.9).

use crate::env::TestEnvironment;
use insta::assert_snapshot;
use md_abi::admin::ComponentState;

#[test]
fn help_page() {
    assert_snapshot!(TestEnvironment::new().run("metaoffline --help"), @r"
    $ metaoffline --help
    Take a submirror out of service for a while.

    It is neither read nor written until metaonline brings it back, and what is written to the
    mirror meanwhile is remembered, so that no more than that is copied then. It stays part of\
     the
    mirror, which may be in use.

    Other than in SVM -f also leaves out that the mirror is being resynced. Another submirror \
    has
    everything in any case.

    Usage: metaoffline [OPTIONS] <MIRROR> <SUBMIRROR>

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
fn a_submirror_that_is_offline_stays_part_of_the_mirror() {
    let mut env = TestEnvironment::with_mirror();
    let lines = ["metaoffline d10 d12", "metastat d10", "metastat -c"];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metaoffline d10 d12
    d10: submirror d12 is offlined
    $ metastat d10
    d10: Mirror
        Submirror 0: d11
          State: Okay
        Submirror 1: d12
          State: Offline
        Pass: 1
        Read option: roundrobin (default)
        Write option: parallel (default)
        State is kept: in memory only, lost at reboot
        Size: 129024 blocks (63 MB)

    d11: Submirror of d10
        State: Okay
        Size: 129024 blocks (63 MB)
        Stripe 0:
    	Device     Start Block  Dbase        State
    	/dev/sda       2048     No            Okay

    d12: Submirror of d10
        State: Offline
        Invoke: metaonline d10 d12
        Size: 129024 blocks (63 MB)
        Stripe 0:
    	Device     Start Block  Dbase        State  Errors
    	/dev/sdb       2048     No            Okay  none
    $ metastat -c
    d10              m   63MB d11 d12 (offline)
        d11          s   63MB /dev/sda
        d12          s   63MB /dev/sdb
    ");
    let document = env.run("metastat --json d10").json();
    let units = &document["metadevices"];
    assert_eq!(units[0]["submirrors"][1]["state"], "Offline");
    assert_eq!(units[2]["state"], "Offline");
    assert!(units[0].get("resync").is_none());
}

#[test]
fn the_last_source_and_one_that_is_offline_are_refused() {
    let mut env = TestEnvironment::with_mirror();
    env.setup("metaoffline d10 d12");
    let lines = [
        "metaoffline d10 d11",
        "metaoffline d10 d12",
        "metareplace -e d10 sdb",
        "metaoffline d10 d13",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metaoffline d10 d11
    err| metaoffline: d11: has, or may have, blocks that no other submirror of d10 in service \
    has
    err| next: metastat d10
    [exit status 1]
    $ metaoffline d10 d12
    err| metaoffline: d12: is offline, and has to be onlined first
    err| next: metaonline d10 d12
    [exit status 1]
    $ metareplace -e d10 sdb
    err| metareplace: d12: is offline, and has to be onlined first
    err| next: metaonline d10 d12
    [exit status 1]
    $ metaoffline d10 d13
    err| metaoffline: d13: is not a submirror of d10
    err| next: metastat d10
    [exit status 1]
    ");
}

#[test]
fn an_erred_submirror_is_offlined_by_force() {
    let mut env = TestEnvironment::with_mirror();
    env.admin.component(12, 0).state = ComponentState::Maintenance as u32;
    let lines = ["metaoffline d10 d12", "metaoffline -f d10 d12"];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metaoffline d10 d12
    err| metaoffline: d10: a submirror needs maintenance or is offline (see it, then use -f)
    err| next: metastat d10
    [exit status 1]
    $ metaoffline -f d10 d12
    d10: submirror d12 is offlined
    ");
}
