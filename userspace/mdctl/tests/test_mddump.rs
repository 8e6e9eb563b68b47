// SPDX-License-Identifier: GPL-2.0
//! `mddump`: which command line it is, and what it does with the sides of a mirror. The dumps
//! themselves are tested in `userspace/dump/tests`.

use crate::env::TestEnvironment;
use insta::assert_snapshot;

#[test]
fn help_page() {
    assert_snapshot!(TestEnvironment::new().run("mddump --help"), @"");
}

/// `mdctl dump` looks at a disk, unless it has options as dump(8) has them.
#[test]
fn options_of_dump_make_it_the_backup() {
    let mut env = TestEnvironment::new();
    let lines = [
        "mddump -0 -f /nowhere/file",
        "mdctl mddump -0uf /nowhere/file /nowhere/disk",
        "mdctl dump -0 -f /nowhere/file /nowhere/disk",
        "mdctl dump /nowhere/disk",
        "mddump --nonsense",
        "mddump -0 --json /nowhere/disk",
    ];
    assert_snapshot!(env.run_all(&lines), @"");
}

/// The device of the side does not exist here: the dump fails, and the side is brought back.
#[test]
fn a_side_is_brought_back_also_after_a_failure() {
    let mut env = TestEnvironment::with_mirror();
    let lines = [
        "mddump -0 --json --from-submirror d10/d12 -f /nowhere/file",
        "metastat -c d10",
        "mddump -0 --from-submirror d10/d99 -f /nowhere/file",
        "mddump -0 --from-submirror d10 -f /nowhere/file",
    ];
    assert_snapshot!(env.run_all(&lines), @"");
}
