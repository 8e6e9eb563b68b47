#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a check of RAID5 names the rows whose parity does not fit, wherever somebody has written
#         past it, and changes nothing; a repair makes the parity of the data, under load, and the
#         data stays. A block that cannot be read is mended. What was found is remembered, in the
#         state database, and the monthly check finds RAID5 as well.
# Clause: svm.md 5.9, 13.4 (32); DURABILITY 17; issue 9
# Lanes: drawn
# Vm: --disks 6 --disk-size 24M
# Timeout: 600
# What is compared: what a program that knows nothing of ours reads from the columns; the ranges in
# the report with the places that were damaged.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"
# shellcheck source=tests/lib/raid.sh
. "$MD_TEST_LIB/raid.sh"

# damage COLUMN OFFSET COUNT: other sectors in the data of a column.
damage() {
	dd if=/dev/urandom of="$1" bs=512 seek=$((COLUMN_START + $2)) count="$3" oflag=direct \
		conv=notrunc status=none
}

# found UNIT: what the last check has found, as "row offset count".
found() {
	metastat --json "$1" | jq -r '.metadevices[0].check.ranges[] |
		"\(.row) \(.start / 512) \(.size / 512)"' | paste -sd, -
}

raid_tool
modprobe md_rs
run metadb -a -f -c 2 /dev/sde
run metadb -a -c 2 /dev/sdf
sick sb /dev/sdb good
columns=(/dev/sda /dev/mapper/sb /dev/sdc /dev/sdd)
run metainit d20 -r "${columns[@]}" -i 32k --resync-ceiling 1 --resync-floor 1
refuse 'has nothing to compare' metasync --check d20
run metaparam --resync-ceiling none --resync-floor none d20
wait_for 60 is_made d20
verify_with_fio --filename=/dev/md/dsk/d20 --rw=write --bs=64k --size=24M --direct=1 \
	--ioengine=libaio --iodepth=8
before=$(checksum /dev/md/dsk/d20)

note "all is well"
run metasync --check -w d20
metastat d20 | grep -q 'Check .* no difference' || fail "a check without a difference"

note "a parity and data are damaged; the check says where, and changes nothing"
# Row 1 of 64 sectors has its parity on the third column of four, row 5 as well.
damage /dev/sdc $((64 + 3)) 2
damage /dev/sda $((5 * 64 + 60)) 1
damage /dev/sdd $((6 * 64)) 1
after=$(sha256sum "${columns[@]}")
refuse '3 ranges differ: row 1, blocks 67 to 68' metasync --check -w d20
same "found" "1 67 2,5 380 1,6 384 1" "$(found d20)"
same "columns" "$after" "$(sha256sum "${columns[@]}")"
run metastat d20
metastat d20 | grep -q 'Row 1, blocks 67 to 68 of each component: the parity does not fit' ||
	fail "the row is not named"
metastat d20 | grep -q 'Invoke: metasync --repair -w d20' || fail "no Invoke: line"

note "it is remembered"
run mdctl stop
run mdctl start
same "found" "1 67 2,5 380 1,6 384 1" "$(found d20)"
same "checks" 2 "$(described d20 ' | .check.history | length')"
mdctl dump /dev/sde >/tmp/dump || true
grep -A4 -i 'd20' /tmp/dump
grep -i check /tmp/dump || fail "not in the state database"

note "a repair, under load; the data is what it is"
now=$(checksum /dev/md/dsk/d20)
dd if=/dev/md/dsk/d20 of=/tmp/now bs=1M status=none
verify_with_fio --filename=/dev/md/dsk/d20 --rw=randwrite --bs=16k --offset=16M --size=6M \
	--direct=1 --ioengine=libaio --iodepth=8 --time_based --runtime=6 &
load=$!
run metasync --repair -w d20
wait $load || fail "the load had errors"
same "what nobody wrote" "$(head -c 16M /tmp/now | sha256sum)" \
	"$(head -c 16M /dev/md/dsk/d20 | sha256sum)"
[ "$now" != "$before" ] || fail "the damage was none"
run metasync --check -a -w
columns_tell d20 "${columns[@]}"

note "a check is cancelled"
run metaparam --resync-ceiling 1 --resync-floor 1 d20
fio --name=use --filename=/dev/md/dsk/d20 --rw=randread --bs=4k --direct=1 --time_based \
	--runtime=60 --rate_iops=20 --output=/tmp/use.log &
use=$!
sleep 1
run metasync --check d20
refuse 'is being checked already' metasync --check d20
run metasync -c --check d20
wait_for 60 eval '[ "$(described d20 " | .check.running")" = null ]'
same "end" cancelled "$(described d20 ' | .check.history[0].end')"
kill $use
wait $use || true

note "degraded, there is nothing to compare"
sick sb /dev/sdb no_writes
dd if=/dev/zero of=/dev/md/dsk/d20 bs=64k count=4 oflag=direct status=none
columns_are d20 Okay,Maintenance,Okay,Okay || fail "$(column_states d20)"
refuse 'has nothing to compare' metasync --check d20
run metasync --check -a -w
