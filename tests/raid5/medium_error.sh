#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a block that a column has lost (a medium error) is made of the others for who reads it,
#         and written again; nothing is out of service. So is one that stays bad, whoever reads it.
# Clause: issue 9: a read error repaired from parity; DURABILITY section 2
# Lanes: drawn
# Vm: --disks 4 --disk-size 16M
# Timeout: 600
# What is compared: every block that is read with what was written, and what the disk with the bad
# block has been given.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/blocks.sh
. "$MD_TEST_LIB/blocks.sh"
# shellcheck source=tests/lib/raid.sh
. "$MD_TEST_LIB/raid.sh"

d20=/dev/md/dsk/d20
debug=/sys/bus/pseudo/drivers/scsi_debug

healed() { described d20 '.columns[0].healed_errors // 0'; }
is_healed() { [ "$(healed)" -ge "$1" ]; }
holds() {
	same "blocks of d20 without what was written" "" \
		"$(/tmp/blocks read "$1" $d20 0 "$blocks" raid | sed -n 1,5p | xargs)"
}

make_blocks
raid_tool
modprobe md_rs
run metadb -a -f -c 2 /dev/sdc
run metadb -a -c 2 /dev/sdd
# Ten sectors of a row that has data there.
modprobe scsi_debug dev_size_mb=16 delay=0 medium_error_start=$((COLUMN_START + 2048 + 64 + 8)) \
	medium_error_count=8
is_there() { [ -n "$(lsblk -dnro NAME,MODEL | awk '/scsi_debug/ { print $1 }')" ]; }
wait_for 20 is_there
disk=/dev/$(lsblk -dnro NAME,MODEL | awk '/scsi_debug/ { print $1 }')
where=/sys/kernel/debug/scsi_debug/$(basename "$(readlink -f "$(in_sysfs "$disk")/device")")
run metainit d20 -r "$disk" /dev/sda /dev/sdb -i 32k
wait_for 60 is_made d20
blocks=$(($(blockdev --getsz $d20) / 8))
same "errors" "" "$(/tmp/blocks write batch $d20 0 $blocks raid)"

note "a block that is good again when it is rewritten"
written=$(count_of "$disk" sectors_written)
# The read, and the one that sees whether it is still so.
echo "2 -2 0x28 0 0 2 3 0x11 0" >"$where/error"
holds one
wait_for 10 is_healed 1
[ "$(count_of "$disk" sectors_written)" -gt "$written" ] || fail "it was not written again"
same "states" Okay,Okay,Okay "$(column_states d20)"

note "the same, found by a check"
# It writes at once, and reads once more then.
echo "2 -1 0x28 0 0 2 3 0x11 0" >"$where/error"
run metasync --check -w d20
is_healed 2 || fail "healed: $(healed)"
same "what the check left out" 0 "$(described d20 ' | .check.history[0].skipped')"

note "one that stays bad"
echo 2 >$debug/opts
for how in one batch; do holds $how; done
column_states d20
echo 0 >$debug/opts
holds batch
columns_tell d20 "$disk" /dev/sda /dev/sdb
run metaclear -f d20
run modprobe -r scsi_debug
