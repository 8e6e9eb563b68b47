#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: the data is on the disks and not in the modules: after a clear, with I/O until the moment
#         before, after unloading and loading, the same metainit brings it back, every time; the
#         modules load and unload in their order only.
# Clause: DESIGN 4; svm.md 3.1; issue 3
# Lanes: drawn
# Vm: --disks 3 --disk-size 16M
# Timeout: 1200
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"

d10=/dev/md/dsk/d10

make_d10() { run metainit d10 2 2 /dev/sda /dev/sdb -i 24k 1 /dev/sdc; }

# load SECONDS: random writes to the last quarter of d10, which end just before this returns.
load() {
	fio --name=load --filename=$d10 --direct=1 --ioengine=io_uring --iodepth=32 --bs=8k \
		--rw=randwrite --offset=75% --time_based --runtime="$1" --output=/tmp/fio.log || {
		cat /tmp/fio.log
		fail "fio ended with an error"
	}
}

note "the core first, the personality last"
core=$(modinfo -n md_rs)
stripe=$(modinfo -n md_stripe)
refuse 'Unknown symbol' insmod "$stripe"
run insmod "$core"
run insmod "$stripe"
refuse 'in use' rmmod md_rs
make_d10
refuse 'in use' rmmod md_stripe
run metaclear d10
run rmmod md_stripe
run rmmod md_rs

note "again and again"
run modprobe md_rs
make_d10
kept=$(($(blockdev --getsz $d10) / 2 / 128))
head -c $((kept * 65536)) /dev/urandom >/tmp/data
rounds=$(by_lane 6 100 2)
for ((round = 1; round <= rounds; round++)); do
	# Alternately through the page cache, whose pages must be on disk before the disk goes.
	direct=(oflag=direct)
	[ $((round % 2)) = 0 ] || direct=()
	run dd if=/tmp/data of=$d10 bs=64k conv=notrunc status=none "${direct[@]}"
	load 1
	run metaclear d10
	run rmmod md_stripe
	run rmmod md_rs
	run modprobe md_rs
	make_d10
	head -c $((kept * 65536)) $d10 | cmp - /tmp/data || fail "the data has changed"
	printf 'round %s' "$round" | cat - /tmp/data | head -c $((kept * 65536)) >/tmp/next
	mv /tmp/next /tmp/data
done
run metaclear d10
