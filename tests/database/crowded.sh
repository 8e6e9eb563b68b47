#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: in a state database that is full, more changes of state at once than there is room for
#         in one commit share several: nobody is refused, and everybody is recorded.
# Clause: DURABILITY 4, 5, 7; issue 6
# Lanes: drawn
# Vm: --disks 3 --disk-size 384M
# Timeout: 300
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"

mirrors=12
commits() { metadb --json | jq .database.commits; }
# components FIRST LAST: as a command lists them, a row each.
components() { printf '1 /dev/mapper/c%d ' $(seq "$1" "$2"); }

modprobe md_rs
modprobe dm_mod
# Mirrors of four sides with as many regions as there can be: a page of the database for each. What
# is written to them is not kept, which does not matter here.
{
	for ((n = 0; n < mirrors * 4; n++)); do
		printf 'z%d,,,rw,0 8390656 zero;' $n
	done
	for ((n = 0; n < 300; n++)); do
		printf 'c%d,,,rw,0 2200 linear /dev/sdb %d;' $n $((n * 2200))
	done
} | sed 's/;$//' >/tmp/table
dmsetup create --concise "$(cat /tmp/table)"
run dmsetup mknodes
size=$(blockdev --getsz /dev/sda)
mapped r0 "0 $size linear /dev/sda 0"
mapped r1 "0 $size linear /dev/sdc 0"
run metadb -a -f -l 280 /dev/mapper/r0
run metadb -a -l 280 /dev/mapper/r1
for ((n = 0; n < mirrors; n++)); do
	sides=()
	for ((side = 0; side < 4; side++)); do
		name=d$((100 + n * 4 + side))
		run metainit $name 1 1 /dev/mapper/z$((n * 4 + side))
		sides+=("$name")
	done
	run metainit --assume-clean d$((10 + n)) -m "${sides[@]}"
done

note "the database is filled up"
for ((n = 0; n < 15; n++)); do
	# shellcheck disable=SC2046
	metainit d$((200 + n)) 20 $(components $((n * 20)) $((n * 20 + 19))) >/tmp/said 2>&1 ||
		break
done
cat /tmp/said
grep -q 'the state database is full' /tmp/said || fail "there is room for any number"

note "all mirrors are written to at once, while a commit takes its time"
remap r0 "0 $size delay /dev/sda 0 0 /dev/sda 0 1000"
remap r1 "0 $size delay /dev/sdc 0 0 /dev/sdc 0 1000"
before=$(commits)
writers=()
for ((n = 0; n < mirrors; n++)); do
	dd if=/dev/zero of=/dev/md/dsk/d$((10 + n)) bs=4k count=1 seek=5000 oflag=direct \
		status=none &
	writers+=($!)
done
for n in "${!writers[@]}"; do
	wait "${writers[n]}" || fail "the write to d$((10 + n)) has failed"
done
cost=$(($(commits) - before))
echo "$mirrors writes cost $cost commits"
[ $cost -le $((mirrors / 2)) ] || fail "hardly any shared a commit: this shows nothing"
[ $cost -ge 2 ] || fail "there was room for all in one: this shows nothing"
remap r0 "0 $size linear /dev/sda 0"
remap r1 "0 $size linear /dev/sdc 0"
for ((n = 0; n < mirrors; n++)); do
	run dd if=/dev/zero of=/dev/md/dsk/d$((10 + n)) bs=4k count=1 seek=400000 oflag=direct \
		status=none
done
