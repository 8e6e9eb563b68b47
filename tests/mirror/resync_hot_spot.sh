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
hot=1024

modprobe md_rs
# Of the hot spot, behind the reserved head, writes take 50 ms; everything else is as fast as ever.
size=$(blockdev --getsz /dev/sdb)
end=$((2048 + hot))
mapped b "0 $end delay /dev/sdb 0 0 /dev/sdb 0 50
$end $((size - end)) linear /dev/sdb $end"
run metadb -a -f /dev/sda
run metainit d11 1 1 /dev/mapper/b
run metainit d12 1 1 /dev/sdc
run metainit d10 -m d11
run metaparam --resync-latency 60s d10

note "$((hot / 2)) KiB are written without a pause, and a side is attached"
fio --name=hot --filename=$d10 --direct=1 --rw=randwrite --bs=4k --size=$((hot / 2))k \
	--ioengine=libaio --iodepth=16 --time_based --runtime=1000000 \
	--randseed="$(small_seed)" --output=/tmp/fio.log &
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
