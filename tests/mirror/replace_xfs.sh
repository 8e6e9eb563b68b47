#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a component of a mirror fails under xfs with a load on it, and is replaced by another
#         disk; another one fails, and is enabled again when its disk is good. Nobody sees an error,
#         the files are right, the sides are the same, and the disk that was replaced is free.
# Clause: svm.md 4.2, 4.7, 4.9, 13.3 (14, 16); DURABILITY 5, 7, 10, 11; issue 7
# Lanes: long
# Vm: --disks 7 --disk-size 48M
# Timeout: 400
# What is compared: the sides block by block; files with what was written.
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

modprobe md_rs
make_replaceable
replace_under mkfs.xfs --unsupported -qf
run metaclear -r d10
run mdctl stop
run modprobe -r md_mirror md_stripe md_rs
