#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: the power is cut while a mirror is written to, and then the replicas are gone that know
#         where. The one that is left has an older map, in which the mirror is clean. Who starts the
#         set with it all the same has all of the mirror copied, also if the power is cut again at
#         some moment of that start, or before all is copied; and a block reads as the same thing
#         until then, also while the set is read-only.
# Clause: DURABILITY 2, 11, 12; issue 7
# Lanes: drawn
# Runs: host
# Timeout: 600
# What is compared: sectors that the second side is written with, as its disk counts them, with the
# size of the mirror; what is read from the mirror; the sides block by block.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/boots.sh
. "$MD_TEST_LIB/boots.sh"

# Without the replica on sde, which is older from now on.
cat >"$dir/write" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
run vmctl unplug disk4
modprobe md_rs
run mdctl start
fio --name=cut --filename=/dev/md/dsk/d10 --rw=randwrite --bs=4k --size=8M --time_based \
	--runtime=100 --direct=1 --ioengine=libaio --iodepth=32 --randrepeat=0 \
	--refill_buffers --output=/dev/null &
is_written() { [ "$(awk '{ print $7 }' '/sys/block/md!dsk!d10/stat')" -gt 2000 ]; }
wait_for 60 is_written
vmctl cut
GUEST

# With that replica alone.
cat >"$dir/old" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
. "$MD_TEST_LIB/disks.sh"
. "$MD_TEST_LIB/mirror.sh"
# What was written to, and a region more.
contents() { dd if=/dev/md/dsk/d10 bs=64k count=144 iflag=direct status=none | sha256sum; }
run vmctl unplug disk2
run vmctl unplug disk3
modprobe md_rs
case $1 in
cut)
	refuse '2 of 6 voting replicas are there' mdctl start
	run mdctl start --read-only
	same "read only: second reading" "$(contents)" "$(contents)"
	echo "contents: $(contents)"
	run mdctl stop
	mdctl start --give-up-missing &
	sleep "0.$2"
	vmctl cut
	;;
resync)
	# The power was cut before somebody was given up, or behind that.
	mdctl start || run mdctl start --give-up-missing
	run metastat d10
	echo "contents: $(contents)"
	is_at_rest() { [ "$(described d10 .resync)" = null ]; }
	wait_for 100 is_at_rest
	copied=$(count_of /dev/sdb sectors_written)
	size=$(blockdev --getsz /dev/md/dsk/d10)
	echo "copied: $copied of $size sectors"
	[ "$copied" -ge "$size" ] || fail "not all of the mirror is copied"
	same "states" Okay,Okay "$(states d10)"
	echo "contents: $(contents)"
	same_sides d10
	run mdctl stop
	run mdctl start
	same "resync after a clean stop" null "$(described d10 .resync)"
	run mdctl stop
	;;
esac
GUEST

boot_limit=200
add_disks 32M 32M 16M 16M 16M
make_mirror_set sdc sdd
cat >"$dir/third" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
modprobe md_rs
run mdctl start
run metadb -a -c 2 /dev/sde
run mdctl stop
GUEST
boot "$dir/third" || fail "the third disk has no replica"

boot --seed "$SEED" "$dir/write" >"$dir/said" 2>&1 || true
cat "$dir/said"
grep -q 'is_written' "$dir/said" || fail "the mirror was not written to"
grep " lost$" "$dir/said" || fail "the power was not cut"
tenths=$((SEED % 8))
boot --seed "$SEED" "$dir/old" cut $tenths >"$dir/said" 2>&1 || true
cat "$dir/said"
grep " lost$" "$dir/said" || fail "the power was not cut again"
before=$(sed -n 's/^contents: //p' "$dir/said" | tr -d '\r')
boot "$dir/old" resync | tee "$dir/said"
same "contents" "$before" "$(sed -n 's/^contents: //p' "$dir/said" | tr -d '\r' | sort -u)"
