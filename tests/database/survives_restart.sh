#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: what was configured, and the states, are there after a set was stopped and started, and
#         after the modules were unloaded: concats, a stripe, a mirror, its options, a component
#         that failed. With less than half of the replicas it does not start, and says why.
# Clause: DURABILITY 1, 2, 5, 18; issue 6
# Lanes: stock,smoke
# Vm: --disks 4 --disk-size 32M --leaks
# Timeout: 300
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"

modprobe md_rs
run metadb
run metadb -a -f /dev/sda
run metadb -a /dev/sdb /dev/sdc
metadb -i
run metainit d11 1 1 /dev/sda
run metainit d12 1 1 /dev/sdb
run metainit --assume-clean d10 -m d11 d12
run metainit d20 1 2 /dev/sdc /dev/sdd -i 16k
run metaparam -r first -w serial d10
head -c 4M /dev/urandom >/tmp/data
run dd if=/tmp/data of=/dev/md/dsk/d10 bs=1M oflag=direct status=none
run dd if=/tmp/data of=/dev/md/dsk/d20 bs=1M oflag=direct status=none
metastat >/tmp/before
metastat -p >/tmp/before.p
cat /tmp/before.p
run mdctl scan

for how in stop unload; do
	run mdctl stop
	if [ $how = unload ]; then
		modprobe -r md_mirror md_stripe
		if grep -q '^md_rs ' /proc/modules; then modprobe -r md_rs; fi
		modprobe md_rs
	fi
	run mdctl start
	metastat >/tmp/after
	metastat -p >/tmp/after.p
	run diff /tmp/before.p /tmp/after.p
	for unit in d10 d20; do
		run cmp -n 4194304 /tmp/data /dev/md/dsk/$unit
	done
done
metadb -i
run metaclear d20
run mdctl stop
run mdctl start
refuse 'does not exist' metastat d20
run metaclear -r d10
run mdctl stop
