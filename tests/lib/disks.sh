# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by scenarios: . "$MD_TEST_LIB/disks.sh"
# Disks that do what no disk of the machine does, and what the kernel says of a disk. There is no
# udev in the guest: device-mapper's library makes its nodes by itself when it knows.

export DM_DISABLE_UDEV=1

# mapped NAME [TABLE]: makes /dev/mapper/NAME of a table of device-mapper, from standard input if it
# is not given.
mapped() { dmsetup create "$1" ${2+--table "$2"}; }

# remap NAME [TABLE]: gives a mapped device another table, while it is in use.
remap() {
	dmsetup load "$1" ${2+--table "$2"}
	dmsetup suspend --nolockfs "$1"
	dmsetup resume "$1"
}

# null_disk NAME SETTING=VALUE...: makes /dev/NAME, a disk of null_blk, which keeps its data in
# memory. Settings are those of its folder in configfs, size in MiB.
null_disk() {
	local folder=/sys/kernel/config/nullb/$1 setting
	if ! grep -q '^null_blk ' /proc/modules; then
		modprobe null_blk nr_devices=0
		mountpoint -q /sys/kernel/config || mount -t configfs config /sys/kernel/config
	fi
	mkdir "$folder"
	for setting in memory_backed=1 "${@:2}"; do
		echo "${setting#*=}" >"$folder/${setting%%=*}"
	done
	echo 1 >"$folder/power"
}

# faulty_disk MIB: makes a disk of scsi_debug. $faulty is its path, and $faults the file that takes
# the faults that it is to have.
faulty_disk() {
	local device
	modprobe scsi_debug dev_size_mb="$1"
	device=$(cd /sys/bus/pseudo/drivers/scsi_debug/adapter0/host*/target*/[0-9]*:*/ && pwd)
	wait_for 10 test -d "$device/block"
	# shellcheck disable=SC2034
	faulty=/dev/$(names_in "$device/block")
	mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
	faults=/sys/kernel/debug/scsi_debug/${device##*/}/error
	[ -e "$faults" ] || fail "scsi_debug has no $faults"
}

# disk_named SERIAL: the path of a disk of the machine, which may have another one after it was
# pulled.
disk_named() {
	lsblk -dnro NAME,SERIAL | awk -v serial="$1" '$2 == serial { print "/dev/" $1 }'
}

# in_sysfs DEVICE: the folder in /sys of a block device, given by its path.
in_sysfs() { printf '/sys/dev/block/%s\n' "$(stat -Lc %Hr:%Lr "$1")"; }

# names_in FOLDER: what there is in a folder, in one line.
names_in() { find "$1" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | xargs; }

# limit DEVICE NAME: one of the limits of a device's queue.
limit() { cat "$(in_sysfs "$1")/queue/$2"; }

# count_of DEVICE WHAT: a count of what the device has done since it exists.
count_of() {
	local names=(reads reads_merged sectors_read read_ms writes writes_merged sectors_written
		write_ms in_flight io_ms weighted_ms discards discards_merged
		sectors_discarded discard_ms flushes flush_ms)
	local values n
	read -ra values <"$(in_sysfs "$1")/stat"
	for n in "${!names[@]}"; do
		[ "${names[n]}" != "$2" ] || printf '%s\n' "${values[n]}"
	done
}

# described NAME FILTER: what metastat says of a metadevice, through a filter of jq.
described() { metastat --json "$1" | jq -r ".metadevices[0]$2"; }
