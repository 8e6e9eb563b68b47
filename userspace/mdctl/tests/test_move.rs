// SPDX-License-Identifier: GPL-2.0
//! `mdctl move`: extents of soft partitions at another place.

use crate::env::TestEnvironment;
use insta::assert_snapshot;

#[test]
fn help_page() {
    assert_snapshot!(TestEnvironment::new().run("mdctl move --help"), @r"
    $ mdctl move --help
    Move an extent of a soft partition to another place of what that is on.

    The soft partition can be used meanwhile. What is written to the extent while it is copied\
     is
    copied once more, and at the end whoever uses it waits for a moment. The command comes bac\
    k when
    all is done; if it is interrupted, the extent stays where it was, and so it does if the po\
    wer is
    cut. The extents are counted as metastat shows them.

    Usage: mdctl move [OPTIONS] <NAME> <EXTENT>

    Arguments:
      <NAME>    The soft partition
      <EXTENT>  Number of the extent, from 0

    Options:
      -n           Check only, move nothing
      -o <OFFSET>  Where its data is to begin, in blocks
          --json   Answer in JSON, also errors; may stand anywhere on the line
      -h, --help   Print help

    Examples:
      mdctl move d20 1             The second extent of d20, to the first place where it fits
      mdctl move d20 0 -o 8192     The first one, to block 8192 of what d20 is on
    ");
}

#[test]
fn an_extent_goes_to_the_first_place_where_it_fits_or_where_it_is_told() {
    let mut env = TestEnvironment::with_soft_partitions();
    let lines = [
        "metattach d20 1m",
        "mdctl move -n d20 0",
        "mdctl move d20 0",
        "mdctl move d20 1 -o 4096",
        "metastat -p",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metattach d20 1m
    d20: Soft Partition has been grown
    $ mdctl move -n d20 0
    d20: extent 0 would go to block 73728 of /dev/sda
    $ mdctl move d20 0
    d20: extent 0 is moved to block 73728 of /dev/sda
    $ mdctl move d20 1 -o 4096
    d20: extent 1 is moved to block 4096 of /dev/sda
    $ metastat -p
    d20 -p /dev/sda -o 73728 -b 20480 -o 4096 -b 2048
    d21 -p /dev/sda -o 26624 -b 40960
    ");
}

#[test]
fn what_cannot_be_moved() {
    let mut env = TestEnvironment::with_soft_partitions();
    env.setup("metainit d30 1 1 sdb");
    let lines = [
        "mdctl move d20 1",
        "mdctl move d21 0",
        "mdctl move d20 0 -o 26624",
        "mdctl move d20 0 -o 70001",
        "mdctl move d30 0",
        "mdctl move d77 0",
        "metastat -p",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ mdctl move d20 1
    err| mdctl move: d20: has no extent 1: there are 1, counted from 0
    err| next: metastat d20
    [exit status 1]
    $ mdctl move d21 0
    d21: extent 0 is moved to block 69632 of /dev/sda
    $ mdctl move d20 0 -o 26624
    d20: extent 0 is moved to block 26624 of /dev/sda
    $ mdctl move d20 0 -o 70001
    err| mdctl move: d20: the extent -o 70001 -b 20480 is not made of whole units of 16 blocks
    err| next: metainit --help
    [exit status 1]
    $ mdctl move d30 0
    err| mdctl move: d30: is not a soft partition, and move is for those
    err| next: metastat d30
    [exit status 1]
    $ mdctl move d77 0
    err| mdctl move: d77: does not exist
    err| next: metastat -c
    [exit status 1]
    $ metastat -p
    d20 -p /dev/sda -o 26624 -b 20480
    d21 -p /dev/sda -o 69632 -b 40960
    d30 1 1 /dev/sdb
    ");
}
