#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: extents of soft partitions are moved to other places while loads verify what they read
#         and write, on a disk and on a mirror: to the first place and to one that is named, the
#         first extent and others. A move that is interrupted leaves the extent where it was; what
#         is moved cannot be changed or cleared meanwhile, and nobody else gets its new place.
#         Watermarks agree afterwards, also after a restart.
# Clause: svm.md 6; DURABILITY 10, 21; issue 8
# Lanes: drawn
# Vm: --disks 4 --disk-size 256M --leaks
# Timeout: 300
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

# start NAME EXTENT: where its data begins, in blocks.
start() { echo $(($(described "$1" ".soft_partition.extents[$2].start") / 512)); }

# load NAME: random writes that are read back, until they are stopped.
load() {
	fio --name="$1" --filename=/dev/md/dsk/"$1" --bssplit=4k/50:64k/40:512k/10 --rw=randrw \
		--ioengine=io_uring --iodepth=8 --direct=1 --verify=crc32c --verify_backlog=32 \
		--verify_fatal=1 --randseed="$(small_seed)" --time_based --runtime=600 \
		--output=/tmp/"$1".log &
}

modprobe md_rs
run metadb -a -f /dev/sdd
run metainit d20 -p /dev/sda 40m
run metainit d21 -p /dev/sda 20m
run metattach d20 20m
run metainit d11 1 1 /dev/sdb
run metainit d12 1 1 /dev/sdc
run metainit d10 -m d11 d12 --assume-clean
run metainit d30 -p d10 40m
run metainit d31 -p d10 20m
run metattach d30 20m

note "what is not moved is what it was"
for unit in d21 d31; do
	head -c 20M /dev/urandom |
		dd of=/dev/md/dsk/$unit bs=1M iflag=fullblock oflag=direct conv=fsync status=none
done
kept=$(checksum /dev/md/dsk/d21; checksum /dev/md/dsk/d31)

note "extents go to and fro under loads"
load d20 && one=$!
load d30 && two=$!
for round in $(seq "$(by_lane 2 20 1)"); do
	echo "round $round"
	for unit in d20 d30; do
		before=$(start $unit 0)
		run mdctl move $unit 0
		[ "$(start $unit 0)" != "$before" ] || fail "$unit: its first extent was not moved"
		run mdctl move $unit 0 -o "$before"
		same "first extent of $unit" "$before" "$(start $unit 0)"
		run mdctl move $unit 1
	done
done
stop_fio "$one" /tmp/d20.log
stop_fio "$two" /tmp/d30.log
run metarecover /dev/sda -p
run metarecover d10 -p
same_sides d10
same "others" "$kept" "$(checksum /dev/md/dsk/d21; checksum /dev/md/dsk/d31)"

note "what is refused, and what is interrupted"
refuse 'has no extent 2' mdctl move d20 2
refuse 'taken or not on the base' mdctl move d20 0 -o "$(start d21 0)"
refuse 'whole units' mdctl move d20 0 -o 100001
refuse 'is not a soft partition' mdctl move d10 0
before=$(start d20 0)
sum=$(checksum /dev/md/dsk/d20)
# A slow disk gives time to interrupt.
echo 1 >/sys/block/sda/queue/nr_requests 2>/dev/null || true
(
	for _ in $(seq 200); do
		dd if=/dev/sda of=/dev/null bs=1M count=64 iflag=direct status=none
	done
) &
noise=$!
mdctl move d20 0 >/tmp/moved 2>&1 &
mover=$!
sleep 0.3
if kill -0 $mover 2>/dev/null; then
	metattach d20 1m >/tmp/refused 2>&1 && fail "it grew while it was moved"
	grep -q 'being moved' /tmp/refused || { cat /tmp/refused; fail "not the reason"; }
	metainit d40 1 1 d20 >/tmp/refused 2>&1 && fail "it became part of something"
	metaclear d20 >/tmp/refused 2>&1 && fail "it was cleared while it was moved"
	kill -INT $mover
	if wait $mover; then
		echo "the move was over already"
		run mdctl move d20 0 -o "$before"
	else
		cat /tmp/moved
		grep -q 'interrupted' /tmp/moved || fail "not the reason"
	fi
fi
kill $noise
wait $noise 2>/dev/null || true
same "first extent" "$before" "$(start d20 0)"
same "data" "$sum" "$(checksum /dev/md/dsk/d20)"
run metattach d20 1m

note "one that is part of something stays where it is"
run metainit d40 1 1 d21
refuse 'part of the metadevice d40' mdctl move d21 0
run metaclear d40

note "all is there after a restart"
run mdctl move d21 0
layout=$(metastat -p)
run mdctl stop
run mdctl start
same "layout" "$layout" "$(metastat -p)"
run metarecover /dev/sda -p
run metarecover d10 -p
same "others" "$kept" "$(checksum /dev/md/dsk/d21; checksum /dev/md/dsk/d31)"
run metaclear -a
