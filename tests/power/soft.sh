#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: the power is cut while soft partitions are made, grow, shrink and are cleared, at moments
#         that the seed decides, on disks that lose what was not flushed. At the next boot the set
#         starts; watermarks and records agree; every change that was confirmed is there, of the one
#         that was not all or nothing; and the data of one that no change concerns is what it was.
# Clause: svm.md 6.4; DURABILITY 2, 4, 5, 7, 24; issue 8
# Lanes: drawn
# Runs: host
# Timeout: 900
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/boots.sh
. "$MD_TEST_LIB/boots.sh"

# Replicas are on two disks; the soft partitions are on the third one. d29 stands behind the others,
# and what is on it is the same all the time.
cat >"$dir/make" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
modprobe md_rs
run metadb -a -f /dev/sda
run metadb -a /dev/sdb
run metainit d29 -p /dev/sdc -o 12288 -b 2048
head -c 1M /dev/zero | tr '\0' x |
	dd of=/dev/md/dsk/d29 bs=1M iflag=fullblock oflag=direct status=none
run mdctl stop
GUEST

cat >"$dir/change" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
. "$MD_TEST_LIB/confirm.sh"
modprobe md_rs
mdctl start
confirm 0
for _ in $(seq 1000); do
	metainit d20 -p /dev/sdc 1m >/dev/null; confirm 1
	metainit d21 -p /dev/sdc 1m >/dev/null; confirm 2
	metattach d20 2m >/dev/null; confirm 3
	metattach d21 1m >/dev/null; confirm 4
	metattach -f --shrink d20 2m >/dev/null; confirm 5
	metaclear d20 >/dev/null; confirm 6
	metaclear d21 >/dev/null; confirm 0
done
GUEST

# Each soft partition is shown with the number of its MiB.
may_be=(
	'^$|^d20:1$'
	'^d20:1$|^d20:1 d21:1$'
	'^d20:1 d21:1$|^d20:3 d21:1$'
	'^d20:3 d21:1$|^d20:3 d21:2$'
	'^d20:3 d21:2$|^d20:2 d21:2$'
	'^d20:2 d21:2$|^d21:2$'
	'^d21:2$|^$'
)

cat >"$dir/check" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
modprobe md_rs
run mdctl start
found=$(metastat --json |
	jq -r '.metadevices[] | select(.name != "d29") | "\(.name):\(.size / 1048576)"' |
	sort | xargs)
run metarecover -v /dev/sdc -p
printf 'found: %s\n' "$found"
same "data" "$(head -c 1M /dev/zero | tr '\0' x | sha256sum)" \
	"$(dd if=/dev/md/dsk/d29 bs=1M iflag=direct status=none | sha256sum)"
all_current() { [ "$(metadb | grep -c ' au ')" = 2 ]; }
wait_for 20 all_current
for unit in d20 d21; do metaclear $unit >/dev/null 2>&1 || true; done
run metarecover /dev/sdc -p
run mdctl stop
GUEST

add_disks 16M 16M 16M
boot "$dir/make" || fail "the set was not made"
cut_changes 3 50
