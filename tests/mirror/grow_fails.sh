#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a component fails a write while its submirror grows, and the state database is slow to
#         record that: what is acknowledged has its excuse on record, also after the next start.
# Clause: DURABILITY 1, 5, 21; svm.md 3.6, 4.9; issue 7
# Lanes: drawn
# Vm: --disks 6 --disk-size 16M
# Timeout: 120
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

d10=/dev/md/dsk/d10
is_there() { [ -e "$1" ]; }

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
# The region is dirty already: the write needs no commit but for the side that fails.
run dd if=/dev/urandom of=$d10 bs=64k count=1 oflag=direct status=none
small=$(blockdev --getsz /dev/md/dsk/d11)

note "a side grows, and one of three replicas answers"
for disk in c d; do run dmsetup suspend --noflush --nolockfs replica_$disk; done
# A commit is under way, for a region that was clean: the next one has all that comes now.
dd if=/dev/urandom of=$d10 bs=64k count=1 seek=128 oflag=direct status=none &
marker=$!
sleep 2
(metattach d11 /dev/sdf && touch /tmp/grown) &
grower=$!
sleep 3
if is_there /tmp/grown; then fail "it has grown, and that is not recorded"; fi

note "its component fails a write"
sick bad /dev/sda no_writes
(dd if=/dev/urandom of=$d10 bs=64k count=1 oflag=direct status=none && touch /tmp/written) &
writer=$!
sleep 3
if is_there /tmp/written; then fail "the write is acknowledged, and its excuse is not recorded"; fi

note "all answer"
for disk in c d; do run dmsetup resume replica_$disk; done
wait $grower || fail "it has not grown"
wait $writer || fail "the write has failed"
wait $marker || fail "the write to another region has failed"
same "states" "Maintenance,Okay Okay" "$(states d11) $(states d12)"
large=$(blockdev --getsz /dev/md/dsk/d11)
[ "$large" -gt "$small" ] || fail "$large blocks, $small before"

note "and so it is after the next start"
run mdctl stop
sick bad /dev/sda good
run mdctl start
same "states" "Maintenance,Okay Okay" "$(states d11) $(states d12)"
same "size" "$large" "$(blockdev --getsz /dev/md/dsk/d11)"
