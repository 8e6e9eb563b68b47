#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a disk that can be reached by two paths is one disk: its replicas have one vote, its
#         metadevice is there once, whichever of the paths are there when the set is started, and
#         the other path is not taken for a free disk.
# Clause: DURABILITY 18; issue 6: shown through two paths
# Lanes: drawn
# Vm: --disks 2 --disk-size 32M
# Timeout: 200
# What is compared: the replicas that metadb counts, and what is on the metadevice.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"

# paths: how the disk can be reached just now, sorted.
paths() { lsblk -dnro NAME,MODEL | awk '/scsi_debug/ { print "/dev/" $1 }' | sort; }
has_paths() { [ "$(paths | wc -l)" = "$1" ]; }
wwid() { cat "$(in_sysfs "$1")/device/wwid"; }
# close PATH, rescan: takes a path away, and has all paths found again.
close() {
	printf '$ %s is taken away\n' "$1"
	echo 1 >"$(readlink -f "$(in_sysfs "$1")/device")/delete"
}
rescan() {
	local host
	for host in /sys/class/scsi_host/*/scan; do echo '- - -' >"$host"; done
	wait_for 20 has_paths 2
}
check() {
	same "first words of d1" "this is d1" "$(head -n 1 /dev/md/dsk/d1)"
	same "replicas" 3 "$(metadb --json | jq '.database.replicas | length')"
}

modprobe md_rs
# Both hosts show the same memory, and their disks have the same name.
modprobe scsi_debug dev_size_mb=32 add_host=2 vpd_use_hostno=0 delay=0
wait_for 20 has_paths 2
mapfile -t both < <(paths)
one=${both[0]} other=${both[1]}
same "names of the two" "$(wwid "$one")" "$(wwid "$other")"

note "a set with a replica and a metadevice on a disk with two paths"
run metadb -a -f "$one"
run metadb -a /dev/sda /dev/sdb
run metainit d1 1 1 "$one"
printf 'this is d1\n' >/tmp/words
truncate -s 64K /tmp/words
dd if=/tmp/words of=/dev/md/dsk/d1 bs=64k oflag=direct status=none
check

note "the other path is no free disk"
refuse "$other: is another path to" metadb -a "$other"
refuse "$other: is another path to" metainit d2 1 1 "$other"
refuse "$other: is another path to" metainit -f d2 1 1 "$other"
refuse "$other: is another path to" metainit hsp001 "$other"
same "replicas" 3 "$(metadb --json | jq '.database.replicas | length')"
run mdctl stop
run mdctl start
check

note "started with either path alone"
for gone in "$one" "$other"; do
	run mdctl stop
	close "$gone"
	wait_for 20 has_paths 1
	run mdctl start
	check
	run mdctl stop
	rescan
	run mdctl start
	check
	mapfile -t both < <(paths)
	one=${both[0]} other=${both[1]}
done
run metaclear d1
run mdctl stop
