#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: 256 writes at once, each to another clean region of a mirror, share commits of the state
#         database: all that wait for one are recorded by the next. The same writes once more cost
#         none.
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

note "all of them are dirty"
burst
[ "$cost" -le 2 ] || fail "a region that is dirty is recorded again"

run mdctl stop
run modprobe -r md_mirror md_stripe md_rs
