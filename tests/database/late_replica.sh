#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a replica is on a disk that takes long to write. Commits count without it, since another
#         one and the tie-breaker have them; who stops the set waits for it all the same, also for
#         the last commit, which it has not even begun to write, so that the set starts with that
#         replica and the tie-breaker alone.
# Clause: DURABILITY 2, 23; issue 6
# Lanes: drawn
# Vm: --disks 3 --disk-size 16M
# Timeout: 120
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"

modprobe md_rs
size=$(blockdev --getsz /dev/sdb)
mapped late "0 $size linear /dev/sdb 0"
run metadb -a -f /dev/sda
run metadb -a /dev/mapper/late
run metadb -a -t /dev/sdc
# Reads at once, writes after a second.
remap late "0 $size delay /dev/sdb 0 0 /dev/sdb 0 1000"
began=$(date +%s%3N)
run metainit hsp001
run metainit hsp002
took=$(($(date +%s%3N) - began))
echo "the commits took $took ms"
[ $took -lt 2000 ] || fail "they have waited for the late replica: this shows nothing"
run mdctl stop

note "with the late one and the tie-breaker alone"
run vmctl unplug disk0
is_gone() { [ -z "$(disk_named disk0)" ]; }
wait_for 20 is_gone
remap late "0 $size linear /dev/sdb 0"
run mdctl start
metadb | tee /tmp/found
if grep -q READ-ONLY /tmp/found; then fail "the late replica has missed the last commit"; fi
run metahs -i hsp001
run metahs -i hsp002
