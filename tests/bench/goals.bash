# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# Sourced by benchmarks: their goals, and whether these are reached.

# goal NAME NUMBER NUMBER RELATION LIMIT: says whether the ratio of two numbers is as it should be. If
# it is not, $missed is 1.
goal() {
	awk -v name="$1" -v a="$2" -v b="$3" -v how="$4" -v limit="$5" 'BEGIN {
		if (a !~ /^[0-9.]+$/ || b !~ /^[0-9.]+$/ || b == 0) {
			printf "%-32s %s over %s is no figure: MISSED\n", name, a, b
			exit 1
		}
		ratio = a / b
		reached = how == "<=" ? ratio <= limit : ratio >= limit
		printf "%-32s %6.2f, wanted %s %s: %s\n", name, ratio, how, limit,
			reached ? "reached" : "MISSED"
		exit !reached
	}' || missed=1
}

# resync_goals DISK RATE READ WRITE MD_READ MD_WRITE: those of resyncs: the rates of the slower disk
# and of a resync that is left alone, and the p99 of reads and writes beside one, ours and md's.
# Fails if one is missed.
resync_goals() {
	local missed=0
	goal "resync over the slower disk" "${2:-}" "${1:-}" '>=' 0.9
	goal "p99 of reads beside it over md's" "${3:-}" "${5:-}" '<=' 1
	goal "p99 of writes beside it over md's" "${4:-}" "${6:-}" '<=' 1
	return $missed
}
