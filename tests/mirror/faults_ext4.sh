#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: under ext4 with a load on it, disks of a mirror begin to fail: a read that fails is
#         answered from the other side, a write that fails puts the component out of service and
#         succeeds, and every checksum matches while a side is left. The last side is Last Erred,
#         and its errors are the file system's. Every read policy, and both write policies.
# Clause: svm.md 4.3, 4.4, 4.7; DURABILITY 5; issue 4
# Lanes: drawn
# Vm: --disks 4 --disk-size 32M
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
	# 1 means that something was mended.
	e2fsck -fy $d10 || [ $? = 1 ] || fail "e2fsck gave up"
}

modprobe md_rs
fail_one_after_the_other a "roundrobin parallel" mkfs.ext4 -q
for ((pair = 1; pair < $(by_lane 2 3 1); pair++)); do
	case $pair in
	1) fail_one_after_the_other b "geometric serial" mkfs.ext4 -q ;;
	2) fail_one_after_the_other a "first parallel" mkfs.ext4 -q ;;
	esac
done
