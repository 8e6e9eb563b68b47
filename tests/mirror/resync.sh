#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a side that is attached gets all that the others have, whatever is written meanwhile, and
#         is in service when the command that waits is done; of two sides that differ the first one
#         is taken. A resync that is cancelled, or whose set is stopped, goes on where it was. What
#         cannot be a side, and what a resync stands against, is refused and changes nothing.
# Clause: svm.md 4.2, 4.6, 4.9, 13.3 (19, 20, 21, 25); DURABILITY 7, 10, 11; issue 7
# Lanes: drawn
# Vm: --disks 9 --disk-size 16M
# Timeout: 300
# What is compared: every block of a side with that of the others after a load that verifies; what
# reads give during the resync with what the first side held; sectors written to the new side's disk
# with its size; the document of metastat before and after what is refused.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/blocks.sh
. "$MD_TEST_LIB/blocks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

d10=/dev/md/dsk/d10
mib=2048

# holds DEVICE TAG: nothing is wrong with any of the first 14 MiB.
holds() { same "blocks of $1 without '$2'" "" "$(wrong "$1" "$2" | sed -n 1,5p | xargs)"; }
wrong() { /tmp/blocks read batch "/dev/md/dsk/$1" 0 3584 "$2"; }

# slow MILLISECONDS: how long a write to /dev/mapper/slow takes.
slow() {
	local size table
	size=$(blockdev --getsz /dev/sdf)
	table="0 $size delay /dev/sdf 0 0 /dev/sdf 0 $1"
	printf '$ writes to slow take %s ms now\n' "$1"
	if [ -e /dev/mapper/slow ]; then remap slow "$table"; else mapped slow "$table"; fi
}

# percent: how far the resync is; nothing if there is none.
percent() { described d10 '.resync | if . then 100 * .done / .total | floor else "" end'; }
is_at_least() { [ "$(described d10 '.resync != null')" = true ] && [ "$(percent)" -ge "$1" ]; }
resync_is() { [ "$(described d10 .resync.state)" = "$1" ]; }

# load SECONDS: writes all over d10, and reads that are compared.
load() {
	fio --name=load --filename=$d10 --direct=1 --ioengine=libaio --iodepth=8 \
		--bssplit=512/10:4k/50:20k/20:64k/20 --rw=randrw --rwmixread=30 --numjobs=3 \
		--size=30% --offset_increment=33% \
		--verify=crc32c --verify_backlog=64 --verify_fatal=1 --randseed="$(small_seed)" \
		--time_based --runtime="$1" --output=/tmp/fio.log
}

# refused_and_same PATTERN COMMAND...: nothing is changed by what is refused.
refused_and_same() {
	metastat --json >/tmp/before
	refuse "$@"
	metastat --json | diff /tmp/before - || fail "what was refused has changed something"
}

make_blocks
modprobe md_rs
slow 0
run metadb -a -f -c 2 /dev/sda
run metadb -a -c 2 /dev/sdb
run metainit d11 1 1 /dev/sdc
run metainit d12 1 1 /dev/sdd
run metainit d13 1 1 /dev/mapper/slow
run metainit d14 1 2 /dev/sde /dev/sdg -i 56k

note "of two sides that differ, the first one is taken"
for side in "d11 first" "d12 second"; do
	read -r name tag <<<"$side"
	same "errors" "" "$(/tmp/blocks write batch "/dev/md/dsk/$name" 0 3584 "$tag")"
done
flushes=$(count_of /dev/sdd flushes)
run metainit d10 -m d11 d12
labelled=$(count_of /dev/sdd flushes)
for policy in first geometric roundrobin; do
	run metaparam -r $policy d10
	holds d10 first
done
wait_for 60 states_are d10 "Okay,Okay"
same "resync" null "$(described d10 .resync)"
same_sides d10
holds d12 first

note "its end is recorded, after a flush of the new side"
recorded() {
	# Its status is that of a disk with a second replica where a component has its label.
	mdctl dump /dev/sda >/tmp/dump || true
	! grep -A 1 'd10: mirror' /tmp/dump | grep -E 'needs a resync|behind'
}
wait_for 10 recorded
grep -A 1 'd10: mirror' /tmp/dump
echo "flushes of d12's disk: $flushes, $labelled with its labels, then $(count_of /dev/sdd flushes)"
[ "$(count_of /dev/sdd flushes)" -gt "$labelled" ] || fail "what was copied was never flushed"

note "a third side, and a fourth one of two disks, are attached while the mirror is written"
load 10 &
load=$!
sleep 1
run metattach -w d10 d13
same "states" "Okay,Okay,Okay" "$(states d10)"
run metattach -w d10 d14
same "states" "Okay,Okay,Okay,Okay" "$(states d10)"
kill -0 $load || fail "the load has ended before: this shows nothing"
wait $load || {
	cat /tmp/fio.log
	fail "the load had errors"
}
same_sides d10

note "what cannot be a side"
null_disk large size=16 blocksize=4096
mapped small "0 $((12 * mib)) linear /dev/sdh 0"
run metainit d15 1 1 /dev/sdi
run metainit d16 1 1 /dev/mapper/small
run metainit d17 1 1 /dev/large
refused_and_same 'd10: has 4 submirrors' metattach d10 d15
run metadetach d10 d14
refused_and_same 'd16: is too small' metattach d10 d16
refused_and_same 'd17: has logical blocks of 4096' metattach d10 d17
refused_and_same 'in use|submirror|part of' metattach d10 d12
refused_and_same 'd10' metattach d10 d10
refused_and_same 'd99' metattach d10 d99
refused_and_same 'd10: has nothing that has to be resynced' metasync d10
refused_and_same 'd10: has nothing that has to be resynced' metasync -c d10
run metadetach d10 d13
same "states" "Okay,Okay" "$(states d10)"
same "errors" "" "$(/tmp/blocks write batch $d10 0 3584 mirror)"

note "who waits for a resync can rely on the side at once"
# Its last flush takes a second, after everything was copied.
slow 1000
run metattach -w d10 d13
same "states" "Okay,Okay,Okay" "$(states d10)"
run metadetach d10 d12
run metadetach d10 d11
slow 0
holds d10 mirror
run metattach -w d10 d11
run metattach -w d10 d12
run metadetach d10 d13

note "a resync that takes its time is shown, and its side cannot be relied on"
slow 900
before=$(count_of /dev/sdf sectors_written)
run metattach d10 d13
same "states" "Okay,Okay,Resyncing" "$(states d10)"
same "state of the mirror" Resyncing "$(described d10 .state)"
wait_for 30 is_at_least 20
# It is not done before all has been looked at.
slow 5000
metastat d10 >/tmp/metastat
cat /tmp/metastat
grep -E '^ +Resync in progress: [1-9][0-9] % done$' /tmp/metastat || fail "no progress is shown"
if grep Invoke: /tmp/metastat; then fail "there is nothing to be done while it goes on"; fi
metastat -c d10 | grep -E 'd13 \(resync-[0-9]+%\)' || fail "metastat -c shows no progress"
refuse 'd10: has to be resynced before, or is being resynced' metadetach d10 d13
refuse 'd10: has to be resynced before, or is being resynced' metadetach d10 d11
refuse 'd10: has to be resynced before, or is being resynced' metaoffline d10 d11
refuse 'd10: has to be resynced before, or is being resynced' metaoffline d10 d13
same "states" "Okay,Okay,Resyncing" "$(states d10)"

note "it is cancelled, and stands still, also over a restart"
wait_for 60 is_at_least 50
run metasync -c d10
# What is under way ends.
slow 900
cancelled=$(percent)
same "resync" cancelled "$(described d10 .resync.state)"
same "states" "Okay,Okay,Needs maintenance" "$(states d10)"
metastat d10 >/tmp/metastat
grep -E "^ +Resync cancelled: $cancelled % done$" /tmp/metastat || {
	cat /tmp/metastat
	fail "that it was cancelled is not shown"
}
same "Invoke lines" "Invoke: metasync d10" "$(grep -o 'Invoke: .*' /tmp/metastat | sort -u)"
written=$(count_of /dev/sdf sectors_written)
sleep 2
same "sectors written since then" 0 $(($(count_of /dev/sdf sectors_written) - written))
holds d10 mirror
run mdctl stop
run mdctl start
same "resync" cancelled "$(described d10 .resync.state)"
same "states" "Okay,Okay,Needs maintenance" "$(states d10)"
holds d10 mirror

note "it goes on where it was, also when its set is stopped in the middle"
# So slow that it cannot be done before somebody looks.
slow 2500
run metasync d10
same "resync" running "$(described d10 .resync.state)"
wait_for 60 is_at_least 50
run mdctl stop
run mdctl start
same "states" "Okay,Okay,Resyncing" "$(states d10)"
slow 300
wait_for 60 states_are d10 "Okay,Okay,Okay"
# Each of the two may have left pieces of four regions half copied. Anew it would have been half of
# all at the least, and as much again.
size=$(blockdev --getsz $d10)
written=$(($(count_of /dev/sdf sectors_written) - before))
echo "sectors written to the new side: $written, and it has $size"
[ $written -ge "$size" ] || fail "not all of it was copied"
[ $written -le $((size + 2 * 4 * mib)) ] || fail "some of it was copied again"
same_sides d10
holds d10 mirror

note "a side that is being resynced can be taken out by force, and another one comes"
run metadetach d10 d13
run metattach d10 d13
wait_for 30 is_at_least 20
run metasync -c d10
run metadetach -f d10 d13
same "states" "Okay,Okay" "$(states d10)"
same "resync" null "$(described d10 .resync)"
run metattach -w d10 d14
same "states" "Okay,Okay,Okay" "$(states d10)"
same_sides d10
run metadetach d10 d14
same "resync" null "$(described d10 .resync)"
same "state of what was a side" Okay "$(described d13 .state)"
run metaclear d13
run metaclear -r d10
run mdctl stop
run modprobe -r md_mirror md_stripe md_rs
