#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a program changes its memory while it is being written, with O_DIRECT and through mmap.
#         What mmap writes is the same on all sides; what O_DIRECT writes may not be, a check of the
#         mirror finds it and says what to do; with the write policy "copy" it is the same, also
#         when there is no memory for copies but the reserve.
# Clause: DURABILITY 14; issue 7
# Lanes: drawn
# Vm: --disks 4 --disk-size 16M --smp 2
# Timeout: 300
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

d10=/dev/md/dsk/d10

# torn direct|mapped FILE ROUNDS: writes the first 4 MiB of a file again and again, 128 KiB at a
# time, or all of it by its mapping, while a thread changes each byte of the memory all the time.
cat >/tmp/torn.c <<'C'
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ALL (4 << 20)
#define PIECE (128 << 10)

static volatile unsigned char *memory;
static size_t length;
static volatile int stop;

static void *change(void *unused)
{
	unsigned char n = 0;

	while (!stop) {
		n++;
		for (size_t i = 0; i < length; i += 64)
			memory[i] = n;
	}
	return unused;
}

static void quit(const char *what)
{
	perror(what);
	exit(1);
}

int main(int argc, char **argv)
{
	int mapped = !strcmp(argv[1], "mapped"), rounds = atoi(argv[3]);
	int fd = open(argv[2], O_RDWR | (mapped ? 0 : O_DIRECT));
	pthread_t changer;

	if (argc != 4 || fd < 0)
		quit(argv[2]);
	length = mapped ? ALL : PIECE;
	memory = mmap(NULL, length, PROT_READ | PROT_WRITE,
		      mapped ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, mapped ? fd : -1, 0);
	if (memory == MAP_FAILED)
		quit("mmap");
	if (pthread_create(&changer, NULL, change, NULL))
		quit("pthread_create");
	for (int round = 0; round < rounds; round++) {
		if (mapped && msync((void *)memory, length, MS_SYNC))
			quit("msync");
		for (off_t at = 0; !mapped && at < ALL; at += PIECE)
			if (pwrite(fd, (void *)memory, PIECE, at) != PIECE)
				quit("pwrite");
	}
	stop = 1;
	pthread_join(changer, NULL);
	if (mapped && msync((void *)memory, length, MS_SYNC))
		quit("msync");
	return fsync(fd) || close(fd);
}
C
run gcc -O1 -Wall -o /tmp/torn /tmp/torn.c -pthread

# differing: how many of the blocks of 4 KiB that are written differ between the sides.
differing() {
	cmp -l <(side_data d11 $((4 << 20))) <(side_data d12 $((4 << 20))) |
		awk '{ block = int(($1 - 1) / 4096) } !seen[block]++ { n++ } END { print n + 0 }'
}

modprobe md_rs
run metadb -a -f -c 2 /dev/sda
run metadb -a -c 2 /dev/sdb
run metainit d11 1 1 /dev/sdc
run metainit d12 1 1 /dev/sdd
for side in d11 d12; do run blkdiscard -zf /dev/md/dsk/$side; done
run metainit d10 -m d11 d12 --assume-clean

note "parallel, O_DIRECT: the sides may differ"
rounds=0
while [ "$(differing)" = 0 ]; do
	rounds=$((rounds + 1))
	[ $rounds -le 40 ] || fail "in $rounds rounds nothing was torn: this shows nothing"
	run /tmp/torn direct $d10 4
done
echo "$(differing) blocks differ after $rounds rounds"
refuse 'differ' metasync --check -w d10
metastat d10 | tee /tmp/checked
grep -F "Writes: not copied; metaparam -w copy d10" /tmp/checked ||
	fail "it is not said how to prevent that"
run metasync --repair=d11 -w d10
same "blocks that differ" 0 "$(differing)"

note "parallel, mmap: the page cache keeps pages stable"
run mkfs.ext4 -qF -b 4096 $d10
run mount $d10 /mnt
run dd if=/dev/zero of=/mnt/mapped bs=1M count=4 status=none
run /tmp/torn mapped /mnt/mapped 20
run umount /mnt
same_sides d10

# torn_and_same ROUNDS: with copies nothing differs.
torn_and_same() {
	run /tmp/torn direct $d10 "$1"
	same "blocks that differ" 0 "$(differing)"
	verify_with_fio --filename=$d10 --rw=randwrite --bssplit=4k/50:64k/30:512k/20 --direct=1 \
		--ioengine=libaio --iodepth=32 --size=8M
	same_sides d10
}

note "copy: the sides are the same"
run metaparam -w copy d10
metastat d10 | grep -F "Write option: copy (-C)" || fail "metastat does not say so"
torn_and_same $((4 * rounds + 8))

if [ -e /sys/kernel/debug/fail_page_alloc/probability ]; then
	note "copy, while no memory is there without waiting: the reserve serves all"
	cd /sys/kernel/debug/fail_page_alloc
	echo Y >ignore-gfp-wait
	echo 0 >verbose
	echo 0 >min-order
	echo -1 >./times
	echo 100 >probability
	torn_and_same 2
	echo 0 >probability
	cd /
fi

note "it stays so over a restart, and can be asked for at the beginning"
run mdctl stop
run mdctl start
metastat d10 | grep -F "Write option: copy (-C)" || fail "it was forgotten"
torn_and_same 2
run metaclear d10
run metainit d10 -m d11 d12 -C --assume-clean
same "as metainit has it" "d10 -m d11 d12 -C 1" "$(metastat -p d10 | head -n 1)"
torn_and_same 2
run metaclear d10
