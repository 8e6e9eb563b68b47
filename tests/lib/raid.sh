# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# A program that reads a RAID5 metadevice from its columns, and knows nothing of ours: where each
# sector is, and what is on a column that is not there, it finds by itself.

# Where the data of a column begins, in sectors: behind the reserved head and the log.
COLUMN_START=$((2048 + 8272))

# Makes the program.
raid_tool() {
	cat >/tmp/raid.c <<'C'
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* By words: a guest is slow. */
static void add(char *to, const char *from, long size)
{
	for (long i = 0; i < size / 8; i++)
		((long *)to)[i] ^= ((const long *)from)[i];
}

/*
 * raid cat|check START INTERLACE ROWS ATTACHED left|svm COLUMN...: in sectors; a column that is "-"
 * is missing. The last ATTACHED columns have data only, each behind the other.
 */
int main(int argc, char **argv)
{
	int columns = argc - 7, fd[64], missing = -1, check = !strcmp(argv[1], "check");
	int attached = atoi(argv[5]), own = columns - attached, svm = !strcmp(argv[6], "svm");
	long start = atol(argv[2]), interlace = atol(argv[3]) * 512, rows = atol(argv[4]);
	char *chunk[64], *sum = aligned_alloc(4096, (interlace + 4095) / 4096 * 4096);

	for (int c = 0; c < columns; c++) {
		fd[c] = strcmp(argv[7 + c], "-") ? open(argv[7 + c], O_RDONLY | O_DIRECT) : -1;
		if (fd[c] < 0 && strcmp(argv[7 + c], "-"))
			err(2, "%s", argv[7 + c]);
		if (fd[c] < 0)
			missing = c;
		chunk[c] = aligned_alloc(4096, (interlace + 4095) / 4096 * 4096);
	}
	/* First the rows of the columns that it was made of, then those that were attached. */
	for (long turn = 0; turn < rows * (1 + (check ? 0 : attached)); turn++) {
		long row = turn % rows;
		int behind = turn / rows;

		for (int c = 0; c < columns; c++) {
			memset(chunk[c], 0, interlace);
			if (c != missing && pread(fd[c], chunk[c], interlace,
						  start * 512 + row * interlace) != interlace)
				err(2, "%s", argv[7 + c]);
		}
		for (int c = 0; missing >= 0 && c < columns; c++)
			if (c != missing)
				add(chunk[missing], chunk[c], interlace);
		memset(sum, 0, interlace);
		for (int c = 0; check && c < columns; c++)
			add(sum, chunk[c], interlace);
		for (long i = 0; i < interlace / 8; i++)
			if (((long *)sum)[i])
				errx(1, "row %ld, sector %ld: the parity is wrong", row, i / 64);
		if (behind && write(1, chunk[own + behind - 1], interlace) != interlace)
			err(2, "output");
		/* The parity goes to the left, or in SVM to the right; data begins behind it. */
		for (int d = 0; !check && !behind && d < own - 1; d++) {
			int parity = svm ? (row + own - 1) % own : own - 1 - row % own;

			if (write(1, chunk[(parity + 1 + d) % own], interlace) != interlace)
				err(2, "output");
		}
	}
	return 0;
}
C
	gcc -O2 -o /tmp/raid_tool /tmp/raid.c
}

# Rows of a metadevice.
raid_rows() { described "$1" ' | .size / (.interlace * ((.columns | length) - 1))'; }

# Columns that were attached, and how the parity goes around.
raid_attached() {
	described "$1" ' | (.columns | length) - (.original_columns // (.columns | length))'
}
raid_rotation() { described "$1" ' | if .svm_rotation then "svm" else "left" end'; }

# raid_from UNIT COMMAND COLUMN...: the program, for a metadevice and what are its columns.
raid_from() {
	local unit=$1 command=$2
	shift 2
	/tmp/raid_tool "$command" $COLUMN_START $(($(described "$unit" .interlace) / 512)) \
		"$(raid_rows "$unit")" "$(raid_attached "$unit")" "$(raid_rotation "$unit")" "$@"
}

# columns_tell UNIT COLUMN...: with any one column missing, and with none, the columns of a
# metadevice say what the metadevice says, and its parity is right.
columns_tell() {
	local unit=$1 expected column found n
	shift
	expected=$(checksum "/dev/md/dsk/$unit")
	found=$(raid_from "$unit" cat "$@" | sha256sum)
	same "$unit, from its columns" "$expected" "${found%% *}"
	raid_from "$unit" check "$@" || fail "the parity of $unit"
	for ((n = 1; n <= $#; n++)); do
		column=("${@:1:n-1}" - "${@:n+1}")
		found=$(raid_from "$unit" cat "${column[@]}" | sha256sum)
		same "$unit, without ${!n}" "$expected" "${found%% *}"
	done
}

column_states() { described "$1" ' | [.columns[].state] | join(",")'; }

columns_are() { [ "$(column_states "$1")" = "$2" ]; }

# Whether nothing of a metadevice is being made.
is_made() { [ "$(described "$1" .resync)" = null ]; }
