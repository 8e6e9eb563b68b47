#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: the modules load on demand, and cannot be unloaded while a metadevice exists, its disk or
#         the admin device is open, or a personality is loaded; afterwards they can.
# Clause: issue 2, modules
# Lanes: stock,smoke,debug
# Vm: --disks 2 --disk-size 64M --leaks
# Timeout: 120
set -euo pipefail

refused() {
	if modprobe -r "$@" 2>/tmp/why; then
		echo "unloading $* was not refused"
		exit 1
	fi
	echo "unloading $* is refused: $(cat /tmp/why)"
}
loaded() { grep -q "^$1 " /proc/modules; }
not_loaded() {
	if loaded "$1"; then
		echo "$1 is loaded${2:+, $2}"
		exit 1
	fi
}

not_loaded md_rs
modprobe md_rs
loaded md_rs
not_loaded md_stripe "before it was needed"
exec 3</dev/md/admin
refused md_rs
exec 3<&-

metainit d10 1 2 /dev/sda /dev/sdb
loaded md_stripe || { echo "md_stripe was not loaded on demand"; exit 1; }
refused md_stripe
refused md_rs

exec 3</dev/md/dsk/d10
if metaclear d10; then
	echo "an open metadevice was cleared"
	exit 1
fi
[ -b /dev/md/dsk/d10 ]
refused md_rs
exec 3<&-
metaclear d10

# Without a metadevice, the personality still pins the core, whose code it calls.
if rmmod md_rs 2>/tmp/why; then
	echo "md_rs was unloaded below md_stripe"
	exit 1
fi
modprobe -r md_stripe
if loaded md_rs; then modprobe -r md_rs; fi
not_loaded md_rs
