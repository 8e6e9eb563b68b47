// SPDX-License-Identifier: GPL-2.0
//! Every way in which a device can be in use, as `metainit` tells of it.

use crate::env::{
    TestEnvironment,
    DISK_SECTORS, //
};
use insta::assert_snapshot;
use rustix::fs::makedev;

/// What `metainit` has to say of one component; the device is made by the caller.
fn refusal(env: &mut TestEnvironment, component: &str) -> String {
    let transcript = env.run(&format!("metainit -n d10 1 1 {component}"));
    assert_eq!((transcript.status, transcript.stdout.as_str()), (1, ""));
    transcript.stderr
}

/// A machine on which `/dev/sda` has a partition.
fn with_partition() -> TestEnvironment {
    let mut env = TestEnvironment::new();
    env.device("sda1", "sda", 8, 1);
    env.admin.disks.insert(makedev(8, 1), DISK_SECTORS);
    env
}

#[test]
fn a_partitioned_disk_that_nobody_uses_may_be_taken() {
    let mut env = with_partition();
    env.setup("metainit -n d10 1 1 sda");
    env.setup("metainit -n d10 1 1 sda1");
}

#[test]
fn mounted_by_device_number() {
    let mut env = with_partition();
    let line = r"30 1 8:1 / /mnt/my\040disk rw,noatime master:1 shared:2 - ext4 /dev/root rw";
    env.append("proc/self/mountinfo", line);
    assert_snapshot!(refusal(&mut env, "sda1"), @r"
    metainit: /dev/sda1: is mounted on /mnt/my disk
    next: umount '/mnt/my disk'
    ");
    assert_snapshot!(refusal(&mut env, "sda"), @r"
    metainit: /dev/sda: its partition /dev/sda1 is mounted on /mnt/my disk
    next: umount '/mnt/my disk'
    ");
    env.setup("metainit -n d10 1 1 sdb");
}

/// Btrfs shows a made-up device number, but the device that was mounted.
#[test]
fn mounted_by_source() {
    let mut env = TestEnvironment::new();
    env.append(
        "proc/self/mountinfo",
        "30 1 0:33 /sub /data rw - btrfs /dev/sdb rw",
    );
    assert_snapshot!(refusal(&mut env, "sdb"), @r"
    metainit: /dev/sdb: is mounted on /data
    next: umount /data
    ");
}

#[test]
fn a_partition_of_a_mounted_disk() {
    let mut env = with_partition();
    env.append(
        "proc/self/mountinfo",
        "30 1 8:0 / /mnt rw - iso9660 /dev/sda ro",
    );
    assert_snapshot!(refusal(&mut env, "sda1"), @r"
    metainit: /dev/sda1: the disk that it is on, /dev/sda, is mounted on /mnt
    next: umount /mnt
    ");
}

#[test]
fn swap_space() {
    let mut env = with_partition();
    env.append("proc/swaps", "/dev/sda1 partition 1048572 0 -2");
    env.append("proc/swaps", "/swapfile file 1048572 0 -3");
    assert_snapshot!(refusal(&mut env, "sda"), @r"
    metainit: /dev/sda: its partition /dev/sda1 is swap space
    next: swapoff /dev/sda1
    ");
}

#[test]
fn part_of_a_metadevice() {
    let mut env = TestEnvironment::new();
    env.hold("sda", "md!dsk!d3");
    assert_snapshot!(refusal(&mut env, "sda"), @r"
    metainit: /dev/sda: is part of the metadevice d3
    next: metaclear d3
    ");
}

#[test]
fn part_of_a_linux_md_array() {
    let mut env = with_partition();
    env.write("sys/block/md127/md/level", "raid1\n");
    env.hold("sda/sda1", "md127");
    assert_snapshot!(refusal(&mut env, "sda"), @r"
    metainit: /dev/sda: its partition /dev/sda1 is part of the Linux md array /dev/md127
    next: mdadm --stop /dev/md127
    ");
}

#[test]
fn part_of_device_mapper_devices() {
    let mut env = TestEnvironment::new();
    for (device, minor, name, uuid) in [
        ("sda", 0, "vg-root", "LVM-aaaa\n"),
        ("sdb", 1, "secret", "CRYPT-LUKS2-bbbb\n"),
        ("sdc", 2, "my name", "\n"),
    ] {
        env.write(
            format!("sys/block/dm-{minor}/dm/name"),
            &format!("{name}\n"),
        );
        env.write(format!("sys/block/dm-{minor}/dm/uuid"), uuid);
        env.hold(device, &format!("dm-{minor}"));
    }
    let refusals = ["sda", "sdb", "sdc"].map(|device| refusal(&mut env, device));
    assert_snapshot!(refusals.concat(), @r"
    metainit: /dev/sda: holds the logical volume /dev/mapper/vg-root
    next: lvchange -an /dev/mapper/vg-root
    metainit: /dev/sdb: is open as the encrypted disk secret
    next: cryptsetup close secret
    metainit: /dev/sdc: is part of the device mapper device my name
    next: dmsetup remove 'my name'
    ");
}

#[test]
fn held_by_something_unknown() {
    let mut env = TestEnvironment::new();
    env.hold("sda", "bcache0");
    assert_snapshot!(refusal(&mut env, "sda"), @r"
    metainit: /dev/sda: is held by /dev/bcache0
    next: lsblk /dev/sda
    ");
}

#[test]
fn a_node_without_a_driver() {
    let mut env = TestEnvironment::new();
    env.remove("sys/dev/block/8:0");
    assert_snapshot!(refusal(&mut env, "sda"), @r"
    metainit: /dev/sda: no driver has a device 8:0
    next: lsblk
    ");
}

/// What cannot be seen is not taken for free.
#[test]
fn without_proc_or_sys_nothing_is_made() {
    let mut env = TestEnvironment::new();
    env.remove("proc");
    assert_snapshot!(refusal(&mut env, "sda"), @r"
    metainit: /proc/self/mountinfo: cannot be read: No such file or directory (os error 2)
    next: mount -t proc proc /proc
    ");
    let mut env = TestEnvironment::new();
    env.remove("sys");
    assert_snapshot!(refusal(&mut env, "sda"), @r"
    metainit: /sys/dev/block: cannot be read: No such file or directory (os error 2)
    next: mount -t sysfs sysfs /sys
    ");
}

#[test]
fn a_kernel_without_swap_has_no_swaps() {
    let mut env = TestEnvironment::new();
    env.remove("proc/swaps");
    env.setup("metainit -n d10 1 1 sda");
}
