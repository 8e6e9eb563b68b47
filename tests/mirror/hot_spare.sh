#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a disk of a mirror fails under a load that verifies what it reads: a hot spare takes its
#         place by itself, the first one that is large enough, is recorded, resynced, and still
#         there after a restart; it goes back when the disk is replaced. A spare that fails in its
#         own resync is broken, and the next one serves; none serves two components, and one that
#         waits gets the first that is free. One with larger logical blocks is refused.
# Clause: svm.md 4.7, 7, 10, 13.5 (37); DURABILITY 5, 22; issue 7
# Lanes: drawn
# Vm: --disks 8 --disk-size 20M
# Timeout: 200
# What is compared: the sides block by block; what fio reads with what it wrote; states of
# components and spares; what the record of the stripe says.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

d10=/dev/md/dsk/d10

# spare_of NAME: the hot spares that stand for components of a metadevice.
spare_of() { described "$1" ' | [.rows[].components[].hot_spare // "-"] | join(",")'; }

# served NAME SPARE: whether it stands for the component, which has everything.
served() { [ "$(spare_of "$1") $(states "$1")" = "$2 Okay" ]; }

# stands_in NAME SPARE: whether it stands for the component, whatever it has.
stands_in() { [ "$(spare_of "$1")" = "$2" ]; }

# spares: those of hsp001, each with its status.
spares() {
	metahs -i hsp001 --json | jq -r '[.hot_spare_pools[0].spares[] |
		"\(.device | sub(".*/"; "")) \(.status)"] | join(", ")'
}
spares_are() { [ "$(spares)" = "$1" ]; }

# write_one MIRROR: so that a disk which takes no writes is found out.
write_one() { dd if=/dev/zero of="/dev/md/dsk/$1" bs=4k count=1 oflag=direct status=none; }

# start_load: one that verifies what it reads.
start_load() {
	local reads
	fio --name=load --filename=$d10 --direct=1 --ioengine=libaio --iodepth=8 --bs=8k \
		--rw=randrw --verify=crc32c --verify_backlog=64 --verify_fatal=1 \
		--randseed="$(small_seed)" --time_based --runtime=1000000 --output=/tmp/fio.log &
	load=$!
	reads=$(count_of $d10 reads)
	wait_for 120 has_read "$reads"
}
has_read() { [ "$(count_of $d10 reads)" -gt $(($1 + 64)) ]; }

modprobe md_rs
sick a0 /dev/sdb good
sick b0 /dev/sdc good
sick s0 /dev/sdd good
mapped small "0 16384 linear /dev/sdf 0"
run metadb -a -f /dev/sda
run metainit hsp001 /dev/mapper/small /dev/mapper/s0 /dev/sde
run metainit d11 1 1 /dev/mapper/a0 -h hsp001
run metainit d12 1 1 /dev/mapper/b0
run metaparam -h hsp001 d12
for name in d11 d12; do run blkdiscard -zf /dev/md/dsk/$name; done
run metainit --assume-clean d10 -m d11 d12
metastat

note "a disk fails under load; the spare is slow, so that one can look before it has everything"
remap s0 "0 $(blockdev --getsz /dev/sdd) delay /dev/sdd 0 0 /dev/sdd 0 500"
start_load
sick b0 /dev/sdc nothing
wait_for 60 stands_in d12 /dev/mapper/s0
mdctl dump /dev/sda | grep -q 'Component 0 stands for component' ||
	fail "the record does not say that the spare stands for the disk, and it is used already"
same "meanwhile" "Resyncing" "$(states d12)"
sick s0 /dev/sdd good
wait_for 60 served d12 /dev/mapper/s0
stop_fio $load /tmp/fio.log
same_sides d10
same "spares" "small Available, s0 In use, sde Available" "$(spares)"
run metastat d12
metastat d12 | grep -qE '^\s*/dev/mapper/b0 .*Okay .*/dev/mapper/s0$' ||
	fail "the spare is not shown beside the disk that it stands for"
metastat d12 | grep -q 'Hot spare pool: hsp001' || fail "the pool is not shown"
metastat -c d12 | grep -qF '/dev/mapper/b0 (spared-/dev/mapper/s0)' || fail "not in metastat -c"
dmesg | grep -q 'd12: hotspared device /dev/mapper/b0 with /dev/mapper/s0' ||
	fail "the kernel did not say so"

note "it is recorded, and so it is after a restart"
sick b0 /dev/sdc good
run mdctl stop
run mdctl start
served d12 /dev/mapper/s0 || fail "after a restart: $(spare_of d12) $(states d12)"
same "spares" "small Available, s0 In use, sde Available" "$(spares)"
same_sides d10
refuse 's0: is in use: it stands for component 0 of d12' metahs -d hsp001 /dev/mapper/s0

note "the disk is good again: the spare goes back after the resync"
run metareplace -e -w d10 /dev/mapper/b0
wait_for 20 spares_are "small Available, s0 Available, sde Available"
same "component" "- Okay" "$(spare_of d12) $(states d12)"
same_sides d10

note "a spare that fails in its own resync is broken, and the next one serves"
size=$(blockdev --getsz /dev/sdd)
remap s0 "0 4096 linear /dev/sdd 0
4096 $((size - 4096)) error"
start_load
sick b0 /dev/sdc no_writes
wait_for 60 served d12 /dev/sde
stop_fio $load /tmp/fio.log
same "spares" "small Available, s0 Broken, sde In use" "$(spares)"
same_sides d10
sick s0 /dev/sdd good
run metahs -e /dev/mapper/s0
same "spares" "small Available, s0 Available, sde In use" "$(spares)"
refuse 's0: is not broken' metahs -e /dev/mapper/s0

note "one spare, and two that need it: the second waits until it is free"
sick c0 /dev/sdg good
run metainit d21 1 1 /dev/mapper/c0 -h hsp001
run metainit d22 1 1 /dev/sdh
for name in d21 d22; do run blkdiscard -zf /dev/md/dsk/$name; done
run metainit --assume-clean d20 -m d21 d22
sick c0 /dev/sdg no_writes
run write_one d20
wait_for 60 served d21 /dev/mapper/s0
sick a0 /dev/sdb no_writes
run write_one d10
wait_for 20 states_are d11 Maintenance
sleep 1
same "the one that waits" "- Maintenance" "$(spare_of d11) $(states d11)"
same "spares" "small Available, s0 In use, sde In use" "$(spares)"
sick c0 /dev/sdg good
run metareplace -e -w d20 /dev/mapper/c0
wait_for 60 served d11 /dev/mapper/s0
same_sides d10
same_sides d20

note "one with larger blocks than the stripes is refused"
null_disk large size=20 blocksize=4096
refuse 'large: logical blocks of a hot spare have 4096 bytes' metahs -a hsp001 /dev/large
same "spares" "small Available, s0 In use, sde In use" "$(spares)"

note "what was cleared needs no spare any more"
run metaclear d20
run metaclear -f -r d10
run metaclear d21
run metaclear d22
same "spares" "small Available, s0 Available, sde Available" "$(spares)"
refuse 'hsp001: has 3 hot spares' metaclear hsp001
run metahs -d hsp001 /dev/mapper/small /dev/mapper/s0 /dev/sde
run metaclear hsp001
run mdctl stop
run modprobe -r md_mirror md_stripe md_rs
