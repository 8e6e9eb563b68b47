#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: disks of RAID5 die below ext4 and xfs in use, at random moments and in random ways, one
#         after the other, while it is healthy or a column is being made: hot spares take over,
#         disks are replaced, and what was written is read, whatever happens.
# Clause: DURABILITY 5, 15; svm.md 5.8, 5.10; issue 9
# Lanes: drawn
# Vm: --disks 8 --disk-size 112M
# Timeout: 600
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"
# shellcheck source=tests/lib/raid.sh
. "$MD_TEST_LIB/raid.sh"

RANDOM=$(small_seed)
raid_tool
modprobe md_rs
run metadb -a -f -c 2 /dev/sdg
run metadb -a -c 2 /dev/sdh
names=(sa sb sc sd)
disks=(/dev/sda /dev/sdb /dev/sdc /dev/sdd)
for n in 0 1 2 3; do sick "${names[n]}" "${disks[n]}" good; done
mkdir -p /mnt
is_okay() { [ "$(described d20 .state) $(described d20 .resync)" = "Okay null" ]; }
spares() { described d20 ' | [.columns[].hot_spare // empty] | length'; }
has_no_spare() { [ "$(spares)" = 0 ]; }
# Whether a spare stands for one of the columns, and has everything.
is_served() { [ "$(spares)" = 1 ] && is_okay; }

for kind in ext4 xfs; do
	note "$kind"
	run metainit hsp001 /dev/sde /dev/sdf
	run metainit -f d20 -r /dev/mapper/s{a,b,c,d} -i 64k -h hsp001
	if [ $kind = ext4 ]; then
		run mkfs.ext4 -q /dev/md/dsk/d20
	else
		run mkfs.xfs -q -f -m bigtime=1 /dev/md/dsk/d20
	fi
	wait_for 100 is_okay
	run mount /dev/md/dsk/d20 /mnt
	cp -a /etc /mnt/before
	sync
	tree_checksums /mnt/before >/tmp/sums
	fio --name=load --directory=/mnt --size=24M --rw=randrw --bs=16k --direct=1 \
		--ioengine=libaio --iodepth=8 --verify=crc32c --verify_backlog=32 --verify_fatal=1 \
		--randseed="$(small_seed)" --time_based --runtime=600 --output=/tmp/fio.log &
	load=$!
	for ((round = 0; round < $(by_lane 3 12 2); round++)); do
		draw 0 3
		victim=$REPLY
		draw 0 1
		how=$([ "$REPLY" = 0 ] && echo nothing || echo no_writes)
		draw 0 20
		sleep "1.$REPLY"
		sick "${names[victim]}" "${disks[victim]}" "$how"
		# A spare takes over, and has everything, before the next one dies.
		wait_for 120 is_served
		kill -0 $load || fail "the load has ended"
		tree_checksums /mnt/before | cmp - /tmp/sums || fail "files are not what they were"
		sick "${names[victim]}" "${disks[victim]}" good
		run metareplace -e d20 "/dev/mapper/${names[victim]}"
		draw 0 1
		if [ "$REPLY" = 0 ]; then
			# It dies again while it is being made.
			sick "${names[victim]}" "${disks[victim]}" nothing
			wait_for 120 is_served
			sick "${names[victim]}" "${disks[victim]}" good
			run metareplace -e d20 "/dev/mapper/${names[victim]}"
		fi
		wait_for 120 is_okay
		wait_for 20 has_no_spare
	done
	stop_fio $load /tmp/fio.log
	tree_checksums /mnt/before | cmp - /tmp/sums || fail "files are not what they were"
	run umount /mnt
	if [ $kind = ext4 ]; then
		run e2fsck -f -n /dev/md/dsk/d20
	else
		run xfs_repair -n /dev/md/dsk/d20
	fi
	columns_tell d20 /dev/mapper/s{a,b,c,d}
	run metasync --check -w d20
	run metaclear d20
	run metahs -d hsp001 /dev/sde /dev/sdf
	run metaclear hsp001
done
