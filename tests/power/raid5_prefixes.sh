#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: all columns of a RAID5 metadevice are cut from one device of which every write is
#         recorded, in the order in which they became durable, while it is written to. After each of
#         them the power could have gone: what is read after a start from that moment on has every
#         sector that was acknowledged, and of those that were being written each is old or new;
#         also with any one column lost at that moment, when one of these may be an error instead,
#         and also with a column that was out of service before. The parity fits.
# Clause: DURABILITY 15, 16; issue 9: dm-log-writes
# Lanes: drawn
# Vm: --disks 2 --disk-size 64M
# Timeout: 400
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/log_writes.sh
. "$MD_TEST_LIB/log_writes.sh"
# shellcheck source=tests/lib/raid.sh
. "$MD_TEST_LIB/raid.sh"

# step DEVICE OLD NEW NUMBER SEED: the content OLD becomes NEW by three writes at once, each in a
# third of the metadevice: a few sectors, some whole rows, and some of both. Some are durable at
# once, the others are flushed afterwards.
cat >/tmp/step.c <<'C'
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define THIRD 320
#define ROW 64

int main(int argc, char **argv)
{
	long size = 3 * THIRD * 512, got;
	char *data = aligned_alloc(4096, size);
	int fd = open(argv[2], O_RDONLY), status, failed = 0;

	if (argc < 6 || fd < 0 || read(fd, data, size) != size)
		err(2, "%s", argv[2]);
	srandom(atol(argv[5]) * 1000 + atol(argv[4]));
	for (long part = 0; part < 3; part++) {
		long count = 1 + random() % 40, at, sync = random() % 2 ? O_DSYNC : 0;

		if (part == 1)
			count = ROW * (1 + random() % 3);
		if (part == 2)
			count = 1 + random() % 200;
		at = random() % (THIRD - count + 1);
		/* Thirds are of whole rows. */
		at = part * THIRD + (part == 1 ? at / ROW * ROW : at);
		for (long n = at; n < at + count; n++) {
			memset(data + n * 512, ' ', 512);
			snprintf(data + n * 512, 512, "%s %ld", argv[4], n);
		}
		if (fork())
			continue;
		/* Where the pages begin the data may, too. */
		fd = open(argv[1], O_WRONLY | O_DIRECT | sync);
		got = pwrite(fd, data + at * 512, count * 512, at * 512);
		if (got != count * 512 || (!sync && fdatasync(fd)))
			err(2, "%s", argv[1]);
		_exit(0);
	}
	while (wait(&status) > 0)
		failed |= status;
	fd = open(argv[3], O_WRONLY | O_CREAT | O_TRUNC, 0644);
	return failed || write(fd, data, size) != size;
}
C
gcc -O2 -Wall -o /tmp/step /tmp/step.c

# judge DEVICE OLD NEW may|must: each sector is that of one of the two files; only with "may" one
# that differs in them may be an error. It says how many are.
cat >/tmp/judge.c <<'C'
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char *block = aligned_alloc(4096, 4096), old[512], new[512];
	int fd = open(argv[1], O_RDONLY | O_DIRECT), may = !strcmp(argv[4], "may");
	int olds = open(argv[2], O_RDONLY), news = open(argv[3], O_RDONLY), lost = 0, wrong = 0;
	int is_lost = 0;

	if (argc < 5 || fd < 0 || olds < 0 || news < 0)
		err(2, "%s", argv[1]);
	for (long n = 0; pread(olds, old, 512, n * 512) == 512; n++) {
		int is_old, is_new;

		if (pread(news, new, 512, n * 512) != 512)
			err(2, "%s", argv[3]);
		if (n % 8 == 0)
			is_lost = pread(fd, block, 4096, n * 512) != 4096;
		if (is_lost) {
			lost++;
			if (may && memcmp(old, new, 512))
				continue;
			printf("sector %ld cannot be read\n", n);
			wrong = 1;
			continue;
		}
		is_old = !memcmp(block + n % 8 * 512, old, 512);
		is_new = !memcmp(block + n % 8 * 512, new, 512);
		if (is_old || is_new)
			continue;
		printf("sector %ld is '%.20s', not '%.20s' or '%.20s'\n", n,
		       block + n % 8 * 512, old, new);
		wrong = 1;
	}
	printf("lost %d\n", lost);
	return wrong;
}
C
gcc -O2 -Wall -o /tmp/judge /tmp/judge.c

d20=/dev/md/dsk/d20
rows=$((3 * 320 / 64))
length=$((COLUMN_START + rows * 32))
steps=${MD_LONG:+10}
steps=${steps:-3}
choices=(none 0 1 2)
RANDOM=$(small_seed)

# loops IMAGE LOST: makes devices of the columns in an image, but for one, and prints their names.
loops() {
	local n
	for n in 0 1 2; do
		[ "$n" = "$2" ] || losetup -f --show --offset $((n * length * 512)) \
			--sizelimit $((length * 512)) "$1"
	done
}

# tried MARK LOST: what a start finds after the write that was replayed last, without a column.
tried() {
	local mark=$1 lost=$2 found new device may=must
	new=/tmp/state.$((mark + 1))
	[ -e "$new" ] || new=/tmp/state.$mark
	[ "$lost" = none ] || may=may
	cp /tmp/image /tmp/copy
	cp /tmp/replica.kept /tmp/replica.copy
	mapfile -t devices < <(
		losetup -f --show /tmp/replica.copy
		loops /tmp/copy "$lost"
	)
	mdctl start >/tmp/said 2>&1 || {
		cat /tmp/said
		fail "write $writes, after step $mark, without column $lost: no start"
	}
	found=$(/tmp/judge $d20 /tmp/state."$mark" "$new" $may) || {
		metastat d20
		fail "write $writes, after step $mark, without column $lost: $found"
	}
	[ "$found" = "lost 0" ] || with_lost=$((with_lost + 1))
	# What is out of service has the parity of a moment that has passed.
	if [ "$lost" = none ] && [ "$kind" = healthy ]; then
		raid_from d20 check "${devices[@]:1}" ||
			fail "write $writes, after step $mark: the parity does not fit"
	fi
	mdctl stop >/dev/null
	for device in "${devices[@]}"; do losetup -d "$device"; done
	starts=$((starts + 1))
}

# all_prefixes KIND: of what is written to a metadevice that is healthy or degraded.
all_prefixes() {
	local n step lost mark table replay replica from to
	kind=$1 writes=0 starts=0 with_lost=0
	rm -f /tmp/state.*
	truncate -s 0 /tmp/replica.now
	truncate -s 8M /tmp/replica.now
	logged_disk columns $((3 * length)) /dev/sda /dev/sdb
	for n in 0 1 2; do
		mapped column$n "0 $length linear /dev/mapper/columns $((n * length))"
	done
	replica=$(losetup -f --show /tmp/replica.now)
	run metadb -a -f "$replica"
	run metainit d20 -r /dev/mapper/column{0,1,2} -i 16k
	wait_for 60 is_made d20
	sectors 0 0 $((rows * 64)) >/tmp/state.0
	run dd if=/tmp/state.0 of=$d20 bs=64k oflag=direct conv=fsync status=none
	if [ "$kind" = degraded ]; then
		# It is there again at the start, but it has missed something.
		table=$(dmsetup table column1)
		remap column1 "0 $length error"
		run dd if=/tmp/state.0 of=$d20 bs=64k oflag=direct conv=fsync status=none
		remap column1 "$table"
		columns_are d20 Okay,Maintenance,Okay || fail "column 1 is in service"
	fi
	mark columns 0
	# As it is when the power goes.
	sync
	cp /tmp/replica.now /tmp/replica.kept
	for ((step = 1; step <= steps; step++)); do
		run /tmp/step $d20 /tmp/state.$((step - 1)) /tmp/state.$step $step "$(small_seed)"
		mark columns $step
	done
	run mdctl stop
	losetup -d "$replica"
	for n in 0 1 2; do run dmsetup remove column$n; done
	end_log columns /dev/sda

	rm -f /tmp/image
	truncate -s $((3 * length * 512)) /tmp/image
	coproc REPLAY { /tmp/replay /dev/sdb /tmp/image; }
	# It is gone from the shell as soon as it has ended.
	exec {from}<&"${REPLAY[0]}" {to}>&"${REPLAY[1]}"
	replay=$REPLAY_PID
	while read -r mark <&"$from"; do
		[ "$mark" != dm-log-writes-end ] || mark=$steps
		if [ "$mark" != none ]; then
			writes=$((writes + 1))
			if [ "$kind" = degraded ]; then
				tried "$mark" none
			elif [ -n "${MD_LONG:-}" ]; then
				for lost in "${choices[@]}"; do tried "$mark" "$lost"; done
			else
				draw 0 3
				tried "$mark" "${choices[REPLY]}"
			fi
		fi
		echo >&"$to"
	done
	exec {from}<&- {to}>&-
	wait "$replay" || fail "the log could not be replayed"
	echo "$kind: $writes writes, $starts starts, $with_lost of them with lost blocks"
	[ $writes -gt $((steps * 6)) ] || fail "too few writes: this shows nothing"
}

raid_tool
replay_tool
modprobe md_rs
modprobe loop
all_prefixes healthy
all_prefixes degraded
