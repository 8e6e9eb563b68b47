#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: an error of a component is the caller's error for exactly the blocks that lie there: their
#         neighbours are read and written, also when the block layer has merged them into one
#         request; a failed flush is a failed fsync; all is counted and logged.
# Clause: svm.md 3.3, 3.5; DURABILITY 8, 9; issue 3
# Lanes: stock,debug
# Vm: --disks 3 --disk-size 16M
# Timeout: 300
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/layout.sh
. "$MD_TEST_LIB/layout.sh"

d10=/dev/md/dsk/d10

# blocks read|write one|batch DEVICE FIRST COUNT: reads or writes blocks of 4 KiB one by one, or all
# in one io_submit, and prints "BLOCK ERRNO" for those that fail. A sector holds "d10 n" before and
# after.
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

static char *data;
static long results[MOST];

/* Fills a block with what its sectors should hold. */
static void expected(char *block, long number)
{
	int n;

	memset(block, 0, BLOCK);
	for (n = 0; n < 8; n++)
		sprintf(block + n * 512, "d10 %ld", number * 8 + n);
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

int main(int argc, char **argv)
{
	int writing = !strcmp(argv[1], "write"), fd = open(argv[3], O_RDWR | O_DIRECT);
	long first = atol(argv[4]), count = atol(argv[5]), n;
	char block[BLOCK];

	data = aligned_alloc(BLOCK, MOST * BLOCK);
	memset(data, 0, MOST * BLOCK);
	for (n = 0; writing && n < count; n++)
		expected(data + n * BLOCK, first + n);
	if (!strcmp(argv[2], "batch"))
		batch(fd, writing, first, count);
	for (n = 0; n < count; n++) {
		if (!strcmp(argv[2], "one"))
			one(fd, writing, first, n);
		expected(block, first + n);
		if (results[n] != BLOCK)
			printf("%ld %ld\n", first + n, -results[n]);
		else if (memcmp(data + n * BLOCK, block, BLOCK))
			printf("%ld holds something else\n", first + n);
	}
	return 0;
}
C
gcc -O1 -Wall -o /tmp/blocks /tmp/blocks.c

# fails_at: prints "BLOCK 5" for each block of d10 that lies on the bad sectors of the map.
fails_at() {
	awk -v first="$bad" -v last=$((bad + bad_count - 1)) '
		$1 == "/dev/mapper/bad" && $2 >= first && $2 <= last { print int($3 / 8), 5 }
	' /tmp/map | sort -nu
}

# try read|write one|batch: block by block, or 48 in one go, over a part of d10 with all the bad
# blocks; those that fail must be those.
try() {
	local first
	note "$1, $2"
	for ((first = 0; first < 960; first += 48)); do
		/tmp/blocks "$1" "$2" $d10 $first 48
	done >/tmp/found
	fails_at >/tmp/expected
	diff /tmp/expected /tmp/found || fail "other blocks fail than should (< expected, > found)"
	echo "$(wc -l </tmp/found) blocks fail, as they should"
}

# errors KIND: how many errors of a kind the component on the bad disk has counted.
errors() { described d10 ".rows[0].components[1].$1_errors"; }

good_table="0 32768 linear /dev/sdb 0"
make_numbers
modprobe md_rs
mapped bad "$good_table"
run metainit d10 1 3 /dev/sda /dev/mapper/bad /dev/sdc -i 64k
echo "128 $(part /dev/sda) $(part /dev/mapper/bad) $(part /dev/sdc)" | place_sectors 1 >/tmp/map
number_metadevice d10 /tmp/map

# Ten sectors in the middle of an interlace: three blocks of d10, two of which are bad in part.
bad=$((2048 + 5 * 128 + 31))
bad_count=10
error_table="0 $bad linear /dev/sdb 0
$bad $bad_count error
$((bad + bad_count)) $((32768 - bad - bad_count)) linear /dev/sdb $((bad + bad_count))"
remap bad <<<"$error_table"
same "blocks that should fail" 3 "$(fails_at | wc -l)"
try read one
same "read errors and write errors" "3 0" "$(errors read) $(errors write)"
try write one
same "read errors and write errors" "3 3" "$(errors read) $(errors write)"
merged=$(count_of $d10 reads_merged)
try read batch
[ "$(count_of $d10 reads_merged)" -gt "$merged" ] || fail "nothing was merged: this shows nothing"
merged=$(count_of $d10 writes_merged)
try write batch
[ "$(count_of $d10 writes_merged)" -gt "$merged" ] || fail "nothing was merged: this shows nothing"

note "a large request over the bad sectors fails, one beside them does not"
refuse 'Input/output error' dd if=$d10 of=/dev/null bs=3M count=1 iflag=direct status=none
run dd if=$d10 of=/dev/null bs=1M skip=3 count=6 iflag=direct status=none

note "an error is no state: a stripe has nothing to put in a component's place"
same "states" "Okay Okay" "$(described d10 .state) $(described d10 '.rows[0].components[1].state')"
dmesg >/tmp/dmesg
for kind in read write; do
	grep -m 2 "d10: $kind error on /dev/mapper/bad" /tmp/dmesg ||
		fail "the kernel log does not tell of a $kind error"
done
same "errors of the other components" "0 0 0 0" \
	"$(described d10 '.rows[0].components[0,2] | .read_errors, .write_errors' | xargs)"
[ "$(described d10 '.rows[0].components[1].event')" != null ] || fail "the event has no time"

note "with the disk mended everything is there"
remap bad "$good_table"
bad_count=0
try read one
try write batch

note "a disk that takes no writes"
remap bad "0 32768 flakey /dev/sdb 0 0 100000 1 error_writes"
refuse 'Input/output error' dd if=/dev/zero of=$d10 bs=64k seek=1 count=1 oflag=direct status=none
run dd if=$d10 of=/dev/null bs=1M count=9 iflag=direct status=none
dd if=$d10 bs=64k count=1 of=/tmp/first status=none
run dd if=/tmp/first of=$d10 bs=64k count=1 conv=notrunc oflag=direct status=none

note "a disk that takes no flush: fsync reports it, though every write was fine"
failed=$(errors write)
refuse 'Input/output error' sync -d $d10
[ "$(errors write)" -gt "$failed" ] || fail "a failed flush is not counted"
refuse 'Input/output error' dd if=/tmp/first of=$d10 bs=64k count=1 conv=notrunc,fsync status=none
remap bad "$good_table"
run sync -d $d10
try read one

note "a disk that comes and goes"
remap bad "0 32768 flakey /dev/sdb 0 1 1"
good=0 failed=0
for _ in $(seq 60); do
	if dd if=$d10 of=/dev/null bs=64k skip=1 count=1 iflag=direct status=none 2>/dev/null; then
		good=$((good + 1))
	else
		failed=$((failed + 1))
	fi
	sleep 0.1
done
echo "$good reads succeeded, $failed failed"
if [ $good = 0 ] || [ $failed = 0 ]; then fail "both should have happened"; fi
remap bad "$good_table"
try read one
run metaclear d10
