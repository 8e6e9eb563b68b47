#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: the power is cut while RAID5 without a log is written to, on disks that lose what was not
#         flushed. With all disks there sectors that nobody was writing are what they were, those
#         that somebody was are old or new, and the parity is made again, so that it is right. If a
#         disk went with the power, or was missing before, it cannot be opened, and says why.
# Clause: DURABILITY 7, 24; svm.md 5.6; issue 9
# Lanes: stock
# Runs: host
# Timeout: 900
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/raid_power.sh
. "$MD_TEST_LIB/raid_power.sh"

# Sees that it is refused.
cat >"$dir/refuse" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
modprobe md_rs
run mdctl start
metastat d20
metastat d20 | grep -q 'Cannot be opened' || fail "metastat does not tell"
refuse 'No such device or address' dd if=/dev/md/dsk/d20 of=/dev/null count=1
dmesg | grep 'd20: cannot be opened: it has no log' || fail "nothing is said"
run mdctl stop
GUEST

# Sees that the parity is made again, before it is judged as with a log.
cat >"$dir/check_all" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
modprobe md_rs
run mdctl start
dmesg | grep 'd20: has no log, and was not stopped' || fail "nothing is said"
wait_for 60 bash -c 'metastat --json d20 | jq -e ".metadevices[0].resync == null"' >/dev/null
run metasync --check -w d20
run mdctl stop
GUEST
cat "$dir/check" >>"$dir/check_all"

disks=()
# Columns, of which the log is a third, and disks for replicas.
sizes=(12M 12M 12M 12M 24M 24M)
for n in "${!sizes[@]}"; do
	truncate -s "${sizes[n]}" "$dir/disk$n"
	disks+=(--disk "$dir/disk$n")
done
vm "${disks[@]}" --out "$dir/made" "$dir/make" --no-log || fail "the set was not made"
seq -f 'sector %.0f 0' 0 $(($(cat "$dir/made/size") - 1)) >"$dir/before"
disks+=(--share "$dir/made")

RANDOM=$((SEED % 32768))
first=1

# write WHAT: writes until the power goes.
write() {
	local delay
	delay=$((1 + RANDOM % 3)).$((RANDOM % 10))
	vm "${disks[@]}" --seed $((SEED + first)) --out "$dir/plans" \
		"$dir/write" "$1" $delay $first >"$dir/said" 2>&1 || true
	tr -d '\r' <"$dir/said" | grep -E '^done [0-9]+ [0-9]+$' >"$dir/journal" || {
		cat "$dir/said"
		fail "nothing was written"
	}
	echo "$(wc -l <"$dir/journal") writes were acknowledged"
}

rounds=${MD_LONG:+15}
rounds=${rounds:-2}
for ((round = 0; round < rounds; round++)); do
	note "round $round"
	write healthy
	# A disk is lost with the power: another world, of copies.
	lost=$((RANDOM % 4))
	copies=()
	for n in "${!sizes[@]}"; do
		cp --sparse=always "$dir/disk$n" "$dir/copy$n"
		copies+=(--disk "$dir/copy$n")
	done
	truncate -s 0 "$dir/copy$lost"
	truncate -s "${sizes[lost]}" "$dir/copy$lost"
	note "without disk $lost"
	vm "${copies[@]}" "$dir/refuse" || fail "it is used without disk $lost"
	note "disk $lost is back"
	cp --sparse=always "$dir/disk$lost" "$dir/copy$lost"
	vm "${copies[@]}" --share "$dir/made" --out "$dir/out" "$dir/check_all" ||
		fail "it cannot be read when the disk is back"
	judge "$dir/out/sectors" "$dir/plans/plan" "$dir/journal" "$dir/before" ||
		fail "a write was lost by the refusal"
	note "with all disks"
	vm "${disks[@]}" --out "$dir/out" "$dir/check_all" || fail "it cannot be read"
	judge "$dir/out/sectors" "$dir/plans/plan" "$dir/journal" "$dir/before" ||
		fail "a write was lost"
	cp "$dir/out/sectors" "$dir/before"
	first=$((first + 1000000))
done

note "a disk was missing before"
write degraded
vm "${disks[@]}" "$dir/refuse" || fail "it is used without the disk that was missing"
