#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a disk of RAID5 fails below a file system that is in use: a hot spare takes its place by
#         itself, is recorded, made of the others, and still there after a start. It fails itself
#         and is broken, and the next one serves. With the disk replaced, the spare goes back. One
#         with larger blocks is refused, as a spare and as a column.
# Clause: svm.md 5.9, 5.10, 7; DURABILITY 5, 22; issue 9
# Lanes: drawn
# Vm: --disks 8 --disk-size 32M
# Timeout: 600
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

spares() {
	metahs -i hsp001 --json | jq -r '[.hot_spare_pools[0].spares[] |
		"\(.device | sub(".*/"; "")) \(.status)"] | join(", ")'
}
spares_are() { [ "$(spares)" = "$1" ]; }
spare_of() { described d20 ' | [.columns[] | .hot_spare // "-"] | join(",")'; }

# served SPARE: whether it stands for the second column, which has everything.
served() { [ "$(spare_of) $(column_states d20)" = "-,$1,- Okay,Okay,Okay" ]; }

# stands_in SPARE: whether it stands for the second column, whatever it has.
stands_in() { [ "$(spare_of)" = "-,$1,-" ]; }

raid_tool
modprobe md_rs
run metadb -a -f -c 2 /dev/sdf
run metadb -a -c 2 /dev/sdg
for n in a b c d; do sick "s$n" "/dev/sd$n" good; done
mapped small "0 16384 linear /dev/sdh 0"
run metainit hsp001 /dev/mapper/small /dev/mapper/sd /dev/sde
columns=(/dev/mapper/sa /dev/mapper/sb /dev/mapper/sc)
run metainit d20 -r "${columns[@]}" -i 32k -h hsp001
run mkfs.ext4 -q /dev/md/dsk/d20
wait_for 100 is_made d20
mkdir -p /mnt
run mount /dev/md/dsk/d20 /mnt
cp -a /etc /mnt/before
sync
tree_checksums /mnt/before >/tmp/sums

note "a disk fails under load; the spare is slow, so that one can look before it has everything"
remap sd "0 $(blockdev --getsz /dev/sdd) delay /dev/sdd 0 0 /dev/sdd 0 500"
verify_with_fio --directory=/mnt --size=12M --rw=randwrite --bs=16k --direct=1 --ioengine=libaio \
	--iodepth=8 --time_based --runtime=12 &
load=$!
sleep 2
sick sb /dev/sdb nothing
wait_for 60 stands_in /dev/mapper/sd
mdctl dump /dev/sdf | grep -q 'Component 1 stands for component' ||
	fail "the record does not say that the spare stands for the disk, and it is used already"
same "meanwhile" "Okay,Resyncing,Okay" "$(column_states d20)"
sick sd /dev/sdd good
wait_for 90 served /dev/mapper/sd
wait $load || fail "the load had errors"
same "spares" "small Available, sd In use, sde Available" "$(spares)"
run metastat d20
metastat d20 | grep -qE '^\s*/dev/mapper/sb .*Okay .*/dev/mapper/sd$' ||
	fail "the spare is not shown beside the disk that it stands for"
metastat d20 | grep -q 'Hot spare pool: hsp001' || fail "the pool is not shown"
dmesg | grep -q 'd20: hotspared device /dev/mapper/sb with /dev/mapper/sd' ||
	fail "the kernel did not say so"
run umount /mnt
columns_tell d20 /dev/mapper/sa /dev/mapper/sd /dev/mapper/sc

note "it is recorded, and so it is after a start"
sick sb /dev/sdb good
run mdctl stop
run mdctl start
served /dev/mapper/sd || fail "after a start: $(spare_of) $(column_states d20)"
columns_tell d20 /dev/mapper/sa /dev/mapper/sd /dev/mapper/sc
refuse 'stands for component 1 of d20' metahs -d hsp001 /dev/mapper/sd

note "the spare fails itself"
run mount /dev/md/dsk/d20 /mnt
sick sd /dev/sdd no_writes
verify_with_fio --directory=/mnt --size=12M --rw=randwrite --bs=16k --direct=1 --ioengine=libaio \
	--iodepth=8
wait_for 90 served /dev/sde
same "spares" "small Available, sd Broken, sde In use" "$(spares)"
tree_checksums /mnt/before | cmp - /tmp/sums || fail "files are not what they were"

note "the disk is replaced, in use, and the spare goes back"
sick sd /dev/sdd good
run metahs -e /dev/mapper/sd
run metareplace -e -w d20 /dev/mapper/sb
wait_for 20 spares_are "small Available, sd Available, sde Available"
served - || fail "$(spare_of) $(column_states d20)"
run umount /mnt
run e2fsck -f -n /dev/md/dsk/d20
columns_tell d20 "${columns[@]}"

note "one with larger blocks than the columns is refused, as a spare and as a column"
null_disk large size=100 blocksize=4096
refuse 'large: logical blocks of a hot spare have 4096 bytes' metahs -a hsp001 /dev/large
refuse 'large: has logical blocks of 4096 bytes' metareplace d20 /dev/mapper/sb /dev/large

note "what was cleared needs no spare any more"
run metaclear d20
same "spares" "small Available, sd Available, sde Available" "$(spares)"
