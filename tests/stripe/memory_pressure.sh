#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: with hardly any memory left, and swap on one metadevice, large buffered writes to another
#         one get through, and what is read back is what was written; so is what was swapped out.
# Clause: DESIGN 4, memory is owned by the tag; issue 3
# Lanes: drawn,nodebug
# Vm: --mem 320M --disks 4 --disk-size 256M
# Timeout: 1200
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"

seconds=$(by_lane 15 120 15)
modprobe md_rs
# Small interlaces: as many clones as possible, all of which need memory.
run metainit d10 1 2 /dev/sda /dev/sdb -i 8k
run metainit d11 1 2 /dev/sdc /dev/sdd -i 8k
run mkswap -q /dev/md/dsk/d11
run swapon /dev/md/dsk/d11
refuse 'd11' metaclear d11

for kind in ext4 xfs; do
	note "$kind"
	job=(--filename=/mnt/file --size=192M --bs=1M --rw=write --ioengine=psync)
	run wipefs -qa /dev/md/dsk/d10
	run "mkfs.$kind" -q /dev/md/dsk/d10
	run mount /dev/md/dsk/d10 /mnt
	# More than there is: each of the two fills its memory, and looks whether it is still so.
	stress-ng --vm 2 --vm-bytes 180M --vm-keep --verify --timeout "$seconds" \
		>/tmp/stress.log 2>&1 &
	stress=$!
	end=$((SECONDS + seconds))
	while [ $SECONDS -lt $end ]; do
		verify_with_fio "${job[@]}" --end_fsync=1
	done
	wait $stress || {
		cat /tmp/stress.log
		fail "stress-ng has found other memory than it has written"
	}
	run umount /mnt
	run mount /dev/md/dsk/d10 /mnt
	verify_with_fio "${job[@]}" --verify_only=1
	run umount /mnt
done
[ "$(count_of /dev/md/dsk/d11 sectors_written)" -gt 20480 ] ||
	fail "not even 10 MiB were swapped out: this shows nothing"
run swapoff /dev/md/dsk/d11
run metaclear d11
run metaclear d10
