#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a side that is offline leaves its mirror, or its mirror is cleared: it is the consistent
#         image of the moment in which it was offlined, also while it is mounted, and after a
#         restart. From then on it can be written, and nobody else does. Attached once more it gets
#         everything: that it was a side before counts for nothing.
# Clause: svm.md 4.2, 4.9, 13.3 (17); DURABILITY 5, 11; issue 7
# Lanes: drawn
# Vm: --disks 7 --disk-size 32M --leaks
# Timeout: 200
# What is compared: checksums of the side's device over time; files on it with those that were
# synced before; sectors written to its disk; the sides.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

d10=/dev/md/dsk/d10
d12=/dev/md/dsk/d12

write_synced() { dd if=/dev/urandom of="$1" bs=512k count=1 conv=fsync status=none; }

# copies: files that come and go, until they are told to end.
copies() {
	local n=0
	until [ -e /tmp/enough ]; do
		n=$((n + 1))
		cp -r /etc/default "/mnt/copy$((n % 4))"
		rm -rf "/mnt/copy$(((n + 2) % 4))"
		sync -f /mnt
	done
}
start_copies() {
	rm -f /tmp/enough
	copies &
	load=$!
}
end_copies() {
	touch /tmp/enough
	wait $load || fail "the copies had errors"
}

# offline_under_load NUMBER [frozen]: d12 goes offline while files are copied, and files are written
# after it. What is to be mounted then, to read, needs a file system at rest.
offline_under_load() {
	rm -f /mnt/after
	run write_synced "/mnt/kept/file$1"
	tree_checksums /mnt/kept >/tmp/kept
	start_copies
	sleep 1
	[ -z "${2:-}" ] || run fsfreeze -f /mnt
	run metaoffline d10 d12
	[ -z "${2:-}" ] || run fsfreeze -u /mnt
	sum=$(checksum $d12)
	run write_synced /mnt/after
	sleep 1
}

# is_image: d12 is what it was when it was offlined. It can be written, and is nobody's side.
is_image() {
	same "checksum of the side" "$sum" "$(checksum $d12)"
	same "read-only" 0 "$(blockdev --getro $d12)"
	same "mirror of d12" null "$(described d12 .parent)"
	same "states" "Okay" "$(states d12)"
	e2fsck -p $d12 || [ $? = 1 ] || fail "the image cannot be replayed"
	e2fsck -fn $d12 || fail "the image is not consistent"
	run mount $d12 /tmp/copy
	holds_kept
	run write_synced /tmp/copy/own
	run umount /tmp/copy
	[ ! -e /mnt/own ] || fail "what was written to it is in the mirror"
}
holds_kept() {
	(cd /tmp/copy/kept && sha256sum --quiet -c /tmp/kept) ||
		fail "a file is not what was written"
	[ ! -e /tmp/copy/after ] || fail "a file is there that was written afterwards"
	echo "all $(wc -l </tmp/kept) files match"
}
# written DISK: sectors written to it.
written() { count_of "$1" sectors_written; }

modprobe md_rs
mkdir /tmp/copy
run metadb -a -f -c 2 /dev/sda
run metadb -a -c 2 /dev/sdb
run metainit d11 1 1 /dev/sdc
run metainit d12 1 1 /dev/sdd
run metainit d13 1 1 /dev/sde
for name in d11 d12 d13; do run blkdiscard -zf /dev/md/dsk/$name; done
run metainit d10 -m d11 d12 d13 --assume-clean
run mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 $d10
run mount $d10 /mnt
mkdir /mnt/kept
cp -r /etc/default /mnt/kept
run sync -f /mnt
tree_checksums /mnt/kept >/tmp/kept

note "it is detached while files are copied, also onto it"
offline_under_load 1
run metadetach d10 d12
same "states" "Okay,Okay" "$(states d10)"
end_copies
is_image
before=$(written /dev/sdd)
run write_synced /mnt/after
run sync -f /mnt
same "sectors written to it by the mirror" 0 $(($(written /dev/sdd) - before))

note "attached once more it gets everything"
run metattach -f -w d10 d12
[ $(($(written /dev/sdd) - before)) -ge "$(blockdev --getsz $d10)" ] ||
	fail "only a part of it was copied"
run fsfreeze -f /mnt
same_sides d10
run fsfreeze -u /mnt

note "it is mounted when it is detached"
offline_under_load 2 frozen
run mount -o ro $d12 /tmp/copy
run metadetach d10 d12
holds_kept
end_copies
holds_kept
run umount /tmp/copy
sum=$(checksum $d12)
run umount /mnt
run mdctl stop
run mdctl start
is_image
run mount $d10 /mnt
run metattach -f -w d10 d12

note "its mirror is cleared"
offline_under_load 3
end_copies
run umount /mnt
run metaclear -f d10
is_image
run mount -o ro /dev/md/dsk/d11 /tmp/copy
[ -e /tmp/copy/after ] || fail "the other side has not what was written afterwards"
run umount /tmp/copy

note "after a restart, too"
sum=$(checksum $d12)
run mdctl stop
run mdctl start
is_image
run metainit -f d10 -m d11 d12
wait_for 60 states_are d10 "Okay,Okay"
same_sides d10

note "who clears all of it does not clear what is mounted"
run metaoffline d10 d12
run mount -o ro $d12 /tmp/copy
refuse 'd12' metaclear -f -r d10
run ls /tmp/copy/kept
run umount /tmp/copy
metastat -c
for name in d10 d11 d12 d13; do
	[ ! -e /dev/md/dsk/$name ] || run metaclear -f $name
done
run mdctl stop
run modprobe -r md_mirror md_stripe md_rs
