#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: soft partitions on RAID5: what is written through them is on its columns with a parity
#         that fits, also across the end of an extent, while a column fails under all of them, is
#         replaced and made anew, and while columns are attached, after which they grow. A RAID5
#         metadevice with soft partitions is not cleared, and nothing else is made of these.
# Clause: svm.md 5.1, 6; DURABILITY 5, 15, 21; issue 9
# Lanes: drawn
# Vm: --disks 7 --disk-size 64M --leaks
# Timeout: 600
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"
# shellcheck source=tests/lib/raid.sh
. "$MD_TEST_LIB/raid.sh"

d20=/dev/md/dsk/d20 d21=/dev/md/dsk/d21

raid_tool
modprobe md_rs
run metadb -a -f -c 2 /dev/sdf
run metadb -a -c 2 /dev/sdg
sick sb /dev/sdb good
columns=(/dev/sda /dev/mapper/sb /dev/sdc /dev/sdd)
run metainit d10 -r "${columns[@]}" -i 64k
run metainit d20 -p d10 40m
run metainit d21 -p d10 60m
run metattach d20 20m
same "extents" 2 "$(described d20 '.soft_partition.extents | length')"
refuse 'soft partitions on it' metaclear d10
refuse 'only soft partitions are made of these' metainit d30 1 1 $d20
refuse 'only soft partitions are made of these' metainit -f d30 -m d20
refuse 'is a disk or partition' metainit d30 -r $d20 $d21 /dev/sde

note "a write across the end of an extent"
sectors across $((40 * 2048 - 100)) 200 | run dd of=$d20 oflag=direct,seek_bytes,sync \
	iflag=fullblock seek=$(((40 * 2048 - 100) * 512)) bs=102400 status=none
same "sectors" 200 "$(count_sectors $d20 $((40 * 2048 - 100)) 200 across)"
wait_for 100 is_made d10
columns_tell d10 "${columns[@]}"

note "random writes, and a column that fails meanwhile"
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
sick sb /dev/sdb no_writes
wait_for 30 columns_are d10 Okay,Maintenance,Okay,Okay
kill -0 $load || fail "the load has ended"
cp -a /usr/bin /mnt/fs/kept/bin 2>/dev/null || true
sick sb /dev/sdb good
run metareplace -e -w d10 /dev/mapper/sb

note "a column is attached below them, and they grow"
run metattach d10 /dev/sde
run metattach d21 40m
run resize2fs $d21
dd if=/dev/urandom of=/mnt/fs/kept/more bs=1M count=30 conv=fsync status=none
sick sb /dev/sdb nothing
sync
wait_for 30 columns_are d10 Okay,Maintenance,Okay,Okay,Okay
tree_checksums /mnt/fs/kept >/tmp/sums
stop_fio $load /tmp/fio.log
run umount /mnt/fs
run mdctl stop
sick sb /dev/sdb good
run mdctl start
run metareplace -e -w d10 "$(described d10 '.columns[1].device')"
run mount $d21 /mnt/fs
tree_checksums /mnt/fs/kept | cmp - /tmp/sums || fail "files are not what they were"
run umount /mnt/fs
run e2fsck -f -n $d21
columns_tell d10 /dev/sda /dev/mapper/sb /dev/sdc /dev/sdd /dev/sde

note "an extent is moved, and all of it goes"
run mdctl move d20 1
columns_tell d10 /dev/sda /dev/mapper/sb /dev/sdc /dev/sdd /dev/sde
run metaclear d20
run metaclear d21
run metaclear d10
run mdctl stop
run modprobe -r md_sp md_raid md_rs
