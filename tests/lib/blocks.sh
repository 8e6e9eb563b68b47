# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by scenarios: . "$MD_TEST_LIB/blocks.sh"

# make_blocks: builds /tmp/blocks, which finds out which blocks of 4 KiB fail.
#   blocks read|write one|batch DEVICE FIRST COUNT [TAG]
# reads or writes blocks one by one, or 64 in one io_submit, and prints "BLOCK ERRNO" for those
# that fail, and "BLOCK holds something else" if a sector that was read does not hold "TAG n", or
# "d10 n" without a tag.
make_blocks() {
	cat >/tmp/blocks.c <<'C'
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BLOCK 4096L
#define MOST 64

static const char *tag = "d10";
static char *data;
static long results[MOST];

/* Fills a block with what its sectors should hold. */
static void expected(char *block, long number)
{
	int n;

	memset(block, 0, BLOCK);
	for (n = 0; n < 8; n++)
		sprintf(block + n * 512, "%s %ld", tag, number * 8 + n);
}

static void batch(int fd, int writing, long first, long count)
{
	struct iocb iocbs[MOST], *list[MOST];
	struct io_event events[MOST];
	aio_context_t context = 0;
	long n;

	memset(iocbs, 0, sizeof(iocbs));
	for (n = 0; n < count; n++) {
		iocbs[n].aio_data = n;
		iocbs[n].aio_lio_opcode = writing ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
		iocbs[n].aio_fildes = fd;
		iocbs[n].aio_buf = (uintptr_t)(data + n * BLOCK);
		iocbs[n].aio_nbytes = BLOCK;
		iocbs[n].aio_offset = (first + n) * BLOCK;
		list[n] = iocbs + n;
	}
	if (syscall(SYS_io_setup, MOST, &context) ||
	    syscall(SYS_io_submit, context, count, list) != count ||
	    syscall(SYS_io_getevents, context, count, count, events, NULL) != count) {
		perror("aio");
		exit(1);
	}
	for (n = 0; n < count; n++)
		results[events[n].data] = events[n].res;
}

static void one(int fd, int writing, long first, long n)
{
	char *block = data + n * BLOCK;
	long at = (first + n) * BLOCK;

	results[n] = writing ? pwrite(fd, block, BLOCK, at) : pread(fd, block, BLOCK, at);
	if (results[n] < 0)
		results[n] = -errno;
}

static void some(int fd, int writing, int batched, long first, long count)
{
	char block[BLOCK];
	long n;

	memset(data, 0, MOST * BLOCK);
	for (n = 0; writing && n < count; n++)
		expected(data + n * BLOCK, first + n);
	if (batched)
		batch(fd, writing, first, count);
	for (n = 0; n < count; n++) {
		if (!batched)
			one(fd, writing, first, n);
		expected(block, first + n);
		if (results[n] != BLOCK)
			printf("%ld %ld\n", first + n, -results[n]);
		else if (memcmp(data + n * BLOCK, block, BLOCK))
			printf("%ld holds something else\n", first + n);
	}
}

int main(int argc, char **argv)
{
	int writing = !strcmp(argv[1], "write"), batched = !strcmp(argv[2], "batch");
	int fd = open(argv[3], (writing ? O_WRONLY : O_RDONLY) | O_DIRECT);
	long first = atol(argv[4]), end = first + atol(argv[5]);

	if (argc == 7)
		tag = argv[6];
	data = aligned_alloc(BLOCK, MOST * BLOCK);
	for (; first < end; first += MOST)
		some(fd, writing, batched, first, end - first < MOST ? end - first : MOST);
	return 0;
}
C
	gcc -O1 -Wall -o /tmp/blocks /tmp/blocks.c
}
