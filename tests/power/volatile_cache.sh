#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: the disks of the harness are fit to find lost flushes: when the power is cut, data that
#         was not flushed goes missing, sector by sector, and data that was flushed, or written with
#         FUA, never does.
# Clause: DURABILITY 24
# Lanes: drawn
# Runs: host
# Timeout: 600
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# Four disks, 4096 sectors each, hold "old" everywhere. Then "new" is written:
#   sda  without a flush       sdb  and flushed       sdc  with FUA
#   sdd  the first half and flushed, the second half without a flush
cat >"$dir/write" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
. "$MD_TEST_LIB/data.sh"
sectors old 0 4096 >/tmp/old
sectors new 0 4096 >/tmp/new
write() { dd if=/tmp/new bs=64k status=none "$@"; }
for disk in a b c d; do
	dd if=/tmp/old of=/dev/sd$disk bs=64k oflag=direct conv=fsync status=none
done
write of=/dev/sda oflag=direct
write of=/dev/sdb oflag=direct conv=fsync
write of=/dev/sdc oflag=direct,dsync
write of=/dev/sdd oflag=direct conv=fsync count=16
write of=/dev/sdd oflag=direct skip=16 seek=16
same "what the disks say before the cut" 8192 \
	$(($(count_sectors /dev/sda 0 4096 new) + $(count_sectors /dev/sdd 0 4096 new)))
run vmctl cut
fail "the power is still on"
GUEST

cat >"$dir/verify" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
. "$MD_TEST_LIB/data.sh"
kept=$(count_sectors /dev/sda 0 4096 new)
old=$(count_sectors /dev/sda 0 4096 old)
same "sectors of sda that hold one of the two" 4096 $((kept + old))
[ "$old" -gt 0 ] || fail "sda lost nothing: its cache is not volatile"
[ "$kept" -gt 0 ] || fail "sda lost everything: that is not a seeded part"
echo "sda lost $old sectors"
same "sectors that were flushed, on sdb" 4096 "$(count_sectors /dev/sdb 0 4096 new)"
same "sectors written with FUA, on sdc" 4096 "$(count_sectors /dev/sdc 0 4096 new)"
same "sectors that were flushed, on sdd" 2048 "$(count_sectors /dev/sdd 0 2048 new)"
[ "$(count_sectors /dev/sdd 2048 2048 new)" -lt 2048 ] ||
	fail "sdd lost nothing of what was written after the flush"
GUEST

# The power goes in the middle of a stream of numbered records, at a moment that the writer does not
# know: when as many records as the seed says are confirmed. Those that were confirmed count.
cat >"$dir/stream" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
. "$MD_TEST_LIB/data.sh"
put() { dd if=/tmp/new bs=32k seek=$((n * 512)) status=none "$@"; }
last=$((64 * (4 + $(small_seed) % 40)))
echo 0 >/out/confirmed
cut_at_last() {
	until [ "$(cat /out/confirmed)" -ge $last ]; do sleep 0.05; done
	vmctl cut
}
cut_at_last &
for ((n = 0; n < 4096; n += 64)); do
	sectors new $n 64 >/tmp/new
	put of=/dev/sda oflag=direct,seek_bytes
	put of=/dev/sdb oflag=direct,seek_bytes conv=fsync
	put of=/dev/sdc oflag=direct,seek_bytes,dsync
	echo $((n + 64)) >/out/confirmed.new
	mv /out/confirmed.new /out/confirmed
done
wait
fail "the power is still on"
GUEST

cat >"$dir/verify-stream" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
. "$MD_TEST_LIB/data.sh"
found() { dd if="$1" bs=512 count="$2" status=none | tr -d '\0' | grep -c '^new ' || true; }
same "records confirmed by a flush" "$1" "$(found /dev/sdb "$1")"
same "records confirmed by FUA" "$1" "$(found /dev/sdc "$1")"
found=$(found /dev/sda "$1")
[ "$found" -lt "$1" ] || fail "sda lost none of $1 unflushed records"
echo "sda lost $(($1 - found)) records"
GUEST

# fresh_disks: four new images; the options that name them are in $disks.
fresh_disks() {
	local name
	disks=()
	for name in a b c d; do
		rm -f "$dir/$name"
		truncate -s 8M "$dir/$name"
		disks+=(--disk "$dir/$name")
	done
}

for round in 1 2; do
	note "round $round: the guest cuts its own power"
	fresh_disks
	run scripts/vm "${disks[@]}" --seed $((${SEED:?} + round)) "$dir/write"
	run scripts/vm "${disks[@]}" "$dir/verify"
done

note "the power goes at a moment that the writer does not know"
fresh_disks
run scripts/vm "${disks[@]}" --seed "$SEED" --out "$dir/out" "$dir/stream"
run scripts/vm "${disks[@]}" "$dir/verify-stream" "$(cat "$dir/out/confirmed")"
