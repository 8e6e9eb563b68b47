#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: what is discarded or zeroed on a mirror reads as zeros from all sides, and nothing else
#         changes; discard is offered if all sides can write zeroes by themselves. A device that
#         finds out with the first request that it cannot leaves the sides the same and no component
#         erred.
# Clause: DURABILITY 11; svm.md 4.4; issue 4
# Lanes: drawn
# Vm: --disks 4 --disk-size 4M
# Timeout: 300
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/layout.sh
. "$MD_TEST_LIB/layout.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

d10=/dev/md/dsk/d10

# number_all: "d10 n" to each sector of d10.
number_all() { /tmp/numbers write $d10 d10 "$(blockdev --getsz $d10)"; }

# holds_but ZEROED: all sides have zeros in these sectors, a number in each line, and elsewhere what
# they had.
holds_but() {
	/tmp/numbers list $d10 >/tmp/found
	awk -v size="$(blockdev --getsz $d10)" '{ zeroed[$1] }
		END { for (n = 0; n < size; n++) print n, n in zeroed ? "zero" : "d10 " n }
	' "$1" >/tmp/should
	if ! cmp -s /tmp/should /tmp/found; then
		diff /tmp/should /tmp/found | head -n 20 || true
		fail "d10 does not hold what it should (< expected, > found)"
	fi
	same_sides d10
}

# punch_d10 COUNT BLOCK COMMAND...: zeroes random ranges of d10, which must then hold zeros there
# and nowhere else; see punch.
punch_d10() {
	number_all
	punch "$1" "$2" $d10 "${@:3}"
	holds_but /tmp/zeroed
}

# all_okay: no component has an error.
all_okay() {
	local name
	same "states that are not Okay" "" "$(for name in d10 d11 d12; do
		states $name | tr , '\n'
	done | grep -vx Okay || true)"
}

RANDOM=$(small_seed)
make_numbers
modprobe md_rs

note "both sides write zeroes by themselves"
run metainit d11 1 2 /dev/sda /dev/sdb -i 24b
run metainit d12 2 1 /dev/sdc 1 /dev/sdd
run metainit --assume-clean d10 -m d11 d12
[ "$(limit $d10 discard_max_bytes)" -gt 0 ] || fail "d10 does not discard"
[ "$(limit $d10 write_zeroes_max_bytes)" -gt 0 ] || fail "d10 does not zero by itself"
punch_d10 10 8 blkdiscard
punch_d10 10 1 blkdiscard -z
punch_d10 5 1 fallocate -p
run metaparam -w serial d10
punch_d10 5 8 blkdiscard
run blkdiscard $d10
seq 0 $(($(blockdev --getsz $d10) - 1)) >/tmp/zeroed
holds_but /tmp/zeroed
all_okay
run metaclear d10

note "one side does not write zeroes by itself: no discard, and zeros are written"
null_disk n0 size=8 discard=1
run metaclear d12
run metainit d12 1 1 /dev/n0
for name in d11 d12; do run blkdiscard -zf /dev/md/dsk/$name; done
run metainit --assume-clean d10 -m d11 d12
same "largest discard" 0 "$(limit $d10 discard_max_bytes)"
number_all
refuse 'not supported' blkdiscard $d10
true >/tmp/zeroed
holds_but /tmp/zeroed
punch_d10 5 1 blkdiscard -z
all_okay
run metaclear d10
run metaclear d12

# A disk of scsi_debug that says it can, and answers the first command with "invalid operation".
note "a device finds out that it cannot"
for what in discard zeroes; do
	modprobe scsi_debug dev_size_mb=8 lbpws=1 lbpu=1 delay=0
	is_there() { [ -n "$(lsblk -dnro NAME,MODEL | awk '/scsi_debug/ { print $1 }')" ]; }
	wait_for 20 is_there
	disk=/dev/$(lsblk -dnro NAME,MODEL | awk '/scsi_debug/ { print $1 }')
	for file in "$(in_sysfs "$disk")"/device/scsi_disk/*/zeroing_mode; do
		cat "$file"
	done
	run metainit d12 1 1 "$disk"
	for name in d11 d12; do
		dd if=/dev/zero of=/dev/md/dsk/$name bs=1M oflag=direct status=none 2>/dev/null ||
			true
	done
	run metainit --assume-clean d10 -m d11 d12
	[ "$(limit $d10 discard_max_bytes)" -gt 0 ] || fail "d10 does not discard"
	number_all
	where=/sys/kernel/debug/scsi_debug/$(basename "$(readlink -f "$(in_sysfs "$disk")/device")")
	# WRITE SAME(10), WRITE SAME(16) and UNMAP end with ILLEGAL REQUEST, invalid operation code.
	for code in 0x41 0x93 0x42; do
		echo "2 -100 $code 0 0 2 5 0x20 0" >"$where/error"
	done
	case $what in
	discard) blkdiscard -o 8192 -l 65536 $d10 ;;
	zeroes) blkdiscard -z -o 8192 -l 65536 $d10 ;;
	esac || fail "'$what' ended with status $?"
	seq 16 143 >/tmp/zeroed
	holds_but /tmp/zeroed
	all_okay
	same "write errors" "0" "$(errors d12 0 write)"
	same "largest discard now" 0 "$(limit $d10 discard_max_bytes)"
	run blkdiscard -z -o 524288 -l 65536 $d10
	seq 1024 1151 >>/tmp/zeroed
	holds_but /tmp/zeroed
	run metaclear d10
	run metaclear d12
	run modprobe -r scsi_debug
done
