#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: columns are attached to RAID5 while a file system on it is in use: nothing of what was
#         there moves, the parity that is there makes up for the new ones, too, whatever was on
#         them before, and the file system grows. One of the new ones fails, is replaced, and so is
#         one of the old ones. It is so after a start, and when it is made anew with -o and -k; and
#         with SVM's rotation.
# Clause: svm.md 5.1, 13.4 (30); DURABILITY 15, 17, 21; issue 9
# Lanes: drawn
# Vm: --disks 8 --disk-size 24M
# Timeout: 600
# What is compared: what a program that knows nothing of ours reads from the columns, with each of
# them missing.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"
# shellcheck source=tests/lib/raid.sh
. "$MD_TEST_LIB/raid.sh"

raid_tool
modprobe md_rs
run metadb -a -f -c 2 /dev/sdg
run metadb -a -c 2 /dev/sdh
for n in a b c d e; do sick "s$n" "/dev/sd$n" good; done
columns=(/dev/mapper/sa /dev/mapper/sb /dev/mapper/sc)
run metainit d20 -r "${columns[@]}" -i 32k --resync-ceiling 1 --resync-floor 1
refuse 'is being made' metattach d20 /dev/mapper/sd
run metaparam --resync-ceiling none --resync-floor none d20
wait_for 60 is_made d20
run mkfs.ext4 -q /dev/md/dsk/d20
mkdir -p /mnt
run mount /dev/md/dsk/d20 /mnt
cp -a /etc /mnt/before
sync
tree_checksums /mnt/before >/tmp/sums

note "columns that have something on them are attached under load"
dd if=/dev/urandom of=/dev/mapper/sd bs=1M count=40 oflag=direct status=none || true
dd if=/dev/urandom of=/dev/mapper/se bs=1M count=40 oflag=direct status=none || true
before=$(described d20 .size)
verify_with_fio --directory=/mnt --size=8M --rw=randwrite --bs=16k --direct=1 --ioengine=libaio \
	--iodepth=8 --time_based --runtime=8 &
load=$!
sleep 1
mapped little "0 12000 linear /dev/sdf 0"
refuse 'is too small' metattach d20 /dev/mapper/little
run metattach d20 /dev/mapper/sd
run metattach d20 /dev/mapper/se
wait $load || fail "the load had errors"
each=$((before / 2))
same "size" $((before + 2 * each)) "$(described d20 .size)"
same "of the disk" $((before + 2 * each)) "$(blockdev --getsize64 /dev/md/dsk/d20)"
same "columns" "5 3" "$(described d20 ' | "\(.columns | length) \(.original_columns)"')"
run metastat d20
metastat d20 | grep -q 'Concatenated Devices:' || fail "they are not shown"
run resize2fs /dev/md/dsk/d20
tree_checksums /mnt/before | cmp - /tmp/sums || fail "files are not what they were"
dd if=/dev/urandom of=/mnt/more bs=1M count=25 conv=fsync status=none
run umount /mnt
run e2fsck -f -n /dev/md/dsk/d20
columns=(/dev/mapper/s{a,b,c,d,e})
columns_tell d20 "${columns[@]}"

note "an attached column fails under load, and is replaced; and one of the others"
for n in d a; do
	verify_with_fio --filename=/dev/md/dsk/d20 --rw=randwrite --bs=24k --direct=1 \
		--ioengine=libaio --iodepth=8 --time_based --runtime=5 --size=100% &
	load=$!
	sleep 1
	sick s$n /dev/sd$n no_writes
	wait $load || fail "the load had errors"
	[ "$(described d20 .state)" = "Needs maintenance" ] || fail "$(column_states d20)"
	sick s$n /dev/sd$n good
	run metareplace -e -w d20 /dev/mapper/s$n
	columns_tell d20 "${columns[@]}"
done

note "after a start, and made anew"
before=$(checksum /dev/md/dsk/d20)
line=$(metastat -p d20)
grep -q -- '-o 3' <<<"$line" || fail "$line"
run mdctl stop
run mdctl start
same "contents" "$before" "$(checksum /dev/md/dsk/d20)"
run metaclear d20
# shellcheck disable=SC2086
run metainit -f $line
same "contents" "$before" "$(checksum /dev/md/dsk/d20)"
columns_tell d20 "${columns[@]}"
run metaclear d20

note "SVM's rotation"
run metainit -f d21 -r /dev/mapper/s{a,b,c} -i 32k --svm-rotation
wait_for 60 is_made d21
verify_with_fio --filename=/dev/md/dsk/d21 --rw=randwrite --bs=24k --size=16M --direct=1 \
	--ioengine=libaio --iodepth=8
run metattach -f d21 /dev/mapper/sd
verify_with_fio --filename=/dev/md/dsk/d21 --rw=randwrite --bs=24k --size=100% --io_size=8M \
	--direct=1 --ioengine=libaio --iodepth=8
columns_tell d21 /dev/mapper/s{a,b,c,d}
