#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a concat grows by one component after the other while ext4 is on it and a load verifies
#         what it reads: no request fails or is lost at the gate that closes and reopens each time,
#         and the data stays where it is. A refusal changes nothing.
# Clause: svm.md 3.6; DURABILITY 21; issue 3
# Lanes: drawn
# Vm: --disks 3 --disk-size 64M --leaks
# Timeout: 150
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"

d10=/dev/md/dsk/d10
# Pieces of 4 MiB that it grows by, of which 3 MiB are data.
pieces=12

# all_there_is: what would show that something has changed.
all_there_is() {
	metastat --json
	find /sys/block/*/holders /sys/block/*/slaves -mindepth 1 | sort
	blockdev --getsz $d10
}

# unchanged COMMAND...: must be refused, and nothing has changed.
unchanged() {
	all_there_is >/tmp/before
	refuse 'metattach' "$@"
	all_there_is | diff /tmp/before - || fail "what was refused has changed something"
}

modprobe md_rs
for ((n = 0; n < pieces; n++)); do mapped "p$n" "0 8192 linear /dev/sdb $((n * 8192))"; done
run metainit d10 1 1 /dev/sda
size=$(blockdev --getsz $d10)
run mkfs.ext4 -q $d10
run mount $d10 /mnt
mkdir /mnt/kept
cp -a /etc /mnt/kept/etc
tree_checksums /mnt/kept >/tmp/written

note "it grows under load"
fio --name=direct --directory=/mnt --size=8M --bssplit=4k/50:64k/50 --rw=randrw --ioengine=libaio \
	--iodepth=16 --direct=1 --numjobs=2 --verify=crc32c --verify_backlog=64 --verify_fatal=1 \
	--randseed="$(small_seed)" --time_based --runtime=600 --output=/tmp/fio.log &
load=$!
dd if=$d10 of=/tmp/head bs=1M count=1 iflag=direct status=none
for ((n = 0; n < pieces; n++)); do
	run metattach d10 "/dev/mapper/p$n"
	size=$((size + 8192 - 2048))
	same "sectors" $size "$(blockdev --getsz $d10)"
	kill -0 $load || fail "the load has ended"
done
same "rows" $((pieces + 1)) "$(described d10 '.rows | length')"
run resize2fs $d10
run dd if=/dev/urandom of=/mnt/kept/new bs=1M count=30 conv=fsync status=none
tree_checksums /mnt/kept >/tmp/written
stop_fio $load /tmp/fio.log

note "everything is there"
run umount /mnt
run e2fsck -fn $d10
run mount $d10 /mnt
(cd /mnt/kept && sha256sum --quiet -c /tmp/written) || fail "a file is not what was written"
same "holders of a new component" 'md!dsk!d10' "$(names_in "$(in_sysfs /dev/mapper/p3)/holders")"

note "refusals change nothing"
unchanged metattach d10
unchanged metattach d10 /dev/mapper/p0
unchanged metattach d10 /dev/sda
unchanged metattach d10 /dev/sdc /dev/sdc
unchanged metattach d10 /dev/nowhere
unchanged metattach d10 /dev/sdc $d10
unchanged metattach d77 /dev/sdc
null_disk large size=16 blocksize=4096
unchanged metattach d10 /dev/large
unchanged metattach d10 /dev/sdc /dev/large
run umount /mnt
unchanged metattach d10 /dev/sdc $d10
unchanged metattach d10 $d10

note "of a mirror and its sides, too"
run metainit d11 1 1 /dev/sdc
run metainit d20 -m d11
unchanged metattach d11 /dev/large
unchanged metattach d20 /dev/large
unchanged metattach d10 d20
run metaclear d20
run metaclear d11

note "a row of several components, and the same metainit again"
run metattach -i 32k d10 /dev/sdc
metastat -p d10 >/tmp/md.tab
run metaclear d10
run metainit -T /tmp/md.tab d10
run e2fsck -fn $d10
run metaclear d10
