#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: sixteen mirrors are written to at once, each of which has to record a dirty region first,
#         while a commit takes more than a second: they share two or three commits.
# Clause: issue 6: any number of waiting changes share one commit
# Lanes: drawn
# Vm: --disks 3 --disk-size 56M
# Timeout: 150
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"

count=16
commits() { metadb --json | jq .database.commits; }

modprobe md_rs
size=$(blockdev --getsz /dev/sdc)
mapped slow "0 $size linear /dev/sdc 0"
run metadb -a -f /dev/mapper/slow
for ((n = 0; n < count; n++)); do
	for disk in a b; do mapped $disk$n "0 6144 linear /dev/sd$disk $((n * 6144))"; done
	metainit -f d$((100 + n)) 1 1 /dev/mapper/a$n
	metainit -f d$((200 + n)) 1 1 /dev/mapper/b$n
	metainit --assume-clean d$n -m d$((100 + n)) d$((200 + n))
done

note "each waits for a commit"
# Reads at once, writes after a second.
remap slow "0 $size delay /dev/sdc 0 0 /dev/sdc 0 1000"
before=$(commits)
began=$(date +%s%3N)
writers=()
for ((n = 0; n < count; n++)); do
	dd if=/dev/urandom of=/dev/md/dsk/d$n bs=4k count=1 oflag=direct status=none &
	writers+=($!)
done
for writer in "${writers[@]}"; do wait "$writer" || fail "a write has failed"; done
took=$(($(date +%s%3N) - began))
made=$(($(commits) - before))
echo "$count writes took $took ms and $made commits"
[ $took -ge 1000 ] || fail "they have not waited for a commit: this shows nothing"
if [ $made -lt 1 ] || [ $made -gt 4 ]; then fail "they do not share commits"; fi
remap slow "0 $size linear /dev/sdc 0"
run mdctl stop
