#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: RAID5 without a log says what it gives up, and is used like any other: with a file system,
#         when a column fails, when it is made again, and started again. Its columns tell whether
#         it was stopped. If it was not the parity is made of the data, and is right then, whatever
#         it was; if a column is missing at that, or was out of service before, it cannot be
#         opened, and what is to be done is said. It is another matter when the column is back.
# Clause: DURABILITY 5, 7, 15; svm.md 5.6; issue 9
# Lanes: drawn
# Vm: --disks 6 --disk-size 16M
# Timeout: 600
# The power is cut in tests/power/raid5_no_log.sh. Here the columns get what was on them before the
# stop.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"
# shellcheck source=tests/lib/raid.sh
. "$MD_TEST_LIB/raid.sh"

d20=/dev/md/dsk/d20
columns=(/dev/sda /dev/sdb /dev/mapper/sc)

load() {
	verify_with_fio --filename=$d20 --rw=randwrite --bs=12k --size=8M --io_size=3M --direct=1 \
		--ioengine=libaio --iodepth=16 "$@"
}

# number PAGE OFFSET BYTES: a number in a page of a log.
number() { od -An -j "$2" -N "$3" -t "u$3" "$1" | tr -d ' '; }

# is_open COLUMN: whether the newest page of its log tells of writes that are in no log.
is_open() {
	local slot newest=0 open=0 sequence
	for slot in 0 1 2 3 4 5 6 7; do
		dd if="$1" of=/tmp/page bs=4k skip=$((256 + slot * 129)) count=1 iflag=direct \
			status=none
		sequence=$(number /tmp/page 32 8)
		[ "$(head -c 8 /tmp/page | tr -d '\0')" = mdRAIDlg ] || continue
		[ "$sequence" -gt "$newest" ] || continue
		newest=$sequence open=$(number /tmp/page 58 2)
	done
	[ "$newest" -gt 0 ] || fail "$1 has no page"
	[ "$open" = 1 ]
}
are_open() { for c in "${columns[@]}"; do is_open "$c" || fail "$c tells of no writes"; done; }
are_closed() { for c in "${columns[@]}"; do ! is_open "$c" || fail "$c tells of writes"; done; }

# crash [DAMAGED]: the columns are what they are now, but for sectors with a parity on one of them,
# although the set was stopped.
crash() {
	local n
	for n in a b c; do dd if=/dev/sd$n of=/tmp/copy-$n bs=1M iflag=direct status=none; done
	run mdctl stop
	are_closed
	if [ -n "${1:-}" ]; then
		# Row 1 of 32 sectors has its parity on the second column of three.
		dd if=/dev/urandom of=/tmp/copy-b bs=512 seek=$((COLUMN_START + 32 + 5)) count=9 \
			conv=notrunc status=none
	fi
	for n in a b c; do dd if=/tmp/copy-$n of=/dev/sd$n bs=1M oflag=direct status=none; done
	are_open
}

# is_refused: whatever is asked of it.
is_refused() {
	metastat d20
	same "blocked" true "$(described d20 .blocked)"
	metastat d20 | grep -q 'Cannot be opened' || fail "metastat does not tell"
	refuse 'No such device or address' dd if=$d20 of=/dev/null count=1
	refuse . metareplace -e d20 /dev/sdb
	refuse . metasync --check d20
	dmesg | tail -n 20 | grep "d20: cannot be opened.*'mdctl stop'.*'metaclear d20'" ||
		fail "nothing is said"
}

raid_tool
modprobe md_rs
sick sc /dev/sdc good
run metadb -a -f -c 2 /dev/sde
run metadb -a -c 2 /dev/sdf
refuse 'is not an option of RAID5' metainit d20 -r "${columns[@]}" --no-log --no-log
refuse . metainit d10 1 1 /dev/sdd --no-log
run metainit d20 -r "${columns[@]}" -i 16k --no-log
wait_for 60 is_made d20

note "it says what it gives up"
run metastat d20
metastat d20 | grep -q 'Log: none. After a crash' || fail "metastat does not tell"
metastat -p d20 | grep -q -- ' --no-log' || fail "nor does its line for md.tab"
same "no_log" true "$(described d20 .no_log)"

note "with a file system"
are_closed
run mkfs.ext4 -q $d20
are_open
mkdir /tmp/at
run mount $d20 /tmp/at
verify_with_fio --directory=/tmp/at --direct=1 --rw=randwrite --bs=8k --size=3M \
	--ioengine=libaio --iodepth=8
run umount /tmp/at
columns_tell d20 "${columns[@]}"
load
load --sync=1 --io_size=512k
columns_tell d20 "${columns[@]}"

note "stopped, and started again"
before=$(checksum $d20)
run mdctl stop
are_closed
run modprobe -r md_raid md_rs
run modprobe md_rs
run mdctl start
is_made d20 || fail "the parity is made although it was stopped"
same "contents" "$before" "$(checksum $d20)"
are_closed
run metasync --check -w d20

note "a column fails under load"
(sleep 1 && sick sc /dev/sdc no_writes) &
for _ in 1 2 3; do load; done
wait
columns_are d20 Okay,Okay,Maintenance || fail "$(column_states d20)"
load
before=$(checksum $d20)
found=$(raid_from d20 cat /dev/sda /dev/sdb - | sha256sum)
same "without the column" "$before" "${found%% *}"
run mdctl stop
run mdctl start
same "contents" "$before" "$(checksum $d20)"
sick sc /dev/sdc good
run metareplace -e -w d20 /dev/mapper/sc
load
columns_tell d20 "${columns[@]}"

note "it was not stopped: the parity is made again"
before=$(checksum $d20)
crash damaged
run mdctl start --read-only
same "contents" "$before" "$(checksum $d20)"
run mdctl stop
run mdctl start
same "contents" "$before" "$(checksum $d20)"
dmesg | grep 'd20: has no log, and was not stopped' || fail "nothing is said"
wait_for 60 is_made d20
run metasync --check -w d20
same "contents" "$before" "$(checksum $d20)"
columns_tell d20 "${columns[@]}"

note "a column is missing at that"
load
before=$(checksum $d20)
crash
# What has no label is not found.
dd if=/dev/zero of=/dev/sdb bs=1M count=1 oflag=direct status=none
run mdctl start
is_refused
run mdctl stop
dd if=/tmp/copy-b of=/dev/sdb bs=1M oflag=direct status=none
run mdctl start
same "states" Okay,Okay,Okay "$(column_states d20)"
same "contents" "$before" "$(checksum $d20)"
wait_for 60 is_made d20
columns_tell d20 "${columns[@]}"

note "a column was out of service before"
sick sc /dev/sdc no_writes
load
columns_are d20 Okay,Okay,Maintenance || fail "$(column_states d20)"
columns=(/dev/sda /dev/sdb)
crash
sick sc /dev/sdc good
run mdctl start
is_refused
run metaclear d20
run mdctl stop
run modprobe -r md_raid md_rs
