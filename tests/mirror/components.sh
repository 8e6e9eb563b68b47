#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: components may fail on several sides of a mirror, and as long as every block is on one
#         that is in service nothing is lost: both are in Maintenance and nobody sees an error. The
#         one that has the last copy of a block is Last Erred, stays in service, and its errors are
#         the caller's; what is acknowledged is there all the same, in both write policies.
# Clause: svm.md 4.2, 4.3, 4.7; DURABILITY 5, 11; issue 4
# Lanes: drawn
# Vm: --disks 4 --disk-size 5M
# Timeout: 300
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

# write_all TAG, read_all TAG: all of d10; prints what is wrong.
write_all() { /tmp/blocks write batch $d10 0 $(($(blockdev --getsz $d10) / 8)) "$1"; }
read_all() { /tmp/blocks read batch $d10 0 $(($(blockdev --getsz $d10) / 8)) "$1"; }

# holds TAG: nothing is wrong with any block.
holds() { same "blocks without '$1'" "" "$(read_all "$1" | sed -n 1,5p | xargs)"; }

all_good() {
	sick a0 /dev/sda good
	sick a1 /dev/sdb good
	sick b0 /dev/sdc good
	sick b1 /dev/sdd good
}

make_blocks
modprobe md_rs
all_good
run metainit d11 1 2 /dev/mapper/a0 /dev/mapper/a1 -i 32k
run metainit d12 1 2 /dev/mapper/b0 /dev/mapper/b1 -i 32k
run metainit --assume-clean d10 -m d11 d12

for policies in "roundrobin parallel" "geometric serial" "first parallel"; do
	read -r reads writes <<<"$policies"
	note "reads $reads, writes $writes"
	run metaparam -r "$reads" -w "$writes" d10
	same "errors of writes" "" "$(write_all old)"

	note "one component of each side takes no writes"
	sick a0 /dev/sda no_writes
	same "errors of writes" "" "$(write_all new)"
	same "states" "Needs maintenance,Okay Maintenance,Okay Okay,Okay" \
		"$(states d10) $(states d11) $(states d12)"
	holds new
	sick b1 /dev/sdd no_writes
	same "errors of writes" "" "$(write_all newer)"
	same "states" "Maintenance,Okay Okay,Maintenance" "$(states d11) $(states d12)"
	holds newer
	same "state" "Needs maintenance" "$(described d10 .state)"

	note "what is out of service is left alone"
	reads=$(($(count_of /dev/mapper/a0 reads) + $(count_of /dev/mapper/b1 reads)))
	sick a0 /dev/sda nothing
	sick b1 /dev/sdd nothing
	same "errors of writes" "" "$(write_all newest)"
	run sync -d $d10
	holds newest
	same "reads of what is out of service" "$reads" \
		"$(($(count_of /dev/mapper/a0 reads) + $(count_of /dev/mapper/b1 reads)))"

	note "the last copy of some blocks takes no writes: its errors are the caller's"
	sick b0 /dev/sdc no_writes
	# Rows of two interlaces of 8 blocks, of which b0 has the first; a1 has the others.
	write_all last >/tmp/found
	blocks=$(($(blockdev --getsz $d10) / 8))
	for ((n = 0; n < blocks; n++)); do
		[ $((n / 8 % 2)) = 1 ] || echo "$n 5"
	done >/tmp/expected
	diff /tmp/expected /tmp/found || fail "other blocks fail than should (< expected, > found)"
	same "states" "Maintenance,Okay Last Erred,Maintenance" "$(states d11) $(states d12)"
	refuse 'Input/output error' sync -d $d10
	# Where it failed it has what was there before, and it is read.
	read_all last >/tmp/found
	sed 's/ 5$/ holds something else/' /tmp/expected | diff - /tmp/found ||
		fail "other blocks are old than should (< expected, > found)"
	dmesg >/tmp/dmesg
	grep -q "d11: /dev/mapper/a0 needs maintenance" /tmp/dmesg || fail "the log misses a0"
	grep -q "d12: /dev/mapper/b1 needs maintenance" /tmp/dmesg || fail "the log misses b1"
	grep -q "d12: /dev/mapper/b0 last erred" /tmp/dmesg || fail "the log misses b0"

	note "it is in service, and goes on when it can"
	sick b0 /dev/sdc good
	same "errors of writes" "" "$(write_all again)"
	run sync -d $d10
	holds again
	same "states" "Maintenance,Okay Last Erred,Maintenance" "$(states d11) $(states d12)"

	refuse d10 metaclear d10
	run metaclear -f d10
	all_good
	# What a resync would do.
	for name in d11 d12; do run blkdiscard -zf /dev/md/dsk/$name; done
	run metainit --assume-clean d10 -m d11 d12
done
# A read that begins where one side fails, and ends where only that side is in service.
note "each side has a piece of a read that the other has not"
run metaparam -r roundrobin -w parallel d10
sick a1 /dev/sdb no_writes
same "errors of writes" "" "$(write_all pieces)"
same "states" "Okay,Maintenance Okay,Okay" "$(states d11) $(states d12)"
sick b0 /dev/sdc no_reads
failed=$(errors d12 0 read)
run dd if=$d10 of=/tmp/found bs=64K iflag=direct status=none
[ "$(errors d12 0 read)" -gt "$failed" ] || fail "nothing has failed: this shows nothing"
same "states" "Okay,Maintenance Okay,Okay" "$(states d11) $(states d12)"
all_good
holds pieces
run cmp /tmp/found $d10
run metaclear -f d10
run metaclear d11
run metaclear d12

note "each side has bad blocks of its own"
run metainit d11 1 1 /dev/mapper/a0
run metainit d12 1 1 /dev/mapper/b0
for name in d11 d12; do run blkdiscard -zf /dev/md/dsk/$name; done
run metainit --assume-clean d10 -m d11 d12
same "errors of writes" "" "$(write_all blocks)"
run dd if=$d10 of=/tmp/expected bs=64K iflag=direct status=none
# bad NAME DISK BLOCK: a block of d10 cannot be read there.
bad() {
	local size block=$((2048 + $3 * 8))
	size=$(blockdev --getsz "$2")
	remap "$1" <<<"0 $block linear $2 0
$block 8 error
$((block + 8)) $((size - block - 8)) linear $2 $((block + 8))"
}
bad a0 /dev/sda 35
bad b0 /dev/sdc 42
run dd if=$d10 of=/tmp/found bs=64K iflag=direct status=none
run cmp /tmp/expected /tmp/found
same "states" "Okay Okay" "$(states d11) $(states d12)"
for side in d11 d12; do
	[ "$(errors $side 0 read)" -gt 0 ] || fail "$side has not failed: this shows nothing"
done
# Blocks that no side can read are the caller's, and no others are.
bad b0 /dev/sdc 35
refuse 'Input/output error' dd if=$d10 bs=64K count=1 skip=2 iflag=direct of=/dev/null status=none
same "blocks that fail" 35 "$(/tmp/blocks read one $d10 32 16 blocks | awk '{ print $1 }' | xargs)"
all_good
run metaclear d10
run metaclear d11
run metaclear d12

# The first side is one disk, the second one two behind each other, the second of which is out of
# service. So the first side's disk is Last Erred when it fails, although half of it has a copy.
note "what is acknowledged is on all that is in service, next to a block that fails"
size=$(blockdev --getsz /dev/sda)
bad=$((2048 + 20 * 8))
mapped half "0 $((size / 2)) linear /dev/sdc 0"
for writes in parallel serial; do
	run metainit d11 1 1 /dev/mapper/a0
	run metainit d12 2 1 /dev/mapper/half 1 /dev/mapper/b1
	for name in d11 d12; do run blkdiscard -zf /dev/md/dsk/$name; done
	run metainit --assume-clean d10 -m d11 d12
	run metaparam -w $writes d10
	same "errors of writes" "" "$(write_all old)"
	sick b1 /dev/sdd no_writes
	same "errors of writes" "" "$(/tmp/blocks write one $d10 $((size * 3 / 32)) 1 old)"
	same "states" "Okay Okay,Maintenance" "$(states d11) $(states d12)"

	remap a0 <<<"0 $bad linear /dev/sda 0
$bad 8 error
$((bad + 8)) $((size - bad - 8)) linear /dev/sda $((bad + 8))"
	merged=$(count_of $d10 writes_merged)
	same "errors of writes" "20 5" "$(/tmp/blocks write batch $d10 0 48 new | xargs)"
	[ "$(count_of $d10 writes_merged)" -gt "$merged" ] ||
		fail "nothing was merged: this shows nothing"
	same "states" "Last Erred Okay,Maintenance" "$(states d11) $(states d12)"
	for part in "0 20" "21 27"; do
		read -r first count <<<"$part"
		for name in d10 d11 d12; do
			same "blocks of $name without 'new'" "" \
				"$(/tmp/blocks read one /dev/md/dsk/$name "$first" "$count" new |
					xargs)"
		done
	done
	run metaclear -f d10
	run metaclear d11
	run metaclear d12
	all_good
done
