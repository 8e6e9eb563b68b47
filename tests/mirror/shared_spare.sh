#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a hot spare that is in the pools of two mirrors serves the one whose disk fails first, and
#         the other one does not get it, also after a restart. When that disk is replaced by a new
#         one the spare goes back, and to the mirror that waits. The new disk is the component then,
#         and the old one is free.
# Clause: svm.md 4.7, 7, 10; issue 7
# Lanes: drawn
# Vm: --disks 8 --disk-size 20M
# Timeout: 200
# What is compared: states of components, and of the spare in both pools; the sides block by block;
# what fio reads with what it wrote; sectors written to disks.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

# spare_of NAME: the hot spare that stands for the component of a metadevice.
spare_of() { described "$1" '.rows[0].components[0].hot_spare // "-"'; }
# is NAME SPARE STATE: whether this one stands for the component, and how that is.
is() { [ "$(spare_of "$1") $(states "$1")" = "$2 $3" ]; }

# spares: all pools with their spares, each with its status.
spares() {
	metahs -i --json | jq -r '[.hot_spare_pools[] | .name as $pool | .spares[] |
		"\($pool) \(.device) \(.status)"] | join(", ")'
}
spares_are() { [ "$(spares)" = "hsp001 /dev/sdf $1, hsp002 /dev/sdf $1" ]; }

# write_one MIRROR: so that a disk which takes no writes is found out.
write_one() { run dd if=/dev/zero of="/dev/md/dsk/$1" bs=4k count=1 oflag=direct status=none; }

is_read() { [ "$(count_of "/dev/md/dsk/$1" reads)" -gt 100 ]; }

modprobe md_rs
run metadb -a -f /dev/sda
run metainit hsp001 /dev/sdf
run metainit hsp002 /dev/sdf
n=1
for disk in b c d e; do
	mirror=$(((n + 1) / 2))
	side=$((2 - n % 2))
	sick "m$n" "/dev/sd$disk" good
	run metainit "d$mirror$side" 1 1 "/dev/mapper/m$n" -h "hsp00$mirror"
	run blkdiscard -zf "/dev/md/dsk/d$mirror$side"
	n=$((n + 1))
done
for mirror in 1 2; do
	run metainit --assume-clean "d${mirror}0" -m "d${mirror}1" "d${mirror}2"
done
spares_are Available || fail "$(spares)"

note "the first one that fails gets it, in both pools it is in use, and the other one waits"
fio --direct=1 --ioengine=libaio --iodepth=8 --bs=8k --rw=randrw --verify=crc32c \
	--verify_backlog=64 --verify_fatal=1 --randseed="$(small_seed)" --time_based \
	--runtime=1000000 --output=/tmp/fio.log --name=first --filename=/dev/md/dsk/d10 \
	--name=second --filename=/dev/md/dsk/d20 &
load=$!
for mirror in 1 2; do wait_for 120 is_read "d${mirror}0"; done
sick m1 /dev/sdb nothing
wait_for 60 is d11 /dev/sdf Okay
sick m4 /dev/sde nothing
wait_for 20 is d22 - Maintenance
sleep 1
is d22 - Maintenance || fail "d22 has $(spare_of d22) and is $(states d22)"
is d11 /dev/sdf Okay || fail "d11 has $(spare_of d11) and is $(states d11)"
spares_are "In use" || fail "$(spares)"
stop_fio $load /tmp/fio.log
same_sides d10
for pool in hsp001 hsp002; do
	refuse 'sdf: is in use: it stands for component 0 of d11' metahs -d $pool /dev/sdf
done

note "so it is after a restart"
sick m1 /dev/sdb good
sick m4 /dev/sde good
run mdctl stop
run mdctl start
write_one d20
is d11 /dev/sdf Okay || fail "d11 has $(spare_of d11) and is $(states d11)"
is d22 - Maintenance || fail "d22 has $(spare_of d22) and is $(states d22)"
spares_are "In use" || fail "$(spares)"
same_sides d10

note "the disk is replaced by a new one: the spare goes back, and to the mirror that waits"
run metareplace -w d10 /dev/mapper/m1 /dev/sdg
is d11 - Okay || fail "d11 has $(spare_of d11) and is $(states d11)"
wait_for 60 is d22 /dev/sdf Okay
spares_are "In use" || fail "$(spares)"
metastat -p d11 | grep -F '1 1 /dev/sdg' || fail "d11 is not of the new disk"
same_sides d10
same_sides d20
before=$(count_of /dev/sdg sectors_written)
write_one d10
[ $(($(count_of /dev/sdg sectors_written) - before)) -ge 8 ] || fail "the new disk is not written"
run wipefs -aq /dev/mapper/m1
run mkfs.ext4 -qF /dev/mapper/m1

note "with nobody who waits it is available again"
run metareplace -w d20 /dev/mapper/m4 /dev/sdh
is d22 - Okay || fail "d22 has $(spare_of d22) and is $(states d22)"
wait_for 20 spares_are Available
same_sides d20
run mdctl stop
run mdctl start
is d11 - Okay || fail "d11 has $(spare_of d11) and is $(states d11)"
is d22 - Okay || fail "d22 has $(spare_of d22) and is $(states d22)"
spares_are Available || fail "$(spares)"
for mirror in 1 2; do same_sides "d${mirror}0"; done

for mirror in 1 2; do
	run metaclear -r "d${mirror}0"
	run metahs -d "hsp00$mirror" /dev/sdf
	run metaclear "hsp00$mirror"
done
run mdctl stop
run modprobe -r md_mirror md_stripe md_rs
