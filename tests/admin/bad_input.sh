#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: wrong ioctls on the admin device (short, unknown, of another version, with reserved fields
#         set, with hostile pointers, by a user without rights, random ones) get the right errno and
#         change nothing.
# Clause: admin.rs rules 1 to 4; issue 2, first slice
# Lanes: stock,debug
# Vm: --disks 2 --disk-size 32M
# Timeout: 240
set -euo pipefail

# The layout is written down here once more, by hand, from the interface's description.
cat >/tmp/bad.c <<'C'
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct header {
	uint32_t version, size, refusal, index;
	uint64_t values[2], reserved[2];
};
struct row {
	uint64_t interlace;
	uint32_t count, reserved;
};
struct component {
	uint64_t dev, start, size;
	uint32_t state, reserved;
	char device[200];
};
struct create {
	struct header h;
	char name[32];
	uint32_t kind, flags;
	uint64_t rows, components;
	uint32_t row_count, component_count;
	uint64_t size, reserved[4];
};
struct clear {
	struct header h;
	char name[32];
	uint32_t flags, reserved;
};
struct list {
	struct header h;
	uint64_t units;
	uint32_t capacity, count;
};

#define CREATE _IOWR('V', 2, struct create)
#define CLEAR _IOWR('V', 3, struct clear)
#define LIST _IOWR('V', 4, struct list)

static int fd, failed;
static struct row row;
static struct component component;
static struct create good;

static void make_good(void)
{
	struct stat disk;

	stat("/dev/sdb", &disk);
	row = (struct row){ .interlace = 128, .count = 1 };
	memset(&component, 0, sizeof(component));
	component.dev = disk.st_rdev;
	component.start = ~0ULL;
	strcpy(component.device, "/dev/sdb");
	memset(&good, 0, sizeof(good));
	good.h.version = 1;
	good.h.size = sizeof(good);
	strcpy(good.name, "d77");
	good.kind = 1;
	good.rows = (uintptr_t)&row;
	good.components = (uintptr_t)&component;
	good.row_count = good.component_count = 1;
}

/* An ioctl that must fail with an errno, and say why with a refusal (-1: no matter). */
static void bad(const char *what, unsigned long command, void *argument, int expected, int refusal)
{
	int result = ioctl(fd, command, argument), found = result ? errno : 0;
	struct header *header = argument;

	if (found != expected) {
		printf("%s: errno %d, not %d\n", what, found, expected);
		failed = 1;
	} else if (refusal >= 0 && header->refusal != (uint32_t)refusal) {
		printf("%s: refusal %u, not %d\n", what, header->refusal, refusal);
		failed = 1;
	}
	make_good();
}

#define BAD(what, change, expected, refusal)                           \
	do {                                                           \
		make_good();                                           \
		change;                                                \
		bad(what, CREATE, &good, expected, refusal);           \
	} while (0)

/* Requests that are nearly good, but for a name that is taken; and anything at all, by no name. */
static void random_ones(unsigned int seed, int count)
{
	static union {
		struct create create;
		unsigned char bytes[16384];
	} u;
	long i, changes;

	srandom(seed);
	while (count--) {
		make_good();
		u.create = good;
		for (i = 0, changes = random() % 8; i < changes; i++)
			u.bytes[random() % sizeof(u.create)] = random();
		strcpy(u.create.name, random() % 2 ? "d10" : "d99999");
		if (!strcmp(u.create.name, "d10"))
			ioctl(fd, CREATE, &u);
		else
			ioctl(fd, _IOC(random() % 4, 'V', random() % 8, random() % 16384), &u);
	}
}

int main(int argc, char **argv)
{
	struct clear clear = { .h = { .version = 1, .size = sizeof(clear) }, .name = "d10" };
	struct list list = { .h = { .version = 1, .size = sizeof(list) }, .capacity = 9,
			     .units = 8 };

	fd = open("/dev/md/admin", O_RDWR);
	if (fd < 0) {
		perror("/dev/md/admin");
		return 1;
	}
	make_good();
	if (argc > 2) {
		random_ones(atoi(argv[1]), atoi(argv[2]));
		return 0;
	}
	if (geteuid()) {
		bad("no rights", CREATE, &good, EPERM, 0);
		bad("no rights", CLEAR, &clear, EPERM, 0);
		return failed;
	}
	bad("unknown number", _IOWR('V', 99, struct create), &good, ENOTTY, 0);
	bad("unknown type", _IOWR('W', 2, struct create), &good, ENOTTY, 0);
	bad("shorter than a header", _IOWR('V', 2, uint64_t), &good, ENOTTY, 0);
	bad("short", _IOWR('V', 2, struct clear), &good, EINVAL, 2);
	bad("hostile argument", CREATE, (void *)0xffff888000000000, EFAULT, -2);
	bad("no argument", CREATE, NULL, EFAULT, -2);
	BAD("version", good.h.version = 2, EPROTO, 1);
	good.h.version = 2;
	if (!ioctl(fd, CREATE, &good) || good.h.version != 1 || good.h.values[0] != 2) {
		printf("the kernel does not say its version: %u\n", good.h.version);
		failed = 1;
	}
	BAD("size", good.h.size--, EINVAL, 2);
	BAD("reserved in header", good.h.reserved[1] = 1, EINVAL, 3);
	BAD("reserved", good.reserved[3] = 1, EINVAL, 3);
	BAD("flags", good.flags = 1, EINVAL, 3);
	BAD("size given", good.size = 1, EINVAL, 3);
	BAD("no name", good.name[0] = 0, EINVAL, 4);
	BAD("bytes behind the name", good.name[31] = 'x', EINVAL, 4);
	BAD("number too large", strcpy(good.name, "d8192"), EINVAL, 4);
	BAD("leading zero", strcpy(good.name, "d07"), EINVAL, 4);
	BAD("taken name", strcpy(good.name, "d10"), EEXIST, 5);
	BAD("kind", good.kind = 4000000000u, ENODEV, 9);
	BAD("no rows", good.row_count = 0, EINVAL, 10);
	BAD("too many rows", good.row_count = 1025, EINVAL, 10);
	BAD("no components", good.component_count = 0, EINVAL, 11);
	BAD("too many components", good.component_count = ~0u, EINVAL, 11);
	BAD("counts differ", row.count = 2, EINVAL, 11);
	BAD("interlace 0", row.interlace = 0, EINVAL, 12);
	BAD("interlace huge", row.interlace = ~0ULL, EINVAL, 12);
	BAD("reserved in row", row.reserved = 1, EINVAL, 3);
	BAD("reserved in component", component.reserved = 1, EINVAL, 3);
	BAD("endless path", memset(component.device, 'x', 200), EINVAL, 3);
	BAD("no such device", component.dev = makedev(4094, 5), ENXIO, 13);
	BAD("device in use", component.dev = makedev(8, 0), EBUSY, 14);
	BAD("start behind the end", component.start = 1ULL << 40, ENOSPC, 16);
	BAD("start near the end of numbers", component.start = ~1ULL, ENOSPC, 16);
	BAD("hostile rows", good.rows = 0xffffffff81000000, EFAULT, -1);
	BAD("hostile components", good.components = 8, EFAULT, -1);
	bad("hostile list", LIST, &list, EFAULT, -1);
	clear.reserved = 1;
	bad("reserved in clear", CLEAR, &clear, EINVAL, 3);
	clear.reserved = 0;
	strcpy(clear.name, "d11");
	bad("no such metadevice", CLEAR, &clear, ENXIO, 6);
	return failed;
}
C
gcc -O1 -Wall -o /tmp/bad /tmp/bad.c

state() {
	metastat --json
	ls -l /dev/md/dsk
	cat /sys/block/sd?/holders/*/dev 2>/dev/null || true
}

modprobe md_rs
metainit d10 1 1 /dev/sda
state >/tmp/before
/tmp/bad
/tmp/bad "$(printf %s "$SEED" | tail -c 9)" 20000
chmod 666 /dev/md/admin
setpriv --reuid 65534 --regid 65534 --clear-groups /tmp/bad
state | diff /tmp/before - || { echo "bad input has changed something"; exit 1; }
metaclear d10
