#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: wrong requests to attach, detach, offline, online, replace and resync get the right errno
#         and refusal, and change nothing: neither what metastat says nor what is on the disks. Nor
#         does a request that only asks for a check.
# Clause: admin.rs rules 1 to 4; svm.md 4.9; issue 7
# Lanes: drawn
# Vm: --disks 9 --disk-size 16M
# Timeout: 300
# What is compared: errno, refusal and index of each request; the document of metastat, the nodes,
# the holders in sysfs and the checksums of all disks before and after.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

cat >/tmp/bad_resync.c <<'C'
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi.h"

static int fd, failed;
static struct attach attach;
static struct change_side change;
static struct replace replace;
static struct sync sync_;

static void component(struct component *to, const char *path)
{
	struct stat device;

	if (stat(path, &device)) {
		perror(path);
		failed = 1;
	}
	memset(to, 0, sizeof(*to));
	to->dev = device.st_rdev;
	to->start = ~0ULL;
	strcpy(to->device, path);
}

/*
 * d20 is a mirror of d21 and d22, of /dev/mapper/bad, which is out of service; d40 is one of four
 * sides. d11 is free, and so is /dev/sde.
 */
static void make_good(void)
{
	attach = (struct attach){ .h = { .version = ABI_VERSION, .size = sizeof(attach) },
				  .name = "d20" };
	component(&attach.submirror, "/dev/md/dsk/d11");
	change = (struct change_side){ .h = { .version = ABI_VERSION, .size = sizeof(change) },
				       .name = "d40", .submirror = "d41",
				       .action = SIDE_OFFLINE };
	replace = (struct replace){ .h = { .version = ABI_VERSION, .size = sizeof(replace) },
				    .name = "d20", .submirror = "d22",
				    .old = "/dev/mapper/bad" };
	component(&replace.new, "/dev/sde");
	sync_ = (struct sync){ .h = { .version = ABI_VERSION, .size = sizeof(sync_) },
			       .name = "d20", .action = SYNC_START };
}

/* An ioctl that must fail with an errno, and say why with a refusal, at this side or component. */
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
#define ATTACH_BAD(what, how, ...) BAD("attach: " what, ATTACH, attach, how, __VA_ARGS__)
#define SIDE_BAD(what, how, ...) BAD("side: " what, CHANGE_SIDE, change, how, __VA_ARGS__)
#define REPLACE_BAD(what, how, ...) BAD("replace: " what, REPLACE, replace, how, __VA_ARGS__)
#define SYNC_BAD(what, how, ...) BAD("sync: " what, SYNC, sync_, how, __VA_ARGS__)

/* What only asks for a check succeeds. */
static void good_checks(void)
{
	make_good();
	attach.flags = CHECK_ONLY;
	if (ioctl(fd, ATTACH, &attach)) {
		printf("check of attaching: errno %d, refusal %u\n", errno, attach.h.refusal);
		failed = 1;
	}
	make_good();
	replace.flags = REPLACE_CHECK_ONLY;
	if (ioctl(fd, REPLACE, &replace)) {
		printf("check of replacing: errno %d, refusal %u\n", errno, replace.h.refusal);
		failed = 1;
	}
	make_good();
	component(&replace.new, "/dev/mapper/bad");
	replace.flags = REPLACE_CHECK_ONLY | REPLACE_ENABLE;
	if (ioctl(fd, REPLACE, &replace)) {
		printf("check of enabling: errno %d, refusal %u\n", errno, replace.h.refusal);
		failed = 1;
	}
}

static void attaching(void)
{
	ATTACH_BAD("version", attach.h.version = ABI_VERSION - 1, EPROTO, 1, -1);
	ATTACH_BAD("size", attach.h.size -= 8, EINVAL, 2, -1);
	ATTACH_BAD("huge size", attach.h.size = ~0u, EINVAL, 2, -1);
	ATTACH_BAD("header", attach.h.reserved[1] = 1, EINVAL, 3, -1);
	ATTACH_BAD("unknown flag", attach.flags = 2, EINVAL, 3, -1);
	ATTACH_BAD("unknown flags", attach.flags = ~0u, EINVAL, 3, -1);
	ATTACH_BAD("reserved", attach.reserved = 1, EINVAL, 3, -1);
	ATTACH_BAD("state", attach.submirror.state = 1, EINVAL, 3, 0);
	ATTACH_BAD("reserved of a component", attach.submirror.spare = 1, EINVAL, 3, 0);
	ATTACH_BAD("errors", attach.submirror.write_errors = 1, EINVAL, 3, 0);
	ATTACH_BAD("bad name", strcpy(attach.name, "x"), EINVAL, 4, -1);
	ATTACH_BAD("endless name", memset(attach.name, 'd', 32), EINVAL, 4, -1);
	ATTACH_BAD("to nothing", strcpy(attach.name, "d78"), ENXIO, 6, -1);
	ATTACH_BAD("to a stripe", strcpy(attach.name, "d11"), EINVAL, 27, -1);
	ATTACH_BAD("a fifth side", strcpy(attach.name, "d40"), ENOSPC, 54, -1);
	ATTACH_BAD("a disk", component(&attach.submirror, "/dev/sde"), EINVAL, 29, 0);
	ATTACH_BAD("a mirror", component(&attach.submirror, "/dev/md/dsk/d40"), EINVAL, 29, 0);
	ATTACH_BAD("a side of its own", component(&attach.submirror, "/dev/md/dsk/d21"), EBUSY, 14,
		   0);
	ATTACH_BAD("a side of another", component(&attach.submirror, "/dev/md/dsk/d41"), EBUSY, 14,
		   0);
	ATTACH_BAD("a small one", component(&attach.submirror, "/dev/md/dsk/d12"), ENOSPC, 16, 0);
	ATTACH_BAD("large blocks", component(&attach.submirror, "/dev/md/dsk/d13"), EINVAL, 33, 0);
	ATTACH_BAD("no device", attach.submirror.dev = 0xfff00000, ENXIO, 13, 0);
}

static void sides(void)
{
	SIDE_BAD("version", change.h.version = ABI_VERSION + 1, EPROTO, 1, -1);
	SIDE_BAD("size", change.h.size += 8, EINVAL, 2, -1);
	SIDE_BAD("header", change.h.reserved[0] = 1, EINVAL, 3, -1);
	SIDE_BAD("no action", change.action = 0, EINVAL, 3, -1);
	SIDE_BAD("unknown action", change.action = 4, EINVAL, 3, -1);
	SIDE_BAD("huge action", change.action = ~0u, EINVAL, 3, -1);
	SIDE_BAD("unknown flag", change.flags = 2, EINVAL, 3, -1);
	SIDE_BAD("force and more", change.flags = ~0u, EINVAL, 3, -1);
	SIDE_BAD("online by force", (change.action = SIDE_ONLINE, change.flags = SIDE_FORCE),
		 EINVAL, 3, -1);
	SIDE_BAD("bad name", strcpy(change.name, ""), EINVAL, 4, -1);
	SIDE_BAD("bad name of a side", strcpy(change.submirror, "d8192"), EINVAL, 4, -1);
	SIDE_BAD("of nothing", strcpy(change.name, "d78"), ENXIO, 6, -1);
	SIDE_BAD("of a stripe", strcpy(change.name, "d11"), EINVAL, 27, -1);
	SIDE_BAD("that is none", strcpy(change.submirror, "d11"), EINVAL, 55, -1);
	SIDE_BAD("of another mirror", strcpy(change.submirror, "d21"), EINVAL, 55, -1);
	SIDE_BAD("that does not exist", strcpy(change.submirror, "d78"), EINVAL, 55, -1);
	SIDE_BAD("the mirror itself", strcpy(change.submirror, "d40"), EINVAL, 55, -1);
	SIDE_BAD("that is online", change.action = SIDE_ONLINE, EBUSY, 59, 0);
	SIDE_BAD("the last good one",
		 (strcpy(change.name, "d20"), strcpy(change.submirror, "d21")), EBUSY, 56, 0);
	SIDE_BAD("the last good one by force",
		 (strcpy(change.name, "d20"), strcpy(change.submirror, "d21"), change.flags = 1),
		 EBUSY, 56, 0);
	SIDE_BAD("the last good one, detached by force",
		 (strcpy(change.name, "d20"), strcpy(change.submirror, "d21"), change.flags = 1,
		  change.action = SIDE_DETACH),
		 EBUSY, 56, 0);
	SIDE_BAD("a bad one", (strcpy(change.name, "d20"), strcpy(change.submirror, "d22")), EBUSY,
		 32, 1);
	SIDE_BAD("the only one",
		 (strcpy(change.name, "d30"), strcpy(change.submirror, "d31"), change.flags = 1,
		  change.action = SIDE_DETACH),
		 EBUSY, 56, 0);
}

static void replacing(void)
{
	REPLACE_BAD("version", replace.h.version = 0, EPROTO, 1, -1);
	REPLACE_BAD("size", replace.h.size = 0, EINVAL, 2, -1);
	REPLACE_BAD("header", replace.h.reserved[0] = 1, EINVAL, 3, -1);
	REPLACE_BAD("unknown flag", replace.flags = 8, EINVAL, 3, -1);
	REPLACE_BAD("unknown flags", replace.flags = ~0u, EINVAL, 3, -1);
	REPLACE_BAD("state", replace.new.state = 1, EINVAL, 3, 0);
	REPLACE_BAD("reserved of a component", replace.new.spare = 1, EINVAL, 3, 0);
	REPLACE_BAD("bad name", strcpy(replace.name, "d"), EINVAL, 4, -1);
	REPLACE_BAD("bad name of a side", strcpy(replace.submirror, "sda"), EINVAL, 4, -1);
	REPLACE_BAD("of nothing", strcpy(replace.name, "d78"), ENXIO, 6, -1);
	REPLACE_BAD("of a stripe", strcpy(replace.name, "d11"), EINVAL, 27, -1);
	REPLACE_BAD("of what is no side", strcpy(replace.submirror, "d11"), EINVAL, 55, -1);
	REPLACE_BAD("of another mirror's", strcpy(replace.submirror, "d41"), EINVAL, 55, -1);
	REPLACE_BAD("index out of range", replace.index = 1, ENXIO, 60, -1);
	REPLACE_BAD("huge index", replace.index = ~0u, ENXIO, 60, -1);
	REPLACE_BAD("another path", strcpy(replace.old, "/dev/sda"), ENXIO, 60, -1);
	REPLACE_BAD("no path", memset(replace.old, 0, 200), ENXIO, 60, -1);
	REPLACE_BAD("endless path", memset(replace.old, '/', 200), ENXIO, 60, -1);
	REPLACE_BAD("a path and more", replace.old[100] = 'x', ENXIO, 60, -1);
	REPLACE_BAD("by one in use", component(&replace.new, "/dev/mapper/good"), EBUSY, 14, 0);
	REPLACE_BAD("by a mirror", component(&replace.new, "/dev/md/dsk/d40"), EINVAL, 30, 0);
	REPLACE_BAD("by its own mirror", component(&replace.new, "/dev/md/dsk/d20"), EINVAL, 30, 0);
	REPLACE_BAD("by its own side", component(&replace.new, "/dev/md/dsk/d22"), EBUSY, 14, 0);
	REPLACE_BAD("by a side", component(&replace.new, "/dev/md/dsk/d41"), EBUSY, 14, 0);
	REPLACE_BAD("by a small one", component(&replace.new, "/dev/mapper/small2"), ENOSPC, 16,
		    -1);
	REPLACE_BAD("by large blocks", component(&replace.new, "/dev/large2"), EINVAL, 33, 0);
	REPLACE_BAD("by no device", replace.new.dev = 0xfff00000, ENXIO, 13, 0);
	REPLACE_BAD("enabled while in service",
		    (strcpy(replace.submirror, "d21"), strcpy(replace.old, "/dev/mapper/good"),
		     component(&replace.new, "/dev/mapper/good"), replace.flags = REPLACE_ENABLE),
		    EBUSY, 61, 0);
	REPLACE_BAD("the last copy",
		    (strcpy(replace.submirror, "d21"), strcpy(replace.old, "/dev/mapper/good")),
		    EBUSY, 56, 0);
	REPLACE_BAD("the only side",
		    (strcpy(replace.name, "d30"), strcpy(replace.submirror, "d31"),
		     memset(replace.old, 0, 200), strcpy(replace.old, "/dev/sdd")),
		    EBUSY, 56, 0);
}

static void syncing(void)
{
	SYNC_BAD("version", sync_.h.version = ~0u, EPROTO, 1, -1);
	SYNC_BAD("size", sync_.h.size = 8, EINVAL, 2, -1);
	SYNC_BAD("header", sync_.h.reserved[1] = 1, EINVAL, 3, -1);
	SYNC_BAD("no action", sync_.action = 0, EINVAL, 3, -1);
	SYNC_BAD("unknown action", sync_.action = 5, EINVAL, 3, -1);
	SYNC_BAD("nothing to pause", (strcpy(sync_.name, "d40"), sync_.action = SYNC_PAUSE),
		 EINVAL, 63, -1);
	SYNC_BAD("nothing to resume", (strcpy(sync_.name, "d40"), sync_.action = SYNC_RESUME),
		 EINVAL, 63, -1);
	SYNC_BAD("reserved", sync_.reserved = 1, EINVAL, 3, -1);
	SYNC_BAD("bad name", strcpy(sync_.name, "d01"), EINVAL, 4, -1);
	SYNC_BAD("of nothing", strcpy(sync_.name, "d78"), ENXIO, 6, -1);
	SYNC_BAD("of a stripe", strcpy(sync_.name, "d21"), EINVAL, 27, -1);
	SYNC_BAD("nothing to do", strcpy(sync_.name, "d40"), EINVAL, 63, -1);
	SYNC_BAD("nothing to cancel", (strcpy(sync_.name, "d40"), sync_.action = SYNC_CANCEL),
		 EINVAL, 63, -1);
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
		bad("no rights", ATTACH, &attach, EPERM, 0, 0);
		bad("no rights", CHANGE_SIDE, &change, EPERM, 0, 0);
		bad("no rights", REPLACE, &replace, EPERM, 0, 0);
		bad("no rights", SYNC, &sync_, EPERM, 0, 0);
		return failed;
	}
	bad("bad address", ATTACH, memset(&attach, 0, sizeof(attach)), EPROTO, 1, -1);
	if (!ioctl(fd, ATTACH, 8) || errno != EFAULT || !ioctl(fd, CHANGE_SIDE, 8) ||
	    errno != EFAULT || !ioctl(fd, REPLACE, 8) || errno != EFAULT || !ioctl(fd, SYNC, 8) ||
	    errno != EFAULT) {
		printf("a bad address: errno %d\n", errno);
		failed = 1;
	}
	attaching();
	sides();
	replacing();
	syncing();
	good_checks();
	return failed;
}
C
gcc -O1 -Wall -I "$MD_TEST_LIB" -o /tmp/bad_resync /tmp/bad_resync.c

state() {
	metastat --json
	ls -l /dev/md/dsk
	find /sys/block/*/holders /sys/block/*/slaves -mindepth 1 | sort
	for disk in a b c d e f g h i; do checksum /dev/sd$disk; done
}

modprobe md_rs
null_disk large size=16 blocksize=4096
null_disk large2 size=16 blocksize=4096
mapped small "0 16384 linear /dev/sdi 0"
mapped small2 "0 12288 linear /dev/sdi 16384"
sick good /dev/sdb good
sick bad /dev/sdc good
run metadb -a -f /dev/sda
run metainit d21 1 1 /dev/mapper/good
run metainit d22 1 1 /dev/mapper/bad
run metainit d20 -m d21 d22 --assume-clean
run metainit d31 1 1 /dev/sdd
run metainit d30 -m d31
run metainit d11 1 1 /dev/sdf
run metainit d12 1 1 /dev/mapper/small
run metainit d13 1 1 /dev/large
for part in "d41 12288" "d42 16384" "d43 20480" "d44 24576"; do
	read -r name first <<<"$part"
	mapped "$name" "0 4096 linear /dev/sdg $first"
	run metainit "$name" 1 1 "/dev/mapper/$name"
done
run metainit d40 -m d41 d42 d43 d44 --assume-clean
sick bad /dev/sdc no_writes
run dd if=/dev/zero of=/dev/md/dsk/d20 bs=4k count=1 oflag=direct status=none
sick bad /dev/sdc good
same "states" "Okay,Needs maintenance" "$(states d20)"
clean() { mdctl dump /dev/sda | grep -A 1 'd20: mirror' | grep -qE ' 0 dirty'; }
wait_for 60 clean

note "nothing of this is carried out"
state >/tmp/before
/tmp/bad_resync || fail "see above"
chmod 666 /dev/md/admin
setpriv --reuid 65534 --regid 65534 --clear-groups /tmp/bad_resync || fail "see above"
state | diff /tmp/before - || fail "bad input has changed something"

note "what was asked of it can be done afterwards"
run metattach -w d20 d11
run metareplace -w d20 /dev/mapper/bad /dev/sde
same "states" "Okay,Okay,Okay" "$(states d20)"
run metaoffline d40 d41
run metaonline -w d40 d41
for name in d20 d30 d40; do run metaclear -r $name; done
for name in d12 d13; do run metaclear $name; done
run mdctl stop
run rmmod md_mirror
run rmmod md_stripe
run rmmod md_rs
