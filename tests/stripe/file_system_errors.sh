#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: ext4 and xfs on a stripe are told when a component takes no writes any more: fsync fails.
#         With the component mended they recover, and what was synced before is there.
# Clause: svm.md 3.5; DURABILITY 9; issue 3
# Lanes: drawn
# Vm: --disks 3 --disk-size 128M
# Timeout: 300
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"

d10=/dev/md/dsk/d10
good_table="0 262144 linear /dev/sdb 0"

# write_synced FILE: 6 MiB, so that every component gets a part of it.
write_synced() { dd if=/dev/urandom of="$1" bs=1M count=6 conv=fsync status=none; }

# recover ext4|xfs: what an administrator does once the disk is mended.
recover() {
	case $1 in
	ext4)
		# 1 means that something was mended.
		e2fsck -fy $d10 || [ $? = 1 ] || fail "e2fsck gave up"
		;;
	xfs)
		# The log is replayed by mounting.
		run mount $d10 /mnt
		run umount /mnt
		run xfs_repair -n $d10
		;;
	esac
}

modprobe md_rs
mapped sick "$good_table"
for kind in ext4 xfs; do
	note "$kind"
	run metainit d10 1 3 /dev/sda /dev/mapper/sick /dev/sdc -i 64k
	run wipefs -qa $d10
	run "mkfs.$kind" -q $d10
	run mount $d10 /mnt
	run write_synced /mnt/before
	cp -a /etc /mnt/etc
	sync
	tree_checksums /mnt >/tmp/written

	note "$kind, and a component takes no writes"
	remap sick "0 262144 flakey /dev/sdb 0 0 100000 1 error_writes"
	refuse 'Input/output error|Read-only' write_synced /mnt/during
	run umount /mnt

	note "$kind, and the component is mended"
	remap sick "$good_table"
	recover $kind
	run mount $d10 /mnt
	rm -f /mnt/during
	(cd /mnt && sha256sum --quiet -c /tmp/written) || fail "what was synced has changed"
	run write_synced /mnt/after
	run umount /mnt
	run metaclear d10
done
