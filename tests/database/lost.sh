#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: replicas whose disks are gone for ever can be got rid of: one that is missing by its uuid,
#         a majority by giving it up at the start, one on a disk that hangs without waiting for it,
#         and the last one by force. What was committed stays, and what was given up does not count
#         when it comes back.
# Clause: DURABILITY 1, 2, 3, 4; svm.md 10.2; issue 6
# Lanes: drawn
# Vm: --disks 4 --disk-size 32M
# Timeout: 300
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"

is_there() { [ -n "$(disk_named "$1")" ]; }
is_gone() { [ -z "$(disk_named "$1")" ]; }
away() {
	run vmctl unplug "$1"
	wait_for 20 is_gone "$1"
}
back() {
	run vmctl plug "$1"
	wait_for 20 is_there "$1"
}
flags() { metadb | awk 'NR > 2 { print $1 }' | sort | uniq -c | awk '{ print $1 $2 }' | xargs; }
units() { metastat -p | awk '{ print $1 }' | sort | xargs; }

modprobe md_rs
run metadb -a -f /dev/sda
run metadb -a /dev/sdb /dev/sdc
run metainit d1 1 1 /dev/sda
run mdctl stop

note "one that is missing is deleted by its uuid"
away disk2
run mdctl start
metadb
uuid=$(metadb | awk '/missing/ { print $NF }')
refuse 'no replica' metadb -d 01234567-89ab-cdef-0123-456789abcdef
run metadb -d "$uuid"
same "replicas" 2au "$(flags)"
run mdctl stop
back disk2
run mdctl start
same "replicas" 2au "$(flags)"
run metadb -a "$(disk_named disk2)"
same "replicas" 3au "$(flags)"
run mdctl stop

note "most of them are gone for ever"
away disk1
away disk2
refuse '1 of 3 voting replicas are there' mdctl start
run mdctl start --give-up-missing
same "replicas" 1au "$(flags)"
run metainit d2 1 1 "$(disk_named disk3)"
run mdctl stop
run mdctl start
same "metadevices" "d1 d2" "$(units)"
run mdctl stop
back disk1
back disk2
note "and come back: what they know is old, although there are two of them"
run mdctl start
same "metadevices" "d1 d2" "$(units)"
same "replicas" 1au "$(flags)"

note "a write to one hangs: nobody waits for it, and it can be deleted"
run metadb -a "$(disk_named disk1)"
mapped hangs "0 $(blockdev --getsz "$(disk_named disk2)") linear $(disk_named disk2) 0"
run metadb -a /dev/mapper/hangs
same "replicas" 3au "$(flags)"
run dmsetup suspend --noflush --nolockfs hangs
run metaclear d2
run metadb -d /dev/mapper/hangs
same "replicas" 2au "$(flags)"
run metainit d2 1 1 "$(disk_named disk3)"
run dmsetup resume hangs
again() { metadb -a /dev/mapper/hangs; }
wait_for 20 again
same "replicas" 3au "$(flags)"
run metadb -d /dev/mapper/hangs "$(disk_named disk1)"

note "the last one goes by force, and metadevices live in memory"
head -c 64K /dev/urandom | dd of=/dev/md/dsk/d2 bs=64k iflag=fullblock oflag=direct status=none
dd if=/dev/md/dsk/d2 of=/tmp/before bs=64k count=1 iflag=direct status=none
refuse "last voting replica" metadb -d "$(disk_named disk0)"
run metadb -d -f "$(disk_named disk0)"
metadb
same "metadevices" "d1 d2" "$(units)"
dd if=/dev/md/dsk/d2 of=/tmp/after bs=64k count=1 iflag=direct status=none
cmp /tmp/before /tmp/after || fail "d2 has other data"
refuse 'live in memory' metadb -a -f "$(disk_named disk0)"
run metaclear d1
run metaclear d2
run metadb -a -f "$(disk_named disk0)"
same "replicas" 1au "$(flags)"
