#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a disk that a metadevice of the set is without, or that belongs to one that could not be
#         made, is not given to another one; and a command that fails leaves the labels of its disks
#         as they were, also one of another set that it was told (-f) to take.
# Clause: DURABILITY 18; issue 6
# Lanes: drawn
# Vm: --disks 5 --disk-size 16M
# Timeout: 300
# What is compared: the labels of the disks as 'mdctl dump' shows them; the sides block by block.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

# label DEVICE: the set and the identity in the label of a device, and of what it is part of.
label() {
	mdctl dump --json "$1" |
		jq -c '.dump.label // {} | [.set, .component, [.tree[]?.metadevice.name]]'
}
# same_label WHAT EXPECTED DEVICE
same_label() { same "label of $3: $1" "$2" "$(label "$3")"; }

modprobe md_rs
note "a disk with the label of another set"
run metadb -a -f /dev/sde
run metainit d7 1 1 /dev/sdd
run mdctl stop
foreign=$(label /dev/sdd)
run blkdiscard -z /dev/sde
[ "$(jq -r '.[2][0]' <<<"$foreign")" = d7 ] || fail "it has no label: $foreign"

note "a mirror starts without one of its disks, which comes back"
run metadb -a -f /dev/sda
run metainit d11 1 1 /dev/sdb
run metainit d12 1 1 /dev/sdc
run metainit d10 -m d11 d12
run metasync -r -w
run dd if=/dev/urandom of=/dev/md/dsk/d10 bs=1M count=8 oflag=direct status=none
own=$(label /dev/sdc)
run mdctl stop
host=$(readlink -f /sys/block/sdc/device | grep -o 'host[0-9]*' | tail -n 1)
echo 1 >/sys/block/sdc/device/delete
run mdctl start
same "states" "Okay,Unavailable" "$(states d10)"
echo '- - -' >"/sys/class/scsi_host/$host/scan"
wait_for 20 test -b /dev/sdc
refuse '/dev/sdc: belongs to d12, which is without it' metainit -f d5 1 1 /dev/sdc
refuse '/dev/sdc: belongs to d12, which is without it' metainit hsp001 /dev/sdc
same_label "after that" "$own" /dev/sdc
refuse 'is missing since the set was started' metareplace -e d10 "$(jq -r '.[1]' <<<"$own")"
run metareplace -e -w d10 /dev/sdc
same "states" "Okay,Okay" "$(states d10)"
same_sides d10

note "metadevices that could not be made, for want of their module"
before=$(checksum /dev/md/dsk/d10)
run mdctl stop
run modprobe -r md_mirror md_stripe
echo 'install md_stripe /bin/false' >/etc/modprobe.d/no-stripes.conf
run modprobe md_rs
refuse '3 metadevices could not be made' mdctl start
rm /etc/modprobe.d/no-stripes.conf
refuse '/dev/sdb: belongs to d11, which could not be made' metainit -f d5 1 1 /dev/sdb
refuse 'd11: is on record, but could not be made' metainit -f d11 1 1 /dev/sdb
refuse 'd11: is on record, but could not be made' metaclear d11
run mdctl stop
run mdctl start
same "what d10 holds" "$before" "$(checksum /dev/md/dsk/d10)"
same "states" "Okay,Okay" "$(states d10)"

note "a label that can be written but once is what it was"
size=$(blockdev --getsz /dev/sdd)
mapped half "0 1792 linear /dev/sdd 0
1792 $((size - 1792)) flakey /dev/sdd 1792 0 60 1 error_writes"
sleep 1
refuse '/dev/mapper/half: ' metainit -f d5 1 1 /dev/mapper/half
same_label "not taken" "$foreign" /dev/sdd
run metadetach d10 d12
run metaclear d10
run metaclear d12
own=$(label /dev/sdb)
refuse '/dev/mapper/half: ' metattach -f d11 /dev/mapper/half
same_label "not taken either" "$foreign" /dev/sdd
same_label "of d11 alone" "$own" /dev/sdb
same "size" 30720 "$(blockdev --getsz /dev/md/dsk/d11)"
run dmsetup remove half
run metainit -f d5 1 1 /dev/sdd
[ "$(label /dev/sdd)" != "$foreign" ] || fail "-f has not taken it"
run metaclear d5
same_label "of nothing" '[null,null,[]]' /dev/sdd
run mdctl stop
