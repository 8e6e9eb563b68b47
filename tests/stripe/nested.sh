#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a metadevice can be a component of another one: each sector lies where both layouts
#         together say, I/O goes straight to the disks, and the child can be neither cleared, nor
#         written to, nor used twice.
# Clause: DESIGN 4, a stack is one device; svm.md 1.3, 3.1, 3.3; issue 3
# Lanes: drawn
# Vm: --disks 5 --disk-size 4M
# Timeout: 1200
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/layout.sh
. "$MD_TEST_LIB/layout.sh"
# shellcheck source=tests/lib/twin.sh
. "$MD_TEST_LIB/twin.sh"

disks=(/dev/sda /dev/sdb /dev/sdc /dev/sdd /dev/sde)

# make_tree A B C: d10 and d11 over four disks, d20 over these two, d30 over d20 and the fifth disk,
# with these interlaces; /tmp/map says where the sectors of d30 lie.
make_tree() {
	run metainit d10 1 2 /dev/sda /dev/sdb -i "$1b"
	run metainit d11 2 1 /dev/sdc 1 /dev/sdd
	run metainit d20 1 2 d10 d11 -i "$2b"
	run metainit d30 1 2 d20 /dev/sde -i "$3b"
	echo "$1 $(part /dev/sda) $(part /dev/sdb)" | place_sectors 1 >/tmp/map10
	printf '16 %s\n' "$(part /dev/sdc)" "$(part /dev/sdd)" | place_sectors 1 >/tmp/map11
	echo "$2 $(part d10) $(part d11)" | place_sectors 1 |
		resolve d10 /tmp/map10 | resolve d11 /tmp/map11 >/tmp/map20
	echo "$3 $(part d20) $(part /dev/sde)" | place_sectors 1 | resolve d20 /tmp/map20 >/tmp/map
}

clear_tree() {
	local name
	for name in d30 d20 d11 d10; do run metaclear "$name"; done
}

# counts: what the metadevices inside of the tree have done by themselves.
counts() { cat /sys/block/md\!dsk\!d{10,11,20}/stat; }

RANDOM=$(small_seed)
make_numbers
make_twin
modprobe md_rs

rounds=$(by_lane 2 20 1)
for ((round = 1; round <= rounds; round++)); do
	note "tree $round of seed $SEED"
	number_disks "${disks[@]}"
	draw 16 300 && a=$REPLY
	draw 16 300 && b=$REPLY
	draw 16 300 && c=$REPLY
	make_tree "$a" "$b" "$c"
	counts >/tmp/before
	number_metadevice d30 /tmp/map
	same "counts of the metadevices that d30 is made of" "$(cat /tmp/before)" "$(counts)"
	contents d30 /tmp/map >/tmp/contents
	clear_tree
	must_hold /tmp/contents "${disks[@]}"
done

note "one of the trees, written and read in many sizes"
make_tree "$a" "$b" "$c"
run /tmp/twin /dev/md/dsk/d30 "$(small_seed)" 400 512 1048576 direct
run /tmp/twin /dev/md/dsk/d30 "$(small_seed)" 400 1 300000 buffered
written=$(checksum /dev/md/dsk/d30)
run sync -d /dev/md/dsk/d30

note "a child belongs to its parent"
refuse 'd10.*d20' metaclear d10
refuse 'd20.*d30' metaclear d20
refuse 'busy' dd if=/dev/zero of=/dev/md/dsk/d11 conv=notrunc count=0
refuse 'd11' metainit d40 1 1 d11
refuse 'd20' metainit d40 1 2 d20 /dev/sde
same "holder of d20" 'md!dsk!d30' "$(names_in '/sys/block/md!dsk!d20/holders')"
same "slaves of d20" 'md!dsk!d10 md!dsk!d11' "$(names_in '/sys/block/md!dsk!d20/slaves')"
clear_tree

note "made again, with the same data"
make_tree "$a" "$b" "$c"
same "checksum of d30, made again" "$written" "$(checksum /dev/md/dsk/d30)"
clear_tree

note "trees have a greatest height"
run metainit d0 1 1 /dev/sda
for ((height = 1; height < 100; height++)); do
	metainit "d$height" 1 1 "d$((height - 1))" >/tmp/said 2>&1 || break
done
cat /tmp/said
if [ $height -lt 3 ] || [ $height = 100 ]; then
	fail "$height metadevices lie one on the other"
fi
grep -q 'next: ' /tmp/said || fail "the refusal does not say what to type next"
run dd if=/dev/zero of="/dev/md/dsk/d$((height - 1))" bs=64k count=16 oflag=direct status=none
while [ $height -gt 0 ]; do
	height=$((height - 1))
	metaclear "d$height"
done
same "metadevices that are left" "" "$(metastat -p)"
