#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: soft partitions on a mirror: what is written through them is on both sides, also across
#         the end of an extent, while one side fails under all of them, is replaced and resynced,
#         and while sides are attached, detached and taken offline; discards, flushes and the
#         mirror's own growth go on as without them. A mirror with soft partitions is not cleared.
# Clause: svm.md 6; DURABILITY 5, 7, 9, 10, 21; issue 8
# Lanes: stock
# Vm: --disks 5 --disk-size 160M --leaks
# Timeout: 300
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

d20=/dev/md/dsk/d20 d21=/dev/md/dsk/d21

modprobe md_rs
sick one /dev/sda good
sick two /dev/sdb good
run metadb -a -f /dev/sdd
run metainit d11 1 1 /dev/mapper/one
run metainit d12 1 1 /dev/mapper/two
run metainit d10 -m d11 d12
run metasync -r -w
run metainit d20 -p d10 40m
run metainit d21 -p d10 60m
run metattach d20 20m
same "extents" 2 "$(described d20 '.soft_partition.extents | length')"
refuse 'soft partitions on it' metaclear d10
refuse 'soft partition' metainit d30 1 1 $d20
same "parent of the mirror" null "$(described d10 .parent)"

note "a write across the end of an extent"
sectors across $((40 * 2048 - 100)) 200 | run dd of=$d20 bs=512 seek=$((40 * 2048 - 100)) \
	oflag=direct,seek_bytes,sync iflag=fullblock seek=$(((40 * 2048 - 100) * 512)) bs=102400 \
	status=none
same "sectors" 200 "$(count_sectors $d20 $((40 * 2048 - 100)) 200 across)"
same_sides d10

note "who changes the mirror waits for what it carries"
waits_for_write two /dev/sdb d21 metaoffline d10 d11
run metaonline -w d10 d11

note "what the mirror carries counts among its own requests when its resync looks, and just after"
before=$(count_of /dev/md/dsk/d10 sectors_written)
run dd if=/dev/zero of=$d21 bs=64k count=16 oflag=direct status=none
same "sectors" 2048 $(($(count_of /dev/md/dsk/d10 sectors_written) - before))
same_sides d10

note "random writes and discards, and a side that fails meanwhile"
run mkfs.ext4 -q $d21
mkdir -p /mnt/fs
run mount $d21 /mnt/fs
mkdir /mnt/fs/kept
cp -a /etc /mnt/fs/kept/etc
fio --name=direct --filename=$d20 --size=60M --bssplit=4k/50:64k/30:1m/20 --rw=randwrite \
	--ioengine=io_uring --iodepth=16 --direct=1 --verify=crc32c --verify_backlog=64 \
	--verify_fatal=1 --randseed="$(small_seed)" --time_based --runtime=600 \
	--output=/tmp/fio.log &
load=$!
sleep 2
sick two /dev/sdb no_writes
wait_for 30 states_are d12 Maintenance
kill -0 $load || fail "the load has ended"
cp -a /usr/bin /mnt/fs/kept/bin 2>/dev/null || true
sick two /dev/sdb good
run metareplace -e d10 /dev/mapper/two
run metasync -r -w
note "sides come and go"
run metaoffline d10 d11
sleep 1
run metaonline d10 d11
run metasync -r -w
run metadetach d10 d11
sleep 1
run metattach -f -w d10 d11
tree_checksums /mnt/fs/kept >/tmp/sums
stop_fio $load /tmp/fio.log
run fstrim /mnt/fs
run umount /mnt/fs
run e2fsck -fn $d21
same_sides d10
run metarecover d10 -p

note "the mirror grows, and they have more room"
free=$(described d20 .soft_partition.free)
run metattach d11 /dev/sdc
run metattach d12 /dev/sde
run metattach -w d10
[ "$(described d20 .soft_partition.free)" -gt "$free" ] || fail "there is no more room"
run metattach d21 100m
run metarecover d10 -p
run e2fsck -fp $d21
run resize2fs $d21
run e2fsck -fn $d21
same_sides d10

note "all is there after a restart"
before=$(metastat -p)
run mdctl stop
run mdctl start
same "layout" "$before" "$(metastat -p)"
run mount $d21 /mnt/fs
(cd /mnt/fs/kept && sha256sum --quiet -c /tmp/sums) || fail "a file is not what was written"
run umount /mnt/fs
run metaclear -a
