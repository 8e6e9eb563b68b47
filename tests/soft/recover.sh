#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: the whole state database is destroyed, and 'metarecover -d' makes the soft partitions by
#         their watermarks, with the same layout and data, on a disk and on a mirror. Watermarks
#         that are older, of another base, at another place, torn or forged change no layout; one
#         copy is enough, and 'metarecover -m' writes them anew. Other alignments, and those of a
#         stripe, are found as well, and what is added later suits the base.
# Clause: svm.md 6.2, 6.6; DURABILITY 1, 5, 21; issue 8
# Lanes: drawn
# Vm: --disks 4 --disk-size 128M --leaks
# Timeout: 300
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"

# sum UNIT: the checksum of all data of a metadevice.
sum() { dd if=/dev/md/dsk/"$1" bs=1M iflag=direct status=none | sha256sum; }
# fill UNIT: random data, all over it.
fill() {
	head -c "$(described "$1" .size)" /dev/urandom |
		dd of=/dev/md/dsk/"$1" bs=1M iflag=fullblock oflag=direct conv=fsync status=none
}
# page OFFSET [COUNT]: pages of the disk, from standard input, or to it.
put() { dd of=/dev/sda bs=512 seek="$1" oflag=direct iflag=fullblock conv=fsync status=none; }
get() { dd if=/dev/sda bs=512 skip="$1" count="${2:-8}" iflag=direct status=none; }

modprobe md_rs
run metadb -a -f /dev/sdd
run metainit d20 -p /dev/sda 10m
run metainit d21 -p /dev/sda 20m
run metattach d20 5m
run metattach d21 5m
run metainit d11 1 1 /dev/sdb
run metainit d12 1 1 /dev/sdc
run metainit d10 -m d11 d12 --assume-clean
run metainit d30 -p d10 10m
run metainit d31 -p d10 15m
run metattach d30 7m
for unit in d20 d21 d30 d31; do fill $unit; done
before=$(metastat -p d20 d21 d30 d31)
sums=$(for unit in d20 d21 d30 d31; do sum $unit; done)
# A layout that is older: what was on the disk before d21 was shrunk.
dd if=/dev/sda of=/tmp/older bs=512 skip=2048 count=100000 iflag=direct status=none
run metattach --shrink -f d21 22m
run metattach d21 3m
sums=$(for unit in d20 d21 d30 d31; do sum $unit; done)
same "layout" "$before" "$(metastat -p d20 d21 d30 d31)"

# destroy: the state database is gone, and so is what is in memory.
destroy() {
	run mdctl stop
	head -c 16M /dev/zero | dd of=/dev/sdd bs=1M iflag=fullblock oflag=direct status=none
	run modprobe -r md_sp md_mirror md_stripe
	modprobe md_rs
	run metadb -a -f /dev/sdd
	same "metadevices" "" "$(metastat -p)"
}

note "the database is destroyed"
destroy
run metarecover -n /dev/sda -p -d
same "metadevices" "" "$(metastat -p)"
run metarecover -v /dev/sda -p -d
run metainit -f d11 1 1 /dev/sdb
run metainit -f d12 1 1 /dev/sdc
run metainit d10 -m d11 d12 --assume-clean
run metarecover d10 -p -d
same "layout" "$before" "$(metastat -p d20 d21 d30 d31)"
same "data" "$sums" "$(for unit in d20 d21 d30 d31; do sum $unit; done)"
run metarecover /dev/sda -p
run metarecover d10 -p
refuse 'records of its soft partitions' metarecover d10 -p -d

note "one copy of a watermark is enough, and is written anew"
mark=$(($(described d21 '.soft_partition.extents[0].start') / 512 - 16))
run metaclear d30
run metaclear d31
get $mark 16 >/tmp/mark
head -c 4096 /dev/urandom | put $mark
refuse '1 of' metarecover /dev/sda -p
run metarecover /dev/sda -p -m
run metarecover /dev/sda -p
get $mark 16 | cmp - /tmp/mark || fail "the watermark is not what it was"

note "both are lost: the record has them written again"
head -c 8192 /dev/urandom | put $mark
refuse 'of' metarecover /dev/sda -p
run metarecover -n /dev/sda -p -m
refuse 'of' metarecover /dev/sda -p
run metarecover /dev/sda -p -m
run metarecover /dev/sda -p

note "a start sees that they are wrong, and the records count"
layout=$(metastat -p d20 d21)
run mdctl stop
dd if=/tmp/older of=/dev/sda bs=512 seek=$mark skip=$((mark - 2048)) count=16 oflag=direct \
	status=none
run mdctl start
same "layout" "$layout" "$(metastat -p d20 d21)"
is_wrong() { metastat d21 | grep -q 'metarecover /dev/sda -p -m'; }
wait_for 20 is_wrong
run metarecover /dev/sda -p -m
run metarecover /dev/sda -p
is_right() { ! is_wrong; }
wait_for 20 is_right
same "data" "$(head -n 2 <<<"$sums")" "$(for unit in d20 d21; do sum $unit; done)"

note "without records, what is broken is not guessed at"
get $mark 16 >/tmp/mark
destroy
head -c 8192 /dev/urandom | put $mark
refuse 'not all of them' metarecover /dev/sda -p -d
same "metadevices" "" "$(metastat -p)"
refuse 'soft partition' metainit d20 -p /dev/sda 1m
put $mark </tmp/mark
run metarecover /dev/sda -p -d
same "layout" "$layout" "$(metastat -p d20 d21)"
same "data" "$(head -n 2 <<<"$sums")" "$(for unit in d20 d21; do sum $unit; done)"
run metaclear -p /dev/sda

note "other alignments, and a stripe whose chunks are no power of two"
run metainit d22 -p /dev/sda -A 64k 3m
run metainit d23 -p /dev/sda -A 4m 8m
run metainit d24 -p /dev/sda -A 72k 720k
run metattach d22 2m
run metainit -f d1 1 2 /dev/sdb /dev/sdc -i 96k
run metainit d25 -p d1 -A 96k 6m
run metainit d26 -p d1 6m
run metattach d25 3m
units="d22 d23 d24 d25 d26"
# The alignment is not in the watermarks: that of the base is taken from then on.
# shellcheck disable=SC2086
extents_of() { metastat -p $units | sed 's/ -A [0-9]*b$//'; }
for unit in $units; do fill "$unit"; done
layout=$(extents_of)
printf '%s\n' "$layout"
sums=$(for unit in $units; do sum "$unit"; done)
destroy
run metarecover /dev/sda -p -d
run metainit -f d1 1 2 /dev/sdb /dev/sdc -i 96k
run metarecover d1 -p -d
same "layout" "$layout" "$(extents_of)"
same "data" "$sums" "$(for unit in $units; do sum "$unit"; done)"
for unit in $units; do run metattach "$unit" 3m; done
aligned() { described "$1" ".soft_partition.extents[-1].start / 512 % $2"; }
same "what was added on the stripe" "0 0" "$(aligned d25 192) $(aligned d26 192)"
run metarecover /dev/sda -p
run metarecover d1 -p
run metaclear -p d1
run metaclear -p /dev/sda
run metaclear d1
