#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: soft partitions on a stripe, and stripes and mirrors of soft partitions: what is written
#         through the stack is where the layouts say, discards reach the disks, and a side of a
#         mirror of soft partitions fails, is replaced and resynced, and all is there after a
#         restart. A disk is partitioned for soft partitions, and alignments are kept.
# Clause: svm.md 6.1, 6.3, 10; issue 8
# Lanes: drawn
# Vm: --disks 6 --disk-size 128M --leaks
# Timeout: 240
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

modprobe md_rs
run metadb -a -f /dev/sdf

note "on a stripe: data begins on a chunk"
run metainit d1 1 2 /dev/sda /dev/sdb -i 96k
run metainit d20 -p d1 20m
run metainit d21 -p d1 20m
run metattach d20 20m
start=$(($(described d20 '.soft_partition.extents[0].start') / 512))
same "begins within a chunk" 0 $((start % 192))
sectors over $((20 * 2048 - 100)) 200 | run dd of=/dev/md/dsk/d20 bs=102400 iflag=fullblock \
	oflag=direct,seek_bytes seek=$(((20 * 2048 - 100) * 512)) status=none
same "over the end of an extent" 200 \
	"$(count_sectors /dev/md/dsk/d20 $((20 * 2048 - 100)) 200 over)"
same "through the stripe" 100 "$(dd if=/dev/md/dsk/d1 bs=512 skip=$((start + 20 * 2048 - 100)) \
	count=100 status=none | grep -c '^over ')"
verify_with_fio --filename=/dev/md/dsk/d20 --size=40M --bs=4k --rw=randwrite --direct=1 \
	--ioengine=libaio --iodepth=16
run mdctl move d20 1
run metarecover d1 -p
run fio --name=again --filename=/dev/md/dsk/d20 --size=40M --bs=4k --rw=randwrite --direct=1 \
	--ioengine=libaio --iodepth=16 --verify=crc32c --verify_only=1 \
	--randseed="$(small_seed)" --output=/tmp/fio.log
run blkdiscard /dev/md/dsk/d21

note "below a mirror and a stripe"
run metainit d31 -p -e /dev/sdc -A 4m 20m
run metainit d32 -p /dev/sdd 20m
run metainit d33 -p /dev/sdc1 10m
run metainit d34 -p /dev/sdd 10m
same "alignment" 1 "$(metastat -p d31 | grep -c -- '-A 8192b$')"
refuse 'is part of the metadevice d31' metainit d35 -p -e /dev/sdc 1m
run metainit d11 1 1 d31
run metainit d12 1 1 d32
run metainit d10 -m d11 d12 --assume-clean
run metainit d2 1 2 d33 d34 -i 64k
run mkfs.ext4 -q /dev/md/dsk/d10
mkdir -p /mnt/fs
run mount /dev/md/dsk/d10 /mnt/fs
run cp -a /etc /mnt/fs/etc
tree_checksums /mnt/fs/etc >/tmp/sums
run umount /mnt/fs
same_sides d10
verify_with_fio --filename=/dev/md/dsk/d2 --size=19M --bs=16k --rw=randwrite --direct=1 \
	--ioengine=libaio --iodepth=8
refuse 'part of the metadevice d11' metattach d31 1m
refuse 'part of the metadevice d11' mdctl move d31 0

note "all is there after a restart"
layout=$(metastat -p)
run mdctl stop
run mdctl start
same "layout" "$layout" "$(metastat -p)"
run mount /dev/md/dsk/d10 /mnt/fs
(cd /mnt/fs/etc && sha256sum --quiet -c /tmp/sums) || fail "a file is not what was written"
run umount /mnt/fs
run metaclear -a
