#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: wrong requests about the state database, with and without one (short, hostile addresses,
#         reserved fields, impossible counts and sizes, as a user without rights, random ones), get
#         the right errno and change nothing.
# Clause: issue 6; DESIGN 9
# Lanes: drawn
# Vm: --disks 3 --disk-size 16M
# Timeout: 300
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"

cat >/tmp/bad.c <<'C'
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "abi.h"

static int fd, failed;
static struct add_replicas add;
static struct delete_replicas delete;
static struct list_replicas list;
static struct start_set start;
static struct stop_set stop;
static struct device device;
static char room[50 * 264];

static void make_good(void)
{
	struct stat disk;

	stat("/dev/sdc", &disk);
	device = (struct device){ .dev = disk.st_rdev, .path = "/dev/sdc" };
	add = (struct add_replicas){ .h = { ABI_VERSION, sizeof(add) }, .device = device,
				     .count = 1 };
	delete = (struct delete_replicas){ .h = { ABI_VERSION, sizeof(delete) },
					   .dev = disk.st_rdev };
	list = (struct list_replicas){ .h = { ABI_VERSION, sizeof(list) },
				       .replicas = (uintptr_t)room, .capacity = 50 };
	start = (struct start_set){ .h = { ABI_VERSION, sizeof(start) },
				    .devices = (uintptr_t)&device, .device_count = 1 };
	stop = (struct stop_set){ .h = { ABI_VERSION, sizeof(stop) } };
}

static void bad(const char *what, unsigned long command, void *argument, int expected, int refusal)
{
	int result = ioctl(fd, command, argument), found = result ? errno : 0;
	struct header *header = argument;

	if (found != expected || (refusal >= 0 && header->refusal != (uint32_t)refusal)) {
		printf("%s: errno %d, refusal %u; expected %d, %d\n", what, found,
		       header->refusal, expected, refusal);
		failed = 1;
	}
	make_good();
}

#define BAD(change, command, argument, expected, refusal)                     \
	do {                                                                  \
		change;                                                       \
		bad(#change, command, argument, expected, refusal);           \
	} while (0)

/* Requests that are wrong whether there is a database or not. */
static void always(void)
{
	BAD(add.flags = 4, ADD_REPLICAS, &add, EINVAL, 3);
	BAD(add.set_name[0] = 'x', ADD_REPLICAS, &add, EINVAL, 3);
	BAD(add.h.size++, ADD_REPLICAS, &add, EINVAL, 2);
	BAD(add.h.version--, ADD_REPLICAS, &add, EPROTO, 1);
	BAD(memset(add.device.path, 'x', 200), ADD_REPLICAS, &add, EINVAL, 3);
	BAD(add.device.flags = 1, ADD_REPLICAS, &add, EINVAL, 3);
	BAD(add.device.reserved = 1, ADD_REPLICAS, &add, EINVAL, 3);
	BAD(delete.flags = 2, DELETE_REPLICAS, &delete, EINVAL, 3);
	BAD(delete.count = 1, DELETE_REPLICAS, &delete, EINVAL, 3);
	BAD(delete.dev = 0, DELETE_REPLICAS, &delete, EINVAL, 3);
	BAD(delete.replica[0] = 1, DELETE_REPLICAS, &delete, EINVAL, 3);
	BAD(list.state = 1, LIST_REPLICAS, &list, EINVAL, 3);
	BAD(list.set[3] = 1, LIST_REPLICAS, &list, EINVAL, 3);
	BAD(start.flags = 3, START_SET, &start, EINVAL, 3);
	BAD(start.flags = 8, START_SET, &start, EINVAL, 3);
	BAD(start.unit_count = 1, START_SET, &start, EINVAL, 3);
	BAD(start.device_count = 8193, START_SET, &start, E2BIG, 2);
	BAD(start.devices = 8, START_SET, &start, EFAULT, -1);
	BAD(stop.flags = 1, STOP_SET, &stop, EINVAL, 3);
	BAD(stop.unit_count = 1, STOP_SET, &stop, EINVAL, 3);
}

static void without_database(void)
{
	bad("add", ADD_REPLICAS, &add, ENODEV, 34);
	bad("delete", DELETE_REPLICAS, &delete, ENODEV, 34);
	bad("stop", STOP_SET, &stop, ENODEV, 34);
	bad("start", START_SET, &start, ENODEV, 37);
	BAD(device.flags = 2, START_SET, &start, EINVAL, 3);
	BAD(device.reserved = 1, START_SET, &start, EINVAL, 3);
	bad("list", LIST_REPLICAS, &list, 0, 0);
	BAD((add.flags = NEW_SET, add.count = 0), ADD_REPLICAS, &add, EINVAL, 44);
	BAD((add.flags = NEW_SET, add.count = 51), ADD_REPLICAS, &add, EINVAL, 44);
	BAD((add.flags = NEW_SET, add.size = 8), ADD_REPLICAS, &add, EINVAL, 45);
	BAD((add.flags = NEW_SET, add.size = ~0ULL), ADD_REPLICAS, &add, EINVAL, 45);
	BAD((add.flags = NEW_SET, add.count = 50), ADD_REPLICAS, &add, ENOSPC, 16);
	BAD(add.flags = NEW_SET | TIE_BREAKER, ADD_REPLICAS, &add, EINVAL, 49);
	BAD((add.flags = NEW_SET, add.device.dev = makedev(4094, 5)), ADD_REPLICAS, &add, ENXIO,
	    13);
}

static void with_database(void)
{
	BAD(add.flags = NEW_SET, ADD_REPLICAS, &add, EEXIST, 35);
	bad("start", START_SET, &start, EBUSY, 35);
	bad("no replica there", DELETE_REPLICAS, &delete, ENXIO, 47);
	BAD(list.capacity = 0, LIST_REPLICAS, &list, E2BIG, 22);
	BAD(list.replicas = 8, LIST_REPLICAS, &list, EFAULT, -1);
	BAD((add.flags = TIE_BREAKER, add.count = 2), ADD_REPLICAS, &add, EINVAL, 44);
	BAD(add.count = 50, ADD_REPLICAS, &add, ENOSPC, -1);
	BAD(add.size = 127, ADD_REPLICAS, &add, EINVAL, 45);
}

/* Arguments with some bytes changed; the header stays, so that they get as far as they can. */
static void random_ones(unsigned int seed, int count)
{
	static const unsigned long commands[] = { DELETE_REPLICAS, LIST_REPLICAS, START_SET };
	unsigned char bytes[512];

	srandom(seed);
	while (count--) {
		unsigned long command = commands[random() % 3];
		size_t size = _IOC_SIZE(command);
		long changes = 1 + random() % 8;

		memset(bytes, 0, sizeof(bytes));
		*(struct header *)bytes = (struct header){ ABI_VERSION, size };
		while (changes--)
			bytes[sizeof(struct header) + random() % (size - sizeof(struct header))] =
				random();
		ioctl(fd, command, bytes);
	}
}

int main(int argc, char **argv)
{
	fd = open("/dev/md/admin", O_RDWR);
	if (fd < 0)
		return 2;
	make_good();
	if (geteuid()) {
		bad("no rights", ADD_REPLICAS, &add, EPERM, 0);
		bad("no rights", DELETE_REPLICAS, &delete, EPERM, 0);
		bad("no rights", LIST_REPLICAS, &list, EPERM, 0);
		bad("no rights", START_SET, &start, EPERM, 0);
		bad("no rights", STOP_SET, &stop, EPERM, 0);
		return failed;
	}
	always();
	if (!strcmp(argv[1], "without"))
		without_database();
	else
		with_database();
	random_ones(atoi(argv[2]), atoi(argv[3]));
	return failed;
}
C
gcc -O1 -Wall -I "$MD_TEST_LIB" -o /tmp/bad /tmp/bad.c

count=$(by_lane 5000 300000 1500)
state() {
	metadb --json
	metastat --json
	head -c 1M /dev/sdc | cksum
}
modprobe md_rs
state >/tmp/before
run /tmp/bad without "$(small_seed)" "$count"
state | diff /tmp/before - || fail "bad input has changed something"
run metadb -a -f /dev/sda
run metadb -a /dev/sdb
run metadb -a -c 2 /dev/sdc
refuse 'room for them up to block 1792' metainit d11 1 1 /dev/sdc
run metadb -d /dev/sdc
run metainit d10 1 1 /dev/sda
state >/tmp/before
run /tmp/bad with "$(small_seed)" "$count"
chmod 666 /dev/md/admin
run setpriv --reuid 65534 --regid 65534 --clear-groups /tmp/bad
state | diff /tmp/before - || fail "bad input has changed something"
run mdctl stop
