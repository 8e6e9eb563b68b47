// SPDX-License-Identifier: GPL-2.0
//! `metattach`: growing stripes and concats (`svm.md` section 3.6).

use crate::env::{
    TestEnvironment,
    Wipefs, //
};
use insta::assert_snapshot;
use rustix::fs::makedev;

/// A machine with the stripe `d10` over two of its four disks.
fn with_stripe() -> TestEnvironment {
    TestEnvironment::with(&["metainit d10 1 2 sda sdb -i 64k"])
}

#[test]
fn help_page() {
    assert_snapshot!(TestEnvironment::new().run("metattach --help"), @r"
    $ metattach --help
    Grow a stripe or concat by more components.

    They come behind those that there are: with -i as one more row, striped over all of them;
    without it each as a row of its own. The metadevice may be in use, and its data stays wher\
    e it
    is. A file system on it is grown by a command of its own afterwards.

    Usage: metattach [OPTIONS] <STRIPE> [COMPONENT]...

    Arguments:
      <STRIPE>        The metadevice to grow, such as d10
      [COMPONENT]...  Disks, partitions or metadevices that nobody uses

    Options:
      -f              Also components that carry a file system or the like, but not one in use
      -n              Check only, change nothing
      -i <INTERLACE>  One row of all components, with this interlace: a number and k, m or b, \
    from 8k to 100m
          --json      Answer in JSON, also errors; may stand anywhere on the line
      -h, --help      Print help
    ");
}

#[test]
fn without_an_interlace_each_component_is_a_row() {
    let mut env = with_stripe();
    let lines = ["metattach d10 sdc sdd", "metastat d10", "metastat -p"];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metattach d10 sdc sdd
    d10: components are attached
    $ metastat d10
    d10: Concat/Stripe
        Size: 516096 blocks (252 MB)
        Stripe 0: (interlace: 128 blocks)
    	Device     Start Block  Dbase
    	/dev/sda       2048     No
    	/dev/sdb       2048     No
        Stripe 1:
    	Device     Start Block  Dbase
    	/dev/sdc       2048     No
        Stripe 2:
    	Device     Start Block  Dbase
    	/dev/sdd       2048     No
    $ metastat -p
    d10 3 2 /dev/sda /dev/sdb -i 128b 1 /dev/sdc -i 128b 1 /dev/sdd -i 128b
    ");
}

#[test]
fn with_an_interlace_all_components_are_one_row() {
    let mut env = with_stripe();
    let lines = ["metattach -i 32k d10 sdc /dev/sdd", "metastat -p"];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metattach -i 32k d10 sdc /dev/sdd
    d10: components are attached
    $ metastat -p
    d10 2 2 /dev/sda /dev/sdb -i 128b 2 /dev/sdc /dev/sdd -i 64b
    ");
    let mut env = with_stripe();
    let lines = ["metattach d10 sdc -i 8k", "metastat -p"];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metattach d10 sdc -i 8k
    d10: component is attached
    $ metastat -p
    d10 2 2 /dev/sda /dev/sdb -i 128b 1 /dev/sdc -i 16b
    ");
}

#[test]
fn a_metadevice_may_be_attached() {
    let mut env = with_stripe();
    env.setup("metainit d20 1 2 sdc sdd");
    assert_snapshot!(env.run_all(&["metattach d10 d20", "metastat -c"]), @r"
    $ metattach d10 d20
    d10: component is attached
    $ metastat -c
    d10              s  252MB /dev/sda /dev/sdb d20
        d20          s  126MB /dev/sdc /dev/sdd
    ");
}

#[test]
fn json_shows_the_metadevice_as_it_is_now() {
    let mut env = with_stripe();
    let document = env.run("metattach --json d10 sdc").json();
    assert_eq!(document, env.run("metastat --json d10").json());
    assert_eq!(document["metadevices"][0]["size"], 3 * (63 << 20));
}

#[test]
fn n_checks_and_changes_nothing() {
    let mut env = with_stripe();
    env.admin.disks.insert(makedev(8, 48), 100);
    let lines = [
        "metattach -n d10 sdc",
        "metattach -n -i 16k d10 sdc sda",
        "metattach -n d10 sdc sdd",
        "metattach -n --json d10 sdc",
        "metastat -p",
    ];
    assert_snapshot!(env.run_all(&lines), @r#"
    $ metattach -n d10 sdc
    d10: component would be attached
    $ metattach -n -i 16k d10 sdc sda
    err| metattach: /dev/sda: is part of the metadevice d10
    err| next: metaclear d10
    [exit status 1]
    $ metattach -n d10 sdc sdd
    err| metattach: /dev/sdd: is too small: it has 100 blocks, and 2176 are needed
    err| next: lsblk -d -o NAME,SIZE
    [exit status 1]
    $ metattach -n --json d10 sdc
    {"version":1,"checked":["d10"]}
    $ metastat -p
    d10 1 2 /dev/sda /dev/sdb -i 128b
    "#);
}

/// The same checks as `metainit` makes.
#[test]
fn components_in_use_or_unknown_are_refused() {
    let mut env = with_stripe();
    env.append(
        "proc/self/mountinfo",
        "30 1 8:32 / /mnt rw - ext4 /dev/sdc rw",
    );
    let lines = [
        "metattach d10 sdc",
        "metattach -f d10 sdc",
        "metattach d10 sdx",
        "metattach d10 sdd sdd",
        "metattach d10 sda",
        "metattach d10 a/b",
        "metattach -i 4k d10 sdd",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metattach d10 sdc
    err| metattach: /dev/sdc: is mounted on /mnt
    err| next: umount /mnt
    [exit status 1]
    $ metattach -f d10 sdc
    err| metattach: /dev/sdc: is mounted on /mnt
    err| next: umount /mnt
    [exit status 1]
    $ metattach d10 sdx
    err| metattach: /dev/sdx: there is no such device
    err| next: lsblk
    [exit status 1]
    $ metattach d10 sdd sdd
    err| metattach: /dev/sdd: is given twice, and a component has one place
    err| next: lsblk
    [exit status 1]
    $ metattach d10 sda
    err| metattach: /dev/sda: is part of the metadevice d10
    err| next: metaclear d10
    [exit status 1]
    $ metattach d10 a/b
    err| metattach: a/b: is not a full path: type /dev/a/b, if that is what you mean
    err| next: metattach --help
    [exit status 1]
    $ metattach -i 4k d10 sdd
    err| metattach: invalid value '4k' for '-i <INTERLACE>': is out of range: an interlace is \
    8k to 100m
    err| next: metattach --help
    [exit status 1]
    ");
    assert_eq!(env.run("metastat -c").stdout.lines().count(), 1);
}

#[test]
fn a_file_system_is_not_lost_without_force() {
    let mut env = with_stripe();
    env.mkfs("/dev/sdc");
    let lines = ["metattach d10 sdd sdc", "metattach -f d10 sdd sdc"];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metattach d10 sdd sdc
    err| metattach: /dev/sdc: carries an ext4 file system (label web), which would be lost
    err| next: metattach -f d10 sdd sdc
    [exit status 1]
    $ metattach -f d10 sdd sdc
    d10: components are attached
    ");
}

#[test]
fn what_cannot_grow_is_refused() {
    let mut env = with_stripe();
    env.setup("metainit d11 1 1 d10");
    env.setup("metainit d12 -m d11");
    let lines = [
        "metattach d10 sdc",
        "metattach d12 d10",
        "metattach d12",
        "metattach d10",
        "metattach d99 sdc",
        "metattach sda sdc",
        "metattach",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metattach d10 sdc
    err| metattach: d10: is part of the metadevice d11, and only one at the top can grow
    err| next: metastat d11
    [exit status 1]
    $ metattach d12 d10
    err| metattach: d12: is a mirror, and submirrors cannot be attached yet: that comes with r\
    esync
    err| next: metastat d12
    [exit status 1]
    $ metattach d12
    err| metattach: d12: is a mirror, and mirrors cannot grow yet: only a concat or stripe can
    err| next: metastat d12
    [exit status 1]
    $ metattach d10
    err| metattach: d10: grows by components, and none is given
    err| next: metattach --help
    [exit status 1]
    $ metattach d99 sdc
    err| metattach: d99: does not exist
    err| next: metastat -c
    [exit status 1]
    $ metattach sda sdc
    err| metattach: sda: is not the name of a metadevice: those are d0 to d8191
    err| next: metattach --help
    [exit status 1]
    $ metattach
    err| metattach: the following required arguments were not provided: <STRIPE>
    err| next: metattach --help
    [exit status 1]
    ");
}

/// A line says by which command the file system is grown.
#[test]
fn the_file_system_on_it_is_not_forgotten() {
    let mut env = with_stripe();
    env.mkfs("/dev/md/dsk/d10");
    assert_snapshot!(env.run("metattach d10 sdc"), @r"
    $ metattach d10 sdc
    d10: component is attached
    d10: its ext4 file system can be grown now: resize2fs /dev/md/dsk/d10
    ");
    let xfs = |env: &mut TestEnvironment| {
        env.wipefs("/dev/md/dsk/d10", Wipefs::Finds("xfs", "filesystem", None));
    };
    let mut env = with_stripe();
    xfs(&mut env);
    assert_snapshot!(env.run("metattach d10 sdc"), @r"
    $ metattach d10 sdc
    d10: component is attached
    d10: its xfs file system can be grown now: xfs_growfs MOUNTPOINT
    ");
    let mut env = with_stripe();
    xfs(&mut env);
    env.admin.open_unit(10, 1);
    env.append(
        "proc/self/mountinfo",
        r"30 1 252:10 / /my\040data rw - xfs /dev/md/dsk/d10 rw",
    );
    assert_snapshot!(env.run("metattach d10 sdc"), @r"
    $ metattach d10 sdc
    d10: component is attached
    d10: its xfs file system can be grown now: xfs_growfs '/my data'
    ");
    let mut env = with_stripe();
    env.wipefs("/dev/md/dsk/d10", Wipefs::Missing);
    assert_snapshot!(env.run("metattach -f d10 sdc"), @r"
    $ metattach -f d10 sdc
    d10: component is attached
    d10: a file system on it can be grown now, for example: resize2fs /dev/md/dsk/d10 (ext4), \
    xfs_growfs MOUNTPOINT (xfs)
    ");
    let mut env = with_stripe();
    env.wipefs("/dev/md/dsk/d10", Wipefs::Finds("jfs", "filesystem", None));
    assert_snapshot!(env.run("metattach d10 sdc"), @r"
    $ metattach d10 sdc
    d10: component is attached
    d10: a file system on it can be grown now, for example: resize2fs /dev/md/dsk/d10 (ext4), \
    xfs_growfs MOUNTPOINT (xfs)
    ");
}
