#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: what failfast does with the disks of a set is kept in its state database: it is so again
#         when the set is started, after a stop and after the power went, also for a device that
#         became the set's later; it ends with a stop; and what is said of other disks is not kept.
# Clause: issue 10: action and period are kept in the state database for disks of a set
# Lanes: drawn
# Runs: host
# Timeout: 240
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/boots.sh
. "$MD_TEST_LIB/boots.sh"

cat >"$dir/says" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
modprobe md_rs
# says DISK FAILFAST ACTION RECORDED: what 'mdctl mhd status' says of it.
says() {
	same "$1" "$2 $3 $4" "$(mdctl mhd status --json "$1" |
		jq -r '.multihost[0] | "\(.failfast_ms) \(.action) \(.recorded)"')"
}
probes() { mdctl mhd status --json "$1" | jq -r '.multihost[0].probes'; }
is_asked() { [ "$(probes "$1")" -gt 2 ]; }
GUEST

cat >"$dir/choose" <<'GUEST'
. /host/says
run metadb -a -f -c 2 /dev/sdc
run metadb -a -c 2 /dev/sdd
printf 'size=8M\nsize=8M\n' | run sfdisk -q /dev/sdb
run metainit d10 1 1 /dev/sda
run metainit d11 1 1 /dev/sdb1

note "chosen"
run mdctl mhd failfast /dev/sda 500
says /dev/sda 500 panic true
run mdctl mhd action /dev/sda fence
says /dev/sda 500 fence true
run mdctl mhd failfast /dev/sdb1 300
says /dev/sdb 300 panic true
run mdctl mhd action /dev/sdc log
says /dev/sdc 0 log true
run mdctl mhd failfast /dev/sde 500
says /dev/sde 500 panic false
run mdctl mhd failfast /dev/sde off
run mdctl mhd status /dev/sda

note "another device on a disk that is watched, and the first one goes"
run metainit d12 1 1 /dev/sdb2
run metaclear d11

note "it ends with a stop, and begins with a start"
run mdctl stop
says /dev/sda 0 panic false
says /dev/sdc 0 panic false
run modprobe -r md_failfast
run mdctl start
says /dev/sda 500 fence true
says /dev/sdb 300 panic true
says /dev/sdc 0 log true
wait_for 20 is_asked /dev/sda
# A disk with nothing but replicas has no label, which the dump says as well.
(mdctl dump /dev/sdc || true) | tee /dev/stderr |
	grep -q 'Failfast every 500 ms, when lost fence' ||
	fail "it is not in the dump"

note "not any more"
run mdctl mhd failfast /dev/sdb off
says /dev/sdb 0 panic false
run mdctl mhd failfast /dev/sda 400
vmctl cut
GUEST

cat >"$dir/check" <<'GUEST'
. /host/says
run mdctl start
says /dev/sda 400 fence true
says /dev/sdb 0 panic false
says /dev/sdc 0 log true
wait_for 20 is_asked /dev/sda
mdctl monitor --once
! mdctl monitor --once | grep -E ' (lost|fenced)' || fail "nothing was lost"
GUEST

add_disks 64M 64M 16M 16M 16M
run boot --share "$dir" --seed "$SEED" "$dir/choose"
run boot --share "$dir" "$dir/check"
