# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by scenarios: . "$MD_TEST_LIB/lio.sh"
# One disk that two hosts reach, in one guest: a target of the kernel's (LIO) with a loop-back port
# for each of them. The volume manager uses $ours; the other host is sg_persist, sg_raw and dd on
# $theirs.

TARGET=/sys/kernel/config/target
ours='' theirs=''

# disk_of PORT: the path of the disk that a loop-back port has.
disk_of() {
	local address
	address=$(cat "$TARGET/loopback/$1/tpgt_1/address")
	wait_for 10 test -e "/sys/class/scsi_device/$address:0/device/block" >&2
	echo "/dev/$(ls "/sys/class/scsi_device/$address:0/device/block")"
}

# port PORT NEXUS NAME: makes a port for the disk with a name. The nexus comes before the link.
port() {
	mkdir -p "$TARGET/loopback/$1/tpgt_1/lun/lun_0"
	echo "$2" >"$TARGET/loopback/$1/tpgt_1/nexus"
	ln -s "$TARGET/core/fileio_0/$3" "$TARGET/loopback/$1/tpgt_1/lun/lun_0/$3"
}

# shared_disk [MIB]: makes a disk that two hosts reach.
shared_disk() {
	local mib=${1:-16} core=$TARGET/core/fileio_0/d0
	modprobe -a sg sd_mod target_core_mod target_core_file tcm_loop
	mountpoint -q /sys/kernel/config || mount -t configfs config /sys/kernel/config
	# Registrations are kept there, and a target without the folder refuses them.
	mkdir -p /var/target/pr
	mkdir -p "$core"
	truncate -s "${mib}M" /tmp/d0.img
	echo "fd_dev_name=/tmp/d0.img,fd_dev_size=$((mib << 20))" >"$core/control"
	echo md-test-0001 >"$core/wwn/vpd_unit_serial"
	echo 1 >"$core/enable"
	port naa.6001405000000001 naa.6001405aaaaaaa01 d0
	port naa.6001405000000002 naa.6001405aaaaaaa02 d0
	ours=$(disk_of naa.6001405000000001)
	theirs=$(disk_of naa.6001405000000002)
	note "this host has $ours, the other one $theirs"
}

# rival COMMAND...: the other host's command, until the disk has told what it had to tell first,
# such as a reset.
rival() {
	local said status
	for _ in 1 2 3 4; do
		status=0
		said=$("$@" 2>&1) || status=$?
		grep -qi 'unit attention' <<<"$said" || break
	done
	printf '%s\n' "$said"
	return "$status"
}

# rival_reserves, rival_releases: the other host, by SCSI-2.
rival_reserves() { rival sg_raw "$theirs" 16 00 00 00 00 00; }
rival_releases() { rival sg_raw "$theirs" 17 00 00 00 00 00; }

# rival_seizes: the other host resets the disk, which drops our reservation, and reserves it.
rival_seizes() { sg_reset -d "$theirs" && rival_reserves; }

# rival_keys OPTION...: the other host, by sg_persist.
rival_keys() { rival sg_persist -n "$@" "$theirs"; }

# mhd_says DISK FILTER: what 'mdctl mhd status' says of a disk, through a filter of jq.
mhd_says() { mdctl mhd status --json "$1" | jq -r ".multihost[0]$2"; }
