#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: reads and writes of every size, from one sector to several MiB and across interlaces, rows
#         and components, past the page cache and through it, find what was written; also at the
#         ends of disks of odd sizes.
# Clause: svm.md 3.1, 3.3; issue 3
# Lanes: drawn
# Vm: --disks 4 --disk-size 16M
# Timeout: 1200
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/twin.sh
. "$MD_TEST_LIB/twin.sh"

# exercise WORD...: makes d10 of these words and writes and reads it in all ways.
exercise() {
	local d10=/dev/md/dsk/d10
	run metainit d10 "$@"
	run /tmp/twin $d10 "$(small_seed)" "$operations" 512 3145728 direct
	run /tmp/twin $d10 "$(small_seed)" "$operations" 1 3145728 buffered
	verify_with_fio --filename=$d10 --rw=randrw --size=100% --io_size="${load}M" \
		--ioengine=libaio --iodepth=16 --direct=1 --blockalign=512 \
		--bssplit=512/20:3584/20:4k/20:17k/20:128k/15:1m/5
	run metaclear d10
}

# ends NAME: the last sector can be written and read, and what follows it cannot.
ends() {
	local last=$(($(blockdev --getsz "$1") - 1))
	head -c 512 /dev/urandom >/tmp/sector
	run dd if=/tmp/sector of="$1" bs=512 seek=$last oflag=direct status=none
	run dd if="$1" of=/tmp/back bs=512 skip=$last count=1 iflag=direct status=none
	run cmp /tmp/sector /tmp/back
	refuse 'No space left' \
		dd if=/dev/zero of="$1" bs=512 seek=$((last + 1)) count=1 oflag=direct status=none
	dd if="$1" of=/tmp/back bs=512 skip=$last count=9 iflag=direct status=none
	same "bytes from the last sector on" 512 "$(stat -c %s /tmp/back)"
}

operations=$(by_lane 300 5000 60)
load=$(by_lane 24 500 6)
make_twin
modprobe md_rs

note "a stripe of four"
exercise 1 4 /dev/sda /dev/sdb /dev/sdc /dev/sdd -i 64k

note "a concat"
exercise 3 1 /dev/sda 1 /dev/sdb 1 /dev/sdc

note "rows of different widths, the smallest interlace, and one that is no power of two"
exercise 3 2 /dev/sda /dev/sdb -i 16b 1 /dev/sdc 1 /dev/sdd
exercise 2 3 /dev/sda /dev/sdb /dev/sdc -i 37b 1 /dev/sdd

note "disks of odd sizes"
mapped odd_a "0 20001 linear /dev/sda 0"
mapped odd_b "0 11117 linear /dev/sdb 1"
mapped odd_c "0 7001 linear /dev/sdc 3"
exercise 2 2 /dev/mapper/odd_a /dev/mapper/odd_b -i 33b 1 /dev/mapper/odd_c
run metainit d10 2 2 /dev/mapper/odd_a /dev/mapper/odd_b -i 33b 1 /dev/mapper/odd_c
# 9069 usable sectors are 274 interlaces of 33.
same "sectors" $((2 * 274 * 33 + 7001 - 2048)) "$(blockdev --getsz /dev/md/dsk/d10)"
ends /dev/md/dsk/d10
run metaclear d10
