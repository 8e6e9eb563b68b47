#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: every sector of a concat of stripes lies where the rules say, and nowhere else: the
#         devices are compared sector by sector with a calculation made here, and the reserved heads
#         stay.
# Clause: svm.md 3.1, 3.3; DURABILITY 19
# Lanes: stock
# Vm: --disks 4 --disk-size 4M
# Timeout: 180
set -euo pipefail

# Sector n of the metadevice holds the text "sector n" and zeros.
cat >/tmp/numbers.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* numbers write FILE COUNT | numbers read FILE: prints "where what" for each numbered sector. */
int main(int argc, char **argv)
{
	char sector[512];
	int writing = argc == 4 && !strcmp(argv[1], "write");
	FILE *file = fopen(argv[2], writing ? "r+b" : "rb");
	long n, limit = writing ? atol(argv[3]) : 0;

	if (!file)
		return 1;
	for (n = 0; writing ? n < limit : fread(sector, 512, 1, file) == 1; n++) {
		if (writing) {
			memset(sector, 0, 512);
			sprintf(sector, "sector %ld", n);
			if (fwrite(sector, 512, 1, file) != 1)
				return 1;
		} else if (!memcmp(sector, "sector ", 7)) {
			printf("%ld %s\n", n, sector + 7);
		} else if (sector[0] || memcmp(sector, sector + 1, 511)) {
			printf("%ld damaged\n", n);
		}
	}
	return fclose(file) ? 1 : 0;
}
C
gcc -O1 -o /tmp/numbers /tmp/numbers.c

# Row 0: sda and sdb, interlace 16 sectors; row 1: sdc alone.
# A disk has 8192 sectors, of which 2048 are reserved: a row of two gives 2 * 6144.
modprobe md_rs
metainit d10 2 2 /dev/sda /dev/sdb -i 8k 1 /dev/sdc
size=$(blockdev --getsz /dev/md/dsk/d10)
[ "$size" = $((3 * 6144)) ] || { echo "d10 has $size sectors, not $((3 * 6144))"; exit 1; }
/tmp/numbers write /dev/md/dsk/d10 "$size"
sync /dev/md/dsk/d10
metaclear d10

expected() {
	awk -v disk="$1" 'BEGIN {
		for (n = 0; n < 3 * 6144; n++) {
			if (n < 2 * 6144) {
				segment = int(n / 16)
				on = segment % 2
				at = int(segment / 2) * 16 + n % 16
			} else {
				on = 2
				at = n - 2 * 6144
			}
			if (on == disk)
				print 2048 + at, n
		}
	}' | sort -n
}

disk=0
for device in sda sdb sdc; do
	/tmp/numbers read /dev/$device | sort -n >/tmp/found
	expected $disk >/tmp/expected
	cmp /tmp/found /tmp/expected || {
		echo "/dev/$device does not hold what it should (found, expected):"
		diff /tmp/found /tmp/expected | head
		exit 1
	}
	disk=$((disk + 1))
done
[ -z "$(/tmp/numbers read /dev/sdd)" ]
echo "$size sectors are where they should be"
