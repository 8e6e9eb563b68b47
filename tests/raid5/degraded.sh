#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a disk of RAID5 fails while it is written to: the column is out of service, that is in the
#         state database before a write is acknowledged, and everything is read and written without
#         it. A new disk, or the same one again, is made of the others while the metadevice is in
#         use. A second failure is the last one: what can be read is read, and what cannot fails.
# Clause: DURABILITY 5, 15; svm.md 5.4, 5.5, 5.8, 5.9; issue 9
# Lanes: stock
# Vm: --disks 7 --disk-size 16M
# Timeout: 600
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"
# shellcheck source=tests/lib/raid.sh
. "$MD_TEST_LIB/raid.sh"

raid_tool
modprobe md_rs
run metadb -a -f -c 2 /dev/sde
run metadb -a -c 2 /dev/sdf
for n in a b c d; do sick "s$n" "/dev/sd$n" good; done
columns=(/dev/mapper/sa /dev/mapper/sb /dev/mapper/sc /dev/mapper/sd)
run metainit d20 -r "${columns[@]}" -i 64k
wait_for 60 is_made d20

load() {
	verify_with_fio --filename=/dev/md/dsk/d20 --rw=randwrite --bs=24k --size=12M \
		--io_size=4M --direct=1 --ioengine=libaio --iodepth=16 "$@"
}

note "a column fails under load"
(sleep 2 && sick sb /dev/sdb nothing) &
load --time_based --runtime=5
wait
columns_are d20 Okay,Maintenance,Okay,Okay || fail "$(column_states d20)"
run metastat d20
metastat d20 | grep -q 'Invoke: metareplace d20 .*sb <new device>' || fail "no Invoke: line"
before=$(checksum /dev/md/dsk/d20)
found=$(raid_from d20 cat "${columns[0]}" - "${columns[2]}" "${columns[3]}" | sha256sum)
same "without the column" "$before" "${found%% *}"

note "degraded, and started again"
load
before=$(checksum /dev/md/dsk/d20)
run mdctl stop
run mdctl start
same "states" Okay,Maintenance,Okay,Okay "$(column_states d20)"
same "contents" "$before" "$(checksum /dev/md/dsk/d20)"

note "another disk takes its place, under load"
# What reads nothing has no label: the disk below was found.
refuse 'comes first' metareplace d20 /dev/mapper/sc /dev/sdg
run metareplace d20 "$(described d20 '.columns[1].device')" /dev/sdg
load
wait_for 60 is_made d20
same "states" Okay,Okay,Okay,Okay "$(column_states d20)"
columns=(/dev/mapper/sa /dev/sdg /dev/mapper/sc /dev/mapper/sd)
columns_tell d20 "${columns[@]}"

note "the same disk again"
sick sc /dev/sdc no_writes
load
same "states" Okay,Okay,Maintenance,Okay "$(column_states d20)"
sick sc /dev/sdc good
run metareplace -e -w d20 /dev/mapper/sc
same "states" Okay,Okay,Okay,Okay "$(column_states d20)"
columns_tell d20 "${columns[@]}"
refuse 'nothing to be enabled' metareplace -e d20 /dev/mapper/sc

note "the second failure"
before=$(checksum /dev/md/dsk/d20)
sick sa /dev/sda nothing
dd if=/dev/zero of=/dev/md/dsk/d20 bs=64k count=3 oflag=direct status=none
columns_are d20 Maintenance,Okay,Okay,Okay || fail "$(column_states d20)"
after=$(checksum /dev/md/dsk/d20)
sick sd /dev/sdd no_writes
dd if=/dev/zero of=/dev/md/dsk/d20 bs=64k count=3 oflag=direct status=none &&
	fail "a write without a place was acknowledged"
columns_are d20 "Maintenance,Okay,Okay,Last Erred" || fail "$(column_states d20)"
run metastat d20
sick sd /dev/sdd good
[ "$(checksum /dev/md/dsk/d20)" = "$after" ] || [ "$before" != "$after" ] ||
	fail "what can be read is not what it was"
sick sa /dev/sda good
run metareplace -e -w d20 /dev/mapper/sa
# The others have all that it has now.
same "states" Okay,Okay,Okay,Maintenance "$(column_states d20)"
run metareplace -e -w d20 /dev/mapper/sd
columns=(/dev/mapper/sa /dev/sdg /dev/mapper/sc /dev/mapper/sd)
columns_tell d20 "${columns[@]}"
