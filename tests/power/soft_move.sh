#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: the power is cut while an extent of a soft partition is moved to and fro and the soft
#         partition is written to, on disks that lose what was not flushed. At the next boot the
#         set starts, watermarks and records agree, and every block that was written and flushed
#         has what was written.
# Clause: svm.md 6.4; DURABILITY 2, 5, 7, 24; issue 8
# Lanes: drawn
# Runs: host
# Timeout: 900
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/boots.sh
. "$MD_TEST_LIB/boots.sh"

cat >"$dir/make" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
. "$MD_TEST_LIB/data.sh"
modprobe md_rs
run metadb -a -f /dev/sda
run metadb -a /dev/sdb
run metainit d20 -p /dev/sdc 2m
run metainit d29 -p /dev/sdc 1m
run metattach d20 2m
sectors kept 0 8192 | dd of=/dev/md/dsk/d20 bs=64k iflag=fullblock oflag=direct conv=fsync \
	status=none
run mdctl stop
GUEST

# Each round of writes is durable when it is confirmed: the last megabyte of d20 has the number of
# the round in all its sectors then.
cat >"$dir/change" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
. "$MD_TEST_LIB/data.sh"
. "$MD_TEST_LIB/confirm.sh"
modprobe md_rs
mdctl start
(while true; do mdctl move d20 0; mdctl move d20 1; done >/dev/null 2>&1) &
for round in $(seq 1000); do
	sectors "round$round" 6144 2048 | dd of=/dev/md/dsk/d20 bs=64k seek=48 iflag=fullblock \
		oflag=direct conv=fsync,notrunc status=none
	confirm "$round"
done
GUEST

cat >"$dir/check" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
. "$MD_TEST_LIB/data.sh"
last=$1
modprobe md_rs
run mdctl start
metastat -p
run metarecover -v /dev/sdc -p
same "sectors that nobody wrote to" 6144 "$(count_sectors /dev/md/dsk/d20 0 6144 kept)"
# A round that was not confirmed may be there in part, and no older one.
before=$(count_sectors /dev/md/dsk/d20 6144 2048 "round$last")
after=$(count_sectors /dev/md/dsk/d20 6144 2048 "round$((last + 1))")
if [ "$last" = 0 ]; then before=$(count_sectors /dev/md/dsk/d20 6144 2048 kept); fi
same "sectors of the last rounds" 2048 $((before + after))
sectors kept 6144 2048 | dd of=/dev/md/dsk/d20 bs=64k seek=48 iflag=fullblock oflag=direct \
	conv=fsync,notrunc status=none
all_current() { [ "$(metadb | grep -c ' au ')" = 2 ]; }
wait_for 20 all_current
run mdctl stop
GUEST

add_disks 16M 16M 16M
boot "$dir/make" || fail "the set was not made"
rounds=${MD_LONG:+50}
rounds=${rounds:-3}
RANDOM=$((SEED % 32768))
for ((round = 0; round < rounds; round++)); do
	note "round $round"
	limit=$((1 + RANDOM % 10)) delay=0.$((RANDOM % 10))$((RANDOM % 10))
	boot --seed $((SEED + round)) "$dir/change" $limit $delay >"$dir/said" 2>&1 || true
	last=$(sed -n 's/^confirmed: \([0-9]*\).*/\1/p' "$dir/said" | tail -n 1)
	echo "the power went after round ${last:-0}"
	boot "$dir/check" "${last:-0}"
done
