#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: soft partitions with other alignments than the ordinary one, on a disk and on a stripe
#         whose chunks are no power of two, are made again by their watermarks alone, with the same
#         extents and data; what is added later suits the base.
# Clause: svm.md 6.3, 6.6; issue 8
# Lanes: drawn
# Vm: --disks 4 --disk-size 128M
# Timeout: 300
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"

# sum UNIT: the checksum of all data of a metadevice.
sum() { dd if=/dev/md/dsk/"$1" bs=1M iflag=direct status=none | sha256sum; }
# fill UNIT: random data, all over it.
fill() {
	head -c "$(described "$1" .size)" /dev/urandom |
		dd of=/dev/md/dsk/"$1" bs=1M iflag=fullblock oflag=direct conv=fsync status=none
}

# destroy: the state database is gone, and so is what is in memory.
destroy() {
	run mdctl stop
	head -c 16M /dev/zero | dd of=/dev/sdd bs=1M iflag=fullblock oflag=direct status=none
	run modprobe -r md_sp md_mirror md_stripe
	modprobe md_rs
	run metadb -a -f /dev/sdd
	same "metadevices" "" "$(metastat -p)"
}

modprobe md_rs
run metadb -a -f /dev/sdd
note "other alignments, and a stripe whose chunks are no power of two"
run metainit d22 -p /dev/sda -A 64k 3m
run metainit d23 -p /dev/sda -A 4m 8m
run metainit d24 -p /dev/sda -A 72k 720k
run metattach d22 2m
run metainit -f d1 1 2 /dev/sdb /dev/sdc -i 96k
run metainit d25 -p d1 -A 96k 6m
run metainit d26 -p d1 6m
run metattach d25 3m
units="d22 d23 d24 d25 d26"
# The alignment is not in the watermarks: that of the base is taken from then on.
# shellcheck disable=SC2086
extents_of() { metastat -p $units | sed 's/ -A [0-9]*b$//'; }
for unit in $units; do fill "$unit"; done
layout=$(extents_of)
printf '%s\n' "$layout"
sums=$(for unit in $units; do sum "$unit"; done)
destroy
run metarecover /dev/sda -p -d
run metainit -f d1 1 2 /dev/sdb /dev/sdc -i 96k
run metarecover d1 -p -d
same "layout" "$layout" "$(extents_of)"
same "data" "$sums" "$(for unit in $units; do sum "$unit"; done)"
for unit in $units; do run metattach "$unit" 3m; done
aligned() { described "$1" ".soft_partition.extents[-1].start / 512 % $2"; }
same "what was added on the stripe" "0 0" "$(aligned d25 192) $(aligned d26 192)"
run metarecover /dev/sda -p
run metarecover d1 -p
run metaclear -p d1
run metaclear -p /dev/sda
run metaclear d1
