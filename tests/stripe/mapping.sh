#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: every sector of a concat of stripes lies where the rules say, and nothing else is written:
#         disks of odd sizes are compared sector by sector with a calculation made here, for one
#         known layout and for layouts drawn from the seed.
# Clause: svm.md 3.1, 3.3; DURABILITY 19
# Lanes: stock
# Vm: --disks 7 --disk-size 4M
# Timeout: 1200
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/layout.sh
. "$MD_TEST_LIB/layout.sh"

# check_layout WORD...: makes d10 of these words, and compares it with the rows in /tmp/rows.
# The disks are in $disks.
check_layout() {
	cat /tmp/rows
	place_sectors 1 </tmp/rows >/tmp/map
	number_disks "${disks[@]}"
	run metainit d10 "$@"
	number_metadevice d10 /tmp/map
	run metaclear d10
	contents d10 /tmp/map >/tmp/contents
	must_hold /tmp/contents "${disks[@]}"
}

# odd_disks: a piece of each disk, of a size that is drawn.
odd_disks() {
	local disk
	disks=()
	for disk in a b c d e f g; do
		draw 2500 8192
		mapped "odd_$disk" "0 $REPLY linear /dev/sd$disk 0"
		disks+=("/dev/mapper/odd_$disk")
	done
}

# random_rows: rows over disks that are drawn; the words for metainit are in $words.
random_rows() {
	local left=("${disks[@]}") row width interlace component
	draw 1 3
	words=("$REPLY")
	true >/tmp/rows
	for ((row = words[0] - 1; row >= 0; row--)); do
		draw 1 $((${#left[@]} - row > 4 ? 4 : ${#left[@]} - row))
		width=$REPLY
		draw 16 400
		interlace=$REPLY
		words+=("$width")
		printf '%s' "$interlace" >>/tmp/rows
		for ((component = 0; component < width; component++)); do
			draw 0 $((${#left[@]} - 1))
			words+=("${left[REPLY]}")
			printf ' %s' "$(part "${left[REPLY]}")" >>/tmp/rows
			left=("${left[@]:0:REPLY}" "${left[@]:REPLY+1}")
		done
		words+=(-i "${interlace}b")
		echo >>/tmp/rows
	done
}

RANDOM=$(small_seed)
make_numbers
modprobe md_rs

note "a row of two, a row of one, and disks that are no part of it"
disks=(/dev/sda /dev/sdb /dev/sdc /dev/sdd)
printf '16 %s %s\n16 %s\n' "$(part /dev/sda)" "$(part /dev/sdb)" "$(part /dev/sdc)" >/tmp/rows
check_layout 2 2 /dev/sda /dev/sdb -i 8k 1 /dev/sdc
# Rule and calculation could share a mistake, so here is one layout in numbers.
same "sectors in the first row, and in both" "12288 18432" \
	"$(grep -c '/dev/sd[ab]' /tmp/map) $(wc -l </tmp/map)"
same "sectors 31, 32 and 12288" "/dev/sdb 2063 31,/dev/sda 2064 32,/dev/sdc 2048 12288" \
	"$(sed -n '32p;33p;12289p' /tmp/map | paste -sd,)"

rounds=$(by_lane 3 40 1)
for ((round = 1; round <= rounds; round++)); do
	note "layout $round of seed $SEED"
	odd_disks
	random_rows
	check_layout "${words[@]}"
	dmsetup remove "${disks[@]##*/}"
done
