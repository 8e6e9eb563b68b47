#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: the power is cut while a mirror is written to, on disks that lose what was not flushed, so
#         that its sides differ where they were written. At the next boot a block reads as the same
#         thing every time, before the resync and after it; the resync makes all sides equal, and
#         copies no more than the regions that were being written. A resync that is cut off goes on.
# Clause: DURABILITY 7, 11, 12, 24; svm.md 4.5, 4.6; issue 7
# Lanes: drawn
# Runs: host
# Timeout: 900
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/boots.sh
. "$MD_TEST_LIB/boots.sh"

# Writes to the first 8 MiB of 31 and cuts the power, with a third side that waits for a resync
# which was cancelled ("cancelled"), or is being resynced ("resync"). Its disk is slow, today.
cat >"$dir/write" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
. "$MD_TEST_LIB/disks.sh"
what=$1 delay=$2
modprobe md_rs
run mdctl start
mapped slow "0 $(blockdev --getsz /dev/sdc) delay /dev/sdc 0 300"
run metainit d13 1 1 /dev/mapper/slow
run metattach d10 d13
if [ $what = cancelled ]; then run metasync -c d10; fi
is_written() { [ "$(awk '{ print $7 }' '/sys/block/md!dsk!d10/stat')" -gt 2000 ]; }
(wait_for 60 is_written && sleep "$delay" && vmctl cut) &
fio --name=cut --filename=/dev/md/dsk/d10 --rw=randwrite --bs=4k --size=8M --time_based \
	--runtime=100 --direct=1 --ioengine=libaio --iodepth=32 --randrepeat=0 \
	--refill_buffers --output=/dev/null
GUEST

cat >"$dir/check" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
. "$MD_TEST_LIB/disks.sh"
. "$MD_TEST_LIB/mirror.sh"
what=$1
# contents: the sum of what is read from the mirror, past the page cache.
contents() { dd if=/dev/md/dsk/d10 bs=64k iflag=direct status=none | sha256sum; }
written() { awk '{ print $7 }' /sys/block/$1/stat; }
differing() {
	{ cmp -l <(side_data d11 $((8 << 20))) <(side_data d12 $((8 << 20))) || true; } | wc -l
}
modprobe md_rs
run mdctl start
run metastat d10
if [ $what = cancelled ]; then
	# Nothing copies but the reads themselves.
	echo "bytes that differ: $(differing)"
	before=$(contents)
	[ "$(written sdb)" -gt 0 ] || fail "no read has made the sides equal"
	copied=$(written sdb)
	[ "$(differing)" = 0 ] || fail "what was read is not on both sides"
	same "read again" "$before" "$(contents)"
	# Eight regions of 1 MiB, and what the database writes elsewhere.
	[ "$copied" -le $((9 * 2048)) ] || fail "$copied sectors were copied"
	run metasync -w d10
else
	before=$(contents)
	for try in $(seq 60); do
		metastat d10 | grep -q Resync || break
		sleep 1
	done
fi
same "after the resync" "$before" "$(contents)"
same "states" Okay,Okay,Okay "$(states d10)"
same_sides d10
run metadetach d10 d11
same "without the first side" "$before" "$(contents)"
run metaclear -r d10
run metainit d12 1 1 /dev/sdb
run metainit --assume-clean -f d10 -m d11 d12
run mdctl stop
GUEST

boot_limit=150
add_disks 32M 32M 32M 32M 32M
make_mirror_set sdd sde

rounds=${MD_LONG:+25}
rounds=${rounds:-1}
RANDOM=$((SEED % 32768))
for ((round = 0; round < rounds; round++)); do
	for what in cancelled resync; do
		note "round $round: $what"
		delay=$((RANDOM % 2)).$((RANDOM % 10))$((1 + RANDOM % 9))
		boot --seed $((SEED + round)) "$dir/write" $what $delay \
			>"$dir/said" 2>&1 || true
		begun='is attached'
		if [ $what = cancelled ]; then begun='resync is cancelled'; fi
		grep -q "$begun" "$dir/said" || {
			cat "$dir/said"
			fail "the mirror was not written to"
		}
		grep " lost$" "$dir/said"
		boot "$dir/check" $what
	done
done
