#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a program of 32 bits, whose structures have shorter addresses, gets the same from
#         /dev/md/mhd as one of 64 bits; and who opens the device loads the module.
# Clause: issue 10: mhd(7I), the MHIOC numbers and structures
# Lanes: drawn,nodebug
# Vm: --disks 1 --disk-size 16M
# Timeout: 120
# Not on the debug kernel, which does not run such programs.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/lio.sh
. "$MD_TEST_LIB/lio.sh"

modprobe md_rs
# shellcheck disable=SC2119
shared_disk

# Without a C library, so that none of 32 bits is needed: only system calls.
cat >/tmp/short.c <<'C'
#include <asm/unistd_32.h>
#include "mhd.h"

_Static_assert(sizeof(void *) == 4, "");
_Static_assert(sizeof(mhioc_inkeys_t) == 8 && sizeof(mhioc_key_list_t) == 12, "");

static int call(int number, long a, long b, long c)
{
	int answer;

	__asm__ volatile("int $0x80" : "=a"(answer)
			 : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
	return answer;
}

static int same(const uint8_t *one, const char *other)
{
	for (int n = 0; n < 8; n++)
		if (one[n] != (uint8_t)other[n])
			return 0;
	return 1;
}

/* The number of the first thing that is not as it should be. */
static int wrong(const char *path)
{
	struct mhd_bind bind = { .fd = -1, .path = (uintptr_t)path };
	mhioc_resv_key_t keys[2] = {};
	mhioc_key_list_t key_list = { .listsize = 2, .list = keys };
	mhioc_inkeys_t inkeys = { .generation = 77777, .li = &key_list };
	mhioc_resv_desc_t held[1] = {};
	mhioc_resv_desc_list_t held_list = { .listsize = 1, .list = held };
	mhioc_inresvs_t inresvs = { .li = &held_list };
	mhioc_register_t with = { .newkey = { "ABCDEFGH" } };
	mhioc_resv_desc_t desc = { .key = { "ABCDEFGH" }, .type = 5 };
	struct mhioctkown times = { .min_ownership_delay = 2000 };
	uint32_t off = 0, fence = MHD_FENCE, period = 1000;
	int fd = call(__NR_open, (long)"/dev/md/mhd", 2, 0);
#define DO(number, argument) call(__NR_ioctl, fd, number, (long)(argument))

	if (fd < 0)
		return 1;
	if (DO(MHD_BIND, &bind) || DO(MHIOCSTATUS, 0))
		return 2;
	if (DO(MHIOCGRP_REGISTER, &with) || DO(MHIOCGRP_REGISTER, 0) != -22)
		return 3;
	if (DO(MHIOCGRP_INKEYS, &inkeys) || key_list.listlen != 1 || !same(keys[0].key, "ABCDEFGH"))
		return 4;
	if (inkeys.generation == 77777 || inkeys.li != &key_list || key_list.list != keys)
		return 5;
	if (keys[1].key[0] || key_list.listsize != 2)
		return 6;
	if (DO(MHIOCGRP_INKEYS, 8) != -14 || DO(MHIOCGRP_RESERVE, &desc))
		return 7;
	if (DO(MHIOCGRP_INRESV, &inresvs) || held_list.listlen != 1 || held[0].type != 5)
		return 8;
	if (!same(held[0].key.key, "ABCDEFGH") || inresvs.li != &held_list)
		return 9;
	if (DO(MHIOCGRP_CLEAR, &desc.key) || DO(MHIOC | 13, 0) != -25)
		return 10;
	if (DO(MHIOCTKOWN, &times) || DO(MHD_SETACTION, &fence))
		return 11;
	if (DO(MHIOCENFAILFAST, &period) || DO(MHIOCENFAILFAST, &off) || DO(MHIOCRELEASE, 0))
		return 12;
	return 0;
}

/* At the entry point the stack has the number of arguments, and then their addresses. */
__asm__(".globl _start\n_start:\n\tmov 8(%esp), %eax\n\tand $-16, %esp\n\tsub $12, %esp\n"
	"\tpush %eax\n\tcall begin\n");

void begin(const char *path)
{
	call(__NR_exit, wrong(path), 0, 0);
	__builtin_unreachable();
}
C
# The header names those of the C library; the folder for 64 bits lacks one that 32 bits want.
mkdir -p /tmp/short/gnu
touch /tmp/short/gnu/stubs-32.h
run gcc -m32 -O1 -Wall -fno-pie -fno-stack-protector -fno-tree-loop-distribute-patterns -nostdlib \
	-static -I /tmp/short -I /usr/include/x86_64-linux-gnu -I "$MD_TEST_LIB" \
	-o /tmp/short/program /tmp/short.c

note "opening the device loads the module"
[ ! -e /sys/module/md_failfast ] || fail "it is loaded already"
kmod static-nodes --format=tmpfiles | tee /dev/stderr | grep -q '/dev/md/mhd ' ||
	fail "who makes static nodes does not know of /dev/md/mhd"
mkdir -p /dev/md
read -r major minor < <(kmod static-nodes --format=tmpfiles |
	sed -n 's,.*/dev/md/mhd .* \([0-9]*\):\([0-9]*\).*,\1 \2,p')
run mknod -m 600 /dev/md/mhd c "$major" "$minor"
run /tmp/short/program "$ours"
[ -e /sys/module/md_failfast ] || fail "and yet it is not loaded"
