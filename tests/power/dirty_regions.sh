#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: random writes of 4 KiB all over 1 GiB of a mirror of 64 GiB cost at most one commit of the
#         state database in a thousand, and after a power cut in the middle of them at most 5 % of
#         the mirror is copied.
# Clause: DURABILITY 7, 12; issue 7: dirty region map
# Lanes: drawn
# Runs: host
# Timeout: 1500
# What is compared: commits before and after the writes, as metadb counts them, with the sectors
# that the mirror has counted; sectors that the resync writes, as the disk counts them.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/boots.sh
. "$MD_TEST_LIB/boots.sh"

writes=${MD_LONG:+1000000}
writes=${writes:-60000}

cat >"$dir/write" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
. "$MD_TEST_LIB/disks.sh"
writes=$1
commits() { metadb --json | jq .database.commits; }
# fio ends at the size as well, unless it is told that it may write more than that.
random_writes() {
	fio --name=random --filename=/dev/md/dsk/d10 --rw=randwrite --bs=4k --size=1g \
		--io_size=1t --direct=1 --ioengine=libaio --iodepth=32 --norandommap \
		--randrepeat=0 --fsync=2000 --output=/dev/null "$@"
}
modprobe md_rs
run mdctl start
before=$(commits)
random_writes --number_ios="$writes"
cost=$(($(commits) - before))
# Flushes count as writes, but have no sectors.
same "writes" "$writes" $(($(count_of /dev/md/dsk/d10 sectors_written) / 8))
echo "$writes writes cost $cost commits"
[ "$cost" -ge 1 ] || fail "no region was recorded as dirty"
[ "$cost" -le $((writes / 1000)) ] || fail "that is too many"
random_writes --time_based --runtime=100 &
sleep 3
vmctl cut
GUEST

cat >"$dir/check" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
. "$MD_TEST_LIB/disks.sh"
. "$MD_TEST_LIB/mirror.sh"
modprobe md_rs
run mdctl start
is_at_rest() { [ "$(described d10 .resync)" = null ]; }
wait_for 400 is_at_rest
same "states" Okay,Okay "$(states d10)"
sectors=$(count_of /dev/sdb sectors_written)
size=$(blockdev --getsz /dev/md/dsk/d10)
echo "copied: $sectors of $size sectors"
[ "$sectors" -gt 0 ] || fail "nothing was dirty: this shows nothing"
[ $((sectors * 20)) -le "$size" ] || fail "that is more than 5 %"
cmp <(side_data d11 $((1 << 28))) <(side_data d12 $((1 << 28))) || fail "the sides differ"
run mdctl stop
GUEST

boot_limit=1200
add_disks 64G 64G 32M 32M
make_mirror_set sdc sdd
boot --seed "$SEED" "$dir/write" "$writes" >"$dir/said" 2>&1 || true
cat "$dir/said"
grep "writes cost" "$dir/said" >/dev/null || fail "the writes were not done"
if grep "that is too many\|no region" "$dir/said" >/dev/null; then fail "see above"; fi
boot "$dir/check"
