// SPDX-License-Identifier: GPL-2.0
//! Soft partitions: making, growing, shrinking and clearing them, and what is shown of them
//! (`svm.md` section 6).

use crate::env::{
    TestEnvironment,
    Wipefs,
    DISK_SECTORS, //
};
use insta::assert_snapshot;
use md_abi::admin::SoftState;
use rustix::fs::makedev;

#[test]
fn they_are_made_one_behind_the_other() {
    let mut env = TestEnvironment::with_soft_partitions();
    let lines = ["metastat", "metastat -c", "metastat -p"];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metastat
    d20: Soft Partition
        Device: /dev/sda
        State: Okay
        Size: 20480 blocks (10 MB)
        Free on /dev/sda: 67488 blocks (32 MB)
    	Extent             Start Block             Block count
    	     0                    4096                   20480

    d21: Soft Partition
        Device: /dev/sda
        State: Okay
        Size: 40960 blocks (20 MB)
        Free on /dev/sda: 67488 blocks (32 MB)
    	Extent             Start Block             Block count
    	     0                   26624                   40960
    $ metastat -c
    d20              p   10MB /dev/sda
    d21              p   20MB /dev/sda
    $ metastat -p
    d20 -p /dev/sda -o 4096 -b 20480
    d21 -p /dev/sda -o 26624 -b 40960
    ");
    let document = env.run("metastat --json d21").json();
    let soft = &document["metadevices"][0]["soft_partition"];
    assert_eq!(soft["extents"].as_array().map(Vec::len), Some(1));
    assert_eq!(soft["free"], 67_488 * 512);
}

#[test]
fn the_ways_to_say_how_much_and_where() {
    let mut env = TestEnvironment::new();
    let lines = [
        "metainit d20 -p sda -A 4m 1m",
        "metainit d21 -p sda -o 16384 -b 2048",
        "metainit d22 -p /dev/sda -o 32768 -b 2048 -o 65536 -b 4096",
        "metainit -n d23 -p sda all",
        "metainit d23 -p sda all",
        "metastat -p",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metainit d20 -p sda -A 4m 1m
    d20: Soft Partition is setup
    $ metainit d21 -p sda -o 16384 -b 2048
    d21: Soft Partition is setup
    $ metainit d22 -p /dev/sda -o 32768 -b 2048 -o 65536 -b 4096
    d22: Soft Partition is setup
    $ metainit -n d23 -p sda all
    d23: Soft Partition would be setup
    $ metainit d23 -p sda all
    d23: Soft Partition is setup
    $ metastat -p
    d20 -p /dev/sda -o 8192 -b 2048 -A 8192b
    d21 -p /dev/sda -o 16384 -b 2048
    d22 -p /dev/sda -o 32768 -b 2048 -o 65536 -b 4096
    d23 -p /dev/sda -o 4096 -b 2048 -o 12288 -b 2048 -o 20480 -b 10240 -o 36864 -b 26624 -o 71\
    680 -b 57344
    ");
}

#[test]
fn what_cannot_be_made() {
    let mut env = TestEnvironment::with_soft_partitions();
    env.setup("metainit d30 1 1 sdb");
    let lines = [
        "metainit d22 -p sda",
        "metainit d22 -p sda 10x",
        "metainit d22 -p sda 0",
        "metainit d22 -p sda 1t",
        "metainit d22 -p sda -A 5000b 1m",
        "metainit d22 -p sda -o 4096",
        "metainit d22 -p sda -o 4096 -b 2048",
        "metainit d22 -p sda -o 70001 -b 2048",
        "metainit d22 -p sda -o 70000 -b 2048 1m",
    ];
    assert_snapshot!(env.run_all(&lines), @r#"
    $ metainit d22 -p sda
    err| metainit: d22: SIZE is missing
    err|     d22 -p sda
    err|                ^
    err| next: metainit --help
    [exit status 1]
    $ metainit d22 -p sda 10x
    err| metainit: d22: "10x" is not a size: type a number and b, k, m, g or t, as in 100m
    err|     d22 -p sda 10x
    err|                ^^^
    err| next: metainit --help
    [exit status 1]
    $ metainit d22 -p sda 0
    err| metainit: d22: "0" is not a size: type a number and b, k, m, g or t, as in 100m
    err|     d22 -p sda 0
    err|                ^
    err| next: metainit --help
    [exit status 1]
    $ metainit d22 -p sda 1t
    err| metainit: d22: there is room for 59392 blocks, and 2147483648 blocks are needed
    err| next: metastat -c
    [exit status 1]
    $ metainit d22 -p sda -A 5000b 1m
    err| metainit: d22: an alignment of 5000 blocks is no multiple of 16 blocks, which it asks\
     for
    err| next: metainit --help
    [exit status 1]
    $ metainit d22 -p sda -o 4096
    err| metainit: d22: -b LENGTH is missing
    err|     d22 -p sda -o 4096
    err|                        ^
    err| next: metainit --help
    [exit status 1]
    $ metainit d22 -p sda -o 4096 -b 2048
    err| metainit: d22: the extent -o 4096 -b 2048, or the 16 blocks before it, are taken or n\
    ot on the base
    err| next: metastat -p
    [exit status 1]
    $ metainit d22 -p sda -o 70001 -b 2048
    err| metainit: d22: the extent -o 70001 -b 2048 is not made of whole units of 16 blocks
    err| next: metainit --help
    [exit status 1]
    $ metainit d22 -p sda -o 70000 -b 2048 1m
    err| metainit: d22: "1m" is one word too many
    err|     d22 -p sda -o 70000 -b 2048 1m
    err|                                 ^^
    err| next: metainit --help
    [exit status 1]
    "#);
    assert_eq!(env.admin.unit_count(), 3);
}

#[test]
fn what_cannot_be_a_base() {
    let mut env = TestEnvironment::with_soft_partitions();
    env.setup("metainit d30 1 1 sdb");
    let lines = [
        "metainit d22 -p d20 1m",
        "metainit d22 -p sdb 1m",
        "metainit d22 -p sdz 1m",
        "metainit d20 -p sdc 1m",
        "metainit d22 -p -e sda 1m",
        "metainit d22 -p -e d30 1m",
    ];
    assert_snapshot!(env.run_all(&lines), @r#"
    $ metainit d22 -p d20 1m
    err| metainit: d22: cannot stand on another soft partition
    err| next: metastat -c
    [exit status 1]
    $ metainit d22 -p sdb 1m
    err| metainit: /dev/sdb: is part of the metadevice d30
    err| next: metaclear d30
    [exit status 1]
    $ metainit d22 -p sdz 1m
    err| metainit: /dev/sdz: there is no such device
    err| next: lsblk
    [exit status 1]
    $ metainit d20 -p sdc 1m
    err| metainit: d20: exists already
    err| next: metastat d20
    [exit status 1]
    $ metainit d22 -p -e sda 1m
    err| metainit: /dev/sda: is part of the metadevice d20
    err| next: metaclear d20
    [exit status 1]
    $ metainit d22 -p -e d30 1m
    err| metainit: d22: "d30" is a metadevice, and those are not partitioned
    err|     d22 -p -e d30 1m
    err|               ^^^
    err| next: metainit --help
    [exit status 1]
    "#);
    assert_eq!(env.admin.unit_count(), 3);
}

#[test]
fn they_grow_in_place_and_by_new_extents() {
    let mut env = TestEnvironment::with_soft_partitions();
    let lines = [
        "metattach d20 1m",
        "metattach d21 1m",
        "metattach -n d21 all",
        "metattach -A 2m d20 1m",
        "metattach d20 1t",
        "metattach d20",
        "metastat -p",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metattach d20 1m
    d20: Soft Partition has been grown
    $ metattach d21 1m
    d21: Soft Partition has been grown
    $ metattach -n d21 all
    d21: Soft Partition would grow
    $ metattach -A 2m d20 1m
    d20: Soft Partition has been grown
    $ metattach d20 1t
    err| metattach: d20: there is room for 49152 blocks, and 2147483648 blocks are needed
    err| next: metastat -c
    [exit status 1]
    $ metattach d20
    err| metattach: d20: grows by a size, or by all, and none is given
    err| next: metattach --help
    [exit status 1]
    $ metastat -p
    d20 -p /dev/sda -o 4096 -b 20480 -o 69632 -b 2048 -o 77824 -b 2048
    d21 -p /dev/sda -o 26624 -b 40960 -o 73728 -b 2048
    ");
}

#[test]
fn they_shrink_but_not_below_a_file_system() {
    let mut env = TestEnvironment::with_soft_partitions();
    let free = ["metattach --shrink d20 8m", "metattach --shrink d20 8m"];
    assert_snapshot!(env.run_all(&free), @r"
    $ metattach --shrink d20 8m
    d20: Soft Partition has been shrunk
    $ metattach --shrink d20 8m
    err| metattach: d20: has 16384 blocks, and cannot shrink to 16384
    err| next: metastat d20
    [exit status 1]
    ");
    env.mkfs("/dev/md/dsk/d20");
    assert_snapshot!(env.run("metattach --shrink d20 7m"), @r"
    $ metattach --shrink d20 7m
    err| metattach: d20: carries an ext4 file system (label web), and it is not known how larg\
    e that is (-f: shrink)
    err| next: lsblk -f /dev/md/dsk/d20
    [exit status 1]
    ");
    env.mkfs_of("/dev/md/dsk/d20", 6 << 10);
    let lines = [
        "metattach --shrink d20 5m",
        "metattach -n --shrink d20 7m",
        "metattach --shrink d20 7m",
        "metattach -f --shrink d20 5m",
        "metastat -p d20",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metattach --shrink d20 5m
    err| metattach: d20: an ext4 file system (label web) on it has 6291456 bytes, and would ha\
    ve 5242880 (-f: all the same)
    err| next: lsblk -f /dev/md/dsk/d20
    [exit status 1]
    $ metattach -n --shrink d20 7m
    d20: Soft Partition would shrink
    $ metattach --shrink d20 7m
    d20: Soft Partition has been shrunk
    $ metattach -f --shrink d20 5m
    d20: Soft Partition has been shrunk
    $ metastat -p d20
    d20 -p /dev/sda -o 4096 -b 10240
    ");
}

#[test]
fn a_mirror_and_a_stripe_carry_them_and_are_made_of_them() {
    let mut env = TestEnvironment::with_mirror();
    let lines = [
        "metainit d20 -p d10 10m",
        "metainit d21 -p d10 10m",
        "metainit d31 -p sdc 10m",
        "metainit d32 -p sdd 10m",
        "metainit d30 2 1 d31 1 d32",
        "metastat -c",
        "metastat -p",
        "metaclear d10",
        "metaclear d31",
        "metainit d40 1 1 d20",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metainit d20 -p d10 10m
    d20: Soft Partition is setup
    $ metainit d21 -p d10 10m
    d21: Soft Partition is setup
    $ metainit d31 -p sdc 10m
    d31: Soft Partition is setup
    $ metainit d32 -p sdd 10m
    d32: Soft Partition is setup
    $ metainit d30 2 1 d31 1 d32
    d30: Concat/Stripe is setup
    $ metastat -c
    d20              p   10MB d10
    d21              p   10MB d10
        d10          m   63MB d11 d12
            d11      s   63MB /dev/sda
            d12      s   63MB /dev/sdb
    d30              s   20MB d31 d32
        d31          p   10MB /dev/sdc
        d32          p   10MB /dev/sdd
    $ metastat -p
    d20 -p d10 -o 2048 -b 20480
    d21 -p d10 -o 24576 -b 20480
    d10 -m d11 d12 1
    d11 1 1 /dev/sda
    d12 1 1 /dev/sdb
    d30 2 1 d31 1 d32
    d31 -p /dev/sdc -o 4096 -b 20480
    d32 -p /dev/sdd -o 4096 -b 20480
    $ metaclear d10
    err| metaclear: d10: there are soft partitions on it
    err| next: metaclear -p d10
    [exit status 1]
    $ metaclear d31
    err| metaclear: d31: is part of the metadevice d30
    err| next: metaclear d30
    [exit status 1]
    $ metainit d40 1 1 d20
    d40: Concat/Stripe is setup
    ");
}

#[test]
fn they_are_cleared_one_by_one_or_all_of_a_base() {
    let mut env = TestEnvironment::with_soft_partitions();
    env.setup("metainit d22 -p sda 1m");
    let lines = [
        "metaclear d20",
        "metaclear -p sda",
        "metaclear -p sda",
        "metaclear -p d77",
        "metastat",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metaclear d20
    d20: Soft Partition is cleared
    $ metaclear -p sda
    d21: Soft Partition is cleared
    d22: Soft Partition is cleared
    $ metaclear -p sda
    err| metaclear: /dev/sda: there are no soft partitions on it
    err| next: metastat -c
    [exit status 1]
    $ metaclear -p d77
    err| metaclear: d77: there are no soft partitions on it
    err| next: metastat -c
    [exit status 1]
    $ metastat
    ");
    let mut env = TestEnvironment::with_mirror();
    env.setup("metainit d20 -p d10 10m");
    assert_snapshot!(env.run("metaclear -r d20"), @r"
    $ metaclear -r d20
    d20: Soft Partition is cleared
    d10: Mirror is cleared
    d11: Concat/Stripe is cleared
    d12: Concat/Stripe is cleared
    ");
    assert_eq!(env.admin.unit_count(), 0);
}

#[test]
fn one_that_is_not_well_says_so() {
    let mut env = TestEnvironment::with_soft_partitions();
    env.admin.soft(20).state = SoftState::Growing;
    env.admin.soft(21).wrong = 2;
    let lines = ["metastat", "metastat -c"];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metastat
    d20: Soft Partition
        Device: /dev/sda
        State: Growing
        Size: 20480 blocks (10 MB)
        Free on /dev/sda: 67488 blocks (32 MB)
    	Extent             Start Block             Block count
    	     0                    4096                   20480
        Invoke: metarecover /dev/sda -p -m

    d21: Soft Partition
        Device: /dev/sda
        State: Errored
        Size: 40960 blocks (20 MB)
        Free on /dev/sda: 67488 blocks (32 MB)
    	Extent             Start Block             Block count
    	     0                   26624                   40960
        Invoke: metarecover /dev/sda -p -m
    $ metastat -c
    d20              p   10MB /dev/sda
    d21              p   20MB /dev/sda
    ");
}

#[test]
fn what_is_exported_is_imported_again() {
    let mut env = TestEnvironment::with_mirror();
    for line in [
        "metainit d20 -p d10 10m",
        "metainit d21 -p d10 5m",
        "metattach d20 3m",
    ] {
        env.setup(line);
    }
    let description = env.run("mdctl export").stdout;
    let before = env.run("metastat -p").stdout;
    env.write("srv/set.md", &description);
    env.setup("metaclear -a");
    assert_snapshot!(env.run("mdctl import --assume-clean /srv/set.md"), @r"
    $ mdctl import --assume-clean /srv/set.md
    d11: Concat/Stripe is setup
    d12: Concat/Stripe is setup
    d10: Mirror is setup
    d20: Soft Partition is setup
    d21: Soft Partition is setup
    ");
    assert_eq!(env.run("metastat -p").stdout, before);
    assert_eq!(env.run("mdctl export").stdout, description);
}

#[test]
fn md_tab_has_lines_of_them() {
    let mut env = TestEnvironment::new();
    let text = "d20 -p sda 10m\nd21 -p sda -o 40960 -b 2048\nd22 -p sda -A 2m all\n";
    env.write("etc/mdctl/md.tab", text);
    let lines = ["metainit d21", "metainit -a", "metastat -p"];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metainit d21
    d21: Soft Partition is setup
    $ metainit -a
    d20: Soft Partition is setup
    d22: Soft Partition is setup
    $ metastat -p
    d20 -p /dev/sda -o 4096 -b 20480
    d21 -p /dev/sda -o 40960 -b 2048
    d22 -p /dev/sda -o 28672 -b 8192 -o 45056 -b 81920 -A 4096b
    ");
}

/// `svm.md` section 10. `sfdisk` is what partitions the disk; here the partition is there already.
#[test]
fn a_disk_is_partitioned_for_them() {
    let mut env = TestEnvironment::new();
    env.device("sdd1", "sdd", 8, 49);
    env.admin.disks.insert(makedev(8, 49), DISK_SECTORS - 4096);
    env.wipefs("/dev/sdc", Wipefs::Finds("ext4", "filesystem", None));
    let lines = [
        "metainit d20 -p -e sdc 1m",
        "metainit -n d20 -p -e sdd 1m",
        "metainit d20 -p -e sdd1 1m",
        "metastat -p",
        "metainit d20 -p -e sdd -A 4m 1m",
        "metastat -p",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metainit d20 -p -e sdc 1m
    err| metainit: /dev/sdc: carries an ext4 file system, which would be lost
    err| next: metainit -f d20 -p -e sdc 1m
    [exit status 1]
    $ metainit -n d20 -p -e sdd 1m
    /dev/sdd: would be partitioned
    d20: Soft Partition would be setup
    $ metainit d20 -p -e sdd1 1m
    err| metainit: /dev/sdd1: is a partition, and -e makes one on a disk
    err| next: lsblk
    [exit status 1]
    $ metastat -p
    $ metainit d20 -p -e sdd -A 4m 1m
    /dev/sdd: is partitioned: /dev/sdd1 is all of it
    d20: Soft Partition is setup
    $ metastat -p
    d20 -p /dev/sdd1 -o 8192 -b 2048 -A 8192b
    ");
}
