#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: wrong requests to make, change or grow mirrors and what stands below them get the right
#         errno and refusal, and change nothing; nor does a request that only asks for a check. A
#         submirror is not written to or cleared behind its mirror's back.
# Clause: admin.rs rules 1 to 4; svm.md 4.1, 4.9; issues 3 and 4
# Lanes: drawn
# Vm: --disks 6 --disk-size 16M
# Timeout: 300
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

cat >/tmp/bad_mirror.c <<'C'
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi.h"

static int fd, failed;
static struct row row;
static struct component components[5];
static struct create create;
static struct clear clear;
static struct set set;
static struct grow grow;

static void component(int n, const char *path)
{
	struct stat device;

	if (stat(path, &device)) {
		perror(path);
		failed = 1;
	}
	memset(components + n, 0, sizeof(*components));
	components[n].dev = device.st_rdev;
	components[n].start = ~0ULL;
	strcpy(components[n].device, path);
}

/* d11 and d12 are free, d20 is a mirror of d21, and /dev/sdd and d14 are free. */
static void make_good(void)
{
	int n;

	row = (struct row){ .interlace = 128, .count = 1 };
	component(0, "/dev/md/dsk/d11");
	component(1, "/dev/md/dsk/d12");
	for (n = 2; n < 5; n++)
		component(n, "/dev/sdd");
	create = (struct create){ .h = { .version = ABI_VERSION, .size = sizeof(create) },
				  .name = "d77", .kind = MIRROR,
				  .components = (uintptr_t)components, .component_count = 2 };
	create.mirror.pass = 1;
	set = (struct set){ .h = { .version = ABI_VERSION, .size = sizeof(set) }, .name = "d20",
			    .which = 7 };
	clear = (struct clear){ .h = { .version = ABI_VERSION, .size = sizeof(clear) },
				.name = "d21" };
	grow = (struct grow){ .h = { .version = ABI_VERSION, .size = sizeof(grow) }, .name = "d11",
			      .rows = (uintptr_t)&row, .components = (uintptr_t)(components + 2),
			      .row_count = 1, .component_count = 1 };
}

static void as_stripe(const char *path)
{
	create.kind = STRIPE;
	create.mirror.pass = 0;
	create.rows = (uintptr_t)&row;
	create.row_count = create.component_count = 1;
	component(0, path);
}

/* An ioctl that must fail with an errno, and say why with a refusal, at this row or component. */
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

#define BAD(what, command, argument, change, ...)           \
	do {                                                \
		make_good();                                \
		change;                                     \
		bad(what, command, &argument, __VA_ARGS__); \
	} while (0)
#define CREATE_BAD(what, change, ...) BAD("create: " what, CREATE, create, change, __VA_ARGS__)
#define SET_BAD(what, change, ...) BAD("options: " what, SET, set, change, __VA_ARGS__)
#define GROW_BAD(what, change, ...) BAD("grow: " what, GROW, grow, change, __VA_ARGS__)

static void good_checks(void)
{
	make_good();
	create.flags = CHECK_ONLY;
	if (ioctl(fd, CREATE, &create) || !create.size) {
		printf("check of a mirror: errno %d, refusal %u\n", errno, create.h.refusal);
		failed = 1;
	}
	grow.flags = CHECK_ONLY;
	if (ioctl(fd, GROW, &grow) || !grow.size) {
		printf("check of growing: errno %d, refusal %u\n", errno, grow.h.refusal);
		failed = 1;
	}
	memset(&set.mirror, 0, sizeof(set.mirror));
	set.which = 0;
	if (ioctl(fd, SET, &set) || set.mirror.pass != 1) {
		printf("no change of options: errno %d, pass %u\n", errno, set.mirror.pass);
		failed = 1;
	}
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
		bad("no rights", SET, &set, EPERM, 0, 0);
		bad("no rights", GROW, &grow, EPERM, 0, 0);
		bad("no rights", CREATE, &create, EPERM, 0, 0);
		return failed;
	}
	CREATE_BAD("no submirrors", create.component_count = 0, EINVAL, 11, -1);
	CREATE_BAD("five submirrors", create.component_count = 5, EINVAL, 11, -1);
	CREATE_BAD("very many", create.component_count = ~0u, EINVAL, 11, -1);
	CREATE_BAD("a submirror twice", component(1, "/dev/md/dsk/d11"), EINVAL, 18, 1);
	CREATE_BAD("a disk", component(1, "/dev/sdd"), EINVAL, 29, 1);
	CREATE_BAD("a mirror in a mirror", component(0, "/dev/md/dsk/d20"), EINVAL, 29, 0);
	CREATE_BAD("a submirror in use", component(0, "/dev/md/dsk/d21"), EBUSY, 14, 0);
	CREATE_BAD("a submirror as a component", as_stripe("/dev/md/dsk/d21"), EBUSY, 14, 0);
	CREATE_BAD("a mirror as a component", as_stripe("/dev/md/dsk/d20"), EINVAL, 30, 0);
	CREATE_BAD("rows", (create.rows = (uintptr_t)&row, create.row_count = 1), EINVAL, 10, -1);
	CREATE_BAD("read policy", create.mirror.read = 4, EINVAL, 31, -1);
	CREATE_BAD("write policy", create.mirror.write = 3, EINVAL, 31, -1);
	CREATE_BAD("pass", create.mirror.pass = 10, EINVAL, 31, -1);
	CREATE_BAD("huge pass", create.mirror.pass = 257, EINVAL, 31, -1);
	CREATE_BAD("a floor without a target", create.mirror.floor = 1, EINVAL, 31, -1);
	CREATE_BAD("too long a target", create.mirror.target = 60000001, EINVAL, 31, -1);
	CREATE_BAD("reserved", create.reserved[1] = 1, EINVAL, 3, -1);
	CREATE_BAD("state", components[1].state = 1, EINVAL, 3, 1);
	CREATE_BAD("options of a stripe",
		   (as_stripe("/dev/sdd"), create.mirror.pass = 1), EINVAL, 3,
		   -1);
	CREATE_BAD("policy of a stripe", (as_stripe("/dev/sdd"), create.mirror.read = 1), EINVAL, 3,
		   -1);
	CREATE_BAD("taken name", strcpy(create.name, "d20"), EEXIST, 5, -1);
	CREATE_BAD("hostile submirrors", create.components = 8, EFAULT, 2, -1);

	SET_BAD("version", set.h.version = 2, EPROTO, 1, -1);
	SET_BAD("reserved", set.reserved = 1, EINVAL, 3, -1);
	SET_BAD("a floor that is not asked for", set.mirror.floor = 1, EINVAL, 3, -1);
	SET_BAD("no target", set.which |= 8, EINVAL, 31, -1);
	SET_BAD("too long a target", (set.which |= 8, set.mirror.target = ~0u), EINVAL, 31, -1);
	SET_BAD("unknown option", set.which = 64, EINVAL, 3, -1);
	SET_BAD("not asked for", (set.which = 1, set.mirror.write = 1), EINVAL, 3, -1);
	SET_BAD("read policy", set.mirror.read = 4, EINVAL, 31, -1);
	SET_BAD("write policy", set.mirror.write = ~0u, EINVAL, 31, -1);
	SET_BAD("pass", set.mirror.pass = 10, EINVAL, 31, -1);
	SET_BAD("of a stripe", strcpy(set.name, "d11"), EINVAL, 27, -1);
	SET_BAD("of nothing", strcpy(set.name, "d78"), ENXIO, 6, -1);
	SET_BAD("bad name", strcpy(set.name, "x"), EINVAL, 4, -1);

	GROW_BAD("reserved", grow.reserved = 1, EINVAL, 3, -1);
	GROW_BAD("flags", grow.flags = 2, EINVAL, 3, -1);
	GROW_BAD("size given", grow.size = 1, EINVAL, 3, -1);
	GROW_BAD("no rows", grow.row_count = 0, EINVAL, 10, -1);
	GROW_BAD("too many rows", grow.row_count = 1025, EINVAL, 10, -1);
	GROW_BAD("no components", grow.component_count = 0, EINVAL, 11, -1);
	GROW_BAD("counts differ", row.count = 2, EINVAL, 11, -1);
	GROW_BAD("interlace", row.interlace = 0, EINVAL, 12, 0);
	GROW_BAD("nothing", strcpy(grow.name, "d78"), ENXIO, 6, -1);
	GROW_BAD("a mirror", strcpy(grow.name, "d20"), EINVAL, 28, -1);
	GROW_BAD("by a mirror", component(2, "/dev/md/dsk/d20"), EINVAL, 30, 0);
	GROW_BAD("by a submirror", component(2, "/dev/md/dsk/d21"), EBUSY, 14, 0);
	GROW_BAD("by a component of its own", component(2, "/dev/sda"), EBUSY, 14, 0);
	GROW_BAD("by a device twice", row.count = grow.component_count = 2, EINVAL, 18, 1);
	GROW_BAD("by a large block", component(2, "/dev/large"), EINVAL, 33, 0);
	GROW_BAD("hostile components", grow.components = 8, EFAULT, 2, -1);
	/* Whatever the reason, the first of the two must not stay a component in name. */
	make_good();
	row.count = grow.component_count = 2;
	component(3, "/dev/md/dsk/d11");
	if (!ioctl(fd, GROW, &grow)) {
		printf("d11 was grown by itself\n");
		failed = 1;
	}
	make_good();
	grow.flags = CHECK_ONLY;
	component(2, "/dev/md/dsk/d11");
	if (!ioctl(fd, GROW, &grow)) {
		printf("d11 could be grown by itself\n");
		failed = 1;
	}

	BAD("clear: flags", CLEAR, clear, clear.flags = 2, EINVAL, 3, -1);
	BAD("clear: a submirror", CLEAR, clear, clear.flags = 0, EBUSY, 8, -1);
	BAD("clear: a submirror by force", CLEAR, clear, clear.flags = 1, EBUSY, 8, -1);
	good_checks();
	return failed;
}
C
gcc -O1 -Wall -I "$MD_TEST_LIB" -o /tmp/bad_mirror /tmp/bad_mirror.c

state() {
	metastat --json
	ls -l /dev/md/dsk
	find /sys/block/*/holders /sys/block/*/slaves -mindepth 1 | sort
}

modprobe md_rs
null_disk large size=16 blocksize=4096
run metainit d11 1 1 /dev/sda
run metainit d12 1 1 /dev/sdb
run metainit d21 1 1 /dev/sdc
run metainit d20 -m d21
state >/tmp/before
/tmp/bad_mirror || fail "see above"
chmod 666 /dev/md/admin
setpriv --reuid 65534 --regid 65534 --clear-groups /tmp/bad_mirror || fail "see above"
state | diff /tmp/before - || fail "bad input has changed something"

note "a submirror is its mirror's"
refuse 'busy' dd if=/dev/zero of=/dev/md/dsk/d21 bs=4k count=1 status=none
run dd if=/dev/md/dsk/d21 of=/dev/null bs=4k count=1 iflag=direct status=none
refuse 'd21' metaclear d21
refuse 'd21' metaclear -f d21
refuse 'd21' metainit --assume-clean d30 -m d21 d11
exec 3</dev/md/dsk/d20
refuse 'd20' metaclear d20
refuse 'd20' metaclear -f d20
exec 3<&-

note "the modules stay as long as a mirror does"
refuse 'in use' rmmod md_mirror
refuse 'in use' rmmod md_stripe
refuse 'in use' rmmod md_rs
run metaclear d20
for name in d11 d12 d21; do run metaclear $name; done

note "a mirror of which a side is bad is cleared by force only"
sick bad /dev/sda good
run metainit d11 1 1 /dev/mapper/bad
run metainit d12 1 1 /dev/sdb
run metainit --assume-clean d10 -m d11 d12
sick bad /dev/sda nothing
run dd if=/dev/zero of=/dev/md/dsk/d10 bs=4k count=1 oflag=direct status=none
same "states" "Maintenance Okay" "$(states d11) $(states d12)"
state >/tmp/before
refuse 'maintenance' metaclear d10
state | diff /tmp/before - || fail "what was refused has changed something"
run metaclear -f d10
same "state of what was its side" Okay "$(described d11 .state)"
run metaclear d11
run metaclear d12

note "all is unloaded, and loaded again on demand"
run rmmod md_mirror
run rmmod md_stripe
run rmmod md_rs
run modprobe md_rs
sick bad /dev/sda good
run metainit d11 1 1 /dev/mapper/bad
run metainit d10 -m d11
same "state" Okay "$(described d10 .state)"
run metaclear d10
run metaclear d11
