// SPDX-License-Identifier: GPL-2.0
//! `metasync` (`svm.md` section 4.6).

use crate::env::TestEnvironment;
use insta::assert_snapshot;
use md_abi::admin::{
    Refusal,
    ResyncState,
    NO_INDEX, //
};

/// A machine with the mirror `d10` over `d11` and `d12`, which is being resynced.
fn resyncing() -> TestEnvironment {
    TestEnvironment::with(&[
        "metainit d11 1 1 sda",
        "metainit d12 1 1 sdb",
        "metainit d10 -m d11 d12",
    ])
}

/// The same with the mirror `d20` over `d21` and `d22`.
fn two_resyncing(pass: u32) -> TestEnvironment {
    let mut env = resyncing();
    env.setup("metainit d21 1 1 sdc");
    env.setup("metainit d22 1 1 sdd");
    env.setup(&format!("metainit d20 -m d21 d22 {pass}"));
    env
}

#[test]
fn help_page() {
    assert_snapshot!(TestEnvironment::new().run("metasync --help"), @r"
    $ metasync --help
    Start or cancel the resync or a check of mirrors and RAID5 metadevices.

    A resync starts by itself when there is something to do; this starts one that was cancelle\
    d, or
    that could not go on. A check reads all submirrors and says where they differ, or all comp\
    onents
    of RAID5 and says in which rows the parity does not fit; metastat shows what it has found.\
     The
    metadevice may be in use.

    Usage: metasync [-w] MIRROR
           metasync -c [--check] MIRROR
           metasync {--pause | --resume} MIRROR
           metasync -r [-w]
           metasync --check [-w] {MIRROR | -a}
           metasync --repair[=SUBMIRROR] [-w] MIRROR

    Arguments:
      [MIRROR]  The mirror or RAID5 metadevice, such as d10

    Options:
      -c                          Cancel: the resync stops until metasync starts it again, and\
     a check ends; with --check, only that
          --pause                 The resync pauses until it is resumed or started, or until t\
    he set is started again
          --resume                A resync that pauses goes on
      -r                          All mirrors that need it but those with pass 0, in the order\
     of their passes
      -w, --wait                  Wait until the resync or check is done; with -r, for those o\
    f each pass before the next one begins. A check ends with an error if submirrors differ
          --check                 Read all submirrors, or components of RAID5, and compare the\
    m
          --repair[=<SUBMIRROR>]  The same, and make equal what differs: as more than half of \
    the submirrors have it, or as SUBMIRROR has it; of RAID5, make the parity of the data
      -a                          With --check: all mirrors and RAID5 metadevices, with -w one\
     after the other
          --json                  Answer in JSON, also errors; may stand anywhere on the line
      -h, --help                  Print help
    ");
}

/// `svm.md` section 13.3, test 21.
#[test]
fn a_resync_is_cancelled_and_goes_on_where_it_was() {
    let mut env = resyncing();
    env.admin
        .set_resync(10, ResyncState::Running, 19_353, 129_024);
    let lines = [
        "metasync -c d10",
        "metastat d10",
        "metastat -c d10",
        "metasync d10",
        "metastat -c d10",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metasync -c d10
    d10: resync is cancelled
    $ metastat d10
    d10: Mirror
        Submirror 0: d11
          State: Okay
        Submirror 1: d12
          State: Needs maintenance
        Resync cancelled: 14 % done
        Invoke: metasync d10
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
        State: Needs maintenance
        Invoke: metasync d10
        Size: 129024 blocks (63 MB)
        Stripe 0:
    	Device     Start Block  Dbase        State  Errors
    	/dev/sdb       2048     No            Okay  none
    $ metastat -c d10
    d10              m   63MB d11 d12 (maint)
        d11          s   63MB /dev/sda
        d12          s   63MB /dev/sdb
    $ metasync d10
    d10: resync is started
    $ metastat -c d10
    d10              m   63MB d11 d12 (resync-14%)
        d11          s   63MB /dev/sda
        d12          s   63MB /dev/sdb
    ");
}

#[test]
fn json_has_the_resync_of_the_mirror() {
    let mut env = resyncing();
    env.admin.set_resync(10, ResyncState::Running, 20, 129_024);
    let resync = |env: &mut TestEnvironment, line| {
        let document = env.run(line).json();
        document["metadevices"][0]["resync"].clone()
    };
    let cancelled = resync(&mut env, "metasync --json -c d10");
    let expected = serde_json::json!({"state": "cancelled", "done": 10_240, "total": 63 << 20});
    assert_eq!(cancelled, expected);
    assert_eq!(resync(&mut env, "metasync --json d10")["state"], "running");
    env.admin.resync_step = 100_000;
    let done = env.run("metasync --json -w d10").json();
    assert!(done["metadevices"][0].get("resync").is_none(), "{done}");
    assert_eq!(done["metadevices"][0]["submirrors"][1]["state"], "Okay");
}

#[test]
fn nothing_to_resync_is_an_error_but_for_r() {
    let mut env = TestEnvironment::with_mirror();
    let lines = [
        "metasync d10",
        "metasync -c d10",
        "metasync -r",
        "metasync -r -w",
        "metasync d11",
        "metasync d99",
        "metasync",
        "metasync -r d10",
        "metasync -c -r",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metasync d10
    err| metasync: d10: has nothing that has to be resynced
    err| next: metastat d10
    [exit status 1]
    $ metasync -c d10
    err| metasync: d10: has nothing that has to be resynced
    err| next: metastat d10
    [exit status 1]
    $ metasync -r
    $ metasync -r -w
    $ metasync d11
    err| metasync: d11: is not a mirror
    err| next: metastat d11
    [exit status 1]
    $ metasync d99
    err| metasync: d99: does not exist
    err| next: metastat -c
    [exit status 1]
    $ metasync
    err| metasync: the following required arguments were not provided: <MIRROR>
    err| next: metasync --help
    [exit status 1]
    $ metasync -r d10
    err| metasync: the argument '-r' cannot be used with '[MIRROR]'
    err| next: metasync --help
    [exit status 1]
    $ metasync -c -r
    err| metasync: the argument '-c' cannot be used with '-r'
    err| next: metasync --help
    [exit status 1]
    ");
    let document = env.run("metasync -r --json").json();
    assert_eq!(
        document,
        serde_json::json!({"version": 1, "metadevices": []})
    );
}

#[test]
fn r_starts_what_stands_still_in_the_order_of_passes() {
    let mut env = two_resyncing(1);
    env.setup("metaparam -p 2 d10");
    for mirror in [10, 20] {
        env.admin
            .set_resync(mirror, ResyncState::Cancelled, 1000, 129_024);
    }
    assert_snapshot!(env.run("metasync -r"), @r"
    $ metasync -r
    d20: resync is started
    d10: resync is started
    ");
    let mut env = two_resyncing(0);
    env.admin.set_resync(10, ResyncState::Stuck, 1000, 129_024);
    env.admin
        .set_resync(20, ResyncState::Cancelled, 1000, 129_024);
    assert_snapshot!(env.run_all(&["metasync -r", "metasync -r"]), @r"
    $ metasync -r
    d10: resync is started
    $ metasync -r
    ");
}

#[test]
fn w_ends_when_all_is_done() {
    let mut env = two_resyncing(2);
    env.admin.resync_step = 10_000;
    assert_snapshot!(env.run_all(&["metasync -r -w", "metastat -c"]), @r"
    $ metasync -r -w
    $ metastat -c
    d10              m   63MB d11 d12
        d11          s   63MB /dev/sda
        d12          s   63MB /dev/sdb
    d20              m   63MB d21 d22
        d21          s   63MB /dev/sdc
        d22          s   63MB /dev/sdd
    ");
}

#[test]
fn w_says_why_a_resync_stands_still() {
    let mut env = resyncing();
    env.admin.resync_step = 10_000;
    env.admin.resync_stuck_at = Some(70_000);
    let lines = ["metasync -w d10", "metastat d10", "metastat -c d10"];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metasync -w d10
    d10: resync is started
    err| metasync: d10: its resync stands still, 46 % done: a block can be read from no submir\
    ror, or the set is read-only
    err| next: metastat d10
    [exit status 1]
    $ metastat d10
    d10: Mirror
        Submirror 0: d11
          State: Okay
        Submirror 1: d12
          State: Needs maintenance
        Resync stands still: 46 % done, a block can be read from no submirror, or the set is r\
    ead-only
        Invoke: metasync d10
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
        State: Needs maintenance
        Invoke: metasync d10
        Size: 129024 blocks (63 MB)
        Stripe 0:
    	Device     Start Block  Dbase        State  Errors
    	/dev/sdb       2048     No            Okay  none
    $ metastat -c d10
    d10              m   63MB d11 d12 (maint)
        d11          s   63MB /dev/sda
        d12          s   63MB /dev/sdb
    ");
    env.admin
        .set_resync(10, ResyncState::Cancelled, 1000, 129_024);
    env.admin.resync_step = 0;
    env.admin
        .answers
        .refuse_next(Refusal::ResyncNeeded, NO_INDEX, [0; 2]);
    assert_snapshot!(env.run("metasync -w d10"), @r"
    $ metasync -w d10
    err| metasync: d10: has to be resynced before, or is being resynced
    err| next: metasync -w d10
    [exit status 1]
    ");
}

/// One that stands still does not keep the others from being waited for.
#[test]
fn w_tells_of_every_mirror_that_stands_still() {
    let mut env = two_resyncing(1);
    env.admin.resync_step = 10_000;
    env.admin.resync_stuck_at = Some(70_000);
    assert_snapshot!(env.run("metasync -w -r"), @r"
    $ metasync -w -r
    err| metasync: d10: its resync stands still, 46 % done: a block can be read from no submir\
    ror, or the set is read-only
    err| next: metastat d10
    err| metasync: d20: its resync stands still, 46 % done: a block can be read from no submir\
    ror, or the set is read-only
    err| next: metastat d20
    [exit status 1]
    ");
}

#[test]
fn a_resync_pauses_and_goes_on() {
    let mut env = resyncing();
    let lines = [
        "metasync --resume d10",
        "metasync --pause d10",
        "metastat -c d10",
        "metasync -w d10 --pause",
        "metasync --resume d10",
        "metastat -c d10",
        "metasync --pause d10",
        "metasync d10",
        "metasync --pause d11",
        "metasync --pause",
        "metasync --pause --resume d10",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metasync --resume d10
    err| metasync: d10: its resync does not pause
    err| next: metastat d10
    [exit status 1]
    $ metasync --pause d10
    d10: resync pauses
    $ metastat -c d10
    d10              m   63MB d11 d12 (resync-0%)
        d11          s   63MB /dev/sda
        d12          s   63MB /dev/sdb
    $ metasync -w d10 --pause
    err| metasync: the argument '--wait' cannot be used with '--pause'
    err| next: metasync --help
    [exit status 1]
    $ metasync --resume d10
    d10: resync goes on
    $ metastat -c d10
    d10              m   63MB d11 d12 (resync-0%)
        d11          s   63MB /dev/sda
        d12          s   63MB /dev/sdb
    $ metasync --pause d10
    d10: resync pauses
    $ metasync d10
    d10: resync is started
    $ metasync --pause d11
    err| metasync: d11: is not a mirror
    err| next: metastat d11
    [exit status 1]
    $ metasync --pause
    err| metasync: the following required arguments were not provided: <MIRROR>
    err| next: metasync --help
    [exit status 1]
    $ metasync --pause --resume d10
    err| metasync: the argument '--pause' cannot be used with '--resume'
    err| next: metasync --help
    [exit status 1]
    ");
}
