#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a hundred times loaded, used and unloaded, the modules leave nothing behind: no slab
#         object, no device, no sysfs entry. In the debug kernel kmemleak looks as well.
# Clause: issue 2, modules
# Lanes: drawn
# Vm: --disks 2 --disk-size 32M --smp 1 --leaks
# Timeout: 600
set -euo pipefail

once() {
	modprobe md_rs
	metainit d10 1 2 /dev/sda /dev/sdb >/dev/null
	# One read makes requests, clones and the page cache; a refusal walks the error path.
	dd if=/dev/md/dsk/d10 of=/dev/null bs=1M count=4 status=none
	if metainit d11 1 1 /dev/sda >/dev/null 2>&1; then
		echo "a device of d10 became one of d11 as well"
		exit 1
	fi
	metaclear d10 >/dev/null
	modprobe -r md_stripe
	if grep -q '^md_rs ' /proc/modules; then modprobe -r md_rs; fi
}

# "CACHE OBJECTS" of every slab cache, when what can be freed was freed: caches dropped, per-CPU and
# partial slabs shrunk, RCU callbacks done.
slabs() {
	local _ cache
	for _ in 1 2 3; do
		sync
		echo 3 >/proc/sys/vm/drop_caches
		for cache in /sys/kernel/slab/*/shrink; do
			[ ! -e "$cache" ] || echo 1 >"$cache"
		done
		sleep 0.5
	done
	awk 'NR > 2 {print $1, $2}' /proc/slabinfo | sort
}

# The first ones fill caches of the kernel's own.
for _ in 1 2 3 4 5; do once; done
slabs >/tmp/before
for _ in $(seq 100); do once; done
slabs >/tmp/after

# One object leaked in each round is a hundred in its cache. The pool of the debug kernel's own
# debugobjects grows as it likes; there kmemleak finds what is lost.
grown=$(join /tmp/before /tmp/after |
	awk '$1 != "debug_objects_cache" && $3 - $2 >= 100 {
		print $1 ": " $2 " objects before, " $3 " after"
	}')
[ -z "$grown" ] || {
	echo "these slab caches have grown in 100 rounds:"
	echo "$grown"
	exit 1
}
echo "no slab cache has grown by 100 objects in 100 rounds"
left=$(find /sys/block -maxdepth 1 -name 'md!*')
[ -z "$left" ] || { echo "left behind: $left"; exit 1; }
[ ! -e /dev/md ] || { find /dev/md; echo "/dev/md was left behind"; exit 1; }
