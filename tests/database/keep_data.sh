#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a file system that is there becomes a metadevice without being copied, also while it is
#         mounted: then the metadevice is read-only until the set is started again. It is found by
#         the uuid of its partition and by its disk; of a disk and its clone the disk is taken.
# Clause: DURABILITY 18, 19; svm.md 10.2 (metainit -f); issue 6
# Lanes: drawn
# Vm: --disks 5 --disk-size 48M
# Timeout: 300
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

is_there() { [ -b "$(disk_named "$1")1" ]; }
is_gone() { [ -z "$(disk_named "$1")" ]; }
first_part() { printf '%s1\n' "$(disk_named "$1")"; }

# holds MOUNTPOINT: the files that were there.
holds() {
	tree_checksums "$1" | cmp - /tmp/written || fail "the files in $1 are others"
	echo "all files are there"
}

for serial in disk1 disk2; do
	printf 'label: gpt\nsize=40M\n' | sfdisk -q "$(disk_named $serial)"
	run mkfs.ext4 -q "$(first_part $serial)"
	run mount "$(first_part $serial)" /mnt
	cp -a /etc/terminfo /etc/security /mnt 2>/dev/null || cp -a /etc/. /mnt
	tree_checksums /mnt >/tmp/written
	run umount /mnt
done
modprobe md_rs
run metadb -a -f /dev/sda

note "a file system that is not mounted"
run metainit d11 1 1 "$(first_part disk1)" --keep-data
run mount /dev/md/dsk/d11 /mnt
holds /mnt
run umount /mnt

note "one that is"
run mount "$(first_part disk2)" /mnt
refuse 'is mounted on /mnt' metainit d12 1 1 "$(first_part disk2)" --keep-data
run metainit -f d12 1 1 "$(first_part disk2)" --keep-data
run metainit d20 -m d12
metastat d20
metastat d20 | grep -q 'Access: read-only' || fail "metastat does not say that it is read-only"
refuse 'Operation not permitted|Read-only' dd if=/dev/zero of=/dev/md/dsk/d20 bs=4k count=1
refuse 'busy' dd if=/dev/zero of=/dev/md/dsk/d12 bs=4k count=1
echo more >/mnt/more
tree_checksums /mnt >/tmp/written2
run umount /mnt
run mdctl stop
run mdctl start
run mount /dev/md/dsk/d20 /mnt
tree_checksums /mnt | cmp - /tmp/written2 || fail "the files in d20 are others"
echo "and more" >>/mnt/more
run umount /mnt
run mount /dev/md/dsk/d11 /mnt
holds /mnt
run umount /mnt
run metaclear d20
run mdctl stop

note "a clone of its disk is not taken for it"
run dd if="$(disk_named disk1)" of="$(disk_named disk3)" bs=1M status=none
blockdev --rereadpt "$(disk_named disk3)"
wait_for 20 is_there disk3
run mount "$(first_part disk3)" /mnt
echo clone >/mnt/clone
run umount /mnt
run mdctl start
same "states" Okay "$(states d11)"
run mount /dev/md/dsk/d11 /mnt
holds /mnt
run umount /mnt
run mdctl stop

note "a clone alone is it: somebody has replaced the disk"
run vmctl unplug disk1
wait_for 20 is_gone disk1
run mdctl start
run mount /dev/md/dsk/d11 /mnt
same "what the clone has" clone "$(cat /mnt/clone)"
run umount /mnt
run mdctl stop

note "the clone of a component with a label"
run vmctl unplug disk3
wait_for 20 is_gone disk3
run mdctl start
same "state" Unavailable "$(states d11)"
run metaclear d11
run metainit d1 1 1 "$(disk_named disk4)"
head -c 64K /dev/urandom | dd of=/dev/md/dsk/d1 bs=64k iflag=fullblock oflag=direct status=none
dd if=/dev/md/dsk/d1 of=/tmp/d1 bs=64k count=1 iflag=direct status=none
run mdctl stop
run vmctl plug disk1
wait_for 20 is_there disk1
run dd if="$(disk_named disk4)" of="$(disk_named disk1)" bs=1M status=none
dd if=/dev/urandom of="$(disk_named disk1)" bs=1M seek=1 count=1 conv=notrunc status=none
run mdctl start
dd if=/dev/md/dsk/d1 of=/tmp/found bs=64k count=1 iflag=direct status=none
cmp /tmp/d1 /tmp/found || fail "d1 shows the clone"
same "what d1 is made of" "$(disk_named disk4)" "$(metastat -p d1 | awk '{ print $4 }')"

note "what could not be found again is refused"
null_disk nameless size=32
refuse 'would not be found again' metainit d30 1 1 /dev/nameless --keep-data
