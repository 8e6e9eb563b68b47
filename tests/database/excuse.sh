#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a side of a mirror fails a write while most of the replicas of the state database do not
#         answer: the write is not acknowledged before they do, since until then it is not recorded
#         that the side is out of service.
# Clause: DURABILITY 1, 4, 5; issue 6: the erred-side transition is committed before the write is
#         acknowledged
# Lanes: drawn
# Vm: --disks 5 --disk-size 16M
# Timeout: 90
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

d10=/dev/md/dsk/d10
is_told() { [ -e /tmp/ended ]; }

# write_and_tell: writes to the mirror; then there is /tmp/ended.
write_and_tell() {
	rm -f /tmp/ended
	dd if=/dev/urandom of=$d10 bs=64k count=1 oflag=direct status=none && touch /tmp/ended
}

modprobe md_rs
sick bad /dev/sda good
for disk in c d; do
	mapped replica_$disk "0 $(blockdev --getsz /dev/sd$disk) linear /dev/sd$disk 0"
done
run metadb -a -f /dev/mapper/replica_c
run metadb -a /dev/mapper/replica_d /dev/sde
run metainit d11 1 1 /dev/mapper/bad
run metainit d12 1 1 /dev/sdb
run metainit --assume-clean d10 -m d11 d12

note "one of three replicas answers"
# The region is dirty already: this write needs no commit but for the side that fails.
run write_and_tell
sick bad /dev/sda no_writes
for disk in c d; do run dmsetup suspend --noflush --nolockfs replica_$disk; done
write_and_tell &
writer=$!
sleep 4
if is_told; then fail "the write is acknowledged, and its excuse is not committed"; fi

note "two of three"
run dmsetup resume replica_c
wait_for 20 is_told
wait $writer || fail "the write has failed"
same "states" "Maintenance Okay" "$(states d11) $(states d12)"
run dmsetup resume replica_d
run mdctl stop
sick bad /dev/sda good
run mdctl start
same "states" "Maintenance Okay" "$(states d11) $(states d12)"
