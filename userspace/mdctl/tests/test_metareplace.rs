// SPDX-License-Identifier: GPL-2.0
//! `metareplace` (`svm.md` sections 4.9 and 13.3).

use crate::env::TestEnvironment;
use insta::assert_snapshot;
use md_abi::admin::{
    ComponentState,
    ResyncState, //
};
use rustix::fs::makedev;

/// A machine with the mirror `d10`, of which `/dev/sdb` on `d12` is out of service.
fn with_erred() -> TestEnvironment {
    let mut env = TestEnvironment::with_mirror();
    env.admin.component(12, 0).state = ComponentState::Maintenance as u32;
    env
}

#[test]
fn help_page() {
    assert_snapshot!(TestEnvironment::new().run("metareplace --help"), @r#"
    $ metareplace --help
    Replace a component of a mirror or RAID5 metadevice, or use it again.

    The new component is resynced from the other submirrors, or made of the other components o\
    f
    RAID5; the metadevice may be in use. A component that is the last one with some data comes\
     after
    all others: as long as no other submirror has that data it is not replaced, with -f neithe\
    r. Its
    name is that in "metastat", or what stands there behind "Invoke:".

    Other than in SVM a mirror may be being resynced meanwhile: then one resync does both. It \
    is
    refused while nobody knows which submirror is right, which is until the end of the resync \
    after
    a crash.

    Usage: metareplace [-f] [-n] [-w] MIRROR OLD NEW
           metareplace -e [-f] [-n] [-w] MIRROR COMPONENT

    Arguments:
      <MIRROR>  The mirror or RAID5 metadevice, such as d10
      <OLD>     The component, as metastat shows it; one that was missing also by its device
      [NEW]     A disk, partition or metadevice that nobody uses

    Options:
      -e          Use the device again that the component has: it is repaired, or was not to b\
    lame
      -f          Also before the resync after a crash has ended; also with a new one that car\
    ries a file system or the like, but not one in use
      -n          Check only, change nothing
      -w, --wait  Wait until it is resynced
          --json  Answer in JSON, also errors; may stand anywhere on the line
      -h, --help  Print help
    "#);
}

#[test]
fn a_component_is_replaced_with_another_one() {
    let mut env = with_erred();
    let lines = [
        "metareplace -n d10 sdb sdd",
        "metareplace d10 sdb sdd",
        "metastat d10",
        "metastat -c d10",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metareplace -n d10 sdb sdd
    d10: device sdb would be replaced with sdd
    $ metareplace d10 sdb sdd
    d10: device sdb is replaced with sdd
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
    	/dev/sdd       2048     No       Resyncing  none
    $ metastat -c d10
    d10              m   63MB d11 d12 (resync-0%)
        d11          s   63MB /dev/sda
        d12          s   63MB /dev/sdd (resyncing)
    ");
}

#[test]
fn a_device_that_is_repaired_is_used_again() {
    let mut env = with_erred();
    env.admin.resync_step = 50_000;
    let lines = [
        "metareplace -e -n d10 /dev/sdb",
        "metareplace -e -w d10 /dev/sdb",
        "metastat -c d10",
        "metareplace -e d10 sdb",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metareplace -e -n d10 /dev/sdb
    d10: device /dev/sdb would be enabled
    $ metareplace -e -w d10 /dev/sdb
    d10: device /dev/sdb is enabled
    $ metastat -c d10
    d10              m   63MB d11 d12
        d11          s   63MB /dev/sda
        d12          s   63MB /dev/sdb
    $ metareplace -e d10 sdb
    err| metareplace: /dev/sdb: is in service, so that there is nothing to be enabled
    err| next: metastat d10
    [exit status 1]
    ");
}

#[test]
fn json_shows_the_mirror() {
    let mut env = with_erred();
    let document = env.run("metareplace --json -n d10 sdb sdd").json();
    assert_eq!(document["checked"][0], "d10");
    let document = env.run("metareplace --json d10 sdb sdd").json();
    assert_eq!(document["metadevices"][0]["resync"]["state"], "running");
}

/// What is said to be typed works as it is typed.
#[test]
fn a_missing_component_is_replaced_by_its_uuid() {
    let mut env = with_erred();
    let missing = b"missing 15151515-1515-1515-1515-151515151515";
    let part = env.admin.component(12, 0);
    part.device.fill(0);
    part.device[..missing.len()].copy_from_slice(missing);
    part.state = ComponentState::Unavailable as u32;
    let lines = [
        "metastat d12",
        "metareplace -e d10 15151515-1515-1515-1515-151515151515",
        "metareplace d10 15151515-1515-1515-1515-151515151515 sdd",
        "metastat -c d10",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metastat d12
    d12: Submirror of d10
        State: Unavailable
        Invoke: metareplace d10 15151515-1515-1515-1515-151515151515 <new device>
        Size: 129024 blocks (63 MB)
        Stripe 0:
    	Device                                         Start Block  Dbase        State  Er\
    rors
    	missing 15151515-1515-1515-1515-151515151515       2048     No     Unavailable  no\
    ne
    $ metareplace -e d10 15151515-1515-1515-1515-151515151515
    err| metareplace: 15151515-1515-1515-1515-151515151515: is missing since the set was start\
    ed: 'metareplace -e d10 <device>' when its device is back, or replace it
    err| next: metareplace d10 15151515-1515-1515-1515-151515151515 <new device>
    [exit status 1]
    $ metareplace d10 15151515-1515-1515-1515-151515151515 sdd
    d10: device 15151515-1515-1515-1515-151515151515 is replaced with sdd
    $ metastat -c d10
    d10              m   63MB d11 d12 (resync-0%)
        d11          s   63MB /dev/sda
        d12          s   63MB /dev/sdd (resyncing)
    ");
}

#[test]
fn a_word_that_is_no_component_gets_a_list() {
    let mut env = with_erred();
    let lines = [
        "metareplace d10 sdd sdc",
        "metareplace d10 d12 sdc",
        "metareplace -e d10 a/b",
        "metareplace d11 sda sdd",
        "metareplace d99 sda sdd",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metareplace d10 sdd sdc
    err| metareplace: sdd: is no component of d10, which has /dev/sda (d11), /dev/sdb (d12)
    err| next: metastat d10
    [exit status 1]
    $ metareplace d10 d12 sdc
    err| metareplace: d12: is no component of d10, which has /dev/sda (d11), /dev/sdb (d12)
    err| next: metastat d10
    [exit status 1]
    $ metareplace -e d10 a/b
    err| metareplace: a/b: is no component of d10, which has /dev/sda (d11), /dev/sdb (d12)
    err| next: metastat d10
    [exit status 1]
    $ metareplace d11 sda sdd
    err| metareplace: d11: is not a mirror
    err| next: metastat d11
    [exit status 1]
    $ metareplace d99 sda sdd
    err| metareplace: d99: does not exist
    err| next: metastat -c
    [exit status 1]
    ");
}

#[test]
fn a_file_system_is_not_overwritten_without_force() {
    let mut env = with_erred();
    env.mkfs("/dev/sdd");
    let lines = ["metareplace d10 sdb sdd", "metareplace -f d10 sdb sdd"];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metareplace d10 sdb sdd
    err| metareplace: /dev/sdd: carries an ext4 file system (label web), which the resync woul\
    d overwrite
    err| next: metareplace -f d10 sdb sdd
    [exit status 1]
    $ metareplace -f d10 sdb sdd
    d10: device sdb is replaced with sdd
    ");
    // That of the component itself is the mirror's own.
    let mut env = with_erred();
    env.mkfs("/dev/sdb");
    env.setup("metareplace -e d10 sdb");
}

#[test]
fn a_device_in_use_or_too_small_is_refused() {
    let mut env = with_erred();
    env.append(
        "proc/self/mountinfo",
        "30 1 8:32 / /mnt rw - ext4 /dev/sdc rw",
    );
    env.admin.disks.insert(makedev(8, 48), 4096);
    let lines = [
        "metareplace d10 sdb sdc",
        "metareplace -f d10 sdb sdc",
        "metareplace d10 sdb sda",
        "metareplace d10 sdb sdd",
        "metareplace d10 sdb sdx",
        "metareplace d10 sdb a/b",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metareplace d10 sdb sdc
    err| metareplace: /dev/sdc: is mounted on /mnt
    err| next: umount /mnt
    [exit status 1]
    $ metareplace -f d10 sdb sdc
    err| metareplace: /dev/sdc: is mounted on /mnt
    err| next: umount /mnt
    [exit status 1]
    $ metareplace d10 sdb sda
    err| metareplace: /dev/sda: is part of the metadevice d11
    err| next: metaclear d11
    [exit status 1]
    $ metareplace d10 sdb sdd
    err| metareplace: /dev/sdd: is too small: it has 4096 blocks, and 131072 are needed
    err| next: lsblk -d -o NAME,SIZE
    [exit status 1]
    $ metareplace d10 sdb sdx
    err| metareplace: /dev/sdx: there is no such device
    err| next: lsblk
    [exit status 1]
    $ metareplace d10 sdb a/b
    err| metareplace: a/b: is not a full path: type /dev/a/b, if that is what you mean
    err| next: metareplace --help
    [exit status 1]
    ");
    // Its own device, too, may have got another user meanwhile.
    env.append(
        "proc/self/mountinfo",
        "31 1 8:16 / /old rw - ext4 /dev/sdb rw",
    );
    assert_snapshot!(env.run("metareplace -e d10 sdb"), @r"
    $ metareplace -e d10 sdb
    err| metareplace: /dev/sdb: is mounted on /old
    err| next: umount /old
    [exit status 1]
    ");
}

#[test]
fn a_device_that_is_still_gone_cannot_be_used_again() {
    let mut env = with_erred();
    env.admin.disks.remove(&makedev(8, 16));
    assert_snapshot!(env.run("metareplace -e d10 sdb"), @r"
    $ metareplace -e d10 sdb
    err| metareplace: /dev/sdb: there is no such block device: No such device or address (os e\
    rror 6)
    err| next: lsblk
    [exit status 1]
    ");
}

/// `svm.md` section 13.3, test 16. What nobody else has is not replaced, whatever is typed.
#[test]
fn the_last_copy_is_replaced_after_the_others_and_never_by_force() {
    let mut env = with_erred();
    env.admin.component(11, 0).state = ComponentState::LastErred as u32;
    let lines = [
        "metareplace d10 sda sdd",
        "metareplace -f d10 sda sdd",
        "metareplace -e -f d10 sda",
        "metareplace d10 sdb sdd",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metareplace d10 sda sdd
    err| metareplace: /dev/sda: holds the last copy of its data: components of submirror 1 com\
    e first
    err| next: metastat d10
    [exit status 1]
    $ metareplace -f d10 sda sdd
    err| metareplace: d11: has, or may have, blocks that no other submirror of d10 in service \
    has
    err| next: metastat d10
    [exit status 1]
    $ metareplace -e -f d10 sda
    err| metareplace: d11: has, or may have, blocks that no other submirror of d10 in service \
    has
    err| next: metastat d10
    [exit status 1]
    $ metareplace d10 sdb sdd
    d10: device sdb is replaced with sdd
    ");
}

/// One that is in service is replaced only if another side has everything.
#[test]
fn the_only_source_is_not_replaced() {
    let mut env = with_erred();
    let lines = ["metareplace d10 sda sdd", "metareplace -f d10 sda sdd"];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metareplace d10 sda sdd
    err| metareplace: d11: has, or may have, blocks that no other submirror of d10 in service \
    has
    err| next: metastat d10
    [exit status 1]
    $ metareplace -f d10 sda sdd
    err| metareplace: d11: has, or may have, blocks that no other submirror of d10 in service \
    has
    err| next: metastat d10
    [exit status 1]
    ");
}

/// SVM refuses both.
#[test]
fn a_resync_is_waited_for_only_if_the_sides_may_differ() {
    let mut env = with_erred();
    env.admin.set_resync(10, ResyncState::Running, 1, 2);
    env.admin.uncertain.insert(10);
    let lines = ["metareplace d10 sdb sdd", "metareplace -n -f d10 sdb sdd"];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metareplace d10 sdb sdd
    err| metareplace: d10: has to be resynced before, or is being resynced
    err| next: metasync -w d10
    [exit status 1]
    $ metareplace -n -f d10 sdb sdd
    d10: device sdb would be replaced with sdd
    ");
    env.admin.uncertain.clear();
    assert_snapshot!(env.run("metareplace d10 sdb sdd"), @r"
    $ metareplace d10 sdb sdd
    d10: device sdb is replaced with sdd
    ");
}

#[test]
fn words_that_are_too_many_or_too_few_are_refused() {
    let mut env = with_erred();
    let lines = [
        "metareplace",
        "metareplace d10 sdb",
        "metareplace -e d10 sdb sdd",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metareplace
    err| metareplace: the following required arguments were not provided: <MIRROR> <OLD> <NEW>
    err| next: metareplace --help
    [exit status 1]
    $ metareplace d10 sdb
    err| metareplace: the following required arguments were not provided: <NEW>
    err| next: metareplace --help
    [exit status 1]
    $ metareplace -e d10 sdb sdd
    err| metareplace: the argument '-e' cannot be used with '[NEW]'
    err| next: metareplace --help
    [exit status 1]
    ");
}
