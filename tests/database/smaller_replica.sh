#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a replica that is smaller than the others joins although records stand in pages whose
#         numbers are larger than it has slots: they are found, taken away, and loaded
# Clause: DURABILITY 5, 20; issue 6
# Lanes: drawn
# Vm: --disks 4 --disk-size 512M
# Timeout: 300
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"

components() { printf '/dev/mapper/c%d ' $(seq "$1" "$2"); }

# pages: the numbers of the pages that the first replica has records in.
pages() { mdctl dump /dev/sda | awk '$1 == "Records" { print $2 }' | xargs; }

# made NAME FIRST LAST: a metadevice with these components, in a row each.
made() {
	run metainit "$1" 1 1 "/dev/mapper/c$2"
	# shellcheck disable=SC2046
	run metattach "$1" $(components $(($2 + 1)) "$3") >/tmp/said
}

modprobe md_rs
modprobe dm_mod
for ((n = 0; n < 430; n++)); do
	printf 'c%d,,,rw,0 2200 linear /dev/sdb %d;' $n $((n * 2200))
done | sed 's/;$//' >/tmp/table
dmsetup create --concise "$(cat /tmp/table)"
run dmsetup mknodes
run metadb -a -f -l 1024 /dev/sda

note "long records, and behind them one that needs pages of its own"
made d20 0 199
made d30 200 389
made d21 390 392
note "pages: $(pages)"
run metaclear d20
run metaclear d30
note "pages of what is left: $(pages)"
last=$(pages | awk '{ print $NF }')
slots=10
[ "$last" -ge $slots ] || fail "page $last: a replica of 64 KiB has a number for it"

note "a replica with $slots slots, once what is left is in some of these"
for ((n = 393; n < 400; n++)); do
	metadb -a -l 128 /dev/sdc >/tmp/said 2>&1 && break
	run metattach d21 /dev/mapper/c$n
done
cat /tmp/said
same "replicas" 2 "$(metadb | grep -c /dev/sd)"

size=$(blockdev --getsz /dev/md/dsk/d21)

note "it is there after the next start"
run mdctl stop
run mdctl start
same "metadevices" d21 "$(metastat -p | awk '/^d/ { print $1 }' | xargs)"
same "size" "$size" "$(blockdev --getsz /dev/md/dsk/d21)"
same "page" "$last" "$(pages)"

note "it goes, and is gone after the next start"
run metaclear d21
run mdctl stop
run mdctl start
same "metadevices" "" "$(metastat -p | awk '/^d/ { print $1 }' | xargs)"
for disk in /dev/sda /dev/sdc; do
	mdctl dump $disk | grep 'All of it is whole' || fail "$disk is damaged"
done
