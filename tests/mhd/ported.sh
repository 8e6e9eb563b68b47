#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a program that was written for mhd(7I) works with our header and /dev/md/mhd: numbers,
#         structures, answers and errors are the manual's; a disk that another host has is bound
#         with O_NONBLOCK only, one that does not answer is neither ours nor another's, and what
#         is owned outlives the file.
# Clause: issue 10: mhd(7I), /dev/md/mhd
# Lanes: drawn
# Vm: --disks 1 --disk-size 16M
# Timeout: 120
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/lio.sh
. "$MD_TEST_LIB/lio.sh"

modprobe md_rs
run modprobe md_failfast
# shellcheck disable=SC2119
shared_disk

cat >/tmp/ported.c <<'C'
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "mhd.h"

_Static_assert(sizeof(struct mhioctkown) == 12, "");
_Static_assert(sizeof(mhioc_inkeys_t) == 16 && sizeof(mhioc_resv_desc_t) == 16, "");
_Static_assert(sizeof(mhioc_register_t) == 20 && sizeof(mhioc_preemptandabort_t) == 24, "");

/* expect WHAT CALL ANSWER: the call must end so; a negative answer is an errno. */
static void expect(const char *what, int found, int wanted)
{
	int answer = found < 0 ? -errno : found;

	printf("%s: %d\n", what, answer);
	if (answer != wanted) {
		printf("FAILED: wanted %d\n", wanted);
		exit(1);
	}
}

static int bound(const char *path, int flags, int wanted)
{
	struct mhd_bind bind = { .fd = -1, .path = (uint64_t)path };
	int fd = open("/dev/md/mhd", O_RDWR | flags);

	if (fd < 0)
		perror("/dev/md/mhd"), exit(1);
	expect("bind", ioctl(fd, MHD_BIND, &bind), wanted);
	return fd;
}

/* The same by a file of the disk, which is of no account from then on. */
static int bound_by_file(const char *path)
{
	struct mhd_bind bind = { .fd = open(path, O_RDONLY | O_NONBLOCK) };
	int fd = open("/dev/md/mhd", O_RDWR);

	expect("bind by a file", ioctl(fd, MHD_BIND, &bind), 0);
	close(bind.fd);
	bind.fd = fd;
	expect("bind by what is no disk", ioctl(open("/dev/md/mhd", O_RDWR), MHD_BIND, &bind),
	       -ENOTBLK);
	return fd;
}

/* Who has the file and no rights may do nothing with it. */
static void without_rights(int fd)
{
	uint32_t off = 0;
	int status;
	pid_t child = fork();

	if (!child) {
		struct mhd_bind bind = { .fd = fd };

		if (setuid(65534))
			exit(1);
		expect("bind without rights", ioctl(fd, MHD_BIND, &bind), -EPERM);
		expect("status without rights", ioctl(fd, MHIOCSTATUS), -EPERM);
		expect("take without rights", ioctl(fd, MHIOCTKOWN, 0), -EPERM);
		expect("failfast without rights", ioctl(fd, MHIOCENFAILFAST, &off), -EPERM);
		exit(0);
	}
	waitpid(child, &status, 0);
	expect("without rights", status, 0);
}

/* A disk that has no reservations of any kind. */
static void plain_disk(const char *path)
{
	mhioc_resv_key_t key = {};
	mhioc_key_list_t key_list = { .listsize = 1, .list = &key };
	mhioc_inkeys_t inkeys = { .li = &key_list };
	mhioc_register_t with = { .newkey = { "ABCDEFGH" } };
	int fd = bound(path, 0, 0);

	expect("status", ioctl(fd, MHIOCSTATUS), -ENOTSUP);
	expect("quick reserve", ioctl(fd, MHIOCQRESERVE), -ENOTSUP);
	expect("take", ioctl(fd, MHIOCTKOWN, 0), -ENOTSUP);
	expect("keys", ioctl(fd, MHIOCGRP_INKEYS, &inkeys), -ENOTSUP);
	expect("register", ioctl(fd, MHIOCGRP_REGISTER, &with), -ENOTSUP);
	expect("clear", ioctl(fd, MHIOCGRP_CLEAR, &key), -ENOTSUP);
}

static void free_disk(const char *path)
{
	mhioc_resv_key_t keys[4] = {};
	mhioc_key_list_t key_list = { .listsize = 1, .list = keys };
	mhioc_inkeys_t inkeys = { .li = &key_list };
	mhioc_resv_desc_t held[1] = {};
	mhioc_resv_desc_list_t held_list = { .listsize = 1, .list = held };
	mhioc_inresvs_t inresvs = { .li = &held_list };
	mhioc_register_t with = { .newkey = { "ABCDEFGH" }, .aptpl = 0 };
	mhioc_resv_desc_t desc = { .key = { "ABCDEFGH" }, .type = 5 };
	mhioc_preemptandabort_t preempt = { .resvdesc = desc, .victim_key = { "RIVALKEY" } };
	struct mhioctkown times = { .min_ownership_delay = 2000 };
	struct mhioctkown nonsense = { .min_ownership_delay = -1 };
	uint32_t off = 0, fence = MHD_FENCE, period = 1000;
	int unbound = open("/dev/md/mhd", O_RDWR), fd = bound(path, 0, 0);

	expect("unbound", ioctl(unbound, MHIOCSTATUS), -ENODEV);
	expect("status", ioctl(fd, MHIOCSTATUS), 0);
	expect("register", ioctl(fd, MHIOCGRP_REGISTER, &with), 0);
	expect("register without argument", ioctl(fd, MHIOCGRP_REGISTER, 0), -EINVAL);
	expect("register to nowhere", ioctl(fd, MHIOCGRP_REGISTER, 8), -EFAULT);
	expect("keys", ioctl(fd, MHIOCGRP_INKEYS, &inkeys), 0);
	expect("their number", key_list.listlen, 1);
	expect("the key", memcmp(keys, "ABCDEFGH", 8), 0);
	key_list.listsize = 0;
	expect("keys without room", ioctl(fd, MHIOCGRP_INKEYS, &inkeys), 0);
	expect("their number", key_list.listlen, 1);
	expect("reserve", ioctl(fd, MHIOCGRP_RESERVE, &desc), 0);
	desc.type = 2;
	expect("a kind that is none", ioctl(fd, MHIOCGRP_RESERVE, &desc), -EINVAL);
	expect("reservation", ioctl(fd, MHIOCGRP_INRESV, &inresvs), 0);
	expect("its number", held_list.listlen, 1);
	expect("its kind", held[0].type, 5);
	expect("its key", memcmp(&held[0].key, "ABCDEFGH", 8), 0);
	expect("preempt nobody", ioctl(fd, MHIOCGRP_PREEMPT, &preempt), -EACCES);
	expect("take what is shared", ioctl(fd, MHIOCTKOWN, &times), -EINVAL);
	expect("clear", ioctl(fd, MHIOCGRP_CLEAR, &desc.key), 0);
	expect("nonsense", ioctl(fd, MHIOCTKOWN, &nonsense), -EINVAL);
	expect("no such call", ioctl(fd, MHIOC | 13, 0), -ENOTTY);
	expect("take", ioctl(fd, MHIOCTKOWN, &times), 0);
	expect("action", ioctl(fd, MHD_SETACTION, &fence), 0);
	expect("failfast", ioctl(fd, MHIOCENFAILFAST, &period), 0);
	without_rights(fd);
	close(fd);
	fd = bound_by_file(path);
	expect("failfast off", ioctl(fd, MHIOCENFAILFAST, &off), 0);
	expect("still ours", ioctl(fd, MHIOCGRP_REGISTER, &with), -EINVAL);
	expect("release", ioctl(fd, MHIOCRELEASE), 0);
}

static void taken_disk(const char *path)
{
	int fd = bound(path, O_NONBLOCK, 0);

	expect("status", ioctl(fd, MHIOCSTATUS), 1);
	expect("quick reserve", ioctl(fd, MHIOCQRESERVE), -EACCES);
	bound(path, 0, -EIO);
}

/* No access and no conflict either: whose the disk is cannot be told. */
static void silent_disk(const char *path)
{
	mhioc_resv_key_t key;
	mhioc_key_list_t key_list = { .listsize = 1, .list = &key };
	mhioc_inkeys_t inkeys = { .li = &key_list };
	int fd = bound(path, O_NONBLOCK, 0);

	expect("status", ioctl(fd, MHIOCSTATUS), -EIO);
	expect("quick reserve", ioctl(fd, MHIOCQRESERVE), -EIO);
	expect("keys", ioctl(fd, MHIOCGRP_INKEYS, &inkeys), -EIO);
}

int main(int argc, char **argv)
{
	if (!strcmp(argv[1], "free"))
		free_disk(argv[2]);
	else if (!strcmp(argv[1], "taken"))
		taken_disk(argv[2]);
	else if (!strcmp(argv[1], "plain"))
		plain_disk(argv[2]);
	else
		silent_disk(argv[2]);
	return 0;
}
C
run gcc -Wall -I "$MD_TEST_LIB" -o /tmp/ported /tmp/ported.c
run /tmp/ported free "$ours"
run rival_reserves
run /tmp/ported taken "$ours"
echo offline >"$TARGET/loopback/naa.6001405000000001/tpgt_1/transport_status"
run /tmp/ported silent "$ours"
echo online >"$TARGET/loopback/naa.6001405000000001/tpgt_1/transport_status"
run /tmp/ported taken "$ours"
null_disk none size=16
run /tmp/ported plain /dev/none
# Whoever is not root cannot even open it.
refuse 'ermission' setpriv --reuid 65534 --clear-groups /tmp/ported taken "$ours"
