#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: every write to a replica is recorded, and after each of them the power could have gone: a
#         set that is loaded from what was written by then has all changes that were confirmed, the
#         one in progress or not, and nothing else.
# Clause: DURABILITY 4, 7; issue 6: dm-log-writes
# Lanes: drawn
# Vm: --disks 4 --disk-size 32M
# Timeout: 400
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"

# replay LOG IMAGE: writes the entries of a log of dm-log-writes to an image, one after the other;
# after each, and at each mark, it prints the last mark that it has passed, and waits for a line.
cat >/tmp/replay.c <<'C'
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAGIC 0x6a736677736872ULL
#define DISCARD 4
#define MARK 8

struct super {
	uint64_t magic, version, entries;
	uint32_t block;
};

struct entry {
	uint64_t sector, count, flags, length;
	char text[];
};

static void quit(const char *what)
{
	perror(what);
	exit(1);
}

int main(int argc, char **argv)
{
	int log = open(argv[1], O_RDONLY), image = open(argv[2], O_RDWR);
	struct super super;
	struct entry *entry;
	off_t at;
	uint64_t n;
	char mark[64] = "none", line[16], *data;

	if (argc < 3 || log < 0 || image < 0 || pread(log, &super, sizeof(super), 0) < 0)
		quit(argv[1]);
	if (super.magic != MAGIC || super.version != 1)
		quit("no log");
	at = super.block;
	entry = malloc(super.block);
	for (n = 0; n < super.entries; n++) {
		if (pread(log, entry, super.block, at) < (ssize_t)super.block)
			quit("entry");
		at += super.block;
		if (entry->flags & MARK) {
			snprintf(mark, sizeof(mark), "%.*s", (int)entry->length, entry->text);
		} else if (entry->flags & DISCARD || !entry->count) {
			continue;
		}
		data = malloc(entry->count * super.block);
		if (pread(log, data, entry->count * super.block, at) < 0 ||
		    pwrite(image, data, entry->count * super.block, entry->sector * 512) < 0)
			quit("data");
		at += entry->count * super.block;
		free(data);
		printf("%s\n", mark);
		fflush(stdout);
		if (!fgets(line, sizeof(line), stdin))
			return 1;
	}
	return 0;
}
C
gcc -O1 -Wall -o /tmp/replay /tmp/replay.c

units() { metastat -p | sort | awk '{ print $1 ($1 == "d10" && / -r / ? "r" : "") }' | xargs; }
mark() { run dmsetup message logged 0 mark "$1"; }

modprobe md_rs
modprobe loop
modprobe dm_log_writes 2>/dev/null || modprobe dm-log-writes
size=$((2048 * 2))
mapped small "0 $size linear /dev/sdb 0"
mapped logged "0 $size log-writes /dev/mapper/small /dev/sdc"
run metadb -a -f /dev/mapper/logged
# What there is after each change.
states=()
changes=("metainit d1 1 1 /dev/sda" "metainit d10 -m d1" "metaparam -r first d10"
	"metainit d2 1 1 /dev/sdd" "metaclear d10" "metaclear d2")
states+=("$(units)")
mark 0
for n in "${!changes[@]}"; do
	# shellcheck disable=SC2086
	run ${changes[n]}
	mark $((n + 1))
	states+=("$(units)")
done
run mdctl stop
run dmsetup remove logged
run dmsetup remove small
run wipefs -qaf /dev/sdb
dd if=/dev/zero of=/dev/sdb bs=1M count=2 oflag=direct status=none

# The set is loaded from a copy each time, since a start writes, too.
truncate -s $((size * 512)) /tmp/image
coproc REPLAY { /tmp/replay /dev/sdc /tmp/image; }
writes=0 without=0
while read -r mark <&"${REPLAY[0]}"; do
	writes=$((writes + 1))
	# The mark that device-mapper makes by itself when the device goes.
	[ "$mark" != dm-log-writes-end ] || mark=$((${#states[@]} - 1))
	cp /tmp/image /tmp/copy
	loop=$(losetup -f --show /tmp/copy)
	if mdctl start >/tmp/said 2>&1; then
		found=$(units)
		mdctl stop >/dev/null
	else
		found="no set"
		without=$((without + 1))
	fi
	losetup -d "$loop"
	if [ "$mark" = none ]; then
		may_be=("no set" "")
	else
		may_be=("${states[mark]}" "${states[mark + 1]-${states[mark]}}")
	fi
	[ "$found" = "${may_be[0]}" ] || [ "$found" = "${may_be[1]}" ] || {
		cat /tmp/said
		fail "write $writes, after change $mark: found '$found', not one of '${may_be[*]}'"
	}
	echo >&"${REPLAY[1]}"
done
echo "$writes writes, $without of them before there was a set"
[ $writes -gt 20 ] || fail "too few writes: this shows nothing"
same "after the last one" "${states[-1]}" "$found"
