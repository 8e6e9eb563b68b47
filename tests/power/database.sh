#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: the power is cut while metadevices are made, changed and cleared, at moments that the seed
#         decides, on disks that lose what was not flushed. At the next boot the set starts, and has
#         every change that was confirmed; of the one that was not, all or nothing.
# Clause: DURABILITY 2, 4, 7, 24; issue 6
# Lanes: stock
# Runs: host
# Timeout: 900
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/boots.sh
. "$MD_TEST_LIB/boots.sh"

# The disks are one with a replica, two with replicas and components, and one that is a component.
cat >"$dir/make" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
modprobe md_rs
run metadb -a -f /dev/sda
run metadb -a /dev/sdb /dev/sdc
run mdctl stop
GUEST

cat >"$dir/change" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
. "$MD_TEST_LIB/confirm.sh"
modprobe md_rs
mdctl start
confirm 0
for n in $(seq 1000); do
	metainit d11 1 1 /dev/sdb >/dev/null; confirm 1
	metainit d12 1 1 /dev/sdc >/dev/null; confirm 2
	metainit d10 -m d11 d12 >/dev/null 2>&1; confirm 3
	metaparam -r first -p $((n % 10)) d10 >/dev/null; confirm 4
	metainit d20 1 1 /dev/sdd >/dev/null; confirm 5
	metaclear -r d10 >/dev/null; confirm 6
	metaclear d20 >/dev/null; confirm 0
done
GUEST

# Or one of the metadevices that "metaclear -r" clears one after the other. d10r has its read
# option.
may_be=(
	'^$|^d11$'
	'^d11$|^d11 d12$'
	'^d11 d12$|^d10 d11 d12$'
	'^d10 d11 d12$|^d10r d11 d12$'
	'^d10r d11 d12$|^d10r d11 d12 d20$'
	'^d10r d11 d12 d20$|^d11 d12 d20$|^d12 d20$|^d20$'
	'^d20$|^$'
)

cat >"$dir/check" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
modprobe md_rs
run mdctl start
metadb -i
found=$(metastat -p | sort | awk '{ print $1 ($1 == "d10" && / -r / ? "r" : "") }' | xargs)
printf 'found: %s\n' "$found"
# A start waits for a quorum of them.
all_current() { [ "$(metadb | grep -c ' au ')" = 3 ]; }
wait_for 20 all_current
for unit in $(metastat -p | awk '{ print $1 }'); do
	dd if=/dev/md/dsk/$unit of=/dev/null bs=64k count=16 status=none
done
metaclear -a >/dev/null
run mdctl stop
GUEST

add_disks 16M 16M 16M 16M
boot "$dir/make" || fail "the set was not made"
cut_changes 3 50
