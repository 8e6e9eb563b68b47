#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: many soft partitions on one mirror, 1,000 in 'make test-long': they are made, all are
#         written to while a side of the mirror fails under all of them, it is replaced and
#         resynced, and all of them have what was written; a start has all of them again.
# Clause: svm.md 6; DURABILITY 5, 21; issue 8
# Lanes: drawn
# Vm: --disks 4 --disk-size 2500M --mem 3G
# Timeout: 600
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

count=$(by_lane 60 1000 20)
softs=$(seq -f 'd%.0f' 1001 $((1000 + count)))

# write TAG FIRST: 32 sectors of each, from sector FIRST on.
write() {
	local name
	for name in $softs; do
		sectors "$1$name" "$2" 32 | dd of=/dev/md/dsk/"$name" bs=16k seek=$(($2 / 32)) \
			iflag=fullblock oflag=direct status=none || fail "$name cannot be written"
	done
}

# holds TAG FIRST: all of them have that.
holds() {
	local name
	for name in $softs; do
		[ "$(count_sectors /dev/md/dsk/"$name" "$2" 32 "$1$name")" = 32 ] ||
			fail "$name has not what was written to it"
	done
	echo "all $count have what was written to them ($1)"
}

modprobe md_rs
sick one /dev/sda good
sick two /dev/sdb good
run metadb -a -f -c 2 /dev/sdd
run metainit d11 1 1 /dev/mapper/one
run metainit d12 1 1 /dev/mapper/two
run metainit d10 -m d11 d12 --assume-clean
before=$SECONDS
for name in $softs; do metainit "$name" -p d10 1m >/dev/null || fail "$name was not made"; done
echo "$count were made in $((SECONDS - before)) s"
write before 0

note "a side fails under all of them"
sick two /dev/sdb no_writes
write meanwhile 32
same "state" Maintenance "$(states d12)"
holds before 0
holds meanwhile 32
sick two /dev/sdb good
run metareplace -e d10 /dev/mapper/two
run metasync -r -w
same "states" Okay,Okay "$(states d10)"
write after 64

note "a start has all of them"
run mdctl stop
run mdctl start
same "soft partitions" "$count" "$(metastat -p | grep -c ' -p d10 ')"
for tag in before:0 meanwhile:32 after:64; do holds "${tag%:*}" "${tag#*:}"; done
run metarecover d10 -p >/tmp/told
tail -n 1 /tmp/told
run metaclear -p d10 >/tmp/told
same "cleared" "$count" "$(grep -c 'is cleared' /tmp/told)"
