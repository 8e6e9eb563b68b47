#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a side that is offlined is a consistent image of that moment, which nothing changes, under
#         a file system in use; onlined, it gets what was written meanwhile and no more, also when
#         its set was stopped in between. The last side that holds some data stays. A side that is
#         detached, also a bad one by force, has the files of that moment.
# Clause: svm.md 4.2, 4.9, 13.3 (17); DURABILITY 5, 7, 11; issue 7
# Lanes: drawn
# Vm: --disks 6 --disk-size 32M
# Timeout: 300
# What is compared: checksums of the side's device over time; files of a copy of it with those that
# were synced before; sectors written to its disk with the regions that were written; the sides.
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
region=2048

# write_synced FILE: 512 KiB that are on the mirror.
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

# clean: no region of d10 is recorded as dirty.
clean() {
	# Its status is that of a disk with a second replica where a component has its label.
	mdctl dump /dev/sda >/tmp/dump || true
	grep -A 1 'd10: mirror' /tmp/dump | grep -qE ' 0 dirty'
}

# written DISK: sectors written to it.
written() { count_of "$1" sectors_written; }

# holds_kept DIR: the files that were kept are there as they were, and those after it are not.
holds_kept() {
	(cd "$1/kept" && sha256sum --quiet -c /tmp/kept) || fail "a file is not what was written"
	[ ! -e "$1/after" ] || fail "a file is there that was written afterwards"
	echo "all $(wc -l </tmp/kept) files match"
}

# write_block REGION TEXT: one block in the middle of a region.
write_block() {
	head -c 4096 /dev/zero | tr '\0' "$2" |
		dd of=$d10 bs=4k seek=$(($1 * region / 8 + 100)) oflag=direct iflag=fullblock \
			status=none
}

# at_most WHAT MOST FOUND
at_most() {
	echo "$1: $3, at most $2"
	[ "$3" -le "$2" ] || fail "$1: $3 are more than $2"
}

modprobe md_rs
sick c /dev/sdc good
sick d /dev/sdd good
run metadb -a -f -c 2 /dev/sda
run metadb -a -c 2 /dev/sdb
run metainit d11 1 1 /dev/mapper/c
run metainit d12 1 1 /dev/mapper/d
run metainit d13 1 1 /dev/sde
for name in d11 d12; do run blkdiscard -zf /dev/md/dsk/$name; done
run metainit d10 -m d11 d12 --assume-clean

note "who takes a side offline waits for writes that are under way"
waits_for_write d /dev/sdd d10 metaoffline d10 d11
run metaonline -w d10 d11
same_sides d10

run mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 $d10
run mount $d10 /mnt
mkdir /mnt/kept
cp -r /etc/default /mnt/kept
run write_synced /mnt/kept/file
run sync -f /mnt
tree_checksums /mnt/kept >/tmp/kept

note "a side goes offline while files are copied: it is an image of that moment"
start_copies
sleep 1
run metaoffline d10 d12
same "states" "Okay,Offline" "$(states d10)"
before=$(written /dev/sdd)
sum=$(checksum $d12)
run write_synced /mnt/after
sleep 1
end_copies
same "checksum of the side" "$sum" "$(checksum $d12)"
same "sectors written to its disk since then" 0 $(($(written /dev/sdd) - before))
metastat d10 >/tmp/metastat
grep -E 'Invoke: metaonline d10 d12$' /tmp/metastat || {
	cat /tmp/metastat
	fail "what to type is not shown"
}
dd if=$d12 of=/dev/sdf bs=1M iflag=direct status=none
mkdir /tmp/copy
run mount /dev/sdf /tmp/copy
holds_kept /tmp/copy
run umount /tmp/copy
e2fsck -fn /dev/sdf || fail "the image is not consistent"

note "while it is offline nothing is taken from what is left"
state() { metastat --json; }
state >/tmp/before
refuse 'd12: is offline' metaoffline d10 d12
refuse 'd12: is offline' metaoffline -f d10 d12
refuse 'd11: has, or may have, blocks that no other' metaoffline d10 d11
refuse 'd11: has, or may have, blocks that no other' metaoffline -f d10 d11
refuse 'd11: has, or may have, blocks that no other' metadetach d10 d11
refuse 'd11: has, or may have, blocks that no other' metadetach -f d10 d11
refuse 'd11: is not offline' metaonline d10 d11
refuse 'd12: is offline' metareplace -e d10 /dev/mapper/d
refuse 'd12: is offline' metareplace d10 /dev/mapper/d /dev/sdf
refuse 'd13: is not a submirror' metaoffline d10 d13
state | diff /tmp/before - || fail "what was refused has changed something"

note "it comes back under load, and is like the other one"
start_copies
run metaonline -w d10 d12
same "states" "Okay,Okay" "$(states d10)"
end_copies
sync
run fsfreeze -f /mnt
same_sides d10
run fsfreeze -u /mnt

note "while it is offline it can be mounted to read, as it was at that moment"
# What was read of it before, by its own name, is old. It is kept as long as somebody has it open.
exec {held}<$d12
run dd if=$d12 of=/dev/null bs=1M status=none
run write_synced /mnt/kept/second
tree_checksums /mnt/kept >/tmp/kept2
run fsfreeze -f /mnt
run metaoffline d10 d12
run fsfreeze -u /mnt
same "read-only" 1 "$(blockdev --getro $d12)"
# Before it is mounted, since that may change the size of its blocks, and then nothing is kept.
cached=$(dd if=$d12 bs=1M status=none | sha256sum | cut -d' ' -f1)
same "checksum by the page cache" "$(checksum $d12)" "$cached"
exec {held}<&-
mkdir /tmp/side
run mount -o ro $d12 /tmp/side
(cd /tmp/side/kept && sha256sum --quiet -c /tmp/kept2) || fail "a file is not what was written"
run write_synced /mnt/later
[ ! -e /tmp/side/later ] || fail "a file is there that was written afterwards"
if dd if=/dev/zero of=$d12 bs=4k count=1 oflag=direct conv=notrunc 2>/dev/null; then
	fail "what is offline can be written"
fi
refuse 'd12: is in use' metaonline d10 d12
same "states" "Okay,Offline" "$(states d10)"
(cd /tmp/side/kept && sha256sum --quiet -c /tmp/kept2) || fail "a file is not what was written"
run umount /tmp/side
run metaonline -w d10 d12
same "states" "Okay,Okay" "$(states d10)"
same "read-only" 0 "$(blockdev --getro $d12)"
if mount -o ro $d12 /tmp/side 2>/dev/null; then
	fail "a side that is online was mounted"
fi
run fsfreeze -f /mnt
same_sides d10
run fsfreeze -u /mnt
run umount /mnt

note "no more is copied than what was written"
wait_for 60 clean
before=$(written /dev/sdd)
last=$(newest_event)
for _ in 1 2; do
	run metaoffline d10 d12
	run metaonline -w d10 d12
	same "states" "Okay,Okay" "$(states d10)"
done
same "what is told" "d10 resync_start d10 resync_done d10 resync_start d10 resync_done" \
	"$(resyncs_since "$last")"
at_most "sectors without a write" 64 $(($(written /dev/sdd) - before))
run metaoffline d10 d12
before=$(written /dev/sdd)
for n in 3 4 20; do write_block $n x; done
run metaonline -w d10 d12
same "states" "Okay,Okay" "$(states d10)"
at_most "sectors after writes in three regions" $((3 * region + 64)) \
	$(($(written /dev/sdd) - before))
same_sides d10

note "stopped and started, it is back by itself, and gets no more than that either"
wait_for 60 clean
run metaoffline d10 d12
before=$(written /dev/sdd)
for n in 5 19; do write_block $n y; done
run mdctl stop
run mdctl start
wait_for 30 states_are d10 "Okay,Okay"
at_most "sectors after writes in two regions" $((2 * region + 64)) \
	$(($(written /dev/sdd) - before))
same_sides d10

note "of three sides one is offline while another one fails and is enabled again"
run metattach -w d10 d13
run metaoffline d10 d13
verify_with_fio --filename=$d10 --rw=randwrite --bssplit=4k/70:64k/30 --size=2M \
	--ioengine=libaio --iodepth=8 --direct=1
sick d /dev/sdd no_writes
for n in 7 8; do write_block $n z; done
same "states" "Okay,Needs maintenance,Offline" "$(states d10)"
refuse 'd11: has, or may have, blocks that no other' metaoffline d10 d11
sick d /dev/sdd good
run metareplace -e -w d10 /dev/mapper/d
same "states" "Okay,Okay,Offline" "$(states d10)"
write_block 9 z
run metaonline -w d10 d13
same "states" "Okay,Okay,Okay" "$(states d10)"
same_sides d10
run metadetach d10 d13

note "a side is not offlined when the other one is bad, and a bad one by force only"
run mkfs.ext4 -qF $d10
run mount $d10 /mnt
mkdir /mnt/kept
run write_synced /mnt/kept/file
run sync -f /mnt
tree_checksums /mnt/kept >/tmp/kept
sick d /dev/sdd no_writes
run write_synced /mnt/after
same "states" "Okay,Needs maintenance" "$(states d10)"
refuse 'd11: has, or may have, blocks that no other' metaoffline d10 d11
refuse 'd10: a submirror needs maintenance' metaoffline d10 d12
refuse 'd10: a submirror needs maintenance' metadetach d10 d12
refuse 'd11: has, or may have, blocks that no other' metadetach -f d10 d11

note "detached by force it has the files of the moment in which it failed"
run metadetach -f d10 d12
sick d /dev/sdd good
same "states" "Okay, Okay" "$(states d10), $(states d12)"
run mount $d12 /tmp/copy
holds_kept /tmp/copy
run write_synced /tmp/copy/own
run umount /tmp/copy
[ ! -e /mnt/own ] || fail "what was detached is still written through the mirror"

note "one that is good has the files of the moment in which it is detached, also while it is used"
run metattach -f -w d10 d12
tree_checksums /mnt/kept >/tmp/kept
rm /mnt/after
start_copies
sleep 1
run metadetach d10 d12
end_copies
run write_synced /mnt/after
run mount $d12 /tmp/copy
holds_kept /tmp/copy
run write_synced /tmp/copy/own
run umount /tmp/copy
run umount /mnt
e2fsck -fn $d12 || fail "the side is not consistent"
e2fsck -fn $d10 || fail "the mirror is not consistent"
run metaclear -r d10
for name in d12 d13; do run metaclear $name; done
run mdctl stop
run modprobe -r md_mirror md_stripe md_rs
