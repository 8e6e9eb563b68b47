#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: the machine is suspended and comes back, several times, while ext4 on a mirror is in use
#         and a side is being resynced, also with its disks off: nothing is lost, nobody sees an
#         error, the resync goes on and ends, and the sides are the same.
# Clause: DURABILITY 23; issue 7
# Lanes: long
# Vm: --disks 5 --disk-size 96M
# Timeout: 240
# What is compared: what fio reads with what it wrote, files with what was synced, the sides.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"
# shellcheck source=tests/lib/faults.sh
. "$MD_TEST_LIB/faults.sh"

is_resyncing() { [ "$(described d10 .resync)" != null ]; }
is_at_rest() { ! is_resyncing; }

# suspend HOW: the kernel tells everybody, freezes what runs, with "devices" also stops the devices,
# waits 5 seconds and goes on.
suspend() {
	note "suspended: $1"
	echo "$1" >/sys/power/pm_test
	echo freeze >/sys/power/state || fail "it was not suspended"
	echo none >/sys/power/pm_test
}

# The harness's ports do not come back with the other devices (to the driver they are closed at the
# other end from then on). So what is printed goes to a file, and at the end the ports are made
# anew, and are told what process 1 would tell.
port() {
	local name
	for name in /sys/class/virtio-ports/*/name; do
		[ "$(<"$name")" = "$1" ] || continue
		name=${name%/name}
		echo "/dev/${name##*/}"
	done
}
are_ports_there() { [ -c "$(port md.output)" ] && [ -c "$(port md.state)" ]; }
tell_harness() {
	local status=$? driver=/sys/bus/virtio/drivers/virtio_console device
	trap - EXIT
	device=$(basename "$driver"/virtio*)
	echo "$device" >$driver/unbind
	echo "$device" >$driver/bind
	wait_for 20 are_ports_there
	cat /tmp/printed >"$(port md.output)"
	printf 'left\nexit %s\n' $status >"$(port md.state)"
	sync
	echo o >/proc/sysrq-trigger
	sleep 60
}
exec >/tmp/printed 2>&1
trap tell_harness EXIT

modprobe md_rs
run metadb -a -f -c 2 /dev/sda
run metadb -a -c 2 /dev/sdb
run metainit d11 1 1 /dev/sdc
run metainit d12 1 1 /dev/sdd
# Slow enough that the resync is not done before the machine sleeps.
size=$(blockdev --getsz /dev/sde)
mapped slow "0 $size delay /dev/sde 0 0 /dev/sde 0 500"
run metainit d13 1 1 /dev/mapper/slow
for name in d11 d12; do run blkdiscard -zf /dev/md/dsk/$name; done
run metainit d10 -m d11 d12 --assume-clean
run mkfs.ext4 -qF $d10
run mount $d10 /mnt
mkdir /mnt/kept
keep before
start_load
run metattach d10 d13
wait_for 20 is_resyncing
suspend freezer
is_resyncing || fail "the resync has ended: this shows nothing"
kill -0 "$load" || fail "the load has ended"
keep between
files_match
suspend devices
keep after
kill -0 "$load" || fail "the load has ended"
remap slow "0 $size linear /dev/sde 0"
wait_for 120 is_at_rest
same "states" "Okay,Okay,Okay" "$(states d10)"
end_load
files_match
same_sides_of_mounted
note "and with nobody copying"
start_load
suspend devices
end_load
keep again
files_match
run umount /mnt
run e2fsck -fn $d10
same_sides d10
run metaclear -r d10
run mdctl stop
