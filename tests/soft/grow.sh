#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: soft partitions on one disk grow in place and by new extents while ext4 and xfs are on
#         them and loads verify what they read; shrink from the end, but not below a file system;
#         and are again what they were when the set is stopped and started.
# Clause: svm.md 6.3, 6.4, 13.5; DURABILITY 21; issue 8
# Lanes: drawn
# Vm: --disks 2 --disk-size 1G --leaks
# Timeout: 240
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"

d20=/dev/md/dsk/d20 d21=/dev/md/dsk/d21

# extents NAME: how many a soft partition has.
extents() { described "$1" '.soft_partition.extents | length'; }

# load DIR: random writes that are read back, until they are stopped.
load() {
	fio --name=direct --directory="$1" --size=8M --bssplit=4k/50:64k/50 --rw=randrw \
		--ioengine=libaio --iodepth=8 --direct=1 --verify=crc32c --verify_backlog=64 \
		--verify_fatal=1 --randseed="$(small_seed)" --time_based --runtime=600 \
		--output="/tmp/${1##*/}.log" &
}

modprobe md_rs
run metadb -a -f /dev/sdb
run metainit d20 -p /dev/sda 100m
run metainit d21 -p /dev/sda 300m
run metainit d22 -p /dev/sda 50m
same "where data begins" $((4096 * 512)) \
	"$(described d20 '.soft_partition.extents[0].start')"
run mkfs.ext4 -q $d20
run mkfs.xfs -q -f $d21
mkdir -p /mnt/one /mnt/two
run mount $d20 /mnt/one
run mount $d21 /mnt/two
mkdir /mnt/one/kept /mnt/two/kept
cp -a /etc /mnt/one/kept/etc
cp -a /etc /mnt/two/kept/etc
load /mnt/one && one=$!
load /mnt/two && two=$!

note "there is no room directly behind: a new extent"
run metattach d20 50m
same "extents" 2 "$(extents d20)"
run resize2fs $d20

note "then there is"
run metaclear d22
run metattach d20 20m
same "extents" 2 "$(extents d20)"
run metattach d21 30m
same "extents" 1 "$(extents d21)"
same "sectors" $((330 * 2048)) "$(blockdev --getsz $d21)"
run xfs_growfs /mnt/two
run resize2fs $d20
run dd if=/dev/urandom of=/mnt/one/kept/new bs=1M count=80 conv=fsync status=none
run dd if=/dev/urandom of=/mnt/two/kept/new bs=1M count=80 conv=fsync status=none
tree_checksums /mnt/one/kept >/tmp/one.sums
tree_checksums /mnt/two/kept >/tmp/two.sums
stop_fio "$one" /tmp/one.log
stop_fio "$two" /tmp/two.log

note "everything is there, also after the set was stopped"
run umount /mnt/one /mnt/two
run e2fsck -fn $d20
run xfs_repair -n $d21
before=$(metastat -p)
run mdctl stop
run mdctl start
same "layout" "$before" "$(metastat -p)"
run metarecover /dev/sda -p
run e2fsck -fn $d20
run mount $d20 /mnt/one
run mount $d21 /mnt/two
(cd /mnt/one/kept && sha256sum --quiet -c /tmp/one.sums) || fail "a file is not what was written"
(cd /mnt/two/kept && sha256sum --quiet -c /tmp/two.sums) || fail "a file is not what was written"
run umount /mnt/one /mnt/two

note "it shrinks, but not below the file system"
refuse 'ext4 file system' metattach --shrink d20 100m
run mount $d20 /mnt/one
run rm /mnt/one/kept/new /mnt/one/direct.0.0
tree_checksums /mnt/one/kept >/tmp/one.sums
run umount /mnt/one
run e2fsck -fp $d20
run resize2fs $d20 120m
run metattach --shrink d20 130m
same "sectors" $((130 * 2048)) "$(blockdev --getsz $d20)"
run e2fsck -fn $d20
run mount $d20 /mnt/one
(cd /mnt/one/kept && sha256sum --quiet -c /tmp/one.sums) || fail "a file is not what was written"
run umount /mnt/one
refuse 'cannot shrink' metattach --shrink -f d20 130m
run metarecover /dev/sda -p

note "all of them are cleared, and the disk is free"
run metaclear -p /dev/sda
refuse 'no soft partitions' metarecover /dev/sda -p -m
run metainit d30 1 1 /dev/sda
run metaclear d30
