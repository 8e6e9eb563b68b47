# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by scenarios: . "$MD_TEST_LIB/twin.sh"

# make_twin: builds /tmp/twin, which reads and writes a device in random places and sizes, does the
# same to memory, and compares the two.
#   twin DEVICE SEED COUNT BLOCK MOST direct|buffered
# makes COUNT reads and writes of up to MOST bytes, of whole blocks of BLOCK bytes. No block lies
# across two pages of memory, since null_blk confuses those of more than 512 bytes. At the end the
# whole device is read past the page cache.
make_twin() {
	cat >/tmp/twin.c <<'C'
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE (1L << 20)

static char *twin, *buffer;
static uint64_t state;

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

/* A length of any order of magnitude, so that small ones are frequent as well. */
static long draw_length(long block, long most)
{
	long bound = block, length;

	while (bound < most && next() % 8)
		bound *= 2;
	length = (1 + next() % bound) / block * block;
	return length < block ? block : length > most ? most : length;
}

/* A place with room for the length; now and then at the very start or end. */
static long draw_place(long size, long block, long length)
{
	switch (next() % 16) {
	case 0:
		return 0;
	case 1:
		return size - length;
	default:
		return next() % (size - length + block) / block * block;
	}
}

static void fill(char *data, long length)
{
	long n;

	for (n = 0; n < length; n++)
		data[n] = n % 8 ? data[n - n % 8] + n : next();
}

static void compare(const char *found, long place, long length)
{
	long n;

	for (n = 0; n < length && found[n] == twin[place + n]; n++)
		;
	if (n < length) {
		printf("byte %ld of sector %ld is %02x, not %02x\n", (place + n) % 512,
		       (place + n) / 512, found[n] & 255, twin[place + n] & 255);
		exit(1);
	}
}

static void check(int good, const char *what, long place, long length)
{
	if (good)
		return;
	fprintf(stderr, "%s %ld bytes at %ld: ", what, length, place);
	perror("");
	exit(1);
}

static void one(int fd, long size, long block, long most)
{
	long length = draw_length(block, most < size ? most : size / block * block);
	long place = draw_place(size, block, length);
	char *data = buffer + next() % 8 * (block < 512 ? 512 : block);

	if (next() % 5 < 2) {
		check(pread(fd, data, length, place) == length, "read", place, length);
		compare(data, place, length);
	} else {
		fill(data, length);
		check(pwrite(fd, data, length, place) == length, "write", place, length);
		memcpy(twin + place, data, length);
	}
}

int main(int argc, char **argv)
{
	long count = atol(argv[3]), block = atol(argv[4]), most = atol(argv[5]), place, got;
	int direct = open(argv[1], O_RDWR | O_DIRECT);
	int fd = strcmp(argv[6], "direct") ? open(argv[1], O_RDWR) : direct;
	long size = lseek(direct, 0, SEEK_END);

	check(argc == 7 && size > 0 && fd >= 0, "open", 0, 0);
	state = atol(argv[2]) * 2 + 1;
	twin = malloc(size);
	buffer = aligned_alloc(PIECE, (most / PIECE + 2) * PIECE);
	for (place = 0; place < size; place += got) {
		got = pread(direct, buffer, PIECE, place);
		check(got > 0, "read", place, PIECE);
		memcpy(twin + place, buffer, got);
	}
	while (count--)
		one(fd, size, block, most);
	check(!fsync(fd), "flush", 0, 0);
	for (place = 0; place < size; place += got) {
		got = pread(direct, buffer, PIECE, place);
		check(got > 0, "read", place, PIECE);
		compare(buffer, place, got);
	}
	return 0;
}
C
	gcc -O2 -Wall -o /tmp/twin /tmp/twin.c
}
