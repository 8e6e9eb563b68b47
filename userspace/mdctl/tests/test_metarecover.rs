// SPDX-License-Identifier: GPL-2.0
//! `metarecover`: watermarks and records of soft partitions (`svm.md` section 6.6).

use crate::env::{
    labels::Told,
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
    Check or mend the watermarks of soft partitions, or make a whole set again.

    A soft partition is described twice: by its record in the state database, or in memory, an\
    d by
    watermarks on its base, the device or metadevice that it is on. Without -d or -m they are
    compared, and nothing is changed.

    With --all the metadevices of a set of which every replica is lost are made again, by the \
    labels
    of their components and by watermarks. Begin a new state database first, on a device that \
    is no
    component: 'metadb -a -f DEVICE'. The labels do not say which side of a mirror is the good\
     one.
    Each mirror, and what is below of it, waits until somebody does. To look at the sides, use\
     --all
    without a state database: then they are made in memory, and soft partitions are not. After\
    wards
    'metaclear -a' makes room for the new state database. Hot spare pools are made anew by met\
    ahs.

    Usage: metarecover [-n] [-v] BASE -p [-d | -m]
           metarecover [-n] [-f] --all [--set SET] [--good SUBMIRROR]... [DEVICE...]

    Arguments:
      [BASE|DEVICE]...  The device or metadevice that the soft partitions are on; with --all t\
    he devices whose labels are believed, if not all

    Options:
      -n                      Check only, change nothing
      -v                      Show the watermarks
      -p                      Soft partitions
      -d                      Make the soft partitions that the watermarks tell of
      -m                      Write the watermarks by the records; also brings changes to thei\
    r end that were cut off
          --all               A whole set, of which every replica is lost
          --good <SUBMIRROR>  A submirror that has the data that its mirror is to have; may be\
     given several times
          --set <SET>         Uuid of the set, if there are labels of several ones
      -f                      Also if there are replicas of the set, which cannot be used
          --json              Answer in JSON, also errors; may stand anywhere on the line
      -h, --help              Print help

    Examples:
      metarecover d10 -p       See whether watermarks and records agree
      metarecover -v d10 -p    The same, with all watermarks
      metarecover d10 -p -m    Write the watermarks by the records: a power cut or a stray wri\
    te has
                               left them incomplete
      metarecover sda -p -d    Make the soft partitions by the watermarks: the state database \
    is lost
      metarecover -n --all     See what of a lost set could be made again
      metarecover --all --good d11
                               Make it again, with the mirror of which d11 is a submirror: the\
     others
                               are made equal to d11
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

/// The mirror `d10` over `d11` and `d12`, and two soft partitions on a disk, of a set that is lost.
fn with_a_lost_set() -> TestEnvironment {
    let env = TestEnvironment::new();
    let mirror = || Told::Mirror(10, &[11, 12]);
    env.write_label("sda", 1, &[Told::Concat(11, 1), mirror()]);
    env.write_label("sdb", 2, &[Told::Concat(12, 2), mirror()]);
    env.write_marks("sdc", PARTS, None);
    env.write_label("sdc", 3, &[]);
    env.with_empty_units()
}

#[test]
fn a_lost_set_is_made_again_but_for_mirrors_that_wait() {
    let mut env = with_a_lost_set();
    env.setup("metadb -a -f /dev/sdd");
    let lines = [
        "metarecover -n --all",
        "metarecover --all",
        "metastat -p",
        "metarecover --all --good d20",
        "metarecover --all --good d12",
        "metastat -p",
        "metarecover --all --good d12",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metarecover -n --all
    d20: Soft Partition would be recovered
    d21: Soft Partition would be recovered
    err| metarecover: d10: waits: nobody knows which of its submirrors d11, d12 is the good on\
    e
    err| next: metarecover --all --good d11
    err| metarecover: the set: 1 thing keeps it from being complete
    err| next: metarecover --all -n
    [exit status 1]
    $ metarecover --all
    d20: Soft Partition is recovered
    d21: Soft Partition is recovered
    err| metarecover: d10: waits: nobody knows which of its submirrors d11, d12 is the good on\
    e
    err| next: metarecover --all --good d11
    err| metarecover: the set: 1 thing keeps it from being complete
    err| next: metarecover --all -n
    [exit status 1]
    $ metastat -p
    d20 -p /dev/sdc -o 4096 -b 2048 -o 16384 -b 4096
    d21 -p /dev/sdc -o 8192 -b 4096
    $ metarecover --all --good d20
    err| metarecover: d20: is a submirror of no mirror that the labels tell of
    err| next: metarecover --all -n
    [exit status 1]
    $ metarecover --all --good d12
    d11: Concat/Stripe is recovered
    d12: Concat/Stripe is recovered
    d10: Mirror is recovered
    $ metastat -p
    d10 -m d12 d11 1
    d11 1 1 /dev/sda
    d12 1 1 /dev/sdb
    d20 -p /dev/sdc -o 4096 -b 2048 -o 16384 -b 4096
    d21 -p /dev/sdc -o 8192 -b 4096
    $ metarecover --all --good d12
    ");
}

/// Nothing is written to the disks, so the sides can be looked at.
#[test]
fn without_a_database_the_sides_of_mirrors_are_made_too() {
    let mut env = with_a_lost_set();
    let lines = ["metarecover --all sda sdb", "metastat -p"];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metarecover --all sda sdb
    d11: Concat/Stripe is recovered
    d12: Concat/Stripe is recovered
    err| metarecover: d10: waits: nobody knows which of its submirrors d11, d12 is the good on\
    e
    err| next: metarecover --all --good d11
    err| metarecover: the set: 1 thing keeps it from being complete
    err| next: metarecover --all -n
    [exit status 1]
    $ metastat -p
    d11 1 1 /dev/sda
    d12 1 1 /dev/sdb
    ");
}

#[test]
fn what_is_missing_or_disputed_is_told() {
    let mut env = TestEnvironment::new().with_empty_units();
    assert_snapshot!(env.run("metarecover --all"), @r"
    $ metarecover --all
    err| metarecover: the set: no device has a label of a set that is not started
    err| next: mdctl scan
    [exit status 1]
    ");
    let mirror = || Told::Mirror(10, &[11, 12]);
    env.write_label("sda", 1, &[Told::Concat(11, 1), mirror()]);
    env.write_label("sdb", 2, &[Told::Concat(13, 2)]);
    env.write_label("sdc", 3, &[Told::Concat(13, 3)]);
    let lines = [
        "metarecover --all --good d11",
        "metarecover --all --good d11 sda sdb",
        "metastat -p",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metarecover --all --good d11
    d11: Concat/Stripe is recovered
    d10: Mirror is recovered
    err| metarecover: d13: the labels of /dev/sdb and /dev/sdc say different things of it: nam\
    e the devices that are to be believed
    err| next: mdctl dump /dev/sdb
    err| metarecover: the set: 1 thing keeps it from being complete
    err| next: metarecover --all -n
    [exit status 1]
    $ metarecover --all --good d11 sda sdb
    d13: Concat/Stripe is recovered
    $ metastat -p
    d10 -m d11 1
    d11 1 1 /dev/sda
    d13 1 1 /dev/sdb
    ");
}

#[test]
fn a_set_that_may_not_be_lost_is_left_alone() {
    let mut env = TestEnvironment::new();
    env.label("/dev/sda", 1, 1, 1);
    assert_snapshot!(env.run("metarecover --all"), @r"
    $ metarecover --all
    err| metarecover: /dev/sda: has a replica of the set, which is not lost then (-f: it canno\
    t be used)
    err| next: mdctl start
    [exit status 1]
    ");
    env.label("/dev/sdb", 2, 5, 0);
    assert_snapshot!(env.run("metarecover --all"), @r"
    $ metarecover --all
    err| metarecover: the set: there are labels of several sets: 01010101-0101-0101-0101-01010\
    1010101 (local), 02020202-0202-0202-0202-020202020202 (local)
    err| next: metarecover --all --set 01010101-0101-0101-0101-010101010101
    [exit status 1]
    ");
}

/// Their disk would say nothing of the mirror any more once they are made.
#[test]
fn soft_partitions_below_a_mirror_wait_with_it() {
    let mut env = with_a_lost_set();
    env.write_label("sdc", 3, &[Told::Mirror(10, &[11, 12])]);
    env.setup("metadb -a -f /dev/sdd");
    let lines = ["metarecover --all", "metastat -p"];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metarecover --all
    err| metarecover: d10: waits: nobody knows which of its submirrors d11, d12 is the good on\
    e
    err| next: metarecover --all --good d11
    err| metarecover: the set: 1 thing keeps it from being complete
    err| next: metarecover --all -n
    [exit status 1]
    $ metastat -p
    ");
    assert_eq!(env.run("metarecover --all --good d11").status, 0);
    let names = env.run("metastat -p").stdout;
    assert_eq!(names.lines().count(), 5, "{names}");
}
