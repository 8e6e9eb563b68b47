#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a side of a mirror fails a write; that it is out of service survives a restart, and what
#         it holds is never read, even if it is the only side that is there. That a replica of the
#         state database is on the disk that fails is no obstacle.
# Clause: DURABILITY 1, 5; svm.md 4.2, 4.7; issue 6
# Lanes: stock,debug
# Vm: --disks 4 --disk-size 32M
# Timeout: 450
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

d10=/dev/md/dsk/d10
is_there() { [ -n "$(disk_named "$1")" ]; }
is_gone() { [ -z "$(disk_named "$1")" ]; }
filled() { head -c 65536 /dev/zero | tr '\0' "$1"; }
what_is_read() { dd if=$d10 bs=64k count=1 iflag=direct status=none | tr -s on; }

modprobe md_rs
sick bad /dev/sda good
sick good /dev/sdb good
run metadb -a -f /dev/mapper/bad
run metadb -a /dev/mapper/good /dev/sdc
run metainit d11 1 1 /dev/mapper/bad
run metainit d12 1 1 /dev/mapper/good
run metainit --assume-clean d10 -m d11 d12
filled o | dd of=$d10 bs=64k iflag=fullblock oflag=direct status=none

note "a side fails, and the replica on it"
sick bad /dev/sda no_writes
filled n | dd of=$d10 bs=64k iflag=fullblock oflag=direct status=none
same "states" "Maintenance Okay" "$(states d11) $(states d12)"
same "what is read" n "$(what_is_read)"
metadb -i
metadb | grep -q 'W .*mapper/bad' || fail "the replica on the disk that fails is not shown so"
metastat d10

note "after a restart it is still out of service"
run mdctl stop
sick bad /dev/sda good
run mdctl start
same "states" "Maintenance Okay" "$(states d11) $(states d12)"
for policy in roundrobin geometric first; do
	run metaparam -r $policy d10
	for _ in 1 2 3; do same "what is read" n "$(what_is_read)"; done
done

run mdctl stop
note "that is in the replicas; the labels, which were written since, have no states"
# known WHERE DEVICE: the states of components and submirrors there.
known() {
	mdctl dump --json "$2" | jq -r "[.dump.$1 | .. | .state? // empty] | unique | join(\" \")"
}
for device in /dev/mapper/bad /dev/mapper/good; do
	same "states in the replica of $device" "erred okay" "$(known 'replicas[].records' $device)"
	same "states in the label of $device" okay "$(known 'label.tree' $device)"
done

note "nor is it read when the good side is not there"
run dmsetup remove good
run vmctl unplug disk1
wait_for 20 is_gone disk1
run mdctl start
metastat d10
refuse 'Input/output error' dd if=$d10 of=/dev/null bs=64k count=1 iflag=direct status=none
run mdctl stop
run vmctl plug disk1
wait_for 20 is_there disk1
run mdctl start
same "what is read" n "$(what_is_read)"
