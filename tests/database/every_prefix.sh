#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: every write to a replica is recorded, and after each of them the power could have gone: a
#         set that is loaded from what was written by then has all changes that were confirmed, the
#         one in progress or not, and nothing else.
# Clause: DURABILITY 4, 7; issue 6: dm-log-writes
# Lanes: drawn
# Vm: --disks 4 --disk-size 32M
# Timeout: 400
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/log_writes.sh
. "$MD_TEST_LIB/log_writes.sh"

units() { metastat -p | sort | awk '{ print $1 ($1 == "d10" && / -r / ? "r" : "") }' | xargs; }

replay_tool
modprobe md_rs
modprobe loop
size=$((2048 * 2))
logged_disk logged $size /dev/sdb /dev/sdc
run metadb -a -f /dev/mapper/logged
# What there is after each change.
states=()
changes=("metainit d1 1 1 /dev/sda" "metainit d10 -m d1" "metaparam -r first d10"
	"metainit d2 1 1 /dev/sdd" "metaclear d10" "metaclear d2")
states+=("$(units)")
mark logged 0
for n in "${!changes[@]}"; do
	# shellcheck disable=SC2086
	run ${changes[n]}
	mark logged $((n + 1))
	states+=("$(units)")
done
run mdctl stop
end_log logged /dev/sdb

# The set is loaded from a copy each time, since a start writes, too.
truncate -s $((size * 512)) /tmp/image
coproc REPLAY { /tmp/replay /dev/sdc /tmp/image; }
# It is gone from the shell as soon as it has ended.
exec {from}<&"${REPLAY[0]}" {to}>&"${REPLAY[1]}"
writes=0 without=0
while read -r mark <&"$from"; do
	writes=$((writes + 1))
	# The mark that device-mapper makes by itself when the device goes.
	[ "$mark" != dm-log-writes-end ] || mark=$((${#states[@]} - 1))
	cp /tmp/image /tmp/copy
	loop=$(losetup -f --show /tmp/copy)
	if mdctl start >/tmp/said 2>&1; then
		found=$(units)
		mdctl stop >/dev/null
	else
		found="no set"
		without=$((without + 1))
	fi
	losetup -d "$loop"
	if [ "$mark" = none ]; then
		may_be=("no set" "")
	else
		may_be=("${states[mark]}" "${states[mark + 1]-${states[mark]}}")
	fi
	[ "$found" = "${may_be[0]}" ] || [ "$found" = "${may_be[1]}" ] || {
		cat /tmp/said
		fail "write $writes, after change $mark: found '$found', not one of '${may_be[*]}'"
	}
	echo >&"$to"
done
exec {from}<&- {to}>&-
echo "$writes writes, $without of them before there was a set"
[ $writes -gt 20 ] || fail "too few writes: this shows nothing"
same "after the last one" "${states[-1]}" "$found"
