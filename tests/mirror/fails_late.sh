#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a write hangs on one side, and fails there at last, while the administrator wants to do
#         without the other side: its component is to be replaced, it is to be offlined, or to be
#         detached. All of that was legal when it was asked for, and is refused when it is carried
#         out: the write is acknowledged, and that side alone has it.
# Clause: DURABILITY 5; svm.md 4.5, 4.8; issue 7
# Lanes: drawn
# Vm: --disks 5 --disk-size 16M
# Timeout: 200
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

d10=/dev/md/dsk/d10
size=$(blockdev --getsz /dev/sdb)

# slow MS: how long a write to the second side takes.
slow() { remap slow "0 $size delay /dev/mapper/bad 0 0 /dev/mapper/bad 0 $1"; }
first_block() { dd if=$d10 bs=64k count=1 iflag=direct status=none | sha256sum; }

# fails_late COMMAND...: is refused, since a write fails while it waits.
fails_late() {
	local writer expected
	note "$*"
	head -c 65536 /dev/urandom >/tmp/data
	expected=$(sha256sum </tmp/data)
	sick bad /dev/sdb no_writes
	slow 3000
	dd if=/tmp/data of=$d10 bs=64k count=1 oflag=direct conv=notrunc status=none &
	writer=$!
	wait_for 3 is_busy $d10
	refuse 'has, or may have, blocks that no other' "$@"
	wait $writer || fail "the write has failed"
	same "states" "Okay Maintenance" "$(states d11) $(states d12)"
	same "what is read" "$expected" "$(first_block)"
	sick bad /dev/sdb good
	slow 0
	run metareplace -e -w d10 /dev/mapper/slow
	same "states" "Okay Okay" "$(states d11) $(states d12)"
	same_sides d10
}

modprobe md_rs
run metadb -a -f /dev/sdc
sick bad /dev/sdb good
mapped slow "0 $size delay /dev/mapper/bad 0 0 /dev/mapper/bad 0 0"
run metainit d11 1 1 /dev/sda
run metainit d12 1 1 /dev/mapper/slow
run metainit d10 -m d11
run metattach -w d10 d12
fails_late metareplace d10 /dev/sda /dev/sdd
fails_late metaoffline d10 d11
fails_late metadetach d10 d11
run mdctl stop
run modprobe -r md_mirror md_stripe md_rs
