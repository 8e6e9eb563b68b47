#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a mirror of three and of four sides loses one after the other under a file system in use,
#         in different ways and in an order that is drawn: as long as one is left nobody sees an
#         error; then the others are replaced or enabled, and all are the same again.
# Clause: svm.md 4.2, 4.7; DURABILITY 4, 5, 10; issue 7: 2 to 4 sides
# Lanes: drawn
# Vm: --disks 8 --disk-size 64M
# Timeout: 500
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"
# shellcheck source=tests/lib/faults.sh
. "$MD_TEST_LIB/faults.sh"

RANDOM=$(small_seed)
letters=(c d e f)

# is_out SIDE: its component is out of service.
is_out() { states_are "$1" Maintenance; }

# one_after_the_other COUNT MKFS...: all sides but one fail, and come back.
one_after_the_other() {
	local count=$1 order names=() side first=1
	local hows=(no_writes nothing no_writes)
	shift
	note "$count sides, $1"
	for ((side = 0; side < count; side++)); do
		sick "s$side" "/dev/sd${letters[side]}" good
		run metainit "d2$side" 1 1 "/dev/mapper/s$side"
		run blkdiscard -zf "/dev/md/dsk/d2$side"
		names+=("d2$side")
	done
	run metainit d10 -m "${names[@]}" --assume-clean
	run "$@" $d10
	run mount $d10 /mnt
	mkdir /mnt/kept
	keep healthy
	start_load
	mapfile -t order < <(seq 0 $((count - 1)) | shuf --random-source=<(yes "$RANDOM"))
	echo "they fail in this order: ${order[*]:0:count-1}"
	for side in "${order[@]:0:count-1}"; do
		sick "s$side" "/dev/sd${letters[side]}" "${hows[side % 3]}"
		keep "without_$side"
		wait_for 20 is_out "d2$side"
		files_match
	done
	same "state of the last one" Okay "$(states "d2${order[count - 1]}")"

	note "the first is replaced by another disk, the others are enabled, under the same load"
	for side in "${order[@]:0:count-1}"; do
		if [ $first = 1 ]; then
			run metareplace -w d10 "/dev/mapper/s$side" /dev/sdg
		else
			sick "s$side" "/dev/sd${letters[side]}" good
			run metareplace -e -w d10 "/dev/mapper/s$side"
		fi
		first=
		same "state of d2$side" Okay "$(states "d2$side")"
	done
	keep "again"
	end_load
	files_match
	same_sides_of_mounted
	run umount /mnt

	note "what only one side of $count has lost is outvoted"
	run dd if=/dev/urandom of="/dev/mapper/s${order[count - 1]}" bs=4k seek=1000 count=1 \
		oflag=direct conv=notrunc status=none
	refuse 'disagrees' metasync --check -w d10
	metastat d10 | grep -F "d2${order[count - 1]} disagrees" ||
		fail "the side that disagrees is not named"
	run metasync --repair -w d10
	same_sides d10
	run metaclear -r d10
	for ((side = 0; side < count; side++)); do run dmsetup remove "s$side"; done
	run wipefs -aq /dev/sdg
}

modprobe md_rs
run metadb -a -f -c 2 /dev/sda
run metadb -a -c 2 /dev/sdb
one_after_the_other 3 mkfs.ext4 -qF
# It refuses such small ones, except for its own tests.
one_after_the_other 4 env TEST_DIR=/ TEST_DEV=/ QA_CHECK_FS=1 mkfs.xfs -qf
