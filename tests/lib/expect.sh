# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by scenarios: . "$MD_TEST_LIB/expect.sh"
# Each helper prints what it does, so that the end of the output tells where a scenario stood.

set -euo pipefail

# note TEXT...: says what comes next.
note() { printf '== %s\n' "$*"; }

# fail TEXT...: ends the scenario; the text says what was expected and what was found.
fail() {
	printf 'FAILED: %s\n' "$*" >&2
	exit 1
}

# skip TEXT...: ends the scenario, which cannot show anything here; the text says why. That is
# counted as skipped.
skip() {
	printf 'skipped: %s\n' "$*"
	exit 77
}

# run COMMAND [ARG...]: shows a command, then runs it; it must succeed.
run() {
	printf '$ %s\n' "$*"
	"$@" || fail "'$*' ended with status $?"
}

# refuse PATTERN COMMAND [ARG...]: the command must fail, and say something that matches the
# extended regular expression.
refuse() {
	local pattern=$1 said status=0
	shift
	printf '$ %s   (must be refused)\n' "$*"
	said=$("$@" 2>&1) || status=$?
	printf '%s\n' "$said"
	[ $status != 0 ] || fail "'$*' was not refused"
	grep -qE -- "$pattern" <<<"$said" ||
		fail "'$*' was refused, but not with a message like '$pattern'"
}

# same WHAT EXPECTED FOUND: two values must be equal.
same() {
	[ "$2" = "$3" ] || fail "$1: expected '$2', found '$3'"
	printf '%s: %s\n' "$1" "$3"
}

# by_lane NORMAL LONG DEBUG: how many, in 'make test', in 'make test-long', and on the debug kernel,
# on which everything takes ten times as long.
by_lane() {
	local normal=$1 long=$2 debug=$3
	if [ -e /proc/lockdep_stats ]; then
		echo "$debug"
	elif [ -n "${MD_LONG:-}" ]; then
		echo "$long"
	else
		echo "$normal"
	fi
}

# wait_for SECONDS COMMAND [ARG...]: repeats a command until it succeeds.
wait_for() {
	local seconds=$1 end
	shift
	printf '$ %s   (within %s s)\n' "$*" "$seconds"
	end=$((SECONDS + seconds))
	until "$@"; do
		[ $SECONDS -lt $end ] || fail "'$*' did not become true within $seconds s"
		sleep 0.1
	done
}
