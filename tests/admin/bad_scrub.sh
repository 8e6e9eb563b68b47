#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: wrong requests to check and repair mirrors get the right errno and refusal, and change
#         nothing: neither what metastat says nor what is on the disks.
# Clause: admin.rs rules 1 to 4; issue 7
# Lanes: drawn
# Vm: --disks 5 --disk-size 8M
# Timeout: 120
# What is compared: errno, refusal and index of each request; the document of metastat and the
# checksums of all disks before and after.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"

cat >/tmp/bad_scrub.c <<'C'
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "abi.h"

static int fd, failed;
static struct scrub scrub;
static struct scrub_status status;
static struct scrub_range ranges[32];
static struct scrub_run runs[8];

/* d10 is a mirror of d11 and d12, and of d13, which is offline; d20 has one side, d21. */
static void make_good(void)
{
	scrub = (struct scrub){ .h = { .version = ABI_VERSION, .size = sizeof(scrub) },
				.name = "d10", .action = SCRUB_REPAIR };
	status = (struct scrub_status){ .h = { .version = ABI_VERSION, .size = sizeof(status) },
					.name = "d10", .ranges = (uintptr_t)ranges,
					.runs = (uintptr_t)runs, .range_capacity = 32,
					.run_capacity = 8 };
}

/* An ioctl that must fail with an errno, and say why with a refusal, at this side. */
static void bad(const char *what, unsigned long command, void *argument, int expected, int refusal,
		int index)
{
	struct header *header = argument;
	int found = ioctl(fd, command, argument) ? errno : 0;

	if (found != expected || header->refusal != (uint32_t)refusal ||
	    header->index != (uint32_t)index) {
		printf("%s: errno %d, refusal %u at %d, not errno %d, refusal %d at %d\n", what,
		       found, header->refusal, (int)header->index, expected, refusal, index);
		failed = 1;
	}
}

#define SCRUB_BAD(what, how, ...)                        \
	do {                                             \
		make_good();                             \
		how;                                     \
		bad(what, SCRUB, &scrub, __VA_ARGS__);   \
	} while (0)
#define STATUS_BAD(what, how, ...)                                     \
	do {                                                           \
		make_good();                                           \
		how;                                                   \
		bad("status: " what, SCRUB_STATUS, &status, __VA_ARGS__); \
	} while (0)

static void scrubbing(void)
{
	SCRUB_BAD("version", scrub.h.version = ABI_VERSION - 1, EPROTO, 1, -1);
	SCRUB_BAD("size", scrub.h.size -= 8, EINVAL, 2, -1);
	SCRUB_BAD("header", scrub.h.reserved[1] = 1, EINVAL, 3, -1);
	SCRUB_BAD("reserved", scrub.reserved = 1, EINVAL, 3, -1);
	SCRUB_BAD("no action", scrub.action = 0, EINVAL, 3, -1);
	SCRUB_BAD("unknown action", scrub.action = 5, EINVAL, 3, -1);
	SCRUB_BAD("huge action", scrub.action = ~0u, EINVAL, 3, -1);
	SCRUB_BAD("a side that nobody wants", strcpy(scrub.submirror, "d11"), EINVAL, 3, -1);
	SCRUB_BAD("bad name", strcpy(scrub.name, "x"), EINVAL, 4, -1);
	SCRUB_BAD("endless name", memset(scrub.name, 'd', 32), EINVAL, 4, -1);
	SCRUB_BAD("no side", scrub.action = SCRUB_REPAIR_FROM, EINVAL, 4, -1);
	SCRUB_BAD("endless side",
		  (scrub.action = SCRUB_REPAIR_FROM, memset(scrub.submirror, 'd', 32)), EINVAL, 4,
		  -1);
	SCRUB_BAD("of nothing", strcpy(scrub.name, "d78"), ENXIO, 6, -1);
	SCRUB_BAD("of a stripe", strcpy(scrub.name, "d11"), EINVAL, 27, -1);
	SCRUB_BAD("from what is no side",
		  (scrub.action = SCRUB_REPAIR_FROM, strcpy(scrub.submirror, "d21")), EINVAL, 55,
		  -1);
	SCRUB_BAD("from what is not there",
		  (scrub.action = SCRUB_REPAIR_FROM, strcpy(scrub.submirror, "d78")), EINVAL, 55,
		  -1);
	SCRUB_BAD("from one that is offline",
		  (scrub.action = SCRUB_REPAIR_FROM, strcpy(scrub.submirror, "d13")), EBUSY, 67,
		  2);
	SCRUB_BAD("nothing to cancel", scrub.action = SCRUB_CANCEL, EINVAL, 65, -1);
	SCRUB_BAD("one side", strcpy(scrub.name, "d20"), EINVAL, 66, -1);
	SCRUB_BAD("one side, from it",
		  (strcpy(scrub.name, "d20"), scrub.action = SCRUB_REPAIR_FROM,
		   strcpy(scrub.submirror, "d21")),
		  EINVAL, 66, -1);
}

static void asking(void)
{
	STATUS_BAD("version", status.h.version = 0, EPROTO, 1, -1);
	STATUS_BAD("size", status.h.size += 8, EINVAL, 2, -1);
	STATUS_BAD("header", status.h.reserved[0] = 1, EINVAL, 3, -1);
	STATUS_BAD("state", status.state = 1, EINVAL, 3, -1);
	STATUS_BAD("mode", status.mode = 1, EINVAL, 3, -1);
	STATUS_BAD("done", status.done = 1, EINVAL, 3, -1);
	STATUS_BAD("found", status.found = 1, EINVAL, 3, -1);
	STATUS_BAD("ranges", status.range_count = 1, EINVAL, 3, -1);
	STATUS_BAD("runs", status.run_count = 1, EINVAL, 3, -1);
	STATUS_BAD("reserved", status.reserved = 1, EINVAL, 3, -1);
	STATUS_BAD("few ranges", status.range_capacity = 31, E2BIG, 22, -1);
	STATUS_BAD("few runs", status.run_capacity = 7, E2BIG, 22, -1);
	STATUS_BAD("bad name", strcpy(status.name, ""), EINVAL, 4, -1);
	STATUS_BAD("of nothing", strcpy(status.name, "d78"), ENXIO, 6, -1);
	STATUS_BAD("of a stripe", strcpy(status.name, "d11"), EINVAL, 27, -1);
	STATUS_BAD("bad address of runs", status.runs = 8, EFAULT, 2, -1);
	STATUS_BAD("bad address of ranges", status.ranges = 8, EFAULT, 2, -1);
}

int main(void)
{
	fd = open("/dev/md/admin", O_RDWR);
	if (fd < 0) {
		perror("/dev/md/admin");
		return 1;
	}
	make_good();
	if (geteuid()) {
		bad("no rights", SCRUB, &scrub, EPERM, 0, 0);
		bad("no rights", SCRUB_STATUS, &status, EPERM, 0, 0);
		return failed;
	}
	if (!ioctl(fd, SCRUB, 8) || errno != EFAULT || !ioctl(fd, SCRUB_STATUS, 8) ||
	    errno != EFAULT) {
		printf("a bad address: errno %d\n", errno);
		failed = 1;
	}
	scrubbing();
	asking();
	make_good();
	if (ioctl(fd, SCRUB_STATUS, &status) || status.state || status.run_count != 1 ||
	    status.range_count != 1 || ranges[0].sector != 40 || ranges[0].sectors != 8 ||
	    ranges[0].compared != 3 || ranges[0].outvoted || ranges[0].zeroed != 2) {
		printf("status: errno %d, refusal %u, %u runs, %u ranges\n", errno,
		       status.h.refusal, status.run_count, status.range_count);
		failed = 1;
	}
	return failed;
}
C
gcc -O1 -Wall -I "$MD_TEST_LIB" -o /tmp/bad_scrub /tmp/bad_scrub.c

state() {
	metastat --json
	for disk in a b c d e; do checksum /dev/sd$disk; done
}

modprobe md_rs
run metadb -a -f /dev/sda
for part in "d11 b" "d12 c" "d13 d" "d21 e"; do
	read -r name disk <<<"$part"
	run metainit "$name" 1 1 "/dev/sd$disk"
	run blkdiscard -zf "/dev/md/dsk/$name"
done
run metainit d10 -m d11 d12 d13 --assume-clean
run metainit d20 -m d21
run metaoffline d10 d13
# Past the mirror: sectors 40 to 47 of d11.
printf '%04096d' 1 | dd of=/dev/sdb bs=4096 seek=$(((2048 + 40) / 8)) count=1 iflag=fullblock \
	oflag=direct conv=notrunc status=none
refuse '1 range differs: blocks 40 to 47 \(no majority, zeroes on d12\)' metasync --check -w d10

note "nothing of this is carried out"
state >/tmp/before
/tmp/bad_scrub || fail "see above"
chmod 666 /dev/md/admin
setpriv --reuid 65534 --regid 65534 --clear-groups /tmp/bad_scrub || fail "see above"
state | diff /tmp/before - || fail "bad input has changed something"

note "what was asked of it can be done afterwards"
run metasync --repair=d12 -w d10
run metaonline d10 d13
run metasync -r -w
run metasync --check -w d10
run metaclear -r d10
run metaclear -r d20
run mdctl stop
run rmmod md_mirror
run rmmod md_stripe
run rmmod md_rs
