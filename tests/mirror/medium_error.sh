#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a block that a side has lost (a medium error) is answered from the other side, and written
#         again; if it is good then nothing is out of service, and that it was is counted. If it is
#         not, the component is out of service. A check finds lost blocks as well. What metastat
#         says to type for the last copy brings it back into service.
# Clause: issue 7: errors; DURABILITY sections 2, 3 and 6
# Lanes: drawn
# Vm: --disks 1 --disk-size 16M
# Timeout: 120
# What is compared: every block that is read with what was written; what was written to the disk
# with the bad block, its counts and its state.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/blocks.sh
. "$MD_TEST_LIB/blocks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

d10=/dev/md/dsk/d10
blocks=1792
debug=/sys/bus/pseudo/drivers/scsi_debug

healed() { described d11 '.rows[0].components[0].healed_errors // 0'; }
is_healed() { [ "$(healed)" = "$1" ]; }
holds() {
	same "blocks of d10 without what was written" "" \
		"$(/tmp/blocks read one $d10 "$1" "$2" mirror | sed -n 1,5p | xargs)"
}
# lose COUNT: so many times from now on a read ends with a medium error: unrecovered read error.
lose() {
	printf '$ the next %s reads of %s end with a medium error\n' "$1" "$disk"
	echo "2 -$1 0x28 0 0 2 3 0x11 0" >"$where/error"
}

make_blocks
modprobe md_rs
modprobe scsi_debug dev_size_mb=8 delay=0
is_there() { [ -n "$(lsblk -dnro NAME,MODEL | awk '/scsi_debug/ { print $1 }')" ]; }
wait_for 20 is_there
disk=/dev/$(lsblk -dnro NAME,MODEL | awk '/scsi_debug/ { print $1 }')
where=/sys/kernel/debug/scsi_debug/$(basename "$(readlink -f "$(in_sysfs "$disk")/device")")
run metainit d11 1 1 "$disk"
run metainit d12 1 1 /dev/sda
run metainit d10 -m d11 d12
run metasync -r -w
run metaparam -r first d10
same "errors" "" "$(/tmp/blocks write batch $d10 0 $blocks mirror)"

note "a block that is good again when it is rewritten"
written=$(count_of "$disk" sectors_written)
# The read, and the one that sees whether it is still so.
lose 2
holds 200 1
wait_for 10 is_healed 1
same "blocks written" 8 $(($(count_of "$disk" sectors_written) - written))
same "states" "Okay Okay" "$(states d11) $(states d12)"
same "errors" "1 0" "$(errors d11 0 read) $(errors d11 0 write)"
dmesg | grep 'd11: a bad block on .* was rewritten from another side' ||
	fail "the kernel log does not tell of it"
metastat d10 d11
metastat -i d11 | grep -F '1 read, 0 write, 1 healed' || fail "metastat does not show it"
holds 0 $blocks
same_sides d10

note "one that is read well the second time is left alone"
written=$(count_of "$disk" sectors_written)
lose 1
holds 300 1
sleep 1
same "blocks written" 0 $(($(count_of "$disk" sectors_written) - written))
same "healed" 1 "$(healed)"
same "states" "Okay Okay" "$(states d11) $(states d12)"

note "a check finds one, too"
lose 2
run metasync --check -w d10
wait_for 10 is_healed 2
same "states" "Okay Okay" "$(states d11) $(states d12)"
run metasync --check -w d10
same "blocks that were not compared" 0 "$(described d10 '.check.history[0].skipped')"

note "a block that stays bad"
# Reads of sectors 4660 to 4669 of the disk, which are 2612 to 2621 of d10; writes are taken.
echo 2 >$debug/opts
written=$(count_of "$disk" sectors_written)
holds 326 1
wait_for 10 states_are d11 Maintenance
same "blocks written" 8 $(($(count_of "$disk" sectors_written) - written))
same "healed" 2 "$(healed)"
same "states" "Needs maintenance,Okay" "$(states d10)"
metastat d10 | grep -F "Invoke: metareplace d10 $disk <new device>" ||
	metastat d11 | grep -F "Invoke: metareplace d10 $disk <new device>" ||
	fail "what to type is not shown"
holds 0 $blocks

note "it is the last copy: nothing is lost but the block"
echo 0 >$debug/opts
run metareplace -e -w d10 "$disk"
same "states" "Okay,Okay" "$(states d10)"
same_sides d10
run metadetach d10 d12
echo 2 >$debug/opts
same "blocks that cannot be read" "326 327" \
	"$(/tmp/blocks read one $d10 0 $blocks mirror | awk '{ print $1 }' | xargs)"
same "states" "Last Erred" "$(states d11)"
# The disk reads these in one go with their neighbours, and fails with all of them.
same "of many that are read at once" "326 327" \
	"$(/tmp/blocks read batch $d10 0 $blocks mirror | awk '{ print $1 }' | xargs)"
echo 0 >$debug/opts
holds 0 $blocks

note "what is to be typed brings it back"
metastat d11 | grep -F 'Invoke: metattach d10 <new submirror>' ||
	fail "what to type is not shown"
run metattach -w d10 d12
same "states" "Needs maintenance,Okay" "$(states d10)"
run metareplace -e -w d10 "$disk"
same "states" "Okay,Okay" "$(states d10)"
same_sides d10
holds 0 $blocks
run metaclear d10
run metaclear d11
run metaclear d12
run modprobe -r scsi_debug
run modprobe -r md_mirror md_stripe md_rs
