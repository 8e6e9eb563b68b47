#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: on a kernel that can do so, each allocation in turn fails that beginning a set, adding a
#         replica, loading a set, making stripes and mirrors, growing and clearing one and stopping
#         the set do: the request is refused and nothing has changed, or it has succeeded; nothing
#         leaks.
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
modprobe md_mirror
run /tmp/each begin
refuse 'no state database was found' mdctl start
# The label of another set, which a refused command must leave alone.
run metadb -a -f /dev/sdb
run metainit d2 1 1 /dev/sdc
run mdctl stop
run blkdiscard -z /dev/sdb
run metadb -a -f /dev/sda
run metainit d1 1 1 /dev/sda
for what in add stripe mirror; do run /tmp/each $what; done
run metainit d2 1 1 /dev/sdc
run /tmp/each grow
# What is cleared needs memory only for what may fail: nothing has to be refused.
run /tmp/each clear also-never
same "metadevices" "d1 d2" "$(metastat -p | awk '{ print $1 }' | sort | xargs)"
run mdctl stop
run /tmp/each start
run mdctl start
same "metadevices" "d1 d2" "$(metastat -p | awk '{ print $1 }' | sort | xargs)"
