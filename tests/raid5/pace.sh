#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: what is made of RAID5 keeps to its ceiling while the metadevice is in use, pauses and goes
#         on, and is cancelled, also over a start, until somebody starts it. A column that is
#         replaced while it is in service is copied, with one read for each write; what was written
#         meanwhile is made of the others; one that is out of service is made of the others.
# Clause: svm.md 5.9; DURABILITY 17; issue 9
# Lanes: drawn
# Vm: --disks 6 --disk-size 64M
# Timeout: 600
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/raid.sh
. "$MD_TEST_LIB/raid.sh"

resync() { described d20 ' | .resync.state'; }
done_of() { described d20 ' | .resync.done'; }
is_further() { [ "$(done_of)" -gt "$1" ]; }

raid_tool
modprobe md_rs
run metadb -a -f -c 2 /dev/sde
run metadb -a -c 2 /dev/sdf
run metainit d20 -r /dev/sda /dev/sdb /dev/sdc -i 32k --resync-ceiling 500 --resync-floor 100
same "pace" "500 100" "$(described d20 ' | .resync_pace | "\(.ceiling / 1024) \(.floor / 1024)"')"

note "the ceiling holds while it is in use"
# Until it is in use it is as fast as it can be.
run metasync --pause d20
reads=$(count_of /dev/md/dsk/d20 reads)
fio --name=use --filename=/dev/md/dsk/d20 --rw=randread --bs=4k --direct=1 --time_based \
	--runtime=120 --rate_iops=50 --output=/tmp/use.log &
use=$!
has_read() { [ "$(count_of /dev/md/dsk/d20 reads)" -gt $((reads + 4)) ]; }
wait_for 60 has_read
run metasync --resume d20
sleep 1
first=$(done_of)
sleep 4
second=$(done_of)
echo "$(((second - first) / 4096)) KiB/s"
[ $((second - first)) -le $((4 * 2 * 500 * 1024)) ] || fail "it is faster than its ceiling"
[ "$second" -gt "$first" ] || fail "it does not go on"

note "it pauses, goes on, is cancelled"
run metasync --pause d20
same "state" paused "$(resync)"
sleep 1
at=$(done_of)
sleep 2
same "done" "$at" "$(done_of)"
run metasync --resume d20
wait_for 20 is_further "$at"
refuse 'does not pause' metasync --resume d20
run metasync -c d20
same "state" cancelled "$(resync)"
kill $use
wait $use || true
sleep 1
at=$(done_of)
run mdctl stop
run mdctl start
same "state" cancelled "$(resync)"
[ "$(done_of)" -le "$at" ] || fail "it went on"
run metaparam --resync-ceiling none d20
run metasync -w d20
is_made d20 || fail "it is not made"
refuse 'nothing that has to be resynced' metasync d20
verify_with_fio --filename=/dev/md/dsk/d20 --rw=randwrite --bs=24k --size=48M --io_size=16M \
	--direct=1 --ioengine=libaio --iodepth=8
columns_tell d20 /dev/sda /dev/sdb /dev/sdc

note "a column in service is copied"
read_before=$(($(count_of /dev/sda sectors_read) + $(count_of /dev/sdc sectors_read)))
old_before=$(count_of /dev/sdb sectors_read)
run metareplace -w d20 /dev/sdb /dev/sdd
others=$(($(count_of /dev/sda sectors_read) + $(count_of /dev/sdc sectors_read) - read_before))
old=$(($(count_of /dev/sdb sectors_read) - old_before))
sectors=$(($(described d20 .size) / 1024))
echo "$sectors sectors to copy: $old read of the old one, $others of the others"
[ $old -ge $sectors ] || fail "it was not copied"
[ $others -lt $((sectors / 4)) ] || fail "it was made of the others"
columns_tell d20 /dev/sda /dev/sdd /dev/sdc

note "the same, written to meanwhile"
run metaparam --resync-ceiling 4000 d20
verify_with_fio --filename=/dev/md/dsk/d20 --rw=randwrite --bs=24k --direct=1 --ioengine=libaio \
	--iodepth=8 --time_based --runtime=8 --size=48M &
load=$!
sleep 1
run metareplace -f d20 /dev/sdd /dev/sdb
wait $load || fail "the load had errors"
run metaparam --resync-ceiling none d20
wait_for 60 is_made d20
columns_tell d20 /dev/sda /dev/sdb /dev/sdc
# The old one is given back.
wait_for 10 wipefs --all /dev/sdd
