#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: wrong requests about soft partitions (reserved fields, unknown flags, extents that
#         overlap, lie nowhere or wrap around, hostile pointers, counts and sizes that nothing
#         holds, made-up identities, random bytes) get the right errno and refusal, and change
#         nothing; and hostile watermarks on a disk are neither followed for ever nor believed.
# Clause: admin.rs rules 1 to 4; svm.md 6.2, 6.3; issue 8
# Lanes: drawn
# Vm: --disks 3 --disk-size 64M --leaks
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
#include <unistd.h>

#include "abi.h"

static int fd, failed;
static struct extent extents[2];
static struct create_soft create;
static struct change_soft change;
static struct soft_status status;
static struct mend_soft mend;
static struct move_soft move;

#define START(what) (what).h = (struct header){ .version = ABI_VERSION, .size = sizeof(what) }

static void make_good(void)
{
	struct stat disk;

	stat("/dev/sda", &disk);
	memset(&create, 0, sizeof(create));
	START(create);
	strcpy(create.name, "d77");
	create.size = 2048;
	create.base.dev = disk.st_rdev;
	create.base.start = ~0ULL;
	strcpy(create.base.device, "/dev/sda");
	memset(&change, 0, sizeof(change));
	START(change);
	strcpy(change.name, "d20");
	change.size = 2048;
	memset(&status, 0, sizeof(status));
	START(status);
	strcpy(status.name, "d20");
	status.extents = (uintptr_t)extents;
	status.capacity = 2;
	memset(&mend, 0, sizeof(mend));
	START(mend);
	mend.dev = disk.st_rdev;
	mend.flags = SOFT_CHECK_ONLY;
	memset(&move, 0, sizeof(move));
	START(move);
	strcpy(move.name, "d20");
}

/* An ioctl that must fail with an errno, and say why with a refusal (-1: no matter). */
static void bad(const char *what, unsigned long command, void *argument, int expected, int refusal)
{
	int result = ioctl(fd, command, argument), found = result ? errno : 0;
	struct header *header = argument;

	if (found != expected || (refusal >= 0 && header->refusal != (uint32_t)refusal)) {
		printf("%s: errno %d, refusal %u, not %d, %d\n", what, found, header->refusal,
		       expected, refusal);
		failed = 1;
	}
}

#define BAD(what, which, command, changed, expected, refusal)           \
	do {                                                            \
		make_good();                                            \
		changed;                                                \
		bad(what, command, &(which), expected, refusal);        \
	} while (0)
#define CREATE_BAD(what, changed, expected, refusal) \
	BAD(what, create, CREATE_SOFT, changed, expected, refusal)

/* The new one is to have these. */
static void give(uint64_t sector0, uint64_t count0, uint64_t sector1, uint64_t count1)
{
	extents[0] = (struct extent){ sector0, count0 };
	extents[1] = (struct extent){ sector1, count1 };
	create.size = 0;
	create.extents = (uintptr_t)extents;
	create.extent_count = 2;
}

static void wrong_ones(void)
{
	CREATE_BAD("flags", create.flags = 64, EINVAL, 3);
	CREATE_BAD("flags", create.flags = SOFT_SHRINK, EINVAL, 3);
	CREATE_BAD("all of a size", create.flags = SOFT_ALL, EINVAL, 3);
	CREATE_BAD("identity", create.soft[3] = 1, EINVAL, 3);
	CREATE_BAD("generation", create.generation = 1, EINVAL, 3);
	CREATE_BAD("name", strcpy(create.name, "d8192"), EINVAL, 4);
	CREATE_BAD("taken", strcpy(create.name, "d20"), EEXIST, 5);
	CREATE_BAD("start", create.base.start = 0, EINVAL, 3);
	CREATE_BAD("no size", create.size = 0, ENOSPC, 112);
	CREATE_BAD("huge", create.size = ~0ULL, ENOSPC, 112);
	CREATE_BAD("alignment", create.alignment = 17, EINVAL, 114);
	CREATE_BAD("alignment", create.alignment = ~0ULL, EINVAL, 114);
	CREATE_BAD("many extents", create.extent_count = 10001, EINVAL, 113);
	CREATE_BAD("hostile extents", create.size = 0; create.extent_count = 2;
		   create.extents = 0xffff888000000000, EFAULT, -1);
	CREATE_BAD("overlap", give(65536, 2048, 66560, 2048), EINVAL, 116);
	CREATE_BAD("no room for a watermark", give(65536, 2048, 67584, 2048), EINVAL, 116);
	CREATE_BAD("behind the end", give(65536, 2048, 131072, 2048), EINVAL, 116);
	CREATE_BAD("in the head", give(65536, 2048, 16, 2048), EINVAL, 116);
	CREATE_BAD("wraps around", give(65536, 2048, ~15ULL, 2048), EINVAL, 115);
	CREATE_BAD("empty", give(65536, 2048, 81920, 0), EINVAL, 115);
	CREATE_BAD("off the grain", give(65536, 2048, 81921, 16), EINVAL, 115);
	CREATE_BAD("made up", give(65536, 2048, 81920, 2048); create.flags = SOFT_REBUILD;
		   create.soft[0] = create.marks[0] = create.generation = 1, EINVAL, 118);
	BAD("flags", change, CHANGE_SOFT, change.flags = 4, EINVAL, 3);
	BAD("reserved", change, CHANGE_SOFT, change.reserved = 1, EINVAL, 3);
	BAD("nobody", change, CHANGE_SOFT, strcpy(change.name, "d99"), ENXIO, 6);
	BAD("none", change, CHANGE_SOFT, strcpy(change.name, "d10"), EINVAL, 110);
	BAD("huge", change, CHANGE_SOFT, change.size = ~0ULL, ENOSPC, 112);
	BAD("not smaller", change, CHANGE_SOFT, change.flags = SOFT_SHRINK;
	    change.size = 1 << 20, EINVAL, 120);
	BAD("nothing left", change, CHANGE_SOFT, change.flags = SOFT_SHRINK;
	    change.size = 0, EINVAL, 120);
	BAD("no room", status, SOFT_STATUS, status.capacity = 0, E2BIG, 22);
	BAD("hostile array", status, SOFT_STATUS, status.extents = 8, EFAULT, -1);
	BAD("reserved", status, SOFT_STATUS, status.count = 1, EINVAL, 3);
	BAD("flags", status, SOFT_STATUS, status.flags = 2, EINVAL, 3);
	BAD("reserved", status, SOFT_STATUS, status.reserved = 1, EINVAL, 3);
	BAD("no base", mend, MEND_SOFT, mend.dev = 1, EINVAL, 124);
	BAD("reserved", mend, MEND_SOFT, mend.reserved = 1, EINVAL, 3);
	BAD("flags", move, MOVE_SOFT, move.flags = 2, EINVAL, 3);
	BAD("no extent", move, MOVE_SOFT, move.extent = ~0u, EINVAL, 141);
	BAD("taken", move, MOVE_SOFT, move.sector = 4096, EINVAL, 116);
	BAD("wraps around", move, MOVE_SOFT, move.sector = ~15ULL, EINVAL, 115);
	BAD("none", move, MOVE_SOFT, strcpy(move.name, "d10"), EINVAL, 110);
}

/* Some bytes of each argument are anything at all; nothing may be made of them but in a check. */
static void random_ones(unsigned int seed, int count)
{
	static const struct {
		unsigned long command;
		void *argument;
		size_t size;
		uint32_t *flags;
	} all[] = {
		{ CREATE_SOFT, &create, sizeof(create), &create.flags },
		{ CHANGE_SOFT, &change, sizeof(change), &change.flags },
		{ MEND_SOFT, &mend, sizeof(mend), &mend.flags },
		{ MOVE_SOFT, &move, sizeof(move), &move.flags },
	};

	srandom(seed);
	while (count--) {
		int which = random() % 4, changes = random() % 6;
		unsigned char *bytes = all[which].argument;

		make_good();
		give(65536 + random() % 4096 * 16, 16 + random() % 64 * 16,
			81920 + random() % 8192, random() % 4096);
		if (random() % 2) {
			create.extent_count = 0;
			create.size = random();
		}
		while (changes--)
			bytes[48 + random() % (all[which].size - 48)] = random();
		*all[which].flags = SOFT_CHECK_ONLY | (random() % 4 ? 0 : random() % 32);
		ioctl(fd, all[which].command, bytes);
	}
}

int main(int argc, char **argv)
{
	fd = open("/dev/md/admin", O_RDWR);
	if (fd < 0) {
		perror("/dev/md/admin");
		return 1;
	}
	wrong_ones();
	random_ones(atoi(argv[1]), atoi(argv[2]));
	return failed;
}
C
run gcc -O1 -Wall -Werror -I"$MD_TEST_LIB" -o /tmp/bad /tmp/bad.c

modprobe md_rs
run metadb -a -f /dev/sdc
run metainit d20 -p /dev/sda 10m
run metainit d10 1 1 /dev/sdb
before=$(metastat -p)
run /tmp/bad "$(small_seed)" "$(by_lane 20000 200000 2000)"
same "metadevices" "$before" "$(metastat -p)"
run metarecover /dev/sda -p

note "watermarks that lead nowhere, in circles or to everybody"
run metaclear -a
run metainit d20 -p /dev/sda 10m
run metainit d21 -p /dev/sda 10m
dd if=/dev/sda of=/tmp/whole bs=1M count=40 iflag=direct status=none
RANDOM=$(small_seed)
marks=(2048 4080 24576 26608)
for ((round = 0; round < $(by_lane 12 100 4); round++)); do
	run mdctl stop
	dd if=/tmp/whole of=/dev/sda bs=1M oflag=direct status=none
	# Bytes of both copies of a watermark, in places that the seed decides.
	draw 0 3
	mark=${marks[REPLY]}
	for ((n = 0; n < 4; n++)); do
		draw 0 511
		at=$REPLY
		draw 0 255
		# shellcheck disable=SC2059
		for copy in 0 8; do
			printf "\\x$(printf %02x "$REPLY")" | dd of=/dev/sda bs=1 \
				seek=$(((mark + copy) * 512 + at)) conv=notrunc status=none
		done
	done
	sync
	echo 3 >/proc/sys/vm/drop_caches
	run mdctl start
	same "records" 2 "$(metastat -p | wc -l)"
	metarecover -v /dev/sda -p >/tmp/told 2>&1 || true
	run metarecover /dev/sda -p -m
	run metarecover /dev/sda -p
done
run metaclear -a
