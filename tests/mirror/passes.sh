#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: after a crash mirrors are resynced in the order of their passes: those with pass 1 while
#         the others wait, one with pass 0 not before somebody asks for it. A resync is paused and
#         resumed, which a restart forgets, and cancelled, which it does not; it is as slow as its
#         ceiling says while the mirror is in use, not slower than its floor, and that is still so
#         after a restart.
# Clause: svm.md 4.1, 4.6, 13.3 (18, 21, 26); issue 7
# Lanes: drawn
# Vm: --disks 9 --disk-size 48M
# Timeout: 400
# What is compared: events by their numbers; states; the sides block by block; how long a resync
# takes with how much there is to copy.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

# resync NAME: how the resync of a mirror is.
resync() { described "$1" '.resync.state // "none"'; }
resync_is() { [ "$(resync "$1")" = "$2" ]; }

# done_of NAME: bytes that it has done.
done_of() { described "$1" '.resync.done // 0'; }

# slow NAME DISK MS: a disk that takes its time for each write.
slow() {
	local size
	size=$(blockdev --getsz "$2")
	local table="0 $size delay $2 0 0 $2 0 $3"
	if [ -e "/dev/mapper/$1" ]; then remap "$1" "$table"; else mapped "$1" "$table"; fi
}

modprobe md_rs
run metadb -a -f /dev/sda
letters=(b c d e f g h i)
n=0
for mirror in 1 2 3 4; do
	for side in 1 2; do
		slow "m$mirror$side" "/dev/sd${letters[n]}" 0
		run metainit "d$mirror$side" 1 1 "/dev/mapper/m$mirror$side"
		n=$((n + 1))
	done
done

# very_slow MIRROR...: their second sides take two seconds for each write. Not before: labels are
# written, too.
very_slow() {
	for mirror; do slow "m${mirror}2" "/dev/sd${letters[mirror * 2 - 1]}" 2000; done
}

note "four mirrors are made equal, at once: nobody waits then"
for mirror in 1 2 3 4; do
	slow "m${mirror}2" "/dev/sd${letters[mirror * 2 - 1]}" 300
	run metainit "d$mirror" -m "d${mirror}1" "d${mirror}2" 1
	same "d$mirror" "running" "$(resync "d$mirror")"
	run metasync --pause "d$mirror"
done
very_slow 1 2 3 4
run metaparam -p 3 d1
run metaparam -p 0 d2
run metaparam -p 9 d4

note "stopped in the middle and started again: one after the other"
last=$(newest_event)
run mdctl stop
run mdctl start
same "pass 3" "waiting" "$(resync d1)"
same "pass 0" "left out" "$(resync d2)"
same "pass 1" "running" "$(resync d3)"
same "pass 9" "waiting" "$(resync d4)"
metastat d1 >/tmp/metastat
grep -q 'Resync waits for mirrors with a lower pass' /tmp/metastat || fail "not in metastat"
metastat d2 >/tmp/metastat
grep -q 'Resync is not started: pass 0' /tmp/metastat || fail "not in metastat"
grep -q 'Invoke: metasync d2' /tmp/metastat || fail "what to type is not shown"
before=$(done_of d1)
sleep 1
same "what d1 has done meanwhile" "$before" "$(done_of d1)"
for mirror in 1 3 4; do slow "m${mirror}2" "/dev/sd${letters[mirror * 2 - 1]}" 0; done
run metasync -r -w
for mirror in 1 3 4; do
	same "d$mirror" "none Okay,Okay" "$(resync d$mirror) $(states d$mirror)"
done
same "order" "d3 resync_start d3 resync_done d1 resync_start d1 resync_done d4 resync_start d4 \
resync_done" "$(resyncs_since "$last")"
same "pass 0" "left out" "$(resync d2)"
for mirror in 1 3 4; do same_sides d$mirror; done

note "who asks for it gets it, and pauses and resumes it"
run metasync d2
wait_for 20 resync_is d2 running
run metasync --pause d2
same "paused" "paused" "$(resync d2)"
before=$(done_of d2)
sleep 1
same "what it has done meanwhile" "$before" "$(done_of d2)"
run dd if=/dev/urandom of=/dev/md/dsk/d2 bs=64k count=2 oflag=direct status=none
metastat d2 >/tmp/metastat
grep -q 'Resync pauses: [0-9]* % done' /tmp/metastat || fail "not in metastat"
run metasync --resume d2
same "resumed" "running" "$(resync d2)"
refuse 'd2: its resync does not pause' metasync --resume d2
refuse 'd3: has nothing that has to be resynced' metasync --pause d3
run metasync --pause d2
run metasync d2
same "started" "running" "$(resync d2)"

note "a restart forgets that it pauses, but not that it is cancelled"
run metaparam -p 1 d2
run metasync --pause d2
run mdctl stop
run mdctl start
same "after a restart" "running" "$(resync d2)"
run metasync -c d2
run mdctl stop
run mdctl start
same "after another one" "cancelled" "$(resync d2)"
slow m22 /dev/sde 0
run metasync -w d2
same_sides d2

note "one that is cancelled or paused holds nobody up"
for mirror in 1 4; do
	slow "m${mirror}2" "/dev/sd${letters[mirror * 2 - 1]}" 300
	run metadetach "d$mirror" "d${mirror}2"
	run metattach -f "d$mirror" "d${mirror}2"
	run metasync --pause "d$mirror"
done
very_slow 1 4
run mdctl stop
run mdctl start
same "pass 3" "running" "$(resync d1)"
same "pass 9" "waiting" "$(resync d4)"
run metasync --pause d1
wait_for 20 resync_is d4 running
run metasync -c d4
run metasync --resume d1
for mirror in 1 4; do slow "m${mirror}2" "/dev/sd${letters[mirror * 2 - 1]}" 0; done
run metasync -r -w
for mirror in 1 4; do same "d$mirror" "none Okay,Okay" "$(resync d$mirror) $(states d$mirror)"; done

note "a ceiling and a floor"
# The pace is looked at four times in a second: a resync must not be over by then.
slow m32 /dev/sdg 100
run metaparam d3
run metaparam --resync-ceiling 4096 --resync-floor 2048 --resync-latency 30ms d3
metaparam d3 >/tmp/parameters
for line in 'Resync floor: 2048 KB/s' 'Resync ceiling: 4096 KB/s' 'Resync gives way above: 30ms'; do
	grep -q "$line" /tmp/parameters || fail "not shown: $line"
done
run mdctl stop
run mdctl start
metaparam d3 | diff /tmp/parameters - || fail "the pace is another one after a restart"
same "pace" '{"latency_us":30000,"floor":2097152,"ceiling":4194304}' \
	"$(metastat --json d3 | jq -c '.metadevices[0].resync_pace')"
# took: milliseconds of a resync of all of d3, of 47 MiB, while somebody reads.
took() {
	local since reads
	run metadetach d3 d32 >&2
	reads=$(count_of /dev/md/dsk/d3 reads)
	fio --name=load --filename=/dev/md/dsk/d3 --direct=1 --rw=randread --bs=4k --time_based \
		--runtime=600 --thinktime=20ms --output=/tmp/fio.log &
	until [ "$(count_of /dev/md/dsk/d3 reads)" -gt $((reads + 20)) ]; do sleep 0.1; done
	since=$(date +%s%N)
	run metattach -f -w d3 d32 >&2
	echo $((($(date +%s%N) - since) / 1000000))
	kill -INT $!
	wait $! || true
}
ms=$(took)
echo "$ms ms"
[ "$ms" -gt 9000 ] || fail "faster than 4096 KiB/s: 47 MiB in $ms ms"
[ "$ms" -lt 60000 ] || fail "slower than 2048 KiB/s: 47 MiB in $ms ms"
run metaparam --resync-ceiling none --resync-floor 1000 d3
fast=$(took)
echo "$fast ms"
[ "$fast" -lt $((ms / 2)) ] || fail "without a ceiling it is not faster: $fast ms"
same_sides d3

note "bad input"
parameters() { metaparam d3; }
parameters >/tmp/before
refuse 'a speed is a number' metaparam --resync-floor 0 d3
refuse 'a speed is a number' metaparam --resync-ceiling 4294967296 d3
refuse 'a time is' metaparam --resync-latency 2min d3
refuse 'a time is' metaparam --resync-latency 0ms d3
refuse 'd31: is not a mirror' metaparam --resync-floor 5 d31
refuse 'cannot be used with' metaparam -h none --resync-floor 5 d31
parameters | diff /tmp/before - || fail "bad input has changed something"
run mdctl stop
run modprobe -r md_mirror md_stripe md_rs
