#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: when the state database has no room for more, what would need it is refused with a reason
#         and has not happened, neither now nor after the next start; changes of state still have
#         room, and so has what makes it smaller.
# Clause: DURABILITY 4, 5; issue 6
# Lanes: drawn
# Vm: --disks 4 --disk-size 384M
# Timeout: 300
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

# units: what there is, without the paths.
units() { metastat -p | sort | awk '{ print $1 }' | xargs; }

components() { printf '/dev/mapper/c%d ' $(seq "$1" "$2"); }

modprobe md_rs
modprobe dm_mod
# Many small components, so that records are long; and a replica with 18 slots, of which the last 8
# are for changes of state.
for ((n = 0; n < 300; n++)); do
	printf 'c%d,,,rw,0 2200 linear /dev/sdb %d;' $n $((n * 2200))
done | sed 's/;$//' >/tmp/table
dmsetup create --concise "$(cat /tmp/table)"
run dmsetup mknodes
sick a /dev/sdc good
mapped b "0 65536 linear /dev/sdd 0"
run metadb -a -f -l 192 /dev/sda
run metainit d1 1 1 /dev/mapper/a
run metainit d2 1 1 /dev/mapper/b
run metainit --assume-clean d10 -m d1 d2
run metainit d20 1 1 /dev/mapper/c0

note "a metadevice grows until there is no room for its record"
last=0
while size=$(blockdev --getsz /dev/md/dsk/d20) && [ $last -lt 280 ]; do
	# shellcheck disable=SC2046
	metattach d20 $(components $((last + 1)) $((last + 20))) >/tmp/said 2>&1 || break
	last=$((last + 20))
done
cat /tmp/said
grep -q 'the state database is full' /tmp/said || fail "it was never full"
[ $last -ge 40 ] || fail "it was full at once"
same "size" "$size" "$(blockdev --getsz /dev/md/dsk/d20)"
same "rows" $((last + 1)) "$(metastat --json d20 | jq '.metadevices[0].rows | length')"
same "holders of the next device" 0 \
	"$(dmsetup info -c --noheadings -o open "c$((last + 1))" | xargs)"

note "no room for another one either, until something smaller is there"
next=$((last + 1))
for ((n = 100; next + 20 <= 300; n++)); do
	# shellcheck disable=SC2046
	metainit d$n 20 $(components $next $((next + 19)) | sed 's|/dev|1 /dev|g') \
		>/tmp/said 2>&1 || break
	next=$((next + 20))
done
cat /tmp/said
grep -q 'the state database is full' /tmp/said || fail "there is room for any number"
refuse 'no such metadevice|not exist' metastat d$n
before=$(units)

note "a change of state has room"
sick a /dev/sdc nothing
run dd if=/dev/zero of=/dev/md/dsk/d10 bs=64k count=1 oflag=direct status=none
same "states" "Maintenance Okay" "$(states d1) $(states d2)"
run metaparam -r first d10

note "a replica that has no room for what there is"
mapped small "0 8192 linear /dev/sdd 65536"
refuse 'replicas of 64 KiB, and at least [1-9][0-9]* KiB are needed' \
	metadb -a -l 128 /dev/mapper/small
same "what is left of it" "" "$(blkid -p -o export /dev/mapper/small)"

note "nothing of what was refused is there after the next start"
sick a /dev/sdc good
run mdctl stop
run mdctl start
same "metadevices" "$before" "$(units)"
same "size" "$size" "$(blockdev --getsz /dev/md/dsk/d20)"
same "states" "Maintenance Okay" "$(states d1) $(states d2)"

note "what is cleared makes room"
run metaclear d20
run metainit d20 1 1 /dev/mapper/c0
# shellcheck disable=SC2046
run metattach d20 $(components 1 20)
