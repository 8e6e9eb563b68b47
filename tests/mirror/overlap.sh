#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: writes by several processes to the same few blocks at the same time, which overlap in
#         part, leave all sides the same, although the disks of one side carry out what they have in
#         the order of the sectors and those of the others do not; also while these very blocks are
#         copied to another side by a resync, and while a repair makes the sides equal.
# Clause: DURABILITY 10; svm.md 4.4; issue 4
# Lanes: stock
# Vm: --disks 3 --disk-size 8M
# Timeout: 400
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

d10=/dev/md/dsk/d10

# clash SEED ROUNDS MIRROR SIDE SIDE...: in each round four processes write 32 times at once to the
# first 64 KiB of the mirror, 512 bytes to 16 KiB of random data at random sectors. Then the sides
# have to hold the same there, and each sector what somebody has written.
cat >/tmp/clash.c <<'C'
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define AREA 65536L
#define MOST 32
#define LENGTH 16384L
#define PROCESSES 4

static uint64_t state;

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static void check(int good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

/* Every sector holds one number, over and over: who wrote it, and with which request. */
static void fill(char *data, long length)
{
	uint64_t *words = (uint64_t *)data;
	long n;

	for (n = 0; n < length / 8; n++)
		words[n] = n % 64 ? words[n - 1] : next();
}

static void write_all(int fd, char *data, aio_context_t context)
{
	struct iocb iocbs[MOST], *list[MOST];
	struct io_event events[MOST];
	long n, length;

	memset(iocbs, 0, sizeof(iocbs));
	for (n = 0; n < MOST; n++) {
		length = 512 * (1 + next() % (next() % 2 ? 4 : LENGTH / 512));
		fill(data + n * LENGTH, length);
		iocbs[n].aio_lio_opcode = IOCB_CMD_PWRITE;
		iocbs[n].aio_fildes = fd;
		iocbs[n].aio_buf = (uintptr_t)(data + n * LENGTH);
		iocbs[n].aio_nbytes = length;
		iocbs[n].aio_offset = next() % ((AREA - length) / 512 + 1) * 512;
		list[n] = iocbs + n;
	}
	check(syscall(SYS_io_submit, context, MOST, list) == MOST, "submit");
	check(syscall(SYS_io_getevents, context, MOST, MOST, events, NULL) == MOST, "events");
	for (n = 0; n < MOST; n++)
		check(events[n].res == (int64_t)((struct iocb *)events[n].obj)->aio_nbytes,
		      "write");
}

/* The first sector in which two sides are not the same, or which is torn; -1 if there is none. */
static long difference(const char *first, const char *other)
{
	long n;

	for (n = 0; n < AREA; n += 512)
		if (memcmp(first + n, other + n, 512) || memcmp(first + n, first + n + 8, 504))
			return n / 512;
	return -1;
}

int main(int argc, char **argv)
{
	long seed = atol(argv[1]), rounds = atol(argv[2]), round, bad;
	char *sides[2], *data = aligned_alloc(4096, MOST * LENGTH);
	aio_context_t context = 0;
	int fd, n, status, process;

	for (n = 0; n < 2; n++)
		sides[n] = aligned_alloc(4096, AREA);
	for (round = 0; round < rounds; round++) {
		for (process = 0; process < PROCESSES; process++) {
			if (fork())
				continue;
			state = (seed * 1000003 + round) * 31 + process + 1;
			fd = open(argv[3], O_RDWR | O_DIRECT);
			check(fd >= 0 && !syscall(SYS_io_setup, MOST, &context), argv[3]);
			write_all(fd, data, context);
			return 0;
		}
		while (wait(&status) > 0)
			if (status)
				return 1;
		for (n = 4; n < argc; n++) {
			fd = open(argv[n], O_RDONLY | O_DIRECT);
			check(pread(fd, sides[n > 4], AREA, 0) == AREA, argv[n]);
			close(fd);
			bad = n > 4 ? difference(sides[0], sides[1]) : -1;
			if (bad < 0)
				continue;
			printf("round %ld: sector %ld of %s and %s\n", round, bad, argv[4],
			       argv[n]);
			return 1;
		}
	}
	return 0;
}
C
gcc -O1 -Wall -o /tmp/clash /tmp/clash.c

# clash ROUNDS [SIDE...]: all sides of d10, or these.
clash() {
	local sides=("${@:2}")
	[ $# -gt 1 ] || mapfile -t sides < <(described d10 '.submirrors[].name')
	run /tmp/clash "$(small_seed)" "$1" $d10 "${sides[@]/#//dev/md/dsk/}" ||
		fail "the sides are not the same"
}

# by_sector DISK: has a disk do one thing at a time, the lowest sector first.
by_sector() {
	echo mq-deadline >"$(in_sysfs "$1")/queue/scheduler"
	echo 1 >"$(in_sysfs "$1")/device/queue_depth"
}

rounds=$(by_lane 40 250 10)
modprobe md_rs
modprobe mq-deadline 2>/dev/null || true
by_sector /dev/sda
echo none >"$(in_sysfs /dev/sdb)/queue/scheduler"
run metainit d11 1 1 /dev/sda
run metainit d12 1 1 /dev/sdb
run metainit d13 1 1 /dev/sdc
for side in d11 d12 d13; do run blkdiscard -zf /dev/md/dsk/$side; done
run metainit --assume-clean d10 -m d11 d12 d13
note "all sides at once"
clash "$rounds"
note "one side after the other"
run metaparam -w serial d10
clash "$rounds"
same "state" Okay "$(described d10 .state)"
run metaparam -w parallel d10

# while_written COMMAND...: runs a command while the first two sides are written to and compared;
# then all sides are the same.
while_written() {
	rm -f /tmp/enough
	(until [ -e /tmp/enough ]; do clash 1 d11 d12 >/tmp/clashes; done) &
	load=$!
	sleep 0.3
	run "$@"
	touch /tmp/enough
	wait $load || {
		cat /tmp/clashes
		fail "the sides are not the same"
	}
	same_sides d10
}

note "while the blocks are copied to another side"
for _ in $(seq "$(by_lane 2 20 2)"); do
	run metadetach d10 d13
	run dd if=/dev/urandom of=/dev/md/dsk/d13 bs=64k count=2 oflag=direct status=none
	while_written metattach -f -w d10 d13
done
note "while a repair makes the sides equal"
for _ in $(seq "$(by_lane 2 20 2)"); do
	# Behind the mirror's back, also where it is written.
	run dd if=/dev/urandom of=/dev/sdc bs=64k seek=16 count=4 oflag=direct conv=notrunc \
		status=none
	while_written metasync --repair=d11 -w d10
done
run metaclear d10
