# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by scenarios, after disks.sh: . "$MD_TEST_LIB/log_writes.sh"
# A device of which every write is recorded, by dm-log-writes, in the order in which they became
# durable: after each of them the power could have gone.

# logged_disk NAME SECTORS DISK LOG: makes /dev/mapper/NAME of the first sectors of a disk; what is
# written to it goes to another disk as well.
logged_disk() {
	modprobe dm_log_writes 2>/dev/null || modprobe dm-log-writes
	mapped "$1.disk" "0 $2 linear $3 0"
	mapped "$1" "0 $2 log-writes /dev/mapper/$1.disk $4"
}

# mark NAME TEXT: that the log has come so far.
mark() { run dmsetup message "$1" 0 mark "$2"; }

# end_log NAME DISK: no more is written to it, and nobody finds what was.
end_log() {
	run dmsetup remove "$1"
	run dmsetup remove "$1.disk"
	run blkdiscard -zf "$2"
}

# replay_tool: makes a program.
# /tmp/replay LOG IMAGE: writes the entries of a log to an image, one after the other; after each
# one it prints the last mark that it has passed, and waits for a line.
replay_tool() {
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
}
