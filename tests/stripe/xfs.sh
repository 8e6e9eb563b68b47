#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: xfs on a stripe and on a concat of stripes survives a verifying random workload, and its
#         check finds nothing afterwards.
# Clause: svm.md 3.1, 3.3
# Lanes: drawn
# Vm: --disks 4 --disk-size 256M
# Timeout: 300
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"

exercise() {
	mkfs.xfs -q -f /dev/md/dsk/d10
	mount /dev/md/dsk/d10 /mnt
	verify_with_fio --directory=/mnt --size=48M --rw=randrw --bsrange=512-256k \
		--blockalign=512 --direct=1 --ioengine=libaio --iodepth=16
	umount /mnt
	xfs_repair -n /dev/md/dsk/d10
	metaclear d10
}

modprobe md_rs
mkdir -p /mnt
metainit d10 1 4 /dev/sda /dev/sdb /dev/sdc /dev/sdd -i 16k
exercise
metainit d10 2 2 /dev/sda /dev/sdb -i 32k 2 /dev/sdc /dev/sdd -i 8k
exercise
