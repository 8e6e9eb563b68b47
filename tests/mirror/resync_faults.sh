#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: disks fail in the middle of a resync. If the new one does, the others go on and it can be
#         enabled again. If the last one does that has everything, what was copied is read, what was
#         not is an error, and never what the new side held before, also after a restart; when it is
#         good again the resync ends. A block that one side cannot read comes from another one, and
#         if there is none the resync copies all the rest, and says so.
# Clause: svm.md 4.2, 4.6, 4.7, 13.3 (19); DURABILITY 5, 8, 11; issue 7
# Lanes: drawn
# Vm: --disks 5 --disk-size 12M
# Timeout: 300
# What is compared: every block that is read with what was written to the mirror: each block of the
# new side holds something else before. How many blocks fail with how many were not copied.
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

# slow MILLISECONDS: how long a write to d takes, which is d12's disk.
slow() {
	local size table
	size=$(blockdev --getsz /dev/sdd)
	table="0 $size delay /dev/sdd 0 0 /dev/sdd 0 $1"
	printf '$ writes to d take %s ms now\n' "$1"
	if [ -e /dev/mapper/slow ]; then remap slow "$table"; else mapped slow "$table"; fi
}

# bad_block FIRST: 8 sectors of d11's disk, by their number in d10, are neither read nor written.
bad_block() {
	local size first=$((2048 + $1))
	size=$(blockdev --getsz /dev/sdc)
	remap c <<<"0 $first linear /dev/sdc 0
$first 8 error
$((first + 8)) $((size - first - 8)) linear /dev/sdc $((first + 8))"
}

blocks() { echo $(($(blockdev --getsz $d10) / 8)); }
# fill NAME TAG: all of a metadevice.
fill() {
	same "errors of writes to $1" "" \
		"$(/tmp/blocks write batch "/dev/md/dsk/$1" 0 "$(blocks)" "$2" |
			sed -n 1,5p | xargs)"
}
# wrong: the blocks of d10 that are not read as what was written to it.
wrong() { /tmp/blocks read one $d10 0 "$(blocks)" mirror; }
holds() { same "blocks without '$1'" "" "$(wrong | sed -n 1,5p | xargs)"; }

resync_is() { [ "$(described d10 .resync.state)" = "$1" ]; }
is_at_least() {
	local far='.resync | if . then .done * 100 >= .total * '"$1"' else false end'
	[ "$(described d10 "$far")" = true ]
}
# left_blocks: of the regions that are not copied.
left_blocks() { described d10 '.resync | (.total - .done) / 4096'; }

# attach_stale: d12 becomes a side, and is far from being one.
attach_stale() {
	fill_stale
	slow 2000
	run metattach d10 d12
	wait_for 60 is_at_least 20
}
fill_stale() {
	/tmp/blocks write batch /dev/md/dsk/d12 0 "$(blocks)" stale >/tmp/found
	same "errors of writes to d12" "" "$(cat /tmp/found)"
}

# all_okay: d10 is whole, and its sides are the same.
all_okay() {
	slow 0
	wait_for 30 states_are d10 "$1"
	same_sides d10
	holds mirror
}

# only_right BLOCKS: so many blocks cannot be read, and the others are right.
only_right() {
	wrong >/tmp/found
	if grep 'something else' /tmp/found | sed -n 1,5p | grep .; then
		fail "what was not copied is read as if it were right"
	fi
	same "blocks that cannot be read" "$1" "$(wc -l </tmp/found)"
}

# invoke NAME: what is to be typed for it.
invoke() { metastat "$1" | sed -n '/Invoke:/,/Size:/{ /Size:/d; p; }' | xargs; }

make_blocks
modprobe md_rs
slow 0
sick c /dev/sdc good
sick d /dev/mapper/slow good
# So that nobody finds the disk under its own name while c is nothing.
mapped hold "0 8 linear /dev/sdc $(($(blockdev --getsz /dev/sdc) - 8))"
run metadb -a -f -c 2 /dev/sda
run metadb -a -c 2 /dev/sdb
run metainit d11 1 1 /dev/mapper/c
run metainit d12 1 1 /dev/mapper/d
run metainit d13 1 1 /dev/sde
run metainit d10 -m d11
fill d10 mirror

note "the new disk dies: the mirror goes on without it"
attach_stale
sick d /dev/mapper/slow nothing
wait_for 30 states_are d12 Maintenance
slow 0
resync_ends() { [ "$(described d10 .resync)" = null ]; }
wait_for 30 resync_ends
same "states" "Okay,Needs maintenance" "$(states d10)"
metastat d10 | grep -E 'Invoke: metareplace d10 /dev/mapper/d <new device>' ||
	fail "what to type is not shown"
fill d10 mirror
holds mirror
run mdctl stop
sick d /dev/mapper/slow good
run mdctl start
same "states" "Okay,Needs maintenance" "$(states d10)"
holds mirror
run metareplace -e d10 /dev/mapper/d
all_okay "Okay,Okay"
run metadetach d10 d12

note "the one that has everything dies: what was not copied is an error"
attach_stale
sick c /dev/sdc nothing
holds_some() { dd if=$d10 of=/dev/null bs=4k count=1 iflag=direct status=none; }
wait_for 30 resync_is stuck
slow 0
left=$(left_blocks)
if [ "$left" = 0 ] || [ "$left" -ge "$(blocks)" ]; then fail "all, or nothing, was copied"; fi
run holds_some
only_right "$left"
same "states" "Last Erred Okay" "$(states d11) $(states d12)"
same "states of the sides" "Needs maintenance,Needs maintenance" "$(states d10)"
metastat d10
metastat d10 | grep -E '^ +Resync stands still: [0-9]+ % done' ||
	fail "that it is stuck is not shown"
same "what to type" "Invoke: after the device can be read again: metasync d10" "$(invoke d11)"
refuse 'd11: has, or may have, blocks that no other' metareplace -e d10 /dev/mapper/c
refuse 'd11: has, or may have, blocks that no other' metadetach -f d10 d11
refuse 'd11: has, or may have, blocks that no other' metaoffline -f d10 d11
refuse 'd10: its resync stands still' metasync -w d10
only_right "$left"

note "nor is it read after a restart without the one that has everything"
run mdctl stop
run mdctl start
metastat d10
only_right "$left"
run mdctl stop
sick c /dev/sdc good
run mdctl start
# It was the last copy, and has missed nothing.
wait_for 30 states_are d12 Okay
all_okay_but_last() {
	case "$(states d10)" in
	"Needs maintenance,Okay" | "Okay,Okay") return 0 ;;
	*) return 1 ;;
	esac
}
wait_for 30 all_okay_but_last
holds mirror
[ "$(states d11)" = Okay ] || run metareplace -e -w d10 /dev/mapper/c
all_okay "Okay,Okay"
run metadetach d10 d12

note "the one that has everything takes no writes nor flushes: it can be read to the end"
attach_stale
sick c /dev/sdc no_writes
slow 0
wait_for 60 states_are d12 Okay
wait_for 60 states_are d10 "Needs maintenance,Okay"
same "state of the component" Maintenance "$(states d11)"
holds mirror
sick c /dev/sdc good
run metareplace -e -w d10 /dev/mapper/c
all_okay "Okay,Okay"
run metadetach d10 d12

note "a block that one side cannot read comes from another one"
run metattach -w d10 d13
fill_stale
bad_block 5000
run metaparam -r first d10
run metattach -w d10 d12
same "states" "Okay,Okay,Okay" "$(states d10)"
[ "$(errors d11 0 read)" -gt 0 ] || fail "no read has failed: this shows nothing"
bytes=$(blockdev --getsize64 $d10)
cmp <(side_data d12 "$bytes") <(side_data d13 "$bytes") ||
	fail "the new side is not like the one that has everything"
holds mirror
run metadetach d10 d12
run metadetach d10 d13

note "if no side can read it all the rest is copied"
fill_stale
refuse 'd10: its resync stands still' metattach -w d10 d12
same "resync" stuck "$(described d10 .resync.state)"
same "blocks that were not copied" 256 "$(left_blocks)"
only_right 1
same "states" "Last Erred Okay" "$(states d11) $(states d12)"
same "states of the sides" "Needs maintenance,Needs maintenance" "$(states d10)"
dmesg >/tmp/dmesg
grep -q 'd10: resync is stuck: some blocks cannot be read on any side' /tmp/dmesg ||
	fail "the kernel log does not tell of it"
metastat d10
refuse 'd10: its resync stands still' metasync -w d10

note "a restart keeps what was copied; when the block is good again it ends"
run mdctl stop
run mdctl start
wait_for 30 resync_is stuck
same "blocks that were not copied" 256 "$(left_blocks)"
only_right 1
sick c /dev/sdc good
before=$(count_of /dev/sdd sectors_written)
same "what to type" "Invoke: after the device can be read again: metasync d10" "$(invoke d11)"
run metasync -w d10
same "states" "Needs maintenance,Okay" "$(states d10)"
same "what to type" "Invoke: metareplace d10 /dev/mapper/c <new device>" "$(invoke d11)"
copied=$(($(count_of /dev/sdd sectors_written) - before))
[ $copied -le $((2048 + 128)) ] || fail "$copied sectors were copied, and one region was left"
holds mirror
run metareplace -e -w d10 /dev/mapper/c
all_okay "Okay,Okay"

run metaclear -r d10
run metaclear d13
run mdctl stop
run modprobe -r md_mirror md_stripe md_rs
