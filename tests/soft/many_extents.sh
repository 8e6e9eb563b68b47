#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: one soft partition has very many extents, 10,000 in 'make test-long', which is as many as
#         there can be: every sector is where the extents say, the next extent is refused, and a
#         start and a recovery by the watermarks alone find the same layout and data.
# Clause: svm.md 6.1, 6.3; issue 8: up to 10,000 extents in one
# Lanes: drawn
# Vm: --disks 3 --disk-size 512M
# Timeout: 300
# What is compared: each sector with the one of the disk on which it should be; checksums.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"

d20=/dev/md/dsk/d20
count=$(by_lane 1500 10000 200)
# The last one comes first, and between two of them there is room for one more.
places() { awk -v n="$count" 'BEGIN { for (i = n - 1; i >= 0; i--) print 4096 + 64 * i }'; }
mapfile -t words < <(places | awk '{ print "-o"; print $1; print "-b"; print 16 }')

modprobe md_rs
run metadb -a -f /dev/sdb
printf '$ metainit d20 -p /dev/sda with %s extents\n' "$count"
metainit d20 -p /dev/sda "${words[@]}" || fail "it was not made"
same "extents" "$count" "$(described d20 '.soft_partition.extents | length')"
same "sectors" $((16 * count)) "$(blockdev --getsz $d20)"

note "every sector is where the extents say"
sectors many 0 $((16 * count)) | run dd of=$d20 bs=64k iflag=fullblock oflag=direct conv=fsync \
	status=none
same "sectors" $((16 * count)) "$(count_sectors $d20 0 $((16 * count)) many)"
places | sed -n 1,200p | while read -r place; do
	dd if=/dev/sda bs=512 skip="$place" count=16 iflag=direct status=none
done | cmp -n $((200 * 16 * 512)) - $d20 || fail "the extents are elsewhere"
sum=$(checksum $d20)

if [ "$count" = 10000 ]; then
	note "that is as many as there can be"
	# There is a little room behind the last one, so that it becomes longer; this is more than
	# that.
	refuse 'more than 10000 extents' metattach d20 1m
fi

note "a start has all of them, and the watermarks agree"
layout=$(metastat -p d20 | sha256sum)
run mdctl stop
run mdctl start
same "layout" "$layout" "$(metastat -p d20 | sha256sum)"
same "data" "$sum" "$(checksum $d20)"
run metarecover /dev/sda -p

note "the database is lost: the watermarks have all of it"
run mdctl stop
head -c 16M /dev/zero | dd of=/dev/sdb bs=1M iflag=fullblock oflag=direct status=none
run modprobe -r md_sp md_rs
modprobe md_rs
run metadb -a -f /dev/sdb
run metarecover /dev/sda -p -d
same "layout" "$layout" "$(metastat -p d20 | sha256sum)"
same "data" "$sum" "$(checksum $d20)"
run metaclear -p /dev/sda
