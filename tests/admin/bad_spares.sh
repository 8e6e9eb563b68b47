#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: wrong requests about hot spare pools get the right errno and refusal, and change nothing:
#         neither what metastat says nor what is on the disks. A hot spare is in use for everybody
#         else, who is told of its pool. Without a state database there are no pools.
# Clause: admin.rs rules 1 to 4; svm.md 7; issue 7
# Lanes: drawn
# Vm: --disks 6 --disk-size 16M
# Timeout: 200
# What is compared: errno, refusal and index of each request; the document of metastat and the
# checksums of all disks before and after.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"

cat >/tmp/bad_spares.c <<'C'
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi.h"

static int fd, failed;
static struct device devices[200];
static struct change_pool change;
static struct set_pool set;
static struct list_pools list;
static struct pool_status pools[4];
static struct spare_status spares[8];

static void device(struct device *to, const char *path)
{
	struct stat found;

	memset(to, 0, sizeof(*to));
	if (stat(path, &found)) {
		perror(path);
		failed = 1;
	}
	to->dev = found.st_rdev;
	strcpy(to->path, path);
}

/* hsp001 has /dev/sdb and /dev/sdc, hsp002 nothing; d11, of /dev/sdd, has hsp001. */
static void make_good(void)
{
	memset(devices, 0, sizeof(devices));
	device(&devices[0], "/dev/sde");
	change = (struct change_pool){ .h = { .version = ABI_VERSION, .size = sizeof(change) },
				       .pool = 1, .action = POOL_ADD,
				       .devices = (uintptr_t)devices, .count = 1 };
	set = (struct set_pool){ .h = { .version = ABI_VERSION, .size = sizeof(set) },
				 .name = "d11", .pool = 3 };
	list = (struct list_pools){ .h = { .version = ABI_VERSION, .size = sizeof(list) },
				    .pools = (uintptr_t)pools, .spares = (uintptr_t)spares,
				    .pool_capacity = 4, .spare_capacity = 8 };
}

/* An ioctl that must fail with an errno, and say why with a refusal, at this device. */
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
#define CHANGE_BAD(what, how, ...) BAD("change: " what, CHANGE_POOL, change, how, __VA_ARGS__)
#define SET_BAD(what, how, ...) BAD("set: " what, SET_POOL, set, how, __VA_ARGS__)
#define LIST_BAD(what, how, ...) BAD("list: " what, LIST_POOLS, list, how, __VA_ARGS__)

static void listing(void)
{
	LIST_BAD("version", list.h.version = 6, EPROTO, 1, -1);
	LIST_BAD("size", list.h.size += 8, EINVAL, 2, -1);
	LIST_BAD("header", list.h.reserved[1] = 1, EINVAL, 3, -1);
	LIST_BAD("counts", list.pool_count = 1, EINVAL, 3, -1);
	LIST_BAD("too few pools", list.pool_capacity = 1, E2BIG, 22, -1);
	LIST_BAD("too few spares", list.spare_capacity = 1, E2BIG, 22, -1);
	LIST_BAD("no spares", list.spare_capacity = 0, E2BIG, 22, -1);
	LIST_BAD("bad address", list.pools = 8, EFAULT, 2, -1);
}

static void changing(void)
{
	CHANGE_BAD("version", change.h.version = ~0u, EPROTO, 1, -1);
	CHANGE_BAD("size", change.h.size = 0, EINVAL, 2, -1);
	CHANGE_BAD("header", change.h.reserved[0] = 1, EINVAL, 3, -1);
	CHANGE_BAD("unknown flags", change.flags = 2, EINVAL, 3, -1);
	CHANGE_BAD("no action", change.action = 0, EINVAL, 3, -1);
	CHANGE_BAD("unknown action", change.action = 7, EINVAL, 3, -1);
	CHANGE_BAD("huge action", change.action = ~0u, EINVAL, 3, -1);
	CHANGE_BAD("nothing added", change.count = 0, EINVAL, 3, -1);
	CHANGE_BAD("half a replacement", change.action = POOL_REPLACE, EINVAL, 3, -1);
	CHANGE_BAD("devices deleted", change.action = POOL_DELETE, EINVAL, 3, -1);
	CHANGE_BAD("two enabled", (change.action = POOL_ENABLE, change.count = 2), EINVAL, 3, -1);
	CHANGE_BAD("no such number", change.pool = 1000, EINVAL, 4, -1);
	CHANGE_BAD("all pools", change.pool = ALL_POOLS, EINVAL, 4, -1);
	CHANGE_BAD("many devices", change.count = 200, ENOSPC, 88, -1);
	CHANGE_BAD("endless devices", change.count = ~0u, ENOSPC, 88, -1);
	CHANGE_BAD("bad address", change.devices = 8, EFAULT, 2, -1);
	CHANGE_BAD("no pool", change.pool = 7, ENXIO, 80, -1);
	CHANGE_BAD("made twice", change.action = POOL_CREATE, EEXIST, 81, -1);
	CHANGE_BAD("not empty", (change.action = POOL_DELETE, change.count = 0), EBUSY, 82, -1);
	CHANGE_BAD("a spare of it", device(&devices[0], "/dev/sdb"), EBUSY, 84, 0);
	CHANGE_BAD("twice in a line", (device(&devices[1], "/dev/sde"), change.count = 2), EBUSY,
		   84, 1);
	CHANGE_BAD("a component", device(&devices[0], "/dev/sdd"), EBUSY, 14, 0);
	CHANGE_BAD("a metadevice", device(&devices[0], "/dev/md/dsk/d12"), EINVAL, 91, 0);
	CHANGE_BAD("larger blocks", device(&devices[0], "/dev/large"), EINVAL, 92, 0);
	CHANGE_BAD("all head", device(&devices[0], "/dev/mapper/tiny"), ENOSPC, 16, 0);
	CHANGE_BAD("no device", devices[0].dev = 0xfff00000, ENXIO, 13, 0);
	CHANGE_BAD("flags of a device", devices[0].flags = 1, EINVAL, 3, 0);
	CHANGE_BAD("reserved of a device", devices[0].reserved = 1, EINVAL, 3, 0);
	CHANGE_BAD("endless path", memset(devices[0].path, 'x', 200), EINVAL, 3, 0);
	CHANGE_BAD("no spare of it", change.action = POOL_REMOVE, ENXIO, 85, 0);
	CHANGE_BAD("one that is, and one that is not",
		   (change.action = POOL_REMOVE, change.count = 2, devices[1] = devices[0],
		    device(&devices[0], "/dev/sdb")),
		   ENXIO, 85, 1);
	CHANGE_BAD("replaced by itself",
		   (change.action = POOL_REPLACE, change.count = 2,
		    device(&devices[0], "/dev/sdb"), device(&devices[1], "/dev/sdb")),
		   EBUSY, 84, 1);
	CHANGE_BAD("not broken",
		   (change.action = POOL_ENABLE, device(&devices[0], "/dev/sdb")), EBUSY, 87, 0);
	CHANGE_BAD("enabled, and no spare", change.action = POOL_ENABLE, ENXIO, 85, 0);
	CHANGE_BAD("enabled anywhere, and no spare",
		   (change.action = POOL_ENABLE, change.pool = ALL_POOLS), ENXIO, 85, 0);
}

static void setting(void)
{
	SET_BAD("version", set.h.version = 0, EPROTO, 1, -1);
	SET_BAD("size", set.h.size -= 8, EINVAL, 2, -1);
	SET_BAD("reserved", set.reserved = 1, EINVAL, 3, -1);
	SET_BAD("bad name", strcpy(set.name, "hsp001"), EINVAL, 4, -1);
	SET_BAD("of nothing", strcpy(set.name, "d78"), ENXIO, 6, -1);
	SET_BAD("no pool", set.pool = 8, ENXIO, 80, -1);
	SET_BAD("huge number", set.pool = ~0u, ENXIO, 80, -1);
	SET_BAD("of a mirror", strcpy(set.name, "d10"), EINVAL, 89, -1);
	SET_BAD("none, of a mirror", (strcpy(set.name, "d10"), set.pool = 0), EINVAL, 89, -1);
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
		bad("no rights", CHANGE_POOL, &change, EPERM, 0, 0);
		bad("no rights", SET_POOL, &set, EPERM, 0, 0);
		bad("no rights", LIST_POOLS, &list, EPERM, 0, 0);
		return failed;
	}
	listing();
	changing();
	setting();
	make_good();
	change.flags = CHECK_ONLY;
	if (ioctl(fd, CHANGE_POOL, &change)) {
		printf("check of adding: errno %d, refusal %u\n", errno, change.h.refusal);
		failed = 1;
	}
	return failed;
}
C
gcc -O1 -Wall -I "$MD_TEST_LIB" -o /tmp/bad_spares /tmp/bad_spares.c

state() {
	metastat --json
	for disk in a b c d e f; do checksum /dev/sd$disk; done
}

modprobe md_rs
null_disk large size=16 blocksize=4096
mapped tiny "0 2048 linear /dev/sdf 16384"

note "without a state database there are no pools"
refuse 'hsp001: hot spare pools need a state database' metainit hsp001 /dev/sdb
refuse 'd11: hot spare pools need a state database' metainit d11 1 1 /dev/sdd -h hsp001
run metadb -a -f /dev/sda
run metainit hsp001 /dev/sdb /dev/sdc
run metainit hsp002
run metainit d11 1 1 /dev/sdd -h hsp001
mapped part "0 8192 linear /dev/sdf 0"
run metainit d12 1 1 /dev/mapper/part
run metainit d10 -m d11

note "nothing of this is carried out"
clean() { mdctl dump /dev/sda | grep -A 1 'd10: mirror' | grep -qE ' 0 dirty'; }
wait_for 60 clean
state >/tmp/before
/tmp/bad_spares || fail "see above"
chmod 666 /dev/md/admin
setpriv --reuid 65534 --regid 65534 --clear-groups /tmp/bad_spares || fail "see above"
state | diff /tmp/before - || fail "bad input has changed something"

note "a hot spare is in use for everybody else"
refuse 'sdb: is a hot spare of hsp001' metainit d13 1 1 /dev/sdb
refuse 'sdb: is a hot spare of hsp001' metattach d12 /dev/sdb
refuse 'in use|busy' mkfs.ext4 -q /dev/sdb
refuse 'sdd: is part of the metadevice d11' metahs -a hsp002 /dev/sdd
refuse 'd12: is a metadevice' metahs -a hsp002 d12
refuse 'hsp003: there is no such hot spare pool' metahs -a hsp003 /dev/sde
refuse 'hsp003: there is no such hot spare pool' metaparam -h hsp003 d12
refuse 'd10: is a mirror, and a hot spare pool is for its submirrors' metaparam -h hsp001 d10
refuse 'hsp01: is not the name of a hot spare pool' metahs -a hsp01 /dev/sde
refuse 'hsp001: exists already' metainit hsp001 /dev/sde
refuse 'hsp001: has 2 hot spares' metahs -d hsp001
refuse 'sde: is no hot spare' metahs -e /dev/sde
mkfs.ext4 -qF /dev/sde
refuse 'sde: carries an ext4 file system' metahs -a hsp001 /dev/sde
refuse 'without which hsp001 cannot be' metadb -d -f /dev/sda
state | tail -n 6 | head -n 4 >/tmp/after
tail -n 6 /tmp/before | head -n 4 | diff - /tmp/after || fail "bad input has changed something"

note "what was asked of it can be done afterwards"
run metahs -a -f hsp001 /dev/sde
run metahs -a hsp002 /dev/sdb
refuse 'hsp002: has 1 hot spare,' metaclear hsp002
run metahs -d all /dev/sdb
run metahs -r hsp001 /dev/sdc /dev/sdb
metastat -p >/tmp/lines
grep -qx 'hsp001 /dev/sdb /dev/sde' /tmp/lines || fail "another pool than it was made"
grep -qx 'd11 1 1 /dev/sdd -h hsp001' /tmp/lines || fail "d11 without its pool"
run metahs -d hsp001 /dev/sdb /dev/sde
refuse 'hsp001: is the hot spare pool of d11' metaclear hsp001
run metaparam -h none d11
run metaclear hsp001
run metahs -d hsp002
run metaclear -r d10
run metaclear d12
run mdctl stop
run modprobe -r md_mirror md_stripe md_rs
