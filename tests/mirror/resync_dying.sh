#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: disks die in the middle of a resync under a load that verifies what it reads. If the new
#         one does, or one of several that have everything, the load has no error. If the last one
#         dies that has everything, or takes no writes any more, reads go on: what was not copied
#         may be an error, and nothing is read but what was written.
# Clause: svm.md 4.2, 4.6, 13.3 (19); DURABILITY 5, 8, 11; issue 7
# Lanes: drawn
# Vm: --disks 5 --disk-size 24M
# Timeout: 300
# What is compared: what fio reads with what it wrote, while the new side holds something else
# where it has nothing yet; the sides.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

d10=/dev/md/dsk/d10
job=(--name=load "--filename=$d10" --direct=1 --ioengine=libaio --bs=8k --verify=crc32c
	--output=/tmp/fio.log)

# start_load, end_load: reads and writes, which have no error.
start_load() {
	fio "${job[@]}" --iodepth=8 --rw=randrw --verify_backlog=64 --verify_fatal=1 \
		--randseed="$(small_seed)" --time_based --runtime=1000000 &
	load=$!
	is_loaded
}
end_load() { stop_fio $load /tmp/fio.log; }

# is_loaded: requests of the load have ended since now.
is_loaded() {
	reads=$(count_of $d10 reads)
	wait_for 120 has_read
}
has_read() { [ "$(count_of $d10 reads)" -gt $((reads + 64)) ]; }

# start_reads, end_reads: reads of what read_all has found to be right. They may fail.
start_reads() {
	fio "${job[@]}" --iodepth=4 --rw=randread --verify_header_seed=0 --verify_fatal=1 \
		--continue_on_error=io --randseed="$(small_seed)" --time_based --runtime=1000000 &
	load=$!
	is_loaded
}
end_reads() {
	is_loaded
	kill -0 $load || {
		cat /tmp/fio.log
		fail "the reads have ended"
	}
	kill -INT $load
	wait $load || echo "fio ended with status $?"
	! grep -E 'verify: bad|err=84' /tmp/fio.log || fail "something was read that nobody wrote"
}
write_all() {
	run fio "${job[@]}" --rw=write --do_verify=0 --verify_header_seed=0
}
read_all() {
	run fio "${job[@]}" --rw=read --verify_header_seed=0 --verify_fatal=1
}

resync_is() { [ "$(described d10 '.resync.state // "none"')" = "$1" ]; }
is_at_least() {
	local far='.resync | if . then .done * 100 >= .total * '"$1"' else false end'
	[ "$(described d10 "$far")" = true ]
}
# attach_stale: d12 becomes a side, and is far from being one.
attach_stale() {
	run dd if=/dev/urandom of=/dev/md/dsk/d12 bs=1M oflag=direct status=none count=20
	run metattach -f d10 d12
	wait_for 60 is_at_least 20
}
# all_okay STATES: d10 is whole, and its sides are the same.
all_okay() {
	run metaparam --resync-floor 50000 --resync-ceiling none d10
	wait_for 60 states_are d10 "$1"
	wait_for 60 resync_is none
}
is_slow() { run metaparam --resync-floor 1000 --resync-ceiling 2048 d10; }

modprobe md_rs
sick c /dev/sdc good
sick d /dev/sdd good
sick e /dev/sde good
run metadb -a -f -c 2 /dev/sda
run metadb -a -c 2 /dev/sdb
run metainit d11 1 1 /dev/mapper/c
run metainit d12 1 1 /dev/mapper/d
run metainit d13 1 1 /dev/mapper/e
run metainit d10 -m d11

for how in nothing no_writes; do
	note "the new disk dies: $how"
	is_slow
	start_load
	attach_stale
	sick d /dev/sdd $how
	wait_for 30 states_are d10 "Okay,Needs maintenance"
	wait_for 30 resync_is none
	is_loaded
	sick d /dev/sdd good
	run metareplace -e d10 /dev/mapper/d
	all_okay "Okay,Okay"
	end_load
	same_sides d10
	run metadetach d10 d12
done

note "one of two that have everything dies: the other one is read, and gives the rest"
run metattach -w d10 d13
is_slow
start_load
attach_stale
sick c /dev/sdc nothing
wait_for 30 states_are d11 Maintenance
resync_is running || fail "the resync was over too early: this shows nothing"
all_okay "Needs maintenance,Okay,Okay"
is_loaded
sick c /dev/sdc good
run metareplace -e -w d10 /dev/mapper/c
same "states" "Okay,Okay,Okay" "$(states d10)"
end_load
same_sides d10
run metadetach d10 d12
run metadetach d10 d13

note "the last one that has everything dies: what was not copied is an error"
write_all
read_all
is_slow
start_reads
attach_stale
sick c /dev/sdc nothing
wait_for 30 resync_is stuck
is_loaded
same "states" "Last Erred Okay" "$(states d11) $(states d12)"
end_reads
grep -E 'errors *: total=[1-9]' /tmp/fio.log || fail "no read has failed: this shows nothing"
sick c /dev/sdc good
run metasync d10
all_okay "Needs maintenance,Okay"
read_all
run metareplace -e -w d10 /dev/mapper/c
all_okay "Okay,Okay"
same_sides d10
read_all
run metadetach d10 d12

note "it takes no writes any more: it is read to the end"
is_slow
start_reads
attach_stale
sick c /dev/sdc no_writes
all_okay "Needs maintenance,Okay"
end_reads
if grep -E 'errors *: total=[1-9]' /tmp/fio.log; then fail "a read has failed"; fi
read_all
sick c /dev/sdc good
run metareplace -e -w d10 /dev/mapper/c
all_okay "Okay,Okay"
same_sides d10
read_all

run metaclear -r d10
run metaclear d13
run mdctl stop
run modprobe -r md_mirror md_stripe md_rs
