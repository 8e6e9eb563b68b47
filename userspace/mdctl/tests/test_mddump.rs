// SPDX-License-Identifier: GPL-2.0
//! `mddump`: which command line it is, and what it does with the sides of a mirror. The dumps
//! themselves are tested in `userspace/dump/tests`.

use crate::env::TestEnvironment;
use clap::Parser;
use insta::assert_snapshot;
use md_dump::{
    options::Arguments,
    selection::Selection,
    state::{
        Origin,
        State, //
    }, //
};
use md_dump_format::{
    layout::Identity,
    map::Map, //
};

#[test]
fn help_page() {
    assert_snapshot!(TestEnvironment::new().run("mddump --help"));
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
    assert_snapshot!(env.run_all(&lines), @r#"
    $ mddump -0 -f /nowhere/file
    err| mddump: no file system is named
    err| next: mddump --help
    [exit status 1]
    $ mdctl mddump -0uf /nowhere/file /nowhere/disk
    err| mddump: /nowhere/disk: cannot be opened: No such file or directory (os error 2)
    err| next: ls -l /nowhere/disk
    [exit status 1]
    $ mdctl dump -0 -f /nowhere/file /nowhere/disk
    err| mddump: /nowhere/disk: cannot be opened: No such file or directory (os error 2)
    err| next: ls -l /nowhere/disk
    [exit status 1]
    $ mdctl dump /nowhere/disk
    err| mdctl dump: /nowhere/disk: there is no such device or file
    err| next: lsblk
    [exit status 2]
    $ mddump --nonsense
    err| mddump: unexpected argument '--nonsense' found
    err| next: mddump --help
    [exit status 1]
    $ mddump -0 --json /nowhere/disk
    {"version":1,"error":{"command":"mddump","device":"/nowhere/disk","reason":"cannot be open\
    ed: No such file or directory (os error 2)","next":"ls -l /nowhere/disk"}}
    [exit status 1]
    "#);
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
    assert_snapshot!(env.run_all(&lines), @r#"
    $ mddump -0 --json --from-submirror d10/d12 -f /nowhere/file
    {"version":1,"error":{"command":"mddump","device":"/dev/md/dsk/d12","reason":"cannot be op\
    ened: No such file or directory (os error 2)","next":"ls -l /dev/md/dsk/d12"}}
    [exit status 1]
    $ metastat -c d10
    d10              m   63MB d11 d12 (resync-0%)
        d11          s   63MB /dev/sda
        d12          s   63MB /dev/sdb
    $ mddump -0 --from-submirror d10/d99 -f /nowhere/file
    err| mddump: d99: is not a submirror of d10
    err| next: metastat d10
    [exit status 1]
    $ mddump -0 --from-submirror d10 -f /nowhere/file
    err| mddump: d10: is no mirror with its submirror, such as d10/d12
    err| next: metastat -c
    [exit status 1]
    "#);
}

/// A dump that is to go on takes its side as it is, and leaves it so if it fails again.
#[test]
fn a_dump_goes_on_with_a_side_that_is_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let words = [
        "mddump",
        "--from-submirror=d10/d12",
        "--state=x",
        "-f/nowhere/file",
    ];
    let selection = Selection {
        used: Map::new(9),
        wanted: Map::new(9),
        directories: Map::new(9),
        estimate: 1,
    };
    let origin = Origin {
        uuid: String::new(),
        written: 0,
        digest: 0,
    };
    let arguments = Arguments::try_parse_from(words).unwrap();
    let state = State::new(arguments, Identity::default(), origin, &selection);
    state.write(&path).unwrap();
    let line = format!("mddump --resume {}", path.display());
    let mut env = TestEnvironment::with_mirror();
    env.setup("metaoffline d10 d12");
    let told = env.run(&line).to_string();
    assert!(told.contains("/dev/md/dsk/d12: cannot be opened"), "{told}");
    let is_out = |env: &mut TestEnvironment| {
        let told = env.run("metastat -c d10").to_string();
        told.contains("offline")
    };
    assert!(is_out(&mut env));
    // One that is in service is taken and brought back.
    let mut env = TestEnvironment::with_mirror();
    let told = env.run(&line).to_string();
    assert!(told.contains("/dev/md/dsk/d12: cannot be opened"), "{told}");
    assert!(!is_out(&mut env));
}
