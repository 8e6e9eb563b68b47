#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a check finds exactly the blocks that were changed on a disk below a mirror, and names the
#         side that disagrees if more than half of them are against it; while the mirror is written
#         it finds nothing that is not there. A repair makes the sides equal, from the majority or
#         from the side that is named, and touches nothing else. A check can be cancelled, and what
#         was found is still known after a restart.
# Clause: issue 7: scrub; DURABILITY 10, 14
# Lanes: drawn
# Vm: --disks 5 --disk-size 16M
# Timeout: 300
# What is compared: the ranges in the document of metastat with those that were planted; every block
# of every side with the others after a repair, and what the mirror holds with what was written to
# it; the history before and after a restart.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/blocks.sh
. "$MD_TEST_LIB/blocks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

d10=/dev/md/dsk/d10
# First sector of the data on a disk.
head=2048
blocks=3584

# plant DISK FIRST COUNT [FILE]: changes sectors of a side behind the mirror's back.
plant() {
	printf '$ %s blocks from %s on are changed on %s\n' "$3" "$2" "$1"
	dd if="${4:-/dev/urandom}" of="$1" bs=512 seek=$((head + $2)) count="$3" oflag=direct \
		conv=notrunc status=none
}

# found: the ranges of the last check: first block, how many, who disagrees, who has zeroes.
found() {
	described d10 '.check.ranges | map("\(.start / 512)+\(.size / 512) \(.outvoted // "-")" +
		(if .zeroed == [] then "" else " 0:" + (.zeroed | join(",")) end)) | join("; ")'
}
# last FIELD: what is known of the last check.
last() { described d10 ".check.history[0].$1"; }
holds() {
	same "blocks of d10 without what was written" "" \
		"$(/tmp/blocks read batch $d10 0 $blocks mirror | sed -n 1,5p | xargs)"
}
# all_equal: a check finds nothing, and has seen everything.
all_equal() {
	run metasync --check -w d10
	same "blocks compared" "$(blockdev --getsz $d10)" "$(($(last compared) / 512))"
	same "ranges, blocks that differ" "0 0" "$(last ranges) $(last differing)"
	same "ranges" "" "$(found)"
}
is_running() { [ "$(described d10 '.check.running != null')" = true ]; }
is_over() { ! is_running; }
is_at_least() {
	local far='.check.running | if . then .done * 100 >= .total * '"$1"' else false end'
	[ "$(described d10 "$far")" = true ]
}
# slow MILLISECONDS: how long a read of d13's disk takes.
slow() {
	local size table
	size=$(blockdev --getsz /dev/sde)
	table="0 $size delay /dev/sde 0 $1 /dev/sde 0 0"
	if [ -e /dev/mapper/slow ]; then remap slow "$table"; else mapped slow "$table"; fi
}

make_blocks
modprobe md_rs
slow 0
run metadb -a -f -c 2 /dev/sda
run metadb -a -c 2 /dev/sdb
run metainit d11 1 1 /dev/sdc
run metainit d12 1 1 /dev/sdd
run metainit d13 1 1 /dev/mapper/slow
run metainit d10 -m d11
refuse 'd10: has nothing to compare' metasync --check d10
run metattach -w d10 d12
same "errors" "" "$(/tmp/blocks write batch $d10 0 $blocks mirror)"
same "checks" null "$(described d10 .check)"

note "equal sides"
all_equal
metastat d10 | grep -E '^    Check .*: 15 MB compared, no difference$' ||
	fail "metastat does not show the check"

note "two sides that differ: nobody knows which is right"
end=$(($(blockdev --getsz $d10) - 1))
plant /dev/sdd 0 1
plant /dev/sdd 5003 8
plant /dev/sdc 9000 16 /dev/zero
plant /dev/sdd 9500 300
plant /dev/sdd $end 1
expected="0+1 -; 5003+8 -; 9000+16 - 0:d11; 9500+300 -; $end+1 - 0:d11"
refuse '5 ranges differ: blocks 0 to 0 \(no majority\), blocks 5003 to 5010 \(no majority\), '` \
	`'blocks 9000 to 9015 \(no majority, zeroes on d11\), blocks 9500 to 9799.*, and 1 more' \
	metasync --check -w d10
same "ranges" "$expected" "$(found)"
same "differing, zeroed, repaired" "$((326 * 512)) $((17 * 512)) 0" \
	"$(last differing) $(last zeroed) $(last repaired)"
metastat d10
metastat d10 | grep -E '^      Blocks 5003 to 5010: no majority$' || fail "a range is not shown"
metastat d10 | grep -F 'Invoke: metasync --repair=<submirror> -w d10' ||
	fail "what to type is not shown"
dmesg | grep 'd10: blocks 5003 to 5010: the submirrors differ' ||
	fail "the kernel log does not tell of it"

note "without a majority nothing is repaired unless a side is named"
before=$(checksum /dev/sdc)$(checksum /dev/sdd)
refuse '5 ranges differ' metasync --repair -w d10
same "ranges" "$expected" "$(found)"
same "sides" "$before" "$(checksum /dev/sdc)$(checksum /dev/sdd)"
plant /dev/sdc 9000 16 <(side_data d12 8M | dd bs=512 skip=9000 count=16 status=none)
before=$(side_data d11 64M | sha256sum)
run metasync --repair=d11 -w d10
same "repaired" "$((310 * 512))" "$(last repaired)"
same "d11" "$before" "$(side_data d11 64M | sha256sum)"
same_sides d10
holds
all_equal

note "three sides: two are against the third"
run metattach -w d10 d13
plant /dev/sde 3000 4
plant /dev/sdc 7001 9
plant /dev/sdd 12000 8 /dev/zero
for disk in c d e; do plant /dev/sd$disk 15000 2; done
refuse '4 ranges differ: blocks 3000 to 3003 \(d13 disagrees\), blocks 7001 to 7009 \(d11 '` \
	`'disagrees\), blocks 12000 to 12007 \(d12 disagrees, zeroes on d12\), blocks 15000 to '` \
	`'15001 \(no majority\)' metasync --check -w d10
same "ranges" "3000+4 d13; 7001+9 d11; 12000+8 d12 0:d12; 15000+2 -" "$(found)"
same "outvoted" "d11,d12,d13" "$(last 'outvoted | join(",")')"
dmesg | grep 'd10: blocks 7001 to 7009: d11 has something else' ||
	fail "the kernel log does not name the side"

note "a repair by majority leaves what nobody can decide"
refuse '4 ranges differ' metasync --repair -w d10
same "repaired" "$((21 * 512))" "$(last repaired)"
# Sector 15000 is in block 1875.
same "blocks of d10 without what was written" 1875 \
	"$(/tmp/blocks read batch $d10 0 $blocks mirror | awk '{ print $1 }' | sort -u | xargs)"
refuse '1 range differs: blocks 15000 to 15001 \(no majority\)' metasync --check -w d10
same "ranges" "15000+2 -" "$(found)"
refuse 'd99' metasync --repair=d99 -w d10
before=$(side_data d12 64M | sha256sum)
run metasync --repair=d12 -w d10
same "d12" "$before" "$(side_data d12 64M | sha256sum)"
same_sides d10
all_equal
same "errors" "" "$(/tmp/blocks write batch $d10 0 $blocks mirror)"

note "while it is written, nothing is found"
fio --name=load --filename=$d10 --direct=1 --ioengine=libaio --iodepth=8 \
	--bssplit=512/10:4k/50:20k/20:64k/20 --rw=randrw --rwmixread=20 --numjobs=3 --size=30% \
	--offset_increment=33% --verify=crc32c --verify_backlog=64 --verify_fatal=1 \
	--randseed="$(small_seed)" --time_based --runtime=60 --output=/tmp/fio.log &
load=$!
sleep 1
for ((n = 0; n < 3; n++)); do all_equal; done
stop_fio $load /tmp/fio.log
same_sides d10

note "a check is cancelled"
same "errors" "" "$(/tmp/blocks write batch $d10 0 $blocks mirror)"
slow 200
run metasync --check d10
wait_for 30 is_at_least 10
metastat d10 | grep -E '^    Check in progress: [1-9][0-9]? % done$' || fail "no progress is shown"
refuse 'd10: is being checked already' metasync --check d10
refuse 'd10: is being checked already' metasync --repair=d12 d10
run metasync -c d10
wait_for 10 is_over
same "end" cancelled "$(last end)"
[ "$(last compared)" -lt $((blocks * 4096)) ] || fail "it has seen everything"
refuse 'd10: is not being checked' metasync -c --check d10
refuse 'd10: has nothing that has to be resynced' metasync -c d10

note "the set is stopped: the check is interrupted, and what was found is still known"
plant /dev/sdd 100 3
run metasync --check d10
wait_for 30 is_at_least 10
run mdctl stop
slow 0
run mdctl start
same "running" null "$(described d10 .check.running)"
same "end" interrupted "$(last end)"
same "ranges" "100+3 d12" "$(found)"
described d10 .check.history >/tmp/history
same "checks that are remembered" 8 "$(jq length /tmp/history)"
run mdctl stop
run mdctl start
described d10 .check.history | diff /tmp/history - || fail "the history has changed"
same "ranges" "100+3 d12" "$(found)"
mdctl dump /dev/sda >/tmp/dump || true
grep -E '8 checks, the last one .*, with 1 range that differ' /tmp/dump || fail "dump says nothing"

note "sides come and go: who disagreed is still named rightly"
run metadetach d10 d11
same "ranges" "100+3 d12" "$(found)"
refuse '1 range differs: blocks 100 to 102 \(no majority\)' metasync --check -a -w
run metasync --repair=d13 -w d10
all_equal
holds
run metaoffline d10 d12
refuse 'd10: has nothing to compare' metasync --check d10
refuse 'd12: is not in service' metasync --repair=d12 d10
run metaonline -w d10 d12
run metasync --check -a -w
run metaclear -r d10
run metaclear d11
run mdctl stop
run modprobe -r md_mirror md_stripe md_rs
