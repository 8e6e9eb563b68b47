// SPDX-License-Identifier: GPL-2.0
//! `metattach`: growing stripes and concats, and submirrors for mirrors (`svm.md` sections 3.6 and
//! 4.9).

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
    assert_snapshot!(TestEnvironment::new().run("metattach --help"), @r#"
    $ metattach --help
    Attach a submirror to a mirror, or more components to a stripe, concat or RAID5 metadevice\
    ; or
    let a mirror or soft partition grow.

    A submirror is made equal to the others of the mirror: what is on it is lost. It has the s\
    ize of
    the mirror or more, and the mirror stays as large as it is.

    A stripe or concat grows. The components come behind those that there are: with -i as one \
    more
    row, striped over all of them; without it each as a row of its own. The metadevice may be \
    in
    use, and its data stays where it is. A file system on it is grown by a command of its own
    afterwards.

    RAID5 grows by components as well. They come behind its data, and the parity that is there\
     makes
    up for them, too. They are filled with zeroes first, which takes its time; until then noth\
    ing
    has changed, and metattach can be interrupted. It cannot be undone later.

    A mirror grows when all its submirrors have, each by a metattach of its own: without SUBMI\
    RROR,
    it becomes as large as the smallest of them. What is new is copied from the first one to t\
    he
    others; with --assume-clean it is equal already. Other than in SVM it does not grow later \
    by
    itself if it is being resynced: that is refused, "metasync -w" waits for the end.

    A soft partition grows by SIZE, a number and b, k, m, g or t, or by all that is free on it\
    s
    base: directly behind its last extent, and then in new ones. With --shrink it becomes as s\
    mall
    as SIZE, from its end; what was there is lost, so that one with a file system that is larg\
    er is
    refused.

    Usage: metattach [-f] [-n] [-w] MIRROR SUBMIRROR
           metattach [-n] [-w] [--assume-clean] MIRROR
           metattach [-f] [-n] [-i INTERLACE] STRIPE COMPONENT...
           metattach [-f] [-n] RAID5 COMPONENT...
           metattach [-n] [-A ALIGNMENT] SOFT_PARTITION SIZE | all
           metattach [-f] [-n] --shrink SOFT_PARTITION SIZE

    Arguments:
      <MIRROR>        The mirror, or the metadevice to grow, such as d10
      [COMPONENT]...  A stripe or concat for a mirror; for a stripe or concat disks, partition\
    s or metadevices that nobody uses; for RAID5 disks or partitions

    Options:
      -f                  Also what carries a file system or the like, but not what is in use
      -n                  Check only, change nothing
      -i <INTERLACE>      One row of all components, with this interlace: a number and k, m or\
     b, from 8k to 100m
          --assume-clean  Of a mirror that grows: what is new is the same on all submirrors, a\
    nd need not be copied
      -A <ALIGNMENT>      Where the data of new extents of a soft partition begins: on multipl\
    es of this size
          --shrink        Of a soft partition: become smaller
      -w, --wait          Wait until the submirror, or what is new of a mirror, is resynced
          --json          Answer in JSON, also errors; may stand anywhere on the line
      -h, --help          Print help
    "#);
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
    err| metattach: d10: is part of d11, and only a submirror or what is at the top grows
    err| next: metastat d11
    [exit status 1]
    $ metattach d12 d10
    err| metattach: /dev/md/dsk/d10: is part of the metadevice d11
    err| next: metaclear d11
    [exit status 1]
    $ metattach d12
    err| metattach: d11: has 258048 blocks, and d12 has 258048: each submirror has to grow bef\
    ore
    err| next: metattach d11 <new device>
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
    err| metattach: the following required arguments were not provided: <MIRROR>
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

/// A machine with the mirror `d10` over `d11`, and `d12`, which is free.
fn with_one_side() -> TestEnvironment {
    TestEnvironment::with(&[
        "metainit d11 1 1 sda",
        "metainit d12 1 1 sdb",
        "metainit d10 -m d11",
    ])
}

#[test]
fn a_submirror_is_attached_and_resynced() {
    let mut env = with_one_side();
    let lines = ["metattach -n d10 d12", "metattach d10 d12", "metastat d10"];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metattach -n d10 d12
    d10: submirror d12 would be attached
    $ metattach d10 d12
    d10: submirror d12 is attached
    $ metastat d10
    d10: Mirror
        Submirror 0: d11
          State: Okay
        Submirror 1: d12
          State: Resyncing
        Resync in progress: 0 % done
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
    ");
    let mut env = with_one_side();
    env.admin.resync_step = 50_000;
    assert_snapshot!(env.run_all(&["metattach -w d10 d12", "metastat -c"]), @r"
    $ metattach -w d10 d12
    d10: submirror d12 is attached
    $ metastat -c
    d10              m   63MB d11 d12
        d11          s   63MB /dev/sda
        d12          s   63MB /dev/sdb
    ");
}

#[test]
fn json_shows_the_mirror_with_its_resync() {
    let mut env = with_one_side();
    let document = env.run("metattach --json -n d10 d12").json();
    assert_eq!(document["checked"][0], "d10");
    let document = env.run("metattach --json d10 d12").json();
    let mirror = &document["metadevices"][0];
    let resync = serde_json::json!({"state": "running", "done": 0, "total": 63 << 20});
    assert_eq!(mirror["resync"], resync);
    assert_eq!(mirror["submirrors"][1]["state"], "Resyncing");
}

/// What is on it is overwritten.
#[test]
fn a_submirror_with_a_file_system_is_attached_by_force() {
    let mut env = with_one_side();
    env.mkfs("/dev/md/dsk/d12");
    let lines = [
        "metattach d10 d12",
        "metattach -n d10 d12",
        "metattach -f d10 d12",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metattach d10 d12
    err| metattach: /dev/md/dsk/d12: carries an ext4 file system (label web), which the resync\
     would overwrite
    err| next: metattach -f d10 d12
    [exit status 1]
    $ metattach -n d10 d12
    err| metattach: /dev/md/dsk/d12: carries an ext4 file system (label web), which the resync\
     would overwrite
    err| next: metattach -f -n d10 d12
    [exit status 1]
    $ metattach -f d10 d12
    d10: submirror d12 is attached
    ");
}

#[test]
fn what_cannot_be_a_submirror_is_refused() {
    let mut env = with_one_side();
    env.admin.disks.insert(makedev(8, 32), 4096);
    env.setup("metainit d13 1 1 sdc");
    env.setup("metainit d20 -m d13");
    env.setup("metainit d14 1 1 sdd");
    env.append(
        "proc/self/mountinfo",
        "30 1 252:14 / /mnt rw - ext4 /dev/md/dsk/d14 rw",
    );
    let lines = [
        "metattach d10 d11",
        "metattach d10 d20",
        "metattach d10 d14",
        "metattach d10 d99",
        "metattach d10 sdb",
        "metattach d10 d12 d14",
        "metattach -i 64k d10 d12",
        "metattach d12 d10",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metattach d10 d11
    err| metattach: /dev/md/dsk/d11: is part of the metadevice d10
    err| next: metaclear d10
    [exit status 1]
    $ metattach d10 d20
    err| metattach: /dev/md/dsk/d20: is not a concat or stripe metadevice, and a submirror is \
    one
    err| next: metastat -c
    [exit status 1]
    $ metattach d10 d14
    err| metattach: /dev/md/dsk/d14: is mounted on /mnt
    err| next: umount /mnt
    [exit status 1]
    $ metattach d10 d99
    err| metattach: /dev/md/dsk/d99: there is no such metadevice
    err| next: metastat -c
    [exit status 1]
    $ metattach d10 sdb
    err| metattach: sdb: is not the name of a metadevice: those are d0 to d8191, and a submirr\
    or is one
    err| next: metattach --help
    [exit status 1]
    $ metattach d10 d12 d14
    err| metattach: d10: is a mirror, to which one submirror is attached at a time, without -i
    err| next: metattach --help
    [exit status 1]
    $ metattach -i 64k d10 d12
    err| metattach: d10: is a mirror, to which one submirror is attached at a time, without -i
    err| next: metattach --help
    [exit status 1]
    $ metattach d12 d10
    err| metattach: /dev/md/dsk/d10: is a mirror, and nothing is made of mirrors
    err| next: metastat -c
    [exit status 1]
    ");
    env.setup("metaclear d20");
    assert_snapshot!(env.run("metattach d10 d13"), @r"
    $ metattach d10 d13
    err| metattach: /dev/md/dsk/d13: is too small: it has 2048 blocks, and 129024 are needed
    err| next: lsblk -d -o NAME,SIZE
    [exit status 1]
    ");
}

/// `svm.md` section 13.3, test 25.
#[test]
fn a_fifth_submirror_is_refused() {
    let mut env = with_one_side();
    env.setup("metainit d13 1 1 sdc");
    env.setup("metainit d14 1 1 sdd");
    env.setup("metattach d10 d12");
    env.setup("metattach d10 d13");
    env.setup("metattach d10 d14");
    env.device("sde", "", 8, 64);
    env.admin.disks.insert(makedev(8, 64), 131_072);
    env.setup("metainit d15 1 1 sde");
    assert_snapshot!(env.run("metattach d10 d15"), @r"
    $ metattach d10 d15
    err| metattach: d10: has 4 submirrors, and there cannot be more
    err| next: metastat d10
    [exit status 1]
    ");
}

/// A mirror of which the first side has grown, or both.
fn with_larger_sides(sides: &[&str]) -> TestEnvironment {
    let mut env = TestEnvironment::with_mirror();
    for (side, disk) in sides.iter().zip(["sdc", "sdd"]) {
        env.setup(&format!("metattach {side} {disk}"));
    }
    env
}

/// `svm.md` section 4.9: extra space is unused until all submirrors are larger and the mirror grows
/// itself.
#[test]
fn a_mirror_grows_when_all_its_sides_have() {
    let mut env = with_larger_sides(&["d11"]);
    let lines = [
        "metastat -c",
        "metattach d10",
        "metattach d12 sdd",
        "metattach -n d10",
        "metattach d10",
        "metastat -c",
        "metattach d10",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metastat -c
    d10              m   63MB d11 d12
        d11          s  126MB /dev/sda /dev/sdc
        d12          s   63MB /dev/sdb
    $ metattach d10
    err| metattach: d12: has 129024 blocks, and d10 has 129024: each submirror has to grow bef\
    ore
    err| next: metattach d12 <new device>
    [exit status 1]
    $ metattach d12 sdd
    d12: component is attached
    d12: when all submirrors of d10 have grown, it can: metattach d10
    $ metattach -n d10
    d10: Mirror would grow
    $ metattach d10
    d10: Mirror has been grown
    $ metastat -c
    d10              m  126MB d11 d12 (resync-0%)
        d11          s  126MB /dev/sda /dev/sdc
        d12          s  126MB /dev/sdb /dev/sdd
    $ metattach d10
    err| metattach: d11: has 258048 blocks, and d10 has 258048: each submirror has to grow bef\
    ore
    err| next: metattach d11 <new device>
    [exit status 1]
    ");
}

#[test]
fn what_is_new_of_a_mirror_can_be_waited_for_or_known_to_be_equal() {
    let mut env = with_larger_sides(&["d11", "d12"]);
    env.admin.resync_step = 100_000;
    env.mkfs("/dev/md/dsk/d10");
    let transcript = env.run("metattach -w d10");
    assert_eq!(transcript.status, 0, "{transcript}");
    assert!(transcript.stdout.contains("resize2fs /dev/md/dsk/d10"));
    let mut env = with_larger_sides(&["d11", "d12"]);
    let document = env.run("metattach --assume-clean --json d10").json();
    assert_eq!(document["metadevices"][0]["size"], 2 * 129_024 * 512);
    assert!(document["metadevices"][0]["resync"].is_null());
}

#[test]
fn only_a_mirror_that_grows_is_said_to_be_equal() {
    let mut env = TestEnvironment::with_mirror();
    env.setup("metainit d13 1 1 sdc");
    let lines = [
        "metattach --assume-clean d10 d13",
        "metattach --assume-clean d13 sdd",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metattach --assume-clean d10 d13
    err| metattach: d10: does not grow as a mirror does, and --assume-clean is for one that gr\
    ows
    err| next: metattach --help
    [exit status 1]
    $ metattach --assume-clean d13 sdd
    err| metattach: d13: does not grow as a mirror does, and --assume-clean is for one that gr\
    ows
    err| next: metattach --help
    [exit status 1]
    ");
}

/// `svm.md` section 4.9: not while a resync is active.
#[test]
fn a_mirror_does_not_grow_while_it_is_resynced() {
    let mut env = with_larger_sides(&["d11", "d12"]);
    env.admin
        .set_resync(10, md_abi::admin::ResyncState::Running, 0, 100);
    assert_snapshot!(env.run("metattach d10"), @r"
    $ metattach d10
    err| metattach: d10: has to be resynced before, or is being resynced
    err| next: metasync -w d10
    [exit status 1]
    ");
}
