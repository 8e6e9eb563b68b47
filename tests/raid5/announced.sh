#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a row that is written as a whole is announced in the logs of all columns with the
#         checksums of what is then in place, the parity's included, whatever the number of columns
#         and the interlace; a program that knows only docs/format.md reads the logs. Part of a row
#         is there with its data.
# Clause: DURABILITY 16; issue 9
# Lanes: stock
# Vm: --disks 7 --disk-size 20M
# Timeout: 300
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/raid.sh
. "$MD_TEST_LIB/raid.sh"

cat >/tmp/log.c <<'C'
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOTS 8
#define SLOT_BYTES ((8 + 32 * 32) * 512L)
#define LOG_BYTES (SLOTS * SLOT_BYTES + 2 * 4096)

static uint32_t crc(const unsigned char *bytes, long count)
{
	uint32_t sum = ~0u;

	for (long i = 0; i < count; i++) {
		sum ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			sum = sum >> 1 ^ (sum & 1 ? 0x82f63b78 : 0);
	}
	return ~sum;
}

static uint64_t number(const unsigned char *at, int bytes)
{
	uint64_t found = 0;

	memcpy(&found, at, bytes);
	return found;
}

static void get(int fd, void *to, long bytes, long at)
{
	if (pread(fd, to, bytes, at) != bytes)
		err(2, "read");
}

/* log START COLUMN...: says of each column what the newest batch has for it. */
int main(int argc, char **argv)
{
	unsigned char *page = aligned_alloc(4096, 4096), *newest = aligned_alloc(4096, 4096);
	unsigned char *data = aligned_alloc(4096, 16384);
	long start = atol(argv[1]) * 512;

	for (int c = 2; c < argc; c++) {
		int fd = open(argv[c], O_RDONLY | O_DIRECT);
		uint64_t sequence = 0, behind = 4096;
		long slot = 0;

		if (fd < 0)
			err(2, "%s", argv[c]);
		for (long n = 0; n < SLOTS; n++) {
			uint32_t sum;

			get(fd, page, 4096, start + n * SLOT_BYTES);
			if (memcmp(page, "mdRAIDlg", 8) || number(page + 32, 8) <= sequence)
				continue;
			sum = number(page + 8, 4);
			memset(page + 8, 0, 4);
			if (crc(page, 4096) != sum)
				errx(1, "%s, slot %ld: the page is not whole", argv[c], n);
			sequence = number(page + 32, 8);
			slot = n;
			memcpy(newest, page, 4096);
		}
		for (unsigned n = 0; n < number(newest + 56, 4); n++) {
			unsigned char *entry = newest + 64 + 16 * n;
			long at = number(entry, 8), bytes = number(entry + 8, 2) * 512;
			int is_announced = number(entry + 10, 2);

			get(fd, data, bytes, start + LOG_BYTES + at * 512);
			if (crc(data, bytes) != number(entry + 12, 4))
				errx(1, "%s: entry %u is not what is in place", argv[c], n);
			printf("%s %ld\n", is_announced ? "announced" : "logged", bytes / 512);
			if (is_announced)
				continue;
			get(fd, data, bytes, start + slot * SLOT_BYTES + behind);
			if (crc(data, bytes) != number(entry + 12, 4))
				errx(1, "%s: entry %u is not what is in the slot", argv[c], n);
			behind += bytes;
		}
		/* What an earlier page had is not there any more. */
		for (long n = 64 + 16 * number(newest + 56, 4); n < 4096; n++)
			if (newest[n])
				errx(1, "%s: byte %ld of the page is not zero", argv[c], n);
	}
	return 0;
}
C
gcc -O2 -o /tmp/log /tmp/log.c
raid_tool

modprobe md_rs
run metadb -a -f -c 2 /dev/sdf
run metadb -a -c 2 /dev/sdg

# said WHAT: what the newest batch has for the columns, each kind once, with how often.
said() {
	/tmp/log 2048 "${disks[@]}" >/tmp/entries || fail "$1: the logs"
	sort /tmp/entries | uniq -c |
		awk '{ printf "%s%sx %s %s", (NR > 1 ? ", " : ""), $1, $2, $3 }'
}

# What metadevices of before have in their logs has other numbers.
wipe_logs() {
	local disk
	for disk in "${disks[@]}"; do
		dd if=/dev/zero of="$disk" bs=1M seek=1 count=5 oflag=direct status=none
	done
}

for count in 3 4 5; do
	disks=(/dev/sda /dev/sdb /dev/sdc /dev/sdd /dev/sde)
	disks=("${disks[@]:0:count}")
	# Blocks of 4 KiB in the interlace, of which a line has at most four.
	for blocks in 1 2 3 4 6; do
		note "$count columns, $blocks blocks"
		run metainit -f d20 -r "${disks[@]}" -i $((4 * blocks))k -k
		row=$((4096 * blocks * (count - 1)))
		# Rows enough that the pages have more to say than those that come after them.
		dd if=/dev/urandom of=/dev/md/dsk/d20 bs=$((row * 3)) count=3 oflag=direct \
			status=none
		case $blocks in
		6) expected="$((3 * count))x announced 16, $((3 * count))x announced 32" ;;
		*) expected="$((3 * count))x announced $((8 * blocks))" ;;
		esac
		same "three rows" "$expected" "$(said "three rows")"
		dd if=/dev/urandom of=/dev/md/dsk/d20 bs=$row count=1 seek=5 oflag=direct \
			status=none
		case $blocks in
		6) expected="${count}x announced 16, ${count}x announced 32" ;;
		*) expected="${count}x announced $((8 * blocks))" ;;
		esac
		same "a row" "$expected" "$(said "a row")"
		raid_from d20 check "${disks[@]}" || fail "the parity"
		run metaclear d20
		wipe_logs
	done
done

note "part of a row"
run metainit -f d20 -r "${disks[@]}" -i 16k -k
dd if=/dev/urandom of=/dev/md/dsk/d20 bs=4k count=1 seek=1 oflag=direct status=none
# The columns that have no part of it still have a page of before: that of the beginning.
same "a block" "2x logged 8" "$(said "a block")"
