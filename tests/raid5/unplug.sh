#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a disk of RAID5 is pulled out below a file system that is in use, ext4 and xfs: nobody
#         notices but metastat, and everything is read; also after a start, and when the disk is
#         back and was made anew.
# Clause: DURABILITY 5, 15; svm.md 5.8; issue 9
# Lanes: drawn
# Vm: --disks 5 --disk-size 160M
# Timeout: 500
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/raid.sh
. "$MD_TEST_LIB/raid.sh"

raid_tool
modprobe md_rs
run metadb -a -f -c 2 /dev/sdd
run metadb -a -c 2 /dev/sde
mkdir -p /mnt
second=/dev/sdb
for kind in ext4 xfs; do
	note "$kind"
	run metainit -f d20 -r /dev/sda "$second" /dev/sdc -i 32k
	if [ $kind = ext4 ]; then
		run mkfs.ext4 -q /dev/md/dsk/d20
	else
		run mkfs.xfs -q -f -m bigtime=1 /dev/md/dsk/d20
	fi
	wait_for 100 is_made d20
	run mount /dev/md/dsk/d20 /mnt
	cp -r /usr/share/perl5 /mnt/before 2>/dev/null || cp -r /usr/bin /mnt/before
	sync
	verify_with_fio --directory=/mnt --size=24M --rw=randwrite --bs=16k --direct=1 \
		--ioengine=libaio --iodepth=8 --time_based --runtime=6 &
	load=$!
	sleep 2
	run vmctl unplug disk1
	wait $load || fail "the load had errors"
	sync
	columns_are d20 Okay,Maintenance,Okay || fail "$(column_states d20)"
	tree_checksums /mnt >/tmp/sums
	run umount /mnt
	run vmctl plug disk1
	run mdctl stop
	run mdctl start
	columns_are d20 Okay,Maintenance,Okay || fail "$(column_states d20)"
	run mount /dev/md/dsk/d20 /mnt
	tree_checksums /mnt | cmp - /tmp/sums || fail "files are not what they were"
	second=$(disk_named disk1)
	run metareplace -e -w d20 "$second"
	columns_are d20 Okay,Okay,Okay || fail "$(column_states d20)"
	tree_checksums /mnt | cmp - /tmp/sums || fail "files are not what they were"
	run umount /mnt
	if [ $kind = ext4 ]; then
		run e2fsck -f -n /dev/md/dsk/d20
	else
		run xfs_repair -n /dev/md/dsk/d20
	fi
	columns_tell d20 /dev/sda "$second" /dev/sdc
	run metaclear d20
done
