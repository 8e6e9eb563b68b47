#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: disks that come in another order, by other names, are found by what is written on them;
#         one that is missing makes its concat Unavailable, and nothing else.
# Clause: DURABILITY 18; issue 6
# Lanes: drawn
# Vm: --disks 4 --disk-size 32M
# Timeout: 300
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

modprobe md_rs
# The same disks by other names: linear maps, made anew in another order.
names() {
	local n=0 disk
	for disk in "$@"; do
		mapped "m$n" "0 $(blockdev --getsz "/dev/sd$disk") linear /dev/sd$disk 0"
		n=$((n + 1))
	done
}
unname() { for n in 0 1 2; do run dmsetup remove "m$n"; done; }

names a b c
run metadb -a -f /dev/mapper/m0
run metadb -a /dev/mapper/m1 /dev/mapper/m2
run metainit d1 1 1 /dev/mapper/m0
run metainit d2 1 1 /dev/mapper/m1
run metainit d3 1 1 /dev/mapper/m2
for n in 1 2 3; do
	printf 'this is d%s\n' $n >/tmp/words
	truncate -s 64K /tmp/words
	dd if=/tmp/words of=/dev/md/dsk/d$n bs=64k oflag=direct status=none
done
is_there() { [ -n "$(disk_named "$1")" ]; }
is_gone() { [ -z "$(disk_named "$1")" ]; }
check() {
	for n in "$@"; do
		same "first words of d$n" "this is d$n" "$(head -n 1 "/dev/md/dsk/d$n")"
	done
}
check 1 2 3
run mdctl stop

note "in another order"
unname
names c a b
run mdctl start
check 1 2 3
metastat -p
run mdctl stop

note "one is missing"
run dmsetup remove m0
run vmctl unplug disk2
wait_for 20 is_gone disk2
run mdctl start
check 1 2
same "state of d3" Unavailable "$(states d3)"
refuse 'Input/output error' \
	dd if=/dev/md/dsk/d3 of=/dev/null bs=64k count=1 iflag=direct status=none
run mdctl stop

note "it is back"
run vmctl plug disk2
wait_for 20 is_there disk2
run mdctl start
check 1 2 3
run mdctl stop
