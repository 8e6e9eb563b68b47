#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a disk that answers, but takes seconds for that, fails nothing and makes nobody wait for
#         long: reads go to the other side, and metastat says so. What is on its way waits. When the
#         disk answers in time again it is read again. If both sides are slow, both are read.
# Clause: DURABILITY 13; issue 7
# Lanes: drawn
# Vm: --disks 2 --disk-size 32M
# Timeout: 200
# What is compared: what is read with what was written; the reads that the slow disk
# has got; what metastat and the kernel's log say.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

d10=/dev/md/dsk/d10
slow() { described "$1" '.rows[0].components[0].slow // false'; }
slow_is() { [ "$(slow d11),$(slow d12)" = "$1" ]; }

# late NAME DISK MS: what a device answers comes so much later.
late() { remap "$1" "0 $(blockdev --getsz "$2") delay $2 0 $3"; }

# Reads all over d10, until it is told to stop.
load() {
	fio --name=load --filename=$d10 --direct=1 --ioengine=libaio --iodepth=4 --bs=4k \
		--rw=randread --size=8M --randseed="$(small_seed)" --time_based --runtime=600 \
		--output=/tmp/fio.log &
	load=$!
}

sum() { dd if=$d10 bs=64k count=128 iflag=direct status=none | sha256sum; }

modprobe md_rs
sick a0 /dev/sda good
sick b0 /dev/sdb good
run metainit d11 1 1 /dev/mapper/a0
run metainit d12 1 1 /dev/mapper/b0
run metainit --assume-clean d10 -m d11 d12
run dd if=/dev/urandom of=$d10 bs=64k count=128 oflag=direct status=none
written=$(sum)

note "one side is slow, while everything is read"
load
sleep 3
same "slow" "false,false" "$(slow d11),$(slow d12)"
late a0 /dev/sda 3000
wait_for 60 slow_is "true,false"
metastat d11 | grep -E '/dev/mapper/a0 .* Okay \(slow\)' || fail "metastat does not show it"
metastat -c d10 | grep -F '/dev/mapper/a0 (slow)' || metastat -c | grep -F '(slow)' ||
	fail "metastat -c does not show it"
dmesg | grep -E 'd11: /dev/mapper/a0 is slow: it takes [0-9]+ ms to answer' ||
	fail "the kernel log does not tell of it"
same "states" "Okay,Okay Okay Okay" "$(states d10) $(states d11) $(states d12)"

note "reads go elsewhere: the slow disk is only probed"
# What was on its way is answered by now, or nearly.
sleep 5
before_a=$(count_of /dev/mapper/a0 reads) before_b=$(count_of /dev/mapper/b0 reads)
sleep 6
reads_a=$(($(count_of /dev/mapper/a0 reads) - before_a))
reads_b=$(($(count_of /dev/mapper/b0 reads) - before_b))
echo "reads: $reads_a of the slow side, $reads_b of the other"
[ "$reads_a" -gt 0 ] || fail "nobody looks whether the slow disk has become better"
[ "$reads_a" -le 12 ] || fail "the slow disk is read"
[ "$reads_b" -gt 50 ] || fail "the other side is not read"
began=$SECONDS
same "what is read" "$written" "$(sum)"
[ $((SECONDS - began)) -lt 30 ] || fail "who reads waits for the slow side"

note "it answers in time again, and is read again"
sick a0 /dev/sda good
wait_for 60 slow_is "false,false"
dmesg | grep -E 'd11: /dev/mapper/a0 answers in time again' || fail "the kernel log does not say so"
before_a=$(count_of /dev/mapper/a0 reads)
sleep 3
[ $(($(count_of /dev/mapper/a0 reads) - before_a)) -gt 12 ] || fail "it is not read again"
stop_fio $load /tmp/fio.log

note "what is written to a slow disk waits for it, and is there"
late a0 /dev/sda 3000
load
wait_for 60 slow_is "true,false"
stop_fio $load /tmp/fio.log
began=$SECONDS
run dd if=/dev/urandom of=$d10 bs=64k count=2 oflag=direct status=none
[ $((SECONDS - began)) -ge 3 ] || fail "the write did not wait for the slow side"
sick a0 /dev/sda good
wait_for 60 slow_is "false,false"
same_sides d10
written=$(sum)

note "both are slow: none is better than the other"
late a0 /dev/sda 2500
late b0 /dev/sdb 2500
load
sleep 15
same "slow" "false,false" "$(slow d11),$(slow d12)"
sick a0 /dev/sda good
sick b0 /dev/sdb good
stop_fio $load /tmp/fio.log
same "what is read" "$written" "$(sum)"
run metaclear d10
run metaclear d11
run metaclear d12
run modprobe -r md_mirror md_stripe md_rs
