#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: callers who do not wait (io_uring, preadv2 with RWF_NOWAIT) get data or "try again" and
#         never an error, over disks with a single slow tag, and where a request goes to several
#         disks. So it is with flushes, which we send without waiting at first. Over a disk that
#         cannot do without waiting callers are told so at once, as by the disk itself. All I/O of
#         io_uring completes.
# Clause: DESIGN 4; issue 3
# Lanes: drawn
# Vm: --disks 2 --disk-size 16M
# Timeout: 1200
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/layout.sh
. "$MD_TEST_LIB/layout.sh"

d10=/dev/md/dsk/d10

# nowait DEVICE SEED COUNT SECTORS: COUNT reads and writes of up to so many sectors that must not
# wait, in four processes. Sectors hold "d10 n", before and after. Prints how often it got data and
# how often it was told to try again.
cat >/tmp/nowait.c <<'C'
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define TASKS 4

static void expected(char *data, long first, long sectors)
{
	long n;

	memset(data, 0, sectors * 512);
	for (n = 0; n < sectors; n++)
		sprintf(data + n * 512, "d10 %ld", first + n);
}

static int task(const char *path, long count, long most)
{
	int fd = open(path, O_RDWR | O_DIRECT), writing;
	long size = lseek(fd, 0, SEEK_END) / 512, first, sectors, done = 0, again = 0;
	char *data = aligned_alloc(4096, most * 512), *wanted = malloc(most * 512);
	struct iovec iov = { .iov_base = data };
	ssize_t got;

	while (count--) {
		writing = random() % 2;
		sectors = 1 + random() % most;
		first = random() % (size - sectors);
		iov.iov_len = sectors * 512;
		expected(wanted, first, sectors);
		memcpy(data, wanted, iov.iov_len);
		if (!writing)
			memset(data, 255, iov.iov_len);
		if (writing)
			got = pwritev2(fd, &iov, 1, first * 512, RWF_NOWAIT);
		else
			got = preadv2(fd, &iov, 1, first * 512, RWF_NOWAIT);
		if (got < 0 && errno == EAGAIN) {
			again++;
		} else if (got != (ssize_t)iov.iov_len) {
			printf("%s %ld sectors at %ld: %zd, %m\n", writing ? "write" : "read",
			       sectors, first, got);
			return 1;
		} else if (memcmp(data, wanted, got)) {
			printf("%ld sectors at %ld hold something else\n", sectors, first);
			return 1;
		} else {
			done++;
		}
	}
	printf("%ld done, %ld to be tried again\n", done, again);
	return !done;
}

int main(int argc, char **argv)
{
	int n, status, failed = 0;

	for (n = 0; n < TASKS; n++) {
		if (fork())
			continue;
		srandom(atol(argv[2]) + n);
		status = task(argv[1], atol(argv[3]), atol(argv[4]));
		fflush(stdout);
		_exit(status);
	}
	for (n = 0; n < TASKS; n++)
		failed |= wait(&status) < 0 || status;
	return failed;
}
C
gcc -O1 -Wall -o /tmp/nowait /tmp/nowait.c

# exercise DISK...: io_uring on a stripe over these disks, which stays.
exercise() {
	run metainit d10 1 $# "$@" -i 16k
	run verify_with_fio --filename=$d10 --ioengine=io_uring --direct=1 --iodepth=64 \
		--rw=randrw --bssplit=4k/60:8k/20:48k/20 --size=8M --io_size="$io_size" --fsync=8
	same "requests in flight" 0 "$(count_of $d10 in_flight)"
}

io_size=$(by_lane 6M 200M 2M)
count=$(by_lane 250 5000 60)
make_numbers
modprobe md_rs

note "disks with one tag, and two milliseconds for each request"
for disk in slow0 slow1; do
	null_disk $disk size=8 hw_queue_depth=1 submit_queues=1 irqmode=2 \
		completion_nsec=2000000 cache_size=1
done
exercise /dev/slow0 /dev/slow1
/tmp/numbers write $d10 d10 "$(blockdev --getsz $d10)"
run /tmp/nowait $d10 "$(small_seed)" "$count" 8
run /tmp/nowait $d10 "$(small_seed)" "$count" 200
# The block layer does not split a request that must not wait. Where nothing is to be split, nobody
# is sent away: there are tags enough, and waiting for the disks' is ours.
/tmp/nowait $d10 "$(small_seed)" "$count" 1 >/tmp/said
same "processes that were sent away" 0 "$(grep -vc ' 0 to be tried again' /tmp/said || true)"
/tmp/numbers list $d10 | awk '$0 != NR - 1 " d10 " NR - 1' >/tmp/other
same "sectors that hold something else" "" "$(head -n 3 /tmp/other)"
run metaclear d10

# waits DISK...: a stripe over these disks says that it cannot do without waiting.
waits() {
	exercise "$@"
	refuse 'not supported' /tmp/nowait $d10 1 1 8
	run metaclear d10
}

note "disks that cannot do without waiting"
for disk in a b; do
	size=$(blockdev --getsz /dev/sd$disk)
	mapped late_$disk "0 $size delay /dev/sd$disk 0 3"
done
refuse 'not supported' /tmp/nowait /dev/mapper/late_a 1 1 8
waits /dev/mapper/late_a /dev/mapper/late_b

note "a mixture"
waits /dev/slow0 /dev/mapper/late_a
