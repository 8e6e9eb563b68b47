#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: while the requests of a mirror take longer than its latency target its resync gives way,
#         down to its floor, and there it stays: it goes on. When they do not any more it goes up to
#         its ceiling, as long as somebody uses the mirror, and comes to its end.
# Clause: svm.md 4.6; issue 7: throttled by a latency target, with a floor and a ceiling
# Lanes: drawn
# Vm: --disks 3 --disk-size 96M
# Timeout: 300
# What is compared: how much is copied in some seconds, as metastat has it, with the floor; the
# sides.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

d10=/dev/md/dsk/d10
floor=1024
ceiling=4096
tail=32768

# late MS: what is read of the end of the side that has everything comes so much later. The load
# reads there, and the resync elsewhere: it could be as fast as ever.
late() {
	local size
	size=$(blockdev --getsz /dev/sdb)
	printf '$ requests take %s ms longer now\n' "$1"
	remap b "0 $((size - tail)) linear /dev/sdb 0
$((size - tail)) $tail delay /dev/sdb $((size - tail)) $1"
}
resync_is() { [ "$(described d10 '.resync.state // "none"')" = "$1" ]; }
done_kib() { described d10 '.resync | .done / 1024 | floor'; }

# rate SECONDS: KiB per second that are copied meanwhile.
rate() {
	local since before now
	since=$(date +%s%3N)
	before=$(done_kib)
	sleep "$1"
	resync_is running || fail "the resync is over: this shows nothing"
	now=$(done_kib)
	echo $(((now - before) * 1000 / ($(date +%s%3N) - since)))
}
# between WHAT LOW HIGH FOUND: in KiB per second.
between() {
	echo "$1: $4 KiB/s, between $2 and $3"
	if [ "$4" -lt "$2" ] || [ "$4" -gt "$3" ]; then fail "$1: $4 KiB/s"; fi
}
is_faster() { [ "$(rate 2)" -gt $((floor * 2)) ]; }
start_load() {
	local reads
	fio --name=load --filename=$d10 --direct=1 --rw=randread --bs=4k --time_based \
		--runtime=1000000 --thinktime=10ms --offset=$(((size - tail / 2) * 512)) \
		--randseed="$(small_seed)" --output=/tmp/fio.log &
	load=$!
	reads=$(count_of $d10 reads)
	wait_for 120 has_read "$reads"
}
has_read() { [ "$(count_of $d10 reads)" -gt $(($1 + 4)) ]; }

modprobe md_rs
sick b /dev/sdb good
run metadb -a -f /dev/sda
run metainit d11 1 1 /dev/mapper/b
run metainit d12 1 1 /dev/sdc
run metainit d10 -m d11
run metaparam --resync-floor $floor --resync-ceiling $ceiling --resync-latency 200ms d10
size=$(blockdev --getsz $d10)

note "requests that are late: it is at its floor, and not below"
late 1000
start_load
run metattach -f d10 d12
# Until it has given way.
sleep 6
speed=$(rate 12)
between "at the floor" $((floor * 6 / 10)) $((floor * 2)) "$speed"

note "nobody is late any more: it is faster than its floor, and no faster than its ceiling"
late 0
wait_for 30 is_faster
between "at the ceiling" $floor $((ceiling * 12 / 10)) "$(rate 4)"

note "it comes to its end"
stop_fio $load /tmp/fio.log
run metasync -r -w
same "states" "Okay,Okay" "$(states d10)"
same_sides d10
run metaclear -r d10
run mdctl stop
run modprobe -r md_mirror md_stripe md_rs
