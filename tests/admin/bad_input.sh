#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: wrong ioctls on the admin device (short, unknown, of another version, with reserved fields
#         set, with hostile pointers, by a user without rights, random ones) get the right errno and
#         change nothing; nor does a request that only asks for a check, or a probe.
# Clause: admin.rs rules 1 to 4; issue 2, first slice; issue 3
# Lanes: stock,debug
# Vm: --disks 2 --disk-size 32M --leaks
# Timeout: 1200
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
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "abi.h"

/* Memory for answers, far from anything else that an address with a wrong byte could hit. */
#define ANSWERS_SIZE (64UL << 20)
#define ANSWERS 0x10000000000

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
	good.h.version = ABI_VERSION;
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

/* Any of the arguments. Each starts with a header, and all but the list's go on with a name. */
static union {
	struct header h;
	struct create create;
	struct list list;
	struct status status;
	struct probe probe;
	unsigned char bytes[16384];
} u;

static void change_some(size_t from, size_t size)
{
	long changes = random() % 8;

	while (changes--)
		u.bytes[from + random() % (size - from)] = random();
}

/* To make a metadevice, if only to check, but for a name that is taken. */
static void random_create(void)
{
	u.create = good;
	u.create.flags = random() % 2;
	change_some(0, sizeof(u.create));
	strcpy(u.create.name, "d10");
	ioctl(fd, CREATE, &u);
}

/* Questions, which a right header leads as far as they can get. */
static void random_question(void)
{
	static const unsigned long questions[] = { VERSION, LIST, STATUS, PROBE };
	unsigned long question = questions[random() % 4];
	size_t size = _IOC_SIZE(question);

	u.h = (struct header){ .version = ABI_VERSION, .size = size };
	if (question == LIST)
		u.list.units = ANSWERS + ANSWERS_SIZE / 2;
	if (question == LIST)
		u.list.capacity = random() % 4;
	if (question == STATUS) {
		u.status.rows = u.status.components = ANSWERS + ANSWERS_SIZE / 2;
		u.status.row_capacity = u.status.component_capacity = random() % 4;
	}
	change_some(sizeof(u.h), size);
	if (question == STATUS || question == PROBE)
		strcpy(u.probe.name, "d10");
	ioctl(fd, question, &u);
}

/* Anything at all, by a name that there cannot be. */
static void random_anything(void)
{
	u.create = good;
	change_some(0, sizeof(u.create));
	strcpy(u.create.name, "d99999");
	ioctl(fd, _IOC(random() % 4, 'V', random() % 16, random() % 16384), &u);
}

static void random_ones(unsigned int seed, int count)
{
	static void (*const kinds[])(void) = { random_create, random_question, random_anything };

	srandom(seed);
	while (count--) {
		memset(&u, 0, sizeof(u.create));
		make_good();
		kinds[random() % 3]();
	}
}

/* Requests that are good, and change nothing all the same. */
static void harmless(void)
{
	struct probe probe = { .h = { .version = ABI_VERSION, .size = sizeof(probe) },
			       .name = "d10" };

	make_good();
	good.flags = CHECK_ONLY;
	if (ioctl(fd, CREATE, &good) || !good.size) {
		printf("check only: errno %d, size %ju\n", errno, (uintmax_t)good.size);
		failed = 1;
	}
	if (ioctl(fd, PROBE, &probe) || probe.failed_count) {
		printf("probe: errno %d, %u failed\n", errno, probe.failed_count);
		failed = 1;
	}
}

int main(int argc, char **argv)
{
	struct clear clear = { .h = { .version = ABI_VERSION, .size = sizeof(clear) },
			       .name = "d10" };
	struct probe probe = { .h = { .version = ABI_VERSION, .size = sizeof(probe) },
			       .name = "d10" };
	struct status status = { .h = { .version = ABI_VERSION, .size = sizeof(status) },
				 .unit = { .name = "d10" }, .rows = 8, .components = 8,
				 .row_capacity = 1, .component_capacity = 1 };
	struct list list = { .h = { .version = ABI_VERSION, .size = sizeof(list) },
			     .capacity = 9, .units = 8 };

	fd = open("/dev/md/admin", O_RDWR);
	if (fd < 0) {
		perror("/dev/md/admin");
		return 1;
	}
	make_good();
	if (argc > 2) {
		mmap((void *)ANSWERS, ANSWERS_SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
		random_ones(atoi(argv[1]), atoi(argv[2]));
		return 0;
	}
	if (geteuid()) {
		bad("no rights", CREATE, &good, EPERM, 0);
		bad("no rights", CLEAR, &clear, EPERM, 0);
		bad("no rights", LIST, &list, EPERM, 0);
		bad("no rights", STATUS, &status, EPERM, 0);
		bad("no rights", PROBE, &probe, EPERM, 0);
		return failed;
	}
	bad("unknown number", _IOWR('V', 99, struct create), &good, ENOTTY, 0);
	bad("unknown type", _IOWR('W', 2, struct create), &good, ENOTTY, 0);
	bad("shorter than a header", _IOWR('V', 2, uint64_t), &good, ENOTTY, 0);
	bad("short", _IOWR('V', 2, struct clear), &good, EINVAL, 2);
	bad("hostile argument", CREATE, (void *)0xffff888000000000, EFAULT, -2);
	bad("no argument", CREATE, NULL, EFAULT, -2);
	BAD("older version", good.h.version = ABI_VERSION - 1, EPROTO, 1);
	BAD("newer version", good.h.version = ABI_VERSION + 1, EPROTO, 1);
	good.h.version = 77;
	if (!ioctl(fd, CREATE, &good) || good.h.version != ABI_VERSION ||
	    good.h.values[0] != 77) {
		printf("the kernel does not say its version: %u\n", good.h.version);
		failed = 1;
	}
	BAD("size", good.h.size--, EINVAL, 2);
	BAD("reserved in header", good.h.reserved[1] = 1, EINVAL, 3);
	BAD("reserved", good.reserved[1] = 1, EINVAL, 3);
	BAD("flags", good.flags = 4, EINVAL, 3);
	BAD("flags", good.flags = CHECK_ONLY | 1u << 31, EINVAL, 3);
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
	BAD("reserved in component", component.spare = 1, EINVAL, 3);
	BAD("read errors", component.read_errors = 1, EINVAL, 3);
	BAD("write errors", component.write_errors = 1, EINVAL, 3);
	BAD("event", component.event = 1, EINVAL, 3);
	BAD("state", component.state = 1, EINVAL, 3);
	BAD("endless path", memset(component.device, 'x', 200), EINVAL, 3);
	BAD("no such device", component.dev = makedev(4094, 5), ENXIO, 13);
	BAD("device in use", component.dev = makedev(8, 0), EBUSY, 14);
	BAD("check of a device in use",
	    (good.flags = CHECK_ONLY, component.dev = makedev(8, 0)), EBUSY, 14);
	BAD("check of a taken name", (good.flags = CHECK_ONLY, strcpy(good.name, "d10")), EEXIST,
	    5);
	BAD("start behind the end", component.start = 1ULL << 40, ENOSPC, 16);
	BAD("start near the end of numbers", component.start = ~1ULL, ENOSPC, 16);
	BAD("hostile rows", good.rows = 0xffffffff81000000, EFAULT, -1);
	BAD("hostile components", good.components = 8, EFAULT, -1);
	bad("hostile list", LIST, &list, EFAULT, -1);
	bad("hostile status", STATUS, &status, EFAULT, -1);
	status.row_capacity = 0;
	bad("status without room", STATUS, &status, E2BIG, 22);
	status.unit.parent = 1;
	bad("status with a parent", STATUS, &status, EINVAL, 3);
	probe.flags = 1;
	bad("flags of a probe", PROBE, &probe, EINVAL, 3);
	probe.flags = 0;
	probe.failed_count = 1;
	bad("count given to a probe", PROBE, &probe, EINVAL, 3);
	probe.failed_count = 0;
	strcpy(probe.name, "d11");
	bad("probe of nothing", PROBE, &probe, ENXIO, 6);
	clear.reserved = 1;
	bad("reserved in clear", CLEAR, &clear, EINVAL, 3);
	clear.reserved = 0;
	strcpy(clear.name, "d11");
	bad("no such metadevice", CLEAR, &clear, ENXIO, 6);
	harmless();
	return failed;
}
C
gcc -O1 -Wall -I "$MD_TEST_LIB" -o /tmp/bad /tmp/bad.c

state() {
	metastat --json
	ls -l /dev/md/dsk
	cat /sys/block/sd?/holders/*/dev 2>/dev/null || true
}

count=$(by_lane 20000 1000000 5000)
modprobe md_rs
metainit d10 1 1 /dev/sda
state >/tmp/before
/tmp/bad
/tmp/bad "$(small_seed)" "$count"
chmod 666 /dev/md/admin
setpriv --reuid 65534 --regid 65534 --clear-groups /tmp/bad
setpriv --reuid 65534 --regid 65534 --clear-groups /tmp/bad "$(small_seed)" 2000
state | diff /tmp/before - || fail "bad input has changed something"
metaclear d10
