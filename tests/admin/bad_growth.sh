#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: wrong requests to grow a mirror get the right errno and refusal, and change nothing:
#         neither what metastat says nor what is on the disks. So does one that comes while a side
#         is offline, a resync is needed, or a component has failed where the others would have to
#         be copied from. A request that only asks for a check says how large it would be.
# Clause: admin.rs rules 1 to 4; svm.md 4.9; issue 7
# Lanes: drawn
# Vm: --disks 6 --disk-size 16M
# Timeout: 200
# What is compared: errno, refusal, index and values of each request; the document of metastat, the
# size that the block layer knows and the checksums of all disks before and after.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

cat >/tmp/bad_growth.c <<'C'
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi.h"

static int fd, failed;
static struct grow_mirror grow;

/* d10 can grow. */
static void make_good(void)
{
	grow = (struct grow_mirror){ .h = { .version = ABI_VERSION, .size = sizeof(grow) },
				     .name = "d10" };
}

/* An ioctl that must fail with an errno, and say why with a refusal, at this side. */
static void bad(const char *what, int expected, int refusal, int index)
{
	int found = ioctl(fd, GROW_MIRROR, &grow) ? errno : 0;

	if (found != expected || grow.h.refusal != (uint32_t)refusal ||
	    grow.h.index != (uint32_t)index || grow.size) {
		printf("%s: errno %d, refusal %u at %d, not errno %d, refusal %d at %d\n", what,
		       found, grow.h.refusal, (int)grow.h.index, expected, refusal, index);
		failed = 1;
	}
}

#define BAD(what, change, ...)          \
	do {                            \
		make_good();            \
		change;                 \
		bad(what, __VA_ARGS__); \
		grow.size = 0;          \
	} while (0)

static void malformed(void)
{
	BAD("version", grow.h.version = 2, EPROTO, 1, -1);
	BAD("size of the request", grow.h.size--, EINVAL, 2, -1);
	BAD("header", grow.h.reserved[1] = 1, EINVAL, 3, -1);
	BAD("reserved", grow.reserved = 1, EINVAL, 3, -1);
	BAD("unknown flag", grow.flags = 2, EINVAL, 3, -1);
	BAD("all flags", grow.flags = ~0u, EINVAL, 3, -1);
	make_good();
	grow.size = 1;
	if (!ioctl(fd, GROW_MIRROR, &grow) || errno != EINVAL || grow.h.refusal != 3) {
		printf("size given: refusal %u\n", grow.h.refusal);
		failed = 1;
	}
	BAD("bad name", strcpy(grow.name, "x"), EINVAL, 4, -1);
	BAD("no name", grow.name[0] = 0, EINVAL, 4, -1);
	BAD("endless name", memset(grow.name, '1', sizeof(grow.name)), EINVAL, 4, -1);
	BAD("a name and more", grow.name[20] = 'x', EINVAL, 4, -1);
	BAD("nothing", strcpy(grow.name, "d78"), ENXIO, 6, -1);
	BAD("a side", strcpy(grow.name, "d11"), EINVAL, 27, -1);
	if (!ioctl(fd, GROW_MIRROR, (void *)8) || errno != EFAULT) {
		printf("hostile request: errno %d\n", errno);
		failed = 1;
	}
	if (!ioctl(fd, _IOWR('V', 26, struct sync), &grow)) {
		printf("a request of another size was carried out\n");
		failed = 1;
	}
}

static void good_check(uint64_t size)
{
	make_good();
	grow.flags = CHECK_ONLY;
	if (ioctl(fd, GROW_MIRROR, &grow) || grow.size != size) {
		printf("check: errno %d, refusal %u, %llu sectors\n", errno, grow.h.refusal,
		       (unsigned long long)grow.size);
		failed = 1;
	}
}

/* Without arguments, d10 can grow to SIZE; else it is refused, whatever the flags. */
int main(int count, char **arguments)
{
	static const uint32_t flags[] = { CHECK_ONLY, 0, ASSUME_CLEAN };
	unsigned int n;

	fd = open("/dev/md/admin", O_RDWR);
	if (fd < 0) {
		perror("/dev/md/admin");
		return 1;
	}
	if (geteuid()) {
		BAD("no rights", (void)0, EPERM, 0, 0);
		return failed;
	}
	if (count == 2) {
		malformed();
		good_check(strtoull(arguments[1], NULL, 10));
		return failed;
	}
	for (n = 0; n < 3; n++)
		BAD(arguments[1], grow.flags = flags[n], atoi(arguments[2]), atoi(arguments[3]),
		    atoi(arguments[4]));
	return failed;
}
C
gcc -O1 -Wall -I "$MD_TEST_LIB" -o /tmp/bad_growth /tmp/bad_growth.c

# state: what must not change, also on the disks.
state() {
	metastat --json
	blockdev --getsz /dev/md/dsk/d10
	sha256sum /dev/sd[b-f]
}
# unchanged COMMAND...: it succeeds, and changes nothing.
unchanged() {
	state >/tmp/before
	"$@" || fail "see above"
	state | diff /tmp/before - || fail "what was refused has changed something"
}
# refused WHAT ERRNO REFUSAL SIDE PATTERN: d10 does not grow, and the tool says why.
refused() {
	note "$1"
	unchanged /tmp/bad_growth "$1" "$2" "$3" "$4"
	refuse "$5" metattach d10
	refuse "$5" metattach --assume-clean d10
	state | diff /tmp/before - || fail "what was refused has changed something"
}
EBUSY=16
EINVAL=22
write_one() { run dd if=/dev/urandom of=/dev/md/dsk/d10 bs=4k count=1 oflag=direct status=none; }

modprobe md_rs
run metadb -a -f /dev/sda
sick b /dev/sdb good
sick c /dev/sdc good
mapped small "0 16384 linear /dev/sdd 0"
run metainit d11 1 1 /dev/mapper/b
run metainit d12 1 1 /dev/mapper/c
run metainit d13 1 1 /dev/mapper/small
for name in d11 d12 d13; do run blkdiscard -zf /dev/md/dsk/$name; done
run metainit d10 -m d11 d12 d13 --assume-clean
old=$(blockdev --getsz /dev/md/dsk/d10)
refused "no side but two is larger" $EINVAL 68 2 "d13: has $old blocks, and d10 has $old"
run metadetach d10 d13

note "it could grow, but not by requests that are wrong"
size=$(blockdev --getsz /dev/md/dsk/d11)
unchanged /tmp/bad_growth "$size"
chmod 666 /dev/md/admin
unchanged setpriv --reuid 65534 --regid 65534 --clear-groups /tmp/bad_growth "$size"

run metaoffline d10 d12
refused "a side is offline" $EBUSY 58 1 'd12: is offline'
write_one
refused "a side is offline, and has missed something" $EBUSY 58 1 'd12: is offline'
run metaonline -w d10 d12

run metadetach d10 d12
remap c "0 $(blockdev --getsz /dev/sdc) delay /dev/sdc 0 0 /dev/sdc 0 300"
run metattach -f d10 d12
run metasync --pause d10
refused "a resync is under way, and pauses" $EBUSY 57 -1 'd10: .*resync'
run metasync -c d10
refused "a resync is cancelled" $EBUSY 57 -1 'd10: .*resync'
sick c /dev/sdc good
run metasync -w d10

sick c /dev/sdc no_writes
write_one
sick b /dev/sdb no_writes
refuse 'Input/output error' dd if=/dev/zero of=/dev/md/dsk/d10 bs=4k count=1 oflag=direct
same "states" "Last Erred Maintenance" "$(states d11) $(states d12)"
refused "no side has everything" $EBUSY 32 -1 'd10: a submirror needs maintenance'
sick b /dev/sdb good
sick c /dev/sdc good
run metareplace -e -w d10 /dev/mapper/c
same "states" "Maintenance Okay" "$(states d11) $(states d12)"

note "one that has everything is enough"
unchanged /tmp/bad_growth "$size"
run metattach -n d10
run metattach d10
same "size" "$size" "$(blockdev --getsz /dev/md/dsk/d10)"
dd if=/dev/urandom of=/dev/md/dsk/d10 bs=64k oflag=direct status=none || echo "it is full"
run metareplace -e -w d10 /dev/mapper/b
same "states" "Okay Okay" "$(states d11) $(states d12)"
same_sides d10
refused "it has grown" $EINVAL 68 0 "d11: has $size blocks, and d10 has $size"
run metaclear -r d10
run metaclear d13
run mdctl stop
run modprobe -r md_mirror md_stripe md_rs
