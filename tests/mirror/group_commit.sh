#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: 256 writes at once, each to another clean region of a mirror, share commits of the state
#         database: all that wait for one are recorded by the next. The same writes over and over
#         cost none.
# Clause: DURABILITY 7, 12; issue 7: dirty region map, group commit
# Lanes: drawn
# Vm: --disks 3 --disk-size 300M
# Timeout: 120
# What is compared: commits before and after the writes, as metadb counts them, with the writes that
# the mirror has counted.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"

writes=256

commits() { metadb --json | jq .database.commits; }

# burst: a write to each of the first regions, of 1 MiB, which do not wait for each other. What they
# cost is in $cost.
burst() {
	local before done_before
	before=$(commits)
	done_before=$(count_of /dev/md/dsk/d10 writes)
	fio --name=burst --filename=/dev/md/dsk/d10 --rw=write:1020k --bs=4k --size=${writes}m \
		--io_size=1t --number_ios=$writes --direct=1 --ioengine=libaio --iodepth=$writes \
		--output=/dev/null
	cost=$(($(commits) - before))
	same "writes" $writes $(($(count_of /dev/md/dsk/d10 writes) - done_before))
	echo "$writes writes cost $cost commits"
}

modprobe md_rs
run metadb -a -f /dev/sdc
run metainit d11 1 1 /dev/sda
run metainit d12 1 1 /dev/sdb
run metainit --assume-clean d10 -m d11 d12

note "all regions are clean"
burst
[ "$cost" -ge 1 ] || fail "no region was recorded as dirty"
[ "$cost" -le $((writes / 8)) ] || fail "writes do not share commits"

note "all of them are dirty, and stay so while they are written to"
# written: writes that the mirror has done.
written() { count_of /dev/md/dsk/d10 writes; }
has_written() { [ "$(written)" -ge "$1" ]; }
fio --name=load --filename=/dev/md/dsk/d10 --rw=write:1020k --bs=4k --size=${writes}m --time_based \
	--runtime=600 --direct=1 --ioengine=libaio --iodepth=$writes --output=/tmp/fio.log &
load=$!
wait_for 60 has_written $(($(written) + 3 * writes))
before=$(commits)
wait_for 60 has_written $(($(written) + 4 * writes))
cost=$(($(commits) - before))
stop_fio $load /tmp/fio.log
echo "$((4 * writes)) writes cost $cost commits"
[ "$cost" -le 2 ] || fail "a region that is dirty is recorded again"

run mdctl stop
run modprobe -r md_mirror md_stripe md_rs
