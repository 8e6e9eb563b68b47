#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: an error of a component is the caller's error for exactly the blocks that lie there: their
#         neighbours are read and written, also when the block layer has merged them into one
#         request; a failed flush is a failed fsync; all is counted and logged.
# Clause: svm.md 3.3, 3.5; DURABILITY 8, 9; issue 3
# Lanes: drawn
# Vm: --disks 3 --disk-size 16M
# Timeout: 300
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/blocks.sh
. "$MD_TEST_LIB/blocks.sh"
# shellcheck source=tests/lib/layout.sh
. "$MD_TEST_LIB/layout.sh"

d10=/dev/md/dsk/d10

# fails_at: prints "BLOCK 5" for each block of d10 that lies on the bad sectors of the map.
fails_at() {
	awk -v first="$bad" -v last=$((bad + bad_count - 1)) '
		$1 == "/dev/mapper/bad" && $2 >= first && $2 <= last { print int($3 / 8), 5 }
	' /tmp/map | sort -nu
}

# try read|write one|batch: block by block, or 48 in one go, over a part of d10 with all the bad
# blocks; those that fail must be those.
try() {
	local first
	note "$1, $2"
	for ((first = 0; first < 960; first += 48)); do
		/tmp/blocks "$1" "$2" $d10 $first 48
	done >/tmp/found
	fails_at >/tmp/expected
	diff /tmp/expected /tmp/found || fail "other blocks fail than should (< expected, > found)"
	echo "$(wc -l </tmp/found) blocks fail, as they should"
}

# errors KIND: how many errors of a kind the component on the bad disk has counted.
errors() { described d10 ".rows[0].components[1].$1_errors"; }

good_table="0 32768 linear /dev/sdb 0"
make_numbers
make_blocks
modprobe md_rs
mapped bad "$good_table"
run metainit d10 1 3 /dev/sda /dev/mapper/bad /dev/sdc -i 64k
echo "128 $(part /dev/sda) $(part /dev/mapper/bad) $(part /dev/sdc)" | place_sectors 1 >/tmp/map
number_metadevice d10 /tmp/map

# Ten sectors in the middle of an interlace: three blocks of d10, two of which are bad in part.
bad=$((2048 + 5 * 128 + 31))
bad_count=10
error_table="0 $bad linear /dev/sdb 0
$bad $bad_count error
$((bad + bad_count)) $((32768 - bad - bad_count)) linear /dev/sdb $((bad + bad_count))"
remap bad <<<"$error_table"
same "blocks that should fail" 3 "$(fails_at | wc -l)"
try read one
same "read errors and write errors" "3 0" "$(errors read) $(errors write)"
try write one
same "read errors and write errors" "3 3" "$(errors read) $(errors write)"
merged=$(count_of $d10 reads_merged)
try read batch
[ "$(count_of $d10 reads_merged)" -gt "$merged" ] || fail "nothing was merged: this shows nothing"
merged=$(count_of $d10 writes_merged)
try write batch
[ "$(count_of $d10 writes_merged)" -gt "$merged" ] || fail "nothing was merged: this shows nothing"

note "a large request over the bad sectors fails, one beside them does not"
refuse 'Input/output error' dd if=$d10 of=/dev/null bs=3M count=1 iflag=direct status=none
run dd if=$d10 of=/dev/null bs=1M skip=3 count=6 iflag=direct status=none

note "an error is no state: a stripe has nothing to put in a component's place"
same "states" "Okay Okay" "$(described d10 .state) $(described d10 '.rows[0].components[1].state')"
dmesg >/tmp/dmesg
for kind in read write; do
	grep -m 2 "d10: $kind error on /dev/mapper/bad" /tmp/dmesg ||
		fail "the kernel log does not tell of a $kind error"
done
same "errors of the other components" "0 0 0 0" \
	"$(described d10 '.rows[0].components[0,2] | .read_errors, .write_errors' | xargs)"
[ "$(described d10 '.rows[0].components[1].event')" != null ] || fail "the event has no time"

note "with the disk mended everything is there"
remap bad "$good_table"
bad_count=0
try read one
try write batch

note "a disk that takes no writes"
remap bad "0 32768 flakey /dev/sdb 0 0 100000 1 error_writes"
refuse 'Input/output error' dd if=/dev/zero of=$d10 bs=64k seek=1 count=1 oflag=direct status=none
run dd if=$d10 of=/dev/null bs=1M count=9 iflag=direct status=none
dd if=$d10 bs=64k count=1 of=/tmp/first status=none
run dd if=/tmp/first of=$d10 bs=64k count=1 conv=notrunc oflag=direct status=none

note "a disk that takes no flush: fsync reports it, though every write was fine"
failed=$(errors write)
refuse 'Input/output error' sync -d $d10
[ "$(errors write)" -gt "$failed" ] || fail "a failed flush is not counted"
refuse 'Input/output error' dd if=/tmp/first of=$d10 bs=64k count=1 conv=notrunc,fsync status=none
remap bad "$good_table"
run sync -d $d10
try read one

note "a disk that comes and goes"
remap bad "0 32768 flakey /dev/sdb 0 1 1"
good=0 failed=0
for _ in $(seq 60); do
	if dd if=$d10 of=/dev/null bs=64k skip=1 count=1 iflag=direct status=none 2>/dev/null; then
		good=$((good + 1))
	else
		failed=$((failed + 1))
	fi
	sleep 0.1
done
echo "$good reads succeeded, $failed failed"
if [ $good = 0 ] || [ $failed = 0 ]; then fail "both should have happened"; fi
remap bad "$good_table"
try read one
run metaclear d10
