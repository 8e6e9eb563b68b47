#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a metadevice has the largest of its disks' block sizes: disks of 512 bytes, of 4096, and
#         of 512 on top of 4096 work alone and mixed, file systems find what they need to know, and
#         an interlace that would cut a block is refused.
# Clause: svm.md 3.1, 3.4; layout.rs rule 2; issue 3
# Lanes: drawn
# Vm: --disks 3 --disk-size 192M --physical-block-size 4096
# Timeout: 240
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

d10=/dev/md/dsk/d10

# block_sizes LOGICAL PHYSICAL: what d10 reports.
block_sizes() {
	same "block sizes" "$1 $2" "$(blockdev --getss --getpbsz $d10 | xargs)"
	same "smallest request" "$1" "$(limit $d10 logical_block_size)"
	same "offset to the blocks of the disks" 0 "$(blockdev --getalignoff $d10)"
}

# carries_files ext4|xfs: a file system on d10 keeps what is copied into it.
carries_files() {
	run "mkfs.$1" -q $d10
	run mount $d10 /mnt
	cp -a /etc /mnt/etc
	tree_checksums /etc >/tmp/written
	run umount /mnt
	run mount $d10 /mnt
	tree_checksums /mnt/etc >/tmp/found
	run cmp /tmp/written /tmp/found
	run umount /mnt
}

make_numbers
make_twin
modprobe md_rs
null_disk n512 size=32 blocksize=512
null_disk n4k0 size=32 blocksize=4096
null_disk n4k1 size=24 blocksize=4096

note "512 bytes on top of 4096"
run metainit d10 1 3 /dev/sda /dev/sdb /dev/sdc -i 64k
block_sizes 512 4096
run /tmp/twin $d10 "$(small_seed)" 100 512 1048576 direct
carries_files xfs
run metaclear d10

note "4096 alone"
run metainit d10 2 2 /dev/n4k0 /dev/n4k1 -i 12k 1 /dev/sda
run metaclear d10
run metainit d10 1 2 /dev/n4k0 /dev/n4k1 -i 12k
block_sizes 4096 4096
refuse 'Invalid argument' dd if=/dev/zero of=$d10 bs=512 count=1 oflag=direct
run /tmp/twin $d10 "$(small_seed)" 200 4096 1048576 direct
run /tmp/twin $d10 "$(small_seed)" 200 1 100000 buffered
carries_files ext4
run metaclear d10

note "all kinds together: every block lies where it should"
for disk in a b c; do mapped "small_$disk" "0 $((6141 + 8)) linear /dev/sd$disk 0"; done
disks=(/dev/n4k0 /dev/mapper/small_a /dev/mapper/small_b /dev/n512)
number_disks "${disks[@]}"
run metainit d10 3 2 /dev/mapper/small_a /dev/n4k0 -i 40b 1 /dev/mapper/small_b 1 /dev/n512
block_sizes 4096 4096
{
	echo "40 $(part /dev/mapper/small_a) $(part /dev/n4k0)"
	echo "16 $(part /dev/mapper/small_b)"
	echo "16 $(part /dev/n512)"
} | place_sectors 8 >/tmp/map
number_metadevice d10 /tmp/map
contents d10 /tmp/map >/tmp/contents
run metaclear d10
must_hold /tmp/contents "${disks[@]}"
run dmsetup remove small_a small_b small_c

note "an interlace is made of whole blocks"
refuse '36 blocks' metainit d10 1 2 /dev/n512 /dev/n4k0 -i 36b
refuse 'next: ' metainit d10 1 2 /dev/n512 /dev/n4k0 -i 36b
run metainit d10 1 2 /dev/n512 /dev/sda -i 36b
block_sizes 512 4096
run metaclear d10
