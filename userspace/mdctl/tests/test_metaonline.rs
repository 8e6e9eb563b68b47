// SPDX-License-Identifier: GPL-2.0
//! `metaonline` (`svm.md` section 4.9).

use crate::env::TestEnvironment;
use insta::assert_snapshot;

#[test]
fn help_page() {
    assert_snapshot!(TestEnvironment::new().run("metaonline --help"), @r"
    $ metaonline --help
    Bring a submirror back that metaoffline has taken out of service.

    What was written to the mirror meanwhile is copied to it. The mirror may be in use, and ot\
    her
    than in SVM also be being resynced: then one resync does both.

    Usage: metaonline [OPTIONS] <MIRROR> <SUBMIRROR>

    Arguments:
      <MIRROR>     The mirror, such as d10
      <SUBMIRROR>  The submirror, such as d12

    Options:
      -w, --wait  Wait until it is resynced
          --json  Answer in JSON, also errors; may stand anywhere on the line
      -h, --help  Print help
    ");
}

#[test]
fn a_submirror_that_is_back_is_resynced() {
    let mut env = TestEnvironment::with_mirror();
    env.setup("metaoffline d10 d12");
    let lines = [
        "metaonline d10 d12",
        "metastat -c d10",
        "metaonline d10 d12",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metaonline d10 d12
    d10: submirror d12 is onlined
    $ metastat -c d10
    d10              m   63MB d11 d12 (resync-0%)
        d11          s   63MB /dev/sda
        d12          s   63MB /dev/sdb
    $ metaonline d10 d12
    err| metaonline: d12: is not offline
    err| next: metastat d10
    [exit status 1]
    ");
}

#[test]
fn w_waits_for_the_resync() {
    let mut env = TestEnvironment::with_mirror();
    env.setup("metaoffline d10 d12");
    env.admin.resync_step = 1000;
    assert_snapshot!(env.run_all(&["metaonline -w d10 d12", "metastat -c d10"]), @r"
    $ metaonline -w d10 d12
    d10: submirror d12 is onlined
    $ metastat -c d10
    d10              m   63MB d11 d12
        d11          s   63MB /dev/sda
        d12          s   63MB /dev/sdb
    ");
}

#[test]
fn only_a_submirror_that_is_offline_is_onlined() {
    let mut env = TestEnvironment::with_mirror();
    let lines = [
        "metaonline d10 d11",
        "metaonline d10 d13",
        "metaonline -f d10 d11",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metaonline d10 d11
    err| metaonline: d11: is not offline
    err| next: metastat d10
    [exit status 1]
    $ metaonline d10 d13
    err| metaonline: d13: is not a submirror of d10
    err| next: metastat d10
    [exit status 1]
    $ metaonline -f d10 d11
    err| metaonline: unexpected argument '-f' found
    err| next: metaonline --help
    [exit status 1]
    ");
}
