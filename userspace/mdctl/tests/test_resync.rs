// SPDX-License-Identifier: GPL-2.0
//! How the resync of a mirror is shown, and what is to be typed (`svm.md` section 10.1).

use crate::env::TestEnvironment;
use insta::assert_snapshot;
use md_abi::admin::{
    ComponentState,
    ResyncState, //
};
use rustix::fs::makedev;

/// A machine with the mirror `d10` over `d11` and `d12`, which is resynced to 15 %.
fn resyncing() -> TestEnvironment {
    let mut env = TestEnvironment::with_mirror();
    env.admin.component(10, 1).state = ComponentState::Resyncing as u32;
    env.admin
        .set_resync(10, ResyncState::Running, 20_000, 129_024);
    env
}

#[test]
fn a_resync_in_progress() {
    let mut env = resyncing();
    assert_snapshot!(env.run_all(&["metastat", "metastat -c"]), @r"
    $ metastat
    d10: Mirror
        Submirror 0: d11
          State: Okay
        Submirror 1: d12
          State: Resyncing
        Resync in progress: 15 % done
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
        State: Resyncing
        Size: 129024 blocks (63 MB)
        Stripe 0:
    	Device     Start Block  Dbase        State  Errors
    	/dev/sdb       2048     No            Okay  none
    $ metastat -c
    d10              m   63MB d11 d12 (resync-15%)
        d11          s   63MB /dev/sda
        d12          s   63MB /dev/sdb
    ");
    env.admin.set_resync(10, ResyncState::Running, 0, 0);
    assert_snapshot!(env.run("metastat -c"), @r"
    $ metastat -c
    d10              m   63MB d11 d12 (resync-0%)
        d11          s   63MB /dev/sda
        d12          s   63MB /dev/sdb
    ");
}

/// Above 1 TiB there is a decimal.
#[test]
fn a_large_mirror_has_a_decimal() {
    let mut env = TestEnvironment::new();
    let sectors = 3 << 31;
    env.admin.disks.insert(makedev(8, 0), sectors);
    env.admin.disks.insert(makedev(8, 16), sectors);
    for line in [
        "metainit d11 1 1 sda",
        "metainit d12 1 1 sdb",
        "metainit d10 -m d11 d12",
    ] {
        env.setup(line);
    }
    env.admin
        .set_resync(10, ResyncState::Running, 999_999_999, 6_000_000_000);
    assert_snapshot!(env.run("metastat -c d10"), @r"
    $ metastat -c d10
    d10              m  3.0TB d11 d12 (resync-16.6%)
        d11          s  3.0TB /dev/sda
        d12          s  3.0TB /dev/sdb
    ");
    let text = env.run("metastat d10").stdout;
    assert!(
        text.contains("\n    Resync in progress: 16.6 % done\n    Pass: 1\n"),
        "{text}"
    );
}

#[test]
fn one_that_stands_still_says_what_to_type() {
    let mut env = resyncing();
    env.admin.component(10, 1).state = ComponentState::NeedsResync as u32;
    env.admin
        .set_resync(10, ResyncState::Stuck, 20_000, 129_024);
    assert_snapshot!(env.run_all(&["metastat d10", "metastat -c"]), @r"
    $ metastat d10
    d10: Mirror
        Submirror 0: d11
          State: Okay
        Submirror 1: d12
          State: Needs maintenance
        Resync stands still: 15 % done, a block can be read from no submirror, or the set is r\
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
    $ metastat -c
    d10              m   63MB d11 d12 (maint)
        d11          s   63MB /dev/sda
        d12          s   63MB /dev/sdb
    ");
    let document = env.run("metastat --json d10").json();
    let mirror = &document["metadevices"][0];
    assert_eq!(mirror["resync"]["state"], "stuck");
    assert_eq!(mirror["submirrors"][1]["state"], "Needs maintenance");
}

/// The order of SVM: what is under way, then what was cancelled, then what has failed.
#[test]
fn an_erred_component_is_replaced_when_the_resync_is_done() {
    let mut env = resyncing();
    env.admin.component(11, 0).state = ComponentState::Maintenance as u32;
    assert!(!env.run("metastat").stdout.contains("Invoke"));
    env.admin
        .set_resync(10, ResyncState::Cancelled, 20_000, 129_024);
    env.admin.component(10, 1).state = ComponentState::NeedsResync as u32;
    let text = env.run("metastat").stdout;
    assert_eq!(text.matches("Invoke: metasync d10\n").count(), 3, "{text}");
    env.admin
        .set_resync(10, ResyncState::Stuck, 20_000, 129_024);
    let text = env.run("metastat d11").stdout;
    assert!(
        text.contains("Invoke: metareplace d10 /dev/sda <new device>\n"),
        "{text}"
    );
}

#[test]
fn a_component_that_is_resynced() {
    let mut env = resyncing();
    env.admin.component(12, 0).state = ComponentState::Resyncing as u32;
    assert_snapshot!(env.run_all(&["metastat d12", "metastat -c"]), @r"
    $ metastat d12
    d12: Submirror of d10
        State: Resyncing
        Size: 129024 blocks (63 MB)
        Stripe 0:
    	Device     Start Block  Dbase        State  Errors
    	/dev/sdb       2048     No       Resyncing  none
    $ metastat -c
    d10              m   63MB d11 d12 (resync-15%)
        d11          s   63MB /dev/sda
        d12          s   63MB /dev/sdb (resyncing)
    ");
}

#[test]
fn a_state_of_the_resync_that_makes_no_sense_is_an_error() {
    let mut env = resyncing();
    env.admin.summary_mut(10).resync = 7;
    assert_snapshot!(env.run("metastat d10"), @r"
    $ metastat d10
    err| metastat: /dev/md/admin: the module gave an answer that this tool cannot read: the re\
    sync of d10 is in state 7
    err| next: mdctl version
    [exit status 1]
    ");
}

/// What keeps it from its work is told, with what to type where somebody has to do something.
#[test]
fn a_resync_that_pauses_or_waits_says_so() {
    let mut env = resyncing();
    let mut lines = String::new();
    for state in [
        ResyncState::Paused,
        ResyncState::Waiting,
        ResyncState::LeftOut,
    ] {
        env.admin.set_resync(10, state, 100, 1000);
        let text = env.run("metastat d10").stdout;
        let told = |line: &&str| line.contains("Resync ") || line.contains("Invoke");
        lines += &text.lines().filter(told).collect::<Vec<_>>().join("\n");
        let document = env.run("metastat --json d10").json();
        lines += &format!("\n{}\n", document["metadevices"][0]["resync"]);
    }
    assert_snapshot!(lines, @r#"
        Resync pauses: 10 % done
        Invoke: metasync d10
        Invoke: metasync d10
    {"done":51200,"state":"paused","total":512000}
        Resync waits for mirrors with a lower pass: 10 % done
    {"done":51200,"state":"waiting","total":512000}
        Resync is not started: pass 0
        Invoke: metasync d10
        Invoke: metasync d10
    {"done":51200,"state":"left out","total":512000}
    "#);
}
