#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: what is written to a mirror of stripes is read back, and afterwards all sides hold the
#         same in every block: writes of 512 bytes to 256 KiB by several jobs at once, in both write
#         policies, on two and on three sides of which each is laid out in another way.
# Clause: svm.md 4.1, 4.4; DURABILITY 10, 14; issue 4
# Lanes: drawn
# Vm: --disks 6 --disk-size 8M
# Timeout: 400
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

d10=/dev/md/dsk/d10

# write_and_compare: three jobs at once, each in a part of its own, then one by the page cache; then
# the sides.
write_and_compare() {
	verify_with_fio --filename=$d10 --rw=randwrite --numjobs=3 --size=30% \
		--offset_increment=33% --bssplit=512/30:4k/30:20k/20:72k/10:256k/10 \
		--ioengine=libaio --iodepth=16 --direct=1
	same_sides d10
	verify_with_fio --filename=$d10 --rw=randwrite --bs=4k --end_fsync=1
	same_sides d10
	same "states" Okay "$(described d10 .state)"
}

modprobe md_rs
run metainit d11 1 2 /dev/sda /dev/sdb -i 32k
run metainit d12 1 2 /dev/sdc /dev/sdd -i 32k
for side in d11 d12; do run blkdiscard -zf /dev/md/dsk/$side; done

note "two sides, all at once"
run metainit --assume-clean d10 -m d11 d12
same "stable pages" 1 "$(limit $d10 stable_writes)"
write_and_compare
for disk in /dev/sda /dev/sdc; do
	[ "$(count_of $disk reads)" -gt 100 ] || fail "$disk was hardly read"
done

note "two sides, one after the other"
run metaparam -w serial d10
write_and_compare
run metaclear d10

note "three sides, two of them laid out in another way"
run metainit d13 2 1 /dev/sde 1 /dev/sdf
run metaclear d12
run metainit d12 1 2 /dev/sdc /dev/sdd -i 56k
for side in d11 d12 d13; do run blkdiscard -zf /dev/md/dsk/$side; done
run metainit --assume-clean d10 -m d11 d12 d13
write_and_compare
run metaparam -w serial d10
write_and_compare
run metaclear d10
