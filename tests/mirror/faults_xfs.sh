#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: the same as faults_ext4, under xfs.
# Clause: svm.md 4.3, 4.4, 4.7; DURABILITY 5; issue 4
# Lanes: drawn
# Vm: --disks 4 --disk-size 192M
# Timeout: 600
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

# recover: what an administrator does once a disk is mended.
recover() {
	# The log is replayed by mounting.
	run mount $d10 /mnt
	run umount /mnt
	run xfs_repair -n $d10
}

modprobe md_rs
fail_one_after_the_other a "first serial" mkfs.xfs -qf
if [ -n "${MD_LONG:-}" ]; then
	fail_one_after_the_other a "geometric parallel" mkfs.xfs -qf
	fail_one_after_the_other b "roundrobin serial" mkfs.xfs -qf
fi
