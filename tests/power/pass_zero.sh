#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a mirror with pass 0 is not resynced after the power was cut while it was written to: it
#         is Okay, and neither a resync nor a read makes its sides equal.
# Clause: svm.md 4.6, 13.3 (26); issue 7
# Lanes: drawn
# Runs: host
# Timeout: 300
# What is compared: regions that are dirty, as "mdctl dump" shows them; what metastat says; sectors
# that the disk of the second side was written with, as it counts them.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/boots.sh
. "$MD_TEST_LIB/boots.sh"

cat >"$dir/write" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
modprobe md_rs
run mdctl start
run metaparam -p 0 d10
run dd if=/dev/urandom of=/dev/md/dsk/d10 bs=64k count=64 oflag=direct conv=notrunc status=none
vmctl cut
GUEST

cat >"$dir/check" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
. "$MD_TEST_LIB/disks.sh"
. "$MD_TEST_LIB/mirror.sh"
dirty=$({ mdctl dump /dev/sdc || true; mdctl dump /dev/sdd || true; } |
	sed -n 's/.*blocks, \([0-9]*\) dirty.*/\1/p' | sort -n | tail -n 1)
same "dirty regions" 4 "$dirty"
modprobe md_rs
run mdctl start
run metastat d10
same "pass" 0 "$(described d10 .pass)"
same "states" Okay,Okay "$(states d10)"
same "resync" null "$(described d10 .resync)"
run dd if=/dev/md/dsk/d10 of=/dev/null bs=64k iflag=direct status=none
sleep 2
same "resync" null "$(described d10 .resync)"
same "sectors that were copied" 0 "$(count_of /dev/sdb sectors_written)"
run mdctl stop
GUEST

boot_limit=100
add_disks 32M 32M 32M 32M
make_mirror_set sdc sdd
boot --seed "$SEED" "$dir/write" >"$dir/said" 2>&1 || true
cat "$dir/said"
grep -q '^\$ dd' "$dir/said" || fail "the mirror was not written to"
boot "$dir/check"
