#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: when a disk is pulled under load nothing hangs: I/O to it fails, I/O to the others does
#         not, the component is Unavailable by name; the metadevice can be cleared, and with the
#         disk back the same command brings the data back. Also with ext4 mounted and with a
#         partition as component, and the modules can be unloaded.
# Clause: svm.md 3.5, 4.2; issue 3
# Lanes: drawn
# Vm: --disks 3 --disk-size 64M
# Timeout: 300
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"

d10=/dev/md/dsk/d10

# ends PID: the process comes to an end within two minutes. A task in a deadlock cannot be killed.
ends() {
	is_gone() { ! kill -0 "$1" 2>/dev/null; }
	wait_for 120 is_gone "$1"
}

# What fio writes comes on top of the 24 MiB of before.
is_busy() { [ "$(count_of $d10 sectors_written)" -gt 51200 ]; }
state_is() { [ "$(described d10 .state)" = "$1" ]; }
is_there() { [ -n "$(disk_named "$1")" ]; }

# pull SERIAL DEVICE: pulls a disk; its component must be known to be gone.
pull() {
	run vmctl unplug "$1"
	wait_for 60 state_is Unavailable
	same "states of the components" "Okay Unavailable Okay" \
		"$(described d10 '.rows[].components[].state' | xargs)"
	metastat d10 | tee /tmp/said
	grep -q "${2#/dev/}.*Unavailable" /tmp/said || fail "metastat does not say that $2 is gone"
	dmesg >/tmp/dmesg
	grep "md_rs: d10: component $2 is gone" /tmp/dmesg || fail "the kernel log does not say so"
}

# put_back SERIAL: puts a disk back, and says where it is in $disk.
put_back() {
	run vmctl plug "$1"
	wait_for 60 is_there "$1"
	disk=$(disk_named "$1")
	echo "$1 is $disk now"
}

modprobe md_rs

note "under load"
run metainit d10 1 3 /dev/sda /dev/sdb /dev/sdc -i 64k
head -c 24M /dev/urandom >/tmp/data
run dd if=/tmp/data of=$d10 bs=1M oflag=direct conv=fsync status=none
fio --name=load --filename=$d10 --direct=1 --ioengine=libaio --iodepth=16 --bs=16k --rw=randrw \
	--offset=32M --time_based --runtime=100 --output=/tmp/fio.log &
load=$!
wait_for 60 is_busy
pull disk1 /dev/sdb
ends $load
if wait $load; then fail "fio had no error"; fi

note "only what lies on that disk is lost"
run dd if=$d10 of=/dev/null bs=64k count=1 iflag=direct status=none
refuse 'Input/output error' dd if=$d10 of=/dev/null bs=64k skip=1 count=1 iflag=direct status=none
run dd if=$d10 of=/dev/null bs=64k skip=2 count=1 iflag=direct status=none
run dd if=/tmp/data of=$d10 bs=64k count=1 oflag=direct status=none
refuse 'Input/output error' dd if=/tmp/data of=$d10 bs=1M count=1 oflag=direct status=none
refuse 'Input/output error' sync -d $d10
run metaclear d10
refuse '/dev/sdb' metainit d10 1 3 /dev/sda /dev/sdb /dev/sdc -i 64k

note "the disk is back, and so is the data"
put_back disk1
run metainit d10 1 3 /dev/sda "$disk" /dev/sdc -i 64k
same "state" Okay "$(described d10 .state)"
dd if=$d10 bs=1M count=24 iflag=direct status=none | cmp - /tmp/data ||
	fail "the data is not what was written and flushed"

note "with ext4 mounted"
run mkfs.ext4 -q $d10
run mount $d10 /mnt
cp -a /etc /mnt/etc
sync
tree_checksums /mnt/etc >/tmp/written
run vmctl unplug disk1
wait_for 60 state_is Unavailable
refuse 'Input/output error|Read-only' \
	dd if=/dev/urandom of=/mnt/new bs=1M count=6 conv=fsync status=none
refuse 'd10' metaclear d10
run umount /mnt
run metaclear d10
put_back disk1
run metainit d10 1 3 /dev/sda "$disk" /dev/sdc -i 64k
e2fsck -fy $d10 || [ $? = 1 ] || fail "e2fsck gave up"
run mount $d10 /mnt
(cd /mnt/etc && sha256sum --quiet -c /tmp/written) || fail "what was synced has changed"
run umount /mnt
run metaclear d10

note "a partition of the disk, closed and without load; cleared while the disk is gone"
echo 'size=32M' | sfdisk -q --wipe always "$disk"
run metainit d10 3 1 /dev/sda 1 "${disk}1" 1 /dev/sdc
pull disk1 "${disk}1"
run metaclear d10
run modprobe -r md_stripe md_rs
put_back disk1
run modprobe md_rs
run metainit d10 1 2 "${disk}1" /dev/sda
run metaclear d10
