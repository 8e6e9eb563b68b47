#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a replica that is always some commits behind costs nobody anything, however many there
#         are: each of hundreds of changes is recorded, and a mirror goes on being written to.
# Clause: DURABILITY 4; issue 6
# Lanes: drawn
# Vm: --disks 5 --disk-size 64M
# Timeout: 300
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"

changes=300
commits() { metadb --json | jq .database.commits; }

modprobe md_rs
size=$(blockdev --getsz /dev/sdb)
mapped late "0 $size linear /dev/sdb 0"
run metadb -a -f /dev/sda
run metadb -a /dev/mapper/late
run metadb -a -t /dev/sdc
run metainit d1 1 1 /dev/sdd
run metainit d2 1 1 /dev/sde
run metainit --assume-clean d10 -m d1 d2
# Reads at once, writes after 0.1 s: a commit takes it three times as long.
remap late "0 $size delay /dev/sdb 0 0 /dev/sdb 0 100"

note "$changes changes, one after the other"
before=$(commits)
late=$(count_of /dev/sdb writes)
for ((n = 0; n < changes; n++)); do
	metaparam -p $((n % 9 + 1)) d10 >/tmp/said 2>&1 || {
		cat /tmp/said
		fail "change $n was not recorded"
	}
done
[ $(($(commits) - before)) -ge $changes ] || fail "there were fewer commits: this shows nothing"
# Two pages and a root each time.
late=$((($(count_of /dev/sdb writes) - late) / 3))
echo "the late replica was written to $late times"
[ $late -ge 40 ] || fail "the late replica was hardly written to: this shows nothing"
[ $late -lt $((changes * 3 / 4)) ] || fail "the late replica was hardly late: this shows nothing"
run dd if=/dev/zero of=/dev/md/dsk/d10 bs=64k count=1 seek=64 oflag=direct status=none

note "it gets what it lacks before the set is left, and starts with the tie-breaker alone"
run mdctl stop
remap late "0 $size linear /dev/sdb 0"
run vmctl unplug disk0
is_gone() { [ -z "$(disk_named disk0)" ]; }
wait_for 20 is_gone
run mdctl start
metadb | tee /tmp/found
if grep -q READ-ONLY /tmp/found; then fail "the late replica has missed the last commit"; fi
same "pass" $(((changes - 1) % 9 + 1)) "$(metastat d10 | sed -n 's/^ *Pass: //p')"
