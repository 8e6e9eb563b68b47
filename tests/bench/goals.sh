#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a benchmark whose goal is missed says so and fails: a resync slower than 0.9 of the slower
#         disk, requests beside it that take longer than beside md's, and figures that are none.
# Clause: issue 7: resync; docs/performance.md
# Lanes: stock,nodebug
# Runs: host
# Timeout: 60
set -euo pipefail

# shellcheck source=tests/bench/goals.bash
. tests/bench/goals.bash

fail() {
	printf 'error: %s\n' "$*" >&2
	exit 1
}

# missed COUNT FIGURE...: so many goals are missed by these.
missed() {
	local wanted=$1 said status=0
	shift
	said=$(resync_goals "$@") || status=1
	printf '%s\n' "$*" "$said"
	[ "$(grep -c MISSED <<<"$said")" = "$wanted" ] || fail "not $wanted goals are missed"
	[ $status = $((wanted > 0)) ] || fail "the status is $status"
}

#        disk  rate  ours        md
missed 0 175.5 174.5 14200 14200 16600 15500
missed 0 175.5 158.0 16600 15500 16600 15500
missed 1 175.5 157.9 14200 14200 16600 15500
missed 1 175.5 174.5 16601 14200 16600 15500
missed 1 175.5 174.5 14200 15501 16600 15500
missed 3 175.5 100.0 20000 20000 16600 15500
missed 3
missed 2 175.5 174.5 14200 14200
missed 1 175.5 null 14200 14200 16600 15500
