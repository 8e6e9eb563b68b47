#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a disk that is not there when its set is started, or is pulled while nobody uses the
#         mirror, is Unavailable and no more: others are read, nothing is recorded, no hot spare
#         takes over. When it is back, with a start or with 'metastat -i', nothing is copied but
#         what may have been in its cache. The first write that misses it puts it out of service,
#         and then it is not taken back unasked.
# Clause: svm.md 4.7, 13.3 (22); DURABILITY 5, 7, 8, 18; issue 7
# Lanes: drawn
# Vm: --disks 6 --disk-size 32M
# Timeout: 400
# What is compared: states; what is read with what was written; sectors written to the disk since it
# is back; the sides.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

d10=/dev/md/dsk/d10
region=2048

is_there() { [ -n "$(disk_named disk1)" ]; }
is_gone() { [ -z "$(disk_named disk1)" ]; }
away() {
	run vmctl unplug disk1
	wait_for 20 is_gone
}
back() {
	run vmctl plug disk1
	wait_for 20 is_there
}

# clean: no region of d10 is recorded as dirty.
clean() {
	mdctl dump /dev/sda >/tmp/dump || true
	grep -A 1 'd10: mirror' /tmp/dump | grep -qE ' 0 dirty'
}

# write_block REGION: one block in the middle of a region.
write_block() {
	dd if=/dev/urandom of=$d10 bs=4k count=1 seek=$(($1 * region / 8 + 100)) oflag=direct \
		status=none
}

# invoked NAME: what metastat says to type for a metadevice, in one line.
invoked() { metastat "$1" | grep -A 1 'Invoke: ' | grep -vE 'Size:|--' | xargs; }

# few WHAT: so few sectors were written to the disk, that nothing was copied: its label was.
few() {
	local count
	count=$(count_of "$(disk_named disk1)" sectors_written)
	echo "$1: $count sectors written to the disk since it is back, at most 256"
	[ "$count" -le 256 ] || fail "$1: $count sectors were written to the disk"
}

spares() { metahs -i hsp001 --json | jq -r '.hot_spare_pools[0].spares[].status'; }

modprobe md_rs
run metadb -a -f /dev/sda
run metadb -a /dev/sdd
run metainit hsp001 /dev/sde
run metainit d11 1 1 /dev/sdb -h hsp001
run metainit d12 1 1 /dev/sdc
run metainit d13 1 1 /dev/sdf
for name in d11 d12; do run blkdiscard -zf /dev/md/dsk/$name; done
run metainit --assume-clean d10 -m d11 d12
dd if=/dev/urandom of=$d10 bs=1M oflag=direct status=none 2>/dev/null || true
sum=$(checksum $d10)
wait_for 60 clean

note "a disk is missing at the start: it is not there, and nothing is wrong with it"
run mdctl stop
away
run mdctl start
same "states" "Unavailable,Okay" "$(states d10)"
same "states" "Unavailable" "$(states d11)"
same "what to type" "Invoke: after the missing device is back: metastat -i d10" "$(invoked d11)"

note "the mirror is read, and flushed, as if nothing was"
# The side's own disk was looked at for partitions.
failed=$(errors d11 0 read)
same "checksum" "$sum" "$(checksum $d10)"
run sync $d10
run blockdev --flushbufs $d10
exec 3<$d10
run metastat -i d10
exec 3<&-
same "states" "Unavailable,Okay" "$(states d10)"
same "reads that failed" "$failed" "$(errors d11 0 read)"
same "writes that failed" 0 "$(errors d11 0 write)"

note "started with the disk it is in service again, and nothing is copied"
run mdctl stop
back
run mdctl start
same "states" "Okay,Okay" "$(states d10)"
few "after a start"
same_sides d10

note "it is back without a restart"
run mdctl stop
away
run mdctl start
same "states" "Unavailable,Okay" "$(states d10)"
back
same "states" "Unavailable,Okay" "$(states d10)"
run metastat -i d10
same "states" "Okay,Okay" "$(states d10)"
same "components" "Okay" "$(states d11)"
few "after metastat -i"
same "checksum" "$sum" "$(checksum $d10)"
write_block 3
same_sides d10

note "it is pulled while nobody uses the mirror, and put back"
wait_for 60 clean
away
same "states" "Unavailable,Okay" "$(states d10)"
run dd if=$d10 of=/dev/null bs=1M iflag=direct status=none
same "states" "Unavailable,Okay" "$(states d10)"
back
# What the boot has udev call for each disk that appears.
run mdctl start --when-complete
same "states" "Okay,Okay" "$(states d10)"
few "after it was pulled"
write_block 4
same_sides d10

note "what was written just before may have been in its cache, and is copied"
# As long as a side is offline, no region becomes clean.
run metattach -w d10 d13
write_block 5
run metaoffline d10 d13
write_block 6
away
back
run metastat -i d10
wait_for 30 states_are d10 "Okay,Okay,Offline"
count=$(count_of "$(disk_named disk1)" sectors_written)
echo "$count sectors written to the disk since it is back"
[ "$count" -ge $((2 * region)) ] || fail "not all that may be lost was copied: $count sectors"
[ "$count" -le $((6 * region)) ] || fail "more was copied than what may be lost: $count sectors"
run metaonline -w d10 d13
same_sides d10
run metadetach d10 d13

note "with the first write it is out of service, and a hot spare takes over then"
wait_for 60 clean
run mdctl stop
away
run mdctl start
same "states" "Unavailable,Okay" "$(states d10)"
same "hot spares" "Available" "$(spares)"
run metaparam -h none d11
write_block 7
same "states" "Needs maintenance,Okay" "$(states d10)"
back
run metastat -i d10
same "states" "Needs maintenance,Okay" "$(states d10)"
run mdctl stop
run mdctl start
same "states" "Needs maintenance,Okay" "$(states d10)"
disk=$(disk_named disk1)
same "what to type" "Invoke: metareplace d10 $disk <new device>" "$(invoked d11)"
run metareplace -e -w d10 "$disk"
same "states" "Okay,Okay" "$(states d10)"
same_sides d10

run mdctl stop
away
run mdctl start
run metaparam -h hsp001 d11
same "states" "Unavailable,Okay" "$(states d10)"
write_block 8
wait_for 30 states_are d10 "Okay,Okay"
same "hot spares" "In use" "$(spares)"
same_sides d10
run metaclear -r d10
run metaclear d13
run mdctl stop
run modprobe -r md_mirror md_stripe md_rs
