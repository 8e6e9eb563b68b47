#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: on a kernel that can do so, each allocation in turn fails that making RAID5 and soft
#         partitions does: the request is refused and nothing has changed, or it has succeeded;
#         nothing leaks.
# Clause: issue 6: allocation failure at every call of load, commit and create
# Lanes: drawn
# Vm: --disks 4 --disk-size 16M --leaks
# Timeout: 1800
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/no_memory.sh
. "$MD_TEST_LIB/no_memory.sh"

modprobe md_rs
modprobe md_stripe
modprobe md_raid
modprobe md_sp
run metadb -a -f /dev/sda
run metainit d1 1 1 /dev/sda
for what in raid soft; do run /tmp/each $what; done
same "metadevices" d1 "$(metastat -p | awk '{ print $1 }')"
