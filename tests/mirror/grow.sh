#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a mirror becomes as large as its smallest side, with ext4 on it and a load that verifies
#         what it reads. What is new is copied from the first side, and what there was before stays
#         on both. The size is recorded: a restart, also in the middle of the resync, finds it. A
#         mirror whose sides have not all grown stays what it is.
# Clause: svm.md 4.9; DURABILITY 5, 7, 11, 21; issue 7
# Lanes: drawn
# Vm: --disks 5 --disk-size 24M
# Timeout: 200
# What is compared: the size that the block layer and metastat show; the sides block by
# block; files with what was written; the document of metastat before and after a refusal.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

d10=/dev/md/dsk/d10

# refused_and_same PATTERN COMMAND...: nothing is changed by what is refused.
refused_and_same() {
	metastat --json >/tmp/before
	refuse "$@"
	metastat --json | diff /tmp/before - || fail "what was refused has changed something"
}

modprobe md_rs
run metadb -a -f /dev/sda
run metainit d11 1 1 /dev/sdb
run metainit d12 1 1 /dev/sdc
run metainit d10 -m d11 d12 --assume-clean
run mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 $d10
run mount $d10 /mnt
mkdir /mnt/kept
cp -a /etc/security /etc/default /mnt/kept
tree_checksums /mnt/kept >/tmp/written
old=$(blockdev --getsz $d10)

run metasync --check -w d10
checked() { described d10 '.check.history'; }
checks=$(checked)
[ "$(described d10 '.check.history | length')" = 1 ] || fail "the check is not remembered"

note "one side has grown, which is not enough"
refused_and_same 'd11: has [0-9]+ blocks, and d10 has [0-9]+' metattach d10
run metattach d11 /dev/sdd
same "size" "$old" "$(blockdev --getsz $d10)"
refused_and_same "d12: has $old blocks, and d10 has $old" metattach d10
refused_and_same 'sda: ' metattach d12 /dev/sda /dev/sda

note "both have: it grows under load"
fio --name=grow --directory=/mnt --size=4M --bssplit=4k/50:64k/50 --rw=randrw --ioengine=libaio \
	--iodepth=8 --direct=1 --verify=crc32c --verify_backlog=64 --verify_fatal=1 \
	--randseed="$(small_seed)" --time_based --runtime=600 --output=/tmp/fio.log &
load=$!
run metattach d12 /dev/sde
same "size" "$old" "$(blockdev --getsz $d10)"
size=$(($(described d11 .size) / 512))
run metattach -n d10
same "size" "$old" "$(blockdev --getsz $d10)"
run metattach d10
same "size" "$size" "$(blockdev --getsz $d10)"
same "size in metastat" "$size" "$(($(described d10 .size) / 512))"
same "checks" "$checks" "$(checked)"
run resize2fs $d10
run dd if=/dev/urandom of=/mnt/kept/new bs=1M count=16 conv=fsync status=none
tree_checksums /mnt/kept >/tmp/written
synced() { [ "$(described d10 '.resync')" = null ]; }
wait_for 60 synced
same "states" "Okay,Okay Okay,Okay" "$(states d11) $(states d12)"
stop_fio $load /tmp/fio.log
run umount /mnt
run e2fsck -fn $d10
same_sides d10

note "it is so after a restart, also from the second side alone"
run mdctl stop
run mdctl start
same "size" "$size" "$(blockdev --getsz $d10)"
same "checks" "$checks" "$(checked)"
run mount $d10 /mnt
(cd /mnt/kept && sha256sum --quiet -c /tmp/written) || fail "a file is not what was written"
run metaoffline d10 d11
(cd /mnt/kept && sha256sum --quiet -c /tmp/written) || fail "the second side has another file"
run metaonline -w d10 d11
run umount /mnt

note "sides that are not equal where they are new are made equal before they are read"
run metaclear -r d10
for disk in b c; do dd if=/dev/urandom of=/dev/sd$disk bs=1M seek=1 status=none || true; done
mapped b1 "0 20480 linear /dev/sdb 0"
mapped b2 "0 20480 linear /dev/sdb 20480"
mapped c1 "0 20480 linear /dev/sdc 0"
mapped c2 "0 20480 linear /dev/sdc 20480"
run metainit d11 1 1 /dev/mapper/b1
run metainit d12 1 1 /dev/mapper/c1
run metainit -f d10 -m d11 d12
wait_for 60 synced
run metattach -f d11 /dev/mapper/b2
run metattach -f d12 /dev/mapper/c2
run metattach d10
for side in 1 2 3 4; do
	dd if=$d10 bs=1M iflag=direct status=none | sha256sum
done | sort -u >/tmp/sums
same "answers" 1 "$(wc -l </tmp/sums)"
wait_for 60 synced
same_sides d10

note "known to be equal: nothing is copied"
run metaclear -r d10
run metainit d11 1 1 /dev/mapper/b1
run metainit d12 1 1 /dev/mapper/c1
run metainit d10 -m d11 d12 --assume-clean
run metattach -f d11 /dev/mapper/b2
run metattach -f d12 /dev/mapper/c2
run metattach --assume-clean d10
same "resync" null "$(described d10 '.resync')"
same "states" "Okay,Okay Okay,Okay" "$(states d11) $(states d12)"
run metaclear -r d10
run mdctl stop
run modprobe -r md_mirror md_stripe md_rs
