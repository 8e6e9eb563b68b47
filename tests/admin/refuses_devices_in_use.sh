#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: metainit refuses devices that are mounted, swapped on, held by device-mapper, part of a
#         metadevice, too small, read-only, twice in one command, or not there; each refusal names
#         the device and changes nothing, and metaclear refuses what is not there.
# Clause: svm.md 3.4, 10; issue 2, first slice
# Lanes: drawn
# Vm: --disks 6 --disk-size 32M
# Timeout: 180
set -euo pipefail

# refused DEVICE COMMAND...: it fails with status 1, says which device, and makes nothing.
refused() {
	local device=$1 status=0
	shift
	"$@" >/tmp/out 2>&1 || status=$?
	echo "$*: $(cat /tmp/out)"
	[ $status = 1 ] || { echo "status $status, not 1"; exit 1; }
	grep -q -- "$device" /tmp/out || { echo "the message does not name $device"; exit 1; }
	metastat --json | diff /tmp/before - || { echo "it has changed something"; exit 1; }
}

modprobe md_rs
metainit d10 1 1 /dev/sdf
metastat --json >/tmp/before

mkfs.ext4 -q /dev/sda
mkdir -p /mnt
mount /dev/sda /mnt
refused /dev/sda metainit d11 1 1 /dev/sda
umount /mnt

mkswap -q /dev/sda
swapon /dev/sda
refused /dev/sda metainit d11 1 1 /dev/sda
swapoff /dev/sda
wipefs -qa /dev/sda

dmsetup create held --table "0 1000 linear /dev/sdb 0"
refused /dev/sdb metainit d11 1 1 /dev/sdb
dmsetup remove held

printf 'label: gpt\nsize=8M\nsize=8M\n' | sfdisk -q /dev/sdc
mkfs.ext4 -q /dev/sdc2
mount /dev/sdc2 /mnt
refused /dev/sdc metainit d11 1 1 /dev/sdc
umount /mnt
# The first partition is free, but the second disk of the row is not there.
refused /dev/nothing metainit d11 1 2 /dev/sdc1 /dev/nothing

refused /dev/sdf metainit d11 1 1 /dev/sdf
refused /dev/sda metainit d11 1 2 /dev/sda /dev/sda
refused /dev/null metainit d11 1 1 /dev/null
refused d10 metainit d10 1 1 /dev/sda
refused d8192 metainit d8192 1 1 /dev/sda
refused d12 metaclear d12

# Too small: the reserved head alone is 1 MiB.
dmsetup create small --table "0 2048 linear /dev/sdd 0"
small=/dev/$(basename "$(readlink -f /sys/block/dm-*)")
refused "$small" metainit d11 1 1 "$small"
grep -q 'needed' /tmp/out || { echo "it does not say what size is needed"; exit 1; }
dmsetup remove small
blockdev --setro /dev/sde
refused /dev/sde metainit d11 1 1 /dev/sde
blockdev --setrw /dev/sde

# With all that undone, the devices are free.
metainit d11 1 4 /dev/sda /dev/sdb /dev/sdd /dev/sde
metaclear d11
metaclear d10
