#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: the disk with the last copy fails one flush, and carries out the next one: what it had in
#         its cache may be lost, so that the flush fails for who has asked for it, although the
#         mirror has changed meanwhile. If nobody had asked for it, but a region was to become
#         clean, whoever asks next is told, once.
# Clause: DURABILITY 8; svm.md 4.2; issue 7
# Lanes: drawn
# Vm: --disks 2 --disk-size 16M
# Timeout: 200
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

d10=/dev/md/dsk/d10
write_once() {
	dd if=/dev/urandom of=$d10 bs=64k count=1 seek="$1" oflag=direct conv=notrunc status=none
}

faulty_disk 16
# fails_one_flush: the next flush of the disk fails: a hardware error.
fails_one_flush() { echo "2 -1 0x35 0 0 0x2 0x4 0x44 0x0" >"$faults"; }
has_failed() { [ "$(errors d12 0 write)" -gt "$1" ]; }

modprobe md_rs
sick a0 /dev/sda good
run metadb -a -f /dev/sdb
run metainit d11 1 1 /dev/mapper/a0
run metainit d12 1 1 "$faulty"
run metainit --assume-clean d10 -m d11 d12
run write_once 0
run sync -d $d10
sick a0 /dev/sda no_writes
run write_once 0
same "states" "Maintenance Okay" "$(states d11) $(states d12)"

note "a flush fails that somebody has asked for"
run write_once 1
fails_one_flush
refuse 'error syncing' sync -d $d10
same "states" "Maintenance Last Erred" "$(states d11) $(states d12)"
run sync -d $d10

note "one fails that nobody has asked for"
before=$(errors d12 0 write)
run write_once 2
fails_one_flush
wait_for 60 has_failed "$before"
refuse 'error syncing' sync -d $d10
run sync -d $d10
run mdctl stop
run modprobe -r md_mirror md_stripe md_rs
