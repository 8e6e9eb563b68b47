// SPDX-License-Identifier: GPL-2.0
//! `metarecover`: watermarks and records of soft partitions (`svm.md` section 6.6).

use crate::env::{
    watermarks::Parts,
    TestEnvironment,
    DISK_SECTORS, //
};
use insta::assert_snapshot;
use md_abi::admin::SoftState;

const PARTS: Parts<'static> = &[(20, &[(4096, 2048), (16384, 4096)]), (21, &[(8192, 4096)])];

#[test]
fn help_page() {
    assert_snapshot!(TestEnvironment::new().run("metarecover --help"), @r"
    $ metarecover --help
    Check the watermarks of soft partitions, or bring them and the records of them in line.

    A soft partition is described twice: by its record in the state database, or in memory, an\
    d by
    watermarks on its base, the device or metadevice that it is on. Without -d or -m they are
    compared, and nothing is changed.

    Usage: metarecover [-n] [-v] BASE -p [-d | -m]

    Arguments:
      <BASE>  The device or metadevice that the soft partitions are on

    Options:
      -n          Check only, change nothing
      -v          Show the watermarks
      -p          Soft partitions; there is nothing else to recover yet
      -d          Make the soft partitions that the watermarks tell of
      -m          Write the watermarks by the records; also brings changes to their end that w\
    ere cut off
          --json  Answer in JSON, also errors; may stand anywhere on the line
      -h, --help  Print help

    Examples:
      metarecover d10 -p       See whether watermarks and records agree
      metarecover -v d10 -p    The same, with all watermarks
      metarecover d10 -p -m    Write the watermarks by the records: a power cut or a stray wri\
    te has
                               left them incomplete
      metarecover sda -p -d    Make the soft partitions by the watermarks: the state database \
    is lost
    ");
}

#[test]
fn soft_partitions_are_made_by_their_watermarks() {
    let mut env = TestEnvironment::new();
    env.write_marks("sda", PARTS, None);
    let lines = [
        "metarecover sda -p",
        "metarecover -n sda -p -d",
        "metarecover -v sda -p -d",
        "metastat -p",
        "metarecover sda -p -d",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metarecover sda -p
    Watermarks:
    Name                 Seq# Type                 Offset              Length
    d20                     0 ALLOC                  4096                2048
    d21                     0 ALLOC                  8192                4096
    d20                     1 ALLOC                 16384                4096
    Records:
    Name                 Seq# Type                 Offset              Length
    /dev/sda: watermarks tell of 2 soft partitions, and there are no records
    $ metarecover -n sda -p -d
    d20: Soft Partition would be recovered
    d21: Soft Partition would be recovered
    $ metarecover -v sda -p -d
    Watermarks:
    Name                 Seq# Type                 Offset              Length
    free                    0 FREE                   2048                2016
    d20                     0 ALLOC                  4096                2048
    free                    0 FREE                   6144                2016
    d21                     0 ALLOC                  8192                4096
    free                    0 FREE                  12288                4064
    d20                     1 ALLOC                 16384                4096
    free                    0 FREE                  20480              110560
    free                    0 END                  131056                   0
    Records:
    Name                 Seq# Type                 Offset              Length
    d20: Soft Partition is recovered
    d21: Soft Partition is recovered
    $ metastat -p
    d20 -p /dev/sda -o 4096 -b 2048 -o 16384 -b 4096
    d21 -p /dev/sda -o 8192 -b 4096
    $ metarecover sda -p -d
    err| metarecover: /dev/sda: there are records of its soft partitions, such as d20, already
    err| next: metarecover /dev/sda -p -m
    [exit status 1]
    ");
}

#[test]
fn one_that_is_not_complete_is_not_made_nor_lost() {
    let mut env = TestEnvironment::new();
    env.write_marks("sda", PARTS, Some(16384 - 16));
    let lines = ["metarecover sda -p", "metarecover sda -p -d", "metastat -p"];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metarecover sda -p
    Watermarks:
    Name                 Seq# Type                 Offset              Length
    d20                     0 INVLD                  4096                2048
    d21                     0 ALLOC                  8192                4096
    broken at block 16368: Magic
    Records:
    Name                 Seq# Type                 Offset              Length
    /dev/sda: watermarks tell of 1 soft partitions, and there are no records
    $ metarecover sda -p -d
    err| metarecover: /dev/sda: has watermarks of d20, but not all of them: nothing is rebuilt
    err| next: metarecover -v /dev/sda -p
    [exit status 1]
    $ metastat -p
    ");
}

#[test]
fn watermarks_are_compared_and_written_anew() {
    let mut env = TestEnvironment::with_soft_partitions();
    env.write_marks("sda", &[(20, &[(4096, 20480)])], None);
    assert_snapshot!(env.run("metarecover sda -p"), @r"
    $ metarecover sda -p
    Watermarks:
    Name                 Seq# Type                 Offset              Length
    d20                     0 ALLOC                  4096               20480
    Records:
    Name                 Seq# Type                 Offset              Length
    d20                     0 ALLOC                  4096               20480
    d21                     0 ALLOC                 26624               40960
    /dev/sda: all 2 watermarks are as the records say
    ");
    env.admin.soft(21).wrong = 1;
    env.admin.soft(20).state = SoftState::Shrinking;
    let lines = [
        "metarecover sda -p",
        "metarecover -n sda -p -m",
        "metarecover sda -p -m",
        "metarecover sda -p",
        "metarecover sda -p -d",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metarecover sda -p
    Watermarks:
    Name                 Seq# Type                 Offset              Length
    d20                     0 ALLOC                  4096               20480
    Records:
    Name                 Seq# Type                 Offset              Length
    d20                     0 ALLOC                  4096               20480
    d21                     0 ALLOC                 26624               40960
    err| metarecover: /dev/sda: 1 of 2 watermarks are not as the records say
    err| next: metarecover /dev/sda -p -m
    [exit status 1]
    $ metarecover -n sda -p -m
    /dev/sda: 1 of 2 watermarks would be written anew
    $ metarecover sda -p -m
    /dev/sda: 1 of 2 watermarks were written anew
    /dev/sda: changes of 1 soft partitions were brought to their end
    $ metarecover sda -p
    Watermarks:
    Name                 Seq# Type                 Offset              Length
    d20                     0 ALLOC                  4096               20480
    Records:
    Name                 Seq# Type                 Offset              Length
    d20                     0 ALLOC                  4096               20480
    d21                     0 ALLOC                 26624               40960
    /dev/sda: all 2 watermarks are as the records say
    $ metarecover sda -p -d
    err| metarecover: /dev/sda: there are records of its soft partitions, such as d20, already
    err| next: metarecover /dev/sda -p -m
    [exit status 1]
    ");
}

#[test]
fn where_there_is_nothing() {
    let mut env = TestEnvironment::new();
    env.write_bytes("dev/sda", &vec![0; DISK_SECTORS as usize * 512]);
    let lines = [
        "metarecover sda -p",
        "metarecover sda -p -d",
        "metarecover sda -p -m",
        "metarecover sda",
        "metarecover sda -p -d -m",
        "metarecover sdz -p",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metarecover sda -p
    Watermarks:
    Name                 Seq# Type                 Offset              Length
    broken at block 2048: Magic
    Records:
    Name                 Seq# Type                 Offset              Length
    /dev/sda: watermarks tell of 0 soft partitions, and there are no records
    err| metarecover: /dev/sda: its watermark at block 2048 cannot be used: Magic
    err| next: metarecover /dev/sda -p -m
    [exit status 1]
    $ metarecover sda -p -d
    err| metarecover: /dev/sda: its watermark at block 2048 cannot be used: Magic
    err| next: metarecover /dev/sda -p -m
    [exit status 1]
    $ metarecover sda -p -m
    err| metarecover: /dev/sda: there are no soft partitions on it
    err| next: metastat -c
    [exit status 1]
    $ metarecover sda
    err| metarecover: the following required arguments were not provided: -p
    err| next: metarecover --help
    [exit status 1]
    $ metarecover sda -p -d -m
    err| metarecover: the argument '-d' cannot be used with '-m'
    err| next: metarecover --help
    [exit status 1]
    $ metarecover sdz -p
    err| metarecover: /dev/sdz: there is no such device
    err| next: lsblk
    [exit status 1]
    ");
}
