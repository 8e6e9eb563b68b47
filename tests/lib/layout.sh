# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by scenarios, after expect.sh: . "$MD_TEST_LIB/layout.sh"
# Where every sector of a metadevice should lie, calculated here in the slowest and most obvious
# way, and what the sectors of a disk hold.
#
# A map has a line "DEVICE WHERE SECTOR" for each sector of a metadevice. Contents have a line
# "DEVICE WHERE TEXT" for each sector of which it is known that it holds this text.

# make_numbers: builds /tmp/numbers, which numbers sectors past the page cache.
#   numbers write FILE TAG COUNT   puts the text "TAG n" into sector n, for n from 0 on
#   numbers list FILE              prints "n TEXT" for each sector, "n zero" if it holds zeros, and
#                                  "n damaged" if it holds neither
make_numbers() {
	cat >/tmp/numbers.c <<'C'
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Sectors in one read or write: whole blocks of 4 KiB, and not a whole number of interlaces. */
#define CHUNK 184L

static const char zeros[512];

static void list(const char *sector, long number)
{
	size_t length = strnlen(sector, 512);

	if (!memcmp(sector, zeros, 512))
		printf("%ld zero\n", number);
	else if (!length || length > 40 || memcmp(sector + length, zeros, 512 - length))
		printf("%ld damaged\n", number);
	else
		printf("%ld %s\n", number, sector);
}

int main(int argc, char **argv)
{
	int writing = argc == 5 && !strcmp(argv[1], "write");
	int fd = open(argv[2], (writing ? O_WRONLY : O_RDONLY) | O_DIRECT);
	char *data = aligned_alloc(4096, CHUNK * 512);
	long first = 0, n, most = writing ? atol(argv[4]) : LONG_MAX;
	ssize_t bytes = 1;

	while (fd >= 0 && bytes > 0 && first < most) {
		bytes = (most - first < CHUNK ? most - first : CHUNK) * 512;
		if (writing) {
			memset(data, 0, CHUNK * 512);
			for (n = 0; n < bytes / 512; n++)
				sprintf(data + n * 512, "%s %ld", argv[3], first + n);
			bytes = pwrite(fd, data, bytes, first * 512);
		} else {
			bytes = pread(fd, data, bytes, first * 512);
			for (n = 0; n < bytes / 512; n++)
				list(data + n * 512, first + n);
		}
		first += bytes / 512;
	}
	if (fd >= 0 && bytes >= 0 && (!writing || first == most))
		return 0;
	perror(argv[2]);
	return 1;
}
C
	gcc -O1 -Wall -o /tmp/numbers /tmp/numbers.c
}

# part DEVICE: a component, as place_sectors takes it: the device, its first sector for data, and
# the one behind its last. A metadevice (d10) has no reserved head.
part() {
	case $1 in
	d[0-9]*) echo "$1:0:$(blockdev --getsz "/dev/md/dsk/$1")" ;;
	*) echo "$1:2048:$(blockdev --getsz "$1")" ;;
	esac
}

# place_sectors BLOCK: reads rows, each a line "INTERLACE PART...", and prints the map of a
# metadevice made of them, whose logical block has BLOCK sectors. Interlaces are in sectors, too.
place_sectors() {
	awk -v block="$1" '{
		width = NF - 1
		granule = width > 1 ? $1 : block
		usable = -1
		for (c = 1; c <= width; c++) {
			split($(c + 1), part, ":")
			device[c] = part[1]
			start[c] = part[2]
			if (usable < 0 || part[3] - part[2] < usable)
				usable = part[3] - part[2]
		}
		for (used = 0; used + granule <= usable; used += granule)
			for (c = 1; c <= width; c++)
				for (n = 0; n < granule; n++)
					print device[c], start[c] + used + n, sector++
	}'
}

# resolve NAME MAP: a map on standard input, in which the metadevice NAME is replaced by what it is
# made of, which MAP says.
resolve() {
	awk -v name="$1" '
		NR == FNR { place[$3] = $1 " " $2; next }
		$1 == name { $0 = place[$2] " " $3 }
		{ print }' "$2" -
}

# contents TAG MAP: what the disks hold once every sector of a metadevice was numbered.
contents() { awk -v tag="$1" '{ print $1, $2, tag, $3 }' "$2"; }

# must_hold CONTENTS DEVICE...: what the file says of these devices is so, and all their other
# sectors hold what "numbers write DEVICE old" has put there.
must_hold() {
	local contents=$1 device
	for device in "${@:2}"; do
		awk -v device="$device" -v size="$(blockdev --getsz "$device")" '
			$1 == device { where = $2; sub(/^[^ ]+ [^ ]+ /, ""); text[where] = $0 }
			END { for (n = 0; n < size; n++) print n, n in text ? text[n] : "old " n }
		' "$contents" >/tmp/expected
		/tmp/numbers list "$device" >/tmp/found
		if ! cmp -s /tmp/expected /tmp/found; then
			diff /tmp/expected /tmp/found | head -n 20 || true
			fail "$device does not hold what it should (< expected, > found)"
		fi
	done
}

# number_disks DEVICE...: gives each sector of these devices the text "old n".
number_disks() {
	local device
	for device in "$@"; do
		/tmp/numbers write "$device" old "$(blockdev --getsz "$device")"
	done
}

# number_metadevice NAME MAP: gives each of its sectors the text "NAME n". Its size must be that of
# the map.
number_metadevice() {
	local name=$1 map=$2 size
	size=$(blockdev --getsz "/dev/md/dsk/$name")
	same "sectors of $name" "$(wc -l <"$map")" "$size"
	/tmp/numbers write "/dev/md/dsk/$name" "$name" "$size"
}
