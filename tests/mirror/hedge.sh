#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a mirror whose reads are hedged has a disk that does not answer for a while: nobody who
#         reads waits for it, what is read is right, and when the late answer comes it changes
#         nobody's memory any more. Without another side a read waits; if one fails that was asked,
#         the other one counts; with both gone it is an error. It is so after a restart, through a
#         soft partition, and the mirror can be cleared while a disk still has a read of it. If the
#         late answer is a medium error, the block is written again.
# Clause: DURABILITY 13; issue 7
# Lanes: drawn
# Vm: --disks 4 --disk-size 32M --leaks
# Timeout: 240
# What is compared: what is read with what was written, how long that took, and what the reader's
# memory holds after the disk has answered as well.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

d10=/dev/md/dsk/d10

# frozen NAME: a disk answers nothing from now on; what is sent to it waits until it is thawed.
frozen() { run dmsetup suspend --nolockfs --noflush "$1"; }
thawed() { run dmsetup resume "$1"; }

# reader FILE COUNT LIMIT UNTIL: reads blocks of 16 KiB, one after the other, each into memory of
# its own, which it then fills with something else. Every read has to be done within LIMIT
# milliseconds. When the file UNTIL is there, the memory must hold what it was filled with. What was
# read goes to standard output.
cat >/tmp/reader.c <<'C'
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 16384L

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int main(int argc, char **argv)
{
	int fd = open(argv[1], O_RDONLY | O_DIRECT);
	long count = atol(argv[2]), limit = atol(argv[3]), slowest = 0, n, i;
	char *memory = aligned_alloc(4096, count * BLOCK);

	if (argc != 5 || fd < 0 || !memory)
		err(2, "%s", argv[1]);
	for (n = 0; n < count; n++) {
		char *block = memory + n * BLOCK;
		long began = now_ms();

		memset(block, 'x', BLOCK);
		if (pread(fd, block, BLOCK, n * BLOCK) != BLOCK)
			err(3, "block %ld", n);
		if (now_ms() - began > slowest)
			slowest = now_ms() - began;
		if (write(1, block, BLOCK) != BLOCK)
			err(2, "output");
		memset(block, 'y', BLOCK);
	}
	warnx("the slowest of %ld reads took %ld ms", count, slowest);
	if (slowest > limit)
		errx(4, "that is too long");
	/* Until the file is there. */
	while (strcmp(argv[4], "-") && access(argv[4], F_OK))
		usleep(10000);
	for (i = 0; i < count * BLOCK; i++)
		if (memory[i] != 'y')
			errx(5, "a late answer has changed byte %ld of our memory", i);
	return 0;
}
C
run gcc -O1 -Wall -o /tmp/reader /tmp/reader.c

# read_in_time DEVICE COUNT LIMIT [UNTIL]: and what is read is right.
read_in_time() {
	printf '$ reader %s\n' "$*"
	/tmp/reader "$1" "$2" "$3" "${4:--}" >"/tmp/found$2" ||
		fail "the reader ended with status $?"
	cmp -n $((16384 * $2)) "/tmp/found$2" /tmp/written || fail "something else was read"
}

# stays BACKGROUND: whether a process is still there after two seconds.
stays() { sleep 2 && kill -0 "$1" 2>/dev/null; }

# all_in_time: no side is avoided.
all_in_time() { ! metastat d11 d12 | grep -q '(slow)'; }

# late_answer NAME: while a side answers nothing, nobody waits; when it answers, that changes
# nobody's memory.
late_answer() {
	local before reader
	wait_for 60 all_in_time
	before=$(count_of "/dev/mapper/$1" reads)
	frozen "$1"
	rm -f /tmp/answered /tmp/found8
	read_in_time $d10 8 3000 /tmp/answered &
	reader=$!
	all_read() { [ "$(stat -c %s /tmp/found8 2>/dev/null || echo 0)" = $((8 * 16384)) ]; }
	wait_for 30 all_read
	thawed "$1"
	has_answered() { [ "$(count_of "/dev/mapper/$1" reads)" -ge $((before + 3)) ]; }
	wait_for 30 has_answered "$1"
	sleep 1
	touch /tmp/answered
	wait $reader || fail "see above"
}

modprobe md_rs
sick a0 /dev/sda good
sick b0 /dev/sdb good
run metadb -a -f -c 2 /dev/sdc
run metadb -a -c 2 /dev/sdd
run metainit d11 1 1 /dev/mapper/a0
run metainit d12 1 1 /dev/mapper/b0
run metainit d10 -m d11 d12 -H --assume-clean
same "as metainit has it" "d10 -m d11 d12 -H 1" "$(metastat -p d10 | head -n 1)"
metastat d10 | grep -F "Read option: hedged (-H)" || fail "metastat does not say so"
head -c 4M /dev/urandom >/tmp/written
run dd if=/tmp/written of=$d10 bs=1M oflag=direct status=none
same_sides d10
read_in_time $d10 64 3000

note "one side does not answer: nobody waits for it, and its late answers go nowhere"
late_answer a0
same "states" "Okay,Okay Okay Okay" "$(states d10) $(states d11) $(states d12)"

note "the other way round, after a restart"
run mdctl stop
run mdctl start
same "as it is recorded" "d10 -m d11 d12 -H 1" "$(metastat -p d10 | head -n 1)"
late_answer b0

note "the other side cannot read: who reads waits for the late one, and gets it"
wait_for 60 all_in_time
sick a0 /dev/sda no_reads
frozen b0
read_in_time $d10 2 30000 &
reader=$!
stays $reader || fail "nobody could have answered that"
thawed b0
wait $reader || fail "see above"
note "neither can: it is an error, and once one of them can again it is none"
sick b0 /dev/sdb no_reads
if /tmp/reader $d10 1 30000 - >/tmp/found; then fail "who reads is not told"; fi
sick a0 /dev/sda good
sick b0 /dev/sdb good
read_in_time $d10 64 5000
same "states" "Okay,Okay Okay Okay" "$(states d10) $(states d11) $(states d12)"

note "a load that verifies, while the sides are late in turn"
# late NAME DISK: what a disk reads comes so much later; what it writes does not.
late() { remap "$1" "0 $(blockdev --getsz "$2") delay $2 0 1500 $2 0 0"; }
fio --name=load --filename=$d10 --direct=1 --ioengine=io_uring --iodepth=16 \
	--bssplit=4k/50:64k/30:512k/20 --rw=randrw --offset=8M --size=8M --verify=crc32c \
	--verify_backlog=32 --verify_fatal=1 --randseed="$(small_seed)" --time_based \
	--runtime=600 --output=/tmp/fio.log &
load=$!
for _ in $(seq "$(by_lane 2 12 1)"); do
	late a0 /dev/sda
	sleep 3
	sick a0 /dev/sda good
	late b0 /dev/sdb
	sleep 3
	sick b0 /dev/sdb good
done
stop_fio $load /tmp/fio.log
same_sides d10

note "the mirror is cleared while a disk still has its read: that waits for it"
wait_for 60 all_in_time
frozen a0
read_in_time $d10 4 3000
metaclear d10 &
clearing=$!
stays $clearing || fail "it did not wait for the disk: this shows nothing"
thawed a0
wait $clearing || fail "it was not cleared"

note "through a soft partition"
run metainit d10 -m d11 d12 -H --assume-clean
run metainit -f d20 -p d10 4m
run dd if=/tmp/written of=/dev/md/dsk/d20 bs=1M oflag=direct status=none
frozen a0
read_in_time /dev/md/dsk/d20 8 3000
thawed a0
run metaclear d20

note "without the option a read waits as ever"
wait_for 60 all_in_time
run metaparam -r first d10
run dd if=/tmp/written of=$d10 bs=1M oflag=direct status=none
frozen a0
read_in_time $d10 2 30000 &
reader=$!
stays $reader || fail "this read was hedged"
thawed a0
wait $reader || fail "see above"
run metaclear -r d10

note "a late answer that is a medium error: the block is written again, and is not kept"
modprobe scsi_debug dev_size_mb=8 delay=0
is_there() { [ -n "$(lsblk -dnro NAME,MODEL | awk '/scsi_debug/ { print $1 }')" ]; }
wait_for 20 is_there
sick e0 "/dev/$(lsblk -dnro NAME,MODEL | awk '/scsi_debug/ { print $1 }')" good
run metainit d31 1 1 /dev/mapper/e0
run metainit d32 1 1 /dev/mapper/b0
run metainit d30 -m d31 d32 -H --assume-clean
run dd if=/tmp/written of=/dev/md/dsk/d30 bs=1M oflag=direct status=none
# Reads of sectors 4660 to 4669 of the disk, which are 2612 to 2621 of d30; writes are taken.
echo 2 >/sys/bus/pseudo/drivers/scsi_debug/opts
frozen e0
dd if=/tmp/written of=/tmp/wanted bs=16k skip=81 count=1 status=none
# The sides are read in turn.
for _ in 1 2 3 4; do
	timeout 20 dd if=/dev/md/dsk/d30 of=/tmp/found bs=16k skip=81 count=1 iflag=direct \
		status=none || fail "a read has waited for the late side"
	cmp /tmp/wanted /tmp/found || fail "something else was read"
done
same "states" "Okay Okay" "$(states d31) $(states d32)"
thawed e0
wait_for 20 states_are d31 Maintenance
[ "$(errors d31 0 read)" -gt 0 ] || fail "no read has failed: this shows nothing"
same "states" "Needs maintenance,Okay" "$(states d30)"
echo 0 >/sys/bus/pseudo/drivers/scsi_debug/opts
run metaclear -f -r d30
run dmsetup remove e0
run modprobe -r scsi_debug
run mdctl stop
run modprobe -r md_sp md_mirror md_stripe md_rs
