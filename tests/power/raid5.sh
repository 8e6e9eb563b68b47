#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: the power is cut while RAID5 is written to, on disks that lose what was not flushed. At
#         the next boot the logs are carried out: sectors that nobody was writing are what they
#         were, those that somebody was are old or new; the parity is right; and the same is read
#         with any one disk missing, also if it is gone before the logs are carried out, and if
#         one was missing before the power went. Half of the writes are durable at once, the others
#         are flushed: rows that these write as a whole are in the logs without their data, and what
#         a disk had of them that went with the power may read as an error.
# Clause: DURABILITY 7, 15, 16, 24; svm.md 5.6; issue 9
# Lanes: stock
# Runs: host
# Timeout: 900
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/raid_power.sh
. "$MD_TEST_LIB/raid_power.sh"

disks=()
# Columns, of which the log is a third, and disks for replicas.
sizes=(12M 12M 12M 12M 24M 24M)
for n in "${!sizes[@]}"; do
	truncate -s "${sizes[n]}" "$dir/disk$n"
	disks+=(--disk "$dir/disk$n")
done
vm "${disks[@]}" --out "$dir/made" "$dir/make" || fail "the set was not made"
seq -f 'sector %.0f 0' 0 $(($(cat "$dir/made/size") - 1)) >"$dir/before"
disks+=(--share "$dir/made")

rounds=${MD_LONG:+15}
rounds=${rounds:-2}
RANDOM=$((SEED % 32768))
first=1
for ((round = 0; round < rounds; round++)); do
	for what in healthy degraded; do
		note "round $round: $what"
		delay=$((1 + RANDOM % 3)).$((RANDOM % 10))
		vm "${disks[@]}" --seed $((SEED + round)) --out "$dir/plans" \
			"$dir/write" $what $delay $first >"$dir/said" 2>&1 || true
		tr -d '\r' <"$dir/said" | grep -E '^done [0-9]+ [0-9]+$' >"$dir/journal" || {
			cat "$dir/said"
			fail "nothing was written"
		}
		echo "$(wc -l <"$dir/journal") writes were acknowledged"
		if [ $what = healthy ]; then
			# A disk is lost with the power: another world, of copies.
			lost=$((RANDOM % 4))
			copies=(--share "$dir/made")
			for n in "${!sizes[@]}"; do
				cp --sparse=always "$dir/disk$n" "$dir/copy$n"
				copies+=(--disk "$dir/copy$n")
			done
			truncate -s 0 "$dir/copy$lost"
			truncate -s "${sizes[lost]}" "$dir/copy$lost"
			note "without disk $lost"
			vm "${copies[@]}" --out "$dir/out" "$dir/check" || fail "without disk $lost"
			judge "$dir/out/sectors" "$dir/plans/plan" "$dir/journal" "$dir/before" ||
				fail "a write was lost with disk $lost"
			note "with all disks"
		fi
		vm "${disks[@]}" --out "$dir/out" "$dir/check" || fail "it cannot be read"
		judge "$dir/out/sectors" "$dir/plans/plan" "$dir/journal" "$dir/before" ||
			fail "a write was lost"
		cp "$dir/out/sectors" "$dir/before"
		first=$((first + 1000000))
	done
done
