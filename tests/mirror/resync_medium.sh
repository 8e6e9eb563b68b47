#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: the disk that a resync reads from has lost a block: it is read from another side, so that
#         the new side gets the right data, and the block is rewritten where it was lost. One that
#         stays bad costs its component, and nothing else. A disk that answers nothing is found by
#         'metastat -i', and out of service if the mirror is open.
# Clause: svm.md 4.6, 4.7, 13.3 (19); issue 7
# Lanes: drawn
# Vm: --disks 4 --disk-size 16M
# Timeout: 200
# What is compared: blocks with what was written; the sides; errors and sectors written.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/blocks.sh
. "$MD_TEST_LIB/blocks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

d10=/dev/md/dsk/d10
# One chunk of a resync, so that nothing else is read from the disk meanwhile.
blocks=128
debug=/sys/bus/pseudo/drivers/scsi_debug

healed() { described d11 '.rows[0].components[0].healed_errors // 0'; }
is_healed() { [ "$(healed)" = "$1" ]; }
right() { /tmp/blocks read batch $d10 0 $blocks mirror | sed -n 1,5p | xargs; }
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
# Sectors 4660 to 4669 of the disk are the ones that can be made bad for good: block 70 of d11.
mapped a "0 2048 linear $disk 0
2048 1024 linear $disk 4096"
mapped b "0 3072 linear /dev/sda 0"
mapped c "0 3072 linear /dev/sdb 0"
for side in "d11 a" "d12 b" "d13 c"; do
	read -r name device <<<"$side"
	run metainit "$name" 1 1 "/dev/mapper/$device"
done
run metainit d10 -m d11 d12
run metasync -r -w
same "errors" "" "$(/tmp/blocks write batch $d10 0 $blocks mirror)"

note "the first side has lost a block: it is read from the second, and rewritten"
written=$(count_of "$disk" sectors_written)
# The chunk, and the block.
lose 2
run metattach -w d10 d13
wait_for 10 is_healed 1
same "sectors written" 8 $(($(count_of "$disk" sectors_written) - written))
same "states" "Okay,Okay,Okay" "$(states d10)"
same_sides d10
same "wrong blocks" "" "$(right)"

note "one that is read well the second time is left alone"
run metadetach d10 d13
written=$(count_of "$disk" sectors_written)
lose 1
run metattach -f -w d10 d13
same "sectors written" 0 $(($(count_of "$disk" sectors_written) - written))
same "healed" 1 "$(healed)"
same "states" "Okay,Okay,Okay" "$(states d10)"
same_sides d10

note "a block that stays bad: the new side has everything, and the component is out of service"
run metadetach d10 d13
echo 2 >$debug/opts
run metattach -f -w d10 d13
wait_for 10 states_are d10 "Needs maintenance,Okay,Okay"
echo 0 >$debug/opts
same "wrong blocks" "" "$(right)"
run metareplace -e -w d10 /dev/mapper/a
same "states" "Okay,Okay,Okay" "$(states d10)"
same_sides d10

note "a disk that answers nothing: metastat -i finds it, and nothing happens while nobody uses it"
sick s /dev/sdc good
run metainit d21 1 1 /dev/mapper/s
run metainit d22 1 1 /dev/sdd
run metainit --assume-clean d20 -m d21 d22
sick s /dev/sdc nothing
metastat -i d20 >/dev/null
same "states" "Okay,Okay" "$(states d20)"
exec 3</dev/md/dsk/d20
same "before somebody looks" "Okay,Okay" "$(states d20)"
run metastat -i d20
same "states" "Needs maintenance,Okay" "$(states d20)"
mdctl monitor --json --once | jq -e -s 'any(.[]; .event.event == "erred" and
	.event.volume == "d21" and .event.device == "/dev/mapper/s")' >/dev/null || fail "no event"
sick s /dev/sdc good
run metareplace -e -w d20 /dev/mapper/s
run metastat -i d20
same "states" "Okay,Okay" "$(states d20)"
exec 3<&-
run metaclear -r d20
run metaclear -r d10
run modprobe -r md_mirror md_stripe md_rs
