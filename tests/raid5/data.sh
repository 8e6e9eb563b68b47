#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: RAID5 over four disks: what is written is read, through the block layer and from the disks
#         by a program that calculates everything itself, with any one disk missing; while the
#         parity is made, and after it; requests of all sizes, merged and crossing everything.
# Clause: DURABILITY 15, 17; svm.md 5.1, 5.4, 5.5, 5.7; issue 9
# Lanes: drawn
# Vm: --disks 6 --disk-size 20M
# Timeout: 500
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/raid.sh
. "$MD_TEST_LIB/raid.sh"
# shellcheck source=tests/lib/twin.sh
. "$MD_TEST_LIB/twin.sh"

raid_tool
make_twin
modprobe md_rs
run metadb -a -f -c 2 /dev/sde
run metadb -a -c 2 /dev/sdf
columns=(/dev/sda /dev/sdb /dev/sdc /dev/sdd)

note "while the parity is made"
run metainit d20 -r "${columns[@]}" -i 20k
run metastat d20
run /tmp/twin /dev/md/dsk/d20 "$(small_seed)" 100 512 262144 direct
wait_for 60 is_made d20
same "states" Okay,Okay,Okay,Okay "$(column_states d20)"
columns_tell d20 "${columns[@]}"

note "when it is made"
verify_with_fio --filename=/dev/md/dsk/d20 --rw=randwrite --bs=4k --size=16M --direct=1 \
	--ioengine=libaio --iodepth=32 --io_size=6M
columns_tell d20 "${columns[@]}"
verify_with_fio --filename=/dev/md/dsk/d20 --rw=write --bs=1M --size=24M --direct=1 \
	--ioengine=libaio --iodepth=4
columns_tell d20 "${columns[@]}"
run /tmp/twin /dev/md/dsk/d20 "$(small_seed)" 60 512 1048576 direct
run /tmp/twin /dev/md/dsk/d20 "$(small_seed)" 100 1 100000 buffered
sync /dev/md/dsk/d20
columns_tell d20 "${columns[@]}"

note "a second start finds the same"
before=$(checksum /dev/md/dsk/d20)
run mdctl stop
run modprobe -r md_raid md_rs
run modprobe md_rs
run mdctl start
same "contents" "$before" "$(checksum /dev/md/dsk/d20)"
columns_tell d20 "${columns[@]}"

note "another interlace, and a parity that is said to fit"
run metaclear d20
run metainit -f d21 -r "${columns[@]}" -i 4k
wait_for 60 is_made d21
verify_with_fio --filename=/dev/md/dsk/d21 --rw=randwrite --bs=12k --size=4M --direct=1 \
	--ioengine=libaio --iodepth=8
columns_tell d21 "${columns[@]}"
before=$(checksum /dev/md/dsk/d21)
run metastat -p d21
run metaclear d21
run metainit d21 -r "${columns[@]}" -i 4k -k
is_made d21 || fail "the parity is made although it is said to fit"
same "contents" "$before" "$(checksum /dev/md/dsk/d21)"
columns_tell d21 "${columns[@]}"
run metaclear d21
