#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: writes of many more interlaces than a disk has tags get through: a task that waits for a
#         tag, or in writeback throttling, must not hold back the clones that would free one.
# Clause: DESIGN 4; md_submission_begin in shim.c
# Lanes: drawn
# Vm: --disks 4 --disk-size 128M
# Timeout: 300
set -euo pipefail

# finishes COMMAND...: within two minutes. A task in a deadlock cannot be killed, so it is not
# waited for.
finishes() {
	"$@" &
	local pid=$! _
	for _ in $(seq 1200); do
		if ! kill -0 $pid 2>/dev/null; then
			wait $pid
			return
		fi
		sleep 0.1
	done
	echo "still not done after two minutes: $*"
	grep . /sys/block/*/inflight
	cat /proc/$pid/stack
	exit 1
}

modprobe md_rs
metainit d10 1 4 /dev/sda /dev/sdb /dev/sdc /dev/sdd -i 8k
head -c 96M /dev/urandom >/tmp/data

# One write of 96 MiB is 12288 interlaces; a disk has 256 tags. The stripe's requests are larger
# than they once were, and it has so few tags that they still do not suffice.
echo 4 >'/sys/block/md!dsk!d10/queue/nr_requests'
finishes dd if=/tmp/data of=/dev/md/dsk/d10 bs=96M oflag=direct status=none
finishes dd if=/dev/md/dsk/d10 of=/tmp/back bs=96M count=1 iflag=direct status=none
cmp /tmp/data /tmp/back

# Through the page cache of a file system, with large bios from writeback.
mkfs.xfs -q -f /dev/md/dsk/d10
mkdir -p /mnt
mount /dev/md/dsk/d10 /mnt
finishes dd if=/tmp/data of=/mnt/file bs=96M conv=fsync status=none
umount /mnt
mount /dev/md/dsk/d10 /mnt
cmp /tmp/data /mnt/file
umount /mnt
metaclear d10
