#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: each side has bad blocks of its own, which can be neither read nor written (null_blk's
#         badblocks). All that one side can read is read, block by block; a write to a bad block
#         takes that component out of service and is acknowledged; what both sides have lost fails,
#         and nothing else does. Replaced by a good disk, all is well but what was lost.
# Clause: DURABILITY 4, 5; svm.md 4.7; issue 7: null_blk bad blocks
# Lanes: drawn
# Vm: --disks 1 --disk-size 16M
# Timeout: 200
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

# bad DISK SIGN BLOCK...: makes blocks of d10 bad on a disk, or good again.
bad() {
	local disk=$1 sign=$2 block first
	printf '$ %s of %s: %s\n' "$sign" "$disk" "${*:3}"
	for block in "${@:3}"; do
		first=$((2048 + block * 8))
		echo "$sign$first-$((first + 7))" >"/sys/kernel/config/nullb/$disk/badblocks"
	done
}
# unreadable one|batch: blocks of d10 that cannot be read, or hold something else.
unreadable() { /tmp/blocks read "$1" $d10 0 $blocks mirror | xargs; }

make_blocks
modprobe md_rs
null_disk bad0 size=8
null_disk bad1 size=8
run metainit d11 1 1 /dev/bad0
run metainit d12 1 1 /dev/bad1
run metainit d10 -m d11 d12
run metasync -r -w
same "errors" "" "$(/tmp/blocks write batch $d10 0 $blocks mirror)"

note "each side has lost others"
bad bad0 + 10 11 64 500 501 502
bad bad1 + 12 65 503
for how in one batch; do
	same "blocks that cannot be read" "" "$(unreadable $how)"
done
same "states" "Okay Okay" "$(states d11) $(states d12)"
[ "$(errors d11 0 read)" -gt 0 ] || fail "no read has failed: this shows nothing"

note "both have lost one and the same: it fails, its neighbours do not"
bad bad1 + 501
for how in one batch; do
	same "blocks that cannot be read" "501 5" "$(unreadable $how)"
done
bad bad1 - 501

note "a write to a bad block: the component is out, the write is not lost"
same "errors" "" "$(/tmp/blocks write one $d10 10 1 mirror)"
same "states" "Maintenance Okay" "$(states d11) $(states d12)"
same "blocks that cannot be read" "12 5 65 5 503 5" "$(unreadable one)"

note "the last copy keeps its bad blocks, and loses nothing else"
same "errors" "12 5" "$(/tmp/blocks write one $d10 12 1 mirror)"
same "states" "Maintenance,Last Erred" "$(states d11),$(states d12)"
same "blocks that cannot be read" "12 5 65 5 503 5" "$(unreadable one)"

note "its blocks are good again, and the other side is replaced"
bad bad1 - 12 65 503
refuse 'metasync -w d10' metareplace -w d10 /dev/bad0 /dev/sda
run metasync -w d10
run metareplace -w d10 /dev/bad0 /dev/sda
same "state of the new one" Okay "$(states d11)"
same "blocks that cannot be read" "" "$(unreadable batch)"
run metareplace -e -w d10 /dev/bad1
same "states" "Okay Okay" "$(states d11) $(states d12)"
same_sides d10
run metaclear -r d10
