#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: without any other choice the machine panics when a disk that it has is taken: at the next
#         probe, and at once when a write through a metadevice is refused; with 'restart' it is
#         restarted. With access all the time nothing happens, nor when the machine sleeps; what is
#         lost when it goes on is found.
# Clause: issue 10: mhd(7I) MHIOCENFAILFAST
# Lanes: drawn
# Runs: host
# Timeout: 300
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

cat >"$dir/lose" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
. "$MD_TEST_LIB/lio.sh"
modprobe md_rs
# shellcheck disable=SC2119
shared_disk
run metainit d10 1 1 "$ours"
run mdctl mhd take "$ours" --min 2000
run mdctl mhd failfast "$ours" "$2"
[ -z "${3:-}" ] || run mdctl mhd action "$ours" "$3"
run dd if=/dev/zero of=/dev/md/dsk/d10 bs=4k count=1 oflag=direct conv=notrunc status=none
sleep 3
note "all is well so far"
[ "$1" != nothing ] || exit 0
if [ "$1" = asleep ]; then
	# The machine stops all tasks for 5 seconds, as before it sleeps, and goes on.
	echo freezer >/sys/power/pm_test
	before=$(mhd_says "$ours" .probes)
	run sh -c 'echo freeze >/sys/power/state'
	after=$(mhd_says "$ours" .probes)
	note "$before probes before, $after after that"
	[ $((after - before)) -lt 15 ] || fail "it was asked while the machine slept"
	is_asked() { [ "$(mhd_says "$ours" .probes)" -gt $((after + 5)) ]; }
	wait_for 10 is_asked
	same "lost" null "$(mhd_says "$ours" .lost)"
	(sleep 2 && rival_seizes) &
	run sh -c 'echo freeze >/sys/power/state'
	wait
fi
[ "$1" = asleep ] || run rival_seizes
[ "$1" != write ] || dd if=/dev/zero of=/dev/md/dsk/d10 bs=4k count=1 oflag=direct conv=notrunc
sleep 20
fail "the machine is still there"
GUEST

vm() { timeout 150 scripts/vm --disks 1 --disk-size 16M "$@"; }
panic='md: failfast: .*: reservation lost'
text='reservation lost'

note "a probe finds it ($panic)"
run vm --expect-panic "$text (found by a probe)" "$dir/lose" probe 1000
note "a write finds it"
run vm --expect-panic "$text (found by a read or write" "$dir/lose" write 600000
note "with access nothing happens"
run vm "$dir/lose" nothing 200
note "a machine that has slept"
run vm --expect-panic "$text (found by a probe)" "$dir/lose" asleep 200
note "a restart"
status=0
vm --console "$dir/console" "$dir/lose" probe 1000 restart || status=$?
same "status of a machine that went away" 86 $status
grep "$text (found by a probe): the machine is restarted" "$dir/console" || fail "not restarted"
! grep 'Kernel panic' "$dir/console" || fail "that was a panic"
