#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a resync gets through where some write is under way at any time, as at the head of a
#         database's log: it comes to its end while that goes on, and the sides are the same.
# Clause: DURABILITY 10, 11; svm.md 4.6; issue 7
# Lanes: drawn
# Vm: --disks 3 --disk-size 24M
# Timeout: 200
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

d10=/dev/md/dsk/d10
# Parts of the hot spot, in sectors. Together they are what a resync copies at once.
part=128

# hot_disk DISK: of the hot spot, behind the reserved head, writes take some time, and in each part
# another one, so that they never pause together; everything else is as fast as ever.
hot_disk() {
	local from=2048 ms
	echo "0 $from linear $1 0"
	for ms in 50 53 59 61 67 71 73 79; do
		echo "$from $part delay $1 $from 0 $1 $from $ms"
		from=$((from + part))
	done
	echo "$from $(($(blockdev --getsz "$1") - from)) linear $1 $from"
}

modprobe md_rs
hot_disk /dev/sdb | mapped b
run metadb -a -f /dev/sda
run metainit d11 1 1 /dev/mapper/b
run metainit d12 1 1 /dev/sdc
run metainit d10 -m d11
run metaparam --resync-latency 60s d10

note "$((part * 4)) KiB are written without a pause, and a side is attached"
fio --name=hot --filename=$d10 --direct=1 --rw=randwrite --bs=4k --numjobs=8 --thread \
	--size=$((part / 2))k --offset_increment=$((part / 2))k --ioengine=libaio --iodepth=3 \
	--time_based --runtime=1000000 --randseed="$(small_seed)" --output=/tmp/fio.log &
load=$!
is_written() { [ "$(count_of $d10 writes)" -gt 50 ]; }
wait_for 60 is_written
run metattach d10 d12
is_copied() { states_are d10 "Okay,Okay"; }
wait_for 60 is_copied
[ "$(count_of $d10 in_flight)" -gt 0 ] || fail "nobody writes: this shows nothing"
before=$(count_of $d10 writes)
goes_on() { [ "$(count_of $d10 writes)" -gt $((before + 50)) ]; }
wait_for 60 goes_on
stop_fio $load /tmp/fio.log
same_sides d10
